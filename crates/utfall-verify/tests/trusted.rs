//! Signatures and ledger: who must have signed, what must stand where, and every replay refused.
#![expect(
    clippy::unwrap_used,
    reason = "a failure in a helper of a test is a failed test"
)]

#[allow(dead_code, reason = "each test uses its part of the sample")]
mod sample;

use std::path::Path;

use sample::{bundle, meanings, run, sealed_again_with};
use utfall_evidence::json::Json;
use utfall_evidence::ledger::{Ledger, LedgerWriter};
use utfall_evidence::{
    Bundle, ENVELOPE, Envelope, Inspection, MANIFEST, PROOFS, SecretKey, TrustPolicy, inspect,
};
use utfall_files::Digest;
use utfall_verify::record::{ClauseDifference, LOCK, LockDocument, LockedPlan};
use utfall_verify::{
    LedgerEntry, Level, Outcome, Question, Verification, ledger_entries, replay, seal_run,
    verification,
};

fn key(name: &str) -> SecretKey {
    let mut seed = [0; 32];
    seed[..name.len()].copy_from_slice(name.as_bytes());
    SecretKey::from_seed(name, &seed).unwrap()
}

fn policy(n_cosigners: u32) -> TrustPolicy {
    let entry = |name: &str, role: &str| {
        format!(
            "[[key]]\nkey = \"{}\"\nholder = \"{name}\"\nrole = \"{role}\"\nfrom = \"2026-01-01\"\nuntil = \"2028-01-01\"\n",
            key(name).public()
        )
    };
    let text = format!(
        "schema = \"utfall-trust/1\"\n{}{}{}{}[[require]]\nrole = \"evaluator\"\nholders = 1\n\
         [[require]]\nrole = \"approver\"\nholders = 2\n[[ledger]]\nkey = \"{}\"\ncosigners = {n_cosigners}\n",
        entry("eva", "evaluator"),
        entry("anna", "approver"),
        entry("bo", "approver"),
        entry("city", "cosigner"),
        key("ledger.example").public(),
    );
    toml::from_str(&text).unwrap()
}

/// A run whose plan was locked and whose units were entered.
fn locked_run() -> Bundle {
    let mut run = run();
    run.documents.lock = LockDocument {
        locked: Some(LockedPlan {
            plan_digest: Digest::sha256(&meanings().to_bytes()),
            in_ledger: true,
        }),
        differences: Vec::new(),
        units_in_ledger: true,
    };
    run.locked_meaning = Some(meanings());
    seal_run(&run).unwrap()
}

fn reread(bundle: &Bundle) -> Inspection {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bundle.zip");
    bundle.write(&path).unwrap();
    inspect(&path).unwrap()
}

/// Enters what a bundle says stands in the ledger, in this order, and attaches the proofs.
fn entered(bundle: &Bundle, folder: &Path, order: [usize; 3], cosign: bool) -> Bundle {
    let mut writer = LedgerWriter::create(folder, key("ledger.example")).unwrap();
    let entries = ledger_entries(&reread(bundle));
    writer.append(&[b"something else".to_vec()]).unwrap();
    for at in order {
        let entry = entries[at].1.as_ref().unwrap().to_bytes().unwrap();
        writer.append(&[entry]).unwrap();
    }
    drop(writer);
    let mut ledger = Ledger::open_unchecked(folder).unwrap();
    if cosign {
        let mut signed = ledger.signed().clone();
        signed.cosign(&key("city"), 1_780_000_000);
        ledger.publish(&signed).unwrap();
        ledger = Ledger::open_unchecked(folder).unwrap();
    }
    let mut bundle = bundle.clone();
    for (name, entry) in entries {
        let index = ledger.find(&entry.unwrap().to_bytes().unwrap()).unwrap();
        let proof = ledger.prove(index.unwrap()).unwrap();
        bundle.attach(name, proof.to_text().into_bytes()).unwrap();
    }
    bundle
}

fn approved() -> Bundle {
    let mut bundle = locked_run();
    for name in ["eva", "anna", "bo"] {
        bundle.sign(&key(name)).unwrap();
    }
    bundle
}

