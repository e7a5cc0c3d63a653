//! Augmented inverse-probability weighting: right if either of two models is.
//!
//! A linear regression in each arm predicts outcomes; weighting by a logistic propensity score
//! corrects the predictions where they miss. What each row adds to the estimate is known in closed
//! form, so the estimate is a regression of these parts and has every robust standard error.
//!
//! Robins, Rotnitzky & Zhao (1994), <https://doi.org/10.2307/2290910>.

use utfall_core::{Estimand, Estimate};
use utfall_stats::moments::{count, mean};
use utfall_stats::sums::{sum, sum_of};

use crate::arms::check_arms;
use crate::learner::{Learner, Target};
use crate::power::refuse;
use crate::regression::check_finite;
use crate::{EffectError, Family, Grouping, Inference, WeightedRegression, fit_generalised, infer};

/// How the two models of a doubly robust estimate are fitted.
#[derive(Debug, Clone, Copy, Default)]
pub struct NuisanceFit<'a> {
    /// Rows of one fold are predicted by models fitted to all other folds (cross-fitting, double
    /// machine learning); `None` fits and predicts on all rows.
    pub folds: Option<&'a Grouping>,
    /// Scores are held to `clip` and `1 - clip`; `None` leaves them as they are. `DoubleML` has 0.01
    /// unless told otherwise.
    pub clip: Option<f64>,
    /// The outcome models: least squares, or a generalised linear model.
    pub outcome_family: Option<Family>,
    /// Learns outcomes in place of these models; with `logit` or `probit` as the family their
    /// probabilities. It needs folds.
    pub outcome_learner: Option<Learner>,
    /// Learns the score in place of logistic regression. It needs folds.
    pub score_learner: Option<Learner>,
}

/// A doubly robust estimate and the two estimates it is made from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DoublyRobust {
    /// The estimate.
    pub estimate: Estimate,
    /// The outcome models alone: the mean of predicted differences.
    pub g_computation: f64,
    /// The propensity score alone, with weights as they are (Horvitz & Thompson).
    pub inverse_probability: f64,
    /// Mean outcomes under treatment and without it, for everyone; for [`Estimand::Ate`].
    pub means: Option<(f64, f64)>,
    /// Rows with an extreme score, as [`n_extreme_scores`] counts them.
    pub n_extreme_scores: usize,
}

/// Scores nearer than this to 0 or 1 are extreme: there is hardly anybody of the other arm like these
/// rows.
pub const EXTREME_SCORE: f64 = 0.001;

/// Scores that are extreme.
#[must_use]
pub fn n_extreme_scores(score: &[f64]) -> usize {
    let is_extreme = |p: &&f64| **p < EXTREME_SCORE || **p > 1.0 - EXTREME_SCORE;
    score.iter().filter(is_extreme).count()
}

