//! Synthetic control and synthetic difference-in-differences on a block: some units are treated from
//! one time on, the others never.
//!
//! Abadie, Diamond & Hainmueller (2010), <https://doi.org/10.1198/jasa.2009.ap08746>; Arkhangelsky,
//! Athey, Hirshberg, Imbens & Wager (2021), <https://doi.org/10.1257/aer.20190159>; Ben-Michael,
//! Feller & Rothstein (2021), <https://doi.org/10.1080/01621459.2021.1929245>.

#![allow(
    clippy::needless_range_loop,
    reason = "indices name rows and columns of small matrices, as the formulas do"
)]

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use utfall_stats::moments::{count, mean, mean_and_variance};
use utfall_stats::sums::dot;
use utfall_stats::{Cholesky, InOrder, Matrix};

use super::{Weights, nearest_in_hull};
use crate::EffectError;

/// Outcomes by unit and time.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    /// Outcomes of comparators, one row of times each.
    pub donors: Vec<Vec<f64>>,
    /// Outcomes of treated units.
    pub treated: Vec<Vec<f64>>,
    /// Times before treatment.
    pub n_before: usize,
}

/// What units are made alike on, instead of outcomes before treatment.
#[derive(Debug, Clone, PartialEq)]
pub struct Predictors {
    /// Of each donor.
    pub donors: Vec<Vec<f64>>,
    /// Of the treated units' mean.
    pub treated: Vec<f64>,
    /// The weight of each predictor, after division by its standard deviation over all units.
    pub weight: Vec<f64>,
}

/// How units and times are weighted.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Donors alike before treatment, levels and all; times after compared with nothing. A penalty of
    /// `ridge` noise levels squared, per time, on the weights.
    Control {
        /// Noise levels; zero for the classic estimator.
        ridge: f64,
    },
    /// Donors alike but for a constant, times before like those after, regularised as its authors say.
    DifferenceInDifferences,
    /// All donors and all times alike: plain difference-in-differences.
    Uniform,
}

/// A synthetic comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct Synthetic {
    /// The effect over treated units and times.
    pub effect: f64,
    /// Weights of donors.
    pub donors: Weights,
    /// Weights of times before; zeros where none are compared.
    pub times: Vec<f64>,
    /// Treated mean less comparison at each time, less that of the weighted times before.
    pub gap: Vec<f64>,
    /// Root mean square of the gap before, less its mean where a constant is free.
    pub error_before: f64,
    /// Root mean square of the gap after.
    pub error_after: f64,
    /// The noise level: standard deviation of donors' first differences before.
    pub noise: f64,
    /// The penalty of the donors' weights, as a multiple of a weight: `zeta`.
    pub zeta: f64,
}

impl Block {
    pub(super) fn check(&self) -> Result<(), EffectError> {
        let n_times = self.donors.first().map_or(0, Vec::len);
        if self.donors.len() < 2 || self.treated.is_empty() {
            return Err(EffectError::TooFewDonors {
                n_donors: self.donors.len(),
            });
        }
        if self.n_before < 2 || self.n_before >= n_times {
            return Err(EffectError::TooFewRows {
                n_rows: self.n_before,
                n_columns: 2,
            });
        }
        for line in self.donors.iter().chain(&self.treated) {
            crate::regression::check_finite("outcome", line, n_times)?;
        }
        Ok(())
    }

    pub(super) fn mean_treated(&self) -> Vec<f64> {
        (0..self.treated[0].len())
            .map(|t| {
                mean(
                    &self
                        .treated
                        .iter()
                        .map(|line| line[t])
                        .collect::<Vec<f64>>(),
                )
            })
            .collect()
    }

    fn noise(&self) -> f64 {
        let steps: Vec<f64> = self
            .donors
            .iter()
            .flat_map(|line| {
                line[..self.n_before]
                    .windows(2)
                    .map(|pair| pair[1] - pair[0])
            })
            .collect();
        mean_and_variance(&steps).1.sqrt()
    }

    /// The block with a donor in the treated units' place, and without it among the donors.
    fn placebo(&self, donor: usize) -> Self {
        let mut donors = self.donors.clone();
        let treated = vec![donors.remove(donor)];
        Self {
            donors,
            treated,
            n_before: self.n_before,
        }
    }
}

/// Builds the comparison.
///
/// # Errors
///
/// [`EffectError::TooFewDonors`] with fewer than two, [`EffectError::TooFewRows`] with fewer than two
/// times before or none after, [`EffectError::NotFinite`] and [`EffectError::LengthMismatch`] for
/// malformed outcomes, and what [`nearest_in_hull`] says.
pub fn synthetic(
    block: &Block,
    method: Method,
    predictors: Option<&Predictors>,
) -> Result<Synthetic, EffectError> {
    block.check()?;
    let noise = block.noise();
    let after = block.donors[0].len() - block.n_before;
    let zeta = match method {
        Method::Control { ridge } => ridge * noise,
        Method::DifferenceInDifferences => count(block.treated.len() * after).sqrt().sqrt() * noise,
        Method::Uniform => 0.0,
    };
    with_noise(block, method, predictors, noise, zeta)
}

