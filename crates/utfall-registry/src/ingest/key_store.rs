//! Where the keys of rows are kept between the passes: in memory, and on disk beyond a bound.
//!
//! A key takes twenty bytes. The first few tens of millions stay in memory; later ones are put
//! aside in a file without a name, bucket by bucket, and read back a bucket at a time.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use super::digest::{N_BUCKETS, RowDigest};

/// Keys that stay in memory: half a gigabyte of them.
const KEYS_IN_MEMORY: usize = 25_000_000;

/// Bytes of a key on disk: its digest and its row.
const KEY_BYTES: usize = 20;

/// The rows of a block that have a valid key, by bucket.
pub(crate) struct BlockKeys {
    n_rows: usize,
    /// Where each bucket ends.
    ends: Vec<u32>,
    kept: Kept,
}

enum Kept {
    InMemory {
        digests: Vec<RowDigest>,
        /// Positions in the block.
        rows: Vec<u32>,
    },
    OnDisk {
        file: Arc<File>,
        offset: u64,
    },
}

impl BlockKeys {
    /// Puts rows, given in order, into their buckets.
    pub(crate) fn new(rows: &[Option<RowDigest>]) -> Self {
        let mut starts = vec![0_u32; N_BUCKETS + 1];
        for digest in rows.iter().flatten() {
            starts[digest.bucket() + 1] += 1;
        }
        for bucket in 0..N_BUCKETS {
            starts[bucket + 1] += starts[bucket];
        }
        let n_keys = starts[N_BUCKETS] as usize;
        let mut digests = vec![RowDigest::default(); n_keys];
        let mut positions = vec![0; n_keys];
        for (row, digest) in (0..).zip(rows) {
            if let Some(digest) = digest {
                let place = &mut starts[digest.bucket()];
                digests[*place as usize] = *digest;
                positions[*place as usize] = row;
                *place += 1;
            }
        }
        // Each start has moved to its bucket's end.
        starts.truncate(N_BUCKETS);
        Self {
            n_rows: rows.len(),
            ends: starts,
            kept: Kept::InMemory {
                digests,
                rows: positions,
            },
        }
    }

    /// Rows of the block, those without a valid key included.
    pub(crate) fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// Rows with a valid key.
    pub(crate) fn n_keys(&self) -> usize {
        self.ends.last().map_or(0, |end| *end as usize)
    }

    /// Shows each key of a bucket, with its row.
    #[inline]
    pub(crate) fn each_in(
        &self,
        bucket: usize,
        mut see: impl FnMut(RowDigest, u32),
    ) -> io::Result<()> {
        let before = bucket.checked_sub(1);
        let start = before.map_or(0, |before| self.ends[before] as usize);
        let range = start..self.ends[bucket] as usize;
        match &self.kept {
            Kept::InMemory { digests, rows } => {
                let keys = digests[range.clone()].iter().zip(&rows[range]);
                keys.for_each(|(digest, row)| see(*digest, *row));
            }
            Kept::OnDisk { file, offset } => {
                let mut bytes = vec![0; range.len() * KEY_BYTES];
                file.read_exact_at(&mut bytes, offset + (start * KEY_BYTES) as u64)?;
                for key in bytes.as_chunks::<KEY_BYTES>().0 {
                    let (digest, row) = key.split_at(KEY_BYTES - 4);
                    let digest = digest.first_chunk().copied().unwrap_or_default();
                    let row = row.first_chunk().copied().unwrap_or_default();
                    see(RowDigest::from_bytes(digest), u32::from_le_bytes(row));
                }
            }
        }
        Ok(())
    }
}

/// Decides which keys stay in memory.
pub(crate) struct KeyStore {
    n_in_memory: usize,
    most_in_memory: usize,
    file: Option<Arc<File>>,
    n_bytes: u64,
}

impl Default for KeyStore {
    fn default() -> Self {
        Self::with_most(KEYS_IN_MEMORY)
    }
}

impl KeyStore {
    fn with_most(most_in_memory: usize) -> Self {
        Self {
            n_in_memory: 0,
            most_in_memory,
            file: None,
            n_bytes: 0,
        }
    }

    /// Keeps the keys of a block.
    ///
    /// # Errors
    ///
    /// What the system says if they cannot be put aside on disk.
    pub(crate) fn keep(&mut self, block: BlockKeys) -> io::Result<BlockKeys> {
        let Kept::InMemory { digests, rows } = &block.kept else {
            return Ok(block);
        };
        if self.n_in_memory + digests.len() <= self.most_in_memory {
            self.n_in_memory += digests.len();
            return Ok(block);
        }
        let file = match &self.file {
            Some(file) => file.clone(),
            None => self.file.insert(Arc::new(tempfile::tempfile()?)).clone(),
        };
        let mut bytes = Vec::with_capacity(digests.len() * KEY_BYTES);
        for (digest, row) in digests.iter().zip(rows) {
            bytes.extend_from_slice(&digest.to_bytes());
            bytes.extend_from_slice(&row.to_le_bytes());
        }
        let offset = self.n_bytes;
        (&*file).write_all(&bytes)?;
        self.n_bytes += bytes.len() as u64;
        Ok(BlockKeys {
            kept: Kept::OnDisk { file, offset },
            ..block
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::digest::{Absorb, CellHasher, KeyHasher};
    use super::*;

    #[test]
    fn keys_put_aside_are_those_kept_in_memory() {
        let rows: Vec<Option<RowDigest>> = (0..5000_u64)
            .map(|row| {
                let (mut key, mut cells) = (KeyHasher::new(), CellHasher::new());
                key.word(row % 4000);
                cells.word(row);
                (row % 7 != 0).then(|| RowDigest::new(key, cells))
            })
            .collect();
        let keys = |block: &BlockKeys| {
            let mut keys = Vec::new();
            for bucket in 0..N_BUCKETS {
                block
                    .each_in(bucket, |digest, row| keys.push((digest, row)))
                    .unwrap();
            }
            keys
        };
        let mut store = KeyStore::with_most(3000);
        for chunk in rows.chunks(1000) {
            let expected = keys(&BlockKeys::new(chunk));
            let kept = store.keep(BlockKeys::new(chunk)).unwrap();
            assert_eq!(keys(&kept), expected);
            assert_eq!(kept.n_keys(), expected.len());
        }
        assert!(store.file.is_some() && store.n_bytes > 0);
    }
}