/// Estimates an effect by augmented inverse-probability weighting.
///
/// It is consistent if the propensity score or the outcome models are right. With `hc0` the
/// standard error is `√(mean(φ²)/n)` of the influence function `φ`, with `hc1` its divisor is
/// `n - 1`. It is right if both models are and leaves out nothing else then; if one is wrong it
/// can be too small or too large. Nothing is trimmed: look at overlap first.
///
/// # Shapes and units
///
/// - `treated`, `outcome`: one value per row; `covariates`: columns of both models, one value per
///   row, without a constant.
/// - `nuisance`: how the models are fitted; with folds the errors of flexible models do not leak
///   into the estimate (Chernozhukov et al. 2018).
/// - `clusters`: for the `cr` kinds.
/// - Outcome, point and standard error are in one unit.
///
/// # Errors
///
/// - [`EffectError::LengthMismatch`], [`EffectError::NotFinite`] for malformed slices.
/// - [`EffectError::TooFewInArm`] if an arm has fewer rows than two.
/// - Those of [`fit_generalised`] and of [`WeightedRegression::fit`] for the two models; columns
///   are counted from the constant, which is column 0.
/// - [`EffectError::ScoreAtEdge`] if a model gives a row a score of 0 or 1, as a tree can: set `clip`,
///   or grow larger leaves.
/// - [`EffectError::TooFewFolds`] for learners without folds, those of [`Learner`], and
///   [`EffectError::OutcomeOutsideFamily`] for a learner beside any other family.
/// - [`EffectError::EstimandUndefined`] for any other estimand.
/// - Those of [`infer`].
///
/// # Reference
///
/// Robins, Rotnitzky & Zhao (1994), <https://doi.org/10.2307/2290910>; Moodie, Saarela & Stephens
/// (2018) on the effect over the treated, <https://doi.org/10.1002/sta4.205>; Chernozhukov et al.
/// (2018) on cross-fitting, <https://doi.org/10.1111/ectj.12097>.
pub fn doubly_robust(
    estimand: Estimand,
    treated: &[bool],
    covariates: &[&[f64]],
    outcome: &[f64],
    nuisance: &NuisanceFit<'_>,
    clusters: &[&Grouping],
    inference: &Inference,
) -> Result<DoublyRobust, EffectError> {
    let n_rows = treated.len();
    check_finite("outcome", outcome, n_rows)?;
    let (n_treated, n_comparator) = check_arms(treated, 2)?;
    let one = vec![1.0; n_rows];
    let columns = [&[one.as_slice()], covariates].concat();
    let predicted = nuisance.predict(&columns, treated, outcome)?;
    let rows = Rows {
        treated,
        outcome,
        score: predicted.score,
        with: predicted.with,
        without: predicted.without,
    };
    let (part, share, alone) = rows.parts(estimand)?;
    let size = mean(&share);
    let level = vec![size; n_rows];
    let fit = WeightedRegression::fit(&[&level], &one, &part)?;
    let point = fit.coefficients()[0];
    let residual = part
        .iter()
        .zip(&share)
        .map(|(part, share)| part - share * point);
    let fit = fit.with_residual(residual.collect());
    let inferred = infer(&fit, &fit.coefficient(0)?, clusters, inference)?;
    let estimate = inferred.estimate(
        estimand,
        inference.confidence_level,
        (n_treated, n_comparator),
    );
    let total = sum(&share);
    Ok(DoublyRobust {
        estimate,
        n_extreme_scores: n_extreme_scores(&rows.score),
        g_computation: sum_of(n_rows, |row| {
            share[row] * (rows.with[row] - rows.without[row])
        }) / total,
        inverse_probability: sum(&alone) / total,
        means: (estimand == Estimand::Ate).then(|| rows.means()),
    })
}

/// What the models say of each row.
pub(crate) struct Predicted {
    pub(crate) score: Vec<f64>,
    pub(crate) with: Vec<f64>,
    pub(crate) without: Vec<f64>,
}

/// Rows that models are fitted to, and rows they predict.
type FitAndRows = (Vec<usize>, Vec<usize>);

