//! Tests and intervals of a synthetic control by moving its gaps along time.
//!
//! Under a hypothesis about the effect the treated outcomes without treatment are known at all times.
//! Weights are found from all of them, and the gaps after treatment are compared with what they would
//! be had time begun elsewhere: every cyclic shift counts alike. That is exact where gaps are
//! exchangeable, and near it where they are stationary.
//!
//! Chernozhukov, Wüthrich & Zhu (2021), <https://doi.org/10.1080/01621459.2021.1920957>.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use utfall_core::ConfidenceLevel;
use utfall_stats::InOrder;
use utfall_stats::moments::{count, mean};

use super::estimate::level;
use super::{Block, nearest_in_hull};
use crate::EffectError;

/// The effects that are tried.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ConformalGrid {
    /// The least effect.
    pub from: f64,
    /// The largest.
    pub to: f64,
    /// How many, both ends among them.
    pub points: usize,
    /// Level of the intervals. With `n` times before it can be no more than `n / (n + 1)`.
    pub confidence_level: ConfidenceLevel,
    /// Whether a constant between the treated and their comparison is free.
    pub constant: bool,
}

/// What is known of the effect at one time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ConformalTime {
    /// The time, counted from the first of all.
    pub time: usize,
    /// The p-value of no effect.
    pub p_value: f64,
    /// The least and the largest effect of the grid that is not rejected; `None` where all are.
    pub interval: Option<(f64, f64)>,
    /// Whether an end of the interval is an end of the grid, so that the interval may go on.
    pub at_edge: bool,
}

/// Tests and intervals at each time after treatment, the other times after left out.
///
/// # Errors
///
/// [`EffectError::OutsideRange`] for a grid of fewer than two points, without length, or a level that
/// the times before do not reach; what [`super::synthetic`] says of the block.
///
/// # Reference
///
/// Chernozhukov, Wüthrich & Zhu (2021), algorithm 2 with one time after.
pub fn conformal(block: &Block, grid: &ConformalGrid) -> Result<Vec<ConformalTime>, EffectError> {
    block.check()?;
    let refused = |what, value| Err(EffectError::OutsideRange { what, value });
    if grid.points < 2 {
        return refused("number of effects tried", count(grid.points));
    }
    if !(grid.from.is_finite() && grid.to.is_finite() && grid.from < grid.to) {
        return refused("last of the effects tried", grid.to);
    }
    let alpha = 1.0 - grid.confidence_level.fraction();
    if alpha * count(block.n_before + 1) < 1.0 - 1e-9 {
        return refused("confidence level", grid.confidence_level.fraction());
    }
    let target = block.mean_treated();
    let times: Vec<usize> = (block.n_before..target.len()).collect();
    let asked: Vec<(usize, Option<usize>)> = times
        .iter()
        .flat_map(|&time| {
            std::iter::once((time, None)).chain((0..grid.points).map(move |at| (time, Some(at))))
        })
        .collect();
    let step = (grid.to - grid.from) / count(grid.points - 1);
    let effect = |at: usize| grid.from + step * count(at);
    let found = asked
        .par_iter()
        .map(|&(time, at)| {
            let used: Vec<usize> = (0..block.n_before).chain([time]).collect();
            let gaps = gaps(
                block,
                &target,
                &used,
                &[at.map_or(0.0, effect)],
                grid.constant,
            )?;
            Ok(shifted_share(&gaps, 1))
        })
        .in_order()?;
    Ok(times
        .iter()
        .zip(found.chunks(grid.points + 1))
        .map(|(&time, p)| {
            let kept = |at: &usize| p[at + 1] > alpha + 1e-12;
            let least = (0..grid.points).find(kept);
            let most = (0..grid.points).rfind(kept);
            ConformalTime {
                time,
                p_value: p[0],
                interval: least.zip(most).map(|(a, b)| (effect(a), effect(b))),
                at_edge: least == Some(0) || most == Some(grid.points - 1),
            }
        })
        .collect())
}

/// The p-value of an effect of `effect` at every time after, all of them together.
///
/// # Errors
///
/// What [`super::synthetic`] says of the block.
///
/// # Reference
///
/// Chernozhukov, Wüthrich & Zhu (2021), algorithm 1 with `q = 1`.
pub fn joint_p_value(block: &Block, effect: f64, constant: bool) -> Result<f64, EffectError> {
    block.check()?;
    let target = block.mean_treated();
    let all: Vec<usize> = (0..target.len()).collect();
    let n_after = target.len() - block.n_before;
    let gaps = gaps(block, &target, &all, &vec![effect; n_after], constant)?;
    Ok(shifted_share(&gaps, n_after))
}

