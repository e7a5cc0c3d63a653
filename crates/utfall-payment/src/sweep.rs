//! What a contract pays as one thing moves: an effect, an input, a number of the contract, or a cap.

use num_rational::BigRational;

use crate::contract::Contract;
use crate::contract::terms::{Operand, Rule, Terms};
use crate::decision::Branch;
use crate::evaluate::{self, Known};
use crate::figures::{self, MovingFigure};
use crate::input::{Input, InputKind, Inputs};
use crate::money::Money;
use crate::number;
use crate::rounding::RoundingMode;

/// Decimals a point of a sweep is carried with.
const DECIMALS: u32 = 30;
/// More points than anyone looks at.
const MOST_POINTS: usize = 1_000_000;

/// What is paid at one point of a sweep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SweepPoint {
    /// The value that what is swept takes here, exact.
    pub at: String,
    /// How the contract ends.
    pub branch: Branch,
    /// What it pays.
    pub total: Money,
}

/// Why nothing can be swept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SweepError {
    /// Nothing of the contract has that name.
    #[error("nothing to sweep is called `{name}`, expected one of {expected}")]
    Unknown {
        /// The name that was given.
        name: String,
        /// The names there are.
        expected: String,
    },
    /// A bound that is not a number.
    #[error("`{text}` is not a number")]
    NotANumber {
        /// What was given.
        text: String,
    },
    /// Bounds or a number of points that leave nothing to do.
    #[error(
        "{n_points} points from {from} to {to}, expected 2 to {MOST_POINTS} points and `from` below `to`"
    )]
    Empty {
        /// Points asked for.
        n_points: usize,
        /// Lower bound.
        from: String,
        /// Upper bound.
        to: String,
    },
    /// An effect whose estimate is not there.
    #[error(
        "the effect `{effect}` has no estimate to start from: `{effect}.point` is not a number"
    )]
    NoEstimate {
        /// The effect.
        effect: String,
    },
    /// A value of a constant that no contract can have, such as one that puts bands out of order.
    #[error("with {at} for `{name}` the contract is not sound; sweep within what it allows")]
    Unsound {
        /// The constant.
        name: String,
        /// The value.
        at: String,
    },
    /// A contract whose terms change over time.
    #[error("the contract has amendments; sweep the one in force on a day")]
    Amended,
}

/// What moves.
enum Swept {
    Input(String),
    /// An effect: its point, and what moves with it.
    Effect(BigRational, Vec<MovingFigure>),
    Constant(String),
    Cap,
    LineCap(usize),
}

impl Contract {
    /// Evaluates the contract at evenly spaced values of one thing, all else as in `inputs`.
    ///
    /// `what` is the name of an effect (point, interval, total, relative effect and savings move together), of
    /// a number among the inputs, of a constant quantity, `cap`, or `LINE.cap`. `range` holds the first
    /// and the last value as decimal text.
    ///
    /// # Errors
    ///
    /// - [`SweepError::Unknown`] if nothing has that name, with the names there are.
    /// - [`SweepError::NotANumber`] if a bound is none; [`SweepError::Empty`] if `from` is not below `to`
    ///   or there are fewer than two points or too many.
    /// - [`SweepError::NoEstimate`] if an effect is swept whose point is not among the inputs.
    /// - [`SweepError::Unsound`] if the contract would be refused with a value of the constant swept.
    /// - [`SweepError::Amended`] if the contract has amendments: ask for [`Contract::on`] a day.
    pub fn sweep(
        &self,
        inputs: &Inputs,
        what: &str,
        (from, to): (&str, &str),
        n_points: usize,
    ) -> Result<Vec<SweepPoint>, SweepError> {
        let Some(terms) = self.unamended() else {
            return Err(SweepError::Amended);
        };
        let number = |text: &str| {
            number::parse(text).map_err(|_| SweepError::NotANumber {
                text: text.to_owned(),
            })
        };
        let (first, last) = (number(from)?, number(to)?);
        if !(2..=MOST_POINTS).contains(&n_points) || first >= last {
            return Err(SweepError::Empty {
                n_points,
                from: from.to_owned(),
                to: to.to_owned(),
            });
        }
        let swept = find(terms, inputs, what)?;
        let step = (&last - &first) / BigRational::from_integer((n_points - 1).into());
        let mut moved = Moved {
            contract: self,
            terms: terms.clone(),
            inputs: inputs.clone(),
            swept,
        };
        let unmoved = unmoved(terms, inputs, &moved.swept);
        let points = (0..n_points).map(|index| {
            let at = &first + &step * BigRational::from_integer(index.into());
            let at = RoundingMode::HalfEven.to_decimals(&at, DECIMALS);
            moved.to(&at)?;
            let (branch, total) =
                evaluate::payment_with(&moved.terms, &moved.inputs, unmoved.clone());
            Ok(SweepPoint {
                at: number::text(&at),
                branch,
                total,
            })
        });
        points.collect()
    }
}

