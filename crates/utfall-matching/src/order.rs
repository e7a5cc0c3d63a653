//! The order of many floats, by counting their digits.
//!
//! A float's bits, put in the order of the floats, are sorted eleven at a time from the lowest; each
//! pass keeps the order of the one before, so equal values stay in the order of their indices.
//!
//! Seward (1954), *Information sorting in the application of electronic digital computers to
//! business operations*; Knuth, *The Art of Computer Programming*, volume 3, section 5.2.5.

/// Bits of a digit.
const DIGIT: u32 = 11;
/// Values of a digit.
const N_VALUES: usize = 1 << DIGIT;
/// Below so many keys, comparing them is quicker.
const FEW: usize = 2048;

/// Indices of finite floats in rising order of the float, equal ones in order of their index; within
/// strata, where there are any, stratum after stratum.
pub(crate) fn rising(values: &[f64], strata: Option<&[u32]>) -> Vec<u32> {
    let mut keyed: Vec<(u64, u32)> = values
        .iter()
        .zip(0..)
        .map(|(&value, i)| (ordered(value), i))
        .collect();
    sort(&mut keyed, u64::BITS);
    if let Some(strata) = strata {
        for (key, i) in &mut keyed {
            *key = u64::from(strata[*i as usize]);
        }
        sort(&mut keyed, u32::BITS);
    }
    keyed.into_iter().map(|(_, i)| i).collect()
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

/// Sorts by the lowest bits of the key, keeping the order of equal keys.
fn sort(keyed: &mut Vec<(u64, u32)>, bits: u32) {
    if keyed.len() < FEW {
        keyed.sort_by_key(|&(key, _)| key);
        return;
    }
    let digit = |key: u64, pass: u32| (key >> (pass * DIGIT)) as usize & (N_VALUES - 1);
    let n_passes = bits.div_ceil(DIGIT);
    let mut counts = vec![[0_u32; N_VALUES]; n_passes as usize];
    for &(key, _) in &*keyed {
        for (pass, counts) in (0..).zip(&mut counts) {
            counts[digit(key, pass)] += 1;
        }
    }
    let mut sorted = vec![(0, 0); keyed.len()];
    for (pass, counts) in (0..).zip(&mut counts) {
        let first = digit(keyed[0].0, pass);
        if counts[first] as usize == keyed.len() {
            continue;
        }
        let mut start = 0;
        for count in counts.iter_mut() {
            (start, *count) = (start + *count, start);
        }
        for &entry in &*keyed {
            let place = &mut counts[digit(entry.0, pass)];
            sorted[*place as usize] = entry;
            *place += 1;
        }
        std::mem::swap(keyed, &mut sorted);
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
        for n in [3_usize, 100, 5000] {
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
}
