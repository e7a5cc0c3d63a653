//! The noncentral F distribution, behind the power of a test of several coefficients.
//!
//! The chance is a mean of chances of beta variables over a Poisson number of further numerator
//! degrees of freedom, summed outwards from the likeliest number (Benton & Krishnamoorthy 2003,
//! <https://doi.org/10.1016/S0167-9473(02)00283-9>).

use crate::incomplete_beta::regularised;

/// Terms below this share of the whole are left out.
const LEAST: f64 = 1e-17;

/// The probability that a noncentral F variable exceeds `f`; NaN for arguments that are none.
#[must_use]
pub fn upper_tail(f: f64, numerator: f64, denominator: f64, noncentrality: f64) -> f64 {
    let positive = |value: f64| value.is_finite() && value > 0.0;
    let allowed = noncentrality.is_finite() && noncentrality >= 0.0 && f.is_finite();
    if !(positive(numerator) && positive(denominator) && allowed) {
        return f64::NAN;
    }
    if f <= 0.0 {
        return 1.0;
    }
    let x = denominator / (denominator + numerator * f);
    let half = 0.5 * noncentrality;
    let above = |further: f64| regularised(x, 0.5 * denominator, 0.5 * numerator + further);
    if half <= 0.0 {
        return above(0.0);
    }
    let likeliest = half.floor();
    let chance = libm::exp(likeliest * libm::log(half) - half - libm::lgamma(likeliest + 1.0));
    let mut whole = chance * above(likeliest);
    let (mut more, mut further) = (chance, likeliest);
    while more > LEAST {
        further += 1.0;
        more *= half / further;
        whole += more * above(further);
    }
    let (mut less, mut further) = (chance, likeliest);
    while further > 0.0 && less > LEAST {
        less *= further / half;
        further -= 1.0;
        whole += less * above(further);
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{fisher_f, noncentral_t};

    #[test]
    fn without_noncentrality_it_is_fishers() {
        for (f, u, v) in [(0.5, 1.0, 3.0), (2.7, 3.0, 120.0), (9.0, 7.0, 20.0)] {
            let (got, expected) = (upper_tail(f, u, v, 0.0), fisher_f::upper_tail(f, u, v));
            assert!((got - expected).abs() < 1e-13);
        }
    }

    #[test]
    fn one_numerator_degree_of_freedom_is_both_tails_of_noncentral_t() {
        for (t, v, shift) in [(2.0_f64, 10.0, 1.5), (1.0, 287.0, 3.0), (4.0, 40.0, 12.0)] {
            let got = upper_tail(t * t, 1.0, v, shift * shift);
            let tail = |shift| noncentral_t::upper_tail(t, v, shift);
            let expected = tail(shift) + tail(-shift);
            assert!((got - expected).abs() < 1e-11, "{t} {v}: {got} {expected}");
        }
        assert!(upper_tail(1.0, 2.0, 0.0, 1.0).is_nan());
    }
}
