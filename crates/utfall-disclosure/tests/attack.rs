//! Random tables with margins, hierarchies, links, differences and earlier releases, under every
//! kind of policy: an attacker with an integer program recovers no protected count, nor a range
//! narrower than the policy asks.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod attacker;

use std::collections::BTreeMap;

use attacker::{Key, Knowledge, cells_of};
use utfall_disclosure::{
    Arms, Bin, Cell, ClaimFigures, Code, Difference, Dimension, DisclosureError, FormerRelease,
    Policy, Population, PublicView, ReleasedSet, Row, Table, TableSet,
};

/// Whole numbers that look random (`SplitMix64`, Steele et al. 2014).
struct Draws(u64);

impl Draws {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }

    fn index(&mut self, n: usize) -> usize {
        usize::try_from(self.below(n as u64)).unwrap()
    }
}

/// Persons with a code of each dimension, some of whom take part.
struct World {
    dimensions: Vec<Dimension>,
    finest: Vec<Vec<String>>,
    persons: Vec<(Vec<usize>, bool)>,
}

const ALL: &str = "all";
const PART: &str = "part";

fn world(draws: &mut Draws) -> World {
    let n_dimensions = 1 + draws.index(3);
    let mut dimensions = Vec::new();
    let mut finest = Vec::new();
    for place in 0..n_dimensions {
        let code = |label: &str, within: Option<&str>| Code {
            label: label.to_owned(),
            within: within.map(str::to_owned),
        };
        let (codes, leaves) = match draws.below(4) {
            0 => (
                vec![
                    code("x", None),
                    code("x1", Some("x")),
                    code("x2", Some("x")),
                    code("y", None),
                ],
                vec!["x1", "x2", "y"],
            ),
            1 => (
                vec![code("a", None), code("b", None), code("c", None)],
                vec!["a", "b", "c"],
            ),
            _ => (vec![code("a", None), code("b", None)], vec!["a", "b"]),
        };
        dimensions.push(Dimension::new(format!("d{place}"), codes).unwrap());
        finest.push(leaves.into_iter().map(str::to_owned).collect::<Vec<_>>());
    }
    let n_persons = [6, 20, 60, 200][draws.index(4)];
    let persons = (0..n_persons)
        .map(|_| {
            let codes = finest
                .iter()
                .map(|leaves| draws.index(leaves.len()).min(draws.index(leaves.len() + 1)))
                .collect();
            (codes, draws.below(3) > 0)
        })
        .collect();
    World {
        dimensions,
        finest,
        persons,
    }
}

impl World {
    fn table(&self, population: &str, chosen: &[usize], behind: bool) -> Table {
        let mut rows: BTreeMap<Vec<String>, u64> = BTreeMap::new();
        for (codes, takes_part) in &self.persons {
            if population == ALL || *takes_part {
                let at = chosen
                    .iter()
                    .map(|place| self.finest[*place][codes[*place]].clone())
                    .collect();
                *rows.entry(at).or_insert(0) += 1;
            }
        }
        Table {
            name: format!(
                "{population} by {chosen:?}{}",
                if behind { ", behind" } else { "" }
            ),
            population: population.to_owned(),
            measure: None,
            dimensions: chosen.iter().map(|place| format!("d{place}")).collect(),
            behind,
            rows: rows
                .into_iter()
                .map(|(at, n)| Row { at, n, sum: None })
                .collect(),
        }
    }

    fn set(&self, draws: &mut Draws, n_tables: usize, populations: &[&str]) -> TableSet {
        let mut tables: Vec<Table> = Vec::new();
        for _ in 0..n_tables {
            let mut chosen: Vec<usize> = (0..self.dimensions.len())
                .filter(|_| draws.below(3) > 0)
                .collect();
            if draws.below(3) == 0 {
                chosen.reverse();
            }
            let population = populations[draws.index(populations.len())];
            let table = self.table(population, &chosen, false);
            if tables.iter().all(|other| other.name != table.name) {
                tables.push(table);
            }
        }
        TableSet {
            dimensions: self.dimensions.clone(),
            tables,
            differences: Vec::new(),
        }
    }

    /// The table of everything, behind the others of each population.
    fn behind(&self, set: &mut TableSet) {
        let everything: Vec<usize> = (0..self.dimensions.len()).collect();
        for population in [ALL, PART] {
            if set
                .tables
                .iter()
                .any(|table| table.population == population)
            {
                set.tables.push(self.table(population, &everything, true));
            }
        }
    }

