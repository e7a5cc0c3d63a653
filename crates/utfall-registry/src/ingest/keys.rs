//! Which rows share a key: within a delivery a fault, across deliveries a revision.

use std::collections::BTreeSet;
use std::io;
use std::sync::atomic::{AtomicU16, Ordering};

use rayon::prelude::*;

use super::digest::{KeyDigest, N_BUCKETS, RowDigest};
use super::key_store::BlockKeys;

/// What the keys say about a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Nothing stands against the row.
    Alone,
    /// An identical row of the delivery comes before it.
    Duplicate,
    /// Another row of the delivery has its key.
    Conflict,
}

/// What later vintages mean for a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Succession {
    /// None holds its key.
    Latest,
    /// One has a row of its key that breaks nothing.
    Superseded,
    /// All their rows of its key break some rule, and the judge of severities decides.
    Contested,
}

/// What the keys of all rows of all files say about each.
pub(crate) struct Keys {
    files: Vec<FileKeys>,
    /// Keys of which every row in a vintage breaks some rule.
    rejected: Vec<BTreeSet<KeyDigest>>,
    /// Ranks of the vintages that are full, in order.
    full: Vec<usize>,
}

struct FileKeys {
    /// Rank of the file's vintage among all, from the earliest.
    rank: usize,
    /// Two bits of [`Standing`], one for a key that every later full vintage holds, thirteen of the
    /// number of later vintages that hold the key.
    notes: Vec<AtomicU16>,
}

const DUPLICATE: u16 = 1;
const CONFLICT: u16 = 2;

/// Set where every later full vintage holds the key.
const HELD: u16 = 4;

/// Bits below the number of later vintages.
const NOTE_BITS: u32 = 3;

/// A row to compare: the digest first, then its file and its position there.
type Entry = (RowDigest, u32, u32);

impl Keys {
    /// Compares the rows of files, each given with its vintage's rank and its blocks in order;
    /// `full` are the ranks of full vintages, in order.
    ///
    /// # Errors
    ///
    /// What the system says if keys that were put aside on disk cannot be read.
    pub(crate) fn compare(files: &[(usize, Vec<BlockKeys>)], full: Vec<usize>) -> io::Result<Self> {
        let n_ranks = files.iter().map(|(rank, _)| rank + 1).max().unwrap_or(0);
        let notes = files.iter().map(|(rank, blocks)| {
            let n_rows = blocks.iter().map(BlockKeys::n_rows).sum();
            FileKeys {
                rank: *rank,
                notes: std::iter::repeat_with(AtomicU16::default)
                    .take(n_rows)
                    .collect(),
            }
        });
        let keys = Self {
            files: notes.collect(),
            rejected: vec![BTreeSet::new(); n_ranks],
            full,
        };
        let n_largest = files
            .iter()
            .map(|(_, blocks)| blocks.iter().map(BlockKeys::n_keys).sum::<usize>())
            .sum::<usize>()
            / N_BUCKETS;
        let compared: Vec<_> = (0..N_BUCKETS)
            .into_par_iter()
            .map_init(
                || Places::for_rows(n_largest),
                |places, bucket| keys.compare_bucket(files, bucket, places),
            )
            .collect();
        compared.into_iter().collect::<Result<(), _>>()?;
        Ok(keys)
    }

    /// Rows of a file.
    pub(crate) fn n_rows(&self, file: usize) -> usize {
        self.files[file].notes.len()
    }

    /// What stands against a row within its delivery.
    #[inline]
    pub(crate) fn standing(&self, file: usize, row: usize) -> Standing {
        match self.files[file].notes[row].load(Ordering::Relaxed) & 3 {
            DUPLICATE => Standing::Duplicate,
            CONFLICT => Standing::Conflict,
            _ => Standing::Alone,
        }
    }

    /// Notes that a file's vintage has no row of a key that breaks nothing. Later vintages are noted
    /// before earlier ones are asked.
    pub(crate) fn reject(&mut self, file: usize, key: KeyDigest) {
        if self.rejected.len() > 1 {
            self.rejected[self.files[file].rank].insert(key);
        }
    }

    /// What later vintages mean for a row that breaks nothing.
    #[inline]
    pub(crate) fn succession(
        &self,
        file: usize,
        row: usize,
        key: impl FnOnce() -> Option<KeyDigest>,
    ) -> Succession {
        let FileKeys { rank, notes } = &self.files[file];
        let n_later = usize::from(notes[row].load(Ordering::Relaxed) >> NOTE_BITS);
        if n_later == 0 {
            return Succession::Latest;
        }
        let later = &self.rejected[rank + 1..];
        if later.iter().all(BTreeSet::is_empty) {
            return Succession::Superseded;
        }
        let Some(key) = key() else {
            return Succession::Latest;
        };
        let n_rejected = later.iter().filter(|keys| keys.contains(&key)).count();
        if n_later > n_rejected {
            Succession::Superseded
        } else {
            Succession::Contested
        }
    }

