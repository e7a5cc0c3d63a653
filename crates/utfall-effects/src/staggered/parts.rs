//! An estimate as a sum of ratio means, and its influence with that of the models it rests on.
//!
//! Each part is `mean(w·v) / Π mean(d)`. Its weight may hold the odds of a propensity score, and
//! its value predictions of outcome regressions; how the part moves with those coefficients is
//! known in closed form, so one function gives every estimator's influence.

use utfall_stats::moments::{count, mean};
use utfall_stats::sums::sum_of;
use utfall_stats::{Cholesky, Matrix};

use crate::EffectError;

/// One ratio mean.
pub(super) struct Part {
    pub(super) sign: f64,
    pub(super) weight: Vec<f64>,
    pub(super) value: Vec<f64>,
    /// What the mean is divided by; `None` for the weight itself.
    pub(super) norms: Option<Vec<Vec<f64>>>,
    /// Whether the weight holds the odds of the score.
    pub(super) odds: bool,
    /// Outcome regressions in the value: which, and the slope of the value in its prediction.
    pub(super) regressions: Vec<(usize, Vec<f64>)>,
}

/// A model that parts rest on: each row's score is `score · x`, and `hessian` their mean slope.
pub(super) struct Model {
    score: Vec<f64>,
    factor: Cholesky,
}

impl Model {
    /// From per-row scores and curvatures: `mean(curvature · x x′)`.
    pub(super) fn new(
        columns: &[Vec<f64>],
        score: Vec<f64>,
        curvature: &[f64],
    ) -> Result<Self, EffectError> {
        let k = columns.len();
        let mut hessian = Matrix::zeros(k, k);
        for i in 0..k {
            for j in 0..=i {
                let n = curvature.len();
                let sum = sum_of(n, |row| curvature[row] * columns[i][row] * columns[j][row]);
                hessian.set(i, j, sum / count(n));
            }
        }
        let factor =
            Cholesky::factor(&hessian, 1e-12).map_err(|error| EffectError::RankDeficient {
                column: error.column,
            })?;
        Ok(Self { score, factor })
    }
}

/// The sum of the parts, and each row's influence: the squared error is `mean(influence²)/n`.
pub(super) fn total(
    columns: &[Vec<f64>],
    parts: &[Part],
    regressions: &[Model],
    score: Option<&Model>,
) -> Result<(f64, Vec<f64>), EffectError> {
    let n = columns[0].len();
    let k = columns.len();
    let mut point = 0.0;
    let mut influence = vec![0.0; n];
    let mut moves = vec![vec![0.0; k]; regressions.len()];
    let mut move_of_score = vec![0.0; k];
    for part in parts {
        let weighted: Vec<f64> = part
            .weight
            .iter()
            .zip(&part.value)
            .map(|(w, v)| w * v)
            .collect();
        let own = std::slice::from_ref(&part.weight);
        let norms = part.norms.as_deref().unwrap_or(own);
        let means: Vec<f64> = norms.iter().map(|norm| mean(norm)).collect();
        let scale: f64 = means.iter().product();
        if scale.is_nan() || scale <= 0.0 {
            return Err(EffectError::NoVariation);
        }
        let eta = mean(&weighted) / scale;
        point += part.sign * eta;
        for (row, value) in influence.iter_mut().enumerate() {
            let drift: f64 = norms
                .iter()
                .zip(&means)
                .map(|(norm, mean)| (norm[row] - mean) / mean)
                .sum();
            *value += part.sign * (weighted[row] / scale - eta - drift * eta);
        }
        for (which, slope) in &part.regressions {
            for (into, column) in moves[*which].iter_mut().zip(columns) {
                let sum = sum_of(n, |row| part.weight[row] * slope[row] * column[row]);
                *into += part.sign * (sum / count(n)) / scale;
            }
        }
        if part.odds {
            let centre = if part.norms.is_none() { eta } else { 0.0 };
            for (into, column) in move_of_score.iter_mut().zip(columns) {
                let sum = sum_of(n, |row| {
                    part.weight[row] * (part.value[row] - centre) * column[row]
                });
                *into += part.sign * (sum / count(n)) / scale;
            }
        }
    }
    for (model, moved) in regressions.iter().zip(&moves) {
        add(columns, model, moved, &mut influence);
    }
    if let Some(model) = score {
        add(columns, model, &move_of_score, &mut influence);
    }
    Ok((point, influence))
}

/// Adds what a model's uncertainty contributes.
fn add(columns: &[Vec<f64>], model: &Model, moved: &[f64], influence: &mut [f64]) {
    let along = model.factor.solve(moved);
    for (row, value) in influence.iter_mut().enumerate() {
        let reach: f64 = columns
            .iter()
            .zip(&along)
            .map(|(column, a)| column[row] * a)
            .sum();
        *value += model.score[row] * reach;
    }
}

/// Weighted least squares on the columns; rows of weight zero take no part.
pub(super) fn least_squares(
    columns: &[Vec<f64>],
    weight: &[f64],
    outcome: &[f64],
) -> Result<Vec<f64>, EffectError> {
    let rows: Vec<usize> = (0..weight.len()).filter(|&row| weight[row] > 0.0).collect();
    if rows.len() < columns.len() {
        return Err(EffectError::TooFewRows {
            n_rows: rows.len(),
            n_columns: columns.len(),
        });
    }
    let pick = |values: &[f64]| rows.iter().map(|&row| values[row]).collect::<Vec<f64>>();
    let design: Vec<Vec<f64>> = columns.iter().map(|column| pick(column)).collect();
    let slices: Vec<&[f64]> = design.iter().map(Vec::as_slice).collect();
    crate::regression::solved(&slices, &pick(weight), &pick(outcome))
}

/// `columns · coefficients`.
pub(super) fn predicted(columns: &[Vec<f64>], coefficients: &[f64]) -> Vec<f64> {
    (0..columns[0].len())
        .map(|row| {
            columns
                .iter()
                .zip(coefficients)
                .map(|(column, b)| column[row] * b)
                .sum()
        })
        .collect()
}
