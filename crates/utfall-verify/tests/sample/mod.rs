//! A small run, and its bundle with some files changed and everything sealed again.
#![expect(
    clippy::unwrap_used,
    reason = "a failure in a helper of a test is a failed test"
)]

use std::collections::BTreeMap;

use utfall_core::{Estimand, Estimate, Funnel, Interval};
use utfall_disclosure::Policy;
use utfall_evidence::json::Json;
use utfall_evidence::{Bundle, Files, MANIFEST, SEAL, Statement};
use utfall_files::Digest;
use utfall_payment::Contract;
use utfall_verify::record::{
    AlternativeRecord, BalanceDocument, BalanceGate, BalanceRow, DeliveryStatus, DesignResult,
    DesignsDocument, Documents, EffectRecord, EffectResult, EffectRole, EffectsDocument,
    EnvironmentDocument, Estimated, ExtractRecord, ExtractsDocument, FunnelDocument, LockDocument,
    MadeDesign, OverlapBin, OverlapDocument, OverlapResult, TrialDocument, TrialPart, TruthRecord,
};
use utfall_verify::{Run, decide, meaning, seal_run};

pub(crate) const CONTRACT_TEXT: &str = r#"
schema = "utfall-contract/1"
name = "absence"
title = "Fewer hours of absence"
currency = "SEK"
rounding = { mode = "half-even", at = "line" }

[[effect]]
name = "absence"
estimands = ["att", "matched-treated"]
decides-on = ["point"]

[[quantity]]
name = "reduction"
kind = "input"
from = "absence.point"
sign = "flip"
decimals = 4
rounding = "toward-zero"

[[line]]
name = "fall"
kind = "steps"
of = "reduction"
operator = ">="
steps = [{ threshold = 0.02, amount = 500000 }, { threshold = 0.04, amount = 1000000 }]
requires = { flag = "balance.passed", equals = true }
when = { quantity = "reduction", operator = ">", value = 0 }
"#;

const PLAN_TEXT: &str =
    "name = \"absence\"\ncontract = \"contract.toml\"\nextracts = [\"e.toml\"]\n";
const EXTRACT_TEXT: &str = "name = \"absence\"\n";

/// What the files of the plan mean.
pub(crate) fn meanings() -> Json {
    let files = [
        ("plan.toml", PLAN_TEXT),
        ("contract.toml", CONTRACT_TEXT),
        ("e.toml", EXTRACT_TEXT),
    ];
    let meanings = files.map(|(name, text)| (name.to_owned(), meaning(name, text).unwrap()));
    Json::Object(meanings.into())
}

pub(crate) fn run() -> Run {
    let effects = effects();
    let balance = balance();
    let contract = Contract::from_toml("contract.toml", CONTRACT_TEXT).unwrap();
    let decision = decide(&contract, &effects, &balance).unwrap();
    Run {
        pipeline: "absence".to_owned(),
        plan: PLAN_TEXT.to_owned(),
        meaning: meanings(),
        locked_meaning: None,
        contract: CONTRACT_TEXT.to_owned(),
        extracts: BTreeMap::from([("absence".to_owned(), EXTRACT_TEXT.to_owned())]),
        documents: Documents {
            funnel: funnel(),
            trial: TrialDocument {
                parts: vec![TrialPart {
                    name: "Time zero".to_owned(),
                    lines: vec!["2023-09-01".to_owned()],
                }],
            },
            overlap: overlap(),
            designs: designs(&balance, &effects),
            balance,
            effects,
            extracts: extracts(),
            environment: environment(),
            lock: LockDocument::default(),
            decision,
        },
        report: "<!doctype html><title>Report</title>".to_owned(),
    }
}

pub(crate) fn bundle() -> Bundle {
    seal_run(&run()).unwrap()
}

/// The bundle with one file replaced, or removed, and digests and seal made to fit.
pub(crate) fn sealed_again_with(name: &str, content: Option<Vec<u8>>) -> Bundle {
    sealed_again(&BTreeMap::from([(name, content)]))
}

pub(crate) fn sealed_again(changes: &BTreeMap<&str, Option<Vec<u8>>>) -> Bundle {
    let sealed = bundle();
    let mut files = Files::new();
    for (name, bytes) in sealed
        .files()
        .iter()
        .filter(|(name, _)| ![MANIFEST, SEAL].contains(name))
    {
        if let Some(bytes) = changes
            .get(name)
            .cloned()
            .unwrap_or_else(|| Some(bytes.to_vec()))
        {
            files.insert(name, bytes).unwrap();
        }
    }
    let statement = Statement::from_bytes(sealed.files().get(MANIFEST).unwrap()).unwrap();
    Bundle::seal(files, &statement.predicate_type, statement.predicate).unwrap()
}

/// Every version of a document in which one leaf has another value, with a pointer to the leaf.
pub(crate) fn with_one_leaf_changed(document: &Json) -> Vec<(String, Json)> {
    match document {
        Json::Null => vec![(String::new(), Json::Number("1".to_owned()))],
        Json::Flag(flag) => vec![(String::new(), Json::Flag(!flag))],
        Json::Number(text) => vec![(String::new(), Json::Number(another_number(text)))],
        Json::Text(text) => vec![(String::new(), Json::Text(format!("{text}x")))],
        Json::List(items) => items
            .iter()
            .enumerate()
            .flat_map(|(index, item)| {
                with_one_leaf_changed(item)
                    .into_iter()
                    .map(move |(pointer, changed)| {
                        let mut items = items.clone();
                        items[index] = changed;
                        (format!("/{index}{pointer}"), Json::List(items))
                    })
            })
            .collect(),
        Json::Object(members) => members
            .iter()
            .flat_map(|(key, value)| {
                with_one_leaf_changed(value)
                    .into_iter()
                    .map(move |(pointer, changed)| {
                        let mut members = members.clone();
                        members.insert(key.clone(), changed);
                        (format!("/{key}{pointer}"), Json::Object(members))
                    })
            })
            .collect(),
    }
}

