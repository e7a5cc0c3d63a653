//! The order of many floats, by counting the digits of the cells they fall in.
//!
//! The range is cut into 2³² cells of one width; numbers of cells are sorted eleven bits at a time
//! from the lowest, and each pass keeps the order of the one before, so equal ones stay in the order
//! of their indices. Within a cell values are compared. Threads sort a part of the range each: how
//! many there are changes nothing but the time.
//!
//! Seward (1954), *Information sorting in the application of electronic digital computers to
//! business operations*; Knuth, *The Art of Computer Programming*, volume 3, section 5.2.5.

use rayon::prelude::*;

/// Bits of a digit.
const DIGIT: u32 = 11;
/// Values of a digit.
const N_VALUES: usize = 1 << DIGIT;
/// Below so many keys, comparing them is quicker.
const FEW: usize = 2048;
/// So many keys are worth a thread.
const MANY: usize = 1 << 15;
/// Keys of a sample that says where parts of one size end.
const N_SAMPLED: usize = 512;

/// Indices of finite floats in rising order of the float, equal ones in order of their index; within
/// strata, where there are any, stratum after stratum.
pub(crate) fn rising(values: &[f64], strata: Option<&[u32]>) -> Vec<u32> {
    let order = by_value(values);
    let Some(strata) = strata else {
        return order;
    };
    let mut entries: Vec<u64> = order
        .into_par_iter()
        .map(|i| entry(strata[i as usize], i))
        .collect();
    sort(&mut entries);
    entries.into_par_iter().map(index).collect()
}

fn by_value(values: &[f64]) -> Vec<u32> {
    let cells = Cells::of(values);
    let n_parts = (values.len() / MANY).clamp(1, rayon::current_num_threads());
    let ends = ends(values, n_parts);
    let parts: Vec<Vec<u32>> = ends
        .par_windows(2)
        .map(|ends| cells.part(values, ends[0], ends[1]))
        .collect();
    parts.concat()
}

/// Where parts of about one size end, the ends of all included: values, each the least of its part.
fn ends(values: &[f64], n_parts: usize) -> Vec<f64> {
    let every = values.len().div_ceil(N_SAMPLED).max(1);
    let mut sample: Vec<f64> = values.iter().copied().step_by(every).collect();
    sample.sort_unstable_by(f64::total_cmp);
    let inner = (1..n_parts).map(|part| sample[part * sample.len() / n_parts]);
    [f64::NEG_INFINITY]
        .into_iter()
        .chain(inner)
        .chain([f64::INFINITY])
        .collect()
}

/// The bits of a finite float in an order that is the float's; both zeros are one.
pub(crate) fn ordered(value: f64) -> u64 {
    let bits = (value + 0.0).to_bits();
    if bits >> 63 == 0 {
        bits | 1 << 63
    } else {
        !bits
    }
}

/// Cells of one width over the range of some values.
struct Cells {
    least: f64,
    /// Cells in one unit of the values.
    scale: f64,
}

impl Cells {
    fn of(values: &[f64]) -> Self {
        let ends = (f64::INFINITY, f64::NEG_INFINITY);
        let (least, most) = values
            .iter()
            .fold(ends, |(low, high), &x| (low.min(x), high.max(x)));
        let scale = f64::from(u32::MAX) / (most - least);
        Self { least, scale }
    }

    /// The cell of a value; a larger value is never in a lower one.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a cell is at least zero, and what lies beyond the last is in the last"
    )]
    fn cell(&self, value: f64) -> u32 {
        ((value - self.least) * self.scale) as u32
    }

    /// Indices of the values from `first` to below `end`, in rising order.
    fn part(&self, values: &[f64], first: f64, end: f64) -> Vec<u32> {
        let is_in = |value: f64| (first <= value) & (value < end);
        let n = values.iter().filter(|&&value| is_in(value)).count();
        // One more is written over and over by those that are not in this part.
        let mut entries = vec![0; n + 1];
        let mut next = 0;
        for (&value, i) in values.iter().zip(0..) {
            entries[next] = entry(self.cell(value), i);
            next += usize::from(is_in(value));
        }
        entries.truncate(n);
        sort(&mut entries);
        for one_cell in entries.chunk_by_mut(|a, b| a >> 32 == b >> 32) {
            if one_cell.len() > 1 {
                one_cell.sort_by_key(|&entry| ordered(values[index(entry) as usize]));
            }
        }
        entries.into_iter().map(index).collect()
    }
}

