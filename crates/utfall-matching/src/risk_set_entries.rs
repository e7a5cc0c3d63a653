//! Risk sets where persons are seen anew on every index date, with their covariates as they stand then.

use std::collections::BTreeMap;

use crate::error::check_length;
use crate::line::{Line, Place};
use crate::nearness::{Nearness, Pairs};
use crate::risk_set::rounds;
use crate::{LaterTreated, Matched, MatchingError, RiskSetReuse, RiskSetSpec, Within};

/// Rows that are each a person on an index date: one value for each row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entries {
    /// The number of the person.
    pub person: Vec<u32>,
    /// The index date.
    pub day: Vec<i64>,
}

/// Matches each treated row to the nearest rows of the same index date: persons at risk then, by
/// what was known of them then.
///
/// Index dates are taken in turn. Within one the treated rows in the order of their index choose one
/// comparator each, then a second, up to the ratio; of the equally near the lowest index is chosen.
/// What was chosen on earlier dates binds later ones, as [`RiskSetReuse`] says. Nobody serves on or
/// after the day on which it is treated itself.
///
/// [`risk_sets`](crate::risk_sets) does the same with one score for each person over all time, where
/// there need be no row for each date.
///
/// Sorting costs `n log n` in rows; each choice then costs next to nothing.
///
/// # Shapes and units
///
/// - `score`, `treated`, `entries`, `within`: one value for each row.
/// - The score is that of the row. A caliper in standard deviations is of the scores of all rows.
///
/// # Errors
///
/// - [`MatchingError::LengthMismatch`], [`MatchingError::DistanceNotFinite`],
///   [`MatchingError::EmptyArm`], [`MatchingError::TooManyUnits`] for input that is none.
/// - [`MatchingError::EntersTwice`] for a second row of a person on one day, or a second treated one.
/// - [`MatchingError::NobodyAtRisk`] if no treated row finds anybody.
///
/// # References
///
/// Li, Propert & Rosenbaum (2001), <https://doi.org/10.1198/016214501753208573>; Lu (2005), with
/// covariates that change over time, <https://doi.org/10.1111/j.1541-0420.2005.00356.x>.
pub fn risk_sets_of_entries<'a>(
    spec: &RiskSetSpec,
    score: &'a [f64],
    treated: &[bool],
    entries: &Entries,
    within: impl Into<Within<'a>>,
) -> Result<Matched, MatchingError> {
    let n_rows = treated.len();
    check_length("persons", entries.person.len(), n_rows)?;
    check_length("index dates", entries.day.len(), n_rows)?;
    let within = within.into();
    within.check(n_rows)?;
    let strata = entries.strata(within.strata);
    let of_day = Within {
        strata: Some(&strata),
        rules: within.rules,
    };
    let pairs = Pairs::new(Nearness::Score(score), spec.caliper, treated, of_day)?;
    let people = People::new(treated, entries)?;
    let mut search = Search::new(spec, score, treated, &pairs, &people, entries);
    let seeking: Vec<usize> = (0..n_rows).filter(|&row| treated[row]).collect();
    let mut sets: Vec<Vec<usize>> = vec![Vec::new(); seeking.len()];
    let mut order: Vec<usize> = (0..seeking.len()).collect();
    order.sort_by_key(|&place| entries.day[seeking[place]]);
    let day_of = |place: usize| entries.day[seeking[place]];
    for day in order.chunk_by(|&a, &b| day_of(a) == day_of(b)) {
        rounds(spec.ratio, day, |place| {
            search.choose(seeking[place], &mut sets[place])
        });
    }
    if sets.iter().all(Vec::is_empty) {
        let n_treated = seeking.len();
        return Err(MatchingError::NobodyAtRisk { n_treated });
    }
    Ok(Matched::new(treated, sets, pairs.width, search.n_tied))
}

