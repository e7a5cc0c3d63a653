//! Where a database is.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use ::postgres::config::Host;

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
        let failure = |what: &str| IngestError::Database {
            database: FileName::of_database("the database", "its URL"),
            what: what.to_owned(),
        };
        let config = ::postgres::Config::from_str(text).map_err(|_| {
            failure("cannot be read, expected `postgresql://user@host:port/database`")
        })?;
        if config.get_password().is_some() {
            return Err(failure(
                "holds a password; take it out and set PGPASSWORD, or keep it in a PGPASSFILE",
            ));
        }
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

/// Whether a server is on this machine, so that nothing of what it sends leaves it.
pub(super) fn is_local(config: &::postgres::Config) -> bool {
    let is_local = |host: &Host| match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => matches!(name.as_str(), "localhost" | "127.0.0.1" | "::1"),
    };
    config.get_hosts().iter().all(is_local)
        && config
            .get_hostaddrs()
            .iter()
            .all(|address| address.is_loopback())
}
