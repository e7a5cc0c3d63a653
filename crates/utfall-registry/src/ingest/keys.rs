//! Which rows share a key: within a delivery a fault, across deliveries a revision.
//!
//! Each row is reduced to 128 bits: 80 of its key's values and 48 of its cells. Among a hundred
//! million rows two different keys agree in 80 bits with a probability of 4 in 10⁹, and two
//! different rows of one key pass for identical with one of 4 in 10¹⁵; nothing else is kept of a
//! row, so that 16 bytes of memory suffice for each.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU16, Ordering};

use rayon::prelude::*;

/// Bits of a digest taken by the row's cells.
const CELL_BITS: u32 = 48;

/// Rows compared together: their places in the bitmaps then fill one in sixteen.
const ROWS_PER_PART: usize = 1 << SLOT_BITS >> 4;

/// Bits of a digest that are a place in the bitmaps of a part, which then take 8 MiB each.
const SLOT_BITS: u32 = 26;

/// Rows sorted at a time.
const ROWS_PER_SORT: usize = 1 << 20;

/// A row reduced to its key and its cells; zero for a row without a valid key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RowDigest(u128);

impl RowDigest {
    /// A row that has no valid key, and so is compared with none.
    pub(crate) const NONE: Self = Self(0);

    #[inline]
    pub(crate) fn new(key: KeyHasher, cells: CellHasher) -> Self {
        let cells = u128::from(cells.finish() >> (64 - CELL_BITS));
        Self((key.finish() >> CELL_BITS << CELL_BITS | cells).max(1))
    }

    fn key(self) -> u128 {
        self.0 >> CELL_BITS
    }

    #[inline]
    fn high(self) -> u64 {
        (self.0 >> 64) as u64
    }
}

/// Takes in values, eight bytes at a time.
///
/// Only whole numbers are involved, so a digest is the same on every machine.
pub(crate) trait Absorb {
    /// Takes in eight bytes.
    fn word(&mut self, word: u64);

    /// Takes in bytes and their number, so that no two lists of texts look alike.
    #[inline]
    fn bytes(&mut self, bytes: &[u8]) {
        let (head, words) = bytes.split_at(bytes.len() % 8);
        let mut first = [0; 8];
        first[..head.len()].copy_from_slice(head);
        self.word(u64::from_le_bytes(first) | (bytes.len().min(255) as u64) << 56);
        if bytes.len() >= 255 {
            self.word(bytes.len() as u64);
        }
        for word in words.chunks_exact(8) {
            let mut eight = [0; 8];
            eight.copy_from_slice(word);
            self.word(u64::from_le_bytes(eight));
        }
    }
}

/// Reduces a key to 128 bits: two folded multiplications for each eight bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeyHasher {
    high: u64,
    low: u64,
}

/// Reduces a row's cells to 64 bits: one folded multiplication for each eight bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CellHasher(u64);

impl KeyHasher {
    pub(crate) fn new() -> Self {
        // The fractional digits of pi, as are the multipliers below.
        Self { high: 0x243f_6a88_85a3_08d3, low: 0x1319_8a2e_0370_7344 }
    }

    #[inline]
    fn finish(self) -> u128 {
        let high = fold(self.high ^ self.low.rotate_left(32), 0x4528_21e6_38d0_1377);
        let low = fold(self.low ^ self.high, 0xbe54_66cf_34e9_0c6d);
        (u128::from(high) << 64) | u128::from(low)
    }
}

impl Absorb for KeyHasher {
    #[inline]
    fn word(&mut self, word: u64) {
        self.high = fold(self.high ^ word, 0xa409_3822_299f_31d1);
        self.low = fold(self.low.rotate_left(23) ^ word, 0x082e_fa98_ec4e_6c89);
    }
}

impl CellHasher {
    pub(crate) fn new() -> Self {
        Self(0xc0ac_29b7_c97c_50dd)
    }

    #[inline]
    fn finish(self) -> u64 {
        fold(self.0, 0x3f84_d5b5_b547_0917)
    }
}

impl Absorb for CellHasher {
    #[inline]
    fn word(&mut self, word: u64) {
        self.0 = fold(self.0.rotate_left(23) ^ word, 0x9216_d5d9_8979_fb1b);
    }
}

#[inline]
fn fold(value: u64, by: u64) -> u64 {
    let product = u128::from(value) * u128::from(by);
    (product as u64) ^ (product >> 64) as u64
}

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

/// All rows of all files, and what their keys say about each.
pub(crate) struct Keys {
    files: Vec<FileKeys>,
    /// Keys of which a vintage accepted no row although it holds some.
    rejected: Vec<BTreeSet<u128>>,
}

