//! The extracts as known on one day and on another: rows, and what measures make of them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use serde::Serialize;
use utfall_core::{Tally, Watch};
use utfall_disclosure::{Cell, Counts, Policy, Role};
use utfall_registry::{
    DataContract, MatchSeal, Outcomes, TableError, Tables, Units, compare_vintages,
};

use crate::{LoadedPlan, PlanError, RunError, Site, Workspace, steps};

/// What changed in an extract, with the plan's disclosure policy applied to every count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExtractDifference {
    /// The extract.
    pub extract: String,
    /// Rows before.
    pub n_before: Cell,
    /// Rows after.
    pub n_after: Cell,
    /// Rows whose key is new.
    pub n_added: Cell,
    /// Rows whose key is gone.
    pub n_removed: Cell,
    /// Rows of one key whose other columns differ.
    pub n_changed: Cell,
    /// Of these, by column.
    pub columns: Vec<ColumnDifference>,
}

/// In how many rows a column differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ColumnDifference {
    /// The column.
    pub column: String,
    /// Rows of one key in which it differs.
    pub n_changed: Cell,
}

/// What an effect's measure makes of the difference, over the effect's follow-up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MeasureDifference {
    /// The effect.
    pub effect: String,
    /// Its measure.
    pub measure: String,
    /// Units whose numerator or denominator differs; `None` if the follow-up is not fully
    /// reported on one of the days.
    pub n_moved: Option<Cell>,
    /// Of these, units that had nothing to measure on one of the days.
    pub n_appeared_or_gone: Option<Cell>,
}

/// Two days, and where there is room for the tables as known on each.
#[derive(Debug)]
pub struct KnownOn<'a> {
    /// The earlier day.
    pub before: NaiveDate,
    /// The later day.
    pub after: NaiveDate,
    /// A run's folder. Outcomes are compared only if it holds a matched set.
    pub workspace: &'a Workspace,
}

/// Compares the extracts of a plan as they were known on two days, one or all of them.
///
/// # Errors
///
/// [`RunError`] if an extract had not been delivered, cannot be ingested, or does not fit the plan.
pub fn compare_known(
    plan: &LoadedPlan,
    site: &Site,
    days: &KnownOn<'_>,
    extract: Option<&str>,
    watch: &dyn Watch,
) -> Result<(Vec<ExtractDifference>, Vec<MeasureDifference>), RunError> {
    let scratch = days.workspace.folder().join("diff");
    let contracts = plan.data_contracts.iter();
    let wanted: BTreeMap<&String, &DataContract> = contracts
        .filter(|(name, _)| extract.is_none_or(|extract| extract == name.as_str()))
        .collect();
    if let (Some(extract), true) = (extract, wanted.is_empty()) {
        return Err(RunError::Plan(PlanError::Unknown {
            kind: "extract",
            name: extract.to_owned(),
            defined: plan.data_contracts.keys().cloned().collect(),
        }));
    }
    let before = ingest(&wanted, site, days.before, &scratch.join("before"), watch)?;
    let after = ingest(&wanted, site, days.after, &scratch.join("after"), watch)?;
    let mut extracts = Vec::new();
    for (name, contract) in wanted {
        extracts.push(of_extract(plan, contract, &before[name], &after[name])?);
    }
    let seal = steps::matching::seal_in(days.workspace.folder());
    let measures = match (extract, seal) {
        (None, Ok(seal)) => measures(plan, [before, after], &seal)?,
        _ => Vec::new(),
    };
    // What is left behind would be restricted data without a purpose.
    let _ = std::fs::remove_dir_all(&scratch);
    Ok((extracts, measures))
}

fn ingest(
    contracts: &BTreeMap<&String, &DataContract>,
    site: &Site,
    day: NaiveDate,
    folder: &Path,
    watch: &dyn Watch,
) -> Result<BTreeMap<String, PathBuf>, RunError> {
    let site = site.clone().as_of(day)?;
    let mut folders = BTreeMap::new();
    for (name, contract) in contracts {
        let folder = folder.join(name);
        utfall_files::create_folder(&folder)?;
        crate::ingest(contract, &site.deliveries(name)?, &folder, watch)?;
        folders.insert((*name).clone(), folder);
    }
    Ok(folders)
}

fn of_extract(
    plan: &LoadedPlan,
    contract: &DataContract,
    before: &Path,
    after: &Path,
) -> Result<ExtractDifference, RunError> {
    let found = compare_vintages(contract, before, after)?;
    let policy = &plan.plan.disclosure;
    let release = |count| policy.release(count);
    let [n_before, n_after, n_added, n_removed] = released(
        policy,
        [
            found.n_before,
            found.n_after,
            found.n_added,
            found.n_removed,
        ],
    );
    Ok(ExtractDifference {
        extract: contract.name().to_owned(),
        n_before,
        n_after,
        n_added,
        n_removed,
        n_changed: release(found.n_changed),
        columns: found
            .columns
            .into_iter()
            .map(|(column, n_rows)| ColumnDifference {
                column,
                n_changed: release(n_rows),
            })
            .collect(),
    })
}

