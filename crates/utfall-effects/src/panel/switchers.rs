//! Treatment of any dose that units take up, leave or change at different times: effects by time since
//! the first change, compared with units of the same first dose that have not changed yet.
//!
//! A unit's effect counts with the sign of its change. What happens after the first change is part of the
//! effect. Placebos compare the same units over as many times before. Errors take what each unit adds to
//! the estimate, less what units like it add on average; packages differ in who is like whom.
//!
//! de Chaisemartin & D'Haultfœuille (2024), <https://doi.org/10.1162/rest_a_01414>.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use utfall_stats::moments::count;

use crate::regression::check_finite;
use crate::times::ranks;
use crate::{EffectError, Grouping};

/// What the influence of a unit is centred at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SwitcherCohorts {
    /// All it adds, at the mean of units with its first dose and time of change (the paper;
    /// `diff-diff`).
    Change,
    /// Each comparison it takes part in, at the mean of those that change to its dose, or of those that
    /// have not changed, over `√((n − 1) / n)`; where it is alone, of both together (`did_multiplegt_dyn`).
    Comparison,
    /// As [`SwitcherCohorts::Comparison`], with clusters counted as `moderndid` 0.2.0 does, where rows outside of
    /// a cohort pass for one cluster more: units of the same first dose that are no comparators, and for
    /// placebos the other times of those that change together.
    Moderndid,
}

/// An effect so many times after the first change, or a placebo as many before.
#[derive(Debug, Clone, PartialEq)]
pub struct SwitcherEffect {
    /// 1 for the time of the change; below zero for placebos.
    pub horizon: i32,
    /// The average over units that changed.
    pub point: f64,
    /// Units that changed and are in it.
    pub n_switchers: usize,
    /// Units at times that are in it, comparators too.
    pub n_cells: usize,
    /// What each unit adds to it, centred; their sum of squares is the variance.
    pub influence: Vec<f64>,
    /// The sum of changes of the dose, in size, over units that changed.
    pub dose: f64,
}

/// A balanced panel of doses.
pub struct Switchers<'a> {
    outcome: &'a [f64],
    table: Vec<Vec<usize>>,
    dose: Vec<Vec<f64>>,
    /// The time of the first change, if any, and its sign.
    change: Vec<Option<(usize, f64)>>,
    /// Whose errors go with each unit's; its own unless told otherwise.
    cluster: Vec<usize>,
    is_clustered: bool,
}

/// Units that change together, and those they are compared with.
struct Comparison {
    switchers: Vec<usize>,
    comparators: Vec<usize>,
    times: [usize; 2],
    now: usize,
}

/// Clusters that a cohort is counted to have beside its own.
#[derive(Default)]
struct Beside {
    switchers: usize,
    comparators: usize,
    both: usize,
}

impl<'a> Switchers<'a> {
    /// Takes rows of a balanced panel apart by unit and time.
    ///
    /// # Errors
    ///
    /// [`EffectError::LengthMismatch`] and [`EffectError::NotFinite`] for malformed slices;
    /// [`EffectError::DuplicateInPanel`] and [`EffectError::GapInPanel`] for what is no balanced panel, and
    /// [`EffectError::NoGroups`] where no dose changes.
    pub fn new(
        unit: &Grouping,
        time: &[f64],
        dose: &[f64],
        outcome: &'a [f64],
    ) -> Result<Self, EffectError> {
        let n = outcome.len();
        check_finite("outcome", outcome, n)?;
        check_finite("time", time, n)?;
        check_finite("dose", dose, n)?;
        if unit.len() != n {
            return Err(EffectError::LengthMismatch {
                what: "unit",
                found: unit.len(),
                expected: n,
            });
        }
        let (rank, n_times) = ranks(time);
        let mut found = vec![vec![None; n_times]; unit.n_groups()];
        for row in 0..n {
            if found[unit.codes()[row]][rank[row]].replace(row).is_some() {
                return Err(EffectError::DuplicateInPanel { row });
            }
        }
        let mut table = Vec::new();
        for line in found {
            let whole: Option<Vec<usize>> = line.iter().copied().collect();
            table.push(whole.ok_or(EffectError::GapInPanel {
                row: line.iter().flatten().copied().next().unwrap_or(0),
            })?);
        }
        let dose: Vec<Vec<f64>> = table
            .iter()
            .map(|line| line.iter().map(|&row| dose[row]).collect())
            .collect();
        let change: Vec<Option<(usize, f64)>> = dose
            .iter()
            .map(|line| {
                let place = line
                    .iter()
                    .position(|value| value.total_cmp(&line[0]).is_ne())?;
                Some((place, (line[place] - line[0]).signum()))
            })
            .collect();
        if change.iter().all(Option::is_none) {
            return Err(EffectError::NoGroups);
        }
        Ok(Self {
            outcome,
            cluster: (0..table.len()).collect(),
            is_clustered: false,
            table,
            dose,
            change,
        })
    }

