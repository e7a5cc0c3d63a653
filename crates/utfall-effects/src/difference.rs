//! Differences between the arms of a matched or an unmatched sample.
//!
//! The point is the difference of the two weighted mean outcomes. It is the coefficient of
//! treatment in the weighted regression of the outcome on a constant and treatment, and its error
//! is that regression's, computed on the two arm indicators, where the point is the difference of
//! the means to the last bit and swapping the arms only flips its sign.

use utfall_core::{Arm, Estimand, Estimate};

use crate::inference::infer_between;
use crate::regression::check_finite;
use crate::{EffectError, Grouping, Inference, WeightedRegression};

/// Rows to compare: units, or appearances of units where a comparator serves several.
#[derive(Debug, Clone, Copy)]
pub struct MatchedSample<'a> {
    /// Whom the matched sample speaks of, as the matching says:
    /// [`Estimand::MatchedTreated`] if it left out any treated unit.
    pub estimand: Estimand,
    /// Whether each row is treated.
    pub treated: &'a [bool],
    /// Weight of each row, zero or above; a row with weight zero is unmatched and left out,
    /// whatever its outcome. Only weights relative to others of the same arm matter.
    pub weight: &'a [f64],
    /// Outcome of each row.
    pub outcome: &'a [f64],
    /// The unit each row is an appearance of; `None` where every row is a unit of its own. It
    /// decides the counts of the estimate and nothing else.
    pub unit: Option<&'a Grouping>,
    /// None, one or two ways in which rows belong together: matched set, family, school. Only
    /// the `cr` standard errors use them.
    pub clusters: &'a [&'a Grouping],
}

/// Estimates an effect as the difference of weighted mean outcomes in a matched sample.
///
/// Where the outcome is a rate or a 0/1 indicator this is the difference of matched rates.
///
/// The standard error takes the matched sets and their weights as given: it leaves out the
/// uncertainty of the propensity score and of which comparators were chosen, which may make the
/// true error of an effect over the treated larger or smaller (Abadie & Imbens 2016). An `hc` kind also leaves out that matched rows resemble each other; a
/// `cr` kind by matched set has it. Where comparators serve several treated units, give one row
/// per appearance and two ways of clustering, set and unit.
///
/// # Shapes and units
///
/// - All slices of the sample have one value per row; at least two rows with a weight above zero
///   in each arm.
/// - Outcome, point and standard error are in one unit.
/// - Sums run in row order. Rows in another order give the same estimate up to rounding; for the
///   same bits, sort rows by unit first.
///
/// # Errors
///
/// - [`EffectError::LengthMismatch`], [`EffectError::NotFinite`],
///   [`EffectError::WeightNotPositive`] (for a weight below zero) name the first bad row.
/// - [`EffectError::TooFewInArm`] if an arm has fewer than two rows that count.
/// - [`EffectError::OneClusterInArm`] if all rows of an arm share a cluster and a `cr` kind is
///   asked for: how clusters of that arm differ cannot be seen.
/// - [`EffectError::NoVariation`] if no error can be estimated because the outcome is constant
///   within arms (or its difference is, between clusters).
/// - Those of [`crate::infer`].
///
/// # Reference
///
/// Ho, Imai, King & Stuart (2007), <https://doi.org/10.1093/pan/mpl013>; Abadie & Spiess (2022) on
/// clustering by matched set, <https://doi.org/10.1080/01621459.2020.1840383>; Abadie & Imbens
/// (2016), <https://doi.org/10.3982/ECTA11293>.
pub fn matched_difference(
    sample: &MatchedSample<'_>,
    inference: &Inference,
) -> Result<Estimate, EffectError> {
    let kept = Kept::of(sample)?;
    let outcome = kept.take("outcome", sample.outcome)?;
    kept.estimate(sample.estimand, &outcome, &[], inference)
}

