//! The compared units on disk: one line for each appearance of a unit. Its digest is the seal that opens
//! outcomes.
//!
//! CSV with the columns `set`, `unit`, `index-date`, `arm`, `weight`, in the order of the sets; `set` is empty where a
//! design makes none. Restricted: it has a line for each unit.

use std::path::Path;

use chrono::NaiveDate;
use utfall_core::Arm;
use utfall_files::{FileError, PendingFile};

use crate::RunError;
use crate::cohort_file::{altered, csv_error, field};

/// A unit in a comparison. A unit that serves in several sets appears in each.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ComparedUnit {
    /// Number of the matched set or stratum, from one.
    pub(crate) set: Option<u32>,
    pub(crate) unit: String,
    /// The day it entered, from which its follow-up runs.
    pub(crate) index_date: NaiveDate,
    pub(crate) arm: Arm,
    /// Only weights relative to others of the same arm matter.
    pub(crate) weight: f64,
}

/// Writes the units, whole or not at all.
pub(crate) fn write(path: &Path, units: &[ComparedUnit]) -> Result<(), RunError> {
    let mut writer = csv::Writer::from_writer(PendingFile::create(path)?);
    let at = |error: csv::Error| csv_error(path, error);
    writer
        .write_record(["set", "unit", "index-date", "arm", "weight"])
        .map_err(at)?;
    for unit in units {
        let set = unit.set.map_or_else(String::new, |set| set.to_string());
        let (arm, weight) = (unit.arm.to_string(), unit.weight.to_string());
        writer
            .write_record([
                &set,
                &unit.unit,
                &unit.index_date.to_string(),
                &arm,
                &weight,
            ])
            .map_err(at)?;
    }
    let pending = writer
        .into_inner()
        .map_err(|error| FileError::at(path, error.into_error()))?;
    Ok(pending.commit()?)
}

/// Reads the units back.
pub(crate) fn read(path: &Path) -> Result<Vec<ComparedUnit>, RunError> {
    let mut reader = csv::Reader::from_path(path).map_err(|error| csv_error(path, error))?;
    let treated = Arm::Treated.to_string();
    let mut units = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| csv_error(path, error))?;
        let set = match field(&record, 0, path)? {
            "" => None,
            number => Some(number.parse().map_err(|_| altered(path))?),
        };
        units.push(ComparedUnit {
            set,
            unit: field(&record, 1, path)?.to_owned(),
            index_date: field(&record, 2, path)?
                .parse()
                .map_err(|_| altered(path))?,
            arm: if field(&record, 3, path)? == treated {
                Arm::Treated
            } else {
                Arm::Comparator
            },
            weight: field(&record, 4, path)?
                .parse()
                .map_err(|_| altered(path))?,
        });
    }
    Ok(units)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_read_back_as_they_were_written_to_the_last_bit_of_their_weights() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("matched.csv");
        let unit = |set, unit: &str, arm, weight| ComparedUnit {
            set,
            unit: unit.to_owned(),
            index_date: "2023-09-01".parse().unwrap(),
            arm,
            weight,
        };
        let units = vec![
            unit(Some(1), "a", Arm::Treated, 1.0),
            unit(Some(1), "b,c", Arm::Comparator, 1.0 / 3.0),
            unit(None, "d", Arm::Comparator, 1e-300),
        ];
        write(&path, &units).unwrap();
        assert_eq!(read(&path).unwrap(), units);
    }
}
