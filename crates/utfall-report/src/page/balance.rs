//! The balance section: how alike the arms were, before and after matching.

use utfall_verify::record::{BalanceDocument, BalanceRow as Row};

use super::released::Released;
use super::{ArmCounts, BalanceRow, BalanceSection};
use crate::number::{fixed, shortest};
use crate::picture::{LoveRow, love};

/// Builds the section.
pub(crate) fn section(balance: &BalanceDocument, released: Released<'_>) -> BalanceSection {
    let gate = balance.gate.max_abs_smd;
    let love_row = |row: &Row| LoveRow {
        covariate: row.covariate.clone(),
        before: row.smd_before,
        after: row.smd_after,
    };
    let love_rows: Vec<LoveRow> = balance.rows.iter().map(love_row).collect();
    BalanceSection {
        introduction: introduction(balance),
        method: balance.method.clone(),
        denominator: denominator_words(&balance.smd_denominator),
        picture: love(&love_rows, gate),
        rows: balance
            .rows
            .iter()
            .map(|row| table_row(row, gate))
            .collect(),
        counts: vec![
            arm(
                "Treated",
                released,
                balance.n_treated,
                balance.n_treated_matched,
                balance.effective_n_treated,
            ),
            arm(
                "Comparators",
                released,
                balance.n_comparator,
                balance.n_comparator_matched,
                balance.effective_n_comparator,
            ),
        ],
    }
}

fn introduction(balance: &BalanceDocument) -> String {
    let gate = shortest(balance.gate.max_abs_smd, 4);
    let outside: Vec<&str> = balance
        .rows
        .iter()
        .filter(|row| is_outside(row, balance.gate.max_abs_smd))
        .map(|row| row.covariate.as_str())
        .collect();
    let asks = format!(
        "If the treated and their comparators were alike before the programme, a difference afterwards can be laid to it. The plan asks that no covariate differ by more than {gate} standard deviations after matching."
    );
    let found = match (balance.gate.passed, outside.as_slice()) {
        (true, _) => "All covariates keep to it: the gate is passed.".to_owned(),
        (false, []) => "The gate is not passed.".to_owned(),
        (false, outside) => format!("Beyond it: {}. The gate is not passed.", outside.join("; ")),
    };
    format!("{asks} {found}")
}

/// A difference that cannot be computed is not within the gate.
fn is_outside(row: &Row, gate: f64) -> bool {
    row.smd_after.is_none_or(|smd| smd.abs() > gate)
}

fn table_row(row: &Row, gate: f64) -> BalanceRow {
    let shown = |value: Option<f64>, decimals| {
        value.map_or_else(|| "–".to_owned(), |value| fixed(value, decimals))
    };
    BalanceRow {
        covariate: row.covariate.clone(),
        smd_before: shown(row.smd_before, 3),
        smd_after: shown(row.smd_after, 3),
        ratio_before: shown(row.variance_ratio_before, 2),
        ratio_after: shown(row.variance_ratio_after, 2),
        is_outside: is_outside(row, gate),
    }
}

fn arm(
    arm: &'static str,
    released: Released<'_>,
    n: u64,
    n_matched: u64,
    effective: f64,
) -> ArmCounts {
    ArmCounts {
        arm,
        n: released.figure(n),
        n_matched: released.figure(n_matched),
        effective: released.effective(effective),
    }
}

fn denominator_words(denominator: &str) -> String {
    match denominator {
        "treated" => "of the treated before matching".to_owned(),
        "comparator" => "of the comparators before matching".to_owned(),
        "pooled" => "pooled over both arms before matching".to_owned(),
        other => other.to_owned(),
    }
}
