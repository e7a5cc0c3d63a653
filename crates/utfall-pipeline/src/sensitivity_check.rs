//! One check of one effect: its figures, or why there are none.

use std::collections::{BTreeMap, BTreeSet};

use utfall_core::{ConfidenceLevel, Estimate, Interval, Window};
use utfall_effects::{
    Confounded, EffectError, EffectScale, SignedRank, e_value, e_value_of_interval,
    standardised_interval,
};
use utfall_stats::moments::{count, mean_and_variance};
use utfall_verify::record::{
    EffectRecord, EffectResult, Estimated, SensitivityRecord, SensitivityResult, SensitivityRow,
    is_of_logs,
};

use crate::compared_file::ComparedUnit;
use crate::outcomes::Observed;
use crate::sample::{Found, Sample};
use crate::sensitivity::{RatioScale, SensitivityCheck, SensitivitySpec};
use crate::steps::alternatives::SealedDesign;
use crate::study::{Procedure, Study};
use crate::{EffectSpec, EstimatorSpec, Plan, RunError, documents};

/// What checks read.
pub(crate) struct Checked<'a> {
    pub(crate) plan: &'a Plan,
    /// The plan's own design.
    pub(crate) own: &'a Study<'a>,
    /// The alternatives that could be made.
    pub(crate) designs: &'a [SealedDesign<'a>],
}

/// Why a check has no figures: nothing that stops a payment.
enum Without {
    /// In words that may be shown to every party.
    Reason(String),
    Error(RunError),
}

impl From<EffectError> for Without {
    fn from(error: EffectError) -> Self {
        Self::Reason(error.to_string())
    }
}

impl From<RunError> for Without {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Effect { source, .. } => Self::Reason(source.to_string()),
            RunError::Model { message, .. } => Self::Reason(message),
            other => Self::Error(other),
        }
    }
}

type Rows = Result<Vec<SensitivityRow>, Without>;

/// Answers a check.
pub(crate) fn answer(
    checked: &Checked<'_>,
    wanted: &SensitivitySpec,
) -> Result<SensitivityRecord, RunError> {
    let effects = &mut checked.plan.effect.iter();
    let Some(effect) = effects.find(|effect| effect.name == wanted.effect) else {
        let reason = format!("effect `{}` is not defined", wanted.effect);
        return Err(RunError::internal("a check", reason));
    };
    let rows = match checked.own.outcomes.unreported(effect)? {
        Some(reason) => Err(Without::Reason(reason)),
        None => match &wanted.check {
            SensitivityCheck::Rosenbaum { factors } => checked.rosenbaum(effect, factors),
            SensitivityCheck::EValue { scale } => checked.e_value(effect, *scale),
            SensitivityCheck::RobustnessValue {
                adjust_for,
                benchmarks,
                alpha,
            } => checked.robustness(effect, adjust_for, benchmarks, *alpha),
            SensitivityCheck::PlaceboDate { window } => checked.placebo(effect, window),
            SensitivityCheck::LeaveOneOut { attribute } => checked.leave_out(effect, attribute),
            SensitivityCheck::SpecificationCurve {
                windows,
                adjust_for,
            } => checked.curve(effect, windows, adjust_for),
        },
    };
    let result = match rows {
        Ok(rows) => SensitivityResult::Found { rows },
        Err(Without::Reason(reason)) => SensitivityResult::NotFound { reason },
        Err(Without::Error(error)) => return Err(error),
    };
    Ok(SensitivityRecord {
        effect: wanted.effect.clone(),
        check: documents::kind(&wanted.check),
        result,
    })
}

