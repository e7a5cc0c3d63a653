//! Judging: what reading left becomes a table, a quarantine and a quality report.
//!
//! Severities decide which of the rows set aside come back, and which row of a key is the latest.
//! Then come the rules over many rows: each looks at the rows that single-row rules accept, in
//! this extract and in others, so that their order does not matter and no rejection drags another
//! with it. A row that breaks one goes to quarantine, or is counted where that is a warning; a
//! row it had superseded does not come back. Tolerances are applied to the counts.

mod aside;
mod candidates;
mod extract_rules;
mod report;
mod row_rules;
mod tables;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::contract::{DataContract, RuleBody, Severity};
use crate::ingest::{COUNTS_FILE, IngestError, QUARANTINE_FILE, ReadCounts, TABLE_FILE};
use crate::quality::{QUALITY_FILE, QualityReport};
use aside::Aside;
use candidates::Candidates;

/// The files that judging an extract leaves.
pub const JUDGED_FILES: [&str; 3] = [TABLE_FILE, QUALITY_FILE, QUARANTINE_FILE];

/// Judges an extract that was read into `read_folder` and writes to `folder`, which exists:
/// `table.parquet` (the accepted rows), `quarantine.csv` (the rejected rows, restricted data)
/// and, last, `quality.json` (counts and places, no cell).
///
/// `others` holds the extracts that rules look at: each with its contract and the folder it was
/// read into.
///
/// # Errors
///
/// [`IngestError::NoSuchExtract`] or [`IngestError::NoSuchColumn`] if a rule names what is not
/// there; [`IngestError`] if a file cannot be read or written. Rows that break rules are no
/// error, nor is a tolerance that is exceeded: see [`QualityReport::exceeded`].
pub fn judge(
    contract: &DataContract,
    read_folder: &Path,
    others: &BTreeMap<String, (DataContract, PathBuf)>,
    folder: &Path,
) -> Result<QualityReport, IngestError> {
    let counts = read_counts(read_folder)?;
    let aside = Aside::open(contract, read_folder, &counts)?;
    let findings = findings(contract, read_folder, others, &counts, &aside)?;
    let mut rejected: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for finding in &findings {
        if let (Found::Rows(rows), Severity::Error) = (&finding.found, finding.severity) {
            for &row in rows {
                rejected.entry(row).or_default().push(finding.id.clone());
            }
        }
    }
    let places = candidates::Places::open(contract, read_folder, &counts, &aside)?;
    let report = report::of(contract, &counts, &aside, &findings, &rejected, &places)?;
    tables::write(
        contract,
        (read_folder, folder),
        &counts,
        &aside,
        &rejected,
        &places,
        &report,
    )?;
    Ok(report)
}

/// What reading counted, as a report: no row is let back in, and no rule over many rows is judged.
pub(crate) fn single_rows(
    contract: &DataContract,
    counts: &ReadCounts,
) -> Result<QualityReport, IngestError> {
    let places = candidates::Places::default();
    report::of(
        contract,
        counts,
        &Aside::default(),
        &[],
        &BTreeMap::new(),
        &places,
    )
}

/// What a rule over many rows found.
struct Finding {
    id: String,
    severity: Severity,
    found: Found,
}

enum Found {
    /// The candidates that break it, in order.
    Rows(Vec<usize>),
    /// The breaches of a rule about the extract.
    Extract(Vec<Breach>),
}

/// A breach of a rule about the extract.
struct Breach {
    /// The delivery it is told of.
    delivery: usize,
    /// The candidate it is told of.
    row: Option<usize>,
    /// What is wrong, without any cell.
    note: String,
}

/// Judges every rule over many rows.
fn findings(
    contract: &DataContract,
    read_folder: &Path,
    others: &BTreeMap<String, (DataContract, PathBuf)>,
    counts: &ReadCounts,
    aside: &Aside,
) -> Result<Vec<Finding>, IngestError> {
    let rules = contract.rules().iter().filter_map(|entry| {
        let body = &contract.bodies()[entry.violation.declared? as usize];
        match body {
            RuleBody::Set(rule) => Some((entry, rule)),
            RuleBody::Row(_) => None,
        }
    });
    let own = Candidates::open(contract, read_folder, aside);
    let mut findings = Vec::new();
    for (entry, rule) in rules {
        let elsewhere = match rule.extract() {
            None => None,
            Some(name) if name == contract.name() => Some(own.clone()),
            Some(name) => Some(open_other(entry.id(), name, others)?),
        };
        let found = if entry.rule().is_about_extract() {
            Found::Extract(extract_rules::judge(rule, &own, counts)?)
        } else {
            Found::Rows(row_rules::judge(
                entry.id(),
                rule,
                &own,
                elsewhere.as_ref(),
            )?)
        };
        findings.push(Finding {
            id: entry.id().to_owned(),
            severity: entry.severity(),
            found,
        });
    }
    Ok(findings)
}

/// The candidates of another extract.
fn open_other<'o>(
    rule: &str,
    extract: &str,
    others: &'o BTreeMap<String, (DataContract, PathBuf)>,
) -> Result<Candidates<'o>, IngestError> {
    let Some((contract, folder)) = others.get(extract) else {
        return Err(IngestError::NoSuchExtract {
            rule: rule.to_owned(),
            extract: extract.to_owned(),
        });
    };
    let counts = read_counts(folder)?;
    let aside = Aside::open(contract, folder, &counts)?;
    Ok(Candidates::open(contract, folder, &aside))
}

fn read_counts(folder: &Path) -> Result<ReadCounts, IngestError> {
    let bytes =
        utfall_files::read_whole(&folder.join(COUNTS_FILE)).map_err(IngestError::Unreadable)?;
    serde_json::from_slice(&bytes).map_err(|_| IngestError::Stage)
}

#[cfg(test)]
mod tests;
