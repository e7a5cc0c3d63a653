//! The cohort on disk: exact numbers only, so that it reads back as it was.
//!
//! CSV with the columns `unit`, `index-date` and `arm`, then `attribute NAME` for each attribute and `covariate
//! NAME` for each covariate, which holds `numerator/denominator`. Restricted: it has a line for each
//! unit.

use std::collections::BTreeMap;
use std::path::Path;

use chrono::NaiveDate;
use utfall_cohort::{Cohort, CohortAttribute, Covariate};
use utfall_core::{Arm, Tally};
use utfall_files::{FileError, PendingFile};

use crate::RunError;

/// What comes before the name of an attribute in the header.
const ATTRIBUTE: &str = "attribute ";
/// What comes before the name of a covariate in the header.
const COVARIATE: &str = "covariate ";

/// The cohort as later steps read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredCohort {
    pub(crate) units: Vec<String>,
    pub(crate) index_dates: Vec<NaiveDate>,
    pub(crate) treated: Vec<bool>,
    pub(crate) attributes: Vec<CohortAttribute>,
    pub(crate) covariates: Vec<Covariate>,
}

impl StoredCohort {
    /// A cohort as it would read back. `ids` are those of all units.
    pub(crate) fn of(cohort: Cohort, ids: &[String]) -> Self {
        let units = cohort.positions.iter();
        Self {
            units: units.map(|&position| ids[position].clone()).collect(),
            index_dates: cohort.index_dates,
            treated: cohort.treated,
            attributes: cohort.attributes,
            covariates: cohort.covariates,
        }
    }

    /// The group of each unit on its day, by an attribute.
    pub(crate) fn groups(&self, attribute: &str) -> BTreeMap<(&str, NaiveDate), &str> {
        let attribute = self.attributes.iter().find(|one| one.name == attribute);
        let values = attribute.map_or(&[][..], |attribute| &attribute.values);
        let units = self.units.iter().map(String::as_str);
        let units = units.zip(self.index_dates.iter().copied());
        units.zip(values.iter().map(String::as_str)).collect()
    }

    /// Some rows of the cohort, in the order given.
    pub(crate) fn rows(&self, rows: &[usize]) -> Self {
        let attribute = |attribute: &CohortAttribute| CohortAttribute {
            name: attribute.name.clone(),
            values: rows
                .iter()
                .map(|&row| attribute.values[row].clone())
                .collect(),
        };
        let covariate = |covariate: &Covariate| Covariate {
            name: covariate.name.clone(),
            tallies: rows.iter().map(|&row| covariate.tallies[row]).collect(),
        };
        Self {
            units: rows.iter().map(|&row| self.units[row].clone()).collect(),
            index_dates: rows.iter().map(|&row| self.index_dates[row]).collect(),
            treated: rows.iter().map(|&row| self.treated[row]).collect(),
            attributes: self.attributes.iter().map(attribute).collect(),
            covariates: self.covariates.iter().map(covariate).collect(),
        }
    }

    /// Treated units.
    pub(crate) fn n_treated(&self) -> usize {
        self.treated.iter().filter(|treated| **treated).count()
    }

    /// What each unit shares with others of its stratum, by some attributes.
    pub(crate) fn strata(&self, names: &[String]) -> Vec<String> {
        let attributes = || {
            let all = self.attributes.iter();
            all.filter(|attribute| names.contains(&attribute.name))
        };
        let stratum = |row: usize| {
            let values = attributes().map(|attribute| attribute.values[row].as_str());
            values.collect::<Vec<_>>().join("|")
        };
        (0..self.units.len()).map(stratum).collect()
    }
}

/// Writes a cohort, whole or not at all. `ids` are those of all units.
pub(crate) fn write(path: &Path, cohort: &Cohort, ids: &[String]) -> Result<(), RunError> {
    let mut writer = csv::Writer::from_writer(PendingFile::create(path)?);
    let attributes = cohort.attributes.iter();
    let covariates = cohort.covariates.iter();
    let names = attributes
        .map(|attribute| format!("{ATTRIBUTE}{}", attribute.name))
        .chain(covariates.map(|covariate| format!("{COVARIATE}{}", covariate.name)));
    let at = |error: csv::Error| csv_error(path, error);
    writer
        .write_record(
            ["unit", "index-date", "arm"]
                .map(str::to_owned)
                .into_iter()
                .chain(names),
        )
        .map_err(at)?;
    for (row, &position) in cohort.positions.iter().enumerate() {
        let arm = if cohort.treated[row] {
            Arm::Treated
        } else {
            Arm::Comparator
        };
        writer.write_field(&ids[position]).map_err(at)?;
        let index_date = cohort.index_dates[row].to_string();
        writer.write_field(index_date).map_err(at)?;
        writer.write_field(arm.to_string()).map_err(at)?;
        for attribute in &cohort.attributes {
            writer.write_field(&attribute.values[row]).map_err(at)?;
        }
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
    let mut cohort = StoredCohort {
        units: Vec::new(),
        index_dates: Vec::new(),
        treated: Vec::new(),
        attributes: Vec::new(),
        covariates: Vec::new(),
    };
    let header = reader.headers().map_err(|error| csv_error(path, error))?;
    for name in header.iter().skip(3) {
        if let Some(name) = name.strip_prefix(ATTRIBUTE) {
            cohort.attributes.push(CohortAttribute {
                name: name.to_owned(),
                values: Vec::new(),
            });
        } else if let Some(name) = name.strip_prefix(COVARIATE) {
            cohort.covariates.push(Covariate {
                name: name.to_owned(),
                tallies: Vec::new(),
            });
        } else {
            return Err(altered(path));
        }
    }
    let n_attributes = cohort.attributes.len();
    let treated = Arm::Treated.to_string();
    let mut record = csv::StringRecord::new();
    while reader
        .read_record(&mut record)
        .map_err(|error| csv_error(path, error))?
    {
        cohort.units.push(field(&record, 0, path)?.to_owned());
        let index_date = field(&record, 1, path)?.parse();
        cohort
            .index_dates
            .push(index_date.map_err(|_| altered(path))?);
        cohort.treated.push(field(&record, 2, path)? == treated);
        for (column, attribute) in cohort.attributes.iter_mut().enumerate() {
            let text = field(&record, column + 3, path)?;
            attribute.values.push(text.to_owned());
        }
        for (column, covariate) in cohort.covariates.iter_mut().enumerate() {
            let text = field(&record, column + 3 + n_attributes, path)?;
            covariate
                .tallies
                .push(tally(text).ok_or_else(|| altered(path))?);
        }
    }
    Ok(cohort)
}

pub(crate) fn field<'a>(
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

pub(crate) fn altered(path: &Path) -> RunError {
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
            index_dates: vec!["2023-09-01".parse().unwrap(), "2023-08-01".parse().unwrap()],
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
            attributes: vec![CohortAttribute {
                name: "school".to_owned(),
                values: vec!["A, north".to_owned(), String::new()],
            }],
        };
        let ids = ["a,b".to_owned(), "c".to_owned(), "d".to_owned()];
        write(&path, &cohort, &ids).unwrap();
        let stored = read(&path).unwrap();
        assert_eq!(stored.units, ["a,b", "d"]);
        assert_eq!(stored, StoredCohort::of(cohort, &ids));
        assert_eq!(stored.rows(&[1]).units, ["d"]);
    }
}
