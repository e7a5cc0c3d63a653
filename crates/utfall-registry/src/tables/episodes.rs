//! Episode arithmetic: days and costs of stays that overlap, touch or leave gaps.

use super::spans::Spans;

/// A stay from `start` up to but not including `stop`, in days since 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Episode {
    pub(crate) start: i64,
    /// [`OPEN`] while the stay goes on.
    pub(crate) stop: i64,
    /// What one night costs.
    pub(crate) tariff: i64,
    /// Which of several is paid: the lowest.
    pub(crate) rank: usize,
}

/// The stop of a stay that goes on: later than any day, and far from the largest number.
pub(crate) const OPEN: i64 = i64::MAX >> 8;

/// What a night in several episodes costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Paid {
    /// The dearest.
    Dearest,
    /// All.
    Each,
    /// The one of the lowest rank; of one rank, the dearest.
    LowestRank,
}

/// Closes the gaps of at most `days` days between episodes that begin before `end`: whatever
/// stops where a gap begins, goes on until it ends.
pub(crate) fn join_gaps(episodes: &mut Vec<Episode>, days: u32, end: i64) {
    episodes.retain(|episode| episode.start < episode.stop && episode.start < end);
    if days == 0 {
        return;
    }
    let covered = Spans::union(episodes.iter().map(|episode| (episode.start, episode.stop)));
    let gaps = covered
        .gaps()
        .filter(|&(from, to)| to - from <= i64::from(days));
    for (from, to) in gaps.collect::<Vec<_>>() {
        for episode in episodes.iter_mut().filter(|episode| episode.stop == from) {
            episode.stop = to;
        }
    }
}

/// The days in at least one episode.
pub(crate) fn covered(episodes: &[Episode]) -> Spans {
    Spans::union(episodes.iter().map(|episode| (episode.start, episode.stop)))
}

/// Cost of the nights within some days, none dearer than `cap`. `None` if it leaves 64 bits.
pub(crate) fn cost(
    episodes: &[Episode],
    within: &Spans,
    paid: Paid,
    cap: Option<i64>,
) -> Option<i64> {
    let mut days: Vec<i64> = within
        .iter()
        .chain(episodes.iter().map(|episode| (episode.start, episode.stop)))
        .flat_map(|(start, stop)| [start, stop])
        .collect();
    days.sort_unstable();
    days.dedup();
    let mut total: i64 = 0;
    for span in days.windows(2).filter(|span| within.contains(span[0])) {
        let held = episodes
            .iter()
            .filter(|episode| episode.start <= span[0] && span[1] <= episode.stop);
        let night = night(held, paid)?;
        let night = cap.map_or(night, |cap| night.min(cap));
        total = total.checked_add(night.checked_mul(span[1] - span[0])?)?;
    }
    Some(total)
}

