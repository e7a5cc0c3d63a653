//! The cohort on disk: exact numbers only, so that it reads back as it was.
//!
//! CSV with the columns `unit`, `arm`, `stratum`, then one for each covariate holding
//! `numerator/denominator`. Restricted: it has a line for each unit.

use std::path::Path;

use utfall_cohort::{Cohort, Covariate};
use utfall_core::{Arm, Tally};
use utfall_files::{FileError, PendingFile};

use crate::RunError;

/// The cohort as later steps read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredCohort {
    pub(crate) units: Vec<String>,
    pub(crate) treated: Vec<bool>,
    pub(crate) strata: Vec<String>,
    pub(crate) covariates: Vec<Covariate>,
}

/// Writes a cohort, whole or not at all. `ids` are those of all units.
pub(crate) fn write(path: &Path, cohort: &Cohort, ids: &[String]) -> Result<(), RunError> {
    let mut writer = csv::Writer::from_writer(PendingFile::create(path)?);
    let names = cohort
        .covariates
        .iter()
        .map(|covariate| covariate.name.as_str());
    let at = |error: csv::Error| csv_error(path, error);
    writer
        .write_record(["unit", "arm", "stratum"].into_iter().chain(names))
        .map_err(at)?;
    for (row, &position) in cohort.positions.iter().enumerate() {
        let arm = if cohort.treated[row] {
            Arm::Treated
        } else {
            Arm::Comparator
        };
        writer.write_field(&ids[position]).map_err(at)?;
        writer.write_field(arm.to_string()).map_err(at)?;
        writer.write_field(&cohort.strata[row]).map_err(at)?;
        for covariate in &cohort.covariates {
            let Tally {
                numerator,
                denominator,
            } = covariate.tallies[row];
            writer
                .write_field(format!("{numerator}/{denominator}"))
                .map_err(at)?;
        }
        writer.write_record(None::<&[u8]>).map_err(at)?;
    }
    let pending = writer
        .into_inner()
        .map_err(|error| FileError::at(path, error.into_error()))?;
    Ok(pending.commit()?)
}

/// Reads a cohort back.
pub(crate) fn read(path: &Path) -> Result<StoredCohort, RunError> {
    let mut reader = csv::Reader::from_path(path).map_err(|error| csv_error(path, error))?;
    let names = reader
        .headers()
        .map_err(|error| csv_error(path, error))?
        .iter()
        .skip(3)
        .map(str::to_owned);
    let mut cohort = StoredCohort {
        units: Vec::new(),
        treated: Vec::new(),
        strata: Vec::new(),
        covariates: names
            .map(|name| Covariate {
                name,
                tallies: Vec::new(),
            })
            .collect(),
    };
    let treated = Arm::Treated.to_string();
    let mut record = csv::StringRecord::new();
    while reader
        .read_record(&mut record)
        .map_err(|error| csv_error(path, error))?
    {
        cohort.units.push(field(&record, 0, path)?.to_owned());
        cohort.treated.push(field(&record, 1, path)? == treated);
        cohort.strata.push(field(&record, 2, path)?.to_owned());
        for (column, covariate) in cohort.covariates.iter_mut().enumerate() {
            let text = field(&record, column + 3, path)?;
            covariate
                .tallies
                .push(tally(text).ok_or_else(|| altered(path))?);
        }
    }
    Ok(cohort)
}

fn field<'a>(
    record: &'a csv::StringRecord,
    column: usize,
    path: &Path,
) -> Result<&'a str, RunError> {
    record.get(column).ok_or_else(|| altered(path))
}

fn tally(text: &str) -> Option<Tally> {
    let (numerator, denominator) = text.split_once('/')?;
    Some(Tally {
        numerator: numerator.parse().ok()?,
        denominator: denominator.parse().ok()?,
    })
}

fn altered(path: &Path) -> RunError {
    RunError::Altered {
        path: path.to_owned(),
    }
}

pub(crate) fn csv_error(path: &Path, error: csv::Error) -> RunError {
    match error.into_kind() {
        csv::ErrorKind::Io(source) => FileError::at(path, source).into(),
        _ => altered(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cohort_reads_back_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cohort.csv");
        let cohort = Cohort {
            funnel: utfall_core::Funnel::new("person", 3),
            positions: vec![0, 2],
            treated: vec![true, false],
            covariates: vec![Covariate {
                name: "absence, \"year\" before".to_owned(),
                tallies: vec![
                    Tally {
                        numerator: 1,
                        denominator: 3,
                    },
                    Tally {
                        numerator: -7,
                        denominator: 10,
                    },
                ],
            }],
            strata: vec!["sex=1".to_owned(), "sex=2".to_owned()],
        };
        let ids = ["a,b".to_owned(), "c".to_owned(), "d".to_owned()];
        write(&path, &cohort, &ids).unwrap();
        let stored = read(&path).unwrap();
        assert_eq!(stored.units, ["a,b", "d"]);
        assert_eq!(
            (stored.treated, stored.strata, stored.covariates),
            (cohort.treated, cohort.strata, cohort.covariates)
        );
    }
}