struct FileKeys {
    /// Rank of the file's vintage among all, from the earliest.
    rank: usize,
    digests: Vec<RowDigest>,
    /// Two bits of [`Standing`], fourteen of the number of later vintages that hold the key.
    notes: Vec<AtomicU16>,
}

const DUPLICATE: u16 = 1;
const CONFLICT: u16 = 2;

/// A row to compare: the digest first, then whose it is.
type Entry = (RowDigest, u32, u32);

impl Keys {
    /// Compares the rows of files, each given with its vintage's rank and its rows in order.
    pub(crate) fn compare(files: Vec<(usize, Vec<RowDigest>)>) -> Self {
        let n_ranks = files.iter().map(|(rank, _)| rank + 1).max().unwrap_or(0);
        let files: Vec<FileKeys> = files
            .into_iter()
            .map(|(rank, digests)| {
                let notes = digests.iter().map(|_| AtomicU16::new(0)).collect();
                FileKeys {
                    rank,
                    digests,
                    notes,
                }
            })
            .collect();
        let n_rows: usize = files.iter().map(|file| file.digests.len()).sum();
        let n_parts = n_rows.div_ceil(ROWS_PER_PART).next_power_of_two();
        let n_bits = n_parts.trailing_zeros();
        (0..n_parts as u64)
            .into_par_iter()
            .for_each(|number| compare_part(&files, Part { number, n_bits }));
        Self {
            files,
            rejected: vec![BTreeSet::new(); n_ranks],
        }
    }

    /// Rows of a file.
    pub(crate) fn n_rows(&self, file: usize) -> usize {
        self.files[file].digests.len()
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

    /// Notes that a row is not accepted. Later vintages are noted before earlier ones are asked.
    pub(crate) fn reject(&mut self, file: usize, row: usize) {
        let FileKeys { rank, digests, .. } = &self.files[file];
        if self.rejected.len() > 1 && self.standing(file, row) != Standing::Duplicate {
            self.rejected[*rank].insert(digests[row].key());
        }
    }

    /// Whether a later vintage accepted a row of this row's key.
    #[inline]
    pub(crate) fn is_superseded(&self, file: usize, row: usize) -> bool {
        let FileKeys {
            rank,
            digests,
            notes,
        } = &self.files[file];
        let n_later = usize::from(notes[row].load(Ordering::Relaxed) >> 2);
        if n_later == 0 {
            return false;
        }
        let key = digests[row].key();
        let later = &self.rejected[rank + 1..];
        n_later
            > later
                .iter()
                .filter(|rejected| rejected.contains(&key))
                .count()
    }
}

/// Compares the rows whose digests begin with the bits of one part.
///
/// Most rows are alone, so they are first told apart by a bit for each place they may fall on;
/// only those that fall on a place twice are sorted.
fn compare_part(files: &[FileKeys], part: Part) {
    let mut once = Bitmap::new();
    let mut again = Bitmap::new();
    let mut n_again = 0;
    for keys in files {
        for &digest in keys.digests.iter().filter(|digest| part.holds(**digest)) {
            let slot = part.slot(digest);
            if once.set(slot) {
                n_again += 1;
                again.set(slot);
            }
        }
    }
    if n_again == 0 {
        return;
    }
    let n_sorts = (2 * n_again / ROWS_PER_SORT + 1).next_power_of_two();
    let mut entries: Vec<Entry> = Vec::new();
    for sort in 0..n_sorts {
        entries.clear();
        for (file, keys) in (0..).zip(files) {
            let held = (0..).zip(&keys.digests).filter(|(_, digest)| part.holds(**digest));
            let shared = held.filter(|(_, digest)| {
                let slot = part.slot(**digest);
                again.has(slot) && slot % n_sorts == sort
            });
            entries.extend(shared.map(|(row, digest)| (*digest, file, row)));
        }
        entries.sort_unstable();
        let same_key = entries.chunk_by(|a, b| a.0.key() == b.0.key());
        same_key.filter(|same| same.len() > 1).for_each(|same| compare_same(files, same));
    }
}

/// A share of all digests: those that begin with the same bits.
#[derive(Debug, Clone, Copy)]
struct Part {
    number: u64,
    /// Bits that tell the parts apart.
    n_bits: u32,
}

impl Part {
    #[inline]
    fn holds(self, digest: RowDigest) -> bool {
        // One bit first, since a shift by all 64 is not defined.
        digest.high() >> 1 >> (63 - self.n_bits) == self.number && digest != RowDigest::NONE
    }

    #[inline]
    fn slot(self, digest: RowDigest) -> usize {
        (digest.high() << self.n_bits >> (64 - SLOT_BITS)) as usize
    }
}

/// A bit for each place.
struct Bitmap(Vec<u64>);

impl Bitmap {
    fn new() -> Self {
        Self(vec![0; 1 << SLOT_BITS >> 6])
    }