/// With a noise level and a penalty that are given.
pub(super) fn with_noise(
    block: &Block,
    method: Method,
    predictors: Option<&Predictors>,
    noise: f64,
    zeta: f64,
) -> Result<Synthetic, EffectError> {
    let before = block.n_before;
    let target = block.mean_treated();
    let centred = method == Method::DifferenceInDifferences;
    let donors = match (method, predictors) {
        (Method::Uniform, _) => uniform(block.donors.len()),
        (_, Some(predictors)) => predictors.weights()?,
        _ => {
            let points: Vec<Vec<f64>> = block
                .donors
                .iter()
                .map(|line| level(&line[..before], centred))
                .collect();
            let penalty = zeta * zeta * count(before);
            nearest_in_hull(&points, &level(&target[..before], centred), penalty)?
        }
    };
    let times = match method {
        Method::Control { .. } => vec![0.0; before],
        Method::Uniform => vec![1.0 / count(before); before],
        Method::DifferenceInDifferences => time_weights(block, noise)?,
    };
    Ok(concluded(block, &target, donors, times, noise, zeta))
}

fn concluded(
    block: &Block,
    target: &[f64],
    donors: Weights,
    times: Vec<f64>,
    noise: f64,
    zeta: f64,
) -> Synthetic {
    let before = block.n_before;
    let raw: Vec<f64> = (0..target.len())
        .map(|t| {
            target[t]
                - block
                    .donors
                    .iter()
                    .zip(&donors.weight)
                    .map(|(line, w)| w * line[t])
                    .sum::<f64>()
        })
        .collect();
    let base = dot(&times, &raw[..before]);
    let gap: Vec<f64> = raw.iter().map(|value| value - base).collect();
    let free = if times.iter().any(|&w| w > 0.0) {
        mean(&gap[..before])
    } else {
        0.0
    };
    let square = |values: &[f64], centre: f64| {
        (values
            .iter()
            .map(|v| (v - centre) * (v - centre))
            .sum::<f64>()
            / count(values.len()))
        .sqrt()
    };
    Synthetic {
        effect: mean(&gap[before..]),
        error_before: square(&gap[..before], free),
        error_after: square(&gap[before..], 0.0),
        donors,
        times,
        gap,
        noise,
        zeta,
    }
}

fn uniform(n: usize) -> Weights {
    Weights {
        weight: vec![1.0 / count(n); n],
        loss: 0.0,
        is_unique: true,
    }
}

pub(super) fn level(values: &[f64], centred: bool) -> Vec<f64> {
    let centre = if centred { mean(values) } else { 0.0 };
    values.iter().map(|value| value - centre).collect()
}

/// Times before whose mixture is like the mean of times after, among donors and but for a constant.
fn time_weights(block: &Block, noise: f64) -> Result<Vec<f64>, EffectError> {
    let before = block.n_before;
    let at = |t: usize| {
        block
            .donors
            .iter()
            .map(|line| line[t])
            .collect::<Vec<f64>>()
    };
    let after: Vec<f64> = block
        .donors
        .iter()
        .map(|line| mean(&line[before..]))
        .collect();
    let points: Vec<Vec<f64>> = (0..before).map(|t| level(&at(t), true)).collect();
    let zeta = 1e-6 * noise;
    let penalty = zeta * zeta * count(block.donors.len());
    Ok(nearest_in_hull(&points, &level(&after, true), penalty)?.weight)
}

impl Predictors {
    fn weights(&self) -> Result<Weights, EffectError> {
        let k = self.treated.len();
        let scales: Vec<f64> = (0..k)
            .map(|i| {
                let all: Vec<f64> = self
                    .donors
                    .iter()
                    .map(|line| line[i])
                    .chain([self.treated[i]])
                    .collect();
                let spread = mean_and_variance(&all).1.sqrt();
                if spread > 0.0 {
                    self.weight[i].sqrt() / spread
                } else {
                    0.0
                }
            })
            .collect();
        let scaled = |line: &Vec<f64>| {
            line.iter()
                .zip(&scales)
                .map(|(x, s)| x * s)
                .collect::<Vec<f64>>()
        };
        let points: Vec<Vec<f64>> = self.donors.iter().map(scaled).collect();
        nearest_in_hull(&points, &scaled(&self.treated), 0.0)
    }
}

/// Each donor in turn as if treated, the others as its donors, with the noise level and penalty of the
/// estimate itself.
///
/// # Errors
///
/// As [`synthetic`].
pub fn placebos(block: &Block, method: Method) -> Result<Vec<Synthetic>, EffectError> {
    let own = synthetic(block, method, None)?;
    (0..block.donors.len())
        .into_par_iter()
        .map(|donor| with_noise(&block.placebo(donor), method, None, own.noise, own.zeta))
        .in_order()
}

