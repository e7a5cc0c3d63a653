//! Appending to a ledger.

use std::io::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};

use utfall_files::{
    Digest, FileError, PendingFile, WorkspaceLock, create_folder, remove_unfinished, write_whole,
};

use super::store::CHECKPOINT;
use super::tiles::{HEIGHT, Kind, Tile, WIDTH, fold, place, to_bytes};
use super::tree::{self, Hashes};
use super::{Checkpoint, Ledger, LedgerError, SignedCheckpoint, entries, leaf_hash};
use crate::SecretKey;

/// The right to append to a ledger, held until dropped.
///
/// New tiles are on disk before the checkpoint that stands for them, so an append that is
/// interrupted anywhere has not happened, and the next one writes over what it left.
#[derive(Debug)]
pub struct LedgerWriter {
    folder: PathBuf,
    key: SecretKey,
    size: u64,
    edge: Edge,
    entries: Vec<u8>,
    _lock: WorkspaceLock,
}

/// The hashes of the last, unfinished tile of each level.
#[derive(Debug, Clone, Default)]
struct Edge(Vec<Vec<Digest>>);

/// Tiles that are written at the same time.
const WRITERS: usize = 4;

/// Tiles to be written, and what they hold.
type Written = Vec<(Tile, Vec<u8>)>;

impl LedgerWriter {
    /// Makes an empty ledger in a folder. Its name is that of the key.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Exists`] if there is one, [`LedgerError::File`] if it cannot be written.
    pub fn create(folder: &Path, key: SecretKey) -> Result<Self, LedgerError> {
        create_folder(folder)?;
        let lock = WorkspaceLock::acquire(folder)?;
        if folder.join(CHECKPOINT).exists() {
            return Err(LedgerError::Exists {
                folder: folder.to_owned(),
            });
        }
        let writer = Self {
            folder: folder.to_owned(),
            key,
            size: 0,
            edge: Edge::default(),
            entries: Vec::new(),
            _lock: lock,
        };
        let checkpoint = writer.checkpoint(0, &writer.edge)?;
        write_whole(&folder.join(CHECKPOINT), checkpoint.as_bytes())?;
        Ok(writer)
    }

    /// Opens the ledger in a folder that this key signs, having checked that its last tiles lead
    /// to its checkpoint.
    ///
    /// # Errors
    ///
    /// [`LedgerError`] if another process writes to it, or anything is not as the key signed it.
    pub fn open(folder: &Path, key: SecretKey) -> Result<Self, LedgerError> {
        let lock = WorkspaceLock::acquire(folder)?;
        remove_unfinished(folder)?;
        let ledger = Ledger::open(folder, key.public())?;
        let size = ledger.size();
        let mut edge = Edge::read(folder, size)?;
        if tree::root(&mut edge, size)? != ledger.signed().checkpoint().root {
            return Err(LedgerError::Damaged {
                place: PathBuf::from("tile"),
                reason: "the last hashes do not lead to the root of the checkpoint",
            });
        }
        let mut bytes = Vec::new();
        if !size.is_multiple_of(WIDTH) {
            let (tile, last) = ledger.entries_of_tile(size / WIDTH)?;
            let hashes = last.iter().map(|entry| leaf_hash(entry));
            if !hashes.eq(edge.0[0].iter().copied()) {
                return Err(LedgerError::Damaged {
                    place: tile.path(),
                    reason: "an entry does not have the hash of its leaf",
                });
            }
            for entry in &last {
                entries::push(&mut bytes, entry);
            }
        }
        Ok(Self {
            folder: folder.to_owned(),
            key,
            size,
            edge,
            entries: bytes,
            _lock: lock,
        })
    }

    /// Number of entries.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Appends entries, all or none, and returns their places. When it returns they are on disk.
    ///
    /// # Errors
    ///
    /// [`LedgerError::TooLong`], or [`LedgerError::File`] if the disk refuses; then the ledger is
    /// as it was, except if only the last sync of the folder failed.
    pub fn append(&mut self, added: &[Vec<u8>]) -> Result<Range<u64>, LedgerError> {
        let (mut size, mut edge, mut bundle) = (self.size, self.edge.clone(), self.entries.clone());
        let mut written = Written::new();
        for entry in added {
            entries::push(&mut bundle, entry).ok_or(LedgerError::TooLong {
                n_bytes: entry.len(),
            })?;
            edge.push(leaf_hash(entry), size, &mut written);
            size += 1;
            if size.is_multiple_of(WIDTH) {
                let bytes = std::mem::take(&mut bundle);
                written.extend(Tile::of(Kind::Entries, size / WIDTH - 1, size).map(|t| (t, bytes)));
            }
        }
        written.extend(edge.unfinished(self.size, size));
        let last = Tile::of(Kind::Entries, size / WIDTH, size);
        written.extend(last.map(|tile| (tile, bundle.clone())));
        let checkpoint = self.checkpoint(size, &edge)?;
        // The checkpoint waits for the disk beside the tiles, and gets its name after them.
        let pending = std::thread::scope(|scope| {
            let pending = scope.spawn(|| synced(&self.folder.join(CHECKPOINT), &checkpoint));
            write_tiles(&self.folder, &written)?;
            pending.join().unwrap_or_else(|_| Err(cut_short()))
        })?;
        pending.commit()?;
        let before = std::mem::replace(&mut self.size, size);
        (self.edge, self.entries) = (edge, bundle);
        for (tile, _) in &written {
            remove_smaller(&self.folder, *tile);
        }
        Ok(before..size)
    }

