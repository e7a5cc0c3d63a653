//! Instrumental variables for treatment that not everyone took up as assigned.
//!
//! Two-stage least squares is a weighted regression on the projected treatment, with residuals
//! from the treatment as it was; so every standard error of a regression is there under its name.
//!
//! Angrist & Imbens (1995), <https://doi.org/10.2307/2291054>.

use utfall_core::{ConfidenceLevel, Interval};
use utfall_stats::moments::count;
use utfall_stats::sums::{dot, sum_of};
use utfall_stats::{chi_squared, student_t};

use crate::regression::check_finite;
use crate::standard_error::{self, square};
use crate::{
    Contrast, DegreesOfFreedom, EffectError, Grouping, Inference, Inferred, StandardError,
    WeightedRegression, infer,
};

/// A two-stage least-squares fit, with what speaks for and against its instruments.
#[derive(Debug, Clone)]
pub struct TwoStage {
    regression: WeightedRegression<'static>,
    effect: Contrast,
    outcome: Vec<f64>,
    endogenous: Vec<f64>,
    first_columns: Vec<Vec<f64>>,
    n_instruments: usize,
    first_stage: Vec<f64>,
    weak: Weak,
    hausman: Inferred,
    sargan: Option<(f64, f64)>,
}

/// How strongly the instruments move the treatment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weak {
    /// F statistic of the instruments in the first stage, with errors of equal variance. Below
    /// about 10 the interval of two-stage least squares is not to be trusted.
    pub f: f64,
    /// Instruments.
    pub numerator: usize,
    /// Rows less coefficients of the first stage.
    pub denominator: usize,
}

/// Values of the effect that a test with the instrument does not reject.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum AndersonRubin {
    /// An interval.
    Within(Interval),
    /// Everything but the inside of an interval: the instrument is weak.
    Outside(Interval),
    /// Every value: the instrument says nothing.
    Everything,
}

/// Fits an effect by two-stage least squares.
///
/// With a randomised instrument that moves the treatment in one direction only and the outcome
/// through the treatment alone, this is the average effect over those whom the instrument moved
/// (LATE); with covariates and several instruments a weighted average of such effects.
///
/// # Shapes and units
///
/// - `endogenous`, `outcome`: one value per row.
/// - `exogenous`: columns of both stages; a constant is a column like any other.
/// - `instruments`: at least one column of the first stage alone.
///
/// # Errors
///
/// - [`EffectError::LengthMismatch`], [`EffectError::NotFinite`], [`EffectError::TooFewRows`] for
///   malformed columns.
/// - [`EffectError::RankDeficient`] at the first column that adds nothing, the exogenous counted
///   first, then the instruments; and at the endogenous column, counted after the exogenous, if
///   the instruments do not move it.
/// - [`EffectError::NoVariation`] if the instruments give the treatment or the outcome exactly: no
///   instrument is needed.
///
/// # Reference
///
/// Imbens & Angrist (1994), <https://doi.org/10.2307/2951620>.
pub fn two_stage(
    endogenous: &[f64],
    exogenous: &[&[f64]],
    instruments: &[&[f64]],
    outcome: &[f64],
) -> Result<TwoStage, EffectError> {
    check_finite("outcome", outcome, endogenous.len())?;
    let one = vec![1.0; outcome.len()];
    let first_columns = [exogenous, instruments].concat();
    let first = WeightedRegression::fit(&first_columns, &one, endogenous)?;
    let shift = first.residual();
    let projected: Vec<f64> = minus(endogenous, shift, 1.0);
    let second_columns = [exogenous, &[projected.as_slice()]].concat();
    let second = WeightedRegression::fit_with(&second_columns, one.clone().into(), outcome)?;
    let slope = second.coefficients()[exogenous.len()];
    let residual = minus(second.residual(), shift, slope);
    let regression = second.with_residual(residual);
    let effect = regression.coefficient(exogenous.len())?;
    Ok(TwoStage {
        weak: weak(endogenous, exogenous, &first)?,
        hausman: hausman(endogenous, exogenous, shift, outcome)?,
        sargan: sargan(&first_columns, instruments.len(), regression.residual())?,
        first_stage: first.coefficients().split_off(exogenous.len()),
        regression,
        effect,
        outcome: outcome.to_vec(),
        endogenous: endogenous.to_vec(),
        first_columns: first_columns.iter().map(|column| column.to_vec()).collect(),
        n_instruments: instruments.len(),
    })
}

