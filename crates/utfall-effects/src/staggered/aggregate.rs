//! What effects by group and time add up to: overall, by time since the start, by group, by time.
//!
//! Weights are the groups' shares of units, and their own sampling error is in the influences.
//!
//! Callaway & Sant'Anna (2021), section 3, <https://doi.org/10.1016/j.jeconom.2020.12.001>.

use serde::{Deserialize, Serialize};
use utfall_stats::moments::count;

use super::GroupTime;

/// What to add up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Aggregation {
    /// All effects from the start on.
    Simple,
    /// By time since the start; overall the mean from the start on.
    Dynamic,
    /// By group, over time; overall by the groups' shares.
    Group,
    /// By time, over groups; overall the mean over times.
    Calendar,
}

/// Which effects take part in an aggregation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Aggregations {
    /// What to add up to.
    pub kind: Aggregation,
    /// The least time since the start, in `dynamic`.
    pub least_exposure: f64,
    /// The most time since the start.
    pub most_exposure: f64,
    /// In `dynamic`, only groups seen at least this long after their start.
    pub balanced_at: Option<f64>,
}

/// A weighted mean of effects, with each unit's influence: the squared error is `mean(influence²)/n`.
#[derive(Debug, Clone, PartialEq)]
pub struct Aggregate {
    /// Time since the start, group or time; NaN for the overall effect.
    pub key: f64,
    /// The effect.
    pub effect: f64,
    /// Its influence; zeros where the effect is zero by definition.
    pub influence: Vec<f64>,
}

/// The overall effect, and the effects it is made of; those are empty for [`Aggregation::Simple`].
#[must_use]
pub fn aggregate(effects: &GroupTime, which: &Aggregations) -> (Aggregate, Vec<Aggregate>) {
    let shares = Shares::of(effects);
    let cells = || effects.cells.iter().enumerate();
    let most = which.most_exposure;
    match which.kind {
        Aggregation::Simple => {
            let chosen = cells()
                .filter(|(_, cell)| cell.group <= cell.time && cell.time <= cell.group + most);
            let chosen: Vec<usize> = chosen.map(|(index, _)| index).collect();
            (shares.weighted(f64::NAN, &chosen), Vec::new())
        }
        Aggregation::Group => {
            let each: Vec<Aggregate> = shares
                .groups
                .iter()
                .map(|&group| {
                    let of_group = cells().filter(|(_, cell)| {
                        cell.group.total_cmp(&group).is_eq()
                            && group - effects.anticipation <= cell.time
                            && cell.time <= group + most
                    });
                    let chosen: Vec<usize> = of_group.map(|(index, _)| index).collect();
                    shares.plain(group, &chosen)
                })
                .filter(|one| one.effect.is_finite())
                .collect();
            (shares.over_groups(&each), each)
        }
        Aggregation::Calendar => {
            let first = shares.groups.first().copied().unwrap_or(f64::INFINITY);
            let each = shares.by_key(
                |index| effects.cells[index].time,
                |index| {
                    let cell = &effects.cells[index];
                    cell.time >= first && cell.group <= cell.time
                },
            );
            (mean_of(&each, |_| true), each)
        }
        Aggregation::Dynamic => {
            let (last, first) = effects.span;
            let balanced = which.balanced_at;
            let each = shares.by_key(
                |index| effects.cells[index].time - effects.cells[index].group,
                |index| {
                    let cell = &effects.cells[index];
                    let exposure = cell.time - cell.group;
                    exposure >= which.least_exposure
                        && exposure <= most
                        && balanced.is_none_or(|at| {
                            last - cell.group >= at
                                && exposure <= at
                                && exposure >= at - last + first
                        })
                },
            );
            (mean_of(&each, |exposure| exposure >= 0.0), each)
        }
    }
}

/// Groups with their shares and what each unit contributes to those.
struct Shares<'a> {
    effects: &'a GroupTime,
    groups: Vec<f64>,
    shares: Vec<f64>,
    /// The group of each unit, as a place among the groups.
    group_of: Vec<Option<usize>>,
}

impl<'a> Shares<'a> {
    fn of(effects: &'a GroupTime) -> Self {
        let mut groups: Vec<f64> = effects.cells.iter().map(|cell| cell.group).collect();
        groups.sort_by(f64::total_cmp);
        groups.dedup();
        let place = |start: f64| {
            let place = groups.partition_point(|&known| known < start);
            let is_it = |group: &f64| group.total_cmp(&start).is_eq();
            groups.get(place).is_some_and(is_it).then_some(place)
        };
        let starts = effects.start.iter();
        Self {
            effects,
            group_of: starts.map(|start| start.and_then(place)).collect(),
            shares: groups.iter().map(|&group| effects.share(group)).collect(),
            groups,
        }
    }

