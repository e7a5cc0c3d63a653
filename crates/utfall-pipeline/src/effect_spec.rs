//! The effects of a plan, and how each is estimated.

use serde::{Deserialize, Serialize};
use utfall_core::Window;
use utfall_effects::{Inference, MoneySpec};
use utfall_verify::record::EffectRole;

use crate::{ModelSpec, documents};

/// One effect.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(try_from = "Written", rename_all = "kebab-case")]
pub struct EffectSpec {
    /// The name the contract uses.
    pub name: String,
    /// Title for people.
    pub title: String,
    /// What the effect is for.
    #[serde(default)]
    pub role: EffectRole,
    /// Unit of the outcome, for people: `rate`, `SEK per child`, `reports per family`.
    pub unit: String,
    /// The measure.
    pub measure: String,
    /// Follow-up window.
    pub window: Window,
    /// How the effect is estimated.
    pub estimator: EstimatorSpec,
    /// How its uncertainty is computed; a model computes its own, and has the level of its interval
    /// here.
    pub inference: Inference,
    /// What belongs together; used by the `cr` standard errors.
    pub clusters: Vec<ClusterBy>,
    /// What the effect on the treated is worth.
    pub money: Option<MoneySpec>,
}

/// An effect as a plan has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Written {
    name: String,
    title: String,
    #[serde(default)]
    role: EffectRole,
    unit: String,
    measure: String,
    window: Window,
    estimator: EstimatorSpec,
    inference: Option<Inference>,
    clusters: Option<Vec<ClusterBy>>,
    money: Option<MoneySpec>,
}

impl TryFrom<Written> for EffectSpec {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let (inference, clusters) = match (&written.estimator, written.inference, written.clusters)
        {
            (EstimatorSpec::Model(model), None, None) => {
                model
                    .check_level()
                    .map_err(|message| format!("effect `{}`: {message}", written.name))?;
                (model.inference(), Vec::new())
            }
            (EstimatorSpec::Model(_), ..) => {
                return Err(format!(
                    "effect `{}` has `inference` or `clusters` beside a model, whose request says how its errors are computed; leave them out",
                    written.name
                ));
            }
            (_, Some(inference), Some(clusters)) => (inference, clusters),
            (_, None, _) => return Err("missing field `inference`".to_owned()),
            (_, _, None) => return Err("missing field `clusters`".to_owned()),
        };
        Ok(Self {
            name: written.name,
            title: written.title,
            role: written.role,
            unit: written.unit,
            measure: written.measure,
            window: written.window,
            estimator: written.estimator,
            inference,
            clusters,
            money: written.money,
        })
    }
}

impl EstimatorSpec {
    /// The plan's word for the procedure: its kind, or the key of its model.
    pub(crate) fn word(&self) -> String {
        match self {
            Self::Model(model) => model.request.model().to_owned(),
            estimator => documents::kind(estimator),
        }
    }
}

impl EffectSpec {
    /// The measures that are read after the index date.
    pub(crate) fn measures(&self) -> impl Iterator<Item = &String> {
        let further = match &self.estimator {
            EstimatorSpec::Model(model) => &model.measures[..],
            _ => &[],
        };
        std::iter::once(&self.measure).chain(further)
    }
}

/// A way in which rows of the compared sample belong together.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClusterBy {
    /// A treated unit and its comparators.
    MatchedSet,
    /// Every appearance of one unit, where a comparator may serve several treated units.
    Unit,
    /// Units that share an attribute of the cohort: a school, a family.
    Attribute(String),
}

/// How an effect is estimated on the units that were made comparable.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(
    tag = "kind",
    deny_unknown_fields,
    rename_all = "kebab-case",
    rename_all_fields = "kebab-case"
)]
pub enum EstimatorSpec {
    /// Treated mean minus weighted comparator mean of the outcome, in matched sets or strata.
    MatchedDifference,
    /// The same under the weights of a weighting.
    WeightedDifference,
    /// The same without matching or weights.
    UnadjustedDifference,
    /// The coefficient of treatment in a regression on treatment and covariates, with the weights of
    /// the matching or weighting.
    AdjustedDifference {
        /// Covariates of the cohort; all of them if none is named.
        #[serde(default)]
        adjust_for: Vec<String>,
    },
    /// Augmented inverse-probability weighting (AIPW) of everyone: right if the propensity score or
    /// the outcome regressions are.
    DoublyRobust {
        /// Covariates of both models; all of the cohort's if none is named.
        #[serde(default)]
        covariates: Vec<String>,
    },
    /// The difference of the change of the outcome since a baseline window.
    MatchedDifferenceInDifferences {
        /// The window the change is measured from.
        baseline: Window,
    },
    /// A model of a request, on rows made of the sealed units and their outcomes.
    Model(Box<ModelSpec>),
}