/// The comparison without each donor that has a weight, in the order of donors: whether one of them
/// alone carries the effect.
///
/// # Errors
///
/// As [`synthetic`]; [`EffectError::TooFewDonors`] where there are but two donors.
///
/// # Reference
///
/// Abadie (2021), section 4, <https://doi.org/10.1257/jel.20191450>.
pub fn leave_donors_out(
    block: &Block,
    method: Method,
    own: &Synthetic,
) -> Result<Vec<(usize, Synthetic)>, EffectError> {
    (0..block.donors.len())
        .into_par_iter()
        .filter(|&donor| own.donors.weight[donor] > 0.0)
        .map(|donor| {
            let mut rest = block.clone();
            rest.donors.remove(donor);
            Ok((donor, synthetic(&rest, method, None)?))
        })
        .in_order()
}

/// The jackknife error over units, weights held fixed and scaled to one without a donor.
///
/// # Errors
///
/// [`EffectError::TooFewInArm`] with a single treated unit.
///
/// # Reference
///
/// Arkhangelsky et al. (2021), algorithm 3, <https://doi.org/10.1257/aer.20190159>.
pub fn jackknife(block: &Block, own: &Synthetic) -> Result<f64, EffectError> {
    if block.treated.len() < 2 {
        return Err(EffectError::TooFewInArm {
            arm: utfall_core::Arm::Treated,
            n_rows: 1,
        });
    }
    // With weights held fixed the effect is a contrast of times, averaged over treated units, less
    // its mixture over donors.
    let n_after = block.donors[0].len() - block.n_before;
    let contrast = |line: &Vec<f64>| {
        let (before, after) = line.split_at(block.n_before);
        after.iter().sum::<f64>() / count(n_after) - dot(before, &own.times)
    };
    let donors: Vec<f64> = block.donors.iter().map(contrast).collect();
    let treated: Vec<f64> = block.treated.iter().map(contrast).collect();
    let (mixture, whole) = (dot(&donors, &own.donors.weight), mean(&treated));
    let mut effects = Vec::with_capacity(donors.len() + treated.len());
    for (value, &taken) in donors.iter().zip(&own.donors.weight) {
        if taken >= 1.0 {
            return Err(EffectError::NoVariation);
        }
        effects.push(whole - (mixture - taken * value) / (1.0 - taken));
    }
    let n_others = count(treated.len() - 1);
    for value in &treated {
        effects.push((whole * (n_others + 1.0) - value) / n_others - mixture);
    }
    let n = count(effects.len());
    let centre = mean(&effects);
    let square: f64 = effects.iter().map(|e| (e - centre) * (e - centre)).sum();
    Ok(((n - 1.0) / n * square).sqrt())
}

/// A synthetic control moved by a ridge regression towards what it misses.
#[derive(Debug, Clone, PartialEq)]
pub struct Augmented {
    /// The classic control.
    pub plain: Synthetic,
    /// The comparison with augmented weights, which may be below zero.
    pub augmented: Synthetic,
}

/// Augments a synthetic control: `w + X′ (X X′ + λI)⁻¹ (x₁ - X w)` with outcomes before treatment less
/// the donors' mean at each time.
///
/// # Errors
///
/// As [`synthetic`]; [`EffectError::OutsideRange`] for a penalty that is not above zero.
///
/// # Reference
///
/// Ben-Michael, Feller & Rothstein (2021), <https://doi.org/10.1080/01621459.2021.1929245>.
pub fn augmented(block: &Block, lambda: f64) -> Result<Augmented, EffectError> {
    if lambda.is_nan() || lambda <= 0.0 {
        return Err(EffectError::OutsideRange {
            what: "ridge penalty",
            value: lambda,
        });
    }
    let plain = synthetic(block, Method::Control { ridge: 0.0 }, None)?;
    let before = block.n_before;
    let means: Vec<f64> = (0..before)
        .map(|t| {
            mean(
                &block
                    .donors
                    .iter()
                    .map(|line| line[t])
                    .collect::<Vec<f64>>(),
            )
        })
        .collect();
    let centred: Vec<Vec<f64>> = block
        .donors
        .iter()
        .map(|line| {
            line[..before]
                .iter()
                .zip(&means)
                .map(|(y, m)| y - m)
                .collect()
        })
        .collect();
    let mut matrix = Matrix::zeros(before, before);
    for s in 0..before {
        for t in 0..before {
            let product: f64 = centred.iter().map(|line| line[s] * line[t]).sum();
            matrix.set(s, t, product + if s == t { lambda } else { 0.0 });
        }
    }
    let factor = Cholesky::factor(&matrix, 1e-15).map_err(|error| EffectError::RankDeficient {
        column: error.column,
    })?;
    let along = factor.solve(&plain.gap[..before]);
    let weight: Vec<f64> = plain
        .donors
        .weight
        .iter()
        .zip(&centred)
        .map(|(w, line)| w + dot(line, &along))
        .collect();
    let donors = Weights {
        weight,
        loss: f64::NAN,
        is_unique: plain.donors.is_unique,
    };
    let target = block.mean_treated();
    let augmented = concluded(
        block,
        &target,
        donors,
        plain.times.clone(),
        plain.noise,
        0.0,
    );
    Ok(Augmented { plain, augmented })
}
