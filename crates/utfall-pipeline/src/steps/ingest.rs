//! extract → table

use std::collections::BTreeMap;
use std::path::PathBuf;

use utfall_registry::{CalendarSpec, DataContract, FileName, QualityReport, Tables};

use crate::RunError;
use crate::run::Context;
use crate::step::{FinishedStep, Step, StepKey};

/// The checked tables: where they lie, and what later steps depend on.
#[derive(Debug)]
pub(crate) struct Ingested {
    folders: BTreeMap<String, (DataContract, PathBuf)>,
    digests: BTreeMap<String, String>,
}

/// Ingests every extract of the plan.
pub(crate) fn run(context: &mut Context<'_>) -> Result<Ingested, RunError> {
    let mut ingested = Ingested {
        folders: BTreeMap::new(),
        digests: BTreeMap::new(),
    };
    let contracts = &context.request.plan.data_contracts;
    for (extract, contract) in contracts {
        let folder = context.request.folder("tables").join(extract);
        let finished = ingest(context, extract, contract, &folder)?;
        ingested.digests.insert(extract.clone(), finished.digest());
        ingested
            .folders
            .insert(extract.clone(), (contract.clone(), folder));
    }
    Ok(ingested)
}

impl Ingested {
    /// Opens the tables, with the plan's calendars.
    pub(crate) fn open(&self, calendars: &[CalendarSpec]) -> Result<Tables, RunError> {
        Ok(Tables::open(self.folders.clone())?.with_calendars(calendars)?)
    }

    /// Adds every table to a key.
    pub(crate) fn add_to(&self, key: StepKey) -> StepKey {
        self.digests.iter().fold(key, |key, (extract, digest)| {
            key.with(&format!("table {extract}"), digest)
        })
    }

    /// Digest over every table.
    pub(crate) fn digest(&self) -> String {
        self.digests.values().cloned().collect::<Vec<_>>().join(" ")
    }

    /// The quality report of each extract.
    pub(crate) fn quality(&self) -> Result<Vec<QualityReport>, RunError> {
        let altered = |path: &PathBuf| RunError::Altered { path: path.clone() };
        let read = |(_, folder): &(DataContract, PathBuf)| {
            QualityReport::read(folder).map_err(|_| altered(folder))
        };
        self.folders.values().map(read).collect()
    }
}

fn ingest(
    context: &mut Context<'_>,
    extract: &str,
    contract: &DataContract,
    folder: &std::path::Path,
) -> Result<FinishedStep, RunError> {
    let deliveries = context.request.site.deliveries(extract)?;
    let digests = deliveries
        .iter()
        .map(|delivery| utfall_registry::digest(contract, delivery))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|source| RunError::ingest(extract, source))?;
    let mut key =
        StepKey::of_code(&context.request.code).with_plan_part("its data contract", contract);
    let names = FileName::distinct(deliveries.iter().map(|delivery| delivery.path.as_path()));
    for ((delivery, digest), name) in deliveries.iter().zip(&digests).zip(names) {
        let (vintage, status, scope) = (delivery.vintage, delivery.status, delivery.scope);
        let state = format!("{vintage} {status:?} {scope:?} {digest}");
        key = key.with(&format!("file {name}"), state);
    }
    let step = Step {
        name: &format!("ingest {extract}"),
        folder,
        key,
        outputs: &["table.parquet", "quality.json", "quarantine.csv"],
    };
    let watch = context.watch;
    context.run(step, || {
        let report = utfall_registry::ingest(contract, &deliveries, folder, watch)
            .map_err(|source| RunError::ingest(extract, source))?;
        let unchanged = report
            .deliveries
            .iter()
            .zip(&digests)
            .all(|(read, digest)| read.blake3 == *digest);
        if !unchanged {
            return Err(RunError::ChangedSinceDigest {
                extract: extract.to_owned(),
            });
        }
        most_rows_pass(&report)
    })
}

/// Refuses an extract of which most rows break one rule: that is another file, or another contract,
/// than was meant, and what is left of it is no register. The quarantine is kept to look at.
fn most_rows_pass(report: &QualityReport) -> Result<(), RunError> {
    let n_rows = report.n_rows();
    let Some(broken) = report.rules.iter().find(|rule| rule.n_rows > n_rows / 2) else {
        return Ok(());
    };
    let first = broken.first_locators.first();
    Err(RunError::MostRowsRejected {
        extract: report.extract.clone(),
        rule: broken.rule.to_string(),
        column: broken.column.clone(),
        n_broken: broken.n_rows,
        n_rows,
        first: first.map_or_else(String::new, |place| {
            format!("{}:{}", place.file, place.line)
        }),
    })
}