    /// Whether a later full vintage does not hold this row's key.
    #[inline]
    pub(crate) fn is_deleted(&self, file: usize, row: usize) -> bool {
        let FileKeys { rank, notes } = &self.files[file];
        let replaced = self.full.last().is_some_and(|full| full > rank);
        replaced && notes[row].load(Ordering::Relaxed) & HELD == 0
    }

    /// Compares the rows of one bucket.
    ///
    /// Most rows are alone, so they are first told apart by a bit for each place they may fall
    /// on; only those that fall on a place twice are sorted.
    fn compare_bucket(
        &self,
        files: &[(usize, Vec<BlockKeys>)],
        bucket: usize,
        places: &mut Places,
    ) -> io::Result<()> {
        places.clear();
        for block in files.iter().flat_map(|(_, blocks)| blocks) {
            block.each_in(bucket, |digest, _| places.take(digest))?;
        }
        if !places.any_shared {
            return Ok(());
        }
        let mut entries: Vec<Entry> = Vec::new();
        for (file, (_, blocks)) in (0..).zip(files) {
            let mut start = 0;
            for block in blocks {
                block.each_in(bucket, |digest, row| {
                    if places.is_shared(digest) {
                        entries.push((digest, file, start + row));
                    }
                })?;
                start += block.n_rows() as u32;
            }
        }
        entries.sort_unstable();
        let same_key = entries.chunk_by(|a, b| a.0.key() == b.0.key());
        same_key
            .filter(|same| same.len() > 1)
            .for_each(|same| self.compare_same(same));
        Ok(())
    }

    /// Notes what rows of one key mean for each other.
    fn compare_same(&self, same: &[Entry]) {
        let rank = |entry: &Entry| self.files[entry.1 as usize].rank;
        let mut by_vintage = same.to_vec();
        by_vintage.sort_unstable_by_key(|entry| (std::cmp::Reverse(rank(entry)), *entry));
        let mut holding = Vec::new();
        for (n_later, rows) in (0_u16..).zip(by_vintage.chunk_by(|a, b| rank(a) == rank(b))) {
            let later_full = self.full.iter().filter(|&&full| full > rank(&rows[0]));
            let held = later_full.into_iter().all(|full| holding.contains(full));
            let held = if held { HELD } else { 0 };
            holding.push(rank(&rows[0]));
            let identical = rows.iter().all(|row| row.0 == rows[0].0);
            for (i, &(_, file, row)) in rows.iter().enumerate() {
                let standing = match (rows.len(), identical, i) {
                    (1, ..) | (_, true, 0) => 0,
                    (_, true, _) => DUPLICATE,
                    (_, false, _) => CONFLICT,
                };
                let n_later = n_later.min(u16::MAX >> NOTE_BITS);
                let note = n_later << NOTE_BITS | held | standing;
                self.files[file as usize].notes[row as usize].store(note, Ordering::Relaxed);
            }
        }
    }
}

/// Which places are taken, and which twice: two bits for each, few enough for a fast memory.
struct Places {
    n_bits: u32,
    taken: Vec<u64>,
    shared: Vec<u64>,
    any_shared: bool,
}

impl Places {
    /// Sixteen places or more for each of some rows.
    fn for_rows(n_rows: usize) -> Self {
        let n_places = (16 * n_rows.max(64)).next_power_of_two();
        let words = vec![0; n_places / 64];
        Self {
            n_bits: n_places.trailing_zeros(),
            taken: words.clone(),
            shared: words,
            any_shared: false,
        }
    }

    fn clear(&mut self) {
        self.taken.fill(0);
        self.shared.fill(0);
        self.any_shared = false;
    }

    #[inline]
    fn take(&mut self, digest: RowDigest) {
        let slot = digest.slot(self.n_bits);
        let (word, bit) = (slot / 64, 1 << (slot % 64));
        let shared = self.taken[word] & bit;
        self.shared[word] |= shared;
        self.any_shared |= shared != 0;
        self.taken[word] |= bit;
    }

    #[inline]
    fn is_shared(&self, digest: RowDigest) -> bool {
        let slot = digest.slot(self.n_bits);
        self.shared[slot / 64] & (1 << (slot % 64)) != 0
    }
}

#[cfg(test)]
mod tests {
    use super::super::digest::{Absorb, CellHasher, KeyHasher};
    use super::*;

    fn digest(key: &str, cells: &str) -> RowDigest {
        let (mut key_hasher, mut cell_hasher) = (KeyHasher::new(), CellHasher::new());
        key_hasher.bytes(key.as_bytes());
        cell_hasher.bytes(cells.as_bytes());
        RowDigest::new(key_hasher, cell_hasher)
    }