    /// Sets a bit and tells whether it was set.
    #[inline]
    fn set(&mut self, slot: usize) -> bool {
        let word = &mut self.0[slot >> 6];
        let bit = 1 << (slot & 63);
        let was_set = *word & bit != 0;
        *word |= bit;
        was_set
    }

    #[inline]
    fn has(&self, slot: usize) -> bool {
        self.0[slot >> 6] & (1 << (slot & 63)) != 0
    }
}

/// Notes what rows of one key mean for each other.
fn compare_same(files: &[FileKeys], same: &[Entry]) {
    let rank = |entry: &Entry| files[entry.1 as usize].rank;
    let mut by_vintage = same.to_vec();
    by_vintage.sort_unstable_by_key(|entry| (std::cmp::Reverse(rank(entry)), *entry));
    for (n_later, rows) in (0_u16..).zip(by_vintage.chunk_by(|a, b| rank(a) == rank(b))) {
        let identical = rows.iter().all(|row| row.0 == rows[0].0);
        for (i, &(_, file, row)) in rows.iter().enumerate() {
            let standing = match (rows.len(), identical, i) {
                (1, ..) | (_, true, 0) => 0,
                (_, true, _) => DUPLICATE,
                (_, false, _) => CONFLICT,
            };
            let note = n_later.min(u16::MAX >> 2) << 2 | standing;
            files[file as usize].notes[row as usize].store(note, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(key: &str, cells: &str) -> RowDigest {
        let (mut key_hasher, mut cell_hasher) = (KeyHasher::new(), CellHasher::new());
        key_hasher.bytes(key.as_bytes());
        cell_hasher.bytes(cells.as_bytes());
        RowDigest::new(key_hasher, cell_hasher)
    }

    #[test]
    fn identical_rows_leave_the_first_and_different_ones_none() {
        let rows = ["a1", "b1", "a1", "c1", "b2", "d1"];
        let digests = rows.map(|row| digest(&row[..1], row)).to_vec();
        let keys = Keys::compare(vec![(0, digests)]);
        let standings = [0, 1, 2, 3, 4, 5].map(|row| keys.standing(0, row));
        use Standing::{Alone, Conflict, Duplicate};
        assert_eq!(
            standings,
            [Alone, Conflict, Duplicate, Alone, Conflict, Alone]
        );
    }

    #[test]
    fn rows_without_a_key_are_compared_with_none() {
        let keys = Keys::compare(vec![(0, vec![RowDigest::NONE; 3])]);
        assert!((0..3).all(|row| keys.standing(0, row) == Standing::Alone));
    }

    #[test]
    fn only_an_accepted_row_of_a_later_vintage_supersedes() {
        let first = vec![digest("a", "1"), digest("b", "1"), digest("c", "1")];
        let second = vec![digest("a", "2"), digest("b", "2")];
        let third = vec![digest("b", "3")];
        let mut keys = Keys::compare(vec![(0, first), (1, second), (2, third)]);
        assert_eq!(
            [0, 1, 2].map(|row| keys.is_superseded(0, row)),
            [true, true, false]
        );
        keys.reject(2, 0);
        assert!(!keys.is_superseded(1, 1), "the only later row was rejected");
        assert!(
            keys.is_superseded(0, 1),
            "the second vintage still holds the key"
        );
        keys.reject(1, 1);
        assert!(!keys.is_superseded(0, 1));
    }

    #[test]
    fn files_of_one_vintage_are_one_delivery() {
        let keys = Keys::compare(vec![
            (0, vec![digest("a", "1")]),
            (0, vec![digest("a", "2")]),
        ]);
        assert_eq!(keys.standing(0, 0), Standing::Conflict);
        assert_eq!(keys.standing(1, 0), Standing::Conflict);
        assert!(!keys.is_superseded(0, 0));
    }

    #[test]
    fn texts_of_the_same_bytes_differ_by_where_they_end() {
        let mut seen = BTreeSet::new();
        for list in [
            &["ab", "c"][..],
            &["a", "bc"],
            &["abc"],
            &["abc", ""],
            &["", "abc"],
        ] {
            let mut hasher = KeyHasher::new();
            list.iter().for_each(|text| hasher.bytes(text.as_bytes()));
            assert!(seen.insert(hasher.finish()));
        }
    }

    #[test]
    fn a_million_near_keys_have_a_million_digests() {
        let keys: BTreeSet<u128> = (0..1_000_000_u32)
            .map(|i| {
                let mut hasher = KeyHasher::new();
                hasher.bytes(format!("P{:07}", i / 24).as_bytes());
                hasher.word(u64::from(19_000 + i % 24));
                RowDigest::new(hasher, CellHasher::new()).key()
            })
            .collect();
        assert_eq!(keys.len(), 1_000_000);
    }
}
