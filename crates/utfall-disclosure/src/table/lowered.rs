//! Tables as counts and sums.

use std::collections::{BTreeMap, BTreeSet};

use super::dimension::ROOT;
use super::{Dimension, FormerRelease, ReleasedCell, ReleasedSet, ReleasedTable, Table, TableSet};
use crate::policy::{Crossing, Population, Suppression};
use crate::{Cell, Count, Counts, DisclosureError, Policy, ProtectedCounts, Role};

/// What a cell is, whichever table it stands in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    population: String,
    measure: Option<String>,
    /// The node of each dimension but for totals, by the dimension's name.
    at: Vec<(String, usize)>,
}

/// Units of a cell, and what they sum to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Content {
    n: u64,
    total: u64,
    largest: Vec<u64>,
}

/// Tables as counts and sums.
pub(crate) struct Lowered {
    pub(crate) counts: Counts,
    keys: BTreeMap<Key, Count>,
    names: BTreeMap<usize, Key>,
    pub(crate) dimensions: BTreeMap<String, Dimension>,
    summed: BTreeSet<(Count, String)>,
    differences: Vec<Outside>,
    /// Differences by the count of the whole: the part, and who is not in it.
    pub(crate) outside_of: BTreeMap<usize, Vec<(String, Count)>>,
    /// Larger populations that each population is part of.
    pub(crate) larger: BTreeMap<String, BTreeSet<String>>,
    pub(crate) placed: Vec<Placed>,
}

/// A table, and the count of each of its cells.
pub(crate) struct Placed {
    pub(crate) population: String,
    pub(crate) measure: Option<String>,
    pub(crate) dimensions: Vec<Dimension>,
    pub(crate) places: Vec<Count>,
}

/// What a number counts.
pub(crate) struct Where<'a> {
    pub(crate) population: &'a str,
    pub(crate) measure: Option<&'a str>,
    /// The node of each dimension but for totals.
    pub(crate) at: &'a [(String, usize)],
}

/// Who is in one population and not in another that is part of it.
struct Outside {
    whole: String,
    at: Vec<(String, usize)>,
    count: Count,
}

/// A table with its dimensions found and every margin added up.
struct Filled<'a> {
    table: &'a Table,
    dimensions: Vec<Dimension>,
    /// By node of each dimension, the last dimension fastest.
    contents: Vec<Content>,
}

impl Lowered {
    /// # Errors
    ///
    /// As [`TableSet::protect`].
    pub(crate) fn of(
        set: &TableSet,
        policy: &Policy,
        former: &[FormerRelease],
    ) -> Result<Self, DisclosureError> {
        let mut lowered = Self {
            counts: Counts::default(),
            keys: BTreeMap::new(),
            dimensions: BTreeMap::new(),
            summed: BTreeSet::new(),
            names: BTreeMap::new(),
            differences: Vec::new(),
            outside_of: BTreeMap::new(),
            larger: BTreeMap::new(),
            placed: Vec::new(),
        };
        lowered.learn(&set.dimensions)?;
        let n_largest = match policy {
            Policy::Suppress(rule) => rule.dominance.largest.get().max(2),
            _ => 2,
        };
        let n_largest = usize::try_from(n_largest).unwrap_or(usize::MAX);
        for release in former {
            lowered.learn(&release.tables.dimensions)?;
        }
        let current = lowered.fill_all(set, n_largest)?;
        let leaves = leaf_keys(&current);
        for table in current.iter().filter(|table| !table.table.behind) {
            lowered.add(table, policy, &leaves)?;
        }
        let n_current = lowered.keys.len();
        let mut behind: Vec<Filled<'_>> = only_behind(current);
        for release in former {
            let tables = lowered.fill_all(&release.tables, n_largest)?;
            lowered.add_former(release, &tables, policy, n_current)?;
            behind.extend(only_behind(tables));
        }
        // Last, so that what is released is released whatever stands behind it.
        for table in &behind {
            lowered.add(table, policy, &leaves)?;
        }
        let formers = former
            .iter()
            .flat_map(|release| &release.tables.differences);
        let differences: BTreeSet<(&str, &str)> = (set.differences.iter())
            .chain(formers)
            .map(|difference| (difference.whole.as_str(), difference.part.as_str()))
            .collect();
        for (whole, part) in differences {
            lowered.add_difference(whole, part)?;
        }
        Ok(lowered)
    }

