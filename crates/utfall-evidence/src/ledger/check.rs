//! Checking a whole ledger, entry by entry.

use std::path::PathBuf;

use super::tiles::{HEIGHT, Kind, Tile, TileHashes, WIDTH, fold};
use super::{Ledger, LedgerError, leaf_hash, tree};

/// A place in a ledger that is not what its checkpoint says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerFault {
    /// The file, within the ledger's folder.
    pub place: PathBuf,
    /// What is wrong with it.
    pub reason: String,
}

impl Ledger {
    /// Hashes every entry again and compares every tile and the root. An empty list means that
    /// the folder holds the ledger its checkpoint stands for, to the last byte of every entry.
    #[must_use]
    pub fn check(&self) -> Vec<LedgerFault> {
        let size = self.size();
        let mut hashes = TileHashes::new(self.folder(), size);
        let mut faults = Vec::new();
        for index in 0..size.div_ceil(WIDTH) {
            faults.extend(self.entries_fault(index));
        }
        for level in 1..u64::BITS / HEIGHT {
            let n = size >> (HEIGHT * level);
            for index in 0..n.div_ceil(WIDTH) {
                faults.extend(tile_fault(&mut hashes, level, index, n));
            }
        }
        match tree::root(&mut hashes, size) {
            Ok(root) if root == self.signed().checkpoint().root => {}
            Ok(_) => faults.push(LedgerFault {
                place: PathBuf::from("checkpoint"),
                reason: "its root is not that of the entries".to_owned(),
            }),
            Err(error) => faults.push(fault(PathBuf::from("tile"), &error)),
        }
        faults
    }

    /// Whether the entries of a tile have the hashes of their leaves.
    fn entries_fault(&self, index: u64) -> Option<LedgerFault> {
        let place = Tile::of(Kind::Entries, index, self.size()).map(Tile::path)?;
        let mut hashes = TileHashes::new(self.folder(), self.size());
        let leaves = match hashes.tile(0, index) {
            Ok(leaves) => leaves,
            Err(error) => return Some(fault(place, &error)),
        };
        match self.entries_of_tile(index) {
            Err(error) => Some(fault(place, &error)),
            Ok((_, entries)) => {
                let n = index * WIDTH;
                let mut pairs = entries.iter().zip(leaves).zip(n..);
                let (_, at) = pairs.find(|((entry, leaf), _)| leaf_hash(entry) != **leaf)?;
                Some(LedgerFault {
                    place,
                    reason: format!("entry {at} does not have the hash of its leaf"),
                })
            }
        }
    }
}

/// Whether the hashes of a tile are those over the tiles beneath.
fn tile_fault(hashes: &mut TileHashes<'_>, level: u32, index: u64, n: u64) -> Option<LedgerFault> {
    let place = Tile {
        kind: Kind::Hashes(level),
        index,
        width: WIDTH.min(n - index * WIDTH),
    }
    .path();
    let stored = match hashes.tile(level, index) {
        Ok(stored) => stored.to_vec(),
        Err(error) => return Some(fault(place, &error)),
    };
    for (stored, beneath) in stored.iter().zip(index * WIDTH..) {
        match hashes.tile(level - 1, beneath).map(fold) {
            Ok(made) if made == *stored => {}
            Ok(_) => {
                let reason = format!("a hash is not that over tile {beneath} beneath");
                return Some(LedgerFault { place, reason });
            }
            Err(error) => return Some(fault(place, &error)),
        }
    }
    None
}

fn fault(place: PathBuf, error: &LedgerError) -> LedgerFault {
    LedgerFault {
        place,
        reason: error.to_string(),
    }
}
