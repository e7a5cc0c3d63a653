//! Releasing: tables protected, refused and entered, and the public view that every run leaves.

use std::path::Path;

use serde_json::Value;

use crate::harness::{Scratch, texts, utfall};

const TABLES: &str = "
[policy]
kind = 'suppress'
at-least = 10
zeros = 'disclosive'
dominance = { largest = 2, share = 0.9 }
p-ratio = 0.1
residual-degrees-of-freedom = 10

[[dimension]]
name = 'school'
codes = [{ label = 'north' }, { label = 'south' }, { label = 'west' }]

[[dimension]]
name = 'sex'
codes = [{ label = 'girls' }, { label = 'boys' }]

[[table]]
name = 'absent pupils by school and sex'
population = 'pupils, autumn 2024'
dimensions = ['school', 'sex']
file = 'absent.csv'
";

const COUNTS: &str = "school,sex,n\nnorth,girls,3\nnorth,boys,20\nsouth,girls,31\nsouth,boys,44\nwest,girls,52\nwest,boys,60\n";

fn written(folder: &Path) -> [String; 2] {
    std::fs::write(folder.join("tables.toml"), TABLES).unwrap();
    std::fs::write(folder.join("absent.csv"), COUNTS).unwrap();
    let text = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    [text("tables.toml"), text("releases")]
}

fn add(
    tables: &str,
    register: &str,
    name: &str,
    reviewers: &[&str],
) -> (Option<i32>, String, String) {
    let mut arguments = vec![
        "release",
        "add",
        tables,
        "--register",
        register,
        "--name",
        name,
        "--date",
        "2025-03-01",
        "--justification",
        "figures for the council",
        "--author",
        "Åsa Ek",
    ];
    for reviewer in reviewers {
        arguments.extend(["--reviewer", reviewer]);
    }
    let output = utfall(&arguments);
    let (errors, said) = texts(&output);
    (output.status.code(), errors, said)
}

#[test]
fn tables_are_checked_released_with_two_reviewers_and_shown() {
    let folder = tempfile::tempdir().unwrap();
    let [tables, register] = &written(folder.path());
    let output = utfall(&["release", "check", tables]);
    let (errors, said) = texts(&output);
    assert_eq!(output.status.code(), Some(0), "{errors}");
    assert!(
        said.contains("an attacker is left with 10 values of each at least"),
        "{said}"
    );
    let north = said.lines().find(|line| line.contains("north")).unwrap();
    assert!(north.matches('–').count() >= 2, "{said}");

    let (code, errors, _) = add(tables, register, "absence", &["Bo Lind"]);
    assert_eq!(code, Some(4), "{errors}");
    let (code, errors, _) = add(tables, register, "absence", &["Bo Lind", "Åsa Ek"]);
    assert_eq!(code, Some(4), "{errors}");
    assert!(
        errors.contains("its author is among the reviewers"),
        "{errors}"
    );
    assert!(!Path::new(register).exists());

    let (code, errors, _) = add(tables, register, "absence", &["Bo Lind", "Cai Holm"]);
    assert_eq!(code, Some(0), "{errors}");
    let released =
        std::fs::read_to_string(Path::new(register).join("released/absence.json")).unwrap();
    assert!(released.contains("\"status\": \"suppressed\""));
    let (code, errors, _) = add(tables, register, "absence", &["Bo Lind", "Cai Holm"]);
    assert_eq!(code, Some(2), "{errors}");

    let output = utfall(&["release", "show", register]);
    let (errors, said) = texts(&output);
    assert_eq!(output.status.code(), Some(0), "{errors}");
    assert!(said.contains("reviewed by Bo Lind and Cai Holm"), "{said}");

    let path = Path::new(register).join("released/absence.json");
    std::fs::write(&path, released.replacen("20", "21", 1)).unwrap();
    let output = utfall(&["release", "show", register]);
    let (errors, _) = texts(&output);
    assert_eq!(output.status.code(), Some(5), "{errors}");
    assert!(
        errors.contains("its digest is not the one entered"),
        "{errors}"
    );
}

