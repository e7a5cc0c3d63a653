//! Cross products `XᵀWX`, in an order that depends on the shape alone.
//!
//! Rows are cut into chunks that threads take, and chunks into tiles small enough for the nearest
//! cache. Within a tile the columns are multiplied three by three, so that each value loaded
//! serves three products; chunk totals are added in order. The running totals are written out, so
//! that every machine adds in the same order, in registers of whatever width.

use std::ops::Range;

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use crate::{Matrix, widest};

/// Rows in one tile.
pub(crate) const TILE: usize = 128;
/// Rows in one chunk, a whole number of tiles.
pub(crate) const CHUNK: usize = 64 * TILE;
/// Columns multiplied at a time.
const GROUP: usize = 3;

/// One column of a tile.
pub(crate) type Strip = [f64; TILE];

/// Running totals of all products of two columns.
#[derive(Debug, Clone)]
pub(crate) struct Products {
    n_columns: usize,
    /// One block of `GROUP × GROUP` for each pair of groups, the second at or after the first.
    blocks: Vec<[[f64; GROUP]; GROUP]>,
}

/// `XᵀWX`, with weights at or above zero, or `XᵀX` without weights.
///
/// `weights` has one value for each row. Rows that hold NaN make the products of their columns NaN.
#[must_use]
pub fn cross_product(x: &Matrix, weights: Option<&[f64]>) -> Matrix {
    let columns: Vec<&[f64]> = x.columns().collect();
    cross_product_of(&columns, weights)
}

/// [`cross_product`] of columns that lie apart, all of one length.
#[must_use]
pub fn cross_product_of(columns: &[&[f64]], weights: Option<&[f64]>) -> Matrix {
    let n_rows = columns.first().map_or(0, |column| column.len());
    let chunk = |c: usize| chunk_products(columns, weights, c * CHUNK..n_rows.min((c + 1) * CHUNK));
    let chunks: Vec<Products> = (0..n_rows.div_ceil(CHUNK))
        .into_par_iter()
        .map(chunk)
        .collect();
    let mut total = Products::new(columns.len());
    chunks.iter().for_each(|chunk| total.add(chunk));
    total.matrix()
}

fn chunk_products(columns: &[&[f64]], weights: Option<&[f64]>, rows: Range<usize>) -> Products {
    let mut products = Products::new(columns.len());
    let mut strips = products.strips();
    for start in rows.clone().step_by(TILE) {
        let tile = start..rows.end.min(start + TILE);
        let whole = tile.len() == TILE;
        if let (None, true) = (weights, whole) {
            products.add_columns(columns, start);
            continue;
        }
        let mut roots = [1.0; TILE];
        if let Some(weights) = weights {
            for (root, weight) in roots.iter_mut().zip(&weights[tile.clone()]) {
                *root = weight.sqrt();
            }
        }
        for (strip, column) in strips.iter_mut().zip(columns) {
            let cells = column[tile.clone()].iter().zip(&roots);
            for (value, (cell, root)) in strip.iter_mut().zip(cells) {
                *value = cell * root;
            }
            strip[tile.len()..].fill(0.0);
        }
        products.add_tile(&strips);
    }
    products
}

impl Products {
    /// No rows yet.
    pub(crate) fn new(n_columns: usize) -> Self {
        let n_groups = n_columns.div_ceil(GROUP);
        Self {
            n_columns,
            blocks: vec![[[0.0; GROUP]; GROUP]; n_groups * (n_groups + 1) / 2],
        }
    }

    /// Strips for one tile: one for each column, and zeros up to a whole number of groups.
    pub(crate) fn strips(&self) -> Vec<Strip> {
        vec![[0.0; TILE]; self.n_columns.next_multiple_of(GROUP)]
    }

    /// Adds the products of one tile. Rows beyond the data hold zeros.
    pub(crate) fn add_tile(&mut self, strips: &[Strip]) {
        let strips: Vec<&Strip> = strips.iter().collect();
        self.add_strips(&strips);
    }

    /// Adds the products of a whole tile of rows where they lie.
    fn add_columns(&mut self, columns: &[&[f64]], start: usize) {
        let lying = columns
            .iter()
            .filter_map(|cells| cells[start..].first_chunk());
        let mut strips: Vec<&Strip> = lying.collect();
        strips.resize(strips.len().next_multiple_of(GROUP), &[0.0; TILE]);
        self.add_strips(&strips);
    }

