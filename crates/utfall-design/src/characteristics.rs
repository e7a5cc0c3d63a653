//! Operating characteristics of a contract: how often it pays, and how much, by the true effect.

use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;
use utfall_core::Watch;
use utfall_payment::{Contract, Decision, Operation, Sign, Subject};
use utfall_stats::InOrder;
use utfall_stats::draws::Stream;
use utfall_verify::inputs;
use utfall_verify::record::{
    BalanceDocument, BalanceGate, EffectRecord, EffectResult, EffectRole, EffectsDocument,
    Estimated, GradeRecord,
};

use crate::document::{PowerPoint, Role};
use crate::noise::{Estimating, Noise};
use crate::{
    CalibrationDocument, DesignDocument, DesignError, DesignSchema, DesignSpec, DesignedEffect,
    EffectDesign, PayingPoint, Payments, Rate, money_record,
};

/// The true effects looked at, in tenths of those hoped for.
const TENTHS: std::ops::RangeInclusive<i32> = -5..=20;

/// Finds the power of a design's estimates, and evaluates the contract on estimates drawn at true
/// effects from half the hoped ones in the wrong direction to twice the hoped ones.
///
/// A drawn estimate has a normal error and a standard error that varies as its degrees of freedom
/// say; its interval and p-value follow. The same draws serve every true effect, so curves are
/// smooth. Effects are drawn independently of each other and move together, in proportion to what is
/// hoped; groups are taken to pass the balance gate. The contract is evaluated as a run evaluates
/// it, exactly. A gate on the evidence grade sees a matched comparison that meets its standards with reservations.
///
/// `calibration` is needed where a precision is to be taken from it.
///
/// # Errors
///
/// [`DesignError`] if the design and the contract do not fit, or on cancellation.
pub fn operating_characteristics(
    spec: &DesignSpec,
    contract: &Contract,
    calibration: Option<&CalibrationDocument>,
    watch: &dyn Watch,
) -> Result<DesignDocument, DesignError> {
    check_inputs(spec, contract)?;
    let estimating: Vec<Estimating> = spec
        .effect
        .iter()
        .map(|effect| {
            Ok(Estimating::new(
                effect.precise(calibration)?,
                effect.estimand,
                effect.confidence_level,
                effect.sizes()?,
            ))
        })
        .collect::<Result<_, DesignError>>()?;
    let study = Study {
        spec,
        contract,
        estimating,
    };
    let points = study.points(watch)?;
    let as_hoped = study.decide(1.0, &study.noise(0))?;
    let effects = spec.effect.iter().zip(&study.estimating);
    Ok(DesignDocument {
        schema: DesignSchema::V1,
        title: spec.title.clone(),
        contract: contract.title().to_owned(),
        seed: spec.seed,
        n_draws: spec.draws,
        alpha: spec.alpha,
        power: spec.power,
        effects: effects
            .map(|(effect, estimating)| designed(spec, effect, estimating, &as_hoped))
            .collect::<Result<_, _>>()?,
        points,
    })
}

/// Refuses a contract that reads what no effect of the design supplies.
fn check_inputs(spec: &DesignSpec, contract: &Contract) -> Result<(), DesignError> {
    let effects = || spec.effect.iter().map(|effect| effect.name.as_str());
    let with_money = spec.effect.iter().filter(|effect| effect.money.is_some());
    let supplied: Vec<String> = effects()
        .flat_map(inputs::names)
        .chain(with_money.flat_map(|effect| inputs::money_names(&effect.name)))
        .chain(inputs::run_names())
        .collect();
    let required = contract.required_inputs();
    match required.keys().find(|input| !supplied.contains(input)) {
        None => Ok(()),
        Some(input) => Err(DesignError::UnknownInput {
            input: input.clone(),
            known: effects().collect::<Vec<_>>().join(", "),
        }),
    }
}

struct Study<'a> {
    spec: &'a DesignSpec,
    contract: &'a Contract,
    estimating: Vec<Estimating>,
}