impl Entries {
    /// A number for each row that rows share if they are of one index date and of one stratum.
    #[must_use]
    pub fn strata(&self, strata: Option<&[u32]>) -> Vec<u32> {
        let mut known: BTreeMap<(i64, u32), u32> = BTreeMap::new();
        let keys = self.day.iter().enumerate();
        let keys = keys.map(|(row, &day)| (day, strata.map_or(0, |strata| strata[row])));
        keys.map(|key| {
            let next = u32::try_from(known.len()).unwrap_or(u32::MAX);
            *known.entry(key).or_insert(next)
        })
        .collect()
    }
}

/// The rows of each person, by day, and when it is treated.
struct People {
    /// The person of each row, from 0 on.
    of_row: Vec<usize>,
    rows: Vec<Vec<usize>>,
    start: Vec<Option<i64>>,
}

impl People {
    fn new(treated: &[bool], entries: &Entries) -> Result<Self, MatchingError> {
        let key = |row: usize| (entries.person[row], entries.day[row]);
        let mut order: Vec<usize> = (0..treated.len()).collect();
        order.sort_by_key(|&row| key(row));
        if let Some(twice) = order.windows(2).find(|two| key(two[0]) == key(two[1])) {
            return Err(MatchingError::EntersTwice { unit: twice[1] });
        }
        let mut people = Self {
            of_row: vec![0; treated.len()],
            rows: Vec::new(),
            start: Vec::new(),
        };
        for rows in order.chunk_by(|&a, &b| entries.person[a] == entries.person[b]) {
            let mut starting = rows.iter().filter(|&&row| treated[row]);
            let first = starting.next();
            if let Some(&unit) = starting.next() {
                return Err(MatchingError::EntersTwice { unit });
            }
            let number = people.rows.len();
            rows.iter().for_each(|&row| people.of_row[row] = number);
            people.start.push(first.map(|&row| entries.day[row]));
            people.rows.push(rows.to_vec());
        }
        Ok(people)
    }
}

/// A matching under way.
struct Search<'a> {
    reuse: RiskSetReuse,
    pairs: &'a Pairs<'a>,
    people: &'a People,
    line: Line,
    places: Vec<Place>,
    n_tied: usize,
}

impl<'a> Search<'a> {
    fn new(
        spec: &RiskSetSpec,
        score: &[f64],
        treated: &[bool],
        pairs: &'a Pairs<'a>,
        people: &'a People,
        entries: &Entries,
    ) -> Self {
        let (mut line, _) = Line::new(score, treated, pairs.within.strata);
        let places = line.places(pairs.within.strata, |_| true);
        for (row, place) in places.iter().enumerate() {
            let start = people.start[people.of_row[row]];
            let may_serve = start.is_none_or(|start| {
                spec.later_treated == LaterTreated::Eligible && entries.day[row] < start
            });
            if !may_serve {
                line.remove(place.position);
            }
        }
        Self {
            reuse: spec.reuse,
            pairs,
            people,
            line,
            places,
            n_tied: 0,
        }
    }

    fn choose(&mut self, seeking: usize, set: &mut Vec<usize>) -> bool {
        let within = self.pairs.within;
        let may_take = |_: u32, other: u32| {
            let other = other as usize;
            !set.contains(&other) && within.allows(seeking, other)
        };
        let width = self.pairs.width.unwrap_or(f64::INFINITY);
        let Some(choice) = self.line.lowest_id(self.places[seeking], width, &may_take) else {
            return false;
        };
        let other = self.line.unit(choice.position) as usize;
        set.push(other);
        self.n_tied += usize::from(choice.is_tied);
        match self.reuse {
            RiskSetReuse::Allow => {}
            RiskSetReuse::OncePerIndexDate => self.line.remove(choice.position),
            RiskSetReuse::Once => {
                for &row in &self.people.rows[self.people.of_row[other]] {
                    self.line.remove(self.places[row].position);
                }
            }
        }
        true
    }
}
