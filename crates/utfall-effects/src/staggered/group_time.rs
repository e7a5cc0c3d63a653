//! Effects by group and time where groups start treatment at different times.
//!
//! A group is the units that start at one time. Its effect at a time is a difference-in-differences
//! between that time and a period before its start, with units that are not treated as comparators;
//! no treated unit ever serves as one, so effects that differ by group or grow with time are no
//! trouble.
//!
//! Callaway & Sant'Anna (2021), <https://doi.org/10.1016/j.jeconom.2020.12.001>.

use std::num::NonZeroUsize;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use utfall_stats::moments::{count, mean};
use utfall_stats::sums::dot;
use utfall_stats::{Cholesky, InOrder, Matrix, gamma};

use super::cells::{Asked, seen_once, seen_twice};
use super::two_period::{Method, SectionErrors};
use crate::regression::check_finite;
use crate::times::{distinct, places};
use crate::{EffectError, Grouping};

/// The rows of a panel or of repeated cross-sections.
#[derive(Debug, Clone, Copy)]
pub struct PanelRows<'a> {
    /// The unit of each row.
    pub unit: &'a Grouping,
    /// The time of each row.
    pub time: &'a [f64],
    /// The outcome of each row.
    pub outcome: &'a [f64],
    /// When the row's unit starts treatment; `None` for never.
    pub start: &'a [Option<f64>],
    /// Covariates of each row, a constant first. Those of the earlier period count.
    pub columns: &'a [Vec<f64>],
    /// A weight above zero for each row.
    pub weight: &'a [f64],
}

/// Who serves as comparator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ComparisonGroup {
    /// Units that never start.
    NeverTreated,
    /// Units that have not started by then, never-treated ones among them.
    NotYetTreated,
}

/// The period that effects before the start are measured from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum BasePeriod {
    /// The period before each.
    Varying,
    /// The last period before the start, for all.
    Universal,
}

/// How units were sampled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sampling {
    /// Each unit at each time; a gap is an error.
    Panel,
    /// Units with a gap are left out.
    CompleteUnits,
    /// Rows as cross-sections, their influences added up by unit.
    UnbalancedPanel,
    /// Each row is a unit of its own.
    CrossSections,
}

/// How effects are estimated.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GroupTimeSpec {
    /// How covariates are used.
    pub method: Method,
    /// Who serves as comparator.
    pub comparison: ComparisonGroup,
    /// The base of effects before the start.
    pub base: BasePeriod,
    /// How long before its start a unit may already react, in units of time.
    pub anticipation: f64,
    /// How units were sampled.
    pub sampling: Sampling,
    /// Comparators with scores at or above this are left out.
    pub largest_score: f64,
    /// Of doubly robust effects from cross-sections; a panel does not look at it.
    pub section_errors: SectionErrors,
}

/// The effect on one group at one time.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// When the group starts.
    pub group: f64,
    /// The time.
    pub time: f64,
    /// The effect on the treated, in the outcome's unit.
    pub effect: f64,
    /// Each unit's influence: the squared error is `mean(influence²)/n`. Zeros in a base period,
    /// where the effect is zero by definition.
    pub influence: Vec<f64>,
}

/// Effects by group and time.
#[derive(Debug, Clone)]
pub struct GroupTime {
    /// Every cell, by group and then time.
    pub cells: Vec<Cell>,
    /// A row of each unit, in the order of influences.
    pub unit_rows: Vec<usize>,
    /// When each unit starts.
    pub start: Vec<Option<f64>>,
    /// Each unit's weight; their mean is one.
    pub weight: Vec<f64>,
    /// Units left out: treated in the first period, or with a gap.
    pub n_left_out: usize,
    /// The last time there are effects for, and the first time of all.
    pub(super) span: (f64, f64),
    pub(super) anticipation: f64,
}

/// Units by time: the row of each unit at each time, if any.
pub(super) struct Layout {
    pub(super) times: Vec<f64>,
    /// For cross-sections each unit has one row.
    pub(super) rows: Table,
    pub(super) start: Vec<Option<f64>>,
    n_left_out: usize,
}

/// Rows by unit and time.
pub(super) struct Table {
    n_times: usize,
    /// The number of the row from one on, unit after unit.
    rows: Vec<Option<NonZeroUsize>>,
}

