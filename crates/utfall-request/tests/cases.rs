//! Every golden case of the workspace through the request interface.

use std::path::Path;

use utfall_request::cases::{CaseOutcome, run};

#[test]
fn no_golden_case_fails_or_is_skipped_and_the_table_holds_each() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/cases");
    let report = run(&folder).unwrap();
    println!("{report}");
    let table = std::fs::read_to_string(folder.join("TABLE.md")).unwrap();
    let rows = report.table();
    for row in rows.lines() {
        assert!(table.contains(row), "not in TABLE.md: {row}");
    }
    assert_eq!(
        rows.lines().count(),
        table.lines().filter(|line| line.starts_with('|')).count()
    );
    let (passed, failed, _) = report.counts();
    assert_eq!(failed, 0);
    assert!(passed > 0);
    let requests = report
        .results
        .iter()
        .filter(|result| result.name.starts_with("requests"));
    assert!(
        requests
            .into_iter()
            .all(|result| matches!(result.outcome, CaseOutcome::Passed(_)))
    );
}

const CASE: &str = r#"
schema = "utfall-case/1"
what = "two and two"

[source]
software = "by hand"
call = "mean difference"
data-licence = "own"

[request]
schema = "utfall-request/1"
data = "units.csv"
estimand = "ate"

[request.treatment]
column = "arm"
treated = "1"
comparator = "0"

[request.effect]
estimator = "unadjusted-difference"
outcome = "y"
standard-error = "hc2"
degrees-of-freedom = "welch"
confidence-level = 0.95

[expected]
estimate = 2.5

[tolerance]
default = 1e-12
"#;

#[test]
fn what_came_of_each_file_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("units.csv", "arm,y\n1,3\n1,6\n0,1\n0,3\n");
    write("a.toml", CASE);
    write("b.toml", &CASE.replace("2.5", "2.5000001"));
    write(
        "c.toml",
        &CASE.replace("estimate = 2.5", "hazard_ratio = 2.5"),
    );
    write(
        "d.toml",
        &CASE.replace("unadjusted-difference", "synthetic-control"),
    );
    write("e.toml", &CASE.replace("default", "estimate"));
    write("f.toml", &CASE.replace("what", "whatever"));
    write("g.json", "{}");
    write("h.json", "{");
    write("i.toml", &CASE.replace("units.csv", "nowhere.csv"));
    let report = run(folder.path()).unwrap();
    let said = report.to_string();
    let lines: Vec<&str> = said.lines().skip(1).collect();
    let expected = [
        ("a ", "passed"),
        ("b ", "failed: `estimate` is 2.5, expected 2.5000001"),
        ("c ", "failed: the answer has no number `hazard_ratio`"),
        ("d ", "skipped: unknown variant `synthetic-control`"),
        ("e ", "failed: the case has no `default` tolerance"),
        (
            "f ",
            "failed: the case is malformed: unknown field `whatever`",
        ),
        ("g ", "skipped: not a case"),
        ("h ", "failed: not JSON"),
        ("i ", "failed: cannot read"),
        ("1 passed, 6 failed, 2 skipped", ""),
    ];
    assert_eq!(lines.len(), expected.len(), "{said}");
    for (line, (start, part)) in lines.iter().zip(expected) {
        assert!(line.starts_with(start) && line.contains(part), "{line}");
    }
}
