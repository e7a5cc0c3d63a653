//! A book as a file that only grows.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use utfall_files::{Digest, FileError, LockError, WorkspaceLock};

use crate::book::{Book, Entry};
use crate::error::AccountError;
use crate::event::Event;
use crate::terms::{Terms, TermsError};

/// A book in a file: a line of terms, then one line of JSON for each entry, each with the SHA-256 of the line before.
///
/// Reading plays every event again and holds its postings against those written, so that no line can be changed, left out or
/// put in without a word. A new file takes the place of the old one whole; the folder is locked meanwhile.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    lines: Vec<String>,
    book: Book,
}

/// Why a journal cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// The file.
    #[error(transparent)]
    File(#[from] FileError),
    /// Someone else writes in its folder.
    #[error(transparent)]
    Locked(#[from] LockError),
    /// The terms.
    #[error("the terms are wrong: {0}")]
    Terms(#[from] TermsError),
    /// There is one already.
    #[error("`{}` is there already; choose another path", path.display())]
    Exists {
        /// The path.
        path: PathBuf,
    },
    /// A line that does not follow from the ones before it.
    #[error("line {line} of the journal {what}; take the last good copy")]
    Altered {
        /// Line, from 1.
        line: usize,
        /// What is wrong.
        what: String,
    },
    /// An event that is refused. None of those given with it is kept.
    #[error("line {line}: {source}")]
    Event {
        /// The line it was given with.
        line: usize,
        /// Why.
        source: AccountError,
    },
    /// An internal fault.
    #[error("an entry cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Opening {
    terms: Terms,
}

#[derive(Serialize, Deserialize)]
struct Line {
    previous: Digest,
    #[serde(flatten)]
    entry: Entry,
}

impl Journal {
    /// Begins a journal.
    ///
    /// # Errors
    ///
    /// [`JournalError::Exists`], [`JournalError::Terms`], and [`JournalError::File`] if it cannot be written.
    pub fn create(path: &Path, terms: &str) -> Result<Self, JournalError> {
        let terms = Terms::from_toml(terms)?;
        let _lock = lock(path)?;
        if path.exists() {
            return Err(JournalError::Exists {
                path: path.to_owned(),
            });
        }
        let opening = Opening { terms };
        let journal = Self {
            path: path.to_owned(),
            lines: vec![serde_json::to_string(&opening)?],
            book: Book::new(opening.terms),
        };
        journal.write()?;
        Ok(journal)
    }

    /// Reads a journal, and plays every event again.
    ///
    /// # Errors
    ///
    /// [`JournalError::Altered`] with the line that does not follow from those before it.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        let text = utfall_files::read_text(path)?;
        let altered = |line: usize, what: String| JournalError::Altered { line, what };
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let first = lines.first().map_or("", String::as_str);
        let opening: Opening = serde_json::from_str(first)
            .map_err(|error| altered(1, format!("holds no terms ({error})")))?;
        opening.terms.check().map_err(|what| altered(1, what))?;
        let mut book = Book::new(opening.terms);
        for (place, pair) in lines.windows(2).enumerate() {
            let number = place + 2;
            let line: Line = serde_json::from_str(&pair[1])
                .map_err(|error| altered(number, format!("is no entry ({error})")))?;
            if line.previous != Digest::sha256(pair[0].as_bytes()) {
                return Err(altered(
                    number,
                    "does not carry the digest of the line before".to_owned(),
                ));
            }
            let entry = book
                .record(line.entry.event.clone())
                .map_err(|error| altered(number, format!("holds what is refused ({error})")))?;
            if *entry != line.entry {
                return Err(altered(
                    number,
                    "posts other amounts than its event does".to_owned(),
                ));
            }
        }
        Ok(Self {
            path: path.to_owned(),
            lines,
            book,
        })
    }

    /// Adds events to a journal on disk, each with its line in the file it comes from: all of them, or none.
    ///
    /// # Errors
    ///
    /// [`JournalError::Event`] for the first event that is refused, and as [`Journal::open`].
    pub fn record(path: &Path, events: Vec<(usize, Event)>) -> Result<Self, JournalError> {
        let _lock = lock(path)?;
        let mut journal = Self::open(path)?;
        for (line, event) in events {
            let entry = journal
                .book
                .record(event)
                .map_err(|source| JournalError::Event { line, source })?;
            let last = journal.lines.last().map_or(&[][..], |line| line.as_bytes());
            let line = Line {
                previous: Digest::sha256(last),
                entry: entry.clone(),
            };
            journal.lines.push(serde_json::to_string(&line)?);
        }
        journal.write()?;
        Ok(journal)
    }

    /// The book.
    #[must_use]
    pub fn book(&self) -> &Book {
        &self.book
    }

    fn write(&self) -> Result<(), FileError> {
        utfall_files::write_whole(&self.path, (self.lines.join("\n") + "\n").as_bytes())
    }
}

fn lock(path: &Path) -> Result<WorkspaceLock, LockError> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    WorkspaceLock::acquire(folder.unwrap_or(Path::new(".")))
}
