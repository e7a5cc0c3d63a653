//! The matched set on disk: one line for each member of each set. Its digest is the seal that opens outcomes.
//!
//! CSV with the columns `set`, `unit`, `arm`; sets in the order of their treated units' ids. Restricted: it has a
//! line for each unit.

use std::path::Path;

use utfall_core::Arm;
use utfall_files::{FileError, PendingFile};

use crate::RunError;
use crate::cohort_file::csv_error;

/// One matched set: a treated unit and its comparators.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MatchedUnits {
    pub(crate) treated: String,
    pub(crate) comparators: Vec<String>,
}

/// Writes the sets, whole or not at all.
pub(crate) fn write(path: &Path, sets: &[MatchedUnits]) -> Result<(), RunError> {
    let mut writer = csv::Writer::from_writer(PendingFile::create(path)?);
    let at = |error: csv::Error| csv_error(path, error);
    writer.write_record(["set", "unit", "arm"]).map_err(at)?;
    for (number, set) in sets.iter().enumerate() {
        let number = (number + 1).to_string();
        writer
            .write_record([number.as_str(), &set.treated, &Arm::Treated.to_string()])
            .map_err(at)?;
        for unit in &set.comparators {
            writer
                .write_record([number.as_str(), unit, &Arm::Comparator.to_string()])
                .map_err(at)?;
        }
    }
    let pending = writer
        .into_inner()
        .map_err(|error| FileError::at(path, error.into_error()))?;
    Ok(pending.commit()?)
}

/// Reads the sets back.
pub(crate) fn read(path: &Path) -> Result<Vec<MatchedUnits>, RunError> {
    let mut reader = csv::Reader::from_path(path).map_err(|error| csv_error(path, error))?;
    let treated = Arm::Treated.to_string();
    let mut sets: Vec<MatchedUnits> = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| csv_error(path, error))?;
        let (Some(unit), Some(arm)) = (record.get(1), record.get(2)) else {
            return Err(RunError::Altered {
                path: path.to_owned(),
            });
        };
        if arm == treated {
            sets.push(MatchedUnits {
                treated: unit.to_owned(),
                comparators: Vec::new(),
            });
        } else if let Some(set) = sets.last_mut() {
            set.comparators.push(unit.to_owned());
        }
    }
    Ok(sets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_read_back_as_they_were_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("matched.csv");
        let sets = vec![
            MatchedUnits {
                treated: "a".to_owned(),
                comparators: vec!["b".to_owned(), "c".to_owned()],
            },
            MatchedUnits {
                treated: "d".to_owned(),
                comparators: vec!["b".to_owned()],
            },
        ];
        write(&path, &sets).unwrap();
        assert_eq!(read(&path).unwrap(), sets);
    }
}
