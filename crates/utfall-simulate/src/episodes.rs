//! Laying a number of nights into a span as episodes with gaps between them.

use chrono::Days;
use utfall_stats::draws::Stream;

use crate::calendar::Span;
use crate::chance::between;

/// Most episodes that one span's nights are divided into.
const MOST_EPISODES: i64 = 3;
/// Fewest nights of an episode, unless there are fewer in all.
const FEWEST_NIGHTS: i64 = 10;
/// Share of spans whose last episode lasts to the very end.
const SHARE_TO_THE_END: f64 = 0.5;

/// Divides `nights` into episodes that lie in order within `span` and never touch.
///
/// Their lengths add up to `nights` exactly. `nights` is at most the days of the span.
pub(crate) fn lay(nights: i64, span: Span, draws: &mut Stream) -> Vec<Span> {
    let nights = nights.min(span.days());
    if nights <= 0 {
        return Vec::new();
    }
    let n_free = span.days() - nights;
    // Between two episodes lies at least one free night.
    let n_episodes = between(1, MOST_EPISODES, draws)
        .min((nights / FEWEST_NIGHTS).max(1))
        .min(n_free + 1);
    let lengths = divide(nights - n_episodes, n_episodes, draws);
    let to_the_end = draws.bernoulli(SHARE_TO_THE_END);
    let n_gaps = if to_the_end {
        n_episodes
    } else {
        n_episodes + 1
    };
    let gaps = divide(n_free - (n_episodes - 1), n_gaps, draws);
    let mut start = span.start;
    let mut episodes = Vec::new();
    for (i, (length, gap)) in lengths.into_iter().zip(gaps).enumerate() {
        let gap = gap + i64::from(i > 0);
        start = start + Days::new(gap.unsigned_abs());
        let end = start + Days::new((length + 1).unsigned_abs());
        episodes.push(Span { start, end });
        start = end;
    }
    episodes
}

/// Divides a whole number into `n_parts` whole numbers of zero or more, cut at uniform points.
fn divide(total: i64, n_parts: i64, draws: &mut Stream) -> Vec<i64> {
    let mut cuts: Vec<i64> = (1..n_parts).map(|_| between(0, total, draws)).collect();
    cuts.sort_unstable();
    cuts.push(total);
    let mut before = 0;
    cuts.into_iter()
        .map(|cut| cut - std::mem::replace(&mut before, cut))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::day;

    #[test]
    fn episodes_hold_exactly_the_nights_and_never_touch() {
        let span = Span {
            start: day(2021, 9, 1),
            end: day(2023, 9, 1),
        };
        for nights in [0, 1, 5, 29, 365, 729, 730] {
            for replicate in 0..200 {
                let episodes = lay(nights, span, &mut Stream::new(1, "test", replicate));
                assert_eq!(
                    episodes.iter().map(|episode| episode.days()).sum::<i64>(),
                    nights
                );
                assert!(episodes.iter().all(|episode| episode.days() > 0));
                assert!(
                    episodes
                        .iter()
                        .all(|episode| span.start <= episode.start && episode.end <= span.end)
                );
                assert!(episodes.windows(2).all(|pair| pair[0].end < pair[1].start));
            }
        }
    }
}
