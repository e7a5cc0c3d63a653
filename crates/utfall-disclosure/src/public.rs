//! What everyone may see of a claim: counts released together, estimates no finer than their error,
//! and payments computed from what is shown.
//!
//! The contract's parties see the exact figures, or nobody could check the payment. A payment
//! divided by its price is a count, though, so that everyone else sees the payment that follows from
//! the counts shown here.

use serde::{Deserialize, Serialize};
use utfall_core::{Estimate, Funnel};

use crate::{
    Cell, Count, Counts, DisclosureError, PlacedFunnel, Policy, Protected, ProtectedCounts,
    ReleasedFunnel, Role,
};

/// What a claim rests on, exactly: restricted.
#[derive(Debug, Clone)]
pub struct ClaimFigures<'a> {
    /// How the population became the cohort.
    pub funnel: &'a Funnel,
    /// Units of each arm before they were made comparable.
    pub arms: Arms<u64>,
    /// Units of each arm that are compared.
    pub compared: Arms<u64>,
    /// Units of each arm by their propensity score; empty if there is none.
    pub overlap: Vec<Bin<u64>>,
    /// The effects.
    pub effects: Vec<EffectFigures<'a>>,
}

/// An effect, exactly.
#[derive(Debug, Clone)]
pub struct EffectFigures<'a> {
    /// Short name; what a contract calls it by.
    pub name: &'a str,
    /// Title for people.
    pub title: &'a str,
    /// Unit of the outcome.
    pub unit: &'a str,
    /// The estimate, or in words why there is none.
    pub estimate: Result<&'a Estimate, &'a str>,
    /// The effect relative to the comparators' mean.
    pub relative: Option<f64>,
}

/// One figure for each arm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Arms<T> {
    /// Of the treated.
    pub treated: T,
    /// Of their comparators.
    pub comparator: T,
}

/// Units whose propensity score lies in `[from, below)`.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Bin<T> {
    /// Lower end, within.
    pub from: f64,
    /// Upper end, not within.
    pub below: f64,
    /// Units of each arm.
    pub units: Arms<T>,
}

/// The public view of a claim.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PublicView {
    /// `utfall-public/1`.
    pub schema: String,
    /// Name of the pipeline.
    pub pipeline: String,
    /// Title for people.
    pub title: String,
    /// The policy.
    pub policy: Policy,
    /// Whether counts that are not small were suppressed to cover others.
    pub covers: bool,
    /// Fewest values that a protected count may have, whatever is computed from all that is shown,
    /// counted up to what the policy asks. How many are protected is not told.
    pub fewest_values: Option<u64>,
    /// How the population became the cohort.
    pub funnel: ReleasedFunnel,
    /// Units of each arm before they were made comparable.
    pub arms: Arms<Cell>,
    /// Units of each arm that are compared.
    pub compared: Arms<Cell>,
    /// Units of each arm by their propensity score.
    pub overlap: Vec<Bin<Cell>>,
    /// The effects.
    pub effects: Vec<PublicEffect>,
    /// What the contract gives for the figures shown here; absent without a contract.
    pub payment: Option<PublicPayment>,
}

/// An effect as everyone may see it.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PublicEffect {
    /// Short name.
    pub name: String,
    /// Title for people.
    pub title: String,
    /// Unit of the outcome.
    pub unit: String,
    /// What is shown.
    pub result: PublicResult,
}

/// What is shown of an effect.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(tag = "status", deny_unknown_fields, rename_all = "kebab-case")]
pub enum PublicResult {
    /// An estimate.
    Released(PublicEstimate),
    /// There is one, and it is not shown.
    Suppressed {
        /// Why.
        reason: String,
    },
    /// There is none.
    None {
        /// Why.
        reason: String,
    },
}

/// An estimate to two digits of its standard error, so that no count can be computed from its
/// further ones.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PublicEstimate {
    /// The effect.
    pub point: f64,
    /// Its standard error.
    pub standard_error: f64,
    /// Lower end of its interval.
    pub lower: f64,
    /// Upper end of its interval.
    pub upper: f64,
    /// Level of the interval, a fraction.
    pub confidence_level: f64,
    /// Two-sided p-value, to three decimals.
    pub p_value: f64,
    /// The effect relative to the comparators' mean, to three decimals.
    pub relative: Option<f64>,
    /// Units it rests on.
    pub units: Arms<Cell>,
}

