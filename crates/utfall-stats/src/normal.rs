//! The standard normal distribution.
//!
//! Tails keep their relative accuracy. NaN in gives NaN out; nothing panics.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

/// The density at `x`.
#[must_use]
pub fn density(x: f64) -> f64 {
    libm::exp(-0.5 * x * x) / (2.0 * PI).sqrt()
}

/// The probability of a value at most `x`.
#[must_use]
pub fn cdf(x: f64) -> f64 {
    0.5 * libm::erfc(-x * FRAC_1_SQRT_2)
}

/// The probability of a value above `x`, accurate far into the tail.
#[must_use]
pub fn upper_tail(x: f64) -> f64 {
    0.5 * libm::erfc(x * FRAC_1_SQRT_2)
}

/// The probability of a value at least as far from zero as `z`.
#[must_use]
pub fn two_sided_p(z: f64) -> f64 {
    libm::erfc(z.abs() * FRAC_1_SQRT_2)
}

/// The value below which lies probability `p`; NaN unless `0 ≤ p ≤ 1`.
///
/// # Reference
///
/// Wichura (1988), algorithm AS 241 (PPND16), *Applied Statistics* 37(3),
/// <https://doi.org/10.2307/2347330>.
#[must_use]
pub fn quantile(p: f64) -> f64 {
    if !(0.0..=1.0).contains(&p) {
        return f64::NAN;
    }
    let from_middle = p - 0.5;
    if from_middle.abs() <= 0.425 {
        let r = 0.180_625 - from_middle * from_middle;
        return from_middle * ratio(&MIDDLE, r);
    }
    let tail = if from_middle < 0.0 { p } else { 1.0 - p };
    let size = tail_quantile(tail);
    if from_middle < 0.0 { -size } else { size }
}

/// The positive value above which lies probability `tail < 0.075`.
fn tail_quantile(tail: f64) -> f64 {
    if tail <= 0.0 {
        return f64::INFINITY;
    }
    let r = (-libm::log(tail)).sqrt();
    if r <= 5.0 {
        ratio(&NEAR_TAIL, r - 1.6)
    } else {
        ratio(&FAR_TAIL, r - 5.0)
    }
}

/// Numerator and denominator of a rational function, lowest power first.
type Rational = ([f64; 8], [f64; 8]);

fn ratio((above, below): &Rational, r: f64) -> f64 {
    let horner = |terms: &[f64; 8]| terms.iter().rev().fold(0.0, |total, term| total * r + term);
    horner(above) / horner(below)
}

#[rustfmt::skip]
#[expect(clippy::excessive_precision, reason = "as printed in the paper")]
const MIDDLE: Rational = (
    [
        3.387_132_872_796_366_608, 133.141_667_891_784_377_45, 1_971.590_950_306_551_442_7,
        13_731.693_765_509_461_125, 45_921.953_931_549_871_457, 67_265.770_927_008_700_853,
        33_430.575_583_588_128_105, 2_509.080_928_730_122_672_7,
    ],
    [
        1.0, 42.313_330_701_600_911_252, 687.187_007_492_057_908_3,
        5_394.196_021_424_751_107_7, 21_213.794_301_586_595_867, 39_307.895_800_092_710_61,
        28_729.085_735_721_942_674, 5_226.495_278_852_854_561,
    ],
);

#[rustfmt::skip]
#[expect(clippy::excessive_precision, reason = "as printed in the paper")]
const NEAR_TAIL: Rational = (
    [
        1.423_437_110_749_683_577_34, 4.630_337_846_156_545_295_9, 5.769_497_221_460_691_405_5,
        3.647_848_324_763_204_605_04, 1.270_458_252_452_368_382_58, 0.241_780_725_177_450_611_77,
        0.022_723_844_989_269_184_583_3, 7.745_450_142_783_414_076_4e-4,
    ],
    [
        1.0, 2.053_191_626_637_758_821_87, 1.676_384_830_183_803_849_4,
        0.689_767_334_985_100_004_55, 0.148_103_976_427_480_074_59, 0.015_198_666_563_616_457_196_6,
        5.475_938_084_995_344_946e-4, 1.050_750_071_644_416_843_24e-9,
    ],
);

#[rustfmt::skip]
#[expect(clippy::excessive_precision, reason = "as printed in the paper")]
const FAR_TAIL: Rational = (
    [
        6.657_904_643_501_103_777_2, 5.463_784_911_164_114_369_9, 1.784_826_539_917_291_335_8,
        0.296_560_571_828_504_891_23, 0.026_532_189_526_576_123_093, 1.242_660_947_388_078_438_6e-3,
        2.711_555_568_743_487_578_15e-5, 2.010_334_399_292_288_132_65e-7,
    ],
    [
        1.0, 0.599_832_206_555_887_937_69, 0.136_929_880_922_735_805_31,
        0.014_875_361_290_850_614_852_5, 7.868_691_311_456_132_591e-4, 1.846_318_317_510_054_681_8e-5,
        1.421_511_758_316_445_888_7e-7, 2.044_263_103_389_939_785_64e-15,
    ],
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quantile_undoes_the_distribution() {
        for i in 1..400 {
            let p = f64::from(i) / 400.0;
            assert!((cdf(quantile(p)) - p).abs() < 2e-16 + 1e-15 * p, "{p}");
        }
        for exponent in 3..300 {
            let tail = libm::pow(10.0, -f64::from(exponent));
            let back = upper_tail(-quantile(tail));
            assert!((back / tail - 1.0).abs() < 1e-12, "1e-{exponent} {back}");
        }
    }

    #[test]
    fn known_values_are_reached() {
        assert!((quantile(0.975) - 1.959_963_984_540_054).abs() < 1e-15);
        assert!((two_sided_p(1.959_963_984_540_054) - 0.05).abs() < 1e-16);
        assert!((upper_tail(10.0) / 7.619_853_024_160_526e-24 - 1.0).abs() < 1e-14);
    }

    #[test]
    fn nonsense_gives_nan() {
        for p in [f64::NAN, -0.1, 1.1] {
            assert!(quantile(p).is_nan());
        }
        assert!(cdf(f64::NAN).is_nan() && two_sided_p(f64::NAN).is_nan());
        assert!(quantile(0.0) == f64::NEG_INFINITY && quantile(1.0) == f64::INFINITY);
    }
}