/// Treated less comparison at the times used, the effects taken from the last of them first.
fn gaps(
    block: &Block,
    target: &[f64],
    used: &[usize],
    effects: &[f64],
    constant: bool,
) -> Result<Vec<f64>, EffectError> {
    let mut without: Vec<f64> = used.iter().map(|&time| target[time]).collect();
    let first = used.len() - effects.len();
    for (value, effect) in without[first..].iter_mut().zip(effects) {
        *value -= effect;
    }
    let points: Vec<Vec<f64>> = block
        .donors
        .iter()
        .map(|line| {
            let values: Vec<f64> = used.iter().map(|&time| line[time]).collect();
            level(&values, constant)
        })
        .collect();
    let goal = level(&without, constant);
    let weights = nearest_in_hull(&points, &goal, 0.0)?.weight;
    let raw: Vec<f64> = (0..used.len())
        .map(|at| {
            let mixture: f64 = weights.iter().zip(&points).map(|(w, p)| w * p[at]).sum();
            goal[at] - mixture
        })
        .collect();
    let centre = if constant { mean(&raw) } else { 0.0 };
    Ok(raw.iter().map(|gap| gap - centre).collect())
}

/// The share of cyclic shifts after which the last `n_after` gaps are as large in sum.
fn shifted_share(gaps: &[f64], n_after: usize) -> f64 {
    let n = gaps.len();
    let size = |shift: usize| -> f64 {
        (n - n_after..n)
            .map(|at| gaps[(at + shift) % n].abs())
            .sum()
    };
    let own = size(0);
    let least = own * (1.0 - 1e-9);
    count((0..n).filter(|&shift| size(shift) >= least).count()) / count(n)
}

#[cfg(test)]
mod tests {
    use utfall_stats::draws::Stream;

    use super::*;

    fn block(draw: u64, effect: f64) -> Block {
        let mut stream = Stream::new(8, "conformal", draw);
        let factor: Vec<f64> = (0..25).map(|_| stream.normal()).collect();
        let donors: Vec<Vec<f64>> = (0..8)
            .map(|_| {
                let load = stream.uniform();
                factor
                    .iter()
                    .map(|f| load * f + 0.3 * stream.normal())
                    .collect()
            })
            .collect();
        let treated = (0..25)
            .map(|time| {
                let own = 0.5 * (donors[0][time] + donors[1][time]) + 0.3 * stream.normal();
                own + if time >= 20 { effect } else { 0.0 }
            })
            .collect();
        Block {
            donors,
            treated: vec![treated],
            n_before: 20,
        }
    }

    fn grid(constant: bool) -> ConformalGrid {
        ConformalGrid {
            from: -3.0,
            to: 6.0,
            points: 91,
            confidence_level: ConfidenceLevel::try_from(0.9).unwrap(),
            constant,
        }
    }

    #[test]
    fn intervals_hold_the_effect_as_often_as_they_say() {
        for constant in [false, true] {
            let mut held = 0;
            for draw in 0..40 {
                for one in conformal(&block(draw, 2.0), &grid(constant)).unwrap() {
                    let (low, high) = one.interval.unwrap();
                    assert!(!one.at_edge);
                    held += usize::from(low <= 2.0 + 1e-9 && high >= 2.0 - 1e-9);
                }
            }
            // Nominal 180 of 200, five times a series.
            assert!((168..=198).contains(&held), "{held}");
        }
    }

    #[test]
    fn a_large_effect_is_seen_and_none_is_not() {
        let seen =
            (0..40).filter(|&draw| joint_p_value(&block(draw, 2.0), 0.0, false).unwrap() <= 0.1);
        assert!(seen.count() >= 36);
        let wrong =
            (0..100).filter(|&draw| joint_p_value(&block(draw, 0.0), 0.0, false).unwrap() <= 0.2);
        assert!((8..=34).contains(&wrong.count()));
    }

    #[test]
    fn a_level_that_the_times_before_do_not_reach_is_refused() {
        let mut grid = grid(false);
        grid.confidence_level = ConfidenceLevel::try_from(0.99).unwrap();
        let error = conformal(&block(0, 1.0), &grid).unwrap_err();
        assert!(matches!(
            error,
            EffectError::OutsideRange {
                what: "confidence level",
                ..
            }
        ));
    }
}