impl Study<'_> {
    /// The noise of every effect in one draw.
    fn noise(&self, draw: u64) -> Vec<Noise> {
        let stream = |effect: &EffectDesign| {
            Stream::new(self.spec.seed, &format!("design {}", effect.name), draw)
        };
        let effects = self.spec.effect.iter().zip(&self.estimating);
        effects
            .map(|(effect, estimating)| estimating.noise(&mut stream(effect)))
            .collect()
    }

    fn points(&self, watch: &dyn Watch) -> Result<Vec<PayingPoint>, DesignError> {
        let n_points = TENTHS.clone().count() as u64;
        let total = n_points * u64::from(self.spec.draws);
        let done = AtomicU64::new(0);
        let draws: Vec<Vec<Noise>> = (0..u64::from(self.spec.draws))
            .map(|draw| self.noise(draw))
            .collect();
        TENTHS
            .map(|tenths| {
                let share = f64::from(tenths) / 10.0;
                let decisions: Vec<(i128, bool)> = draws
                    .par_iter()
                    .map(|noise| {
                        if watch.is_cancelled() {
                            return Err(DesignError::Cancelled);
                        }
                        let decision = self.decide(share, noise)?;
                        let finished = done.fetch_add(1, Ordering::Relaxed) + 1;
                        if finished.is_multiple_of(64) || finished == total {
                            watch.advance(finished, total);
                        }
                        let undecided = decision.branch.is_undecided();
                        Ok((decision.total.minor_units(), undecided))
                    })
                    .in_order()?;
                self.point(tenths, share, &decisions)
            })
            .collect()
    }

    fn point(
        &self,
        tenths: i32,
        share: f64,
        decisions: &[(i128, bool)],
    ) -> Result<PayingPoint, DesignError> {
        let amounts: Vec<i128> = decisions.iter().map(|(amount, _)| *amount).collect();
        Ok(PayingPoint {
            role: match tenths {
                0 => Role::Nil,
                10 => Role::AsHoped,
                _ => Role::Other,
            },
            share_of_hoped: share,
            effects: self
                .spec
                .effect
                .iter()
                .map(|effect| truth(share, effect))
                .collect(),
            savings: self.savings(share)?,
            payments: Payments::of(&amounts, self.contract.currency()),
            undecided: Rate::count(decisions.iter().map(|(_, undecided)| *undecided)),
        })
    }

    /// What the true effects are worth: estimates without noise. Empty where no effect has money.
    fn savings(&self, share: f64) -> Result<Vec<Option<f64>>, DesignError> {
        if self.spec.effect.iter().all(|effect| effect.money.is_none()) {
            return Ok(Vec::new());
        }
        let effects = self.spec.effect.iter().zip(&self.estimating);
        effects
            .map(|(effect, estimating)| {
                let record = record(effect, estimating, share, Noise::NONE)?;
                let savings = record.money.and_then(|money| money.savings);
                Ok(savings.map(|savings| savings.point))
            })
            .collect()
    }

    /// What the contract decides on the estimates that some noise makes of the true effects.
    fn decide(&self, share: f64, noise: &[Noise]) -> Result<Decision, DesignError> {
        let effects = self.spec.effect.iter().zip(&self.estimating).zip(noise);
        let document = EffectsDocument {
            effects: effects
                .map(|((effect, estimating), noise)| record(effect, estimating, share, *noise))
                .collect::<Result<_, _>>()?,
        };
        utfall_verify::decide(self.contract, &document, &balanced()).map_err(|error| {
            DesignError::Decision {
                message: error.to_string(),
            }
        })
    }
}

/// The true effect; none is plain zero, whatever sign is hoped for.
fn truth(share: f64, effect: &EffectDesign) -> f64 {
    share * effect.hoped + 0.0
}

fn record(
    effect: &EffectDesign,
    estimating: &Estimating,
    share: f64,
    noise: Noise,
) -> Result<EffectRecord, DesignError> {
    let estimate = estimating.estimate(truth(share, effect), noise);
    let mean_comparator = effect.comparator_mean.unwrap_or(0.0);
    let mean_treated = mean_comparator + estimate.point;
    let estimated = Estimated::new(
        estimate,
        Some(estimate),
        Some(mean_treated),
        Some(mean_comparator),
    );
    let result = EffectResult::Estimated(Box::new(estimated.in_unit(&effect.unit)));
    let money = effect.money.as_ref();
    let money = money.map(|money| money_record(money, &result)).transpose();
    Ok(EffectRecord {
        name: effect.name.clone(),
        title: effect.name.clone(),
        role: EffectRole::Outcome,
        unit: effect.unit.clone(),
        estimator: "drawn".to_owned(),
        standard_error_kind: "drawn".to_owned(),
        n_outcome_missing_treated: 0,
        n_outcome_missing_comparator: 0,
        result,
        grade: Some(GradeRecord {
            design: "equated".to_owned(),
            wwc: "meets-with-reservations".to_owned(),
            maryland: 3,
            overall_attrition: 0.0,
            differential_attrition: 0.0,
            low_attrition: true,
            largest_difference: Some(0.0),
            reasons: Vec::new(),
        }),
        money: money.map_err(|source| effect.refused(source))?,
        model: None,
    })
}

