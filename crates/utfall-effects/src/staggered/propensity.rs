//! Propensity scores of two periods: by maximum likelihood, or calibrated so that the comparators'
//! weighted covariate means are those of the treated.

use utfall_stats::moments::count;
use utfall_stats::sums::{dot, sum_of};
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
        (
            weight[row] * (p - treated[row]),
            weight[row] * p * (1.0 - p),
        )
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
        (weight[row] * (odds - treated[row]), weight[row] * odds)
    })
}

/// A convex loss at some coefficients: each row's linear score, slopes and curvature.
struct Place {
    eta: Vec<f64>,
    slopes: Vec<f64>,
    hessian: Matrix,
}

impl Place {
    /// `loss` gives a row's slope and curvature in its linear score.
    fn at(
        columns: &[Vec<f64>],
        coefficients: &[f64],
        loss: impl Fn(f64, usize) -> (f64, f64),
    ) -> Self {
        let (n, k) = (columns[0].len(), columns.len());
        let eta = super::parts::predicted(columns, coefficients);
        let (slope, curvature): (Vec<f64>, Vec<f64>) = eta
            .iter()
            .enumerate()
            .map(|(row, &eta)| loss(eta, row))
            .unzip();
        let mut hessian = Matrix::zeros(k, k);
        for i in 0..k {
            for j in 0..=i {
                let cell = sum_of(n, |row| curvature[row] * columns[i][row] * columns[j][row]);
                hessian.set(i, j, cell);
            }
        }
        Self {
            slopes: columns.iter().map(|column| dot(column, &slope)).collect(),
            hessian,
            eta,
        }
    }
}

/// Newton's steps, halved where they go so far beyond the least loss that it rises as steeply there
/// as it fell here.
fn newton(
    columns: &[Vec<f64>],
    loss: impl Fn(f64, usize) -> (f64, f64),
) -> Result<Vec<f64>, EffectError> {
    let mut coefficients = vec![0.0; columns.len()];
    let mut here = Place::at(columns, &coefficients, &loss);
    for _ in 0..MOST_STEPS {
        let factor =
            Cholesky::factor(&here.hessian, 1e-14).map_err(|error| EffectError::RankDeficient {
                column: error.column,
            })?;
        let step = factor.solve(&here.slopes);
        let worth = dot(&step, &here.slopes);
        let mut length = 1.0;
        loop {
            let there: Vec<f64> = coefficients
                .iter()
                .zip(&step)
                .map(|(b, s)| b - length * s)
                .collect();
            let next = Place::at(columns, &there, &loss);
            let rises = -dot(&step, &next.slopes);
            if rises <= 0.9 * worth || worth <= 1e-14 || length < 1e-10 {
                (coefficients, here) = (there, next);
                break;
            }
            length *= 0.5;
        }
        if worth.abs() <= 1e-22 * count(here.eta.len()) {
            return Ok(here.eta);
        }
    }
    Err(EffectError::NotConverged {
        n_iterations: MOST_STEPS,
    })
}
