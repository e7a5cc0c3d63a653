//! Greedy nearest-neighbour matching on one distance.

use crate::greedy::{self, Choice, Supply};
use crate::line::{Line, Place};
use crate::nearness::{Nearness, Pairs};
use crate::taken::Taken;
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
    let score = |rank: usize| distance[search.focal[rank]];
    match greedy::sequence(spec.order, search.places.len(), score) {
        Some(choosing) => greedy::in_sequence(&mut search, choosing, &quotas),
        None => greedy::closest_first(&mut search, &quotas),
    }
    if search.taken.is_empty() {
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
    taken: Taken,
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
        let taken = Taken::new(places.len());
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

    fn finish(self, treated: &[bool]) -> Matched {
        let unit = |position: u32| self.line.unit(position) as usize;
        let sets = (0..self.focal.len()).map(|rank| self.taken.of(rank).map(unit));
        Matched::new(treated, sets, self.pairs.width, self.n_tied)
    }
}

impl Supply for Search<'_> {
    fn n_focal(&self) -> usize {
        self.places.len()
    }

    /// The nearest comparator this unit may still take.
    fn choose(&mut self, rank: usize) -> Option<Choice> {
        let (place, unit) = (self.places[rank], self.focal[rank]);
        let (within, taken) = (self.pairs.within, || self.taken.of(rank));
        // What can be taken once is out of the line.
        let is_there_yet = self.spec.reuse != Reuse::Forbid;
        match self.spec.ties {
            Ties::LowestId => {
                let may_take = |position: u32, other: u32| {
                    let is_taken = is_there_yet && taken().any(|before| before == position);
                    !is_taken && within.allows(unit, other as usize)
                };
                self.line.lowest_id(place, self.caliper_width, &may_take)
            }
            Ties::OutwardWalk => {
                // The walk starts outside what the unit and its earlier comparators span.
                let spanned = || taken().chain([place.position]);
                let span = (
                    spanned().min().unwrap_or(place.position),
                    spanned().max().unwrap_or(place.position),
                );
                let may_take = |_: u32, other: u32| within.allows(unit, other as usize);
                self.line
                    .by_walk(place, span, self.caliper_width, &may_take)
            }
        }
    }

    fn take(&mut self, rank: usize, choice: &Choice) {
        self.taken.push(rank, choice.position);
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
