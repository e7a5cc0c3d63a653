//! Golden cases: a request, the numbers that independent software gives, and how near is near
//! enough.

mod table;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::{Answer, Request, RequestError, estimate};

/// The `schema` of a case.
const SCHEMA: &str = "utfall-case/1";
/// Below this an expected number is compared by its absolute difference.
const NEAR_ZERO: f64 = 1e-6;
/// Largest absolute difference of a number near zero.
const ABSOLUTE: f64 = 1e-9;
/// Largest absolute difference of a standardised mean difference near zero.
const ABSOLUTE_SMD: f64 = 1e-8;

/// A case as its file holds it; `README.md` in the folder of the cases describes each key.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Case {
    #[serde(rename = "schema")]
    _schema: String,
    what: String,
    source: Source,
    request: serde_json::Value,
    estimand: Option<utfall_core::Estimand>,
    expected: BTreeMap<String, Expected>,
    tolerance: BTreeMap<String, f64>,
}

/// Where the expected numbers come from.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Source {
    software: String,
    /// For people; read so that no case lacks it.
    #[serde(rename = "call")]
    _call: String,
    /// As the call.
    #[serde(rename = "data-licence")]
    _data_licence: String,
    #[serde(default)]
    notes: String,
}

/// A number, or numbers by covariate.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Expected {
    Number(f64),
    ByCovariate(BTreeMap<String, f64>),
}

/// How one case came out.
#[derive(Debug, Clone, PartialEq)]
pub struct CaseResult {
    /// The file, below the folder that was run.
    pub name: String,
    /// What the file says of the case; `None` of a file that is no case.
    pub about: Option<About>,
    /// What came of it.
    pub outcome: CaseOutcome,
}

/// What a case says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// What is estimated, in a sentence.
    pub what: String,
    /// The software whose numbers are expected, with versions.
    pub software: String,
    /// Conventions that differ, and numbers left out with the reason.
    pub notes: String,
}

/// What came of a case.
#[derive(Debug, Clone, PartialEq)]
pub enum CaseOutcome {
    /// Every number is near enough.
    Passed(Comparison),
    /// Some number is not, or there is no answer.
    Failed {
        /// The comparison, where there is an answer.
        comparison: Option<Comparison>,
        /// The first reason.
        reason: String,
    },
    /// The case asks for something that is not supported.
    Skipped {
        /// What it asks for.
        reason: String,
    },
}

/// Numbers compared and the largest relative difference among them.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// Numbers compared.
    pub n_numbers: usize,
    /// Largest relative difference of a number that is not near zero.
    pub worst: f64,
    /// The number it belongs to; empty if all are near zero.
    pub worst_name: String,
}

/// Every case of a folder.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CasesReport {
    /// The cases, in order of their names.
    pub results: Vec<CaseResult>,
}

impl CasesReport {
    /// Cases that passed, failed and were skipped.
    #[must_use]
    pub fn counts(&self) -> (usize, usize, usize) {
        let count = |wanted: fn(&CaseOutcome) -> bool| {
            self.results
                .iter()
                .filter(|result| wanted(&result.outcome))
                .count()
        };
        (
            count(|outcome| matches!(outcome, CaseOutcome::Passed(_))),
            count(|outcome| matches!(outcome, CaseOutcome::Failed { .. })),
            count(|outcome| matches!(outcome, CaseOutcome::Skipped { .. })),
        )
    }
}

impl std::fmt::Display for CasesReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let width = self
            .results
            .iter()
            .map(|result| result.name.chars().count())
            .max()
            .unwrap_or(4)
            .max(4);
        writeln!(
            f,
            "{:width$}  {:>7}  {:>9}  result",
            "case", "numbers", "worst"
        )?;
        for CaseResult { name, outcome, .. } in &self.results {
            let (comparison, result) = match outcome {
                CaseOutcome::Passed(comparison) => (Some(comparison), "passed".to_owned()),
                CaseOutcome::Failed { comparison, reason } => {
                    (comparison.as_ref(), format!("failed: {reason}"))
                }
                CaseOutcome::Skipped { reason } => (None, format!("skipped: {reason}")),
            };
            let n_numbers = comparison.map_or("-".to_owned(), |found| found.n_numbers.to_string());
            let worst = comparison.map_or("-".to_owned(), |found| format!("{:.1e}", found.worst));
            writeln!(f, "{name:width$}  {n_numbers:>7}  {worst:>9}  {result}")?;
        }
        let (passed, failed, skipped) = self.counts();
        write!(f, "{passed} passed, {failed} failed, {skipped} skipped")
    }
}

/// Runs every case in a folder and the folders below it, in order of their names.
///
/// Each file that ends in `.toml` or `.json` is a case. A data file is sought from the folder of
/// the case. A case whose request is not supported is skipped with the reason, and so is a file
/// that is not of this schema; everything else that goes wrong with a case is a failure of it.
///
/// # Errors
///
/// [`RequestError::Unreadable`] if a folder cannot be listed.
pub fn run(folder: &Path) -> Result<CasesReport, RequestError> {
    let mut files = Vec::new();
    list(folder, &mut files)?;
    files.sort();
    let results = files
        .into_iter()
        .map(|file| {
            let name = file
                .strip_prefix(folder)
                .unwrap_or(&file)
                .with_extension("");
            let (about, outcome) = run_case(&file);
            CaseResult {
                name: name.to_string_lossy().into_owned(),
                about,
                outcome,
            }
        })
        .collect();
    Ok(CasesReport { results })
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), RequestError> {
    let unreadable = |source| RequestError::Unreadable {
        file: folder.to_owned(),
        source,
    };
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let ending = path.extension().and_then(|ending| ending.to_str());
        if path.is_dir() {
            list(&path, files)?;
        } else if matches!(ending, Some("toml" | "json")) {
            files.push(path);
        }
    }
    Ok(())
}

