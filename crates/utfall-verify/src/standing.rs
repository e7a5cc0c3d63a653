//! Level V2: where a bundle stands in a ledger.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use utfall_evidence::json::read_document;
use utfall_evidence::ledger::{InclusionProof, LedgerError, SignedCheckpoint};
use utfall_evidence::{
    COSIGNER, Finding, Inspection, PROOFS, Standing, TrustPolicy, TrustedLedger,
};

use crate::record::{ENVIRONMENT, EnvironmentDocument, LOCK, LockDocument};
use crate::verification::{Cosigner, LedgerStanding};
use crate::{LedgerEntry, Question, RunPredicate};

/// Names of the proofs.
const OF_BUNDLE: &str = PROOFS[0];
const OF_PLAN: &str = PROOFS[1];
const OF_UNITS: &str = PROOFS[2];

/// Everything that keeps a bundle from standing in a ledger that the policy trusts.
pub(crate) fn findings(
    inspection: &Inspection,
    trust: &TrustPolicy,
    question: &Question<'_>,
) -> Vec<Finding> {
    let Some(proof) = inspection.proofs.get(OF_BUNDLE) else {
        return vec![Finding::new(
            OF_BUNDLE,
            "a proof of inclusion",
            "nothing",
            "nothing shows that the bundle stands in a ledger; `utfall ledger append` adds the proof",
        )];
    };
    let mut findings = Vec::new();
    match trusted_ledger(proof.checkpoint(), trust) {
        None => findings.push(Finding::new(
            OF_BUNDLE,
            "a checkpoint signed by a ledger of the trust policy",
            format!("one of {:?}", proof.checkpoint().checkpoint().origin),
            "the checkpoint is of no ledger that is trusted, or not signed by it",
        )),
        Some(ledger) => findings.extend(too_few_cosigners(proof, ledger, trust, question.on)),
    }
    findings.extend(entries(inspection));
    findings.extend(question.ledger.and_then(|ledger| {
        let error = ledger.compare(proof.checkpoint().checkpoint()).err()?;
        Some(not_the_same(ledger.folder(), &error))
    }));
    findings
}

/// The ledger of the policy that signed a checkpoint.
fn trusted_ledger<'a>(
    checkpoint: &SignedCheckpoint,
    trust: &'a TrustPolicy,
) -> Option<&'a TrustedLedger> {
    let mut ledgers = trust.ledgers().iter();
    ledgers.find(|ledger| checkpoint.check(&ledger.key).is_ok())
}

fn not_the_same(folder: &std::path::Path, error: &LedgerError) -> Finding {
    Finding::new(
        OF_BUNDLE,
        format!("a checkpoint of the ledger in {}", folder.display()),
        error.to_string(),
        "the ledger at hand does not begin with the one the bundle was entered in",
    )
}

fn too_few_cosigners(
    proof: &InclusionProof,
    ledger: &TrustedLedger,
    trust: &TrustPolicy,
    on: NaiveDate,
) -> Option<Finding> {
    let by_holder = cosigners(proof, trust, on);
    let n_holders = by_holder.len() as u64;
    (n_holders < u64::from(ledger.cosigners)).then(|| {
        let names: Vec<&str> = by_holder.keys().copied().collect();
        Finding::new(
            OF_BUNDLE,
            format!("{} holders of the role `{COSIGNER}`", ledger.cosigners),
            if names.is_empty() {
                "nobody".to_owned()
            } else {
                names.join(", ")
            },
            "too few have co-signed the state of the ledger",
        )
    })
}

/// The earliest valid co-signature of each holder whose key counts.
fn cosigners<'a>(
    proof: &InclusionProof,
    trust: &'a TrustPolicy,
    on: NaiveDate,
) -> BTreeMap<&'a str, u64> {
    let mut by_holder = BTreeMap::new();
    for known in trust.keys().iter().filter(|known| known.role == COSIGNER) {
        let counts = matches!(trust.standing(&known.key, on), Standing::Counts(_));
        if let (true, Ok(Some(found))) = (counts, proof.checkpoint().cosignature(&known.key)) {
            let time = by_holder.entry(known.holder.as_str()).or_insert(found.time);
            *time = found.time.min(*time);
        }
    }
    by_holder
}

