//! A regression tree: rows are split in two where that takes most off the sum of squares, and again.
//!
//! Columns are sorted once; a split keeps both halves in order. Splits lie halfway between two values.
//! Ties go to the first column and the lowest split, up to rounding.
//!
//! Breiman, Friedman, Olshen & Stone (1984), *Classification and Regression Trees*.

use rayon::prelude::*;

/// Share by which a split must be better than one found before it: less is a tie.
const CLEARLY_BETTER: f64 = 1.0 + 1e-12;

/// How far a tree may grow.
#[derive(Clone, Copy)]
pub(super) struct TreeShape {
    pub(super) depth: u32,
    pub(super) least_leaf: usize,
}

/// The rows in the order of each column.
pub(super) struct Sorted {
    rows: Vec<Vec<u32>>,
}

/// A fitted tree.
pub(crate) struct Tree {
    nodes: Vec<Node>,
}

enum Node {
    Leaf(f64),
    Split {
        column: usize,
        at: f64,
        below: usize,
        above: usize,
    },
}

struct Split {
    column: usize,
    at: f64,
    gain: f64,
}

impl Sorted {
    pub(super) fn of(columns: &[&[f64]]) -> Self {
        let sorted = |column: &&[f64]| {
            let mut rows: Vec<u32> = (0u32..).take(column.len()).collect();
            rows.sort_by(|&a, &b| {
                column[a as usize]
                    .total_cmp(&column[b as usize])
                    .then(a.cmp(&b))
            });
            rows
        };
        Self {
            rows: columns.par_iter().map(sorted).collect(),
        }
    }
}

impl Tree {
    /// Fits leaves that hold the mean of their rows.
    pub(super) fn fit(
        sorted: &Sorted,
        shape: TreeShape,
        columns: &[&[f64]],
        outcome: &[f64],
    ) -> Self {
        Self::fit_leaves(sorted, shape, columns, outcome, &|rows| {
            let total: f64 = rows.iter().map(|&row| outcome[row as usize]).sum();
            total / utfall_stats::moments::count(rows.len())
        })
    }

    /// The same with leaves that hold what a function says of their rows, in order of their numbers.
    pub(super) fn fit_leaves(
        sorted: &Sorted,
        shape: TreeShape,
        columns: &[&[f64]],
        outcome: &[f64],
        leaf: &dyn Fn(&[u32]) -> f64,
    ) -> Self {
        let mut tree = Self { nodes: Vec::new() };
        let all: Vec<u32> = (0u32..).take(outcome.len()).collect();
        tree.grow(sorted.rows.clone(), &all, shape, columns, outcome, leaf);
        tree
    }

    /// Adds the node of some rows, given in their own order and in that of each column.
    fn grow(
        &mut self,
        orders: Vec<Vec<u32>>,
        rows: &[u32],
        shape: TreeShape,
        columns: &[&[f64]],
        outcome: &[f64],
        leaf: &dyn Fn(&[u32]) -> f64,
    ) -> usize {
        let place = self.nodes.len();
        let split = if shape.depth == 0 {
            None
        } else {
            best_split(&orders, rows, shape.least_leaf, columns, outcome)
        };
        let Some(Split { column, at, .. }) = split else {
            self.nodes.push(Node::Leaf(leaf(rows)));
            return place;
        };
        self.nodes.push(Node::Leaf(0.0));
        let is_below = |row: &u32| columns[column][*row as usize] <= at;
        let halves =
            |rows: &[u32]| -> (Vec<u32>, Vec<u32>) { rows.iter().partition(|row| is_below(row)) };
        let (of_below, of_above): (Vec<_>, Vec<_>) =
            orders.iter().map(|order| halves(order)).unzip();
        drop(orders);
        let (below_rows, above_rows) = halves(rows);
        let shape = TreeShape {
            depth: shape.depth - 1,
            ..shape
        };
        let below = self.grow(of_below, &below_rows, shape, columns, outcome, leaf);
        let above = self.grow(of_above, &above_rows, shape, columns, outcome, leaf);
        self.nodes[place] = Node::Split {
            column,
            at,
            below,
            above,
        };
        place
    }

