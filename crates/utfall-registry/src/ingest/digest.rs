//! Rows reduced to digests, by which they are compared.
//!
//! Each row is reduced to 128 bits: 80 of its key's values and 48 of its cells. Among a hundred
//! million rows two different keys agree in 80 bits with a probability of 4 in 10⁹, and two
//! different rows of one key pass for identical with one of 4 in 10¹⁵.

use crate::cell::short_word;

/// Bits of a digest taken by the row's cells.
const CELL_BITS: u32 = 48;

/// Bits by which digests are put into buckets.
const BUCKET_BITS: u32 = 8;

/// Buckets of digests: those of one bucket are compared with each other alone.
pub(crate) const N_BUCKETS: usize = 1 << BUCKET_BITS;

/// A row reduced to its key and its cells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RowDigest(u128);

/// A key reduced to 80 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct KeyDigest(u128);

impl KeyDigest {
    /// The digest as hexadecimal digits.
    pub(crate) fn to_hex(self) -> String {
        format!("{:020x}", self.0)
    }

    /// The digest as a number.
    pub(crate) fn number(self) -> u128 {
        self.0
    }
}

impl RowDigest {
    #[inline]
    pub(crate) fn new(key: KeyHasher, cells: CellHasher) -> Self {
        let cells = u128::from(cells.finish() >> (64 - CELL_BITS));
        Self(key.digest().0 << CELL_BITS | cells)
    }

    pub(crate) fn to_bytes(self) -> [u8; 16] {
        self.0.to_le_bytes()
    }

    pub(crate) fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(u128::from_le_bytes(bytes))
    }

    /// The row's key.
    #[inline]
    pub(crate) fn key(self) -> KeyDigest {
        KeyDigest(self.0 >> CELL_BITS)
    }

    /// The bucket of the row's key.
    #[inline]
    pub(crate) fn bucket(self) -> usize {
        (self.0 >> (128 - BUCKET_BITS)) as usize
    }

    /// The first bits of the row's key after those of its bucket.
    #[inline]
    pub(crate) fn slot(self, n_bits: u32) -> usize {
        ((self.0 << BUCKET_BITS) >> (128 - n_bits)) as usize
    }
}

impl KeyDigest {
    /// Its last 64 bits.
    pub(crate) fn low(self) -> u64 {
        self.0 as u64
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
        let (words, rest) = bytes.as_chunks::<8>();
        self.word(short_word(rest) | (bytes.len().min(255) as u64) << 56);
        if bytes.len() >= 255 {
            self.word(bytes.len() as u64);
        }
        for word in words {
            self.word(u64::from_le_bytes(*word));
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
        Self {
            high: 0x243f_6a88_85a3_08d3,
            low: 0x1319_8a2e_0370_7344,
        }
    }

    /// The key taken in.
    #[inline]
    pub(crate) fn digest(self) -> KeyDigest {
        let high = fold(self.high ^ self.low.rotate_left(32), 0x4528_21e6_38d0_1377);
        let low = fold(self.low ^ self.high, 0xbe54_66cf_34e9_0c6d);
        KeyDigest(((u128::from(high) << 64) | u128::from(low)) >> CELL_BITS)
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

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
            assert!(seen.insert(hasher.digest()));
        }
    }

    #[test]
    fn a_million_near_keys_have_a_million_digests_in_even_buckets() {
        let mut counts = [0_u32; N_BUCKETS];
        let keys: BTreeSet<KeyDigest> = (0..1_000_000_u32)
            .map(|i| {
                let mut hasher = KeyHasher::new();
                hasher.bytes(format!("P{:07}", i / 24).as_bytes());
                hasher.word(u64::from(19_000 + i % 24));
                let digest = RowDigest::new(hasher, CellHasher::new());
                counts[digest.bucket()] += 1;
                digest.key()
            })
            .collect();
        assert_eq!(keys.len(), 1_000_000);
        assert!(
            counts.iter().all(|n_rows| (3500..4320).contains(n_rows)),
            "{counts:?}"
        );
    }
}
