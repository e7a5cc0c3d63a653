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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_numerator_degree_of_freedom_is_students_t() {
        for (t, v) in [(0.5_f64, 3.0), (2.0, 10.0), (5.0, 287.0)] {
            let p = upper_tail(t * t, 1.0, v);
            assert!((p / crate::student_t::two_sided_p(t, v) - 1.0).abs() < 1e-11);
        }
    }
}
