//! The tables after matching is done.

use std::path::Path;

use utfall_core::{Period, Tally};
use utfall_files::{Digest, FileError};

use super::{MeasureSpec, TableError, Tables, Units};

/// Proof that a matched set is on disk: the digest of its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MatchSeal(Digest);

impl MatchSeal {
    /// Seals the matched set in a file.
    ///
    /// # Errors
    ///
    /// [`FileError`] if there is no such file, or it cannot be read.
    pub fn of_file(path: &Path) -> Result<Self, FileError> {
        Digest::blake3_of_file(path).map(Self)
    }

    /// The digest of the matched set.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.0
    }
}

/// Tables without an end in time. Only a sealed matched set opens them, so that nothing seen
/// here can have formed it.
#[derive(Debug, Clone, Copy)]
pub struct Outcomes<'a> {
    tables: &'a Tables,
    units: &'a Units,
}

impl<'a> Outcomes<'a> {
    /// The tables, once a matched set is sealed.
    #[must_use]
    pub fn open(tables: &'a Tables, units: &'a Units, _seal: &MatchSeal) -> Self {
        Self { tables, units }
    }

    /// Measures every unit over a period, in the order of the units.
    ///
    /// Ratios and means are zero over zero where there was nothing to measure; other kinds are a
    /// value over one.
    ///
    /// # Errors
    ///
    /// [`TableError::NotYetReported`] if late registrations may still change the period: it is
    /// not measurable yet, and never zero. [`TableError`] if the measure does not fit its extract.
    pub fn measure(&self, measure: &MeasureSpec, period: Period) -> Result<Vec<Tally>, TableError> {
        if let Some((extract, reported_before)) = self.tables.reported_before(measure)
            && period.end() > reported_before
        {
            return Err(TableError::NotYetReported {
                extract,
                period,
                reported_before,
            });
        }
        self.tables.measure(self.units, measure, period)
    }

    /// As [`Tables::scale`].
    ///
    /// # Errors
    ///
    /// As [`Tables::scale`].
    pub fn scale(&self, measure: &MeasureSpec) -> Result<f64, TableError> {
        self.tables.scale(measure)
    }
}
