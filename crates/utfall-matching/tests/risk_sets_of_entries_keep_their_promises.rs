//! Risk sets of persons seen anew on each index date are what a plain look at everybody at risk finds,
//! and those of one score for all time where nothing changes.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod support;

use std::num::NonZeroU32;

use proptest::prelude::*;
use utfall_core::Estimand;
use utfall_matching::{
    Entries, LaterTreated, Matched, MatchingError, RiskSetReuse, RiskSetSpec, Timeline,
    broken_promise, broken_risk_set, risk_sets, risk_sets_of_entries,
};

const N_DAYS: i64 = 4;

/// Persons followed over four days, on a grid of scores full of ties.
#[derive(Debug, Clone)]
struct Person {
    start: Option<i64>,
    stratum: u32,
    /// The score on each day; none where the person is not eligible on it.
    score: Vec<Option<u8>>,
}

/// The same as rows, a person on a day each.
struct Rows {
    entries: Entries,
    treated: Vec<bool>,
    score: Vec<f64>,
    strata: Vec<u32>,
}

fn persons() -> impl Strategy<Value = Vec<Person>> {
    let days = usize::try_from(N_DAYS).unwrap();
    let score = prop::collection::vec(prop::option::weighted(0.8, 0_u8..8), days);
    let start = prop::option::weighted(0.5, 0..N_DAYS);
    let person = (start, 0_u32..2, score).prop_map(|(start, stratum, score)| Person {
        start,
        stratum,
        score,
    });
    prop::collection::vec(person, 2..25)
}

/// Rows by day, and by person within it, up to the day on which each is treated.
fn rows(persons: &[Person]) -> Rows {
    let mut rows = Rows {
        entries: Entries {
            person: Vec::new(),
            day: Vec::new(),
        },
        treated: Vec::new(),
        score: Vec::new(),
        strata: Vec::new(),
    };
    for day in 0..N_DAYS {
        for (number, person) in (0..).zip(persons) {
            let score = person.score[usize::try_from(day).unwrap()];
            if let Some(score) = score.filter(|_| person.start.is_none_or(|start| start >= day)) {
                rows.entries.person.push(number);
                rows.entries.day.push(day);
                rows.treated.push(person.start == Some(day));
                rows.score.push(f64::from(score) * 0.25);
                rows.strata.push(person.stratum);
            }
        }
    }
    rows
}

/// The same matching by looking at every row each time.
fn plain_search(spec: &RiskSetSpec, rows: &Rows) -> Vec<(usize, Vec<usize>)> {
    let (person, day) = (&rows.entries.person, &rows.entries.day);
    let n = rows.treated.len();
    let start = |of: u32| (0..n).find(|&row| person[row] == of && rows.treated[row]);
    let mut served: Vec<usize> = Vec::new();
    let mut found = Vec::new();
    for today in 0..N_DAYS {
        let seeking = (0..n).filter(|&row| day[row] == today && rows.treated[row]);
        let mut sets: Vec<(usize, Vec<usize>)> = seeking.map(|row| (row, Vec::new())).collect();
        let mut is_out = vec![false; sets.len()];
        for _ in 0..spec.ratio.get() {
            for place in 0..sets.len() {
                let (seeker, set) = sets[place].clone();
                let apart = |row: usize| (rows.score[row] - rows.score[seeker]).abs();
                let may_serve = |&row: &usize| {
                    let is_free = match spec.reuse {
                        RiskSetReuse::Allow => true,
                        RiskSetReuse::OncePerIndexDate => !served.contains(&row),
                        RiskSetReuse::Once => {
                            served.iter().all(|&other| person[other] != person[row])
                        }
                    };
                    let is_never = spec.later_treated == LaterTreated::Eligible
                        || start(person[row]).is_none();
                    day[row] == today
                        && !rows.treated[row]
                        && rows.strata[row] == rows.strata[seeker]
                        && !set.contains(&row)
                        && is_free
                        && is_never
                        && spec
                            .caliper
                            .is_none_or(|caliper| apart(row) <= caliper.width())
                };
                let near = (0..n).filter(may_serve);
                let nearest = near.min_by(|&a, &b| apart(a).total_cmp(&apart(b)).then(a.cmp(&b)));
                match nearest.filter(|_| !is_out[place]) {
                    Some(row) => {
                        served.push(row);
                        sets[place].1.push(row);
                    }
                    None => is_out[place] = true,
                }
            }
        }
        found.extend(sets);
    }
    found
}

