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

/// The same deliveries with another scope, by file.
fn with_scope(mut bench: Bench, name: &str) -> Bench {
    for delivery in &mut bench.deliveries {
        if delivery.path.ends_with(name) {
            delivery.scope = DeliveryScope::Full;
        }
    }
    bench
}

#[test]
fn a_full_delivery_deletes_the_rows_it_does_not_hold_and_changes_do_not() {
    let deliveries = || {
        let rows = [row("P1", 1), row("P2", 2), row("P3", 3)];
        let bench = delivery(Bench::new(CONTRACT), "early.csv", "2024-10-01", &rows);
        let rows = [row("P1", 7), "P3;20240901;A;Q;1;9;;\n".to_owned()];
        let bench = delivery(bench, "full.csv", "2024-11-01", &rows);
        delivery(bench, "late.csv", "2024-12-01", &[row("P4", 4)])
    };
    let bench = deliveries();
    bench.ingest().unwrap();
    assert_eq!(days(&bench), ["P1=7", "P2=2", "P3=3", "P4=4"]);
    let bench = with_scope(deliveries(), "full.csv");
    let report = bench.ingest().unwrap();
    assert_eq!(
        days(&bench),
        ["P1=7", "P3=3", "P4=4"],
        "a row that is held but faulty deletes nothing"
    );
    let early = &report.deliveries[0];
    assert_eq!(
        (
            early.n_rows,
            early.n_accepted,
            early.n_superseded,
            early.n_deleted
        ),
        (3, 1, 1, 1)
    );
}

#[test]
fn files_of_one_delivery_have_one_scope() {
    let bench = delivery(Bench::new(CONTRACT), "a.csv", "2024-10-01", &[row("P1", 1)]);
    let bench = delivery(bench, "b.csv", "2024-10-01", &[row("P2", 1)]);
    let error = with_scope(bench, "b.csv").ingest().unwrap_err();
    assert!(matches!(error, IngestError::MixedScope { .. }), "{error}");
}

#[test]
fn two_states_of_an_extract_are_compared_row_by_row_and_column_by_column() {
    let before = delivery(
        Bench::new(CONTRACT),
        "before.csv",
        "2024-10-01",
        &[row("P1", 1), row("P2", 2), row("P3", 3)],
    );
    let after = delivery(
        Bench::new(CONTRACT),
        "after.csv",
        "2024-12-01",
        &[
            row("P1", 1),
            row("P2", 5),
            "P4;20240901;A;G;1;4;;\n".to_owned(),
        ],
    );
    before.ingest().unwrap();
    after.ingest().unwrap();
    let contract = DataContract::from_toml("c.toml", CONTRACT).unwrap();
    let found = crate::tables::compare_vintages(&contract, &before.out(), &after.out()).unwrap();
    assert_eq!(
        (
            found.n_before,
            found.n_after,
            found.n_added,
            found.n_removed,
            found.n_changed
        ),
        (3, 3, 1, 1, 1)
    );
    let moved: Vec<u64> = found.columns.iter().map(|(_, n_rows)| *n_rows).collect();
    assert_eq!(moved.iter().sum::<u64>(), 1, "{:?}", found.columns);
    let same = crate::tables::compare_vintages(&contract, &before.out(), &before.out()).unwrap();
    assert_eq!((same.n_added, same.n_removed, same.n_changed), (0, 0, 0));
}
