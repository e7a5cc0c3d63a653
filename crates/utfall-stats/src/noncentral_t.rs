//! The noncentral t distribution, behind the power of a t-test.
//!
//! The chance is a mean of normal chances over the distribution of the estimated standard
//! deviation, on the scale of its logarithm: there the density falls so fast at both ends that
//! equal steps are accurate to rounding (Trefethen & Weideman 2014,
//! <https://doi.org/10.1137/130932132>).

use crate::normal;

/// Density below this share of its peak is left out, as a logarithm.
const LEAST: f64 = -46.0;

/// The probability that a noncentral t variable exceeds `t`; NaN for arguments that are none.
#[must_use]
pub fn upper_tail(t: f64, degrees_of_freedom: f64, noncentrality: f64) -> f64 {
    let v = degrees_of_freedom;
    if !(t.is_finite() && noncentrality.is_finite() && v.is_finite() && v > 0.0) {
        return f64::NAN;
    }
    let step = 1.0 / (16.0 * (1.0 + v.sqrt()) + t.abs() + noncentrality.abs());
    let log_density = |u: f64| v * (u - 0.5 * (libm::exp(2.0 * u) - 1.0));
    let (mut whole, mut above) = (0.0, 0.0);
    for direction in [1.0, -1.0] {
        let mut u = if direction > 0.0 { 0.0 } else { -step };
        while log_density(u) > LEAST {
            let density = libm::exp(log_density(u));
            whole += density;
            above += density * normal::upper_tail(t * libm::exp(u) - noncentrality);
            u += direction * step;
        }
    }
    above / whole
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::student_t;

    #[test]
    fn without_noncentrality_it_is_students() {
        for v in [1.0, 2.0, 3.5, 10.0, 198.0, 4000.0] {
            for t in [-3.0, -0.4, 0.0, 1.0, 2.5] {
                let (got, expected) = (upper_tail(t, v, 0.0), student_t::upper_tail(t, v));
                assert!(
                    (got - expected).abs() < 1e-12,
                    "{v}, {t}: {got}, {expected}"
                );
            }
        }
    }

    #[test]
    fn swapping_both_signs_swaps_the_tails() {
        let (one, other) = (upper_tail(1.2, 7.0, 0.8), upper_tail(-1.2, 7.0, -0.8));
        assert!((one + other - 1.0).abs() < 1e-13);
        assert!(upper_tail(1.0, 0.0, 1.0).is_nan());
    }
}
