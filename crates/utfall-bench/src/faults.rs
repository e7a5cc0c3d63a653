//! Faults planted in clean extracts, and whether reading and judging find each of them in one
//! pass, at its place, and nothing else.
//!
//! Four extracts hang together: persons, their enrolment, their absence by month, and counts by
//! school. A fault breaks one rule in rows that no other fault touches; a fault by which two rows
//! contradict each other is expected at both.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use utfall_core::Unwatched;
use utfall_registry::{
    DataContract, Delivery, DeliveryScope, DeliveryStatus, QualityReport, judge, read,
};

use recipes::{RECIPES, Recipe};

mod recipes;

/// Faults in rows; the rest are about an extract as a whole.
const N_ROW_FAULTS: usize = 191;

/// Schools without a row in some month.
const N_GAPS: usize = 5;

/// A breach at a place: extract, line (0 for the whole file), id of the rule.
pub type Place = (&'static str, u64, String);

/// What was planted and what was found.
#[derive(Debug)]
pub struct Outcome {
    /// Faults planted, by kind of rule.
    pub planted: BTreeMap<String, usize>,
    /// Breaches expected, by kind of rule.
    pub expected: BTreeMap<String, usize>,
    /// Breaches expected and found.
    pub found: BTreeMap<String, usize>,
    /// Breaches expected and not found.
    pub missed: Vec<Place>,
    /// Breaches found and not expected.
    pub invented: Vec<Place>,
}

/// An extract on its way into a file.
#[derive(Debug)]
pub(crate) struct Sheet {
    header: &'static [&'static str],
    pub(crate) rows: Vec<Vec<String>>,
    /// Rows as bytes where they cannot be cells: text after a quote, or of another encoding.
    pub(crate) raw: BTreeMap<usize, Vec<u8>>,
}

impl Sheet {
    /// Position of a column.
    pub(crate) fn column(&self, name: &str) -> usize {
        let position = self.header.iter().position(|column| *column == name);
        position.expect("recipes name columns of their extract")
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.header.join(";").into_bytes();
        bytes.push(b'\n');
        for (i, row) in self.rows.iter().enumerate() {
            match self.raw.get(&i) {
                Some(raw) => bytes.extend(raw),
                None => bytes.extend(row.join(";").into_bytes()),
            }
            bytes.push(b'\n');
        }
        bytes
    }
}

/// Extracts by name.
pub(crate) type World = BTreeMap<&'static str, Sheet>;

/// Plants 200 faults, reads and judges every extract once, and compares.
///
/// # Errors
///
/// What failed, if an extract cannot be used at all.
pub fn plant_and_find() -> Result<Outcome, String> {
    let mut world = clean();
    let mut planted = BTreeMap::new();
    let mut expected: BTreeSet<Place> = BTreeSet::new();
    for i in 0..N_ROW_FAULTS {
        let recipe = &RECIPES[i % RECIPES.len()];
        *planted
            .entry(recipe.rule.split(':').next().unwrap_or_default().to_owned())
            .or_default() += 1;
        expected.extend(plant(&mut world, recipe, i));
    }
    for gap in 0..N_GAPS {
        expected.insert(remove_month(&mut world, gap));
    }
    planted.insert("coverage".to_owned(), N_GAPS);
    for (kind, id) in [
        ("row-count", "enough rows"),
        ("row-count", "steady rows"),
        ("freshness", "freshness:day"),
        ("freshness", "recent"),
    ] {
        expected.insert(("visits", 0, id.to_owned()));
        *planted.entry(kind.to_owned()).or_default() += 1;
    }
    let found = find(&world)?;
    let missed: Vec<Place> = expected.difference(&found).cloned().collect();
    let invented: Vec<Place> = found.difference(&expected).cloned().collect();
    Ok(Outcome {
        planted,
        expected: by_kind(expected.iter()),
        found: by_kind(expected.intersection(&found)),
        missed,
        invented,
    })
}

fn by_kind<'a>(places: impl Iterator<Item = &'a Place>) -> BTreeMap<String, usize> {
    let mut kinds = BTreeMap::new();
    for (_, _, id) in places {
        let kind = match id.as_str() {
            "enough rows" | "steady rows" => "row-count",
            "recent" => "freshness",
            id => id.split(':').next().unwrap_or_default(),
        };
        *kinds.entry(kind.to_owned()).or_default() += 1;
    }
    kinds
}

