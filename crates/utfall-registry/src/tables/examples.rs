//! Every example of `MEASURES.md` gives the numbers that stand below it.

use std::collections::BTreeMap;

use utfall_core::{Period, Tally};

use super::tests::{Register, column, date};
use super::*;

const PAGE: &str = include_str!("../../MEASURES.md");

/// A fenced block of the page: what stands beside its fence, and its text.
fn blocks() -> Vec<(&'static str, &'static str, &'static str)> {
    let mut blocks = Vec::new();
    let mut rest = PAGE;
    while let Some((_, after)) = rest.split_once("\n```") {
        let Some((tag, body)) = after.split_once('\n') else {
            break;
        };
        let Some((text, next)) = body.split_once("```\n") else {
            break;
        };
        blocks.push((tag, text, next));
        rest = next;
    }
    blocks
}

fn register() -> Register {
    let columns = |name: &str| {
        let (text, day) = (
            |name| column(name, "text", ""),
            |name| column(name, "date", ""),
        );
        let money = |name| column(name, "decimal", "decimals = 2");
        match name {
            "absence" => {
                let sessions = |name| column(name, "integer", "unit = \"sessions\"");
                text("person")
                    + &day("month")
                    + &text("reason")
                    + &sessions("absent")
                    + &sessions("offered")
            }
            "lessons" => {
                text("person")
                    + &day("day")
                    + &column("mark", "code", "codes = [\"P\", \"A\", \"X\"]")
                    + &column("late", "integer", "")
                    + &column("minutes", "integer", "")
            }
            "placements" => {
                text("id")
                    + &text("person")
                    + &day("start")
                    + &day("stop")
                    + &text("kind")
                    + &money("tariff")
            }
            "prices" => text("kind") + &day("from") + &day("until") + &money("price"),
            "enrolment" => text("person") + &day("start") + &day("stop"),
            "classes" => text("person") + &text("class") + &day("from") + &day("until"),
            _ => day("day"),
        }
    };
    let key = |name: &str| match name {
        "absence" => r#"["person", "month"]"#,
        "lessons" => r#"["person", "day"]"#,
        "placements" => r#"["id"]"#,
        "prices" => r#"["kind", "from"]"#,
        "enrolment" => r#"["person", "start"]"#,
        "classes" => r#"["person", "from"]"#,
        _ => r#"["day"]"#,
    };
    let extracts = blocks().into_iter().filter_map(|(tag, text, _)| {
        let name = tag.strip_prefix("csv ")?;
        Some((name, text.replace('.', ",")))
    });
    let register = extracts.fold(Register::new(), |register, (name, text)| {
        register.with(name, key(name), &columns(name), &text)
    });
    register.with(
        "persons",
        r#"["person"]"#,
        &column("person", "text", ""),
        "person\nP1\nP2\nP3\nP4\n",
    )
}

fn calendars() -> Vec<CalendarSpec> {
    vec![CalendarSpec {
        name: "school-days".into(),
        extract: "school-days".into(),
        day: "day".into(),
        filters: Vec::new(),
        covers: Period::new(date("2024-01-01"), date("2024-07-01")).unwrap(),
        lag: Vec::new(),
    }]
}

fn unit(name: &str) -> UnitSpec {
    let text = if name == "class" {
        "name = \"class\"\nextract = \"classes\"\nid = \"class\"\nmembers = { extract = \"classes\", member = \"person\", unit = \"class\", from = \"from\", until = \"until\" }"
    } else {
        "name = \"person\"\nextract = \"persons\"\nid = \"person\""
    };
    toml::from_str(text).unwrap()
}

/// The rows of the table that follows an example: a period, and a tally by unit.
fn expected(after: &str) -> Vec<(Period, BTreeMap<String, Tally>)> {
    let cells = |line: &str| -> Vec<String> {
        let cells = line.trim_matches('|').split('|');
        cells.map(|cell| cell.trim().to_owned()).collect()
    };
    let mut lines = after.lines().skip_while(|line| line.is_empty());
    let header = cells(lines.next().unwrap());
    let rows = lines.skip(1).take_while(|line| line.starts_with('|'));
    rows.map(|line| {
        let row = cells(line);
        let (start, end) = row[0].split_once(" to ").unwrap();
        let tallies = header[1..].iter().cloned().zip(row[1..].iter().map(|cell| {
            let (numerator, denominator) = cell.split_once(" / ").unwrap();
            Tally {
                numerator: numerator.parse().unwrap(),
                denominator: denominator.parse().unwrap(),
            }
        }));
        (
            Period::new(date(start), date(end)).unwrap(),
            tallies.collect(),
        )
    })
    .collect()
}

#[test]
fn every_example_of_the_page_gives_the_numbers_below_it() {
    let register = register();
    let tables = register.open().with_calendars(&calendars()).unwrap();
    let (persons, classes) = (
        Units::load(&tables, &unit("person")).unwrap(),
        Units::load(&tables, &unit("class")).unwrap(),
    );
    let mut n_checked = 0;
    for (_, text, after) in blocks().into_iter().filter(|(tag, ..)| *tag == "toml") {
        let spec: MeasureSpec =
            toml::from_str(text).unwrap_or_else(|error| panic!("{text}{error}"));
        for (period, expected) in expected(after) {
            let units = if expected.contains_key("7A") {
                &classes
            } else {
                &persons
            };
            let found = tables.measure(units, &spec, period);
            let found = found.unwrap_or_else(|error| panic!("{}: {error}", spec.name));
            let found: BTreeMap<String, Tally> = units.ids().iter().cloned().zip(found).collect();
            assert_eq!(found, expected, "{} over {period}", spec.name);
            let questions = tables.portable_sql(units, &spec, period).unwrap();
            assert!(
                !questions.is_empty() && questions.iter().all(|text| text.starts_with("WITH "))
            );
            n_checked += 1;
        }
        let written = toml::to_string(&spec).unwrap();
        assert_eq!(
            toml::from_str::<MeasureSpec>(&written).unwrap(),
            spec,
            "{written}"
        );
    }
    assert!(n_checked >= 25, "{n_checked} examples");
}
