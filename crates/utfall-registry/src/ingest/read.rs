//! The second pass over a file: every row judged, kept, superseded or put in quarantine.

use super::digest::{KeyDigest, KeyHasher};
use super::error::IngestError;
use super::file_name::FileName;
use super::keys::{Keys, Standing, Succession};
use super::rules::{Batch, RowRules, Rule};
use super::source::{Layout, Row, RowVisitor, Source};
use super::stream::{Progress, stream};
use crate::contract::Violation;

/// What became of the rows of a block.
pub(crate) struct Judged {
    pub(crate) batch: Batch,
    pub(crate) n_rows: usize,
    pub(crate) n_superseded: u64,
    pub(crate) n_deleted: u64,
    pub(crate) rejects: Vec<Reject>,
    /// Line of each row of the batch.
    pub(crate) lines: Vec<u64>,
    /// Rows whose fate hangs on the severity of rules, as columns.
    pub(crate) aside: Batch,
    /// What is known of each row set aside.
    pub(crate) notes: Vec<Note>,
}

/// What is known of a row set aside.
pub(crate) struct Note {
    pub(crate) line: u64,
    pub(crate) key: KeyDigest,
    /// Whether a later delivery has a row of its key that breaks nothing.
    pub(crate) superseded: bool,
    /// Whether a later full delivery does not hold its key.
    pub(crate) deleted: bool,
    /// All it broke: nothing, where only later rows of its key did.
    pub(crate) violations: Vec<Violation>,
    /// Missing codes met: column and code.
    pub(crate) missing: Vec<(u32, u32)>,
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
            lines: Vec::with_capacity(rows.len()),
            aside: rules.batch(0),
            notes: Vec::new(),
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

    /// Keeps the values of a row whose fate is decided later.
    #[cold]
    fn set_aside(
        &mut self,
        row: &impl Row,
        key: KeyDigest,
        superseded: bool,
        violations: Vec<Violation>,
    ) {
        let deleted = self.keys.is_deleted(self.file, self.row);
        let aside = &mut self.judged.aside;
        self.rules.judge(aside, |column| row.cell(column));
        let note = Note {
            line: row.line(),
            key,
            superseded,
            deleted,
            violations,
            missing: aside.codes_met.clone(),
        };
        aside.keep();
        self.judged.notes.push(note);
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
            self.reject(row, None, vec![Violation::implied(rule, column)]);
        } else {
            self.judge(row);
        }
        self.row += 1;
    }
}

impl Judge<'_, '_> {
    #[inline]
    fn judge(&mut self, row: &impl Row) {
        let batch = &mut self.judged.batch;
        self.rules.judge(batch, |column| row.cell(column));
        let standing = self.keys.standing(self.file, self.row);
        match standing {
            Standing::Alone => {}
            Standing::Duplicate => {
                let violation = Violation::implied(Rule::DuplicateRow, None);
                batch.violations.push(violation);
            }
            Standing::Conflict => {
                let violation = Violation::implied(Rule::KeyConflict, None);
                batch.violations.push(violation);
            }
        }
        let key = || {
            let key = self.rules.key(|column| row.cell(column));
            key.map(KeyHasher::digest)
        };
        let succession = self.keys.succession(self.file, self.row, key);
        if !batch.violations.is_empty() {
            batch.drop_last();
            let violations = batch.violations.clone();
            let key = key().filter(|_| standing != Standing::Duplicate);
            if let Some(key) = key
                && violations.iter().all(|broken| broken.rule.is_storable())
            {
                let superseded = succession == Succession::Superseded;
                self.set_aside(row, key, superseded, violations.clone());
            }
            self.reject(row, key, violations);
        } else if succession == Succession::Superseded {
            batch.drop_last();
            self.judged.n_superseded += 1;
        } else if self.keys.is_deleted(self.file, self.row) {
            batch.drop_last();
            self.judged.n_deleted += 1;
        } else if succession == Succession::Contested
            && let Some(key) = key()
        {
            batch.drop_last();
            self.set_aside(row, key, false, Vec::new());
        } else {
            batch.keep();
            self.judged.lines.push(row.line());
        }
    }
}
