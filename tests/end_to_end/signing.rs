//! A plan is locked, a run entered, a bundle signed by three and verified by a fourth.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::harness::{Scratch, json, texts, utfall};

/// A folder with keys of everyone, a ledger and a trust policy.
struct Parties {
    folder: tempfile::TempDir,
}

impl Parties {
    fn new() -> Self {
        let parties = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        for name in ["ledger", "eva", "anna", "bo", "city"] {
            parties.well(&["key", "new", &parties.key(name), "--name", name]);
        }
        parties.well(&[
            "ledger",
            "new",
            &parties.path("ledger"),
            "--key",
            &parties.key("ledger"),
        ]);
        for (name, role) in [
            ("eva", "evaluator"),
            ("anna", "approver"),
            ("bo", "approver"),
            ("city", "cosigner"),
        ] {
            let public = format!("{}.pub", parties.key(name));
            parties.well(&[
                "key",
                "trust",
                &parties.path("trust.toml"),
                "--key",
                &public,
                "--holder",
                name,
                "--role",
                role,
                "--from",
                "2026-01-01",
                "--until",
                "2028-01-01",
            ]);
        }
        let mut policy = std::fs::read_to_string(parties.path("trust.toml")).unwrap();
        let ledger = std::fs::read_to_string(format!("{}.pub", parties.key("ledger"))).unwrap();
        policy.push_str(&format!(
            "\n[[require]]\nrole = \"evaluator\"\nholders = 1\n\n[[require]]\nrole = \"approver\"\nholders = 2\n\n\
             [[ledger]]\nkey = \"{}\"\ncosigners = 1\n",
            ledger.trim()
        ));
        std::fs::write(parties.path("trust.toml"), policy).unwrap();
        parties
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn key(&self, name: &str) -> String {
        self.path(&format!("{name}.key"))
    }

    /// Runs a command that succeeds, and returns what it printed.
    fn well(&self, args: &[&str]) -> String {
        let output = utfall(args);
        let (errors, results) = texts(&output);
        assert_eq!(output.status.code(), Some(0), "{args:?}: {errors}{results}");
        results
    }

    /// The exit code of a verification, and its result.
    fn verify(&self, bundle: &Path, further: &[&str]) -> (Option<i32>, Value) {
        let bundle = bundle.display().to_string();
        let policy = self.path("trust.toml");
        let mut args = vec![
            "verify",
            &bundle,
            "--trust",
            &policy,
            "--on",
            "2026-07-01",
            "--format",
            "json",
        ];
        args.extend(further);
        let output = utfall(&args);
        (
            output.status.code(),
            serde_json::from_slice(&output.stdout).unwrap_or_default(),
        )
    }

    /// A run of a pipeline whose plan was locked, entered and co-signed, but not signed.
    fn entered(&self, scratch: &Scratch) -> PathBuf {
        let pipeline = scratch.pipeline().display().to_string();
        let site = std::fs::read_to_string(scratch.site()).unwrap();
        let ledger = format!(
            "[ledger]\nfolder = {:?}\nkey = {:?}\n",
            self.path("ledger"),
            self.key("ledger")
        );
        std::fs::write(scratch.site(), format!("{site}\n{ledger}")).unwrap();
        self.well(&["lock", &pipeline]);
        scratch.run_well(&[]);
        let bundle = scratch.bundle().display().to_string();
        self.well(&[
            "ledger",
            "append",
            &self.path("ledger"),
            &bundle,
            "--key",
            &self.key("ledger"),
        ]);
        let ledger_key = format!("{}.pub", self.key("ledger"));
        self.well(&[
            "ledger",
            "cosign",
            &self.path("ledger"),
            "--key",
            &self.key("city"),
            "--ledger-key",
            &ledger_key,
        ]);
        self.well(&["ledger", "prove", &self.path("ledger"), &bundle]);
        scratch.bundle()
    }
}

fn outcomes(verification: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let levels = verification["levels"].as_array().unwrap();
    levels
        .iter()
        .map(|level| (text(&level["level"]), text(&level["outcome"])))
        .collect()
}

#[test]
fn a_bundle_made_by_one_approved_by_two_and_verified_by_a_fourth() {
    let (parties, scratch) = (Parties::new(), Scratch::copy_of("norrkoping"));
    let bundle = parties.entered(&scratch);
    let path = bundle.display().to_string();
    let (code, verification) = parties.verify(&bundle, &[]);
    assert_eq!(code, Some(5), "{verification}");
    let failed: Vec<_> = outcomes(&verification)
        .into_iter()
        .filter(|(_, outcome)| outcome == "failed")
        .collect();
    assert_eq!(
        failed,
        [("V1".to_owned(), "failed".to_owned())],
        "{verification:#}"
    );

    for name in ["eva", "anna", "bo"] {
        parties.well(&["sign", &path, "--key", &parties.key(name)]);
    }
    let elsewhere = tempfile::tempdir().unwrap();
    let copy = elsewhere.path().join("bundle.zip");
    std::fs::copy(&bundle, &copy).unwrap();
    let (code, verification) = parties.verify(&copy, &["--ledger", &parties.path("ledger")]);
    assert_eq!(code, Some(0), "{verification:#}");
    assert_eq!(verification["signers"].as_array().unwrap().len(), 3);
    assert_eq!(verification["ledger"]["index"], 2);
    assert_eq!(verification["ledger"]["cosigners"][0]["holder"], "city");
    // Someone with the data and the key of commitments, but without the ledger's key.
    std::fs::remove_file(parties.key("ledger")).unwrap();
    let (pipeline, again) = (
        scratch.pipeline().display().to_string(),
        parties.path("again"),
    );
    let rerun = ["--rerun", &pipeline, "--workspace", &again];
    let (code, verification) = parties.verify(&copy, &rerun);
    assert_eq!(code, Some(0), "{verification:#}");
    // A key that has signed does not sign again.
    let again = utfall(&["sign", &path, "--key", &parties.key("eva")]);
    assert_eq!(again.status.code(), Some(5));
}

#[test]
fn a_key_is_changed_for_one_that_the_old_one_vouches_for() {
    let (parties, scratch) = (Parties::new(), Scratch::copy_of("norrkoping"));
    let bundle = parties.entered(&scratch);
    let path = bundle.display().to_string();
    let policy = parties.path("trust.toml");
    let [old, new, wider] = ["anna", "anna-2", "anna-3"].map(|name| parties.key(name));
    let endorsement = format!("{new}.endorsement.json");
    let rotate = |to: &str, role: &str, until: &str| {
        utfall(&[
            "key",
            "rotate",
            &old,
            "--to",
            to,
            "--role",
            role,
            "--from",
            "2026-01-01",
            "--until",
            until,
        ])
    };
    let trust = |endorsement: &str, on: &str| {
        utfall(&[
            "key",
            "trust",
            &policy,
            "--endorsement",
            endorsement,
            "--on",
            on,
        ])
    };
    let refused = |output: std::process::Output, why: &str| {
        let (errors, _) = texts(&output);
        assert_eq!(output.status.code(), Some(2), "{errors}");
        assert!(errors.contains(why), "{errors}");
    };

    refused(
        rotate(&new, "approver", "2026-01-01"),
        "expected a later end",
    );
    assert!(!Path::new(&new).exists());
    assert_eq!(
        rotate(&new, "approver", "2030-01-01").status.code(),
        Some(0)
    );
    refused(rotate(&new, "approver", "2030-01-01"), "is there already");
    let shown = parties.well(&["key", "show", &endorsement]);
    let public = std::fs::read_to_string(format!("{old}.pub")).unwrap();
    assert!(
        shown.ends_with(&format!("until 2030-01-01, says {public}")),
        "{shown}"
    );

    // The new key counts for those alone who have taken it in, and then as the old one did.
    for name in ["eva", "anna-2", "bo"] {
        parties.well(&["sign", &path, "--key", &parties.key(name)]);
    }
    assert_eq!(parties.verify(&bundle, &[]).0, Some(5));
    let before = std::fs::read(&policy).unwrap();
    refused(trust(&endorsement, "2028-01-01"), "expired on 2028-01-01");
    assert_eq!(
        rotate(&wider, "evaluator", "2030-01-01").status.code(),
        Some(0)
    );
    refused(
        trust(&format!("{wider}.endorsement.json"), "2026-07-01"),
        "signs as `approver` and vouches for one that would sign as `evaluator`",
    );
    refused(utfall(&["key", "trust", &policy]), "nor --endorsement");
    refused(
        utfall(&[
            "key",
            "trust",
            &policy,
            "--key",
            &old,
            "--endorsement",
            &endorsement,
        ]),
        "cannot be used with",
    );
    refused(
        utfall(&["key", "trust", &policy, "--key", &old, "--role", "approver"]),
        "required argument",
    );
    assert_eq!(std::fs::read(&policy).unwrap(), before);
    assert_eq!(trust(&endorsement, "2026-07-01").status.code(), Some(0));
    refused(trust(&endorsement, "2026-07-01"), "stands twice");
    let (code, verification) = parties.verify(&bundle, &[]);
    assert_eq!(code, Some(0), "{verification:#}");

    let stolen = ["--on", "2026-06-01", "--reason", "laptop stolen"];
    // Whoever has the stolen key may have made the one that it vouched for.
    let said = parties.well(&[&["key", "revoke", &policy, "--key", &old], &stolen[..]].concat());
    let public = std::fs::read_to_string(format!("{new}.pub")).unwrap();
    assert!(said.contains("count on"), "{said}");
    assert!(said.contains(public.trim()), "{said}");
    let newest = parties.key("anna-4");
    assert_eq!(
        rotate(&newest, "approver", "2030-01-01").status.code(),
        Some(0)
    );
    refused(
        trust(&format!("{newest}.endorsement.json"), "2026-07-01"),
        "laptop stolen",
    );
}

#[test]
fn a_clause_changed_after_locking_is_named_in_run_report_and_bundle() {
    let scratch = Scratch::copy_of("norrkoping");
    let pipeline = scratch.pipeline().display().to_string();
    let run = scratch.run_well(&[]);
    assert_eq!(run["lock"]["locked"], Value::Null);
    assert_eq!(utfall(&["lock", &pipeline]).status.code(), Some(0));
    assert_eq!(utfall(&["lock", &pipeline]).status.code(), Some(2));
    let run = scratch.run_well(&[]);
    assert_eq!(run["lock"]["differences"], Value::Array(Vec::new()));
    let plan = std::fs::read_to_string(scratch.pipeline().join("plan.toml")).unwrap();
    std::fs::write(
        scratch.pipeline().join("plan.toml"),
        format!("# a comment changes nothing\n{plan}"),
    )
    .unwrap();
    let run = scratch.run_well(&[]);
    assert_eq!(run["lock"]["differences"], Value::Array(Vec::new()));
    scratch.edit(
        "plan.toml",
        "confidence-level = 0.95",
        "confidence-level = 0.9",
    );
    let output = scratch.run(&[]);
    let (_, results) = texts(&output);
    assert!(results.contains("CHANGED since"), "{results}");
    let run = json(&scratch.workspace().join("run.json"));
    let differences = run["lock"]["differences"].as_array().unwrap();
    assert_eq!(differences.len(), 1, "{differences:?}");
    assert_eq!(differences[0]["file"], "plan.toml");
    assert_eq!(
        (&differences[0]["locked"], &differences[0]["run"]),
        (&"0.95".into(), &"0.9".into())
    );
    let report = std::fs::read_to_string(scratch.workspace().join("report.html")).unwrap();
    assert!(report.contains("changed after it was locked"));
    let bundle = scratch.bundle().display().to_string();
    assert_eq!(utfall(&["verify", &bundle]).status.code(), Some(0));
}

#[test]
fn a_ledger_that_was_rolled_back_is_not_cosigned() {
    let (parties, scratch) = (Parties::new(), Scratch::copy_of("norrkoping"));
    let ledger_key = format!("{}.pub", parties.key("ledger"));
    let copy = parties.path("copy");
    let cosign = |folder: &str| {
        utfall(&[
            "ledger",
            "cosign",
            folder,
            "--key",
            &parties.key("city"),
            "--ledger-key",
            &ledger_key,
        ])
    };
    // Another ledger under the same key: what it was before the first entry.
    let made = utfall(&["ledger", "new", &copy, "--key", &parties.key("ledger")]);
    assert_eq!(made.status.code(), Some(0));
    parties.entered(&scratch);
    let output = cosign(&copy);
    assert_eq!(output.status.code(), Some(5));
    assert!(texts(&output).0.contains("rolled back"));
    assert_eq!(cosign(&parties.path("ledger")).status.code(), Some(0));
    let check = utfall(&[
        "ledger",
        "check",
        &parties.path("ledger"),
        "--ledger-key",
        &ledger_key,
    ]);
    assert_eq!(check.status.code(), Some(0));
}

#[test]
fn no_plain_digest_of_restricted_files_leaves() {
    let scratch = Scratch::copy_of("norrkoping");
    scratch.run_well(&[]);
    let bundle = std::fs::read(scratch.bundle()).unwrap();
    let text = String::from_utf8_lossy(&bundle);
    let mut restricted = vec![
        scratch.workspace().join("cohort/cohort.csv"),
        scratch.workspace().join("matching/matched.csv"),
    ];
    for entry in std::fs::read_dir(scratch.data()).unwrap() {
        restricted.push(entry.unwrap().path());
    }
    let truth = json_truth(&scratch);
    for path in restricted.iter().filter(|path| !truth.contains(*path)) {
        let bytes = std::fs::read(path).unwrap();
        for digest in [
            utfall_files::Digest::blake3(&bytes),
            utfall_files::Digest::sha256(&bytes),
        ] {
            assert!(!text.contains(&digest.to_string()), "{}", path.display());
        }
    }
    let key = std::fs::read_to_string(scratch.data().join("../commitment.key")).unwrap();
    assert!(!text.contains(key.trim()));
}

/// The file of planted truth, which is of synthetic data and open.
fn json_truth(scratch: &Scratch) -> Vec<PathBuf> {
    let site: toml::Table = std::fs::read_to_string(scratch.site())
        .unwrap()
        .parse()
        .unwrap();
    let truth = site
        .get("truth")
        .map(|truth| truth["file"].as_str().unwrap());
    truth
        .into_iter()
        .map(|name| scratch.data().join(name))
        .collect()
}
