//! The rows that single-row rules accept, as columns for the rules over many rows.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use polars::prelude::{Column as FrameColumn, DataFrame, DataType, Int64Chunked};

use super::aside::Aside;
use crate::contract::{Column, DataContract};
use crate::engine::{EngineError, read_table, whole};
use crate::ingest::{
    Absorb, IngestError, KeyHasher, PLACE_COLUMNS, PLACES_FILE, ROWS_FILE, ReadCounts,
};

/// The rows of an extract that single-row rules accept: first those read, then those that
/// severities let back in.
#[derive(Clone)]
pub(crate) struct Candidates<'c> {
    pub(crate) contract: &'c DataContract,
    rows: PathBuf,
    restored: DataFrame,
}

impl<'c> Candidates<'c> {
    pub(crate) fn open(contract: &'c DataContract, folder: &Path, aside: &Aside) -> Self {
        Self {
            contract,
            rows: folder.join(ROWS_FILE),
            restored: aside.accepted.clone(),
        }
    }

    /// The key of each row in some columns; `None` where one of them is missing.
    pub(crate) fn keys(&self, names: &[&str]) -> Result<Vec<Option<u128>>, IngestError> {
        let frame = self.frame(names)?;
        let mut keys = vec![Some(KeyHasher::new()); frame.height()];
        for column in frame.columns() {
            absorb(column, &mut keys)?;
        }
        let number = |key: Option<KeyHasher>| key.map(|key| key.digest().number());
        Ok(keys.into_iter().map(number).collect())
    }

    /// The values of a column as numbers in the stored unit.
    pub(crate) fn numbers(&self, name: &str) -> Result<Int64Chunked, IngestError> {
        let frame = self.frame(&[name])?;
        let column = frame.columns().first().ok_or_else(EngineError::unequal)?;
        Ok(whole(column)?)
    }

    /// Names of columns by their positions.
    pub(crate) fn names(&self, columns: &[usize]) -> Vec<&'c str> {
        let name = |&column: &usize| self.contract.columns()[column].name();
        columns.iter().map(name).collect()
    }

    /// A column by its name, if it fits a rule.
    pub(crate) fn column(
        &self,
        rule: &str,
        name: &str,
        fits: impl FnOnce(&Column) -> bool,
    ) -> Result<&'c str, IngestError> {
        let column = self.contract.column(name).filter(|column| fits(column));
        column
            .map(Column::name)
            .ok_or_else(|| IngestError::NoSuchColumn {
                rule: rule.to_owned(),
                extract: self.contract.name().to_owned(),
                column: name.to_owned(),
            })
    }

    fn frame(&self, names: &[&str]) -> Result<DataFrame, IngestError> {
        let of = |error| EngineError::of(&error);
        let mut frame = read_table(&self.rows, Some(names))?
            .select(names)
            .map_err(of)?;
        if self.restored.height() > 0 {
            let restored = self.restored.select(names).map_err(of)?;
            frame.vstack_mut(&restored).map_err(of)?;
        }
        frame.rechunk_mut();
        Ok(frame)
    }
}

/// Adds a column's values to keys.
fn absorb(column: &FrameColumn, keys: &mut [Option<KeyHasher>]) -> Result<(), EngineError> {
    if column.dtype() == &DataType::String {
        let texts = column.str().map_err(|error| EngineError::of(&error))?;
        for (key, text) in keys.iter_mut().zip(texts.iter()) {
            match (key.as_mut(), text) {
                (Some(key), Some(text)) => key.bytes(text.as_bytes()),
                _ => *key = None,
            }
        }
    } else {
        let numbers = whole(column)?;
        for (key, number) in keys.iter_mut().zip(numbers.iter()) {
            match (key.as_mut(), number) {
                (Some(key), Some(number)) => key.word(number as u64),
                _ => *key = None,
            }
        }
    }
    Ok(())
}

/// Where each candidate lies: its delivery and line.
#[derive(Default)]
pub(crate) struct Places {
    files: Int64Chunked,
    lines: Int64Chunked,
    restored: Vec<(usize, u64)>,
}

impl Places {
    pub(crate) fn open(
        contract: &DataContract,
        folder: &Path,
        counts: &ReadCounts,
        aside: &Aside,
    ) -> Result<Self, IngestError> {
        let mut frame = read_table(&folder.join(PLACES_FILE), None)?;
        let n_rows: u64 = counts.deliveries.iter().map(|file| file.n_accepted).sum();
        if contract.needs_places() && frame.height() as u64 != n_rows {
            return Err(IngestError::Stage);
        }
        frame.rechunk_mut();
        let column = |i: usize| -> Result<Int64Chunked, EngineError> {
            let name = PLACE_COLUMNS[i].0;
            whole(
                frame
                    .column(name)
                    .map_err(|error| EngineError::of(&error))?,
            )
        };
        Ok(Self {
            files: column(0)?,
            lines: column(1)?,
            restored: aside
                .accepted_rows()
                .map(|row| (row.file, row.line))
                .collect(),
        })
    }

    /// Delivery and line of a candidate.
    pub(crate) fn of(&self, row: usize) -> Option<(usize, u64)> {
        if row >= self.files.len() {
            return self.restored.get(row - self.files.len()).copied();
        }
        let (file, line) = (self.files.get(row)?, self.lines.get(row)?);
        Some((usize::try_from(file).ok()?, u64::try_from(line).ok()?))
    }

    /// Places of candidates, in the order of deliveries and lines.
    pub(crate) fn sorted(&self, rows: &[usize]) -> Vec<(usize, u64)> {
        let mut places: Vec<_> = rows.iter().filter_map(|&row| self.of(row)).collect();
        places.sort_unstable();
        places
    }

    /// How many of some candidates lie in each delivery.
    pub(crate) fn by_delivery(&self, rows: &[usize], n_deliveries: usize) -> Vec<u64> {
        let mut counts: BTreeMap<usize, u64> = BTreeMap::new();
        for (file, _) in rows.iter().filter_map(|&row| self.of(row)) {
            *counts.entry(file).or_default() += 1;
        }
        (0..n_deliveries)
            .map(|file| counts.get(&file).copied().unwrap_or(0))
            .collect()
    }
}
