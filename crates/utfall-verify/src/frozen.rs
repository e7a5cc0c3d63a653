//! That the plan in a bundle is the one its digest stands for, and differs from the locked one
//! where the record says and nowhere else.

use utfall_evidence::json::{Json, read_document};
use utfall_evidence::{Files, Finding};
use utfall_files::Digest;

use crate::meaning;
use crate::record::{
    CONTRACT, ClauseDifference, ENVIRONMENT, EnvironmentDocument, LOCK, LOCKED_MEANING,
    LockDocument, MEANING, PLAN, extract_contract,
};

/// Every place where plan, digest, lock and differences do not fit.
pub(crate) fn findings(files: &Files) -> Vec<Finding> {
    let mut findings = Vec::new();
    let Some(run) = json(files, MEANING, &mut findings) else {
        return findings;
    };
    let environment: Option<EnvironmentDocument> = files
        .get(ENVIRONMENT)
        .and_then(|bytes| read_document(bytes).ok());
    let digest = Digest::sha256(&run.to_bytes());
    if let Some(environment) = environment.filter(|one| one.plan_digest != digest) {
        findings.push(Finding::new(
            format!("{ENVIRONMENT}#/plan-digest"),
            digest.to_string(),
            environment.plan_digest.to_string(),
            format!("the digest is not that of the plan in {MEANING}"),
        ));
    }
    findings.extend(texts(files, &run));
    match files.get(LOCK).map(read_document::<LockDocument>) {
        None => {}
        Some(Ok(lock)) => findings.extend(lock_findings(files, &run, &lock)),
        Some(Err(error)) => findings.push(unreadable(LOCK, &error.to_string())),
    }
    findings
}

/// The texts of the plan mean what the record says they do.
fn texts(files: &Files, run: &Json) -> Vec<Finding> {
    let plan = run.get("plan.toml");
    let mut pairs = vec![(PLAN.to_owned(), plan)];
    if let Some(Json::Text(file)) = plan.and_then(|plan| plan.get("contract")) {
        pairs.push((CONTRACT.to_owned(), run.get(file)));
    }
    if let Some(Json::List(extracts)) = plan.and_then(|plan| plan.get("extracts")) {
        for extract in extracts {
            let held = match extract {
                Json::Text(file) => run.get(file),
                _ => None,
            };
            if let Some(Json::Text(name)) = held.and_then(|held| held.get("name")) {
                pairs.push((extract_contract(name), held));
            }
        }
    }
    let differs = |(name, recorded): (String, Option<&Json>)| {
        let text = std::str::from_utf8(files.get(&name)?).ok()?;
        let found = meaning(&name, text);
        let difference = match (&found, recorded) {
            (Ok(found), Some(recorded)) => recorded.first_difference(found)?.pointer,
            _ => String::new(),
        };
        Some(Finding::new(
            format!("{name}#{difference}"),
            format!("what {MEANING} says"),
            "something else",
            "the text of the plan does not mean what its digest stands for",
        ))
    };
    pairs.into_iter().filter_map(differs).collect()
}

fn lock_findings(files: &Files, run: &Json, lock: &LockDocument) -> Vec<Finding> {
    let mut findings = Vec::new();
    let Some(locked) = &lock.locked else {
        let says_more = !lock.differences.is_empty() || files.get(LOCKED_MEANING).is_some();
        findings.extend(says_more.then(|| {
            Finding::new(
                LOCK,
                "a locked plan",
                "none",
                "there are differences from a locked plan, but no such plan",
            )
        }));
        return findings;
    };
    let Some(meant) = json(files, LOCKED_MEANING, &mut findings) else {
        return findings;
    };
    let digest = Digest::sha256(&meant.to_bytes());
    if digest != locked.plan_digest {
        findings.push(Finding::new(
            format!("{LOCK}#/locked/plan-digest"),
            digest.to_string(),
            locked.plan_digest.to_string(),
            format!("the digest is not that of the plan in {LOCKED_MEANING}"),
        ));
    }
    let differences = ClauseDifference::between(&meant, run);
    if differences != lock.differences {
        let at = differences
            .iter()
            .zip(&lock.differences)
            .take_while(|(ours, theirs)| ours == theirs)
            .count();
        findings.push(Finding::new(
            format!("{LOCK}#/differences/{at}"),
            differences
                .get(at)
                .map_or("no difference", |one| &one.clause),
            lock.differences
                .get(at)
                .map_or("no difference", |one| &one.clause),
            "the differences from the locked plan are others than the record says",
        ));
    }
    findings
}

fn json(files: &Files, name: &str, findings: &mut Vec<Finding>) -> Option<Json> {
    let Some(bytes) = files.get(name) else {
        let message = "the plan cannot be compared without it";
        findings.push(Finding::new(name, "a file", "nothing", message));
        return None;
    };
    match Json::parse_canonical(bytes) {
        Ok(json) => Some(json),
        Err(error) => {
            findings.push(unreadable(name, &error.to_string()));
            None
        }
    }
}

fn unreadable(name: &str, error: &str) -> Finding {
    Finding::new(
        name,
        "the document in canonical JSON",
        error,
        "the document cannot be read",
    )
}
