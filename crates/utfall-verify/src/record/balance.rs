//! `record/balance.json`.

use serde::{Deserialize, Serialize};
use utfall_core::Estimand;

/// How alike the arms are before and after matching, and whether that is enough.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct BalanceDocument {
    /// How units were made comparable, in words.
    pub method: String,
    /// Whom the compared units speak of.
    pub estimand: Estimand,
    /// Which standard deviation divides a standardised mean difference, in the plan's word.
    pub smd_denominator: String,
    /// The plan's gate.
    pub gate: BalanceGate,
    /// One row for each covariate.
    pub rows: Vec<BalanceRow>,
    /// Treated units before matching.
    pub n_treated: u64,
    /// Treated units with a weight.
    pub n_treated_matched: u64,
    /// Comparators before matching.
    pub n_comparator: u64,
    /// Distinct comparators with a weight.
    pub n_comparator_matched: u64,
    /// Kish's effective number of treated units under their weights.
    pub effective_n_treated: f64,
    /// The same of comparators.
    pub effective_n_comparator: f64,
    /// Treated units for whom the tie rule chose among equally near comparators.
    pub n_tied: u64,
    /// Comparators with a weight that are treated themselves on a later day.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub n_later_treated: u64,
}

/// A gate on balance after matching.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct BalanceGate {
    /// Largest absolute standardised mean difference the plan allows.
    pub max_abs_smd: f64,
    /// Whether every covariate keeps to it.
    pub passed: bool,
}

/// Balance of one covariate; a figure is `None` where nothing varies.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct BalanceRow {
    /// The covariate.
    pub covariate: String,
    /// Standardised mean difference before matching.
    pub smd_before: Option<f64>,
    /// Standardised mean difference after matching.
    pub smd_after: Option<f64>,
    /// Variance among the treated over variance among comparators, before matching.
    pub variance_ratio_before: Option<f64>,
    /// The same after matching.
    pub variance_ratio_after: Option<f64>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl BalanceDocument {
    /// The largest absolute standardised mean difference after matching; `None` if one of them is
    /// no number.
    #[must_use]
    pub fn max_abs_smd(&self) -> Option<f64> {
        let sizes = self.rows.iter().map(|row| row.smd_after.map(f64::abs));
        let largest = |largest: f64, size: Option<f64>| size.map(|size| largest.max(size));
        sizes.into_iter().try_fold(0.0, largest)
    }

    /// The first covariate that does not keep to the gate after matching, by index; one without
    /// a standardised mean difference does not.
    #[must_use]
    pub fn beyond_gate(&self) -> Option<usize> {
        let keeps = |smd: f64| smd.abs() <= self.gate.max_abs_smd;
        self.rows
            .iter()
            .position(|row| !row.smd_after.is_some_and(keeps))
    }
}
