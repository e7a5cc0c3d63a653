//! Risk-set matching: each treated person, on the day treatment starts, to persons who have not
//! started then.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};
use utfall_core::Arm;
use utfall_stats::moments;

use crate::line::Line;
use crate::nearness::{Nearness, Pairs};
use crate::{Caliper, MatchingError, Membership, Within};

/// Matching of persons who start treatment at different times.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RiskSetSpec {
    /// Comparators sought for each treated person.
    pub ratio: NonZeroU32,
    /// Widest distance at which two persons may be matched; none without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caliper: Option<Caliper>,
    /// How often a person may be a comparator.
    pub reuse: RiskSetReuse,
    /// Whether those who start treatment later may be comparators before.
    pub later_treated: LaterTreated,
}

/// How often a person may be a comparator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RiskSetReuse {
    /// Once in all.
    Once,
    /// Once on each index date.
    OncePerIndexDate,
    /// For any number of treated persons.
    Allow,
}

/// Whether those who start treatment later may be comparators before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LaterTreated {
    /// Everyone who has not started yet may: what a trial at that date would have found.
    Eligible,
    /// Only those who never start. It looks into the future: who stays untreated for long may differ
    /// from who could have been chosen then.
    Excluded,
}

/// When persons are under observation and when they start treatment, on one scale: days of the
/// calendar, or weeks since school began. One value for each person.
#[derive(Debug, Clone, Copy)]
pub struct Timeline<'a> {
    /// The index date of those who are treated, `None` for those who never are.
    pub start: &'a [Option<i64>],
    /// From when on each may be a comparator; always, without it.
    pub from: Option<&'a [i64]>,
    /// Until when, that day excluded; for ever, without it.
    pub until: Option<&'a [i64]>,
}

/// A treated person and the comparators found on its index date, the nearest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RiskSet {
    /// The treated person.
    pub treated: usize,
    /// When the set begins for all of them.
    pub index_date: i64,
    /// The comparators; none where nobody was found.
    pub comparators: Vec<usize>,
}

/// Every treated person with those found for it. A person can be in several sets, also as a
/// comparator before and as treated later, so sets are compared and not persons.
#[derive(Debug, Clone, PartialEq)]
pub struct RiskSets {
    /// The sets by index date, and by person within it.
    pub sets: Vec<RiskSet>,
    /// Choices at which another person was equally near.
    pub n_tied: usize,
    /// The caliper in units of the distance.
    pub caliper_width: Option<f64>,
}

/// Matches each treated person to the nearest who are at risk on its index date: under observation,
/// and not treated then or before.
///
/// Index dates are taken in turn, and within one persons in the order of their index choose one
/// comparator each, then a second, up to the ratio. Of the equally near the lowest index is chosen.
/// Whoever starts later may be a comparator before, unless that is excluded, and is then matched in
/// turn.
///
/// Sorting costs `n log n`; each choice then costs next to nothing.
///
/// # Shapes
///
/// `score`, `timeline` and `within`: one value for each person. The score is one number for each
/// person over all time; give baseline values from before anybody's index date, or match in strata of
/// time.
///
/// # Errors
///
/// - [`MatchingError::LengthMismatch`], [`MatchingError::DistanceNotFinite`],
///   [`MatchingError::EmptyArm`] (nobody starts, or all do on one day), [`MatchingError::TooManyUnits`]
///   for input that is none.
/// - [`MatchingError::NobodyAtRisk`] if no treated person finds anybody.
///
/// # References
///
/// Li, Propert & Rosenbaum (2001), <https://doi.org/10.1198/016214501753208573>; Lu (2005),
/// <https://doi.org/10.1111/j.1541-0420.2005.00356.x>.
pub fn risk_sets<'a>(
    spec: &RiskSetSpec,
    score: &'a [f64],
    timeline: &Timeline<'_>,
    within: impl Into<Within<'a>>,
) -> Result<RiskSets, MatchingError> {
    let n_units = score.len();
    timeline.check(n_units)?;
    // Where everybody starts at some time, the last to start are at risk before.
    let last = timeline.start.iter().copied().flatten().max();
    let starts_last = |start: &Option<i64>| start.is_none() || *start == last;
    let mut ever: Vec<bool> = timeline.start.iter().map(Option::is_some).collect();
    if ever.iter().all(|is| *is) {
        ever = timeline
            .start
            .iter()
            .map(|start| !starts_last(start))
            .collect();
    }
    let pairs = Pairs::new(Nearness::Score(score), spec.caliper, &ever, within.into())?;
    let mut search = Search::new(spec, score, timeline, &pairs);
    let mut order: Vec<(i64, usize)> = (0..n_units)
        .filter_map(|unit| Some((timeline.start[unit]?, unit)))
        .collect();
    order.sort_unstable();
    let mut sets = Vec::with_capacity(order.len());
    for day in order.chunk_by(|a, b| a.0 == b.0) {
        search.begin(day[0].0);
        search.day(day, &mut sets);
    }
    if sets.iter().all(|set| set.comparators.is_empty()) {
        let n_treated = order.len();
        return Err(MatchingError::NobodyAtRisk { n_treated });
    }
    Ok(RiskSets {
        sets,
        n_tied: search.n_tied,
        caliper_width: pairs.width,
    })
}

