//! The arithmetic of derived quantities: exact, and defined for every operand.

use num_rational::BigRational;
use num_traits::{One, Zero};

use super::terms::Rule;
use crate::number;

/// Why an operation has no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Undefined {
    #[error("division by zero")]
    DivisionByZero,
    #[error("the result is too large to carry exactly")]
    TooLarge,
}

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
        _ => return None,
    };
    Some(result)
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