    /// The true count of a cell.
    fn count(&self, set: &TableSet, population: &str, at: &BTreeMap<String, String>) -> u64 {
        let lies_in = |codes: &Vec<usize>| {
            at.iter().all(|(name, code)| {
                let place: usize = name[1..].parse().unwrap();
                let leaf = &self.finest[place][codes[place]];
                leaf == code
                    || (leaf.starts_with(code.as_str()) && set.dimensions[place].name() == name)
            })
        };
        self.persons
            .iter()
            .filter(|(codes, takes_part)| (population == ALL || *takes_part) && lies_in(codes))
            .count() as u64
    }
}

fn policy(draws: &mut Draws) -> Policy {
    let text = match draws.below(8) {
        0 => "kind = 'round'\nredact-at-most = 7\nbase = 5",
        1 => "kind = 'round'\nredact-at-most = 2\nbase = 3",
        2 => return Policy::midpoint_6(),
        3 => return Policy::acro(),
        4 => return Policy::danish_microdata(Population::Selected),
        5 => return Policy::danish_microdata(Population::Whole),
        6 => {
            "kind = 'suppress'\nat-least = 5\nzeros = 'shown'\ndominance = { largest = 2, share = 0.9 }\np-ratio = 0.1\nresidual-degrees-of-freedom = 10"
        }
        _ => {
            "kind = 'suppress'\nat-least = 3\nzeros = 'disclosive'\ndominance = { largest = 2, share = 0.9 }\np-ratio = 0.1\nresidual-degrees-of-freedom = 10"
        }
    };
    toml::from_str(text).unwrap()
}

/// What a policy promises of a table's cell: how many values it keeps.
fn promised(policy: &Policy, set: &TableSet, world: &World, key: &Key) -> Option<u64> {
    let count = world.count(set, &key.0, &key.1);
    let is_crossing = match policy {
        Policy::Crossing(rule) => {
            key.1.len() + usize::from(rule.population == Population::Selected) >= 2
        }
        _ => true,
    };
    (is_crossing && policy.protects(count)).then(|| policy.least_values())
}

#[derive(Debug, Default)]
struct Tally {
    n_sets: u64,
    n_refused: u64,
    n_attacked: u64,
    n_suppressed: u64,
    n_released: u64,
    /// Protected counts attacked as if small counts alone were suppressed, and those recovered then.
    n_naive: u64,
    n_recovered: u64,
}

/// The same tables with small counts suppressed and nothing that covers them.
fn naive(released: &ReleasedSet, policy: &Policy, set: &TableSet, world: &World) -> ReleasedSet {
    let mut naive = released.clone();
    for table in &mut naive.tables {
        for cell in &mut table.cells {
            let key = (table.population.clone(), cell.at.clone());
            cell.cell = match promised(policy, set, world, &key) {
                Some(_) => Cell::Suppressed,
                None => Cell::Exact(world.count(set, &key.0, &key.1)),
            };
        }
    }
    naive
}

