//! Keys within a delivery, and deliveries that revise each other.

use super::*;

fn row(person: &str, days: i32) -> String {
    format!("{person};20240901;A;G;1;{days};;\n")
}

/// Person and days of each row of the table.
fn days(bench: &Bench) -> Vec<String> {
    let cells = |row: String| {
        let cells: Vec<&str> = row.split(' ').collect();
        format!("{}={}", cells[0].trim_matches('"'), cells[5])
    };
    bench.rows().into_iter().map(cells).collect()
}

fn delivery(bench: Bench, name: &str, vintage: &str, rows: &[String]) -> Bench {
    bench.with(
        name,
        vintage,
        DeliveryStatus::Preliminary,
        HEADER.to_owned() + &rows.concat(),
    )
}

#[test]
fn a_repeated_row_is_kept_once_and_a_contradicted_one_not_at_all() {
    let rows = [
        row("P1", 1),
        row("P2", 1),
        row("P1", 1),
        row("P2", 2),
        row("P3", 1),
    ];
    let bench = Bench::of(&rows.concat());
    let report = bench.ingest().unwrap();
    assert_eq!(days(&bench), ["P1=1", "P3=1"]);
    assert_eq!(
        broken(&report),
        [("duplicate-row", None, 1), ("key-conflict", None, 2)]
    );
}

#[test]
fn keys_are_compared_as_values_and_not_as_text() {
    let bench =
        Bench::of("P1;20240901;A;G;1;1;;\n\"P1\";20240901;A;G;1,0;1;;\n P1;20240901;A;G;1;1;;\n");
    let report = bench.ingest().unwrap();
    assert_eq!(broken(&report), [("key-conflict", None, 3)]);
}

#[test]
fn a_row_without_a_key_is_refused_for_that() {
    let report = Bench::of("..;20240901;A;G;1;1;;\n;20240901;A;G;1;1;;\n")
        .ingest()
        .unwrap();
    assert_eq!(broken(&report), [("required", Some("LopNr"), 2)]);
}

#[test]
fn a_later_delivery_supersedes_rows_of_its_keys() {
    let bench = delivery(
        Bench::new(CONTRACT),
        "late.csv",
        "2024-12-01",
        &[row("P1", 9), row("P4", 4)],
    );
    let bench = delivery(
        bench,
        "early.csv",
        "2024-10-01",
        &[row("P1", 1), row("P2", 2)],
    );
    let bench = delivery(
        bench,
        "middle.csv",
        "2024-11-01",
        &[row("P2", 5), row("P1", 7)],
    );
    let report = bench.ingest().unwrap();
    assert_eq!(days(&bench), ["P1=9", "P2=5", "P4=4"]);
    let counts: Vec<(u64, u64, u64)> = report
        .deliveries
        .iter()
        .map(|delivery| (delivery.n_rows, delivery.n_accepted, delivery.n_superseded))
        .collect();
    assert_eq!(counts, [(2, 2, 0), (2, 0, 2), (2, 1, 1)]);
    assert_eq!(report.latest_vintage(), Some("2024-12-01".parse().unwrap()));
}

#[test]
fn a_row_that_is_not_accepted_supersedes_nothing() {
    let bad = "P1;20240901;A;Q;1;9;;\n".to_owned();
    let bench = delivery(
        Bench::new(CONTRACT),
        "early.csv",
        "2024-10-01",
        &[row("P1", 1), row("P2", 2)],
    );
    let bench = delivery(
        bench,
        "late.csv",
        "2024-12-01",
        &[bad, row("P2", 5), row("P2", 6)],
    );
    let report = bench.ingest().unwrap();
    assert_eq!(days(&bench), ["P1=1", "P2=2"]);
    assert_eq!(
        broken(&report),
        [("code", Some("Skola"), 1), ("key-conflict", None, 2)]
    );
}

#[test]
fn a_repeated_row_of_a_later_delivery_supersedes_once() {
    let bench = delivery(
        Bench::new(CONTRACT),
        "early.csv",
        "2024-10-01",
        &[row("P1", 1)],
    );
    let bench = delivery(
        bench,
        "late.csv",
        "2024-12-01",
        &[row("P1", 5), row("P1", 5)],
    );
    bench.ingest().unwrap();
    assert_eq!(days(&bench), ["P1=5"]);
}

#[test]
fn a_final_delivery_comes_after_a_preliminary_one_of_its_day() {
    let text = |days| HEADER.to_owned() + &row("P1", days);
    let bench = Bench::new(CONTRACT)
        .with("final.csv", "2024-10-01", DeliveryStatus::Final, text(2))
        .with(
            "preliminary.csv",
            "2024-10-01",
            DeliveryStatus::Preliminary,
            text(1),
        );
    bench.ingest().unwrap();
    assert_eq!(days(&bench), ["P1=2"]);
}

#[test]
fn files_of_one_vintage_are_one_delivery() {
    let bench = delivery(
        Bench::new(CONTRACT),
        "north.csv",
        "2024-10-01",
        &[row("P1", 1), row("P2", 1)],
    );
    let bench = delivery(
        bench,
        "south.csv",
        "2024-10-01",
        &[row("P2", 2), row("P3", 1)],
    );
    let report = bench.ingest().unwrap();
    assert_eq!(days(&bench), ["P1=1", "P3=1"]);
    let locators = &report.rules[0].first_locators;
    let places: Vec<(&str, u64)> = locators
        .iter()
        .map(|place| (place.file.as_str(), place.line))
        .collect();
    assert_eq!(places, [("north.csv", 3), ("south.csv", 2)]);
}
