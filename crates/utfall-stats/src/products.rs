//! Columns taken off a vector, and the products of what is left with the columns, in one reading.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use crate::gram::{CHUNK, TILE};
use crate::tile::{add_columns, in_four};
use crate::widest;

/// Takes a share of each column off a vector, and gives the weighted products of the columns with what
/// is left.
///
/// `columns`, `weights` where there are any, and `left` have a value for each row; `shares` and the
/// result one for each column. Sums run in an order that depends on the shape alone.
#[must_use]
pub fn take_columns(
    columns: &[&[f64]],
    shares: &[f64],
    left: &mut [f64],
    weights: Option<&[f64]>,
) -> Vec<f64> {
    let less: Vec<f64> = shares.iter().map(|share| -share).collect();
    let chunks: Vec<Vec<f64>> = left
        .par_chunks_mut(CHUNK)
        .enumerate()
        .map(|(chunk, left)| {
            widest(Rows {
                columns,
                less: &less,
                start: chunk * CHUNK,
                left,
                weights,
            })
        })
        .collect();
    let mut products = vec![0.0; columns.len()];
    for chunk in &chunks {
        for (total, product) in products.iter_mut().zip(chunk) {
            *total += product;
        }
    }
    products
}

/// The rows of a chunk.
struct Rows<'a> {
    columns: &'a [&'a [f64]],
    less: &'a [f64],
    start: usize,
    left: &'a mut [f64],
    weights: Option<&'a [f64]>,
}

impl WithSimd for Rows<'_> {
    type Output = Vec<f64>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Vec<f64> {
        let mut products = vec![0.0; self.columns.len()];
        for (tile, left) in self.left.chunks_mut(TILE).enumerate() {
            let start = self.start + tile * TILE;
            let rows = start..start + left.len();
            add_columns(left, self.columns, self.less, rows.clone());
            let mut weighted = [0.0; TILE];
            let weighted = &mut weighted[..left.len()];
            weighted.copy_from_slice(left);
            if let Some(weights) = self.weights {
                for (value, weight) in weighted.iter_mut().zip(&weights[rows.clone()]) {
                    *value *= weight;
                }
            }
            for (total, column) in products.iter_mut().zip(self.columns) {
                *total += in_four(&column[rows.clone()], weighted);
            }
        }
        products
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_taken_off_and_multiplied_exactly() {
        for n_rows in [3_u32, 128, 8_200] {
            let column = |k: u32| (0..n_rows).map(move |i| f64::from((i * 7 + k * 13) % 31) - 15.0);
            let columns: Vec<Vec<f64>> = (0..6).map(|k| column(k).collect()).collect();
            let slices: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
            let weights: Vec<f64> = (0..n_rows).map(|i| f64::from(i % 3)).collect();
            let shares = [1.0, -2.0, 0.0, 3.0, 2.0, -1.0];
            let mut left = column(9).collect::<Vec<_>>();
            let products = take_columns(&slices, &shares, &mut left, Some(&weights));
            for (i, (left, start)) in left.iter().zip(column(9)).enumerate() {
                let taken: f64 = (0..6).map(|k| shares[k] * columns[k][i]).sum();
                assert!((left - (start - taken)).abs() <= 0.0);
            }
            for (product, column) in products.iter().zip(&columns) {
                let rows = column.iter().zip(&left).zip(&weights);
                let expected: f64 = rows.map(|((x, left), weight)| x * left * weight).sum();
                assert!((product - expected).abs() <= 0.0, "{n_rows} rows");
            }
        }
    }
}
