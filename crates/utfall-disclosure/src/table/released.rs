//! Tables as they may be seen.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Dimension;
use crate::{Cell, Policy};

/// Tables released together.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ReleasedSet {
    /// `utfall-tables/1`.
    pub schema: String,
    /// The policy they were released under.
    pub policy: Policy,
    /// Whether counts that are not small were suppressed to cover others.
    pub covers: bool,
    /// What the tables are broken down by.
    pub dimensions: Vec<Dimension>,
    /// The tables.
    pub tables: Vec<ReleasedTable>,
}

/// A table as it may be seen.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ReleasedTable {
    /// Its name.
    pub name: String,
    /// Whose units are counted.
    pub population: String,
    /// What is summed over the units; a table of counts if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measure: Option<String>,
    /// What it is broken down by.
    pub dimensions: Vec<String>,
    /// Every cell with every margin, in the order of the codes, the total first.
    pub cells: Vec<ReleasedCell>,
}

/// One cell.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ReleasedCell {
    /// The code of each dimension; the total over one that is not named.
    pub at: BTreeMap<String, String>,
    /// What is shown.
    pub cell: Cell,
}

impl ReleasedSet {
    /// The schema of this form.
    pub const SCHEMA: &str = "utfall-tables/1";
}

impl ReleasedTable {
    /// The cell of these codes.
    #[must_use]
    pub fn cell(&self, at: &BTreeMap<String, String>) -> Option<Cell> {
        let found = self.cells.iter().find(|cell| cell.at == *at);
        found.map(|found| found.cell)
    }
}