    fn place(&self, group: f64) -> usize {
        self.groups.partition_point(|&known| known < group)
    }

    /// A mean weighted by the groups' shares, with the influence of the shares.
    fn weighted(&self, key: f64, chosen: &[usize]) -> Aggregate {
        let places: Vec<usize> = chosen
            .iter()
            .map(|&index| self.place(self.effects.cells[index].group))
            .collect();
        let parts: Vec<(f64, &[f64])> = chosen
            .iter()
            .map(|&index| {
                (
                    self.effects.cells[index].effect,
                    self.effects.cells[index].influence.as_slice(),
                )
            })
            .collect();
        self.combined(key, &places, &parts)
    }

    fn over_groups(&self, each: &[Aggregate]) -> Aggregate {
        let places: Vec<usize> = each.iter().map(|one| self.place(one.key)).collect();
        let parts: Vec<(f64, &[f64])> = each
            .iter()
            .map(|one| (one.effect, one.influence.as_slice()))
            .collect();
        self.combined(f64::NAN, &places, &parts)
    }

    fn combined(&self, key: f64, places: &[usize], parts: &[(f64, &[f64])]) -> Aggregate {
        let total: f64 = places.iter().map(|&place| self.shares[place]).sum();
        let effect: f64 = places
            .iter()
            .zip(parts)
            .map(|(&place, part)| self.shares[place] * part.0)
            .sum::<f64>()
            / total;
        // Effects of one group share its drift: add them up first.
        let mut by_group = vec![0.0; self.groups.len()];
        for (&place, part) in places.iter().zip(parts) {
            by_group[place] += (part.0 - effect) / total;
        }
        let mut influence = vec![0.0; self.effects.n_units()];
        for (&place, part) in places.iter().zip(parts) {
            let share = self.shares[place] / total;
            for (into, value) in influence.iter_mut().zip(part.1) {
                *into += share * value;
            }
        }
        // What a unit contributes to a group's share: its weight if it is in it, less the share.
        let all: f64 = by_group
            .iter()
            .zip(&self.shares)
            .map(|(along, share)| along * share)
            .sum();
        let units = influence
            .iter_mut()
            .zip(&self.group_of)
            .zip(&self.effects.weight);
        for ((into, group), weight) in units {
            *into += group.map_or(0.0, |place| by_group[place] * weight) - all;
        }
        Aggregate {
            key,
            effect,
            influence,
        }
    }

    /// A plain mean.
    fn plain(&self, key: f64, chosen: &[usize]) -> Aggregate {
        let cells = &self.effects.cells;
        let share = 1.0 / count(chosen.len());
        let mut influence = vec![0.0; self.effects.n_units()];
        for &index in chosen {
            for (into, value) in influence.iter_mut().zip(&cells[index].influence) {
                *into += share * value;
            }
        }
        let effect = chosen
            .iter()
            .map(|&index| cells[index].effect * share)
            .sum::<f64>();
        Aggregate {
            key,
            effect: if chosen.is_empty() { f64::NAN } else { effect },
            influence,
        }
    }

    fn by_key(
        &self,
        key: impl Fn(usize) -> f64,
        takes_part: impl Fn(usize) -> bool,
    ) -> Vec<Aggregate> {
        let chosen: Vec<usize> = (0..self.effects.cells.len())
            .filter(|&index| takes_part(index))
            .collect();
        let mut keys: Vec<f64> = chosen.iter().map(|&index| key(index)).collect();
        keys.sort_by(f64::total_cmp);
        keys.dedup();
        keys.into_iter()
            .map(|wanted| {
                let of_key = chosen
                    .iter()
                    .copied()
                    .filter(|&index| key(index).total_cmp(&wanted).is_eq());
                let of_key: Vec<usize> = of_key.collect();
                let is_base = of_key.iter().all(|&index| {
                    self.effects.cells[index]
                        .influence
                        .iter()
                        .all(|v| v.abs() <= 0.0)
                });
                if is_base {
                    self.plain(wanted, &of_key)
                } else {
                    self.weighted(wanted, &of_key)
                }
            })
            .collect()
    }
}

fn mean_of(each: &[Aggregate], takes_part: impl Fn(f64) -> bool) -> Aggregate {
    let chosen: Vec<&Aggregate> = each.iter().filter(|one| takes_part(one.key)).collect();
    let share = 1.0 / count(chosen.len());
    let n = each.first().map_or(0, |one| one.influence.len());
    let mut influence = vec![0.0; n];
    for one in &chosen {
        for (into, value) in influence.iter_mut().zip(&one.influence) {
            *into += share * value;
        }
    }
    Aggregate {
        key: f64::NAN,
        effect: chosen.iter().map(|one| share * one.effect).sum(),
        influence,
    }
}
