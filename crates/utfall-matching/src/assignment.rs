//! The least total distance between rows and columns on a line: shortest augmenting paths.
//!
//! Rows are added one at a time. A shortest path, in costs reduced by the dual prices, leads from
//! the new row to a free column, or to a row that is better left out; every assignment along it is
//! shifted. Prices of columns never rise above zero, so a search from a row may stop as soon as the
//! plain distance is too long: most of the line is never looked at.
//!
//! Jonker & Volgenant (1987), *Computing* 38, <https://doi.org/10.1007/BF02278710>.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;

use crate::cost::{Cost, FREE};

/// A row: where it stands, and which columns it may have.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) at: f64,
    /// The columns of its stratum.
    pub(crate) columns: Range<usize>,
    /// What it costs to leave the row out, counted before any distance.
    pub(crate) left_out: i64,
}

const NOBODY: usize = usize::MAX;

/// An assignment under way, and at its end the best one.
pub(crate) struct Assignment<'a> {
    rows: &'a [Row],
    /// Where the columns stand, sorted within each stratum.
    columns: &'a [f64],
    /// Widest distance.
    width: f64,
    price_of_row: Vec<Cost>,
    price_of_column: Vec<Cost>,
    column_of: Vec<usize>,
    row_of: Vec<usize>,
    /// Shortest distance to each column, the row before it and the search it belongs to.
    reached: Vec<(Cost, usize, usize)>,
    /// The last search that passed each column; rounding is not to bring a search back to it.
    passed: Vec<usize>,
}

/// The end of the shortest path so far.
#[derive(Clone, Copy)]
enum End {
    Column(usize),
    LeftOut(usize),
}

/// Assigns columns to rows: as little as possible is left out, then the distance is least.
pub(crate) fn assign(rows: &[Row], columns: &[f64], width: f64) -> Vec<Option<usize>> {
    let assignment = Assignment::new(rows, columns, width);
    let column_of = assignment.column_of.into_iter();
    column_of
        .map(|column| (column != NOBODY).then_some(column))
        .collect()
}

impl<'a> Assignment<'a> {
    fn new(rows: &'a [Row], columns: &'a [f64], width: f64) -> Self {
        let mut assignment = Self {
            rows,
            columns,
            width,
            price_of_row: vec![FREE; rows.len()],
            price_of_column: vec![FREE; columns.len()],
            column_of: vec![NOBODY; rows.len()],
            row_of: vec![NOBODY; columns.len()],
            reached: vec![(FREE, NOBODY, NOBODY); columns.len()],
            passed: vec![NOBODY; columns.len()],
        };
        (0..rows.len()).for_each(|row| assignment.add(row));
        assignment
    }

    /// Finds the shortest path from a new row, adjusts the prices along it and shifts.
    fn add(&mut self, row: usize) {
        let mut waiting = BinaryHeap::new();
        let mut passed: Vec<(usize, Cost)> = Vec::new();
        let mut best = None;
        self.look_from(row, FREE, row, &mut waiting, &mut best);
        while let Some(Reverse((cost, column))) = waiting.pop() {
            if best.is_some_and(|(limit, _)| cost >= limit) {
                break;
            }
            // A column can wait several times; the shortest comes first.
            if self.passed[column] == row {
                continue;
            }
            self.passed[column] = row;
            passed.push((column, cost));
            self.look_from(self.row_of[column], cost, row, &mut waiting, &mut best);
        }
        let Some((length, end)) = best else { return };
        self.price_of_row[row] = self.price_of_row[row] + length;
        for (column, cost) in passed {
            let rest = length - cost;
            let passed_row = self.row_of[column];
            self.price_of_column[column] = self.price_of_column[column] - rest;
            self.price_of_row[passed_row] = self.price_of_row[passed_row] + rest;
        }
        self.shift(row, end);
    }

