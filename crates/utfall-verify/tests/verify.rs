//! Verification: what is accepted, what is refused, and the place named.
#![expect(
    clippy::unwrap_used,
    reason = "a failure in a helper of a test is a failed test"
)]

mod sample;

use std::collections::BTreeMap;

use sample::{bundle, run, sealed_again, sealed_again_with, with_one_leaf_changed};
use utfall_core::Interval;
use utfall_evidence::Bundle;
use utfall_evidence::json::Json;
use utfall_payment::Input;
use utfall_verify::record::{
    BALANCE, CONTRACT, DECISION, EFFECTS, ENVIRONMENT, EXTRACTS, EffectResult, FIGURES, FUNNEL,
    ModelRecord, REQUIRED,
};
use utfall_verify::{Level, Outcome, Question, Verification, inputs, replay, seal_run, verify};

fn verified(bundle: &Bundle) -> Verification {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bundle.zip");
    bundle.write(&path).unwrap();
    verify(&path, &everything()).unwrap()
}

/// What someone asks who trusts nobody.
fn everything() -> Question<'static> {
    Question::all(None, "2026-07-01".parse().unwrap(), None)
}

fn outcomes(verification: &Verification) -> Vec<Outcome> {
    verification
        .levels
        .iter()
        .map(|result| result.outcome)
        .collect()
}

fn places(bundle: &Bundle) -> Vec<String> {
    replay(bundle.files())
        .into_iter()
        .map(|finding| finding.place)
        .collect()
}

fn document(name: &str) -> Json {
    Json::parse_canonical(bundle().files().get(name).unwrap()).unwrap()
}

fn text(name: &str) -> String {
    String::from_utf8(bundle().files().get(name).unwrap().to_vec()).unwrap()
}

#[test]
fn an_untouched_run_is_accepted_at_every_level() {
    let verification = verified(&bundle());
    assert_eq!(
        outcomes(&verification),
        [Outcome::Passed, Outcome::Passed],
        "{verification}"
    );
    assert!(verification.accepted);
    assert_eq!(verification.seal, Some(bundle().digest()));
}

#[test]
fn figures_reach_the_contract_as_the_text_that_is_recorded() {
    let figures = inputs::figures(text(EFFECTS).as_bytes(), text(BALANCE).as_bytes()).unwrap();
    let inputs = inputs::inputs(&figures);
    assert_eq!(inputs["absence.point"], Input::Number("-0.0437".to_owned()));
    assert_eq!(
        inputs["absence.p-value"],
        Input::Number("3.25e-7".to_owned())
    );
    assert_eq!(
        inputs["absence.relative"],
        Input::Number((-0.0437_f64 / 0.229).to_string())
    );
    assert_eq!(
        inputs["absence.total"],
        Input::Number((-0.0437_f64 * 412.0).to_string())
    );
    assert_eq!(
        inputs["absence.estimand"],
        Input::Text("matched-treated".to_owned())
    );
    assert_eq!(inputs["balance.passed"], Input::Flag(true));
    assert!(
        matches!(&inputs["grades.point"], Input::Unavailable { reason, .. } if reason.contains("year 5"))
    );
    let names: Vec<String> = inputs::names("absence")
        .chain(inputs::names("grades"))
        .chain(inputs::run_names())
        .collect();
    assert!(names.iter().all(|name| inputs.contains_key(name)) && names.len() == inputs.len());
}

#[test]
fn every_figure_of_the_effects_changed_and_sealed_again_is_refused_at_its_place() {
    for (pointer, changed) in with_one_leaf_changed(&document(EFFECTS)) {
        let bundle = sealed_again_with(EFFECTS, Some(changed.to_bytes()));
        let verification = verified(&bundle);
        assert_eq!(
            outcomes(&verification),
            [Outcome::Passed, Outcome::Failed],
            "{pointer}"
        );
        assert!(
            verification
                .findings
                .iter()
                .any(|finding| finding.place.starts_with(EFFECTS)),
            "{pointer}: {verification}"
        );
        let is_figure = pointer.starts_with("/effects/0/result/estimate/point");
        let place = format!("{EFFECTS}#{pointer}");
        assert!(
            !is_figure || places(&bundle).contains(&place),
            "{verification}"
        );
    }
}

#[test]
fn every_part_of_the_decision_changed_and_sealed_again_is_pointed_at() {
    for (pointer, changed) in with_one_leaf_changed(&document(DECISION)) {
        let bundle = sealed_again_with(DECISION, Some(changed.to_bytes()));
        assert!(
            places(&bundle).contains(&format!("{DECISION}#{pointer}")),
            "{pointer}: {:?}",
            places(&bundle)
        );
    }
}

