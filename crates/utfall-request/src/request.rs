//! The request file: what to compare, on which columns of which file.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use utfall_core::{ConfidenceLevel, Estimand};
use utfall_effects::{DegreesOfFreedom, Inference, MoneySpec, StandardError, TargetMeans};
use utfall_matching::Link;
use utfall_matching::design::{Matching, Weighting};
use utfall_matching::weighting::{Identification, WeightingMethod};

use crate::g_computation::OutcomeModel;
use crate::table::Table;
use crate::{Balance, Bootstrap, Derived, LeaveOut, RequestError};

/// A request: one CSV file, and what to compute from it.
///
/// It asks for balance, for an effect, or both. Nothing that moves a number has a default.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Request {
    /// `utfall-request/1`.
    pub schema: Schema,
    /// The CSV file, sought from the folder of the request: UTF-8, commas, one header line, one
    /// unit a row.
    pub data: PathBuf,
    /// Column that identifies units. Rows are put in its order first (by number if all are whole
    /// numbers, else by text), so that ties go to the lowest. Without it the order of the file stands.
    pub id: Option<String>,
    /// Columns to compute first, each from those before it.
    #[serde(default)]
    pub derive: Vec<Derived>,
    /// Rows to keep; a row must satisfy each.
    #[serde(default)]
    pub keep: Vec<Keep>,
    /// Columns whose rows without a value (an empty cell or `NA`) are left out. Any other missing
    /// value in a column that is used is an error.
    #[serde(default)]
    pub drop_rows_without: Vec<String>,
    /// Which rows are treated.
    pub treatment: Treatment,
    /// The question. Pairs answer for the `att` or the `atc`; the answer says `matched-treated`,
    /// `matched-comparators` or `matched-units` if matching left units out.
    pub estimand: Estimand,
    /// How comparators are found. Without it all rows count as they are.
    pub matching: Option<Matching>,
    /// How units are weighted, instead of matched.
    pub weighting: Option<Weighting>,
    /// Which covariates to compare between the arms.
    pub balance: Option<Balance>,
    /// Which effect to estimate.
    pub effect: Option<Effect>,
    /// Numbers of the answer that are drawn again, matching and weighting included.
    pub bootstrap: Option<Bootstrap>,
    /// Numbers of the answer without each group of rows in turn.
    pub leave_out: Option<LeaveOut>,
}

/// The version of the request's keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
pub enum Schema {
    /// The first.
    #[serde(rename = "utfall-request/1")]
    One,
}

/// Rows to keep.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Keep {
    /// The column.
    pub column: String,
    /// The cells that are kept, to the letter.
    pub equals: Vec<String>,
}

/// The treatment column and its two values.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Treatment {
    /// The column.
    pub column: String,
    /// The cell of a treated row, to the letter.
    pub treated: String,
    /// The cell of a comparator row, to the letter.
    pub comparator: String,
}

impl Treatment {
    /// Whether each row of a table is treated.
    pub(crate) fn of(&self, table: &Table) -> Result<Vec<bool>, RequestError> {
        table.arms(&self.column, &self.treated, &self.comparator)
    }
}

/// Which effect to estimate.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Effect {
    /// The procedure.
    pub estimator: Estimator,
    /// The outcome column.
    pub outcome: String,
    /// The outcome before the index date; for `matched-difference-in-differences` only.
    pub baseline: Option<String>,
    /// Covariates to adjust for; for `adjusted-difference` and `g-computation`.
    #[serde(default)]
    pub adjust_for: Vec<String>,
    /// The model of the outcome; for `g-computation` only.
    pub outcome_model: Option<OutcomeModel>,
    /// Column of weights; for `adjusted-difference` without matching only.
    pub weight: Option<String>,
    /// Whether the means that weights aim at vary from sample to sample; for `balanced-difference`.
    pub target_means: Option<TargetMeans>,
    /// The standard error of the interval and the p-value.
    pub standard_error: StandardError,
    /// What rows belong together, for a `cr` standard error: one way, or two.
    #[serde(default)]
    pub cluster_by: Vec<ClusterBy>,
    /// The distribution behind the interval and the p-value.
    pub degrees_of_freedom: DegreesOfFreedom,
    /// Level of the interval.
    pub confidence_level: ConfidenceLevel,
    /// Further standard errors to report beside it.
    #[serde(default)]
    pub also: Vec<FurtherError>,
    /// Factors by which hidden bias may multiply the odds of treatment within a matched pair, to
    /// report the bounds of the one-sided p-value; for one comparator to each treated unit.
    #[serde(default)]
    pub rosenbaum: Vec<f64>,
    /// What the effect on the treated is worth; not for `g-computation`.
    pub money: Option<MoneySpec>,
}

impl Effect {
    /// How the uncertainty is computed.
    #[must_use]
    pub fn inference(&self) -> Inference {
        Inference {
            standard_error: self.standard_error,
            degrees_of_freedom: self.degrees_of_freedom,
            confidence_level: self.confidence_level,
        }
    }
}

