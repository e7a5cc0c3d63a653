//! The χ² distribution with whole degrees of freedom, in closed form.
//!
//! Abramowitz & Stegun (1964), *Handbook of Mathematical Functions*, 26.4.4 and 26.4.5.

use crate::normal;

/// The probability that a χ² variable exceeds `x`; one for `x` at or below zero, NaN for NaN and
/// for no degrees of freedom.
#[must_use]
pub fn upper_tail(x: f64, degrees_of_freedom: u32) -> f64 {
    if x.is_nan() || degrees_of_freedom == 0 {
        return f64::NAN;
    }
    if x <= 0.0 {
        return 1.0;
    }
    let odd = degrees_of_freedom % 2;
    let half = 0.5 * x;
    let (mut tail, mut order) = if odd == 1 {
        (normal::two_sided_p(x.sqrt()), 0.5)
    } else {
        (libm::exp(-half), 1.0)
    };
    for _ in 0..(degrees_of_freedom - 1) / 2 {
        tail += libm::exp(order * libm::log(half) - half - libm::lgamma(order + 1.0));
        order += 1.0;
    }
    tail.min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use statrs::distribution::{ChiSquared, ContinuousCDF};

    #[test]
    fn tails_agree_with_another_implementation() {
        for degrees in [1_u32, 2, 3, 4, 7, 12, 41] {
            let other = ChiSquared::new(f64::from(degrees)).unwrap();
            for x in [1e-3, 0.5, 2.7, 10.0, 60.0] {
                let (got, expected) = (upper_tail(x, degrees), other.sf(x));
                assert!(
                    (got - expected).abs() < 1e-10,
                    "{degrees}, {x}: {got} is not {expected}"
                );
            }
        }
    }

    #[test]
    fn nothing_is_below_zero() {
        assert!((upper_tail(0.0, 3) - 1.0).abs() == 0.0);
        assert!(upper_tail(1.0, 0).is_nan());
    }
}
