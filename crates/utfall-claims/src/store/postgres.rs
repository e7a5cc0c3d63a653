//! A store in a PostgreSQL database.

use postgres::Client;
use postgres::error::SqlState;
use postgres::types::{ToSql, Type};
use utfall_postgres::ConnectError;

use super::StoreError;
use super::sql::{Link, Value, places};

/// Values sent in one statement; the protocol bears 65,535.
const MOST_VALUES: usize = 30_000;

pub(super) struct Server(Client);

impl Server {
    pub(super) fn connect(url: &str) -> Result<Self, StoreError> {
        let connected =
            utfall_postgres::read_url(url).and_then(|config| utfall_postgres::connect(&config));
        let mut client = connected.map_err(|error| match error {
            ConnectError::Server(error) => of(&error),
            error => StoreError::Database {
                what: format!("names {error}"),
            },
        })?;
        // What a migration finds done is no news.
        client
            .batch_execute("SET client_min_messages = warning")
            .map_err(|error| of(&error))?;
        Ok(Self(client))
    }
}

impl Link for Server {
    fn begin_write(&mut self) -> Result<(), StoreError> {
        self.batch("BEGIN ISOLATION LEVEL READ COMMITTED")
    }

    fn begin_read(&mut self) -> Result<(), StoreError> {
        self.batch("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    }

    fn batch(&mut self, sql: &str) -> Result<(), StoreError> {
        self.0.batch_execute(sql).map_err(|error| of(&error))
    }

    fn rows(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Vec<Value>>, StoreError> {
        let values = boxed(values);
        let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(AsRef::as_ref).collect();
        let found = self.0.query(sql, &values).map_err(|error| of(&error))?;
        found
            .iter()
            .map(|row| {
                let columns = row.columns().iter().enumerate();
                let values = columns.map(|(place, column)| {
                    let read = if *column.type_() == Type::INT8 {
                        row.try_get::<_, Option<i64>>(place)
                            .map(|value| value.map_or(Value::Missing, Value::Whole))
                    } else {
                        row.try_get::<_, Option<String>>(place).map(Value::optional)
                    };
                    read.map_err(|error| of(&error))
                });
                values.collect()
            })
            .collect()
    }

    fn insert(
        &mut self,
        table: &str,
        columns: &[&str],
        rows: &[Vec<Value>],
        end: &str,
    ) -> Result<u64, StoreError> {
        let mut n_added = 0;
        for rows in rows.chunks(MOST_VALUES / columns.len()) {
            let places = places(rows.len(), columns.len());
            let sql = format!(
                "INSERT INTO {table} ({}) VALUES {places} {end}",
                columns.join(", ")
            );
            let values = boxed(rows.iter().flatten());
            let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(AsRef::as_ref).collect();
            n_added += self.0.execute(&sql, &values).map_err(|error| of(&error))?;
        }
        Ok(n_added)
    }

    fn serialize_writers(&mut self, table: &str) -> Result<(), StoreError> {
        self.batch(&format!("LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE"))
    }
}

fn boxed<'v>(values: impl IntoIterator<Item = &'v Value>) -> Vec<Box<dyn ToSql + Sync>> {
    let boxed = |value: &Value| -> Box<dyn ToSql + Sync> {
        match value {
            Value::Text(text) => Box::new(text.clone()),
            Value::Whole(value) => Box::new(*value),
            Value::Missing => Box::new(None::<String>),
        }
    };
    values.into_iter().map(boxed).collect()
}

/// What went wrong, by its kind alone: the server's own words may quote a value.
fn of(error: &postgres::Error) -> StoreError {
    let what = match error.code() {
        None if error.is_closed() => "lost its connection".to_owned(),
        None => "cannot be reached; is the server running, and are host, port and user right?"
            .to_owned(),
        Some(code)
            if *code == SqlState::UNIQUE_VIOLATION || *code == SqlState::T_R_DEADLOCK_DETECTED =>
        {
            return StoreError::Conflict;
        }
        Some(code) if *code == SqlState::INVALID_CATALOG_NAME => {
            "names no database of the server".to_owned()
        }
        Some(code) if *code == SqlState::INSUFFICIENT_PRIVILEGE => {
            "may not be used by this user; ask for the right to create and use tables".to_owned()
        }
        Some(code) => format!(
            "cannot be used: the server reports SQLSTATE {}",
            code.code()
        ),
    };
    StoreError::Database { what }
}
