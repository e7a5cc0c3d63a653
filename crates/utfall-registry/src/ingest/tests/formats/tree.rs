//! Deliveries of many files, with columns in the names of their folders.

use super::*;

/// A delivery of files in folders, as `delivered_files` finds them.
fn tree(head: &str, files: &[(&str, &str)]) -> Bench {
    let mut bench = Bench::new(&contract(head));
    let root = bench.folder.path().join("in");
    for (name, text) in files {
        let path = root.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let files = crate::delivered_files(&root).unwrap();
    bench.deliveries = files
        .into_iter()
        .map(|path| Delivery {
            path,
            vintage: "2024-10-01".parse().unwrap(),
            status: DeliveryStatus::Final,
            scope: DeliveryScope::Changes,
        })
        .collect();
    bench
}

#[test]
fn columns_in_the_names_of_folders_are_columns_of_every_row_below() {
    let bench = tree(
        CSV,
        &[
            (
                "kind=A/day=2024-09-01/part.csv",
                "id;värde;count\na;1;1\nb;2;2\n",
            ),
            (
                "kind=B/day=__HIVE_DEFAULT_PARTITION__/part.csv",
                "count;id;värde\n3;c;3\n",
            ),
            (
                "kind=B/day=2024-09-02/part.csv",
                "id;värde;count;day\nd;4;4;2024-09-03\n",
            ),
            ("kind=C/day=2024-09-02/_SUCCESS", ""),
        ],
    );
    let report = bench.ingest().unwrap();
    assert_eq!(
        bench.rows(),
        [
            r#""a" 100 1 2024-09-01 "A""#,
            r#""b" 200 2 2024-09-01 "A""#,
            r#""c" 300 3 null "B""#,
            r#""d" 400 4 2024-09-03 "B""#,
        ]
    );
    let lines: Vec<(&str, u64)> = report
        .deliveries
        .iter()
        .map(|delivery| (delivery.file.as_str(), delivery.n_accepted))
        .collect();
    assert_eq!(
        lines,
        [
            ("kind=A/day=2024-09-01/part.csv", 2),
            ("kind=B/day=2024-09-02/part.csv", 1),
            ("kind=B/day=__HIVE_DEFAULT_PARTITION__/part.csv", 1),
        ]
    );
}

#[test]
fn what_a_folder_says_is_judged_and_guarded_as_a_cell_is() {
    let text = "id;värde;count;day\na;1;1;\n";
    let bench = tree(
        CSV,
        &[
            ("kind=A/1.csv", text),
            ("kind=Q/2.csv", &text.replace("a;", "b;")),
        ],
    );
    let report = bench.ingest().unwrap();
    assert_eq!(broken(&report), [("code", Some("kind"), 1)]);
    assert_eq!(report.rules[0].first_locators[0].file, "kind=Q/2.csv");
    let text = "värde;count;day;kind\n1;1;;A\n";
    let message = tree(CSV, &[("id=19570428-9999/1.csv", text)])
        .ingest()
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("id=…/1.csv:2: a column beyond the header holds Swedish"),
        "{message}"
    );
    assert!(!message.contains("9999"), "{message}");
}

#[test]
fn every_format_takes_columns_from_folders() {
    let visit = r#"{"id":"a","värde":1,"count":1,"day":null}"#;
    let xml = "<visits><visit><id>a</id><värde>1</värde><count>1</count><day/></visit></visits>";
    for (head, text) in [(JSON, visit), (XML, xml)] {
        let bench = tree(head, &[("kind=B/1", text)]);
        bench.ingest().unwrap();
        assert_eq!(bench.rows(), [r#""a" 100 1 null "B""#], "{head}");
    }
}