/// The number with its last digit changed by one, so that it stays canonical.
fn another_number(text: &str) -> String {
    let (kept, last) = text.split_at(text.len() - 1);
    format!("{kept}{}", if last == "1" { "2" } else { "1" })
}

fn estimate(point: f64) -> Estimate {
    Estimate {
        estimand: Estimand::MatchedTreated,
        point,
        standard_error: 0.0085,
        degrees_of_freedom: Some(411.0),
        confidence_level: 0.95_f64.try_into().unwrap(),
        interval: Interval {
            lower: point - 0.016_709,
            upper: point + 0.016_709,
        },
        p_value: 3.25e-7,
        n_treated: 412,
        n_comparator: 1_180,
        n_clusters: Some(412),
    }
}

fn effects() -> EffectsDocument {
    let record = |name: &str, result| EffectRecord {
        name: name.to_owned(),
        title: format!("The effect on {name}"),
        role: EffectRole::Outcome,
        unit: "fraction of hours".to_owned(),
        estimator: "matched-difference".to_owned(),
        standard_error_kind: "cr2".to_owned(),
        n_outcome_missing_treated: 4,
        n_outcome_missing_comparator: 13,
        result,
        grade: None,
        money: None,
        model: None,
    };
    let estimated = Estimated::new(
        estimate(-0.0437),
        Some(estimate(0.0312)),
        Some(0.1853),
        Some(0.229),
    );
    EffectsDocument {
        effects: vec![
            record("absence", EffectResult::Estimated(Box::new(estimated))),
            record(
                "grades",
                EffectResult::NotMeasurable {
                    reason: "no grades are set in year 5".to_owned(),
                },
            ),
        ],
    }
}

fn balance() -> BalanceDocument {
    let row = |covariate: &str, before, after| BalanceRow {
        covariate: covariate.to_owned(),
        smd_before: Some(before),
        smd_after: Some(after),
        variance_ratio_before: Some(1.31),
        variance_ratio_after: None,
    };
    BalanceDocument {
        method: "nearest neighbour on a propensity score".to_owned(),
        estimand: Estimand::MatchedTreated,
        smd_denominator: "treated".to_owned(),
        gate: BalanceGate {
            max_abs_smd: 0.1,
            passed: true,
        },
        rows: vec![
            row("absence before", 0.81, 0.021),
            row("age", -0.13, -0.004),
        ],
        n_treated: 420,
        n_treated_matched: 412,
        n_comparator: 48_211,
        n_comparator_matched: 1_180,
        effective_n_treated: 412.0,
        effective_n_comparator: 1_003.5,
        n_tied: 3,
        n_later_treated: 0,
    }
}

fn overlap() -> OverlapDocument {
    let policy: Policy =
        serde_json::from_str(r#"{"kind":"round","redact-at-most":7,"base":5}"#).unwrap();
    let bin = |from, below, treated, comparator| OverlapBin {
        from,
        below,
        treated: policy.release(treated),
        comparator: policy.release(comparator),
    };
    let bins = vec![bin(0.0, 0.1, 3, 40_210), bin(0.1, 0.2, 417, 8_001)];
    OverlapDocument {
        policy: policy.clone(),
        result: OverlapResult::Scored { bins },
    }
}

fn designs(balance: &BalanceDocument, effects: &EffectsDocument) -> DesignsDocument {
    let made = MadeDesign {
        seal: Digest::blake3(b"weights"),
        balance: BalanceDocument {
            method: "entropy balancing of means".to_owned(),
            estimand: Estimand::Att,
            ..balance.clone()
        },
        effects: effects.effects.clone(),
    };
    let record = |name: &str, result| AlternativeRecord {
        name: name.to_owned(),
        title: format!("By {name}"),
        result,
    };
    DesignsDocument {
        sensitivity: Vec::new(),
        alternatives: vec![
            record("weights", DesignResult::Made(Box::new(made))),
            record(
                "strata",
                DesignResult::NotMade {
                    reason: "no stratum holds both arms".to_owned(),
                },
            ),
        ],
        truths: vec![TruthRecord {
            effect: "absence".to_owned(),
            value: -0.05,
            unit: "share".to_owned(),
            definition: "mean over the referred".to_owned(),
            file: "truth.json".to_owned(),
            digest: Digest::blake3(b"truth"),
        }],
    }
}

fn funnel() -> FunnelDocument {
    let policy: Policy =
        serde_json::from_str(r#"{"kind":"round","redact-at-most":7,"base":5}"#).unwrap();
    let mut funnel = Funnel::new("person", 100_000);
    funnel.apply("enrolled at the index date", 48_631);
    FunnelDocument {
        funnel: policy.release_funnel(&funnel),
        policy,
    }
}

fn extracts() -> ExtractsDocument {
    ExtractsDocument {
        extracts: vec![ExtractRecord {
            name: "absence".to_owned(),
            vintage: "2024-10-01".parse().unwrap(),
            status: DeliveryStatus::Final,
            n_rows: 1_000,
            n_accepted: 998,
            n_quarantined: 2,
            commitment: Digest::blake3(b"absence"),
        }],
    }
}

fn environment() -> EnvironmentDocument {
    EnvironmentDocument {
        utfall_version: "0.1.0".to_owned(),
        plan_digest: Digest::sha256(&meanings().to_bytes()),
        commitment_key: Digest::blake3(b"key"),
        cohort_seal: Digest::blake3(b"cohort"),
        matched_set_seal: Digest::blake3(b"matched"),
        calibrations: Vec::new(),
    }
}
