//! What an effect is worth, for its record.

use utfall_effects::{ConfidenceSet, Cost, EffectError, MoneyEffect, MoneySpec, Saves, Worth};
use utfall_verify::record::{
    AmountRecord, CostRecord, EffectResult, MoneyRecord, PayerRecord, RatioRecord,
};

/// What an effect on the treated is worth, or its terms alone where there is no estimate.
///
/// # Errors
///
/// Those of [`MoneySpec::worth`].
#[expect(
    clippy::cast_precision_loss,
    reason = "units in a register stay far below 2^53"
)]
pub fn money_record(spec: &MoneySpec, result: &EffectResult) -> Result<MoneyRecord, EffectError> {
    let worth = match result {
        EffectResult::Estimated(found) => {
            Some(spec.worth(&found.estimate, found.estimate.n_treated as f64)?)
        }
        _ => None,
    };
    let payer = |(number, payer): (usize, &utfall_effects::PayerShare)| PayerRecord {
        name: payer.name.clone(),
        share: payer.share,
        amount: worth.as_ref().map(|worth| amount(&worth.by_payer[number])),
    };
    let of = |part: fn(&Worth) -> Option<MoneyEffect>| worth.as_ref().and_then(part);
    Ok(MoneyRecord {
        saves: match spec.saves {
            Saves::Fall => "fall",
            Saves::Rise => "rise",
        }
        .to_owned(),
        unit_cost: cost(spec.unit_cost),
        payers: spec.payers.iter().enumerate().map(payer).collect(),
        programme_cost: spec.programme_cost.map(cost),
        savings: of(|worth| Some(worth.savings)).as_ref().map(amount),
        net_benefit: of(|worth| worth.net_benefit).as_ref().map(amount),
        cost_per_outcome: worth
            .as_ref()
            .and_then(|worth| worth.cost_per_outcome)
            .map(|ratio| RatioRecord {
                point: ratio.point,
                interval: match ratio.fieller {
                    ConfidenceSet::Within(interval) => Some(interval),
                    _ => None,
                },
            }),
    })
}

fn cost(cost: Cost) -> CostRecord {
    CostRecord {
        amount: cost.amount,
        standard_error: cost.standard_error,
    }
}

fn amount(amount: &MoneyEffect) -> AmountRecord {
    AmountRecord {
        point: amount.point,
        standard_error: amount.standard_error,
        interval: amount.interval,
    }
}
