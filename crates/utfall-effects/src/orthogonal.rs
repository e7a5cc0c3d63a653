//! Columns made orthogonal in a weighted inner product, without square roots.
//!
//! Few rows, or columns that nearly depend on each other, are done by modified Gram–Schmidt, twice:
//! nothing is squared that need not be, so a column in kronor and one in millions give the same
//! answer. Many rows of well-separated columns are done from their cross products, blocks of rows at
//! a time, and are not even written out; where a column has little of its own, they are written, and
//! made orthogonal once more the same way.
//!
//! Björck (1967), *BIT* 7(1), <https://doi.org/10.1007/BF01934122>; Yamamoto, Nakatsukasa, Yanagisawa
//! & Fukaya (2015) on doing it twice, <https://doi.org/10.1553/etna_vol44s306>.

use std::borrow::Cow;
use std::sync::OnceLock;

use rayon::prelude::*;
use utfall_stats::sums::weighted_dot;
use utfall_stats::{Matrix, Simd, WithSimd, cross_product_of, take_columns, widest};

use crate::regression::{check_finite, differing};
use crate::{EffectError, Grouping};

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
/// Share of the square of what is left below which more to take out is rounding.
const ROUNDING: f64 = 1e-28;
/// Columns whose sums over groups lie together.
const TOGETHER: usize = 4;

/// Columns made orthogonal one after another.
///
/// Of many rows of columns far apart only the triangle is computed: what is asked of the orthogonal
/// columns is answered by the columns themselves, and they are written out when each row is asked for.
#[derive(Debug, Clone)]
pub(crate) struct Dense<'a> {
    /// The columns as given, where they stand for the orthogonal ones.
    columns: Vec<Cow<'a, [f64]>>,
    written: OnceLock<Vec<Vec<f64>>>,
    /// Weighted squares of the orthogonal columns.
    pub(crate) squares: Vec<f64>,
    /// Unit upper: column `k` of the design is `Σⱼ orthogonalⱼ · triangle[j][k]`.
    pub(crate) triangle: Vec<Vec<f64>>,
}

/// A vector taken apart by orthogonal columns.
pub(crate) struct TakenApart<'a> {
    pub(crate) columns: Dense<'a>,
    /// Shares of the orthogonal columns in the vector.
    pub(crate) shares: Vec<f64>,
    /// What is left of the vector without them.
    pub(crate) left: Vec<f64>,
    /// Weighted squares of what is left and of the vector.
    pub(crate) of_left: f64,
    pub(crate) of_vector: f64,
}

/// Columns and a vector.
type Given<'a, 'v> = (Vec<Cow<'a, [f64]>>, Cow<'v, [f64]>);

/// Columns that are not taken over.
pub(crate) fn borrowed<'a>(columns: &[&'a [f64]]) -> Vec<Cow<'a, [f64]>> {
    columns.iter().map(|&column| column.into()).collect()
}

