//! What happened after the index date, opened with the seal of a matched set.

use std::path::Path;

use utfall_core::{Period, Tally};
use utfall_files::{Digest, FileError};

use crate::reading::measure::{MeasureSpec, measure};
use crate::reading::{TableError, Tables, Units};

/// The seal of a matched set that is on disk.
///
/// There is no other way to make one, so outcomes cannot be read before the matched set was
/// written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MatchSeal(Digest);

impl MatchSeal {
    /// Seals the matched set in a file.
    ///
    /// # Errors
    ///
    /// [`FileError`] if there is none, or it cannot be read.
    pub fn of_file(path: &Path) -> Result<Self, FileError> {
        Digest::blake3_of_file(path).map(Self)
    }

    /// The BLAKE3 of the file.
    #[must_use]
    pub fn digest(self) -> Digest {
        self.0
    }
}

/// The tables with all they hold, for whoever has sealed a matched set.
#[derive(Debug, Clone, Copy)]
pub struct Outcomes<'a> {
    tables: &'a Tables,
    units: &'a Units,
}

impl<'a> Outcomes<'a> {
    /// Opens outcomes. The seal is the condition, not an input: no figure depends on it.
    #[must_use]
    pub fn open(tables: &'a Tables, units: &'a Units, _seal: &MatchSeal) -> Self {
        Self { tables, units }
    }

    /// Measures every unit over a period.
    ///
    /// # Errors
    ///
    /// [`TableError`], whatever is wrong with the measure.
    pub fn measure(&self, spec: &MeasureSpec, period: Period) -> Result<Vec<Tally>, TableError> {
        measure(self.tables, self.units, spec, &period)
    }
}
