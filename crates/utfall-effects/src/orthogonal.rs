//! Columns made orthogonal in a weighted inner product, without square roots.
//!
//! Few rows, or columns that nearly depend on each other, are done by modified Gram–Schmidt, twice:
//! nothing is squared that need not be, so a column in kronor and one in millions give the same
//! answer. Many rows of well-separated columns are done from their cross products, blocks of rows at
//! a time, in three readings of the columns; where a column has little of its own, the result is
//! made orthogonal once more the same way.
//!
//! Björck (1967), *BIT* 7(1), <https://doi.org/10.1007/BF01934122>; Yamamoto, Nakatsukasa, Yanagisawa
//! & Fukaya (2015) on doing it twice, <https://doi.org/10.1553/etna_vol44s306>.

use rayon::prelude::*;
use utfall_stats::sums::sum_of;
use utfall_stats::{Matrix, cross_product_of};

use crate::EffectError;

/// Share of a column's square that must be left after the columns before it are taken out.
const LEAST_NEW: f64 = 1e-14;
/// Rows from which cross products are worth their while.
const MANY_ROWS: usize = 1 << 14;
/// Share that must be left for cross products to be exact enough to start from.
const WELL_APART: f64 = 1e-7;
/// Share that must be left for one pass of them to be exact enough to end with.
const FAR_APART: f64 = 1e-3;
/// Rows worked on at a time.
const CHUNK: usize = 1 << 12;

/// Columns made orthogonal one after another.
pub(crate) struct Dense {
    pub(crate) orthogonal: Vec<Vec<f64>>,
    pub(crate) squares: Vec<f64>,
    pub(crate) triangle: Vec<Vec<f64>>,
}

impl Dense {
    pub(crate) fn of(columns: &[&[f64]], weight: &[f64]) -> Result<Self, EffectError> {
        if weight.len() >= MANY_ROWS
            && let Some(dense) = Self::by_products(columns, weight)
        {
            return Ok(dense);
        }
        let mut dense = Self {
            orthogonal: Vec::with_capacity(columns.len()),
            squares: Vec::with_capacity(columns.len()),
            triangle: vec![vec![0.0; columns.len()]; columns.len()],
        };
        for (k, column) in columns.iter().enumerate() {
            dense.add_column(k, column, weight)?;
        }
        Ok(dense)
    }

    /// By cross products; `None` if they do not tell the columns apart well enough.
    fn by_products(columns: &[&[f64]], weight: &[f64]) -> Option<Self> {
        let (mut triangle, left) = unit_triangle(&cross_product_of(columns, Some(weight)))?;
        let mut orthogonal = solved(columns, &triangle);
        if left < FAR_APART {
            let slices: Vec<&[f64]> = orthogonal.iter().map(Vec::as_slice).collect();
            let (again, _) = unit_triangle(&cross_product_of(&slices, Some(weight)))?;
            orthogonal = solved(&slices, &again);
            triangle = product(&again, &triangle);
        }
        let squares: Vec<f64> = orthogonal.iter().map(|z| inner(weight, z, z)).collect();
        let usable = squares
            .iter()
            .all(|square| square.is_finite() && *square > 0.0);
        usable.then_some(Self {
            orthogonal,
            squares,
            triangle,
        })
    }

    fn add_column(&mut self, k: usize, column: &[f64], weight: &[f64]) -> Result<(), EffectError> {
        let (shares, left) = self.taken_out(column, weight);
        let square = inner(weight, &left, &left);
        if !square.is_finite() {
            return Err(EffectError::OutOfRange { what: "covariate" });
        }
        if square <= LEAST_NEW * inner(weight, column, column) {
            return Err(EffectError::RankDeficient { column: k });
        }
        for (j, share) in shares.into_iter().enumerate() {
            self.triangle[j][k] = share;
        }
        self.orthogonal.push(left);
        self.squares.push(square);
        Ok(())
    }

    /// Shares of the orthogonal columns in a vector, and what is left of it without them.
    pub(crate) fn taken_out(&self, vector: &[f64], weight: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let mut left = vector.to_vec();
        let mut shares = vec![0.0; self.orthogonal.len()];
        for _pass in 0..2 {
            if vector.len() >= MANY_ROWS {
                // Two readings of the columns instead of one for each of them.
                let columns = self.orthogonal.iter().zip(&self.squares);
                let more: Vec<f64> = columns
                    .map(|(z, square)| inner(weight, z, &left) / square)
                    .collect();
                let along = combined(&self.orthogonal, &more, vector.len());
                left.iter_mut()
                    .zip(&along)
                    .for_each(|(value, z)| *value -= z);
                shares
                    .iter_mut()
                    .zip(&more)
                    .for_each(|(share, more)| *share += more);
                continue;
            }
            for (j, column) in self.orthogonal.iter().enumerate() {
                let share = inner(weight, column, &left) / self.squares[j];
                shares[j] += share;
                for (value, &along) in left.iter_mut().zip(column) {
                    *value -= share * along;
                }
            }
        }
        (shares, left)
    }
}

pub(crate) fn inner(weight: &[f64], a: &[f64], b: &[f64]) -> f64 {
    sum_of(a.len(), |row| weight[row] * a[row] * b[row])
}

/// Columns added up with a share of each.
pub(crate) fn combined(columns: &[Vec<f64>], shares: &[f64], n_rows: usize) -> Vec<f64> {
    let mut total = vec![0.0; n_rows];
    total
        .par_chunks_mut(CHUNK)
        .enumerate()
        .for_each(|(chunk, into)| {
            let rows = chunk * CHUNK..chunk * CHUNK + into.len();
            for (column, share) in columns.iter().zip(shares) {
                for (value, z) in into.iter_mut().zip(&column[rows.clone()]) {
                    *value += share * z;
                }
            }
        });
    total
}