impl<'a> Dense<'a> {
    /// Makes columns of the length of the weights orthogonal, and takes a vector apart by them.
    ///
    /// [`EffectError::LengthMismatch`], [`EffectError::NotFinite`], [`EffectError::RankDeficient`]
    /// and [`EffectError::OutOfRange`] name the first column at fault.
    pub(crate) fn take_apart(
        mut columns: Vec<Cow<'a, [f64]>>,
        weight: &[f64],
        mut vector: Cow<'_, [f64]>,
    ) -> Result<TakenApart<'a>, EffectError> {
        let fits = columns.iter().all(|column| column.len() == weight.len());
        // Products of values that are not finite are not either, and none is used.
        if fits && weight.len() >= MANY_ROWS {
            match Self::by_products(columns, weight, vector) {
                Ok(apart) => return Ok(apart),
                Err(given) => (columns, vector) = given,
            }
        }
        for column in &columns {
            check_finite("covariate", column, weight.len())?;
        }
        let columns = Self::one_by_one(&columns, weight)?;
        let (shares, left) = taken_out(columns.orthogonal(), &columns.squares, &vector, weight);
        Ok(TakenApart {
            columns,
            shares,
            of_left: inner(weight, &left, &left),
            left,
            of_vector: inner(weight, &vector, &vector),
        })
    }

    /// By modified Gram–Schmidt.
    fn one_by_one(columns: &[Cow<'_, [f64]>], weight: &[f64]) -> Result<Self, EffectError> {
        let mut orthogonal = Vec::with_capacity(columns.len());
        let mut dense = Self {
            columns: Vec::new(),
            written: OnceLock::new(),
            squares: Vec::with_capacity(columns.len()),
            triangle: vec![vec![0.0; columns.len()]; columns.len()],
        };
        for (k, column) in columns.iter().enumerate() {
            let left = dense.add_column(k, column, weight, &orthogonal)?;
            orthogonal.push(left);
        }
        dense.written = OnceLock::from(orthogonal);
        Ok(dense)
    }

    /// By cross products; gives everything back if they do not tell the columns apart well enough.
    fn by_products<'v>(
        columns: Vec<Cow<'a, [f64]>>,
        weight: &[f64],
        vector: Cow<'v, [f64]>,
    ) -> Result<TakenApart<'a>, Given<'a, 'v>> {
        let n = columns.len();
        let weights = differing(weight);
        let mut slices: Vec<&[f64]> = columns.iter().map(AsRef::as_ref).collect();
        slices.push(&vector);
        let products = cross_product_of(&slices, weights);
        let inners: Vec<f64> = (0..=n).map(|k| products.get(k, n)).collect();
        match unit_triangle(&products, n) {
            Some(first) if first.least >= FAR_APART => {
                let dense = Self {
                    columns,
                    written: OnceLock::new(),
                    squares: first.diagonal,
                    triangle: first.triangle,
                };
                Ok(dense.apart(&inners, vector, weight, weights))
            }
            Some(first) => {
                let apart = Self::twice(&columns, &first, weight, weights, &vector, inners[n]);
                apart.ok_or((columns, vector))
            }
            None => Err((columns, vector)),
        }
    }

    /// By cross products of what the first of them left of the columns.
    fn twice(
        columns: &[Cow<'a, [f64]>],
        first: &Factored,
        weight: &[f64],
        weights: Option<&[f64]>,
        vector: &[f64],
        of_vector: f64,
    ) -> Option<TakenApart<'a>> {
        let n = columns.len();
        let once = solved(columns, &first.triangle);
        let slices: Vec<&[f64]> = once.iter().map(Vec::as_slice).collect();
        let second = unit_triangle(&cross_product_of(&slices, weights), n)?;
        let orthogonal = solved(&slices, &second.triangle);
        let squares: Vec<f64> = orthogonal.iter().map(|z| inner(weight, z, z)).collect();
        let usable = squares
            .iter()
            .all(|square| square.is_finite() && *square > 0.0);
        let (shares, left) = taken_out(&orthogonal, &squares, vector, weight);
        usable.then(|| TakenApart {
            columns: Self {
                columns: Vec::new(),
                written: OnceLock::from(orthogonal),
                squares,
                triangle: product(&second.triangle, &first.triangle),
            },
            shares,
            of_left: inner(weight, &left, &left),
            left,
            of_vector,
        })
    }

    /// Takes a vector apart by columns that are not written out, from its products with the columns as
    /// given and, last, with itself. What products with the rest say is still in it is taken out too,
    /// until that is rounding. `weights` are those that differ from one.
    fn apart(
        self,
        products: &[f64],
        vector: Cow<'_, [f64]>,
        weight: &[f64],
        weights: Option<&[f64]>,
    ) -> TakenApart<'a> {
        let n = self.squares.len();
        let (mut inners, of_vector) = (products[..n].to_vec(), products[n]);
        let mut shares = vec![0.0; n];
        let (mut left, mut of_left) = (vector.into_owned(), of_vector);
        for _pass in 0..2 {
            self.forward(&mut inners);
            let more: Vec<f64> = inners
                .iter()
                .zip(&self.squares)
                .map(|(inner, square)| inner / square)
                .collect();
            if weighed(&more, &self.squares) <= ROUNDING * of_left {
                break;
            }
            let shares_of_columns = self.backward(more.clone());
            let columns: Vec<&[f64]> = self.columns.iter().map(AsRef::as_ref).collect();
            inners = take_columns(&columns, &shares_of_columns, &mut left, weights);
            of_left = inner(weight, &left, &left);
            shares
                .iter_mut()
                .zip(&more)
                .for_each(|(share, more)| *share += more);
        }
        TakenApart {
            columns: self,
            shares,
            left,
            of_left,
            of_vector,
        }
    }

    /// What is left of a column, taken into squares and triangle.
    fn add_column(
        &mut self,
        k: usize,
        column: &[f64],
        weight: &[f64],
        orthogonal: &[Vec<f64>],
    ) -> Result<Vec<f64>, EffectError> {
        let (shares, left) = taken_out(orthogonal, &self.squares, column, weight);
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
        self.squares.push(square);
        Ok(left)
    }

    /// The same without the columns as given.
    pub(crate) fn owned(self) -> Dense<'static> {
        self.orthogonal();
        Dense {
            columns: Vec::new(),
            written: self.written,
            squares: self.squares,
            triangle: self.triangle,
        }
    }

    /// The orthogonal columns, not scaled.
    pub(crate) fn orthogonal(&self) -> &[Vec<f64>] {
        self.written
            .get_or_init(|| solved(&self.columns, &self.triangle))
    }

    /// The orthogonal columns added up with a share of each.
    pub(crate) fn combined(&self, shares: Vec<f64>, n_rows: usize) -> Vec<f64> {
        match self.written.get() {
            Some(orthogonal) => combined(orthogonal, &shares, n_rows),
            None => combined(&self.columns, &self.backward(shares), n_rows),
        }
    }

    /// The sums over groups of rows of each orthogonal column times a value of the row.
    pub(crate) fn scores(&self, values: &[f64], way: &Grouping) -> Vec<Vec<f64>> {
        if let Some(orthogonal) = self.written.get() {
            return group_sums(orthogonal, values, way);
        }
        let mut scores = group_sums(&self.columns, values, way);
        for k in 0..scores.len() {
            let (before, from) = scores.split_at_mut(k);
            for (j, before) in before.iter().enumerate() {
                let share = self.triangle[j][k];
                from[0]
                    .iter_mut()
                    .zip(before)
                    .for_each(|(score, before)| *score -= share * before);
            }
        }
        scores
    }

    /// Products with the columns, and sums of coefficients, become those of the orthogonal ones.
    pub(crate) fn forward(&self, inners: &mut [f64]) {
        for k in 0..inners.len() {
            let before: f64 = (0..k).map(|j| self.triangle[j][k] * inners[j]).sum();
            inners[k] -= before;
        }
    }

    /// Shares of the orthogonal columns become coefficients of the columns.
    pub(crate) fn backward(&self, mut shares: Vec<f64>) -> Vec<f64> {
        for k in (0..shares.len()).rev() {
            let later = shares[k + 1..].iter().zip(&self.triangle[k][k + 1..]);
            shares[k] -= later.map(|(later, share)| later * share).sum::<f64>();
        }
        shares
    }
}

