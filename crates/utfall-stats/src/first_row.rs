//! Looking for the first value that is such.

use rayon::prelude::*;

/// Rows that are worth a thread.
const STRETCH: usize = 1 << 14;
/// Rows looked at as a whole, several at a time.
const BLOCK: usize = 1 << 10;

/// The first row whose value is such.
#[must_use]
pub fn first_row(values: &[f64], is_such: impl Fn(f64) -> bool + Sync) -> Option<usize> {
    let first_of = |(stretch, values): (usize, &[f64])| {
        let mut blocks = values.chunks(BLOCK).enumerate();
        blocks.find_map(|(block, values)| {
            // To look at all is quicker than to ask after each whether to stop.
            let any = values
                .iter()
                .fold(false, |any, &value| any | is_such(value));
            let first = || values.iter().position(|&value| is_such(value));
            Some(stretch * STRETCH + block * BLOCK + any.then(first)??)
        })
    };
    if values.len() <= STRETCH {
        return first_of((0, values));
    }
    let stretches = values.par_chunks(STRETCH).enumerate();
    stretches.find_map_first(first_of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_several_is_found_wherever_it_lies() {
        for n in [1, 5, BLOCK + 1, 3 * STRETCH + 7] {
            let mut values = vec![1.0; n];
            assert_eq!(first_row(&values, f64::is_nan), None);
            for row in [n - 1, n / 2, 0] {
                values[row] = f64::NAN;
                assert_eq!(first_row(&values, f64::is_nan), Some(row));
            }
        }
    }
}