impl TwoStage {
    /// The second stage, for [`infer`].
    #[must_use]
    pub fn regression(&self) -> &WeightedRegression<'static> {
        &self.regression
    }

    /// The effect, in the outcome's unit per unit of the endogenous column.
    #[must_use]
    pub fn effect(&self) -> &Contrast {
        &self.effect
    }

    /// Coefficients of the instruments in the first stage.
    #[must_use]
    pub fn first_stage(&self) -> &[f64] {
        &self.first_stage
    }

    /// How strongly the instruments move the treatment.
    #[must_use]
    pub fn weak(&self) -> Weak {
        self.weak
    }

    /// Wu and Hausman's F of whether least squares would have done, and its p-value.
    #[must_use]
    pub fn hausman(&self) -> (f64, f64) {
        let t = self.hausman.point / self.hausman.standard_error;
        (square(t), self.hausman.p_value)
    }

    /// Sargan's χ² of whether the instruments agree, and its p-value; `None` for one instrument.
    #[must_use]
    pub fn sargan(&self) -> Option<(f64, f64)> {
        self.sargan
    }

    /// The Anderson–Rubin confidence set, which holds however weak the instrument is, and the
    /// p-value of no effect.
    ///
    /// For a value `b` the outcome less `b` times the treatment must not depend on the instrument;
    /// the test of that has the standard error asked for, and the values it does not reject are
    /// found by solving a quadratic, not by search. `None` for more than one instrument.
    ///
    /// # Errors
    ///
    /// Those of [`infer`].
    ///
    /// # Reference
    ///
    /// Anderson & Rubin (1949), <https://doi.org/10.1214/aoms/1177730090>.
    pub fn anderson_rubin(
        &self,
        clusters: &[&Grouping],
        inference: &Inference,
    ) -> Result<Option<(AndersonRubin, f64)>, EffectError> {
        if self.n_instruments != 1 {
            return Ok(None);
        }
        let at = |value: f64| self.reduced_form(value, clusters, inference);
        let ((zero, null), (plus, _), (minus, _)) = (at(0.0)?, at(1.0)?, at(-1.0)?);
        let critical = critical(&null, inference.confidence_level);
        // (p₀ + p₁ b)² ≤ critical² (v₀ + v₁ b + v₂ b²)
        let slope = plus.0 - zero.0;
        let curve = 0.5 * (plus.1 + minus.1) - zero.1;
        let tilt = 0.5 * (plus.1 - minus.1);
        let square_of = critical * critical;
        let a = slope * slope - square_of * curve;
        let b = 2.0 * zero.0 * slope - square_of * tilt;
        let c = zero.0 * zero.0 - square_of * zero.1;
        Ok(Some((AndersonRubin::below_zero(a, b, c), null.p_value)))
    }

    /// The F statistic of the instrument in the first stage with the standard error asked for, which
    /// for one instrument is Kleibergen and Paap's and Montiel Olea and Pflueger's effective F.
    /// `None` for more than one instrument.
    ///
    /// # Errors
    ///
    /// Those of [`infer`].
    ///
    /// # Reference
    ///
    /// Montiel Olea & Pflueger (2013), <https://doi.org/10.1080/00401706.2013.806694>.
    pub fn effective_f(
        &self,
        clusters: &[&Grouping],
        inference: &Inference,
    ) -> Result<Option<f64>, EffectError> {
        if self.n_instruments != 1 {
            return Ok(None);
        }
        let columns: Vec<&[f64]> = self.first_columns.iter().map(Vec::as_slice).collect();
        let one = vec![1.0; self.endogenous.len()];
        let fit = WeightedRegression::fit(&columns, &one, &self.endogenous)?;
        let inferred = infer(
            &fit,
            &fit.coefficient(columns.len() - 1)?,
            clusters,
            inference,
        )?;
        Ok(Some(square(inferred.point / inferred.standard_error)))
    }

    /// Point and variance of the instrument's coefficient on the outcome less `value` treatments.
    fn reduced_form(
        &self,
        value: f64,
        clusters: &[&Grouping],
        inference: &Inference,
    ) -> Result<((f64, f64), Inferred), EffectError> {
        let outcome = minus(&self.outcome, &self.endogenous, value);
        let columns: Vec<&[f64]> = self.first_columns.iter().map(Vec::as_slice).collect();
        let one = vec![1.0; outcome.len()];
        let fit = WeightedRegression::fit(&columns, &one, &outcome)?;
        let contrast = fit.coefficient(columns.len() - 1)?;
        let variance =
            standard_error::variance(inference.standard_error, &fit, &contrast, clusters)?;
        let inferred = infer(&fit, &contrast, clusters, inference)?;
        Ok(((contrast.point, variance), inferred))
    }
}