fn judged(bundle: &Bundle, trust: &TrustPolicy, on: &str) -> Verification {
    let question = Question::all(Some(trust), on.parse().unwrap(), None);
    verification(&reread(bundle), &question)
}

fn failed(verification: &Verification) -> Vec<Level> {
    let levels = verification.levels.iter();
    levels
        .filter(|one| one.outcome != Outcome::Passed)
        .map(|one| one.level)
        .collect()
}

#[test]
fn a_bundle_signed_by_all_and_entered_after_its_plan_is_accepted() {
    let folder = tempfile::tempdir().unwrap();
    let bundle = entered(&approved(), folder.path(), [0, 1, 2], true);
    let verification = judged(&bundle, &policy(1), "2026-07-01");
    assert!(verification.accepted, "{verification}");
    assert_eq!(verification.seal, Some(locked_run().digest()));
    let text = verification.to_string();
    for part in [
        "Signed: anna as approver\n",
        "Ledger: entry 3 of 4 in ledger.example, co-signed by city at 2026-05-28",
    ] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn too_few_signatures_are_refused_with_who_is_missing() {
    let mut bundle = locked_run();
    bundle.sign(&key("anna")).unwrap();
    bundle.sign(&key("stranger")).unwrap();
    let verification = judged(&bundle, &policy(0), "2026-07-01");
    assert!(failed(&verification).contains(&Level::V1));
    let text = verification.to_string();
    for part in [
        "too few have signed as `evaluator`",
        "expected 2 holders of the role `approver`",
        "stranger (does not count: the trust policy does not know the key)",
    ] {
        assert!(text.contains(part), "{text}");
    }
    assert!(
        judged(&approved(), &policy(0), "2028-01-01")
            .to_string()
            .contains("expired on")
    );
    assert!(failed(&judged(&locked_run(), &policy(0), "2026-07-01")).contains(&Level::V1));
}

#[test]
fn signatures_over_another_bundle_are_refused() {
    let signed = approved();
    let mut other = sealed_again_with(LOCK, None);
    let envelope = signed.files().get(ENVELOPE).unwrap().to_vec();
    other.attach(ENVELOPE, envelope).unwrap();
    let verification = judged(&other, &policy(0), "2026-07-01");
    assert!(failed(&verification).starts_with(&[Level::V0, Level::V1]));
    assert!(verification.signers.iter().all(|signer| !signer.counts));
}

#[test]
fn one_key_cannot_sign_twice_nor_for_another() {
    let mut bundle = approved();
    assert!(bundle.sign(&key("anna")).is_err());
    // Anna's signature under Bo's key.
    let manifest = bundle.files().get(MANIFEST).unwrap().to_vec();
    let text = String::from_utf8(Envelope::sign(manifest, &key("anna")).to_bytes().unwrap());
    let swapped = text.unwrap().replace(
        &key("anna").public().to_string(),
        &key("bo").public().to_string(),
    );
    let mut bundle = locked_run();
    bundle.attach(ENVELOPE, swapped.into_bytes()).unwrap();
    let verification = judged(&bundle, &policy(0), "2026-07-01");
    assert!(failed(&verification).starts_with(&[Level::V0, Level::V1]));
}

#[test]
fn entries_in_another_order_are_refused() {
    for order in [[1, 0, 2], [0, 2, 1], [2, 0, 1]] {
        let folder = tempfile::tempdir().unwrap();
        let bundle = entered(&approved(), folder.path(), order, false);
        let verification = judged(&bundle, &policy(0), "2026-07-01");
        assert_eq!(failed(&verification), [Level::V2], "{order:?}");
        assert!(
            verification
                .to_string()
                .contains("is not plan, units, bundle")
        );
    }
}

#[test]
fn a_missing_stray_or_foreign_proof_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let whole = entered(&approved(), folder.path(), [0, 1, 2], false);
    // Of a run that claims an entry of its plan and does not show it.
    let mut missing = approved();
    let proof = |name: &str| whole.files().get(name).unwrap().to_vec();
    missing.attach(PROOFS[0], proof(PROOFS[0])).unwrap();
    assert_eq!(
        failed(&judged(&missing, &policy(0), "2026-07-01")),
        [Level::V2]
    );
    // Of another bundle.
    let mut foreign = bundle();
    foreign.attach(PROOFS[0], proof(PROOFS[0])).unwrap();
    assert!(failed(&judged(&foreign, &policy(0), "2026-07-01")).contains(&Level::V2));
    // Of the plan in the place of the bundle's.
    let mut swapped = whole.clone();
    swapped.attach(PROOFS[0], proof(PROOFS[1])).unwrap();
    assert_eq!(
        failed(&judged(&swapped, &policy(0), "2026-07-01")),
        [Level::V2]
    );
    // Too few co-signers.
    assert_eq!(
        failed(&judged(&whole, &policy(1), "2026-07-01")),
        [Level::V2]
    );
    // A ledger that is not trusted.
    let text = toml::to_string(&policy(0)).unwrap();
    let other = SecretKey::from_seed("ledger.example", &[9; 32]).unwrap();
    let trusted = key("ledger.example").public().to_string();
    let other: TrustPolicy =
        toml::from_str(&text.replace(&trusted, &other.public().to_string())).unwrap();
    assert_eq!(failed(&judged(&whole, &other, "2026-07-01")), [Level::V2]);
}

