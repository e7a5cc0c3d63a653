//! One pass over the rows of a sum `Σᵢ fᵢ(xᵢ·θ)`: its value, its slopes and, where asked for, its
//! curvature, while each tile of rows is in the nearest cache.
//!
//! Rows are cut into chunks whose totals are added in order, so the number of threads changes no bit.

use rayon::prelude::*;

use crate::gram::{CHUNK, Products, TILE};
use crate::{Matrix, sums};

/// What a row adds at its predictor: a value and its first two derivatives.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Term {
    /// `f`.
    pub value: f64,
    /// `f′`.
    pub slope: f64,
    /// `f″`, zero or more.
    pub curvature: f64,
}

/// What a pass adds up.
#[derive(Debug, Clone, PartialEq)]
pub struct Scan {
    /// `Σ f`.
    pub value: f64,
    /// `Σ f′ x`.
    pub gradient: Vec<f64>,
    /// `Σ f″ xx′`, where asked for.
    pub curvature: Option<Matrix>,
    /// Largest change of a row's predictor since it was written before.
    pub largest_move: f64,
}

/// Passes over the rows at some coefficients and writes each row's predictor.
///
/// `x` has a column for each coefficient, and `predictor` a value for each row. `term` gives what a row
/// adds at its predictor; it is called once for each row and must not depend on the order.
#[must_use]
pub fn scan(
    x: &Matrix,
    coefficients: &[f64],
    predictor: &mut [f64],
    with_curvature: bool,
    term: impl Fn(usize, f64) -> Term + Sync,
) -> Scan {
    let columns: Vec<&[f64]> = x.columns().collect();
    let chunks: Vec<Chunk> = predictor
        .par_chunks_mut(CHUNK)
        .enumerate()
        .map(|(at, predictor)| {
            let mut chunk = Chunk::new(columns.len(), with_curvature);
            for (tile, predictor) in predictor.chunks_mut(TILE).enumerate() {
                let start = at * CHUNK + tile * TILE;
                chunk.add_tile(&columns, coefficients, start, predictor, &term);
            }
            chunk
        })
        .collect();
    let values: Vec<f64> = chunks.iter().map(|chunk| chunk.value).collect();
    let mut total = Chunk::new(columns.len(), with_curvature);
    for chunk in &chunks {
        total
            .gradient
            .iter_mut()
            .zip(&chunk.gradient)
            .for_each(|(sum, more)| *sum += more);
        total.largest_move = total.largest_move.max(chunk.largest_move);
        if let (Some(sum), Some(more)) = (&mut total.products, &chunk.products) {
            sum.add(more);
        }
    }
    Scan {
        value: sums::sum(&values),
        gradient: total.gradient,
        curvature: total.products.as_ref().map(Products::matrix),
        largest_move: total.largest_move,
    }
}

/// What the rows of a chunk add up to.
struct Chunk {
    value: f64,
    gradient: Vec<f64>,
    products: Option<Products>,
    largest_move: f64,
}

impl Chunk {
    fn new(n_columns: usize, with_curvature: bool) -> Self {
        Self {
            value: 0.0,
            gradient: vec![0.0; n_columns],
            products: with_curvature.then(|| Products::new(n_columns)),
            largest_move: 0.0,
        }
    }

    fn add_tile(
        &mut self,
        columns: &[&[f64]],
        coefficients: &[f64],
        start: usize,
        predictor: &mut [f64],
        term: &impl Fn(usize, f64) -> Term,
    ) {
        let n = predictor.len();
        let mut at = [0.0; TILE];
        for (column, coefficient) in columns.iter().zip(coefficients) {
            for (sum, cell) in at.iter_mut().zip(&column[start..start + n]) {
                *sum += coefficient * cell;
            }
        }
        let (mut slope, mut root) = ([0.0; TILE], [0.0; TILE]);
        for (i, known) in predictor.iter_mut().enumerate() {
            self.largest_move = self.largest_move.max((at[i] - *known).abs());
            *known = at[i];
            let term = term(start + i, at[i]);
            self.value += term.value;
            slope[i] = term.slope;
            root[i] = term.curvature.sqrt();
        }
        for (sum, column) in self.gradient.iter_mut().zip(columns) {
            *sum += in_four(&column[start..start + n], &slope[..n]);
        }
        if let Some(products) = &mut self.products {
            let mut strips = products.strips();
            for (strip, column) in strips.iter_mut().zip(columns) {
                let cells = column[start..start + n].iter().zip(&root);
                for (value, (cell, root)) in strip.iter_mut().zip(cells) {
                    *value = cell * root;
                }
            }
            products.add_tile(&strips);
        }
    }
}

/// The inner product with four running totals.
fn in_four(a: &[f64], b: &[f64]) -> f64 {
    let (fours_a, rest_a) = a.as_chunks::<4>();
    let (fours_b, rest_b) = b.as_chunks::<4>();
    let mut totals = [0.0; 4];
    for (a, b) in fours_a.iter().zip(fours_b) {
        for lane in 0..4 {
            totals[lane] += a[lane] * b[lane];
        }
    }
    let rest: f64 = rest_a.iter().zip(rest_b).map(|(a, b)| a * b).sum();
    (totals[0] + totals[1]) + (totals[2] + totals[3]) + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cross_product;

    #[test]
    fn a_pass_adds_up_what_separate_sums_do() {
        let n = 9_001_usize;
        let cell = |i: usize, j: usize| ((i * (3 + j) + j * j) % 17) as f64 - 8.0;
        let columns: Vec<Vec<f64>> = (0..5)
            .map(|j| (0..n).map(|i| cell(i, j)).collect())
            .collect();
        let x = Matrix::from_columns(columns).unwrap();
        let theta = [1.0, -2.0, 0.0, 3.0, 0.5];
        let mut predictor = vec![0.0; n];
        let term = |row: usize, at: f64| Term {
            value: at * at,
            slope: 2.0 * at,
            curvature: 4.0 * f64::from(u8::from(!row.is_multiple_of(3))),
        };
        let found = scan(&x, &theta, &mut predictor, true, term);
        let at = |i: usize| (0..5).map(|j| theta[j] * cell(i, j)).sum::<f64>();
        let value: f64 = (0..n).map(|i| at(i) * at(i)).sum();
        assert!((found.value - value).abs() <= 1e-12 * value);
        for j in 0..5 {
            let slope: f64 = (0..n).map(|i| 2.0 * at(i) * cell(i, j)).sum();
            assert!((found.gradient[j] - slope).abs() <= 1e-9 * slope.abs().max(1.0));
        }
        let weights: Vec<f64> = (0..n).map(|row| term(row, 0.0).curvature).collect();
        assert_eq!(found.curvature, Some(cross_product(&x, Some(&weights))));
        let largest = (0..n).map(|i| at(i).abs()).fold(0.0, f64::max);
        assert!((found.largest_move - largest).abs() <= 0.0);
        let again = scan(&x, &theta, &mut predictor, false, term);
        assert!(again.curvature.is_none() && again.largest_move <= 0.0);
    }
}
