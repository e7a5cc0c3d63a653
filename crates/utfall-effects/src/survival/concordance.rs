//! How often, of two rows, the one with the higher predicted hazard has the event first.
//!
//! Harrell, Lee & Mark (1996), <https://doi.org/10.1002/(SICI)1097-0258(19960229)15:4%3C361::AID-SIM168%3E3.0.CO;2-4>.

use super::Durations;
use crate::Grouping;

/// The concordance and its infinitesimal-jackknife error, rows of a cluster together.
pub(super) fn concordance(
    data: &Durations<'_>,
    score: &[f64],
    strata: &Grouping,
    weight: &[f64],
    clusters: Option<&Grouping>,
) -> (f64, f64) {
    let n = score.len();
    let (mut agree, mut total) = (0.0, 0.0);
    let (mut of_agree, mut of_total) = (vec![0.0; n], vec![0.0; n]);
    for first in (0..n).filter(|&row| data.event[row]) {
        let time = data.stop[first];
        for other in 0..n {
            let apart = other == first || strata.codes()[other] != strata.codes()[first];
            if apart || !data.is_at_risk(other, time) || data.ends_at(other, time) {
                continue;
            }
            let points = match score[first].total_cmp(&score[other]) {
                std::cmp::Ordering::Greater => 1.0,
                _ if (score[first] - score[other]).abs() <= 1e-13 * (1.0 + score[first].abs()) => {
                    0.5
                }
                _ => 0.0,
            };
            let pair = weight[first] * weight[other];
            agree += pair * points;
            total += pair;
            for (row, partner) in [(first, other), (other, first)] {
                of_agree[row] += weight[partner] * points;
                of_total[row] += weight[partner];
            }
        }
    }
    let value = agree / total;
    let influence: Vec<f64> = (0..n)
        .map(|row| weight[row] * (of_agree[row] - value * of_total[row]) / total)
        .collect();
    let sums = clusters.map_or_else(|| influence.clone(), |way| way.sums(&influence));
    (value, sums.iter().map(|v| v * v).sum::<f64>().sqrt())
}
