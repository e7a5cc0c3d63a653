//! Stacked difference-in-differences: for each group that starts together, its rows and those of clean
//! comparators around the start, one data set below the other.
//!
//! With the weights of Wing, Freedman and Hollingsworth a regression on the stack gives the average
//! effect over treated units; without them (Cengiz et al.) it weighs groups by their variance.
//!
//! Cengiz, Dube, Lindner & Zipperer (2019), <https://doi.org/10.1093/qje/qjz014>; Wing, Freedman &
//! Hollingsworth (2024), <https://doi.org/10.3386/w32054>.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use utfall_stats::moments::count;

use crate::regression::check_finite;
use crate::{EffectError, Grouping};

/// Who may be a comparator in the window of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CleanControls {
    /// Units that never start.
    NeverTreated,
    /// Units that start after the window, or never.
    NotYetTreated,
}

/// Rows of a panel, stacked by group.
#[derive(Debug, Clone, PartialEq)]
pub struct Stack {
    /// The row of the panel behind each row of the stack.
    pub row: Vec<usize>,
    /// The group each row of the stack is there for.
    pub group: Vec<f64>,
    /// Time since that group's start.
    pub exposure: Vec<f64>,
    /// Whether the unit is of the group.
    pub treated: Vec<bool>,
    /// The corrective weight: one for the treated, and for comparators what makes groups count as their
    /// treated units do.
    pub weight: Vec<f64>,
    /// Groups with all times of the window.
    pub groups: Vec<f64>,
    /// Groups left out because times of their window are not in the data.
    pub left_out: Vec<f64>,
    /// The comparators' weight, by group.
    pub comparator_weight: Vec<f64>,
}

/// Stacks rows with times from `before` before to `after` after each group's start.
///
/// `start` is when each row's unit starts; `None` for never.
///
/// # Errors
///
/// [`EffectError::LengthMismatch`], [`EffectError::NotFinite`] and [`EffectError::StartVaries`] for what
/// is no panel; [`EffectError::NoGroups`] where no group has a whole window, and
/// [`EffectError::NoComparators`] where a group has no clean comparator.
pub fn stack(
    unit: &Grouping,
    time: &[f64],
    start: &[Option<f64>],
    (before, after): (f64, f64),
    clean: CleanControls,
) -> Result<Stack, EffectError> {
    let n = time.len();
    check_finite("time", time, n)?;
    if unit.len() != n || start.len() != n {
        return Err(EffectError::LengthMismatch {
            what: "unit or start",
            found: start.len(),
            expected: n,
        });
    }
    let mut known: Vec<Option<usize>> = vec![None; unit.n_groups()];
    for row in 0..n {
        let first = *known[unit.codes()[row]].get_or_insert(row);
        let bits = |row: usize| start[row].map(f64::to_bits);
        if bits(row) != bits(first) {
            return Err(EffectError::StartVaries { row });
        }
    }
    let sorted = |values: Vec<f64>| {
        let mut values = values;
        values.sort_by(f64::total_cmp);
        values.dedup();
        values
    };
    let times = sorted(time.to_vec());
    let starts = sorted(start.iter().flatten().copied().collect());
    let has = |wanted: f64| times.iter().any(|time| time.total_cmp(&wanted).is_eq());
    let whole = |group: &f64| has(group - before) && has(group + after);
    let (groups, left_out): (Vec<f64>, Vec<f64>) = starts.into_iter().partition(whole);
    if groups.is_empty() {
        return Err(EffectError::NoGroups);
    }
    let mut found = Stack {
        row: vec![],
        group: vec![],
        exposure: vec![],
        treated: vec![],
        weight: vec![],
        groups,
        left_out,
        comparator_weight: vec![],
    };
    let mut sizes = Vec::new();
    for &group in &found.groups {
        let (mut own, mut others) = (BTreeSet::new(), BTreeSet::new());
        for row in 0..n {
            let exposure = time[row] - group;
            if exposure < -before || exposure > after {
                continue;
            }
            let treated = start[row].is_some_and(|start| start.total_cmp(&group).is_eq());
            let is_clean = match (start[row], clean) {
                (None, _) => true,
                (Some(_), CleanControls::NeverTreated) => false,
                (Some(start), CleanControls::NotYetTreated) => start > group + after,
            };
            if !treated && !is_clean {
                continue;
            }
            if treated { &mut own } else { &mut others }.insert(unit.codes()[row]);
            found.row.push(row);
            found.group.push(group);
            found.exposure.push(exposure);
            found.treated.push(treated);
        }
        if others.is_empty() {
            return Err(EffectError::NoComparators);
        }
        sizes.push((count(own.len()), count(others.len())));
    }
    let (treated, comparators) = sizes
        .iter()
        .fold((0.0, 0.0), |(a, b), (own, others)| (a + own, b + others));
    found.comparator_weight = sizes
        .iter()
        .map(|(own, others)| (own / treated) / (others / comparators))
        .collect();
    let of_group = |group: f64| {
        let place = found.groups.partition_point(|&known| known < group);
        found.comparator_weight[place]
    };
    found.weight = found
        .treated
        .iter()
        .zip(&found.group)
        .map(|(&treated, &group)| if treated { 1.0 } else { of_group(group) })
        .collect();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_without_its_whole_window_is_left_out() {
        let unit = Grouping::of(&[0, 0, 0, 1, 1, 1, 2, 2, 2]);
        let time = [1.0, 2.0, 3.0, 1.0, 2.0, 3.0, 1.0, 2.0, 3.0];
        let start: Vec<Option<f64>> = [Some(2.0), Some(3.0), None]
            .into_iter()
            .flat_map(|start| [start; 3])
            .collect();
        let found = stack(
            &unit,
            &time,
            &start,
            (1.0, 1.0),
            CleanControls::NotYetTreated,
        )
        .unwrap();
        assert_eq!(found.groups, [2.0]);
        assert_eq!(found.left_out, [3.0]);
        assert_eq!(found.row, [0, 1, 2, 6, 7, 8]);
        assert_eq!(found.comparator_weight, [1.0]);
    }
}
