//! Changes of tables that always add up: more units of some kinds and as many fewer of others.
//!
//! A unit more of one kind is one more in every cell that counts it. One that in some dimensions is of
//! this code in place of that one changes no margin over them. So the corners of a cube, with alternating
//! signs, change nothing beside themselves (the hypercube method; Giessing & Repsilber 2002,
//! <https://doi.org/10.1007/3-540-47804-3_15>); a cube may also stand on margins and reach across
//! linked tables and populations.

use std::collections::BTreeSet;

use super::Dimension;
use super::dimension::ROOT;
use super::lowered::{Lowered, Placed, Where};
use crate::system::{Move, Price};

/// Cubes tried for one count.
const MOST_TRIED: usize = 20_000;

/// What happens along one dimension: at which nodes there is one more or one fewer.
struct Along {
    /// Node and sign, but for the total.
    nodes: Vec<(usize, i64)>,
    /// Change of the total: none where one code replaces another.
    total: i64,
}

impl Lowered {
    /// The cheapest cube in which a number is one more, and its price.
    pub(crate) fn cheapest_cube(
        &self,
        number: usize,
        price: &mut Price<'_>,
    ) -> Option<(u64, Move)> {
        let Where {
            population,
            measure,
            at,
        } = self.place_of(number)?;
        let populations = self.larger_than(population);
        let tables: Vec<_> = self
            .placed
            .iter()
            .filter(|table| {
                populations.contains(table.population.as_str())
                    && table.measure.as_deref() == measure
            })
            .collect();
        let used: BTreeSet<&str> = tables
            .iter()
            .flat_map(|table| table.dimensions.iter().map(Dimension::name))
            .collect();
        let used: Vec<&str> = used.into_iter().collect();
        let options: Vec<Vec<Along>> = used
            .iter()
            .map(|name| {
                let above = at.iter().find(|(other, _)| other == name);
                along(
                    &self.dimensions[*name],
                    above.map_or(ROOT, |(_, node)| *node),
                )
            })
            .collect();
        let tables: Vec<Spanned<'_>> = tables
            .into_iter()
            .map(|table| Spanned::of(table, &used))
            .collect();
        let n_cubes = options
            .iter()
            .fold(1_usize, |n, options| n.saturating_mul(options.len()));
        let stride = n_cubes.div_ceil(MOST_TRIED).max(1);
        let mut best: Option<(u64, Move)> = None;
        let mut chosen: Vec<&Along> = Vec::new();
        let mut changes: Move = Vec::new();
        for cube in (0..n_cubes).step_by(stride) {
            choose(&options, cube, &mut chosen);
            changes.clear();
            let limit = best.as_ref().map_or(u64::MAX, |(cost, _)| *cost);
            let mut cost = 0;
            let mut visit = |count: usize, delta: i64| {
                if changes.iter().any(|(other, _)| *other == count) {
                    return true;
                }
                changes.push((count, delta));
                match price(count, delta) {
                    Some(price) => cost += price,
                    None => return false,
                }
                cost < limit
            };
            let fits = tables.iter().all(|table| {
                let sign = table.across(&chosen);
                sign == 0
                    || table.each_cell(&chosen, &mut |cell, delta| {
                        let count = table.table.places[cell].0;
                        self.also_outside(count, &populations, &mut |count| {
                            visit(count, delta * sign)
                        })
                    })
            });
            if fits && changes.iter().any(|(count, _)| *count == number) {
                best = Some((cost, changes.clone()));
                if cost == 0 {
                    break;
                }
            }
        }
        best
    }

    /// A count, and those of the differences that change with it: of populations that have the unit and
    /// those within them that have not.
    fn also_outside(
        &self,
        count: usize,
        populations: &BTreeSet<&str>,
        visit: &mut dyn FnMut(usize) -> bool,
    ) -> bool {
        let differences = self.outside_of.get(&count).into_iter().flatten();
        visit(count)
            && differences
                .filter(|(part, _)| !populations.contains(part.as_str()))
                .all(|(_, outside)| visit(outside.0))
    }

