//! Commitments to what a run used, and their entry in a ledger before outcomes are opened.

use std::path::Path;

use utfall_evidence::ledger::{Ledger, LedgerError, LedgerWriter};
use utfall_evidence::{CommitmentKey, SecretKey};
use utfall_files::Digest;
use utfall_verify::LedgerEntry;
use utfall_verify::record::EnvironmentDocument;

use crate::step::FinishedStep;
use crate::{RunError, RunRequest, SiteLedger, calibration_log, steps};

/// Name of the key of commitments in a workspace.
const KEY: &str = "commitment.key";

/// The key of commitments: the site's, or the workspace's own.
pub(crate) fn key(request: &RunRequest<'_>) -> Result<CommitmentKey, RunError> {
    let own = request.workspace.folder().join(KEY);
    let path = request.site.commitment_key.as_deref().unwrap_or(&own);
    CommitmentKey::read_or_create(path)
        .map_err(|error| RunError::evidence("the key of commitments", error))
}

/// The commitment to the file of a delivery.
pub(crate) fn extract(key: &CommitmentKey, file: &Digest) -> Digest {
    key.commit("extract", file)
}

/// The commitment to the units of a design.
pub(crate) fn units(key: &CommitmentKey, file: &Digest) -> Digest {
    key.commit("units", file)
}

/// What the run depended on beside its data, with the seals of cohort and matched set.
pub(crate) fn environment(
    request: &RunRequest<'_>,
    key: &CommitmentKey,
    cohort: &FinishedStep,
    matched: &FinishedStep,
) -> Result<EnvironmentDocument, RunError> {
    Ok(EnvironmentDocument {
        utfall_version: env!("CARGO_PKG_VERSION").to_owned(),
        plan_digest: request.plan.digest,
        commitment_key: key.id(),
        cohort_seal: key.commit("cohort", &steps::cohort::seal_digest(cohort)?),
        matched_set_seal: units(key, &steps::matching::seal_digest(matched)?),
        calibrations: calibration_log::read(request)?,
    })
}

/// Enters the units in the site's ledger, if it names one and they are not there yet.
///
/// # Errors
///
/// [`RunError::Evidence`] if the ledger cannot be appended to.
pub(crate) fn enter(
    request: &RunRequest<'_>,
    environment: &EnvironmentDocument,
) -> Result<(), RunError> {
    let Some(ledger) = &request.site.ledger else {
        return Ok(());
    };
    enter_in(ledger, &environment.units_entry())?;
    Ok(())
}

/// Enters something in a ledger unless it is there, and says where it stands.
///
/// # Errors
///
/// [`RunError::Evidence`] if the ledger cannot be appended to.
pub fn enter_in(site: &SiteLedger, entry: &LedgerEntry) -> Result<u64, RunError> {
    let failed = |error: LedgerError| RunError::evidence("the ledger", error);
    let bytes = entry
        .to_bytes()
        .map_err(|error| RunError::internal("an entry of the ledger", error))?;
    let key = SecretKey::read(&site.key)
        .map_err(|error| RunError::evidence("the key of the ledger", error))?;
    let found = |folder: &Path| Ledger::open(folder, key.public())?.find(&bytes);
    if let Some(index) = found(&site.folder).map_err(failed)? {
        return Ok(index);
    }
    let mut writer = LedgerWriter::open(&site.folder, key).map_err(failed)?;
    let added = writer.append(&[bytes]).map_err(failed)?;
    Ok(added.start)
}
