//! Generalised linear models: logistic and probit regression for yes-or-no outcomes and proportions,
//! Poisson and negative binomial regression for counts with an exposure, gamma regression for costs.
//!
//! Fitted by Newton's method, each step a weighted regression; the last of these regressions *is*
//! the fit, with the score contributions of the likelihood as its influences. So every standard
//! error of a linear model is there under the same name, and the effects that people ask for
//! (differences and ratios of mean outcomes) are contrasts of its coefficients by the delta method.
//!
//! McCullagh & Nelder (1989), *Generalized Linear Models*, chapters 2 and 4.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use utfall_stats::sums::{sum, sum_of};
use utfall_stats::{elementary, normal};

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
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// An outcome of 0 or 1, log-odds. Any outcome between 0 and 1 is fitted (quasi-likelihood).
    Logit,
    /// A count of zero or more, log of the mean. Robust errors hold whatever the distribution, as
    /// long as the mean is right.
    Poisson,
    /// As [`Family::Logit`], with the normal distribution function for the mean. The standard error
    /// `model` is from the expected information, as R's `glm` has it.
    Probit,
    /// A count whose variance is `mean + mean²/theta` (NB2), log of the mean, `theta` known.
    NegativeBinomial(f64),
    /// An amount above zero whose standard deviation is in proportion to its mean, log of the mean.
    Gamma,
}

/// A fitted generalised linear model.
#[derive(Debug, Clone)]
pub struct GeneralisedFit {
    family: Family,
    regression: WeightedRegression<'static>,
    coefficients: Vec<f64>,
    mean: Vec<f64>,
    deviance: f64,
    log_likelihood: f64,
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
    /// Log of the ratio of their odds; for [`Family::Logit`] and [`Family::Probit`].
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
/// - `outcome`: one value per row; 0 to 1 for [`Family::Logit`] and [`Family::Probit`], zero or
///   more for counts, above zero for [`Family::Gamma`].
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
    fit_generalised_weighted(family, columns, offset, None, outcome)
}

