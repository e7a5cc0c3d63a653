//! The largest partial likelihood, by Newton's steps that are halved where they would make it smaller.

use utfall_stats::{Cholesky, Matrix};

use crate::EffectError;

const MOST_STEPS: u32 = 100;
/// Standard deviations of a covariate times its coefficient beyond which it has no bound.
const FAR: f64 = 20.0;

/// The likelihood with its slope and curvature.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) value: f64,
    pub(super) slope: Vec<f64>,
    pub(super) information: Vec<Vec<f64>>,
}

impl Place {
    pub(super) fn zero(p: usize) -> Self {
        Self {
            value: 0.0,
            slope: vec![0.0; p],
            information: vec![vec![0.0; p]; p],
        }
    }
}

/// Where the likelihood is largest.
pub(super) struct Top {
    pub(super) coefficients: Vec<f64>,
    /// The inverse of the information.
    pub(super) covariance: Vec<Vec<f64>>,
    pub(super) null: Place,
    pub(super) here: Place,
    pub(super) n_iterations: u32,
}

/// Ascends from coefficients of zero. `spread`: the standard deviation of each covariate.
pub(super) fn ascend(spread: &[f64], at: impl Fn(&[f64]) -> Place) -> Result<Top, EffectError> {
    let p = spread.len();
    let mut beta = vec![0.0; p];
    let null = at(&beta);
    let mut here = null.clone();
    for n_iterations in 1..=MOST_STEPS {
        let step = factored(&here.information)?.solve(&here.slope);
        let worth = quadratic(&step, &here.slope);
        let mut length = 1.0;
        loop {
            let there: Vec<f64> = beta
                .iter()
                .zip(&step)
                .map(|(b, s)| b + length * s)
                .collect();
            let next = at(&there);
            if next.value >= here.value - 1e-12 * here.value.abs() || length < 1e-6 {
                (beta, here) = (there, next);
                break;
            }
            length *= 0.5;
        }
        if worth.abs() <= 1e-20 * (1.0 + here.value.abs()) {
            let inverse = factored(&here.information)?.inverse();
            let line = |i| (0..p).map(|j| inverse.get(i, j)).collect();
            return Ok(Top {
                coefficients: beta,
                covariance: (0..p).map(line).collect(),
                null,
                here,
                n_iterations,
            });
        }
        if let Some(column) = (0..p).find(|&k| beta[k].abs() * spread[k] > FAR) {
            return Err(EffectError::Separated { column });
        }
    }
    Err(EffectError::NotConverged {
        n_iterations: MOST_STEPS,
    })
}

/// The factor of an information; the column at fault where it is singular.
pub(super) fn factored(information: &[Vec<f64>]) -> Result<Cholesky, EffectError> {
    let p = information.len();
    let mut matrix = Matrix::zeros(p, p);
    for (i, row) in information.iter().enumerate() {
        for (j, value) in row.iter().enumerate() {
            matrix.set(i, j, *value);
        }
    }
    Cholesky::factor(&matrix, 1e-11).map_err(|error| EffectError::RankDeficient {
        column: error.column,
    })
}

/// The inner product of two short vectors.
pub(super) fn quadratic(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