/// Rows before, after, added and removed, released together: each is told by the other three.
fn released(policy: &Policy, counts: [u64; 4]) -> [Cell; 4] {
    let mut together = Counts::default();
    let [before, after, added, removed] = counts.map(|n| together.add(n, Role::Shown));
    let [n_before, n_after, n_added, n_removed] = counts;
    if n_before + n_added == n_after + n_removed {
        let either = together.add(n_before + n_added, Role::Hidden);
        together.add_sum(either, &[before, added]);
        together.add_sum(either, &[after, removed]);
    }
    match together.protect(policy) {
        Ok(protected) => [before, after, added, removed].map(|count| protected.cell(count)),
        // Nothing is the one release that is always safe.
        Err(_) => [Cell::Suppressed; 4],
    }
}

/// What each effect's measure makes of both, over its follow-up.
fn measures(
    plan: &LoadedPlan,
    folders: [BTreeMap<String, PathBuf>; 2],
    seal: &MatchSeal,
) -> Result<Vec<MeasureDifference>, RunError> {
    let open = |folders: BTreeMap<String, PathBuf>| -> Result<(Tables, Units), RunError> {
        let contracts = &plan.data_contracts;
        let folders = folders
            .into_iter()
            .map(|(name, folder)| (name.clone(), (contracts[&name].clone(), folder)));
        let tables = Tables::open(folders.collect())?.with_calendars(&plan.plan.calendar)?;
        let units = Units::load(&tables, &plan.plan.unit)?;
        Ok((tables, units))
    };
    let [before, after] = folders;
    let (before, after) = (open(before)?, open(after)?);
    let policy = &plan.plan.disclosure;
    let mut differences = Vec::new();
    for effect in &plan.plan.effect {
        let period = effect
            .window
            .around(plan.plan.index_date)
            .map_err(PlanError::Window)?;
        let named = |measure: &&utfall_registry::MeasureSpec| measure.name == effect.measure;
        let Some(measure) = plan.plan.measure.iter().find(named) else {
            continue;
        };
        let tallies = |(tables, units): &(Tables, Units)| match Outcomes::open(tables, units, seal)
            .measure(measure, period)
        {
            Ok(tallies) => {
                let ids = units.ids().iter().cloned();
                Ok(Some(ids.zip(tallies).collect::<BTreeMap<_, _>>()))
            }
            Err(TableError::NotYetReported { .. }) => Ok(None),
            Err(error) => Err(error),
        };
        let moved = tallies(&before)?.zip(tallies(&after)?);
        let moved = moved.map(|(before, after)| moved_units(&before, &after));
        differences.push(MeasureDifference {
            effect: effect.name.clone(),
            measure: measure.name.clone(),
            n_moved: moved.map(|(n_moved, _)| policy.release(n_moved)),
            n_appeared_or_gone: moved.map(|(_, n_one)| policy.release(n_one)),
        });
    }
    Ok(differences)
}

/// Units whose tallies differ, and those of them that had something to measure only once.
fn moved_units(before: &BTreeMap<String, Tally>, after: &BTreeMap<String, Tally>) -> (u64, u64) {
    let units: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let tally = |tallies: &BTreeMap<String, Tally>, unit: &String| {
        tallies.get(unit).copied().unwrap_or_default()
    };
    let (mut n_moved, mut n_one) = (0, 0);
    for unit in units {
        let (old, new) = (tally(before, unit), tally(after, unit));
        n_moved += u64::from(old != new);
        n_one += u64::from((old.denominator > 0) != (new.denominator > 0));
    }
    (n_moved, n_one)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_new_rows_are_not_told_by_how_many_there_were_and_are() {
        // 4 is 944 + 60 − 1000: one of the three is suppressed as well.
        let seen = released(&Policy::acro(), [1_000, 944, 4, 60]);
        let n_suppressed = seen.iter().filter(|cell| **cell == Cell::Suppressed);
        assert_eq!((seen[2], n_suppressed.count()), (Cell::Suppressed, 2));
        // Few of both cover each other: that there are four more does not tell how many are new.
        let seen = released(&Policy::acro(), [1_000, 1_004, 4, 0]);
        assert_eq!(seen[2..], [Cell::Suppressed; 2]);
        let seen = released(&Policy::acro(), [1_000, 1_040, 60, 20]);
        assert_eq!(seen, [1_000, 1_040, 60, 20].map(Cell::Exact));
    }

    #[test]
    fn a_unit_moves_when_either_number_does_and_appears_when_there_is_something_to_measure() {
        let tallies = |rows: &[(&str, i64, i64)]| -> BTreeMap<String, Tally> {
            let rows = rows.iter();
            rows.map(|&(unit, numerator, denominator)| {
                (
                    unit.to_owned(),
                    Tally {
                        numerator,
                        denominator,
                    },
                )
            })
            .collect()
        };
        let before = tallies(&[("a", 1, 10), ("b", 0, 0), ("c", 2, 4), ("gone", 1, 1)]);
        let after = tallies(&[("a", 1, 10), ("b", 0, 5), ("c", 1, 2), ("new", 0, 0)]);
        assert_eq!(moved_units(&before, &after), (3, 2));
    }
}