/// Estimates an effect as the coefficient of treatment in a weighted regression of the outcome on
/// treatment and covariates.
///
/// The covariates enter once, in straight lines that are the same in both arms. Where the effect
/// differs between units this averages it with weights of the regression's own, so it answers the
/// sample's `estimand` only if the effect is the same for all or the matched arms are balanced.
///
/// The standard error leaves out what [`matched_difference`] leaves out.
///
/// # Shapes and units
///
/// As [`matched_difference`]; each of `covariates` has one value per row, in any unit.
///
/// # Errors
///
/// Those of [`matched_difference`], and [`EffectError::RankDeficient`] at the first covariate, in
/// the order given, that the arms and the covariates before it make up.
///
/// # Reference
///
/// Angrist (1998) on what such a regression averages, <https://doi.org/10.2307/2998558>.
pub fn adjusted_difference(
    sample: &MatchedSample<'_>,
    covariates: &[&[f64]],
    inference: &Inference,
) -> Result<Estimate, EffectError> {
    let kept = Kept::of(sample)?;
    let outcome = kept.take("outcome", sample.outcome)?;
    let covariates = covariates
        .iter()
        .map(|values| kept.take("covariate", values));
    let covariates: Vec<Vec<f64>> = covariates.collect::<Result<_, _>>()?;
    kept.estimate(sample.estimand, &outcome, &covariates, inference)
}

/// Estimates an effect as the difference between arms of the change from baseline to outcome.
///
/// The baseline measurement of the outcome is taken off each row before the means are compared,
/// so a constant difference between the arms that matching left behind drops out. It assumes that,
/// without treatment, matched rows of both arms would have changed alike.
///
/// The standard error is that of the changes; it leaves out what [`matched_difference`] leaves out.
///
/// # Shapes and units
///
/// As [`matched_difference`]; `baseline` has one value per row, in the outcome's unit.
///
/// # Errors
///
/// Those of [`matched_difference`].
///
/// # Reference
///
/// Heckman, Ichimura & Todd (1997), <https://doi.org/10.2307/2971733>.
pub fn matched_difference_in_differences(
    sample: &MatchedSample<'_>,
    baseline: &[f64],
    inference: &Inference,
) -> Result<Estimate, EffectError> {
    let kept = Kept::of(sample)?;
    let outcome = kept.take("outcome", sample.outcome)?;
    let before = kept.take("baseline", baseline)?;
    let change: Vec<f64> = outcome
        .iter()
        .zip(&before)
        .map(|(after, before)| after - before)
        .collect();
    kept.estimate(sample.estimand, &change, &[], inference)
}

/// Compares all units of the two arms as they are, with no matching and no weights.
///
/// It says what a naive comparison would have shown and is no effect unless treatment was assigned
/// at random: `estimand` is the question it stands in for. The standard error leaves out nothing in
/// a randomised trial of independent units, and everything that selection did anywhere else. `hc2`
/// with `welch` degrees of freedom is Welch's t-test.
///
/// # Shapes and units
///
/// `treated` and `outcome` have one value per unit, at least two units in each arm. Outcome, point
/// and standard error are in one unit.
///
/// # Errors
///
/// Those of [`matched_difference`]; [`EffectError::ClustersMissing`] for a `cr` kind.
///
/// # Reference
///
/// Welch (1947), <https://doi.org/10.2307/2332510>; Neyman (1923), translated in
/// <https://doi.org/10.1214/ss/1177012031>.
pub fn unadjusted_difference(
    estimand: Estimand,
    treated: &[bool],
    outcome: &[f64],
    inference: &Inference,
) -> Result<Estimate, EffectError> {
    let weight = vec![1.0; treated.len()];
    let sample = MatchedSample {
        estimand,
        treated,
        weight: &weight,
        outcome,
        unit: None,
        clusters: &[],
    };
    matched_difference(&sample, inference)
}

/// The rows of a sample that count.
struct Kept {
    n_given: usize,
    rows: Vec<usize>,
    treated: Vec<bool>,
    weight: Vec<f64>,
    unit: Option<Grouping>,
    clusters: Vec<Grouping>,
}

impl Kept {
    fn of(sample: &MatchedSample<'_>) -> Result<Self, EffectError> {
        let n_given = sample.treated.len();
        check_finite("weight", sample.weight, n_given)?;
        if let Some(row) = sample.weight.iter().position(|&weight| weight < 0.0) {
            return Err(EffectError::WeightNotPositive {
                row,
                value: sample.weight[row],
            });
        }
        let groupings = sample.unit.iter().map(|unit| ("unit", *unit));
        for (what, grouping) in groupings.chain(sample.clusters.iter().map(|way| ("cluster", *way)))
        {
            if grouping.len() != n_given {
                return Err(EffectError::LengthMismatch {
                    what,
                    found: grouping.len(),
                    expected: n_given,
                });
            }
        }
        let rows: Vec<usize> = (0..n_given)
            .filter(|&row| sample.weight[row] > 0.0)
            .collect();
        let kept = Self {
            n_given,
            treated: rows.iter().map(|&row| sample.treated[row]).collect(),
            weight: rows.iter().map(|&row| sample.weight[row]).collect(),
            unit: sample.unit.map(|unit| unit.of_rows(&rows)),
            clusters: sample
                .clusters
                .iter()
                .map(|way| way.of_rows(&rows))
                .collect(),
            rows,
        };
        for arm in [Arm::Treated, Arm::Comparator] {
            let n_rows = kept.arm(arm).count();
            if n_rows < 2 {
                return Err(EffectError::TooFewInArm { arm, n_rows });
            }
        }
        Ok(kept)
    }

