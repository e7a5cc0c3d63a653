//! Targeted maximum likelihood: predictions moved until weighting has nothing left to correct.
//!
//! The outcome model's predictions are moved along one direction, that of the score's weights, on the
//! scale of the model's own link; how far is a regression with one coefficient. The mean of the moved
//! predictions is then doubly robust, and stays within what the link allows.
//!
//! Van der Laan & Rubin (2006), <https://doi.org/10.2202/1557-4679.1043>.

use utfall_core::{Estimand, Estimate};
use utfall_stats::elementary::log;
use utfall_stats::moments::{count, mean};
use utfall_stats::sums::dot;

use crate::arms::check_arms;
use crate::doubly_robust::Predicted;
use crate::regression::check_finite;
use crate::score_weighted::infer_influences;
use crate::{EffectError, Family, Grouping, Inference, NuisanceFit, fit_generalised};

/// A targeted estimate of an effect.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Targeted {
    /// The estimate.
    pub estimate: Estimate,
    /// Mean outcomes under treatment and without it, of those the estimand names.
    pub means: (f64, f64),
    /// How far predictions were moved, on the scale of the link.
    pub moved: f64,
    /// Rows with an extreme score, as [`crate::n_extreme_scores`] counts them.
    pub n_extreme_scores: usize,
}

/// Estimates an effect by targeted maximum likelihood: over everyone, the treated or the comparators.
///
/// Over the treated their own outcomes are taken as they are, and only what they would have been without
/// treatment is predicted, moved until the comparators' weighted residuals sum to zero; over the
/// comparators the other way round.
///
/// With `hc0` the error is `√(mean(φ²)/n)` of the efficient influence function. Like
/// [`crate::doubly_robust`] it is consistent if the score or the outcome model is right, and the error
/// is right if both are; nothing is trimmed unless `nuisance` says so.
///
/// # Shapes and units
///
/// As [`crate::doubly_robust`]. With `outcome_family` the predictions are moved on the scale of its
/// link, and else in the outcome's unit.
///
/// # Errors
///
/// Those of [`crate::doubly_robust`]; [`EffectError::EstimandUndefined`] for an estimand other than
/// ate, att and atc, and for probit as the outcome model, [`EffectError::OutcomeOutsideFamily`].
///
/// # Reference
///
/// Van der Laan & Rose (2011), *Targeted Learning*, chapter 4, <https://doi.org/10.1007/978-1-4419-9782-9>.
pub fn targeted(
    estimand: Estimand,
    treated: &[bool],
    covariates: &[&[f64]],
    outcome: &[f64],
    nuisance: &NuisanceFit<'_>,
    clusters: &[&Grouping],
    inference: &Inference,
) -> Result<Targeted, EffectError> {
    check_finite("outcome", outcome, treated.len())?;
    let (n_treated, n_comparator) = check_arms(treated, 2)?;
    let one = vec![1.0; treated.len()];
    let columns = [&[one.as_slice()], covariates].concat();
    let rows = Rows {
        treated,
        outcome,
        predicted: nuisance.predict(&columns, treated, outcome)?,
        link: Link::of(nuisance.outcome_family)?,
    };
    let Moved {
        by: moved,
        means,
        influence,
    } = match estimand {
        Estimand::Ate => rows.everyone()?,
        Estimand::Att => rows.of_arm(true)?,
        Estimand::Atc => rows.of_arm(false)?,
        _ => return Err(EffectError::EstimandUndefined { estimand }),
    };
    let point = means.0 - means.1;
    let inferred = infer_influences(point, &influence, clusters, inference)?;
    let estimate = inferred.estimate(
        estimand,
        inference.confidence_level,
        (n_treated, n_comparator),
    );
    Ok(Targeted {
        estimate,
        n_extreme_scores: crate::n_extreme_scores(&rows.predicted.score),
        means,
        moved,
    })
}

struct Rows<'a> {
    treated: &'a [bool],
    outcome: &'a [f64],
    predicted: Predicted,
    link: Link,
}

/// Mean outcomes after predictions were moved, and what each row adds to their difference.
struct Moved {
    by: f64,
    means: (f64, f64),
    influence: Vec<f64>,
}

