//! The jump at a cutoff: conventional, bias-corrected, and with robust errors.
//!
//! The robust error holds the uncertainty of the bias correction too, so its interval is centred on
//! the corrected estimate and has the coverage it says at bandwidths that are best for the point.
//!
//! Calonico, Cattaneo & Titiunik (2014), <https://doi.org/10.3982/ECTA11757>.

#![allow(
    clippy::needless_range_loop,
    reason = "indices name rows and columns of small matrices, as the formulas do"
)]

use utfall_stats::moments::count;
use utfall_stats::sums::sum_of;

use super::Bandwidths;
use super::bandwidth::leverages;
use super::residuals::{combined, meat, residuals};
use super::side::{
    JumpData, JumpOptions, Side, covariate_part, cross, inverse, multiply, powers, solve, split,
};
use crate::EffectError;

/// A point with its error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct JumpEstimate {
    /// The jump.
    pub point: f64,
    /// Its standard error.
    pub standard_error: f64,
}

/// An estimated jump.
#[derive(Debug, Clone, PartialEq)]
pub struct Jump {
    /// Without correction.
    pub conventional: JumpEstimate,
    /// Corrected for bias, with the conventional error.
    pub bias_corrected: JumpEstimate,
    /// Corrected for bias, with the error of the correction too.
    pub robust: JumpEstimate,
    /// Coefficients of the outcome's polynomial left and right, covariates taken out.
    pub coefficients: [Vec<f64>; 2],
    /// Rows left and right.
    pub n: [usize; 2],
    /// Rows within the main bandwidth.
    pub n_within: [usize; 2],
    /// Distinct values of the score.
    pub n_distinct: [usize; 2],
}

/// One side's fits.
struct Fit {
    side: Side,
    inverse: Vec<Vec<f64>>,
    /// `x w` of the main fit, and the pulls of the corrected one.
    pulls: Vec<Vec<f64>>,
    corrected: Vec<Vec<f64>>,
    beta: Vec<Vec<f64>>,
    beta_corrected: Vec<Vec<f64>>,
    residual: Vec<Vec<f64>>,
    residual_of_bias: Vec<Vec<f64>>,
    zwz: Vec<Vec<f64>>,
    zwy: Vec<Vec<f64>>,
    n_within: usize,
}

/// Estimates the jump of the outcome, or of outcome over take-up, at the cutoff.
///
/// # Errors
///
/// As [`super::select_bandwidths`]; [`EffectError::ClustersMissing`] never: clusters are for `cr1`
/// kinds, and without them those are not clustered. [`EffectError::NoVariation`] where take-up does
/// not jump.
///
/// # Reference
///
/// Calonico, Cattaneo & Titiunik (2014), <https://doi.org/10.3982/ECTA11757>; Calonico, Cattaneo,
/// Farrell & Titiunik (2019) on covariates, <https://doi.org/10.1162/rest_a_00760>.
pub fn estimate_jump(
    data: &JumpData<'_>,
    bandwidths: &Bandwidths,
    options: &JumpOptions,
) -> Result<Jump, EffectError> {
    let sides = split(data)?;
    let fit = |i: usize| {
        fit(
            &sides[i],
            data.cutoff,
            bandwidths.h[i],
            bandwidths.b[i],
            options,
        )
    };
    let fits = [fit(0)?, fit(1)?];
    let nu = options.derivative;
    let difference = |of: fn(&Fit) -> &Vec<Vec<f64>>| -> Vec<f64> {
        of(&fits[1])[nu]
            .iter()
            .zip(&of(&fits[0])[nu])
            .map(|(r, l)| r - l)
            .collect()
    };
    let (beta, corrected) = (
        difference(|fit| &fit.beta),
        difference(|fit| &fit.beta_corrected),
    );
    let factorial: f64 = (1..=nu).map(count).product();
    let first = 1 + usize::from(data.take_up.is_some());
    let gamma = if data.covariates.is_empty() {
        Vec::new()
    } else {
        let add = |a: &[Vec<f64>], b: &[Vec<f64>]| -> Vec<Vec<f64>> {
            a.iter()
                .zip(b)
                .map(|(a, b)| a.iter().zip(b).map(|(a, b)| a + b).collect())
                .collect()
        };
        solve(
            &add(&fits[0].zwz, &fits[1].zwz),
            &add(&fits[0].zwy, &fits[1].zwy),
        )?
    };
    let jump = |beta: &[f64], which: usize| {
        let adjusted: f64 = gamma
            .iter()
            .enumerate()
            .map(|(k, g)| g[which] * beta[first + k])
            .sum();
        factorial * (beta[which] - adjusted)
    };
    let (plain, bias_free, s) = if data.take_up.is_some() {
        let (of_outcome, of_take_up) = (jump(&beta, 0), jump(&beta, 1));
        if of_take_up.abs() <= 1e-12 {
            return Err(EffectError::NoVariation);
        }
        let ratio = of_outcome / (of_take_up * of_take_up);
        let plain = of_outcome / of_take_up;
        let bias = (of_outcome - jump(&corrected, 0)) / of_take_up
            - ratio * (of_take_up - jump(&corrected, 1));
        let covariates = gamma.iter().map(|g| -g[0] / of_take_up + ratio * g[1]);
        (
            plain,
            plain - bias,
            [1.0 / of_take_up, -ratio]
                .into_iter()
                .chain(covariates)
                .collect::<Vec<f64>>(),
        )
    } else {
        let s = std::iter::once(1.0)
            .chain(gamma.iter().map(|g| -g[0]))
            .collect();
        (jump(&beta, 0), jump(&corrected, 0), s)
    };
    let variance = |corrected: bool| -> f64 {
        fits.iter()
            .map(|fit| {
                let (pulls, residual, order) = if corrected {
                    (&fit.corrected, &fit.residual_of_bias, options.bias_order)
                } else {
                    (&fit.pulls, &fit.residual, options.order)
                };
                let residual = combined(residual, &s);
                let middle = meat(&fit.side, options.error, pulls, &residual, order + 1);
                multiply(&multiply(&fit.inverse, &middle), &fit.inverse)[nu][nu]
            })
            .sum()
    };
    let (error, robust) = (
        factorial * variance(false).sqrt(),
        factorial * variance(true).sqrt(),
    );
    Ok(Jump {
        conventional: JumpEstimate {
            point: plain,
            standard_error: error,
        },
        bias_corrected: JumpEstimate {
            point: bias_free,
            standard_error: error,
        },
        robust: JumpEstimate {
            point: bias_free,
            standard_error: robust,
        },
        coefficients: [0, 1].map(|i| {
            let adjusted = |row: &Vec<f64>| {
                let covariates = gamma.iter().zip(&row[first..]);
                row[0] - covariates.map(|(g, b)| g[0] * b).sum::<f64>()
            };
            fits[i].beta.iter().map(adjusted).collect()
        }),
        n: [0, 1].map(|i| sides[i].n()),
        n_within: [0, 1].map(|i| fits[i].n_within),
        n_distinct: [0, 1].map(|i| sides[i].n_distinct()),
    })
}

