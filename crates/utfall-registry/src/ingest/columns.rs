//! How the columns of a file meet those of its contract.

use std::collections::BTreeSet;
use std::path::Path;

use super::error::{FileName, IngestError};
use crate::contract::DataContract;

/// The columns of a file, and where those of the contract stand among them.
pub(crate) struct ColumnMap {
    header: Vec<String>,
    /// Position in the file of each column of the contract.
    in_file: Vec<usize>,
    /// Position in the contract of each column of the file.
    in_contract: Vec<Option<u32>>,
}

impl ColumnMap {
    /// Finds the contract's columns among those of a header. `hint` guesses why some are absent.
    pub(crate) fn by_name(
        path: &Path,
        header: Vec<String>,
        contract: &DataContract,
        hint: impl FnOnce(&[String]) -> Option<String>,
    ) -> Result<Self, IngestError> {
        let (mut in_file, mut missing) = (Vec::new(), Vec::new());
        for column in contract.columns() {
            match header.iter().position(|found| found == column.header()) {
                Some(position) => in_file.push(position),
                None => missing.push(column.header().to_owned()),
            }
        }
        if !missing.is_empty() {
            return Err(IngestError::HeaderMissing {
                file: FileName::of(path),
                hint: hint(&missing),
                columns: missing,
                n_found: header.len(),
            });
        }
        if let Some(column) = twice(&header, &in_file) {
            let file = FileName::of(path);
            return Err(IngestError::HeaderTwice { file, column });
        }
        let mut in_contract = vec![None; header.len()];
        for (column, &position) in (0..).zip(&in_file) {
            in_contract[position] = Some(column);
        }
        Ok(Self {
            header,
            in_file,
            in_contract,
        })
    }

    /// The contract's columns in their order, where a file names none.
    pub(crate) fn in_order(contract: &DataContract) -> Self {
        let names = contract.columns().iter();
        let header: Vec<String> = names.map(|column| column.header().to_owned()).collect();
        Self {
            in_file: (0..header.len()).collect(),
            in_contract: (0..).take(header.len()).map(Some).collect(),
            header,
        }
    }

    /// Names of all columns of the file.
    #[inline]
    pub(crate) fn header(&self) -> &[String] {
        &self.header
    }

    /// Position in the file of a column of the contract.
    #[inline]
    pub(crate) fn in_file(&self, column: usize) -> usize {
        self.in_file[column]
    }

    /// Position in the contract of a column of the file.
    pub(crate) fn in_contract(&self, file_column: usize) -> Option<u32> {
        self.in_contract.get(file_column).copied().flatten()
    }
}

/// A column of the contract that the header names twice.
fn twice(header: &[String], in_file: &[usize]) -> Option<String> {
    let declared: BTreeSet<&str> = in_file.iter().map(|&at| header[at].as_str()).collect();
    let mut seen = BTreeSet::new();
    let mut named = header
        .iter()
        .filter(|name| declared.contains(name.as_str()));
    named.find(|name| !seen.insert(name.as_str())).cloned()
}
