//! The first pass over a file: structure, encoding, identity numbers and keys. Nothing is written.

use utfall_files::{Digest, FileError};

use super::digest::{Absorb, CellHasher, RowDigest};
use super::error::{IdentityFinding, IngestError};
use super::file_name::FileName;
use super::key_store::{BlockKeys, KeyStore};
use super::rules::{Cell, RowRules};
use super::source::{Layout, Row, RowVisitor, Source};
use super::stream::{Progress, stream};
use crate::contract::Encoding;
use utfall_identity::ColumnGuard;

/// Undecodable rows up to which they are slips and go to quarantine.
const MAX_SLIPS: u64 = 2;

/// One row in how many must be undecodable for the encoding to be wrong.
const SLIPS_PER_ROW: u64 = 100;

/// What the first pass found in a file.
pub(crate) struct Inspection {
    /// The keys of each block.
    pub(crate) blocks: Vec<BlockKeys>,
    /// Columns with identity numbers.
    pub(crate) findings: Vec<IdentityFinding>,
    /// Columns that the contract does not name.
    pub(crate) ignored_columns: Vec<String>,
    /// The file's digest.
    pub(crate) digest: Digest,
}

/// Reads a file once.
pub(crate) fn inspect<S: Source>(
    source: &mut S,
    rules: &RowRules<'_>,
    declared: &[String],
    file: &FileName,
    encoding: Encoding,
    (store, progress): (&mut KeyStore, &Progress<'_>),
) -> Result<Inspection, IngestError> {
    let layout = source.layout();
    let n_columns = layout.header().len();
    let mut blocks: Vec<BlockKeys> = Vec::new();
    let mut whole = Seen::new(n_columns);
    stream(
        source,
        progress,
        |block| {
            let mut inspector =
                Inspector::new(rules, declared.len(), n_columns, encoding.of_cells());
            layout.visit(block, &mut inspector);
            (BlockKeys::new(&inspector.digests), inspector.seen)
        },
        |(keys, seen)| {
            blocks.push(store.keep(keys).map_err(put_aside)?);
            whole.merge(&seen);
            Ok(())
        },
    )?;
    let n_rows: usize = blocks.iter().map(BlockKeys::n_rows).sum();
    whole.encoding.check(file, encoding, n_rows as u64)?;
    let digest = source.finish()?;
    let ignored = layout
        .header()
        .iter()
        .filter(|name| !declared.contains(name));
    let ignored_columns = ignored.cloned().collect();
    let findings = whole.findings(file, layout.header());
    Ok(Inspection {
        blocks,
        findings,
        ignored_columns,
        digest,
    })
}

/// Keys could not be put aside on disk, or not be read again.
pub(crate) fn put_aside(source: std::io::Error) -> IngestError {
    IngestError::Disk(FileError::at(&std::env::temp_dir(), source))
}

/// What was seen of some rows.
struct Seen {
    /// One for each column of the header, and one for all cells beyond.
    guards: Vec<ColumnGuard>,
    encoding: EncodingSeen,
}

#[derive(Default)]
struct EncodingSeen {
    /// Rows that are not ASCII.
    n_foreign: u64,
    /// Of these, rows that are valid UTF-8, where another encoding is declared.
    n_utf8: u64,
    /// Rows that are no text of the declared encoding.
    n_undecodable: u64,
    first_foreign_line: Option<u64>,
    first_undecodable_line: Option<u64>,
}

impl Seen {
    fn new(n_columns: usize) -> Self {
        Self {
            guards: vec![ColumnGuard::default(); n_columns + 1],
            encoding: EncodingSeen::default(),
        }
    }

    /// Adds what was seen of later rows.
    fn merge(&mut self, later: &Self) {
        for (guard, later) in self.guards.iter_mut().zip(&later.guards) {
            guard.merge(later);
        }
        let (seen, later) = (&mut self.encoding, &later.encoding);
        seen.n_foreign += later.n_foreign;
        seen.n_utf8 += later.n_utf8;
        seen.n_undecodable += later.n_undecodable;
        seen.first_foreign_line = seen.first_foreign_line.or(later.first_foreign_line);
        seen.first_undecodable_line = seen.first_undecodable_line.or(later.first_undecodable_line);
    }

    fn findings(&self, file: &FileName, header: &[String]) -> Vec<IdentityFinding> {
        let verdicts = self.guards.iter().enumerate();
        let found = verdicts.filter_map(|(i, guard)| guard.verdict().map(|verdict| (i, verdict)));
        found
            .map(|(i, verdict)| IdentityFinding {
                file: file.clone(),
                column: header.get(i).cloned(),
                kind: verdict.kind,
                n_rows: verdict.n_rows,
                first_line: verdict.first_line,
            })
            .collect()
    }
}

impl EncodingSeen {
    fn see(&mut self, row: &[u8], line: u64, rules: &RowRules<'_>, encoding: Encoding) {
        self.n_foreign += 1;
        self.first_foreign_line.get_or_insert(line);
        if encoding != Encoding::Utf8 && std::str::from_utf8(row).is_ok() {
            self.n_utf8 += 1;
        }
        if !rules.is_encoded(row) {
            self.n_undecodable += 1;
            self.first_undecodable_line.get_or_insert(line);
        }
    }

    /// A few undecodable rows are slips; many, or text that is UTF-8 throughout, mean that the
    /// contract names the wrong encoding.
    fn check(&self, file: &FileName, declared: Encoding, n_rows: u64) -> Result<(), IngestError> {
        let wrong = |line: Option<u64>, found| IngestError::WrongEncoding {
            file: file.clone(),
            line: line.unwrap_or(1),
            declared,
            found,
        };
        if self.n_undecodable > MAX_SLIPS && self.n_undecodable >= n_rows.div_ceil(SLIPS_PER_ROW) {
            let found = (declared == Encoding::Utf8).then_some("windows-1252 or iso-8859-1");
            return Err(wrong(self.first_undecodable_line, found));
        }
        if self.n_utf8 > MAX_SLIPS && self.n_utf8 == self.n_foreign {
            return Err(wrong(self.first_foreign_line, Some("utf-8")));
        }
        Ok(())
    }
}

/// Sees the rows of one block.
struct Inspector<'r, 'c> {
    rules: &'r RowRules<'c>,
    n_declared: usize,
    encoding: Encoding,
    digests: Vec<Option<RowDigest>>,
    seen: Seen,
}

impl<'r, 'c> Inspector<'r, 'c> {
    fn new(
        rules: &'r RowRules<'c>,
        n_declared: usize,
        n_columns: usize,
        encoding: Encoding,
    ) -> Self {
        Self {
            rules,
            n_declared,
            encoding,
            digests: Vec::new(),
            seen: Seen::new(n_columns),
        }
    }

    /// The row's digest, unless it has no valid key.
    #[inline]
    fn digest(&self, row: &impl Row) -> Option<RowDigest> {
        if row.fault().is_some() {
            return None;
        }
        let key = self.rules.key(|column| row.cell(column))?;
        let mut cells = CellHasher::new();
        for column in 0..self.n_declared {
            match row.cell(column) {
                Cell::Text(bytes) => cells.bytes(crate::cell::trimmed(bytes)),
                Cell::Integer(value) => cells.word(value as u64),
                Cell::Decimal { digits, scale } => {
                    cells.word(digits as u64);
                    cells.word((digits >> 64) as u64);
                    cells.word(scale.into());
                }
                Cell::Days(days) => cells.word(i64::from(days) as u64),
                Cell::Moment { units, .. } => cells.word(units as u64),
                Cell::Missing => cells.word(u64::MAX),
                Cell::Beyond => cells.word(u64::MAX - 1),
            }
        }
        Some(RowDigest::new(key, cells))
    }
}

impl RowVisitor for Inspector<'_, '_> {
    #[inline]
    fn row(&mut self, row: &impl Row) {
        let line = row.line();
        let guards = &mut self.seen.guards;
        let beyond = guards.len() - 1;
        row.each_cell(|position, cell| {
            let guard = &mut guards[position.min(beyond)];
            match cell {
                Cell::Text(bytes) => guard.observe(crate::cell::trimmed(bytes), line),
                Cell::Integer(value) => guard.observe_number(value, line),
                Cell::Decimal { .. }
                | Cell::Days(_)
                | Cell::Moment { .. }
                | Cell::Missing
                | Cell::Beyond => {}
            }
        });
        if let Some(raw) = row.encoded()
            && !raw.is_ascii()
        {
            self.seen.encoding.see(raw, line, self.rules, self.encoding);
        }
        let digest = self.digest(row);
        self.digests.push(digest);
    }
}