    /// Units of a cluster have errors that go together: small cohorts are judged, and their influences
    /// scaled, by how many clusters they come from. Sum the influences within clusters, which are given
    /// by unit, before they are squared.
    ///
    /// # Errors
    ///
    /// [`EffectError::LengthMismatch`] unless there is one for each unit.
    pub fn clustered(mut self, way: &Grouping) -> Result<Self, EffectError> {
        if way.len() != self.table.len() {
            return Err(EffectError::LengthMismatch {
                what: "cluster",
                found: way.len(),
                expected: self.table.len(),
            });
        }
        self.cluster = way.codes().to_vec();
        self.is_clustered = true;
        Ok(self)
    }

    /// The effect at a horizon: 1 at the time of the change and so on, -1 and so on for placebos.
    ///
    /// # Errors
    ///
    /// [`EffectError::OutsideRange`] at zero, and [`EffectError::NoComparators`] where no unit that changed
    /// has a comparator there.
    ///
    /// # Reference
    ///
    /// de Chaisemartin & D'Haultfœuille (2024), *Review of Economics and Statistics*, equations 3–5.
    pub fn effect(
        &self,
        horizon: i32,
        cohorts: SwitcherCohorts,
    ) -> Result<SwitcherEffect, EffectError> {
        if horizon == 0 {
            return Err(EffectError::OutsideRange {
                what: "horizon",
                value: 0.0,
            });
        }
        let comparisons = self.comparisons(horizon);
        let n_switchers: usize = comparisons.iter().map(|one| one.switchers.len()).sum();
        if n_switchers == 0 {
            return Err(EffectError::NoComparators);
        }
        let mut raw = vec![0.0; self.table.len()];
        let mut centred = vec![0.0; self.table.len()];
        let (mut n_cells, mut dose) = (0, 0.0);
        for one in &comparisons {
            n_cells += one.switchers.len() + one.comparators.len();
            for &unit in &one.switchers {
                dose += (self.dose[unit][one.now] - self.dose[unit][0]).abs();
            }
            self.add(one, cohorts, &mut raw, &mut centred);
        }
        let total = count(n_switchers);
        let point = raw.iter().sum::<f64>() / total;
        if cohorts == SwitcherCohorts::Change {
            centred = self.by_change(&raw);
        }
        centred.iter_mut().for_each(|value| *value /= total);
        Ok(SwitcherEffect {
            horizon,
            point,
            n_switchers,
            n_cells,
            influence: centred,
            dose,
        })
    }

    fn comparisons(&self, horizon: i32) -> Vec<Comparison> {
        let n_times = self.table[0].len();
        let ahead = usize::try_from(horizon.unsigned_abs()).unwrap_or(usize::MAX);
        let mut groups: BTreeMap<(usize, u64), Vec<usize>> = BTreeMap::new();
        for (unit, change) in self.change.iter().enumerate() {
            if let Some((place, _)) = change {
                groups
                    .entry((*place, ordered(self.dose[unit][0])))
                    .or_default()
                    .push(unit);
            }
        }
        let mut found = Vec::new();
        for ((place, first), switchers) in groups {
            let now = (place - 1).saturating_add(ahead);
            if now >= n_times || (horizon < 0 && place - 1 < ahead) {
                continue;
            }
            let still = |unit: &usize| {
                ordered(self.dose[*unit][0]) == first
                    && self.change[*unit].is_none_or(|(other, _)| other > now)
            };
            let comparators: Vec<usize> = (0..self.table.len()).filter(still).collect();
            if !comparators.is_empty() {
                let other = if horizon > 0 { now } else { place - 1 - ahead };
                found.push(Comparison {
                    switchers,
                    comparators,
                    times: [place - 1, other],
                    now,
                });
            }
        }
        found
    }

