//! Plans whose effect is at a cutoff, or of those that an instrument moves, on synthetic persons whose
//! effect is known.

use std::fmt::Write;

use serde_json::Value;

use crate::harness::{Scratch, texts, utfall};
use crate::over_time::estimate;

const EFFECT: f64 = 12.0;
const N_PERSONS: u32 = 3000;

/// Draws of the standard normal, by sums of twelve uniforms: the same in every run.
struct Noise(u64);

impl Noise {
    fn uniform(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        f64::from(u32::try_from(self.0 >> 40).unwrap()) / f64::from(1 << 24)
    }

    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }
}

/// Who is offered a place, and who takes it.
struct World {
    /// Whether an offer follows from a score of 100 and more, or from lots.
    by_score: bool,
    /// Whether some who are offered a place leave it.
    leaves: bool,
}

impl World {
    /// `releases.csv` with a score in place of age, and `arrests.csv` with days of work and whether the place
    /// was taken. Those who take a place if offered work more whether they are offered it or not.
    fn write(&self, scratch: &Scratch) {
        let mut noise = Noise(7);
        let mut persons = String::from("person,aid,aid_date,score\n");
        let mut work = String::from("person,until,days,took\n");
        for number in 1..=N_PERSONS {
            let score = (noise.uniform() * 200.0).floor();
            let lot = noise.uniform() < 0.5;
            let offered = if self.by_score { score >= 100.0 } else { lot };
            let willing = !self.leaves || noise.uniform() < 0.6;
            let took = offered && willing;
            let eager = if willing { 8.0 } else { 0.0 };
            let days = 100.0 + 0.2 * score + eager + EFFECT * f64::from(u8::from(took));
            let days = (days + 10.0 * noise.normal()).round();
            let [aid, date, took] = match (offered, took) {
                (true, true) => ["1", "2023-12-31", "1"],
                (true, false) => ["1", "2023-12-31", "0"],
                _ => ["0", "", "0"],
            };
            writeln!(persons, "P{number:04},{aid},{date},{score}").unwrap();
            writeln!(work, "P{number:04},2024-06-30,{days},{took}").unwrap();
        }
        std::fs::write(scratch.data().join("releases.csv"), persons).unwrap();
        std::fs::write(scratch.data().join("arrests.csv"), work).unwrap();
    }
}

const EXTRACTS: [(&str, &str); 2] = [
    (
        "releases",
        r#"
[[column]]
name = "aid"
as = "aid"
type = "code"
required = true
codes = ["0", "1"]

[[column]]
name = "aid_date"
as = "aid-date"
type = "date"
minimum = "2023-01-01"
maximum = "2024-12-31"

[[column]]
name = "score"
as = "score"
type = "integer"
required = true
minimum = "0"
maximum = "200"
"#,
    ),
    (
        "arrests",
        r#"
[[column]]
name = "until"
as = "until"
type = "date"
required = true
minimum = "2024-01-01"
maximum = "2024-12-31"

[[column]]
name = "days"
as = "days"
type = "integer"
required = true
minimum = "0"
maximum = "400"

[[column]]
name = "took"
as = "took"
type = "integer"
required = true
minimum = "0"
maximum = "1"
"#,
    ),
];

/// The pipeline on recidivism with other persons, extracts and effect.
fn pipeline(world: &World, estimand: &str, estimator: &str) -> Scratch {
    let scratch = Scratch::copy_of("recidivism");
    world.write(&scratch);
    for (extract, columns) in EXTRACTS {
        let path = scratch.pipeline().join(format!("extracts/{extract}.toml"));
        let text = std::fs::read_to_string(&path).unwrap();
        let (head, _) = text.split_once("[[column]]").unwrap();
        let person =
            "[[column]]\nname = \"person\"\nas = \"person\"\ntype = \"text\"\nrequired = true\n";
        std::fs::write(path, format!("{head}{person}{columns}")).unwrap();
    }
    let path = scratch.pipeline().join("plan.toml");
    let plan = std::fs::read_to_string(&path).unwrap();
    let (head, rest) = plan.split_once("[assignment]").unwrap();
    let (_, disclosure) = rest.split_once("[disclosure]").unwrap();
    let middle = format!(
        r#"[unit]
name = "participant"
extract = "releases"
id = "person"

[[measure]]
name = "days"
extract = "arrests"
member = "person"
time = "until"
kind = {{ kind = "sum", column = "days" }}

[[measure]]
name = "took"
extract = "arrests"
member = "person"
time = "until"
kind = {{ kind = "sum", column = "took" }}

[cohort.treatment]
kind = "referral"
extract = "releases"
member = "person"
time = "aid-date"
window = {{ start = "-1 days", end = "0 days" }}

[[cohort.covariate]]
name = "score"
[cohort.covariate.from]
kind = "number"
attribute = {{ extract = "releases", member = "person", column = "score" }}

[balance]
smd-denominator = "pooled"
gate = {{ max-abs-smd = 10.0 }}

[[effect]]
name = "days"
title = "Days of work"
unit = "days a person"
measure = "days"
window = {{ start = "0 days", end = "365 days" }}

[effect.estimator]
kind = "model"
rows = {{ each = "unit" }}
measures = ["took"]
confidence-level = 0.95
{estimator}

[disclosure]"#
    );
    std::fs::write(path, format!("{head}{middle}{disclosure}")).unwrap();
    let path = scratch.pipeline().join("contract.toml");
    let contract = std::fs::read_to_string(&path).unwrap();
    let contract = contract
        .replace("days-free", "days")
        .replace("[\"ate\"]", &format!("[\"{estimand}\"]"));
    std::fs::write(path, contract).unwrap();
    scratch
}

