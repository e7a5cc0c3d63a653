//! Greedy nearest-neighbour matching on one distance.

use crate::greedy::{self, Choice, Supply};
use crate::line::{Line, Place};
use crate::nearness::{Nearness, Pairs};
use crate::{Matched, MatchingError, NearestSpec, Reuse, Ties, Within};

/// Matches each treated unit to the comparators nearest on `distance`.
///
/// Treated units choose one comparator each, in the order the specification names, then a second
/// each, up to `ratio`. A unit that finds no free comparator within the caliper and its stratum is
/// out. What a unit gets cannot be improved later: the matching is greedy, not optimal.
///
/// Treated units that find nobody are listed in the result, and turn its estimand from the ATT into
/// the effect over the matched treated. Fewer comparators than treated units is no error.
///
/// Choices among equally near comparators follow [`Ties`] and are counted. Sorting costs
/// `n log n`; each choice then costs next to nothing, however many comparators are gone.
///
/// # Shapes and units
///
/// - `distance`: one score for each unit of both arms, a propensity score or its logit; two units
///   are as far apart as their scores differ.
/// - `treated`: one value for each unit.
/// - `within`: strata, one value for each unit, and rules beside them. A rule makes a search pass
///   over those it does not allow.
///
/// # Errors
///
/// - [`MatchingError::LengthMismatch`], [`MatchingError::DistanceNotFinite`],
///   [`MatchingError::EmptyArm`], [`MatchingError::TooManyUnits`] for input that is none.
/// - [`MatchingError::RatioOutside`] for a ratio outside its own limits.
/// - [`MatchingError::NoSharedStratum`], [`MatchingError::NobodyWithinCaliper`],
///   [`MatchingError::NobodyAllowed`] if no treated unit finds a comparator.
///
/// # Reference
///
/// Stuart (2010), *Statistical Science* 25(1), section 3, <https://doi.org/10.1214/09-STS313>.
pub fn nearest<'a>(
    spec: &NearestSpec,
    distance: &'a [f64],
    treated: &[bool],
    within: impl Into<Within<'a>>,
) -> Result<Matched, MatchingError> {
    let nearness = Nearness::Score(distance);
    let pairs = Pairs::new(nearness, spec.caliper, treated, within.into())?;
    let quotas = spec.quotas(treated, Some(distance))?;
    let mut search = Search::new(spec, distance, treated, &pairs);
    let score = |rank: usize| search.line.distance(search.places[rank].position);
    match greedy::sequence(spec.order, search.places.len(), score) {
        Some(choosing) => greedy::in_sequence(&mut search, choosing, &quotas),
        None => greedy::closest_first(&mut search, &quotas),
    }
    if search.taken.iter().all(Vec::is_empty) {
        return Err(pairs.nobody(treated));
    }
    Ok(search.finish(treated))
}

/// The state of a matching under way. Treated units go by their rank among the treated.
struct Search<'a> {
    spec: &'a NearestSpec,
    pairs: &'a Pairs<'a>,
    line: Line,
    places: Vec<Place>,
    /// The treated, by rank.
    focal: Vec<usize>,
    /// Positions of the comparators of each treated unit so far.
    taken: Vec<Vec<u32>>,
    /// How often the comparator at each position may still serve; empty where it is not counted.
    left_over: Vec<u32>,
    caliper_width: f64,
    n_tied: usize,
}

impl<'a> Search<'a> {
    fn new(
        spec: &'a NearestSpec,
        distance: &[f64],
        treated: &[bool],
        pairs: &'a Pairs<'a>,
    ) -> Self {
        let (line, places) = Line::new(distance, treated, pairs.within.strata);
        let left_over = match spec.reuse {
            Reuse::AtMost(n) => vec![n.get(); line.n_positions()],
            Reuse::Forbid | Reuse::Allow => Vec::new(),
        };
        let taken = vec![Vec::new(); places.len()];
        Self {
            spec,
            pairs,
            line,
            places,
            focal: (0..treated.len()).filter(|&unit| treated[unit]).collect(),
            taken,
            left_over,
            caliper_width: pairs.width.unwrap_or(f64::INFINITY),
            n_tied: 0,
        }
    }