/// That the entries are those of this bundle, its plan and its units, in that order of time.
fn entries(inspection: &Inspection) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut before: Option<(&str, u64)> = None;
    let of_bundle = inspection.proofs.get(OF_BUNDLE);
    for (name, entry) in ledger_entries(inspection) {
        let (entry, proof) = match (entry, inspection.proofs.get(name)) {
            (None, None) => continue,
            (Some(_), None) => {
                let message = "the bundle says that this stands in a ledger and does not show it";
                findings.push(Finding::new(name, "a proof", "nothing", message));
                continue;
            }
            (None, Some(_)) => {
                let message = "the bundle does not say that this stands in a ledger";
                findings.push(Finding::new(name, "no such file", "a proof", message));
                continue;
            }
            (Some(entry), Some(proof)) => (entry, proof),
        };
        if !entry.to_bytes().is_ok_and(|bytes| proof.shows(&bytes)) {
            let message = "the proof does not lead from this bundle's entry to the checkpoint";
            findings.push(Finding::new(
                name,
                "this bundle's entry",
                "another",
                message,
            ));
        }
        if of_bundle.is_some_and(|one| one.checkpoint() != proof.checkpoint()) {
            let message = "the proofs of a bundle are under one checkpoint";
            findings.push(Finding::new(
                name,
                "the same checkpoint",
                "another",
                message,
            ));
        }
        let place = proof.index();
        if let Some((earlier, _)) = before.filter(|(_, earlier)| *earlier >= place) {
            findings.push(Finding::new(
                name,
                format!("an entry after that of {earlier}"),
                format!("entry {place}"),
                "the order of the entries is not plan, units, bundle",
            ));
        }
        before = Some((name, place));
    }
    findings
}

/// The entry that each proof of a bundle is to show, by the proof's name, in the order of time;
/// none where the bundle makes no such claim.
#[must_use]
pub fn ledger_entries(inspection: &Inspection) -> [(&'static str, Option<LedgerEntry>); 3] {
    let document = |name| inspection.files.as_ref().and_then(|files| files.get(name));
    let lock: Option<LockDocument> = document(LOCK).and_then(|bytes| read_document(bytes).ok());
    let environment: Option<EnvironmentDocument> =
        document(ENVIRONMENT).and_then(|bytes| read_document(bytes).ok());
    let pipeline = inspection
        .statement
        .as_ref()
        .and_then(|statement| statement.predicate.to_typed::<RunPredicate>().ok())
        .map(|predicate| predicate.pipeline);
    let plan = lock.as_ref().zip(pipeline).and_then(|(lock, pipeline)| {
        let locked = lock.locked.as_ref().filter(|locked| locked.in_ledger)?;
        Some(LedgerEntry::plan(&pipeline, locked.plan_digest))
    });
    let units = lock
        .zip(environment)
        .and_then(|(lock, environment)| lock.units_in_ledger.then(|| environment.units_entry()));
    [
        (OF_PLAN, plan),
        (OF_UNITS, units),
        (OF_BUNDLE, inspection.seal.map(LedgerEntry::bundle)),
    ]
}

/// Where a bundle stands, by the proof it carries.
pub(crate) fn standing(
    inspection: &Inspection,
    trust: Option<&TrustPolicy>,
    on: NaiveDate,
) -> Option<LedgerStanding> {
    let proof = inspection.proofs.get(OF_BUNDLE)?;
    let checkpoint = proof.checkpoint().checkpoint();
    let cosigners = trust.map(|trust| cosigners(proof, trust, on));
    Some(LedgerStanding {
        origin: checkpoint.origin.clone(),
        index: proof.index(),
        size: checkpoint.size,
        cosigners: cosigners
            .into_iter()
            .flatten()
            .map(|(holder, time)| Cosigner {
                holder: holder.to_owned(),
                time,
            })
            .collect(),
    })
}