/// What a contract gives for the figures of a public view.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PublicPayment {
    /// Each payment line, in the contract's order.
    pub lines: Vec<PublicLine>,
    /// The total; absent where a line is.
    pub total: Option<String>,
}

/// A payment line as everyone may see it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PublicLine {
    /// The line's name.
    pub name: String,
    /// Its title, if the contract gives one.
    pub title: Option<String>,
    /// How it ended.
    pub branch: String,
    /// The amount that follows from what is shown; absent where it would end otherwise than it did,
    /// or needs a figure that is not shown.
    pub amount: Option<String>,
}

impl PublicView {
    /// The schema of this form.
    pub const SCHEMA: &str = "utfall-public/1";

    /// A claim as everyone may see it, without its payment.
    ///
    /// # Errors
    ///
    /// [`DisclosureError`] if the counts cannot be protected.
    pub fn of(
        pipeline: &str,
        title: &str,
        policy: &Policy,
        figures: &ClaimFigures<'_>,
    ) -> Result<Protected<Self>, DisclosureError> {
        let mut counts = Counts::default();
        let losses = if policy.derives_totals() {
            Role::Hidden
        } else {
            Role::Shown
        };
        let funnel = PlacedFunnel::of(figures.funnel, losses, &mut counts);
        let arms = place(figures.arms, &mut counts);
        link(
            &mut counts,
            funnel.remaining(),
            &[arms.treated, arms.comparator],
        );
        let compared = within(&mut counts, arms, figures.compared);
        let overlap: Vec<Bin<Count>> = figures
            .overlap
            .iter()
            .map(|bin| Bin {
                from: bin.from,
                below: bin.below,
                units: place(bin.units, &mut counts),
            })
            .collect();
        let bins = |arm: fn(&Arms<Count>) -> Count| -> Vec<Count> {
            overlap.iter().map(|bin| arm(&bin.units)).collect()
        };
        if !overlap.is_empty() {
            link(&mut counts, arms.treated, &bins(|units| units.treated));
            link(
                &mut counts,
                arms.comparator,
                &bins(|units| units.comparator),
            );
        }
        let effects: Vec<Option<Arms<Count>>> = figures
            .effects
            .iter()
            .map(|effect| {
                let estimate = effect.estimate.ok()?;
                let units = Arms {
                    treated: estimate.n_treated as u64,
                    comparator: estimate.n_comparator as u64,
                };
                Some(within(&mut counts, compared, units))
            })
            .collect();

        let protected = counts.protect(policy)?;
        let cell = |count: Count| protected.cell(count);
        let view = Self {
            schema: Self::SCHEMA.to_owned(),
            pipeline: pipeline.to_owned(),
            title: title.to_owned(),
            policy: policy.clone(),
            covers: protected.covers(),
            fewest_values: protected.audit().fewest_values,
            funnel: if policy.derives_totals() {
                funnel.derived(figures.funnel, &cell)
            } else {
                funnel.released(figures.funnel, &cell)
            },
            arms: seen(arms, &protected),
            compared: seen(compared, &protected),
            overlap: overlap
                .iter()
                .map(|bin| Bin {
                    from: bin.from,
                    below: bin.below,
                    units: seen(bin.units, &protected),
                })
                .collect(),
            effects: figures
                .effects
                .iter()
                .zip(effects)
                .map(|(effect, units)| public_effect(policy, effect, units, &protected))
                .collect(),
            payment: None,
        };
        Ok(Protected::vouched(view))
    }
}

impl Protected<PublicView> {
    /// Adds the payment that follows from what is shown.
    ///
    /// `evaluate` is a plain function: it sees the public view and the terms, and nothing else.
    #[must_use]
    pub fn with_payment<T: ?Sized>(
        self,
        terms: &T,
        evaluate: fn(&PublicView, &T) -> Option<PublicPayment>,
    ) -> Self {
        let payment = evaluate(self.get(), terms);
        Self::vouched(PublicView {
            payment,
            ..self.get().clone()
        })
    }
}

