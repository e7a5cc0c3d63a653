//! How often, of two rows, the one with the higher predicted hazard has the event first.
//!
//! Harrell, Lee & Mark (1996), <https://doi.org/10.1002/(SICI)1097-0258(19960229)15:4%3C361::AID-SIM168%3E3.0.CO;2-4>.

use super::Durations;
use super::risk::RiskOrder;
use crate::Grouping;

/// The concordance and its infinitesimal-jackknife error, rows of a cluster together.
pub(super) fn concordance(
    data: &Durations<'_>,
    score: &[f64],
    strata: &[Vec<usize>],
    weight: &[f64],
    clusters: Option<&Grouping>,
) -> (f64, f64) {
    let n = score.len();
    let mut pairs = vec![Pairs::default(); n];
    for rows in strata {
        let stratum = Stratum {
            data,
            order: RiskOrder::of(data, rows),
            rank: ranks(rows, score),
            weight,
        };
        stratum.of_those_first(&mut pairs);
        stratum.of_those_later(&mut pairs);
    }
    // Every pair is counted for both of its rows.
    let (mut agree, mut total) = (0.0, 0.0);
    for (pair, w) in pairs.iter().zip(weight) {
        agree += 0.5 * w * pair.agree;
        total += 0.5 * w * pair.total;
    }
    let value = agree / total;
    let influence: Vec<f64> = pairs
        .iter()
        .zip(weight)
        .map(|(pair, w)| w * (pair.agree - value * pair.total) / total)
        .collect();
    let sums = clusters.map_or_else(|| influence.clone(), |way| way.sums(&influence));
    (value, sums.iter().map(|v| v * v).sum::<f64>().sqrt())
}

/// The weight of a row's partners, and of those it agrees with; a tied score agrees by half.
#[derive(Debug, Clone, Copy, Default)]
struct Pairs {
    agree: f64,
    total: f64,
}

struct Stratum<'a> {
    data: &'a Durations<'a>,
    order: RiskOrder,
    /// The rank of each row's score, the same where scores are tied.
    rank: Vec<u32>,
    weight: &'a [f64],
}

impl Stratum<'_> {
    fn rank(&self, place: usize) -> usize {
        self.rank[self.order.leaving[place]] as usize
    }

    fn weight(&self, place: usize) -> f64 {
        self.weight[self.order.leaving[place]]
    }

    fn scale(&self) -> Scale {
        let n_ranks = self.order.leaving.iter().map(|&row| self.rank[row]);
        Scale::new(n_ranks.max().map_or(0, |rank| rank as usize + 1))
    }

    /// Of each row with the event: those at risk then that do not have it then.
    fn of_those_first(&self, pairs: &mut [Pairs]) {
        let mut at_risk = self.scale();
        self.order.backwards(
            &mut at_risk,
            |at_risk, place| at_risk.add(self.rank(place), self.weight(place)),
            |at_risk, place| at_risk.add(self.rank(place), -self.weight(place)),
            |at_risk, moment| {
                let here = moment.events.clone();
                let change = |scale: &mut Scale, sign: f64| {
                    here.clone().for_each(|place| {
                        scale.add(self.rank(place), sign * self.weight(place));
                    });
                };
                change(at_risk, -1.0);
                for place in here.clone() {
                    let (below, tied, total) = at_risk.around(self.rank(place));
                    let pair = &mut pairs[self.order.leaving[place]];
                    pair.agree += below + 0.5 * tied;
                    pair.total += total;
                }
                change(at_risk, 1.0);
            },
        );
    }

    /// Of each row: those that had the event before it left, or as it left without the event, and
    /// after it entered.
    fn of_those_later(&self, pairs: &mut [Pairs]) {
        let data = self.data;
        let mut known = self.scale();
        let mut moments = self.order.moments.iter().rev().peekable();
        // What is known before a time, or up to and at it, is asked for in order of time.
        let mut asked: Vec<(f64, bool, usize, f64)> = Vec::new();
        for &row in &self.order.leaving {
            asked.push((data.stop[row], !data.event[row], row, 1.0));
            if let Some(start) = data.start {
                asked.push((start[row], true, row, -1.0));
            }
        }
        asked.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)).then(a.2.cmp(&b.2)));
        for (time, inclusive, row, sign) in asked {
            while let Some(moment) =
                moments.next_if(|moment| moment.time < time || inclusive && moment.time <= time)
            {
                for place in moment.events.clone() {
                    known.add(self.rank(place), self.weight(place));
                }
            }
            let (below, tied, total) = known.around(self.rank[row] as usize);
            let pair = &mut pairs[row];
            pair.agree += sign * (total - below - 0.5 * tied);
            pair.total += sign * total;
        }
    }
}

