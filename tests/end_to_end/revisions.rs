//! Deliveries that revise each other: what was known when, and what it did to the payment.

use std::path::Path;

use crate::harness::{Scratch, texts, utfall};

/// The shipped pipeline with everything but absence delivered by the first of September.
fn two_deliveries() -> Scratch {
    let scratch = Scratch::copy_of("hemmasittare");
    let site = std::fs::read_to_string(scratch.site()).unwrap();
    let blocks = site.split("[[delivery]]").map(|block| {
        if block.contains("\"absence\"") {
            block.to_owned()
        } else {
            block.replace("vintage = \"2024-12-01\"", "vintage = \"2024-09-01\"")
        }
    });
    let blocks: Vec<String> = blocks.collect();
    std::fs::write(scratch.site(), blocks.join("[[delivery]]")).unwrap();
    scratch
}

fn told<S: AsRef<std::ffi::OsStr>>(args: &[S]) -> String {
    let output = utfall(args);
    let (errors, text) = texts(&output);
    assert_eq!(output.status.code(), Some(0), "{errors}");
    text
}

fn path(path: &Path) -> String {
    path.display().to_string()
}

#[test]
fn a_run_as_of_an_earlier_day_is_not_yet_reported_and_diff_names_what_moved_the_payment() {
    let scratch = two_deliveries();
    let (early, late) = (
        scratch.workspace().with_file_name("early"),
        scratch.workspace().with_file_name("late"),
    );
    let pipeline = path(&scratch.pipeline());
    let (early, late) = (path(&early), path(&late));
    let run = |more: &[&str]| {
        let args = [&["run", pipeline.as_str()], more].concat();
        told(&args)
    };
    let text = run(&["--workspace", &early, "--as-of", "2024-09-20"]);
    assert!(text.contains("0.00 SEK"), "{text}");
    run(&["--workspace", &late]);
    let text = told(&["diff", &early, &late]);
    assert!(
        text.contains("not yet reported: the follow-up ends on 2024-09-01"),
        "{text}"
    );
    assert!(
        text.contains("Moved by") && text.contains("absence."),
        "{text}"
    );
    assert!(
        text.contains("total: 0.00 SEK (deferred) -> 2 000 000.00 SEK (paid)"),
        "{text}"
    );
    assert_eq!(told(&["diff", &late, &late]), "nothing differs\n");
    let json = told(&["diff", &early, &late, "--format", "json"]);
    let found: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(found["schema"], "utfall-run-difference/1");
    let total = found["amounts"].as_array().unwrap().last().unwrap();
    assert_eq!(total["after"], "2 000 000.00 SEK (paid)");
    let days = [
        "diff",
        &pipeline,
        "--from",
        "2024-09-20",
        "--to",
        "2024-12-01",
    ];
    let text = told(&[&days[..], &["--workspace", &late]].concat());
    assert!(
        text.contains("effect absence: the follow-up is not fully reported"),
        "{text}"
    );
    let text = told(&[&days[..], &["--workspace", &early, "--extract", "absence"]].concat());
    assert!(
        text.starts_with("absence ") && text.contains("changed"),
        "{text}"
    );
    let more = [
        "--workspace",
        &early,
        "--extract",
        "absence",
        "--format",
        "json",
    ];
    let found: serde_json::Value =
        serde_json::from_str(&told(&[&days[..], &more].concat())).unwrap();
    assert_eq!(found["schema"], "utfall-vintage-difference/1");
    assert_eq!(found["extracts"][0]["extract"], "absence");
    assert_eq!(found["extracts"][0]["n_added"]["status"], "rounded");
    assert!(text.contains("    invalid-hours: ≈"), "{text}");
    assert!(!text.contains("persons"), "{text}");
}

