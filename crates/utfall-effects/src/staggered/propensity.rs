//! Propensity scores of two periods: by maximum likelihood, or calibrated so that the comparators'
//! weighted covariate means are those of the treated.

use utfall_stats::sums::sum_of;
use utfall_stats::{Cholesky, Matrix, elementary, logistic};

use crate::EffectError;

const MOST_STEPS: u32 = 200;

/// The linear score of each row, by maximum likelihood with weights.
pub(super) fn likelihood(
    columns: &[Vec<f64>],
    weight: &[f64],
    treated: &[f64],
) -> Result<Vec<f64>, EffectError> {
    newton(columns, |eta, row| {
        let p = logistic::probability(eta);
        let softplus = if eta > 0.0 {
            eta + elementary::log1p(elementary::exp(-eta))
        } else {
            elementary::log1p(elementary::exp(eta))
        };
        Loss {
            value: weight[row] * (softplus - treated[row] * eta),
            slope: weight[row] * (p - treated[row]),
            curvature: weight[row] * p * (1.0 - p),
        }
    })
}

/// The linear score of each row under which comparators weighted by its odds balance the treated
/// (Graham, Pinto & Egel 2012, <https://doi.org/10.1093/restud/rdr047>).
pub(super) fn calibrated(
    columns: &[Vec<f64>],
    weight: &[f64],
    treated: &[f64],
) -> Result<Vec<f64>, EffectError> {
    newton(columns, |eta, row| {
        let odds = elementary::exp(eta) * (1.0 - treated[row]);
        Loss {
            value: weight[row] * (odds - treated[row] * eta),
            slope: weight[row] * (odds - treated[row]),
            curvature: weight[row] * odds,
        }
    })
}

/// A row's part of a convex loss.
struct Loss {
    value: f64,
    slope: f64,
    curvature: f64,
}

fn newton(
    columns: &[Vec<f64>],
    loss: impl Fn(f64, usize) -> Loss + Sync,
) -> Result<Vec<f64>, EffectError> {
    let (n, k) = (columns[0].len(), columns.len());
    let predictor = |coefficients: &[f64]| super::parts::predicted(columns, coefficients);
    let value = |eta: &[f64]| sum_of(n, |row| loss(eta[row], row).value);
    let mut coefficients = vec![0.0; k];
    let mut eta = predictor(&coefficients);
    let mut here = value(&eta);
    for _ in 0..MOST_STEPS {
        let slopes: Vec<f64> = (0..k)
            .map(|i| sum_of(n, |row| loss(eta[row], row).slope * columns[i][row]))
            .collect();
        let mut hessian = Matrix::zeros(k, k);
        for i in 0..k {
            for j in 0..=i {
                let cell = sum_of(n, |row| {
                    loss(eta[row], row).curvature * columns[i][row] * columns[j][row]
                });
                hessian.set(i, j, cell);
            }
        }
        let factor =
            Cholesky::factor(&hessian, 1e-14).map_err(|error| EffectError::RankDeficient {
                column: error.column,
            })?;
        let step = factor.solve(&slopes);
        let worth: f64 = step.iter().zip(&slopes).map(|(a, b)| a * b).sum();
        let mut length = 1.0;
        loop {
            let there: Vec<f64> = coefficients
                .iter()
                .zip(&step)
                .map(|(b, s)| b - length * s)
                .collect();
            let new_eta = predictor(&there);
            let new = value(&new_eta);
            if new <= here + 1e-13 * here.abs() || length < 1e-10 {
                (coefficients, eta, here) = (there, new_eta, new);
                break;
            }
            length *= 0.5;
        }
        if worth.abs() <= 1e-22 * (1.0 + here.abs()) {
            return Ok(eta);
        }
    }
    Err(EffectError::NotConverged {
        n_iterations: MOST_STEPS,
    })
}