    /// Looks outwards from a row that the search has reached at this cost.
    fn look_from(
        &mut self,
        row: usize,
        cost: Cost,
        search: usize,
        waiting: &mut BinaryHeap<Reverse<(Cost, usize)>>,
        best: &mut Option<(Cost, End)>,
    ) {
        let Row {
            at,
            columns,
            left_out,
        } = &self.rows[row];
        let base = cost - self.price_of_row[row];
        let is_shorter =
            |cost: Cost, best: &Option<(Cost, End)>| best.is_none_or(|(limit, _)| cost < limit);
        let without = base + Cost(*left_out, 0.0);
        if is_shorter(without, best) {
            *best = Some((without, End::LeftOut(row)));
        }
        let middle = self.columns[columns.clone()].partition_point(|x| x < at) + columns.start;
        let (mut below, mut above) = (middle, middle);
        loop {
            let down = (below > columns.start).then(|| (at - self.columns[below - 1]).abs());
            let up = (above < columns.end).then(|| (self.columns[above] - at).abs());
            let (column, distance) = match (down, up) {
                (Some(down), up) if up.is_none_or(|up| down <= up) => {
                    below -= 1;
                    (below, down)
                }
                (_, Some(up)) => {
                    above += 1;
                    (above - 1, up)
                }
                _ => return,
            };
            let least = base + Cost(0, distance);
            if distance > self.width || !is_shorter(least, best) {
                return;
            }
            let length = least - self.price_of_column[column];
            let (before, _, of_search) = self.reached[column];
            let is_known = of_search == search && before <= length;
            if !is_shorter(length, best) || is_known || self.passed[column] == search {
                continue;
            }
            self.reached[column] = (length, row, search);
            if self.row_of[column] == NOBODY {
                *best = Some((length, End::Column(column)));
            } else {
                waiting.push(Reverse((length, column)));
            }
        }
    }

    /// Gives each column of the path to the row before it.
    fn shift(&mut self, row: usize, end: End) {
        let mut column = match end {
            End::Column(column) => column,
            End::LeftOut(left_out) => std::mem::replace(&mut self.column_of[left_out], NOBODY),
        };
        while column != NOBODY {
            let before = self.reached[column].1;
            self.row_of[column] = before;
            column = std::mem::replace(&mut self.column_of[before], column);
            if before == row {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use utfall_stats::draws::Stream;

    use super::*;

    /// Prices prove the optimum: none is above a cost, and used edges and free columns are tight.
    #[test]
    fn prices_prove_that_no_assignment_is_better() {
        for replicate in 0..200 {
            let mut stream = Stream::new(11, "prices", replicate);
            let (n_rows, n_columns) =
                (1 + stream.below(12) as usize, 1 + stream.below(20) as usize);
            let mut columns: Vec<f64> = (0..n_columns).map(|_| stream.normal()).collect();
            columns.sort_by(f64::total_cmp);
            let rows: Vec<Row> = (0..n_rows)
                .map(|_| Row {
                    at: stream.normal(),
                    columns: 0..n_columns,
                    left_out: 1 + i64::from(stream.bernoulli(0.5)) * 40,
                })
                .collect();
            let width = if replicate % 2 == 0 {
                0.4
            } else {
                f64::INFINITY
            };
            let solved = Assignment::new(&rows, &columns, width);
            let is_close = |a: Cost, b: Cost| a.0 == b.0 && (a.1 - b.1).abs() < 1e-9;
            for (r, row) in rows.iter().enumerate() {
                let price = solved.price_of_row[r];
                let without = Cost(row.left_out, 0.0);
                assert!(price <= without || is_close(price, without));
                for (c, at) in columns.iter().enumerate() {
                    let cost = Cost(0, (row.at - at).abs());
                    let prices = price + solved.price_of_column[c];
                    if cost.1 <= width {
                        assert!(prices <= cost || is_close(prices, cost));
                    }
                    if solved.column_of[r] == c {
                        assert!(cost.1 <= width && is_close(prices, cost));
                        assert_eq!(solved.row_of[c], r);
                    }
                }
                assert!(solved.column_of[r] != NOBODY || is_close(price, without));
            }
            for (c, &row) in solved.row_of.iter().enumerate() {
                assert!(row != NOBODY || is_close(solved.price_of_column[c], FREE));
            }
        }
    }
}
