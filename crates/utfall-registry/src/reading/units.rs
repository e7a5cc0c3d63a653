//! Units: who or what is counted, matched and paid for, and which members belong to each.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::reading::TableError;
use crate::reading::engine::{Embedded, Engine, Query};
use crate::reading::tables::{Need, Tables};

/// The units of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct UnitSpec {
    /// What one is called: `person`, `family`, `school`.
    pub name: String,
    /// Extract with a row for each.
    pub extract: String,
    /// Its column with their ids. In every extract, a column of this name holds ids of units.
    pub id: String,
    /// Who belongs to a unit, if the registers know members and not units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub members: Option<MembersSpec>,
}

/// Who belongs to a unit.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct MembersSpec {
    /// Extract with a row for each member.
    pub extract: String,
    /// Its column with the member's id.
    pub member: String,
    /// Its column with the id of the member's unit.
    pub unit: String,
}

/// All units, in the order of their ids.
#[derive(Debug, Clone)]
pub struct Units {
    name: String,
    id_column: String,
    ids: Vec<String>,
    /// Only looked up, never walked: its order reaches no output.
    members: Option<HashMap<String, usize>>,
}

impl Units {
    /// Reads the units of a plan.
    ///
    /// A member of a unit that the unit's extract does not list belongs nowhere.
    ///
    /// # Errors
    ///
    /// [`TableError`] if an extract or column is missing or of another type.
    pub fn load(tables: &Tables, spec: &UnitSpec) -> Result<Self, TableError> {
        Need::Text.check(&spec.extract, tables.column(&spec.extract, &spec.id)?)?;
        let query = all_rows(tables, &spec.extract, &spec.id)?;
        let rows = Embedded.rows(&query, &[])?;
        let mut ids: Vec<String> = rows.texts(0)?.into_iter().flatten().map(str::to_owned).collect();
        ids.sort_unstable();
        ids.dedup();
        let mut units = Self { name: spec.name.clone(), id_column: spec.id.clone(), ids, members: None };
        if let Some(members) = &spec.members {
            units.members = Some(units.read_members(tables, members)?);
        }
        Ok(units)
    }

    fn read_members(&self, tables: &Tables, spec: &MembersSpec) -> Result<HashMap<String, usize>, TableError> {
        for column in [&spec.member, &spec.unit] {
            Need::Text.check(&spec.extract, tables.column(&spec.extract, column)?)?;
        }
        let rows = Embedded.rows(&all_rows(tables, &spec.extract, &spec.member)?, &[&spec.unit])?;
        let pairs = rows.texts(0)?.into_iter().zip(rows.texts(1)?);
        let place = |(member, unit): (Option<&str>, Option<&str>)| {
            Some((member?.to_owned(), self.position_of_unit(unit?)?))
        };
        Ok(pairs.filter_map(place).collect())
    }

    /// What one unit is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The ids, sorted.
    #[must_use]
    pub fn ids(&self) -> &[String] {
        &self.ids
    }

    /// Number of units.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// The unit that a row belongs to, by the id in one of its columns.
    pub(crate) fn position(&self, column: &str, id: &str) -> Option<usize> {
        match &self.members {
            Some(members) if column != self.id_column => members.get(id).copied(),
            _ => self.position_of_unit(id),
        }
    }

    fn position_of_unit(&self, id: &str) -> Option<usize> {
        self.ids.binary_search_by(|unit| unit.as_str().cmp(id)).ok()
    }
}

/// Every row of an extract, by a member column.
pub(crate) fn all_rows(tables: &Tables, extract: &str, member: &str) -> Result<Query, TableError> {
    Ok(Query { table: tables.file(extract)?.to_owned(), filters: Vec::new(), member: member.to_owned() })
}