impl Rows<'_> {
    fn everyone(&self) -> Result<Moved, EffectError> {
        let n_rows = self.treated.len();
        let weight = |row: usize| {
            let p = self.predicted.score[row];
            if self.treated[row] {
                1.0 / p
            } else {
                -1.0 / (1.0 - p)
            }
        };
        let along: Vec<f64> = (0..n_rows).map(weight).collect();
        let own: Vec<f64> = (0..n_rows)
            .map(|row| {
                if self.treated[row] {
                    self.predicted.with[row]
                } else {
                    self.predicted.without[row]
                }
            })
            .collect();
        let by = self.link.distance(&own, &along, self.outcome)?;
        let (mut with, mut without) = (Vec::new(), Vec::new());
        let mut influence = Vec::with_capacity(n_rows);
        for (row, &along) in along.iter().enumerate() {
            let p = self.predicted.score[row];
            let m1 = self.link.shifted(self.predicted.with[row], by / p);
            let m0 = self
                .link
                .shifted(self.predicted.without[row], -by / (1.0 - p));
            let here = if self.treated[row] { m1 } else { m0 };
            influence.push(along * (self.outcome[row] - here) + m1 - m0);
            with.push(m1);
            without.push(m0);
        }
        let means = (mean(&with), mean(&without));
        for value in &mut influence {
            *value = (*value - (means.0 - means.1)) / count(n_rows);
        }
        Ok(Moved {
            by,
            means,
            influence,
        })
    }

    /// Over one arm: what the other arm's model says of it is moved.
    fn of_arm(&self, arm: bool) -> Result<Moved, EffectError> {
        let n_rows = self.treated.len();
        let predicted = if arm {
            &self.predicted.without
        } else {
            &self.predicted.with
        };
        // The odds of being in the arm, by which a row of the other arm stands for it.
        let odds = |row: usize| {
            let p = self.predicted.score[row];
            if arm { p / (1.0 - p) } else { (1.0 - p) / p }
        };
        let others: Vec<usize> = (0..n_rows)
            .filter(|&row| self.treated[row] != arm)
            .collect();
        let of_others = |of: &dyn Fn(usize) -> f64| others.iter().map(|&row| of(row)).collect();
        let own: Vec<f64> = of_others(&|row| predicted[row]);
        let along: Vec<f64> = of_others(&odds);
        let outcome: Vec<f64> = of_others(&|row| self.outcome[row]);
        let by = self.link.distance(&own, &along, &outcome)?;
        let moved = |row: usize| self.link.shifted(predicted[row], by * odds(row));
        let moved: Vec<f64> = (0..n_rows).map(moved).collect();
        let n_arm = count(n_rows - others.len());
        let of_arm = |value: &dyn Fn(usize) -> f64| {
            let term = |row: usize| {
                if self.treated[row] == arm {
                    value(row)
                } else {
                    0.0
                }
            };
            (0..n_rows).map(term).sum::<f64>() / n_arm
        };
        let (seen, other) = (of_arm(&|row| self.outcome[row]), of_arm(&|row| moved[row]));
        let sign = if arm { 1.0 } else { -1.0 };
        let point = sign * (seen - other);
        let influence = (0..n_rows).map(|row| {
            let left = sign * (self.outcome[row] - moved[row]);
            let part = if self.treated[row] == arm {
                left - point
            } else {
                -odds(row) * left
            };
            part / n_arm
        });
        Ok(Moved {
            by,
            means: if arm { (seen, other) } else { (other, seen) },
            influence: influence.collect(),
        })
    }
}

/// The scale on which predictions are moved.
enum Link {
    Identity,
    Canonical(Family),
}

impl Link {
    fn of(family: Option<Family>) -> Result<Self, EffectError> {
        match family {
            None => Ok(Self::Identity),
            Some(family @ (Family::Logit | Family::Poisson)) => Ok(Self::Canonical(family)),
            Some(_) => Err(EffectError::OutcomeOutsideFamily {
                row: 0,
                expected: "an outcome model that is linear, logit or poisson",
            }),
        }
    }