fn find(spec: &RiskSetSpec, rows: &Rows) -> Result<Matched, MatchingError> {
    let strata = Some(rows.strata.as_slice());
    risk_sets_of_entries(spec, &rows.score, &rows.treated, &rows.entries, strata)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_set_is_what_a_plain_search_finds(persons in persons(), spec in support::risk_sets::spec()) {
        let rows = rows(&persons);
        let expected = plain_search(&spec, &rows);
        match find(&spec, &rows) {
            Ok(matched) => {
                let strata = rows.entries.strata(Some(&rows.strata));
                prop_assert_eq!(broken_promise(&rows.treated, Some(&strata), &matched), None);
                prop_assert_eq!(broken_risk_set(&spec, &rows.treated, &rows.entries, &matched), None);
                let is_whole = expected.iter().all(|(_, set)| !set.is_empty());
                prop_assert_eq!(matched.estimand() == Estimand::Att, is_whole);
                let found: Vec<_> = matched.sets().map(|(row, set)| (row, set.to_vec())).collect();
                prop_assert_eq!(found, expected);
            }
            Err(MatchingError::EmptyArm { .. }) => {
                let n_treated = rows.treated.iter().filter(|is| **is).count();
                prop_assert!(n_treated == 0 || n_treated == rows.treated.len());
            }
            Err(error) => {
                let nobody = matches!(error, MatchingError::NobodyAtRisk { .. });
                prop_assert!(nobody, "{}", error);
                prop_assert!(expected.iter().all(|(_, set)| set.is_empty()));
            }
        }
    }

    #[test]
    fn where_nothing_changes_it_is_the_matching_of_one_score_for_all_time(persons in persons(), spec in support::risk_sets::spec()) {
        let persons: Vec<Person> = persons
            .into_iter()
            .map(|person| Person { score: vec![Some(person.score[0].unwrap_or(3)); person.score.len()], ..person })
            .collect();
        let rows = rows(&persons);
        let score: Vec<f64> = persons.iter().map(|one| f64::from(one.score[0].unwrap()) * 0.25).collect();
        let start: Vec<Option<i64>> = persons.iter().map(|one| one.start).collect();
        let strata: Vec<u32> = persons.iter().map(|one| one.stratum).collect();
        let timeline = Timeline { start: &start, from: None, until: None };
        let by_person = risk_sets(&spec, &score, &timeline, Some(strata.as_slice()));
        let (Ok(found), Ok(by_person)) = (find(&spec, &rows), by_person) else {
            return Ok(());
        };
        let person = |row: usize| rows.entries.person[row] as usize;
        prop_assert_eq!(found.n_tied(), by_person.n_tied);
        for ((row, set), other) in found.sets().zip(&by_person.sets) {
            prop_assert_eq!(person(row), other.treated);
            prop_assert_eq!(set.iter().map(|&row| person(row)).collect::<Vec<_>>(), &other.comparators[..]);
        }
    }
}

/// Two treated on two days; persons 2 and 3 enter on both.
fn two_days() -> Rows {
    Rows {
        entries: Entries {
            person: vec![0, 2, 3, 1, 2, 3],
            day: vec![1, 1, 1, 2, 2, 2],
        },
        treated: vec![true, false, false, true, false, false],
        score: vec![0.5, 0.5, 0.9, 0.5, 0.5, 0.9],
        strata: vec![0; 6],
    }
}

fn one(reuse: RiskSetReuse) -> RiskSetSpec {
    RiskSetSpec {
        ratio: NonZeroU32::MIN,
        caliper: None,
        reuse,
        later_treated: LaterTreated::Eligible,
    }
}

#[test]
fn the_rule_of_reuse_is_of_the_person_over_the_whole_sequence() {
    let rows = two_days();
    let pairs = |reuse| {
        find(&one(reuse), &rows)
            .unwrap()
            .pairs()
            .collect::<Vec<_>>()
    };
    assert_eq!(pairs(RiskSetReuse::Once), [(0, 1), (3, 5)]);
    assert_eq!(pairs(RiskSetReuse::OncePerIndexDate), [(0, 1), (3, 4)]);
    // What one rule finds breaks another's promise.
    let again = find(&one(RiskSetReuse::OncePerIndexDate), &rows).unwrap();
    let broken = |spec: &RiskSetSpec, entries: &Entries| {
        broken_risk_set(spec, &rows.treated, entries, &again)
    };
    let once = one(RiskSetReuse::Once);
    assert!(broken(&once, &rows.entries).unwrap().contains("more often"));
    let mut moved = rows.entries.clone();
    moved.day[4] = 1;
    let again_spec = one(RiskSetReuse::OncePerIndexDate);
    assert!(
        broken(&again_spec, &moved)
            .unwrap()
            .contains("one index date")
    );
    let mut treated_before = rows.entries.clone();
    treated_before.person[4] = 0;
    assert!(
        broken(&again_spec, &treated_before)
            .unwrap()
            .contains("not treated by then")
    );
}

#[test]
fn rows_that_are_no_entries_are_refused() {
    let spec = one(RiskSetReuse::Once);
    let mut rows = two_days();
    rows.entries.day[4] = 1;
    assert_eq!(
        find(&spec, &rows),
        Err(MatchingError::EntersTwice { unit: 4 })
    );
    let mut rows = two_days();
    rows.entries.person[3] = 0;
    assert_eq!(
        find(&spec, &rows),
        Err(MatchingError::EntersTwice { unit: 3 })
    );
    let mut rows = two_days();
    rows.score[2] = f64::NAN;
    assert_eq!(
        find(&spec, &rows),
        Err(MatchingError::DistanceNotFinite { unit: 2 })
    );
    let mut rows = two_days();
    rows.entries.day.pop();
    assert!(matches!(
        find(&spec, &rows),
        Err(MatchingError::LengthMismatch { .. })
    ));
}
