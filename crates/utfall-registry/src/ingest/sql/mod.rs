//! Tables and views of a database as a source of rows.
//!
//! A session holds one transaction open over both passes, so that they see the same rows. The
//! database sends the contract's columns as text, in the order of their values; what is sent is
//! delimited text with every value quoted, and is read and digested as such a file would be.

mod postgres;
mod sqlite;
mod url;

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use utfall_files::Digest;

use super::block::{BlockReader, Margins};
use super::columns::ColumnMap;
use super::csv::CsvSource;
use super::error::IngestError;
use super::file_name::FileName;
use super::record::Marks;
use super::text_file::{Passed, TextFile};
use crate::contract::{DataContract, Relation};
pub(crate) use url::Database;

/// Chunks that wait to be read.
const N_WAITING: usize = 16;

/// How what a database sends is delimited.
const MARKS: Marks = Marks {
    delimiter: b',',
    quote: Some(b'"'),
    comment: None,
};

/// What a database sends: some bytes, that these were all, or why no more come.
type Sent = Result<Option<Vec<u8>>, IngestError>;

/// A request for all rows, with where to send them.
type Request = SyncSender<Sent>;

/// An open transaction in which the rows of a relation do not change.
pub(crate) struct Session {
    name: FileName,
    header: Vec<String>,
    requests: Option<Sender<Request>>,
    worker: Option<JoinHandle<()>>,
}

/// What a session asks of a database.
struct Query {
    name: FileName,
    relation: Relation,
    /// Names of the columns that the contract may have.
    wanted: Vec<String>,
}

/// A database whose transaction is open.
trait Connection {
    /// Names of all columns of the relation.
    fn columns(&mut self, query: &Query) -> Result<Vec<String>, IngestError>;

    /// Sends the wanted columns of all rows, in the order of their values, until `send` says
    /// that nobody reads.
    fn rows(
        &mut self,
        query: &Query,
        send: &mut dyn FnMut(&[u8]) -> bool,
    ) -> Result<(), IngestError>;
}

impl Session {
    /// Connects to a database and begins a transaction that only reads.
    pub(crate) fn open(
        database: &Database,
        contract: &DataContract,
        relation: &Relation,
    ) -> Result<Self, IngestError> {
        let name = FileName::of_database(&database.name(), relation.as_str());
        let (requests, receiver) = channel();
        let (ready, opened) = sync_channel(1);
        let query = Query {
            name: name.clone(),
            relation: relation.clone(),
            wanted: contract
                .columns()
                .iter()
                .map(|column| column.header().to_owned())
                .collect(),
        };
        let database = database.clone();
        let worker = std::thread::spawn(move || match database {
            Database::Postgres(config) => postgres::serve(&config, query, &ready, &receiver),
            Database::Sqlite(path) => sqlite::serve(&path, query, &ready, &receiver),
        });
        let header = opened.recv().map_err(|_| lost(&name))??;
        Ok(Self {
            name,
            header,
            requests: Some(requests),
            worker: Some(worker),
        })
    }

    /// What the relation is called.
    pub(crate) fn name(&self) -> &FileName {
        &self.name
    }

    /// All rows of the relation, once more.
    pub(crate) fn source(&self, contract: &DataContract) -> Result<CsvSource, IngestError> {
        let columns = ColumnMap::in_relation(&self.name, &self.header, contract)?;
        let (sender, receiver) = sync_channel(N_WAITING);
        if let Some(requests) = &self.requests {
            // A worker that is gone has dropped the sender, and reading says so.
            let _ = requests.send(sender);
        }
        let stream = Stream {
            receiver,
            current: io::Cursor::new(Vec::new()),
            meter: Arc::new(Mutex::new(Meter::default())),
            name: self.name.clone(),
        };
        let passed = StreamPassed {
            name: self.name.clone(),
            meter: stream.meter.clone(),
        };
        let text = TextFile::of_stream(Box::new(passed), Box::new(stream));
        let reader = BlockReader::of_text(text, MARKS, Margins::default());
        Ok(CsvSource::of_rows(reader, MARKS, columns))
    }
}

impl Drop for Session {
    /// Ends the transaction.
    fn drop(&mut self) {
        self.requests = None;
        if let Some(worker) = self.worker.take() {
            let _ = worker.join(); // nothing is left to be told
        }
    }
}

fn lost(name: &FileName) -> IngestError {
    failure(name, "the connection was lost".to_owned())
}

fn failure(name: &FileName, what: String) -> IngestError {
    IngestError::Database {
        database: name.clone(),
        what,
    }
}

/// Answers requests on an open connection until nobody asks any more.
fn answer(
    mut connection: impl Connection,
    query: &Query,
    ready: &SyncSender<Result<Vec<String>, IngestError>>,
    requests: &Receiver<Request>,
) {
    let header = connection.columns(query);
    let is_open = header.is_ok();
    if ready.send(header).is_err() || !is_open {
        return;
    }
    while let Ok(request) = requests.recv() {
        let mut send = |bytes: &[u8]| request.send(Ok(Some(bytes.to_vec()))).is_ok();
        let ended = connection.rows(query, &mut send);
        let _ = request.send(ended.map(|()| None)); // unless the reader has ended already
    }
}

/// Rows on their way from a database.
struct Stream {
    receiver: Receiver<Sent>,
    current: io::Cursor<Vec<u8>>,
    meter: Arc<Mutex<Meter>>,
    name: FileName,
}

#[derive(Default)]
struct Meter {
    hasher: blake3::Hasher,
    n_bytes: u64,
    is_whole: bool,
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let n_read = self.current.read(buffer)?;
            if n_read > 0 || buffer.is_empty() {
                return Ok(n_read);
            }
            let mut meter = self.meter.lock().unwrap_or_else(PoisonError::into_inner);
            match self.receiver.recv() {
                Ok(Ok(Some(bytes))) => {
                    meter.hasher.update(&bytes);
                    meter.n_bytes += bytes.len() as u64;
                    self.current = io::Cursor::new(bytes);
                }
                Ok(Ok(None)) => {
                    meter.is_whole = true;
                    return Ok(0);
                }
                Ok(Err(error)) => return Err(io::Error::other(error)),
                Err(_) if meter.is_whole => return Ok(0),
                Err(_) => return Err(io::Error::other(lost(&self.name))),
            }
        }
    }
}

/// What was read of a stream.
struct StreamPassed {
    name: FileName,
    meter: Arc<Mutex<Meter>>,
}

impl Passed for StreamPassed {
    fn name(&self) -> FileName {
        self.name.clone()
    }

    fn n_bytes(&self) -> u64 {
        let meter = self.meter.lock().unwrap_or_else(PoisonError::into_inner);
        meter.n_bytes
    }

    fn finish(&self) -> Result<Digest, IngestError> {
        let meter = self.meter.lock().unwrap_or_else(PoisonError::into_inner);
        if !meter.is_whole {
            let file = self.name.clone();
            return Err(IngestError::ChangedWhileRead { file });
        }
        Ok(Digest::from(*meter.hasher.finalize().as_bytes()))
    }
}

/// A name as SQL writes it, whatever it holds.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A relation, with its schema if it has one.
fn quoted_relation(relation: &Relation) -> String {
    let parts: Vec<String> = relation.as_str().split('.').map(quoted).collect();
    parts.join(".")
}
