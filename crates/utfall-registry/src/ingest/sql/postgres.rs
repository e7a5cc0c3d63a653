//! A PostgreSQL server.

use std::io::Read;
use std::sync::mpsc::{Receiver, SyncSender};

use postgres::error::SqlState;
use postgres::{Client, Config, IsolationLevel, Transaction};
use utfall_postgres::ConnectError;

use super::super::error::IngestError;
use super::super::file_name::FileName;
use super::{Connection, Query, Request, answer, failure, quoted, quoted_relation};

/// Bytes handed over at a time.
const CHUNK_BYTES: usize = 1 << 16;

/// How values are written as text, whatever the server's settings.
const SETTINGS: &str = "SET LOCAL datestyle = 'ISO, YMD'; SET LOCAL extra_float_digits = 1; \
     SET LOCAL timezone = 'UTC'; SET LOCAL intervalstyle = 'iso_8601'; SET LOCAL bytea_output = 'hex'";

/// Connects, and answers requests within one transaction.
pub(super) fn serve(
    config: &Config,
    query: Query,
    ready: &SyncSender<Result<Vec<String>, IngestError>>,
    requests: &Receiver<Request>,
) {
    let opened = connect(config, &query.name);
    let mut client = match opened {
        Ok(client) => client,
        Err(error) => {
            let _ = ready.send(Err(error)); // unless nobody waits any more
            return;
        }
    };
    let transaction = client
        .build_transaction()
        .isolation_level(IsolationLevel::RepeatableRead)
        .read_only(true)
        .start()
        .and_then(|mut transaction| transaction.batch_execute(SETTINGS).map(|()| transaction));
    match transaction {
        Ok(transaction) => answer(Open(transaction), &query, ready, requests),
        Err(error) => {
            let _ = ready.send(Err(of(&query.name, &error))); // as above
        }
    }
}

fn connect(config: &Config, name: &FileName) -> Result<Client, IngestError> {
    utfall_postgres::connect(config).map_err(|error| match error {
        ConnectError::Server(error) => of(name, &error),
        error => failure(name, error.to_string()),
    })
}

struct Open<'c>(Transaction<'c>);

impl Connection for Open<'_> {
    fn columns(&mut self, query: &Query) -> Result<Vec<String>, IngestError> {
        let all = format!("SELECT * FROM {}", quoted_relation(&query.relation));
        let prepared = self
            .0
            .prepare(&all)
            .map_err(|error| of(&query.name, &error))?;
        let columns = prepared.columns().iter();
        Ok(columns.map(|column| column.name().to_owned()).collect())
    }

    fn rows(
        &mut self,
        query: &Query,
        send: &mut dyn FnMut(&[u8]) -> bool,
    ) -> Result<(), IngestError> {
        let name = &query.name;
        let values: Vec<String> = query
            .wanted
            .iter()
            .map(|column| format!("{}::text", quoted(column)))
            .collect();
        let order: Vec<String> = values
            .iter()
            .map(|value| format!("{value} COLLATE \"C\""))
            .collect();
        // A row of one missing value would be an empty line, and so no row.
        let end = if values.len() == 1 { ", NULL" } else { "" };
        let copy = format!(
            "COPY (SELECT {}{end} FROM {} ORDER BY {}) TO STDOUT WITH (FORMAT csv, FORCE_QUOTE *, ENCODING 'UTF8')",
            values.join(", "),
            quoted_relation(&query.relation),
            order.join(", "),
        );
        let mut rows = self.0.copy_out(&copy).map_err(|error| of(name, &error))?;
        let mut chunk = Vec::with_capacity(CHUNK_BYTES);
        loop {
            chunk.clear();
            let read = rows
                .by_ref()
                .take(CHUNK_BYTES as u64)
                .read_to_end(&mut chunk);
            let n_read = read.map_err(|_| super::lost(name))?;
            // The reader may not be asked again after its end.
            if (n_read > 0 && !send(&chunk)) || n_read < CHUNK_BYTES {
                return Ok(());
            }
        }
    }
}

/// What went wrong, by its kind alone: the server's own words may quote a value.
fn of(name: &FileName, error: &postgres::Error) -> IngestError {
    let what = match error.code() {
        None if error.is_closed() => "the connection was lost".to_owned(),
        None => "cannot be reached; is the server running, and are host, port and user right?"
            .to_owned(),
        Some(code) => match known(code) {
            Some(what) => what.to_owned(),
            None => format!("the server reports SQLSTATE {}", code.code()),
        },
    };
    failure(name, what)
}

fn known(code: &SqlState) -> Option<&'static str> {
    Some(match *code {
        SqlState::UNDEFINED_TABLE | SqlState::INVALID_SCHEMA_NAME | SqlState::UNDEFINED_OBJECT => {
            "there is no such table or view; check `relation` in [sql], and the search path of the user"
        }
        SqlState::INVALID_CATALOG_NAME => "there is no such database",
        SqlState::INSUFFICIENT_PRIVILEGE => "the user may not read it; ask for the right to SELECT",
        SqlState::INVALID_PASSWORD | SqlState::INVALID_AUTHORIZATION_SPECIFICATION => {
            "the server does not let the user in; check the user, and PGPASSWORD or PGPASSFILE"
        }
        _ => return None,
    })
}