impl Table {
    fn new(n_units: usize, n_times: usize) -> Self {
        Self {
            n_times,
            rows: vec![None; n_units * n_times],
        }
    }

    pub(super) fn n_units(&self) -> usize {
        self.rows.len() / self.n_times
    }

    pub(super) fn row(&self, unit: usize, time: usize) -> Option<usize> {
        self.rows[unit * self.n_times + time].map(|number| number.get() - 1)
    }

    /// The rows of a unit, by time.
    pub(super) fn of(&self, unit: usize) -> impl Iterator<Item = usize> {
        let own = &self.rows[unit * self.n_times..(unit + 1) * self.n_times];
        own.iter().flatten().map(|number| number.get() - 1)
    }

    /// Enters a row; false if there is one already.
    fn enter(&mut self, unit: usize, time: usize, row: usize) -> bool {
        let number = NonZeroUsize::MIN.checked_add(row);
        self.rows[unit * self.n_times + time]
            .replace(number.unwrap_or(NonZeroUsize::MAX))
            .is_none()
    }

    fn has_gap(&self, unit: usize) -> bool {
        self.of(unit).count() < self.n_times
    }

    /// The same of some units.
    fn of_units(&self, units: &[usize]) -> Self {
        let own = |&unit: &usize| &self.rows[unit * self.n_times..(unit + 1) * self.n_times];
        Self {
            n_times: self.n_times,
            rows: units.iter().flat_map(own).copied().collect(),
        }
    }
}

/// Estimates the effect on each group at each time.
///
/// # Errors
///
/// - [`EffectError::LengthMismatch`], [`EffectError::NotFinite`] for malformed slices.
/// - [`EffectError::StartVaries`] where rows of a unit differ in when it starts: treatment may not
///   switch off.
/// - [`EffectError::DuplicateInPanel`], [`EffectError::GapInPanel`].
/// - [`EffectError::NoComparators`] without never-treated units where they are asked for, and
///   [`EffectError::NoGroups`] where no group starts after the first period.
/// - [`EffectError::CellNotEstimable`] names the group and time that has no estimate.
///
/// # Reference
///
/// Callaway & Sant'Anna (2021), <https://doi.org/10.1016/j.jeconom.2020.12.001>.
pub fn group_time(rows: &PanelRows<'_>, spec: &GroupTimeSpec) -> Result<GroupTime, EffectError> {
    let mut layout = layout(rows, spec)?;
    let never = layout.start.iter().any(Option::is_none);
    let mut groups: Vec<f64> = layout.start.iter().flatten().copied().collect();
    groups.sort_by(f64::total_cmp);
    groups.dedup();
    if !never {
        match (spec.comparison, groups.pop()) {
            (ComparisonGroup::NotYetTreated, Some(last)) => {
                layout.times.retain(|&time| time < last - spec.anticipation);
            }
            _ => return Err(EffectError::NoComparators),
        }
    }
    let first = *layout.times.first().ok_or(EffectError::NoGroups)?;
    groups.retain(|&group| group > first + spec.anticipation);
    if groups.is_empty() {
        return Err(EffectError::NoGroups);
    }
    let mut asked: Vec<Asked> = Vec::new();
    for &group in &groups {
        let last_before = layout
            .times
            .iter()
            .rposition(|time| time + spec.anticipation < group);
        let Some(before) = last_before else { continue };
        let from = usize::from(spec.base == BasePeriod::Varying);
        for at in from..layout.times.len() {
            let base = match spec.base {
                BasePeriod::Varying if layout.times[at] < group => at - 1,
                _ => before,
            };
            asked.push(Asked { group, at, base });
        }
    }
    let weight = unit_weights(rows, &layout);
    let cells = match spec.sampling {
        Sampling::Panel | Sampling::CompleteUnits => seen_twice(rows, spec, &layout, &asked)?,
        _ => asked
            .par_iter()
            .map(|one| seen_once(rows, spec, &layout, one))
            .in_order()?,
    };
    Ok(GroupTime {
        cells,
        unit_rows: first_rows(&layout).collect(),
        weight,
        n_left_out: layout.n_left_out,
        span: (layout.times.last().copied().unwrap_or(first), first),
        anticipation: spec.anticipation,
        start: layout.start,
    })
}

