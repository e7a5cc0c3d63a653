//! Writing the canonical zip.

use std::io::{self, Write};

use super::layout::fields;
use crate::Files;

/// Writes the canonical zip of some files.
pub(crate) fn write(files: &Files, out: &mut impl Write) -> io::Result<()> {
    fields(files)
        .iter()
        .try_for_each(|field| out.write_all(&field.bytes))
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn another_reader_finds_the_same_files() {
        let mut files = Files::new();
        for (name, bytes) in [
            ("manifest.json", &b"{}"[..]),
            ("record/effects.json", b"[1,2,3]"),
            ("record/empty", b""),
        ] {
            files.insert(name, bytes.to_vec()).unwrap();
        }
        let mut bytes = Vec::new();
        write(&files, &mut bytes).unwrap();

        let mut archive = zip::ZipArchive::new(io::Cursor::new(bytes)).unwrap();
        let mut found = Files::new();
        for index in 0..archive.len() {
            let mut entry = archive.by_index(index).unwrap();
            assert_eq!(entry.unix_mode(), Some(0o100_644));
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            found.insert(entry.name(), content).unwrap();
        }
        assert_eq!(found, files);
    }
}