    /// Adds what units add to the sum over those that changed: as it is, and centred within the
    /// comparison.
    fn add(
        &self,
        one: &Comparison,
        cohorts: SwitcherCohorts,
        raw: &mut [f64],
        centred: &mut [f64],
    ) {
        let difference = |unit: usize| {
            let [from, to] = one.times.map(|time| self.outcome[self.table[unit][time]]);
            to - from
        };
        let n_clusters = |units: &[usize]| {
            let found: BTreeSet<usize> = units.iter().map(|&unit| self.cluster[unit]).collect();
            found.len()
        };
        let centre = |units: &[usize], n: usize| {
            let total: f64 = units.iter().map(|&unit| difference(unit)).sum();
            let n = count(n);
            let factor = if n > 1.0 { (n / (n - 1.0)).sqrt() } else { 1.0 };
            (total / count(units.len()), factor)
        };
        let both: Vec<usize> = one
            .switchers
            .iter()
            .chain(&one.comparators)
            .copied()
            .collect();
        let beside = self.passing_for_a_cluster(one, cohorts);
        let like = |units: &[usize], more: usize| match n_clusters(units) + more {
            n if n > 1 => centre(units, n),
            _ => centre(&both, n_clusters(&both) + beside.both),
        };
        let mut add = |units: &[usize], weight: f64, (mean, factor): (f64, f64)| {
            for &unit in units {
                raw[unit] += weight * difference(unit);
                centred[unit] += weight * factor * (difference(unit) - mean);
            }
        };
        let reached: BTreeSet<u64> = one
            .switchers
            .iter()
            .map(|&unit| self.reached(unit))
            .collect();
        let comparators = like(&one.comparators, beside.comparators);
        for dose in reached {
            let units: Vec<usize> = one
                .switchers
                .iter()
                .copied()
                .filter(|&unit| self.reached(unit) == dose)
                .collect();
            let sign = self.change[units[0]].map_or(0.0, |(_, sign)| sign);
            add(&units, sign, like(&units, beside.switchers));
            let share = count(units.len()) / count(one.comparators.len());
            add(&one.comparators, -sign * share, comparators);
        }
    }

    /// How many clusters more each cohort is counted to be.
    fn passing_for_a_cluster(&self, one: &Comparison, cohorts: SwitcherCohorts) -> Beside {
        if cohorts != SwitcherCohorts::Moderndid || !self.is_clustered {
            return Beside::default();
        }
        let first = |unit: usize| ordered(self.dose[unit][0]);
        let alike = (0..self.table.len())
            .filter(|&unit| first(unit) == first(one.switchers[0]))
            .count();
        let is_placebo = one.times[1] < one.times[0];
        Beside {
            switchers: usize::from(is_placebo),
            comparators: 1,
            both: usize::from(alike > one.switchers.len() + one.comparators.len()),
        }
    }

    /// The dose a unit first changes to.
    fn reached(&self, unit: usize) -> u64 {
        self.change[unit].map_or(0, |(place, _)| ordered(self.dose[unit][place]))
    }

    /// Less the mean of units with the same first dose and time of change; zero for one alone.
    fn by_change(&self, raw: &[f64]) -> Vec<f64> {
        let labels: Vec<(u64, Option<usize>)> = (0..raw.len())
            .map(|unit| {
                (
                    ordered(self.dose[unit][0]),
                    self.change[unit].map(|(place, _)| place),
                )
            })
            .collect();
        let way = Grouping::of(&labels);
        let sums = way.sums(raw);
        let sizes = way.sums(&vec![1.0; raw.len()]);
        raw.iter()
            .zip(way.codes())
            .map(|(value, &g)| value - sums[g] / sizes[g])
            .collect()
    }

