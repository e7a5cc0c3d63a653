//! An attacker who has what was released, the text of the policy, and an integer program.
//!
//! It shares no code with what protects: it knows released documents and how tables add up.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]
#![allow(unreachable_pub, reason = "a part of each test that uses it")]
#![allow(dead_code, reason = "each test uses its part")]

use std::collections::BTreeMap;

use microlp::{ComparisonOp, OptimizationDirection, Problem, Variable};
use utfall_disclosure::{Cell, Dimension, Policy, ReleasedSet, TableSet};

/// A cell, whichever table it stands in: population, and code of each dimension but totals.
pub type Key = (String, BTreeMap<String, String>);

/// The counts that exist, what is known of each, and which add up to which.
#[derive(Debug, Default)]
pub struct Knowledge {
    pub cells: BTreeMap<Key, (u64, Option<u64>)>,
    pub sums: Vec<(Key, Vec<Key>)>,
    /// The whole, the part, and who is in the one only.
    pub differences: Vec<(Key, Key, Key)>,
}

/// Codes of a dimension below a code, or below the total.
fn below(dimension: &Dimension, code: Option<&str>) -> Vec<String> {
    let written = serde_json::to_value(dimension).unwrap();
    let codes = written["codes"].as_array().unwrap();
    codes
        .iter()
        .filter(|one| one.get("within").and_then(|within| within.as_str()) == code)
        .map(|one| one["label"].as_str().unwrap().to_owned())
        .collect()
}

/// Every code of a dimension, and the total.
fn codes(dimension: &Dimension) -> Vec<Option<String>> {
    let written = serde_json::to_value(dimension).unwrap();
    let codes = written["codes"].as_array().unwrap().iter();
    std::iter::once(None)
        .chain(codes.map(|one| Some(one["label"].as_str().unwrap().to_owned())))
        .collect()
}

/// Every cell of a table.
pub fn cells_of(dimensions: &[&Dimension]) -> Vec<BTreeMap<String, String>> {
    let mut cells = vec![BTreeMap::new()];
    for dimension in dimensions {
        cells = cells
            .iter()
            .flat_map(|cell| {
                codes(dimension).into_iter().map(move |code| {
                    let mut cell = cell.clone();
                    if let Some(code) = code {
                        cell.insert(dimension.name().to_owned(), code);
                    }
                    cell
                })
            })
            .collect();
    }
    cells
}

/// What a table of a population, broken down so, makes known by existing: which cells add up.
fn structure(knowledge: &mut Knowledge, population: &str, dimensions: &[&Dimension]) {
    for at in cells_of(dimensions) {
        for dimension in dimensions {
            let code = at.get(dimension.name()).map(String::as_str);
            let parts: Vec<Key> = below(dimension, code)
                .into_iter()
                .map(|label| {
                    let mut part = at.clone();
                    part.insert(dimension.name().to_owned(), label);
                    (population.to_owned(), part)
                })
                .collect();
            if !parts.is_empty() {
                knowledge
                    .sums
                    .push(((population.to_owned(), at.clone()), parts));
            }
        }
        knowledge
            .cells
            .entry((population.to_owned(), at))
            .or_insert((0, None));
    }
}

