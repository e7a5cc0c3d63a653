//! Thread counts and row order change no byte.

use crate::harness::Scratch;

/// Everything a run seals or builds on, as bytes.
fn results(scratch: &Scratch) -> Vec<(&'static str, Vec<u8>)> {
    [
        "cohort/cohort.csv",
        "matching/matched.csv",
        "matching/overlap.json",
        "alternatives/alternatives.json",
        "effects/effects.json",
        "decision/decision.json",
        "bundle.zip",
    ]
    .into_iter()
    .map(|name| (name, std::fs::read(scratch.workspace().join(name)).unwrap()))
    .collect()
}

#[test]
fn any_number_of_threads_gives_the_same_bytes() {
    for pipeline in [
        "hemmasittare",
        "norrkoping",
        "dialog-mod-vold",
        "nyc-attendance",
        "castle-doctrine",
        "recidivism",
    ] {
        let scratch = Scratch::copy_of(pipeline);
        same_on_any_threads(&scratch, |scratch, threads| {
            match pipeline {
                "castle-doctrine" => scratch.run_beyond_its_gate(threads),
                _ => scratch.run_well(threads),
            };
        });
    }
}

/// What a run with one thread gives, which those with two and with eight must give too.
pub(crate) fn same_on_any_threads(
    scratch: &Scratch,
    run: impl Fn(&Scratch, &[&str]),
) -> Vec<(&'static str, Vec<u8>)> {
    let on = |threads: &str| {
        if scratch.workspace().exists() {
            std::fs::remove_dir_all(scratch.workspace()).unwrap();
        }
        run(scratch, &["--threads", threads]);
        results(scratch)
    };
    let alone = on("1");
    for threads in ["2", "8"] {
        for ((name, expected), (_, found)) in alone.iter().zip(on(threads)) {
            assert!(*expected == found, "{name} differs with {threads} threads");
        }
    }
    alone
}

/// Puts the rows of every extract of `hemmasittare` in another order, and holds a run to what the rows
/// as they were gave.
pub(crate) fn same_in_any_order(scratch: &Scratch, sorted: &[(&'static str, Vec<u8>)]) {
    for file in [
        "personer_20241201.csv",
        "skolgang_20241201.csv",
        "franvaro_20240915.csv",
        "franvaro_20241201.csv",
        "remisser_20241201.csv",
    ] {
        scratch.rewrite(file, shuffled);
    }
    std::fs::remove_dir_all(scratch.workspace()).unwrap();
    scratch.run_well(&[]);
    for ((name, before), (_, after)) in sorted.iter().zip(results(scratch)) {
        // The bundle names the digests of the very files, which did change.
        assert!(
            *name == "bundle.zip" || *before == after,
            "{name} depends on the order of rows"
        );
    }
}

/// The lines after the header in an order that follows from nothing in the data.
fn shuffled(mut lines: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    let header = lines.remove(0);
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for last in (1..lines.len()).rev() {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let other = usize::try_from(state >> 33).unwrap() % (last + 1);
        lines.swap(last, other);
    }
    lines.insert(0, header);
    lines
}

#[test]
fn the_order_of_rows_moves_no_figure() {
    let scratch = Scratch::copy_of("hemmasittare");
    scratch.run_well(&[]);
    same_in_any_order(&scratch, &results(&scratch));
}

#[test]
fn an_older_processor_gives_the_same_bytes() {
    let scratch = Scratch::copy_of("norrkoping");
    scratch.run_well(&[]);
    let expected = results(&scratch);
    std::fs::remove_dir_all(scratch.workspace()).unwrap();
    // No AVX, no FMA: whatever picks instructions at run time would pick others.
    let emulated = std::process::Command::new("qemu-x86_64")
        .args(["-cpu", "Nehalem", env!("CARGO_BIN_EXE_utfall"), "run"])
        .arg(scratch.pipeline())
        .arg("--workspace")
        .arg(scratch.workspace())
        .output();
    let Ok(emulated) = emulated else {
        eprintln!("SKIPPED: no qemu-x86_64");
        return;
    };
    let (errors, _) = crate::harness::texts(&emulated);
    assert_eq!(emulated.status.code(), Some(0), "{errors}");
    assert!(
        results(&scratch) == expected,
        "another processor gives other bytes"
    );
}
