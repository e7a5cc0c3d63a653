//! Tables that are released together.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::lowered::Lowered;
use super::{Dimension, ReleasedSet};
use crate::{Audit, DisclosureError, Policy, Protected};

/// Tables to be released together, with true counts: restricted.
///
/// Cells of two tables are one and the same where their population, measure and codes agree, and
/// must agree in value. That is how tables are linked, and how a table is linked to those of an
/// earlier release.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TableSet {
    /// What the tables are broken down by.
    #[serde(rename = "dimension", default)]
    pub dimensions: Vec<Dimension>,
    /// The tables.
    #[serde(rename = "table")]
    pub tables: Vec<Table>,
    /// Populations that are part of others, so that tables of both tell of who is in one only.
    #[serde(rename = "difference", default, skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<Difference>,
}

/// A table: a row for each combination of finest codes that occurs.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Whose units are counted. Give another name when the data changed.
    pub population: String,
    /// What is summed over the units; a table of counts if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measure: Option<String>,
    /// What it is broken down by, by name.
    pub dimensions: Vec<String>,
    /// Whether it only stands behind the others and is never released: a table that breaks a
    /// population down by everything that others of it are broken down by. An attacker who knows
    /// that there is such a table finds out more, and is reckoned with if it is given.
    #[serde(default, skip_serializing_if = "is_false")]
    pub behind: bool,
    /// Combinations that do not occur may be left out. A unit is counted in one row only.
    pub rows: Vec<Row>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "what serde asks for")]
fn is_false(value: &bool) -> bool {
    !*value
}

/// A row of a table.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Row {
    /// The finest code of each dimension, in the table's order.
    pub at: Vec<String>,
    /// Units.
    pub n: u64,
    /// Their sum, in a table of a measure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sum: Option<SumOfUnits>,
}

/// A sum over units, in whole numbers of its last digit.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SumOfUnits {
    /// The sum.
    pub total: u64,
    /// What the units with the largest contributions contribute: as many as the policy's n-k rule
    /// speaks of, and two at least, or all there are.
    pub largest: Vec<u64>,
}

/// A population within another.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Difference {
    /// The larger population.
    pub whole: String,
    /// The one within it.
    pub part: String,
}

/// An earlier release: what was released, and the true tables behind it, which never left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormerRelease {
    /// The true tables.
    pub tables: TableSet,
    /// What was released of them.
    pub released: ReleasedSet,
}

/// Tables that may leave, and what an attacker is left with.
#[derive(Debug, Clone)]
pub struct Protection {
    /// The tables as they may be seen.
    pub released: Protected<ReleasedSet>,
    /// What an attacker is left with.
    pub audit: Audit,
}

impl TableSet {
    /// Every table as it may be seen beside all others and every earlier release.
    ///
    /// # Errors
    ///
    /// - [`DisclosureError::Table`] if a table contradicts itself, another or its dimensions.
    /// - [`DisclosureError::SumsUnderCounts`] if a table of sums stands under a policy for counts.
    /// - [`DisclosureError::RefusedCell`] if earlier releases leave no way to protect a cell.
    pub fn protect(
        &self,
        policy: &Policy,
        former: &[FormerRelease],
    ) -> Result<Protection, DisclosureError> {
        let lowered = Lowered::of(self, policy, former)?;
        let protected = lowered
            .counts
            .protect_knowing(policy, &|number, price| {
                lowered.cheapest_cube(number, price)
            })
            .map_err(|error| lowered.named(error))?;
        Ok(Protection {
            released: Protected::vouched(lowered.released(self, policy, &protected)),
            audit: Audit {
                through_sums_alone: !self.stands_before_a_whole(former),
                ..protected.audit().clone()
            },
        })
    }

    /// Whether, for every population, one table is broken down by all that any of its tables is.
    fn stands_before_a_whole(&self, former: &[FormerRelease]) -> bool {
        let sets = former.iter().map(|former| &former.tables);
        let tables: Vec<&Table> = std::iter::once(self)
            .chain(sets)
            .flat_map(|set| &set.tables)
            .collect();
        tables.iter().all(|table| {
            let others = tables
                .iter()
                .filter(|other| other.population == table.population);
            let used: BTreeSet<&String> =
                others.clone().flat_map(|other| &other.dimensions).collect();
            others
                .clone()
                .any(|other| used.iter().all(|name| other.dimensions.contains(name)))
        })
    }
}