impl Timeline<'_> {
    fn check(&self, n_units: usize) -> Result<(), MatchingError> {
        use crate::error::check_length;
        check_length("index dates", self.start.len(), n_units)?;
        check_length(
            "starts of observation",
            self.from.map_or(n_units, <[i64]>::len),
            n_units,
        )?;
        check_length(
            "ends of observation",
            self.until.map_or(n_units, <[i64]>::len),
            n_units,
        )?;
        if self.start.iter().all(Option::is_none) {
            let arm = Arm::Treated;
            return Err(MatchingError::EmptyArm { arm, n_units });
        }
        Ok(())
    }
}

/// A matching under way.
struct Search<'a> {
    spec: &'a RiskSetSpec,
    timeline: &'a Timeline<'a>,
    pairs: &'a Pairs<'a>,
    line: Line,
    places: Vec<crate::line::Place>,
    /// Persons by the first day on which they are no longer at risk, the earliest last.
    leaving: Vec<(i64, usize)>,
    /// The last index date on which each was a comparator.
    last_used: Vec<Option<i64>>,
    n_tied: usize,
}

impl<'a> Search<'a> {
    fn new(
        spec: &'a RiskSetSpec,
        score: &[f64],
        timeline: &'a Timeline<'a>,
        pairs: &'a Pairs<'a>,
    ) -> Self {
        let n_units = score.len();
        let (mut line, _) = Line::new(score, &vec![false; n_units], pairs.within.strata);
        let places = line.places(pairs.within.strata, |_| true);
        let mut leaving = Vec::new();
        for (unit, place) in places.iter().enumerate() {
            let start = timeline.start[unit];
            if start.is_some() && spec.later_treated == LaterTreated::Excluded {
                line.remove(place.position);
                continue;
            }
            let until = timeline.until.map(|until| until[unit]);
            let first = start.into_iter().chain(until).min();
            leaving.extend(first.map(|day| (day, unit)));
        }
        leaving.sort_unstable_by(|a, b| b.cmp(a));
        Self {
            spec,
            timeline,
            pairs,
            line,
            places,
            leaving,
            last_used: vec![None; n_units],
            n_tied: 0,
        }
    }

    /// Takes out those who are no longer at risk on this day.
    fn begin(&mut self, day: i64) {
        while let Some((_, unit)) = self.leaving.pop_if(|(leaves, _)| *leaves <= day) {
            self.line.remove(self.places[unit].position);
        }
    }

    /// Matches those who start on one day, round after round.
    fn day(&mut self, starting: &[(i64, usize)], sets: &mut Vec<RiskSet>) {
        let first = sets.len();
        sets.extend(starting.iter().map(|&(index_date, treated)| RiskSet {
            treated,
            index_date,
            comparators: Vec::new(),
        }));
        let choosing: Vec<usize> = (first..sets.len()).collect();
        rounds(self.spec.ratio, &choosing, |set| {
            self.choose(&mut sets[set])
        });
    }

    fn choose(&mut self, set: &mut RiskSet) -> bool {
        let (day, unit) = (set.index_date, set.treated);
        let (timeline, within, reuse) = (self.timeline, self.pairs.within, self.spec.reuse);
        let (last_used, taken) = (&self.last_used, &set.comparators);
        let may_take = |_: u32, other: u32| {
            let other = other as usize;
            let is_there = timeline.from.is_none_or(|from| from[other] <= day);
            let is_used = reuse == RiskSetReuse::OncePerIndexDate && last_used[other] == Some(day);
            is_there && !is_used && !taken.contains(&other) && within.allows(unit, other)
        };
        let width = self.pairs.width.unwrap_or(f64::INFINITY);
        let Some(choice) = self.line.lowest_id(self.places[unit], width, &may_take) else {
            return false;
        };
        let other = self.line.unit(choice.position) as usize;
        set.comparators.push(other);
        self.n_tied += usize::from(choice.is_tied);
        self.last_used[other] = Some(day);
        if reuse == RiskSetReuse::Once {
            self.line.remove(choice.position);
        }
        true
    }
}

/// Lets all of them choose once, then again, up to the ratio; whoever finds nobody is out.
pub(crate) fn rounds(ratio: NonZeroU32, choosing: &[usize], mut choose: impl FnMut(usize) -> bool) {
    let mut choosing = choosing.to_vec();
    for _ in 0..ratio.get() {
        choosing.retain(|&set| choose(set));
        if choosing.is_empty() {
            break;
        }
    }
}

impl RiskSets {
    /// One row for each person in each set that found anybody: the treated person with weight one,
    /// then its comparators with equal weights that add up to one.
    pub fn memberships(&self) -> impl Iterator<Item = Membership> {
        let found = self.sets.iter().filter(|set| !set.comparators.is_empty());
        found.enumerate().flat_map(|(number, set)| {
            let share = 1.0 / moments::count(set.comparators.len());
            let member = move |unit: usize, arm: Arm, weight: f64| Membership {
                unit,
                set: number,
                arm,
                weight,
            };
            let first = member(set.treated, Arm::Treated, 1.0);
            let others = set.comparators.iter();
            std::iter::once(first)
                .chain(others.map(move |&unit| member(unit, Arm::Comparator, share)))
        })
    }

    /// Treated persons who found nobody.
    #[must_use]
    pub fn n_unmatched(&self) -> usize {
        let alone = self.sets.iter().filter(|set| set.comparators.is_empty());
        alone.count()
    }
}
