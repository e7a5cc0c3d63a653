//! `[trends]`, and `trends` of `[fixed-effects]`: what is left of an event study when trends need not be
//! parallel.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};
use utfall_core::{ConfidenceLevel, Estimand};
use utfall_effects::EffectError;
use utfall_effects::trends::{
    EventStudy, LeastFavourable, Pretest, relative_interval, relative_set, smoothness_interval,
    smoothness_set,
};

use crate::files::Files;
use crate::model::Part;
use crate::table::Table;
use crate::{Numbers, RequestError};

/// Bounds on trends, for an event study whose estimates and covariance the file holds.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PublishedTrends {
    /// Column of estimates, in order of time, without the reference.
    pub estimate: String,
    /// Columns of their covariance, in the same order.
    pub covariance: Vec<String>,
    /// How many of the estimates are of times before.
    pub n_before: usize,
    /// What is asked.
    pub bounds: TrendBounds,
    /// Level of intervals.
    pub confidence_level: ConfidenceLevel,
}

/// Bounds on trends, for the event study of a `[fixed-effects]`.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct EventStudyTrends {
    /// Terms of times before, the earliest first.
    pub before: Vec<String>,
    /// Terms of times after, the earliest first.
    pub after: Vec<String>,
    /// What is asked.
    pub bounds: TrendBounds,
}

/// What is asked of an event study when trends need not be parallel.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TrendBounds {
    /// Weights of the times after in the effect that is asked about.
    pub target: Vec<f64>,
    /// Bounds on how much the slope changes from one time to the next.
    #[serde(default)]
    pub smoothness: Vec<f64>,
    /// Bounds on moves after, relative to the largest before.
    #[serde(default)]
    pub relative: Vec<f64>,
    /// How critical values are drawn; with `relative`.
    pub least_favourable: Option<CriticalDraws>,
    /// The test of the times before.
    pub pretest: Option<PretestQuestion>,
}

/// How least favourable critical values are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CriticalDraws {
    /// The seed.
    pub seed: u64,
    /// Draws.
    pub replicates: NonZeroU32,
}

/// What the rule that any estimate before is significant could have seen.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PretestQuestion {
    /// The level at which an estimate is significant.
    pub size: f64,
    /// Slopes of a line, for each time, whose power is wanted.
    #[serde(default)]
    pub slopes: Vec<f64>,
    /// Powers whose slope is wanted.
    #[serde(default)]
    pub powers: Vec<f64>,
}

impl TrendBounds {
    pub(crate) fn check(&self) -> Result<(), RequestError> {
        RequestError::first_contradiction([(
            self.relative.is_empty() != self.least_favourable.is_none(),
            "`least-favourable`",
            "give it with `relative`, and with it alone",
        )])
    }

    pub(crate) fn put(
        &self,
        estimates: &[f64],
        covariance: &[Vec<f64>],
        n_before: usize,
        level: ConfidenceLevel,
        numbers: &mut Numbers,
    ) -> Result<(), EffectError> {
        let level = level.fraction();
        let study = EventStudy::new(estimates, covariance, n_before, &self.target)?;
        let (point, error) = study.effect();
        let interval = study.interval(level);
        numbers.real("effect", point);
        numbers.real("effect_se", error);
        numbers.real("effect_ci_low", interval.lower);
        numbers.real("effect_ci_high", interval.upper);
        let mut put = |name: &str, key: f64, value: f64| {
            if value.is_finite() {
                numbers.covariate(name, &key.to_string(), value);
            }
        };
        for &most in &self.smoothness {
            // Without a set there is nothing to say: slopes change by more before already.
            let set = smoothness_set(&study, most);
            put(
                "smoothness_is_possible",
                most,
                f64::from(u8::from(set.is_some())),
            );
            if let Some(set) = set {
                put("smoothness_set_low", most, set.lower);
                put("smoothness_set_high", most, set.upper);
            }
            let interval = smoothness_interval(&study, most, level)?;
            put("smoothness_ci_low", most, interval.lower);
            put("smoothness_ci_high", most, interval.upper);
        }
        if let Some(CriticalDraws { seed, replicates }) = self.least_favourable {
            for &most in &self.relative {
                let set = relative_set(&study, most);
                put("relative_set_low", most, set.lower);
                put("relative_set_high", most, set.upper);
                let draws = LeastFavourable { seed, replicates };
                let interval = relative_interval(&study, most, level, draws)?;
                put("relative_ci_low", most, interval.lower);
                put("relative_ci_high", most, interval.upper);
            }
        }
        if let Some(question) = &self.pretest {
            let pretest = Pretest::new(&study, question.size)?;
            for &slope in &question.slopes {
                put("pretest_power", slope, pretest.power(slope));
                put("pretest_noncentrality", slope, pretest.noncentrality(slope));
            }
            for &power in &question.powers {
                if let Some(slope) = pretest.slope(power) {
                    put("pretest_slope", power, slope);
                }
            }
            numbers.real("pretest_size", pretest.power(0.0));
        }
        Ok(())
    }
}

impl Part for PublishedTrends {
    fn check(&self) -> Result<(), RequestError> {
        self.bounds.check()
    }

    fn put(
        &self,
        table: &Table,
        _: &Files<'_>,
        numbers: &mut Numbers,
    ) -> Result<Option<Estimand>, RequestError> {
        let estimates = table.numbers(&self.estimate)?;
        let columns: Vec<Vec<f64>> = self
            .covariance
            .iter()
            .map(|name| table.numbers(name))
            .collect::<Result<_, _>>()?;
        self.bounds
            .put(
                &estimates,
                &columns,
                self.n_before,
                self.confidence_level,
                numbers,
            )
            .map_err(|error| RequestError::effect(&self.covariance, None, error))?;
        Ok(None)
    }
}