#[test]
fn a_ledger_at_hand_that_forked_or_rolled_back_is_noticed() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let bundle = entered(&approved(), one.path(), [0, 1, 2], false);
    let trust = policy(0);
    let judge = |folder: &Path| {
        let ledger = Ledger::open_unchecked(folder).unwrap();
        let on = "2026-07-01".parse().unwrap();
        failed(&verification(
            &reread(&bundle),
            &Question::all(Some(&trust), on, Some(&ledger)),
        ))
    };
    assert_eq!(judge(one.path()), []);
    let mut writer = LedgerWriter::create(other.path(), key("ledger.example")).unwrap();
    writer.append(&[b"a".to_vec()]).unwrap();
    assert_eq!(judge(other.path()), [Level::V2], "rolled back");
    for n in 0..5 {
        let entry = LedgerEntry::bundle(Digest::sha256(&[n]))
            .to_bytes()
            .unwrap();
        writer.append(&[entry]).unwrap();
    }
    assert_eq!(judge(other.path()), [Level::V2], "forked");
}

#[test]
fn a_clause_changed_after_locking_is_told_and_cannot_be_hidden() {
    let locked = Json::parse(meanings().to_text().replace("500000", "400000").as_bytes()).unwrap();
    let mut run = run();
    run.locked_meaning = Some(locked.clone());
    run.documents.lock.locked = Some(LockedPlan {
        plan_digest: Digest::sha256(&locked.to_bytes()),
        in_ledger: false,
    });
    assert!(
        seal_run(&run).is_err(),
        "a run that does not say so is not sealed"
    );
    run.documents.lock.differences = ClauseDifference::between(&locked, &meanings());
    let bundle = seal_run(&run).unwrap();
    assert_eq!(replay(bundle.files()), []);
    let clauses: Vec<_> = run.documents.lock.differences.iter().collect();
    assert_eq!(clauses.len(), 1);
    assert_eq!(
        (clauses[0].file.as_str(), clauses[0].clause.as_str()),
        ("contract.toml", "/line/0/steps/0/amount")
    );
    assert_eq!(clauses[0].locked.as_deref(), Some("400000"));
}

#[test]
fn every_single_byte_change_of_a_signed_and_entered_bundle_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let bundle = entered(&approved(), folder.path(), [0, 1, 2], true);
    let mut sealed = Vec::new();
    bundle.write_to(&mut sealed).unwrap();
    let trust = policy(1);
    let question = Question::all(Some(&trust), "2026-07-01".parse().unwrap(), None);
    for offset in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[offset] ^= 1 << (offset % 8);
        let inspection = utfall_evidence::inspect_zip(&mut std::io::Cursor::new(changed)).unwrap();
        let is_refused = !inspection.findings.is_empty() // most are, and the rest takes longer
            || !verification(&inspection, &question).accepted;
        assert!(is_refused, "{offset}");
    }
}
