//! The checked terms of a contract, with every name resolved.

use std::collections::BTreeMap;

use num_rational::BigRational;
use utfall_core::Estimand;

use super::claims::ClaimTerms;
use super::{
    Above, AtJump, Below, BeyondCap, Excess, Multiplicity, Operator, Otherwise, Remainder, Role,
    RoundingRule, Sign,
};
use crate::currency::Currency;
use crate::decision::Branch;
use crate::input::InputKind;
use crate::rounding::RoundingMode;

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Terms {
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) notes: Option<String>,
    pub(crate) sources: Vec<String>,
    pub(crate) currency: Currency,
    pub(crate) rounding: RoundingRule,
    pub(crate) floor: Option<Operand>,
    pub(crate) cap: Option<Operand>,
    /// What counts towards the cap already.
    pub(crate) paid_before: Option<Operand>,
    pub(crate) set_off: Option<SetOff>,
    pub(crate) effects: Vec<Effect>,
    pub(crate) quantities: Vec<Quantity>,
    /// Indices of `quantities`, each after those it draws on.
    pub(crate) order: Vec<usize>,
    pub(crate) lines: Vec<Line>,
    pub(crate) groups: Vec<Group>,
    pub(crate) parties: Vec<Party>,
    /// Present when there is more than one payer.
    pub(crate) remainder: Option<Remainder>,
    /// Present when a payer has a cap.
    pub(crate) beyond_payer_cap: Option<BeyondCap>,
    pub(crate) claims: Vec<ClaimTerms>,
    /// In major units.
    pub(crate) cap_per_person: Option<BigRational>,
}

/// Interim payments, set off against what was earned.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SetOff {
    pub(crate) paid: Operand,
    pub(crate) excess: Excess,
}

/// Lines that share a floor and a cap.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Group {
    pub(crate) name: String,
    pub(crate) title: Option<String>,
    /// Indices of [`Terms::lines`], in order; each line is in one group at most.
    pub(crate) lines: Vec<usize>,
    pub(crate) floor: Option<Operand>,
    pub(crate) cap: Option<Operand>,
    pub(crate) paid_before: Option<Operand>,
}

/// An effect the contract draws on.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Effect {
    pub(crate) name: String,
    pub(crate) estimands: Vec<Estimand>,
}

/// A number, or the quantity that holds it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Operand {
    Literal(BigRational),
    /// An index of [`Terms::quantities`].
    Quantity(usize),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Quantity {
    pub(crate) name: String,
    pub(crate) unit: Option<String>,
    pub(crate) rule: Rule,
}

/// Where a quantity comes from. The whole set: there is no other arithmetic.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Rule {
    Input {
        from: String,
        /// An index of [`Terms::effects`], if the input is a figure of an effect.
        effect: Option<usize>,
        sign: Sign,
        decimals: u32,
        rounding: RoundingMode,
    },
    Constant(BigRational),
    Difference {
        of: Operand,
        less: Operand,
    },
    Sum(Vec<Operand>),
    Product(Vec<Operand>),
    Ratio {
        of: Operand,
        to: Operand,
    },
    RelativeReduction {
        from: Operand,
        to: Operand,
    },
    ShareOf {
        of: Operand,
        share: Operand,
    },
    Minimum(Vec<Operand>),
    Maximum(Vec<Operand>),
    /// The first that is measurable; a deferred one is waited for.
    FirstAvailable(Vec<Operand>),
    Rounded {
        of: Operand,
        decimals: u32,
        rounding: RoundingMode,
    },
    /// `of` is one of `among`.
    AdjustedP {
        of: Operand,
        among: Vec<Operand>,
        rule: Multiplicity,
    },
    /// Of an estimate that is normal about the effect.
    ProbabilityAbove {
        point: Operand,
        standard_error: Operand,
        threshold: Operand,
        decimals: u32,
        rounding: RoundingMode,
    },
    /// `of · (1 + rate)^periods`.
    Compound {
        of: Operand,
        rate: Operand,
        periods: Operand,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) title: Option<String>,
    pub(crate) kind: LineKind,
    /// Unmet: not measurable.
    pub(crate) requires: Option<Condition>,
    /// Unmet: nothing due.
    pub(crate) when: Option<Condition>,
    /// Whether a negative amount is due back instead of being 0.
    pub(crate) clawback: bool,
    pub(crate) minimum: Option<Minimum>,
    pub(crate) deadweight: Option<Deadweight>,
    pub(crate) per: Option<Per>,
    pub(crate) floor: Option<Operand>,
    pub(crate) cap: Option<Operand>,
    pub(crate) paid_before: Option<Operand>,
}

/// The least number a line can be decided on.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Minimum {
    pub(crate) of: Operand,
    pub(crate) at_least: Operand,
    pub(crate) otherwise: Otherwise,
    /// Present exactly if `otherwise` is an amount.
    pub(crate) amount: Option<Operand>,
}

/// What would have happened anyway.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Deadweight {
    Fraction(Operand),
    Fixed(Operand),
}