    /// The first row of each unit, in the order of influences.
    #[must_use]
    pub fn first_rows(&self) -> Vec<usize> {
        self.table.iter().map(|line| line[0]).collect()
    }
}

/// Bits of a float in the order of its value, with both zeros as one.
fn ordered(value: f64) -> u64 {
    let bits = (value + 0.0).to_bits();
    if bits >> 63 == 1 {
        !bits
    } else {
        bits | (1 << 63)
    }
}

/// Effects of several horizons for each unit of dose: their sum over units that changed, over the sum of
/// changes of the dose; with its influences.
#[must_use]
pub fn per_dose(effects: &[SwitcherEffect]) -> (f64, Vec<f64>) {
    let dose: f64 = effects.iter().map(|effect| effect.dose).sum();
    let share = |effect: &SwitcherEffect| count(effect.n_switchers) / dose;
    let point = effects
        .iter()
        .map(|effect| share(effect) * effect.point)
        .sum();
    let n = effects.first().map_or(0, |effect| effect.influence.len());
    let influence = (0..n)
        .map(|unit| {
            effects
                .iter()
                .map(|effect| share(effect) * effect.influence[unit])
                .sum()
        })
        .collect();
    (point, influence)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaving_counts_with_the_opposite_sign() {
        // Unit 0 joins at 2, unit 1 leaves at 2; 2 and 4 are never treated, 3 and 5 always.
        let unit = Grouping::of(&[0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]);
        let time = [1.0, 2.0].repeat(6);
        let dose = [0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 1.0];
        let outcome = [1.0, 4.0, 5.0, 3.0, 2.0, 3.0, 6.0, 7.0, 0.0, 1.0, 1.0, 2.0];
        let panel = Switchers::new(&unit, &time, &dose, &outcome).unwrap();
        for cohorts in [SwitcherCohorts::Change, SwitcherCohorts::Comparison] {
            let found = panel.effect(1, cohorts).unwrap();
            // (3 − 1) and −(−2 − 1).
            assert!((found.point - 2.5).abs() < 1e-15);
            assert_eq!((found.n_switchers, found.n_cells), (2, 6));
        }
        assert_eq!(
            panel.effect(-1, SwitcherCohorts::Change),
            Err(EffectError::NoComparators)
        );
    }

    #[test]
    fn units_twice_in_a_cluster_of_their_own_have_the_error_of_once() {
        let once: Vec<(f64, f64, f64)> = (0..12)
            .flat_map(|unit| {
                let joins = unit < 5;
                (1..=2).map(move |time| {
                    let y = f64::from(unit * unit % 7) + f64::from(time * (unit % 5));
                    (f64::from(time), f64::from(u8::from(joins && time > 1)), y)
                })
            })
            .collect();
        let found = |copies: usize| {
            let rows: Vec<_> = once
                .chunks(2)
                .flat_map(|pair| pair.repeat(copies))
                .collect();
            let n_units = 12 * copies;
            let ids: Vec<usize> = (0..rows.len())
                .map(|row| row / (2 * copies) * copies + row % (2 * copies) / 2)
                .collect();
            let [time, dose, outcome] = [0, 1, 2].map(|which| {
                rows.iter()
                    .map(|row| [row.0, row.1, row.2][which])
                    .collect::<Vec<f64>>()
            });
            let clusters: Vec<usize> = (0..n_units).map(|unit| unit / copies).collect();
            let way = Grouping::of(&clusters);
            let panel = Switchers::new(&Grouping::of(&ids), &time, &dose, &outcome)
                .and_then(|panel| panel.clustered(&way))
                .unwrap();
            let effect = panel.effect(1, SwitcherCohorts::Comparison).unwrap();
            let sums = way.sums(&effect.influence);
            (effect.point, sums.iter().map(|v| v * v).sum::<f64>())
        };
        let (one, two) = (found(1), found(2));
        assert!((one.0 - two.0).abs() < 1e-12 && (one.1 / two.1 - 1.0).abs() < 1e-12);
    }
}