/// The interval holds the effect and not the difference that confounding makes, its error is what was
/// asked for, and the bundle that pays on it is verified.
fn assert_found(scratch: &Scratch, estimand: &str, widest: f64) -> Value {
    let run = scratch.run_well(&[]);
    let found = estimate(&run, "days");
    let number = |name: &str| found[name].as_f64().unwrap();
    let (point, error) = (number("point"), number("standard-error"));
    assert!((point - EFFECT).abs() < 1.96 * error, "{point} {error}");
    assert!(error < widest, "{error}");
    assert_eq!(found["estimand"], estimand);
    assert_eq!(run["decision"]["branch"], "paid");
    let bundle = scratch.bundle().display().to_string();
    let output = utfall(&["verify", &bundle]);
    assert_eq!(output.status.code(), Some(0), "{}", texts(&output).0);
    run
}

fn discontinuity(take_up: &str) -> String {
    format!(
        r#"reads = {{ scale = "outcome", point = "estimate.robust", standard-error = "se.robust", interval = ["ci_low.robust", "ci_high.robust"], p-value = "p.robust" }}

[effect.estimator.request.discontinuity]
outcome = "days"
score = "score"
cutoff = 100.0
{take_up}
order = 1
bias-order = 2
derivative = 0
kernel = "triangular"
bandwidth = {{ select = "mserd", regularisation = 1.0 }}
standard-error = "nearest-neighbours"
neighbours = 3
mass-points = "adjust"
bins = 10
confidence-level = 0.95"#
    )
}

#[test]
fn a_jump_at_the_cutoff_is_found_and_paid_as_what_it_is() {
    let world = World {
        by_score: true,
        leaves: false,
    };
    let scratch = pipeline(&world, "at-cutoff", &discontinuity(""));
    let run = assert_found(&scratch, "at-cutoff", 2.5);
    // Those above the cutoff would have worked more anyway.
    let unadjusted = &run["effects"][0]["result"]["unadjusted"]["point"];
    assert!(unadjusted.as_f64().unwrap() > EFFECT + 15.0);
    let page = std::fs::read_to_string(scratch.workspace().join("report.html")).unwrap();
    assert!(page.contains("Participants at the cutoff"));
    assert!(page.contains(": Means around the cutoff.</b>"));
}

#[test]
fn where_some_leave_their_place_the_jump_is_divided_by_that_of_places_taken() {
    let world = World {
        by_score: true,
        leaves: true,
    };
    let fuzzy = discontinuity("take-up = \"took\"");
    let scratch = pipeline(&world, "at-cutoff", &fuzzy);
    assert_found(&scratch, "at-cutoff", 4.0);
}

#[test]
fn an_offer_by_lot_is_an_instrument_for_the_place_taken() {
    let world = World {
        by_score: false,
        leaves: true,
    };
    let instrument = r#"reads = { scale = "outcome", point = "estimate", standard-error = "se", interval = ["ci_low", "ci_high"], p-value = "p" }

[effect.estimator.request.instrument]
outcome = "days"
endogenous = "took"
instruments = ["treated"]
covariates = ["score"]
inference = { standard-error = "hc1", degrees-of-freedom = "normal", confidence-level = 0.95 }"#;
    let scratch = pipeline(&world, "compliers", instrument);
    let run = assert_found(&scratch, "compliers", 1.5);
    // The offer moves six in ten.
    let offered = &run["effects"][0]["result"]["unadjusted"]["point"];
    let offered = offered.as_f64().unwrap();
    assert!((offered - 0.6 * EFFECT).abs() < 2.5, "{offered}");
    let took = run["effects"][0]["result"]["estimate"]["point"].as_f64();
    assert!(took.unwrap() > offered);
    let contract = std::fs::read_to_string(scratch.pipeline().join("contract.toml")).unwrap();
    std::fs::write(
        scratch.pipeline().join("contract.toml"),
        contract.replace("compliers", "ate"),
    )
    .unwrap();
    let run = scratch.run_well(&[]);
    assert_ne!(run["decision"]["branch"], "paid");
}
