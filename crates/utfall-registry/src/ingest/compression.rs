//! Compressed text files, told by their first bytes and expanded on the way.
//!
//! No text of any encoding begins like a compressed file, so a contract need not say which it
//! is. Files are expanded as they are read and never as a whole: a small file that grows without
//! end meets the bounds of the reader after it, in bounded memory.

use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Read};

use utfall_files::FileError;

use super::error::IngestError;
use super::file::DeliveredFile;

/// Most memory that expanding an xz file may take, in KiB: what its strongest setting needs.
const XZ_MEMORY_KIB: u32 = 80 << 10;

/// Largest window of a zstd file, as a power of two: what its decoder allows of itself.
const ZSTD_WINDOW_LOG: u32 = 27;

/// Bytes by which a compressed file is told.
const SIGNATURE_BYTES: usize = 10;

/// How a file is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// gzip, one member or several.
    Gzip,
    /// Zstandard, one frame or several.
    Zstd,
    /// bzip2, one stream or several.
    Bzip2,
    /// xz, one stream or several.
    Xz,
    /// A zip archive of one file.
    Zip,
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Bzip2 => "bzip2",
            Self::Xz => "xz",
            Self::Zip => "zip",
        })
    }
}

impl Compression {
    /// What a file that begins with these bytes is.
    fn of(bytes: &[u8]) -> Option<Self> {
        let is_bzip2 = |bytes: &[u8]| {
            matches!(
                bytes,
                [
                    b'B',
                    b'Z',
                    b'h',
                    b'1'..=b'9',
                    0x31,
                    0x41,
                    0x59,
                    0x26,
                    0x53,
                    0x59,
                    ..
                ]
            ) || matches!(
                bytes,
                [
                    b'B',
                    b'Z',
                    b'h',
                    b'1'..=b'9',
                    0x17,
                    0x72,
                    0x45,
                    0x38,
                    0x50,
                    0x90,
                    ..
                ]
            )
        };
        match bytes {
            [0x1f, 0x8b, ..] => Some(Self::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Self::Zstd),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Self::Xz),
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Some(Self::Zip),
            _ if is_bzip2(bytes) => Some(Self::Bzip2),
            _ => None,
        }
    }
}

/// The content of a file, expanded if it is compressed.
pub(crate) fn expanded(
    file: &DeliveredFile,
) -> Result<(Box<dyn Read + Send>, Option<Compression>), IngestError> {
    let mut raw = file.clone();
    let mut head = Vec::new();
    let at = |source| IngestError::Unreadable(FileError::at(file.path(), source));
    raw.by_ref()
        .take(SIGNATURE_BYTES as u64)
        .read_to_end(&mut head)
        .map_err(at)?;
    let found = Compression::of(&head);
    let raw = io::Cursor::new(head).chain(raw);
    let Some(compression) = found else {
        return Ok((Box::new(raw), None));
    };
    let damaged = |_| IngestError::Damaged {
        file: file.name(),
        compression,
    };
    let buffered = BufReader::with_capacity(1 << 16, raw);
    let expanded: Box<dyn Read + Send> = match compression {
        Compression::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(buffered)),
        Compression::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(buffered)),
        Compression::Xz => Box::new(lzma_rust2::XzReader::new_mem_limit(
            buffered,
            true,
            XZ_MEMORY_KIB,
        )),
        Compression::Zstd => {
            let mut decoder = zstd::Decoder::with_buffer(buffered).map_err(damaged)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG).map_err(damaged)?;
            Box::new(decoder)
        }
        Compression::Zip => Box::new(only_member(file, buffered)?),
    };
    Ok((expanded, Some(compression)))
}

/// What a zip archive's directory says about its only member.
struct Member {
    data_start: u64,
    n_compressed: u64,
    n_expanded: u64,
    crc32: u32,
    is_deflated: bool,
}

/// The content of the only member of a zip archive.
///
/// The directory at the archive's end says where the member lies; the member itself is read in
/// passing, so that the whole archive is digested.
fn only_member(
    file: &DeliveredFile,
    mut raw: impl Read + Send + 'static,
) -> Result<CheckedMember, IngestError> {
    let damaged = || IngestError::Damaged {
        file: file.name(),
        compression: Compression::Zip,
    };
    let at = |source| IngestError::Unreadable(FileError::at(file.path(), source));
    let directory = File::open(file.path()).map_err(at)?;
    let mut archive = zip::ZipArchive::new(BufReader::new(directory)).map_err(|_| damaged())?;
    let mut members = Vec::new();
    for i in 0..archive.len() {
        let member = archive.by_index_raw(i).map_err(|_| damaged())?;
        if member.is_dir() {
            continue;
        }
        if member.encrypted() {
            return Err(IngestError::Encrypted { file: file.name() });
        }
        members.push(Member {
            data_start: member.data_start().ok_or_else(damaged)?,
            n_compressed: member.compressed_size(),
            n_expanded: member.size(),
            crc32: member.crc32(),
            is_deflated: match member.compression() {
                zip::CompressionMethod::Stored => false,
                zip::CompressionMethod::Deflated => true,
                _ => return Err(damaged()),
            },
        });
    }
    let [member] = members.as_slice() else {
        return Err(IngestError::ManyMembers {
            file: file.name(),
            n_members: members.len(),
        });
    };
    let n_skipped = io::copy(&mut raw.by_ref().take(member.data_start), &mut io::sink());
    if n_skipped.map_err(at)? != member.data_start {
        return Err(damaged());
    }
    let data = raw.take(member.n_compressed);
    let content: Box<dyn Read + Send> = if member.is_deflated {
        Box::new(flate2::read::DeflateDecoder::new(data))
    } else {
        Box::new(data)
    };
    Ok(CheckedMember {
        content,
        crc32: crc32fast::Hasher::new(),
        n_read: 0,
        expected: (member.n_expanded, member.crc32),
    })
}

/// Compares a member of a zip archive with its checksum at its end.
struct CheckedMember {
    content: Box<dyn Read + Send>,
    crc32: crc32fast::Hasher,
    n_read: u64,
    /// Bytes and checksum that the directory states.
    expected: (u64, u32),
}

impl Read for CheckedMember {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n_read = self.content.read(buffer)?;
        self.crc32.update(&buffer[..n_read]);
        self.n_read += n_read as u64;
        let at_end = n_read == 0 && !buffer.is_empty();
        let found = (self.n_read, self.crc32.clone().finalize());
        if self.n_read > self.expected.0 || (at_end && found != self.expected) {
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok(n_read)
    }
}
