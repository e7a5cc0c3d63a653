//! All units in a line, sorted by distance, and the nearest free comparator on either side.
//!
//! Positions run from 1 to `n`, stratum after stratum; 0 and `n + 1` lie beyond the ends. Each
//! position knows a position at or beyond which the next free comparator lies, to the left and to
//! the right. Taking a comparator joins its position to the next, and every search shortens the
//! path it walked (union-find with path halving), so a search costs next to nothing however many
//! comparators are gone.

use rayon::prelude::*;

use crate::order::rising;

/// Units sorted by (stratum, distance, index), with the comparators still free.
pub(crate) struct Line {
    /// Distance at each position.
    distance: Vec<f64>,
    /// Unit at each position.
    unit: Vec<u32>,
    /// A position at or before which the next free comparator on the left lies.
    left: Vec<u32>,
    /// A position at or after which the next free comparator on the right lies.
    right: Vec<u32>,
    /// First position with the same stratum and distance.
    tie_start: Vec<u32>,
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
        let n = order.len();
        let mut line = Self {
            distance: vec![0.0; n + 2],
            unit: vec![0; n + 2],
            left: vec![0; n + 2],
            right: vec![index(n + 1); n + 2],
            tie_start: vec![0; n + 2],
        };
        line.unit[1..=n].copy_from_slice(&order);
        let mut is_focal = vec![false; n + 2];
        let cells = line.distance[1..=n].par_iter_mut();
        cells
            .zip(&mut is_focal[1..=n])
            .zip(&order)
            .for_each(|((cell, is_focal), &unit)| {
                *cell = distance[unit as usize];
                *is_focal = treated[unit as usize];
            });
        let strata = line.strata(strata);
        let Self {
            distance,
            left,
            right,
            tie_start,
            ..
        } = &mut line;
        rayon::join(
            || {
                link_left(left, &is_focal);
                tie(tie_start, distance, &strata);
            },
            || link_right(right, &is_focal),
        );
        let mut places: Vec<(u32, Place)> = strata
            .iter()
            .flat_map(|&stratum| (stratum.0..=stratum.1).map(move |at| (at, stratum)))
            .filter(|&(position, _)| is_focal[position as usize])
            .map(|(position, stratum)| (line.unit(position), Place { position, stratum }))
            .collect();
        places.par_sort_unstable_by_key(|&(unit, _)| unit);
        let places = places.into_iter().map(|(_, place)| place).collect();
        (line, places)
    }

    /// First and last position of each stratum.
    fn strata(&self, strata: Option<&[u32]>) -> Vec<(u32, u32)> {
        let n = self.unit.len() - 2;
        let Some(strata) = strata else {
            return vec![(1, index(n))];
        };
        let units = &self.unit[1..=n];
        let mut end = 0;
        units
            .chunk_by(|&a, &b| strata[a as usize] == strata[b as usize])
            .map(|stratum| {
                let start = end + 1;
                end += index(stratum.len());
                (start, end)
            })
            .collect()
    }

    /// The place of every unit, in the order of their index.
    pub(crate) fn places(&self, strata: Option<&[u32]>) -> Vec<Place> {
        let nowhere = Place {
            position: 0,
            stratum: (0, 0),
        };
        let mut places = vec![nowhere; self.unit.len() - 2];
        for stratum in self.strata(strata) {
            for position in stratum.0..=stratum.1 {
                places[self.unit(position) as usize] = Place { position, stratum };
            }
        }
        places
    }

    /// The unit at a position.
    pub(crate) fn unit(&self, position: u32) -> u32 {
        self.unit[position as usize]
    }

    /// The distance at a position.
    pub(crate) fn distance(&self, position: u32) -> f64 {
        self.distance[position as usize]
    }

    /// The first position with the same stratum and distance.
    pub(crate) fn tie_start(&self, position: u32) -> u32 {
        self.tie_start[position as usize]
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
            let found = halve(&mut self.left, from);
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
            let found = halve(&mut self.right, from);
            if found > stratum.1 {
                return None;
            }
            if may_take(found, self.unit(found)) {
                return Some(found);
            }
            from = found + 1;
        }
    }

    /// Takes a comparator out of the line.
    pub(crate) fn remove(&mut self, position: u32) {
        self.left[position as usize] = position - 1;
        self.right[position as usize] = position + 1;
    }

    /// Number of positions, the two beyond the ends included.
    pub(crate) fn n_positions(&self) -> usize {
        self.unit.len()
    }
}

/// Every comparator is where it is; a treated unit points to what lies before it.
fn link_left(left: &mut [u32], is_focal: &[bool]) {
    let mut free = 0;
    for (position, link) in left.iter_mut().enumerate() {
        if !is_focal[position] {
            free = index(position);
        }
        *link = free;
    }
}

/// As to the left.
fn link_right(right: &mut [u32], is_focal: &[bool]) {
    let mut free = index(right.len() - 1);
    for (position, link) in right.iter_mut().enumerate().rev() {
        if !is_focal[position] {
            free = index(position);
        }
        *link = free;
    }
}

/// The first of those with the same distance in a stratum.
fn tie(tie_start: &mut [u32], distance: &[f64], strata: &[(u32, u32)]) {
    for &(first, last) in strata {
        let mut start = first;
        for position in first..=last {
            let at = position as usize;
            // Of finite values; both zeros are one.
            if position > first && distance[at - 1] < distance[at] {
                start = position;
            }
            tie_start[at] = start;
        }
    }
}

/// Follows links to the end and halves the path.
fn halve(links: &mut [u32], from: u32) -> u32 {
    let mut at = from;
    loop {
        let next = links[at as usize];
        if next == at {
            return at;
        }
        let after = links[next as usize];
        links[at as usize] = after;
        at = after;
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
