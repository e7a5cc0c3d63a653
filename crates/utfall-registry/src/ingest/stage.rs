//! What reading leaves for judging: rows that break nothing, rows whose fate hangs on severities,
//! and every broken row as it stands in its file.

use std::io::Write;
use std::path::Path;

use utfall_files::{FileError, PendingFile};

use super::error::IngestError;
use super::quarantine::Quarantine;
use super::read::{Judged, Note};
use super::tally::ReadCounts;
use crate::column_data::{ColumnData, TextColumn};
use crate::contract::DataContract;
use crate::table_writer::{StoredType, TableWriter};

/// The accepted rows, latest delivery first.
pub(crate) const ROWS_FILE: &str = "rows.parquet";
/// File and line of each accepted row, where some rule must say so.
pub(crate) const PLACES_FILE: &str = "places.parquet";
/// Rows set aside, with what is known of them.
pub(crate) const ASIDE_FILE: &str = "aside.parquet";
/// Every row that breaks a rule. Restricted data.
pub(crate) const BROKEN_FILE: &str = "broken.csv";
/// Counts and places.
pub(crate) const COUNTS_FILE: &str = "counts.json";

/// The files that reading an extract leaves.
pub const READ_FILES: [&str; 5] = [ROWS_FILE, PLACES_FILE, ASIDE_FILE, BROKEN_FILE, COUNTS_FILE];

/// Columns of what is known of a row set aside; no contract's column has such a name by accident.
pub(crate) const NOTE_COLUMNS: [(&str, StoredType); 6] = [
    ("utfall:file", StoredType::Integer),
    ("utfall:line", StoredType::Integer),
    ("utfall:key", StoredType::Text),
    ("utfall:fate", StoredType::Integer),
    ("utfall:rules", StoredType::Text),
    ("utfall:missing", StoredType::Text),
];

/// What stands between the ids of the rules that a row broke.
pub(crate) const BETWEEN_RULES: &str = " | ";

/// A later delivery has a row of the key that breaks nothing.
pub(crate) const SUPERSEDED: i64 = 1;
/// A later full delivery does not hold the key.
pub(crate) const DELETED: i64 = 2;

fn fate(note: &Note) -> i64 {
    match (note.superseded, note.deleted) {
        (true, _) => SUPERSEDED,
        (false, true) => DELETED,
        (false, false) => 0,
    }
}

/// Columns of a place.
pub(crate) const PLACE_COLUMNS: [(&str, StoredType); 2] =
    [("file", StoredType::Integer), ("line", StoredType::Integer)];

/// Writes what reading leaves.
pub(crate) struct StageWriter<'a> {
    folder: &'a Path,
    rows: TableWriter,
    places: TableWriter,
    with_places: bool,
    aside: TableWriter,
    broken: Quarantine,
}

impl<'a> StageWriter<'a> {
    pub(crate) fn create(contract: &DataContract, folder: &'a Path) -> Result<Self, IngestError> {
        let columns: Vec<(&str, StoredType)> = contract
            .columns()
            .iter()
            .map(|column| (column.name(), column.stored_type()))
            .collect();
        let noted: Vec<(&str, StoredType)> = columns.iter().copied().chain(NOTE_COLUMNS).collect();
        Ok(Self {
            folder,
            rows: TableWriter::create(&folder.join(ROWS_FILE), &columns)?,
            places: TableWriter::create(&folder.join(PLACES_FILE), &PLACE_COLUMNS)?,
            with_places: contract.needs_places(),
            aside: TableWriter::create(&folder.join(ASIDE_FILE), &noted)?,
            broken: Quarantine::create(&folder.join(BROKEN_FILE)).map_err(IngestError::Disk)?,
        })
    }

    /// Adds a row that breaks rules, as it stands in its file.
    pub(crate) fn broken(
        &mut self,
        file: &str,
        line: u64,
        rules: &[String],
        row: &str,
    ) -> Result<(), IngestError> {
        self.broken
            .add(file, line, rules, row)
            .map_err(IngestError::Disk)
    }

    /// Adds the rows of a block of a file.
    pub(crate) fn add(
        &mut self,
        contract: &DataContract,
        file: usize,
        judged: Judged,
    ) -> Result<(), IngestError> {
        if self.with_places {
            let lines = judged.lines.iter();
            let places = vec![
                ColumnData::Integer(vec![Some(file as i64); judged.lines.len()]),
                ColumnData::Integer(lines.map(|&line| i64::try_from(line).ok()).collect()),
            ];
            self.places.write(places)?;
        }
        if !judged.notes.is_empty() {
            let mut columns = judged.aside.columns;
            let (mut lines, mut fates) = (Vec::new(), Vec::new());
            let mut texts = [
                TextColumn::default(),
                TextColumn::default(),
                TextColumn::default(),
            ];
            for note in &judged.notes {
                lines.push(i64::try_from(note.line).ok());
                fates.push(Some(fate(note)));
                let rules: Vec<String> = note
                    .violations
                    .iter()
                    .map(|&broken| contract.rule_id(broken))
                    .collect();
                let missing: Vec<String> = note
                    .missing
                    .iter()
                    .map(|(column, code)| format!("{column}:{code}"))
                    .collect();
                texts[0].push(Some(&note.key.to_hex()));
                texts[1].push(Some(&rules.join(BETWEEN_RULES)));
                texts[2].push(Some(&missing.join(" ")));
            }
            let [keys, rules, missing] = texts;
            let files = vec![Some(file as i64); lines.len()];
            columns.extend([
                ColumnData::Integer(files),
                ColumnData::Integer(lines),
                ColumnData::Text(keys),
                ColumnData::Integer(fates),
                ColumnData::Text(rules),
                ColumnData::Text(missing),
            ]);
            self.aside.write(columns)?;
        }
        Ok(self.rows.write(judged.batch.columns)?)
    }

    /// Names all files, the counts last. A disk that fills up shows itself before the first is
    /// named.
    pub(crate) fn finish(mut self, counts: &ReadCounts) -> Result<(), IngestError> {
        let path = self.folder.join(COUNTS_FILE);
        let mut bytes = serde_json::to_vec_pretty(counts)
            .expect("a struct of texts, counts and lists has a JSON form");
        bytes.push(b'\n');
        let mut file = PendingFile::create(&path).map_err(IngestError::Disk)?;
        let written = file.write_all(&bytes).and_then(|()| file.flush());
        written.map_err(|source| IngestError::Disk(FileError::at(&path, source)))?;
        self.broken.flush().map_err(IngestError::Disk)?;
        self.rows.finish()?;
        self.places.finish()?;
        self.aside.finish()?;
        self.broken.commit().map_err(IngestError::Disk)?;
        file.commit().map_err(IngestError::Disk)
    }
}