/// Releases one random set after another and attacks it.
fn attack(seed: u64, tally: &mut Tally) {
    let draws = &mut Draws(seed);
    let world = world(draws);
    let policy = policy(draws);
    let with_difference = draws.below(4) == 0;
    let populations: &[&str] = if with_difference {
        &[ALL, PART]
    } else {
        &[ALL]
    };
    let n_tables = 1 + draws.index(3);
    let mut set = world.set(draws, n_tables, populations);
    if draws.below(3) == 0 {
        world.behind(&mut set);
    }
    if with_difference {
        set.differences.push(Difference {
            whole: ALL.to_owned(),
            part: PART.to_owned(),
        });
    }
    let mut former = Vec::new();
    if draws.below(3) == 0 {
        let mut tables = world.set(draws, 1, populations);
        if set.tables.iter().any(|table| table.behind) {
            world.behind(&mut tables);
        }
        let released = tables.protect(&policy, &[]).unwrap().released.get().clone();
        former.push(FormerRelease { tables, released });
    }
    tally.n_sets += 1;
    let protection = match set.protect(&policy, &former) {
        Ok(protection) => protection,
        Err(DisclosureError::RefusedCell { .. }) if !former.is_empty() => {
            tally.n_refused += 1;
            return;
        }
        Err(error) => panic!("seed {seed}: {error}\n{policy:?}\n{set:?}"),
    };
    tally.n_released += protection.audit.n_released;
    tally.n_suppressed += protection.audit.n_suppressed;

    let mut released = vec![protection.released.get()];
    released.extend(former.iter().map(|former| &former.released));
    let mut sets = vec![&set];
    sets.extend(former.iter().map(|former| &former.tables));
    let knowledge = Knowledge::of(&released, &sets);
    let before = Knowledge::of(&released[1..], &sets);
    let far = 1_000;
    let mut attacked = BTreeMap::new();
    for set in &sets {
        for table in set.tables.iter().filter(|table| !table.behind) {
            let dimensions: Vec<&Dimension> = table
                .dimensions
                .iter()
                .map(|name| {
                    set.dimensions
                        .iter()
                        .find(|one| one.name() == name)
                        .unwrap()
                })
                .collect();
            for at in cells_of(&dimensions) {
                let key = (table.population.clone(), at.clone());
                let is_finest = dimensions.iter().all(|dimension| {
                    at.get(dimension.name())
                        .is_some_and(|code| world.finest.iter().any(|leaves| leaves.contains(code)))
                });
                let rounds = matches!(policy, Policy::Round { .. } | Policy::Midpoint { .. });
                if rounds && !is_finest {
                    continue;
                }
                if let Some(least) = promised(&policy, set, &world, &key) {
                    attacked.insert(key, least);
                }
            }
        }
    }
    for (whole, _, outside) in &knowledge.differences {
        let count = world.count(&set, ALL, &whole.1) - world.count(&set, PART, &whole.1);
        if policy.protects(count) {
            attacked.insert(outside.clone(), policy.least_values_of_differences());
        }
    }
    if seed.is_multiple_of(8) && matches!(policy, Policy::Suppress(_) | Policy::Crossing(_)) {
        let naive = naive(protection.released.get(), &policy, &set, &world);
        let knowledge = Knowledge::of(&[&naive], &[&set]);
        for (key, least) in &attacked {
            if knowledge.cells.contains_key(key) {
                tally.n_naive += 1;
                let n_values = knowledge.n_values(key, far);
                tally.n_recovered += u64::from(n_values < i64::try_from(*least).unwrap());
            }
        }
    }
    for (key, least) in attacked {
        tally.n_attacked += 1;
        let n_values = knowledge.n_values(&key, far);
        let was_known =
            || !former.is_empty() && before.n_values(&key, far) < i64::try_from(least).unwrap();
        assert!(
            n_values >= i64::try_from(least).unwrap() || was_known(),
            "seed {seed}: {key:?} has {n_values} values, expected {least}\n{policy:?}\n{set:#?}\n{:#?}",
            protection.released.get()
        );
    }
}

#[test]
fn an_attacker_with_an_integer_program_recovers_no_protected_count_of_random_tables() {
    let n_sets: u64 =
        std::env::var("UTFALL_DISCLOSURE_SETS").map_or(500, |text| text.parse().unwrap());
    let n_threads = 2;
    let handles: Vec<_> = (0..n_threads)
        .map(|thread| {
            std::thread::spawn(move || {
                let mut tally = Tally::default();
                for seed in (thread..n_sets).step_by(2) {
                    attack(seed, &mut tally);
                }
                tally
            })
        })
        .collect();
    let tallies: Vec<Tally> = handles
        .into_iter()
        .map(|handle| handle.join().unwrap())
        .collect();
    let all = |figure: fn(&Tally) -> u64| tallies.iter().map(figure).sum::<u64>();
    println!(
        "{} sets, {} refused beside an earlier release; {} cells released, {} suppressed; {} protected counts attacked, none recovered",
        all(|tally| tally.n_sets),
        all(|tally| tally.n_refused),
        all(|tally| tally.n_released),
        all(|tally| tally.n_suppressed),
        all(|tally| tally.n_attacked),
    );
    println!(
        "were small counts alone suppressed: {} of {} recovered",
        all(|tally| tally.n_recovered),
        all(|tally| tally.n_naive),
    );
    assert_eq!(all(|tally| tally.n_sets), n_sets);
    assert!(
        all(|tally| tally.n_recovered) * 4 > all(|tally| tally.n_naive),
        "the attacker finds too little where nothing is covered"
    );
    assert!(
        all(|tally| tally.n_attacked) > n_sets,
        "the attack attacked nothing"
    );
    assert!(
        all(|tally| tally.n_refused) * 10 < n_sets,
        "most releases are not refused"
    );
}