/// As [`fit_generalised`], with a weight for each row: of sampling, of matching, or of a score.
///
/// Weights are relative: their scale changes no coefficient and no robust error. The error `model`
/// takes a weight of two as two rows.
///
/// # Errors
///
/// Those of [`fit_generalised`], and [`EffectError::WeightNotPositive`] at the first weight that is
/// not above zero.
pub fn fit_generalised_weighted(
    family: Family,
    columns: &[&[f64]],
    offset: Option<&[f64]>,
    weight: Option<&[f64]>,
    outcome: &[f64],
) -> Result<GeneralisedFit, EffectError> {
    let model = Model::new(family, columns, offset, weight, outcome)?;
    let mut here = model.start()?;
    let mut n_drifting = 0;
    for n_iterations in 1..=MOST_STEPS {
        let regression = model.step(&here.predictor).map_err(|error| match error {
            EffectError::WeightNotPositive { .. }
            | EffectError::RankDeficient { .. }
            | EffectError::NotFinite { .. } => model.separated(&here.coefficients),
            EffectError::NoVariation if model.is_yes_or_no() => model.separated(&here.coefficients),
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
    pub fn coefficients(&self) -> &[f64] {
        &self.coefficients
    }

    /// The fitted mean outcome of each row.
    #[must_use]
    pub fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// The mean outcomes of other rows, of the same columns and without an offset.
    pub(crate) fn predict(&self, columns: &[&[f64]]) -> Vec<f64> {
        let n_rows = columns.first().map_or(0, |column| column.len());
        let predictor = predictor(columns, None, &self.coefficients, n_rows);
        predictor
            .into_iter()
            .map(|eta| self.family.mean(eta))
            .collect()
    }

    /// The mean outcome of other rows and its slope in the predictor.
    pub(crate) fn means_and_slopes(&self, columns: &[&[f64]]) -> Vec<(f64, f64)> {
        let n_rows = columns.first().map_or(0, |column| column.len());
        let predictor = predictor(columns, None, &self.coefficients, n_rows);
        let pair = |eta: f64| {
            let (mean, slope, _) = self.family.moments(eta);
            (mean, slope)
        };
        predictor.into_iter().map(pair).collect()
    }

    /// Twice the log likelihood that a perfect fit would have more.
    #[must_use]
    pub fn deviance(&self) -> f64 {
        self.deviance
    }

    /// The log likelihood, constants included.
    #[must_use]
    pub fn log_likelihood(&self) -> f64 {
        self.log_likelihood
    }

    /// Pearson's dispersion: the residual variance over the one the family says, divisor `N - K`.
    #[must_use]
    pub fn dispersion(&self) -> f64 {
        self.regression.error_variance()
    }

    /// Newton steps taken.
    #[must_use]
    pub fn n_iterations(&self) -> u32 {
        self.n_iterations
    }

    /// Mean outcomes under two designs, and their comparisons (g-computation).
    ///
    /// # Shapes
    ///
    /// - `treated`, `comparator`: the columns of the fit with treatment set to each of two values.
    /// - `offset`: as given to the fit.
    /// - `over`: weight of each row in the averages, zero or above: ones for everyone.
    ///
    /// # Errors
    ///
    /// [`EffectError::LengthMismatch`], [`EffectError::NotFinite`] for malformed slices, and
    /// [`EffectError::NoVariation`] if no row is averaged over.
    pub fn marginal(
        &self,
        treated: &[&[f64]],
        comparator: &[&[f64]],
        offset: Option<&[f64]>,
        over: &[f64],
    ) -> Result<Marginal, EffectError> {
        let treated = self.average(treated, offset, over)?;
        let comparator = self.average(comparator, offset, over)?;
        let contrast = |point: f64, slopes: [f64; 2]| {
            let rows = treated.gradient.iter().zip(&comparator.gradient);
            let per_column: Vec<f64> = rows.map(|(t, c)| slopes[0] * t - slopes[1] * c).collect();
            let contrast = self.regression.contrast(&per_column)?;
            Ok::<_, EffectError>(Contrast { point, ..contrast })
        };
        let (one, zero) = (treated.mean, comparator.mean);
        let odds = |mean: f64| elementary::log(mean) - elementary::log1p(-mean);
        let odds_slope = |mean: f64| 1.0 / (mean * (1.0 - mean));
        let ratio = elementary::log(one) - elementary::log(zero);
        Ok(Marginal {
            mean_treated: contrast(one, [1.0, 0.0])?,
            mean_comparator: contrast(zero, [0.0, -1.0])?,
            difference: contrast(one - zero, [1.0, 1.0])?,
            log_ratio: contrast(ratio, [1.0 / one, 1.0 / zero])?,
            log_odds_ratio: match self.family {
                Family::Logit | Family::Probit => Some(contrast(
                    odds(one) - odds(zero),
                    [odds_slope(one), odds_slope(zero)],
                )?),
                _ => None,
            },
        })
    }

    fn average(
        &self,
        columns: &[&[f64]],
        offset: Option<&[f64]>,
        over: &[f64],
    ) -> Result<Average, EffectError> {
        let n_rows = self.mean.len();
        check_finite("averaging weight", over, n_rows)?;
        if columns.len() != self.coefficients.len() {
            return Err(EffectError::LengthMismatch {
                what: "columns",
                found: columns.len(),
                expected: self.coefficients.len(),
            });
        }
        for column in columns {
            check_finite("covariate", column, n_rows)?;
        }
        let total = sum(over);
        if total <= 0.0 {
            return Err(EffectError::NoVariation);
        }
        let predictor = predictor(columns, offset, &self.coefficients, n_rows);
        let means: Vec<f64> = predictor.iter().map(|&eta| self.family.mean(eta)).collect();
        let slope = |row: usize| over[row] * self.family.slope(predictor[row], means[row]);
        Ok(Average {
            mean: sum_of(n_rows, |row| over[row] * means[row]) / total,
            gradient: columns
                .iter()
                .map(|column| sum_of(n_rows, |row| slope(row) * column[row]) / total)
                .collect(),
        })
    }
}

/// A mean outcome and what it moves by with each coefficient.
struct Average {
    mean: f64,
    gradient: Vec<f64>,
}

impl Family {
    fn expected(self) -> &'static str {
        match self {
            Self::Logit | Self::Probit => "0 to 1",
            Self::Poisson => "zero or more",
            Self::NegativeBinomial(_) => "a whole number, zero or more",
            Self::Gamma => "above zero",
        }
    }

    fn allows(self, outcome: f64) -> bool {
        match self {
            Self::Logit | Self::Probit => (0.0..=1.0).contains(&outcome),
            Self::Poisson => outcome >= 0.0,
            Self::NegativeBinomial(_) => outcome >= 0.0 && outcome.fract() <= 0.0,
            Self::Gamma => outcome > 0.0,
        }
    }

    /// The predictor that steps start from.
    fn start(self, outcome: f64) -> f64 {
        let inside = 0.5 * (outcome + 0.5);
        match self {
            Self::Logit => elementary::log(inside / (1.0 - inside)),
            Self::Probit => normal::quantile(inside),
            Self::Poisson => elementary::log(outcome + 0.1),
            Self::NegativeBinomial(_) => elementary::log(outcome.max(1.0 / 6.0)),
            Self::Gamma => elementary::log(outcome),
        }
    }

    fn mean(self, predictor: f64) -> f64 {
        match self {
            Self::Logit if predictor < 0.0 => {
                let odds = elementary::exp(predictor);
                odds / (1.0 + odds)
            }
            Self::Logit => 1.0 / (1.0 + elementary::exp(-predictor)),
            Self::Probit => normal::cdf(predictor),
            Self::Poisson | Self::NegativeBinomial(_) | Self::Gamma => elementary::exp(predictor),
        }
    }

    /// The mean at a predictor, its slope, and the variance of an outcome.
    pub(crate) fn moments(self, predictor: f64) -> (f64, f64, f64) {
        let mean = self.mean(predictor);
        let (slope, variance) = (self.slope(predictor, mean), self.variance(predictor, mean));
        (mean, slope, variance)
    }

    /// One minus the mean, without loss where it is near one; for yes-or-no outcomes.
    fn complement(self, predictor: f64) -> f64 {
        self.mean(-predictor)
    }

    /// The mean's slope in the predictor.
    fn slope(self, predictor: f64, mean: f64) -> f64 {
        match self {
            Self::Logit => mean * self.complement(predictor),
            Self::Probit => normal::density(predictor),
            Self::Poisson | Self::NegativeBinomial(_) | Self::Gamma => mean,
        }
    }

    /// The variance of an outcome; for canonical links it is the slope.
    fn variance(self, predictor: f64, mean: f64) -> f64 {
        match self {
            Self::Logit | Self::Probit => mean * self.complement(predictor),
            Self::Poisson => mean,
            Self::NegativeBinomial(theta) => mean + mean * mean / theta,
            Self::Gamma => mean * mean,
        }
    }

    /// The log likelihood of a row that is fitted perfectly.
    fn saturated(self, outcome: f64) -> f64 {
        let times_log = |part: f64| {
            if part > 0.0 {
                part * elementary::log(part)
            } else {
                0.0
            }
        };
        match self {
            Self::Logit | Self::Probit => times_log(outcome) + times_log(1.0 - outcome),
            Self::Poisson => times_log(outcome) - outcome - elementary::lgamma(outcome + 1.0),
            Self::NegativeBinomial(theta) => {
                elementary::lgamma(outcome + theta)
                    - elementary::lgamma(theta)
                    - elementary::lgamma(outcome + 1.0)
                    + times_log(theta)
                    + times_log(outcome)
                    - times_log(outcome + theta)
            }
            // Of the exponential, whose mean the fit is, too.
            Self::Gamma => -1.0 - elementary::log(outcome),
        }
    }

    /// Minus twice the log likelihood of a row, plus that of a perfect fit.
    fn deviance(self, outcome: f64, predictor: f64, mean: f64) -> f64 {
        let relative = |part: f64, whole: f64| {
            if part > 0.0 {
                part * elementary::log(part / whole)
            } else {
                0.0
            }
        };
        2.0 * match self {
            Self::Logit | Self::Probit => {
                let below = self.complement(predictor);
                relative(outcome, mean) + relative(1.0 - outcome, below)
            }
            Self::Poisson => relative(outcome, mean) - (outcome - mean),
            Self::NegativeBinomial(theta) => {
                relative(outcome, mean) - relative(outcome + theta, mean + theta)
            }
            Self::Gamma => (outcome - mean) / mean - elementary::log(outcome / mean),
        }
    }
}

struct Model<'a> {
    family: Family,
    columns: &'a [&'a [f64]],
    offset: Option<&'a [f64]>,
    weight: Option<&'a [f64]>,
    outcome: &'a [f64],
}

