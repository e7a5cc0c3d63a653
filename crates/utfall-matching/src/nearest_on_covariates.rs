//! Greedy nearest-neighbour matching on several covariates, with or without a score.

use std::collections::BTreeMap;

use utfall_stats::Matrix;

use crate::greedy::{self, Choice, Supply};
use crate::nearness::{Nearness, Pairs};
use crate::tree::{From, Tree};
use crate::{Matched, MatchingError, NearestSpec, Order, Reuse, Ties, Within};

/// Matches each treated unit to the comparators nearest in the plain distance of `coordinates`.
///
/// As [`nearest`](crate::nearest), except that units are near each other on covariates; take the
/// coordinates from [`coordinates`](crate::coordinates). With a `score`, the caliper and who
/// chooses first go by the score, as in Mahalanobis matching within propensity calipers. Without
/// one, a `raw` caliper is a width of the distance, and units choose in the order of their index or
/// the closest pair first.
///
/// Among the equally near, [`Ties::OutwardWalk`] here chooses the last that is met when walking
/// outwards, one step down and one step up in turn, among the units of the stratum sorted by (first
/// coordinate, index): so MatchIt 4.7 on covariates.
///
/// Comparators of each stratum lie in a k-d tree, so that a choice costs far less than a look at
/// everybody as long as dimensions are few.
///
/// # Shapes and units
///
/// - `coordinates`: one row for each unit of both arms, at least one column.
/// - `score`: where given, one for each unit.
/// - `treated`: one value for each unit.
/// - `within`: strata, one value for each unit, and rules beside them.
///
/// # Errors
///
/// - [`MatchingError::LengthMismatch`], [`MatchingError::CovariateNotFinite`],
///   [`MatchingError::DistanceNotFinite`] (of the score), [`MatchingError::EmptyArm`],
///   [`MatchingError::NoCovariates`], [`MatchingError::TooManyUnits`] for input that is none.
/// - [`MatchingError::NeedsScore`] for an order, a caliper or a variable ratio that goes by a score
///   there is not, and [`MatchingError::RatioOutside`] for a ratio outside its own limits.
/// - [`MatchingError::NoSharedStratum`], [`MatchingError::NobodyWithinCaliper`],
///   [`MatchingError::NobodyAllowed`] if no treated unit finds a comparator.
///
/// # Reference
///
/// Rosenbaum & Rubin (1985), *The American Statistician* 39(1),
/// <https://doi.org/10.1080/00031305.1985.10479383>.
pub fn nearest_on_covariates<'a>(
    spec: &NearestSpec,
    coordinates: &'a Matrix,
    score: Option<&'a [f64]>,
    treated: &[bool],
    within: impl Into<Within<'a>>,
) -> Result<Matched, MatchingError> {
    let nearness = Nearness::Covariates { coordinates, score };
    let pairs = Pairs::new(nearness, spec.caliper, treated, within.into())?;
    if score.is_none() && matches!(spec.order, Order::Largest | Order::Smallest) {
        return Err(MatchingError::NeedsScore { what: "the order" });
    }
    let quotas = spec.quotas(treated, score)?;
    let mut search = Search::new(spec, coordinates, score, treated, &pairs);
    let score_of = |rank: usize| score.map_or(0.0, |score| score[search.focal[rank]]);
    match greedy::sequence(spec.order, search.focal.len(), score_of) {
        Some(sequence) => greedy::in_sequence(&mut search, sequence, &quotas),
        None => greedy::closest_first(&mut search, &quotas),
    }
    if search.taken.iter().all(Vec::is_empty) {
        return Err(pairs.nobody(treated));
    }
    Ok(search.finish(treated))
}

/// The state of a matching under way.
struct Search<'a> {
    spec: &'a NearestSpec,
    pairs: &'a Pairs<'a>,
    coordinates: &'a Matrix,
    score: Option<&'a [f64]>,
    /// The treated, in the order of their index.
    focal: Vec<usize>,
    /// The tree of each treated unit's stratum; `None` where it holds no comparator.
    tree_of: Vec<Option<usize>>,
    trees: Vec<Tree>,
    /// Places of the comparators of each treated unit so far, in the tree of its stratum.
    taken: Vec<Vec<u32>>,
    /// The place of each unit along the first coordinate of its stratum, where ties go by it.
    line: Vec<u32>,
    /// How often each unit has served.
    uses: Vec<u32>,
    n_tied: usize,
}

