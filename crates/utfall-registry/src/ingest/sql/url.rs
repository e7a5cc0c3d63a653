//! Where a database is.

use std::fmt;
use std::path::{Path, PathBuf};

use super::super::error::IngestError;
use super::super::file_name::FileName;

/// A database, without the password to it.
#[derive(Clone)]
pub(crate) enum Database {
    /// A PostgreSQL server.
    Postgres(Box<::postgres::Config>),
    /// An SQLite file.
    Sqlite(PathBuf),
}

impl Database {
    /// The database that the place of a delivery names, if it is no file.
    ///
    /// # Errors
    ///
    /// [`IngestError::Database`] if the URL cannot be read or holds a password, which would then
    /// stand in a file.
    pub(crate) fn of(place: &Path) -> Result<Option<Self>, IngestError> {
        let Some(text) = place.to_str() else {
            return Ok(None);
        };
        if let Some(path) = text.strip_prefix("sqlite:") {
            return Ok(Some(Self::Sqlite(path.into())));
        }
        if !(text.starts_with("postgresql://") || text.starts_with("postgres://")) {
            return Ok(None);
        }
        let config = utfall_postgres::read_url(text).map_err(|error| IngestError::Database {
            database: FileName::of_database("the database", "its URL"),
            what: error.to_string(),
        })?;
        Ok(Some(Self::Postgres(Box::new(config))))
    }

    /// What it is called in messages: the database, not the server or the user.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Postgres(config) => config.get_dbname().unwrap_or("postgres").to_owned(),
            Self::Sqlite(path) => FileName::of(path).to_string(),
        }
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Database({})", self.name())
    }
}
