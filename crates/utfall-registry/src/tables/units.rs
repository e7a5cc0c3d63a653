//! The units that are counted, matched and paid for, and who belongs to them.

use std::collections::{BTreeMap, HashMap};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::episodes::OPEN;
use super::spans::Spans;
use super::{TableError, Tables};
use crate::dates::to_days;
use crate::relation::{Condition, Relation, Value};

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
    /// The extract that says so, one row for each member, or for each time of one.
    pub extract: String,
    /// Its column with the member's id.
    pub member: String,
    /// Its column with the unit's id.
    pub unit: String,
    /// Its column with the first day of a membership, where members change units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Its column with the first day after a membership; without a value it goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

impl MembersSpec {
    /// The columns with the time of a membership, if members change units.
    fn dates(&self) -> Option<(&str, &str)> {
        self.from.as_deref().zip(self.until.as_deref())
    }

    /// Every column it reads.
    #[must_use]
    pub fn columns(&self) -> Vec<&str> {
        let mut columns = vec![self.member.as_str(), self.unit.as_str()];
        columns.extend(self.from.as_deref());
        columns.extend(self.until.as_deref());
        columns
    }
}

/// All units of a plan, in the order of their ids.
///
/// A row of any extract belongs to the unit whose id, or whose member's id, it holds; where
/// members change units, to the unit the member belonged to on the row's day. Rows with other
/// ids are about nobody in the plan.
#[derive(Debug, Clone)]
pub struct Units {
    name: String,
    ids: Vec<String>,
    /// Position of the unit for each id of a unit or of a member that belongs to one unit always.
    /// Looked up, never walked through.
    positions: HashMap<String, u32>,
    /// Where members change units: when each belongs where.
    dated: Option<Dated>,
}

/// Members that change units.
#[derive(Debug, Clone)]
struct Dated {
    spec: MembersSpec,
    /// The memberships of each member in order: first day, first day after, unit. Looked up,
    /// never walked through.
    memberships: HashMap<String, Vec<Membership>>,
}

type Membership = (i64, i64, u32);

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
        let question = extract
            .scan(&[(&spec.id, "@id")])?
            .filter(vec![Condition::present("@id")])
            .group(&["@id"], Vec::new());
        let mut ids = Vec::new();
        tables.run(&question, &mut |row| {
            ids.extend(row[0].text().map(str::to_owned));
        })?;
        ids.sort_unstable();
        let positions = ids.iter().cloned().zip(0..).collect();
        let mut units = Self {
            name: spec.name.clone(),
            ids,
            positions,
            dated: None,
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

    /// Position of the unit that an id stands for at any time.
    #[inline]
    pub(crate) fn position(&self, id: &str) -> Option<usize> {
        self.positions.get(id).map(|&position| position as usize)
    }

    /// Position of the unit that an id stands for on a day.
    pub(crate) fn position_on(&self, id: &str, day: i64) -> Option<usize> {
        self.position(id).or_else(|| {
            let memberships = self.dated.as_ref()?.memberships.get(id)?;
            let current = memberships
                .iter()
                .find(|&&(from, until, _)| from <= day && day < until);
            current.map(|&(.., unit)| unit as usize)
        })
    }

    /// The units that an id stands for, and when.
    pub(crate) fn belongings(&self, id: &str) -> Vec<(usize, Spans)> {
        if let Some(position) = self.position(id) {
            return vec![(position, Spans::union([(-OPEN, OPEN)]))];
        }
        let memberships = self
            .dated
            .as_ref()
            .and_then(|dated| dated.memberships.get(id));
        let mut spans: BTreeMap<usize, Vec<(i64, i64)>> = BTreeMap::new();
        for &(from, until, unit) in memberships.into_iter().flatten() {
            spans.entry(unit as usize).or_default().push((from, until));
        }
        let spans = spans.into_iter();
        spans
            .map(|(unit, spans)| (unit, Spans::union(spans)))
            .collect()
    }

    /// Where members change units, their memberships: member, unit, first day, first day after.
    pub(crate) fn membership(&self, tables: &Tables) -> Result<Option<Relation>, TableError> {
        let Some(Dated { spec, .. }) = &self.dated else {
            return Ok(None);
        };
        let Some((from, until)) = spec.dates() else {
            return Ok(None);
        };
        let columns = [
            (spec.member.as_str(), "@of-member"),
            (spec.unit.as_str(), "@of-unit"),
            (from, "@of-from"),
            (until, "@of-until"),
        ];
        let rows = tables.extract(&spec.extract)?.scan(&columns)?;
        // One row for each membership, so that none counts twice.
        let names = ["@of-member", "@of-unit", "@of-from", "@of-until"];
        Ok(Some(rows.group(&names, Vec::new())))
    }

    fn add_members(&mut self, tables: &Tables, spec: &MembersSpec) -> Result<(), TableError> {
        let extract = tables.extract(&spec.extract)?;
        extract.text(&spec.member)?;
        extract.text(&spec.unit)?;
        let mut columns = vec![
            (spec.member.as_str(), "@member"),
            (spec.unit.as_str(), "@unit"),
        ];
        match (&spec.from, &spec.until) {
            (None, None) => {}
            (Some(from), Some(until)) => {
                extract.date(from)?;
                extract.date(until)?;
                columns.extend([(from.as_str(), "@from"), (until.as_str(), "@until")]);
            }
            _ => {
                return Err(TableError::HalfDated {
                    extract: spec.extract.clone(),
                });
            }
        }
        let mut memberships: HashMap<String, Vec<Membership>> = HashMap::new();
        let mut n_shared = 0;
        tables.run(&extract.scan(&columns)?, &mut |row| {
            let [Value::Text(member), Value::Text(unit), dates @ ..] = row else {
                return;
            };
            let Some(&position) = self.positions.get(*unit) else {
                return;
            };
            let own = self.positions.get(*member);
            n_shared += usize::from(own.is_some_and(|&own| own != position));
            let (from, until) = match dates {
                [] => (-OPEN, OPEN),
                [Value::Integer(from), until, ..] => (*from, until.integer().unwrap_or(OPEN)),
                // A membership without a first day is none.
                _ => return,
            };
            if from < until {
                let memberships = memberships.entry((*member).to_owned()).or_default();
                memberships.push((from, until, position));
            }
        })?;
        let mut n_several = 0;
        #[expect(
            clippy::iter_over_hash_type,
            reason = "each is put in order and counted; neither depends on their order"
        )]
        for memberships in memberships.values_mut() {
            memberships.sort_unstable();
            let overlaps = |i: usize, &(from, _, unit): &Membership| {
                let mut before = memberships[..i].iter();
                before.any(|&(_, until, other)| from < until && other != unit)
            };
            let mut numbered = memberships.iter().enumerate();
            n_several += usize::from(numbered.any(|(i, membership)| overlaps(i, membership)));
        }
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
        if spec.dates().is_some() {
            self.dated = Some(Dated {
                spec: spec.clone(),
                memberships,
            });
        } else {
            let first = |(member, memberships): (String, Vec<Membership>)| {
                Some((member, memberships.first()?.2))
            };
            self.positions
                .extend(memberships.into_iter().filter_map(first));
        }
        Ok(())
    }

    /// The day on which things that bear no date are looked at.
    pub(crate) fn day(date: NaiveDate) -> i64 {
        i64::from(to_days(date))
    }
}
