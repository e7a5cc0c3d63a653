//! The quality report: what came, what was kept, and which rules the rest broke.

use std::path::Path;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utfall_files::{Digest, FileError};

use crate::contract::{Meaning, Rule, Severity, Tolerance};
use crate::delivery::DeliveryStatus;

/// Name of the report's file in an extract's folder.
pub(crate) const QUALITY_FILE: &str = "quality.json";

/// Places named for each rule.
pub(crate) const MAX_LOCATORS: usize = 5;

/// What came in an extract's deliveries, what was kept, and which rules the rest broke.
///
/// It holds counts, rules and places, and no cell.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct QualityReport {
    /// Name of the extract.
    pub extract: String,
    /// One for each file, in the order given.
    pub deliveries: Vec<DeliveryQuality>,
    /// Title of the extract, for people.
    pub title: String,
    /// One for each rule broken.
    pub rules: Vec<RuleQuality>,
    /// The rules that every row kept.
    pub held: Vec<HeldRule>,
    /// One for each missing code met, in accepted rows.
    pub missing: Vec<MissingQuality>,
    /// Columns of the files that the contract does not name and no table holds.
    pub ignored_columns: Vec<String>,
}

/// What became of the rows of a file: `n_rows` is the sum of the other four.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct DeliveryQuality {
    /// Name of the file, with as much of its folders as tells it from the others.
    pub file: String,
    /// The day the register was as the file says.
    pub vintage: NaiveDate,
    /// Whether it may still be revised.
    pub status: DeliveryStatus,
    /// Rows in the file.
    pub n_rows: u64,
    /// Rows in the table.
    pub n_accepted: u64,
    /// Valid rows whose key a later delivery holds.
    pub n_superseded: u64,
    /// Valid rows whose key a later full delivery no longer holds.
    pub n_deleted: u64,
    /// Rows that broke a rule.
    pub n_quarantined: u64,
    /// BLAKE3 of the file.
    pub blake3: Digest,
}

/// How often a rule was broken. A row may break several.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RuleQuality {
    /// The rule's id.
    pub id: String,
    /// What it asks, in words.
    pub name: String,
    /// What kind of rule.
    pub rule: Rule,
    /// What a breach means.
    pub severity: Severity,
    /// How many breaches are borne; any number if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tolerance: Option<Tolerance>,
    /// Whether there are more, so that the extract is refused.
    pub is_exceeded: bool,
    /// Name of the column in the header; absent where the rule is about the row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// Rows that broke it; of a rule about the extract, its breaches.
    pub n_rows: u64,
    /// The same by delivery, in the order given.
    pub by_delivery: Vec<u64>,
    /// Where it was broken first, in the order of the files.
    pub first_locators: Vec<Locator>,
}

/// A rule that every row kept.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct HeldRule {
    /// The rule's id.
    pub id: String,
    /// What it asks, in words.
    pub name: String,
}

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Locator {
    /// Name of the file, without its folder.
    pub file: String,
    /// Line on which the row begins, the header being the first; in Parquet the row, from 1; 0 for
    /// the whole file.
    pub line: u64,
    /// Name of the column in the header; absent where the rule is about the row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// What is lacking there, such as a month; never a cell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// How often a missing code was met.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct MissingQuality {
    /// Name of the column in the header.
    pub column: String,
    /// The code.
    pub code: String,
    /// What it means.
    pub means: Meaning,
    /// Accepted rows that hold it.
    pub n_rows: u64,
}

impl QualityReport {
    /// Rows of all files.
    #[must_use]
    pub fn n_rows(&self) -> u64 {
        self.deliveries.iter().map(|delivery| delivery.n_rows).sum()
    }

    /// Rows in the table.
    #[must_use]
    pub fn n_accepted(&self) -> u64 {
        self.deliveries
            .iter()
            .map(|delivery| delivery.n_accepted)
            .sum()
    }

    /// Rows that broke a rule.
    #[must_use]
    pub fn n_quarantined(&self) -> u64 {
        self.deliveries
            .iter()
            .map(|delivery| delivery.n_quarantined)
            .sum()
    }

    /// The rules broken more often than is borne: the extract is refused.
    pub fn exceeded(&self) -> impl Iterator<Item = &RuleQuality> {
        self.rules.iter().filter(|rule| rule.is_exceeded)
    }

    /// The last day the register is known as of.
    #[must_use]
    pub fn latest_vintage(&self) -> Option<NaiveDate> {
        self.deliveries
            .iter()
            .map(|delivery| delivery.vintage)
            .max()
    }

    /// Reads the report of an extract from its folder.
    ///
    /// # Errors
    ///
    /// [`QualityReportError`] if there is none, or it is none of this version.
    pub fn read(folder: &Path) -> Result<Self, QualityReportError> {
        let text = utfall_files::read_text(&folder.join(QUALITY_FILE))?;
        Ok(serde_json::from_str(&text)?)
    }

    pub(crate) fn to_json(&self) -> Vec<u8> {
        let mut json = serde_json::to_vec_pretty(self)
            .expect("a struct of texts, counts and lists has a JSON form");
        json.push(b'\n');
        json
    }
}

/// Why a quality report cannot be read.
///
/// Every message reads on from "cannot read the quality report:".
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QualityReportError {
    /// No file, or no text.
    #[error(transparent)]
    File(#[from] FileError),
    /// Another shape than this version writes.
    #[error("{QUALITY_FILE} is none of this version ({0}); ingest the extract again")]
    Shape(#[from] serde_json::Error),
}
