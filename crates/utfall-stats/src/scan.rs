//! One pass over the rows of a sum `Σᵢ fᵢ(xᵢ·θ)`: its value, its slopes and, where asked for, its
//! curvature, while each tile of rows is in the nearest cache.
//!
//! Rows are cut into chunks whose totals are added in order, so the number of threads changes no bit.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use crate::gram::{CHUNK, Products, TILE};
use crate::tile::{add_columns, in_four};
use crate::{Matrix, sums, widest};

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
            widest(Tiles {
                chunk: &mut chunk,
                columns: &columns,
                coefficients,
                start: at * CHUNK,
                predictor,
                term: &term,
            });
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
}

/// The rows of a chunk, tile by tile.
struct Tiles<'a, T> {
    chunk: &'a mut Chunk,
    columns: &'a [&'a [f64]],
    coefficients: &'a [f64],
    start: usize,
    predictor: &'a mut [f64],
    term: &'a T,
}

impl<T: Fn(usize, f64) -> Term> WithSimd for Tiles<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self {
            chunk,
            columns,
            coefficients,
            start,
            predictor,
            term,
        } = self;
        let mut strips = chunk
            .products
            .as_ref()
            .map(Products::strips)
            .unwrap_or_default();
        for (tile, predictor) in predictor.chunks_mut(TILE).enumerate() {
            let rows = start + tile * TILE..start + tile * TILE + predictor.len();
            let mut at = [0.0; TILE];
            add_columns(&mut at, columns, coefficients, rows.clone());
            let (mut slope, mut curvature) = ([0.0; TILE], [0.0; TILE]);
            for (i, known) in predictor.iter_mut().enumerate() {
                chunk.largest_move = chunk.largest_move.max((at[i] - *known).abs());
                *known = at[i];
                let term = term(rows.start + i, at[i]);
                chunk.value += term.value;
                slope[i] = term.slope;
                curvature[i] = term.curvature;
            }
            for (sum, column) in chunk.gradient.iter_mut().zip(columns) {
                *sum += in_four(&column[rows.clone()], &slope[..rows.len()]);
            }
            if let Some(products) = &mut chunk.products {
                let roots = curvature.map(f64::sqrt);
                for (strip, column) in strips.iter_mut().zip(columns) {
                    let cells = column[rows.clone()].iter().zip(&roots);
                    for (value, (cell, root)) in strip.iter_mut().zip(cells) {
                        *value = cell * root;
                    }
                    strip[rows.len()..].fill(0.0);
                }
                products.add_tile(&strips);
            }
        }
    }
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
