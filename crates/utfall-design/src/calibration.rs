//! What a frozen plan did with programmes that do nothing.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utfall_core::Estimate;
use utfall_disclosure::Cell;
use utfall_files::Digest;
use utfall_payment::{Branch, Currency};
use utfall_stats::moments;

use crate::{Assignment, Histogram, Payments, Rate};

/// What a plan did with many placebo programmes among units that took part in none: `calibration.json`.
///
/// In each programme every step of the plan was run from matching to decision. The true effect is
/// zero, so whatever was paid was paid for nothing.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CalibrationDocument {
    /// Version of this format.
    pub schema: CalibrationSchema,
    /// What was done, and on what.
    pub source: CalibrationSource,
    /// What the contract paid for nothing.
    pub payments: Payments,
    /// How often the contract could not be decided.
    pub undecided: Rate,
    /// How often the balance gate was passed.
    pub balanced: Rate,
    /// The estimates of each effect, in the plan's order.
    pub effects: Vec<EffectCalibration>,
    /// Programmes whose run ended without a decision, by reason; they paid nothing.
    pub failures: Vec<Failure>,
}

/// The version of the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
pub enum CalibrationSchema {
    /// The first version.
    #[serde(rename = "utfall-calibration/1")]
    V1,
}

/// What was calibrated, and on what.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CalibrationSource {
    /// Short name of the pipeline.
    pub pipeline: String,
    /// Its title.
    pub title: String,
    /// The contract that was applied, for people.
    pub contract: String,
    /// Digest of the plan that was run.
    pub plan_digest: Digest,
    /// What one unit is called.
    pub unit: String,
    /// The day the placebo programmes started.
    pub index_date: NaiveDate,
    /// Whether all outcomes read lie before the plan's own index date. If not, outcomes that the
    /// plan will be judged on were read, of units that were not treated.
    pub before_index_date: bool,
    /// How the units called treated were drawn.
    pub assignment: Assignment,
    /// Seed of the draws.
    pub seed: u64,
    /// Units in the pool, none of them treated.
    pub n_pool: Cell,
    /// Units called treated in each programme.
    pub n_treated: Cell,
}

/// What one effect's estimates and intervals did.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct EffectCalibration {
    /// Name of the effect.
    pub name: String,
    /// Title for people.
    pub title: String,
    /// Unit of the outcome.
    pub unit: String,
    /// Confidence level of the intervals.
    pub confidence_level: f64,
    /// How often the interval covered zero, which is the truth.
    pub covered_zero: Rate,
    /// How often it lay wholly above.
    pub above_zero: Rate,
    /// How often it lay wholly below.
    pub below_zero: Rate,
    /// Mean estimate; `None` without two estimates, as for the figures below.
    pub mean: Option<f64>,
    /// Monte Carlo standard error of the mean.
    pub mean_error: Option<f64>,
    /// Standard deviation of the estimates: the true standard error.
    pub spread: Option<f64>,
    /// Mean of the standard errors that were reported, root mean square.
    pub reported_error: Option<f64>,
    /// Mean degrees of freedom of the intervals; `None` where they are normal.
    pub degrees_of_freedom: Option<f64>,
    /// The estimates that 2.5, 25, 50, 75 and 97.5 % of programmes do not exceed.
    pub quantiles: Option<[f64; 5]>,
    /// How the estimates fell.
    pub histogram: Option<Histogram>,
}

/// Why some programmes ended without a decision.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Failure {
    /// The reason.
    pub reason: String,
    /// Programmes it ended.
    pub n: u32,
}

/// What became of one placebo programme.
#[derive(Debug, Clone, PartialEq)]
pub enum Placebo {
    /// It was decided.
    Decided {
        /// The estimate of each effect that could be measured.
        estimates: Vec<Option<Estimate>>,
        /// Whether the balance gate was passed.
        balanced: bool,
        /// How the contract ended.
        branch: Branch,
        /// What it paid, in minor units.
        paid: i128,
    },
    /// The run ended before that.
    Failed {
        /// Why.
        reason: String,
    },
}

impl Placebo {
    fn paid(&self) -> i128 {
        match self {
            Self::Decided { paid, .. } => *paid,
            Self::Failed { .. } => 0,
        }
    }

    fn estimate(&self, effect: usize) -> Option<&Estimate> {
        match self {
            Self::Decided { estimates, .. } => estimates.get(effect)?.as_ref(),
            Self::Failed { .. } => None,
        }
    }
}

impl CalibrationDocument {
    /// Summarises programmes; `effects` are name, title and unit of each effect of the plan.
    #[must_use]
    pub fn of(
        source: CalibrationSource,
        currency: Currency,
        effects: &[(String, String, String)],
        programmes: &[Placebo],
    ) -> Self {
        let amounts: Vec<i128> = programmes.iter().map(Placebo::paid).collect();
        let is_undecided = |programme: &Placebo| match programme {
            Placebo::Decided { branch, .. } => branch.is_undecided(),
            Placebo::Failed { .. } => true,
        };
        let is_balanced = |programme: &Placebo| match programme {
            Placebo::Decided { balanced, .. } => *balanced,
            Placebo::Failed { .. } => false,
        };
        let effect = |(index, names): (usize, &(String, String, String))| {
            let estimates: Vec<Estimate> = programmes
                .iter()
                .filter_map(|programme| programme.estimate(index).copied())
                .collect();
            EffectCalibration::of(names, &estimates)
        };
        Self {
            schema: CalibrationSchema::V1,
            source,
            payments: Payments::of(&amounts, currency),
            undecided: Rate::count(programmes.iter().map(is_undecided)),
            balanced: Rate::count(programmes.iter().map(is_balanced)),
            effects: effects.iter().enumerate().map(effect).collect(),
            failures: failures(programmes),
        }
    }
}

