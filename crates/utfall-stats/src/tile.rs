//! What kernels do with a few rows of many columns, inlined into each of them.

use std::ops::Range;

/// Adds the product of each column with its coefficient to these rows, four columns at a time and one
/// after another. `into` has a cell for each row.
#[inline(always)]
pub(crate) fn add_columns(
    into: &mut [f64],
    columns: &[&[f64]],
    coefficients: &[f64],
    rows: Range<usize>,
) {
    let (fours, rest) = columns.as_chunks::<4>();
    let (of_fours, of_rest) = coefficients.as_chunks::<4>();
    for (four, by) in fours.iter().zip(of_fours) {
        let [a, b, c, d] = four.map(|column| &column[rows.clone()]);
        for ((((sum, a), b), c), d) in into.iter_mut().zip(a).zip(b).zip(c).zip(d) {
            *sum = (((*sum + by[0] * a) + by[1] * b) + by[2] * c) + by[3] * d;
        }
    }
    for (column, coefficient) in rest.iter().zip(of_rest) {
        for (sum, cell) in into.iter_mut().zip(&column[rows.clone()]) {
            *sum += coefficient * cell;
        }
    }
}

/// The inner product with four running totals.
#[inline(always)]
pub(crate) fn in_four(a: &[f64], b: &[f64]) -> f64 {
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
