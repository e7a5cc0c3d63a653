//! Floats as ECMAScript writes them.

/// The shortest text that reads back as `value`, laid out by ECMAScript's `Number::toString`.
///
/// `value` is finite. Negative zero is written `0`.
pub(super) fn text(value: f64) -> String {
    let scientific = shortest(value.abs());
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let digits = mantissa.replace('.', "");
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let sign = if value < 0.0 { "-" } else { "" };
    format!("{sign}{}", layout(&digits, exponent + 1))
}

/// The shortest digits that read back as `value`, as `d.ddde-7`.
///
/// Where two of that length are equally near, the standard library takes the larger; its exact
/// form takes the even one, as ECMAScript does.
fn shortest(value: f64) -> String {
    let text = format!("{value:e}");
    let n_decimals = text
        .find('e')
        .map_or(0, |mantissa| mantissa.saturating_sub(2));
    let even = format!("{value:.n_decimals$e}");
    if even.parse() == Ok(value) {
        even
    } else {
        text
    }
}

/// Lays out `0.digits × 10^point`.
fn layout(digits: &str, point: i32) -> String {
    let n_digits = digits.len();
    match usize::try_from(point) {
        Ok(whole @ 1..=21) if whole >= n_digits => {
            format!("{digits}{}", "0".repeat(whole - n_digits))
        }
        Ok(whole @ 1..=21) => format!("{}.{}", &digits[..whole], &digits[whole..]),
        _ if (-5..=0).contains(&point) => {
            format!("0.{}{digits}", "0".repeat(point.unsigned_abs() as usize))
        }
        _ => {
            let (first, rest) = digits.split_at(1);
            let mark = if rest.is_empty() { "" } else { "." };
            format!("{first}{mark}{rest}e{:+}", point - 1)
        }
    }
}

/// Whether a number is written in its canonical form.
pub(super) fn is_canonical(number: &str) -> bool {
    if number
        .bytes()
        .all(|byte| byte == b'-' || byte.is_ascii_digit())
    {
        return number != "-0"; // a whole number keeps its digits
    }
    number
        .parse()
        .is_ok_and(|value: f64| value.is_finite() && text(value) == number)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From RFC 8785, appendix B.
    #[test]
    fn floats_are_written_as_rfc_8785_lists_them() {
        let cases: &[(u64, &str)] = &[
            (0x0000_0000_0000_0000, "0"),
            (0x8000_0000_0000_0000, "0"),
            (0x0000_0000_0000_0001, "5e-324"),
            (0x8000_0000_0000_0001, "-5e-324"),
            (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
            (0x4340_0000_0000_0000, "9007199254740992"),
            (0x4430_0000_0000_0000, "295147905179352830000"),
            (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
            (0x44b5_2d02_c7e1_4af6, "1e+23"),
            (0x44b5_2d02_c7e1_4af7, "1.0000000000000001e+23"),
            (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
            (0x444b_1ae4_d6e2_ef4f, "999999999999999900000"),
            (0x444b_1ae4_d6e2_ef50, "1e+21"),
            (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
            (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
            (0x41b3_de43_5555_5553, "333333333.3333332"),
            (0x41b3_de43_5555_5557, "333333333.33333343"),
            (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
            (0x4314_3ff3_c1cb_0959, "1424953923781206.2"),
        ];
        for (bits, expected) in cases {
            assert_eq!(text(f64::from_bits(*bits)), *expected);
        }
    }

    #[test]
    fn every_text_reads_back_as_the_same_float() {
        let mut bits: u64 = 0x9e37_79b9_7f4a_7c15;
        for _ in 0..20_000 {
            bits = bits
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let value = f64::from_bits(bits);
            if value.is_finite() {
                let back: f64 = text(value).parse().unwrap();
                assert_eq!(back.to_bits(), value.to_bits());
                assert!(is_canonical(&text(value)));
            }
        }
    }

    #[test]
    fn another_way_to_write_a_number_is_not_canonical() {
        for number in ["1.0", "1.50", "1e3", "-0", "0.10", "1E-7", "1e-07", "1e400"] {
            assert!(!is_canonical(number), "{number}");
        }
        assert!(is_canonical("170141183460469231731687303715884105727"));
    }
}
