//! Reading a zip, and finding every byte that is not canonical.

use std::collections::BTreeMap;
use std::io::{self, BufReader, Read, Seek};

use super::layout::{CHECKSUM, DIRECTORY_END, DIRECTORY_ENTRY, FILE_HEADER, Field, Part, fields};
use crate::{Files, Finding};

/// Bytes of a file's header after its signature and before its name.
const REST_OF_HEADER: usize = 26;

/// Most deviations reported, so that a zip of another make does not bury its reader.
const MOST_FINDINGS: usize = 20;

/// What a zip holds.
#[derive(Debug, Default)]
pub(crate) struct Container {
    /// The files; `None` if the structure is too broken to know them.
    pub(crate) files: Option<Files>,
    /// Checksums that a header and the directory agree on and the content of that file does not
    /// have: the content was changed since.
    pub(crate) checksums_missed: BTreeMap<String, u32>,
    /// Where the structure is not canonical.
    pub(crate) findings: Vec<Finding>,
}

/// Reads a zip from its start, twice.
pub(crate) fn read(zip: &mut (impl Read + Seek)) -> io::Result<Container> {
    zip.rewind()?;
    let parsed = parse(&mut BufReader::with_capacity(1 << 16, &mut *zip))?;
    zip.rewind()?;
    match parsed {
        Ok(files) => {
            let (checksums_missed, findings) =
                compare(&files, &mut BufReader::with_capacity(1 << 16, zip))?;
            Ok(Container {
                files: Some(files),
                checksums_missed,
                findings,
            })
        }
        Err(finding) => Ok(Container {
            findings: vec![*finding],
            ..Container::default()
        }),
    }
}

/// The files that the headers announce, from the start of the zip to its directory.
fn parse(zip: &mut impl Read) -> io::Result<Result<Files, Box<Finding>>> {
    let mut files = Files::new();
    let mut offset = 0;
    loop {
        let signature = match read_up_to(zip, 4)?.try_into() {
            Ok(bytes) => u32::from_le_bytes(bytes),
            Err(_) => return Ok(Err(ends_early(offset))),
        };
        match signature {
            FILE_HEADER => {}
            DIRECTORY_ENTRY | DIRECTORY_END => return Ok(Ok(files)),
            _ => return Ok(Err(no_header(offset, signature))),
        }
        match parse_file(zip, offset, &mut files)? {
            Ok(size) => offset += size,
            Err(finding) => return Ok(Err(finding)),
        }
    }
}

/// Reads one file after its signature, and says how many bytes it took with it.
fn parse_file(
    zip: &mut impl Read,
    offset: u64,
    files: &mut Files,
) -> io::Result<Result<u64, Box<Finding>>> {
    let header = read_up_to(zip, REST_OF_HEADER as u64)?;
    let two = |at: usize| {
        header
            .get(at..at + 2)
            .and_then(|b| b.try_into().ok())
            .map(u16::from_le_bytes)
    };
    let four = |at: usize| {
        header
            .get(at..at + 4)
            .and_then(|b| b.try_into().ok())
            .map(u32::from_le_bytes)
    };
    let (Some(flags), Some(method), Some(size), Some(name_length), Some(_)) =
        (two(2), two(4), four(14), two(22), two(24))
    else {
        return Ok(Err(ends_early(offset)));
    };
    if flags != 0 || method != 0 {
        return Ok(Err(packed_by_another_tool(offset, flags, method)));
    }
    let name = read_up_to(zip, name_length.into())?;
    let content = read_up_to(zip, size.into())?;
    if name.len() < name_length.into() || (content.len() as u64) < size.into() {
        return Ok(Err(ends_early(offset)));
    }
    let taken = 4 + REST_OF_HEADER as u64 + u64::from(name_length) + u64::from(size);
    let inserted = files.insert(String::from_utf8_lossy(&name), content);
    Ok(inserted.map(|()| taken).map_err(|error| {
        Box::new(Finding::new(
            at(offset, "header"),
            "a safe name of its own",
            "another",
            error.to_string(),
        ))
    }))
}

