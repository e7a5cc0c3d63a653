//! The quarantine: every rejected row with its place and the rules it broke.

use std::io::{self, Write};
use std::path::Path;

use utfall_files::{FileError, PendingFile};

/// First line of a quarantine.
pub(crate) const QUARANTINE_HEADER: &str = "file,line,rules,row\n";

/// Writes rejected rows as comma-separated UTF-8: file, line, rules, row. Restricted data.
pub(crate) struct Quarantine {
    file: PendingFile,
}

impl Quarantine {
    pub(crate) fn create(path: &Path) -> Result<Self, FileError> {
        let mut file = PendingFile::create(path)?;
        file.write_all(QUARANTINE_HEADER.as_bytes())
            .map_err(|source| FileError::at(path, source))?;
        Ok(Self { file })
    }

    /// Adds a row. `rules` is one `rule` or `rule:column` for each violation.
    pub(crate) fn add(
        &mut self,
        file: &str,
        line: u64,
        rules: &[String],
        row: &str,
    ) -> Result<(), FileError> {
        self.try_add(file, line, rules, row)
            .map_err(|source| FileError::at(self.file.path(), source))
    }

    fn try_add(&mut self, file: &str, line: u64, rules: &[String], row: &str) -> io::Result<()> {
        let (file, rules, row) = (quoted(file), quoted(&rules.join(" | ")), quoted(row));
        writeln!(self.file, "{file},{line},{rules},{row}")
    }

    /// Hands all rows to the system, so that a full disk shows before anything is named.
    pub(crate) fn flush(&mut self) -> Result<(), FileError> {
        let flushed = self.file.flush();
        flushed.map_err(|source| FileError::at(self.file.path(), source))
    }

    pub(crate) fn commit(self) -> Result<(), FileError> {
        self.file.commit()
    }
}

fn quoted(text: &str) -> String {
    if text.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}
