//! `record/lock.json`.

use serde::{Deserialize, Serialize};
use utfall_evidence::json::Json;
use utfall_files::Digest;

/// Whether the plan was frozen before outcomes were read, and what was changed since.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LockDocument {
    /// The plan that was locked; `None` if none was.
    pub locked: Option<LockedPlan>,
    /// Every clause in which the plan of the run differs from the locked one.
    pub differences: Vec<ClauseDifference>,
    /// Whether cohort and matched set were entered in a ledger before outcomes were opened.
    pub units_in_ledger: bool,
}

/// A plan that was locked.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LockedPlan {
    /// Digest over what it meant.
    pub plan_digest: Digest,
    /// Whether it was entered in a ledger.
    pub in_ledger: bool,
}

/// A clause that is not as it was locked.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ClauseDifference {
    /// The file of the plan.
    pub file: String,
    /// The clause, as a JSON pointer into what the file means; empty for the whole file.
    pub clause: String,
    /// What it said when it was locked.
    pub locked: Option<String>,
    /// What it said in the run.
    pub run: Option<String>,
}

/// Longest value that is shown.
const LONGEST_SHOWN: usize = 200;

impl LockDocument {
    /// Whether there was a locked plan and the run kept to it.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        self.locked.is_some() && self.differences.is_empty()
    }
}

impl ClauseDifference {
    /// Every clause in which two plans differ, by what their files mean.
    #[must_use]
    pub fn between(locked: &Json, run: &Json) -> Vec<Self> {
        let differences = locked.differences(run).into_iter();
        differences
            .map(|difference| {
                let pointer = difference.pointer.trim_start_matches('/');
                let (file, clause) = match pointer.find('/') {
                    Some(at) => pointer.split_at(at),
                    None => (pointer, ""),
                };
                Self {
                    file: file.replace("~1", "/").replace("~0", "~"),
                    clause: clause.to_owned(),
                    locked: difference.expected.as_ref().map(shown),
                    run: difference.found.as_ref().map(shown),
                }
            })
            .collect()
    }
}

fn shown(value: &Json) -> String {
    let text = value.to_text();
    match text.char_indices().nth(LONGEST_SHOWN) {
        Some((end, _)) => format!("{} …", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clauses_that_differ_are_named_with_their_file() {
        let json = |text: &str| Json::parse(text.as_bytes()).unwrap();
        let locked = json(r#"{"a/plan.toml":{"ratio":3,"x":[1,2]},"contract.toml":{"cap":1}}"#);
        let run = json(r#"{"a/plan.toml":{"ratio":4,"x":[1]},"contract.toml":{"cap":1}}"#);
        let differences = ClauseDifference::between(&locked, &run);
        let clauses: Vec<_> = differences
            .iter()
            .map(|one| (one.file.as_str(), one.clause.as_str(), one.run.as_deref()))
            .collect();
        assert_eq!(
            clauses,
            [
                ("a/plan.toml", "/ratio", Some("4")),
                ("a/plan.toml", "/x/1", None)
            ]
        );
        assert_eq!(ClauseDifference::between(&run, &run), []);
    }
}
