//! `[trial]`: the effect of a randomised treatment, as its design says.

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};
use utfall_core::{Estimand, Estimate};
use utfall_effects::{
    Draws, EffectError, Family, Grouping, Inference, Inferred, Learner, MatchedSample, MoneySpec,
    NuisanceFit, blocked_difference, doubly_robust, doubly_robust_bootstrap, interacted_difference,
    paired_cluster_difference, paired_difference, partially_linear, targeted,
};
use utfall_stats::draws::Stream;

use crate::files::Files;
use crate::model::Part;
use crate::regression::term;
use crate::table::Table;
use crate::uncertainty::{Name, Uncertainty};
use crate::{Numbers, RequestError, Treatment, warning};

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
    /// What the effect on the treated is worth.
    pub money: Option<MoneySpec>,
}

/// How units were assigned, or what is adjusted for.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
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
    /// [`utfall_effects::paired_cluster_difference`]: one cluster of each pair.
    #[serde(rename_all = "kebab-case")]
    PairedClusters {
        /// Column of the pair of clusters.
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
    DoublyRobust(RobustModels),
    /// [`utfall_effects::targeted`]: targeted maximum likelihood, with the same models.
    Targeted(RobustModels),
    /// [`utfall_effects::partially_linear`]: what is left of outcome and treatment without covariates.
    PartiallyLinear(RobustModels),
}

/// The models of a doubly robust estimate.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RobustModels {
    /// Covariates of both models.
    pub covariates: Vec<String>,
    /// Which rows are predicted from which others, for cross-fitting.
    pub folds: Option<Folds>,
    /// Scores are held to this and one minus this.
    pub clip: Option<f64>,
    /// The outcome models, if not least squares.
    pub outcome_family: Option<OutcomeFamily>,
    /// Learns outcomes instead; beside `logit` or `probit` their probabilities. It needs `folds`.
    pub outcome_learner: Option<Learner>,
    /// Learns the score instead of logistic regression. It needs `folds`.
    pub score_learner: Option<Learner>,
    /// Samples drawn for a standard error of [`utfall_effects::doubly_robust_bootstrap`]; for
    /// `doubly-robust` with linear outcome models, all rows and no clipping.
    pub resampled: Option<Draws>,
}

/// Folds for cross-fitting.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Folds {
    /// The cells of a column.
    Column(String),
    /// So many folds in turn: the first row of the data in the first fold, the next in the next.
    InTurn(NonZeroUsize),
    /// So many folds of equal size, drawn at random.
    #[serde(rename_all = "kebab-case")]
    Drawn {
        /// Their number.
        n_folds: NonZeroUsize,
        /// The seed.
        seed: u64,
    },
}

/// The family of outcome models.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum OutcomeFamily {
    /// [`Family::Logit`].
    Logit,
    /// [`Family::Probit`].
    Probit,
    /// [`Family::Poisson`].
    Poisson,
}

impl OutcomeFamily {
    pub(crate) fn family(self) -> Family {
        match self {
            Self::Logit => Family::Logit,
            Self::Probit => Family::Probit,
            Self::Poisson => Family::Poisson,
        }
    }
}

impl Folds {
    fn of(&self, table: &Table) -> Result<Grouping, RequestError> {
        let n_rows = table.n_rows();
        let in_turn = |n: usize| (0..n_rows).map(|row| row % n).collect::<Vec<usize>>();
        Ok(match self {
            Self::Column(column) => Grouping::of(&table.texts(column)?),
            Self::InTurn(n) => Grouping::of(&in_turn(n.get())),
            Self::Drawn { n_folds, seed } => {
                let mut folds = in_turn(n_folds.get());
                Stream::new(*seed, "folds", 0).shuffle(&mut folds);
                Grouping::of(&folds)
            }
        })
    }
}

/// The columns a design needs.
enum Columns {
    Groups(Grouping),
    Covariates(Vec<Vec<f64>>),
    Robust(Vec<Vec<f64>>, Option<Grouping>),
}

impl Part for Trial {
    fn check(&self) -> Result<(), RequestError> {
        self.inference.check()?;
        RequestError::first_contradiction(self.contradictions())
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
        if let Some(money) = &self.money {
            let main = run(&self.inference.inference(), &clusters.main()).map_err(refused)?;
            crate::money::put(money, &main, numbers).map_err(refused)?;
        }
        let n_treated = treated.iter().filter(|&&is| is).count();
        numbers.count("n_treated", n_treated);
        numbers.count("n_comparator", treated.len() - n_treated);
        warning::of_arms(&treated, numbers);
        match (&self.design, &columns) {
            (Design::Blocked { .. }, Columns::Groups(groups)) => {
                numbers.count("n_blocks", groups.n_groups());
            }
            (Design::Paired { .. } | Design::PairedClusters { .. }, Columns::Groups(groups)) => {
                numbers.count("n_pairs", groups.n_groups());
            }
            (Design::Targeted(models), Columns::Robust(covariates, folds)) => {
                let covariates: Vec<&[f64]> = covariates.iter().map(Vec::as_slice).collect();
                let found = targeted(
                    self.estimand,
                    &treated,
                    &covariates,
                    &outcome,
                    &models.nuisance(folds.as_ref()),
                    &clusters.main(),
                    &self.inference.inference(),
                );
                let found = found.map_err(refused)?;
                warning::of_extreme_scores(found.n_extreme_scores, numbers);
                numbers.real("mean_treated", found.means.0);
                numbers.real("mean_comparator", found.means.1);
            }
            (Design::DoublyRobust(models), Columns::Robust(covariates, folds)) => {
                let covariates: Vec<&[f64]> = covariates.iter().map(Vec::as_slice).collect();
                let inference = self.inference.inference();
                let both = doubly_robust(
                    self.estimand,
                    &treated,
                    &covariates,
                    &outcome,
                    &models.nuisance(folds.as_ref()),
                    &clusters.main(),
                    &inference,
                );
                let both = both.map_err(refused)?;
                warning::of_extreme_scores(both.n_extreme_scores, numbers);
                numbers.real("g_computation", both.g_computation);
                numbers.real("inverse_probability", both.inverse_probability);
                if let Some((with, without)) = both.means {
                    numbers.real("mean_treated", with);
                    numbers.real("mean_comparator", without);
                }
                if let Some(draws) = models.resampled {
                    let clusters = clusters.main();
                    let drawn = doubly_robust_bootstrap(
                        self.estimand,
                        &treated,
                        &covariates,
                        &outcome,
                        clusters.first().copied(),
                        draws,
                    );
                    let drawn = drawn.map_err(refused)?;
                    numbers.real("se_resampled", drawn.standard_error());
                }
            }
            _ => {}
        }
        Ok(Some(self.estimand))
    }
}

