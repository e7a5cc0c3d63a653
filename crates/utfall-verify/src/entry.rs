//! What of a run stands in a ledger.

use serde::{Deserialize, Serialize};
use utfall_evidence::json::{Json, JsonError};
use utfall_files::Digest;

/// An entry of a ledger, in canonical JSON. It tells of digests only, so that a ledger can be
/// open to all.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(tag = "kind", deny_unknown_fields, rename_all = "kebab-case")]
pub enum LedgerEntry {
    /// A plan was frozen.
    #[serde(rename_all = "kebab-case")]
    Plan {
        /// Version of this form.
        schema: EntrySchema,
        /// Name of the pipeline.
        pipeline: String,
        /// Digest over what the plan means.
        plan_digest: Digest,
    },
    /// Cohort and matched set were made by a plan, before outcomes were opened.
    #[serde(rename_all = "kebab-case")]
    Units {
        /// Version of this form.
        schema: EntrySchema,
        /// Digest over what the plan means.
        plan_digest: Digest,
        /// Seal of the cohort.
        cohort_seal: Digest,
        /// Seal of the matched set.
        matched_set_seal: Digest,
    },
    /// A bundle was sealed.
    #[serde(rename_all = "kebab-case")]
    Bundle {
        /// Version of this form.
        schema: EntrySchema,
        /// Digest of its manifest.
        seal: Digest,
    },
}

/// The version of an entry's form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
pub enum EntrySchema {
    /// The first version.
    #[serde(rename = "utfall-entry/1")]
    V1,
}

impl LedgerEntry {
    /// The entry of a sealed bundle.
    #[must_use]
    pub fn bundle(seal: Digest) -> Self {
        Self::Bundle {
            schema: EntrySchema::V1,
            seal,
        }
    }

    /// The entry of a frozen plan.
    #[must_use]
    pub fn plan(pipeline: &str, plan_digest: Digest) -> Self {
        Self::Plan {
            schema: EntrySchema::V1,
            pipeline: pipeline.to_owned(),
            plan_digest,
        }
    }

    /// The entry of units that were made comparable before outcomes were opened.
    #[must_use]
    pub fn units(plan_digest: Digest, cohort_seal: Digest, matched_set_seal: Digest) -> Self {
        Self::Units {
            schema: EntrySchema::V1,
            plan_digest,
            cohort_seal,
            matched_set_seal,
        }
    }

    /// The bytes that stand in the ledger.
    ///
    /// # Errors
    ///
    /// [`JsonError::Shape`] never in practice: every part is plain text.
    pub fn to_bytes(&self) -> Result<Vec<u8>, JsonError> {
        Ok(Json::of(self)?.to_bytes())
    }

    /// Reads an entry.
    ///
    /// # Errors
    ///
    /// [`JsonError`] if it is none.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, JsonError> {
        Json::parse_canonical(bytes)?.to_typed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_one_line_that_reads_back() {
        let entry = LedgerEntry::plan("absence", Digest::sha256(b""));
        let bytes = entry.to_bytes().unwrap();
        assert_eq!(
            String::from_utf8_lossy(&bytes),
            format!(
                r#"{{"kind":"plan","pipeline":"absence","plan-digest":"{}","schema":"utfall-entry/1"}}"#,
                Digest::sha256(b"")
            )
        );
        assert_eq!(LedgerEntry::from_bytes(&bytes).unwrap(), entry);
    }

    #[test]
    fn an_entry_of_another_kind_or_form_is_refused() {
        for text in [
            r#"{"kind":"other","schema":"utfall-entry/1"}"#,
            r#"{"kind":"bundle","schema":"utfall-entry/1"}"#,
            r#"{"kind":"bundle","schema":"utfall-entry/2","seal":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}"#,
        ] {
            assert!(LedgerEntry::from_bytes(text.as_bytes()).is_err(), "{text}");
        }
    }
}
