//! An extract written anew with pseudonyms in place of ids.

use std::io::Write;
use std::path::Path;

use utfall_core::Watch;
use utfall_files::{FileError, PendingFile};

use super::{PseudonymError, PseudonymKey, PseudonymKeyId};
use crate::cell::trimmed;
use crate::contract::{DataContract, Dialect, Format, Header};
use crate::ingest::{CsvSource, IngestError, Layout, Row, RowCell, RowVisitor, Source, decode};

/// What becomes of rows that cannot be taken apart, whose ids may stand in any cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadRows {
    /// The extract is refused.
    Refuse,
    /// They are left out, and counted.
    Drop,
}

/// What was done to an extract. It holds counts alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PseudonymReport {
    /// Rows written.
    pub n_rows: u64,
    /// Rows left out because they could not be taken apart.
    pub n_dropped: u64,
    /// Values replaced.
    pub n_pseudonyms: u64,
    /// Cells left as they are: empty, or a missing code of the contract.
    pub n_missing: u64,
    /// The key's id, which the contract of the new file states.
    pub key: PseudonymKeyId,
}

/// Writes an extract of delimited text anew, whole or not at all: columns named as in the file's
/// header become pseudonyms, everything else stays as it is. The new file is UTF-8, begins with
/// its header (or first row) and ends with its last row.
///
/// # Errors
///
/// [`PseudonymError`]; nothing has been written then.
pub fn pseudonymise(
    contract: &DataContract,
    extract: &Path,
    columns: &[String],
    key: &PseudonymKey,
    bad_rows: BadRows,
    to: &Path,
    watch: &dyn Watch,
) -> Result<PseudonymReport, PseudonymError> {
    let dialect = contract
        .dialect()
        .filter(|_| contract.format() == Format::Csv)
        .ok_or(PseudonymError::NotText)?;
    let same = std::fs::canonicalize(extract).ok();
    if same.is_some() && same == std::fs::canonicalize(to).ok() {
        return Err(PseudonymError::SameFile);
    }
    let total = std::fs::metadata(extract)
        .map_err(|source| FileError::at(extract, source))?
        .len();
    let mut source = CsvSource::open(extract, contract, dialect)?;
    let layout = source.layout();
    let mut writer = Rewriter::new(contract, dialect, layout.header(), columns, key)?;
    writer.bad_rows = bad_rows;
    let mut file = PendingFile::create(to)?;
    let failed = |source| PseudonymError::File(FileError::at(to, source));
    if dialect.header == Header::Named {
        file.write_all(&writer.header(layout.header()))
            .map_err(failed)?;
    }
    while let Some(block) = source.next_block()? {
        if watch.is_cancelled() {
            return Err(IngestError::Cancelled.into());
        }
        layout.visit(&block, &mut writer);
        if let Some(error) = writer.error.take() {
            return Err(error);
        }
        file.write_all(&writer.text).map_err(failed)?;
        writer.text.clear();
        watch.advance(source.n_bytes(), total);
    }
    source.finish()?;
    file.commit()?;
    Ok(writer.report)
}

/// Writes rows with pseudonyms.
struct Rewriter<'a> {
    contract: &'a DataContract,
    dialect: &'a Dialect,
    key: &'a PseudonymKey,
    /// For each column of the file, its name if it becomes pseudonyms.
    replaced: Vec<Option<&'a str>>,
    text: Vec<u8>,
    bad_rows: BadRows,
    report: PseudonymReport,
    error: Option<PseudonymError>,
}

impl<'a> Rewriter<'a> {
    fn new(
        contract: &'a DataContract,
        dialect: &'a Dialect,
        header: &[String],
        columns: &'a [String],
        key: &'a PseudonymKey,
    ) -> Result<Self, PseudonymError> {
        let absent = columns.iter().find(|column| !header.contains(column));
        if let Some(column) = absent {
            return Err(PseudonymError::UnknownColumn {
                column: column.clone(),
                known: header.to_vec(),
            });
        }
        let replaced = |name: &String| columns.iter().find(|column| *column == name);
        Ok(Self {
            contract,
            dialect,
            key,
            replaced: header
                .iter()
                .map(|name| replaced(name).map(String::as_str))
                .collect(),
            text: Vec::new(),
            bad_rows: BadRows::Refuse,
            report: PseudonymReport {
                n_rows: 0,
                n_dropped: 0,
                n_pseudonyms: 0,
                n_missing: 0,
                key: key.id(),
            },
            error: None,
        })
    }

    fn header(&self, names: &[String]) -> Vec<u8> {
        let mut text = Vec::new();
        for (position, name) in names.iter().enumerate() {
            self.append(&mut text, position, name);
        }
        text.push(b'\n');
        text
    }

    /// Adds a cell, in quotes if it needs them.
    fn append(&self, text: &mut Vec<u8>, position: usize, cell: &str) {
        let (delimiter, quote) = self.dialect.csv_marks();
        if position > 0 {
            text.push(delimiter);
        }
        let special = |byte: u8| byte == delimiter || byte == b'\n' || byte == b'\r';
        match quote {
            Some(quote) if cell.bytes().any(|byte| special(byte) || byte == quote) => {
                text.push(quote);
                for byte in cell.bytes() {
                    if byte == quote {
                        text.push(quote);
                    }
                    text.push(byte);
                }
                text.push(quote);
            }
            _ => text.extend_from_slice(cell.as_bytes()),
        }
    }

    /// What stands in a cell of the new file.
    fn cell(&mut self, position: usize, bytes: &[u8], line: u64) -> Result<String, PseudonymError> {
        let bad_row = || PseudonymError::BadRow { line };
        let encoding = self.contract.encoding().of_cells();
        let text = decode(bytes, encoding).ok_or_else(bad_row)?.into_owned();
        let Some(column) = self.replaced.get(position).copied().flatten() else {
            return Ok(text);
        };
        if trimmed(bytes).is_empty() || self.is_missing_code(column, text.trim()) {
            self.report.n_missing += 1;
            return Ok(text);
        }
        self.report.n_pseudonyms += 1;
        self.key
            .pseudonym(&text)
            .ok_or_else(|| PseudonymError::NoValue {
                line,
                column: column.to_owned(),
            })
    }

    fn is_missing_code(&self, header: &str, text: &str) -> bool {
        let named = self.contract.columns().iter();
        let name = named
            .filter(|column| column.header() == header)
            .map(|column| column.name().to_owned())
            .next();
        self.contract.missing().iter().any(|missing| {
            let applies = missing
                .columns
                .as_ref()
                .is_none_or(|columns| name.as_ref().is_some_and(|name| columns.contains(name)));
            missing.code == text && applies
        })
    }
}

impl RowVisitor for Rewriter<'_> {
    fn row(&mut self, row: &impl Row) {
        if self.error.is_some() {
            return;
        }
        let line = row.line();
        let encoding = self.contract.encoding().of_cells();
        let is_text = |raw: &[u8]| decode(raw, encoding).is_some();
        if row.fault().is_some() || !row.encoded().is_some_and(is_text) {
            match self.bad_rows {
                BadRows::Refuse => self.error = Some(PseudonymError::BadRow { line }),
                BadRows::Drop => self.report.n_dropped += 1,
            }
            return;
        }
        let mut text = std::mem::take(&mut self.text);
        row.each_cell(|position, cell| {
            let RowCell::Text(bytes) = cell else { return };
            match self.cell(position, bytes, line) {
                Ok(cell) => self.append(&mut text, position, &cell),
                Err(error) => self.error = Some(error),
            }
        });
        text.push(b'\n');
        self.text = text;
        self.report.n_rows += 1;
    }
}
