//! The page that checks a bundle, in a real Chromium: what it accepts, what it refuses, and that
//! its replay agrees with the evaluator on published and generated contracts.
//!
//! Without Chromium these tests say so and do nothing, unless `UTFALL_REQUIRE_CHROMIUM` is set.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking and tells what it counted"
)]

mod browser;
#[path = "../../utfall-payment/tests/generated/mod.rs"]
mod generated;
mod runs;

use std::path::{Path, PathBuf};

use browser::{Browser, Page};
use generated::Generator;
use serde_json::{Value, json};
use utfall_evidence::json::{Json, write_document};
use utfall_evidence::{Bundle, Files, SecretKey};
use utfall_files::Digest;
use utfall_payment::{Contract, Decision, Input};
use utfall_verify::{Run, meaning, seal_run};

const PLAN: &str = "name = \"absence\"\ncontract = \"contract.toml\"\nextracts = []\n";

fn key(n: u8) -> SecretKey {
    SecretKey::from_seed(&format!("key-{n}"), &[n; 32]).unwrap()
}

/// A folder with a bundle signed by keys 1 and 2, its report, and the page alone.
struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        let mut run = runs::paid();
        let meant = [("plan.toml", PLAN), ("contract.toml", runs::CONTRACT)];
        let meant = meant.map(|(name, text)| (name.to_owned(), meaning(name, text).unwrap()));
        let meaning = Json::Object(meant.into());
        run.documents.environment.plan_digest = Digest::sha256(&meaning.to_bytes());
        let sealed = Run {
            pipeline: run.pipeline.clone(),
            plan: PLAN.to_owned(),
            meaning,
            locked_meaning: None,
            contract: runs::CONTRACT.to_owned(),
            extracts: [].into(),
            report: run.report(),
            documents: run.documents,
        };
        let mut bundle = seal_run(&sealed).unwrap();
        bundle.sign(&key(1)).unwrap();
        bundle.sign(&key(2)).unwrap();
        let folder = tempfile::tempdir().unwrap();
        bundle.write(&folder.path().join("bundle.zip")).unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text);
        write("report.html", &sealed.report).unwrap();
        write("verify.html", &utfall_report::render_verifier().unwrap()).unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn bundle(&self) -> Vec<u8> {
        std::fs::read(self.path("bundle.zip")).unwrap()
    }

    /// A trust policy that asks for one evaluator, who is the holder of these keys.
    fn trust(&self, name: &str, keys: &[u8], until: &str) -> PathBuf {
        let mut text = "schema = \"utfall-trust/1\"  # whom we trust\n".to_owned();
        for n in keys {
            let key = String::from(key(*n).public().clone());
            text += &format!(
                "\n[[key]]\nkey = \"{key}\"\nholder = \"Evaluator AB\"\nrole = \"evaluator\"\nfrom = \"2026-01-01\"\nuntil = \"{until}\"\n"
            );
        }
        text += "\n[[require]]\nrole = \"evaluator\"\nholders = 1\n";
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

/// Says on a page whom to trust.
fn say_trusted(page: &mut Page<'_>, trust: &Path) {
    let text = json!(std::fs::read_to_string(trust).unwrap());
    page.choose("trust-file", trust);
    page.wait_for(&format!(
        "document.getElementById('trust-text').value === {text}"
    ));
}

/// The verdict on a bundle, and the whole outcome as text.
fn outcome(page: &mut Page<'_>, bundle: &Path) -> (String, String) {
    page.set_value("bundle-file", "");
    page.set_value("received", "2026-06-01");
    page.choose("bundle-file", bundle);
    page.wait_for("document.getElementById('verdict') !== null");
    let text = |id: &str| format!("document.getElementById('{id}').innerText");
    let verdict = page.evaluate(&text("verdict"));
    let whole = page.evaluate(&text("verifier-result"));
    (
        verdict.as_str().unwrap().to_owned(),
        whole.as_str().unwrap().to_owned(),
    )
}

#[test]
fn a_bundle_is_checked_without_install_by_its_report_and_by_the_page_alone() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let desk = Desk::new();
    let trust = desk.trust("trust.toml", &[1], "2028-01-01");
    for name in ["report.html", "verify.html"] {
        let mut page = browser.open(&desk.path(name));
        let (verdict, whole) = outcome(&mut page, &desk.path("bundle.zip"));
        assert!(verdict.starts_with("Intact."), "{name}: {whole}");
        assert!(
            whole.contains("does not count: no trust was given"),
            "{whole}"
        );

        say_trusted(&mut page, &trust);
        let (verdict, whole) = outcome(&mut page, &desk.path("bundle.zip"));
        assert!(verdict.starts_with("Accepted."), "{name}: {whole}");
        assert!(verdict.contains("1 200 000.00 SEK"), "{verdict}");
        assert!(whole.contains("Evaluator AB\tevaluator\tcounts"), "{whole}");
        assert_eq!(page.refused_by_policy(), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn a_changed_byte_a_wrong_key_and_an_expired_one_are_refused() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let desk = Desk::new();
    let mut page = browser.open(&desk.path("verify.html"));

    for (number, (trust, told)) in [
        (
            desk.trust("other.toml", &[3], "2028-01-01"),
            "too few have signed as evaluator",
        ),
        (
            desk.trust("expired.toml", &[1], "2026-03-01"),
            "expired on 2026-03-01",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        say_trusted(&mut page, &trust);
        let (verdict, whole) = outcome(&mut page, &desk.path("bundle.zip"));
        assert!(verdict.starts_with("Refused."), "{number}: {whole}");
        assert!(whole.contains(told), "{number}: {whole}");
    }

    let trust = desk.trust("trust.toml", &[1], "2028-01-01");
    say_trusted(&mut page, &trust);
    let bundle = desk.bundle();
    let changed = desk.path("changed.zip");
    let step = bundle.len() / 12;
    for offset in (0..bundle.len()).step_by(step) {
        let mut bytes = bundle.clone();
        bytes[offset] ^= 0x01;
        std::fs::write(&changed, bytes).unwrap();
        let (verdict, whole) = outcome(&mut page, &changed);
        assert!(verdict.starts_with("Refused."), "offset {offset}: {whole}");
    }

    // A figure of the decision: the file is named.
    let at = position(&bundle, b"1 200 000.00 SEK");
    let mut bytes = bundle;
    bytes[at] = b'9';
    std::fs::write(&changed, bytes).unwrap();
    let (_, whole) = outcome(&mut page, &changed);
    assert!(
        whole.contains("record/decision.json: the file was changed after it was sealed"),
        "{whole}"
    );
}

#[test]
fn a_bundle_sealed_anew_around_a_raised_payment_does_not_follow() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let desk = Desk::new();
    let inspected = utfall_evidence::inspect(&desk.path("bundle.zip")).unwrap();
    let statement = inspected.statement.unwrap();
    let mut forged = Files::new();
    for subject in &statement.subjects {
        let bytes = inspected
            .files
            .as_ref()
            .unwrap()
            .get(&subject.name)
            .unwrap();
        let bytes = match subject.name.as_str() {
            "record/decision.json" => replaced(bytes),
            _ => bytes.to_vec(),
        };
        forged.insert(&subject.name, bytes).unwrap();
    }
    let mut forged = Bundle::seal(forged, &statement.predicate_type, statement.predicate).unwrap();
    forged.sign(&key(1)).unwrap();
    let path = desk.path("forged.zip");
    forged.write(&path).unwrap();
    let trust = desk.trust("trust.toml", &[1], "2028-01-01");
    let mut page = browser.open(&desk.path("verify.html"));
    say_trusted(&mut page, &trust);
    let (verdict, whole) = outcome(&mut page, &path);
    assert!(verdict.starts_with("Refused."), "{whole}");
    assert!(
        whole.contains("the step does not come to what is recorded"),
        "{whole}"
    );
    assert!(
        whole.contains("the report tells another amount than the decision"),
        "{whole}"
    );
}

/// A decision with its cap, and all that follows, raised from 1 200 000 to 1 300 000.
fn replaced(decision: &[u8]) -> Vec<u8> {
    let text = String::from_utf8(decision.to_vec()).unwrap();
    text.replace("120000000", "130000000")
        .replace("1 200 000.00", "1 300 000.00")
        .replace("\"value\":\"1200000\"}", "\"value\":\"1300000\"}")
        .into_bytes()
}

fn position(bytes: &[u8], what: &[u8]) -> usize {
    bytes.windows(what.len()).position(|at| at == what).unwrap()
}

#[test]
fn the_replay_agrees_with_the_evaluator_and_notices_a_changed_number() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let scripts = [
        "fraction",
        "json",
        "container",
        "seal",
        "arithmetic",
        "replay",
    ]
    .map(|name| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("verifier");
        std::fs::read_to_string(folder.join(format!("{name}.js"))).unwrap()
    });
    let mut page = browser.open_blank();
    page.evaluate(&format!(
        "globalThis.replayed = (() => {{ {} \
         return ([contract, inputs, decision]) => {{ \
           const parsed = (text) => readJson(new TextEncoder().encode(text)); \
           const told = parsed(decision); \
           const {{ steps, past }} = replaySteps(told, parsed(inputs), statedNumbers(contract)); \
           const findings = [...steps.flatMap((step) => step.findings), ...outcomeFollows(told, past)]; \
           return [findings.map((one) => JSON.stringify(one)), \
             steps.filter((step) => step.again === null).length, steps.length]; \
         }}; }})(); null",
        scripts.concat()
    ));
    let cases = cases(1_500);
    let (mut n_steps, mut n_read, mut n_changed, mut n_noticed) = (0, 0, 0, 0);
    for batch in cases.chunks(100) {
        let mut asked = Vec::new();
        for (text, inputs, decision) in batch {
            asked.push(json!([text, inputs, decision]));
            let raised = with_a_step_raised(decision);
            n_changed += usize::from(raised.is_some());
            asked.push(json!([
                text,
                inputs,
                raised.unwrap_or_else(|| decision.clone())
            ]));
        }
        let asked = Value::from(asked);
        let told = page.evaluate(&format!("{asked}.map(replayed)"));
        for (pair, (text, inputs, decision)) in told.as_array().unwrap().chunks(2).zip(batch) {
            let findings = &pair[0][0];
            assert_eq!(
                *findings,
                json!([]),
                "{findings:#}\n{text}\n{inputs}\n{decision}"
            );
            n_read += pair[0][1].as_u64().unwrap();
            n_steps += pair[0][2].as_u64().unwrap();
            n_noticed += usize::from(pair[1][0] != json!([]));
        }
    }
    eprintln!(
        "{} decisions, {n_steps} steps agree, {n_read} of them read only; \
         {n_noticed} of {n_changed} raised steps noticed",
        cases.len()
    );
    assert_eq!(n_noticed, n_changed);
    assert!(
        n_read * 10 < n_steps,
        "{n_read} of {n_steps} are not computed"
    );
}