/// Shares of orthogonal columns in a vector, and what is left of it without them.
fn taken_out(
    orthogonal: &[Vec<f64>],
    squares: &[f64],
    vector: &[f64],
    weight: &[f64],
) -> (Vec<f64>, Vec<f64>) {
    let mut left = vector.to_vec();
    let mut shares = vec![0.0; orthogonal.len()];
    for _pass in 0..2 {
        if vector.len() >= MANY_ROWS {
            // Two readings of the columns instead of one for each of them.
            let columns = orthogonal.iter().zip(squares);
            let more: Vec<f64> = columns
                .map(|(z, square)| inner(weight, z, &left) / square)
                .collect();
            let along = combined(orthogonal, &more, vector.len());
            left.iter_mut()
                .zip(&along)
                .for_each(|(value, z)| *value -= z);
            shares
                .iter_mut()
                .zip(&more)
                .for_each(|(share, more)| *share += more);
            continue;
        }
        for (j, column) in orthogonal.iter().enumerate() {
            let share = inner(weight, column, &left) / squares[j];
            shares[j] += share;
            for (value, &along) in left.iter_mut().zip(column) {
                *value -= share * along;
            }
        }
    }
    (shares, left)
}

/// The square of orthogonal columns added up with a share of each.
fn weighed(shares: &[f64], squares: &[f64]) -> f64 {
    let terms = shares.iter().zip(squares);
    terms.map(|(share, square)| share * share * square).sum()
}

/// The sums over groups of rows of each column times a value of the row, in row order.
fn group_sums<C: AsRef<[f64]> + Sync>(
    columns: &[C],
    values: &[f64],
    way: &Grouping,
) -> Vec<Vec<f64>> {
    // A thread takes some of the columns, and rows in stretches that stay at hand for all of them.
    let n_fours = columns.len().div_ceil(TOGETHER);
    let share = TOGETHER * n_fours.div_ceil(rayon::current_num_threads()).max(1);
    let of_some = |columns: &[C]| {
        // A column is repeated where fewer are left.
        let columns: Vec<&[f64]> = columns.iter().map(AsRef::as_ref).collect();
        let fours = columns.chunks(TOGETHER);
        let fours: Vec<_> = fours
            .map(|some| [0, 1, 2, 3].map(|k| some[k % some.len()]))
            .collect();
        let mut sums = vec![vec![[0.0; TOGETHER]; way.n_groups()]; fours.len()];
        let stretches = way.codes().chunks(CHUNK).zip(values.chunks(CHUNK));
        for (stretch, (groups, values)) in stretches.enumerate() {
            let start = stretch * CHUNK;
            for (four, sums) in fours.iter().zip(&mut sums) {
                widest(Stretch {
                    groups,
                    values,
                    four: four.map(|column| &column[start..start + values.len()]),
                    sums,
                });
            }
        }
        let of_column = |k: usize| {
            let sums = sums[k / TOGETHER].iter();
            sums.map(|sums| sums[k % TOGETHER]).collect()
        };
        (0..columns.len()).map(of_column).collect::<Vec<Vec<f64>>>()
    };
    columns.par_chunks(share).flat_map(of_some).collect()
}