/// Plants a fault in a row of its own and tells where it should be found.
fn plant(world: &mut World, recipe: &Recipe, i: usize) -> Vec<Place> {
    let sheet = world
        .get_mut(recipe.extract)
        .expect("recipes name extracts of the world");
    let row = recipe.first_row + (i / RECIPES.len()) * recipe.step + recipe.offset;
    let rows = (recipe.spoil)(sheet, row);
    let line = |row: usize| row as u64 + 2;
    rows.into_iter()
        .map(|row| (recipe.extract, line(row), recipe.rule.to_owned()))
        .collect()
}

/// Takes a school's row of one month away and tells of its first row.
fn remove_month(world: &mut World, gap: usize) -> Place {
    let sheet = world.get_mut("schools").expect("the world has schools");
    let school = format!("S{gap:02}");
    let is_gone =
        |row: &Vec<String>| row[0] == school && row[1].starts_with(&format!("2024-{:02}", gap + 3));
    sheet.rows.retain(|row| !is_gone(row));
    let first = sheet.rows.iter().position(|row| row[0] == school);
    (
        "schools",
        first.expect("a school has other months") as u64 + 2,
        "coverage:month".to_owned(),
    )
}

/// Reads and judges every extract, and tells every breach.
fn find(world: &World) -> Result<BTreeSet<Place>, String> {
    let scratch = tempfile::tempdir().map_err(|error| error.to_string())?;
    let mut read_extracts = BTreeMap::new();
    for (name, sheet) in world {
        let contract = contract(name)?;
        let deliveries = deliver(scratch.path(), name, sheet)?;
        let folder = scratch.path().join(name).join("read");
        read(&contract, &deliveries, &folder, &Unwatched)
            .map_err(|error| format!("{name}: {error}"))?;
        read_extracts.insert((*name).to_owned(), (contract, folder));
    }
    let mut found = BTreeSet::new();
    for name in world.keys() {
        let (contract, folder) = &read_extracts[*name];
        let out = scratch.path().join(name);
        let report = judge(contract, folder, &read_extracts, &out)
            .map_err(|error| format!("{name}: {error}"))?;
        found.extend(told(name, &report));
        found.extend(quarantined(name, &out)?);
    }
    Ok(found)
}

/// Breaches of rules about an extract, from its report.
fn told(name: &'static str, report: &QualityReport) -> Vec<Place> {
    let about_extract = report
        .rules
        .iter()
        .filter(|rule| rule.rule.is_about_extract());
    let places = about_extract.flat_map(|rule| {
        rule.first_locators
            .iter()
            .map(|place| (name, place.line, rule.id.clone()))
    });
    places.collect()
}

/// Breaches in rows, from the quarantine.
fn quarantined(name: &'static str, folder: &Path) -> Result<Vec<Place>, String> {
    let mut reader =
        csv::Reader::from_path(folder.join("quarantine.csv")).map_err(|error| error.to_string())?;
    let mut places = Vec::new();
    for row in reader.records() {
        let row = row.map_err(|error| error.to_string())?;
        let cell = |i: usize| row.get(i).unwrap_or_default();
        let line = cell(1)
            .parse()
            .map_err(|_| "a line that is no number".to_owned())?;
        places.extend(
            cell(2)
                .split(" | ")
                .map(|rule| (name, line, rule.to_owned())),
        );
    }
    Ok(places)
}

/// Writes an extract's files: visits come twice, the second time far fewer.
fn deliver(folder: &Path, name: &str, sheet: &Sheet) -> Result<Vec<Delivery>, String> {
    let folder = folder.join(name);
    std::fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let mut deliveries = Vec::new();
    let mut add = |vintage: &str, bytes: Vec<u8>| -> Result<(), String> {
        let path: PathBuf = folder.join(format!("{name}-{vintage}.csv"));
        std::fs::write(&path, bytes).map_err(|error| error.to_string())?;
        let vintage = vintage
            .parse()
            .map_err(|_| "a vintage that is no date".to_owned())?;
        deliveries.push(Delivery {
            path,
            vintage,
            status: DeliveryStatus::Final,
            scope: DeliveryScope::Changes,
        });
        Ok(())
    };
    if name == "visits" {
        add("2025-01-01", sheet.bytes())?;
        let few = Sheet {
            header: sheet.header,
            rows: sheet.rows[..80].to_vec(),
            raw: BTreeMap::new(),
        };
        add("2025-02-01", few.bytes())?;
    } else {
        add("2025-01-01", sheet.bytes())?;
    }
    Ok(deliveries)
}

