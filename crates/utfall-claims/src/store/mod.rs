//! Where claims are kept: an SQLite file or a PostgreSQL database, with one behaviour.
//!
//! Every change is one transaction: all of a batch is kept, or none. Rows are never changed or removed. Writers
//! may work at the same time; what one of them would break is refused with the reason.

mod events;
mod identity;
mod migrations;
mod postgres;
mod read;
mod sql;
mod sqlite;
mod write;

use utfall_identity::IdentityKind;

use crate::card::{CardErrors, RateCard};
use crate::rows::RowsError;
use sql::{Link, Value};

pub use events::{Event, EventKind};

/// An open store.
pub struct ClaimStore {
    link: Box<dyn Link>,
}

/// Why a store could not be used, or refused a change. Nothing of a refused change is kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Rows that are wrong, or do not fit what is kept.
    #[error(transparent)]
    Rows(#[from] RowsError),
    /// A rate card that is wrong.
    #[error(transparent)]
    Card(#[from] CardErrors),
    /// No such contract.
    #[error("no contract called `{name}` in the store, expected {}", listed(known))]
    UnknownContract {
        /// The name asked for.
        name: String,
        /// Those that are kept.
        known: Vec<String>,
    },
    /// A contract whose card is kept already, with another text.
    #[error(
        "the contract `{name}` is in the store with another rate card; a card that claims were made under \
         does not change: give the new one a name of its own, or a price from a day on"
    )]
    CardDiffers {
        /// Its name.
        name: String,
    },
    /// An event that cannot happen to the claim.
    #[error("the claim `{claim}` {what}")]
    Event {
        /// The claim.
        claim: String,
        /// Why not.
        what: String,
    },
    /// Pseudonyms that are identity numbers.
    #[error(
        "the column `person` holds {kind} in {n_rows} rows, the first on line {first_line}; expected pseudonyms, \
         which `utfall pseudonymise` makes"
    )]
    Identity {
        /// Kind of number.
        kind: IdentityKind,
        /// Rows with a valid number.
        n_rows: u64,
        /// Line of the first.
        first_line: u64,
    },
    /// Another writer was first.
    #[error(
        "another writer recorded the same at the same time; nothing was kept, look and try again"
    )]
    Conflict,
    /// A store that a later version wrote.
    #[error("the store has version {found}, this program knows up to {known}; use a newer one")]
    Newer {
        /// Version of the store.
        found: i64,
        /// Newest version known.
        known: i64,
    },
    /// The database.
    #[error("the claim store {what}")]
    Database {
        /// What is wrong with it, without any value it holds.
        what: String,
    },
}

impl ClaimStore {
    /// Opens a store, made or brought up to date if need be.
    ///
    /// `place` is the path of an SQLite file, with or without `sqlite:` before it, or a URL
    /// `postgresql://user@host:port/database` without a password (set `PGPASSWORD`).
    ///
    /// # Errors
    ///
    /// [`StoreError::Database`] if it cannot be reached or is no database, [`StoreError::Newer`] if a later version
    /// wrote it.
    pub fn open(place: &str) -> Result<Self, StoreError> {
        let is_server = place.starts_with("postgresql://") || place.starts_with("postgres://");
        let link: Box<dyn Link> = if is_server {
            Box::new(postgres::Server::connect(place)?)
        } else {
            Box::new(sqlite::File::open(
                place.strip_prefix("sqlite:").unwrap_or(place),
            )?)
        };
        let mut store = Self { link };
        store.write(|link| migrations::apply(link, migrations::ALL.len()))?;
        Ok(store)
    }

    /// Keeps a contract's rate card. A card that is kept already, with the same text, changes nothing.
    ///
    /// # Errors
    ///
    /// [`StoreError::Card`] if it is wrong, [`StoreError::CardDiffers`] if the contract has another.
    pub fn add_contract(&mut self, card: &str) -> Result<RateCard, StoreError> {
        let read = RateCard::from_toml(card)?;
        self.write(|link| {
            let name = Value::text(&read.name);
            let kept = link.rows(
                "SELECT card FROM contracts WHERE name = $1",
                std::slice::from_ref(&name),
            )?;
            match kept.first().and_then(|row| row[0].as_text()) {
                Some(kept) if kept == card => Ok(()),
                Some(_) => Err(StoreError::CardDiffers {
                    name: read.name.clone(),
                }),
                None => {
                    let row = vec![name, Value::text(card)];
                    link.insert("contracts", &["name", "card"], &[row], "")?;
                    Ok(())
                }
            }
        })?;
        Ok(read)
    }

    /// The rate card of a contract.
    ///
    /// # Errors
    ///
    /// [`StoreError::UnknownContract`] if there is no such contract.
    pub fn card(&mut self, contract: &str) -> Result<RateCard, StoreError> {
        self.read(|link| card_of(link, contract))
    }

    /// Names of the contracts, in order.
    ///
    /// # Errors
    ///
    /// [`StoreError::Database`] if the store cannot be read.
    pub fn contracts(&mut self) -> Result<Vec<String>, StoreError> {
        self.read(names)
    }

    /// Runs a change as one transaction.
    fn write<T>(
        &mut self,
        change: impl FnOnce(&mut dyn Link) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.link.begin_write()?;
        self.end(change)
    }

    /// Runs questions against one state of the store.
    fn read<T>(
        &mut self,
        ask: impl FnOnce(&mut dyn Link) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.link.begin_read()?;
        self.end(ask)
    }

    fn end<T>(
        &mut self,
        run: impl FnOnce(&mut dyn Link) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let result = run(self.link.as_mut());
        let is_kept = result.is_ok();
        let ended = self.link.batch(if is_kept { "COMMIT" } else { "ROLLBACK" });
        match (result, ended) {
            (Ok(value), Ok(())) => Ok(value),
            (Ok(_), Err(error)) | (Err(error), _) => Err(error),
        }
    }
}

fn card_of(link: &mut dyn Link, contract: &str) -> Result<RateCard, StoreError> {
    let sql = "SELECT card FROM contracts WHERE name = $1";
    let kept = link.rows(sql, &[Value::text(contract)])?;
    match kept.first().and_then(|row| row[0].as_text()) {
        Some(card) => Ok(RateCard::from_toml(card)?),
        None => Err(StoreError::UnknownContract {
            name: contract.to_owned(),
            known: names(link)?,
        }),
    }
}

fn names(link: &mut dyn Link) -> Result<Vec<String>, StoreError> {
    let rows = link.rows("SELECT name FROM contracts", &[])?;
    let mut names: Vec<String> = rows.iter().map(|row| row[0].to_text()).collect();
    names.sort();
    Ok(names)
}

fn listed(known: &[String]) -> String {
    if known.is_empty() {
        "one to be added first".to_owned()
    } else {
        format!("one of {}", known.join(", "))
    }
}
