//! Student's t distribution, for any degrees of freedom above zero.
//!
//! Tails keep their relative accuracy: 1e-13 up to some hundred degrees of freedom, 1e-12 at ten
//! thousand, 1e-9 at ten million. NaN, or degrees of freedom that are not above zero, give
//! NaN; infinite degrees of freedom are the normal distribution. Nothing panics.

use std::f64::consts::PI;

use crate::incomplete_beta::continued_fraction;
use crate::normal;

/// The probability of a value at most `t`.
#[must_use]
pub fn cdf(t: f64, degrees_of_freedom: f64) -> f64 {
    upper_tail(-t, degrees_of_freedom)
}

/// The probability of a value above `t`, accurate far into the tail.
#[must_use]
pub fn upper_tail(t: f64, degrees_of_freedom: f64) -> f64 {
    let half = 0.5 * two_sided_p(t, degrees_of_freedom);
    if t < 0.0 { 1.0 - half } else { half }
}

/// The probability of a value at least as far from zero as `t`.
#[must_use]
pub fn two_sided_p(t: f64, degrees_of_freedom: f64) -> f64 {
    let v = degrees_of_freedom;
    if t.is_nan() || v.is_nan() || v <= 0.0 {
        return f64::NAN;
    }
    if v.is_infinite() {
        return normal::two_sided_p(t);
    }
    if t.is_infinite() {
        return 0.0;
    }
    let a = 0.5 * v;
    let squared_over_v = t / v * t;
    if !squared_over_v.is_finite() {
        return 0.0;
    }
    // I_x(a, 1/2) with x = v / (v + t²).
    let x = 1.0 / (1.0 + squared_over_v);
    let one_less_x = squared_over_v / (1.0 + squared_over_v);
    // x^a (1-x)^(1/2) / B(a, 1/2)
    let front = libm::exp(-a * libm::log1p(squared_over_v)) * one_less_x.sqrt() * gamma_ratio(a)
        / PI.sqrt();
    if x < (a + 1.0) / (a + 2.5) {
        front / a * continued_fraction(x, a, 0.5)
    } else {
        1.0 - 2.0 * front * continued_fraction(one_less_x, 0.5, a)
    }
}

/// The value below which lies probability `p`; NaN unless `0 ≤ p ≤ 1`.
#[must_use]
pub fn quantile(p: f64, degrees_of_freedom: f64) -> f64 {
    let v = degrees_of_freedom;
    if !(0.0..=1.0).contains(&p) || v.is_nan() || v <= 0.0 {
        return f64::NAN;
    }
    if v.is_infinite() {
        return normal::quantile(p);
    }
    // Newton steps from the tail the value lies in, on the logarithm of both value and tail: there
    // the tail is concave and falls, so the steps close in from one side.
    let tail = p.min(1.0 - p);
    let size = if tail <= 0.0 {
        f64::INFINITY
    } else if tail >= 0.5 {
        0.0
    } else {
        tail_quantile(tail, v)
    };
    if p < 0.5 { -size } else { size }
}

fn tail_quantile(tail: f64, v: f64) -> f64 {
    let mut t = -normal::quantile(tail);
    for _ in 0..200 {
        let above = upper_tail(t, v);
        let step = libm::log(above / tail) * above / (t * density(t, v));
        let next = t * libm::exp(step.clamp(-30.0, 30.0));
        if !next.is_finite() || (next - t).abs() <= 4.0 * f64::EPSILON * t {
            return next;
        }
        t = next;
    }
    t
}

fn density(t: f64, v: f64) -> f64 {
    libm::exp(-0.5 * (v + 1.0) * libm::log1p(t / v * t)) * gamma_ratio(0.5 * v) / (v * PI).sqrt()
}

