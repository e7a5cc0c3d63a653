//! Sums in one fixed order, whatever the number of threads.
//!
//! Values are cut into blocks of [`BLOCK`]; each block is summed with [`LANES`] running totals, and
//! the block totals are added pairwise. The order depends on the length alone. Rounding error
//! grows with the logarithm of the number of blocks.

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
    sum_of(values.len(), |i| values[i])
}

/// The sum of `term(i)` for `i` in `0..n`.
///
/// `term` is called once for each index and must not depend on the order of the calls.
#[must_use]
pub fn sum_of(n: usize, term: impl Fn(usize) -> f64 + Sync) -> f64 {
    let n_blocks = n.div_ceil(BLOCK);
    let block = |b: usize| block_sum(b * BLOCK, n.min((b + 1) * BLOCK), &term);
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

/// The inner product of two slices of one length.
///
/// The longer slice is read only as far as the shorter goes.
#[must_use]
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    sum_of(a.len().min(b.len()), |i| a[i] * b[i])
}

fn block_sum(start: usize, end: usize, term: impl Fn(usize) -> f64) -> f64 {
    let mut lanes = [0.0; LANES];
    let mut i = start;
    while i + LANES <= end {
        for (lane, total) in lanes.iter_mut().enumerate() {
            *total += term(i + lane);
        }
        i += LANES;
    }
    for (lane, total) in lanes.iter_mut().enumerate().take(end - i) {
        *total += term(i + lane);
    }
    pairwise(&lanes)
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
