//! Arithmetic on episodes that may overlap: nights covered, and what they cost.

use utfall_core::Period;

use crate::dates::to_days;

/// One episode of a member, `[start, stop)` in days since 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Episode {
    /// First day.
    pub(crate) start: i32,
    /// First day after; missing while it is open.
    pub(crate) stop: Option<i32>,
    /// Price of a night in whole units; missing if unknown.
    pub(crate) tariff: Option<i64>,
}

/// Nights of the period that at least one of a member's episodes covers.
pub(crate) fn nights(episodes: &[Episode], period: &Period) -> Option<i64> {
    let unpriced = episodes.iter().map(|episode| Episode { tariff: Some(1), ..*episode });
    cost(&unpriced.collect::<Vec<_>>(), period)
}

/// What the nights cost that a member's episodes cover in the period: each night once, at the
/// dearest tariff of the episodes that cover it. `None` if a tariff is unknown or the sum leaves
/// 64 bits.
///
/// Between two dates at which an episode starts or stops nothing changes, so the period is cut
/// there and each piece priced once.
pub(crate) fn cost(episodes: &[Episode], period: &Period) -> Option<i64> {
    let (first, end) = (to_days(period.start()), to_days(period.end()));
    let mut priced = Vec::with_capacity(episodes.len());
    for episode in episodes {
        let (start, stop) = (episode.start.max(first), episode.stop.unwrap_or(end).min(end));
        if start < stop {
            priced.push((start, stop, episode.tariff?));
        }
    }
    let mut cuts: Vec<i32> = priced.iter().flat_map(|&(start, stop, _)| [start, stop]).collect();
    cuts.sort_unstable();
    cuts.dedup();
    let mut total: i64 = 0;
    for piece in cuts.windows(2) {
        let covering = priced.iter().filter(|&&(start, stop, _)| start <= piece[0] && piece[1] <= stop);
        if let Some(tariff) = covering.map(|&(_, _, tariff)| tariff).max() {
            total = total.checked_add(tariff.checked_mul(i64::from(piece[1] - piece[0]))?)?;
        }
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::dates::from_days;

    fn period(start: i32, days: i32) -> Period {
        Period::new(from_days(start), from_days(start + days)).unwrap()
    }

    #[test]
    fn a_night_counts_once_at_its_dearest_tariff() {
        let episodes = [
            Episode { start: 0, stop: Some(10), tariff: Some(100) },
            Episode { start: 5, stop: Some(8), tariff: Some(300) },
        ];
        assert_eq!(nights(&episodes, &period(0, 30)), Some(10));
        assert_eq!(cost(&episodes, &period(0, 30)), Some(7 * 100 + 3 * 300));
    }

    #[test]
    fn an_open_episode_reaches_to_the_end_of_the_period() {
        let episodes = [Episode { start: -5, stop: None, tariff: Some(2) }];
        assert_eq!(cost(&episodes, &period(0, 7)), Some(14));
    }

    #[test]
    fn an_unknown_tariff_is_an_unknown_cost() {
        let episodes = [Episode { start: 0, stop: Some(3), tariff: None }];
        assert_eq!(cost(&episodes, &period(0, 7)), None);
        assert_eq!(nights(&episodes, &period(0, 7)), Some(3));
        assert_eq!(cost(&episodes, &period(3, 7)), Some(0), "an episode outside the period costs nothing");
    }

    fn episode() -> impl Strategy<Value = Episode> {
        (0..60, prop::option::of(0..40), 1_i64..500).prop_map(|(start, length, tariff)| Episode {
            start,
            stop: length.map(|length| start + length),
            tariff: Some(tariff),
        })
    }

    proptest! {
        #[test]
        fn cost_agrees_with_looking_at_every_night(
            episodes in prop::collection::vec(episode(), 0..8),
            first in 0..50,
            days in 1..40,
        ) {
            let night = |day: i32| {
                let covers = |episode: &&Episode| episode.start <= day && episode.stop.is_none_or(|stop| day < stop);
                episodes.iter().filter(covers).filter_map(|episode| episode.tariff).max()
            };
            let by_night: i64 = (first..first + days).filter_map(night).sum();
            prop_assert_eq!(cost(&episodes, &period(first, days)), Some(by_night));
            let n_nights = (first..first + days).filter(|&day| night(day).is_some()).count();
            prop_assert_eq!(nights(&episodes, &period(first, days)), i64::try_from(n_nights).ok());
        }
    }
}
