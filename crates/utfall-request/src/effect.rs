//! The effect of a request: which rows are compared, and every standard error that was asked for.

use utfall_core::{Arm, Estimand, Estimate};
use utfall_effects::{
    Balanced, DegreesOfFreedom, EffectError, Grouping, Inference, MatchedSample, ScoreFit,
    StandardError, TargetMeans, adjusted_difference, balanced_difference, matched_difference,
    matched_difference_in_differences, score_weighted_difference,
};
use utfall_matching::Comparison;
use utfall_stats::moments;

use crate::g_computation::{Compared, OutcomeModel};
use crate::table::Table;
use crate::{ClusterBy, Effect, Estimator, Numbers, RequestError};

/// What an effect is estimated on.
pub(crate) struct Sample<'a> {
    pub(crate) table: &'a Table,
    pub(crate) treated: &'a [bool],
    pub(crate) matched: Option<&'a dyn Comparison>,
    pub(crate) weights: Option<&'a [f64]>,
    /// The columns behind the weights, for an error that carries their uncertainty.
    pub(crate) weighted_on: &'a [Vec<f64>],
    /// The score behind the weights, where it was fitted to balance.
    pub(crate) balancing_score: Option<&'a [f64]>,
    pub(crate) estimand: Estimand,
}

/// The rows that are compared: each is an appearance of a unit.
struct Rows {
    unit: Vec<usize>,
    /// The matched set, where there is one.
    set: Vec<Option<usize>>,
    treated: Vec<bool>,
    weight: Vec<f64>,
}

/// An estimate, the weighted mean outcomes it compares, and every standard error by name.
pub(crate) struct Estimated {
    pub(crate) estimate: Estimate,
    pub(crate) mean_treated: f64,
    pub(crate) mean_comparator: f64,
    pub(crate) errors: Vec<(String, f64)>,
}

/// Estimates the effect with every standard error that was asked for.
pub(crate) fn estimate_effect(
    sample: &Sample<'_>,
    effect: &Effect,
) -> Result<Estimated, RequestError> {
    let mut main = run(sample, effect, &effect.inference(), &effect.cluster_by)?;
    for also in &effect.also {
        let inference = Inference {
            standard_error: also.standard_error,
            degrees_of_freedom: DegreesOfFreedom::Normal,
            confidence_level: effect.confidence_level,
        };
        main.errors
            .extend(run(sample, effect, &inference, &also.cluster_by)?.errors);
    }
    Ok(main)
}

/// Averages the predictions of an outcome model, and puts every number.
pub(crate) fn average_predictions(
    sample: &Sample<'_>,
    effect: &Effect,
    model: OutcomeModel,
    numbers: &mut Numbers,
) -> Result<Estimand, RequestError> {
    let all = rows(sample, effect, &effect.cluster_by)?;
    let kept: Vec<usize> = (0..all.unit.len())
        .filter(|&row| all.weight[row] > 0.0)
        .collect();
    let rows = all.select(&kept);
    let ways = effect.cluster_by.iter();
    let clusters = ways.map(|way| grouping(sample, &rows, way));
    let clusters: Vec<Grouping> = clusters.collect::<Result<_, _>>()?;
    let covariates = effect.adjust_for.iter();
    let covariates = covariates.map(|name| rows.numbers(sample.table, name));
    let covariates: Vec<Vec<f64>> = covariates.collect::<Result<_, _>>()?;
    let compared = Compared {
        treated: &rows.treated,
        weight: &rows.weight,
        outcome: &rows.numbers(sample.table, &effect.outcome)?,
        covariates: &covariates,
        clusters: &clusters.iter().collect::<Vec<_>>(),
    };
    let estimand = estimand(sample, effect);
    let put = model.put(&compared, estimand, &effect.inference(), numbers);
    put.map_err(|error| {
        let row = error.row().and_then(|row| rows.unit.get(row));
        let line = row.and_then(|&unit| sample.table.line(unit));
        let first = ["(Intercept)".to_owned(), "treatment".to_owned()];
        let names: Vec<String> = first.into_iter().chain(effect.adjust_for.clone()).collect();
        RequestError::effect(&names, line, error)
    })?;
    Ok(estimand)
}

/// `se_hc3`, `se_cr1_stata_by_matched_set`, `se_cr1_by_matched_set_and_unit`.
pub(crate) fn name(kind: StandardError, ways: &[ClusterBy]) -> String {
    let ways: Vec<&str> = ways.iter().map(ClusterBy::name).collect();
    let by = if ways.is_empty() {
        String::new()
    } else {
        format!("_by_{}", ways.join("_and_"))
    };
    format!("se_{}{by}", kind.to_string().replace('-', "_"))
}