/// Ranks of scores; those a rounding error apart are tied.
fn ranks(rows: &[usize], score: &[f64]) -> Vec<u32> {
    let mut order = rows.to_vec();
    order.sort_unstable_by(|&a, &b| score[a].total_cmp(&score[b]).then(a.cmp(&b)));
    let mut ranks = vec![0; score.len()];
    let (mut rank, mut first) = (0, f64::NAN);
    for row in order {
        let own = score[row];
        if first.is_nan() {
            first = own;
        } else if own - first > 1e-13 * (1.0 + own.abs()) {
            (rank, first) = (rank + 1, own);
        }
        ranks[row] = rank;
    }
    ranks
}

/// Weights by rank, with sums below a rank in logarithmic time.
///
/// Fenwick (1994), <https://doi.org/10.1002/spe.4380240306>.
struct Scale {
    tree: Vec<f64>,
    own: Vec<f64>,
    total: f64,
}

impl Scale {
    fn new(n_ranks: usize) -> Self {
        Self {
            tree: vec![0.0; n_ranks + 1],
            own: vec![0.0; n_ranks],
            total: 0.0,
        }
    }

    fn add(&mut self, rank: usize, weight: f64) {
        self.own[rank] += weight;
        self.total += weight;
        let mut node = rank + 1;
        while node < self.tree.len() {
            self.tree[node] += weight;
            node += node & node.wrapping_neg();
        }
    }

    /// Weight below a rank, at it, and of all.
    fn around(&self, rank: usize) -> (f64, f64, f64) {
        let (mut below, mut node) = (0.0, rank);
        while node > 0 {
            below += self.tree[node];
            node -= node & node.wrapping_neg();
        }
        (below, self.own[rank], self.total)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every pair by itself.
    fn by_pairs(data: &Durations<'_>, score: &[f64], weight: &[f64]) -> (f64, f64) {
        let n = score.len();
        let (mut agree, mut total) = (0.0, 0.0);
        let mut pairs = vec![Pairs::default(); n];
        for first in (0..n).filter(|&row| data.event[row]) {
            let time = data.stop[first];
            for other in (0..n).filter(|&other| other != first) {
                let is_there =
                    data.stop[other] >= time && data.start.is_none_or(|start| start[other] < time);
                if !is_there || data.event[other] && data.stop[other] <= time {
                    continue;
                }
                let points = match score[first].total_cmp(&score[other]) {
                    std::cmp::Ordering::Greater => 1.0,
                    std::cmp::Ordering::Equal => 0.5,
                    std::cmp::Ordering::Less => 0.0,
                };
                agree += weight[first] * weight[other] * points;
                total += weight[first] * weight[other];
                for (row, partner) in [(first, other), (other, first)] {
                    pairs[row].agree += weight[partner] * points;
                    pairs[row].total += weight[partner];
                }
            }
        }
        let value = agree / total;
        let square = pairs.iter().zip(weight).map(|(pair, w)| {
            let influence = w * (pair.agree - value * pair.total) / total;
            influence * influence
        });
        (value, square.sum::<f64>().sqrt())
    }

    #[test]
    fn it_is_what_a_count_of_every_pair_gives() {
        let n = 90_usize;
        let value = |i: usize, k: usize, m: usize| ((i * k + i * i) % m) as f64;
        let start: Vec<f64> = (0..n).map(|i| value(i, 7, 11)).collect();
        let stop: Vec<f64> = (0..n).map(|i| start[i] + 1.0 + value(i, 5, 13)).collect();
        let event: Vec<bool> = (0..n).map(|i| i % 3 != 1).collect();
        let score: Vec<f64> = (0..n).map(|i| value(i, 3, 17)).collect();
        let weight: Vec<f64> = (0..n).map(|i| 1.0 + value(i, 1, 3)).collect();
        for start in [None, Some(start.as_slice())] {
            let data = Durations {
                start,
                stop: &stop,
                event: &event,
            };
            let found = concordance(&data, &score, &[(0..n).collect()], &weight, None);
            let expected = by_pairs(&data, &score, &weight);
            assert!(
                (found.0 - expected.0).abs() < 1e-12,
                "{found:?} {expected:?}"
            );
            assert!(
                (found.1 - expected.1).abs() < 1e-12,
                "{found:?} {expected:?}"
            );
        }
    }
}