/// The unit upper triangle `T` of `G = T′ D T`, and the least share of a column that is left after
/// those before it; `None` if that is too little.
fn unit_triangle(products: &Matrix) -> Option<(Vec<Vec<f64>>, f64)> {
    let n = products.n_columns();
    let mut triangle = vec![vec![0.0; n]; n];
    let mut diagonal = vec![0.0; n];
    let mut least = 1.0_f64;
    for k in 0..n {
        let mut column: Vec<f64> = (0..=k).map(|j| products.get(j, k)).collect();
        for j in 0..k {
            let before: f64 = (0..j).map(|i| triangle[i][j] * column[i]).sum();
            column[j] -= before;
        }
        let mut left = column[k];
        for j in 0..k {
            let share = column[j] / diagonal[j];
            left -= share * column[j];
            triangle[j][k] = share;
        }
        diagonal[k] = left;
        let share = left / products.get(k, k);
        if !(share > WELL_APART && share.is_finite()) {
            return None;
        }
        least = least.min(share);
    }
    Some((triangle, least))
}

/// `X T⁻¹`: each column less its shares of the columns before it.
fn solved(columns: &[&[f64]], triangle: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let n_rows = columns.first().map_or(0, |column| column.len());
    let chunks: Vec<Vec<Vec<f64>>> = (0..n_rows.div_ceil(CHUNK))
        .into_par_iter()
        .map(|chunk| {
            let rows = chunk * CHUNK..n_rows.min((chunk + 1) * CHUNK);
            let mut done: Vec<Vec<f64>> = Vec::with_capacity(columns.len());
            for (k, column) in columns.iter().enumerate() {
                let mut left = column[rows.clone()].to_vec();
                for (j, before) in done.iter().enumerate() {
                    let share = triangle[j][k];
                    if share.abs() > 0.0 {
                        left.iter_mut()
                            .zip(before)
                            .for_each(|(value, z)| *value -= share * z);
                    }
                }
                done.push(left);
            }
            done
        })
        .collect();
    (0..columns.len())
        .into_par_iter()
        .map(|k| {
            let mut whole = Vec::with_capacity(n_rows);
            chunks
                .iter()
                .for_each(|chunk| whole.extend_from_slice(&chunk[k]));
            whole
        })
        .collect()
}

/// The product of two unit upper triangles, without their diagonals.
fn product(left: &[Vec<f64>], right: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let n = left.len();
    let mut product = vec![vec![0.0; n]; n];
    for (j, line) in product.iter_mut().enumerate() {
        for (k, value) in line.iter_mut().enumerate().skip(j + 1) {
            let between: f64 = (j + 1..k).map(|i| left[j][i] * right[i][k]).sum();
            *value = right[j][k] + between + left[j][k];
        }
    }
    product
}

#[cfg(test)]
mod tests {
    use super::*;
    use utfall_stats::draws::Stream;

    fn columns(n_rows: usize, apart: f64) -> Vec<Vec<f64>> {
        let mut stream = Stream::new(4, "columns", 0);
        let mut draw = || -> Vec<f64> { (0..n_rows).map(|_| stream.normal()).collect() };
        let (first, second, third) = (draw(), draw(), draw());
        let near = first
            .iter()
            .zip(&third)
            .map(|(a, b)| 5.0 + a + apart * b)
            .collect();
        vec![vec![1.0; n_rows], first, second, near]
    }

    #[test]
    fn cross_products_and_gram_schmidt_agree_however_near_columns_are() {
        for apart in [1.0, 1e-3, 1e-6] {
            let columns = columns(MANY_ROWS + 77, apart);
            let slices: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
            let weight: Vec<f64> = (0..columns[0].len())
                .map(|i| 1.0 + 0.1 * f64::from(u8::try_from(i % 7).unwrap()))
                .collect();
            let mut plain = Dense {
                orthogonal: Vec::new(),
                squares: Vec::new(),
                triangle: vec![vec![0.0; 4]; 4],
            };
            for (k, column) in slices.iter().enumerate() {
                plain.add_column(k, column, &weight).unwrap();
            }
            let fast = Dense::of(&slices, &weight).unwrap();
            for k in 0..4 {
                assert!(
                    (fast.squares[k] / plain.squares[k] - 1.0).abs() < 1e-9,
                    "column {k} at {apart}"
                );
                for j in 0..k {
                    let size = (plain.squares[j] * plain.squares[k]).sqrt();
                    let crossed = inner(&weight, &fast.orthogonal[j], &fast.orthogonal[k]);
                    assert!(
                        crossed.abs() < 1e-11 * size,
                        "columns {j} and {k} at {apart}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_column_that_adds_nothing_is_found_among_many_rows_too() {
        let mut columns = columns(MANY_ROWS, 1.0);
        let copy = columns[1].iter().map(|value| 3.0 * value - 2.0).collect();
        columns.push(copy);
        let slices: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
        let error = Dense::of(&slices, &vec![1.0; MANY_ROWS]).err();
        assert_eq!(error, Some(EffectError::RankDeficient { column: 4 }));
    }

    #[test]
    fn threads_change_no_bit() {
        let columns = columns(3 * MANY_ROWS, 1e-2);
        let slices: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
        let weight = vec![1.0; columns[0].len()];
        let with = |n| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(n)
                .build()
                .unwrap();
            pool.install(|| Dense::of(&slices, &weight).unwrap().orthogonal)
        };
        assert_eq!(with(1), with(3));
    }
}