    fn fill_all<'t>(
        &self,
        set: &'t TableSet,
        n_largest: usize,
    ) -> Result<Vec<Filled<'t>>, DisclosureError> {
        let tables = set.tables.iter();
        tables.map(|table| self.fill(table, n_largest)).collect()
    }

    fn learn(&mut self, dimensions: &[Dimension]) -> Result<(), DisclosureError> {
        for dimension in dimensions {
            let known = self
                .dimensions
                .insert(dimension.name().to_owned(), dimension.clone());
            if known.is_some_and(|known| known != *dimension) {
                return Err(DisclosureError::table(
                    dimension.name(),
                    "its codes are not those of an earlier release or another of this name; give it another name",
                ));
            }
        }
        Ok(())
    }

    /// Finds the dimensions of a table and adds up every margin.
    fn fill<'t>(&self, table: &'t Table, n_largest: usize) -> Result<Filled<'t>, DisclosureError> {
        let fault = |what: String| DisclosureError::table(&table.name, what);
        let mut dimensions = Vec::new();
        for name in &table.dimensions {
            let Some(dimension) = self.dimensions.get(name) else {
                return Err(fault(format!("there is no dimension `{name}`")));
            };
            dimensions.push(dimension.clone());
        }
        if table.dimensions.iter().collect::<BTreeSet<_>>().len() < table.dimensions.len() {
            return Err(fault("a dimension is named twice".to_owned()));
        }
        let n_cells = dimensions
            .iter()
            .try_fold(1_usize, |n, dimension| n.checked_mul(dimension.n_nodes()))
            .filter(|n| *n <= MOST_CELLS)
            .ok_or_else(|| {
                fault(format!(
                    "it has more than {MOST_CELLS} cells; break it down by less"
                ))
            })?;
        let mut filled = Filled {
            table,
            dimensions,
            contents: vec![Content::default(); n_cells],
        };
        let mut seen = BTreeSet::new();
        for (row, content) in table.rows.iter().enumerate() {
            let line = row + 1;
            if content.at.len() != filled.dimensions.len() {
                return Err(fault(format!(
                    "row {line} has {} codes, expected {}",
                    content.at.len(),
                    filled.dimensions.len()
                )));
            }
            let mut nodes = Vec::new();
            for (dimension, label) in filled.dimensions.iter().zip(&content.at) {
                let node = dimension
                    .node(label)
                    .filter(|node| dimension.is_leaf(*node))
                    .ok_or_else(|| {
                        fault(format!(
                            "row {line} has no finest code of dimension `{}`",
                            dimension.name()
                        ))
                    })?;
                nodes.push(node);
            }
            if !seen.insert(nodes.clone()) {
                return Err(fault(format!("row {line} has the codes of another row")));
            }
            let units =
                content_of(table, content).map_err(|what| fault(format!("row {line} {what}")))?;
            filled.add(&nodes, &units, n_largest);
        }
        if filled
            .contents
            .iter()
            .any(|content| content.n.max(content.total) > MOST)
        {
            return Err(fault(format!("a number is larger than {MOST}")));
        }
        Ok(filled)
    }

    /// Adds a table: its cells, and the sums among them.
    fn add(
        &mut self,
        filled: &Filled<'_>,
        policy: &Policy,
        leaves: &BTreeSet<Key>,
    ) -> Result<(), DisclosureError> {
        let fault = |what: &str| DisclosureError::table(&filled.table.name, what.to_owned());
        if filled.table.measure.is_some()
            && !matches!(policy, Policy::Suppress(_) | Policy::None { .. })
        {
            return Err(DisclosureError::SumsUnderCounts {
                table: filled.table.name.clone(),
            });
        }
        let mut places = Vec::with_capacity(filled.contents.len());
        for (cell, content) in filled.contents.iter().enumerate() {
            let nodes = filled.nodes(cell);
            let key = filled.key(&nodes);
            let value = content.value(filled.table);
            let count = match self.keys.get(&key) {
                Some(count) if self.counts.value(*count) == value => {
                    if !filled.table.behind && leaves.contains(&key) {
                        self.counts.show(*count);
                    }
                    *count
                }
                Some(_) => {
                    return Err(fault(
                        "a cell is not the same as in a linked table or an earlier release; if the data changed, give the population another name",
                    ));
                }
                None => {
                    let role = match filled.table.behind {
                        true => Role::Hidden,
                        false if leaves.contains(&key) => Role::Shown,
                        false => Role::Total,
                    };
                    let count = self.counts.add(value, role);
                    if filled.table.behind {
                        self.counts.protect_as(count, 1);
                    } else {
                        self.mark(count, &key, content, policy);
                    }
                    let n_margins = (filled.dimensions.iter().zip(&nodes))
                        .filter(|(dimension, node)| !dimension.is_leaf(**node));
                    self.counts.weigh(count, n_margins.count() as u64);
                    self.names.insert(count.0, key.clone());
                    self.keys.insert(key, count);
                    count
                }
            };
            places.push(count);
        }
        self.add_sums(filled, &places);
        self.placed.push(Placed {
            population: filled.table.population.clone(),
            measure: filled.table.measure.clone(),
            dimensions: filled.dimensions.clone(),
            places,
        });
        Ok(())
    }

    /// Says where the policy's rule for a count alone does not decide.
    fn mark(&mut self, count: Count, key: &Key, content: &Content, policy: &Policy) {
        match policy {
            Policy::Crossing(rule) if crossed(key, rule) < 2 => self.counts.protect_as(count, 1),
            Policy::Suppress(rule) if key.measure.is_some() => {
                self.counts
                    .protect_as(count, content.least_values(policy, rule));
            }
            Policy::None { .. } => self.counts.protect_as(count, 1),
            _ => {}
        }
    }

    fn add_sums(&mut self, filled: &Filled<'_>, places: &[Count]) {
        for (cell, total) in places.iter().enumerate() {
            let nodes = filled.nodes(cell);
            for (place, dimension) in filled.dimensions.iter().enumerate() {
                let parts = dimension.parts(nodes[place]);
                if parts.is_empty() || !self.summed.insert((*total, dimension.name().to_owned())) {
                    continue;
                }
                let parts: Vec<Count> = parts
                    .iter()
                    .map(|part| {
                        let mut nodes = nodes.clone();
                        nodes[place] = *part;
                        places[filled.cell(&nodes)]
                    })
                    .collect();
                self.counts.add_sum(*total, &parts);
            }
        }
    }

    /// Adds what an earlier release told.
    fn add_former(
        &mut self,
        release: &FormerRelease,
        tables: &[Filled<'_>],
        policy: &Policy,
        n_current: usize,
    ) -> Result<(), DisclosureError> {
        let leaves = leaf_keys(tables);
        for table in tables.iter().filter(|table| !table.table.behind) {
            // Sums released before are known whatever the policy of today says of sums.
            self.add(table, &former_policy(policy, table.table), &leaves)?;
            for cell in 0..table.contents.len() {
                let count = self.keys[&table.key(&table.nodes(cell))];
                if count.0 >= n_current {
                    self.counts.mark_former(count);
                }
            }
            let released = release.released.tables.iter().find(|released| {
                released.name == table.table.name && released.population == table.table.population
            });
            let Some(released) = released else {
                return Err(DisclosureError::table(
                    &table.table.name,
                    "an earlier release does not hold this table",
                ));
            };
            self.know(table, released, &release.released, &leaves)?;
        }
        Ok(())
    }

    fn know(
        &mut self,
        table: &Filled<'_>,
        released: &ReleasedTable,
        set: &ReleasedSet,
        leaves: &BTreeSet<Key>,
    ) -> Result<(), DisclosureError> {
        let shown: BTreeMap<&BTreeMap<String, String>, Cell> = released
            .cells
            .iter()
            .map(|cell| (&cell.at, cell.cell))
            .collect();
        for cell in 0..table.contents.len() {
            let nodes = table.nodes(cell);
            let key = table.key(&nodes);
            let Some(shown) = shown.get(&table.at(&nodes)) else {
                return Err(DisclosureError::table(
                    &table.table.name,
                    "an earlier release lacks a cell of this table".to_owned(),
                ));
            };
            if set.policy.derives_totals() && !leaves.contains(&key) {
                continue;
            }
            let (least, most) = set.policy.counts_released_as(*shown, !set.covers);
            self.counts.know(self.keys[&key], least, most);
        }
        Ok(())
    }

    /// Adds what is known of who is in one population and not in the other.
    fn add_difference(&mut self, whole: &str, part: &str) -> Result<(), DisclosureError> {
        let larger = self.larger.entry(part.to_owned()).or_default();
        larger.insert(whole.to_owned());
        let pairs: Vec<(Key, Count, Count)> = self
            .keys
            .iter()
            .filter(|(key, _)| key.population == part && key.measure.is_none())
            .filter_map(|(key, within)| {
                let all = Key {
                    population: whole.to_owned(),
                    ..key.clone()
                };
                let count = *self.keys.get(&all)?;
                Some((all, count, *within))
            })
            .collect();
        for (key, all, within) in pairs {
            let (n_all, n_within) = (self.counts.value(all), self.counts.value(within));
            let Some(n_outside) = n_all.checked_sub(n_within) else {
                return Err(DisclosureError::table(
                    part,
                    format!(
                        "a count of this population is larger than that of `{whole}`, which it is part of"
                    ),
                ));
            };
            let count = self.counts.add(n_outside, Role::Hidden);
            self.counts.add_sum(all, &[within, count]);
            let outside = self.outside_of.entry(all.0).or_default();
            outside.push((part.to_owned(), count));
            self.differences.push(Outside {
                whole: whole.to_owned(),
                at: key.at,
                count,
            });
        }
        Ok(())
    }

    /// Whose units a number counts, what of them, and at which nodes; `None` if it is no cell.
    pub(crate) fn place_of(&self, number: usize) -> Option<Where<'_>> {
        if let Some(key) = self.names.get(&number) {
            return Some(Where {
                population: &key.population,
                measure: key.measure.as_deref(),
                at: &key.at,
            });
        }
        let mut differences = self.differences.iter();
        let outside = differences.find(|one| one.count.0 == number)?;
        Some(Where {
            population: &outside.whole,
            measure: None,
            at: &outside.at,
        })
    }

    /// An error with the cell's table and codes in place of its number.
    pub(crate) fn named(&self, error: DisclosureError) -> DisclosureError {
        let name = |count: usize| {
            let found = self.names.get(&count);
            found.map_or_else(
                || "a difference of two populations".to_owned(),
                |key| self.words(key),
            )
        };
        match error {
            DisclosureError::Refused { count } => DisclosureError::RefusedCell { cell: name(count) },
            DisclosureError::FormerRelease { count } => DisclosureError::table(
                &name(count),
                "it is not what an earlier release told; if the data changed, give the population another name".to_owned(),
            ),
            DisclosureError::UntrueSum { total } => DisclosureError::table(
                &name(total),
                "it is not the sum of its parts".to_owned(),
            ),
            other => other,
        }
    }

    fn words(&self, key: &Key) -> String {
        let codes = key.at.iter().map(|(dimension, node)| {
            let label = self.dimensions[dimension].label(*node).unwrap_or("total");
            format!(", {dimension} `{label}`")
        });
        format!(
            "population `{}`{}",
            key.population,
            codes.collect::<String>()
        )
    }

    /// The tables as they may be seen.
    pub(crate) fn released(
        &self,
        set: &TableSet,
        policy: &Policy,
        protected: &ProtectedCounts,
    ) -> ReleasedSet {
        let shown = set.tables.iter().filter(|table| !table.behind);
        let tables = shown.map(|table| {
            let dimensions: Vec<Dimension> = table
                .dimensions
                .iter()
                .map(|name| self.dimensions[name].clone())
                .collect();
            let filled = Filled {
                table,
                contents: vec![Content::default(); cells_of(&dimensions)],
                dimensions,
            };
            let cells = (0..filled.contents.len()).map(|cell| {
                let nodes = filled.nodes(cell);
                ReleasedCell {
                    at: filled.at(&nodes),
                    cell: protected.cell(self.keys[&filled.key(&nodes)]),
                }
            });
            ReleasedTable {
                name: table.name.clone(),
                population: table.population.clone(),
                measure: table.measure.clone(),
                dimensions: table.dimensions.clone(),
                cells: cells.collect(),
            }
        });
        ReleasedSet {
            schema: ReleasedSet::SCHEMA.to_owned(),
            policy: policy.clone(),
            covers: protected.covers(),
            dimensions: set.dimensions.clone(),
            tables: tables.collect(),
        }
    }
}