/// Reads as many bytes as there are, up to `limit`; never allocates for bytes that are not there.
fn read_up_to(zip: &mut impl Read, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    zip.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Compares a zip with the canonical one of the files it was read to hold.
fn compare(
    files: &Files,
    zip: &mut impl Read,
) -> io::Result<(BTreeMap<String, u32>, Vec<Finding>)> {
    let mut findings = Vec::new();
    let mut checksums: BTreeMap<&str, Vec<(u32, Finding)>> = BTreeMap::new();
    let mut offset = 0;
    for field in fields(files) {
        let found = read_up_to(zip, field.bytes.len() as u64)?;
        if found != *field.bytes {
            let finding = deviation(&field, offset, &found);
            match (field.file, <[u8; 4]>::try_from(found)) {
                (Some(file), Ok(found)) if field.name == CHECKSUM => {
                    checksums
                        .entry(file)
                        .or_default()
                        .push((u32::from_le_bytes(found), finding));
                }
                _ => findings.push(finding),
            }
        }
        offset += field.bytes.len() as u64;
    }
    if !read_up_to(zip, 1)?.is_empty() {
        findings.push(Finding::new(
            at(offset, "end"),
            "nothing more",
            "more bytes",
            "the zip goes on after its end",
        ));
    }
    let missed = content_changes(checksums, &mut findings);
    findings.truncate(MOST_FINDINGS);
    Ok((missed, findings))
}

/// Tells a changed content, which both of its checksums miss, from a changed checksum.
fn content_changes(
    checksums: BTreeMap<&str, Vec<(u32, Finding)>>,
    findings: &mut Vec<Finding>,
) -> BTreeMap<String, u32> {
    let mut missed = BTreeMap::new();
    for (file, deviations) in checksums {
        match deviations.as_slice() {
            [(header, _), (directory, _)] if header == directory => {
                missed.insert(file.to_owned(), *header);
            }
            _ => findings.extend(deviations.into_iter().map(|(_, finding)| finding)),
        }
    }
    missed
}

fn deviation(field: &Field<'_>, offset: u64, found: &[u8]) -> Finding {
    let same = field
        .bytes
        .iter()
        .zip(found)
        .take_while(|(ours, theirs)| ours == theirs)
        .count();
    let shown = |bytes: &[u8]| match bytes {
        [] => "nothing".to_owned(),
        _ if field.name == "name" => format!("{:?}", String::from_utf8_lossy(bytes)),
        _ => bytes
            .iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect::<Vec<_>>()
            .join(" "),
    };
    let place = at(offset + same as u64, &in_words(field));
    Finding::new(
        place,
        shown(&field.bytes),
        shown(found),
        "the zip is not the one utfall writes of these files",
    )
}

fn in_words(field: &Field<'_>) -> String {
    let Field { name, .. } = field;
    match (field.part, field.file) {
        (Part::Header, Some(file)) => format!("{name} in the header of `{file}`"),
        (Part::Content, Some(file)) => format!("content of `{file}`"),
        (Part::Directory, Some(file)) => format!("{name} of `{file}` in the directory"),
        _ => format!("{name} in the end of the directory"),
    }
}

fn at(offset: u64, what: &str) -> String {
    format!("zip, offset {offset} ({what})")
}

fn ends_early(offset: u64) -> Box<Finding> {
    let message = "the zip ends early: it is cut off, or a size in it was changed";
    Box::new(Finding::new(
        at(offset, "header"),
        "a whole file or the directory",
        "the end of the zip",
        message,
    ))
}

fn no_header(offset: u64, signature: u32) -> Box<Finding> {
    let expected = format!(
        "the signature {FILE_HEADER:08x} of a file or {DIRECTORY_ENTRY:08x} of the directory"
    );
    let message = if offset == 0 {
        "this is no zip written by utfall"
    } else {
        "no file begins where the one before it ends: a signature or a size was changed"
    };
    Box::new(Finding::new(
        at(offset, "signature"),
        expected,
        format!("{signature:08x}"),
        message,
    ))
}

fn packed_by_another_tool(offset: u64, flags: u16, method: u16) -> Box<Finding> {
    Box::new(Finding::new(
        at(offset, "header"),
        "flags 0 and compression 0",
        format!("flags {flags} and compression {method}"),
        "the zip was packed by another tool or changed; unpack it and verify the folder to check the files alone",
    ))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::container::write;

    fn zip() -> (Files, Vec<u8>) {
        let mut files = Files::new();
        files.insert("a.json", b"{\"a\":1}".to_vec()).unwrap();
        files.insert("b/c.json", b"".to_vec()).unwrap();
        files.insert("d", vec![7; 300]).unwrap();
        let mut bytes = Vec::new();
        write(&files, &mut bytes).unwrap();
        (files, bytes)
    }

    fn read_bytes(bytes: &[u8]) -> Container {
        read(&mut Cursor::new(bytes)).unwrap()
    }

    #[test]
    fn what_was_written_is_read_without_a_finding() {
        let (files, bytes) = zip();
        let container = read_bytes(&bytes);
        assert_eq!(container.files, Some(files));
        assert_eq!(
            (container.findings, container.checksums_missed.len()),
            (Vec::new(), 0)
        );
        let empty = [&DIRECTORY_END.to_le_bytes()[..], &[0; 18]].concat();
        assert_eq!(read_bytes(&empty).findings, []);
    }

    #[test]
    fn every_single_byte_change_is_found_and_placed() {
        let (_, bytes) = zip();
        for offset in 0..bytes.len() {
            for pattern in [0x01, 0x20, 0xff] {
                let mut changed = bytes.clone();
                changed[offset] ^= pattern;
                let container = read_bytes(&changed);
                let is_placed = container
                    .findings
                    .iter()
                    .all(|finding| finding.place.starts_with("zip, offset "));
                assert!(
                    is_placed
                        && !(container.findings.is_empty()
                            && container.checksums_missed.is_empty()),
                    "{offset}"
                );
            }
        }
    }

    #[test]
    fn every_cut_and_every_byte_too_many_is_found() {
        let (_, bytes) = zip();
        for length in 0..bytes.len() {
            assert!(
                !read_bytes(&bytes[..length]).findings.is_empty(),
                "{length}"
            );
        }
        assert_eq!(read_bytes(&[&bytes[..], b"x"].concat()).findings.len(), 1);
    }

    #[test]
    fn a_changed_content_is_told_from_a_changed_checksum() {
        let (_, bytes) = zip();
        let content = bytes
            .windows(7)
            .position(|window| window == b"{\"a\":1}")
            .unwrap();
        let mut changed = bytes.clone();
        changed[content + 5] = b'2';
        let container = read_bytes(&changed);
        assert_eq!(
            container.checksums_missed.keys().collect::<Vec<_>>(),
            ["a.json"]
        );
        assert!(container.findings.is_empty());

        let mut changed = bytes;
        changed[14] ^= 1; // the checksum in the first header
        let container = read_bytes(&changed);
        assert_eq!(
            container.findings[0].place,
            "zip, offset 14 (checksum in the header of `a.json`)"
        );
    }

    #[test]
    fn a_size_beyond_the_zip_allocates_nothing() {
        let (_, mut bytes) = zip();
        bytes[18..22].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(
            read_bytes(&bytes).findings[0]
                .message
                .contains("ends early")
        );
    }

    #[test]
    fn a_name_that_leads_out_of_the_folder_is_refused() {
        let (_, mut changed) = zip();
        let start = changed
            .windows(8)
            .position(|window| window == b"b/c.json")
            .unwrap();
        changed[start..start + 8].copy_from_slice(b"../c.jso");
        let container = read_bytes(&changed);
        assert!(container.files.is_none() && container.findings[0].message.contains("not safe"));
    }
}
