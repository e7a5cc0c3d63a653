//! Checked tables, and what may be asked of them when.
//!
//! [`Baseline`] sees them from the index date and no later; [`Outcomes`] sees all, and needs the
//! seal of a matched set that is already on disk.

mod baseline;
mod episodes;
mod error;
mod measure;
mod outcomes;
mod scan;
mod units;
mod value;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use chrono::NaiveDate;
use utfall_core::Offset;
use utfall_files::FileError;

use crate::contract::{Column, ColumnType, DataContract};
use crate::ingest::TABLE_FILE;
use crate::quality::QualityReport;
use crate::table_writer::StoredType;
pub use baseline::Baseline;
pub use error::TableError;
pub use measure::{Filter, MeasureKind, MeasureSpec};
pub use outcomes::{MatchSeal, Outcomes};
use scan::{Engine, Polars};
pub use units::{MembersSpec, UnitSpec, Units};
pub use value::Value;

/// The checked tables of some extracts, by name.
#[derive(Debug)]
pub struct Tables {
    extracts: BTreeMap<String, Extract>,
    /// Columns whose sums are known to fit 64 bits.
    summable: Mutex<BTreeMap<(String, String), bool>>,
}

/// A checked table.
#[derive(Debug)]
pub(crate) struct Extract {
    contract: DataContract,
    pub(crate) table: PathBuf,
    latest_vintage: Option<NaiveDate>,
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
                    latest_vintage: quality.latest_vintage(),
                },
            );
        }
        Ok(Self {
            extracts,
            summable: Mutex::default(),
        })
    }

    /// The first day of an extract that may not be fully reported yet: its latest vintage less
    /// its reporting lag. `None` if there is no such extract.
    #[must_use]
    pub fn fully_reported_before(&self, extract: &str) -> Option<NaiveDate> {
        let extract = self.extracts.get(extract)?;
        let lag = extract.contract.reporting_lag().unwrap_or(Offset::ZERO);
        Some(
            lag.before(extract.latest_vintage?)
                .unwrap_or(NaiveDate::MIN),
        )
    }

    /// What a measure's rate is multiplied with to be in the measure's unit: tables hold decimals
    /// as whole numbers, so 10 to the decimals of its denominator less those of its numerator.
    ///
    /// # Errors
    ///
    /// [`TableError`] if the measure does not fit its extract.
    pub fn scale(&self, measure: &MeasureSpec) -> Result<f64, TableError> {
        const POWERS: [f64; 10] = [1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];
        let decimals = |column: &str| -> Result<usize, TableError> {
            Ok(usize::from(
                self.extract(&measure.extract)?.number(column)?.decimals(),
            ))
        };
        Ok(match &measure.kind {
            MeasureKind::Ratio {
                numerator,
                denominator,
            } => POWERS[decimals(denominator)?] / POWERS[decimals(numerator)?],
            MeasureKind::Sum { column } | MeasureKind::Mean { column } => {
                1.0 / POWERS[decimals(column)?]
            }
            MeasureKind::Cost { tariff, .. } => 1.0 / POWERS[decimals(tariff)?],
            MeasureKind::Count | MeasureKind::Nights { .. } => 1.0,
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

    pub(crate) fn engine(&self) -> &dyn Engine {
        &Polars
    }

    /// Refuses a column whose sum over all rows could leave 64 bits, where engines wrap without
    /// a word.
    pub(crate) fn check_summable(&self, extract: &str, column: &str) -> Result<(), TableError> {
        let key = (extract.to_owned(), column.to_owned());
        let known = self
            .summable
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&key)
            .copied();
        let fits = match known {
            Some(fits) => fits,
            None => {
                let extent = self
                    .engine()
                    .extent(&self.extract(extract)?.table, column)?;
                extent.is_none_or(|extent| {
                    let largest = extent
                        .minimum
                        .unsigned_abs()
                        .max(extent.maximum.unsigned_abs());
                    u128::from(largest) * u128::from(extent.n_rows) <= i64::MAX as u128
                })
            }
        };
        self.summable
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(key, fits);
        let (extract, column) = (extract.to_owned(), column.to_owned());
        if fits {
            Ok(())
        } else {
            Err(TableError::TooLarge { extract, column })
        }
    }
}

impl Extract {
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
mod tests;
