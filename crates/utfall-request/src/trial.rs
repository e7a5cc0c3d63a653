//! `[trial]`: the effect of a randomised treatment, as its design says.

use serde::{Deserialize, Serialize};
use utfall_core::{Estimand, Estimate};
use utfall_effects::{
    EffectError, Grouping, Inference, Inferred, MatchedSample, blocked_difference, doubly_robust,
    interacted_difference, paired_difference,
};

use crate::files::Files;
use crate::model::Part;
use crate::regression::term;
use crate::table::Table;
use crate::uncertainty::{Name, Uncertainty};
use crate::{Numbers, RequestError, Treatment};

/// The effect of a treatment in a trial.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Trial {
    /// Which rows are treated.
    pub treatment: Treatment,
    /// The question.
    pub estimand: Estimand,
    /// The outcome column.
    pub outcome: String,
    /// How units were assigned, or what is adjusted for.
    pub design: Design,
    /// Its uncertainty.
    pub inference: Uncertainty,
}

/// How units were assigned, or what is adjusted for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum Design {
    /// [`utfall_effects::blocked_difference`]: within blocks.
    #[serde(rename_all = "kebab-case")]
    Blocked {
        /// Column of the block.
        block: String,
    },
    /// [`utfall_effects::paired_difference`]: one of each pair.
    #[serde(rename_all = "kebab-case")]
    Paired {
        /// Column of the pair.
        pair: String,
    },
    /// [`utfall_effects::interacted_difference`]: Lin's adjustment.
    #[serde(rename_all = "kebab-case")]
    Interacted {
        /// Covariates to adjust for.
        covariates: Vec<String>,
    },
    /// [`utfall_effects::doubly_robust`]: augmented inverse-probability weighting, in a trial or a
    /// cohort.
    #[serde(rename_all = "kebab-case")]
    DoublyRobust {
        /// Covariates of both models.
        covariates: Vec<String>,
    },
}

/// The columns a design needs.
enum Columns {
    Groups(Grouping),
    Covariates(Vec<Vec<f64>>),
}

impl Part for Trial {
    fn check(&self) -> Result<(), RequestError> {
        self.inference.check()
    }

    fn put(
        &self,
        table: &Table,
        _files: &Files<'_>,
        numbers: &mut Numbers,
    ) -> Result<Option<Estimand>, RequestError> {
        let treated = self.treatment.of(table)?;
        let outcome = table.numbers(&self.outcome)?;
        let columns = self.columns(table)?;
        let clusters = self.inference.clusters(table)?;
        let run = |inference: &Inference, ways: &[&Grouping]| {
            self.run(&treated, &outcome, &columns, ways, inference)
        };
        let refused = |error: EffectError| {
            RequestError::effect(
                self.names(),
                error.row().and_then(|row| table.line(row)),
                error,
            )
        };
        let put = |numbers: &mut Numbers| {
            let inferred = |inference: &Inference, ways: &[&Grouping]| {
                run(inference, ways).map(|estimate| inferred(&estimate))
            };
            self.inference
                .put(&Name::Effect, &clusters, numbers, inferred)
        };
        put(numbers).map_err(refused)?;
        let n_treated = treated.iter().filter(|&&is| is).count();
        numbers.count("n_treated", n_treated);
        numbers.count("n_comparator", treated.len() - n_treated);
        match (&self.design, &columns) {
            (Design::Blocked { .. }, Columns::Groups(groups)) => {
                numbers.count("n_blocks", groups.n_groups());
            }
            (Design::Paired { .. }, Columns::Groups(groups)) => {
                numbers.count("n_pairs", groups.n_groups());
            }
            (Design::DoublyRobust { .. }, Columns::Covariates(covariates)) => {
                let covariates: Vec<&[f64]> = covariates.iter().map(Vec::as_slice).collect();
                let inference = self.inference.inference();
                let both = doubly_robust(
                    self.estimand,
                    &treated,
                    &covariates,
                    &outcome,
                    &clusters.main(),
                    &inference,
                );
                let both = both.map_err(refused)?;
                numbers.real("g_computation", both.g_computation);
                numbers.real("inverse_probability", both.inverse_probability);
                if let Some((with, without)) = both.means {
                    numbers.real("mean_treated", with);
                    numbers.real("mean_comparator", without);
                }
            }
            _ => {}
        }
        Ok(Some(self.estimand))
    }
}

impl Trial {
    fn names(&self) -> &[String] {
        match &self.design {
            Design::Interacted { covariates } | Design::DoublyRobust { covariates } => covariates,
            Design::Blocked { .. } | Design::Paired { .. } => &[],
        }
    }

    fn columns(&self, table: &Table) -> Result<Columns, RequestError> {
        Ok(match &self.design {
            Design::Blocked { block: column } | Design::Paired { pair: column } => {
                Columns::Groups(Grouping::of(&table.texts(column)?))
            }
            Design::Interacted { covariates } | Design::DoublyRobust { covariates } => {
                let columns = covariates.iter().map(|name| term(table, name, None));
                Columns::Covariates(columns.collect::<Result<_, _>>()?)
            }
        })
    }

    fn run(
        &self,
        treated: &[bool],
        outcome: &[f64],
        columns: &Columns,
        clusters: &[&Grouping],
        inference: &Inference,
    ) -> Result<Estimate, EffectError> {
        let estimand = self.estimand;
        match columns {
            Columns::Groups(groups) if matches!(self.design, Design::Paired { .. }) => {
                paired_difference(estimand, treated, groups, outcome, inference)
            }
            Columns::Groups(groups) => {
                blocked_difference(estimand, treated, groups, outcome, inference)
            }
            Columns::Covariates(covariates) => {
                let covariates: Vec<&[f64]> = covariates.iter().map(Vec::as_slice).collect();
                if matches!(self.design, Design::DoublyRobust { .. }) {
                    let both = doubly_robust(
                        estimand,
                        treated,
                        &covariates,
                        outcome,
                        clusters,
                        inference,
                    )?;
                    return Ok(both.estimate);
                }
                let sample = MatchedSample {
                    estimand,
                    treated,
                    weight: &vec![1.0; treated.len()],
                    outcome,
                    unit: None,
                    clusters,
                };
                interacted_difference(&sample, &covariates, inference)
            }
        }
    }
}

fn inferred(estimate: &Estimate) -> Inferred {
    Inferred {
        point: estimate.point,
        standard_error: estimate.standard_error,
        degrees_of_freedom: estimate.degrees_of_freedom,
        interval: estimate.interval,
        p_value: estimate.p_value,
        n_clusters: estimate.n_clusters,
    }
}
