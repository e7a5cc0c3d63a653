//! Every field of the canonical zip, in order.
//!
//! Field names and widths follow PKWARE's APPNOTE.TXT 6.3, sections 4.3.7, 4.3.12 and 4.3.16.

use std::borrow::Cow;

use crate::Files;

/// Signature that begins a file's header.
pub(super) const FILE_HEADER: u32 = 0x0403_4b50;
/// Signature that begins an entry of the directory at the end.
pub(super) const DIRECTORY_ENTRY: u32 = 0x0201_4b50;
/// Signature that begins the end of the directory.
pub(super) const DIRECTORY_END: u32 = 0x0605_4b50;

/// The oldest version of the format that can be read back: plain stored files.
const VERSION_NEEDED: u16 = 10;
/// Made on Unix by version 2.0, so that the permissions are understood.
const MADE_BY: u16 = 3 << 8 | 20;
/// 1980-01-01, the first day the format knows.
const DATE: u16 = 0x0021;
/// An ordinary file that its owner may write and all may read.
const PERMISSIONS: u32 = 0o100_644 << 16;

/// One field of the zip.
#[derive(Debug)]
pub(super) struct Field<'a> {
    /// The file it belongs to; `None` at the very end.
    pub(super) file: Option<&'a str>,
    /// The part of the zip it lies in.
    pub(super) part: Part,
    /// What it says.
    pub(super) name: &'static str,
    /// Its canonical bytes.
    pub(super) bytes: Cow<'a, [u8]>,
}

/// The parts of a zip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Header,
    Content,
    Directory,
    End,
}

/// The name of the field that holds a checksum.
pub(super) const CHECKSUM: &str = "checksum";

/// All fields of the canonical zip of some files, in order.
///
/// Offsets and sizes fit their fields, because [`Files`] holds at most 1 GiB.
pub(super) fn fields(files: &Files) -> Vec<Field<'_>> {
    let mut fields = Vec::with_capacity(files.len() * 32 + 9);
    let mut directory = Vec::with_capacity(files.len() * 19);
    let mut offset = 0;
    for (name, bytes) in files.iter() {
        let shared = shared_fields(name, bytes);
        directory.extend(directory_entry(name, &shared, offset));
        let header = file_header(name, shared);
        offset += size(&header) + narrow(bytes.len());
        fields.extend(header);
        fields.push(Field {
            file: Some(name),
            part: Part::Content,
            name: "content",
            bytes: bytes.into(),
        });
    }
    let end = directory_end(files.len(), size(&directory), offset);
    fields.extend(directory);
    fields.extend(end);
    fields
}

/// The fields that a file's header and its directory entry share, up to the name's length.
fn shared_fields(name: &str, bytes: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("version needed", two(VERSION_NEEDED)),
        ("flags", two(0)),
        ("compression", two(0)),
        ("time", two(0)),
        ("date", two(DATE)),
        (CHECKSUM, four(crc32fast::hash(bytes))),
        ("stored size", four(narrow(bytes.len()))),
        ("size", four(narrow(bytes.len()))),
        ("length of the name", two(narrow_to_two(name.len()))),
        ("length of extra fields", two(0)),
    ]
}

fn file_header<'a>(name: &'a str, shared: Vec<(&'static str, Vec<u8>)>) -> Vec<Field<'a>> {
    let signature = ("signature", four(FILE_HEADER));
    let name_itself = ("name", name.as_bytes().to_vec());
    belonging_to(
        Some(name),
        Part::Header,
        [signature].into_iter().chain(shared).chain([name_itself]),
    )
}

fn directory_entry<'a>(
    name: &'a str,
    shared: &[(&'static str, Vec<u8>)],
    offset: u32,
) -> Vec<Field<'a>> {
    let before = [
        ("signature", four(DIRECTORY_ENTRY)),
        ("made by", two(MADE_BY)),
    ];
    let after = [
        ("length of the comment", two(0)),
        ("disk", two(0)),
        ("internal attributes", two(0)),
        ("permissions", four(PERMISSIONS)),
        ("offset of the header", four(offset)),
        ("name", name.as_bytes().to_vec()),
    ];
    belonging_to(
        Some(name),
        Part::Directory,
        before.into_iter().chain(shared.to_vec()).chain(after),
    )
}

fn directory_end<'a>(n_files: usize, directory_size: u32, directory_offset: u32) -> Vec<Field<'a>> {
    let fields = [
        ("signature", four(DIRECTORY_END)),
        ("disk", two(0)),
        ("disk of the directory", two(0)),
        ("files on this disk", two(narrow_to_two(n_files))),
        ("files", two(narrow_to_two(n_files))),
        ("size of the directory", four(directory_size)),
        ("offset of the directory", four(directory_offset)),
        ("length of the comment", two(0)),
    ];
    belonging_to(None, Part::End, fields)
}

fn belonging_to<'a>(
    file: Option<&'a str>,
    part: Part,
    fields: impl IntoIterator<Item = (&'static str, Vec<u8>)>,
) -> Vec<Field<'a>> {
    fields
        .into_iter()
        .map(|(name, bytes)| Field {
            file,
            part,
            name,
            bytes: bytes.into(),
        })
        .collect()
}

fn size(fields: &[Field<'_>]) -> u32 {
    fields.iter().map(|field| narrow(field.bytes.len())).sum()
}

fn two(value: u16) -> Vec<u8> {
    value.to_le_bytes().to_vec()
}

fn four(value: u32) -> Vec<u8> {
    value.to_le_bytes().to_vec()
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "`Files` holds at most 1 GiB"
)]
fn narrow(size: usize) -> u32 {
    size as u32
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "`Files` holds at most 10,000 files with names of 200 bytes"
)]
fn narrow_to_two(size: usize) -> u16 {
    size as u16
}
