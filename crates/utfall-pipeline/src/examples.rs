//! The hand-made units of a plan: their rows are ingested as an extract would be, and the cohort's rules
//! must say of each what the plan expects.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use utfall_cohort::{ExampleSpec, Verdict};
use utfall_core::Watch;
use utfall_files::FileError;
use utfall_registry::{DataContract, Delivery, DeliveryScope, DeliveryStatus, Tables, Units};

use crate::cohort_file::csv_error;
use crate::toml_text::{Place, error_at};
use crate::{LoadedPlan, PlanError, RunError};

/// Tries the cohort's rules on the examples of a plan; the number of them.
///
/// # Errors
///
/// [`PlanError::Contradiction`] at the first example whose verdict is another than expected, with the
/// rule that disagreed, or whose rows cannot be read.
pub fn check_examples(loaded: &LoadedPlan, watch: &dyn Watch) -> Result<usize, RunError> {
    let examples = &loaded.plan.cohort.example;
    if examples.is_empty() {
        return Ok(0);
    }
    check_names(loaded)?;
    let folder =
        tempfile::tempdir().map_err(|source| FileError::at(&std::env::temp_dir(), source))?;
    let mut folders = BTreeMap::new();
    for (extract, contract) in &loaded.data_contracts {
        let contract = plain(contract)?;
        let into = folder.path().join(extract);
        ingest(loaded, extract, &contract, &into, watch)?;
        folders.insert(extract.clone(), (contract, into));
    }
    let plan = &loaded.plan;
    let tables = Tables::open(folders)?.with_calendars(&plan.calendar)?;
    let units = Units::load(&tables, &plan.unit)?;
    let verdicts = utfall_cohort::verdicts(
        &tables,
        &units,
        &plan.measure,
        plan.index_date,
        &plan.cohort,
    )?;
    for (number, example) in examples.iter().enumerate() {
        let position = units.ids().iter().position(|id| *id == example.unit);
        let Some(position) = position else {
            let message = format!(
                "no row of extract `{}` holds unit `{}`; add one to the example's rows",
                plan.unit.extract, example.unit
            );
            return Err(fault(loaded, &[number.into(), "unit".into()], message));
        };
        let found = &verdicts[position];
        if *found != example.expect {
            let message = format!(
                "example `{}` is {found}, and was expected {}",
                example.unit, example.expect
            );
            return Err(fault(loaded, &[number.into(), "expect".into()], message));
        }
    }
    Ok(examples.len())
}

fn fault(loaded: &LoadedPlan, path: &[Place], message: String) -> RunError {
    let path: Vec<Place> = ["cohort".into(), "example".into()]
        .into_iter()
        .chain(path.iter().cloned())
        .collect();
    let error = error_at("plan.toml", loaded.plan_text(), &path, message);
    PlanError::Contradiction(Box::new(error)).into()
}

/// Extracts, columns and rules that examples name.
fn check_names(loaded: &LoadedPlan) -> Result<(), RunError> {
    let rules = loaded.plan.cohort.rule_names();
    for (number, example) in loaded.plan.cohort.example.iter().enumerate() {
        if let Verdict::Out(rule) = &example.expect
            && !rules.contains(rule)
        {
            let message = format!("no rule is called `{rule}`, there are {}", rules.join("; "));
            return Err(fault(loaded, &[number.into(), "expect".into()], message));
        }
        for (extract, rows) in &example.rows {
            let at = |row: Option<usize>| -> Vec<Place> {
                let table = [number.into(), "rows".into(), extract.as_str().into()];
                table.into_iter().chain(row.map(Place::from)).collect()
            };
            let Some(contract) = loaded.data_contracts.get(extract) else {
                let message = format!("no extract is called `{extract}`");
                return Err(fault(loaded, &at(None), message));
            };
            for (place, row) in rows.iter().enumerate() {
                if let Some(column) = row.keys().find(|name| contract.column(name).is_none()) {
                    let message = format!("extract `{extract}` has no column `{column}`");
                    return Err(fault(loaded, &at(Some(place)), message));
                }
            }
        }
    }
    Ok(())
}