/// Most cells of a table, margins among them.
const MOST_CELLS: usize = 4_000_000;

/// The largest number of a table.
const MOST: u64 = 1_000_000_000_000_000;

impl Filled<'_> {
    /// Adds units to a row and to every margin above it.
    fn add(&mut self, nodes: &[usize], units: &Content, n_largest: usize) {
        let mut cells = vec![0];
        for (dimension, node) in self.dimensions.iter().zip(nodes) {
            let upwards = dimension.upwards(*node);
            cells = cells
                .iter()
                .flat_map(|cell| {
                    upwards
                        .iter()
                        .map(move |node| cell * dimension.n_nodes() + node)
                })
                .collect();
        }
        for cell in cells {
            self.contents[cell].add(units, n_largest);
        }
    }

    /// The nodes of a cell.
    fn nodes(&self, cell: usize) -> Vec<usize> {
        let mut rest = cell;
        let mut nodes: Vec<usize> = self
            .dimensions
            .iter()
            .rev()
            .map(|dimension| {
                let node = rest % dimension.n_nodes();
                rest /= dimension.n_nodes();
                node
            })
            .collect();
        nodes.reverse();
        nodes
    }

    /// The cell of nodes.
    fn cell(&self, nodes: &[usize]) -> usize {
        self.dimensions
            .iter()
            .zip(nodes)
            .fold(0, |cell, (dimension, node)| {
                cell * dimension.n_nodes() + node
            })
    }

    fn key(&self, nodes: &[usize]) -> Key {
        let mut at: Vec<(String, usize)> = self
            .dimensions
            .iter()
            .zip(nodes)
            .filter(|(_, node)| **node != ROOT)
            .map(|(dimension, node)| (dimension.name().to_owned(), *node))
            .collect();
        at.sort();
        Key {
            population: self.table.population.clone(),
            measure: self.table.measure.clone(),
            at,
        }
    }

    /// The codes of nodes, by dimension.
    fn at(&self, nodes: &[usize]) -> BTreeMap<String, String> {
        self.dimensions
            .iter()
            .zip(nodes)
            .filter_map(|(dimension, node)| {
                Some((
                    dimension.name().to_owned(),
                    dimension.label(*node)?.to_owned(),
                ))
            })
            .collect()
    }

    fn is_leaf(&self, nodes: &[usize]) -> bool {
        let mut places = self.dimensions.iter().zip(nodes);
        places.all(|(dimension, node)| dimension.is_leaf(*node))
    }
}

