//! Edges of least total cost between rows and columns, each with so many: shortest paths.
//!
//! Units are served one at a time. A unit that needs one edge more takes the cheapest way there is:
//! an edge to a unit that may have more, or one taken from a unit that may have fewer or finds
//! another in turn, or none at all, at the price of being left out. Dual prices make every step of
//! the search cost zero or more, so it is a shortest path, and prove the result.
//!
//! Ahuja, Magnanti & Orlin (1993), *Network Flows*, sections 9.7 and 12.4; Hansen & Klopfer (2006),
//! <https://doi.org/10.1198/106186006X137047>, on full matching.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::cost::{Cost, FREE};

/// How many edges a row or a column is to have.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Demand {
    /// Edges it is to have.
    pub(crate) least: u32,
    /// Edges it may have.
    pub(crate) most: u32,
    /// What it costs to have none where it is to have one, counted before any distance.
    pub(crate) without: i64,
}

/// A pair that may be made, and how far apart it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Edge {
    pub(crate) row: u32,
    pub(crate) column: u32,
    pub(crate) distance: f64,
}

/// The edges that were chosen, and what proves that no others are better.
pub(crate) struct Solution {
    /// Whether each edge was chosen.
    pub(crate) is_chosen: Vec<bool>,
    /// Edges each row and then each column has.
    pub(crate) degree: Vec<u32>,
    /// What one more edge to each row, and then to each column, is worth.
    pub(crate) price: Vec<Cost>,
}

const NOBODY: u32 = u32::MAX;

/// Chooses edges: as few demands as can be are unmet, and then the distance is least.
///
/// Columns are served in order, then rows. No two edges join the same pair.
pub(crate) fn choose(rows: &[Demand], columns: &[Demand], edges: &[Edge]) -> Solution {
    let mut search = Search::new(rows, columns, edges);
    let n_rows = rows.len();
    let columns_first = (n_rows..n_rows + columns.len()).chain(0..n_rows);
    for node in columns_first {
        for level in 1..=search.demand[node].least {
            search.due[node] = level;
            if search.degree[node] < level {
                search.serve(node);
            }
        }
    }
    Solution {
        is_chosen: search.is_chosen,
        degree: search.degree,
        price: search.price,
    }
}

/// A choice under way. Nodes are the rows and then the columns.
struct Search<'a> {
    n_rows: usize,
    demand: Vec<Demand>,
    /// Edges each node is to have so far.
    due: Vec<u32>,
    degree: Vec<u32>,
    price: Vec<Cost>,
    edges: &'a [Edge],
    is_chosen: Vec<bool>,
    /// The edges of each node, one after the other, and where they start.
    edges_of: Vec<u32>,
    starts: Vec<usize>,
    /// Shortest length to each node, the edge before it and the search it belongs to.
    reached: Vec<(Cost, u32, u32)>,
    /// The last search that passed each node.
    passed: Vec<u32>,
    n_searches: u32,
    waiting: BinaryHeap<Reverse<(Cost, usize)>>,
    /// The shortest way to an end so far, and where it ends.
    best: Option<(Cost, usize)>,
}

impl<'a> Search<'a> {
    fn new(rows: &[Demand], columns: &[Demand], edges: &'a [Edge]) -> Self {
        let demand = [rows, columns].concat();
        let n_nodes = demand.len();
        let ends = |edge: &Edge| [edge.row as usize, rows.len() + edge.column as usize];
        let mut starts = vec![0; n_nodes + 1];
        for node in edges.iter().flat_map(ends) {
            starts[node + 1] += 1;
        }
        for node in 0..n_nodes {
            starts[node + 1] += starts[node];
        }
        let mut next = starts.clone();
        let mut edges_of = vec![0; 2 * edges.len()];
        for (edge, number) in edges.iter().zip(0_u32..) {
            for node in ends(edge) {
                edges_of[next[node]] = number;
                next[node] += 1;
            }
        }
        Self {
            n_rows: rows.len(),
            demand,
            due: vec![0; n_nodes],
            degree: vec![0; n_nodes],
            price: vec![FREE; n_nodes],
            edges,
            is_chosen: vec![false; edges.len()],
            edges_of,
            starts,
            reached: vec![(FREE, NOBODY, 0); n_nodes],
            passed: vec![0; n_nodes],
            n_searches: 0,
            waiting: BinaryHeap::new(),
            best: None,
        }
    }

    fn is_row(&self, node: usize) -> bool {
        node < self.n_rows
    }

    /// What the `n`th edge that a node is to have is worth.
    fn worth(&self, node: usize, n: u32) -> Cost {
        match n {
            _ if n > self.due[node] => FREE,
            1 => Cost(self.demand[node].without, 0.0),
            _ => Cost(1, 0.0),
        }
    }

    /// Gives a node one more edge, or leaves it out, whichever is cheaper.
    fn serve(&mut self, start: usize) {
        self.n_searches += 1;
        self.waiting.clear();
        let mut passed = Vec::new();
        let without = self.worth(start, self.degree[start] + 1) - self.price[start];
        self.best = Some((without, start));
        self.reached[start] = (FREE, NOBODY, self.n_searches);
        self.waiting.push(Reverse((FREE, start)));
        while let Some(Reverse((length, node))) = self.waiting.pop() {
            if self.best.is_some_and(|(limit, _)| length >= limit) {
                break;
            }
            // A node can wait several times; the shortest comes first.
            if self.passed[node] == self.n_searches {
                continue;
            }
            self.passed[node] = self.n_searches;
            passed.push((node, length));
            self.look_from(node, length, self.is_row(node) == self.is_row(start));
        }
        let Some((length, end)) = self.best else {
            return;
        };
        for (node, at) in passed {
            let rest = length - at;
            self.price[node] = if self.is_row(node) == self.is_row(start) {
                self.price[node] + rest
            } else {
                self.price[node] - rest
            };
        }
        self.shift(start, end);
    }