impl Trial {
    fn contradictions(&self) -> Vec<(bool, &'static str, &'static str)> {
        let models = match &self.design {
            Design::Paired { .. } | Design::PairedClusters { .. } => {
                let is_clustered = self.inference.is_clustered();
                return vec![(
                    is_clustered,
                    "a cr standard error of pairs, whose error is that between them",
                    "use `classical` with `residual` degrees of freedom",
                )];
            }
            Design::DoublyRobust(models)
            | Design::Targeted(models)
            | Design::PartiallyLinear(models) => models,
            Design::Blocked { .. } | Design::Interacted { .. } => return Vec::new(),
        };
        let learns = models.outcome_learner.is_some() || models.score_learner.is_some();
        let of_counts = models.outcome_family == Some(OutcomeFamily::Poisson);
        let plain = !learns
            && models.folds.is_none()
            && models.clip.is_none()
            && models.outcome_family.is_none();
        let robust = matches!(self.design, Design::DoublyRobust(_));
        vec![
            (
                learns && models.folds.is_none(),
                "a learner without `folds`",
                "give folds: a learner that saw a row says too much of it",
            ),
            (
                models.outcome_learner.is_some() && of_counts,
                "`outcome-learner` beside `outcome-family = \"poisson\"`",
                "remove one of them",
            ),
            (
                models.resampled.is_some() && !(plain && robust),
                "`resampled` outside a plain `doubly-robust` design",
                "remove `folds`, `clip`, `outcome-family` and learners, or use `[bootstrap]`",
            ),
        ]
    }

    fn names(&self) -> &[String] {
        match &self.design {
            Design::Interacted { covariates }
            | Design::DoublyRobust(RobustModels { covariates, .. })
            | Design::Targeted(RobustModels { covariates, .. })
            | Design::PartiallyLinear(RobustModels { covariates, .. }) => covariates,
            Design::Blocked { .. } | Design::Paired { .. } | Design::PairedClusters { .. } => &[],
        }
    }

    fn columns(&self, table: &Table) -> Result<Columns, RequestError> {
        Ok(match &self.design {
            Design::Blocked { block: column }
            | Design::Paired { pair: column }
            | Design::PairedClusters { pair: column } => {
                Columns::Groups(Grouping::of(&table.texts(column)?))
            }
            Design::Interacted { covariates } => Columns::Covariates(terms(table, covariates)?),
            Design::DoublyRobust(models)
            | Design::Targeted(models)
            | Design::PartiallyLinear(models) => {
                let folds = models.folds.as_ref().map(|folds| folds.of(table));
                Columns::Robust(terms(table, &models.covariates)?, folds.transpose()?)
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
            Columns::Groups(groups) if matches!(self.design, Design::PairedClusters { .. }) => {
                paired_cluster_difference(estimand, treated, groups, outcome, inference)
            }
            Columns::Groups(groups) => {
                blocked_difference(estimand, treated, groups, outcome, inference)
            }
            Columns::Robust(covariates, folds) => {
                let covariates: Vec<&[f64]> = covariates.iter().map(Vec::as_slice).collect();
                let nuisance = match &self.design {
                    Design::Targeted(models) => {
                        let found = targeted(
                            estimand,
                            treated,
                            &covariates,
                            outcome,
                            &models.nuisance(folds.as_ref()),
                            clusters,
                            inference,
                        )?;
                        return Ok(found.estimate);
                    }
                    Design::PartiallyLinear(models) => {
                        return partially_linear(
                            estimand,
                            treated,
                            &covariates,
                            outcome,
                            &models.nuisance(folds.as_ref()),
                            clusters,
                            inference,
                        );
                    }
                    Design::DoublyRobust(models) => models.nuisance(folds.as_ref()),
                    _ => NuisanceFit::default(),
                };
                let both = doubly_robust(
                    estimand,
                    treated,
                    &covariates,
                    outcome,
                    &nuisance,
                    clusters,
                    inference,
                )?;
                Ok(both.estimate)
            }
            Columns::Covariates(covariates) => {
                let covariates: Vec<&[f64]> = covariates.iter().map(Vec::as_slice).collect();
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

impl RobustModels {
    fn nuisance<'a>(&self, folds: Option<&'a Grouping>) -> NuisanceFit<'a> {
        NuisanceFit {
            folds,
            clip: self.clip,
            outcome_family: self.outcome_family.map(OutcomeFamily::family),
            outcome_learner: self.outcome_learner,
            score_learner: self.score_learner,
        }
    }
}

fn terms(table: &Table, names: &[String]) -> Result<Vec<Vec<f64>>, RequestError> {
    names.iter().map(|name| term(table, name, None)).collect()
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