    fn block(rows: &[Option<RowDigest>]) -> Vec<BlockKeys> {
        rows.chunks(2).map(BlockKeys::new).collect()
    }

    #[test]
    fn identical_rows_leave_the_first_and_different_ones_none() {
        let rows = ["a1", "b1", "a1", "c1", "b2", "d1"].map(|row| Some(digest(&row[..1], row)));
        let keys = Keys::compare(&[(0, block(&rows))], Vec::new()).unwrap();
        let standings = [0, 1, 2, 3, 4, 5].map(|row| keys.standing(0, row));
        use Standing::{Alone, Conflict, Duplicate};
        assert_eq!(
            standings,
            [Alone, Conflict, Duplicate, Alone, Conflict, Alone]
        );
    }

    #[test]
    fn rows_without_a_key_are_compared_with_none() {
        let keys = Keys::compare(&[(0, block(&[None, None, None]))], Vec::new()).unwrap();
        assert_eq!(keys.n_rows(0), 3);
        assert!((0..3).all(|row| keys.standing(0, row) == Standing::Alone));
    }

    #[test]
    fn only_an_accepted_row_of_a_later_vintage_supersedes() {
        let first = [digest("a", "1"), digest("b", "1"), digest("c", "1")].map(Some);
        let second = [digest("a", "2"), digest("b", "2")].map(Some);
        let third = [digest("b", "3")].map(Some);
        let mut keys = Keys::compare(
            &[(0, block(&first)), (1, block(&second)), (2, block(&third))],
            Vec::new(),
        )
        .unwrap();
        let key = |row: &Option<RowDigest>| row.map(RowDigest::key);
        let superseded = |keys: &Keys| {
            [0, 1, 2]
                .map(|row| keys.succession(0, row, || key(&first[row])) == Succession::Superseded)
        };
        assert_eq!(superseded(&keys), [true, true, false]);
        keys.reject(2, third[0].unwrap().key());
        assert!(
            keys.succession(1, 1, || key(&second[1])) == Succession::Contested,
            "the only later row was rejected"
        );
        assert_eq!(
            superseded(&keys),
            [true, true, false],
            "the second vintage still holds the key"
        );
        keys.reject(1, second[1].unwrap().key());
        assert_eq!(superseded(&keys), [true, false, false]);
    }

    #[test]
    fn a_full_vintage_deletes_what_it_does_not_hold() {
        let first = [digest("a", "1"), digest("b", "1"), digest("c", "1")].map(Some);
        let full = [digest("a", "2")].map(Some);
        let third = [digest("b", "3")].map(Some);
        let files = [(0, block(&first)), (1, block(&full)), (2, block(&third))];
        let keys = Keys::compare(&files, vec![1]).unwrap();
        assert_eq!(
            [0, 1, 2].map(|row| keys.is_deleted(0, row)),
            [false, true, true]
        );
        assert!(!keys.is_deleted(1, 0) && !keys.is_deleted(2, 0));
        let keys = Keys::compare(&files, vec![1, 2]).unwrap();
        assert!(keys.is_deleted(0, 0), "the second full vintage lacks it");
        assert!(keys.is_deleted(1, 0));
        let keys = Keys::compare(&files, Vec::new()).unwrap();
        assert!((0..3).all(|row| !keys.is_deleted(0, row)));
    }

    #[test]
    fn files_of_one_vintage_are_one_delivery() {
        let keys = Keys::compare(
            &[
                (0, block(&[Some(digest("a", "1"))])),
                (0, block(&[Some(digest("a", "2"))])),
            ],
            Vec::new(),
        )
        .unwrap();
        assert_eq!(keys.standing(0, 0), Standing::Conflict);
        assert_eq!(keys.standing(1, 0), Standing::Conflict);
        assert!(keys.succession(0, 0, || None) == Succession::Latest);
    }

    #[test]
    fn every_repeated_key_among_many_is_found() {
        let rows: Vec<Option<RowDigest>> = (0..100_000)
            .map(|i| Some(digest(&(i % 99_000).to_string(), &(i / 99_500).to_string())))
            .collect();
        let blocks: Vec<BlockKeys> = rows.chunks(7_001).map(BlockKeys::new).collect();
        let keys = Keys::compare(&[(0, blocks)], Vec::new()).unwrap();
        for row in 0..100_000 {
            let expected = match row {
                0..500 | 98_500..99_000 => None,
                99_000..99_500 => Some(Standing::Duplicate),
                500..1_000 | 99_500.. => Some(Standing::Conflict),
                _ => None,
            };
            assert_eq!(
                keys.standing(0, row),
                expected.unwrap_or(Standing::Alone),
                "{row}"
            );
        }
    }
}
