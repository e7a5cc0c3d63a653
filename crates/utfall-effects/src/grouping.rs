//! Which group each row belongs to.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use foldhash::fast::RandomState;
use rayon::prelude::*;

/// Rows whose labels are numbered by themselves before the numbers of all are one.
const CHUNK: usize = 1 << 19;
/// Rows from which sums are made in several runs, beside those that its groups ask for.
const LEAST_RUN: usize = 1 << 16;
/// Runs at most.
const MOST_RUNS: usize = 16;

/// Which group each row belongs to: its cluster, its matched set, or the unit it is an appearance of.
///
/// Labels may be anything that can be told apart. Only which rows share a label matters; the labels
/// themselves are not kept. A clone shares the codes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grouping {
    codes: Arc<Vec<usize>>,
    n_groups: usize,
}

impl Grouping {
    /// Groups rows that carry the same label.
    ///
    /// Groups are numbered in the order they first appear, so the order of rows decides the order
    /// of every sum over groups.
    #[must_use]
    pub fn of<T: Eq + Hash + Sync>(labels: &[T]) -> Self {
        // Maps are only looked up, never walked through.
        let mut known = Known::default();
        let mut codes = vec![0; labels.len()];
        let (labels, later) = labels.split_at(CHUNK.min(labels.len()));
        let (own, codes_later) = codes.split_at_mut(labels.len());
        number(&mut known, labels, own);
        if known.len() > labels.len() / 4 {
            // Chunks that hold each label but a few times save nothing.
            number(&mut known, later, codes_later);
        } else {
            number_in_chunks(&mut known, later, codes_later);
        }
        let n_groups = known.len();
        let codes = Arc::new(codes);
        Self { codes, n_groups }
    }

    /// Rows that share both groups.
    #[must_use]
    pub(crate) fn crossed(&self, other: &Self) -> Self {
        let both: Vec<(usize, usize)> = self
            .codes
            .iter()
            .copied()
            .zip(other.codes.iter().copied())
            .collect();
        Self::of(&both)
    }

    /// The grouping of some rows, without groups that are left empty.
    #[must_use]
    pub(crate) fn of_rows(&self, rows: &[usize]) -> Self {
        let codes: Vec<usize> = rows.iter().map(|&row| self.codes[row]).collect();
        Self::of(&codes)
    }

    /// Rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.codes.len()
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.codes.is_empty()
    }

    /// Groups that hold at least one row.
    #[must_use]
    pub fn n_groups(&self) -> usize {
        self.n_groups
    }

    /// The group of each row, as a number below [`Grouping::n_groups`].
    #[must_use]
    pub fn codes(&self) -> &[usize] {
        &self.codes
    }

    /// The rows of each group in row order.
    #[must_use]
    pub(crate) fn members(&self) -> Vec<Vec<usize>> {
        let mut members = vec![Vec::new(); self.n_groups];
        for (row, &code) in self.codes.iter().enumerate() {
            members[code].push(row);
        }
        members
    }

    /// The sum of a value over the rows of each group, in row order; in runs of rows, added in order, where
    /// rows are many beside the groups.
    #[must_use]
    pub fn sums(&self, values: &[f64]) -> Vec<f64> {
        let sums = self.sums_of(|row| [values[row]]);
        sums.into_iter().map(|[sum]| sum).collect()
    }

    /// The sums of some values over the rows of each group. Rows are cut into runs where they are
    /// many beside the groups; runs depend on the data alone and are added in order.
    pub(crate) fn sums_of<const K: usize>(
        &self,
        values: impl Fn(usize) -> [f64; K] + Sync,
    ) -> Vec<[f64; K]> {
        let n_rows = self.len();
        let n_runs = (n_rows / (4 * self.n_groups + LEAST_RUN)).clamp(1, MOST_RUNS);
        let of_run = |run: usize| {
            let mut sums = vec![[0.0; K]; self.n_groups];
            let rows = n_rows * run / n_runs..n_rows * (run + 1) / n_runs;
            for (row, &code) in rows.clone().zip(&self.codes[rows]) {
                let own = sums[code].iter_mut();
                own.zip(values(row)).for_each(|(sum, value)| *sum += value);
            }
            sums
        };
        let mut total = Vec::new();
        if n_runs == 1 {
            return of_run(0);
        }
        let runs: Vec<Vec<[f64; K]>> = (0..n_runs).into_par_iter().map(of_run).collect();
        for sums in runs {
            if total.is_empty() {
                total = sums;
                continue;
            }
            for (into, from) in total.iter_mut().zip(sums) {
                into.iter_mut()
                    .zip(from)
                    .for_each(|(into, from)| *into += from);
            }
        }
        total
    }
}

