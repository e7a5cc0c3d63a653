//! The text of a delivered file: expanded, and in an encoding in which ASCII is ASCII.

use std::io::{self, Read};
use std::path::Path;

use encoding_rs::{UTF_16BE, UTF_16LE};
use utfall_files::{Digest, FileError};

use super::compression::{Compression, expanded};
use super::error::IngestError;
use super::file::DeliveredFile;
use super::file_name::FileName;
use super::transcode::Transcoder;
use crate::contract::Encoding;

/// Bytes by which an encoding is told from others.
const LOOK_BYTES: usize = 4096;

/// The byte order mark some programs put before UTF-8 text.
const UTF8_BOM: &[u8] = b"\xef\xbb\xbf";

/// A file's text. UTF-16 comes out as UTF-8, all other encodings as they are; a byte order mark
/// is no part of it.
pub(crate) struct TextFile {
    passed: Box<dyn Passed>,
    compression: Option<Compression>,
    text: Box<dyn Read + Send>,
}

/// What is known of a text that is read once from its start to its end.
pub(crate) trait Passed: Send {
    fn name(&self) -> FileName;

    /// Bytes passed so far.
    fn n_bytes(&self) -> u64;

    /// The digest of the whole.
    ///
    /// # Errors
    ///
    /// [`IngestError::ChangedWhileRead`] if it is no longer what it was when opened.
    fn finish(&self) -> Result<Digest, IngestError>;
}

impl Passed for DeliveredFile {
    fn name(&self) -> FileName {
        Self::name(self)
    }

    fn n_bytes(&self) -> u64 {
        Self::n_bytes(self)
    }

    fn finish(&self) -> Result<Digest, IngestError> {
        Self::finish(self)
    }
}

impl TextFile {
    /// Opens a file that the contract says is in `declared`.
    ///
    /// # Errors
    ///
    /// [`IngestError::WrongEncoding`] if its first bytes say otherwise, and errors of reading.
    pub(crate) fn open(path: &Path, declared: Encoding) -> Result<Self, IngestError> {
        let file = DeliveredFile::open(path)?;
        let (mut content, compression) = expanded(&file)?;
        let mut head = Vec::new();
        let look = content
            .by_ref()
            .take(LOOK_BYTES as u64)
            .read_to_end(&mut head);
        look.map_err(|source| unreadable(&file, compression, source))?;
        let n_mark =
            byte_order_mark(&head, declared).map_err(|found| IngestError::WrongEncoding {
                file: file.name(),
                line: 1,
                declared,
                found: Some(found),
            })?;
        let is_big = declared == Encoding::Utf16Be
            || (declared == Encoding::Utf16 && head.starts_with(b"\xfe\xff"));
        head.drain(..n_mark);
        let content = io::Cursor::new(head).chain(content);
        let text: Box<dyn Read + Send> = if !declared.is_utf16() {
            Box::new(content)
        } else if is_big {
            Box::new(Transcoder::new(content, UTF_16BE))
        } else {
            Box::new(Transcoder::new(content, UTF_16LE))
        };
        Ok(Self {
            passed: Box::new(file),
            compression,
            text,
        })
    }

    /// Text in UTF-8 that is no file.
    pub(crate) fn of_stream(passed: Box<dyn Passed>, text: Box<dyn Read + Send>) -> Self {
        Self {
            passed,
            compression: None,
            text,
        }
    }

    pub(crate) fn name(&self) -> FileName {
        self.passed.name()
    }

    /// Bytes of the file read so far.
    pub(crate) fn n_bytes(&self) -> u64 {
        self.passed.n_bytes()
    }

    /// Adds at most `n_bytes` to `text`, fewer only at the end.
    pub(crate) fn read_more(
        &mut self,
        text: &mut Vec<u8>,
        n_bytes: usize,
    ) -> Result<usize, IngestError> {
        text.reserve_exact(n_bytes);
        let read = self.text.by_ref().take(n_bytes as u64).read_to_end(text);
        read.map_err(|source| unreadable(&*self.passed, self.compression, source))
    }

    /// As [`Passed::finish`].
    pub(crate) fn finish(&self) -> Result<Digest, IngestError> {
        self.passed.finish()
    }
}

/// A failure of the file system, of what expands the file, or of where a stream comes from.
fn unreadable(
    passed: &dyn Passed,
    compression: Option<Compression>,
    source: io::Error,
) -> IngestError {
    use io::ErrorKind::{
        InvalidData, InvalidInput, Other, OutOfMemory, UnexpectedEof, Unsupported,
    };
    let source = match source.downcast::<IngestError>() {
        Ok(error) => return error,
        Err(source) => source,
    };
    let of_content = matches!(
        source.kind(),
        InvalidData | InvalidInput | Other | OutOfMemory | UnexpectedEof | Unsupported
    );
    let file = passed.name();
    match compression {
        Some(compression) if of_content => IngestError::Damaged { file, compression },
        _ => IngestError::Unreadable(FileError::at(Path::new(file.as_str()), source)),
    }
}

/// Length of the byte order mark a file begins with, or what the file is instead of `declared`.
///
/// Delimited text in UTF-16 is full of zero bytes, and other text has none.
fn byte_order_mark(head: &[u8], declared: Encoding) -> Result<usize, &'static str> {
    let is_utf16 = declared.is_utf16();
    if head.starts_with(UTF8_BOM) {
        return if declared == Encoding::Utf8 {
            Ok(UTF8_BOM.len())
        } else {
            Err("utf-8")
        };
    }
    let mark = match head {
        [0xff, 0xfe, ..] => Some(("utf-16le", Encoding::Utf16Le)),
        [0xfe, 0xff, ..] => Some(("utf-16be", Encoding::Utf16Be)),
        _ => None,
    };
    match mark {
        Some((_, found)) if declared == Encoding::Utf16 || declared == found => Ok(2),
        Some((found, _)) => Err(found),
        None if is_utf16 && !head.is_empty() && !head.contains(&0) => {
            Err("utf-8, windows-1252 or iso-8859-1")
        }
        None if declared == Encoding::Utf16 && !head.is_empty() => {
            Err("utf-16 without a byte order mark, which is utf-16le or utf-16be")
        }
        None if !is_utf16 => zeros(head).map_or(Ok(0), Err),
        None => Ok(0),
    }
}

/// Where every other byte is zero the text is UTF-16.
fn zeros(head: &[u8]) -> Option<&'static str> {
    let pairs = head.as_chunks::<2>().0;
    let mostly = |zeros: usize| pairs.len() >= 4 && 2 * zeros > pairs.len();
    let high = pairs.iter().filter(|pair| pair[1] == 0 && pair[0] != 0);
    let low = pairs.iter().filter(|pair| pair[0] == 0 && pair[1] != 0);
    if mostly(high.count()) {
        Some("utf-16le")
    } else if mostly(low.count()) {
        Some("utf-16be")
    } else {
        None
    }
}
