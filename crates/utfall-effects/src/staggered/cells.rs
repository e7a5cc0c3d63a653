//! The effects on single groups at single times, and what several of them share.

use std::collections::BTreeMap;

use rayon::prelude::*;
use utfall_stats::moments::count;

use super::group_time::{Cell, ComparisonGroup, GroupTimeSpec, Layout, PanelRows};
use super::two_period::{
    Score, TwoPeriod, TwoSections, score, two_period_cross_section, two_period_with,
};
use crate::EffectError;

/// An effect that is asked for: on whom, when, and since when.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    pub(super) group: f64,
    pub(super) at: usize,
    pub(super) base: usize,
}

impl Asked {
    /// Units that take part, with 1 for the treated.
    fn members(&self, spec: &GroupTimeSpec, layout: &Layout) -> Vec<(usize, f64)> {
        let until = self.until(spec, layout);
        let arm = |start: Option<f64>| match start {
            Some(start) if start.total_cmp(&self.group).is_eq() => Some(1.0),
            None => Some(0.0),
            Some(start) => {
                (spec.comparison == ComparisonGroup::NotYetTreated && start > until).then_some(0.0)
            }
        };
        (0..layout.rows.n_units())
            .filter_map(|unit| Some((unit, arm(layout.start[unit])?)))
            .collect()
    }

    /// When a comparator must not have started yet.
    fn until(&self, spec: &GroupTimeSpec, layout: &Layout) -> f64 {
        layout.times[self.at.max(self.base)] + spec.anticipation
    }

    /// The cell with an effect and its influence by member, or zero in the base period.
    fn cell(
        &self,
        layout: &Layout,
        estimated: Option<Result<Estimated, EffectError>>,
    ) -> Result<Cell, EffectError> {
        let n = layout.rows.n_units();
        let mut cell = Cell {
            group: self.group,
            time: layout.times[self.at],
            effect: 0.0,
            influence: vec![0.0; n],
        };
        let Some(estimated) = estimated else {
            return Ok(cell);
        };
        let (effect, units, influence) =
            estimated.map_err(|error| EffectError::CellNotEstimable {
                group: self.group,
                time: cell.time,
                what: reason(&error),
            })?;
        let scale = count(n) / count(units.len());
        cell.effect = effect;
        for (&unit, value) in units.iter().zip(&influence) {
            cell.influence[unit] += scale * value;
        }
        Ok(cell)
    }
}

type Estimated = (f64, Vec<usize>, Vec<f64>);

/// What effects share that have the same members and covariates: everything but the outcome.
struct Shared {
    units: Vec<usize>,
    treated: Vec<f64>,
    columns: Vec<Vec<f64>>,
    weight: Vec<f64>,
    score: Score,
}

/// Effects of units seen at every time. Those with the same members and covariates share a score; each
/// such set is worked off by itself, so that no more than a few are held at a time.
pub(super) fn seen_twice(
    rows: &PanelRows<'_>,
    spec: &GroupTimeSpec,
    layout: &Layout,
    asked: &[Asked],
) -> Result<Vec<Cell>, EffectError> {
    let fixed = is_fixed(rows, layout);
    let mut sets: BTreeMap<(usize, usize, u64), Vec<usize>> = BTreeMap::new();
    for (index, one) in asked.iter().enumerate() {
        let earlier = if fixed { 0 } else { one.at.min(one.base) };
        let group = asked.partition_point(|other| other.group < one.group);
        let until = match spec.comparison {
            ComparisonGroup::NeverTreated => 0,
            ComparisonGroup::NotYetTreated => one.until(spec, layout).to_bits(),
        };
        sets.entry((group, earlier, until)).or_default().push(index);
    }
    let sets: Vec<Vec<usize>> = sets.into_values().collect();
    let mut found: Vec<(usize, Result<Cell, EffectError>)> = sets
        .par_iter()
        .flat_map_iter(|set| {
            let shared = Shared::new(rows, spec, layout, &asked[set[0]]);
            set.par_iter()
                .map(|&index| {
                    let one = &asked[index];
                    let estimated = (one.at != one.base).then(|| match &shared {
                        Ok(shared) => shared.estimated(rows, spec, layout, one),
                        Err(error) => Err(*error),
                    });
                    (index, one.cell(layout, estimated))
                })
                .collect::<Vec<_>>()
        })
        .collect();
    found.sort_by_key(|(index, _)| *index);
    found.into_iter().map(|(_, cell)| cell).collect()
}

