//! Times that occur, and the place of each among them.

use rayon::prelude::*;

/// Values that a thread sorts by itself.
const PART: usize = 1 << 14;

/// The different values, in rising order.
pub(crate) fn distinct(values: &[f64]) -> Vec<f64> {
    let parts: Vec<Vec<f64>> = values
        .par_chunks(PART)
        .map(|part| once_each(part.to_vec()))
        .collect();
    once_each(parts.concat())
}

fn once_each(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values.dedup();
    values
}

/// How many of the different values are below each value.
pub(crate) fn places(values: &[f64], distinct: &[f64]) -> Vec<usize> {
    let place = |value: &f64| distinct.partition_point(|other| other < value);
    values.par_iter().with_min_len(PART).map(place).collect()
}

/// The rank of each time among the times that occur, and their number.
pub(crate) fn ranks(time: &[f64]) -> (Vec<usize>, usize) {
    let distinct = distinct(time);
    (places(time, &distinct), distinct.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_time_has_its_rank_however_many_rows_there_are() {
        let times: Vec<f64> = (0..50_000)
            .map(|row| f64::from(row * 7 % 13) / 4.0)
            .collect();
        let (rank, n_times) = ranks(&times);
        assert_eq!(n_times, 13);
        for (rank, time) in rank.iter().zip(&times) {
            assert_eq!(*rank, (time * 4.0) as usize);
        }
        assert_eq!(distinct(&[2.0, -0.0, 0.0, 2.0]), [0.0, 2.0]);
    }
}