/// The values of the quantities that what is swept does not reach; the others are absent.
fn unmoved(terms: &Terms, inputs: &Inputs, swept: &Swept) -> Vec<Option<Known>> {
    let mut values = evaluate::quantities(terms, inputs);
    let is_moved = |from: &str| match swept {
        Swept::Input(name) => name == from,
        Swept::Effect(_, figures) => figures.iter().any(|figure| figure.name == from),
        Swept::Constant(_) | Swept::Cap | Swept::LineCap(_) => false,
    };
    if let Swept::Constant(_) = swept {
        // The contract is read anew for each value, and its quantities with it.
        return vec![None; values.len()];
    }
    for &index in &terms.order {
        let rule = &terms.quantities[index].rule;
        let is_reached = match rule {
            Rule::Input { from, .. } => is_moved(from),
            _ => rule
                .operands()
                .into_iter()
                .filter_map(Operand::quantity)
                .any(|drawn| values[drawn].is_none()),
        };
        if is_reached {
            values[index] = None;
        }
    }
    values
}

fn find(terms: &Terms, inputs: &Inputs, what: &str) -> Result<Swept, SweepError> {
    let required = terms.required_inputs();
    let has_cap = matches!(terms.cap, Some(Operand::Literal(_)));
    if what == "cap" && has_cap {
        return Ok(Swept::Cap);
    }
    let capped =
        |line: &&crate::contract::terms::Line| matches!(line.cap, Some(Operand::Literal(_)));
    let line = terms.lines.iter().position(|line| {
        capped(&line)
            && what
                .strip_suffix(".cap")
                .is_some_and(|name| name == line.name)
    });
    if let Some(line) = line {
        return Ok(Swept::LineCap(line));
    }
    if terms.effects.iter().any(|effect| effect.name == what) {
        return effect(inputs, what);
    }
    if required.get(what) == Some(&InputKind::Number) {
        return Ok(Swept::Input(what.to_owned()));
    }
    let constant = terms
        .quantities
        .iter()
        .position(|quantity| quantity.name == what && matches!(quantity.rule, Rule::Constant(_)));
    if constant.is_some() {
        return Ok(Swept::Constant(what.to_owned()));
    }
    let mut expected: Vec<String> = terms.effects.iter().map(|one| one.name.clone()).collect();
    let numbers = required
        .iter()
        .filter(|(_, kind)| **kind == InputKind::Number);
    expected.extend(numbers.map(|(name, _)| name.clone()));
    let constants = terms
        .quantities
        .iter()
        .filter(|one| matches!(one.rule, Rule::Constant(_)));
    expected.extend(constants.map(|one| one.name.clone()));
    expected.extend(has_cap.then(|| "cap".to_owned()));
    let caps = terms.lines.iter().filter(capped);
    expected.extend(caps.map(|line| format!("{}.cap", line.name)));
    Err(SweepError::Unknown {
        name: what.to_owned(),
        expected: expected.join(", "),
    })
}

fn effect(inputs: &Inputs, name: &str) -> Result<Swept, SweepError> {
    let point = figures::number_of(inputs, &format!("{name}.point"));
    let point = point.ok_or_else(|| SweepError::NoEstimate {
        effect: name.to_owned(),
    })?;
    Ok(Swept::Effect(point, figures::moving(inputs, name)))
}

/// The contract and inputs, with one thing moved.
struct Moved<'a> {
    contract: &'a Contract,
    terms: Terms,
    inputs: Inputs,
    swept: Swept,
}

impl Moved<'_> {
    fn to(&mut self, at: &BigRational) -> Result<(), SweepError> {
        match &self.swept {
            Swept::Input(name) => {
                let number = Input::Number(number::text(at));
                self.inputs.insert(name.clone(), number);
            }
            Swept::Effect(point, figures) => {
                for figure in figures {
                    let moved = &figure.value + (at - point) * &figure.per_point;
                    let moved = RoundingMode::HalfEven.to_decimals(&moved, DECIMALS);
                    let number = Input::Number(number::text(&moved));
                    self.inputs.insert(figure.name.clone(), number);
                }
            }
            Swept::Constant(name) => {
                // Bounds and thresholds are made of constants when a contract is read.
                let unsound = || SweepError::Unsound {
                    name: name.clone(),
                    at: number::text(at),
                };
                self.terms = self.contract.with_constant(name, at).ok_or_else(unsound)?;
            }
            Swept::Cap => self.terms.cap = Some(Operand::Literal(at.clone())),
            Swept::LineCap(line) => {
                self.terms.lines[*line].cap = Some(Operand::Literal(at.clone()));
            }
        }
        Ok(())
    }
}