fn balanced() -> BalanceDocument {
    BalanceDocument {
        method: "drawn".to_owned(),
        estimand: utfall_core::Estimand::Att,
        smd_denominator: "none".to_owned(),
        gate: BalanceGate {
            max_abs_smd: 0.1,
            passed: true,
        },
        rows: Vec::new(),
        n_treated: 0,
        n_treated_matched: 0,
        n_comparator: 0,
        n_comparator_matched: 0,
        effective_n_treated: 0.0,
        effective_n_comparator: 0.0,
        n_tied: 0,
        n_later_treated: 0,
    }
}

fn designed(
    spec: &DesignSpec,
    effect: &EffectDesign,
    estimating: &Estimating,
    decision: &Decision,
) -> Result<DesignedEffect, DesignError> {
    let precision = estimating.precision;
    let power = |truth: f64| {
        let power = precision.power(truth, spec.alpha);
        power.map_err(|source| effect.refused(source))
    };
    let least = precision.least_effect(spec.power, spec.alpha);
    let curve = TENTHS
        .map(|tenths| {
            let truth = truth(f64::from(tenths) / 10.0, effect);
            Ok(PowerPoint {
                effect: truth,
                power: power(truth)?,
            })
        })
        .collect::<Result<_, DesignError>>()?;
    Ok(DesignedEffect {
        name: effect.name.clone(),
        unit: effect.unit.clone(),
        hoped: effect.hoped,
        standard_error: precision.standard_error,
        degrees_of_freedom: precision.degrees_of_freedom,
        power_if_as_hoped: power(effect.hoped)?,
        least_detectable: least.map_err(|source| effect.refused(source))?,
        curve,
        thresholds: thresholds(&effect.name, decision),
    })
}