    fn add_strips(&mut self, strips: &[&Strip]) {
        let (groups, _) = strips.as_chunks();
        let blocks = &mut self.blocks;
        widest(Tile { groups, blocks });
    }

    /// Adds the products of further rows.
    pub(crate) fn add(&mut self, more: &Self) {
        for (block, more) in self.blocks.iter_mut().zip(&more.blocks) {
            for (cell, value) in block.as_flattened_mut().iter_mut().zip(more.as_flattened()) {
                *cell += value;
            }
        }
    }

    /// The symmetric matrix of products.
    pub(crate) fn matrix(&self) -> Matrix {
        let n = self.n_columns;
        let n_groups = n.div_ceil(GROUP);
        let mut matrix = Matrix::zeros(n, n);
        let pairs =
            (0..n_groups).flat_map(|first| (first..n_groups).map(move |second| (first, second)));
        for ((first, second), block) in pairs.zip(&self.blocks) {
            for (a, row) in block.iter().enumerate() {
                for (b, &value) in row.iter().enumerate() {
                    let (i, j) = (first * GROUP + a, second * GROUP + b);
                    if i <= j && j < n {
                        matrix.set(i, j, value);
                        matrix.set(j, i, value);
                    }
                }
            }
        }
        matrix
    }
}

/// The columns of a tile by threes, and the products to which theirs are added.
struct Tile<'a> {
    groups: &'a [[&'a Strip; GROUP]],
    blocks: &'a mut [[[f64; GROUP]; GROUP]],
}

impl WithSimd for Tile<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let mut blocks = self.blocks.iter_mut();
        for (first, left) in self.groups.iter().enumerate() {
            for right in &self.groups[first..] {
                if let Some(block) = blocks.next() {
                    add_block(simd, left, right, block);
                }
            }
        }
    }
}

/// Adds the nine products of three columns with three.
#[inline(always)]
fn add_block<S: Simd>(
    simd: S,
    left: &[&Strip; GROUP],
    right: &[&Strip; GROUP],
    block: &mut [[f64; GROUP]; GROUP],
) {
    let left = left.map(|strip| S::as_simd_f64s(strip).0);
    let right = right.map(|strip| S::as_simd_f64s(strip).0);
    let mut totals = [[simd.splat_f64s(0.0); GROUP]; GROUP];
    for i in 0..left[0].len() {
        for a in 0..GROUP {
            for b in 0..GROUP {
                let product = simd.mul_f64s(left[a][i], right[b][i]);
                totals[a][b] = simd.add_f64s(totals[a][b], product);
            }
        }
    }
    for (cells, sums) in block.iter_mut().zip(totals) {
        for (cell, lanes) in cells.iter_mut().zip(sums) {
            let [a, b, c, d]: [f64; 4] = pulp::cast(lanes);
            *cell += (a + b) + (c + d);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example(n_rows: u32, n_columns: u32) -> Matrix {
        let column = |j| {
            (0..n_rows)
                .map(|i| f64::from((i * 7 + j * 13 + i * j) % 31) - 15.0)
                .collect()
        };
        Matrix::from_columns((0..n_columns).map(column).collect()).unwrap()
    }

    #[test]
    fn whole_numbers_multiply_exactly_at_every_shape() {
        for (n_rows, n_columns) in [(1, 1), (5, 2), (127, 3), (129, 4), (8193, 7)] {
            let x = example(n_rows, n_columns);
            let products = cross_product(&x, None);
            for i in 0..x.n_columns() {
                for j in 0..x.n_columns() {
                    let expected: f64 = x
                        .column(i)
                        .iter()
                        .zip(x.column(j))
                        .map(|(a, b)| a * b)
                        .sum();
                    assert!(
                        (products.get(i, j) - expected).abs() == 0.0,
                        "{n_rows} × {n_columns}: {i}, {j}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_weight_of_four_is_a_row_four_times() {
        let x = example(300, 3);
        let weighted = cross_product(&x, Some(&[4.0; 300]));
        let plain = cross_product(&x, None);
        assert!((weighted.get(0, 2) - 4.0 * plain.get(0, 2)).abs() == 0.0);
    }

    #[test]
    fn threads_change_no_bit() {
        let mut x = example(40_000, 4);
        x.column_mut(1).iter_mut().for_each(|value| *value *= 0.1);
        let with = |n| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(n)
                .build()
                .unwrap();
            pool.install(|| cross_product(&x, None))
        };
        assert_eq!(with(1), with(3));
    }
}
