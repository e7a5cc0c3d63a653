//! Which group each row belongs to.

use std::collections::HashMap;
use std::hash::Hash;

/// Which group each row belongs to: its cluster, its matched set, or the unit it is an appearance of.
///
/// Labels may be anything that can be told apart. Only which rows share a label matters; the labels
/// themselves are not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grouping {
    codes: Vec<usize>,
    n_groups: usize,
}

impl Grouping {
    /// Groups rows that carry the same label.
    ///
    /// Groups are numbered in the order they first appear, so the order of rows decides the order
    /// of every sum over groups.
    #[must_use]
    pub fn of<T: Eq + Hash>(labels: &[T]) -> Self {
        // Only looked up, never walked through.
        let mut known: HashMap<&T, usize> = HashMap::new();
        let mut codes: Vec<usize> = Vec::with_capacity(labels.len());
        for (row, label) in labels.iter().enumerate() {
            let code = match codes.last() {
                Some(&last) if labels[row - 1] == *label => last,
                _ => {
                    let next = known.len();
                    *known.entry(label).or_insert(next)
                }
            };
            codes.push(code);
        }
        Self {
            codes,
            n_groups: known.len(),
        }
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

    /// The sum of a value over the rows of each group, in row order.
    #[must_use]
    pub fn sums(&self, values: &[f64]) -> Vec<f64> {
        let mut sums = vec![0.0; self.n_groups];
        for (&code, &value) in self.codes.iter().zip(values) {
            sums[code] += value;
        }
        sums
    }
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
    fn rows_that_are_left_out_leave_no_empty_group() {
        let three = Grouping::of(&["a", "b", "c"]);
        assert_eq!(three.of_rows(&[2, 0]).n_groups(), 2);
        assert_eq!(three.crossed(&Grouping::of(&[1, 1, 1])).n_groups(), 3);
    }
}
