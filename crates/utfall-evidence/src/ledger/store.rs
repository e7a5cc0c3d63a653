//! Reading a ledger's folder.

use std::path::{Path, PathBuf};

use utfall_files::{Digest, FileError, LockError};

use super::tiles::{Kind, Tile, TileHashes, WIDTH, place};
use super::{
    Checkpoint, CheckpointError, InclusionProof, SignedCheckpoint, entries, leaf_hash, tree,
};
use crate::PublicKey;

/// Name of the checkpoint in a ledger's folder.
pub(crate) const CHECKPOINT: &str = "checkpoint";

/// A ledger as it stands in a folder, under a checkpoint that its own key has signed.
#[derive(Debug)]
pub struct Ledger {
    folder: PathBuf,
    signed: SignedCheckpoint,
}

/// What is wrong with a ledger, or with what is asked of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// Another process writes to it.
    #[error(transparent)]
    Locked(#[from] LockError),
    /// Its checkpoint is none, or not signed by it.
    #[error("the checkpoint cannot be trusted: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// There is a ledger in the folder already.
    #[error("`{}` holds a ledger already; append to it, or choose another folder", folder.display())]
    Exists {
        /// The folder.
        folder: PathBuf,
    },
    /// A file of it is not what the checkpoint says.
    #[error("`{}` was changed or lost: {reason}; take the ledger from a copy that verifies", place.display())]
    Damaged {
        /// The file, within the ledger's folder.
        place: PathBuf,
        /// In what way.
        reason: &'static str,
    },
    /// An entry beyond its end.
    #[error("the ledger has {size} entries and none at {index}")]
    NoSuchEntry {
        /// The place asked for.
        index: u64,
        /// Number of entries.
        size: u64,
    },
    /// An entry that is too long.
    #[error("an entry of {n_bytes} bytes, expected {} at most", entries::LONGEST)]
    TooLong {
        /// Its length.
        n_bytes: usize,
    },
    /// It has fewer entries than it had.
    #[error("the ledger has {size} entries and had {earlier}: it was rolled back")]
    RolledBack {
        /// Entries now.
        size: u64,
        /// Entries in the earlier checkpoint.
        earlier: u64,
    },
    /// Its entries are others than they were.
    #[error(
        "the first {earlier} entries are others than those of the earlier checkpoint: the ledger exists in two versions"
    )]
    Forked {
        /// Entries in the earlier checkpoint.
        earlier: u64,
    },
}

impl Ledger {
    /// Opens the ledger in a folder that this key signs.
    ///
    /// # Errors
    ///
    /// [`LedgerError::File`] or [`LedgerError::Checkpoint`].
    pub fn open(folder: &Path, key: &PublicKey) -> Result<Self, LedgerError> {
        let ledger = Self::open_unchecked(folder)?;
        ledger.signed.check(key)?;
        Ok(ledger)
    }

    /// Opens a ledger without asking who signed it.
    ///
    /// # Errors
    ///
    /// As [`Self::open`].
    pub fn open_unchecked(folder: &Path) -> Result<Self, LedgerError> {
        let bytes = utfall_files::read_whole(&folder.join(CHECKPOINT))?;
        Ok(Self {
            folder: folder.to_owned(),
            signed: SignedCheckpoint::parse(&bytes)?,
        })
    }

    /// Its checkpoint, with all signatures.
    #[must_use]
    pub fn signed(&self) -> &SignedCheckpoint {
        &self.signed
    }

