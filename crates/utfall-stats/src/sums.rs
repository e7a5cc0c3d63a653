//! Sums in one fixed order, whatever the number of threads.
//!
//! Values are cut into blocks of [`BLOCK`]; each block is summed with [`LANES`] running totals, and
//! the block totals are added pairwise. The order depends on the length alone. Rounding error
//! grows with the logarithm of the number of blocks.

use std::ops::Range;

use rayon::prelude::*;

/// Values in one block.
pub const BLOCK: usize = 4096;
/// Running totals within a block.
pub const LANES: usize = 8;
/// Blocks from which threads are worth their start.
const PARALLEL_BLOCKS: usize = 16;

/// The sum of the values.
#[must_use]
pub fn sum(values: &[f64]) -> f64 {
    sum_each(values, |value| value)
}

/// The sum of a term of each value.
///
/// `term` is called once for each value and must not depend on the order of the calls.
#[must_use]
pub fn sum_each(values: &[f64], term: impl Fn(f64) -> f64 + Sync) -> f64 {
    sum_blocks(values.len(), |block| {
        let (eights, rest) = values[block].as_chunks::<LANES>();
        let mut lanes = [0.0; LANES];
        for eight in eights {
            for (total, &value) in lanes.iter_mut().zip(eight) {
                *total += term(value);
            }
        }
        for (total, &value) in lanes.iter_mut().zip(rest) {
            *total += term(value);
        }
        lanes
    })
}

/// The inner product of two slices of one length.
///
/// The longer slice is read only as far as the shorter goes.
#[must_use]
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    sum_blocks(a.len().min(b.len()), |block| {
        let (eights_a, rest_a) = a[block.clone()].as_chunks::<LANES>();
        let (eights_b, rest_b) = b[block].as_chunks::<LANES>();
        let mut lanes = [0.0; LANES];
        for (a, b) in eights_a.iter().zip(eights_b) {
            for (total, (a, b)) in lanes.iter_mut().zip(a.iter().zip(b)) {
                *total += a * b;
            }
        }
        for (total, (a, b)) in lanes.iter_mut().zip(rest_a.iter().zip(rest_b)) {
            *total += a * b;
        }
        lanes
    })
}

/// `Σ wᵢ aᵢ bᵢ` of slices of one length.
#[must_use]
pub fn weighted_dot(weights: &[f64], a: &[f64], b: &[f64]) -> f64 {
    sum_blocks(weights.len(), |block| {
        let (eights_w, rest_w) = weights[block.clone()].as_chunks::<LANES>();
        let (eights_a, rest_a) = a[block.clone()].as_chunks::<LANES>();
        let (eights_b, rest_b) = b[block].as_chunks::<LANES>();
        let mut lanes = [0.0; LANES];
        for ((w, a), b) in eights_w.iter().zip(eights_a).zip(eights_b) {
            for (((total, w), a), b) in lanes.iter_mut().zip(w).zip(a).zip(b) {
                *total += w * a * b;
            }
        }
        for (((total, w), a), b) in lanes.iter_mut().zip(rest_w).zip(rest_a).zip(rest_b) {
            *total += w * a * b;
        }
        lanes
    })
}

/// The sum of `term(i)` for `i` in `0..n`.
///
/// `term` is called once for each index and must not depend on the order of the calls.
#[must_use]
pub fn sum_of(n: usize, term: impl Fn(usize) -> f64 + Sync) -> f64 {
    sum_blocks(n, |block| {
        let mut lanes = [0.0; LANES];
        for start in block.clone().step_by(LANES) {
            for (lane, total) in lanes.iter_mut().enumerate().take(block.end - start) {
                *total += term(start + lane);
            }
        }
        lanes
    })
}

/// The sum of blocks that each come as running totals.
fn sum_blocks(n: usize, lanes: impl Fn(Range<usize>) -> [f64; LANES] + Sync) -> f64 {
    let n_blocks = n.div_ceil(BLOCK);
    let block = |b: usize| pairwise(&lanes(b * BLOCK..n.min((b + 1) * BLOCK)));
    if n_blocks <= 1 {
        return block(0);
    }
    let totals: Vec<f64> = if n_blocks < PARALLEL_BLOCKS {
        (0..n_blocks).map(block).collect()
    } else {
        (0..n_blocks).into_par_iter().map(block).collect()
    };
    pairwise(&totals)
}

/// Adds neighbours, then sums of neighbours, and so on.
fn pairwise(values: &[f64]) -> f64 {
    match values {
        [] => 0.0,
        [one] => *one,
        many => {
            let half = many.len().div_ceil(2);
            pairwise(&many[..half]) + pairwise(&many[half..])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_change_no_bit() {
        let values: Vec<f64> = (0..300_001)
            .map(|i| f64::from(i % 977) * 0.1 - 3.7)
            .collect();
        let with = |n| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(n)
                .build()
                .unwrap();
            pool.install(|| sum(&values).to_bits())
        };
        assert_eq!(with(1), with(2));
        assert_eq!(with(1), with(7));
    }

    #[test]
    fn whole_numbers_sum_exactly_at_every_length() {
        for n in [0_u32, 1, 7, 8, 9, 4095, 4096, 4097, 70_001] {
            let values: Vec<f64> = (0..n).map(f64::from).collect();
            let expected = f64::from(n) * (f64::from(n) - 1.0) / 2.0;
            assert!((sum(&values) - expected).abs() == 0.0, "length {n}");
        }
    }
}
