//! Fisher's F distribution.

use crate::incomplete_beta::regularised;

/// The probability that F with these degrees of freedom exceeds `f`; one at or below zero.
#[must_use]
pub fn upper_tail(f: f64, numerator: f64, denominator: f64) -> f64 {
    if f <= 0.0 {
        return 1.0;
    }
    let x = denominator / (denominator + numerator * f);
    regularised(x, 0.5 * denominator, 0.5 * numerator)
}

/// The value that is exceeded with a probability between 0 and 1, by halving on its logarithm; NaN for
/// any other.
#[must_use]
pub fn upper_quantile(probability: f64, numerator: f64, denominator: f64) -> f64 {
    if !(probability > 0.0 && probability < 1.0) {
        return f64::NAN;
    }
    let (mut low, mut high) = (-700.0_f64, 700.0);
    while high - low > 1e-15 * f64::max(1.0, low.abs()) {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            break;
        }
        if upper_tail(libm::exp(middle), numerator, denominator) > probability {
            low = middle;
        } else {
            high = middle;
        }
    }
    libm::exp(0.5 * (low + high))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_exceeded_with_its_probability() {
        for (u, v) in [(1.0, 3.0), (3.0, 120.0), (12.0, 5.0)] {
            for p in [0.9, 0.05, 1e-6] {
                let f = upper_quantile(p, u, v);
                assert!((upper_tail(f, u, v) / p - 1.0).abs() < 1e-10);
            }
        }
        assert!(upper_quantile(0.0, 1.0, 1.0).is_nan());
    }

    #[test]
    fn one_numerator_degree_of_freedom_is_students_t() {
        for (t, v) in [(0.5_f64, 3.0), (2.0, 10.0), (5.0, 287.0)] {
            let p = upper_tail(t * t, 1.0, v);
            assert!((p / crate::student_t::two_sided_p(t, v) - 1.0).abs() < 1e-11);
        }
    }
}
