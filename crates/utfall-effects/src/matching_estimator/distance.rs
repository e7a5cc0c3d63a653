//! Covariates made comparable, and the nearest units of an arm.

use utfall_stats::moments::{count, mean, mean_and_variance};
use utfall_stats::sums::sum_of;

use super::MatchMetric;
use crate::{EffectError, Grouping};

/// Share of a coordinate's variance that must be left after those before it are taken out.
const LEAST_NEW: f64 = 1e-12;

/// Covariates on a scale on which the distance is Euclidean, one column each.
pub(super) fn scaled(
    metric: MatchMetric,
    covariates: &[&[f64]],
) -> Result<Vec<Vec<f64>>, EffectError> {
    let mut points: Vec<Vec<f64>> = Vec::with_capacity(covariates.len());
    for (column, values) in covariates.iter().enumerate() {
        let (centre, variance) = mean_and_variance(values);
        if variance <= 0.0 || !variance.is_finite() {
            return Err(EffectError::RankDeficient { column });
        }
        let root = variance.sqrt();
        let mut left: Vec<f64> = values.iter().map(|value| (value - centre) / root).collect();
        if metric == MatchMetric::Mahalanobis {
            // Taking the coordinates before it out of each is the factor of the inverse covariance.
            for _pass in 0..2 {
                for before in &points {
                    let share =
                        sum_of(left.len(), |row| before[row] * left[row]) / count(left.len());
                    left.iter_mut()
                        .zip(before)
                        .for_each(|(value, along)| *value -= share * along);
                }
            }
            let square = sum_of(left.len(), |row| left[row] * left[row]) / count(left.len());
            if square <= LEAST_NEW {
                return Err(EffectError::RankDeficient { column });
            }
            left.iter_mut().for_each(|value| *value /= square.sqrt());
        }
        points.push(left);
    }
    Ok(points)
}

/// The widest difference allowed in each covariate.
pub(super) fn widths(caliper: f64, covariates: &[&[f64]]) -> Vec<f64> {
    let width = |values: &&[f64]| {
        let centre = mean(values);
        let square = sum_of(values.len(), |row| {
            (values[row] - centre) * (values[row] - centre)
        });
        caliper * (square / count(values.len())).sqrt()
    };
    covariates.iter().map(width).collect()
}

/// Units of each arm (and exact group) in the order of their first coordinate, so that a search can
/// stop where that coordinate alone is too far.
pub(super) struct Neighbours<'a> {
    points: &'a [Vec<f64>],
    covariates: &'a [&'a [f64]],
    widths: Option<&'a [f64]>,
    group: Vec<usize>,
    /// For each arm and group, its units.
    sorted: [Vec<Vec<usize>>; 2],
}

impl<'a> Neighbours<'a> {
    pub(super) fn of(
        points: &'a [Vec<f64>],
        covariates: &'a [&'a [f64]],
        treated: &[bool],
        exact: Option<&Grouping>,
        widths: Option<&'a [f64]>,
    ) -> Self {
        let group = exact.map_or_else(|| vec![0; treated.len()], |way| way.codes().to_vec());
        let n_groups = exact.map_or(1, Grouping::n_groups);
        let mut sorted = [vec![Vec::new(); n_groups], vec![Vec::new(); n_groups]];
        let mut order: Vec<usize> = (0..treated.len()).collect();
        order.sort_by(|&a, &b| points[0][a].total_cmp(&points[0][b]).then(a.cmp(&b)));
        for unit in order {
            sorted[usize::from(treated[unit])][group[unit]].push(unit);
        }
        Self {
            points,
            covariates,
            widths,
            group,
            sorted,
        }
    }

    /// The nearest units of an arm and all that are as near as the last of them, in the order of
    /// the rows; the unit itself is one of its own arm. Fewer if there are no more.
    pub(super) fn nearest(
        &self,
        unit: usize,
        arm: bool,
        wanted: usize,
        tolerance: f64,
    ) -> Vec<usize> {
        let sorted = &self.sorted[usize::from(arm)][self.group[unit]];
        let first = &self.points[0];
        let here = first[unit];
        let mut above = sorted.partition_point(|&other| first[other] < here);
        let mut below = above;
        let mut best: Vec<f64> = Vec::with_capacity(wanted + 1);
        let mut seen: Vec<(f64, usize)> = Vec::new();
        loop {
            let up = sorted
                .get(above)
                .map_or(f64::INFINITY, |&other| first[other] - here);
            let down = match below {
                0 => f64::INFINITY,
                _ => here - first[sorted[below - 1]],
            };
            let gap = up.min(down);
            let full = best.len() == wanted;
            if gap.is_infinite() || full && gap * gap > best[wanted - 1] + tolerance {
                break;
            }
            let other = if up <= down {
                above += 1;
                sorted[above - 1]
            } else {
                below -= 1;
                sorted[below]
            };
            if !self.within(unit, other) {
                continue;
            }
            let square = self.square(unit, other);
            if !full || square <= best[wanted - 1] + tolerance {
                seen.push((square, other));
                let at = best.partition_point(|&known| known <= square);
                best.insert(at, square);
                best.truncate(wanted);
            }
        }
        let Some(&last) = best.last() else {
            return Vec::new();
        };
        let near = seen
            .into_iter()
            .filter(|(square, _)| *square <= last + tolerance);
        let mut near: Vec<usize> = near.map(|(_, other)| other).collect();
        near.sort_unstable();
        near
    }

    fn square(&self, unit: usize, other: usize) -> f64 {
        let apart = |column: &Vec<f64>| column[unit] - column[other];
        self.points
            .iter()
            .map(|column| apart(column) * apart(column))
            .sum()
    }

    fn within(&self, unit: usize, other: usize) -> bool {
        self.widths.is_none_or(|widths| {
            let mut columns = self.covariates.iter().zip(widths);
            columns.all(|(column, width)| (column[unit] - column[other]).abs() <= *width)
        })
    }
}