impl EffectCalibration {
    fn of((name, title, unit): &(String, String, String), estimates: &[Estimate]) -> Self {
        let rate = |holds: fn(&Estimate) -> bool| Rate::count(estimates.iter().map(holds));
        let mut points: Vec<f64> = estimates.iter().map(|estimate| estimate.point).collect();
        points.sort_by(f64::total_cmp);
        let several = points.len() >= 2;
        let n = moments::count(points.len());
        let (mean, variance) = moments::mean_and_variance(&points);
        let mean_of = |of: fn(&Estimate) -> f64| -> f64 {
            moments::mean(&estimates.iter().map(of).collect::<Vec<_>>())
        };
        let degrees = mean_of(|estimate| estimate.degrees_of_freedom.unwrap_or(f64::INFINITY));
        Self {
            name: name.clone(),
            title: title.clone(),
            unit: unit.clone(),
            confidence_level: estimates
                .first()
                .map_or(0.95, |estimate| estimate.confidence_level.fraction()),
            covered_zero: rate(|estimate| estimate.interval.contains(0.0)),
            above_zero: rate(|estimate| estimate.interval.lower > 0.0),
            below_zero: rate(|estimate| estimate.interval.upper < 0.0),
            mean: several.then_some(mean),
            mean_error: several.then(|| (variance / n).sqrt()),
            spread: several.then(|| variance.sqrt()),
            reported_error: several.then(|| {
                mean_of(|estimate| estimate.standard_error * estimate.standard_error).sqrt()
            }),
            degrees_of_freedom: (several && degrees.is_finite()).then_some(degrees),
            quantiles: several.then(|| [25, 250, 500, 750, 975].map(|share| at(&points, share))),
            histogram: Histogram::of(&points),
        }
    }
}

/// The least value that a share of the sorted values, in thousandths, does not exceed.
fn at(sorted: &[f64], per_mille: usize) -> f64 {
    sorted[(sorted.len() * per_mille).div_ceil(1000).max(1) - 1]
}

/// Reasons in the order of how often they ended a programme.
fn failures(programmes: &[Placebo]) -> Vec<Failure> {
    let mut failures: Vec<Failure> = Vec::new();
    for programme in programmes {
        let Placebo::Failed { reason } = programme else {
            continue;
        };
        match failures.iter_mut().find(|known| known.reason == *reason) {
            Some(known) => known.n += 1,
            None => failures.push(Failure {
                reason: reason.clone(),
                n: 1,
            }),
        }
    }
    failures.sort_by(|a, b| b.n.cmp(&a.n).then_with(|| a.reason.cmp(&b.reason)));
    failures
}

#[cfg(test)]
mod tests {
    use super::*;
    use utfall_core::{ConfidenceLevel, Estimand, Interval};

    fn decided(point: f64, paid: i128) -> Placebo {
        let estimate = Estimate {
            estimand: Estimand::Att,
            point,
            standard_error: 1.0,
            degrees_of_freedom: Some(9.0),
            confidence_level: ConfidenceLevel::try_from(0.9).unwrap(),
            interval: Interval {
                lower: point - 1.0,
                upper: point + 1.0,
            },
            p_value: 0.5,
            n_treated: 10,
            n_comparator: 10,
            n_clusters: None,
        };
        Placebo::Decided {
            estimates: vec![Some(estimate)],
            balanced: true,
            branch: if paid > 0 {
                Branch::Paid
            } else {
                Branch::NothingDue
            },
            paid,
        }
    }

    #[test]
    fn failed_programmes_count_as_unpaid_and_have_no_estimate() {
        let failed = || Placebo::Failed {
            reason: "nobody matched".to_owned(),
        };
        let programmes = [decided(2.0, 500), failed(), decided(-0.5, 0), failed()];
        let source = CalibrationSource {
            pipeline: "p".to_owned(),
            title: "P".to_owned(),
            contract: "C".to_owned(),
            plan_digest: Digest::sha256(b""),
            unit: "school".to_owned(),
            index_date: "2020-01-01".parse().unwrap(),
            before_index_date: false,
            assignment: Assignment::Uniform,
            seed: 1,
            n_pool: Cell::Exact(40),
            n_treated: Cell::Exact(10),
        };
        let names = [("e".to_owned(), "E".to_owned(), "points".to_owned())];
        let sek = Currency::from_code("SEK").unwrap();
        let document = CalibrationDocument::of(source, sek, &names, &programmes);
        assert_eq!(
            (document.payments.paid.n, document.payments.paid.of),
            (1, 4)
        );
        assert_eq!(document.undecided.n, 2);
        let effect = &document.effects[0];
        assert_eq!((effect.covered_zero.n, effect.covered_zero.of), (1, 2));
        assert_eq!((effect.above_zero.n, effect.below_zero.n), (1, 0));
        assert_eq!(effect.mean, Some(0.75));
        assert_eq!(document.failures[0].n, 2);
        let text = serde_json::to_string(&document).unwrap();
        let read: CalibrationDocument = serde_json::from_str(&text).unwrap();
        assert_eq!(
            (read.source, read.payments.mean),
            (document.source, document.payments.mean)
        );
    }
}
