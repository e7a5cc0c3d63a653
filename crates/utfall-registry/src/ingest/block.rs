//! Reading a file in blocks that end where a record ends.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::SystemTime;

use utfall_files::{Digest, FileError};

use super::record::{Marks, last_record_end};

/// Bytes read at a time. Blocks are cut by this size alone, never by the number of threads.
pub(crate) const BLOCK_BYTES: usize = 1 << 20;

/// Longest record accepted: beyond it a quote was left open or the file is no text.
pub(crate) const RECORD_BYTES: usize = 16 << 20;

/// The byte order mark some programs put before UTF-8 text.
const UTF8_BOM: &[u8] = b"\xef\xbb\xbf";

/// Whole records of a file.
pub(crate) struct Block {
    pub(crate) bytes: Vec<u8>,
    /// Position of the block in the file, from 0.
    pub(crate) index: usize,
    /// Line on which the block begins, from 1.
    pub(crate) first_line: u64,
}

/// Reads a file block by block and digests it on the way.
pub(crate) struct BlockReader {
    file: File,
    marks: Marks,
    block_bytes: usize,
    carry: Vec<u8>,
    index: usize,
    line: u64,
    at_end: bool,
    has_bom: bool,
    hasher: blake3::Hasher,
    n_bytes: u64,
    stamp: Stamp,
}

/// Why no further block came.
#[derive(Debug)]
pub(crate) enum BlockError {
    File(FileError),
    /// The record that begins on this line is longer than any record should be.
    RecordTooLong {
        line: u64,
    },
}

/// What the file system says about a file's content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    n_bytes: u64,
    modified: Option<SystemTime>,
}

impl Stamp {
    fn of(file: &File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        Ok(Self {
            n_bytes: metadata.len(),
            modified: metadata.modified().ok(),
        })
    }
}

impl BlockReader {
    pub(crate) fn open(path: &Path, marks: Marks) -> Result<Self, FileError> {
        Self::with_block_bytes(path, marks, BLOCK_BYTES)
    }

    fn with_block_bytes(path: &Path, marks: Marks, block_bytes: usize) -> Result<Self, FileError> {
        let at = |source| FileError::at(path, source);
        let file = File::open(path).map_err(at)?;
        let stamp = Stamp::of(&file).map_err(at)?;
        Ok(Self {
            file,
            marks,
            block_bytes,
            carry: Vec::new(),
            index: 0,
            line: 1,
            at_end: false,
            has_bom: false,
            hasher: blake3::Hasher::new(),
            n_bytes: 0,
            stamp,
        })
    }

    /// Bytes read so far.
    pub(crate) fn n_bytes(&self) -> u64 {
        self.n_bytes
    }

    /// Whether the file has been read to its end and is still what it was when opened.
    pub(crate) fn is_unchanged(&self, path: &Path) -> Result<bool, FileError> {
        let now = Stamp::of(&self.file).map_err(|source| FileError::at(path, source))?;
        Ok(now == self.stamp && self.n_bytes == self.stamp.n_bytes)
    }

    /// Whether the file begins with a UTF-8 byte order mark, which no block holds.
    pub(crate) fn has_bom(&self) -> bool {
        self.has_bom
    }

    /// BLAKE3 of what was read.
    pub(crate) fn digest(&self) -> Digest {
        Digest::from(*self.hasher.finalize().as_bytes())
    }

    /// The next block; `None` after the last.
    pub(crate) fn next_block(&mut self, path: &Path) -> Result<Option<Block>, BlockError> {
        let mut bytes = std::mem::take(&mut self.carry);
        loop {
            if !self.at_end {
                self.read_more(&mut bytes)
                    .map_err(|source| BlockError::File(FileError::at(path, source)))?;
                if self.index == 0 && bytes.starts_with(UTF8_BOM) && !self.has_bom {
                    bytes.drain(..UTF8_BOM.len());
                    self.has_bom = true;
                }
            }
            let end = if self.at_end {
                Some(bytes.len())
            } else {
                last_record_end(&bytes, self.marks)
            };
            match end {
                Some(0) => return Ok(None),
                Some(end) => {
                    self.carry = bytes[end..].to_vec();
                    bytes.truncate(end);
                    let block = Block {
                        index: self.index,
                        first_line: self.line,
                        bytes,
                    };
                    self.index += 1;
                    self.line += memchr::memchr_iter(b'\n', &block.bytes).count() as u64;
                    return Ok(Some(block));
                }
                None if bytes.len() > RECORD_BYTES => {
                    return Err(BlockError::RecordTooLong { line: self.line });
                }
                None => {}
            }
        }
    }

    fn read_more(&mut self, bytes: &mut Vec<u8>) -> io::Result<()> {
        let start = bytes.len();
        bytes.reserve_exact(self.block_bytes);
        let n_read = self
            .file
            .by_ref()
            .take(self.block_bytes as u64)
            .read_to_end(bytes)?;
        self.at_end = n_read < self.block_bytes;
        self.n_bytes += n_read as u64;
        self.hasher.update(&bytes[start..]);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARKS: Marks = Marks {
        delimiter: b';',
        quote: Some(b'"'),
    };

    #[test]
    fn blocks_add_up_to_the_file_whatever_their_size() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        let text = "a;b\n1;\"x\ny\"\r\n\n2;z\n3;\"q\"\"\nr\"";
        std::fs::write(&path, text).unwrap();
        for block_bytes in 1..=text.len() + 1 {
            let mut reader = BlockReader::with_block_bytes(&path, MARKS, block_bytes).unwrap();
            let (mut all, mut line) = (Vec::new(), 1);
            while let Some(block) = reader.next_block(&path).unwrap() {
                assert_eq!(block.first_line, line);
                line += block.bytes.iter().filter(|&&byte| byte == b'\n').count() as u64;
                all.extend(block.bytes);
            }
            assert_eq!(all, text.as_bytes());
            assert_eq!(reader.digest(), Digest::blake3(text.as_bytes()));
            assert!(reader.is_unchanged(&path).unwrap());
        }
    }

    #[test]
    fn a_byte_order_mark_is_no_text() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        std::fs::write(&path, b"\xef\xbb\xbf\"a\n\";b\n").unwrap();
        let mut reader = BlockReader::open(&path, MARKS).unwrap();
        assert_eq!(
            reader.next_block(&path).unwrap().unwrap().bytes,
            b"\"a\n\";b\n"
        );
        assert!(reader.has_bom());
    }

    #[test]
    fn a_record_without_end_is_refused_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        let mut text = b"a;b\n1;\"open\n".to_vec();
        text.resize(RECORD_BYTES + 6 * BLOCK_BYTES, b'x');
        std::fs::write(&path, text).unwrap();
        let mut reader = BlockReader::open(&path, MARKS).unwrap();
        assert!(reader.next_block(&path).unwrap().is_some());
        assert!(matches!(
            reader.next_block(&path),
            Err(BlockError::RecordTooLong { line: 2 })
        ));
    }
}