impl Checked<'_> {
    fn observed(&self, effect: &EffectSpec) -> Result<Observed, RunError> {
        let days = &self.own.cohort.index_dates;
        self.own.outcomes.observed(effect, &effect.estimator, days)
    }

    fn found(&self, effect: &EffectSpec, sample: &Sample<'_>) -> Result<Found, Without> {
        Ok(sample.estimate(&self.own.estimator(effect.procedure()))?)
    }

    /// What a model finds on some of the units.
    fn by_model(&self, effect: &EffectSpec, units: &[ComparedUnit]) -> Result<Estimated, Without> {
        let study = Study { units, ..*self.own };
        let effect = study.naming_its_treated(effect)?;
        match study.record(&effect, effect.procedure())?.result {
            EffectResult::Estimated(found) => Ok(*found),
            EffectResult::NotMeasurable { reason } | EffectResult::NotYetReported { reason } => {
                Err(Without::Reason(reason))
            }
        }
    }

    /// The estimate on some of the units, whichever the estimator.
    fn estimate(
        &self,
        effect: &EffectSpec,
        units: &[ComparedUnit],
        observed: &Observed,
    ) -> Result<Estimate, Without> {
        match effect.estimator {
            EstimatorSpec::Model(_) => Ok(self.by_model(effect, units)?.estimate),
            _ => Ok(self.found(effect, &Sample::of(units, observed))?.estimate),
        }
    }

    fn rosenbaum(&self, effect: &EffectSpec, factors: &[f64]) -> Rows {
        let observed = self.observed(effect)?;
        let sample = Sample::of(self.own.units, &observed);
        let Some(differences) = sample.pair_differences() else {
            return Err(Without::Reason(
                "the bounds are for pairs: one comparator to each treated unit".to_owned(),
            ));
        };
        // The hypothesis is of no effect in the direction that was found.
        let sign = self.found(effect, &sample)?.estimate.point.signum();
        let differences: Vec<f64> = differences.iter().map(|d| sign * d).collect();
        let ranked = SignedRank::of(&differences)?;
        let row = |&factor: &f64| {
            let bounds = ranked.bounds(factor)?;
            let figures = [("p-upper", bounds.upper), ("p-lower", bounds.lower)];
            Ok(row(factor.to_string(), figures))
        };
        factors.iter().map(row).collect()
    }

    fn e_value(&self, effect: &EffectSpec, scale: RatioScale) -> Rows {
        let observed = self.observed(effect)?;
        let sample = Sample::of(self.own.units, &observed);
        let (estimate, mean_comparator) = match effect.estimator {
            EstimatorSpec::Model(_) => {
                let found = self.by_model(effect, self.own.units)?;
                let mean = found.mean_comparator.ok_or(EffectError::NoComparators)?;
                (found.estimate, mean)
            }
            _ => {
                let found = self.found(effect, &sample)?;
                (found.estimate, found.mean_comparator)
            }
        };
        let (point, interval) = (estimate.point, estimate.interval);
        let (scale, on_scale, interval) = match scale {
            RatioScale::RiskRatio => {
                let ratio = |value: f64| match is_of_logs(&effect.unit) {
                    true => utfall_stats::elementary::exp(value),
                    false => 1.0 + value / mean_comparator,
                };
                let interval = Interval {
                    lower: ratio(interval.lower),
                    upper: ratio(interval.upper),
                };
                (EffectScale::RiskRatio, ratio(point), interval)
            }
            RatioScale::StandardisedDifference => {
                let spread = sample.outcome_spread();
                let difference = point / spread;
                let error = estimate.standard_error / spread;
                (
                    EffectScale::StandardisedDifference,
                    difference,
                    standardised_interval(difference, error),
                )
            }
        };
        let figures = [
            ("on-scale", on_scale),
            ("e-value", e_value(scale, on_scale)?),
            ("e-value-of-interval", e_value_of_interval(scale, interval)?),
        ];
        Ok(vec![row(effect.title.clone(), figures)])
    }

    fn robustness(
        &self,
        effect: &EffectSpec,
        adjust_for: &[String],
        benchmarks: &[String],
        alpha: f64,
    ) -> Rows {
        let observed = self.observed(effect)?;
        let sample = Sample::of(self.own.units, &observed);
        let names: Vec<String> = if adjust_for.is_empty() {
            self.plan.covariate_names()
        } else {
            adjust_for.to_vec()
        };
        let level = effect.inference.confidence_level;
        let treatment = sample.partial_of_treatment(self.own.cohort, &names, level)?;
        let mut rows = vec![row(
            effect.title.clone(),
            [
                ("point", treatment.estimate),
                ("partial-r2", treatment.partial_r_squared()),
                ("robustness-value", treatment.robustness(1.0, 1.0)),
                ("robustness-value-of-test", treatment.robustness(1.0, alpha)),
            ],
        )];
        for name in benchmarks {
            let (of_treatment, of_outcome) =
                sample.partials_of_covariate(self.own.cohort, &names, name, level)?;
            let strong = treatment.benchmark(&of_treatment, &of_outcome, 1.0, 1.0)?;
            rows.push(row(
                name.clone(),
                [
                    ("partial-r2-with-treatment", strong.treatment),
                    ("partial-r2-with-outcome", strong.outcome),
                    ("point", strong.estimate),
                ],
            ));
        }
        Ok(rows)
    }

    fn placebo(&self, effect: &EffectSpec, window: &Window) -> Rows {
        let days = &self.own.cohort.index_dates;
        let outcomes = self.own.outcomes;
        let estimate = if let EstimatorSpec::Model(_) = effect.estimator {
            let moved = EffectSpec {
                window: *window,
                ..effect.clone()
            };
            self.by_model(&moved, self.own.units)?.estimate
        } else {
            let observed = outcomes.observed_before(effect, &effect.estimator, window, days)?;
            let sample = Sample::of(self.own.units, &observed);
            self.found(effect, &sample)?.estimate
        };
        Ok(vec![row(written(window), figures(&estimate))])
    }

    fn leave_out(&self, effect: &EffectSpec, attribute: &str) -> Rows {
        let observed = self.observed(effect)?;
        let groups = self.own.cohort.groups(attribute);
        let named: BTreeSet<&str> = groups.values().copied().collect();
        if named.len() < 2 {
            return Err(Without::Reason(format!(
                "attribute `{attribute}` holds one group"
            )));
        }
        let mut points = Vec::new();
        for group in &named {
            let is_other = |unit: &&ComparedUnit| {
                let key = (unit.unit.as_str(), unit.index_date);
                groups.get(&key) != Some(group)
            };
            let units: Vec<ComparedUnit> =
                self.own.units.iter().filter(is_other).cloned().collect();
            points.push(self.estimate(effect, &units, &observed)?.point);
        }
        let whole = self.estimate(effect, self.own.units, &observed)?;
        let n_groups = count(points.len());
        let (_, variance) = mean_and_variance(&points);
        let spread = variance * (n_groups - 1.0) * (n_groups - 1.0) / n_groups;
        let smallest = points.iter().copied().fold(f64::INFINITY, f64::min);
        let largest = points.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let figures = [
            ("point", whole.point),
            ("smallest", smallest),
            ("largest", largest),
            ("jackknife-standard-error", spread.sqrt()),
            ("n-groups", n_groups),
        ];
        Ok(vec![row(attribute.to_owned(), figures)])
    }

    fn curve(&self, effect: &EffectSpec, windows: &[Window], adjust_for: &[Vec<String>]) -> Rows {
        let mut rows = Vec::new();
        let own = ("The plan\u{2019}s design", self.own, effect.procedure());
        let others = self.designs.iter().map(|design| {
            let study = Study {
                outcomes: self.own.outcomes,
                cohort: self.own.cohort,
                units: &design.units,
                balance: &design.balance,
            };
            (design.alternative.title.as_str(), study, design.procedure())
        });
        let others: Vec<(&str, Study<'_>, Procedure<'_>)> = others.collect();
        let others = others.iter().map(|(title, study, by)| (*title, study, *by));
        for (title, study, by) in std::iter::once(own).chain(others) {
            let windows = std::iter::once(&effect.window).chain(windows);
            for window in windows {
                let spec = EffectSpec {
                    window: *window,
                    ..effect.clone()
                };
                let adjusted = adjust_for
                    .iter()
                    .map(|names| EstimatorSpec::AdjustedDifference {
                        adjust_for: names.clone(),
                    });
                for estimator in std::iter::once(by.estimator.clone()).chain(adjusted) {
                    let by = Procedure {
                        estimator: &estimator,
                        ..by
                    };
                    let label = format!("{title}; {}; {}", written(window), words(&estimator));
                    let figures = match study.record(&spec, by) {
                        Ok(EffectRecord {
                            result: EffectResult::Estimated(found),
                            ..
                        }) => every_figure(&found),
                        // What cannot be estimated stands without figures.
                        Ok(_) | Err(RunError::Effect { .. }) => Vec::new(),
                        Err(error) => return Err(error.into()),
                    };
                    rows.push(row(label, figures));
                }
            }
        }
        Ok(rows)
    }
}

