//! Writing what judging decides: the table, the quarantine and the report.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use polars::prelude::{AnyValue, BooleanChunked, DataFrame, NewChunkedArray};
use utfall_files::{FileError, PendingFile};

use super::aside::{Aside, Fate};
use super::candidates::Places;
use crate::contract::DataContract;
use crate::engine::{EngineError, read_rows};
use crate::ingest::{
    BETWEEN_RULES, BROKEN_FILE, IngestError, QUARANTINE_FILE, Quarantine, ROWS_FILE, ReadCounts,
    TABLE_FILE,
};
use crate::quality::{QUALITY_FILE, QualityReport};
use crate::table_writer::{ROWS_PER_GROUP, StoredType, TableWriter};

/// Writes the three files, the report last. A disk that fills up shows itself before the first
/// is named.
pub(super) fn write(
    contract: &DataContract,
    (read_folder, folder): (&Path, &Path),
    counts: &ReadCounts,
    aside: &Aside,
    rejected: &BTreeMap<usize, Vec<String>>,
    places: &Places,
    report: &QualityReport,
) -> Result<(), IngestError> {
    let mut quarantine =
        Quarantine::create(&folder.join(QUARANTINE_FILE)).map_err(IngestError::Disk)?;
    copy_broken(
        &read_folder.join(BROKEN_FILE),
        counts,
        aside,
        &mut quarantine,
    )?;
    let rows = read_folder.join(ROWS_FILE);
    let table = folder.join(TABLE_FILE);
    if aside.accepted.height() == 0 && rejected.is_empty() {
        link(&rows, &table).map_err(IngestError::Disk)?;
    } else {
        let mut add = |row: usize, text: &str| -> Result<(), IngestError> {
            let (file, line) = places.of(row).ok_or(IngestError::Stage)?;
            let rules = &rejected[&row];
            quarantine
                .add(&counts.deliveries[file].file, line, rules, text)
                .map_err(IngestError::Disk)
        };
        rewrite(contract, &rows, aside, rejected, &table, &mut add)?;
    }
    let path = folder.join(QUALITY_FILE);
    let mut quality = PendingFile::create(&path).map_err(IngestError::Disk)?;
    let written = quality
        .write_all(&report.to_json())
        .and_then(|()| quality.flush());
    written.map_err(|source| IngestError::Disk(FileError::at(&path, source)))?;
    quarantine.flush().map_err(IngestError::Disk)?;
    quarantine.commit().map_err(IngestError::Disk)?;
    quality.commit().map_err(IngestError::Disk)
}

/// Gives a file a second name, or copies it where the file system has no second names.
fn link(from: &Path, to: &Path) -> Result<(), FileError> {
    match std::fs::remove_file(to) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(FileError::at(to, error));
        }
        _ => {}
    }
    if std::fs::hard_link(from, to).is_ok() {
        return Ok(());
    }
    let mut source = std::fs::File::open(from).map_err(|error| FileError::at(from, error))?;
    let mut copy = PendingFile::create(to)?;
    std::io::copy(&mut source, &mut copy).map_err(|error| FileError::at(to, error))?;
    copy.commit()
}

/// Copies the broken rows that stay rejected.
fn copy_broken(
    path: &Path,
    counts: &ReadCounts,
    aside: &Aside,
    quarantine: &mut Quarantine,
) -> Result<(), IngestError> {
    // Both lists are in the order in which rows were read.
    let mut set_aside = aside
        .rows
        .iter()
        .filter(|row| !row.rules.is_empty())
        .peekable();
    let mut reader = csv::Reader::from_path(path).map_err(|_| IngestError::Stage)?;
    let mut record = csv::StringRecord::new();
    while reader
        .read_record(&mut record)
        .map_err(|_| IngestError::Stage)?
    {
        let cell = |i: usize| record.get(i).unwrap_or_default();
        let line: u64 = cell(1).parse().map_err(|_| IngestError::Stage)?;
        let same = set_aside.next_if(|row| {
            row.line == line
                && row.rules == cell(2)
                && counts
                    .deliveries
                    .get(row.file)
                    .is_some_and(|file| file.file == cell(0))
        });
        if same.is_none_or(|row| row.fate == Fate::Rejected) {
            let rules: Vec<String> = cell(2).split(BETWEEN_RULES).map(str::to_owned).collect();
            quarantine
                .add(cell(0), line, &rules, cell(3))
                .map_err(IngestError::Disk)?;
        }
    }
    if set_aside.peek().is_some() {
        return Err(IngestError::Stage);
    }
    Ok(())
}

/// Writes the table anew: the rows read, then those let back in, less the rejected ones, each of
/// which is shown to `reject` as text.
fn rewrite(
    contract: &DataContract,
    rows: &Path,
    aside: &Aside,
    rejected: &BTreeMap<usize, Vec<String>>,
    table: &Path,
    reject: &mut dyn FnMut(usize, &str) -> Result<(), IngestError>,
) -> Result<(), IngestError> {
    let columns: Vec<(&str, StoredType)> = contract
        .columns()
        .iter()
        .map(|column| (column.name(), column.stored_type()))
        .collect();
    let mut writer = TableWriter::create(table, &columns)?;
    let mut start = 0;
    let mut sift = |frame: DataFrame, start: usize| -> Result<(), IngestError> {
        let n_rows = frame.height();
        let broken: Vec<usize> = rejected
            .range(start..start + n_rows)
            .map(|(&row, _)| row)
            .collect();
        for &row in &broken {
            reject(row, &text(contract, &frame, row - start))?;
        }
        let kept = (start..start + n_rows).map(|row| broken.binary_search(&row).is_err());
        let kept = BooleanChunked::from_iter_values("kept".into(), kept);
        let frame = frame
            .filter(&kept)
            .map_err(|error| EngineError::of(&error))?;
        Ok(writer.write_frame(frame)?)
    };
    loop {
        let frame = read_rows(rows, start, ROWS_PER_GROUP)?;
        let n_rows = frame.height();
        if n_rows == 0 {
            break;
        }
        sift(frame, start)?;
        start += n_rows;
    }
    sift(aside.accepted.clone(), start)?;
    Ok(writer.finish()?)
}

/// A row of a table in canonical form, its cells as in a file of the contract's delimiter.
fn text(contract: &DataContract, frame: &DataFrame, row: usize) -> String {
    let delimiter = contract.dialect().and_then(|dialect| dialect.delimiter);
    let delimiter = delimiter.map_or(";".to_owned(), String::from);
    let cells: Vec<String> = contract
        .columns()
        .iter()
        .zip(frame.columns())
        .map(|(column, values)| match values.get(row) {
            Ok(AnyValue::Null) | Err(_) => String::new(),
            Ok(AnyValue::Int64(number)) => column.written(number),
            Ok(AnyValue::Date(days)) => crate::dates::from_days(days).to_string(),
            Ok(value) => value.get_str().map_or_else(String::new, str::to_owned),
        })
        .collect();
    cells.join(&delimiter)
}