    /// Its folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Number of entries.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.signed.checkpoint().size
    }

    /// An entry, checked against the hash of its leaf.
    ///
    /// # Errors
    ///
    /// [`LedgerError::NoSuchEntry`], or [`LedgerError::Damaged`] if it is not the one entered.
    pub fn entry(&self, index: u64) -> Result<Vec<u8>, LedgerError> {
        let (tile, entries) = self.entries_of_tile(index / WIDTH)?;
        let entry = entries.get(place(index)).ok_or(LedgerError::NoSuchEntry {
            index,
            size: self.size(),
        })?;
        let mut hashes = TileHashes::new(&self.folder, self.size());
        if hashes.tile(0, index / WIDTH)?[place(index)] == leaf_hash(entry) {
            Ok(entry.clone())
        } else {
            Err(LedgerError::Damaged {
                place: tile.path(),
                reason: "an entry does not have the hash of its leaf",
            })
        }
    }

    /// The entries of a tile.
    pub(crate) fn entries_of_tile(&self, index: u64) -> Result<(Tile, Vec<Vec<u8>>), LedgerError> {
        let size = self.size();
        let tile = Tile::of(Kind::Entries, index, size).ok_or(LedgerError::NoSuchEntry {
            index: index.saturating_mul(WIDTH),
            size,
        })?;
        let bytes = utfall_files::read_whole(&self.folder.join(tile.path()))?;
        let entries = entries::split(&bytes).filter(|entries| entries.len() as u64 == tile.width);
        let entries = entries.ok_or(LedgerError::Damaged {
            place: tile.path(),
            reason: "not as many entries as its name says",
        })?;
        Ok((tile, entries.into_iter().map(<[u8]>::to_vec).collect()))
    }

    /// Where an entry stands for the first time; `None` if it is not there.
    ///
    /// # Errors
    ///
    /// [`LedgerError`] if hashes are missing.
    pub fn find(&self, entry: &[u8]) -> Result<Option<u64>, LedgerError> {
        let sought = leaf_hash(entry);
        for index in 0..self.size().div_ceil(WIDTH) {
            let mut hashes = TileHashes::new(&self.folder, self.size());
            let tile = hashes.tile(0, index)?;
            if let Some(place) = tile.iter().position(|hash| *hash == sought) {
                return Ok(Some(index * WIDTH + place as u64));
            }
        }
        Ok(None)
    }

    /// The proof that the entry at a place is under the checkpoint.
    ///
    /// # Errors
    ///
    /// [`LedgerError::NoSuchEntry`], or [`LedgerError::Damaged`] if the hashes no longer lead to
    /// the checkpoint's root.
    pub fn prove(&self, index: u64) -> Result<InclusionProof, LedgerError> {
        let size = self.size();
        if index >= size {
            return Err(LedgerError::NoSuchEntry { index, size });
        }
        let mut hashes = TileHashes::new(&self.folder, size);
        let leaf = hashes.tile(0, index / WIDTH)?[place(index)];
        let path = tree::inclusion(&mut hashes, index, size)?;
        let proof = InclusionProof::new(index, path, self.signed.clone());
        if proof.leads_from(&leaf) {
            Ok(proof)
        } else {
            Err(self.damaged_hashes())
        }
    }

    /// The hashes that show that this ledger begins with its first `earlier` entries.
    ///
    /// # Errors
    ///
    /// [`LedgerError::NoSuchEntry`] if there are not that many.
    pub fn consistency(&self, earlier: u64) -> Result<Vec<Digest>, LedgerError> {
        let size = self.size();
        if earlier > size {
            return Err(LedgerError::NoSuchEntry {
                index: earlier,
                size,
            });
        }
        if earlier == 0 {
            return Ok(Vec::new());
        }
        tree::consistency(&mut TileHashes::new(&self.folder, size), earlier, size)
    }

    /// Whether this ledger begins with the one an earlier checkpoint stands for.
    ///
    /// # Errors
    ///
    /// [`LedgerError::RolledBack`], [`LedgerError::Forked`], [`LedgerError::Checkpoint`] if it is
    /// another ledger's, or [`LedgerError::Damaged`].
    pub fn compare(&self, earlier: &Checkpoint) -> Result<(), LedgerError> {
        let now = self.signed.checkpoint();
        if earlier.origin != now.origin {
            return Err(LedgerError::Checkpoint(CheckpointError::Origin {
                found: now.origin.clone(),
                expected: earlier.origin.clone(),
            }));
        }
        if now.size < earlier.size {
            return Err(LedgerError::RolledBack {
                size: now.size,
                earlier: earlier.size,
            });
        }
        let mut hashes = TileHashes::new(&self.folder, now.size);
        if tree::root(&mut hashes, now.size)? != now.root {
            return Err(self.damaged_hashes());
        }
        if tree::root(&mut hashes, earlier.size)? == earlier.root {
            Ok(())
        } else {
            Err(LedgerError::Forked {
                earlier: earlier.size,
            })
        }
    }

    fn damaged_hashes(&self) -> LedgerError {
        LedgerError::Damaged {
            place: PathBuf::from("tile"),
            reason: "the hashes do not lead to the root of the checkpoint",
        }
    }
}