#[test]
fn every_part_of_the_balance_and_of_the_figures_changed_and_sealed_again_is_refused() {
    for name in [BALANCE, FIGURES] {
        for (pointer, changed) in with_one_leaf_changed(&document(name)) {
            let findings = replay(sealed_again_with(name, Some(changed.to_bytes())).files());
            let names_it = findings
                .iter()
                .any(|f| f.place.starts_with(name) || f.message.contains(name));
            assert!(names_it, "{name} {pointer}: {findings:?}");
        }
    }
}

#[test]
fn a_figure_or_a_source_too_many_is_refused() {
    let recorded = text(FIGURES);
    for (from, to) in [
        (
            "\"inputs\":{",
            "\"inputs\":{\"a.point\":{\"number\":\"1\"},",
        ),
        (
            "\"plan/contract.toml\":",
            "\"a\":\"0000000000000000000000000000000000000000000000000000000000000000\",\"plan/contract.toml\":",
        ),
    ] {
        let changed = Json::parse(recorded.replacen(from, to, 1).as_bytes()).unwrap();
        let places = places(&sealed_again_with(FIGURES, Some(changed.to_bytes())));
        assert!(
            places.len() == 1 && places[0].starts_with(&format!("{FIGURES}#/")),
            "{places:?}"
        );
    }
}

#[test]
fn a_changed_contract_is_refused_whether_or_not_it_pays_otherwise() {
    for (from, to) in [
        ("amount = 1000000", "amount = 1000001"),
        ("name = \"fall\"", "name = \"drop\""),
        ("\n[[line]]", "\n# same\n[[line]]"),
    ] {
        let changed = text(CONTRACT).replace(from, to);
        assert_ne!(changed, text(CONTRACT));
        let places = places(&sealed_again_with(CONTRACT, Some(changed.into_bytes())));
        assert!(
            places.iter().any(|place| place == CONTRACT),
            "{from}: {places:?}"
        );
    }
    let broken = sealed_again_with(CONTRACT, Some(b"schema = 1".to_vec()));
    assert!(places(&broken).contains(&CONTRACT.to_owned()));
}

#[test]
fn a_better_effect_with_fitting_figures_is_refused_at_the_decision() {
    let mut better = run();
    let EffectResult::Estimated(estimated) = &mut better.documents.effects.effects[0].result else {
        unreachable!()
    };
    estimated.estimate.point = -0.0312; // reaches the first step only
    estimated.estimate.interval = Interval {
        lower: -0.05,
        upper: -0.01,
    };
    **estimated = utfall_verify::record::Estimated::new(
        estimated.estimate,
        estimated.unadjusted,
        Some(0.1978),
        Some(0.229),
    );
    let error = seal_run(&better).unwrap_err().to_string();
    assert!(error.contains("record/decision.json#/"), "{error}");
}

#[test]
fn a_model_supplies_its_test_of_effects_before_the_start_as_it_is_recorded_or_says_that_it_has_none()
 {
    let supplied = |pretrend_p: Option<f64>| {
        let mut run = run();
        let documents = &mut run.documents;
        documents.effects.effects[0].model = Some(ModelRecord {
            request: "{}".to_owned(),
            numbers: BTreeMap::new(),
            pretrend_p,
            warnings: Vec::new(),
        });
        let effects = Json::of(&documents.effects).unwrap().to_bytes();
        let balance = Json::of(&documents.balance).unwrap().to_bytes();
        let figures = inputs::figures(&effects, &balance).unwrap();
        let mut figures = figures.into_iter();
        figures.find(|figure| figure.name == "absence.pretrend-p")
    };
    let found = supplied(Some(0.4)).unwrap();
    assert_eq!(found.input, Input::Number("0.4".to_owned()));
    assert_eq!(found.pointer, "/effects/0/model/pretrend-p");
    let none = supplied(None).unwrap();
    assert!(matches!(none.input, Input::Unavailable { .. }));
}

#[test]
fn a_missing_file_is_named() {
    for name in REQUIRED {
        assert!(
            places(&sealed_again_with(name, None)).contains(&name.to_owned()),
            "{name}"
        );
    }
}

#[test]
fn an_unknown_key_or_a_key_twice_is_refused_in_every_document() {
    for name in [
        FUNNEL,
        BALANCE,
        EFFECTS,
        EXTRACTS,
        ENVIRONMENT,
        FIGURES,
        DECISION,
    ] {
        let Json::Object(mut members) = document(name) else {
            unreachable!()
        };
        members.insert("zzz".to_owned(), Json::Null);
        let unknown = Json::Object(members).to_bytes();
        let twice = text(name)
            .replacen('{', "{\"zzz\":1,\"zzz\":1,", 1)
            .into_bytes();
        let spaced = text(name).replacen('{', "{ ", 1).into_bytes();
        for content in [unknown, twice, spaced, b"".to_vec(), b"null".to_vec()] {
            let places = places(&sealed_again_with(name, Some(content)));
            assert!(
                places.iter().any(|place| place.starts_with(name)),
                "{name}: {places:?}"
            );
        }
    }
}

