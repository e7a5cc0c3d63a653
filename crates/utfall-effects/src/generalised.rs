//! Generalised linear models: logistic regression for yes-or-no outcomes, Poisson regression for
//! counts with an exposure.
//!
//! Fitted by Newton's method, each step a weighted regression; the last of these regressions *is*
//! the fit, with the score contributions of the likelihood as its influences. So every standard
//! error of a linear model is there under the same name, and the effects that people ask for
//! (differences and ratios of mean outcomes) are contrasts of its coefficients by the delta method.
//!
//! McCullagh & Nelder (1989), *Generalized Linear Models*, chapters 2 and 4.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use utfall_stats::elementary;
use utfall_stats::sums::{sum, sum_of};

use crate::regression::check_finite;
use crate::{Contrast, EffectError, WeightedRegression};

/// Largest share of the deviance that the last step may have been worth.
const DEVIANCE_TOLERANCE: f64 = 1e-14;
/// Largest change of any row's predictor in the last step.
const PREDICTOR_TOLERANCE: f64 = 1e-7;
/// Steps before giving up.
const MOST_STEPS: u32 = 200;
/// Steps that keep moving a predictor although the deviance stands still: separation.
const MOST_DRIFTING: u32 = 6;
/// Halvings of a step that makes the deviance worse.
const MOST_HALVINGS: u32 = 30;

/// The distribution of an outcome and the scale on which effects add up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// An outcome of 0 or 1, log-odds. Any outcome between 0 and 1 is fitted (quasi-likelihood).
    Logit,
    /// A count of zero or more, log of the mean. Robust errors hold whatever the distribution, as
    /// long as the mean is right.
    Poisson,
}

/// A fitted generalised linear model.
#[derive(Debug, Clone)]
pub struct GeneralisedFit {
    family: Family,
    regression: WeightedRegression<'static>,
    coefficients: Vec<f64>,
    mean: Vec<f64>,
    deviance: f64,
    n_iterations: u32,
}

/// Mean outcomes if a column were at one value for everyone and at another, and their comparisons.
///
/// Each is a contrast whose influences are the delta method's, for [`crate::infer`]. They take the
/// rows averaged over as given.
#[derive(Debug, Clone, PartialEq)]
pub struct Marginal {
    /// Mean outcome under the first design.
    pub mean_treated: Contrast,
    /// Mean outcome under the second.
    pub mean_comparator: Contrast,
    /// The first less the second, in the outcome's unit: the average marginal effect.
    pub difference: Contrast,
    /// Log of their ratio.
    pub log_ratio: Contrast,
    /// Log of the ratio of their odds; for [`Family::Logit`].
    pub log_odds_ratio: Option<Contrast>,
}

/// Fits a generalised linear model by maximum likelihood.
///
/// The fit is the maximum to rounding: the last step was worth at most 1e-14 of the deviance and
/// moved no row's predictor by more than 1e-7. No row and no column is dropped.
///
/// # Shapes and units
///
/// - `columns`: at least one, each with one value per row; a constant is a column like any other.
/// - `offset`: added to each row's predictor with coefficient one, such as the log of an exposure.
/// - `outcome`: one value per row; 0 to 1 for [`Family::Logit`], zero or more for
///   [`Family::Poisson`].
///
/// # Errors
///
/// - [`EffectError::LengthMismatch`], [`EffectError::NotFinite`], [`EffectError::TooFewRows`],
///   [`EffectError::RankDeficient`] as for [`WeightedRegression::fit`].
/// - [`EffectError::OutcomeOutsideFamily`] at the first outcome that the family does not allow.
/// - [`EffectError::Separated`] if the likelihood has no maximum.
/// - [`EffectError::NoVariation`] if the columns reproduce the outcome.
/// - [`EffectError::NotConverged`] after 200 steps.
///
/// # Reference
///
/// McCullagh & Nelder (1989), section 2.5; Gourieroux, Monfort & Trognon (1984) on robust errors
/// of Poisson regression, <https://doi.org/10.2307/1913471>.
pub fn fit_generalised(
    family: Family,
    columns: &[&[f64]],
    offset: Option<&[f64]>,
    outcome: &[f64],
) -> Result<GeneralisedFit, EffectError> {
    let model = Model::new(family, columns, offset, outcome)?;
    let mut here = model.start()?;
    let mut n_drifting = 0;
    for n_iterations in 1..=MOST_STEPS {
        let regression = model.step(&here.predictor).map_err(|error| match error {
            EffectError::WeightNotPositive { .. }
            | EffectError::RankDeficient { .. }
            | EffectError::NotFinite { .. } => {
                model.separated(&here.coefficients)
            }
            other => other,
        })?;
        let there = model.towards(&here, regression.coefficients());
        let worth = here.deviance - there.deviance;
        let moved = largest_move(&here.predictor, &there.predictor);
        here = there;
        if worth <= DEVIANCE_TOLERANCE * (here.deviance + 0.1) {
            if moved <= PREDICTOR_TOLERANCE {
                return model.finish(here, n_iterations);
            }
            n_drifting += 1;
            if n_drifting == MOST_DRIFTING {
                return Err(model.separated(&here.coefficients));
            }
        }
    }
    Err(EffectError::NotConverged {
        n_iterations: MOST_STEPS,
    })
}

impl GeneralisedFit {
    /// The last weighted regression, for [`crate::infer`]; its contrasts are sums of coefficients.
    #[must_use]
    pub fn regression(&self) -> &WeightedRegression<'static> {
        &self.regression
    }

    /// One coefficient for each column.
    #[must_use]
    pub fn predictor(
    columns: &[&[f64]],
    offset: Option<&[f64]>,
    coefficients: &[f64],
    n_rows: usize,
) -> Vec<f64> {
    let mut predictor = offset.map_or_else(|| vec![0.0; n_rows], <[f64]>::to_vec);
    for (column, coefficient) in columns.iter().zip(coefficients) {
        for (total, value) in predictor.iter_mut().zip(*column) {
            *total += coefficient * value;
        }
    }
    predictor
}

fn largest_move(from: &[f64], to: &[f64]) -> f64 {
    from.iter()
        .zip(to)
        .fold(0.0, |most, (from, to)| f64::max(most, (to - from).abs()))
}
