//! Where the contract's thresholds lie on the axis of an effect.
//!
//! A contract compares quantities of its own, such as a reduction in percentage points; a picture
//! of an effect has the effect's axis. The trace tells how a quantity came from an effect. Where
//! that is a chain of signs and constant factors the threshold is carried back along it; where it
//! is anything else the threshold is left out of the picture and stays in the table.

use utfall_payment::{Decision, Operation, Sign, Step, StepResult, Subject};

/// A threshold in the unit of an effect.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct OnEffect {
    /// The threshold.
    pub(crate) value: f64,
    /// Which figure of the effect is held against it.
    pub(crate) figure: Figure,
}

/// A figure of an effect that lies on the effect's axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Figure {
    Point,
    Lower,
    Upper,
}

impl OnEffect {
    /// What the threshold is called in a picture.
    pub(crate) fn words(self) -> &'static str {
        match self.figure {
            Figure::Point => "threshold",
            Figure::Lower => "threshold for the lower end",
            Figure::Upper => "threshold for the upper end",
        }
    }
}

/// What carries a figure of an effect back to the effect's own unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct EffectFigures<'a> {
    /// The effect's name.
    pub(crate) name: &'a str,
    /// Mean outcome of the comparators; `relative` is a fraction of its size.
    pub(crate) mean_comparator: Option<f64>,
    /// Treated units; `total` is the point times their number.
    pub(crate) n_treated: f64,
    /// What one unit of the point on every treated unit saves; `savings` is the point times this.
    pub(crate) saved_per_unit: Option<f64>,
}

/// A constant multiple of one figure of an effect.
#[derive(Debug, Clone, Copy)]
struct Multiple {
    factor: f64,
    figure: Figure,
}

impl Multiple {
    fn times(self, constant: f64) -> Self {
        Self {
            factor: self.factor * constant,
            ..self
        }
    }
}

/// The thresholds that concern an effect, in its unit, each once and in ascending order; zero,
/// which every picture marks, is left out.
pub(crate) fn on_effect(decision: &Decision, effect: EffectFigures<'_>) -> Vec<OnEffect> {
    let mut found: Vec<OnEffect> = decision
        .thresholds
        .iter()
        .filter_map(|threshold| {
            let multiple = multiple(decision, &threshold.quantity, effect, decision.trace.len())?;
            let value = number(threshold.threshold.as_deref()?)? / multiple.factor;
            (value.is_finite() && value.abs() > 0.0).then_some(OnEffect {
                value,
                figure: multiple.figure,
            })
        })
        .collect();
    found.sort_by(|a, b| a.value.total_cmp(&b.value).then(a.figure.cmp(&b.figure)));
    found.dedup_by(|a, b| a.value.total_cmp(&b.value).is_eq() && a.figure == b.figure);
    found
}

/// What constant multiple of which figure a quantity is, if it is one.
fn multiple(
    decision: &Decision,
    quantity: &str,
    effect: EffectFigures<'_>,
    depth: usize,
) -> Option<Multiple> {
    let depth = depth.checked_sub(1)?;
    let mut steps = decision
        .trace
        .iter()
        .filter(|step| step.subject == Subject::Quantity(quantity.to_owned()));
    let step = steps.find(|step| !matches!(step.operation, Operation::Round { .. }))?;
    let of = |index: usize| {
        let operand = step.operands.get(index)?;
        multiple(decision, &operand.name, effect, depth)
    };
    let constant = |index: usize| constant(decision, step, index);
    match &step.operation {
        Operation::CrossOver { sign, .. } => {
            let (name, figure) = step.operands.first()?.name.rsplit_once('.')?;
            let multiple = (name == effect.name)
                .then(|| of_figure(figure, effect))
                .flatten()?;
            Some(if *sign == Sign::Flip {
                multiple.times(-1.0)
            } else {
                multiple
            })
        }
        Operation::Product | Operation::ShareOf if step.operands.len() == 2 => of(0)
            .zip(constant(1))
            .or_else(|| of(1).zip(constant(0)))
            .map(|(found, constant)| found.times(constant)),
        Operation::Ratio => of(0)
            .zip(constant(1))
            .map(|(found, constant)| found.times(1.0 / constant)),
        _ => None,
    }
}

/// How a figure of an effect relates to its axis.
fn of_figure(figure: &str, effect: EffectFigures<'_>) -> Option<Multiple> {
    let (figure, factor) = match figure {
        "point" => (Figure::Point, 1.0),
        "lower" => (Figure::Lower, 1.0),
        "upper" => (Figure::Upper, 1.0),
        "relative" => (Figure::Point, 1.0 / effect.mean_comparator?.abs()),
        "total" => (Figure::Point, effect.n_treated),
        "savings" => (Figure::Point, effect.saved_per_unit?),
        _ => return None,
    };
    factor.is_finite().then_some(Multiple { factor, figure })
}

/// The value of an operand that no measurement enters.
fn constant(decision: &Decision, step: &Step, index: usize) -> Option<f64> {
    let operand = step.operands.get(index)?;
    let origin = decision
        .trace
        .iter()
        .find(|step| step.subject == Subject::Quantity(operand.name.clone()));
    match origin {
        None => number(&operand.value),
        Some(Step {
            operation: Operation::Constant,
            result: StepResult::Value(value),
            ..
        }) => number(value),
        Some(_) => None,
    }
}

/// A number of a decision: a decimal, or a fraction of two whole numbers.
fn number(text: &str) -> Option<f64> {
    let value = match text.split_once('/') {
        Some((over, under)) => over.parse::<f64>().ok()? / under.parse::<f64>().ok()?,
        None => text.parse().ok()?,
    };
    value.is_finite().then_some(value)
}
