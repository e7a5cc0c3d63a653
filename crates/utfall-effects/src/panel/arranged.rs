//! Rows in the order of groups: columns are taken there, side by side, and back.

use rayon::prelude::*;

use crate::Grouping;

/// Rows that a thread writes at a time.
const CHUNK: usize = 1 << 12;

/// Rows in the order of groups, each of which has places next to each other.
#[derive(Debug)]
pub(super) struct Arranged {
    /// `None` where the rows lie in order as they are.
    order: Option<Order>,
    /// Where the groups begin, and the last ends.
    starts: Vec<usize>,
}

#[derive(Debug)]
struct Order {
    /// The row of each place.
    rows: Vec<u32>,
    /// The place of each row.
    places: Vec<u32>,
}

impl Arranged {
    pub(super) fn of(group: &Grouping) -> Self {
        let codes = group.codes();
        let mut starts = vec![0; group.n_groups() + 1];
        for &code in codes {
            starts[code + 1] += 1;
        }
        for code in 0..group.n_groups() {
            starts[code + 1] += starts[code];
        }
        let order = (!codes.is_sorted()).then(|| {
            let mut next: Vec<u32> = starts.iter().map(|&start| narrow(start)).collect();
            let mut rows = vec![0; codes.len()];
            let mut places = vec![0; codes.len()];
            for ((row, place), &code) in (0..).zip(&mut places).zip(codes) {
                *place = next[code];
                rows[*place as usize] = row;
                next[code] += 1;
            }
            Order { rows, places }
        });
        Self { order, starts }
    }

    /// Where the groups begin, and the last ends.
    pub(super) fn starts(&self) -> &[usize] {
        &self.starts
    }

    pub(super) fn n_rows(&self) -> usize {
        self.starts.last().copied().unwrap_or(0)
    }

    /// A value of each row, by place.
    pub(super) fn placed<T: Send>(&self, value: impl Fn(usize) -> T + Sync + Send) -> Vec<T> {
        match &self.order {
            None => (0..self.n_rows()).into_par_iter().map(value).collect(),
            Some(Order { rows, .. }) => {
                let rows = rows.par_iter();
                rows.map(|&row| value(row as usize)).collect()
            }
        }
    }

    /// Columns side by side, by place. They are put so first and in order then: a row is then fetched
    /// from one place in memory, not from one for each column.
    pub(super) fn beside<const K: usize>(&self, columns: [&[f64]; K]) -> Vec<[f64; K]> {
        let lines = (0..self.n_rows()).into_par_iter();
        let lines: Vec<[f64; K]> = lines.map(|row| columns.map(|column| column[row])).collect();
        match &self.order {
            None => lines,
            Some(Order { rows, .. }) => rows.par_iter().map(|&row| lines[row as usize]).collect(),
        }
    }

    /// Columns by row again.
    pub(super) fn apart<const K: usize>(&self, lines: &[[f64; K]]) -> [Vec<f64>; K] {
        let n_rows = lines.len();
        let mut columns: [Vec<f64>; K] = std::array::from_fn(|_| vec![0.0; n_rows]);
        let mut cut = columns.each_mut().map(|column| column.chunks_mut(CHUNK));
        let chunks: Vec<[&mut [f64]; K]> = (0..n_rows.div_ceil(CHUNK))
            .map(|_| {
                cut.each_mut()
                    .map(|chunks| chunks.next().unwrap_or_default())
            })
            .collect();
        let write = |(chunk, mut columns): (usize, [&mut [f64]; K])| {
            for at in 0..columns[0].len() {
                let row = chunk * CHUNK + at;
                let place = match &self.order {
                    None => row,
                    Some(Order { places, .. }) => places[row] as usize,
                };
                for (column, value) in columns.iter_mut().zip(lines[place]) {
                    column[at] = value;
                }
            }
        };
        chunks.into_par_iter().enumerate().for_each(write);
        columns
    }
}

/// Groups are fewer than rows, and rows than four billion.
pub(super) fn narrow(code: usize) -> u32 {
    u32::try_from(code).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_come_back_as_they_went() {
        let n = 2 * CHUNK + 5;
        let column = |by: usize| (0..n).map(|row| (row * by % 101) as f64).collect();
        let columns: [Vec<f64>; 3] = [7, 11, 13].map(column);
        for labels in [
            (0..n).map(|row| row / 9).collect::<Vec<usize>>(),
            (0..n).map(|row| row * row % 97).collect(),
        ] {
            let group = Grouping::of(&labels);
            let arranged = Arranged::of(&group);
            let codes = arranged.placed(|row| group.codes()[row]);
            assert!(codes.is_sorted());
            for (code, ends) in arranged.starts().windows(2).enumerate() {
                assert!(codes[ends[0]..ends[1]].iter().all(|&own| own == code));
            }
            let slices = columns.each_ref().map(Vec::as_slice);
            assert_eq!(arranged.apart(&arranged.beside(slices)), columns);
        }
    }
}