impl Content {
    fn add(&mut self, other: &Self, n_largest: usize) {
        self.n = self.n.saturating_add(other.n);
        self.total = self.total.saturating_add(other.total);
        self.largest.extend(&other.largest);
        self.largest.sort_unstable_by(|a, b| b.cmp(a));
        self.largest.truncate(n_largest);
    }

    fn value(&self, table: &Table) -> u64 {
        if table.measure.is_some() {
            self.total
        } else {
            self.n
        }
    }

    /// How many values a sum must keep: 1 if it is safe, else more than its largest contribution,
    /// so that nothing better is known of it than that.
    fn least_values(&self, policy: &Policy, rule: &Suppression) -> u64 {
        let largest = self.largest.first().copied().unwrap_or(0);
        let of_two: u64 = self.largest.iter().take(2).sum();
        let n = usize::try_from(rule.dominance.largest.get()).unwrap_or(usize::MAX);
        let of_n: u64 = self.largest.iter().take(n).sum();
        let is_small = policy.protects(self.n);
        let is_dominated = rule.dominance.share.is_exceeded_by(of_n, self.total);
        let is_close = rule
            .p_ratio
            .is_missed_by(self.total.saturating_sub(of_two), largest);
        if is_small || is_dominated || is_close {
            largest.saturating_add(1).max(2)
        } else {
            1
        }
    }
}

