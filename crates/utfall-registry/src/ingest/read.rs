//! The second pass over a file: every row judged, kept, superseded or put in quarantine.

use super::digest::{KeyDigest, KeyHasher};
use super::error::IngestError;
use super::file_name::FileName;
use super::keys::{Keys, Standing};
use super::rules::{Batch, RowRules, Rule, Violation};
use super::source::{Layout, Row, RowVisitor, Source};
use super::stream::{Progress, stream};

/// What became of the rows of a block.
pub(crate) struct Judged {
    pub(crate) batch: Batch,
    pub(crate) n_rows: usize,
    pub(crate) n_superseded: u64,
    pub(crate) n_deleted: u64,
    pub(crate) rejects: Vec<Reject>,
}

/// A row on its way to quarantine.
pub(crate) struct Reject {
    /// The row's key, if no other row of its delivery can stand for it.
    pub(crate) key: Option<KeyDigest>,
    /// Line on which it begins.
    pub(crate) line: u64,
    /// All it broke, in order.
    pub(crate) violations: Vec<Violation>,
    /// The row as it stands in the file.
    pub(crate) raw: Vec<u8>,
}

/// Reads a file for the second time; `starts` are the first rows of its blocks.
pub(crate) fn read<S: Source>(
    source: &mut S,
    rules: &RowRules<'_>,
    keys: &Keys,
    file: (usize, &FileName),
    starts: &[usize],
    progress: &Progress<'_>,
    mut sink: impl FnMut(Judged) -> Result<(), IngestError> + Send,
) -> Result<(), IngestError> {
    let layout = source.layout();
    let (file, name) = file;
    let changed = || IngestError::ChangedWhileRead { file: name.clone() };
    stream(
        source,
        progress,
        |block| {
            let index = layout.index(block);
            let start = *starts.get(index)?;
            let end = starts.get(index + 1).copied().unwrap_or(keys.n_rows(file));
            let mut judge = Judge::new(rules, keys, file, start..end);
            layout.visit(block, &mut judge);
            judge.finish()
        },
        |judged| judged.ok_or_else(changed).and_then(&mut sink),
    )
}

/// Judges the rows of one block.
struct Judge<'r, 'c> {
    rules: &'r RowRules<'c>,
    keys: &'r Keys,
    file: usize,
    /// The rows the first pass saw in this block.
    rows: std::ops::Range<usize>,
    row: usize,
    judged: Judged,
}

impl<'r, 'c> Judge<'r, 'c> {
    fn new(
        rules: &'r RowRules<'c>,
        keys: &'r Keys,
        file: usize,
        rows: std::ops::Range<usize>,
    ) -> Self {
        let judged = Judged {
            batch: rules.batch(rows.len()),
            n_rows: 0,
            n_superseded: 0,
            n_deleted: 0,
            rejects: Vec::new(),
        };
        Self {
            rules,
            keys,
            file,
            row: rows.start,
            rows,
            judged,
        }
    }

    /// The result, unless the block holds other rows than the first pass saw.
    fn finish(mut self) -> Option<Judged> {
        self.judged.n_rows = self.rows.len();
        (self.row == self.rows.end).then_some(self.judged)
    }

    #[cold]
    fn reject(&mut self, row: &impl Row, key: Option<KeyDigest>, violations: Vec<Violation>) {
        let reject = Reject {
            key,
            line: row.line(),
            violations,
            raw: row.raw(),
        };
        self.judged.rejects.push(reject);
    }
}

impl RowVisitor for Judge<'_, '_> {
    #[inline]
    fn row(&mut self, row: &impl Row) {
        if self.row >= self.rows.end {
            self.row = usize::MAX;
            return;
        }
        if let Some((rule, cell)) = row.fault() {
            let column = cell.and_then(|cell| row.in_contract(cell));
            self.reject(row, None, vec![(rule, column)]);
        } else {
            let batch = &mut self.judged.batch;
            self.rules.judge(batch, |column| row.cell(column));
            let standing = self.keys.standing(self.file, self.row);
            match standing {
                Standing::Alone => {}
                Standing::Duplicate => batch.violations.push((Rule::DuplicateRow, None)),
                Standing::Conflict => batch.violations.push((Rule::KeyConflict, None)),
            }
            let key = || {
                self.rules
                    .key(|column| row.cell(column))
                    .map(KeyHasher::digest)
            };
            if !batch.violations.is_empty() {
                batch.drop_last();
                let violations = batch.violations.clone();
                let key = if standing == Standing::Duplicate {
                    None
                } else {
                    key()
                };
                self.reject(row, key, violations);
            } else if self.keys.is_superseded(self.file, self.row, key) {
                batch.drop_last();
                self.judged.n_superseded += 1;
            } else if self.keys.is_deleted(self.file, self.row) {
                batch.drop_last();
                self.judged.n_deleted += 1;
            } else {
                batch.keep();
            }
        }
        self.row += 1;
    }
}
