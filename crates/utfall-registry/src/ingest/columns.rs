//! How the columns of a file meet those of its contract.

use std::collections::BTreeSet;
use std::path::Path;

use super::error::IngestError;
use super::file_name::FileName;
use super::partition::Partitions;
use super::rules::Cell;
use crate::contract::DataContract;

/// The columns of a file, and where those of the contract stand among them.
pub(crate) struct ColumnMap {
    header: Vec<String>,
    /// Where each column of the contract is.
    places: Vec<Place>,
    /// Position in the contract of each column of the file.
    in_contract: Vec<Option<u32>>,
}

enum Place {
    /// In the file, at this position.
    File(usize),
    /// In the file's path, the same for all its rows.
    Path(Vec<u8>),
}

impl ColumnMap {
    /// Finds the contract's columns among those of a header, or in the names of the folders that
    /// the file lies in. `hint` guesses why some are absent.
    pub(crate) fn by_name(
        path: &Path,
        header: Vec<String>,
        contract: &DataContract,
        hint: impl FnOnce(&[String]) -> Option<String>,
    ) -> Result<Self, IngestError> {
        let partitions = Partitions::of(path, contract);
        let (mut places, mut missing) = (Vec::new(), Vec::new());
        for column in contract.columns() {
            let name = column.header();
            if let Some(position) = header.iter().position(|found| found == name) {
                places.push(Place::File(position));
            } else if let Some(value) = partitions.value(name) {
                places.push(Place::Path(value.to_vec()));
            } else {
                missing.push(name.to_owned());
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
        let map = Self::new(header, places);
        match map.twice() {
            Some(column) => Err(IngestError::HeaderTwice {
                file: FileName::of(path),
                column,
            }),
            None => Ok(map),
        }
    }

    /// The contract's columns in their order, where a file names none; those that its folders
    /// name are left out.
    pub(crate) fn in_order(path: &Path, contract: &DataContract) -> Self {
        Self::of_fields(path, BTreeSet::new(), contract)
    }

    /// The contract's columns in their order, then the other fields of a file.
    pub(crate) fn of_fields(
        path: &Path,
        fields: BTreeSet<String>,
        contract: &DataContract,
    ) -> Self {
        let partitions = Partitions::of(path, contract);
        let (mut header, mut places) = (Vec::new(), Vec::new());
        for column in contract.columns() {
            let name = column.header();
            match partitions.value(name) {
                Some(value) if !fields.contains(name) => places.push(Place::Path(value.to_vec())),
                _ => {
                    places.push(Place::File(header.len()));
                    header.push(name.to_owned());
                }
            }
        }
        let declared: BTreeSet<String> = header.iter().cloned().collect();
        header.extend(fields.into_iter().filter(|name| !declared.contains(name)));
        Self::new(header, places)
    }

    /// The contract's columns in their order, all of which a relation of a database must have.
    pub(crate) fn in_relation(
        name: &FileName,
        found: &[String],
        contract: &DataContract,
    ) -> Result<Self, IngestError> {
        let wanted = contract.columns().iter();
        let mut header: Vec<String> = wanted.map(|column| column.header().to_owned()).collect();
        let absent = header.iter().filter(|name| !found.contains(name));
        let columns: Vec<String> = absent.cloned().collect();
        if !columns.is_empty() {
            return Err(IngestError::NeverGiven {
                file: name.clone(),
                columns,
            });
        }
        let places = (0..header.len()).map(Place::File).collect();
        if header.len() == 1 {
            header.push(String::new());
        }
        Ok(Self::new(header, places))
    }

    fn new(header: Vec<String>, places: Vec<Place>) -> Self {
        let mut in_contract = vec![None; header.len()];
        for (column, place) in (0..).zip(&places) {
            if let Place::File(position) = place {
                in_contract[*position] = Some(column);
            }
        }
        Self {
            header,
            places,
            in_contract,
        }
    }

    /// Names of all columns of the file.
    #[inline]
    pub(crate) fn header(&self) -> &[String] {
        &self.header
    }

    /// Position of a column in the file.
    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        self.header.iter().position(|found| found == name)
    }

    /// Position in the file of a column of the contract, if it is there.
    pub(crate) fn in_file(&self, column: usize) -> Option<usize> {
        match self.places[column] {
            Place::File(position) => Some(position),
            Place::Path(_) => None,
        }
    }

    /// The cell of a column of the contract, which `read` gives by its position in the file.
    #[inline]
    pub(crate) fn cell<'a>(
        &'a self,
        column: usize,
        read: impl FnOnce(usize) -> Cell<'a>,
    ) -> Cell<'a> {
        match &self.places[column] {
            Place::File(position) => read(*position),
            Place::Path(value) => Cell::Text(value),
        }
    }

    /// Shows what the file's folders say, which belongs to no column of the file.
    #[inline]
    pub(crate) fn each_in_path(&self, mut see: impl FnMut(usize, Cell<'_>)) {
        for place in &self.places {
            if let Place::Path(value) = place {
                see(self.header.len(), Cell::Text(value));
            }
        }
    }

    /// Position in the contract of a column of the file.
    pub(crate) fn in_contract(&self, file_column: usize) -> Option<u32> {
        self.in_contract.get(file_column).copied().flatten()
    }

    /// Refuses a file whose records never give some column of the contract, by position in the
    /// file.
    pub(crate) fn check_given(
        &self,
        file: &FileName,
        given: impl Fn(usize) -> bool,
    ) -> Result<(), IngestError> {
        let columns = (0..self.header.len())
            .filter(|&position| self.in_contract[position].is_some() && !given(position))
            .map(|position| self.header[position].clone());
        let columns: Vec<String> = columns.collect();
        if columns.is_empty() {
            return Ok(());
        }
        Err(IngestError::NeverGiven {
            file: file.clone(),
            columns,
        })
    }

    /// A column of the contract that the header names twice.
    fn twice(&self) -> Option<String> {
        let mut seen = BTreeSet::new();
        let declared = |name: &String| {
            let position = self.position(name);
            position.is_some_and(|position| self.in_contract[position].is_some())
        };
        let mut named = self.header.iter().filter(|name| declared(name));
        named.find(|name| !seen.insert(name.as_str())).cloned()
    }
}
