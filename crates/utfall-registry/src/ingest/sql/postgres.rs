//! A PostgreSQL server.
//!
//! The connection is not encrypted: TLS is not built in. A server on another machine is reached
//! through a tunnel (`ssh -L`), or, on a network that may carry the data in the clear, by saying
//! so with `sslmode=disable` in the URL.

use std::io::Read;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender};

use postgres::config::{Host, SslMode};
use postgres::error::SqlState;
use postgres::{Client, Config, IsolationLevel, NoTls, Transaction};

use super::super::error::IngestError;
use super::super::file_name::FileName;
use super::url::is_local;
use super::{Connection, Query, Request, answer, failure, quoted, quoted_relation};

/// Bytes handed over at a time.
const CHUNK_BYTES: usize = 1 << 16;

/// How values are written as text, whatever the server's settings.
const SETTINGS: &str = "SET LOCAL datestyle = 'ISO, YMD'; SET LOCAL extra_float_digits = 1; \
     SET LOCAL timezone = 'UTC'; SET LOCAL intervalstyle = 'iso_8601'; SET LOCAL bytea_output = 'hex'";

/// Folder in which a server on this machine has its socket.
const SOCKET_FOLDER: &str = "/var/run/postgresql";

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
    let mut config = config.clone();
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
        config.host(&variable("PGHOST").unwrap_or_else(|| SOCKET_FOLDER.to_owned()));
        if let Some(port) = variable("PGPORT").and_then(|port| port.parse().ok()) {
            config.port(port);
        }
    }
    if config.get_user().is_none()
        && let Some(user) = variable("PGUSER").or_else(|| variable("USER"))
    {
        config.user(&user);
    }
    if let Some(password) = variable("PGPASSWORD").or_else(|| password_in_file(&config)) {
        config.password(password);
    }
    if !is_local(&config) && config.get_ssl_mode() != SslMode::Disable {
        return Err(failure(
            name,
            "the server is on another machine and TLS is not built in; reach it through a tunnel \
             (`ssh -L`), or write `?sslmode=disable` if the network may carry the data in the clear"
                .to_owned(),
        ));
    }
    config.ssl_mode(SslMode::Disable);
    config.connect(NoTls).map_err(|error| of(name, &error))
}

/// The password in PGPASSFILE, or `.pgpass` in the home folder: lines of
/// `host:port:database:user:password`, in which `*` stands for anything.
fn password_in_file(config: &Config) -> Option<String> {
    let file = std::env::var_os("PGPASSFILE").map(PathBuf::from);
    let home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".pgpass"));
    let text = std::fs::read_to_string(file.or_else(home)?).ok()?;
    let host = match config.get_hosts().first() {
        Some(Host::Tcp(name)) => name.clone(),
        _ => "localhost".to_owned(),
    };
    let port = config.get_ports().first().copied().unwrap_or(5432);
    let user = config.get_user().unwrap_or_default();
    let sought = [
        host,
        port.to_string(),
        config.get_dbname().unwrap_or(user).to_owned(),
        user.to_owned(),
    ];
    text.lines().find_map(|line| password_of(line, &sought))
}

/// The password of a line if it is for what is sought.
fn password_of(line: &str, sought: &[String; 4]) -> Option<String> {
    let mut fields = vec![String::new()];
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        let last = fields.len() - 1;
        match character {
            '#' if line.starts_with('#') => return None,
            '\\' => fields[last].extend(characters.next()),
            ':' if fields.len() < 5 => fields.push(String::new()),
            _ => fields[last].push(character),
        }
    }
    let password = fields.pop().filter(|_| fields.len() == 4)?;
    let mut pairs = fields.iter().zip(sought);
    pairs
        .all(|(field, sought)| field == "*" || field == sought)
        .then_some(password)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_file_gives_the_first_line_that_fits() {
        let sought = ["localhost", "5432", "register", "reader"].map(str::to_owned);
        let password = |line: &str| password_of(line, &sought);
        assert_eq!(
            password("localhost:5432:register:reader:a\\:b:c"),
            Some("a:b:c".to_owned())
        );
        assert_eq!(password("*:*:*:reader:x"), Some("x".to_owned()));
        assert_eq!(password("*:*:*:writer:x"), None);
        assert_eq!(password("#*:*:*:*:x"), None);
        assert_eq!(password("*:*:reader:x"), None);
    }
}
