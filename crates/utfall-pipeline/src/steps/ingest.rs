//! extract → table

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use utfall_registry::{CalendarSpec, DataContract, FileName, QualityReport, Tables};

use crate::inspect::CheckRequest;
use crate::run::Context;
use crate::step::{FinishedStep, Step, StepKey};
use crate::{RunError, RunWatch, ToleranceExceeded};

/// The checked tables: where they lie, and what later steps depend on.
#[derive(Debug)]
pub(crate) struct Ingested {
    folders: BTreeMap<String, (DataContract, PathBuf)>,
    digests: BTreeMap<String, String>,
}

/// Reads every extract of the plan, then judges each, and refuses those that break a rule more
/// often than their contracts bear.
pub(crate) fn run(context: &mut Context<'_>) -> Result<Ingested, RunError> {
    let (of_run, watch) = (context.request, context.watch);
    let request = CheckRequest {
        contracts: &of_run.plan.data_contracts,
        site: of_run.site,
        workspace: of_run.workspace,
        code: of_run.code,
    };
    let ingested = check(&request, watch, &mut |step, action| {
        context.run(step, action)
    })?;
    for quality in ingested.quality()? {
        within_tolerance(&quality)?;
    }
    Ok(ingested)
}

/// Runs a step and keeps its report.
pub(crate) type RunStep<'r> =
    dyn FnMut(Step<'_>, &dyn Fn() -> Result<(), RunError>) -> Result<FinishedStep, RunError> + 'r;

/// Reads every extract, then judges each.
pub(crate) fn check(
    request: &CheckRequest<'_>,
    watch: &dyn RunWatch,
    run: &mut RunStep<'_>,
) -> Result<Ingested, RunError> {
    let mut ingested = Ingested {
        folders: BTreeMap::new(),
        digests: BTreeMap::new(),
    };
    let tables = request.workspace.folder().join("tables");
    let mut read = BTreeMap::new();
    for (extract, contract) in request.contracts {
        let folder = tables.join(extract).join("read");
        let finished = read_extract(request, extract, contract, &folder, watch, run)?;
        read.insert(extract.clone(), (contract, folder, finished.digest()));
    }
    for (extract, contract) in request.contracts {
        let folder = tables.join(extract);
        let finished = judge_extract(request, extract, &read, &folder, run)?;
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

/// Reads the files of an extract. The step hangs on no severity and no tolerance.
fn read_extract(
    request: &CheckRequest<'_>,
    extract: &str,
    contract: &DataContract,
    folder: &Path,
    watch: &dyn RunWatch,
    run: &mut RunStep<'_>,
) -> Result<FinishedStep, RunError> {
    let deliveries = request.site.deliveries(extract)?;
    let digests = deliveries
        .iter()
        .map(|delivery| utfall_registry::digest(contract, delivery))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|source| RunError::ingest(extract, source))?;
    let mut key = StepKey::of_code(&request.code)
        .with_plan_part("how its data contract reads", &contract.reading_part())
        .with("whether rows need places", contract.needs_places());
    let names = FileName::distinct(deliveries.iter().map(|delivery| delivery.path.as_path()));
    for ((delivery, digest), name) in deliveries.iter().zip(&digests).zip(names) {
        let (vintage, status, scope) = (delivery.vintage, delivery.status, delivery.scope);
        let state = format!("{vintage} {status:?} {scope:?} {digest}");
        key = key.with(&format!("file {name}"), state);
    }
    let step = Step {
        name: &format!("read {extract}"),
        folder,
        key,
        outputs: &utfall_registry::READ_FILES,
    };
    run(step, &|| {
        let read = utfall_registry::read(contract, &deliveries, folder, watch)
            .map_err(|source| RunError::ingest(extract, source))?;
        let unchanged = read
            .iter()
            .zip(&digests)
            .all(|(read, digest)| read.blake3 == *digest);
        if unchanged {
            Ok(())
        } else {
            Err(RunError::ChangedSinceDigest {
                extract: extract.to_owned(),
            })
        }
    })
}

/// Extracts that were read: contract, folder, and a digest of what lies there.
type Read<'a> = BTreeMap<String, (&'a DataContract, PathBuf, String)>;

/// Judges an extract that was read, by the rules of its contract.
fn judge_extract(
    request: &CheckRequest<'_>,
    extract: &str,
    read: &Read<'_>,
    folder: &Path,
    run: &mut RunStep<'_>,
) -> Result<FinishedStep, RunError> {
    let (contract, read_folder, digest) = &read[extract];
    let mut key = StepKey::of_code(&request.code)
        .with_plan_part("its data contract", *contract)
        .with("the rows read", digest);
    let mut others = BTreeMap::new();
    for name in contract.extracts_named() {
        if let Some((contract, folder, digest)) = read.get(name) {
            key = key
                .with_plan_part(&format!("the data contract of {name}"), *contract)
                .with(&format!("the rows read of {name}"), digest);
            others.insert(name.to_owned(), ((*contract).clone(), folder.clone()));
        }
    }
    let step = Step {
        name: &format!("judge {extract}"),
        folder,
        key,
        outputs: &utfall_registry::JUDGED_FILES,
    };
    run(step, &|| {
        utfall_registry::judge(contract, read_folder, &others, folder)
            .map(drop)
            .map_err(|source| RunError::ingest(extract, source))
    })
}

/// Refuses an extract that breaks a rule more often than is borne. Its quarantine is kept to
/// look at.
fn within_tolerance(report: &QualityReport) -> Result<(), RunError> {
    let Some(broken) = report.exceeded().next() else {
        return Ok(());
    };
    let first = broken.first_locators.first();
    Err(RunError::ToleranceExceeded(Box::new(ToleranceExceeded {
        extract: report.extract.clone(),
        rule: broken.id.clone(),
        name: broken.name.clone(),
        n_broken: broken.n_rows,
        n_rows: report.n_rows(),
        tolerance: broken
            .tolerance
            .map_or_else(String::new, |most| most.to_string()),
        first: first.map_or_else(String::new, |place| {
            let note = place
                .note
                .as_ref()
                .map_or_else(String::new, |note| format!(": {note}"));
            format!("{}:{}{note}", place.file, place.line)
        }),
    })))
}