/// The public view of a random claim: what it shows, and what is known to add up.
fn attack_view(seed: u64) -> u64 {
    let draws = &mut Draws(seed);
    let policy = policy(draws);
    let most = [30, 300, 3_000][draws.index(3)];
    let n_start = 20 + draws.below(most);
    let mut funnel = utfall_core::Funnel::new("person", n_start);
    for _ in 0..draws.below(4) {
        let lost = draws.below(12).min(funnel.n_remaining() / 2);
        funnel.apply("a rule", funnel.n_remaining() - lost);
    }
    let n_cohort = funnel.n_remaining();
    let treated = draws.below(n_cohort / 2 + 1);
    let arms = Arms {
        treated,
        comparator: n_cohort - treated,
    };
    let fewer = |draws: &mut Draws, n: u64| n - draws.below(6).min(n);
    let compared = Arms {
        treated: fewer(draws, arms.treated),
        comparator: fewer(draws, arms.comparator),
    };
    let split = |draws: &mut Draws, n: u64| {
        let first = draws.below(n + 1);
        [first, n - first]
    };
    let bins = [split(draws, arms.treated), split(draws, arms.comparator)];
    let overlap: Vec<Bin<u64>> = (0..2)
        .map(|bin| Bin {
            from: 0.0,
            below: 1.0,
            units: Arms {
                treated: bins[0][bin],
                comparator: bins[1][bin],
            },
        })
        .collect();
    let figures = ClaimFigures {
        funnel: &funnel,
        arms,
        compared,
        overlap,
        effects: Vec::new(),
    };
    let view = PublicView::of("a", "A", &policy, &figures).unwrap();
    let view = view.get();

    let mut knowledge = Knowledge::default();
    let key = |name: String| -> Key { (name, BTreeMap::new()) };
    let mut protected = Vec::new();
    let mut add = |knowledge: &mut Knowledge, name: String, count: u64, cell: Option<Cell>| {
        let known = cell.map_or((0, None), |cell| attacker::told(&policy, cell, view.covers));
        assert!(known.0 <= count && known.1.is_none_or(|most| count <= most));
        knowledge.cells.insert(key(name.clone()), known);
        let least = match cell {
            Some(_) => policy.least_values(),
            None => policy.least_values_of_differences(),
        };
        if policy.protects(count) && !matches!(policy, Policy::Crossing(_)) {
            protected.push((key(name.clone()), least));
        } else if policy.protects(count) {
            protected.push((key(name.clone()), policy.least_values()));
        }
        key(name)
    };
    let rounds = matches!(policy, Policy::Round { .. } | Policy::Midpoint { .. });
    let mut before = add(
        &mut knowledge,
        "start".to_owned(),
        n_start,
        Some(view.funnel.start),
    );
    for (rule, (line, shown)) in funnel.lines.iter().zip(&view.funnel.lines).enumerate() {
        let remaining = add(
            &mut knowledge,
            format!("remaining {rule}"),
            line.n_remaining,
            Some(shown.remaining),
        );
        let lost = (!rounds).then_some(shown.lost);
        let lost = add(&mut knowledge, format!("lost {rule}"), line.n_lost, lost);
        knowledge.sums.push((before, vec![remaining.clone(), lost]));
        before = remaining;
    }
    let mut both = Vec::new();
    for (arm, all, seen, n_compared, seen_compared) in [
        (
            0,
            arms.treated,
            view.arms.treated,
            compared.treated,
            view.compared.treated,
        ),
        (
            1,
            arms.comparator,
            view.arms.comparator,
            compared.comparator,
            view.compared.comparator,
        ),
    ] {
        let total = add(&mut knowledge, format!("arm {arm}"), all, Some(seen));
        let part = add(
            &mut knowledge,
            format!("compared {arm}"),
            n_compared,
            Some(seen_compared),
        );
        if all == n_compared {
            knowledge.sums.push((total.clone(), vec![part]));
        } else {
            let outside = add(
                &mut knowledge,
                format!("left out {arm}"),
                all - n_compared,
                None,
            );
            knowledge.sums.push((total.clone(), vec![part, outside]));
        }
        let bins = (0..2).map(|bin| {
            let units = view.overlap[bin].units;
            let seen = if arm == 0 {
                units.treated
            } else {
                units.comparator
            };
            add(
                &mut knowledge,
                format!("bin {arm} {bin}"),
                bins[arm][bin],
                Some(seen),
            )
        });
        let bins = bins.collect();
        knowledge.sums.push((total.clone(), bins));
        both.push(total);
    }
    knowledge.sums.push((before, both));
    for (key, least) in &protected {
        let n_values = knowledge.n_values(key, 10_000);
        assert!(
            n_values >= i64::try_from(*least).unwrap(),
            "seed {seed}: {key:?} has {n_values} values, expected {least}\n{policy:?}\n{figures:?}\n{view:#?}"
        );
    }
    protected.len() as u64
}

#[test]
fn an_attacker_with_an_integer_program_recovers_no_protected_count_of_public_views() {
    let n_attacked: u64 = (0..500).map(attack_view).sum();
    assert!(n_attacked > 500, "{n_attacked}");
}
