//! Numbers for people: grouped digits, a true minus sign, and no more decimals than the
//! uncertainty supports.
//!
//! Groups of three digits are parted by a narrow no-break space, which reads the same in every
//! language and can never be taken for a decimal mark.

/// Narrow no-break space, between groups of three digits.
const GROUP: char = '\u{202f}';

/// The sign of a negative number; a hyphen is shorter and is lost in print.
const MINUS: char = '\u{2212}';

/// A whole count, such as `12 408`.
pub(crate) fn count(n: u64) -> String {
    grouped(&n.to_string())
}

/// A number with a fixed number of decimals, such as `−1 204.50`.
pub(crate) fn fixed(value: f64, decimals: usize) -> String {
    let text = format!("{:.*}", decimals, value.abs());
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let is_zero = text.bytes().all(|byte| matches!(byte, b'0' | b'.'));
    let mut out = String::new();
    if value < 0.0 && !is_zero {
        out.push(MINUS);
    }
    out.push_str(&grouped(whole));
    if !fraction.is_empty() {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

/// A number with as many decimals as it needs, `most` at most: `−5`, `7.75`.
pub(crate) fn shortest(value: f64, most: usize) -> String {
    let text = fixed(value, most);
    if !text.contains('.') {
        return text;
    }
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A number written as text in a document (`-1204.50`, `1e-7`, `not-a-number`), for people.
///
/// Plain decimals get grouped digits and a true minus; anything else is shown as it is.
pub(crate) fn written(text: &str) -> String {
    let (is_negative, digits) = text
        .strip_prefix('-')
        .map_or((false, text), |rest| (true, rest));
    let (whole, fraction) = digits
        .split_once('.')
        .map_or((digits, None), |(whole, rest)| (whole, Some(rest)));
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_digits(whole) || !fraction.is_none_or(is_digits) {
        return text.to_owned();
    }
    let mut out = String::new();
    if is_negative {
        out.push(MINUS);
    }
    out.push_str(&grouped(whole));
    if let Some(fraction) = fraction {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

/// An amount in minor units with all its decimals, such as `−1 204.50`.
pub(crate) fn amount(minor_units: i128, exponent: u32) -> String {
    let decimals = exponent as usize;
    let digits = format!(
        "{:0>width$}",
        minor_units.unsigned_abs().to_string(),
        width = decimals + 1
    );
    let (whole, fraction) = digits.split_at(digits.len() - decimals);
    let mut out = String::new();
    if minor_units < 0 {
        out.push(MINUS);
    }
    out.push_str(&grouped(whole));
    if decimals > 0 {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

/// A p-value: three decimals, and never a zero.
pub(crate) fn p_value(p: f64) -> String {
    if p < 0.001 {
        "< 0.001".to_owned()
    } else {
        fixed(p, 3)
    }
}

/// Decimals fine enough for an estimate whose interval has this width, from 0 to 6.
///
/// The last decimal is no coarser than a twentieth of the interval, about a fifth of a standard
/// error. More would print noise; fewer would hide on which side of a threshold the estimate lies.
pub(crate) fn decimals_for_width(width: f64) -> usize {
    if !width.is_finite() || width <= 0.0 {
        return 3;
    }
    let mut decimals = 0;
    let mut steps = width;
    while steps < 20.0 && decimals < 6 {
        steps *= 10.0;
        decimals += 1;
    }
    decimals
}

fn grouped(digits: &str) -> String {
    let mut out = String::with_capacity(digits.len() + digits.len() / 2);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            out.push(GROUP);
        }
        out.push(digit);
    }
    out
}

/// A text in which a number below zero stands after a minus sign, such as `−365 days to 0 days`.
pub(crate) fn with_minus(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    let mut before = ' ';
    let mut signs = text.chars().peekable();
    while let Some(sign) = signs.next() {
        let is_minus =
            sign == '-' && before.is_whitespace() && signs.peek().is_some_and(char::is_ascii_digit);
        written.push(if is_minus { MINUS } else { sign });
        before = sign;
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_grouped_by_three() {
        assert_eq!(count(7), "7");
        assert_eq!(count(512), "512");
        assert_eq!(count(1_200_000), "1\u{202f}200\u{202f}000");
    }

    #[test]
    fn a_negative_number_has_a_true_minus_and_zero_has_none() {
        assert_eq!(fixed(-6.04, 1), "\u{2212}6.0");
        assert_eq!(fixed(-0.04, 1), "0.0");
        assert_eq!(fixed(-1204.5, 2), "\u{2212}1\u{202f}204.50");
    }

    #[test]
    fn an_amount_has_the_decimals_of_its_currency() {
        assert_eq!(amount(120_000_050, 2), "1\u{202f}200\u{202f}000.50");
        assert_eq!(amount(-5, 2), "\u{2212}0.05");
        assert_eq!(amount(1_500, 0), "1\u{202f}500");
    }

    #[test]
    fn a_written_number_is_grouped_and_anything_else_left_alone() {
        assert_eq!(written("-1204567.5"), "\u{2212}1\u{202f}204\u{202f}567.5");
        assert_eq!(written("not-measurable"), "not-measurable");
        assert_eq!(written("1e-7"), "1e-7");
        assert_eq!(written("-"), "-");
    }

    #[test]
    fn decimals_follow_the_width_of_the_interval() {
        assert_eq!(decimals_for_width(4.1), 1);
        assert_eq!(decimals_for_width(12.5), 1);
        assert_eq!(decimals_for_width(0.41), 2);
        assert_eq!(decimals_for_width(41.0), 0);
        assert_eq!(decimals_for_width(0.0), 3);
    }

    #[test]
    fn trailing_zeros_go_and_those_of_a_whole_number_stay() {
        assert_eq!(shortest(-5.0, 4), "\u{2212}5");
        assert_eq!(shortest(7.75, 4), "7.75");
        assert_eq!(shortest(400.0, 0), "400");
    }

    #[test]
    fn a_small_p_value_is_never_printed_as_zero() {
        assert_eq!(p_value(0.000_000_4), "< 0.001");
        assert_eq!(p_value(0.0321), "0.032");
    }

    #[test]
    fn a_hyphen_before_a_number_is_a_minus_and_no_other_is() {
        assert_eq!(
            with_minus("-365 days to -5 days, well-known 2024-10-01"),
            "\u{2212}365 days to \u{2212}5 days, well-known 2024-10-01"
        );
    }
}
