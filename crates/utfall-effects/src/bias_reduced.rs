//! The bias-reduced cluster error (CR2) and Satterthwaite's degrees of freedom for any error here.
//!
//! The working model is independent errors of equal variance, whatever the weights: matching
//! weights are not precisions. Under it the residuals of a cluster have covariance
//! `B = [(I - H)(I - H)′]` on its block, where `H = Q Q′ W` with `Q` the orthonormal columns and
//! `W` the weights. CR2 multiplies a cluster's residuals by `B^(-1/2)`. `B` is the identity plus a
//! matrix of rank at most `2K`, so its square root is taken in that small space and a cluster of
//! a thousand rows costs what its rows cost.
//!
//! An eigenvalue of `B` that is zero (a cluster that alone decides a coefficient) contributes
//! nothing, as in clubSandwich.
//!
//! Bell & McCaffrey (2002), *Survey Methodology* 28(2); Pustejovsky & Tipton (2018),
//! <https://doi.org/10.1080/07350015.2016.1247004>.

use utfall_stats::sums::sum_of;

use crate::standard_error::{row_scales, square};
use crate::{Contrast, EffectError, Grouping, StandardError, WeightedRegression};
use crate::{jackknife, symmetric};

/// Eigenvalues below this are zero.
const LEAST_EIGENVALUE: f64 = 1e-12;
/// Share of a vector's length that must be left for it to open a new direction.
const LEAST_DIRECTION: f64 = 1e-12;

/// What a cluster's rows are multiplied by before they are added up.
pub(crate) struct Pull {
    pub(crate) rows: Vec<usize>,
    pub(crate) per_row: Vec<f64>,
}

/// The CR2 variance of the contrast.
pub(crate) fn variance(fit: &WeightedRegression<'_>, contrast: &Contrast, way: &Grouping) -> f64 {
    let scores = scores(fit, contrast, way);
    sum_of(scores.len(), |group| square(scores[group]))
}

/// What each cluster contributes to the contrast, its residuals adjusted.
pub(crate) fn scores(
    fit: &WeightedRegression<'_>,
    contrast: &Contrast,
    way: &Grouping,
) -> Vec<f64> {
    adjusted_pulls(fit, contrast, way)
        .iter()
        .map(|pull| {
            pull.rows
                .iter()
                .zip(&pull.per_row)
                .map(|(&row, p)| p * fit.residual()[row])
                .sum()
        })
        .collect()
}

/// Satterthwaite's degrees of freedom: those of the χ² whose mean and variance are the variance
/// estimator's under the working model.
pub(crate) fn satterthwaite(
    kind: StandardError,
    fit: &WeightedRegression<'_>,
    contrast: &Contrast,
    way: Option<&Grouping>,
) -> Result<f64, EffectError> {
    let pulls = match way {
        Some(way) if kind == StandardError::Cr2 => adjusted_pulls(fit, contrast, way),
        Some(way) if kind == StandardError::Cr3 => jackknife::pulls(fit, contrast, way)?,
        Some(way) => plain_pulls(&vec![1.0; fit.n_rows()], fit, contrast, way.members()),
        None => {
            let rows = (0..fit.n_rows()).map(|row| vec![row]).collect();
            plain_pulls(&row_scales(kind, fit)?, fit, contrast, rows)
        }
    };
    Ok(degrees(fit, &pulls))
}

pub(crate) fn plain_pulls(
    scale: &[f64],
    fit: &WeightedRegression<'_>,
    contrast: &Contrast,
    groups: Vec<Vec<usize>>,
) -> Vec<Pull> {
    let pull = |rows: Vec<usize>| {
        let per_row = rows
            .iter()
            .map(|&row| scale[row] * fit.weight()[row] * contrast.reach[row])
            .collect();
        Pull { rows, per_row }
    };
    groups.into_iter().map(pull).collect()
}

/// Pulls times `B^(-1/2)` of each cluster.
fn adjusted_pulls(fit: &WeightedRegression<'_>, contrast: &Contrast, way: &Grouping) -> Vec<Pull> {
    let middle = middle(fit);
    let mut pulls = plain_pulls(&vec![1.0; fit.n_rows()], fit, contrast, way.members());
    for pull in &mut pulls {
        let columns = low_rank(fit, &pull.rows);
        let basis = basis(&columns);
        let adjustment = adjustment(&basis, &columns, &middle);
        let within: Vec<f64> = basis
            .iter()
            .map(|direction| dot(direction, &pull.per_row))
            .collect();
        for (j, direction) in basis.iter().enumerate() {
            let along = dot(&adjustment[j], &within);
            for (value, d) in pull.per_row.iter_mut().zip(direction) {
                *value += along * d;
            }
        }
    }
    pulls
}

