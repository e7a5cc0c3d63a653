//! All units in a line, sorted by distance, and the nearest free comparator on either side.
//!
//! Positions run from 1 to `n`, stratum after stratum; 0 and `n + 1` lie beyond the ends. Each
//! position knows a position at or beyond which the next free comparator lies, to the left and to
//! the right. Taking a comparator joins its position to the next, and every search shortens the
//! path it walked (union-find with path halving), so a search costs next to nothing however many
//! comparators are gone.

use rayon::prelude::*;

use crate::order::rising;

/// Positions that are worth a thread.
const STRETCH: usize = 1 << 14;

/// Units sorted by (stratum, distance, index), with the comparators still free.
pub(crate) struct Line {
    cells: Vec<Cell>,
}

/// What a search reads at a position, side by side in memory.
#[derive(Clone, Copy)]
struct Cell {
    /// Not a number beyond the ends.
    distance: f64,
    unit: u32,
    /// A position at or before which the next free comparator on the left lies.
    left: u32,
    /// A position at or after which the next free comparator on the right lies.
    right: u32,
}

/// A place in the line: a position, within the ends of its stratum.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    /// Position of the unit.
    pub(crate) position: u32,
    /// First and last position of its stratum.
    pub(crate) stratum: (u32, u32),
}

impl Line {
    /// Sorts the units. There are fewer than 2³² - 2 of them and distances are finite.
    ///
    /// Also returns the place of each treated unit, in the order of their index.
    pub(crate) fn new(
        distance: &[f64],
        treated: &[bool],
        strata: Option<&[u32]>,
    ) -> (Self, Vec<Place>) {
        let order = rising(distance, strata);
        let cell = |at: u32| match (at as usize).checked_sub(1).and_then(|i| order.get(i)) {
            // A comparator is where it is; a treated unit leads on to its neighbours.
            Some(&unit) => {
                let step = u32::from(treated[unit as usize]);
                Cell {
                    distance: distance[unit as usize],
                    unit,
                    left: at - step,
                    right: at + step,
                }
            }
            None => Cell {
                distance: f64::NAN,
                unit: 0,
                left: at,
                right: at,
            },
        };
        let positions = (0..index(order.len() + 2)).into_par_iter();
        let line = Self {
            cells: positions.map(cell).collect(),
        };
        let places = line.places(strata, |position| !line.is_free(position));
        (line, places)
    }

    /// The places of the units at some positions, in the order of their index.
    pub(crate) fn places(
        &self,
        strata: Option<&[u32]>,
        is_of: impl Fn(u32) -> bool + Sync,
    ) -> Vec<Place> {
        let mut stretches = Vec::new();
        for stratum in self.strata(strata) {
            let starts = (stratum.0..=stratum.1).step_by(STRETCH);
            stretches.extend(starts.map(|start| (start, stratum)));
        }
        let stretches = stretches.into_par_iter();
        let mut places: Vec<(u32, Place)> = stretches
            .flat_map_iter(|(start, stratum)| {
                let positions = (start..=stratum.1).take(STRETCH);
                let positions = positions.filter(|&position| is_of(position));
                positions.map(move |position| (self.unit(position), Place { position, stratum }))
            })
            .collect();
        places.par_sort_unstable_by_key(|&(unit, _)| unit);
        places.into_iter().map(|(_, place)| place).collect()
    }

    /// First and last position of each stratum.
    fn strata(&self, strata: Option<&[u32]>) -> Vec<(u32, u32)> {
        let n = self.cells.len() - 2;
        let Some(strata) = strata else {
            return vec![(1, index(n))];
        };
        let stratum = |cell: &Cell| strata[cell.unit as usize];
        let mut end = 0;
        self.cells[1..=n]
            .chunk_by(|a, b| stratum(a) == stratum(b))
            .map(|stratum| {
                let start = end + 1;
                end += index(stratum.len());
                (start, end)
            })
            .collect()
    }

    /// The unit at a position.
    pub(crate) fn unit(&self, position: u32) -> u32 {
        self.cells[position as usize].unit
    }

    /// The distance at a position; not a number beyond the ends.
    pub(crate) fn distance(&self, position: u32) -> f64 {
        self.cells[position as usize].distance
    }

    /// The first position, from this one of its stratum on, with the distance at a later one.
    pub(crate) fn tie_start(&self, from: u32, position: u32) -> u32 {
        let distance = self.distance(position);
        if position == from || self.distance(position - 1) < distance {
            return position;
        }
        let before = &self.cells[from as usize..position as usize];
        from + index(before.partition_point(|cell| cell.distance < distance))
    }

    /// The last free comparator at or before `from` in the stratum that may be taken: a position
    /// and its unit.
    pub(crate) fn free_left(
        &mut self,
        from: u32,
        stratum: (u32, u32),
        may_take: &impl Fn(u32, u32) -> bool,
    ) -> Option<u32> {
        let mut from = from;
        loop {
            let found = self.halve(from, |cell| &mut cell.left);
            if found < stratum.0 {
                return None;
            }
            if may_take(found, self.unit(found)) {
                return Some(found);
            }
            from = found - 1;
        }
    }

    /// The first free comparator at or after `from` in the stratum that may be taken: a position and
    /// its unit.
    pub(crate) fn free_right(
        &mut self,
        from: u32,
        stratum: (u32, u32),
        may_take: &impl Fn(u32, u32) -> bool,
    ) -> Option<u32> {
        let mut from = from;
        loop {
            let found = self.halve(from, |cell| &mut cell.right);
            if found > stratum.1 {
                return None;
            }
            if may_take(found, self.unit(found)) {
                return Some(found);
            }
            from = found + 1;
        }
    }

    /// Whether a comparator is at this position and not taken.
    fn is_free(&self, position: u32) -> bool {
        self.cells[position as usize].left == position
    }

    /// Takes a comparator out of the line.
    pub(crate) fn remove(&mut self, position: u32) {
        let cell = &mut self.cells[position as usize];
        (cell.left, cell.right) = (position - 1, position + 1);
    }

    /// Number of positions, the two beyond the ends included.
    pub(crate) fn n_positions(&self) -> usize {
        self.cells.len()
    }

    /// Follows links to the end and halves the path.
    fn halve(&mut self, from: u32, link: impl Fn(&mut Cell) -> &mut u32) -> u32 {
        let mut at = from;
        loop {
            let next = *link(&mut self.cells[at as usize]);
            if next == at {
                return at;
            }
            let after = *link(&mut self.cells[next as usize]);
            *link(&mut self.cells[at as usize]) = after;
            at = after;
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "there are fewer than 2^32 - 2 units"
)]
fn index(n: usize) -> u32 {
    n as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_stays_in_its_stratum_and_passes_what_is_taken() {
        let distance = [0.5, 0.1, 0.4, 0.6, 0.45];
        let treated = [true, false, false, false, false];
        let (mut line, places) = Line::new(&distance, &treated, Some(&[7, 7, 7, 9, 7]));
        let Place { position, stratum } = places[0];
        assert_eq!((position, stratum), (4, (1, 4)));
        let anybody = |_: u32, _: u32| true;
        let nearest = line.free_left(position - 1, stratum, &anybody).unwrap();
        assert_eq!(line.unit(nearest), 4);
        assert_eq!(line.free_right(position + 1, stratum, &anybody), None);
        let another = |position: u32, _: u32| position != nearest;
        let next = line.free_left(position - 1, stratum, &another).unwrap();
        assert_eq!(line.unit(next), 2);
        line.remove(next);
        let last = line.free_left(position - 1, stratum, &another).unwrap();
        assert_eq!(line.unit(last), 1);
    }
}