    /// Looks along the edges of a node: new ones from a node that seeks, its own from one that is
    /// sought.
    fn look_from(&mut self, node: usize, length: Cost, seeks: bool) {
        for at in self.starts[node]..self.starts[node + 1] {
            let number = self.edges_of[at];
            if self.is_chosen[number as usize] == seeks {
                continue;
            }
            let Edge {
                row,
                column,
                distance,
            } = self.edges[number as usize];
            let (row, column) = (row as usize, self.n_rows + column as usize);
            let other = if node == row { column } else { row };
            if self.passed[other] == self.n_searches {
                continue;
            }
            let reduced = Cost(0, distance) - self.price[row] - self.price[column];
            // Rounding is not to make a step cost less than nothing.
            let step = FREE.max(if seeks { reduced } else { -reduced });
            let there = length + step;
            let (before, _, of_search) = self.reached[other];
            let is_known = of_search == self.n_searches && before <= there;
            if is_known || self.best.is_some_and(|(limit, _)| there >= limit) {
                continue;
            }
            self.reached[other] = (there, number, self.n_searches);
            self.waiting.push(Reverse((there, other)));
            self.consider_end(other, there, seeks);
        }
    }

    /// A node that was sought may take one more edge; one that gave an edge up may do without.
    fn consider_end(&mut self, node: usize, length: Cost, was_sought: bool) {
        let degree = self.degree[node];
        let end = if !was_sought {
            self.worth(node, degree) - self.price[node]
        } else if degree < self.demand[node].most {
            self.price[node] - self.worth(node, degree + 1)
        } else {
            return;
        };
        let total = length + FREE.max(end);
        if self.best.is_none_or(|(limit, _)| total < limit) {
            self.best = Some((total, node));
        }
    }

    /// Chooses every other edge of the path, and gives up those between.
    fn shift(&mut self, start: usize, end: usize) {
        if start == end {
            return;
        }
        self.degree[start] += 1;
        if self.is_row(end) == self.is_row(start) {
            self.degree[end] -= 1;
        } else {
            self.degree[end] += 1;
        }
        let mut node = end;
        while node != start {
            let number = self.reached[node].1 as usize;
            self.is_chosen[number] = !self.is_chosen[number];
            let edge = self.edges[number];
            let (row, column) = (edge.row as usize, self.n_rows + edge.column as usize);
            node = if node == row { column } else { row };
        }
    }
}

#[cfg(test)]
mod tests {
    use utfall_stats::draws::Stream;

    use super::*;

    fn below(stream: &mut Stream, n: u64) -> u32 {
        u32::try_from(stream.below(n)).unwrap()
    }

    /// Prices prove the optimum: no edge that was not chosen is cheaper than the prices of its
    /// ends, none that was is dearer, and no unit would gain by one edge more or fewer.
    #[test]
    fn prices_prove_that_no_choice_is_better() {
        for replicate in 0..400 {
            let mut stream = Stream::new(5, "transport", replicate);
            let (n_rows, n_columns) = (1 + below(&mut stream, 7), 1 + below(&mut stream, 9));
            let mut demands = |n: u32, without: i64| -> Vec<Demand> {
                let one = |_| {
                    let least = below(&mut stream, 3);
                    let most = least.max(1) + below(&mut stream, 3);
                    Demand {
                        least,
                        most,
                        without,
                    }
                };
                (0..n).map(one).collect()
            };
            let (rows, columns) = (demands(n_rows, 50), demands(n_columns, 1));
            let mut edges = Vec::new();
            for row in 0..n_rows {
                for column in 0..n_columns {
                    if stream.bernoulli(0.7) {
                        let distance = f64::from(below(&mut stream, 6)) * 0.25;
                        edges.push(Edge {
                            row,
                            column,
                            distance,
                        });
                    }
                }
            }
            let solved = choose(&rows, &columns, &edges);
            let demands = [rows.as_slice(), &columns].concat();
            let is_at_most = |a: Cost, b: Cost| a.0 < b.0 || (a.0 == b.0 && a.1 <= b.1 + 1e-9);
            let mut degree = vec![0; demands.len()];
            for (edge, &is_chosen) in edges.iter().zip(&solved.is_chosen) {
                let ends = [edge.row, n_rows + edge.column].map(|node| node as usize);
                let prices = solved.price[ends[0]] + solved.price[ends[1]];
                let distance = Cost(0, edge.distance);
                if is_chosen {
                    assert!(is_at_most(distance, prices));
                    ends.iter().for_each(|&node| degree[node] += 1);
                } else {
                    assert!(is_at_most(prices, distance));
                }
            }
            assert_eq!(degree, solved.degree);
            for (node, demand) in demands.iter().enumerate() {
                let worth = |n: u32| match n {
                    _ if n > demand.least => FREE,
                    1 => Cost(demand.without, 0.0),
                    _ => Cost(1, 0.0),
                };
                let degree = degree[node];
                assert!(degree <= demand.most);
                if degree < demand.most {
                    assert!(is_at_most(worth(degree + 1), solved.price[node]));
                }
                if degree > 0 {
                    assert!(is_at_most(solved.price[node], worth(degree)));
                }
            }
        }
    }
}