impl NuisanceFit<'_> {
    /// Fits the models and predicts every row, each fold from the others.
    pub(crate) fn predict(
        &self,
        columns: &[&[f64]],
        treated: &[bool],
        outcome: &[f64],
    ) -> Result<Predicted, EffectError> {
        let n_rows = treated.len();
        let mut predicted = Predicted {
            score: vec![0.0; n_rows],
            with: vec![0.0; n_rows],
            without: vec![0.0; n_rows],
        };
        for (fitted, rows) in self.splits(n_rows)? {
            let score = self.score_of(&fitted, &rows, columns, treated)?;
            place(&rows, score, &mut predicted.score);
            for (arm, into) in [(true, &mut predicted.with), (false, &mut predicted.without)] {
                let in_arm = |row: &usize| treated[*row] == arm;
                let of_arm: Vec<usize> = fitted.iter().copied().filter(in_arm).collect();
                let values = self.outcomes_of(&of_arm, &rows, columns, outcome)?;
                place(&rows, values, into);
            }
        }
        predicted.score = self.clipped(predicted.score)?;
        match predicted.score.iter().position(|&p| p <= 0.0 || p >= 1.0) {
            Some(row) => Err(EffectError::ScoreAtEdge { row }),
            None => Ok(predicted),
        }
    }

    /// The score of every row and its outcome whatever the arm, each fold from the others.
    pub(crate) fn predict_pooled(
        &self,
        columns: &[&[f64]],
        treated: &[bool],
        outcome: &[f64],
    ) -> Result<(Vec<f64>, Vec<f64>), EffectError> {
        let n_rows = treated.len();
        let (mut score, mut pooled) = (vec![0.0; n_rows], vec![0.0; n_rows]);
        for (fitted, rows) in self.splits(n_rows)? {
            let of_rows = self.score_of(&fitted, &rows, columns, treated)?;
            place(&rows, of_rows, &mut score);
            let of_rows = self.outcomes_of(&fitted, &rows, columns, outcome)?;
            place(&rows, of_rows, &mut pooled);
        }
        Ok((self.clipped(score)?, pooled))
    }

    /// Which rows models are fitted to, and which they predict.
    fn splits(&self, n_rows: usize) -> Result<Vec<FitAndRows>, EffectError> {
        let everyone: Vec<usize> = (0..n_rows).collect();
        let learns = self.outcome_learner.is_some() || self.score_learner.is_some();
        let Some(folds) = self.folds else {
            if learns {
                return Err(EffectError::TooFewFolds { n_folds: 1 });
            }
            return Ok(vec![(everyone.clone(), everyone)]);
        };
        if folds.len() != n_rows {
            return Err(EffectError::LengthMismatch {
                what: "fold",
                found: folds.len(),
                expected: n_rows,
            });
        }
        if folds.n_groups() < 2 {
            return Err(EffectError::TooFewFolds {
                n_folds: folds.n_groups(),
            });
        }
        let members = folds.members().into_iter().enumerate();
        let split = |(fold, rows): (usize, Vec<usize>)| {
            let is_other = |row: &usize| folds.codes()[*row] != fold;
            (everyone.iter().copied().filter(is_other).collect(), rows)
        };
        Ok(members.map(split).collect())
    }

    fn clipped(&self, mut score: Vec<f64>) -> Result<Vec<f64>, EffectError> {
        if let Some(clip) = self.clip {
            refuse("clip", clip, clip > 0.0 && clip < 0.5)?;
            let held = |score: &mut f64| *score = score.clamp(clip, 1.0 - clip);
            score.iter_mut().for_each(held);
        }
        Ok(score)
    }

    /// Scores of some rows by a model of others.
    fn score_of(
        &self,
        fitted: &[usize],
        rows: &[usize],
        columns: &[&[f64]],
        treated: &[bool],
    ) -> Result<Vec<f64>, EffectError> {
        let arms: Vec<bool> = fitted.iter().map(|&row| treated[row]).collect();
        check_arms(&arms, 2)?;
        let indicator: Vec<f64> = arms.iter().map(|&is| f64::from(u8::from(is))).collect();
        let (of_fitted, of_rows) = (taken(columns, fitted), taken(columns, rows));
        let (of_fitted, of_rows) = (slices(&of_fitted), slices(&of_rows));
        Ok(match &self.score_learner {
            Some(learner) => learner
                .fit(Target::Probability, &of_fitted[1..], &indicator)?
                .predict(&of_rows[1..], rows.len()),
            None => fit_generalised(Family::Logit, &of_fitted, None, &indicator)?.predict(&of_rows),
        })
    }

    /// Outcomes of some rows by a model of others.
    fn outcomes_of(
        &self,
        fitted: &[usize],
        rows: &[usize],
        columns: &[&[f64]],
        outcome: &[f64],
    ) -> Result<Vec<f64>, EffectError> {
        let (of_fitted, of_rows) = (taken(columns, fitted), taken(columns, rows));
        let (of_fitted, of_rows) = (slices(&of_fitted), slices(&of_rows));
        let values: Vec<f64> = fitted.iter().map(|&row| outcome[row]).collect();
        if let Some(learner) = &self.outcome_learner {
            let target = self.target(fitted, outcome)?;
            let learned = learner.fit(target, &of_fitted[1..], &values)?;
            return Ok(learned.predict(&of_rows[1..], rows.len()));
        }
        if let Some(family) = self.outcome_family {
            return Ok(fit_generalised(family, &of_fitted, None, &values)?.predict(&of_rows));
        }
        let one = vec![1.0; values.len()];
        let coefficients = WeightedRegression::fit(&of_fitted, &one, &values)?.coefficients();
        let predict = |row: usize| {
            let terms = of_rows.iter().zip(&coefficients);
            terms.map(|(column, slope)| column[row] * slope).sum()
        };
        Ok((0..rows.len()).map(predict).collect())
    }

    /// What an outcome learner predicts.
    fn target(&self, fitted: &[usize], outcome: &[f64]) -> Result<Target, EffectError> {
        match self.outcome_family {
            None => Ok(Target::Number),
            Some(Family::Logit | Family::Probit) => {
                let is_neither = |row: &&usize| {
                    let value = outcome[**row];
                    (value.abs() > 0.0) && ((value - 1.0).abs() > 0.0)
                };
                fitted
                    .iter()
                    .find(is_neither)
                    .map_or(Ok(Target::Probability), |&row| {
                        Err(EffectError::OutcomeOutsideFamily {
                            row,
                            expected: "0 or 1",
                        })
                    })
            }
            Some(_) => Err(EffectError::OutcomeOutsideFamily {
                row: 0,
                expected: "a learner beside logit or probit, or beside no family",
            }),
        }
    }
}

