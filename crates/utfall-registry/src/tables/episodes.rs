//! Episode arithmetic: nights and costs of overlapping stays.

use utfall_core::Period;

use crate::dates::to_days;

/// A stay from `start` up to but not including `stop`, in days since 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Episode {
    pub(crate) start: i64,
    /// `None` while the stay goes on.
    pub(crate) stop: Option<i64>,
    /// What one night costs.
    pub(crate) tariff: i64,
}

/// Nights of a period that lie in at least one episode.
pub(crate) fn nights(episodes: &[Episode], period: Period) -> i64 {
    let mut clipped = clip(episodes, period);
    clipped.sort_unstable();
    let (mut n_nights, mut counted_to) = (0, i64::MIN);
    for (start, stop, _) in clipped {
        n_nights += (stop - start.max(counted_to)).max(0);
        counted_to = counted_to.max(stop);
    }
    n_nights
}

/// Cost of the nights of a period, each once, at the dearest tariff of the episodes that hold it.
/// `None` if it leaves 64 bits.
pub(crate) fn cost(episodes: &[Episode], period: Period) -> Option<i64> {
    let clipped = clip(episodes, period);
    let mut days: Vec<i64> = clipped
        .iter()
        .flat_map(|&(start, stop, _)| [start, stop])
        .collect();
    days.sort_unstable();
    days.dedup();
    let mut total: i64 = 0;
    for span in days.windows(2) {
        let holds = |&&(start, stop, _): &&(i64, i64, i64)| start <= span[0] && span[1] <= stop;
        let dearest = clipped
            .iter()
            .filter(holds)
            .map(|&(_, _, tariff)| tariff)
            .max();
        total = total.checked_add(dearest.unwrap_or(0).checked_mul(span[1] - span[0])?)?;
    }
    Some(total)
}

/// The parts of episodes that lie in a period; a stay that ends before it begins has none.
fn clip(episodes: &[Episode], period: Period) -> Vec<(i64, i64, i64)> {
    let (from, to) = (
        i64::from(to_days(period.start())),
        i64::from(to_days(period.end())),
    );
    let clipped = episodes.iter().map(|episode| {
        (
            episode.start.max(from),
            episode.stop.map_or(to, |stop| stop.min(to)),
            episode.tariff,
        )
    });
    clipped.filter(|(start, stop, _)| start < stop).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::dates::from_days;

    fn period(start: i32, end: i32) -> Period {
        Period::new(from_days(start), from_days(end)).unwrap()
    }

    fn episode(start: i64, stop: Option<i64>, tariff: i64) -> Episode {
        Episode {
            start,
            stop,
            tariff,
        }
    }

    #[test]
    fn overlapping_stays_count_once_at_the_dearest_tariff() {
        let stays = [
            episode(0, Some(10), 100),
            episode(5, Some(15), 300),
            episode(12, None, 200),
        ];
        assert_eq!(nights(&stays, period(0, 20)), 20);
        assert_eq!(
            cost(&stays, period(0, 20)),
            Some(5 * 100 + 10 * 300 + 5 * 200)
        );
        assert_eq!(nights(&stays, period(-5, 1)), 1);
    }

    #[test]
    fn a_stay_on_the_edge_of_a_period_is_half_open() {
        let stay = [episode(3, Some(5), 1)];
        assert_eq!(nights(&stay, period(5, 9)), 0);
        assert_eq!(nights(&stay, period(1, 3)), 0);
        assert_eq!(nights(&stay, period(4, 9)), 1);
        assert_eq!(
            nights(
                &[episode(5, Some(5), 1), episode(7, Some(6), 1)],
                period(0, 9)
            ),
            0
        );
    }

    #[test]
    fn a_cost_beyond_64_bits_is_none() {
        assert_eq!(cost(&[episode(0, Some(2), i64::MAX)], period(0, 2)), None);
    }

    proptest! {
        #[test]
        fn nights_and_costs_agree_with_a_count_day_by_day(
            stays in prop::collection::vec((-20_i64..40, prop::option::of(-20_i64..60), -5_i64..1000), 0..8),
            start in -10_i32..30, length in 1_i32..30,
        ) {
            let stays: Vec<Episode> = stays.into_iter().map(|(start, stop, tariff)| episode(start, stop, tariff)).collect();
            let (mut n_nights, mut total) = (0, 0);
            for day in i64::from(start)..i64::from(start + length) {
                let holding = stays.iter().filter(|stay| stay.start <= day && stay.stop.is_none_or(|stop| day < stop));
                if let Some(dearest) = holding.map(|stay| stay.tariff).max() {
                    n_nights += 1;
                    total += dearest;
                }
            }
            prop_assert_eq!(nights(&stays, period(start, start + length)), n_nights);
            prop_assert_eq!(cost(&stays, period(start, start + length)), Some(total));
        }
    }
}
