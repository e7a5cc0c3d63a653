//! The register of releases: who agreed, what is kept, and what is noticed.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use std::path::Path;

use utfall_disclosure::{
    Approval, Cell, HeldRegister, Policy, RegisterError, ReleaseRegister, TableSet,
};

fn tables(population: &str, counts: [u64; 3]) -> TableSet {
    let [a, b, c] = counts;
    let text = format!(
        "
        [[dimension]]
        name = 'school'
        codes = [{{ label = 'a' }}, {{ label = 'b' }}, {{ label = 'c' }}]
        [[table]]
        name = 'by school'
        population = '{population}'
        dimensions = ['school']
        rows = [{{ at = ['a'], n = {a} }}, {{ at = ['b'], n = {b} }}, {{ at = ['c'], n = {c} }}]
        "
    );
    toml::from_str(&text).unwrap()
}

fn approved(
    name: &str,
    justification: &str,
    author: &str,
    reviewers: [&str; 2],
) -> Result<Approval, RegisterError> {
    let date = chrono::NaiveDate::from_ymd_opt(2025, 3, 1).unwrap();
    Approval::new(name, justification, author, reviewers, date)
}

fn approval(name: &str) -> Approval {
    approved(
        name,
        "figures for the council",
        "Åsa Ek",
        ["Bo Lind", "Cai Holm"],
    )
    .unwrap()
}

fn filled(folder: &Path) -> HeldRegister {
    let mut register = HeldRegister::open(folder).unwrap();
    for (name, population, counts) in [
        ("first", "pupils", [3, 20, 30]),
        ("second", "staff", [11, 12, 13]),
    ] {
        register
            .add(
                &tables(population, counts),
                &Policy::acro(),
                &approval(name),
            )
            .unwrap();
    }
    register
}

#[test]
fn what_was_released_is_read_back_and_reckoned_with() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path());
    let register = ReleaseRegister::open(folder.path()).unwrap();
    let names: Vec<_> = register.entries().iter().map(|entry| &entry.name).collect();
    assert_eq!(names, ["first", "second"]);
    // The total of pupils, with the first release, would give the 3 away.
    let total: TableSet = toml::from_str(
        "[[table]]\nname = 'all'\npopulation = 'pupils'\ndimensions = []\nrows = [{ at = [], n = 53 }]",
    )
    .unwrap();
    let first = std::fs::read_to_string(folder.path().join("released/first.json")).unwrap();
    assert!(!first.contains("\"value\": 3\n") && first.contains("suppressed"));
    let alone = total.protect(&Policy::acro(), &[]).unwrap();
    assert_eq!(
        alone.released.get().tables[0].cells[0].cell,
        Cell::Exact(53)
    );
    let beside = register.protect(&total, &Policy::acro()).unwrap();
    assert_eq!(beside.audit.fewest_values, Some(10));
}

#[test]
fn two_reviewers_who_are_not_the_author_must_agree() {
    let reviewers = ["Bo Lind", "Cai Holm"];
    for refused in [
        approved("release", "why", "Åsa Ek", ["Bo Lind", " bo lind"]),
        approved("release", "why", "Åsa Ek", ["ÅSA EK", "Cai Holm"]),
        approved("release", "why", "Åsa Ek", ["Bo Lind", ""]),
        approved("release", "why", " ", reviewers),
        approved("release", " ", "Åsa Ek", reviewers),
        approved("../release", "why", "Åsa Ek", reviewers),
        approved("", "why", "Åsa Ek", reviewers),
    ] {
        assert!(
            matches!(refused, Err(RegisterError::NotApproved { .. })),
            "{refused:?}"
        );
    }
    assert!(approved("release-1", "why", "Åsa Ek", reviewers).is_ok());
}

#[test]
fn two_do_not_add_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let held = filled(folder.path());
    assert!(matches!(
        HeldRegister::open(folder.path()),
        Err(RegisterError::Locked(_))
    ));
    assert_eq!(
        ReleaseRegister::open(folder.path())
            .unwrap()
            .entries()
            .len(),
        2
    );
    drop(held);
    assert_eq!(
        HeldRegister::open(folder.path())
            .unwrap()
            .register()
            .entries()
            .len(),
        2
    );
}

#[test]
fn a_name_is_used_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut register = filled(folder.path());
    let again = register.add(
        &tables("others", [10, 20, 30]),
        &Policy::acro(),
        &approval("first"),
    );
    assert!(matches!(again, Err(RegisterError::NameTaken { .. })));
}

#[test]
fn whatever_is_changed_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path());
    let files = [
        "register.json",
        "released/first.json",
        "released/second.json",
        "restricted/first.json",
        "restricted/second.json",
    ];
    let mut n_changed = 0;
    for file in files {
        let path = folder.path().join(file);
        let bytes = std::fs::read(&path).unwrap();
        for place in (0..bytes.len()).step_by(3) {
            let mut changed = bytes.clone();
            changed[place] ^= 1;
            std::fs::write(&path, &changed).unwrap();
            let opened = ReleaseRegister::open(folder.path());
            // White space may change in the list itself, and the last entry's words: nothing follows it.
            if file == "register.json" && opened.is_ok() {
                continue;
            }
            assert!(opened.is_err(), "{file} byte {place}");
            n_changed += 1;
        }
        std::fs::write(&path, &bytes).unwrap();
        ReleaseRegister::open(folder.path()).unwrap();
    }
    assert!(n_changed > 1_000);
}

#[test]
fn an_entry_taken_out_or_a_file_put_in_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path());
    let path = folder.path().join("register.json");
    let text = std::fs::read_to_string(&path).unwrap();
    let mut register: serde_json::Value = serde_json::from_str(&text).unwrap();
    register["releases"].as_array_mut().unwrap().remove(0);
    std::fs::write(&path, register.to_string()).unwrap();
    assert!(matches!(
        ReleaseRegister::open(folder.path()),
        Err(RegisterError::Altered { .. })
    ));
    std::fs::write(&path, text).unwrap();
    std::fs::write(folder.path().join("released/third.json"), "{}").unwrap();
    let error = ReleaseRegister::open(folder.path())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("no entry of the register names it"),
        "{error}"
    );
}