/// Dimensions that a cell is broken down by; a selected population is one.
fn crossed(key: &Key, rule: &Crossing) -> usize {
    key.at.len() + usize::from(rule.population == Population::Selected)
}

fn cells_of(dimensions: &[Dimension]) -> usize {
    dimensions.iter().map(Dimension::n_nodes).product()
}

/// Cells that are no total in one of the tables that are released.
fn leaf_keys(filled: &[Filled<'_>]) -> BTreeSet<Key> {
    filled
        .iter()
        .filter(|table| !table.table.behind)
        .flat_map(|table| {
            (0..table.contents.len())
                .map(|cell| table.nodes(cell))
                .filter(|nodes| table.is_leaf(nodes))
                .map(|nodes| table.key(&nodes))
        })
        .collect()
}

fn only_behind(tables: Vec<Filled<'_>>) -> Vec<Filled<'_>> {
    let behind = tables.into_iter().filter(|table| table.table.behind);
    behind.collect()
}

/// The policy under which an earlier table is protected today.
fn former_policy(policy: &Policy, table: &Table) -> Policy {
    match policy {
        Policy::Suppress(_) | Policy::None { .. } => policy.clone(),
        _ if table.measure.is_some() => Policy::acro(),
        _ => policy.clone(),
    }
}

fn content_of(table: &Table, row: &super::Row) -> Result<Content, String> {
    match (&table.measure, &row.sum) {
        (None, None) => Ok(Content {
            n: row.n,
            ..Content::default()
        }),
        (None, Some(_)) => Err("has a sum, but the table names no measure".to_owned()),
        (Some(_), None) => Err("has no sum, expected `sum` beside `n`".to_owned()),
        (Some(_), Some(sum)) => {
            let mut largest = sum.largest.clone();
            largest.sort_unstable_by(|a, b| b.cmp(a));
            let of_largest = largest
                .iter()
                .try_fold(0_u64, |all, one| all.checked_add(*one));
            let n_needed = row.n.min(2);
            if (largest.len() as u64) < n_needed || largest.len() as u64 > row.n {
                return Err(format!(
                    "has {} largest contributions of {} units, expected the two largest or more, and no more than there are units",
                    largest.len(),
                    row.n
                ));
            }
            if of_largest.is_none_or(|of_largest| of_largest > sum.total) {
                return Err("has largest contributions above its total".to_owned());
            }
            Ok(Content {
                n: row.n,
                total: sum.total,
                largest,
            })
        }
    }
}
