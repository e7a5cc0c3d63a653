//! The figures of an effect that move when its point does.

use num_rational::BigRational;
use num_traits::{One, Zero};

use crate::input::{Input, Inputs};
use crate::number;

/// A figure of an effect.
#[derive(Debug, Clone)]
pub(crate) struct MovingFigure {
    /// The name of the input.
    pub(crate) name: String,
    /// Its value.
    pub(crate) value: BigRational,
    /// How far it moves for one of the point.
    pub(crate) per_point: BigRational,
}

/// The figures among the inputs that move with an effect's point. Interval and point move alike, the total by the
/// number of treated, the relative effect and savings in proportion; p-value, grade and counts do not move.
pub(crate) fn moving(inputs: &Inputs, effect: &str) -> Vec<MovingFigure> {
    let value = |figure: &str| number_of(inputs, &format!("{effect}.{figure}"));
    let of_point = |figure: &str| {
        let point = value("point").filter(|point| !point.is_zero())?;
        Some(value(figure)? / point)
    };
    let all = [
        "point",
        "lower",
        "upper",
        "total",
        "relative",
        "savings",
        "savings-lower",
        "savings-upper",
    ];
    let figure = |figure: &str| {
        let per_point = match figure {
            "total" => value("n-treated"),
            "relative" => of_point("relative"),
            // Savings are the point times what a unit saves, and their ends move along.
            "savings" | "savings-lower" | "savings-upper" => of_point("savings"),
            _ => Some(BigRational::one()),
        }?;
        Some(MovingFigure {
            name: format!("{effect}.{figure}"),
            value: value(figure)?,
            per_point,
        })
    };
    all.into_iter().filter_map(figure).collect()
}

/// An input that is a number.
pub(crate) fn number_of(inputs: &Inputs, name: &str) -> Option<BigRational> {
    match inputs.get(name)? {
        Input::Number(text) => number::parse(text).ok(),
        _ => None,
    }
}
