//! All units in a line, sorted by distance, and the nearest free comparator on either side.
//!
//! Positions run from 1 to `n`, stratum after stratum; 0 and `n + 1` lie beyond the ends. Each
//! position knows a position at or beyond which the next free comparator lies, to the left and to
//! the right. Taking a comparator joins its position to the next, and every search shortens the
//! path it walked (union-find with path halving), so a search costs next to nothing however many
//! comparators are gone.

use crate::order::{ordered, rising};

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
        let of_stratum = |unit: u32| strata.map_or(0, |strata| strata[unit as usize]);
        let n = order.len();
        let mut line = Self {
            distance: vec![0.0; n + 2],
            unit: vec![0; n + 2],
            left: vec![0; n + 2],
            right: vec![index(n + 1); n + 2],
            tie_start: vec![0; n + 2],
        };
        let mut places = Vec::new();
        let mut stratum_start = 1;
        let mut previous: Option<u32> = None;
        for (before, &unit) in order.iter().enumerate() {
            let position = before + 1;
            line.unit[position] = unit;
            line.distance[position] = distance[unit as usize];
            let is_first = previous.is_none_or(|other| of_stratum(other) != of_stratum(unit));
            if is_first {
                stratum_start = position;
            }
            let tied =
                !is_first && ordered(line.distance[before]) == ordered(line.distance[position]);
            previous = Some(unit);
            line.tie_start[position] = if tied {
                line.tie_start[before]
            } else {
                index(position)
            };
            if treated[unit as usize] {
                line.left[position] = line.left[before];
                places.push((unit, index(position), index(stratum_start)));
            } else {
                line.left[position] = index(position);
            }
        }
        let places = line.finish(&order, of_stratum, treated, places);
        (line, places)
    }

    /// Links to the right, and the ends of strata.
    fn finish(
        &mut self,
        order: &[u32],
        of_stratum: impl Fn(u32) -> u32,
        treated: &[bool],
        places: Vec<(u32, u32, u32)>,
    ) -> Vec<Place> {
        let mut ends = vec![0; places.len()];
        let mut place = places.len();
        let mut stratum_end = order.len();
        for position in (1..=order.len()).rev() {
            let is_last = position == order.len()
                || of_stratum(order[position]) != of_stratum(order[position - 1]);
            if is_last {
                stratum_end = position;
            }
            if treated[self.unit[position] as usize] {
                self.right[position] = self.right[position + 1];
                place -= 1;
                ends[place] = index(stratum_end);
            } else {
                self.right[position] = index(position);
            }
        }
        let with_ends = places.into_iter().zip(ends);
        let mut by_unit: Vec<(u32, Place)> = with_ends
            .map(|((unit, position, start), end)| {
                (
                    unit,
                    Place {
                        position,
                        stratum: (start, end),
                    },
                )
            })
            .collect();
        by_unit.sort_unstable_by_key(|&(unit, _)| unit);
        by_unit.into_iter().map(|(_, place)| place).collect()
    }

    /// The place of every unit, in the order of their index.
    pub(crate) fn places(&self, stratum: impl Fn(u32) -> u32) -> Vec<Place> {
        let n = self.unit.len() - 2;
        let nowhere = Place {
            position: 0,
            stratum: (0, 0),
        };
        let mut places = vec![nowhere; n];
        let mut start = 1;
        while start <= n {
            let of_stratum = stratum(self.unit[start]);
            let mut end = start;
            while end < n && stratum(self.unit[end + 1]) == of_stratum {
                end += 1;
            }
            for position in start..=end {
                places[self.unit[position] as usize] = Place {
                    position: index(position),
                    stratum: (index(start), index(end)),
                };
            }
            start = end + 1;
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