#[test]
fn a_plan_and_a_command_that_ask_for_different_days_are_refused() {
    let scratch = two_deliveries();
    scratch.edit(
        "plan.toml",
        "index-date",
        "as-of = \"2024-12-01\"\nindex-date",
    );
    let output = scratch.run(&["--as-of", "2024-09-20"]);
    let (errors, _) = texts(&output);
    assert_eq!(output.status.code(), Some(2), "{errors}");
    assert!(
        errors.contains("as of 2024-12-01, but 2024-09-20"),
        "{errors}"
    );
    let output = scratch.run(&["--as-of", "2024-12-01"]);
    assert_eq!(output.status.code(), Some(0));
    let scratch = two_deliveries();
    let output = scratch.run(&["--as-of", "2024-01-01"]);
    let (errors, _) = texts(&output);
    assert_eq!(output.status.code(), Some(2), "{errors}");
    assert!(errors.contains("is of 2024-01-01 or earlier"), "{errors}");
}

/// Replaces the ids of every extract under a key, in place, and states it in the contracts.
fn pseudonymised(scratch: &Scratch, extracts: &[(&str, &str)], key_file: &Path) -> String {
    let mut key = String::new();
    for (contract, file) in extracts {
        let (contract, file) = (
            scratch.pipeline().join("extracts").join(contract),
            scratch.data().join(file),
        );
        let to = file.with_extension("new");
        let args = [
            "pseudonymise",
            &path(&file),
            "--contract",
            &path(&contract),
            "--column",
            "LopNr",
            "--bad-rows",
            "drop",
            "--form",
            "compact",
            "--key-file",
            &path(key_file),
            "--to",
            &path(&to),
            "--quiet",
        ];
        let text = told(&args);
        let after = text.split_once("pseudonym = \"").unwrap().1;
        key = after.split_once('"').unwrap().0.to_owned();
        std::fs::rename(&to, &file).unwrap();
    }
    for contract in extracts.iter().map(|(contract, _)| contract) {
        let path = scratch.pipeline().join("extracts").join(contract);
        let text = std::fs::read_to_string(&path).unwrap();
        let text = text.replace("windows-1252", "utf-8");
        let stated = format!("name = \"LopNr\"\npseudonym = \"{key}\"\n");
        if !text.contains("pseudonym") {
            std::fs::write(&path, text.replacen("name = \"LopNr\"\n", &stated, 1)).unwrap();
        }
    }
    key
}

#[test]
fn pseudonyms_of_one_key_give_the_same_decision_and_two_keys_are_never_linked() {
    let scratch = Scratch::copy_of("hemmasittare");
    let keys = ["one", "two"].map(|name| scratch.workspace().with_file_name(name));
    for key in &keys {
        told(&["pseudonymise", "--new-key", &path(key)]);
    }
    let absence = [
        ("absence.toml", "franvaro_20240915.csv"),
        ("absence.toml", "franvaro_20241201.csv"),
    ];
    let others = [
        ("persons.toml", "personer_20241201.csv"),
        ("enrolment.toml", "skolgang_20241201.csv"),
        ("referrals.toml", "remisser_20241201.csv"),
    ];
    let one = pseudonymised(&scratch, &others, &keys[0]);
    let two = pseudonymised(&scratch, &absence, &keys[1]);
    let (errors, _) = texts(&scratch.run(&[]));
    for told in ["under key", &one, &two, "plan.toml:", "utfall pseudonymise"] {
        assert!(errors.contains(told), "{errors}");
    }
    // The absence anew, under the key of the others.
    let fresh = Scratch::copy_of("hemmasittare");
    let same = pseudonymised(&fresh, &others, &keys[0]);
    assert_eq!(pseudonymised(&fresh, &absence, &keys[0]), same);
    let decision = |scratch: &Scratch| scratch.run_well(&[])["decision"]["total"].clone();
    let plain = Scratch::copy_of("hemmasittare");
    assert_eq!(decision(&fresh), decision(&plain));
    let text = std::fs::read_to_string(fresh.data().join("personer_20241201.csv")).unwrap();
    assert!(!text.contains("P00000001") && text.contains(&format!("{same}.")));
}
