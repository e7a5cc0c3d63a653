//! How comparators are found, as requests and plans write it.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};
use utfall_core::Estimand;

use super::Contradiction;
use crate::{
    Bins, CovariateDistance, Discard, FullSpec, Link, NearestSpec, OptimalSpec, RiskSetSpec,
};

/// How comparators are found: one method, on a distance, within strata.
///
/// With `nearest`, `optimal`, `full`, `risk-set` or `subclasses` units are compared by `distance`. Without a
/// method, whole strata of `exact` and `coarsened` are compared.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Matching {
    /// Covariates of the distance: numeric columns, or `column=value` for an indicator.
    #[serde(default)]
    pub covariates: Vec<String>,
    /// The scale on which units are near each other.
    pub distance: Option<Distance>,
    /// Whom to leave out for a score outside the range of the other arm's.
    pub discard: Option<Discard>,
    /// Covariates on which units are near each other, while order and caliper go by the score.
    pub closest_on: Option<ClosestOn>,
    /// Columns in which matched units must be equal, to the letter.
    #[serde(default)]
    pub exact: Vec<String>,
    /// Columns in which matched units must lie in the same bin.
    #[serde(default)]
    pub coarsened: Vec<Coarsened>,
    /// Calipers on covariates, beside that of the method on the distance.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calipers: Vec<CovariateCaliper>,
    /// Columns in which matched units must differ.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unlike: Vec<String>,
    /// Column of sampling weights, for the propensity score.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sampling_weight: Option<String>,
    /// Nearest-neighbour matching.
    pub nearest: Option<NearestSpec>,
    /// Optimal pair and `k : 1` matching.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub optimal: Option<OptimalSpec>,
    /// Full matching.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full: Option<FullSpec>,
    /// Risk-set matching, of persons who enter on several days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risk_set: Option<RiskSetSpec>,
    /// Subclassification into so many classes between quantiles of the score.
    pub subclasses: Option<NonZeroU32>,
}

/// The scale on which units are near each other.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Distance {
    /// The propensity score, a probability.
    PropensityScore,
    /// Its logit.
    PropensityLogit,
    /// The propensity score of a regression with any link, or its linear predictor.
    Propensity {
        /// How the probability follows from the predictor.
        link: Link,
        /// Which of the two is the distance.
        scale: ScoreScale,
    },
    /// A score that a column of the data holds.
    Column(String),
    /// [`CovariateDistance::Mahalanobis`].
    Mahalanobis,
    /// [`CovariateDistance::RobustMahalanobis`].
    RobustMahalanobis,
    /// [`CovariateDistance::ScaledEuclidean`].
    ScaledEuclidean,
}

/// Which number of a propensity score is the distance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ScoreScale {
    /// The probability.
    Probability,
    /// The linear predictor.
    Linear,
}

/// A caliper on a covariate.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CovariateCaliper {
    /// A numeric column, or `column=value` for an indicator.
    pub column: String,
    /// The largest difference between matched units, itself within. Below zero, matched units must
    /// differ by more than its size.
    pub width: f64,
    /// The scale of the width.
    pub scale: CovariateScale,
}

/// The scale of a caliper's width on a covariate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CovariateScale {
    /// Standard deviations of the covariate over all units, divisor `n - 1`.
    Sd,
    /// The covariate's own unit.
    Raw,
}

/// Covariates on which units are near each other, beside a score.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ClosestOn {
    /// Numeric columns, or `column=value` for an indicator.
    pub covariates: Vec<String>,
    /// How covariates are compared with each other.
    pub distance: CovariateDistance,
}

/// A column and its bins.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Coarsened {
    /// A numeric column, or `column=value` for an indicator.
    pub column: String,
    /// How its values are divided.
    pub bins: Bins,
}

impl Distance {
    /// The distance on covariates, where it is none on a score.
    #[must_use]
    pub fn on_covariates(&self) -> Option<CovariateDistance> {
        match self {
            Self::PropensityScore
            | Self::PropensityLogit
            | Self::Propensity { .. }
            | Self::Column(_) => None,
            Self::Mahalanobis => Some(CovariateDistance::Mahalanobis),
            Self::RobustMahalanobis => Some(CovariateDistance::RobustMahalanobis),
            Self::ScaledEuclidean => Some(CovariateDistance::ScaledEuclidean),
        }
    }
}

