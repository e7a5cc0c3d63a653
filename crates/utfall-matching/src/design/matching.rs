//! How comparators are found, as requests and plans write it.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};
use utfall_core::Estimand;

use super::Contradiction;
use crate::{Bins, CovariateDistance, Discard, NearestSpec};

/// How comparators are found: one method, on a distance, within strata.
///
/// With `nearest` or `subclasses` units are compared by `distance`. Without a method, whole strata
/// of `exact` and `coarsened` are compared.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
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
    /// Nearest-neighbour matching.
    pub nearest: Option<NearestSpec>,
    /// Subclassification into so many classes between quantiles of the score.
    pub subclasses: Option<NonZeroU32>,
}

/// The scale on which units are near each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Distance {
    /// The propensity score, a probability.
    PropensityScore,
    /// Its logit.
    PropensityLogit,
    /// [`CovariateDistance::Mahalanobis`].
    Mahalanobis,
    /// [`CovariateDistance::RobustMahalanobis`].
    RobustMahalanobis,
    /// [`CovariateDistance::ScaledEuclidean`].
    ScaledEuclidean,
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
    pub fn on_covariates(self) -> Option<CovariateDistance> {
        match self {
            Self::PropensityScore | Self::PropensityLogit => None,
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
        self.nearest.is_none() && self.subclasses.is_none()
    }

    /// Parts that do not go together, and options that would have no effect: whether each is so,
    /// what it is, and its remedy.
    #[must_use]
    pub fn contradictions(&self, estimand: Estimand) -> Vec<Contradiction> {
        let has_score = self
            .distance
            .is_some_and(|distance| distance.on_covariates().is_none());
        let has_strata = !self.exact.is_empty() || !self.coarsened.is_empty();
        let whole = self.is_of_whole_strata();
        let one_sided = matches!(estimand, Estimand::Att | Estimand::Atc);
        vec![
            (
                self.nearest.is_some() && self.subclasses.is_some(),
                "`nearest` and `subclasses` in one matching",
                "keep one",
            ),
            (
                whole && !has_strata,
                "a matching without a method",
                "add `nearest` or `subclasses`, or strata in `exact` or `coarsened`",
            ),
            (
                !whole && (self.distance.is_none() || self.covariates.is_empty()),
                "a matching by nearness without `distance` or its `covariates`",
                "add both",
            ),
            (
                whole && (self.distance.is_some() || !self.covariates.is_empty()),
                "`distance` or `covariates` where whole strata are compared",
                "remove them, or add `nearest` or `subclasses`",
            ),
            (
                self.discard.is_some() && (!has_score || self.nearest.is_none()),
                "`discard` belongs to `nearest` on a propensity score",
                "remove it",
            ),
            (
                self.closest_on.is_some() && (!has_score || self.nearest.is_none()),
                "`closest-on` belongs to `nearest` on a propensity score",
                "remove it, or make it the `distance`",
            ),
            (
                self.subclasses.is_some() && (!has_score || has_strata),
                "`subclasses` are of a propensity score, and not within strata",
                "use a propensity score and remove `exact` and `coarsened`",
            ),
            (
                self.nearest.is_some() && !one_sided,
                "matching finds units of one arm for those of the other, so it estimates the att or the atc",
                "write `estimand = \"att\"` or `\"atc\"`",
            ),
        ]
    }
}