/// The procedure that estimates an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Estimator {
    /// [`utfall_effects::matched_difference`].
    MatchedDifference,
    /// [`utfall_effects::matched_difference_in_differences`].
    MatchedDifferenceInDifferences,
    /// [`utfall_effects::matched_difference`] with the weights of `weighting`.
    WeightedDifference,
    /// [`utfall_effects::score_weighted_difference`], with the weights of `weighting` by a propensity
    /// score, fitted to predict or to balance, and the score's own uncertainty in the error.
    ScoreWeightedDifference,
    /// [`utfall_effects::balanced_difference`], with the weights of entropy balancing and their own
    /// uncertainty in the error.
    BalancedDifference,
    /// [`utfall_effects::adjusted_difference`], on the matched or weighted sample if there is one.
    AdjustedDifference,
    /// [`utfall_effects::unadjusted_difference`]: all rows, whatever the matching.
    UnadjustedDifference,
    /// Mean outcomes under either arm by an outcome model ([`utfall_effects::GeneralisedFit::marginal`]),
    /// on the matched or weighted sample if there is one.
    GComputation,
}

/// What rows belong together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClusterBy {
    /// The matched set.
    MatchedSet,
    /// The unit, where it serves in several sets.
    Unit,
    /// A column of the file.
    Column(String),
}

/// A further standard error.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FurtherError {
    /// Its kind.
    pub standard_error: StandardError,
    /// What rows belong together.
    #[serde(default)]
    pub cluster_by: Vec<ClusterBy>,
}

impl Request {
    /// Reads a request from TOML; `name` is what messages call it.
    ///
    /// # Errors
    ///
    /// [`RequestError::Malformed`] with line and column, or [`RequestError::Contradiction`].
    pub fn from_toml(name: &str, text: &str) -> Result<Self, RequestError> {
        let request: Self = toml::from_str(text).map_err(|error| RequestError::Malformed {
            name: name.to_owned(),
            message: error.to_string().trim_end().to_owned(),
        })?;
        request.consistent()
    }

    /// Reads a request from JSON; `name` is what messages call it.
    ///
    /// # Errors
    ///
    /// [`RequestError::Malformed`] with line and column, or [`RequestError::Contradiction`].
    pub fn from_json(name: &str, text: &str) -> Result<Self, RequestError> {
        let request: Self =
            serde_json::from_str(text).map_err(|error| RequestError::Malformed {
                name: name.to_owned(),
                message: error.to_string(),
            })?;
        request.consistent()
    }

    /// Reads a request from a value that was read before, so that messages have no line.
    pub(crate) fn from_value(name: &str, value: serde_json::Value) -> Result<Self, RequestError> {
        let request: Self =
            serde_json::from_value(value).map_err(|error| RequestError::Malformed {
                name: name.to_owned(),
                message: error.to_string(),
            })?;
        request.consistent()
    }

    /// Refuses parts that do not go together, and options that would have no effect.
    fn consistent(self) -> Result<Self, RequestError> {
        RequestError::first_contradiction(self.contradictions())?;
        Ok(self)
    }

    /// Whether units are weighted by a method of this kind and nothing moves the weights afterwards.
    fn is_weighted_alone_by(&self, is_kind: impl Fn(&WeightingMethod) -> bool) -> bool {
        self.weighting.as_ref().is_some_and(|weighting| {
            let is_moved = weighting.cap.is_some() || weighting.calibration.is_some();
            is_kind(&weighting.method) && !is_moved && weighting.sampling_weight.is_none()
        })
    }