    /// A population and every one it is part of.
    fn larger_than<'a>(&'a self, population: &'a str) -> BTreeSet<&'a str> {
        let mut found = BTreeSet::from([population]);
        let mut next = vec![population];
        while let Some(one) = next.pop() {
            for larger in self.larger.get(one).into_iter().flatten() {
                if found.insert(larger) {
                    next.push(larger);
                }
            }
        }
        found
    }
}

/// Every way in which a unit of some code may be added along a dimension, alone or in place of one of
/// another code, so that there is one more at `node`.
fn along(dimension: &Dimension, node: usize) -> Vec<Along> {
    let leaves = (0..dimension.n_nodes()).filter(|leaf| dimension.is_leaf(*leaf));
    let upwards: Vec<Vec<usize>> = leaves.map(|leaf| dimension.upwards(leaf)).collect();
    let (within, others): (Vec<_>, Vec<_>) =
        upwards.iter().partition(|upwards| upwards.contains(&node));
    let mut options = Vec::new();
    for added in &within {
        let below_total = |upwards: &[usize], sign: i64| -> Vec<(usize, i64)> {
            let nodes = upwards.iter().filter(|node| **node != ROOT);
            nodes.map(|node| (*node, sign)).collect()
        };
        for removed in &others {
            let mut nodes = below_total(added, 1);
            nodes.extend(below_total(removed, -1));
            nodes.retain(|(node, _)| !(added.contains(node) && removed.contains(node)));
            options.push(Along { nodes, total: 0 });
        }
        options.push(Along {
            nodes: below_total(added, 1),
            total: 1,
        });
    }
    options
}

/// One option of each dimension, by the number of their combination.
fn choose<'a>(options: &'a [Vec<Along>], number: usize, chosen: &mut Vec<&'a Along>) {
    let mut rest = number;
    chosen.clear();
    for options in options {
        chosen.push(&options[rest % options.len()]);
        rest /= options.len();
    }
}

/// A table among the dimensions of a cube.
struct Spanned<'a> {
    table: &'a Placed,
    /// Nodes of each of its dimensions, and which of the cube's dimension it is.
    dimensions: Vec<(usize, usize)>,
    /// Dimensions of the cube that the table is not broken down by.
    others: Vec<usize>,
}

impl<'a> Spanned<'a> {
    fn of(table: &'a Placed, used: &[&str]) -> Self {
        let place = |dimension: &Dimension| used.iter().position(|name| *name == dimension.name());
        let dimensions: Vec<(usize, usize)> = table
            .dimensions
            .iter()
            .filter_map(|dimension| Some((dimension.n_nodes(), place(dimension)?)))
            .collect();
        let is_other = |other: &usize| dimensions.iter().all(|(_, place)| place != other);
        Self {
            others: (0..used.len()).filter(is_other).collect(),
            table,
            dimensions,
        }
    }

    /// What is left of a cube over the dimensions that the table does not have: nothing, where one code
    /// replaces another in any of them.
    fn across(&self, along: &[&Along]) -> i64 {
        self.others
            .iter()
            .map(|other| along[*other].total)
            .product()
    }

    /// Every cell that changes, and by how much, until one is refused.
    fn each_cell(&self, along: &[&Along], visit: &mut dyn FnMut(usize, i64) -> bool) -> bool {
        walk(&self.dimensions, along, 0, 1, visit)
    }
}

fn walk(
    dimensions: &[(usize, usize)],
    along: &[&Along],
    cell: usize,
    delta: i64,
    visit: &mut dyn FnMut(usize, i64) -> bool,
) -> bool {
    let Some(((n_nodes, place), rest)) = dimensions.split_first() else {
        return visit(cell, delta);
    };
    let here = along[*place];
    let first = cell * n_nodes;
    let mut nodes = here.nodes.iter();
    nodes.all(|(node, sign)| walk(rest, along, first + node, delta * sign, visit))
        && (here.total == 0 || walk(rest, along, first + ROOT, delta * here.total, visit))
}