/// `Γ(a + 1/2) / Γ(a)`, without the cancellation of two large logarithms.
///
/// Raised to `a ≥ 20` by the recurrence of the gamma function, then its asymptotic series.
fn gamma_ratio(a: f64) -> f64 {
    let mut factor = 1.0;
    let mut a = a;
    while a < 20.0 {
        factor *= a / (a + 0.5);
        a += 1.0;
    }
    let r = 1.0 / (a * a);
    let series = -1.0 / 8.0
        + r * (1.0 / 192.0 + r * (-1.0 / 640.0 + r * (17.0 / 14_336.0 - r * 31.0 / 18_432.0)));
    factor * a.sqrt() * libm::exp(series / a)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(got: f64, expected: f64, tolerance: f64) {
        assert!(
            (got / expected - 1.0).abs() < tolerance,
            "{got:e} is not {expected:e}"
        );
    }

    #[test]
    fn one_and_two_degrees_of_freedom_have_closed_forms() {
        for t in [1e-8, 0.1, 1.0, 3.0, 50.0, 1e6, 1e12] {
            close(upper_tail(t, 1.0), libm::atan2(1.0, t) / PI, 1e-14);
            let root = (2.0 + t * t).sqrt();
            close(upper_tail(t, 2.0), 1.0 / (root * (root + t)), 1e-14);
        }
    }

    #[test]
    fn the_quantile_undoes_the_distribution() {
        for (v, tolerance) in [
            (0.3, 2e-14),
            (1.58, 2e-14),
            (5.0, 4e-14),
            (184.0, 4e-14),
            (1e4, 1e-12),
            (1e7, 1e-9),
        ] {
            for p in [
                1e-40, 1e-10, 0.001, 0.025, 0.3, 0.499, 0.500_1, 0.7, 0.975, 0.999,
            ] {
                close(cdf(quantile(p, v), v), p, tolerance);
            }
        }
    }

    #[test]
    fn values_from_forty_digit_arithmetic_are_reached() {
        close(two_sided_p(2.0, 368.0), 0.046_234_774_393_804_84, 1e-13);
        close(two_sided_p(30.0, 368.0), 6.834_973_583_234_532e-101, 1e-12);
        close(two_sided_p(0.5, 1e4), 0.617_086_079_323_233_4, 1e-13);
        close(two_sided_p(2.0, 1e6), 0.045_500_533_851_319_208, 1e-9);
        close(two_sided_p(30.0, 0.3), 0.251_958_739_103_215_9, 1e-14);
        close(quantile(0.975, 10.0), 2.228_138_851_986_275, 1e-15);
        close(quantile(0.975, 368.0), 1.966_431_267_062_808_8, 1e-14);
        assert!(quantile(0.5, 3.0).abs() == 0.0);
    }

    #[test]
    fn many_degrees_of_freedom_approach_the_normal() {
        for t in [0.1, 1.0, 2.0, 4.0] {
            close(two_sided_p(t, 1e9), normal::two_sided_p(t), 1e-6);
            assert_eq!(
                two_sided_p(t, f64::INFINITY).to_bits(),
                normal::two_sided_p(t).to_bits()
            );
        }
    }

    #[test]
    fn another_implementation_agrees() {
        use statrs::distribution::{ContinuousCDF, StudentsT};
        for v in [0.7, 1.5, 3.0, 12.0, 100.0, 1234.5] {
            let other = StudentsT::new(0.0, 1.0, v).unwrap();
            for t in [-6.0, -2.0, -0.5, 0.0, 0.2, 1.0, 3.0, 8.0] {
                assert!((cdf(t, v) - other.cdf(t)).abs() < 1e-11, "{t} {v}");
            }
        }
    }

    #[test]
    fn nonsense_gives_nan() {
        assert!(
            cdf(f64::NAN, 3.0).is_nan() && cdf(1.0, 0.0).is_nan() && cdf(1.0, f64::NAN).is_nan()
        );
        assert!(quantile(1.5, 3.0).is_nan() && quantile(0.5, -1.0).is_nan());
        assert!(cdf(f64::INFINITY, 3.0) >= 1.0 && quantile(0.0, 3.0) == f64::NEG_INFINITY);
    }
}