/// What was released leaves the girls of the north between the small cells that cover them; a table
/// that shows one of those could not be protected and is refused.
#[test]
fn a_release_that_would_give_back_an_earlier_one_is_refused_or_covered() {
    let folder = tempfile::tempdir().unwrap();
    let [tables, register] = &written(folder.path());
    let (code, errors, _) = add(tables, register, "first", &["Bo Lind", "Cai Holm"]);
    assert_eq!(code, Some(0), "{errors}");
    let school = TABLES
        .replace("dimensions = ['school', 'sex']", "dimensions = ['school']")
        .replace("absent.csv", "school.csv");
    std::fs::write(folder.path().join("tables.toml"), school).unwrap();
    std::fs::write(
        folder.path().join("school.csv"),
        "school,n\nnorth,23\nsouth,75\nwest,112\n",
    )
    .unwrap();
    let output = utfall(&[
        "release",
        "check",
        tables,
        "--register",
        register,
        "--format",
        "json",
    ]);
    let (errors, said) = texts(&output);
    assert_eq!(output.status.code(), Some(0), "{errors}");
    let document: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(document["audit"]["fewest-values"], 10);
    std::fs::write(
        folder.path().join("school.csv"),
        "school,n\nnorth,24\nsouth,75\nwest,112\n",
    )
    .unwrap();
    let output = utfall(&["release", "check", tables, "--register", register]);
    let (errors, _) = texts(&output);
    assert_eq!(output.status.code(), Some(2), "{errors}");
    assert!(
        errors.contains("give the population another name"),
        "{errors}"
    );
}

#[test]
fn a_fault_in_a_table_is_told_by_file_and_line_and_no_count() {
    let folder = tempfile::tempdir().unwrap();
    let [tables, _] = &written(folder.path());
    std::fs::write(
        folder.path().join("absent.csv"),
        "school,sex,n\nnorth,girls,4711x\n",
    )
    .unwrap();
    let output = utfall(&["release", "check", tables]);
    let (errors, _) = texts(&output);
    assert_eq!(output.status.code(), Some(2), "{errors}");
    assert!(
        errors.contains("absent.csv:2: column `n`") && !errors.contains("4711"),
        "{errors}"
    );
}

/// Every count of the public view of a run, and the payment that follows from it.
#[test]
fn a_run_leaves_a_public_view_without_an_exact_count() {
    let scratch = Scratch::copy_of("hemmasittare");
    scratch.run_well(&[]);
    let text = std::fs::read_to_string(scratch.workspace().join("release/public.json")).unwrap();
    let view: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(view["schema"], "utfall-public/1");
    let mut cells = Vec::new();
    statuses(&view, &mut cells);
    assert!(cells.len() > 10);
    assert!(cells.iter().all(|status| status != "exact"), "{cells:?}");
    // 221 were compared: 2 500 SEK for each would be 552 500, and tell how many.
    let compared = view["compared"]["treated"]["value"].as_u64().unwrap();
    assert_eq!(compared, 220);
    let lines = view["payment"]["lines"].as_array().unwrap();
    let digits = |line: &Value| -> String {
        let amount = line["amount"].as_str().unwrap().chars();
        amount.filter(char::is_ascii_digit).collect()
    };
    assert!(
        lines.iter().any(|line| digits(line) == "55000000"),
        "{lines:?}"
    );
    assert!(!text.contains("552"));
    let files: Vec<_> = std::fs::read_dir(scratch.workspace().join("release"))
        .unwrap()
        .collect();
    assert_eq!(files.len(), 1);
}

fn statuses(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            if let (Some(Value::String(status)), Some(Value::Number(_) | Value::Null)) =
                (fields.get("status"), fields.get("value"))
            {
                found.push(status.clone());
            }
            fields.values().for_each(|value| statuses(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| statuses(value, found)),
        _ => {}
    }
}