impl<'a> Search<'a> {
    fn new(
        spec: &'a NearestSpec,
        coordinates: &'a Matrix,
        score: Option<&'a [f64]>,
        treated: &[bool],
        pairs: &'a Pairs<'a>,
    ) -> Self {
        let stratum = |unit: usize| pairs.within.stratum(unit);
        let mut comparators: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for (unit, index) in (0..treated.len()).zip(0_u32..) {
            if !treated[unit] {
                comparators.entry(stratum(unit)).or_default().push(index);
            }
        }
        let place: BTreeMap<u32, usize> = comparators.keys().copied().zip(0..).collect();
        let focal: Vec<usize> = (0..treated.len()).filter(|&unit| treated[unit]).collect();
        let trees = comparators
            .into_values()
            .map(|units| Tree::new(units, coordinates, score));
        Self {
            spec,
            pairs,
            coordinates,
            score,
            tree_of: focal
                .iter()
                .map(|&unit| place.get(&stratum(unit)).copied())
                .collect(),
            trees: trees.collect(),
            taken: vec![Vec::new(); focal.len()],
            line: match spec.ties {
                Ties::LowestId => Vec::new(),
                Ties::OutwardWalk => line(coordinates.column(0), pairs.within.strata),
            },
            uses: vec![0; treated.len()],
            focal,
            n_tied: 0,
        }
    }

    fn finish(self, treated: &[bool]) -> Matched {
        let units = |(taken, tree): (&Vec<u32>, &Option<usize>)| -> Vec<usize> {
            let tree = tree.map(|tree| &self.trees[tree]);
            let unit = |&place: &u32| tree.map(|tree| tree.unit(place) as usize);
            taken.iter().filter_map(unit).collect()
        };
        let sets = self.taken.iter().zip(&self.tree_of).map(units);
        Matched::new(treated, sets, self.pairs.width, self.n_tied)
    }
}

/// The place of each unit among all, sorted by (stratum, value, index).
fn line(values: &[f64], strata: Option<&[u32]>) -> Vec<u32> {
    let stratum = |unit: usize| strata.map_or(0, |strata| strata[unit]);
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| {
        let by_value = values[a].total_cmp(&values[b]);
        stratum(a).cmp(&stratum(b)).then(by_value).then(a.cmp(&b))
    });
    let mut places = vec![0; values.len()];
    for (unit, place) in order.into_iter().zip(0..) {
        places[unit] = place;
    }
    places
}

impl Supply for Search<'_> {
    fn n_focal(&self) -> usize {
        self.focal.len()
    }

    fn choose(&mut self, rank: usize) -> Option<Choice> {
        let unit = self.focal[rank];
        let columns = self.coordinates.columns();
        let coordinates: Vec<f64> = columns.map(|column| column[unit]).collect();
        let width = self.pairs.width.unwrap_or(f64::INFINITY);
        let allows = |other: u32| self.pairs.within.allows(unit, other as usize);
        let steps = |other: u32| {
            let (from, to) = (self.line[unit], self.line[other as usize]);
            (from.abs_diff(to), to > from)
        };
        let goes_before = |one: u32, other: u32| match self.spec.ties {
            Ties::LowestId => one < other,
            Ties::OutwardWalk => steps(one) > steps(other),
        };
        let from = From {
            goes_before: &goes_before,
            allows: &allows,
            coordinates: &coordinates,
            score: self.score.map(|score| (score[unit], width)),
        };
        let found = self.trees[self.tree_of[rank]?].nearest(&from, &self.taken[rank])?;
        let distance = found.squared_distance.sqrt();
        (self.score.is_some() || distance <= width).then_some(Choice {
            position: found.place,
            distance,
            is_tied: found.is_tied,
        })
    }

    fn take(&mut self, rank: usize, choice: &Choice) {
        let Some(tree) = self.tree_of[rank].map(|tree| &mut self.trees[tree]) else {
            return;
        };
        self.taken[rank].push(choice.position);
        self.n_tied += usize::from(choice.is_tied);
        let uses = &mut self.uses[tree.unit(choice.position) as usize];
        *uses += 1;
        let is_spent = match self.spec.reuse {
            Reuse::Forbid => true,
            Reuse::Allow => false,
            Reuse::AtMost(most) => *uses >= most.get(),
        };
        if is_spent {
            tree.remove(choice.position);
        }
    }
}