/// A key and the index it belongs to, as one number.
fn entry(key: u32, index: u32) -> u64 {
    u64::from(key) << 32 | u64::from(index)
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the index is the lower half"
)]
fn index(entry: u64) -> u32 {
    entry as u32
}

/// Sorts entries by their keys, keeping the order of equal keys.
fn sort(entries: &mut Vec<u64>) {
    if entries.len() < FEW {
        entries.sort_by_key(|&entry| entry >> 32);
        return;
    }
    let n_passes = u32::BITS.div_ceil(DIGIT);
    let digit = |entry: u64, pass: u32| (entry >> (32 + pass * DIGIT)) as usize & (N_VALUES - 1);
    let mut counts = vec![[0_u32; N_VALUES]; n_passes as usize];
    for &entry in &*entries {
        for (pass, counts) in (0..).zip(&mut counts) {
            counts[digit(entry, pass)] += 1;
        }
    }
    let mut sorted = vec![0; entries.len()];
    for (pass, counts) in (0..).zip(&mut counts) {
        let first = digit(entries[0], pass);
        if counts[first] as usize == entries.len() {
            continue;
        }
        let mut start = 0;
        for count in counts.iter_mut() {
            (start, *count) = (start + *count, start);
        }
        for &entry in &*entries {
            let place = &mut counts[digit(entry, pass)];
            sorted[*place as usize] = entry;
            *place += 1;
        }
        std::mem::swap(entries, &mut sorted);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_keep_their_order_as_bits() {
        let values = [-3.5, -1e-300, -0.0, 1e-300, 2.0, 1e300];
        for pair in values.windows(2) {
            assert!(ordered(pair[0]) < ordered(pair[1]));
        }
        assert_eq!(ordered(-0.0), ordered(0.0));
    }

    #[test]
    fn many_and_few_are_sorted_as_by_comparing_them() {
        for n in [0_usize, 1, 3, 100, 5000, 150_000] {
            let value = |i: usize| ((i * i + 7 * i) % 997) as f64 / 31.0 - 9.0;
            let values: Vec<f64> = (0..n).map(value).collect();
            let strata: Vec<u32> = (0..n).map(|i| (i * 5 % 7) as u32 * 70_000).collect();
            let mut expected: Vec<u32> = (0..n as u32).collect();
            expected.sort_by(|&a, &b| values[a as usize].total_cmp(&values[b as usize]));
            assert_eq!(rising(&values, None), expected);
            expected.sort_by_key(|&i| strata[i as usize]);
            assert_eq!(rising(&values, Some(&strata)), expected);
        }
    }

    #[test]
    fn ranges_that_cells_cannot_tell_apart_are_compared() {
        let outlier = |i: usize| match i {
            0 => f64::MAX,
            1 => f64::MIN,
            _ => ((i * 7919) % 10_007) as f64 * 1e-9,
        };
        let tiny = |i: usize| f64::from_bits(((i * 7919) % 10_007) as u64);
        let equal = |_: usize| 0.25;
        for value in [&outlier as &dyn Fn(usize) -> f64, &tiny, &equal] {
            let values: Vec<f64> = (0..10_000).map(value).collect();
            let mut expected: Vec<u32> = (0..10_000).collect();
            expected.sort_by(|&a, &b| values[a as usize].total_cmp(&values[b as usize]));
            assert_eq!(rising(&values, None), expected);
        }
    }
}
