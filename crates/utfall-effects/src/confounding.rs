//! How strong a confounder that was not measured would have to be.
//!
//! Oster (2019), <https://doi.org/10.1080/07350015.2016.1227711>; Cinelli & Hazlett (2020),
//! <https://doi.org/10.1111/rssb.12348>.

use utfall_stats::moments::{count, mean, mean_and_variance};
use utfall_stats::student_t;
use utfall_stats::sums::sum_of;

use crate::regression::check_finite;
use crate::{EffectError, WeightedRegression};

/// What two regressions say of a treatment: one without and one with the covariates observed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Oster {
    /// The coefficient of treatment without the covariates.
    pub uncontrolled: f64,
    /// With them.
    pub controlled: f64,
    /// R² of the two regressions.
    pub r_squared: [f64; 2],
    outcome_variance: f64,
    treatment_variance: f64,
    /// Variance of treatment that the covariates leave.
    left: f64,
}

impl Oster {
    /// Fits the two regressions.
    ///
    /// # Shapes
    ///
    /// - `treatment`, `outcome`: one value per row.
    /// - `base`: columns of both regressions, without a constant; `covariates`: of the second only.
    ///
    /// # Errors
    ///
    /// Those of [`WeightedRegression::fit`]; columns are counted from the constant, then treatment.
    pub fn of(
        treatment: &[f64],
        base: &[&[f64]],
        covariates: &[&[f64]],
        outcome: &[f64],
    ) -> Result<Self, EffectError> {
        check_finite("outcome", outcome, treatment.len())?;
        let one = vec![1.0; outcome.len()];
        let first = [&[one.as_slice(), treatment], base].concat();
        let second = [first.as_slice(), covariates].concat();
        let without = WeightedRegression::fit(&first, &one, outcome)?;
        let with = WeightedRegression::fit(&second, &one, outcome)?;
        let others = [&[one.as_slice()], base, covariates].concat();
        let residual = WeightedRegression::fit(&others, &one, treatment)?;
        let n_less_one = count(outcome.len()) - 1.0;
        let explained = |fit: &WeightedRegression<'_>| {
            let centre = mean(outcome);
            let all = sum_of(outcome.len(), |row| {
                (outcome[row] - centre) * (outcome[row] - centre)
            });
            1.0 - fit.residual_square() / all
        };
        Ok(Self {
            uncontrolled: without.coefficients()[1],
            controlled: with.coefficients()[1],
            r_squared: [explained(&without), explained(&with)],
            outcome_variance: mean_and_variance(outcome).1,
            treatment_variance: mean_and_variance(treatment).1,
            left: residual.residual_square() / n_less_one,
        })
    }

    /// How much more strongly than the covariates the unobserved would have to select into
    /// treatment for the effect to be `effect`, if together they explained `r_squared_max`.
    ///
    /// # Errors
    ///
    /// [`EffectError::OutsideRange`] unless `r_squared_max` is above that of the controlled
    /// regression and at most one.
    ///
    /// # Reference
    ///
    /// Oster (2019), proposition 3.
    pub fn delta(&self, effect: f64, r_squared_max: f64) -> Result<f64, EffectError> {
        self.check(r_squared_max)?;
        let moved = self.uncontrolled - self.controlled;
        let gap = self.controlled - effect;
        let (sx, tau, sy) = (self.treatment_variance, self.left, self.outcome_variance);
        let [before, after] = self.r_squared;
        let cubic = gap * gap * gap * (tau * sx - tau * tau);
        let numerator = gap * (after - before) * sy * tau
            + gap * sx * tau * moved * moved
            + 2.0 * gap * gap * tau * moved * sx
            + cubic;
        let denominator = (r_squared_max - after) * sy * moved * sx
            + gap * (r_squared_max - after) * sy * (sx - tau)
            + gap * gap * tau * moved * sx
            + cubic;
        Ok(numerator / denominator)
    }

    /// The effect if the unobserved select `delta` times as strongly as the covariates, by the
    /// approximation in which each covariate's selection is in proportion to its part in the
    /// outcome.
    ///
    /// # Errors
    ///
    /// As [`Oster::delta`].
    ///
    /// # Reference
    ///
    /// Oster (2019), section 3.2.
    pub fn approximate_effect(&self, delta: f64, r_squared_max: f64) -> Result<f64, EffectError> {
        self.check(r_squared_max)?;
        let [before, after] = self.r_squared;
        let moved = self.uncontrolled - self.controlled;
        Ok(self.controlled - delta * moved * (r_squared_max - after) / (after - before))
    }

    fn check(&self, r_squared_max: f64) -> Result<(), EffectError> {
        if r_squared_max > self.r_squared[1] && r_squared_max <= 1.0 {
            Ok(())
        } else {
            Err(EffectError::OutsideRange {
                what: "r-squared-max (expected above that of the regression, at most 1)",
                value: r_squared_max,
            })
        }
    }
}

/// A coefficient of a least-squares regression, as far as sensitivity needs it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Confounded {
    /// The coefficient.
    pub estimate: f64,
    /// Its classical standard error.
    pub standard_error: f64,
    /// Residual degrees of freedom.
    pub degrees_of_freedom: f64,
}

/// A confounder as strong as a multiple of an observed covariate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Benchmark {
    /// Share of treatment's residual variance that the confounder explains.
    pub treatment: f64,
    /// Share of the outcome's.
    pub outcome: f64,
    /// The estimate with the confounder, if it works against it.
    pub estimate: f64,
    /// The error with the confounder.
    pub standard_error: f64,
}