fn written(window: &Window) -> String {
    format!("{} to {}", window.start, window.end)
}

/// An estimator in words, with what it adjusts for.
fn words(estimator: &EstimatorSpec) -> String {
    let kind = estimator.word().replace('-', " ");
    match estimator {
        EstimatorSpec::AdjustedDifference { adjust_for } if adjust_for.is_empty() => {
            format!("{kind} for every covariate")
        }
        EstimatorSpec::AdjustedDifference { adjust_for } => {
            format!("{kind} for {}", adjust_for.join(", "))
        }
        _ => kind,
    }
}

fn figures(estimate: &Estimate) -> [(&'static str, f64); 4] {
    [
        ("point", estimate.point),
        ("lower", estimate.interval.lower),
        ("upper", estimate.interval.upper),
        ("p-value", estimate.p_value),
    ]
}

/// Every figure that a contract may read, so that it can be paid on a specification.
fn every_figure(found: &Estimated) -> Vec<(&'static str, f64)> {
    let estimate = &found.estimate;
    let mut all = figures(estimate).to_vec();
    all.extend([
        ("standard-error", estimate.standard_error),
        ("n-treated", count(estimate.n_treated)),
        ("n-comparator", count(estimate.n_comparator)),
    ]);
    all.extend(found.relative.map(|relative| ("relative", relative)));
    all.extend(found.total.map(|total| ("total", total)));
    all
}

/// A row of the figures that are numbers.
fn row(label: String, figures: impl IntoIterator<Item = (&'static str, f64)>) -> SensitivityRow {
    let figures = figures.into_iter().filter(|(_, value)| value.is_finite());
    let figures: BTreeMap<String, f64> = figures
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    SensitivityRow { label, figures }
}

/// The coefficient of a column of a weighted regression, with its classical error.
pub(crate) fn classical(
    columns: &[&[f64]],
    weight: &[f64],
    outcome: &[f64],
    column: usize,
    level: ConfidenceLevel,
) -> Result<Confounded, EffectError> {
    use utfall_effects::{DegreesOfFreedom, Inference, StandardError, WeightedRegression, infer};
    let fit = WeightedRegression::fit(columns, weight, outcome)?;
    let inference = Inference {
        standard_error: StandardError::Classical,
        degrees_of_freedom: DegreesOfFreedom::Residual,
        confidence_level: level,
    };
    let found = infer(&fit, &fit.coefficient(column)?, &[], &inference)?;
    Ok(Confounded {
        estimate: found.point,
        standard_error: found.standard_error,
        degrees_of_freedom: found
            .degrees_of_freedom
            .unwrap_or_else(|| count(outcome.len() - columns.len())),
    })
}