/// The same columns in a plain file: named as in the table, with nothing required and no ranges, so
/// that an example says no more than its rules look at.
fn plain(contract: &DataContract) -> Result<DataContract, RunError> {
    let mut text = toml::Table::new();
    let value = toml::Value::try_from(contract).map_err(at_fault)?;
    for key in ["schema", "name", "title", "key"] {
        if let Some(value) = value.get(key) {
            text.insert(key.to_owned(), value.clone());
        }
    }
    text.insert("format".to_owned(), "csv".into());
    let dialect = [
        ("delimiter", ","),
        ("quote", "\""),
        ("encoding", "utf-8"),
        ("decimal", "."),
        ("date", "%Y-%m-%d"),
    ];
    let dialect = dialect.map(|(key, value)| (key.to_owned(), value.into()));
    text.insert("dialect".to_owned(), toml::Table::from_iter(dialect).into());
    let columns = value.get("column").and_then(toml::Value::as_array);
    let columns = columns.into_iter().flatten().map(plain_column).collect();
    text.insert("column".to_owned(), toml::Value::Array(columns));
    let text = toml::to_string(&text).map_err(at_fault)?;
    DataContract::from_toml("an example", &text).map_err(at_fault)
}

fn plain_column(column: &toml::Value) -> toml::Value {
    let mut plain = toml::Table::new();
    if let Some(name) = column.get("as").or(column.get("name")) {
        plain.insert("name".to_owned(), name.clone());
    }
    for key in ["type", "decimals", "unit", "outcome", "codes"] {
        if let Some(value) = column.get(key) {
            plain.insert(key.to_owned(), value.clone());
        }
    }
    if let Some(codes) = column.get("code").and_then(toml::Value::as_array) {
        let codes = codes.iter().filter_map(|code| code.get("code")?.as_str());
        let codes: BTreeSet<&str> = codes.collect();
        let codes = codes.into_iter().map(toml::Value::from).collect();
        plain.insert("codes".to_owned(), toml::Value::Array(codes));
    }
    plain.into()
}

fn at_fault(error: impl std::fmt::Display) -> RunError {
    RunError::internal("the data contract of an example", error)
}

/// Ingests the rows that all examples have of an extract.
fn ingest(
    loaded: &LoadedPlan,
    extract: &str,
    contract: &DataContract,
    into: &Path,
    watch: &dyn Watch,
) -> Result<(), RunError> {
    utfall_files::create_folder(into)?;
    let path = into.join("rows.csv");
    let written = write(&loaded.plan.cohort.example, extract, contract, &path)?;
    let delivery = Delivery {
        path,
        vintage: loaded.plan.index_date,
        status: DeliveryStatus::Final,
        scope: DeliveryScope::Full,
    };
    let report = utfall_registry::ingest(contract, &[delivery], into, watch)
        .map_err(|source| RunError::ingest(extract, source))?;
    let Some(broken) = report.rules.first() else {
        return Ok(());
    };
    // The file's first line is its header.
    let line = broken.first_locators.first().map_or(2, |place| place.line);
    let row = usize::try_from(line.saturating_sub(2)).unwrap_or(0);
    let (example, place) = written.get(row).copied().unwrap_or((0, 0));
    let column = broken.column.as_deref().unwrap_or(extract);
    let message = format!(
        "the row breaks the rule `{}` in column `{column}` of its data contract; in an example dates are written 2024-01-31 and decimals with a point",
        broken.rule
    );
    let path = [example.into(), "rows".into(), extract.into(), place.into()];
    Err(fault(loaded, &path, message))
}

/// Writes the rows; the example and the place in it of each.
fn write(
    examples: &[ExampleSpec],
    extract: &str,
    contract: &DataContract,
    path: &Path,
) -> Result<Vec<(usize, usize)>, RunError> {
    let at = |error: csv::Error| csv_error(path, error);
    let mut writer = csv::Writer::from_path(path).map_err(at)?;
    let names = || contract.columns().iter().map(utfall_registry::Column::name);
    writer.write_record(names()).map_err(at)?;
    let mut written = Vec::new();
    for (number, example) in examples.iter().enumerate() {
        let rows = example.rows.get(extract).map_or(&[][..], Vec::as_slice);
        for (place, row) in rows.iter().enumerate() {
            let cells = names().map(|name| row.get(name).map_or("", String::as_str));
            writer.write_record(cells).map_err(at)?;
            written.push((number, place));
        }
    }
    writer
        .flush()
        .map_err(|source| FileError::at(path, source))?;
    Ok(written)
}
