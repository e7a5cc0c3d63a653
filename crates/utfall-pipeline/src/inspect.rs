//! One extract on its own: checked without writing anything, or ingested without a run.

use std::path::Path;

use utfall_core::Watch;
use utfall_registry::{DataContract, Delivery, QualityReport};

use crate::{PlanError, RunError, Site};

/// Reads the deliveries of an extract as a run would, and writes nothing.
///
/// # Errors
///
/// [`RunError`] if a delivery is missing or cannot be used at all.
pub fn inspect(
    extract: &str,
    contract: &DataContract,
    site: &Site,
    watch: &dyn Watch,
) -> Result<QualityReport, RunError> {
    let deliveries = site.deliveries(extract)?;
    utfall_registry::inspect(contract, &deliveries, watch)
        .map_err(|source| RunError::ingest(extract, source))
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