impl Matching {
    /// Whether whole strata are compared.
    #[must_use]
    pub fn is_of_whole_strata(&self) -> bool {
        self.subclasses.is_none() && !self.has_pairing()
    }

    /// Whether units are matched one by one, so that rules between two units have a meaning.
    fn has_pairing(&self) -> bool {
        self.nearest.is_some()
            || self.optimal.is_some()
            || self.full.is_some()
            || self.risk_set.is_some()
    }

    /// Parts that do not go together, and options that would have no effect: whether each is so,
    /// what it is, and its remedy.
    #[must_use]
    pub fn contradictions(&self, estimand: Estimand) -> Vec<Contradiction> {
        let distance = self.distance.as_ref();
        let has_score = distance.is_some_and(|distance| distance.on_covariates().is_none());
        let is_given = matches!(distance, Some(Distance::Column(_)));
        let has_strata = !self.exact.is_empty() || !self.coarsened.is_empty();
        let has_rules = !self.calipers.is_empty() || !self.unlike.is_empty();
        let whole = self.is_of_whole_strata();
        let one_sided = matches!(estimand, Estimand::Att | Estimand::Atc);
        let methods = [
            self.nearest.is_some(),
            self.optimal.is_some(),
            self.full.is_some(),
            self.risk_set.is_some(),
            self.subclasses.is_some(),
        ];
        vec![
            (
                methods.iter().filter(|is| **is).count() > 1,
                "several of `nearest`, `optimal`, `full`, `risk-set` and `subclasses` in one matching",
                "keep one",
            ),
            (
                whole && !has_strata,
                "a matching without a method",
                "add `nearest`, `optimal`, `full`, `risk-set` or `subclasses`, or strata in `exact` or `coarsened`",
            ),
            (
                !whole && (distance.is_none() || (self.covariates.is_empty() && !is_given)),
                "a matching by nearness without `distance` or its `covariates`",
                "add both",
            ),
            (
                is_given && !self.covariates.is_empty(),
                "`covariates` beside a distance that is a column",
                "remove them: the column is the score",
            ),
            (
                whole && (self.distance.is_some() || !self.covariates.is_empty()),
                "`distance` or `covariates` where whole strata are compared",
                "remove them, or add a method",
            ),
            (
                self.discard.is_some() && !has_score,
                "`discard` belongs to a method on a score",
                "remove it",
            ),
            (
                self.closest_on.is_some() && (!has_score || !self.has_pairing()),
                "`closest-on` belongs to `nearest`, `optimal` or `full` on a score",
                "remove it, or make it the `distance`",
            ),
            (
                has_rules && !self.has_pairing(),
                "`calipers` and `unlike` belong to `nearest`, `optimal`, `full` and `risk-set`",
                "remove them",
            ),
            (
                self.risk_set.is_some()
                    && (!has_score || self.closest_on.is_some() || self.discard.is_some()),
                "`risk-set` is on a score, which alone says who is near, and leaves out nobody beforehand",
                "use a score, and remove `closest-on` and `discard`",
            ),
            (
                self.risk_set.is_some() && estimand != Estimand::Att,
                "`risk-set` finds comparators for the treated, so it estimates the att",
                "write `estimand = \"att\"`",
            ),
            (
                self.sampling_weight.is_some() && (!has_score || is_given),
                "`sampling-weight` belongs to a propensity score that is estimated",
                "remove it",
            ),
            (
                self.subclasses.is_some() && (!has_score || has_strata),
                "`subclasses` are of a score, and not within strata",
                "use a score and remove `exact` and `coarsened`",
            ),
            (
                (self.nearest.is_some() || self.optimal.is_some()) && !one_sided,
                "matching finds units of one arm for those of the other, so it estimates the att or the atc",
                "write `estimand = \"att\"` or `\"atc\"`, or match fully",
            ),
        ]
    }
}