/// `[Q, W Q]` of some rows, as `2K` columns.
pub(crate) fn low_rank(fit: &WeightedRegression<'_>, rows: &[usize]) -> Vec<Vec<f64>> {
    let n_columns = fit.n_columns();
    let mut columns = vec![Vec::with_capacity(rows.len()); 2 * n_columns];
    for &row in rows {
        for (k, value) in fit.orthonormal(row).enumerate() {
            columns[k].push(value);
            columns[n_columns + k].push(fit.weight()[row] * value);
        }
    }
    columns
}

/// `S` with `B = I + [Q, WQ] S [Q, WQ]′`: `Q′W²Q` and minus identities beside it.
fn middle(fit: &WeightedRegression<'_>) -> Vec<Vec<f64>> {
    let n_columns = fit.n_columns();
    let product = |j: usize, k: usize| {
        sum_of(fit.n_rows(), |row| {
            let at = |column: usize| fit.orthonormal(row).nth(column).unwrap_or(0.0);
            square(fit.weight()[row]) * at(j) * at(k)
        })
    };
    let mut middle = vec![vec![0.0; 2 * n_columns]; 2 * n_columns];
    for (j, line) in middle.iter_mut().enumerate() {
        if j < n_columns {
            line[..n_columns]
                .iter_mut()
                .enumerate()
                .for_each(|(k, value)| *value = product(j, k));
            line[n_columns + j] = -1.0;
        } else {
            line[j - n_columns] = -1.0;
        }
    }
    middle
}

/// Orthonormal directions that span the columns.
fn basis(columns: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let mut basis: Vec<Vec<f64>> = Vec::new();
    for column in columns {
        let mut left = column.clone();
        for _pass in 0..2 {
            for direction in &basis {
                let share = dot(direction, &left);
                for (value, d) in left.iter_mut().zip(direction) {
                    *value -= share * d;
                }
            }
        }
        let length = dot(&left, &left).sqrt();
        if length > LEAST_DIRECTION * dot(column, column).sqrt() {
            basis.push(left.into_iter().map(|value| value / length).collect());
        }
    }
    basis
}

/// `B^(-1/2) - I` in the coordinates of the basis.
fn adjustment(basis: &[Vec<f64>], columns: &[Vec<f64>], middle: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let coordinates: Vec<Vec<f64>> = basis
        .iter()
        .map(|direction| {
            columns
                .iter()
                .map(|column| dot(direction, column))
                .collect()
        })
        .collect();
    let identity = |i: usize, j: usize| f64::from(u8::from(i == j));
    let block: Vec<Vec<f64>> = (0..basis.len())
        .map(|i| {
            (0..basis.len())
                .map(|j| identity(i, j) + quadratic(&coordinates[i], middle, &coordinates[j]))
                .collect()
        })
        .collect();
    let mut root = symmetric::apply(&block, |value| {
        if value > LEAST_EIGENVALUE {
            1.0 / value.sqrt()
        } else {
            0.0
        }
    });
    for (i, row) in root.iter_mut().enumerate() {
        row[i] -= 1.0;
    }
    root
}

/// `(tr P)² / tr P²` with `P` the covariance of the clusters' scores under the working model.
fn degrees(fit: &WeightedRegression<'_>, pulls: &[Pull]) -> f64 {
    let middle = middle(fit);
    let n = middle.len();
    let mut own = Vec::with_capacity(pulls.len());
    let mut through = Vec::with_capacity(pulls.len());
    let mut outer = vec![vec![0.0; n]; n];
    for pull in pulls {
        let z: Vec<f64> = low_rank(fit, &pull.rows)
            .iter()
            .map(|column| dot(column, &pull.per_row))
            .collect();
        own.push(dot(&pull.per_row, &pull.per_row));
        through.push(quadratic(&z, &middle, &z));
        for i in 0..n {
            for j in 0..n {
                outer[i][j] += z[i] * z[j];
            }
        }
    }
    let trace = sum_of(own.len(), |g| own[g] + through[g]);
    let diagonal = sum_of(own.len(), |g| square(own[g]) + 2.0 * own[g] * through[g]);
    let product = multiply(&middle, &outer);
    let crossed: f64 = (0..n)
        .flat_map(|i| (0..n).map(move |j| (i, j)))
        .map(|(i, j)| product[i][j] * product[j][i])
        .sum();
    square(trace) / (diagonal + crossed)
}

fn multiply(a: &[Vec<f64>], b: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let n = a.len();
    (0..n)
        .map(|i| {
            (0..n)
                .map(|j| (0..n).map(|k| a[i][k] * b[k][j]).sum())
                .collect()
        })
        .collect()
}

fn quadratic(left: &[f64], matrix: &[Vec<f64>], right: &[f64]) -> f64 {
    left.iter()
        .zip(matrix)
        .map(|(l, row)| l * dot(row, right))
        .sum()
}

pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}