#[test]
fn a_gate_that_does_not_follow_from_its_rows_is_refused() {
    let mut run = run();
    run.documents.balance.rows[1].smd_after = Some(0.11);
    let error = seal_run(&run).unwrap_err().to_string();
    assert!(
        error.contains("record/balance.json#/gate/passed"),
        "{error}"
    );
}

#[test]
fn ten_thousand_random_changes_of_what_the_payment_rests_on_are_refused_even_if_sealed_again() {
    let mut state: u64 = 20_261_102;
    let mut below = |limit: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((state >> 33) % limit as u64).unwrap()
    };
    let sealed = bundle();
    for round in 0..10_000 {
        let name = [EFFECTS, BALANCE, FIGURES, DECISION, CONTRACT][below(5)];
        let original = sealed.files().get(name).unwrap();
        let mut bytes = original.to_vec();
        let at = below(bytes.len());
        match below(4) {
            0 => bytes[at] = b"0123456789-+.eE{}[]\",: ntx\\\xc3"[below(28)],
            1 => drop(bytes.remove(at)),
            2 => bytes.insert(at, bytes[at]),
            _ => bytes.truncate(at),
        }
        let is_changed = bytes != original;
        let mut files = utfall_evidence::Files::new();
        for (other, content) in sealed.files().iter() {
            let content = if other == name {
                std::mem::take(&mut bytes)
            } else {
                content.to_vec()
            };
            files.insert(other, content).unwrap();
        }
        assert_eq!(
            replay(&files).is_empty(),
            !is_changed,
            "round {round} {name}"
        );
    }
}

#[test]
fn changed_bytes_of_a_run_are_refused_at_the_digests() {
    let mut sealed = Vec::new();
    bundle().write_to(&mut sealed).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bundle.zip");
    for offset in (0..sealed.len()).step_by(37) {
        let mut changed = sealed.clone();
        changed[offset] ^= 0x04;
        std::fs::write(&path, changed).unwrap();
        let verification = verify(&path, &everything()).unwrap();
        assert!(
            !verification.accepted && verification.levels[0].outcome == Outcome::Failed,
            "{offset}"
        );
    }
}

#[test]
fn a_zip_that_is_none_is_refused_and_says_what_could_not_be_checked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bundle.zip");
    std::fs::write(&path, "hello").unwrap();
    let verification = verify(&path, &everything()).unwrap();
    assert_eq!(
        outcomes(&verification),
        [Outcome::Failed, Outcome::NotChecked]
    );
    assert!(!verification.accepted);
    assert!(verify(&folder.path().join("nowhere"), &everything()).is_err());
}

#[test]
fn a_level_that_was_not_asked_for_is_listed_as_not_covered() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bundle.zip");
    bundle().write(&path).unwrap();
    let verification = verify(
        &path,
        &Question {
            levels: &[Level::V0],
            ..everything()
        },
    )
    .unwrap();
    assert!(verification.accepted && verification.not_covered[2].starts_with("level V3"));
    assert!(
        !verify(
            &path,
            &Question {
                levels: &[],
                ..everything()
            }
        )
        .unwrap()
        .accepted
    );
}

#[test]
fn the_json_form_has_stable_keys() {
    let bundle = sealed_again(&BTreeMap::from([(DECISION, None)]));
    let json = Json::of(&verified(&bundle)).unwrap();
    let keys = |json: &Json| match json {
        Json::Object(members) => members.keys().cloned().collect::<Vec<_>>(),
        _ => Vec::new(),
    };
    assert_eq!(
        json.get("schema"),
        Some(&Json::Text("utfall-verification/2".to_owned()))
    );
    assert_eq!(
        keys(&json),
        [
            "accepted",
            "findings",
            "ledger",
            "levels",
            "not-covered",
            "schema",
            "seal",
            "signers"
        ]
    );
    let Some(Json::List(findings)) = json.get("findings") else {
        unreachable!()
    };
    assert_eq!(
        keys(&findings[0]),
        ["expected", "found", "level", "message", "place"]
    );
    let Some(Json::List(levels)) = json.get("levels") else {
        unreachable!()
    };
    assert_eq!(
        levels[1].to_text(),
        r#"{"level":"V3","outcome":"failed","title":"replay: the decision follows from the contract and the recorded effects"}"#
    );
}

#[test]
fn people_read_the_place_and_both_values() {
    let changed = text(DECISION).replacen("1 000 000.00 SEK", "2 000 000.00 SEK", 1);
    let shown = verified(&sealed_again_with(DECISION, Some(changed.into_bytes()))).to_string();
    assert!(shown.contains("Level V0: passed"), "{shown}");
    assert!(shown.contains("Level V3: FAILED"), "{shown}");
    assert!(
        shown.contains("expected \"1 000 000.00 SEK\"\n    found    \"2 000 000.00 SEK\""),
        "{shown}"
    );
    assert!(shown.ends_with("Refused.\n"), "{shown}");
}