/// The number of each label that is known.
type Known<'a, T> = HashMap<&'a T, usize, RandomState>;

/// Numbers labels in the order they first appear, and gives those that were not known.
fn number<'a, T: Eq + Hash>(
    known: &mut Known<'a, T>,
    labels: &'a [T],
    codes: &mut [usize],
) -> Vec<&'a T> {
    let mut firsts: Vec<&T> = Vec::new();
    let mut before: Option<(&T, usize)> = None;
    for (code, label) in codes.iter_mut().zip(labels) {
        let next = known.len();
        *code = match before {
            Some((last, code)) if last == label => code,
            _ => *known.entry(label).or_insert_with(|| {
                firsts.push(label);
                next
            }),
        };
        before = Some((label, *code));
    }
    firsts
}

/// The same on all threads: each chunk is numbered by itself, and its numbers are replaced.
fn number_in_chunks<'a, T: Eq + Hash + Sync>(
    known: &mut Known<'a, T>,
    labels: &'a [T],
    codes: &mut [usize],
) {
    let firsts: Vec<Vec<&T>> = codes
        .par_chunks_mut(CHUNK)
        .zip(labels.par_chunks(CHUNK))
        .map(|(codes, labels)| number(&mut Known::default(), labels, codes))
        .collect();
    let mut number = |label| {
        let next = known.len();
        *known.entry(label).or_insert(next)
    };
    let numbers: Vec<Vec<usize>> = firsts
        .into_iter()
        .map(|firsts| firsts.into_iter().map(&mut number).collect())
        .collect();
    codes
        .par_chunks_mut(CHUNK)
        .zip(&numbers)
        .for_each(|(codes, numbers)| codes.iter_mut().for_each(|code| *code = numbers[*code]));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_which_rows_share_a_label_matters() {
        let words = Grouping::of(&["b", "a", "b"]);
        assert_eq!(words, Grouping::of(&[7, 1, 7]));
        assert_eq!(words.codes(), [0, 1, 0]);
        assert_eq!(words.n_groups(), 2);
        assert_eq!(words.sums(&[1.0, 2.0, 4.0]), [5.0, 2.0]);
        assert_eq!(words.members(), [vec![0, 2], vec![1]]);
    }

    #[test]
    fn groups_of_many_rows_are_numbered_as_they_appear() {
        let n = 2 * CHUNK + 77;
        for most in [1013, 700_001] {
            let labels: Vec<u64> = (0..n as u64).map(|i| i * i % most).collect();
            let grouping = Grouping::of(&labels);
            let mut firsts: Vec<u64> = Vec::new();
            for (&code, &label) in grouping.codes().iter().zip(&labels) {
                if code == firsts.len() {
                    firsts.push(label);
                }
                assert_eq!(firsts[code], label);
            }
            let n_labels = firsts.len();
            firsts.sort_unstable();
            firsts.dedup();
            assert_eq!((grouping.n_groups(), n_labels), (n_labels, firsts.len()));
            let ones = grouping.sums(&vec![1.0; n]);
            assert!((ones.iter().sum::<f64>() - n as f64).abs() <= 0.0);
            let texts: Vec<String> = labels.iter().map(u64::to_string).collect();
            assert_eq!(Grouping::of(&texts), grouping);
        }
    }

    #[test]
    fn rows_that_are_left_out_leave_no_empty_group() {
        let three = Grouping::of(&["a", "b", "c"]);
        assert_eq!(three.of_rows(&[2, 0]).n_groups(), 2);
        assert_eq!(three.crossed(&Grouping::of(&[1, 1, 1])).n_groups(), 3);
    }
}
