//! Effects from figures that others have published: rates and shares of two arms, after and before.
//!
//! Each figure comes with a standard error, or with none if it is taken as known, such as that of a
//! whole country. Figures are taken as independent, as those of different persons are; where the same
//! persons stand behind two of them, the error is too large if they go together.
//!
//! Differences have errors in closed form; ratios have intervals by the delta method on the log scale,
//! Casella & Berger (2002), *Statistical Inference*, section 5.5.4.

use utfall_core::Interval;
use utfall_stats::elementary::{exp, log};
use utfall_stats::normal;

use crate::EffectError;

/// A figure with its standard error, both in the unit of the figure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figure {
    /// The figure; zero or more.
    pub value: f64,
    /// Its standard error; zero if it is taken as known.
    pub standard_error: f64,
}

/// The figures of one arm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Published {
    /// Before treatment, if a change is wanted.
    pub before: Option<Figure>,
    /// After.
    pub after: Figure,
}

/// An effect with its standard error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PublishedEffect {
    /// Treated less comparators, or the change of the treated less that of the comparators.
    pub difference: f64,
    /// Its standard error.
    pub difference_error: f64,
    /// What the treated would have had after: the comparators' figure, or the treated's before and the
    /// change of the comparators.
    pub counterfactual: f64,
    /// The share by which the treated fell below that; negative if they rose above it.
    pub relative_reduction: f64,
    /// Its interval; `None` if the figure of the treated is zero and its log has no error.
    pub reduction_interval: Option<Interval>,
}

impl Figure {
    /// Events over persons, `per` persons a unit: the error of a count whose variance is `dispersion`
    /// times its mean (1 for Poisson; more where some persons have many events).
    ///
    /// # Errors
    ///
    /// [`EffectError::OutsideRange`] for a negative rate, no persons, or numbers that are not above zero.
    pub fn of_rate(
        rate: f64,
        per: f64,
        persons: Option<u32>,
        dispersion: f64,
    ) -> Result<Self, EffectError> {
        at_least("rate", rate, 0.0)?;
        above_zero("number of persons a rate is for", per)?;
        above_zero("dispersion", dispersion)?;
        let error = |n: f64| (dispersion * rate * per / n).sqrt();
        Self::of(rate, persons, error)
    }

    /// The share of persons with an event, of `per`: the binomial error.
    ///
    /// # Errors
    ///
    /// [`EffectError::OutsideRange`] for a share below zero or above `per`, or no persons.
    pub fn of_share(share: f64, per: f64, persons: Option<u32>) -> Result<Self, EffectError> {
        above_zero("number of persons a share is of", per)?;
        at_least("share", share, 0.0)?;
        at_least("rest of a share", per - share, 0.0)?;
        Self::of(share, persons, |n| (share * (per - share) / n).sqrt())
    }

    fn of(
        value: f64,
        persons: Option<u32>,
        error: impl Fn(f64) -> f64,
    ) -> Result<Self, EffectError> {
        let standard_error = match persons.map(f64::from) {
            Some(n) => {
                above_zero("number of persons", n)?;
                error(n)
            }
            None => 0.0,
        };
        Ok(Self {
            value,
            standard_error,
        })
    }

    fn variance(&self) -> f64 {
        self.standard_error * self.standard_error
    }
}