/// Generated contracts with inputs, and what is decided on them: texts, the latter two canonical.
fn cases(n: usize) -> Vec<(String, String, String)> {
    let mut cases = Vec::new();
    for seed in 0.. {
        let mut generator = Generator::new(seed);
        let text = generator.contract();
        if let Ok(contract) = Contract::from_toml("generated", &text) {
            let inputs = generator.inputs(&contract);
            let decision = contract.evaluate(&inputs);
            let canonical = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
            let inputs: std::collections::BTreeMap<String, Input> = inputs;
            cases.push((
                text,
                canonical(write_document(&inputs).unwrap()),
                canonical(write_document(&decision).unwrap()),
            ));
        }
        if cases.len() == n {
            return cases;
        }
    }
    cases
}

/// A decision with the result of its last computed step one higher.
fn with_a_step_raised(decision: &str) -> Option<String> {
    let mut decision: Decision = serde_json::from_str(decision).unwrap();
    let last = decision
        .trace
        .iter_mut()
        .rev()
        .find_map(|step| match &mut step.result {
            utfall_payment::StepResult::Value(value) => Some(value),
            _ => None,
        })?;
    *last = match last.split_once('/') {
        Some((over, under)) => format!("1{over}/{under}"),
        None if last.starts_with('-') => format!("-1{}", &last[1..]),
        None => format!("1{last}"),
    };
    Some(String::from_utf8(write_document(&decision).unwrap()).unwrap())
}