fn fit(
    side: &Side,
    cutoff: f64,
    h: f64,
    b: f64,
    options: &JumpOptions,
) -> Result<Fit, EffectError> {
    let (p, q) = (options.order, options.bias_order);
    let (all_h, all_b) = (
        side.weights(cutoff, h, options.kernel),
        side.weights(cutoff, b, options.kernel),
    );
    let wider = if h > b { &all_h } else { &all_b };
    let rows: Vec<usize> = (0..side.n()).filter(|&row| wider[row] > 0.0).collect();
    if rows.len() <= q + 1 {
        return Err(EffectError::TooFewRows {
            n_rows: rows.len(),
            n_columns: q + 1,
        });
    }
    let side = side.rows(&rows);
    let pick = |values: &[f64]| rows.iter().map(|&row| values[row]).collect::<Vec<f64>>();
    let (w_h, w_b) = (pick(&all_h), pick(&all_b));
    let columns = powers(&side.x, cutoff, q);
    let main = &columns[..=p];
    let inverse_p = inverse(main, &w_h, h)?;
    let inverse_q = inverse(&columns, &w_b, b)?;
    let n = side.n();
    let next: Vec<f64> = side
        .x
        .iter()
        .map(|x| (0..=p).fold(1.0, |product, _| product * ((x - cutoff) / h)))
        .collect();
    let l = cross(main, &w_h, &[next]);
    let scale = (0..=p).fold(1.0, |product, _| product * h);
    let weighted = |columns: &[Vec<f64>], weight: &[f64]| -> Vec<Vec<f64>> {
        columns
            .iter()
            .map(|x| x.iter().zip(weight).map(|(x, w)| x * w).collect())
            .collect()
    };
    let pulls = weighted(main, &w_h);
    // What the coefficient of order p + 1 moves by with each row's outcome.
    let curve: Vec<f64> = (0..n)
        .map(|row| {
            w_b[row]
                * (0..=q)
                    .map(|k| inverse_q[p + 1][k] * columns[k][row])
                    .sum::<f64>()
        })
        .collect();
    let corrected: Vec<Vec<f64>> = (0..=p)
        .map(|k| {
            (0..n)
                .map(|row| pulls[k][row] - scale * l[k][0] * curve[row])
                .collect()
        })
        .collect();
    let beta = multiply(&inverse_p, &cross(main, &w_h, &side.d));
    let beta_q = multiply(&inverse_q, &cross(&columns, &w_b, &side.d));
    let sums: Vec<Vec<f64>> = corrected
        .iter()
        .map(|pull| {
            side.d
                .iter()
                .map(|y| sum_of(n, |row| pull[row] * y[row]))
                .collect()
        })
        .collect();
    let fitted = |columns: &[Vec<f64>], beta: &[Vec<f64>]| -> Vec<Vec<f64>> {
        (0..side.d.len())
            .map(|j| {
                (0..n)
                    .map(|row| columns.iter().zip(beta).map(|(x, b)| x[row] * b[j]).sum())
                    .collect()
            })
            .collect()
    };
    let leverage = leverages(main, &w_h, &inverse_p);
    let residual = residuals(
        &side,
        options.error,
        options.n_neighbours,
        &fitted(main, &beta),
        &leverage,
        p + 1,
    );
    let residual_of_bias = if options.error.uses_neighbours() {
        residual.clone()
    } else {
        let leverage = leverages(&columns, &w_b, &inverse_q);
        residuals(
            &side,
            options.error,
            options.n_neighbours,
            &fitted(&columns, &beta_q),
            &leverage,
            q + 1,
        )
    };
    let part = covariate_part(&side, &w_h, &inverse_p, main);
    Ok(Fit {
        beta_corrected: multiply(&inverse_p, &sums),
        inverse: inverse_p,
        pulls,
        corrected,
        beta,
        residual,
        residual_of_bias,
        zwz: part.zwz,
        zwy: part.zwy,
        n_within: w_h.iter().filter(|&&w| w > 0.0).count(),
        side,
    })
}
