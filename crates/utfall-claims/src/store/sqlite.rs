//! A store in an SQLite file.

use std::time::Duration;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, ToSql, params_from_iter};

use super::StoreError;
use super::sql::{Link, Value};

/// How long a writer waits for another.
const PATIENCE: Duration = Duration::from_secs(60);

/// Different statements kept ready.
const N_STATEMENTS: usize = 32;

pub(super) struct File(Connection);

impl File {
    pub(super) fn open(path: &str) -> Result<Self, StoreError> {
        let connection = Connection::open(path).map_err(|error| of(&error))?;
        connection
            .busy_timeout(PATIENCE)
            .map_err(|error| of(&error))?;
        connection.set_prepared_statement_cache_capacity(N_STATEMENTS);
        // Readers and a writer do not wait for each other, and what is committed is on disk.
        connection
            .execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;",
            )
            .map_err(|error| of(&error))?;
        Ok(Self(connection))
    }
}

impl Link for File {
    fn begin_write(&mut self) -> Result<(), StoreError> {
        self.batch("BEGIN IMMEDIATE")
    }

    fn begin_read(&mut self) -> Result<(), StoreError> {
        self.batch("BEGIN")
    }

    fn batch(&mut self, sql: &str) -> Result<(), StoreError> {
        self.0.execute_batch(sql).map_err(|error| of(&error))
    }

    fn rows(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Vec<Value>>, StoreError> {
        let mut statement = self.0.prepare_cached(sql).map_err(|error| of(&error))?;
        let n_columns = statement.column_count();
        let mut rows = statement
            .query(params_from_iter(values))
            .map_err(|error| of(&error))?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().map_err(|error| of(&error))? {
            let values = (0..n_columns).map(|column| match row.get_ref(column) {
                Ok(ValueRef::Integer(value)) => Ok(Value::Whole(value)),
                Ok(ValueRef::Text(bytes)) => Ok(Value::text(String::from_utf8_lossy(bytes))),
                Ok(_) => Ok(Value::Missing),
                Err(error) => Err(of(&error)),
            });
            found.push(values.collect::<Result<_, _>>()?);
        }
        Ok(found)
    }

    fn insert(
        &mut self,
        table: &str,
        columns: &[&str],
        rows: &[Vec<Value>],
        end: &str,
    ) -> Result<u64, StoreError> {
        let places = super::sql::places(1, columns.len());
        let sql = format!(
            "INSERT INTO {table} ({}) VALUES {places} {end}",
            columns.join(", ")
        );
        let mut statement = self.0.prepare_cached(&sql).map_err(|error| of(&error))?;
        let mut n_added = 0;
        for row in rows {
            n_added += statement
                .execute(params_from_iter(row))
                .map_err(|error| of(&error))? as u64;
        }
        Ok(n_added)
    }

    /// `BEGIN IMMEDIATE` lets one write at a time.
    fn serialize_writers(&mut self, _table: &str) -> Result<(), StoreError> {
        Ok(())
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Text(text) => ToSqlOutput::from(text.as_str()),
            Self::Whole(value) => ToSqlOutput::from(*value),
            Self::Missing => ToSqlOutput::from(rusqlite::types::Null),
        })
    }
}

/// What went wrong, by its kind alone: SQLite's own words may quote a value.
fn of(error: &rusqlite::Error) -> StoreError {
    let what = match error.sqlite_error_code() {
        Some(ErrorCode::ConstraintViolation) => return StoreError::Conflict,
        Some(ErrorCode::CannotOpen) => "cannot be opened; check that its folder exists",
        Some(ErrorCode::NotADatabase) => "is no SQLite database; choose another path",
        Some(ErrorCode::DatabaseCorrupt) => "is damaged; take the last good copy",
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "is held by another writer for more than a minute; try again when it is done"
        }
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
            "may not be written to; ask its owner"
        }
        Some(ErrorCode::DiskFull) => "lies on a full disk; free some space and try again",
        _ => "cannot be used; its tables are not those of this program",
    };
    StoreError::Database {
        what: what.to_owned(),
    }
}