/// Where the steps have come to.
struct Place {
    coefficients: Vec<f64>,
    predictor: Vec<f64>,
    deviance: f64,
}

impl<'a> Model<'a> {
    fn new(
        family: Family,
        columns: &'a [&'a [f64]],
        offset: Option<&'a [f64]>,
        weight: Option<&'a [f64]>,
        outcome: &'a [f64],
    ) -> Result<Self, EffectError> {
        if let Some(weight) = weight {
            check_finite("weight", weight, outcome.len())?;
            if let Some(row) = weight.iter().position(|&value| value <= 0.0) {
                return Err(EffectError::WeightNotPositive {
                    row,
                    value: weight[row],
                });
            }
        }
        check_finite("outcome", outcome, outcome.len())?;
        for column in columns {
            check_finite("covariate", column, outcome.len())?;
        }
        if let Some(offset) = offset {
            check_finite("offset", offset, outcome.len())?;
        }
        if let Some(row) = outcome.iter().position(|&value| !family.allows(value)) {
            return Err(EffectError::OutcomeOutsideFamily {
                row,
                expected: family.expected(),
            });
        }
        if sum(outcome) <= 0.0 {
            return Err(EffectError::NoVariation);
        }
        Ok(Self {
            family,
            columns,
            offset,
            weight,
            outcome,
        })
    }

    /// The first step, from means near the outcomes.
    fn start(&self) -> Result<Place, EffectError> {
        let predictor: Vec<f64> = self.outcome.iter().map(|&y| self.family.start(y)).collect();
        let regression = self.step(&predictor)?;
        Ok(self.at(regression.coefficients()))
    }

    /// The weighted regression at a predictor; its coefficients are where a Newton step leads.
    fn step(&self, predictor: &[f64]) -> Result<WeightedRegression<'static>, EffectError> {
        let rows = predictor.iter().zip(self.outcome).enumerate();
        let (weight, response): (Vec<f64>, Vec<f64>) = rows
            .map(|(row, (&eta, &outcome))| {
                let mean = self.family.mean(eta);
                let slope = self.family.slope(eta, mean);
                let precision = slope * (slope / self.family.variance(eta, mean));
                let offset = self.offset.map_or(0.0, |offset| offset[row]);
                let response = eta - offset + (outcome - mean) / slope;
                (self.weight(row) * precision, response)
            })
            .unzip();
        WeightedRegression::fit_with(self.columns, Cow::Owned(weight), &response)
    }

    fn weight(&self, row: usize) -> f64 {
        self.weight.map_or(1.0, |weight| weight[row])
    }

    fn at(&self, coefficients: Vec<f64>) -> Place {
        let n_rows = self.outcome.len();
        let predictor = predictor(self.columns, self.offset, &coefficients, n_rows);
        let deviance = sum_of(n_rows, |row| {
            let mean = self.family.mean(predictor[row]);
            let deviance = self
                .family
                .deviance(self.outcome[row], predictor[row], mean);
            self.weight(row) * deviance
        });
        Place {
            coefficients,
            predictor,
            deviance,
        }
    }

    /// A step, halved as long as it makes the deviance worse.
    fn towards(&self, here: &Place, mut coefficients: Vec<f64>) -> Place {
        let slack = 1e-12 * (here.deviance + 0.1);
        let mut n_halvings = 0;
        loop {
            let there = self.at(coefficients.clone());
            if there.deviance <= here.deviance + slack || n_halvings == MOST_HALVINGS {
                return there;
            }
            for (there, here) in coefficients.iter_mut().zip(&here.coefficients) {
                *there = 0.5 * (*there + here);
            }
            n_halvings += 1;
        }
    }

    /// Whether outcomes can be reproduced only at predictors without bound.
    fn is_yes_or_no(&self) -> bool {
        let mut outcome = self.outcome.iter();
        matches!(self.family, Family::Logit | Family::Probit)
            && outcome.all(|&y| y <= 0.0 || y >= 1.0)
    }

    fn separated(&self, coefficients: &[f64]) -> EffectError {
        let spread = |k: usize| {
            let (_, variance) = utfall_stats::moments::mean_and_variance(self.columns[k]);
            coefficients[k].abs() * variance.sqrt()
        };
        let sizes = (0..coefficients.len()).map(|k| (k, spread(k)));
        let largest = sizes.max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)));
        EffectError::Separated {
            column: largest.map_or(0, |(column, _)| column),
        }
    }

    fn finish(&self, place: Place, n_iterations: u32) -> Result<GeneralisedFit, EffectError> {
        let regression = self.step(&place.predictor)?.of_likelihood();
        let means = place.predictor.iter().map(|&eta| self.family.mean(eta));
        Ok(GeneralisedFit {
            family: self.family,
            mean: means.collect(),
            coefficients: regression.coefficients(),
            regression,
            deviance: place.deviance,
            log_likelihood: sum_of(self.outcome.len(), |row| {
                self.weight(row) * self.family.saturated(self.outcome[row])
            }) - 0.5 * place.deviance,
            n_iterations,
        })
    }
}

fn predictor(
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
