//! A thousand unique ids planted in restricted columns appear in nothing that leaves.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Output;

use crate::harness::{Scratch, texts, utfall};

/// The extracts of `hemmasittare`; the first column of each is the person.
const EXTRACTS: [&str; 5] = [
    "personer_20241201.csv",
    "skolgang_20241201.csv",
    "franvaro_20240915.csv",
    "franvaro_20241201.csv",
    "remisser_20241201.csv",
];

/// An id that nothing else in the world looks like, of the form the contract asks for.
fn canary(n: usize) -> String {
    format!("P9{:07}", (n * 7_919 + 1_234_567) % 10_000_000)
}

/// Gives a thousand persons, those who were referred first, ids that can be told anywhere.
fn planted(scratch: &Scratch) -> Vec<String> {
    let mut ids: BTreeMap<Vec<u8>, String> = BTreeMap::new();
    for extract in ["remisser_20241201.csv", "personer_20241201.csv"] {
        scratch.rewrite(extract, |lines| {
            for line in &lines[1..] {
                let id = line.split(|&byte| byte == b';').next().unwrap().to_vec();
                let n = ids.len();
                if n < 1000 {
                    ids.entry(id).or_insert_with(|| canary(n));
                }
            }
            lines
        });
    }
    for extract in EXTRACTS {
        scratch.rewrite(extract, |mut lines| {
            for line in &mut lines[1..] {
                let end = line.iter().position(|&byte| byte == b';').unwrap();
                if let Some(canary) = ids.get(&line[..end]) {
                    line.splice(..end, canary.bytes());
                }
            }
            lines
        });
    }
    ids.into_values().collect()
}

/// Every canary that a text holds.
fn held<'a>(text: &[u8], canaries: &'a [String]) -> Vec<&'a str> {
    let text = String::from_utf8_lossy(text);
    let is_held = |canary: &&String| text.contains(canary.as_str());
    canaries
        .iter()
        .filter(is_held)
        .map(String::as_str)
        .collect()
}

fn assert_silent(what: &str, output: &Output, canaries: &[String]) {
    for stream in [&output.stdout, &output.stderr] {
        assert_eq!(held(stream, canaries), Vec::<&str>::new(), "{what}");
    }
}

/// Nothing of what a run leaves for others holds a canary. Returns how many files there are.
fn assert_nothing_leaves(workspace: &Path, canaries: &[String]) -> usize {
    let mut n_read = 0;
    for name in ["bundle.zip", "report.html", "run.json", "quality.html"] {
        if let Ok(bytes) = std::fs::read(workspace.join(name)) {
            n_read += 1;
            assert_eq!(held(&bytes, canaries), Vec::<&str>::new(), "{name}");
        }
    }
    n_read
}

#[test]
fn no_planted_id_leaves_with_a_run_or_what_is_said_of_it() {
    let scratch = Scratch::copy_of("hemmasittare");
    let canaries = planted(&scratch);
    assert_eq!(canaries.len(), 1000);
    let output = scratch.run(&[]);
    assert_eq!(output.status.code(), Some(0), "{}", texts(&output).0);
    assert_silent("run", &output, &canaries);
    assert_eq!(assert_nothing_leaves(&scratch.workspace(), &canaries), 4);
    let matched = std::fs::read(scratch.workspace().join("matching/matched.csv")).unwrap();
    assert!(
        held(&matched, &canaries).len() > 50,
        "they are among those compared"
    );
    let bundle = scratch.bundle().display().to_string();
    for args in [["verify", &bundle], ["explain", &bundle]] {
        assert_silent(args[0], &utfall(&args), &canaries);
    }
}

#[test]
fn no_planted_id_leaves_with_an_error() {
    for (extract, spoil) in [
        // A row too long, one too short, a date that is none, a key twice, quotes left open.
        ("personer_20241201.csv", ";;;;;;;;;;"),
        ("personer_20241201.csv", ""),
        ("personer_20241201.csv", ";F0000000;19911302;2;0581;;"),
        ("personer_20241201.csv", ";F0000000;20101202;9;0581;;"),
        ("franvaro_20241201.csv", ";20240801;x;0,3;7,8"),
        ("franvaro_20241201.csv", ";20240801;1,0;0,3;7,8"),
        ("remisser_20241201.csv", ";NARVARO;20230604;\"SKOLA"),
        ("skolgang_20241201.csv", ";S011;2;20230616;20220816"),
    ] {
        let scratch = Scratch::copy_of("hemmasittare");
        let canaries = planted(&scratch);
        scratch.rewrite(extract, |mut lines| {
            lines.extend(
                canaries
                    .iter()
                    .map(|id| format!("{id}{spoil}").into_bytes()),
            );
            lines
        });
        let output = scratch.run(&[]);
        assert_silent(spoil, &output, &canaries);
        assert_nothing_leaves(&scratch.workspace(), &canaries);
        let pipeline = scratch.pipeline().display().to_string();
        let checks = scratch.workspace().join("checks").display().to_string();
        let checked = utfall(&["validate", &pipeline, "--workspace", &checks]);
        assert_silent(spoil, &checked, &canaries);
    }
}