fn place(arms: Arms<u64>, counts: &mut Counts) -> Arms<Count> {
    Arms {
        treated: counts.add(arms.treated, Role::Shown),
        comparator: counts.add(arms.comparator, Role::Shown),
    }
}

fn seen(arms: Arms<Count>, protected: &ProtectedCounts) -> Arms<Cell> {
    Arms {
        treated: protected.cell(arms.treated),
        comparator: protected.cell(arms.comparator),
    }
}

/// Says that a count is the sum of others, where it is.
fn link(counts: &mut Counts, total: Count, parts: &[Count]) {
    let sum: u64 = parts.iter().map(|part| counts.value(*part)).sum();
    if sum == counts.value(total) {
        counts.add_sum(total, parts);
    }
}

/// Counts of units among others: the same ones where they are as many, and otherwise those who are
/// left out are a difference that everyone can compute.
fn within(counts: &mut Counts, whole: Arms<Count>, part: Arms<u64>) -> Arms<Count> {
    let mut one = |whole: Count, part: u64| {
        let all = counts.value(whole);
        if part == all {
            return whole;
        }
        let count = counts.add(part, Role::Shown);
        if let Some(n_outside) = all.checked_sub(part) {
            let outside = counts.add(n_outside, Role::Hidden);
            counts.add_sum(whole, &[count, outside]);
        }
        count
    };
    Arms {
        treated: one(whole.treated, part.treated),
        comparator: one(whole.comparator, part.comparator),
    }
}

fn public_effect(
    policy: &Policy,
    effect: &EffectFigures<'_>,
    units: Option<Arms<Count>>,
    protected: &ProtectedCounts,
) -> PublicEffect {
    let result = match (effect.estimate, units) {
        (Ok(estimate), Some(units)) => released(policy, effect, estimate, units, protected),
        (Err(reason), _) => PublicResult::None {
            reason: reason.to_owned(),
        },
        (Ok(_), None) => suppressed("its units are not counted"),
    };
    PublicEffect {
        name: effect.name.to_owned(),
        title: effect.title.to_owned(),
        unit: effect.unit.to_owned(),
        result,
    }
}

fn released(
    policy: &Policy,
    effect: &EffectFigures<'_>,
    estimate: &Estimate,
    units: Arms<Count>,
    protected: &ProtectedCounts,
) -> PublicResult {
    let n_units = estimate.n_treated + estimate.n_comparator;
    #[expect(
        clippy::cast_precision_loss,
        reason = "units in a register stay far below 2^53"
    )]
    let residual = estimate
        .degrees_of_freedom
        .unwrap_or_else(|| n_units.saturating_sub(2) as f64);
    if !policy.allows_degrees_of_freedom(residual) {
        return suppressed("it rests on fewer degrees of freedom than the policy asks");
    }
    let is_small = |n: usize| policy.protects(n as u64);
    if is_small(estimate.n_treated) || is_small(estimate.n_comparator) {
        return suppressed("it rests on fewer units than the policy asks");
    }
    let Some(decimals) = decimals(estimate.standard_error) else {
        return suppressed("it has no standard error above zero");
    };
    PublicResult::Released(PublicEstimate {
        point: rounded(estimate.point, decimals),
        standard_error: rounded(estimate.standard_error, decimals),
        lower: rounded(estimate.interval.lower, decimals),
        upper: rounded(estimate.interval.upper, decimals),
        confidence_level: estimate.confidence_level.fraction(),
        p_value: rounded(estimate.p_value, 3),
        relative: effect.relative.map(|relative| rounded(relative, 3)),
        units: seen(units, protected),
    })
}

fn suppressed(reason: &str) -> PublicResult {
    PublicResult::Suppressed {
        reason: reason.to_owned(),
    }
}

/// Decimals that show two digits of a standard error.
fn decimals(standard_error: f64) -> Option<i32> {
    let is_usable = standard_error.is_finite() && standard_error > 0.0;
    #[expect(clippy::cast_possible_truncation, reason = "between -324 and 308")]
    let decimals = || 1 - libm::floor(libm::log10(standard_error)) as i32;
    is_usable.then(decimals).filter(|decimals| *decimals < 300)
}