impl Knowledge {
    /// What an attacker knows from releases. `sets` says which tables exist; their rows are not read.
    pub fn of(released: &[&ReleasedSet], sets: &[&TableSet]) -> Self {
        let mut knowledge = Self::default();
        for set in sets {
            let dimension = |name: &String| {
                set.dimensions
                    .iter()
                    .find(|one| one.name() == name)
                    .unwrap()
            };
            for table in &set.tables {
                let dimensions: Vec<&Dimension> = table.dimensions.iter().map(dimension).collect();
                structure(&mut knowledge, &table.population, &dimensions);
            }
        }
        for set in released {
            let finest = finest(set);
            for table in &set.tables {
                for cell in &table.cells {
                    let key = (table.population.clone(), cell.at.clone());
                    let rounds =
                        matches!(set.policy, Policy::Round { .. } | Policy::Midpoint { .. });
                    // A total under a policy that rounds is made of what is shown.
                    if rounds && !finest.contains(&key) {
                        continue;
                    }
                    let told = told(&set.policy, cell.cell, set.covers);
                    let known = knowledge.cells.get_mut(&key).unwrap();
                    known.0 = known.0.max(told.0);
                    known.1 = match (known.1, told.1) {
                        (Some(one), Some(other)) => Some(one.min(other)),
                        (one, other) => one.or(other),
                    };
                }
            }
        }
        for set in sets {
            for difference in &set.differences {
                let keys: Vec<Key> = knowledge.cells.keys().cloned().collect();
                for part in keys.iter().filter(|key| key.0 == difference.part) {
                    let whole = (difference.whole.clone(), part.1.clone());
                    if knowledge.cells.contains_key(&whole) {
                        let name = format!("{} without {}", difference.whole, difference.part);
                        let outside = (name, part.1.clone());
                        knowledge.cells.insert(outside.clone(), (0, None));
                        knowledge.differences.push((whole, part.clone(), outside));
                    }
                }
            }
        }
        knowledge
    }

    /// The least or greatest whole number that a cell may be; `None` if there is no end.
    pub fn end(&self, cell: &Key, direction: OptimizationDirection, far: u64) -> i64 {
        let mut problem = Problem::new(direction);
        let mut variables: BTreeMap<&Key, Variable> = BTreeMap::new();
        for (key, (least, most)) in &self.cells {
            let most = most.unwrap_or(far).min(far);
            let weight = if key == cell { 1.0 } else { 0.0 };
            let ends = (i32::try_from(*least).unwrap(), i32::try_from(most).unwrap());
            variables.insert(key, problem.add_integer_var(weight, ends));
        }
        for (total, parts) in &self.sums {
            let mut terms = vec![(variables[total], -1.0)];
            terms.extend(parts.iter().map(|part| (variables[part], 1.0)));
            problem.add_constraint(&terms, ComparisonOp::Eq, 0.0);
        }
        for (whole, part, outside) in &self.differences {
            let terms = [
                (variables[whole], -1.0),
                (variables[part], 1.0),
                (variables[outside], 1.0),
            ];
            problem.add_constraint(terms, ComparisonOp::Eq, 0.0);
        }
        let solution = problem.solve().unwrap().into_solution().unwrap();
        #[expect(clippy::cast_possible_truncation, reason = "below 2^31")]
        let end = solution.var_value(variables[cell]).round() as i64;
        end
    }

    /// How many values a cell may have, from its least to its greatest.
    pub fn n_values(&self, cell: &Key, far: u64) -> i64 {
        self.end(cell, OptimizationDirection::Maximize, far)
            - self.end(cell, OptimizationDirection::Minimize, far)
            + 1
    }
}

/// Cells that are no total in one of the tables.
fn finest(set: &ReleasedSet) -> std::collections::BTreeSet<Key> {
    let mut keys = std::collections::BTreeSet::new();
    for table in &set.tables {
        for cell in &table.cells {
            let is_finest = table.dimensions.iter().all(|name| {
                let dimension = set
                    .dimensions
                    .iter()
                    .find(|one| one.name() == name)
                    .unwrap();
                cell.at
                    .get(name)
                    .is_some_and(|code| below(dimension, Some(code)).is_empty())
            });
            if is_finest {
                keys.insert((table.population.clone(), cell.at.clone()));
            }
        }
    }
    keys
}

/// Every count that a policy may release as a cell, found by trying all of them.
pub fn told(policy: &Policy, cell: Cell, covers: bool) -> (u64, Option<u64>) {
    match (policy, cell) {
        (_, Cell::Exact(value)) => (value, Some(value)),
        (Policy::Round { .. }, Cell::Suppressed) if !covers => tried(policy, cell),
        (_, Cell::Suppressed) => (0, None),
        (_, Cell::Rounded(_)) => tried(policy, cell),
    }
}

fn tried(policy: &Policy, cell: Cell) -> (u64, Option<u64>) {
    let near = cell.value().unwrap_or(0);
    let alike: Vec<u64> = (near.saturating_sub(100)..near + 100)
        .filter(|count| policy.release(*count) == cell)
        .collect();
    (alike[0], alike.last().copied())
}
