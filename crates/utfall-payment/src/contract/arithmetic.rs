//! The arithmetic of derived quantities: exact, and defined for every operand.

use num_rational::BigRational;
use num_traits::{One, Signed, ToPrimitive, Zero};

use super::terms::Rule;
use super::{multiplicity, normal};
use crate::number;

/// Why an operation has no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Undefined {
    #[error("division by zero")]
    DivisionByZero,
    #[error("the result is too large to carry exactly")]
    TooLarge,
    #[error("a p-value that is not between 0 and 1")]
    NoProbability,
    #[error("a standard error that is not above 0")]
    NoStandardError,
    #[error("a number of periods that is not a whole number from 0 to {MAX_PERIODS}")]
    NoPeriods,
}

/// More periods than any contract runs; the result stays within what is carried exactly.
const MAX_PERIODS: u32 = 600;

/// Applies a derived rule to the values of its operands, in the order of [`Rule::operands`].
///
/// An input has no operands and no value here.
pub(crate) fn apply(rule: &Rule, values: &[BigRational]) -> Option<Result<BigRational, Undefined>> {
    let result = match (rule, values) {
        (Rule::Constant(value), []) => Ok(value.clone()),
        (Rule::Difference { .. }, [of, less]) => bounded(of - less),
        (Rule::Ratio { .. }, [of, to]) => divided(of, to),
        (Rule::RelativeReduction { .. }, [from, to]) => divided(&(from - to), from),
        (Rule::ShareOf { .. }, [of, share]) => bounded(of * share),
        (
            Rule::Rounded {
                decimals, rounding, ..
            },
            [of],
        ) => bounded(rounding.to_decimals(of, *decimals)),
        (Rule::Sum(_), values) => folded(values, BigRational::zero(), |sum, next| sum + next),
        (Rule::Product(_), values) => folded(values, BigRational::one(), |all, next| all * next),
        (Rule::Minimum(_), values) => Ok(values.iter().min()?.clone()),
        (Rule::Maximum(_), values) => Ok(values.iter().max()?.clone()),
        (Rule::FirstAvailable(_), [first, ..]) => Ok(first.clone()),
        (Rule::AdjustedP { rule, .. }, [of, among @ ..]) => {
            let usual = |p: &BigRational| !p.is_negative() && *p <= BigRational::one();
            if among.iter().all(usual) {
                Ok(multiplicity::adjusted(of, among, *rule))
            } else {
                Err(Undefined::NoProbability)
            }
        }
        (
            Rule::ProbabilityAbove {
                decimals, rounding, ..
            },
            [point, standard_error, threshold],
        ) => {
            if standard_error.is_positive() {
                let probability = normal::distribution(&((point - threshold) / standard_error));
                Ok(rounding.to_decimals(&probability, *decimals))
            } else {
                Err(Undefined::NoStandardError)
            }
        }
        (Rule::Compound { .. }, [of, rate, periods]) => compound(of, rate, periods),
        _ => return None,
    };
    Some(result)
}

/// `of · (1 + rate)^periods`, one period at a time so that it cannot run away.
fn compound(
    of: &BigRational,
    rate: &BigRational,
    periods: &BigRational,
) -> Result<BigRational, Undefined> {
    let n_periods = periods
        .is_integer()
        .then(|| periods.to_integer().to_u32())
        .flatten()
        .filter(|n_periods| *n_periods <= MAX_PERIODS)
        .ok_or(Undefined::NoPeriods)?;
    let factor = BigRational::one() + rate;
    (0..n_periods).try_fold(of.clone(), |so_far, _| bounded(so_far * &factor))
}

fn bounded(value: BigRational) -> Result<BigRational, Undefined> {
    number::bounded(value).ok_or(Undefined::TooLarge)
}

fn divided(over: &BigRational, under: &BigRational) -> Result<BigRational, Undefined> {
    if under.is_zero() {
        return Err(Undefined::DivisionByZero);
    }
    bounded(over / under)
}

fn folded(
    values: &[BigRational],
    start: BigRational,
    combine: impl Fn(BigRational, &BigRational) -> BigRational,
) -> Result<BigRational, Undefined> {
    values
        .iter()
        .try_fold(start, |so_far, next| bounded(combine(so_far, next)))
}
