//! Comparators in a k-d tree: the nearest in several dimensions, as they are taken out.
//!
//! Bentley (1975), <https://doi.org/10.1145/361002.361007>. Each node knows the box its points lie
//! in and how many are left. The distance to a box is computed in the steps of the distance to a
//! point, so that rounding never makes it larger than that to a point inside.

use utfall_stats::Matrix;

/// Points per leaf: below this, looking at each is faster than to divide.
const N_IN_LEAF: usize = 8;

/// Points in boxes, of which some may be gone.
pub(crate) struct Tree {
    n_dimensions: usize,
    /// Coordinates, point after point, in the order of the tree.
    coordinates: Vec<f64>,
    /// The unit at each place of the tree.
    units: Vec<u32>,
    is_gone: Vec<bool>,
    /// The score of each place, where there is one.
    scores: Vec<f64>,
    nodes: Vec<Node>,
}

struct Node {
    /// Places from and to.
    places: (u32, u32),
    /// The second half; the first follows its parent. Zero for a leaf.
    second: u32,
    n_left: u32,
    low: Vec<f64>,
    high: Vec<f64>,
    scores: (f64, f64),
}

/// Where a search starts from, and how far it may go.
pub(crate) struct From<'a> {
    pub(crate) coordinates: &'a [f64],
    /// A score and the largest difference from it, both ends within.
    pub(crate) score: Option<(f64, f64)>,
    /// Whether a unit may be found.
    pub(crate) allows: &'a dyn Fn(u32) -> bool,
    /// Who is chosen among the equally near: whether the first unit goes before the second.
    pub(crate) goes_before: &'a dyn Fn(u32, u32) -> bool,
}

/// The nearest point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Nearest {
    /// Its place in the tree.
    pub(crate) place: u32,
    pub(crate) squared_distance: f64,
    /// Whether another lies equally near.
    pub(crate) is_tied: bool,
}

impl Tree {
    /// A tree of these units: rows of `coordinates`, with their `scores` if a search goes by them.
    pub(crate) fn new(mut units: Vec<u32>, coordinates: &Matrix, scores: Option<&[f64]>) -> Self {
        let mut nodes = Vec::new();
        divide(&mut units, 0, coordinates, scores, &mut nodes);
        let n_dimensions = coordinates.n_columns();
        let rows = units.iter().flat_map(|&unit| {
            (0..n_dimensions).map(move |column| coordinates.get(unit as usize, column))
        });
        Self {
            n_dimensions,
            coordinates: rows.collect(),
            scores: scores.map_or(Vec::new(), |scores| {
                units.iter().map(|&unit| scores[unit as usize]).collect()
            }),
            is_gone: vec![false; units.len()],
            units,
            nodes,
        }
    }

    /// The unit at a place.
    pub(crate) fn unit(&self, place: u32) -> u32 {
        self.units[place as usize]
    }

    /// Takes the point at a place out.
    pub(crate) fn remove(&mut self, place: u32) {
        self.is_gone[place as usize] = true;
        let mut at = 0;
        loop {
            let node = &mut self.nodes[at];
            node.n_left -= 1;
            if node.second == 0 {
                return;
            }
            let second = node.second as usize;
            at = if place < self.nodes[second].places.0 {
                at + 1
            } else {
                second
            };
        }
    }

    /// The nearest point that is left and not among `taken`; of equally near ones the one that
    /// goes before.
    pub(crate) fn nearest(&self, from: &From<'_>, taken: &[u32]) -> Option<Nearest> {
        let mut best = None;
        if !self.nodes.is_empty() {
            self.search(0, from, taken, &mut best);
        }
        best
    }