    fn predictor(&self, mean: f64) -> f64 {
        match self {
            Self::Canonical(Family::Logit) => log(mean / (1.0 - mean)),
            Self::Canonical(_) => log(mean),
            Self::Identity => mean,
        }
    }

    fn shifted(&self, mean: f64, by: f64) -> f64 {
        match self {
            Self::Identity => mean + by,
            Self::Canonical(family) => family.moments(self.predictor(mean) + by).0,
        }
    }

    /// How far predictions go along the weights.
    fn distance(&self, own: &[f64], along: &[f64], outcome: &[f64]) -> Result<f64, EffectError> {
        match self {
            Self::Identity => {
                let left: Vec<f64> = outcome.iter().zip(own).map(|(y, m)| y - m).collect();
                Ok(dot(along, &left) / dot(along, along))
            }
            Self::Canonical(family) => {
                let offset: Vec<f64> = own.iter().map(|&mean| self.predictor(mean)).collect();
                let fit = fit_generalised(*family, &[along], Some(&offset), outcome)?;
                Ok(fit.coefficients()[0])
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DegreesOfFreedom, StandardError, doubly_robust};
    use utfall_core::ConfidenceLevel;
    use utfall_stats::draws::Stream;
    use utfall_stats::logistic::probability;

    #[test]
    fn it_agrees_with_weighting_and_recovers_the_effect_where_both_models_are_right() {
        let mut stream = Stream::new(5, "trial", 0);
        let n = 4000;
        let x: Vec<f64> = (0..n).map(|_| stream.normal()).collect();
        let treated: Vec<bool> = x
            .iter()
            .map(|x| stream.bernoulli(probability(0.6 * x)))
            .collect();
        let risk = |x: f64, t: bool| probability(-0.5 + x + if t { 0.8 } else { 0.0 });
        let outcome: Vec<f64> = (0..n)
            .map(|i| f64::from(u8::from(stream.bernoulli(risk(x[i], treated[i])))))
            .collect();
        let truth = mean(
            &x.iter()
                .map(|&x| risk(x, true) - risk(x, false))
                .collect::<Vec<_>>(),
        );
        let inference = Inference {
            standard_error: StandardError::Hc0,
            degrees_of_freedom: DegreesOfFreedom::Normal,
            confidence_level: ConfidenceLevel::try_from(0.95).unwrap(),
        };
        for outcome_family in [None, Some(Family::Logit)] {
            let nuisance = NuisanceFit {
                outcome_family,
                ..NuisanceFit::default()
            };
            let run = |estimand| {
                targeted(
                    estimand,
                    &treated,
                    &[&x],
                    &outcome,
                    &nuisance,
                    &[],
                    &inference,
                )
            };
            let found = run(Estimand::Ate).unwrap();
            let weighted = doubly_robust(
                Estimand::Ate,
                &treated,
                &[&x],
                &outcome,
                &nuisance,
                &[],
                &inference,
            );
            let weighted = weighted.unwrap().estimate;
            let error = weighted.standard_error;
            assert!((found.estimate.point - weighted.point).abs() < 0.2 * error);
            assert!((found.estimate.standard_error / error - 1.0).abs() < 0.02);
            assert!((found.estimate.point - truth).abs() < 3.0 * error);
            for (estimand, arm) in [(Estimand::Att, true), (Estimand::Atc, false)] {
                let of_arm = |i: &usize| treated[*i] == arm;
                let rows: Vec<usize> = (0..n).filter(of_arm).collect();
                let apart = rows.iter().map(|&i| risk(x[i], true) - risk(x[i], false));
                let truth = mean(&apart.collect::<Vec<_>>());
                let found = run(estimand).unwrap();
                let error = found.estimate.standard_error;
                assert!((found.estimate.point - truth).abs() < 3.0 * error);
                let weighted = doubly_robust(
                    estimand,
                    &treated,
                    &[&x],
                    &outcome,
                    &nuisance,
                    &[],
                    &inference,
                );
                let weighted = weighted.unwrap().estimate;
                assert!((found.estimate.point - weighted.point).abs() < 0.2 * error);
                assert!((weighted.standard_error / error - 1.0).abs() < 0.05);
            }
            assert!(run(Estimand::Overlap).is_err());
        }
    }
}