/// The effect that published figures of two arms tell.
///
/// Without figures before, the comparators' figure is the counterfactual; with them, the treated's
/// figure before and the comparators' change (difference-in-differences). The relative reduction is
/// `1 − after / counterfactual`, its interval by the log of that ratio at `level`.
///
/// # Errors
///
/// [`EffectError::OutsideRange`] if one arm alone has a figure before, if a figure or its error is
/// negative or not finite, or if the counterfactual is not above zero.
pub fn published_effect(
    treated: &Published,
    comparator: &Published,
    level: f64,
) -> Result<PublishedEffect, EffectError> {
    for arm in [treated, comparator] {
        for figure in arm.before.iter().chain([&arm.after]) {
            at_least("published figure", figure.value, 0.0)?;
            at_least("error of a published figure", figure.standard_error, 0.0)?;
        }
    }
    let (base, change, base_variance) = match (treated.before, comparator.before) {
        (Some(own), Some(other)) => (
            own.value,
            comparator.after.value - other.value,
            own.variance() + other.variance(),
        ),
        (None, None) => (0.0, comparator.after.value, 0.0),
        (own, _) => {
            let value = f64::from(u8::from(own.is_some()));
            let what = "number of figures before among the treated, unlike the comparators',";
            return Err(EffectError::OutsideRange { what, value });
        }
    };
    let counterfactual = base + change;
    above_zero("counterfactual", counterfactual)?;
    let of_counterfactual = base_variance + comparator.after.variance();
    let difference = treated.after.value - counterfactual;
    let ratio = treated.after.value / counterfactual;
    let reduction_interval = (ratio > 0.0).then(|| {
        let of_treated = treated.after.standard_error / treated.after.value;
        let error = of_treated.hypot(of_counterfactual.sqrt() / counterfactual);
        let reach = normal::quantile(0.5 * (1.0 + level)) * error;
        Interval {
            lower: 1.0 - exp(log(ratio) + reach),
            upper: 1.0 - exp(log(ratio) - reach),
        }
    });
    Ok(PublishedEffect {
        difference,
        difference_error: (of_counterfactual + treated.after.variance()).sqrt(),
        counterfactual,
        relative_reduction: 1.0 - ratio,
        reduction_interval,
    })
}

fn at_least(what: &'static str, value: f64, least: f64) -> Result<(), EffectError> {
    if value.is_finite() && value >= least {
        Ok(())
    } else {
        Err(EffectError::OutsideRange { what, value })
    }
}

fn above_zero(what: &'static str, value: f64) -> Result<(), EffectError> {
    if value.is_finite() && value > 0.0 {
        Ok(())
    } else {
        Err(EffectError::OutsideRange { what, value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(value: f64) -> Figure {
        Figure::of_rate(value, 100.0, Some(1000), 1.0).unwrap()
    }

    #[test]
    fn swapping_the_arms_turns_the_sign_and_keeps_the_error() {
        let arm = |before, after| Published {
            before: Some(rate(before)),
            after: rate(after),
        };
        let (one, other) = (arm(84.0, 78.0), arm(75.0, 84.0));
        let found = published_effect(&one, &other, 0.95).unwrap();
        let swapped = published_effect(&other, &one, 0.95).unwrap();
        assert!((found.difference + swapped.difference).abs() < 1e-12);
        assert!((found.difference_error - swapped.difference_error).abs() < 1e-12);
    }

    #[test]
    fn a_known_figure_adds_no_error_and_more_dispersion_adds_more() {
        let known = Figure::of_rate(155.0, 100.0, None, 1.0).unwrap();
        let of = |after| Published {
            before: None,
            after,
        };
        let plain = published_effect(&of(rate(142.0)), &of(known), 0.95).unwrap();
        assert!((plain.difference_error - rate(142.0).standard_error).abs() < 1e-12);
        let wide = Figure::of_rate(142.0, 100.0, Some(1000), 4.0).unwrap();
        let wide = published_effect(&of(wide), &of(known), 0.95).unwrap();
        assert!((wide.difference_error - 2.0 * plain.difference_error).abs() < 1e-12);
        let interval = plain.reduction_interval.unwrap();
        assert!(interval.contains(plain.relative_reduction));
    }

    #[test]
    fn figures_that_cannot_be_are_refused() {
        assert!(Figure::of_share(101.0, 100.0, Some(10)).is_err());
        assert!(Figure::of_share(10.0, 100.0, Some(0)).is_err());
        assert!(Figure::of_rate(-1.0, 100.0, None, 1.0).is_err());
        let with = Published {
            before: Some(rate(84.0)),
            after: rate(78.0),
        };
        let without = Published {
            before: None,
            after: rate(84.0),
        };
        assert!(published_effect(&with, &without, 0.95).is_err());
        let falls = Published {
            before: Some(rate(200.0)),
            after: rate(84.0),
        };
        assert!(published_effect(&with, &falls, 0.95).is_err());
    }

    #[test]
    fn without_events_among_the_treated_the_reduction_has_no_interval() {
        let of = |value| Published {
            before: None,
            after: rate(value),
        };
        let found = published_effect(&of(0.0), &of(84.0), 0.95).unwrap();
        assert!(found.reduction_interval.is_none());
        assert!((found.relative_reduction - 1.0).abs() < 1e-15);
    }
}
