//! `money` of an effect: what it is worth.

use utfall_core::Estimate;
use utfall_effects::{ConfidenceSet, EffectError, MoneyEffect, MoneySpec};
use utfall_stats::moments::count;

use crate::Numbers;

/// Puts savings, each payer's part, the net benefit and the cost of an outcome, for the treated.
pub(crate) fn put(
    spec: &MoneySpec,
    estimate: &Estimate,
    numbers: &mut Numbers,
) -> Result<(), EffectError> {
    let worth = spec.worth(estimate, count(estimate.n_treated))?;
    amount("savings", &worth.savings, numbers);
    for (payer, part) in spec.payers.iter().zip(&worth.by_payer) {
        for (name, value) in parts(part) {
            numbers.covariate(&format!("savings_by_payer{name}"), &payer.name, value);
        }
    }
    if let Some(net) = &worth.net_benefit {
        amount("net_benefit", net, numbers);
    }
    if let Some(ratio) = &worth.cost_per_outcome {
        numbers.real("cost_per_outcome", ratio.point);
        numbers.real("cost_per_outcome_se", ratio.standard_error);
        numbers.real("cost_per_outcome_delta_low", ratio.delta.lower);
        numbers.real("cost_per_outcome_delta_high", ratio.delta.upper);
        match ratio.fieller {
            ConfidenceSet::Within(inside) => {
                numbers.real("cost_per_outcome_fieller_low", inside.lower);
                numbers.real("cost_per_outcome_fieller_high", inside.upper);
            }
            ConfidenceSet::Outside(gap) => {
                numbers.real("cost_per_outcome_fieller_gap_low", gap.lower);
                numbers.real("cost_per_outcome_fieller_gap_high", gap.upper);
            }
            ConfidenceSet::Everything => {}
        }
    }
    Ok(())
}

fn amount(name: &str, amount: &MoneyEffect, numbers: &mut Numbers) {
    for (part, value) in parts(amount) {
        numbers.real(&format!("{name}{part}"), value);
    }
}

fn parts(amount: &MoneyEffect) -> [(&'static str, f64); 4] {
    [
        ("", amount.point),
        ("_se", amount.standard_error),
        ("_ci_low", amount.interval.lower),
        ("_ci_high", amount.interval.upper),
    ]
}
