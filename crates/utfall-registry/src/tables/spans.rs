//! Sets of days as disjoint half-open spans.

/// Days since 1970-01-01, as spans in order that neither overlap nor touch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Spans(Vec<(i64, i64)>);

impl Spans {
    /// The days in at least one of some spans `[start, stop)`.
    pub(crate) fn union(spans: impl IntoIterator<Item = (i64, i64)>) -> Self {
        let mut spans: Vec<(i64, i64)> = spans
            .into_iter()
            .filter(|(start, stop)| start < stop)
            .collect();
        spans.sort_unstable();
        let mut union: Vec<(i64, i64)> = Vec::with_capacity(spans.len());
        for (start, stop) in spans {
            match union.last_mut() {
                Some(last) if start <= last.1 => last.1 = last.1.max(stop),
                _ => union.push((start, stop)),
            }
        }
        Self(union)
    }

    /// The days in both.
    pub(crate) fn intersect(&self, other: &Self) -> Self {
        let (mut i, mut j) = (0, 0);
        let mut both = Vec::new();
        while let (Some(&(a, b)), Some(&(c, d))) = (self.0.get(i), other.0.get(j)) {
            let (start, stop) = (a.max(c), b.min(d));
            if start < stop {
                both.push((start, stop));
            }
            if b <= d {
                i += 1;
            } else {
                j += 1;
            }
        }
        Self(both)
    }

    /// The spans, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (i64, i64)> {
        self.0.iter().copied()
    }

    /// The days between one span and the next.
    pub(crate) fn gaps(&self) -> impl Iterator<Item = (i64, i64)> {
        self.0.windows(2).map(|pair| (pair[0].1, pair[1].0))
    }

    /// Number of days.
    pub(crate) fn days(&self) -> i64 {
        self.0.iter().map(|(start, stop)| stop - start).sum()
    }

    /// Number of days that are in a sorted list as well.
    pub(crate) fn days_of(&self, calendar: &[i64]) -> i64 {
        let before = |day: i64| calendar.partition_point(|&listed| listed < day);
        let count = |(start, stop): &(i64, i64)| before(*stop) - before(*start);
        let days: usize = self.0.iter().map(count).sum();
        i64::try_from(days).unwrap_or(i64::MAX)
    }

    /// Whether a day is one of them.
    pub(crate) fn contains(&self, day: i64) -> bool {
        let after = self.0.partition_point(|&(start, _)| start <= day);
        after > 0 && day < self.0[after - 1].1
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn pieces() -> impl Strategy<Value = Vec<(i64, i64)>> {
        prop::collection::vec((0_i64..30, 0_i64..35), 0..6)
    }

    fn days(pieces: &[(i64, i64)]) -> BTreeSet<i64> {
        pieces
            .iter()
            .flat_map(|&(start, stop)| start..stop)
            .collect()
    }

    proptest! {
        #[test]
        fn spans_agree_with_sets_of_days(left in pieces(), right in pieces(), calendar in prop::collection::btree_set(0_i64..40, 0..20)) {
            let (a, b) = (Spans::union(left.clone()), Spans::union(right.clone()));
            let (x, y) = (days(&left), days(&right));
            prop_assert_eq!(a.days() as usize, x.len());
            let both = a.intersect(&b);
            let common: BTreeSet<i64> = x.intersection(&y).copied().collect();
            prop_assert!((0..40).all(|day| both.contains(day) == common.contains(&day)));
            let listed: Vec<i64> = calendar.iter().copied().collect();
            prop_assert_eq!(both.days_of(&listed) as usize, common.intersection(&calendar).count());
            prop_assert!(a.iter().zip(a.iter().skip(1)).all(|(one, next)| one.1 < next.0));
        }
    }
}
