//! What of a model's answer may leave the secure environment: what the effect was read from, and what
//! its picture is drawn from.

use std::collections::BTreeMap;

use utfall_disclosure::Policy;
use utfall_request::{Numbers, Request};
use utfall_verify::record::ModelRecord;

use crate::model_spec::ModelSpec;

/// Names that a picture is drawn from and that rest on whole arms.
const OF_ARMS: [&str; 12] = [
    "dynamic",
    "overall",
    "pretest",
    "observed_path",
    "fitted_path",
    "coef",
    "h",
    "estimate",
    "ci",
    "p",
    "chi_squared",
    "se",
];

/// Names whose numbers are of single units.
const OF_UNITS: [&str; 6] = [
    "treated_path",
    "counterfactual_path",
    "gap",
    "placebo_gap",
    "placebo_rmse_before",
    "rmse",
];

/// Keeps the numbers that may leave under a policy.
///
/// Paths of single units leave only where counts are released as they are. Where an arm has too
/// few units for their number to be told, nothing leaves but what the effect was read from. A time of a survival
/// curve or a bin that rests on too few persons is left out, and a warning says so.
pub(crate) fn released(
    model: &ModelSpec,
    numbers: &Numbers,
    policy: &Policy,
    n_smaller_arm: u64,
) -> ModelRecord {
    let mut kept: BTreeMap<String, f64> = model
        .reads
        .names()
        .filter_map(|name| Some((name.to_owned(), numbers.get(name)?)))
        .collect();
    let mut warnings: Vec<String> = numbers.warnings().iter().map(ToString::to_string).collect();
    let is_open = matches!(policy, Policy::None { .. });
    let is_series =
        matches!(model.request.request(), Request::Model(part) if part.series.is_some());
    let is_enough = policy.release(n_smaller_arm).value().is_some();
    let donors = Donors::of(numbers);
    for (name, value) in numbers.flat() {
        let block = name.split_once('.').map_or(&*name, |(block, _)| block);
        let begins = |of: &&str| block == *of || block.starts_with(&format!("{of}_"));
        let of_units = OF_UNITS.iter().any(begins) && !is_series;
        let of_arms = OF_ARMS.iter().any(begins) || is_series && block == "counterfactual_path";
        if of_units && is_open || of_arms && is_enough {
            kept.insert(donors.renamed(&name), value);
        }
    }
    let withheld = curves(numbers, policy, &mut kept) + bins(numbers, policy, &mut kept);
    if withheld > 0 {
        warnings.push(format!(
            "{withheld} points of the picture rest on too few units and are withheld under the disclosure policy"
        ));
    }
    kept.retain(|_, value| value.is_finite());
    ModelRecord {
        request: model.request.to_json(),
        numbers: kept,
        pretrend_p: None,
        warnings,
    }
}

/// Keeps the times of survival curves that may be told, and counts the others.
fn curves(numbers: &Numbers, policy: &Policy, kept: &mut BTreeMap<String, f64>) -> u64 {
    let mut groups: BTreeMap<&str, Vec<(f64, &str)>> = BTreeMap::new();
    for (key, _) in numbers.each("survival") {
        if let Some((group, at)) = key.rsplit_once(", ")
            && let Ok(at) = at.parse()
        {
            groups.entry(group).or_default().push((at, key));
        }
    }
    let mut withheld = 0;
    for times in groups.values_mut() {
        times.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut told = None;
        for (_, key) in times {
            let of = |name: &str| numbers.get(&format!("{name}.{key}"));
            let here = (
                whole(of("n_risk").unwrap_or(0.0)),
                whole(of("n_events_by").unwrap_or(0.0)),
            );
            let shown = policy.release(here.0).value();
            let Some(n_risk) = shown.filter(|_| policy.tells_step(told, here)) else {
                withheld += 1;
                continue;
            };
            told = Some(here);
            kept.insert(format!("n_risk.{key}"), real(n_risk));
            for name in ["survival", "survival_ci_low", "survival_ci_high"] {
                kept.extend(of(name).map(|value| (format!("{name}.{key}"), value)));
            }
        }
    }
    withheld
}

/// Keeps the bins around a cutoff that may be told, and counts the others.
fn bins(numbers: &Numbers, policy: &Policy, kept: &mut BTreeMap<String, f64>) -> u64 {
    let mut withheld = 0;
    for (key, n) in numbers.each("bin_n") {
        let Some(n) = policy.release(whole(n)).value() else {
            withheld += 1;
            continue;
        };
        kept.insert(format!("bin_n.{key}"), real(n));
        for name in ["bin_score", "bin_mean"] {
            let value = numbers.get(&format!("{name}.{key}"));
            kept.extend(value.map(|value| (format!("{name}.{key}"), value)));
        }
    }
    withheld
}

/// Donors by number instead of by id, in the order of their ids.
struct Donors(BTreeMap<String, usize>);

impl Donors {
    fn of(numbers: &Numbers) -> Self {
        let names = numbers
            .each("placebo_rmse_before")
            .map(|(name, _)| name.to_owned());
        Self(names.zip(1..).collect())
    }

    fn renamed(&self, full: &str) -> String {
        let Some((block, key)) = full
            .split_once('.')
            .filter(|(block, _)| block.starts_with("placebo"))
        else {
            return full.to_owned();
        };
        let (donor, rest) = match key.rsplit_once(", ") {
            Some((donor, at)) if block == "placebo_gap" => (donor, format!(", {at}")),
            _ => (key, String::new()),
        };
        let number = self.0.get(donor).copied().unwrap_or_default();
        format!("{block}.donor {number}{rest}")
    }
}

/// A count that a number holds.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts of rows are whole, and far below 2^53"
)]
pub(crate) fn whole(value: f64) -> u64 {
    value.round().max(0.0) as u64
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of rows are far below 2^53"
)]
fn real(count: u64) -> f64 {
    count as f64
}
