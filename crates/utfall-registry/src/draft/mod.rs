//! Drafting a data contract from files, for a person to correct.
//!
//! No cell of a column that could be about a person gets into a draft: values are written only
//! where they are codes, few and each of many rows, or stand for a missing value in the habits of
//! public registries. Bounds are rounded.

mod profile;
mod recognise;
mod write;

use std::path::{Path, PathBuf};

use utfall_core::Watch;

use crate::contract::{DataContract, DataContractError};
use crate::delivery::{Delivery, DeliveryScope, DeliveryStatus};
use crate::ingest::{IngestError, inspect};
use profile::Profile;
use recognise::Recognised;

/// Why no contract could be drafted.
///
/// Every message reads on from "cannot draft a contract:".
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DraftError {
    /// A file cannot be read.
    #[error(transparent)]
    Ingest(#[from] IngestError),
    /// No columns were recognised.
    #[error("`{}` is of no format that is recognised: expected delimited or fixed-width text, JSON Lines, XML, Excel, Parquet or Arrow", path.display())]
    Unknown {
        /// The file.
        path: PathBuf,
    },
    /// Files of several extracts.
    #[error("`{}` has other columns than the first file; draft a contract for each extract", path.display())]
    OtherColumns {
        /// The file.
        path: PathBuf,
    },
    /// What was recognised makes no contract.
    #[error("what was recognised makes no contract ({0}); write it by hand")]
    Contract(#[from] DataContractError),
}

/// Drafts a contract for an extract from some of its files.
///
/// # Errors
///
/// [`DraftError`] if the files cannot be read, or hold identity numbers.
pub fn draft(name: &str, files: &[PathBuf], watch: &dyn Watch) -> Result<String, DraftError> {
    let Some(first) = files.first() else {
        return Err(IngestError::NoDelivery.into());
    };
    let recognised = recognise::recognise(first)?.ok_or_else(|| unknown(first))?;
    match draft_as(name, files, &recognised, watch) {
        // A first look at plain ASCII tells no encoding.
        Err(DraftError::Ingest(IngestError::WrongEncoding { .. })) if recognised.may_be_latin() => {
            draft_as(name, files, &recognised.as_latin(), watch)
        }
        drafted => drafted,
    }
}

fn unknown(path: &Path) -> DraftError {
    DraftError::Unknown {
        path: path.to_owned(),
    }
}

fn draft_as(
    name: &str,
    files: &[PathBuf],
    recognised: &Recognised,
    watch: &dyn Watch,
) -> Result<String, DraftError> {
    let bare = DataContract::bare(&recognised.head('.', "%Y-%m-%d"))?;
    let mut profile: Option<Profile> = None;
    let deliveries: Vec<Delivery> = files.iter().map(|file| delivery(file)).collect();
    for delivery in &deliveries {
        let found = Profile::of(&bare, delivery)?;
        let is_alike = match &mut profile {
            None => {
                profile = Some(found);
                true
            }
            Some(profile) => profile.merge(&found),
        };
        if !is_alike {
            return Err(DraftError::OtherColumns {
                path: delivery.path.clone(),
            });
        }
    }
    let profile = profile.filter(|profile| !profile.columns.is_empty());
    let profile = profile.ok_or_else(|| unknown(&files[0]))?;
    let text = write::contract(name, recognised, &profile);
    let contract = DataContract::from_toml("the draft", &text)?;
    let report = inspect(&contract, &deliveries, watch)?;
    let (n_rows, n_quarantined) = (report.n_rows(), report.n_quarantined());
    Ok(format!(
        "# A draft, to be corrected by someone who knows the register. Read with it, {n_quarantined} of {n_rows} rows\n\
         # would go to quarantine.\n{text}"
    ))
}

fn delivery(path: &Path) -> Delivery {
    Delivery {
        path: path.to_owned(),
        vintage: chrono::NaiveDate::default(),
        status: DeliveryStatus::Preliminary,
        scope: DeliveryScope::Changes,
    }
}

#[cfg(test)]
mod tests;
