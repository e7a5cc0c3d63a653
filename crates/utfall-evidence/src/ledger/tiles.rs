//! Where hashes and entries lie in a ledger's folder, and hashes read from there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use utfall_files::Digest;

use super::store::LedgerError;
use super::tree::{Hashes, node_hash};

/// Hashes, or entries, in a whole tile.
pub(crate) const WIDTH: u64 = 256;

/// Levels of the tree in one tile.
pub(crate) const HEIGHT: u32 = 8;

/// Bytes of a hash.
const HASH: usize = 32;

/// What a tile holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Hashes of a level, counted in tiles from the leaves.
    Hashes(u32),
    /// Entries.
    Entries,
}

/// A tile of a tree of some size: which, and how much of it is filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Tile {
    pub(crate) kind: Kind,
    pub(crate) index: u64,
    /// From 1 to [`WIDTH`].
    pub(crate) width: u64,
}

impl Tile {
    /// The tile at `index` in a tree of `size` leaves; `None` if it is empty there.
    pub(crate) fn of(kind: Kind, index: u64, size: u64) -> Option<Self> {
        let n = match kind {
            Kind::Hashes(level) => size.checked_shr(HEIGHT * level).unwrap_or(0),
            Kind::Entries => size,
        };
        let width = n.saturating_sub(index.checked_mul(WIDTH)?).min(WIDTH);
        (width > 0).then_some(Self { kind, index, width })
    }

    /// Its place in the folder of a ledger.
    pub(crate) fn path(self) -> PathBuf {
        let mut path = self.whole_path();
        if self.width < WIDTH {
            path = partial_folder(path).join(self.width.to_string());
        }
        path
    }

    /// Where its smaller versions lie.
    pub(crate) fn partial_folder(self) -> PathBuf {
        partial_folder(self.whole_path())
    }

    fn whole_path(self) -> PathBuf {
        let mut path = PathBuf::from("tile");
        path.push(match self.kind {
            Kind::Hashes(level) => level.to_string(),
            Kind::Entries => "entries".to_owned(),
        });
        let digits = format!("{:03}", self.index);
        let digits = format!("{:0>1$}", digits, digits.len().div_ceil(3) * 3);
        let n_groups = digits.len() / 3;
        for group in 0..n_groups {
            let part = &digits[group * 3..group * 3 + 3];
            path.push(if group + 1 < n_groups {
                format!("x{part}")
            } else {
                part.to_owned()
            });
        }
        path
    }
}

fn partial_folder(mut path: PathBuf) -> PathBuf {
    path.as_mut_os_string().push(".p");
    path
}

/// The hash over a whole number of hashes side by side, a power of two.
pub(crate) fn fold(hashes: &[Digest]) -> Digest {
    let mut level = hashes.to_vec();
    while level.len() > 1 {
        level = level
            .chunks(2)
            .map(|pair| node_hash(&pair[0], &pair[1]))
            .collect();
    }
    level[0]
}

/// Hashes as bytes.
pub(crate) fn to_bytes(hashes: &[Digest]) -> Vec<u8> {
    hashes.iter().flat_map(Digest::as_bytes).copied().collect()
}

/// The hashes of a ledger of some size, read from its folder when asked for.
pub(crate) struct TileHashes<'a> {
    folder: &'a Path,
    size: u64,
    read: BTreeMap<(u32, u64), Vec<Digest>>,
}

impl<'a> TileHashes<'a> {
    pub(crate) fn new(folder: &'a Path, size: u64) -> Self {
        Self {
            folder,
            size,
            read: BTreeMap::new(),
        }
    }

    /// The hashes of a tile.
    pub(crate) fn tile(&mut self, level: u32, index: u64) -> Result<&[Digest], LedgerError> {
        let hashes = match self.read.entry((level, index)) {
            std::collections::btree_map::Entry::Occupied(held) => held.into_mut(),
            std::collections::btree_map::Entry::Vacant(place) => {
                place.insert(read(self.folder, level, index, self.size)?)
            }
        };
        Ok(hashes)
    }
}

fn read(folder: &Path, level: u32, index: u64, size: u64) -> Result<Vec<Digest>, LedgerError> {
    let tile = Tile::of(Kind::Hashes(level), index, size)
        .ok_or(LedgerError::NoSuchEntry { index, size })?;
    let path = tile.path();
    let bytes = utfall_files::read_whole(&folder.join(&path))?;
    let (hashes, rest) = bytes.as_chunks::<HASH>();
    if !rest.is_empty() || hashes.len() as u64 != tile.width {
        return Err(LedgerError::Damaged {
            place: path,
            reason: "not as many hashes as its name says",
        });
    }
    Ok(hashes.iter().map(|bytes| (*bytes).into()).collect())
}

impl Hashes for TileHashes<'_> {
    type Error = LedgerError;

    fn hash(&mut self, level: u32, index: u64) -> Result<Digest, LedgerError> {
        let (tile_level, height) = (level / HEIGHT, level % HEIGHT);
        let first = index << height;
        let hashes = self.tile(tile_level, first / WIDTH)?;
        let start = place(first);
        let part = hashes.get(start..start + (1 << height));
        part.map(fold).ok_or(LedgerError::NoSuchEntry {
            index: first,
            size: self.size,
        })
    }
}

/// A place within a tile.
pub(crate) fn place(index: u64) -> usize {
    (index % WIDTH) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_lie_where_the_specification_puts_them() {
        let path = |kind, index, width| {
            let tile = Tile { kind, index, width };
            tile.path().to_str().unwrap().to_owned()
        };
        assert_eq!(
            path(Kind::Hashes(0), 1_234_067, 256),
            "tile/0/x001/x234/067"
        );
        assert_eq!(path(Kind::Hashes(1), 0, 1), "tile/1/000.p/1");
        assert_eq!(
            path(Kind::Entries, 1_000, 255),
            "tile/entries/x001/000.p/255"
        );
        assert_eq!(path(Kind::Entries, 999, 256), "tile/entries/999");
    }

    #[test]
    fn a_tile_is_as_wide_as_the_tree_makes_it() {
        let width = |kind, index, size| Tile::of(kind, index, size).map(|tile| tile.width);
        assert_eq!(width(Kind::Hashes(0), 0, 70_000), Some(256));
        assert_eq!(width(Kind::Hashes(0), 273, 70_000), Some(112));
        assert_eq!(width(Kind::Hashes(1), 1, 70_000), Some(17));
        assert_eq!(width(Kind::Hashes(2), 0, 70_000), Some(1));
        assert_eq!(width(Kind::Hashes(3), 0, 70_000), None);
        assert_eq!(width(Kind::Hashes(9), 0, u64::MAX), None);
    }
}
