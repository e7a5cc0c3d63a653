//! Reading a text file in blocks that end where a record ends.

use std::path::Path;

use utfall_files::Digest;

use super::error::IngestError;
use super::record::{Marks, count_line_ends, last_record_end, last_records, line_end};
use super::text_file::TextFile;
use crate::contract::Encoding;

/// Bytes read at a time. Blocks are cut by this size alone, never by the number of threads.
pub(crate) const BLOCK_BYTES: usize = 1 << 20;

/// Longest record accepted: beyond it a quote was left open or the file is no text.
pub(crate) const RECORD_BYTES: usize = 16 << 20;

/// Whole records of a file.
pub(crate) struct Block {
    pub(crate) bytes: Vec<u8>,
    /// Position of the block in the file, from 0.
    pub(crate) index: usize,
    /// Line on which the block begins, from 1.
    pub(crate) first_line: u64,
}

/// Lines before and after the records.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Margins {
    /// Lines before the first record, of whatever kind.
    pub(crate) skip_lines: u16,
    /// Lines after the last record, empty ones and comments not counted.
    pub(crate) footer_lines: u16,
}

/// Reads a file block by block.
pub(crate) struct BlockReader {
    text: TextFile,
    marks: Marks,
    margins: Margins,
    block_bytes: usize,
    carry: Vec<u8>,
    index: usize,
    line: u64,
    at_end: bool,
}

impl BlockReader {
    pub(crate) fn open(
        path: &Path,
        encoding: Encoding,
        marks: Marks,
        margins: Margins,
    ) -> Result<Self, IngestError> {
        Ok(Self::of_text(
            TextFile::open(path, encoding)?,
            marks,
            margins,
        ))
    }

    pub(crate) fn of_text(text: TextFile, marks: Marks, margins: Margins) -> Self {
        Self {
            text,
            marks,
            margins,
            block_bytes: BLOCK_BYTES,
            carry: Vec::new(),
            index: 0,
            line: 1,
            at_end: false,
        }
    }

    /// Bytes of the file read so far.
    pub(crate) fn n_bytes(&self) -> u64 {
        self.text.n_bytes()
    }

    /// As [`TextFile::finish`].
    pub(crate) fn finish(&self) -> Result<Digest, IngestError> {
        self.text.finish()
    }

    /// The next block; `None` after the last.
    pub(crate) fn next_block(&mut self) -> Result<Option<Block>, IngestError> {
        let mut bytes = std::mem::take(&mut self.carry);
        loop {
            if !self.at_end {
                let n_read = self.text.read_more(&mut bytes, self.block_bytes)?;
                self.at_end = n_read < self.block_bytes;
            }
            if self.skip_lines(&mut bytes) {
                match self.end(&bytes) {
                    Some(0) if self.at_end => return Ok(None),
                    Some(end) if end > 0 => return Ok(Some(self.cut(bytes, end))),
                    _ => {}
                }
            } else if self.at_end {
                return Ok(None);
            }
            if bytes.len() > RECORD_BYTES {
                return Err(IngestError::RecordTooLong {
                    file: self.text.name(),
                    line: self.line,
                });
            }
        }
    }

    /// Takes off the lines before the first record, as many as end here; whether that is all.
    fn skip_lines(&mut self, bytes: &mut Vec<u8>) -> bool {
        let mut n_skipped = 0;
        while self.margins.skip_lines > 0 {
            let Some(end) = line_end(bytes, n_skipped) else {
                break;
            };
            if end + 1 == bytes.len() && bytes[end] == b'\r' && !self.at_end {
                break;
            }
            self.margins.skip_lines -= 1;
            self.line += 1;
            n_skipped = end + 1;
        }
        bytes.drain(..n_skipped);
        self.margins.skip_lines == 0
    }

    /// Where the records end that can be given now.
    fn end(&self, bytes: &[u8]) -> Option<usize> {
        let end = if self.at_end {
            bytes.len()
        } else {
            last_record_end(bytes, self.marks)?
        };
        match usize::from(self.margins.footer_lines) {
            0 => Some(end),
            n_records => {
                let start = last_records(&bytes[..end], self.marks, n_records);
                start.or(self.at_end.then_some(0))
            }
        }
    }

    fn cut(&mut self, mut bytes: Vec<u8>, end: usize) -> Block {
        if !self.at_end || self.margins.footer_lines == 0 {
            self.carry = bytes[end..].to_vec();
        }
        bytes.truncate(end);
        let block = Block {
            index: self.index,
            first_line: self.line,
            bytes,
        };
        self.index += 1;
        self.line += count_line_ends(&block.bytes);
        block
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARKS: Marks = Marks {
        delimiter: b';',
        quote: Some(b'"'),
        comment: None,
    };

    fn reader(
        bytes: &[u8],
        block_bytes: usize,
        margins: Margins,
    ) -> (tempfile::TempDir, BlockReader) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        std::fs::write(&path, bytes).unwrap();
        let mut reader = BlockReader::open(&path, Encoding::Utf8, MARKS, margins).unwrap();
        reader.block_bytes = block_bytes;
        (folder, reader)
    }

    fn all(bytes: &[u8], block_bytes: usize, margins: Margins) -> (Vec<u8>, Vec<u64>) {
        let (_folder, mut reader) = reader(bytes, block_bytes, margins);
        let (mut all, mut lines) = (Vec::new(), Vec::new());
        while let Some(block) = reader.next_block().unwrap() {
            lines.push(block.first_line);
            assert_eq!(
                block.first_line,
                u64::from(margins.skip_lines) + 1 + count_line_ends(&all)
            );
            all.extend(block.bytes);
        }
        assert_eq!(reader.finish().unwrap(), Digest::blake3(bytes));
        (all, lines)
    }

    #[test]
    fn blocks_add_up_to_the_file_whatever_their_size() {
        let text = b"a;b\n1;\"x\ny\"\r\n\n2;z\r3;q\r\r\n3;\"q\"\"\nr\"";
        for block_bytes in 1..=text.len() + 1 {
            let (found, _) = all(text, block_bytes, Margins::default());
            assert_eq!(found, text);
        }
    }

    #[test]
    fn margins_are_left_out_whatever_the_size_of_blocks() {
        let text = b"Title\r\n\"\na;b\r\n1;\"x\ny\"\n2;3\n\nSource\nEnd\n\n";
        let margins = Margins {
            skip_lines: 2,
            footer_lines: 2,
        };
        for block_bytes in 1..=text.len() + 1 {
            let (found, lines) = all(text, block_bytes, margins);
            assert_eq!(
                found.trim_ascii_end(),
                b"a;b\r\n1;\"x\ny\"\n2;3",
                "{block_bytes}"
            );
            assert_eq!(lines[0], 3);
        }
        let (found, _) = all(b"Title\nonly", 4, margins);
        assert!(found.is_empty());
    }

    #[test]
    fn a_byte_order_mark_is_no_text() {
        let (found, _) = all(b"\xef\xbb\xbf\"a\n\";b\n", 64, Margins::default());
        assert_eq!(found, b"\"a\n\";b\n");
    }

    #[test]
    fn a_record_without_end_is_refused_with_its_line() {
        let mut text = b"a;b\n1;\"open\n".to_vec();
        text.resize(RECORD_BYTES + 6 * BLOCK_BYTES, b'x');
        let (_folder, mut reader) = reader(&text, BLOCK_BYTES, Margins::default());
        assert!(reader.next_block().unwrap().is_some());
        assert!(matches!(
            reader.next_block(),
            Err(IngestError::RecordTooLong { line: 2, .. })
        ));
    }
}
