//! The units that are counted, matched and paid for, and who belongs to them.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::scan::{RowQuery, SumQuery};
use super::{TableError, Tables};

/// What a unit is: a person, a family, a school.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct UnitSpec {
    /// What one is called: `person`, `family`, `school`.
    pub name: String,
    /// The extract that lists them.
    pub extract: String,
    /// Its column with the unit's id.
    pub id: String,
    /// Who belongs to a unit, where other extracts are about its members.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub members: Option<MembersSpec>,
}

/// Who belongs to a unit.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct MembersSpec {
    /// The extract that says so, one row for each member.
    pub extract: String,
    /// Its column with the member's id.
    pub member: String,
    /// Its column with the unit's id.
    pub unit: String,
}

/// All units of a plan, in the order of their ids.
///
/// A row of any extract belongs to the unit whose id, or whose member's id, it holds; rows with
/// other ids are about nobody in the plan.
#[derive(Debug, Clone)]
pub struct Units {
    name: String,
    ids: Vec<String>,
    /// Position of the unit for each id of a unit or member. Looked up, never walked through.
    positions: HashMap<String, u32>,
}

impl Units {
    /// Reads the units of a plan.
    ///
    /// # Errors
    ///
    /// [`TableError`] if an extract or column does not fit, [`TableError::SeveralUnits`] if a
    /// member belongs to several units, [`TableError::SharedIds`] if an id is a member's and
    /// another unit's.
    pub fn load(tables: &Tables, spec: &UnitSpec) -> Result<Self, TableError> {
        let extract = tables.extract(&spec.extract)?;
        extract.text(&spec.id)?;
        let query = SumQuery {
            table: &extract.table,
            group: &spec.id,
            conditions: Vec::new(),
            sums: Vec::new(),
        };
        let mut ids = Vec::new();
        tables
            .engine()
            .sum(&query, &mut |id, _, _| ids.push(id.to_owned()))?;
        ids.sort_unstable();
        let positions = ids.iter().cloned().zip(0..).collect();
        let mut units = Self {
            name: spec.name.clone(),
            ids,
            positions,
        };
        if let Some(members) = &spec.members {
            units.add_members(tables, members)?;
        }
        Ok(units)
    }

    /// What a unit is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The ids of all units, sorted; a unit's position here is its position everywhere.
    #[must_use]
    pub fn ids(&self) -> &[String] {
        &self.ids
    }

    /// Number of units.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there is no unit.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Position of the unit that an id of a unit or member stands for.
    #[inline]
    pub(crate) fn position(&self, id: &str) -> Option<usize> {
        self.positions.get(id).map(|&position| position as usize)
    }

    fn add_members(&mut self, tables: &Tables, spec: &MembersSpec) -> Result<(), TableError> {
        let extract = tables.extract(&spec.extract)?;
        extract.text(&spec.member)?;
        extract.text(&spec.unit)?;
        let query = RowQuery {
            table: &extract.table,
            id: &spec.member,
            conditions: Vec::new(),
            columns: vec![&spec.unit],
        };
        let mut members: HashMap<String, u32> = HashMap::new();
        let (mut n_several, mut n_shared) = (0, 0);
        tables.engine().texts(&query, &mut |member, unit| {
            let Some(&position) = unit.and_then(|unit| self.positions.get(unit)) else {
                return;
            };
            if self
                .positions
                .get(member)
                .is_some_and(|&own| own != position)
            {
                n_shared += 1;
            }
            let other = members.insert(member.to_owned(), position);
            if other.is_some_and(|other| other != position) {
                n_several += 1;
            }
        })?;
        if n_several > 0 {
            let (extract, unit) = (spec.extract.clone(), self.name.clone());
            return Err(TableError::SeveralUnits {
                extract,
                unit,
                n_members: n_several,
            });
        }
        if n_shared > 0 {
            return Err(TableError::SharedIds {
                unit: self.name.clone(),
                n_ids: n_shared,
            });
        }
        self.positions.extend(members);
        Ok(())
    }
}