fn unit_weights(rows: &PanelRows<'_>, layout: &Layout) -> Vec<f64> {
    let weights: Vec<f64> = first_rows(layout).map(|row| rows.weight[row]).collect();
    let all = mean(&weights);
    weights.into_iter().map(|weight| weight / all).collect()
}

/// The first row of each unit.
fn first_rows(layout: &Layout) -> impl Iterator<Item = usize> {
    let units = 0..layout.rows.n_units();
    units.map(|unit| layout.rows.of(unit).next().unwrap_or(0))
}

fn layout(rows: &PanelRows<'_>, spec: &GroupTimeSpec) -> Result<Layout, EffectError> {
    let n = rows.outcome.len();
    check_finite("outcome", rows.outcome, n)?;
    check_finite("time", rows.time, n)?;
    check_finite("weight", rows.weight, n)?;
    for column in rows.columns {
        check_finite("covariate", column, n)?;
    }
    if rows.unit.len() != n || rows.start.len() != n {
        return Err(EffectError::LengthMismatch {
            what: "unit or start",
            found: rows.unit.len(),
            expected: n,
        });
    }
    let times = distinct(rows.time);
    let rank = places(rows.time, &times);
    let is_section = spec.sampling == Sampling::CrossSections;
    let n_units = if is_section { n } else { rows.unit.n_groups() };
    let mut table = Table::new(n_units, times.len());
    let mut start: Vec<Option<Option<f64>>> = vec![None; n_units];
    for (row, &at) in rank.iter().enumerate() {
        let unit = if is_section {
            row
        } else {
            rows.unit.codes()[row]
        };
        if start[unit]
            .replace(rows.start[row])
            .is_some_and(|known| known != rows.start[row])
        {
            return Err(EffectError::StartVaries { row });
        }
        if !table.enter(unit, at, row) {
            return Err(EffectError::DuplicateInPanel { row });
        }
    }
    let mut kept = Vec::with_capacity(n_units);
    for (unit, start) in start.iter().enumerate() {
        let has_gap = table.has_gap(unit);
        if has_gap && spec.sampling == Sampling::Panel {
            let row = table.of(unit).next().unwrap_or(0);
            return Err(EffectError::GapInPanel { row });
        }
        let early = start.flatten().is_some_and(|start| start <= times[0]);
        if !(early || has_gap && spec.sampling == Sampling::CompleteUnits) {
            kept.push(unit);
        }
    }
    Ok(Layout {
        times,
        n_left_out: n_units - kept.len(),
        rows: table.of_units(&kept),
        start: kept.iter().map(|&unit| start[unit].flatten()).collect(),
    })
}

impl GroupTime {
    /// Units.
    #[must_use]
    pub fn n_units(&self) -> usize {
        self.unit_rows.len()
    }

    /// The share of units, by weight, in each group.
    #[must_use]
    pub fn share(&self, group: f64) -> f64 {
        let in_group =
            |start: &Option<f64>| start.is_some_and(|start| start.total_cmp(&group).is_eq());
        let shares: Vec<f64> = self
            .start
            .iter()
            .zip(&self.weight)
            .map(|(start, weight)| if in_group(start) { *weight } else { 0.0 })
            .collect();
        mean(&shares)
    }

    /// Wald's χ² of whether every effect before its group's start is zero, its degrees of freedom and
    /// p-value; `None` where there is no such effect or their covariance is singular.
    #[must_use]
    pub fn pretest(&self) -> Option<(f64, usize, f64)> {
        let before: Vec<&Cell> = self
            .cells
            .iter()
            .filter(|cell| cell.group > cell.time && cell.influence.iter().any(|v| v.abs() > 0.0))
            .collect();
        let n = count(self.n_units());
        let mut covariance = Matrix::zeros(before.len(), before.len());
        for (i, one) in before.iter().enumerate() {
            for (j, other) in before.iter().enumerate() {
                covariance.set(i, j, dot(&one.influence, &other.influence) / (n * n));
            }
        }
        let factor = Cholesky::factor(&covariance, 1e-10).ok()?;
        let effects: Vec<f64> = before.iter().map(|cell| cell.effect).collect();
        let wald = dot(&effects, &factor.solve(&effects));
        let degrees = before.len();
        (degrees > 0).then(|| {
            (
                wald,
                degrees,
                gamma::upper(0.5 * count(degrees), 0.5 * wald),
            )
        })
    }
}