    fn search(&self, at: usize, from: &From<'_>, taken: &[u32], best: &mut Option<Nearest>) {
        let node = &self.nodes[at];
        if node.second == 0 {
            for place in node.places.0..node.places.1 {
                self.consider(place, from, taken, best);
            }
            return;
        }
        let halves = [at + 1, node.second as usize].map(|half| (self.bound(half, from), half));
        let [first, second] = if halves[1].0 < halves[0].0 {
            [halves[1], halves[0]]
        } else {
            halves
        };
        for (bound, half) in [first, second] {
            let limit = best.map_or(f64::INFINITY, |best| best.squared_distance);
            if bound.is_finite() && bound <= limit {
                self.search(half, from, taken, best);
            }
        }
    }

    fn consider(&self, place: u32, from: &From<'_>, taken: &[u32], best: &mut Option<Nearest>) {
        let at = place as usize;
        let is_beyond = |(score, width): (f64, f64)| (self.scores[at] - score).abs() > width;
        if self.is_gone[at] || taken.contains(&place) || from.score.is_some_and(is_beyond) {
            return;
        }
        let row = &self.coordinates[at * self.n_dimensions..(at + 1) * self.n_dimensions];
        let apart = row.iter().zip(from.coordinates);
        let squared_distance = apart.fold(0.0, |sum, (a, b)| sum + (a - b) * (a - b));
        let found = |is_tied, place| Nearest {
            place,
            squared_distance,
            is_tied,
        };
        if best.is_some_and(|best| best.squared_distance < squared_distance)
            || !(from.allows)(self.unit(place))
        {
            return;
        }
        match best {
            Some(before) if before.squared_distance <= squared_distance => {
                let goes_before = (from.goes_before)(self.unit(place), self.unit(before.place));
                *before = found(true, if goes_before { place } else { before.place });
            }
            _ => *best = Some(found(false, place)),
        }
    }

    /// The squared distance to a node's box; infinite if nobody there is left or near in score.
    fn bound(&self, node: usize, from: &From<'_>) -> f64 {
        let node = &self.nodes[node];
        let is_beyond = |(score, width): (f64, f64)| {
            score - node.scores.1 > width || node.scores.0 - score > width
        };
        if node.n_left == 0 || from.score.is_some_and(is_beyond) {
            return f64::INFINITY;
        }
        let sides = node.low.iter().zip(&node.high).zip(from.coordinates);
        sides.fold(0.0, |sum, ((&low, &high), &at)| {
            let outside = (low - at).max(at - high).max(0.0);
            sum + outside * outside
        })
    }
}

/// Divides units in two halves along the widest side of their box, and so on.
fn divide(
    units: &mut [u32],
    start: u32,
    coordinates: &Matrix,
    scores: Option<&[f64]>,
    nodes: &mut Vec<Node>,
) {
    if units.is_empty() {
        return;
    }
    let range = |values: &[f64]| {
        units
            .iter()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &unit| {
                (
                    low.min(values[unit as usize]),
                    high.max(values[unit as usize]),
                )
            })
    };
    let (low, high): (Vec<f64>, Vec<f64>) = coordinates.columns().map(range).unzip();
    let mut widest = 0;
    for side in 1..low.len() {
        if high[side] - low[side] > high[widest] - low[widest] {
            widest = side;
        }
    }
    let n = count(units.len());
    let here = nodes.len();
    nodes.push(Node {
        places: (start, start + n),
        second: 0,
        n_left: n,
        low,
        high,
        scores: scores.map_or((0.0, 0.0), range),
    });
    if units.len() <= N_IN_LEAF {
        return;
    }
    let along = coordinates.column(widest);
    let middle = units.len() / 2;
    units.select_nth_unstable_by(middle, |&a, &b| {
        along[a as usize]
            .total_cmp(&along[b as usize])
            .then(a.cmp(&b))
    });
    let (first, second) = units.split_at_mut(middle);
    divide(first, start, coordinates, scores, nodes);
    nodes[here].second = count(nodes.len());
    divide(second, start + count(middle), coordinates, scores, nodes);
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "there are fewer than 2^32 - 2 units"
)]
fn count(n: usize) -> u32 {
    n as u32
}