/// A floor and a cap for each of something.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Per {
    pub(crate) of: Operand,
    pub(crate) floor: Option<Operand>,
    pub(crate) cap: Option<Operand>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum LineKind {
    Fixed {
        amount: Operand,
    },
    Share {
        of: Operand,
        bands: Vec<Band>,
    },
    Steps {
        of: Operand,
        /// `>=` or `>`.
        operator: Operator,
        steps: Vec<StepTerm>,
        /// What the amounts are rates of, if they are rates.
        rate_on: Option<Operand>,
    },
    PerUnit {
        units: Operand,
        price: Operand,
    },
    Piecewise {
        of: Operand,
        curve: Curve,
        rate_on: Option<Operand>,
    },
    Pool {
        amount: Operand,
        metrics: Vec<Metric>,
        performance: Curve,
    },
}

/// Straight lines between points, which may jump.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Curve {
    /// Ascending; at most two at one place.
    pub(crate) points: Vec<Point>,
    pub(crate) at_jump: AtJump,
    pub(crate) below: Below,
    pub(crate) above: Above,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Point {
    pub(crate) at: BigRational,
    pub(crate) amount: BigRational,
}

/// A metric of a pool: how far from `from` to `to` the quantity has come, weighted.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Metric {
    pub(crate) of: Operand,
    pub(crate) from: BigRational,
    pub(crate) to: BigRational,
    pub(crate) weight: BigRational,
}

/// A marginal band: `share` of what lies between the bounds. The last may be open above.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Band {
    pub(crate) from: BigRational,
    pub(crate) to: Option<BigRational>,
    pub(crate) share: BigRational,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StepTerm {
    pub(crate) threshold: BigRational,
    pub(crate) amount: Operand,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Compare {
        quantity: usize,
        operator: Operator,
        value: Operand,
    },
    Flag {
        name: String,
        equals: bool,
    },
    Text {
        name: String,
        one_of: Vec<String>,
    },
    Ended {
        /// An index of [`Terms::lines`], before the line that has the condition.
        line: usize,
        branch: Branch,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Party {
    pub(crate) name: String,
    pub(crate) role: Role,
    /// Present exactly for payers; all shares add up to 1.
    pub(crate) share: Option<BigRational>,
    /// The most this payer bears.
    pub(crate) cap: Option<Operand>,
}

impl Terms {
    pub(crate) fn required_inputs(&self) -> BTreeMap<String, InputKind> {
        let mut inputs = BTreeMap::new();
        for effect in &self.effects {
            inputs.insert(effect.estimand_input(), InputKind::Text);
        }
        for quantity in &self.quantities {
            if let Rule::Input { from, .. } = &quantity.rule {
                inputs.insert(from.clone(), InputKind::Number);
            }
        }
        for line in &self.lines {
            for condition in line.requires.iter().chain(&line.when) {
                condition.add_inputs(&mut inputs);
            }
        }
        inputs
    }

    /// Whether any line may take money back.
    pub(crate) fn claws_back(&self) -> bool {
        self.lines.iter().any(|line| line.clawback)
    }

    /// The group a line is in, if it is in one.
    pub(crate) fn group_of(&self, line: usize) -> Option<&Group> {
        self.groups.iter().find(|group| group.lines.contains(&line))
    }
}

impl Effect {
    /// The input that says what the effect is an estimate of.
    pub(crate) fn estimand_input(&self) -> String {
        format!("{}.estimand", self.name)
    }
}

impl Condition {
    fn add_inputs(&self, inputs: &mut BTreeMap<String, InputKind>) {
        match self {
            Self::All(conditions) | Self::Any(conditions) => {
                for condition in conditions {
                    condition.add_inputs(inputs);
                }
            }
            Self::Flag { name, .. } => {
                inputs.insert(name.clone(), InputKind::Flag);
            }
            Self::Text { name, .. } => {
                inputs.insert(name.clone(), InputKind::Text);
            }
            Self::Compare { .. } | Self::Ended { .. } => {}
        }
    }
}

impl Operand {
    /// The quantity it names, if it is not a number.
    pub(crate) fn quantity(&self) -> Option<usize> {
        match self {
            Self::Literal(_) => None,
            Self::Quantity(index) => Some(*index),
        }
    }
}

impl Rule {
    /// What it draws on, in order.
    pub(crate) fn operands(&self) -> Vec<&Operand> {
        match self {
            Self::Input { .. } | Self::Constant(_) => Vec::new(),
            Self::Difference { of, less } => vec![of, less],
            Self::Ratio { of, to } => vec![of, to],
            Self::RelativeReduction { from, to } => vec![from, to],
            Self::ShareOf { of, share } => vec![of, share],
            Self::Rounded { of, .. } => vec![of],
            Self::Sum(all)
            | Self::Product(all)
            | Self::Minimum(all)
            | Self::Maximum(all)
            | Self::FirstAvailable(all) => all.iter().collect(),
            Self::AdjustedP { of, among, .. } => std::iter::once(of).chain(among).collect(),
            Self::ProbabilityAbove {
                point,
                standard_error,
                threshold,
                ..
            } => vec![point, standard_error, threshold],
            Self::Compound { of, rate, periods } => vec![of, rate, periods],
        }
    }
}