/// Some rows of four columns, and the sums of groups to which their products are added.
struct Stretch<'a> {
    groups: &'a [usize],
    values: &'a [f64],
    four: [&'a [f64]; TOGETHER],
    sums: &'a mut [[f64; TOGETHER]],
}

impl WithSimd for Stretch<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let [a, b, c, d] = self.four;
        let rows = self.groups.iter().zip(self.values);
        for (((((&group, &value), a), b), c), d) in rows.zip(a).zip(b).zip(c).zip(d) {
            let cells = [*a, *b, *c, *d];
            let cells = S::as_simd_f64s(&cells).0;
            let sums = S::as_mut_simd_f64s(&mut self.sums[group]).0;
            for (sum, cell) in sums.iter_mut().zip(cells) {
                *sum = simd.add_f64s(*sum, simd.mul_f64s(*cell, simd.splat_f64s(value)));
            }
        }
    }
}

pub(crate) fn inner(weight: &[f64], a: &[f64], b: &[f64]) -> f64 {
    weighted_dot(weight, a, b)
}

/// Columns added up with a share of each.
pub(crate) fn combined<C: AsRef<[f64]> + Sync>(
    columns: &[C],
    shares: &[f64],
    n_rows: usize,
) -> Vec<f64> {
    let mut total = vec![0.0; n_rows];
    total
        .par_chunks_mut(CHUNK)
        .enumerate()
        .for_each(|(chunk, into)| {
            let rows = chunk * CHUNK..chunk * CHUNK + into.len();
            for (column, share) in columns.iter().zip(shares) {
                for (value, z) in into.iter_mut().zip(&column.as_ref()[rows.clone()]) {
                    *value += share * z;
                }
            }
        });
    total
}

/// `G = T′ D T`.
struct Factored {
    /// `T`, unit upper.
    triangle: Vec<Vec<f64>>,
    /// `D`.
    diagonal: Vec<f64>,
    /// The least share of a column that is left after those before it.
    least: f64,
}

/// The factors of the cross products of the first `n` columns; `None` if too little of one is left.
fn unit_triangle(products: &Matrix, n: usize) -> Option<Factored> {
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
    Some(Factored {
        triangle,
        diagonal,
        least,
    })
}

/// `X T⁻¹`: each column less its shares of the columns before it.
fn solved<C: AsRef<[f64]> + Sync>(columns: &[C], triangle: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let n_rows = columns.first().map_or(0, |column| column.as_ref().len());
    let chunks: Vec<Vec<Vec<f64>>> = (0..n_rows.div_ceil(CHUNK))
        .into_par_iter()
        .map(|chunk| {
            let rows = chunk * CHUNK..n_rows.min((chunk + 1) * CHUNK);
            let mut done: Vec<Vec<f64>> = Vec::with_capacity(columns.len());
            for (k, column) in columns.iter().enumerate() {
                let mut left = column.as_ref()[rows.clone()].to_vec();
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
            let plain = Dense::one_by_one(&borrowed(&slices), &weight).unwrap();
            let fast = Dense::take_apart(borrowed(&slices), &weight, slices[1].into())
                .unwrap()
                .columns;
            for k in 0..4 {
                assert!(
                    (fast.squares[k] / plain.squares[k] - 1.0).abs() < 1e-9,
                    "column {k} at {apart}"
                );
                for j in 0..k {
                    let size = (plain.squares[j] * plain.squares[k]).sqrt();
                    let crossed = inner(&weight, &fast.orthogonal()[j], &fast.orthogonal()[k]);
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
        let apart = Dense::take_apart(borrowed(&slices), &vec![1.0; MANY_ROWS], slices[1].into());
        let error = apart.err();
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
            pool.install(|| {
                let apart =
                    Dense::take_apart(borrowed(&slices), &weight, slices[1].into()).unwrap();
                (
                    apart.columns.orthogonal().to_vec(),
                    apart.shares,
                    apart.left,
                )
            })
        };
        assert_eq!(with(1), with(3));
    }
}