    fn contradictions(&self) -> Vec<(bool, &'static str, &'static str)> {
        let matched = self.matching.is_some();
        let mut all = vec![
            (
                self.balance.is_none() && self.effect.is_none(),
                "the request asks for nothing",
                "give it `[balance]`, `[effect]` or both",
            ),
            (
                matched && self.weighting.is_some(),
                "`[matching]` and `[weighting]` in one request",
                "keep one: each is an answer to who is compared",
            ),
            (
                matches!(
                    self.estimand,
                    Estimand::MatchedTreated
                        | Estimand::MatchedComparators
                        | Estimand::MatchedUnits
                        | Estimand::Compliers
                        | Estimand::AtCutoff
                ),
                "`matched-…`, `compliers` and `at-cutoff` are what a matching or model turns out to estimate, no question",
                "write `estimand = \"att\"`, `\"atc\"` or `\"ate\"`",
            ),
        ];
        if let Some(weighting) = &self.weighting {
            all.push((
                weighting.covariates.is_empty(),
                "a weighting without `covariates`",
                "name them",
            ));
        }
        if let Some(matching) = &self.matching {
            all.extend(matching.contradictions(self.estimand));
            all.push((
                matching.risk_set.is_some(),
                "`risk-set` in a matching of units that each enter once",
                "write `[risk-sets]`, or a plan with several days of entry",
            ));
        }
        let names_distance =
            |balance: &Balance| balance.covariates.iter().any(|name| name == "distance");
        all.push((
            matched && self.balance.as_ref().is_some_and(names_distance),
            "`distance` is what matching calls its own score",
            "rename the column",
        ));
        let is_alone = |balance: &Balance| {
            balance.missing.is_none()
                || (balance.also.is_empty()
                    && balance.score.is_empty()
                    && balance.within.is_empty()
                    && balance.prognostic.is_none()
                    && balance.overlap_bins.is_none())
        };
        all.push((
            !self.balance.as_ref().is_none_or(is_alone),
            "`missing` in `[balance]` beside parts that need every value",
            "keep `covariates` and `smd-denominator` alone with it",
        ));
        let has_score = |balance: &Balance| !balance.score.is_empty();
        all.push((
            matched && self.balance.as_ref().is_some_and(has_score),
            "`score` in `[balance]` beside `[matching]`",
            "remove it: the distance of the matching is compared",
        ));
        let Some(effect) = &self.effect else {
            return all;
        };
        let on_matched = matches!(
            effect.estimator,
            Estimator::MatchedDifference | Estimator::MatchedDifferenceInDifferences
        );
        let in_differences = effect.estimator == Estimator::MatchedDifferenceInDifferences;
        let adjusted = effect.estimator == Estimator::AdjustedDifference;
        let by_model = effect.estimator == Estimator::GComputation;
        let unadjusted = effect.estimator == Estimator::UnadjustedDifference;
        let clusters = || {
            let further = effect
                .also
                .iter()
                .map(|also| (also.standard_error, &also.cluster_by));
            further.chain([(effect.standard_error, &effect.cluster_by)])
        };
        let by_set = |ways: &[ClusterBy]| ways.iter().any(ClusterBy::is_of_matching);
        all.extend([
            (
                on_matched && !matched,
                "a matched estimator without `[matching]`",
                "add `[matching]`, or estimate the unadjusted-difference",
            ),
            (
                (effect.estimator == Estimator::WeightedDifference) && self.weighting.is_none(),
                "weighted-difference without `[weighting]`",
                "add `[weighting]`, or estimate the unadjusted-difference",
            ),
            (
                effect.estimator == Estimator::ScoreWeightedDifference
                    && !self.is_weighted_alone_by(|method| {
                        matches!(
                            method,
                            WeightingMethod::PropensityScore {
                                link: None | Some(Link::Logit),
                                trim: None,
                                ..
                            } | WeightingMethod::BalancingScore {
                                identification: Identification::Just,
                            }
                        )
                    }),
                "score-weighted-difference without `[weighting]` by a logistic score alone",
                "weight by a logistic propensity score or a just-identified balancing score, without a cap, trimming, sampling weights or calibration",
            ),
            (
                effect.estimator == Estimator::BalancedDifference
                    && !self.is_weighted_alone_by(|method| {
                        matches!(method, WeightingMethod::EntropyBalancing { .. })
                    }),
                "balanced-difference without `[weighting]` by entropy balancing alone",
                "weight by entropy balancing, without a cap, sampling weights or calibration",
            ),
            (
                (effect.estimator == Estimator::BalancedDifference)
                    != effect.target_means.is_some(),
                "`target-means` belongs to balanced-difference and to it alone",
                "add it there, `sampled` or `fixed`; remove it elsewhere",
            ),
            (
                in_differences != effect.baseline.is_some(),
                "`baseline` belongs to matched-difference-in-differences and to it alone",
                "add it there, remove it elsewhere",
            ),
            (
                !adjusted && !by_model && !effect.adjust_for.is_empty(),
                "`adjust-for` belongs to adjusted-difference and g-computation",
                "remove it or change the estimator",
            ),
            (
                by_model != effect.outcome_model.is_some(),
                "`outcome-model` belongs to g-computation and to it alone",
                "add it there, remove it elsewhere",
            ),
            (
                by_model && !effect.also.is_empty(),
                "`also` beside g-computation",
                "ask once for each standard error",
            ),
            (
                by_model && effect.money.is_some(),
                "`money` beside g-computation",
                "use it with another estimator",
            ),
            (
                effect.weight.is_some() && (!(adjusted || by_model) || matched || self.weighting.is_some()),
                "`weight` belongs to adjusted-difference and g-computation without matching and weighting",
                "remove it: a matching or weighting brings its own weights",
            ),
            (
                clusters().any(|(kind, ways)| kind.is_clustered() == ways.is_empty()),
                "a cr standard error needs `cluster-by`, and no other has a use for it",
                "add or remove `cluster-by`",
            ),
            (
                clusters().any(|(_, ways)| by_set(ways) && (!matched || unadjusted)),
                "clusters by matched set or unit outside a matched sample",
                "cluster by a column",
            ),
        ]);
        all
    }
}

impl ClusterBy {
    /// Whether the matching decides the clusters.
    pub(crate) fn is_of_matching(&self) -> bool {
        !matches!(self, Self::Column(_))
    }

    /// The cluster's part in the name of a standard error.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::MatchedSet => "matched_set",
            Self::Unit => "unit",
            Self::Column(column) => column,
        }
    }
}
