//! Checked tables, and what may be asked of them when.
//!
//! [`Baseline`] sees them from the index date and no later; [`Outcomes`] sees all, and needs the
//! seal of a matched set that is already on disk.

mod baseline;
mod calendar;
mod conditions;
mod episodes;
mod error;
mod measure;
mod outcomes;
mod reporting;
mod spans;
mod units;
mod value;
mod vintages;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use utfall_files::FileError;

use crate::contract::{Column, ColumnType, DataContract};
use crate::ingest::TABLE_FILE;
use crate::quality::{DeliveryQuality, QualityReport};
use crate::relation::{
    Engine, Polars, Relation, ScanColumn, Value as Cell, check_sums, sum_sources,
};
use crate::table_writer::StoredType;
pub use baseline::Baseline;
use calendar::Calendar;
pub use calendar::{CalendarLag, CalendarSpec};
pub use error::TableError;
pub use measure::{
    Decimal, Definition, DefinitionFault, Exposure, Filter, Late, MeasureKind, MeasureSpec,
    NoEvent, Overlap, PriceList, Priority, Spanning, Version,
};
pub use outcomes::{MatchSeal, Outcomes};
pub use units::{MembersSpec, UnitSpec, Units};
pub use value::Value;
pub use vintages::{VintageDifference, compare_vintages};

use crate::relation::{DateForm, sql};
use utfall_core::Period;

/// The checked tables of some extracts, by name.
#[derive(Debug)]
pub struct Tables {
    extracts: BTreeMap<String, Extract>,
    calendars: BTreeMap<String, Calendar>,
    engine: Box<dyn Engine>,
    /// Whether sums of columns are known to fit 64 bits, by the question that was asked.
    summable: Mutex<BTreeMap<String, bool>>,
}

/// A checked table.
#[derive(Debug)]
pub(crate) struct Extract {
    contract: DataContract,
    table: PathBuf,
    deliveries: Vec<DeliveryQuality>,
}

impl Tables {
    /// Opens tables: for each extract its contract and the folder it was ingested into.
    ///
    /// # Errors
    ///
    /// [`TableError::NotIngested`] or [`TableError::File`] if a folder lacks its quality report
    /// or table.
    pub fn open(folders: BTreeMap<String, (DataContract, PathBuf)>) -> Result<Self, TableError> {
        let mut extracts = BTreeMap::new();
        for (name, (contract, folder)) in folders {
            let quality =
                QualityReport::read(&folder).map_err(|source| TableError::NotIngested {
                    extract: name.clone(),
                    source,
                })?;
            let table = folder.join(TABLE_FILE);
            std::fs::metadata(&table).map_err(|source| FileError::at(&table, source))?;
            extracts.insert(
                name,
                Extract {
                    contract,
                    table,
                    deliveries: quality.deliveries,
                },
            );
        }
        Ok(Self {
            extracts,
            calendars: BTreeMap::new(),
            engine: Box::new(Polars),
            summable: Mutex::default(),
        })
    }

    pub(crate) fn extract(&self, name: &str) -> Result<&Extract, TableError> {
        self.extracts
            .get(name)
            .ok_or_else(|| TableError::UnknownExtract {
                extract: name.to_owned(),
                known: self.extracts.keys().cloned().collect(),
            })
    }

    /// The same tables, asked by another engine.
    #[must_use]
    pub fn with_engine(mut self, engine: Box<dyn Engine>) -> Self {
        self.engine = engine;
        self
    }

    /// What the engine is asked to measure units over a period, in the portable subset of SQL:
    /// one statement for each part of the period and, where members change units, one more.
    /// Tables have the names of their extracts, decimals are whole numbers of their last digit,
    /// days are DATE. Measures of episodes ask for the episodes alone.
    ///
    /// # Errors
    ///
    /// [`TableError`] if the measure does not fit its extract.
    pub fn portable_sql(
        &self,
        units: &Units,
        measure: &MeasureSpec,
        period: Period,
    ) -> Result<Vec<String>, TableError> {
        let relations = self.relations(units, measure, period)?;
        Ok(relations
            .iter()
            .map(|relation| sql(relation, DateForm::Date))
            .collect())
    }

    /// Runs a question, once it is known that none of its sums can leave 64 bits, where engines
    /// wrap without a word.
    fn run(&self, relation: &Relation, see: &mut dyn FnMut(&[Cell<'_>])) -> Result<(), TableError> {
        let engine = &*self.engine;
        for source in sum_sources(relation) {
            let key = format!("{source:?}");
            let locked = || self.summable.lock().unwrap_or_else(PoisonError::into_inner);
            let known = locked().get(&key).copied();
            let fits = match known {
                Some(fits) => fits,
                None => check_sums(engine, &source)?,
            };
            locked().insert(key, fits);
            if !fits {
                return Err(TableError::TooLarge {
                    extract: source.table().to_owned(),
                    column: source.stored_column().to_owned(),
                });
            }
        }
        Ok(engine.run(relation, see)?)
    }
}

impl Extract {
    /// Some of its columns under other names, in the order given.
    fn scan(&self, columns: &[(&str, &str)]) -> Result<Relation, TableError> {
        let columns = columns.iter().map(|&(stored, name)| {
            Ok(ScanColumn {
                stored: stored.to_owned(),
                name: name.to_owned(),
                kind: self.column(stored)?.stored_type(),
            })
        });
        Ok(Relation::Scan {
            name: self.contract.name().to_owned(),
            table: self.table.clone(),
            columns: columns.collect::<Result<_, TableError>>()?,
        })
    }

    pub(crate) fn column(&self, name: &str) -> Result<&Column, TableError> {
        self.contract
            .column(name)
            .ok_or_else(|| TableError::UnknownColumn {
                extract: self.contract.name().to_owned(),
                column: name.to_owned(),
                known: self
                    .contract
                    .columns()
                    .iter()
                    .map(|column| column.name().to_owned())
                    .collect(),
            })
    }

    /// A column of ids.
    pub(crate) fn text(&self, name: &str) -> Result<&Column, TableError> {
        self.typed(name, "text or code", |column| {
            column.stored_type() == StoredType::Text
        })
    }

    /// A column of dates.
    pub(crate) fn date(&self, name: &str) -> Result<&Column, TableError> {
        self.typed(name, "date", |column| {
            column.stored_type() == StoredType::Date
        })
    }

    /// A column of whole or decimal numbers.
    pub(crate) fn number(&self, name: &str) -> Result<&Column, TableError> {
        self.typed(name, "integer or decimal", |column| {
            matches!(
                column.kind(),
                ColumnType::Integer | ColumnType::Decimal { .. }
            )
        })
    }

    fn typed(
        &self,
        name: &str,
        expected: &'static str,
        fits: impl FnOnce(&Column) -> bool,
    ) -> Result<&Column, TableError> {
        let column = self.column(name)?;
        if fits(column) {
            return Ok(column);
        }
        Err(TableError::ColumnType {
            extract: self.contract.name().to_owned(),
            column: name.to_owned(),
            found: column.kind().name(),
            expected,
        })
    }
}

#[cfg(test)]
mod examples;
#[cfg(test)]
mod tests;