/// Values of an effect that the contract compares its point estimate with, in rising order.
fn thresholds(effect: &str, decision: &Decision) -> Vec<f64> {
    let point = format!("{effect}.point");
    let mut found = Vec::new();
    for step in &decision.trace {
        let (Subject::Quantity(quantity), Operation::CrossOver { sign, .. }) =
            (&step.subject, &step.operation)
        else {
            continue;
        };
        if !step.operands.iter().any(|operand| operand.name == point) {
            continue;
        }
        let compared = decision.thresholds.iter();
        found.extend(
            compared
                .filter(|threshold| threshold.quantity == *quantity)
                .filter_map(|threshold| threshold.threshold.as_ref()?.parse::<f64>().ok())
                .map(|value| match sign {
                    Sign::Keep => value,
                    Sign::Flip => -value,
                }),
        );
    }
    found.sort_by(f64::total_cmp);
    found.dedup_by(|a, b| a.total_cmp(b).is_eq());
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use utfall_core::Unwatched;

    const CONTRACT: &str = r#"
schema = "utfall-contract/1"
name = "c"
title = "Pays for a fall"
currency = "SEK"
rounding = { mode = "half-even", at = "line" }
[[party]]
name = "payer"
role = "payer"
share = 1
[[effect]]
name = "absence"
estimands = ["att"]
decides-on = ["point", "upper"]
[[quantity]]
name = "fall"
kind = "input"
from = "absence.point"
sign = "flip"
decimals = 6
rounding = "toward-zero"
[[quantity]]
name = "upper"
kind = "input"
from = "absence.upper"
sign = "keep"
decimals = 6
rounding = "ceiling"
[[line]]
name = "fall"
kind = "steps"
of = "fall"
operator = ">="
steps = [{ threshold = 1, amount = 100 }, { threshold = 3, amount = 300 }]
when = { quantity = "upper", operator = "<", value = 0 }
"#;

    fn spec(text: &str) -> DesignSpec {
        DesignSpec::from_toml("design.toml", text).unwrap()
    }

    const DESIGN: &str = r#"
schema = "utfall-design/1"
title = "T"
contract = "contract.toml"
seed = 1
draws = 1000
alpha = 0.05
power = 0.8
[[effect]]
name = "absence"
unit = "points"
hoped = -3.0
estimand = "att"
confidence-level = 0.95
n-treated = 100
n-comparator = 100
precision.design = { kind = "stated", standard-error = 1.0, degrees-of-freedom = 30.0 }
"#;

    #[test]
    fn a_contract_that_asks_for_the_interval_pays_for_nothing_in_one_of_forty() {
        let contract = Contract::from_toml("contract.toml", CONTRACT).unwrap();
        let found = operating_characteristics(&spec(DESIGN), &contract, None, &Unwatched).unwrap();
        // An interval below zero has a point below -2 standard errors, so the steps add nothing.
        let nil = found.point(Role::Nil).unwrap();
        let interval = nil.payments.paid.interval.unwrap();
        assert!(interval.contains(0.025), "{:?}", nil.payments.paid);
        // One-sided, by the same noncentral t as the power: all but the far tail.
        let hoped = found.point(Role::AsHoped).unwrap();
        let power = found.effects[0].power_if_as_hoped;
        assert!(hoped.payments.paid.interval.unwrap().contains(power));
        assert_eq!(found.effects[0].thresholds, [-3.0, -1.0]);
        let shares: Vec<f64> = found
            .points
            .iter()
            .filter_map(|point| point.payments.paid.share)
            .collect();
        assert!(
            shares.windows(2).all(|pair| pair[0] <= pair[1]),
            "{shares:?}"
        );
    }

    #[test]
    fn a_share_of_savings_pays_that_share_of_what_is_truly_saved() {
        // A hundred treated at 5 a point: 15 for each point that absence falls by, half of it paid.
        let contract = CONTRACT
            .split("[[quantity]]")
            .next()
            .map(|head| {
                let head = head.replace("\"point\", \"upper\"", "\"savings\"");
                format!(
                    "{head}[[quantity]]\nname = \"saved\"\nkind = \"input\"\nfrom = \"absence.savings\"\nsign = \"keep\"\ndecimals = 2\nrounding = \"half-even\"\n[[line]]\nname = \"share\"\nkind = \"share\"\nof = \"saved\"\nbands = [{{ from = 0, share = 0.5 }}]\n"
                )
            })
            .unwrap();
        let contract = Contract::from_toml("contract.toml", &contract).unwrap();
        let with_money = DESIGN.replace(
            "precision.design",
            "money = { saves = \"fall\", unit-cost = { amount = 5.0, standard-error = 0.0 } }\nprecision.design",
        );
        let found = operating_characteristics(&spec(&with_money), &contract, None, &Unwatched);
        let found = found.unwrap();
        let hoped = found.point(Role::AsHoped).unwrap();
        assert_eq!(hoped.savings, [Some(1500.0)]);
        assert_eq!(found.point(Role::Nil).unwrap().savings, [Some(0.0)]);
        // A thousand draws of a standard error of 500: the mean is known to about 8 for half of it.
        let mean = hoped.payments.mean.minor_units() as f64 / 100.0;
        assert!((mean - 750.0).abs() < 40.0, "{mean}");
        let refused = operating_characteristics(&spec(DESIGN), &contract, None, &Unwatched);
        assert!(refused.unwrap_err().to_string().contains("absence.savings"));
    }

    #[test]
    fn threads_change_no_draw() {
        let contract = Contract::from_toml("contract.toml", CONTRACT).unwrap();
        let spec = spec(&DESIGN.replace("draws = 1000", "draws = 100"));
        let with = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            pool.unwrap()
                .install(|| operating_characteristics(&spec, &contract, None, &Unwatched).unwrap())
        };
        assert_eq!(with(1), with(4));
    }

    #[test]
    fn a_contract_that_reads_more_than_is_planned_is_refused() {
        let contract = Contract::from_toml("contract.toml", CONTRACT).unwrap();
        let other = spec(&DESIGN.replace("name = \"absence\"", "name = \"grades\""));
        let refused = operating_characteristics(&other, &contract, None, &Unwatched).unwrap_err();
        assert!(refused.to_string().contains("absence."), "{refused}");
    }
}