fn contract(name: &str) -> Result<DataContract, String> {
    let text = match name {
        "persons" => include_str!("faults/persons.toml"),
        "enrolment" => include_str!("faults/enrolment.toml"),
        "absence" => include_str!("faults/absence.toml"),
        "schools" => include_str!("faults/schools.toml"),
        _ => include_str!("faults/visits.toml"),
    };
    DataContract::from_toml(&format!("{name}.toml"), text).map_err(|error| error.to_string())
}

/// Persons 0 to 399 are enrolled, and absence is kept of 0 to 199.
fn clean() -> World {
    let text = |value: &str| value.to_owned();
    let person = |i: usize| format!("P{i:04}");
    let mut persons = Vec::new();
    let mut enrolment = Vec::new();
    let mut absence = Vec::new();
    for i in 0..600 {
        let born = format!("201{}-{:02}-{:02}", i % 5, i % 12 + 1, i % 28 + 1);
        let sex = if i % 2 == 0 { "F" } else { "M" };
        persons.push(vec![person(i), born, text(sex), format!("K{i:05}")]);
        if i < 400 {
            enrolment.push(vec![
                person(i),
                format!("S{:02}", i % 20),
                text("2023-08-01"),
                text("2025-06-15"),
                format!("{}", i % 9 + 1),
            ]);
        }
        if i < 200 {
            for month in 1..=12 {
                absence.push(vec![
                    person(i),
                    format!("2024-{month:02}-01"),
                    text("120,0"),
                    text("6,5"),
                    text("3,5"),
                    text("10,0"),
                    text("2"),
                    text("full"),
                    text(""),
                    text("0180"),
                    text("2024"),
                    text(""),
                    text("nej"),
                    format!("R{i:04}{month:02}"),
                    text("A12"),
                ]);
            }
        }
    }
    let school = |i: usize| {
        (1..=12).map(move |month| {
            vec![
                format!("S{i:02}"),
                format!("2024-{month:02}-01"),
                text("31"),
            ]
        })
    };
    let schools = (0..20).flat_map(school).collect();
    let visits = (0..200)
        .map(|i| {
            vec![
                format!("V{i:03}"),
                format!("2024-{:02}-{:02}", i % 12 + 1, i % 28 + 1),
            ]
        })
        .collect();
    let sheet = |header, rows| Sheet {
        header,
        rows,
        raw: BTreeMap::new(),
    };
    BTreeMap::from([
        (
            "persons",
            sheet(&["person", "born", "sex", "card"], persons),
        ),
        (
            "enrolment",
            sheet(&["person", "school", "start", "stop", "grade"], enrolment),
        ),
        (
            "absence",
            sheet(
                &[
                    "person",
                    "month",
                    "offered",
                    "valid",
                    "invalid",
                    "total",
                    "days",
                    "status",
                    "reason",
                    "municipality",
                    "year",
                    "at",
                    "late",
                    "receipt",
                    "room",
                ],
                absence,
            ),
        ),
        ("schools", sheet(&["school", "month", "pupils"], schools)),
        ("visits", sheet(&["visit", "day"], visits)),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_hundred_faults_are_found_in_one_pass_each_at_its_place_and_no_other() {
        let outcome = plant_and_find().unwrap();
        assert_eq!(outcome.missed, []);
        assert_eq!(outcome.invented, []);
        assert_eq!(outcome.planted.values().sum::<usize>(), 200);
        assert_eq!(
            outcome.planted.len(),
            29,
            "every kind of rule: {:?}",
            outcome.planted
        );
    }

    #[test]
    fn clean_extracts_have_no_fault_but_those_of_visits() {
        let found = find(&clean()).unwrap();
        assert!(
            found.iter().all(|(extract, ..)| *extract == "visits"),
            "{found:?}"
        );
    }
}