/// Whether no covariate and no weight of a unit changes over time.
fn is_fixed(rows: &PanelRows<'_>, layout: &Layout) -> bool {
    let values = || rows.columns.iter().map(Vec::as_slice).chain([rows.weight]);
    let units = (0..layout.rows.n_units()).into_par_iter();
    units.all(|unit| {
        values().all(|column| {
            let mut seen = layout.rows.of(unit).map(|row| column[row]);
            let first = seen.next();
            seen.all(|value| first.is_some_and(|first| first.total_cmp(&value).is_eq()))
        })
    })
}

impl Shared {
    fn new(
        rows: &PanelRows<'_>,
        spec: &GroupTimeSpec,
        layout: &Layout,
        asked: &Asked,
    ) -> Result<Self, EffectError> {
        let members = asked.members(spec, layout);
        let earlier: Vec<usize> = members
            .iter()
            .map(|&(unit, _)| layout.rows.row(unit, asked.at.min(asked.base)).unwrap_or(0))
            .collect();
        let columns: Vec<Vec<f64>> = rows
            .columns
            .iter()
            .map(|column| earlier.iter().map(|&row| column[row]).collect())
            .collect();
        let weight: Vec<f64> = earlier.iter().map(|&row| rows.weight[row]).collect();
        let treated: Vec<f64> = members.iter().map(|&(_, arm)| arm).collect();
        Ok(Self {
            score: score(spec.method, &columns, &weight, &treated, spec.largest_score)?,
            units: members.into_iter().map(|(unit, _)| unit).collect(),
            treated,
            columns,
            weight,
        })
    }

    fn estimated(
        &self,
        rows: &PanelRows<'_>,
        spec: &GroupTimeSpec,
        layout: &Layout,
        asked: &Asked,
    ) -> Result<Estimated, EffectError> {
        let outcome =
            |unit: usize, time: usize| rows.outcome[layout.rows.row(unit, time).unwrap_or(0)];
        let change: Vec<f64> = self
            .units
            .iter()
            .map(|&unit| outcome(unit, asked.at) - outcome(unit, asked.base))
            .collect();
        let data = TwoPeriod {
            change: &change,
            treated: &self.treated,
            columns: &self.columns,
            weight: &self.weight,
            largest_score: spec.largest_score,
        };
        let (effect, influence) = two_period_with(spec.method, &data, &self.score)?;
        Ok((effect, self.units.clone(), influence))
    }
}

/// An effect from rows as cross-sections.
pub(super) fn seen_once(
    rows: &PanelRows<'_>,
    spec: &GroupTimeSpec,
    layout: &Layout,
    asked: &Asked,
) -> Result<Cell, EffectError> {
    if asked.at == asked.base {
        return asked.cell(layout, None);
    }
    let mut used: Vec<(usize, usize, f64, f64)> = Vec::new();
    for (unit, arm) in asked.members(spec, layout) {
        for (time, after) in [(asked.base, 0.0), (asked.at, 1.0)] {
            if let Some(row) = layout.rows.row(unit, time) {
                used.push((unit, row, arm, after));
            }
        }
    }
    let pick = |values: &[f64]| {
        used.iter()
            .map(|&(_, row, ..)| values[row])
            .collect::<Vec<f64>>()
    };
    let columns: Vec<Vec<f64>> = rows.columns.iter().map(|column| pick(column)).collect();
    let estimated = two_period_cross_section(
        spec.method,
        &TwoSections {
            outcome: &pick(rows.outcome),
            after: &used.iter().map(|&(.., after)| after).collect::<Vec<f64>>(),
            treated: &used.iter().map(|&(_, _, arm, _)| arm).collect::<Vec<f64>>(),
            columns: &columns,
            weight: &pick(rows.weight),
            largest_score: spec.largest_score,
            errors: spec.section_errors,
        },
    );
    let units: Vec<usize> = used.iter().map(|&(unit, ..)| unit).collect();
    asked.cell(
        layout,
        Some(estimated.map(|(effect, influence)| (effect, units, influence))),
    )
}

fn reason(error: &EffectError) -> &'static str {
    match error {
        EffectError::RankDeficient { .. } => "the covariates are collinear among its rows",
        EffectError::TooFewRows { .. } => "an arm has fewer rows than there are covariates",
        EffectError::NotConverged { .. } => "no score fits: the arms do not overlap",
        _ => "an arm is empty",
    }
}