impl Confounded {
    /// The share of the outcome's residual variance that treatment explains.
    #[must_use]
    pub fn partial_r_squared(&self) -> f64 {
        let square = self.t() * self.t();
        square / (square + self.degrees_of_freedom)
    }

    /// The robustness value: a confounder that explains less than this share of the residual
    /// variance of both treatment and outcome does not take the share `reduced` of the estimate
    /// away, or not so that a test at level `alpha` no longer rejects (1 for the point alone).
    #[must_use]
    pub fn robustness(&self, reduced: f64, alpha: f64) -> f64 {
        let f = reduced * self.t().abs() / self.degrees_of_freedom.sqrt();
        let left = self.degrees_of_freedom - 1.0;
        let critical = if alpha < 1.0 {
            student_t::quantile(1.0 - 0.5 * alpha, left) / left.sqrt()
        } else {
            0.0
        };
        let over = f - critical;
        if over <= 0.0 {
            0.0
        } else if f * critical > 1.0 {
            (f * f - critical * critical) / (1.0 + f * f)
        } else {
            let square = over * over;
            0.5 * ((square * square + 4.0 * square).sqrt() - square)
        }
    }

    /// The estimate with a confounder of given strength that works against it.
    #[must_use]
    pub fn adjusted(&self, treatment: f64, outcome: f64) -> Benchmark {
        let odds = treatment / (1.0 - treatment);
        let bias = self.standard_error * self.degrees_of_freedom.sqrt() * (outcome * odds).sqrt();
        let size = self.estimate.abs() - bias;
        let left = (1.0 - outcome) / (1.0 - treatment);
        let lost = self.degrees_of_freedom / (self.degrees_of_freedom - 1.0);
        Benchmark {
            treatment,
            outcome,
            estimate: self.estimate.signum() * size,
            standard_error: self.standard_error * (left * lost).sqrt(),
        }
    }

    /// A confounder `treatment_times` as strongly tied to treatment and `outcome_times` as strongly
    /// to the outcome as a covariate, given the covariate's coefficients in the two regressions.
    ///
    /// # Errors
    ///
    /// [`EffectError::OutsideRange`] if no confounder can be that strong.
    ///
    /// # Reference
    ///
    /// Cinelli & Hazlett (2020), section 4.4.
    pub fn benchmark(
        &self,
        of_treatment: &Self,
        of_outcome: &Self,
        treatment_times: f64,
        outcome_times: f64,
    ) -> Result<Benchmark, EffectError> {
        let (d, y) = (
            of_treatment.partial_r_squared(),
            of_outcome.partial_r_squared(),
        );
        let treatment = treatment_times * d / (1.0 - d);
        let joint = treatment_times * d * d / ((1.0 - treatment_times * d) * (1.0 - d));
        let eta = (outcome_times.sqrt() + joint.sqrt()) / (1.0 - joint).sqrt();
        let outcome = (eta * eta * y / (1.0 - y)).min(1.0);
        if !(treatment < 1.0 && joint < 1.0 && outcome.is_finite()) {
            return Err(EffectError::OutsideRange {
                what: "strength of the confounder (expected a smaller multiple)",
                value: treatment_times,
            });
        }
        Ok(self.adjusted(treatment, outcome))
    }

    fn t(&self) -> f64 {
        self.estimate / self.standard_error
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: Confounded = Confounded {
        estimate: 2.0,
        standard_error: 0.5,
        degrees_of_freedom: 100.0,
    };

    #[test]
    fn a_confounder_of_the_robustness_value_takes_the_estimate_to_nil() {
        let value = EXAMPLE.robustness(1.0, 1.0);
        assert!(EXAMPLE.adjusted(value, value).estimate.abs() < 1e-12);
        let half = EXAMPLE.robustness(0.5, 1.0);
        assert!((EXAMPLE.adjusted(half, half).estimate - 1.0).abs() < 1e-12);
    }

    #[test]
    fn at_the_robustness_value_for_significance_the_test_is_on_its_edge() {
        let value = EXAMPLE.robustness(1.0, 0.05);
        let there = EXAMPLE.adjusted(value, value);
        let t = there.estimate / there.standard_error;
        assert!((student_t::two_sided_p(t, 99.0) - 0.05).abs() < 1e-9);
        let weak = Confounded {
            estimate: 0.5,
            ..EXAMPLE
        };
        assert!(weak.robustness(1.0, 0.05).abs() < 1e-15);
    }

    #[test]
    fn osters_delta_and_effect_agree_that_equal_selection_to_nothing_is_one() {
        let n = 60_u32;
        let w: Vec<f64> = (0..n).map(|i| f64::from(i * 7 % 13)).collect();
        let d: Vec<f64> = (0..n)
            .map(|i| f64::from(i % 5) + 0.3 * f64::from(i * 7 % 13))
            .collect();
        let y: Vec<f64> = (0..n)
            .map(|i| 2.0 * d[i as usize] + w[i as usize] + f64::from(i * 11 % 7))
            .collect();
        let both = Oster::of(&d, &[], &[&w], &y).unwrap();
        assert!(both.uncontrolled > both.controlled && both.r_squared[1] > both.r_squared[0]);
        // Twice the distance from nil takes more selection; a larger R² takes less.
        let delta = |effect, most| both.delta(effect, most).unwrap();
        assert!(delta(0.0, 1.0) > delta(1.0, 1.0));
        let some = 0.5 * (1.0 + both.r_squared[1]);
        assert!(delta(0.0, some) > delta(0.0, 1.0));
        assert!(both.delta(0.0, both.r_squared[0]).is_err());
    }
}