    /// The signed checkpoint of so many entries: with it they are in the ledger.
    fn checkpoint(&self, size: u64, edge: &Edge) -> Result<String, LedgerError> {
        let checkpoint = Checkpoint {
            origin: self.key.public().name().to_owned(),
            size,
            root: tree::root(&mut edge.clone(), size)?,
        };
        Ok(checkpoint.sign(&self.key).to_text())
    }
}

impl Ledger {
    /// Puts a checkpoint of the same tree, with more signatures, in the place of the ledger's.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Forked`] if the ledger moved on meanwhile, or [`LedgerError::File`].
    pub fn publish(&self, signed: &SignedCheckpoint) -> Result<(), LedgerError> {
        let _lock = WorkspaceLock::acquire(self.folder())?;
        let now = Self::open_unchecked(self.folder())?;
        if now.signed().checkpoint() != signed.checkpoint() {
            return Err(LedgerError::Forked {
                earlier: signed.checkpoint().size,
            });
        }
        let path = self.folder().join(CHECKPOINT);
        Ok(write_whole(&path, signed.to_text().as_bytes())?)
    }
}

impl Edge {
    fn read(folder: &Path, size: u64) -> Result<Self, LedgerError> {
        let mut hashes = super::tiles::TileHashes::new(folder, size);
        let mut levels = Vec::new();
        for level in 0.. {
            let n = size.checked_shr(HEIGHT * level).unwrap_or(0);
            if n == 0 {
                break;
            }
            levels.push(if n.is_multiple_of(WIDTH) {
                Vec::new()
            } else {
                hashes.tile(level, n / WIDTH)?.to_vec()
            });
        }
        Ok(Self(levels))
    }

    /// Adds a leaf after `size` others. Tiles that it fills go to `written`.
    fn push(&mut self, leaf: Digest, size: u64, written: &mut Written) {
        let (mut hash, mut n) = (leaf, size);
        for level in 0.. {
            if self.0.len() <= level {
                self.0.push(Vec::new());
            }
            let tile = &mut self.0[level];
            tile.push(hash);
            if (tile.len() as u64) < WIDTH {
                return;
            }
            hash = fold(tile);
            let full = Tile {
                kind: Kind::Hashes(level_number(level)),
                index: n / WIDTH,
                width: WIDTH,
            };
            written.push((full, to_bytes(tile)));
            tile.clear();
            n /= WIDTH;
        }
    }

    /// The last tile of each level that changed between two sizes, where it is not full.
    fn unfinished(&self, before: u64, size: u64) -> Written {
        let mut written = Written::new();
        for (level, hashes) in self.0.iter().enumerate() {
            let level = level_number(level);
            let n = size >> (HEIGHT * level);
            let changed = n != before >> (HEIGHT * level);
            if let (true, false) = (changed, hashes.is_empty()) {
                let tile = Tile {
                    kind: Kind::Hashes(level),
                    index: n / WIDTH,
                    width: hashes.len() as u64,
                };
                written.push((tile, to_bytes(hashes)));
            }
        }
        written
    }
}

fn level_number(level: usize) -> u32 {
    level as u32
}

/// The subtrees that a root is made of all lie in unfinished tiles.
impl Hashes for Edge {
    type Error = LedgerError;

    fn hash(&mut self, level: u32, index: u64) -> Result<Digest, LedgerError> {
        let (tile_level, height) = (level / HEIGHT, level % HEIGHT);
        let start = place(index << height);
        let tile = self.0.get(tile_level as usize);
        let hashes = tile.and_then(|tile| tile.get(start..start + (1 << height)));
        hashes.map(fold).ok_or(LedgerError::NoSuchEntry {
            index: index << level,
            size: 0,
        })
    }
}

/// Writes tiles in no order, since none counts before the checkpoint: most of the time goes into
/// waiting for the disk, which syncs several files as fast as one.
fn write_tiles(folder: &Path, written: &Written) -> Result<(), LedgerError> {
    let share = written.len().div_ceil(WRITERS).max(1);
    std::thread::scope(|scope| {
        let writers: Vec<_> = written
            .chunks(share)
            .map(|tiles| {
                scope.spawn(move || {
                    let mut tiles = tiles.iter();
                    tiles.try_for_each(|(tile, bytes)| write_tile(folder, *tile, bytes))
                })
            })
            .collect();
        writers
            .into_iter()
            .try_for_each(|writer| writer.join().unwrap_or_else(|_| Err(cut_short())))
    })
}

fn cut_short() -> LedgerError {
    LedgerError::Damaged {
        place: PathBuf::from("tile"),
        reason: "the writing of a tile was cut short",
    }
}

/// A file whose content is on disk, and whose name is not given yet.
fn synced(path: &Path, text: &str) -> Result<PendingFile, LedgerError> {
    let mut file = PendingFile::create(path)?;
    file.write_all(text.as_bytes())
        .map_err(|source| FileError::at(path, source))?;
    file.sync()?;
    Ok(file)
}

fn write_tile(folder: &Path, tile: Tile, bytes: &[u8]) -> Result<(), LedgerError> {
    let path = folder.join(tile.path());
    if let Some(above) = path.parent() {
        create_folder(above)?;
    }
    Ok(write_whole(&path, bytes)?)
}

/// Removes smaller versions of a tile that the published one begins with. One that stays is in
/// nobody's way.
fn remove_smaller(folder: &Path, tile: Tile) {
    let partial = folder.join(tile.partial_folder());
    if tile.width == WIDTH {
        let _ = std::fs::remove_dir_all(partial);
    } else if tile.width > 1 {
        for width in 1..tile.width {
            let _ = std::fs::remove_file(partial.join(width.to_string()));
        }
    }
}