impl AndersonRubin {
    /// Where `a b² + b b + c ≤ 0`, given that it is somewhere.
    pub(crate) fn below_zero(a: f64, b: f64, c: f64) -> Self {
        let discriminant = b * b - 4.0 * a * c;
        if discriminant <= 0.0 {
            return Self::Everything;
        }
        let q = -0.5 * (b + b.signum() * discriminant.sqrt());
        let (one, other) = (q / a, c / q);
        let between = Interval {
            lower: one.min(other),
            upper: one.max(other),
        };
        if a > 0.0 {
            Self::Within(between)
        } else {
            Self::Outside(between)
        }
    }
}

/// How many standard errors from zero the test rejects.
fn critical(null: &Inferred, level: ConfidenceLevel) -> f64 {
    let upper = 0.5 * (1.0 + level.fraction());
    student_t::quantile(upper, null.degrees_of_freedom.unwrap_or(f64::INFINITY))
}

fn minus(values: &[f64], others: &[f64], times: f64) -> Vec<f64> {
    let rows = values.iter().zip(others);
    rows.map(|(value, other)| value - times * other).collect()
}

fn weak(
    endogenous: &[f64],
    exogenous: &[&[f64]],
    first: &WeightedRegression<'_>,
) -> Result<Weak, EffectError> {
    let one = vec![1.0; endogenous.len()];
    let without = match exogenous {
        [] => dot(endogenous, endogenous),
        some => WeightedRegression::fit(some, &one, endogenous)?.residual_square(),
    };
    let left = first.residual_square();
    let numerator = first.n_columns() - exogenous.len();
    let denominator = first.n_rows() - first.n_columns();
    Ok(Weak {
        f: (without - left) / count(numerator) / (left / count(denominator)),
        numerator,
        denominator,
    })
}

/// The coefficient of the first stage's residual beside the treatment itself.
fn hausman(
    endogenous: &[f64],
    exogenous: &[&[f64]],
    shift: &[f64],
    outcome: &[f64],
) -> Result<Inferred, EffectError> {
    let one = vec![1.0; outcome.len()];
    let columns = [exogenous, &[endogenous, shift]].concat();
    let fit = WeightedRegression::fit(&columns, &one, outcome)?;
    let inference = Inference {
        standard_error: StandardError::Classical,
        degrees_of_freedom: DegreesOfFreedom::Residual,
        confidence_level: ConfidenceLevel::try_from(0.95).map_err(|_| EffectError::NoVariation)?,
    };
    infer(&fit, &fit.coefficient(columns.len() - 1)?, &[], &inference)
}

fn sargan(
    first_columns: &[&[f64]],
    n_instruments: usize,
    residual: &[f64],
) -> Result<Option<(f64, f64)>, EffectError> {
    let Some(degrees) = n_instruments.checked_sub(1).filter(|&degrees| degrees > 0) else {
        return Ok(None);
    };
    let one = vec![1.0; residual.len()];
    let fit = WeightedRegression::fit(first_columns, &one, residual)?;
    let whole = sum_of(residual.len(), |row| square(residual[row]));
    let statistic = count(residual.len()) * (1.0 - fit.residual_square() / whole);
    let degrees = u32::try_from(degrees).unwrap_or(u32::MAX);
    Ok(Some((
        statistic,
        chi_squared::upper_tail(statistic, degrees),
    )))
}
