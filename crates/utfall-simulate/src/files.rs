//! The files of a world: which there are, and writing them whole.

use std::io::Write;
use std::path::Path;

use chrono::NaiveDate;
use utfall_files::{FileError, PendingFile};
use utfall_registry::{StoredType, TableWriter};

use crate::block::Block;
use crate::error::SimulateError;
use crate::extract::{ColumnKind, Delivery, Extract};
use crate::rows::Rendered;
use crate::spec::Spec;
use crate::truth::{FileCounts, FileTruth};

/// The form of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Csv,
    Parquet,
}

/// A file that a world has.
#[derive(Debug, Clone)]
pub(crate) struct FilePlan {
    pub(crate) extract: Extract,
    pub(crate) delivery: Delivery,
    pub(crate) form: Form,
    pub(crate) vintage: NaiveDate,
}

impl FilePlan {
    /// The files of a world, in the order of the extracts.
    pub(crate) fn all(spec: &Spec) -> Vec<Self> {
        let mut extracts = vec![Extract::Persons, Extract::Families, Extract::Referrals];
        if spec.school.is_some() {
            extracts.extend([Extract::Enrolment, Extract::Absence]);
        }
        if spec.violence.is_some() {
            extracts.extend([Extract::PoliceReports, Extract::Shelter]);
        }
        if spec.placements.is_some() {
            extracts.extend([Extract::Placements, Extract::Grades]);
        }
        extracts.sort_unstable();
        extracts
            .into_iter()
            .flat_map(|extract| deliveries(spec, extract))
            .collect()
    }

    fn name(&self) -> String {
        let ending = match self.form {
            Form::Csv => "csv",
            Form::Parquet => "parquet",
        };
        format!(
            "{}_{}.{ending}",
            self.extract.stem(),
            self.vintage.format("%Y%m%d")
        )
    }

    fn truth(&self, counts: FileCounts) -> FileTruth {
        FileTruth {
            file: self.name(),
            extract: self.extract.name().to_owned(),
            vintage: self.vintage,
            n_rows: counts.n_rows,
            n_duplicated: counts.n_duplicated,
            n_broken: counts
                .n_broken
                .into_iter()
                .map(|(kind, n)| (kind.name().to_owned(), n))
                .collect(),
            n_missing: counts.n_missing,
            n_revised: counts.n_revised,
            n_late: counts.n_late,
            n_overlapping: counts.n_overlapping,
        }
    }
}

fn deliveries(spec: &Spec, extract: Extract) -> Vec<FilePlan> {
    let calendar = spec.index_year.calendar();
    let form = if spec.parquet.contains(&extract) {
        Form::Parquet
    } else {
        Form::Csv
    };
    let plan = |delivery, vintage| FilePlan {
        extract,
        delivery,
        form,
        vintage,
    };
    match extract {
        Extract::Persons => vec![
            plan(Delivery::First, calendar.second_vintage()),
            plan(Delivery::Second, calendar.late_vintage()),
        ],
        Extract::Absence | Extract::PoliceReports => vec![
            plan(Delivery::First, calendar.first_vintage()),
            plan(Delivery::Second, calendar.second_vintage()),
        ],
        Extract::Families | Extract::Enrolment | Extract::Referrals | Extract::Shelter => {
            vec![plan(Delivery::First, calendar.second_vintage())]
        }
        Extract::Placements | Extract::Grades => {
            vec![plan(Delivery::First, calendar.late_vintage())]
        }
    }
}

/// The files of a world while they are written. Dropped before [`finish`](Self::finish), they leave nothing.
pub(crate) struct Files {
    files: Vec<(FilePlan, Sink, FileCounts)>,
}

enum Sink {
    Csv(PendingFile),
    Parquet(Box<TableWriter>),
}

impl Files {
    pub(crate) fn create(folder: &Path, plans: &[FilePlan]) -> Result<Self, SimulateError> {
        let files = plans
            .iter()
            .map(|plan| {
                Ok((
                    plan.clone(),
                    Sink::create(folder, plan)?,
                    FileCounts::default(),
                ))
            })
            .collect::<Result<_, SimulateError>>()?;
        Ok(Self { files })
    }

    /// Adds the rows of the next block.
    pub(crate) fn append(&mut self, block: Block) -> Result<(), SimulateError> {
        for (rows, (_, sink, counts)) in block.into_rows().into_iter().zip(&mut self.files) {
            counts.add(&rows.counts);
            sink.append(rows.into_rendered())?;
        }
        Ok(())
    }

    /// Gives every file its name and says what is in it.
    pub(crate) fn finish(self) -> Result<Vec<FileTruth>, SimulateError> {
        let mut truths = Vec::with_capacity(self.files.len());
        for (plan, sink, counts) in self.files {
            sink.finish()?;
            truths.push(plan.truth(counts));
        }
        Ok(truths)
    }
}

impl Sink {
    fn create(folder: &Path, plan: &FilePlan) -> Result<Self, SimulateError> {
        let path = folder.join(plan.name());
        match plan.form {
            Form::Csv => {
                let mut sink = Self::Csv(PendingFile::create(&path)?);
                let headers: Vec<&str> = plan
                    .extract
                    .columns()
                    .iter()
                    .map(|column| column.header)
                    .collect();
                sink.append(Rendered::Csv(headers.join(";") + "\n"))?;
                Ok(sink)
            }
            Form::Parquet => {
                let columns: Vec<(&str, StoredType)> = plan
                    .extract
                    .columns()
                    .iter()
                    .map(|column| (column.header, stored(column.kind)))
                    .collect();
                Ok(Self::Parquet(Box::new(TableWriter::create(
                    &path, &columns,
                )?)))
            }
        }
    }

    fn append(&mut self, rendered: Rendered) -> Result<(), SimulateError> {
        match (self, rendered) {
            (Self::Csv(file), Rendered::Csv(text)) => {
                let (bytes, _, _) = encoding_rs::WINDOWS_1252.encode(&text);
                file.write_all(&bytes)
                    .map_err(|source| FileError::at(file.path(), source))?;
            }
            (Self::Parquet(table), Rendered::Parquet(columns)) => table.write(columns)?,
            // One plan makes both the sink and the rows, so that their forms agree.
            (Self::Csv(_), Rendered::Parquet(_)) | (Self::Parquet(_), Rendered::Csv(_)) => {}
        }
        Ok(())
    }

    fn finish(self) -> Result<(), SimulateError> {
        match self {
            Self::Csv(file) => file.commit()?,
            Self::Parquet(table) => table.finish()?,
        }
        Ok(())
    }
}

fn stored(kind: ColumnKind) -> StoredType {
    match kind {
        ColumnKind::Text | ColumnKind::Code | ColumnKind::Decimal { .. } => StoredType::Text,
        ColumnKind::Whole { .. } => StoredType::Integer,
        ColumnKind::Date => StoredType::Date,
    }
}
