//! Extracts on their own: checked without a run, or ingested without a plan.

use std::collections::BTreeMap;
use std::path::Path;

use utfall_core::Watch;
use utfall_files::Digest;
use utfall_registry::{DataContract, Delivery, QualityReport};

use crate::{PlanError, RunError, RunWatch, Site, StepReport, Workspace, steps};

/// Extracts to check, and where.
#[derive(Debug)]
pub struct CheckRequest<'a> {
    /// Their data contracts, by name.
    pub contracts: &'a BTreeMap<String, DataContract>,
    /// Where the deliveries lie.
    pub site: &'a Site,
    /// Folder for checked tables.
    pub workspace: &'a Workspace,
    /// Digest of the running program.
    pub code: Digest,
}

/// Reads and judges extracts in a workspace, as the first steps of a run do; a run there goes on
/// from them. Extracts that break rules more often than is borne are no error here.
///
/// # Errors
///
/// [`RunError`] if a delivery is missing or cannot be used at all.
pub fn check(
    request: &CheckRequest<'_>,
    watch: &dyn RunWatch,
) -> Result<(Vec<QualityReport>, Vec<StepReport>), RunError> {
    let mut reports = Vec::new();
    let checked = steps::ingest::check(request, watch, &mut |step, action| {
        let finished = step.run(watch, action)?;
        reports.push(finished.report.clone());
        Ok(finished)
    })?;
    Ok((checked.quality()?, reports))
}

/// Reads the data contracts in the folder `extracts` of a folder that has no plan yet.
///
/// # Errors
///
/// [`PlanError`] at the first that cannot be read or does not follow its format, or if there is
/// none.
pub fn read_contracts(folder: &Path) -> Result<BTreeMap<String, DataContract>, PlanError> {
    let extracts = folder.join("extracts");
    let unreadable = |source| PlanError::Unreadable {
        path: folder.join("plan.toml"),
        source,
    };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(&extracts).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            paths.push(path);
        }
    }
    paths.sort();
    let mut contracts = BTreeMap::new();
    for path in paths {
        let read = |path: &Path| {
            std::fs::read_to_string(path).map_err(|source| PlanError::Unreadable {
                path: path.to_owned(),
                source,
            })
        };
        let code_file = |name: &str| read(&extracts.join(name)).map_err(|error| error.to_string());
        let text = read(&path)?;
        let contract = DataContract::from_toml_with(&path.display().to_string(), &text, code_file)
            .map_err(PlanError::data_contract)?;
        let name = contract.name().to_owned();
        if contracts.insert(name.clone(), contract).is_some() {
            return Err(PlanError::Repeated {
                kind: "extract",
                name,
            });
        }
    }
    if contracts.is_empty() {
        return Err(unreadable(std::io::ErrorKind::NotFound.into()));
    }
    Ok(contracts)
}

/// The quality reports of extracts that were read and judged in a workspace.
///
/// # Errors
///
/// [`RunError::Altered`] if one is not there.
pub fn quality<'a>(
    workspace: &Workspace,
    extracts: impl Iterator<Item = &'a String>,
) -> Result<Vec<QualityReport>, RunError> {
    extracts
        .map(|extract| {
            let folder = workspace.folder().join("tables").join(extract);
            QualityReport::read(&folder).map_err(|_| RunError::Altered { path: folder })
        })
        .collect()
}

/// Ingests an extract into a folder of its own, outside any run.
///
/// # Errors
///
/// [`RunError`] if a delivery cannot be used at all, or the folder cannot be written to.
pub fn ingest(
    contract: &DataContract,
    deliveries: &[Delivery],
    folder: &Path,
    watch: &dyn Watch,
) -> Result<QualityReport, RunError> {
    utfall_registry::ingest(contract, deliveries, folder, watch)
        .map_err(|source| RunError::ingest(contract.name(), source))
}

/// Reads a data contract on its own.
///
/// # Errors
///
/// [`PlanError`] with the line of the first fault.
pub fn read_data_contract(path: &Path) -> Result<DataContract, PlanError> {
    let text = std::fs::read_to_string(path).map_err(|source| PlanError::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    DataContract::from_toml(&path.display().to_string(), &text).map_err(PlanError::data_contract)
}