fn run_case(file: &Path) -> (Option<About>, CaseOutcome) {
    let (case, request) = match open(file) {
        Ok(opened) => opened,
        Err(outcome) => return (None, outcome),
    };
    let outcome = match estimate(&request, file.parent().unwrap_or(Path::new(""))) {
        Ok(answer) => compare(&case, &answer),
        Err(error) => CaseOutcome::Failed {
            comparison: None,
            reason: error.to_string(),
        },
    };
    let about = About {
        what: case.what,
        software: case.source.software,
        notes: case.source.notes,
    };
    (Some(about), outcome)
}

/// A case and its request, or what becomes of a file that is not both.
fn open(file: &Path) -> Result<(Case, Request), CaseOutcome> {
    let failed = |reason| CaseOutcome::Failed {
        comparison: None,
        reason,
    };
    let skipped = |reason| CaseOutcome::Skipped { reason };
    let value = read(file).map_err(failed)?;
    match value.get("schema").and_then(serde_json::Value::as_str) {
        Some(SCHEMA) => {}
        Some(other) => return Err(skipped(format!("`schema` is {other}, expected {SCHEMA}"))),
        None => return Err(skipped(format!("not a case: no `schema = \"{SCHEMA}\"`"))),
    }
    let case: Case = serde_json::from_value(value)
        .map_err(|error| failed(format!("the case is malformed: {error}")))?;
    if !case.tolerance.contains_key("default") {
        return Err(failed("the case has no `default` tolerance".to_owned()));
    }
    match Request::from_value("request", case.request.clone()) {
        Ok(request) => Ok((case, request)),
        Err(RequestError::Malformed { message, .. }) => Err(skipped(message)),
        Err(error) => Err(skipped(error.to_string())),
    }
}

fn read(file: &Path) -> Result<serde_json::Value, String> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("cannot be read: {error}"))?;
    if file.extension().is_some_and(|ending| ending == "json") {
        serde_json::from_str(&text).map_err(|error| format!("not JSON: {error}"))
    } else {
        toml::from_str(&text).map_err(|error| format!("not TOML: {}", error.message()))
    }
}

fn compare(case: &Case, answer: &Answer) -> CaseOutcome {
    let mut found = Comparison {
        n_numbers: 0,
        worst: 0.0,
        worst_name: String::new(),
    };
    let mut blamed: Vec<String> = Vec::new();
    if let Some(expected) = case
        .estimand
        .filter(|expected| Some(*expected) != answer.estimand)
    {
        let found = answer
            .estimand
            .map_or("not named".to_owned(), |found| found.to_string());
        blamed.push(format!("the estimand is {found}, expected {expected}"));
    }
    let expected = flattened(&case.expected);
    if expected.is_empty() {
        blamed.push("the case expects no number".to_owned());
    }
    for (name, expected) in expected {
        let Some(got) = answer.numbers.get(&name) else {
            blamed.push(format!("the answer has no number `{name}`"));
            continue;
        };
        found.see(&name, got, expected);
        if !is_near(&name, got, expected, tolerance(case, &name)) {
            blamed.push(format!("`{name}` is {got}, expected {expected}"));
        }
    }
    match blamed.len() {
        0 => CaseOutcome::Passed(found),
        1 => CaseOutcome::Failed {
            comparison: Some(found),
            reason: blamed.remove(0),
        },
        n => CaseOutcome::Failed {
            comparison: Some(found),
            reason: format!("{}, and {} more", blamed[0], n - 1),
        },
    }
}

impl Comparison {
    fn see(&mut self, name: &str, got: f64, expected: f64) {
        self.n_numbers += 1;
        let relative = ((got - expected) / expected).abs();
        if expected.abs() >= NEAR_ZERO && (relative > self.worst || relative.is_nan()) {
            (self.worst, self.worst_name) = (relative, name.to_owned());
        }
    }
}

fn is_near(name: &str, got: f64, expected: f64, tolerance: f64) -> bool {
    let difference = (got - expected).abs();
    if expected.abs() >= NEAR_ZERO {
        return difference <= tolerance * expected.abs();
    }
    difference
        <= if name.starts_with("smd") {
            ABSOLUTE_SMD
        } else {
            ABSOLUTE
        }
}

/// The tolerance of a number: its own, that of its block, or the default.
fn tolerance(case: &Case, name: &str) -> f64 {
    let block = name.split_once('.').map_or(name, |(block, _)| block);
    let mut keys = [name, block, "default"].into_iter();
    keys.find_map(|key| case.tolerance.get(key).copied())
        .unwrap_or(0.0)
}

fn flattened(expected: &BTreeMap<String, Expected>) -> Vec<(String, f64)> {
    let mut flat = Vec::new();
    for (name, expected) in expected {
        match expected {
            Expected::Number(value) => flat.push((name.clone(), *value)),
            Expected::ByCovariate(values) => {
                flat.extend(
                    values
                        .iter()
                        .map(|(covariate, value)| (format!("{name}.{covariate}"), *value)),
                );
            }
        }
    }
    flat
}