/// What a night in these episodes costs.
fn night<'a>(held: impl Iterator<Item = &'a Episode>, paid: Paid) -> Option<i64> {
    match paid {
        Paid::Dearest => Some(held.map(|episode| episode.tariff).max().unwrap_or(0)),
        Paid::Each => held
            .map(|episode| episode.tariff)
            .try_fold(0_i64, i64::checked_add),
        Paid::LowestRank => {
            let first =
                held.min_by_key(|episode| (episode.rank, std::cmp::Reverse(episode.tariff)));
            Some(first.map_or(0, |episode| episode.tariff))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn episode(start: i64, stop: i64, tariff: i64, rank: usize) -> Episode {
        Episode {
            start,
            stop,
            tariff,
            rank,
        }
    }

    fn within(start: i64, end: i64) -> Spans {
        Spans::union([(start, end)])
    }

    #[test]
    fn overlapping_stays_count_once_and_cost_what_the_rule_says() {
        let stays = [
            episode(0, 10, 100, 2),
            episode(5, 15, 300, 1),
            episode(12, OPEN, 200, 0),
        ];
        let days = within(0, 20);
        assert_eq!(covered(&stays).intersect(&days).days(), 20);
        let cost = |paid, cap| cost(&stays, &days, paid, cap);
        assert_eq!(
            cost(Paid::Dearest, None),
            Some(5 * 100 + 10 * 300 + 5 * 200)
        );
        assert_eq!(
            cost(Paid::Each, None),
            Some(5 * 100 + 5 * 400 + 2 * 300 + 3 * 500 + 5 * 200)
        );
        assert_eq!(
            cost(Paid::LowestRank, None),
            Some(5 * 100 + 7 * 300 + 8 * 200)
        );
        assert_eq!(
            cost(Paid::Each, Some(250)),
            Some(5 * 100 + 5 * 250 + 2 * 250 + 3 * 250 + 5 * 200)
        );
    }

    #[test]
    fn a_stay_on_the_edge_of_a_period_is_half_open() {
        let nights = |stay: Episode, days: Spans| covered(&[stay]).intersect(&days).days();
        let stay = episode(3, 5, 1, 0);
        assert_eq!(nights(stay, within(5, 9)), 0);
        assert_eq!(nights(stay, within(1, 3)), 0);
        assert_eq!(nights(stay, within(4, 9)), 1);
        assert_eq!(nights(episode(7, 6, 1, 0), within(0, 9)), 0);
    }

    #[test]
    fn a_gap_is_joined_only_to_a_stay_that_has_begun() {
        let mut stays = vec![episode(0, 3, 7, 0), episode(5, 6, 9, 0)];
        join_gaps(&mut stays, 2, 10);
        assert_eq!(stays[0].stop, 5);
        let mut stays = vec![episode(0, 3, 7, 0), episode(5, 6, 9, 0)];
        join_gaps(&mut stays, 2, 5);
        assert_eq!(
            stays,
            [episode(0, 3, 7, 0)],
            "the next stay is still to come"
        );
    }

    #[test]
    fn a_cost_beyond_64_bits_is_none() {
        let stays = [episode(0, 2, i64::MAX, 0)];
        assert_eq!(cost(&stays, &within(0, 2), Paid::Dearest, None), None);
    }

    /// Days and costs, counted day by day.
    fn by_day(
        stays: &[Episode],
        days: &[i64],
        gap: i64,
        end: i64,
        paid: Paid,
        cap: Option<i64>,
    ) -> (i64, i64) {
        let holding = |day: i64| -> Vec<Episode> {
            let begun = stays.iter().filter(|stay| stay.start < end);
            begun
                .filter(|stay| stay.start <= day && day < stay.stop)
                .copied()
                .collect()
        };
        let (mut n, mut total) = (0, 0);
        for &day in days {
            let mut held = holding(day);
            if held.is_empty() {
                // The gap around this day, if it is one and short enough.
                let before = (day - gap..day).rev().find(|&day| !holding(day).is_empty());
                let after = (day..=day + gap).find(|&day| !holding(day).is_empty());
                if let (Some(before), Some(after)) = (before, after)
                    && after - before - 1 <= gap
                {
                    held = holding(before);
                }
            }
            if held.is_empty() {
                continue;
            }
            n += 1;
            let night = match paid {
                Paid::Dearest => held.iter().map(|stay| stay.tariff).max().unwrap(),
                Paid::Each => held.iter().map(|stay| stay.tariff).sum(),
                Paid::LowestRank => {
                    let rank = held.iter().map(|stay| stay.rank).min().unwrap();
                    let first = held.iter().filter(|stay| stay.rank == rank);
                    first.map(|stay| stay.tariff).max().unwrap()
                }
            };
            total += cap.map_or(night, |cap| night.min(cap));
        }
        (n, total)
    }

    proptest! {
        #[test]
        fn days_and_costs_agree_with_a_count_day_by_day(
            stays in prop::collection::vec((-20_i64..40, -20_i64..60, prop::bool::weighted(0.1), -5_i64..1000, 0_usize..3), 0..7),
            pieces in prop::collection::vec((-10_i64..50, 0_i64..15), 1..4),
            gap in 0_u32..6,
            paid in prop::sample::select(vec![Paid::Dearest, Paid::Each, Paid::LowestRank]),
            cap in prop::option::of(0_i64..1200),
        ) {
            let mut stays: Vec<Episode> = stays.into_iter()
                .map(|(start, stop, open, tariff, rank)| episode(start, if open { OPEN } else { stop }, tariff, rank))
                .filter(|stay| stay.start < stay.stop)
                .collect();
            let within = Spans::union(pieces.into_iter().map(|(start, length)| (start, start + length)));
            let end = within.iter().map(|(_, stop)| stop).max().unwrap_or(0);
            let days: Vec<i64> = (-10..70).filter(|&day| within.contains(day)).collect();
            let expected = by_day(&stays, &days, i64::from(gap), end, paid, cap);
            join_gaps(&mut stays, gap, end);
            prop_assert_eq!(covered(&stays).intersect(&within).days(), expected.0);
            prop_assert_eq!(cost(&stays, &within, paid, cap), Some(expected.1));
        }
    }
}
