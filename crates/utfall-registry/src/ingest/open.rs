//! Opening a delivery by its contract's format.

use std::path::PathBuf;

use utfall_files::{Digest, FileError};

use super::arrow::ArrowSource;
use super::csv::CsvSource;
use super::error::IngestError;
use super::file_name::FileName;
use super::fixed_width::FixedWidthSource;
use super::json_lines::JsonLinesSource;
use super::parquet::ParquetSource;
use super::source::Source;
use super::sql::{Database, Session};
use super::{excel, xml};
use crate::contract::{DataContract, Dialect, Format};
use crate::delivery::Delivery;

/// What is done with a file, whatever its format.
pub(crate) trait WithSource {
    /// What comes of it.
    type Out;

    /// Does it.
    fn with(self, source: impl Source) -> Result<Self::Out, IngestError>;
}

const SOUND: &str = "a contract has the section of its format, or it would not exist";

/// Where the rows of a delivery are.
pub(crate) enum Place {
    File(PathBuf),
    /// A database, with the transaction in which all its rows are read.
    Database(Session),
}

impl Place {
    /// Finds a delivery: a file, or a database, to which it connects.
    pub(crate) fn of(contract: &DataContract, delivery: &Delivery) -> Result<Self, IngestError> {
        let format = contract.format();
        let wrong = |found| IngestError::WrongPlace {
            file: FileName::of(&delivery.path),
            found,
            format: format.name(),
        };
        match Database::of(&delivery.path)? {
            None if format == Format::Sql => Err(wrong("a file")),
            None => Ok(Self::File(delivery.path.clone())),
            Some(database) if format == Format::Sql => {
                let relation = contract.relation().expect(SOUND);
                Ok(Self::Database(Session::open(
                    &database, contract, relation,
                )?))
            }
            Some(_) => Err(wrong("a database")),
        }
    }

    /// The name of a relation in a database; files are named together.
    pub(crate) fn relation_name(&self) -> Option<&FileName> {
        match self {
            Self::File(_) => None,
            Self::Database(session) => Some(session.name()),
        }
    }

    /// Bytes of the file; none are known of a database.
    pub(crate) fn n_bytes(&self) -> Result<u64, IngestError> {
        match self {
            Self::Database(_) => Ok(0),
            Self::File(path) => std::fs::metadata(path)
                .map(|metadata| metadata.len())
                .map_err(|source| IngestError::Unreadable(FileError::at(path, source))),
        }
    }
}

/// The digest of a delivery: of a file its bytes, of a database the rows it gives.
///
/// # Errors
///
/// [`IngestError`] if it cannot be read.
pub fn digest(contract: &DataContract, delivery: &Delivery) -> Result<Digest, IngestError> {
    match Place::of(contract, delivery)? {
        Place::File(path) => Digest::blake3_of_file(&path).map_err(IngestError::Unreadable),
        Place::Database(session) => {
            let mut source = session.source(contract)?;
            while source.next_block()?.is_some() {}
            source.finish()
        }
    }
}

/// Opens a delivery and does something with it.
pub(crate) fn open<W: WithSource>(
    contract: &DataContract,
    place: &Place,
    then: W,
) -> Result<W::Out, IngestError> {
    let path = match place {
        Place::File(path) => path,
        Place::Database(session) => return then.with(session.source(contract)?),
    };
    match contract.format() {
        Format::Csv => then.with(CsvSource::open(path, contract, dialect(contract))?),
        Format::Parquet => then.with(ParquetSource::open(path, contract)?),
        Format::Arrow => then.with(ArrowSource::open(path, contract)?),
        Format::JsonLines => then.with(JsonLinesSource::open(path, contract)?),
        Format::FixedWidth => {
            let fixed = contract.fixed_width().expect(SOUND);
            then.with(FixedWidthSource::open(
                path,
                contract,
                dialect(contract),
                fixed,
            )?)
        }
        Format::Excel => then.with(excel::open(path, contract, contract.sheet().expect(SOUND))?),
        Format::Xml => then.with(xml::open(
            path,
            contract,
            contract.elements().expect(SOUND),
        )?),
        Format::Sql => Err(IngestError::WrongPlace {
            file: FileName::of(path),
            found: "a file",
            format: Format::Sql.name(),
        }),
    }
}

fn dialect(contract: &DataContract) -> &Dialect {
    contract
        .dialect()
        .expect("a contract for text has a dialect, or it would not exist")
}
