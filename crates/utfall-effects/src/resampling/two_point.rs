//! Sums of many numbers over rows whose multipliers take two values, by tables.
//!
//! Thirty-two rows at a time, the sums of every subset of four rows are written down once; a replicate
//! then looks eight of them up instead of multiplying thirty-two times. Rows are cut into blocks whose
//! sums are added in order, so the number of threads changes no bit.
//!
//! Arlazarov, Dinic, Kronrod & Faradžev (1970), the "method of four Russians".

use rayon::prelude::*;
use utfall_stats::draws::Stream;
use utfall_stats::{Simd, WithSimd, widest};

use super::Multiplier;

/// Rows of a word of bits.
const WORD: usize = 64;
/// Words of a block of rows.
const BLOCK: usize = 64;
/// Replicates whose bits are held at a time.
const BATCH: u32 = 1024;
/// Rows of a table.
const TABLE: usize = 4;
/// Numbers side by side in a register.
const LANES: usize = 4;
/// Tables looked up together.
const TABLES: usize = 8;

/// For each replicate, `Σ mᵢ vᵢ` of each number.
///
/// `values`: one slice of one length for each number. `points`: the values of a multiplier whose bit
/// is 0 and 1. `stream`: that of a replicate.
pub(super) fn replicate_sums(
    values: &[&[f64]],
    multiplier: Multiplier,
    points: [f64; 2],
    n_replicates: u32,
    stream: impl Fn(u32) -> Stream + Sync,
) -> Vec<Vec<f64>> {
    let n_rows = values.first().map_or(0, |first| first.len());
    let n_words = n_rows.div_ceil(WORD);
    let mut sums = Vec::new();
    for first in (0..n_replicates).step_by(BATCH as usize) {
        let bits: Vec<Vec<u64>> = (first..n_replicates.min(first + BATCH))
            .into_par_iter()
            .map(|replicate| {
                let mut stream = stream(replicate);
                let word = |at: usize| multiplier.bits(&mut stream, WORD.min(n_rows - at * WORD));
                (0..n_words).map(word).collect()
            })
            .collect();
        sums.extend(batch(values, points, &bits, n_words));
    }
    sums
}

fn batch(values: &[&[f64]], points: [f64; 2], bits: &[Vec<u64>], n_words: usize) -> Vec<Vec<f64>> {
    let width = padded(values.len());
    let mut total = vec![0.0; bits.len() * width];
    let starts: Vec<usize> = (0..n_words).step_by(BLOCK).collect();
    // As many blocks at a time as keep threads busy; their sums are added in order.
    for some in starts.chunks(32) {
        let parts: Vec<Vec<f64>> = some
            .par_iter()
            .map(|&start| block(values, points, bits, start..n_words.min(start + BLOCK)))
            .collect();
        for part in parts {
            total.iter_mut().zip(part).for_each(|(t, p)| *t += p);
        }
    }
    let replicates = total.chunks(width.max(1));
    replicates
        .map(|sums| sums[..values.len()].to_vec())
        .collect()
}

/// So many numbers fill registers.
fn padded(n_numbers: usize) -> usize {
    n_numbers.next_multiple_of(LANES)
}

/// The sums of every replicate over a block of rows, those of a replicate together.
fn block(
    values: &[&[f64]],
    points: [f64; 2],
    bits: &[Vec<u64>],
    words: std::ops::Range<usize>,
) -> Vec<f64> {
    let width = padded(values.len());
    let mut sums = vec![0.0; bits.len() * width];
    let mut tables = [(); TABLES].map(|()| vec![0.0; width << TABLE]);
    for word in words {
        let mut masks: Vec<u64> = bits.iter().map(|bits| bits[word]).collect();
        for first in (0..WORD).step_by(TABLES * TABLE) {
            for (at, table) in tables.iter_mut().enumerate() {
                fill(table, values, points, word * WORD + first + at * TABLE);
            }
            widest(LookedUp {
                sums: &mut sums,
                tables: &tables,
                masks: &masks,
            });
            masks.iter_mut().for_each(|mask| *mask >>= TABLES * TABLE);
        }
    }
    sums
}

/// The sums of every replicate, to which those of the rows of the tables are added.
struct LookedUp<'a> {
    sums: &'a mut [f64],
    tables: &'a [Vec<f64>; TABLES],
    /// The bits of the rows in each replicate, those of the first row lowest.
    masks: &'a [u64],
}

impl WithSimd for LookedUp<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let width = self.tables[0].len() >> TABLE;
        let add = |a: &S::f64s, b: &S::f64s| simd.add_f64s(*a, *b);
        for (sums, mask) in self.sums.chunks_exact_mut(width).zip(self.masks) {
            let row = |table: usize| {
                let entry = (mask >> (TABLE * table) & 15) as usize;
                S::as_simd_f64s(&self.tables[table][entry * width..(entry + 1) * width]).0
            };
            let four = row(0).iter().zip(row(1)).zip(row(2)).zip(row(3));
            let more = row(4).iter().zip(row(5)).zip(row(6)).zip(row(7));
            let (sums, _) = S::as_mut_simd_f64s(sums);
            for (sum, (four, more)) in sums.iter_mut().zip(four.zip(more)) {
                let (((a, b), c), d) = four;
                let (((e, f), g), h) = more;
                let four = add(&add(a, b), &add(c, d));
                let more = add(&add(e, f), &add(g, h));
                *sum = add(sum, &add(&four, &more));
            }
        }
    }
}

/// The sums of four rows under each pattern of their bits; rows beyond the last count nothing.
fn fill(table: &mut [f64], values: &[&[f64]], points: [f64; 2], first: usize) {
    let width = padded(values.len());
    let value = |values: &[f64], row: usize| values.get(first + row).copied().unwrap_or(0.0);
    for (sum, values) in table.iter_mut().zip(values) {
        let rows = [0, 1, 2, 3].map(|row| value(values, row));
        *sum = points[0] * ((rows[0] + rows[1]) + (rows[2] + rows[3]));
    }
    let mut more = vec![0.0; width];
    for row in 0..TABLE {
        for (more, values) in more.iter_mut().zip(values) {
            *more = (points[1] - points[0]) * value(values, row);
        }
        // Patterns with this bit follow those without it.
        let (without, with) = table.split_at_mut(width << row);
        for (with, without) in with
            .chunks_exact_mut(width)
            .zip(without.chunks_exact(width))
        {
            for ((sum, without), more) in with.iter_mut().zip(without).zip(&more) {
                *sum = without + more;
            }
        }
    }
}
