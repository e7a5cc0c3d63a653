//! Checking an extract without writing anything.

use utfall_core::Watch;
use utfall_registry::{DataContract, QualityReport};

use crate::{RunError, Site};

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
