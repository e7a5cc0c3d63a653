//! A first look at a file whose format nobody has told.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use utfall_files::FileError;

use super::compression::expanded;
use super::error::IngestError;
use super::file::DeliveredFile;
use super::{excel, xml};

/// The first bytes of a file, as they stand and expanded.
pub(crate) fn first_bytes(path: &Path, n_bytes: u64) -> Result<(Vec<u8>, Vec<u8>), IngestError> {
    let at = |source| IngestError::Unreadable(FileError::at(path, source));
    let beginning = |reader: &mut dyn Read| {
        let mut bytes = Vec::new();
        reader.take(n_bytes).read_to_end(&mut bytes).map(|_| bytes)
    };
    let raw = beginning(&mut File::open(path).map_err(at)?).map_err(at)?;
    // An archive of several files is no text, and may be a workbook.
    let expanded = match expanded(&DeliveredFile::open(path)?) {
        Ok((mut content, _)) => beginning(&mut content).unwrap_or_default(),
        Err(_) => Vec::new(),
    };
    Ok((raw, expanded))
}

/// The first sheet of a workbook and its header row; `None` if the file is none.
pub(crate) fn sheet(raw: &[u8], path: &Path) -> Result<Option<(String, u32)>, IngestError> {
    let may_be_workbook = raw.starts_with(b"PK\x03\x04") || raw.starts_with(excel::OLE_MAGIC);
    if may_be_workbook {
        excel::first_sheet(path)
    } else {
        Ok(None)
    }
}

/// The name of most elements below the root of a document, if it is one.
pub(crate) fn element(path: &Path) -> Result<Option<String>, IngestError> {
    xml::most_frequent_element(path)
}