fn taken(columns: &[&[f64]], rows: &[usize]) -> Vec<Vec<f64>> {
    let take = |column: &&[f64]| rows.iter().map(|&row| column[row]).collect();
    columns.iter().map(take).collect()
}

fn slices(columns: &[Vec<f64>]) -> Vec<&[f64]> {
    columns.iter().map(Vec::as_slice).collect()
}

fn place(rows: &[usize], values: Vec<f64>, into: &mut [f64]) {
    rows.iter()
        .zip(values)
        .for_each(|(&row, value)| into[row] = value);
}

struct Rows<'a> {
    treated: &'a [bool],
    outcome: &'a [f64],
    score: Vec<f64>,
    with: Vec<f64>,
    without: Vec<f64>,
}

/// What each row adds to the estimate, what it adds to the number averaged over, and what it adds
/// by weighting alone.
type Parts = (Vec<f64>, Vec<f64>, Vec<f64>);

impl Rows<'_> {
    fn parts(&self, estimand: Estimand) -> Result<Parts, EffectError> {
        let each = |part: &dyn Fn(usize) -> (f64, f64, f64)| {
            let mut all: Parts = (Vec::new(), Vec::new(), Vec::new());
            for row in 0..self.treated.len() {
                let (whole, share, alone) = part(row);
                all.0.push(whole);
                all.1.push(share);
                all.2.push(alone);
            }
            all
        };
        let (outcome, with, without) = (self.outcome, &self.with, &self.without);
        Ok(match estimand {
            Estimand::Ate => each(&|row| {
                let weight = self.weight(row, 1.0, 1.0);
                let own = if self.treated[row] {
                    with[row]
                } else {
                    without[row]
                };
                let whole = with[row] - without[row] + weight * (outcome[row] - own);
                (whole, 1.0, weight * outcome[row])
            }),
            Estimand::Att => each(&|row| {
                let weight = self.weight(row, self.score[row], self.score[row]);
                let share = f64::from(u8::from(self.treated[row]));
                (
                    weight * (outcome[row] - without[row]),
                    share,
                    weight * outcome[row],
                )
            }),
            Estimand::Atc => each(&|row| {
                let other = 1.0 - self.score[row];
                let weight = self.weight(row, other, other);
                let share = f64::from(u8::from(!self.treated[row]));
                (
                    weight * (outcome[row] - with[row]),
                    share,
                    weight * outcome[row],
                )
            }),
            _ => return Err(EffectError::EstimandUndefined { estimand }),
        })
    }

    /// The weight over the probability of the row's own arm, below zero for a comparator.
    fn weight(&self, row: usize, treated: f64, comparator: f64) -> f64 {
        if self.treated[row] {
            treated / self.score[row]
        } else {
            -comparator / (1.0 - self.score[row])
        }
    }

    fn means(&self) -> (f64, f64) {
        let n_rows = self.treated.len();
        let arm = |arm: bool, predicted: &[f64]| {
            sum_of(n_rows, |row| {
                let weight = self.weight(row, 1.0, 1.0).abs();
                let missed = weight * (self.outcome[row] - predicted[row]);
                predicted[row]
                    + if self.treated[row] == arm {
                        missed
                    } else {
                        0.0
                    }
            }) / count(n_rows)
        };
        (arm(true, &self.with), arm(false, &self.without))
    }
}