    /// What the leaf of a row holds.
    pub(super) fn at(&self, columns: &[&[f64]], row: usize) -> f64 {
        let mut place = 0;
        loop {
            match self.nodes[place] {
                Node::Leaf(value) => return value,
                Node::Split {
                    column,
                    at,
                    below,
                    above,
                } => {
                    place = if columns[column][row] <= at {
                        below
                    } else {
                        above
                    };
                }
            }
        }
    }
}

/// The split that takes most off the sum of squares, if any takes something off.
fn best_split(
    orders: &[Vec<u32>],
    rows: &[u32],
    least_leaf: usize,
    columns: &[&[f64]],
    outcome: &[f64],
) -> Option<Split> {
    let n = utfall_stats::moments::count(rows.len());
    let centre: f64 = rows.iter().map(|&row| outcome[row as usize]).sum::<f64>() / n;
    let square = |row: &u32| (outcome[*row as usize] - centre) * (outcome[*row as usize] - centre);
    let whole: f64 = rows.iter().map(square).sum();
    let of_columns: Vec<Option<Split>> = orders
        .par_iter()
        .enumerate()
        .map(|(column, order)| {
            best_of_column(column, order, least_leaf, columns[column], outcome, centre)
        })
        .collect();
    let mut best: Option<Split> = None;
    for split in of_columns.into_iter().flatten() {
        let before = best.as_ref().map_or(0.0, |best| best.gain);
        if split.gain > before * CLEARLY_BETTER {
            best = Some(split);
        }
    }
    best.filter(|best| best.gain > 1e-14 * whole)
}

fn best_of_column(
    column: usize,
    order: &[u32],
    least_leaf: usize,
    values: &[f64],
    outcome: &[f64],
    centre: f64,
) -> Option<Split> {
    let n_rows = order.len();
    let mut best: Option<Split> = None;
    let mut below = 0.0;
    for (position, pair) in order.windows(2).enumerate() {
        let (here, next) = (pair[0] as usize, pair[1] as usize);
        below += outcome[here] - centre;
        let n_below = position + 1;
        let n_above = n_rows - n_below;
        if n_below < least_leaf || n_above < least_leaf || values[here] >= values[next] {
            continue;
        }
        // Centred sums of both halves are each other's opposite.
        let count = utfall_stats::moments::count;
        let gain = below * below * (1.0 / count(n_below) + 1.0 / count(n_above));
        let before = best.as_ref().map_or(0.0, |best| best.gain);
        if gain > before * CLEARLY_BETTER {
            let middle = 0.5 * values[here] + 0.5 * values[next];
            // Neighbouring doubles have no middle.
            let at = if middle < values[next] {
                middle
            } else {
                values[here]
            };
            best = Some(Split { column, at, gain });
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_found_where_it_is_and_equal_outcomes_are_not_split() {
        let x: Vec<f64> = (0..10).map(f64::from).collect();
        let other = [3.0; 10];
        let y: Vec<f64> = x.iter().map(|&x| if x < 3.5 { 1.0 } else { 5.0 }).collect();
        let columns: [&[f64]; 2] = [&other, &x];
        let shape = TreeShape {
            depth: 5,
            least_leaf: 1,
        };
        let tree = Tree::fit(&Sorted::of(&columns), shape, &columns, &y);
        assert_eq!(tree.nodes.len(), 3);
        for (row, y) in y.iter().enumerate() {
            assert!((tree.at(&columns, row) - y).abs() < 1e-15);
        }
        let wide = TreeShape {
            depth: 5,
            least_leaf: 5,
        };
        let tree = Tree::fit(&Sorted::of(&columns), wide, &columns, &y);
        assert!((tree.at(&columns, 0) - 1.8).abs() < 1e-15);
    }
}
