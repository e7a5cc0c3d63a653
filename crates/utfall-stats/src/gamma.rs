//! The regularised incomplete gamma function, its inverse, and χ² with any degrees of freedom.
//!
//! DLMF 8.7.1 and 8.9.2, <https://dlmf.nist.gov/8.9>.

/// `Q(a, x)`, the upper tail; NaN unless `a > 0` and `x ≥ 0`.
#[must_use]
pub fn upper(a: f64, x: f64) -> f64 {
    if a.is_nan() || x.is_nan() || a <= 0.0 || x < 0.0 {
        return f64::NAN;
    }
    if x <= 0.0 {
        return 1.0;
    }
    let front = libm::exp(a * libm::log(x) - x - libm::lgamma(a));
    if x < a + 1.0 {
        1.0 - front * series(a, x)
    } else {
        front * fraction(a, x)
    }
}

/// The `x` with `Q(a, x) = q`, by bisection to the last bit.
#[must_use]
pub fn upper_quantile(a: f64, q: f64) -> f64 {
    if !(0.0..=1.0).contains(&q) {
        return f64::NAN;
    }
    let (mut low, mut high) = (0.0, a + 1.0);
    while upper(a, high) > q && high < 1e300 {
        high *= 2.0;
    }
    for _ in 0..1100 {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            break;
        }
        if upper(a, middle) > q {
            low = middle;
        } else {
            high = middle;
        }
    }
    0.5 * (low + high)
}

fn series(a: f64, x: f64) -> f64 {
    let (mut term, mut sum, mut n) = (1.0 / a, 1.0 / a, a);
    for _ in 0..100_000 {
        n += 1.0;
        term *= x / n;
        sum += term;
        if term < sum * 1e-17 {
            break;
        }
    }
    sum
}

fn fraction(a: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let mut b = x + 1.0 - a;
    let mut c = 1.0 / TINY;
    let mut d = 1.0 / b;
    let mut h = d;
    for i in 1..100_000 {
        let i = f64::from(i);
        let an = -i * (i - a);
        b += 2.0;
        d = an * d + b;
        d = 1.0 / if d.abs() < TINY { TINY } else { d };
        c = b + an / c;
        c = if c.abs() < TINY { TINY } else { c };
        let step = d * c;
        h *= step;
        if (step - 1.0).abs() < 1e-16 {
            break;
        }
    }
    h
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_degrees_of_freedom_agree_with_the_closed_form() {
        for (x, v) in [(1.0, 1_u32), (7.5, 4), (40.0, 9)] {
            let tail = upper(0.5 * f64::from(v), 0.5 * x);
            assert!((tail / crate::chi_squared::upper_tail(x, v) - 1.0).abs() < 1e-11);
        }
    }

    #[test]
    fn the_quantile_inverts() {
        let x = upper_quantile(20.0, 0.025);
        assert!((upper(20.0, x) - 0.025).abs() < 1e-14);
    }
}
