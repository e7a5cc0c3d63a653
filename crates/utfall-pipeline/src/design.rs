//! The designs of a plan: how units are made comparable, by the one that decides payment and by others.

use serde::{Deserialize, Serialize};
use utfall_core::Estimand;
use utfall_effects::Inference;
use utfall_matching::design::{Distance, Matching, Weighting};

use crate::{ClusterBy, EstimatorSpec, Plan, PlanName};

/// A design beside the plan's own, with its estimator: every effect of the plan is estimated by it
/// too, over the same windows.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AlternativeSpec {
    /// Short name, also that of its folder.
    pub name: PlanName,
    /// Title for people, which tells it from the others.
    pub title: String,
    /// Whom the effect is averaged over.
    pub estimand: Estimand,
    /// How comparators are found.
    pub matching: Option<Matching>,
    /// How units are weighted, instead of matched.
    pub weighting: Option<Weighting>,
    /// Whom the estimator gets, instead of those of a matching or weighting of its own.
    pub units: Option<UnitsCompared>,
    /// How the effect is estimated.
    pub estimator: EstimatorSpec,
    /// How its uncertainty is computed.
    pub inference: Inference,
    /// What belongs together; used by the `cr` standard errors.
    pub clusters: Vec<ClusterBy>,
}

/// Units compared without a matching or weighting of the design's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnitsCompared {
    /// Everyone in the cohort, as they are.
    Everyone,
    /// The units and weights of the plan's own design; for alternatives.
    AsPrimary,
}

/// One design: the question, and how units are made comparable to answer it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Design {
    pub(crate) estimand: Estimand,
    pub(crate) how: Comparing,
}

/// How units are made comparable.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Comparing {
    Matching(Box<Matching>),
    Weighting(Weighting),
    Everyone,
}

impl Plan {
    /// The design that decides payment.
    pub(crate) fn design(&self) -> Design {
        self.design_of(
            self.estimand,
            self.matching.as_ref(),
            self.weighting.as_ref(),
        )
    }

    /// The design of an alternative.
    pub(crate) fn alternative_design(&self, alternative: &AlternativeSpec) -> Design {
        match alternative.units {
            Some(UnitsCompared::AsPrimary) => self.design(),
            _ => self.design_of(
                alternative.estimand,
                alternative.matching.as_ref(),
                alternative.weighting.as_ref(),
            ),
        }
    }

    /// Covariates of the cohort, in its order: what a design goes by that names none.
    pub(crate) fn covariate_names(&self) -> Vec<String> {
        let covariates = self.cohort.covariate.iter();
        covariates.map(|covariate| covariate.name.clone()).collect()
    }

    fn design_of(
        &self,
        estimand: Estimand,
        matching: Option<&Matching>,
        weighting: Option<&Weighting>,
    ) -> Design {
        let how = match (matching, weighting) {
            (Some(matching), _) => Comparing::Matching(Box::new(self.filled(matching))),
            (None, Some(weighting)) => Comparing::Weighting(Weighting {
                covariates: self.or_all(&weighting.covariates),
                ..weighting.clone()
            }),
            (None, None) => Comparing::Everyone,
        };
        Design { estimand, how }
    }

    /// A matching that names the covariates it goes by.
    pub(crate) fn filled(&self, matching: &Matching) -> Matching {
        let is_given = matches!(matching.distance, Some(Distance::Column(_)));
        if is_given || matching.is_of_whole_strata() {
            return matching.clone();
        }
        Matching {
            covariates: self.or_all(&matching.covariates),
            ..matching.clone()
        }
    }

    fn or_all(&self, names: &[String]) -> Vec<String> {
        if names.is_empty() {
            self.covariate_names()
        } else {
            names.to_vec()
        }
    }
}

impl Design {
    /// What is done, in words.
    pub(crate) fn words(&self) -> String {
        match &self.how {
            Comparing::Matching(matching) => matching.words(),
            Comparing::Weighting(weighting) => weighting.words(self.estimand),
            Comparing::Everyone => "everyone as they are".to_owned(),
        }
    }
}