fn run(
    sample: &Sample<'_>,
    effect: &Effect,
    inference: &Inference,
    ways: &[ClusterBy],
) -> Result<Estimated, RequestError> {
    let rows = rows(sample, effect, ways)?;
    let outcome = rows.numbers(sample.table, &effect.outcome)?;
    let clusters: Vec<Grouping> = ways
        .iter()
        .map(|way| grouping(sample, &rows, way))
        .collect::<Result<_, _>>()?;
    let clusters: Vec<&Grouping> = clusters.iter().collect();
    let unit = Grouping::of(&rows.unit);
    let compared = MatchedSample {
        estimand: estimand(sample, effect),
        treated: &rows.treated,
        weight: &rows.weight,
        outcome: &outcome,
        unit: Some(&unit),
        clusters: &clusters,
    };
    let refused = |error: EffectError| {
        let line = error
            .row()
            .and_then(|row| sample.table.line(*rows.unit.get(row)?));
        RequestError::effect(&effect.adjust_for, line, error)
    };
    let estimate = match (&effect.estimator, &effect.baseline) {
        (Estimator::AdjustedDifference, _) => {
            let covariates = effect
                .adjust_for
                .iter()
                .map(|name| rows.numbers(sample.table, name));
            let covariates: Vec<Vec<f64>> = covariates.collect::<Result<_, _>>()?;
            let covariates: Vec<&[f64]> = covariates.iter().map(Vec::as_slice).collect();
            adjusted_difference(&compared, &covariates, inference)
        }
        (Estimator::MatchedDifferenceInDifferences, Some(baseline)) => {
            let baseline = rows.numbers(sample.table, baseline)?;
            matched_difference_in_differences(&compared, &baseline, inference)
        }
        (Estimator::ScoreWeightedDifference, _) => {
            let one = vec![1.0; outcome.len()];
            let columns = sample.weighted_on.iter().map(Vec::as_slice);
            let columns: Vec<&[f64]> = std::iter::once(one.as_slice()).chain(columns).collect();
            let score = sample.balancing_score;
            score_weighted_difference(
                compared.estimand,
                &rows.treated,
                &columns,
                score.map_or(ScoreFit::Likelihood, ScoreFit::Balance),
                &outcome,
                &clusters,
                inference,
            )
        }
        (Estimator::BalancedDifference, _) => {
            let columns: Vec<&[f64]> = sample.weighted_on.iter().map(Vec::as_slice).collect();
            let balanced = Balanced {
                columns: &columns,
                weight: &rows.weight,
                target: effect.target_means.unwrap_or(TargetMeans::Sampled),
            };
            balanced_difference(
                compared.estimand,
                &rows.treated,
                &balanced,
                &outcome,
                &clusters,
                inference,
            )
        }
        // Where every weight is one this is the unadjusted difference, with clusters if asked for.
        _ => matched_difference(&compared, inference),
    };
    let estimate = estimate.map_err(refused)?;
    Ok(Estimated {
        mean_treated: rows.mean(&outcome, true),
        mean_comparator: rows.mean(&outcome, false),
        errors: vec![(
            name(inference.standard_error, ways),
            estimate.standard_error,
        )],
        estimate,
    })
}

impl Rows {
    fn select(&self, rows: &[usize]) -> Self {
        Self {
            unit: rows.iter().map(|&row| self.unit[row]).collect(),
            set: rows.iter().map(|&row| self.set[row]).collect(),
            treated: rows.iter().map(|&row| self.treated[row]).collect(),
            weight: rows.iter().map(|&row| self.weight[row]).collect(),
        }
    }

    /// A column of the file, as each row has it.
    fn numbers(&self, table: &Table, column: &str) -> Result<Vec<f64>, RequestError> {
        let values = table.numbers(column)?;
        Ok(self.unit.iter().map(|&unit| values[unit]).collect())
    }

    /// The weighted mean of an arm.
    fn mean(&self, values: &[f64], treated: bool) -> f64 {
        let rows = (0..values.len()).filter(|&row| self.treated[row] == treated);
        let (values, weights): (Vec<f64>, Vec<f64>) =
            rows.map(|row| (values[row], self.weight[row])).unzip();
        moments::weighted_mean(&values, &weights)
    }
}

fn estimand(sample: &Sample<'_>, effect: &Effect) -> Estimand {
    match sample.matched {
        Some(matched) if effect.estimator != Estimator::UnadjustedDifference => matched.estimand(),
        _ => sample.estimand,
    }
}

/// Units with their weights; where units serve in several sets and the sets are clusters, one row
/// for each unit in each of its sets.
fn rows(sample: &Sample<'_>, effect: &Effect, ways: &[ClusterBy]) -> Result<Rows, RequestError> {
    let n_units = sample.treated.len();
    let matched = sample
        .matched
        .filter(|_| effect.estimator != Estimator::UnadjustedDifference);
    let unit: Vec<usize> = (0..n_units).collect();
    let Some(matched) = matched else {
        let weights = sample
            .weights
            .filter(|_| effect.estimator != Estimator::UnadjustedDifference);
        let weight = match (&effect.weight, weights) {
            (Some(column), _) => sample.table.numbers(column)?,
            (None, Some(weights)) => weights.to_vec(),
            (None, None) => vec![1.0; n_units],
        };
        return Ok(Rows {
            unit,
            set: vec![None; n_units],
            treated: sample.treated.to_vec(),
            weight,
        });
    };
    let by_matching = ways.iter().any(ClusterBy::is_of_matching);
    Ok(match matched.set_of_unit() {
        None if by_matching => {
            let all = matched.memberships();
            Rows {
                unit: all.iter().map(|row| row.unit).collect(),
                set: all.iter().map(|row| Some(row.set)).collect(),
                treated: all.iter().map(|row| row.arm == Arm::Treated).collect(),
                weight: all.iter().map(|row| row.weight).collect(),
            }
        }
        sets => Rows {
            unit,
            set: sets.unwrap_or_else(|| vec![None; n_units]),
            treated: sample.treated.to_vec(),
            weight: matched.weights(),
        },
    })
}

fn grouping(sample: &Sample<'_>, rows: &Rows, way: &ClusterBy) -> Result<Grouping, RequestError> {
    Ok(match way {
        ClusterBy::MatchedSet => Grouping::of(&rows.set),
        ClusterBy::Unit => Grouping::of(&rows.unit),
        ClusterBy::Column(column) => {
            let labels = sample.table.texts(column)?;
            Grouping::of(
                &rows
                    .unit
                    .iter()
                    .map(|&unit| &labels[unit])
                    .collect::<Vec<_>>(),
            )
        }
    })
}