/// The nearest number of so many decimals, and the one that text would give.
fn rounded(number: f64, decimals: i32) -> f64 {
    match usize::try_from(decimals) {
        Ok(decimals) => format!("{number:.decimals$}").parse().unwrap_or(number),
        Err(_) => {
            let unit = libm::pow(10.0, f64::from(-decimals));
            (number / unit).round() * unit
        }
    }
}

#[cfg(test)]
mod tests {
    use utfall_core::{Estimand, Interval};

    use super::*;

    fn estimate(
        point: f64,
        standard_error: f64,
        n_treated: usize,
        n_comparator: usize,
    ) -> Estimate {
        Estimate {
            estimand: Estimand::Att,
            point,
            standard_error,
            degrees_of_freedom: None,
            confidence_level: 0.95.try_into().unwrap(),
            interval: Interval {
                lower: point - 1.96 * standard_error,
                upper: point + 1.96 * standard_error,
            },
            p_value: 0.000_123,
            n_treated,
            n_comparator,
            n_clusters: None,
        }
    }

    fn funnel() -> Funnel {
        let mut funnel = Funnel::new("pupil", 1_000);
        funnel.apply("at school", 996);
        funnel.apply("with a baseline", 500);
        funnel
    }

    fn view(policy: &Policy, n_treated: u64) -> Protected<PublicView> {
        let funnel = funnel();
        let estimate = estimate(
            -6.123_456,
            0.712_3,
            usize::try_from(n_treated - 1).unwrap(),
            380,
        );
        let figures = ClaimFigures {
            funnel: &funnel,
            arms: Arms {
                treated: n_treated,
                comparator: 500 - n_treated,
            },
            compared: Arms {
                treated: n_treated - 1,
                comparator: 380,
            },
            overlap: Vec::new(),
            effects: vec![EffectFigures {
                name: "absence",
                title: "Absence",
                unit: "percentage points",
                estimate: Ok(&estimate),
                relative: Some(-0.123_45),
            }],
        };
        PublicView::of("school", "School", policy, &figures).unwrap()
    }

    #[test]
    fn an_estimate_is_shown_to_two_digits_of_its_error() {
        let view = view(&Policy::midpoint_6(), 100);
        let PublicResult::Released(estimate) = &view.get().effects[0].result else {
            panic!("{view:?}");
        };
        let shown = serde_json::to_value(estimate).unwrap();
        assert_eq!(shown["point"], -6.12);
        assert_eq!(shown["standard-error"], 0.71);
        assert_eq!(shown["p-value"], 0.0);
        assert_eq!(shown["relative"], -0.123);
        assert_eq!(
            rounded(12_345.6, decimals(423.0).unwrap()).to_string(),
            "12350"
        );
        assert_eq!(decimals(0.0), None);
    }

    #[test]
    fn nobody_finds_the_one_who_was_not_matched_or_the_four_who_were_lost() {
        let view = view(&Policy::acro(), 100);
        let view = view.get();
        assert_eq!(view.fewest_values, Some(10));
        assert!([view.arms.treated, view.compared.treated].contains(&Cell::Suppressed));
        assert_eq!(view.funnel.lines[0].lost, Cell::Suppressed);
        assert!([view.funnel.start, view.funnel.lines[0].remaining].contains(&Cell::Suppressed));
    }

    #[test]
    fn an_estimate_on_few_units_is_not_shown() {
        let view = view(&Policy::acro(), 8);
        assert!(matches!(
            view.get().effects[0].result,
            PublicResult::Suppressed { .. }
        ));
    }

    #[test]
    fn a_payment_is_a_function_of_what_is_shown() {
        fn pay(view: &PublicView, price: &u64) -> Option<PublicPayment> {
            let n = view.compared.treated.value();
            Some(PublicPayment {
                lines: Vec::new(),
                total: n.map(|n| (n * price).to_string()),
            })
        }
        let paid = |n_treated| {
            let view = view(&Policy::midpoint_6(), n_treated).with_payment(&700, pay);
            view.get().payment.clone().unwrap().total
        };
        // 97 to 102 matched are all shown as 99: what is paid for each tells no more.
        assert_eq!(paid(98), paid(103));
        assert_eq!(paid(98), Some("69300".to_owned()));
        assert_ne!(paid(98), paid(104));
    }
}