    /// The rows of an arm, numbered among those kept.
    fn arm(&self, arm: Arm) -> impl Iterator<Item = usize> + '_ {
        let wanted = arm == Arm::Treated;
        (0..self.rows.len()).filter(move |&row| self.treated[row] == wanted)
    }

    /// The values of the kept rows; the others are not looked at.
    fn take(&self, what: &'static str, values: &[f64]) -> Result<Vec<f64>, EffectError> {
        if values.len() != self.n_given {
            return Err(EffectError::LengthMismatch {
                what,
                found: values.len(),
                expected: self.n_given,
            });
        }
        if let Some(&row) = self.rows.iter().find(|&&row| !values[row].is_finite()) {
            return Err(EffectError::NotFinite {
                what,
                row,
                value: values[row],
            });
        }
        Ok(self.rows.iter().map(|&row| values[row]).collect())
    }

    fn estimate(
        &self,
        estimand: Estimand,
        outcome: &[f64],
        covariates: &[Vec<f64>],
        inference: &Inference,
    ) -> Result<Estimate, EffectError> {
        let clusters: Vec<&Grouping> = self.clusters.iter().collect();
        let indicator = |arm: Arm| -> Vec<f64> {
            self.treated
                .iter()
                .map(|&t| f64::from(u8::from(t == (arm == Arm::Treated))))
                .collect()
        };
        let (treated, comparator) = (indicator(Arm::Treated), indicator(Arm::Comparator));
        let mut columns: Vec<&[f64]> = vec![&treated, &comparator];
        columns.extend(covariates.iter().map(Vec::as_slice));
        let fit = WeightedRegression::fit(&columns, &self.weight, outcome)
            .map_err(|error| self.as_given(error))?;
        let mut between = vec![0.0; columns.len()];
        (between[0], between[1]) = (1.0, -1.0);
        let contrast = fit.contrast(&between)?;
        if inference.standard_error.is_clustered() {
            self.check_clusters_in_arms()?;
        }
        let inferred = infer_between(&self.treated, &fit, &contrast, &clusters, inference)
            .map_err(|error| self.as_given(error))?;
        Ok(inferred.estimate(
            estimand,
            inference.confidence_level,
            (self.n_units(Arm::Treated), self.n_units(Arm::Comparator)),
        ))
    }

    fn check_clusters_in_arms(&self) -> Result<(), EffectError> {
        for way in &self.clusters {
            if way.n_groups() < 2 {
                return Err(EffectError::TooFewClusters {
                    n_clusters: way.n_groups(),
                });
            }
            for arm in [Arm::Treated, Arm::Comparator] {
                if self.n_distinct(way, arm) < 2 {
                    return Err(EffectError::OneClusterInArm { arm });
                }
            }
        }
        Ok(())
    }

    fn n_units(&self, arm: Arm) -> usize {
        match &self.unit {
            Some(unit) => self.n_distinct(unit, arm),
            None => self.arm(arm).count(),
        }
    }

    fn n_distinct(&self, grouping: &Grouping, arm: Arm) -> usize {
        let mut seen = vec![false; grouping.n_groups()];
        for row in self.arm(arm) {
            seen[grouping.codes()[row]] = true;
        }
        seen.into_iter().filter(|&seen| seen).count()
    }

    /// An error with rows and covariates as the caller counts them.
    fn as_given(&self, error: EffectError) -> EffectError {
        match error {
            EffectError::FullLeverage { row, kind } => EffectError::FullLeverage {
                row: self.rows[row],
                kind,
            },
            EffectError::RankDeficient { column } => EffectError::RankDeficient {
                column: column.saturating_sub(2),
            },
            other => other,
        }
    }
}
