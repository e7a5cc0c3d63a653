//! An SQLite file.

use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender};

use rusqlite::types::ValueRef;
use rusqlite::{Connection as Sqlite, ErrorCode, OpenFlags};

use super::super::error::IngestError;
use super::super::file_name::FileName;
use super::{Connection, Query, Request, answer, failure, quoted, quoted_relation};

/// Bytes handed over at a time, or little more.
const CHUNK_BYTES: usize = 1 << 16;

/// Opens the file, and answers requests within one transaction.
pub(super) fn serve(
    path: &Path,
    query: Query,
    ready: &SyncSender<Result<Vec<String>, IngestError>>,
    requests: &Receiver<Request>,
) {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let opened = Sqlite::open_with_flags(path, flags)
        .and_then(|connection| connection.execute_batch("BEGIN").map(|()| connection));
    match opened {
        Ok(connection) => answer(Open(connection), &query, ready, requests),
        Err(error) => {
            let _ = ready.send(Err(of(&query.name, &error))); // unless nobody waits any more
        }
    }
}

struct Open(Sqlite);

impl Connection for Open {
    fn columns(&mut self, query: &Query) -> Result<Vec<String>, IngestError> {
        let all = format!("SELECT * FROM {}", quoted_relation(&query.relation));
        let prepared = self
            .0
            .prepare(&all)
            .map_err(|error| of(&query.name, &error))?;
        Ok(prepared.column_names().map(str::to_owned).collect())
    }

    fn rows(
        &mut self,
        query: &Query,
        send: &mut dyn FnMut(&[u8]) -> bool,
    ) -> Result<(), IngestError> {
        let of = |error| of(&query.name, &error);
        let columns: Vec<String> = query.wanted.iter().map(|column| quoted(column)).collect();
        let columns = columns.join(", ");
        let relation = quoted_relation(&query.relation);
        let sorted = format!("SELECT {columns} FROM {relation} ORDER BY {columns}");
        let mut prepared = self.0.prepare(&sorted).map_err(of)?;
        let mut rows = prepared.query([]).map_err(of)?;
        let n_columns = query.wanted.len();
        let mut chunk = Vec::with_capacity(CHUNK_BYTES);
        while let Some(row) = rows.next().map_err(of)? {
            for column in 0..n_columns {
                if column > 0 {
                    chunk.push(b',');
                }
                write(row.get_ref(column).map_err(of)?, &mut chunk);
            }
            // A row of one missing value would be an empty line, and so no row.
            chunk.extend_from_slice(if n_columns == 1 { b",\n" } else { b"\n" });
            if chunk.len() >= CHUNK_BYTES {
                if !send(&chunk) {
                    return Ok(());
                }
                chunk.clear();
            }
        }
        if !chunk.is_empty() {
            send(&chunk);
        }
        Ok(())
    }
}

/// A value in quotes; nothing for one that is missing.
fn write(value: ValueRef<'_>, chunk: &mut Vec<u8>) {
    let number;
    let bytes = match value {
        ValueRef::Null => return,
        ValueRef::Integer(value) => {
            number = value.to_string();
            number.as_bytes()
        }
        // The shortest decimal that names the float.
        ValueRef::Real(value) => {
            number = value.to_string();
            number.as_bytes()
        }
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes,
    };
    chunk.push(b'"');
    for &byte in bytes {
        if byte == b'"' {
            chunk.push(b'"');
        }
        chunk.push(byte);
    }
    chunk.push(b'"');
}

/// What went wrong, by its kind alone.
fn of(name: &FileName, error: &rusqlite::Error) -> IngestError {
    let what = match error.sqlite_error_code() {
        Some(ErrorCode::CannotOpen) => "cannot be opened; check the path in the site file",
        Some(ErrorCode::NotADatabase) => "is no SQLite database",
        Some(ErrorCode::DatabaseCorrupt) => "is damaged; ask for it again",
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "is being written to; wait until its delivery is complete"
        }
        Some(ErrorCode::Unknown) => {
            "has no such table or view, or it cannot be read; check `relation` in [sql]"
        }
        _ => "cannot be read",
    };
    failure(name, what.to_owned())
}