    fn choose_lowest_id(&mut self, rank: usize) -> Option<Choice> {
        let Place { position, stratum } = self.places[rank];
        let taken = std::mem::take(&mut self.taken[rank]);
        let (within, unit) = (self.pairs.within, self.focal[rank]);
        let may_take = |position: u32, other: u32| {
            !taken.contains(&position) && within.allows(unit, other as usize)
        };
        let below = self.line.free_left(position - 1, stratum, &may_take);
        // The last of a tie is met first from above; its first free member has the lowest index.
        let lowest = below.and_then(|last| {
            let start = self.line.tie_start(last);
            self.line
                .free_right(start, stratum, &may_take)
                .map(|first| (first, first != last))
        });
        let above = self.line.free_right(position + 1, stratum, &may_take);
        let lowest_above = above.map(|first| {
            let next = self.line.free_right(first + 1, stratum, &may_take);
            (
                first,
                next.is_some_and(|next| self.is_same_score(first, next)),
            )
        });
        self.taken[rank] = taken;
        let below = lowest.and_then(|found| self.within_caliper(position, found));
        let above = lowest_above.and_then(|found| self.within_caliper(position, found));
        self.nearer(below, above, |below, above| {
            self.line.unit(below) < self.line.unit(above)
        })
    }

    fn choose_by_walk(&mut self, rank: usize) -> Option<Choice> {
        let Place { position, stratum } = self.places[rank];
        let (within, unit) = (self.pairs.within, self.focal[rank]);
        let may_take = |_: u32, other: u32| within.allows(unit, other as usize);
        // The walk starts outside what the unit and its earlier comparators span.
        let first = self.taken[rank]
            .iter()
            .fold(position, |first, &taken| first.min(taken));
        let last = self.taken[rank]
            .iter()
            .fold(position, |last, &taken| last.max(taken));
        let below = self
            .line
            .free_left(first - 1, stratum, &may_take)
            .map(|met| {
                let next = self.line.free_left(met - 1, stratum, &may_take);
                (met, next.is_some_and(|next| self.is_same_score(next, met)))
            });
        let above = self
            .line
            .free_right(last + 1, stratum, &may_take)
            .map(|met| {
                let next = self.line.free_right(met + 1, stratum, &may_take);
                (met, next.is_some_and(|next| self.is_same_score(met, next)))
            });
        let below = below.and_then(|found| self.within_caliper(position, found));
        let above = above.and_then(|found| self.within_caliper(position, found));
        self.nearer(below, above, |below, above| first - below <= above - last)
    }

    fn is_same_score(&self, a: u32, b: u32) -> bool {
        self.line.tie_start(a) == self.line.tie_start(b)
    }

    fn within_caliper(&self, from: u32, (position, is_tied): (u32, bool)) -> Option<Choice> {
        let distance = (self.line.distance(from) - self.line.distance(position)).abs();
        (distance <= self.caliper_width).then_some(Choice {
            position,
            distance,
            is_tied,
        })
    }

    /// The nearer of a choice on either side; `prefers_below` decides where they are equally near.
    fn nearer(
        &self,
        below: Option<Choice>,
        above: Option<Choice>,
        prefers_below: impl Fn(u32, u32) -> bool,
    ) -> Option<Choice> {
        let (Some(below), Some(above)) = (&below, &above) else {
            return below.or(above);
        };
        let (choice, is_tied) = match below.distance.total_cmp(&above.distance) {
            std::cmp::Ordering::Less => (below, below.is_tied),
            std::cmp::Ordering::Greater => (above, above.is_tied),
            std::cmp::Ordering::Equal if prefers_below(below.position, above.position) => {
                (below, true)
            }
            std::cmp::Ordering::Equal => (above, true),
        };
        Some(Choice {
            position: choice.position,
            distance: choice.distance,
            is_tied,
        })
    }

    fn finish(self, treated: &[bool]) -> Matched {
        let units = |taken: &Vec<u32>| {
            taken
                .iter()
                .map(|&position| self.line.unit(position) as usize)
                .collect()
        };
        let sets = self.taken.iter().map(units).collect();
        Matched::new(treated, sets, self.pairs.width, self.n_tied)
    }
}

impl Supply for Search<'_> {
    fn n_focal(&self) -> usize {
        self.places.len()
    }

    /// The nearest comparator this unit may still take.
    fn choose(&mut self, rank: usize) -> Option<Choice> {
        match self.spec.ties {
            Ties::LowestId => self.choose_lowest_id(rank),
            Ties::OutwardWalk => self.choose_by_walk(rank),
        }
    }

    fn take(&mut self, rank: usize, choice: &Choice) {
        self.taken[rank].push(choice.position);
        self.n_tied += usize::from(choice.is_tied);
        let is_spent = match self.spec.reuse {
            Reuse::Forbid => true,
            Reuse::Allow => false,
            Reuse::AtMost(_) => {
                let left_over = &mut self.left_over[choice.position as usize];
                *left_over -= 1;
                *left_over == 0
            }
        };
        if is_spent {
            self.line.remove(choice.position);
        }
    }
}
