//! Reading one cell: whole numbers and decimals, exactly or not at all.

/// Why a cell is no decimal of its column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DecimalFault {
    /// It is no number, or lies outside 64 bits.
    NoNumber,
    /// It has more decimals than the column keeps, and they are not zero.
    TooPrecise,
}

/// Digits that fit 64 bits whatever they are.
const SAFE_DIGITS: usize = 18;

/// The cell without surrounding blanks and tabs.
#[inline]
pub(crate) fn trimmed(mut cell: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = cell {
        cell = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = cell {
        cell = rest;
    }
    cell
}

/// Eight spaces as one number.
const SPACES: u64 = u64::from_le_bytes([b' '; 8]);

/// At most seven bytes as one number, the first lowest, without a loop or a call.
#[inline]
pub(crate) fn short_word(bytes: &[u8]) -> u64 {
    match *bytes {
        [] => 0,
        [a] => u64::from(a),
        [a, b] => u64::from_le_bytes([a, b, 0, 0, 0, 0, 0, 0]),
        [a, b, c] => u64::from_le_bytes([a, b, c, 0, 0, 0, 0, 0]),
        [a, b, c, d, ref rest @ ..] => {
            let first = u64::from(u32::from_le_bytes([a, b, c, d]));
            let rest = match *rest {
                [] => 0,
                [e] => u64::from(e),
                [e, f] => u64::from_le_bytes([e, f, 0, 0, 0, 0, 0, 0]),
                [e, f, g, ..] => u64::from_le_bytes([e, f, g, 0, 0, 0, 0, 0]),
            };
            first | rest << 32
        }
    }
}

/// Whether all bytes are printable ASCII, looking at eight at a time.
#[inline]
pub(crate) fn is_plain(bytes: &[u8]) -> bool {
    let (words, rest) = bytes.as_chunks::<8>();
    let odd = words
        .iter()
        .fold(0, |odd, word| odd | odd_bytes(u64::from_le_bytes(*word)));
    odd | odd_bytes(short_word(rest) | SPACES << (8 * rest.len())) == 0
}

/// Not zero if some of eight bytes lies below a space or above a tilde.
#[inline]
fn odd_bytes(word: u64) -> u64 {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    let (below, above) = (word.wrapping_sub(ONES * 0x20), word.wrapping_add(ONES));
    (below | word | above) & (ONES * 0x80)
}

/// A whole number with an optional sign; `None` if it is none or lies outside 64 bits.
#[inline]
pub(crate) fn integer(cell: &[u8]) -> Option<i64> {
    let (negative, digits) = sign(cell);
    if digits.is_empty() {
        return None;
    }
    accumulate(0, digits, negative)
}

/// A decimal with an optional sign as a whole number of its last decimal.
///
/// At least one digit stands before the mark; thousands are not separated.
#[inline]
pub(crate) fn decimal(cell: &[u8], mark: u8, decimals: u8) -> Result<i64, DecimalFault> {
    let (negative, digits) = sign(cell);
    let whole_end = digits
        .iter()
        .position(|&byte| byte == mark)
        .unwrap_or(digits.len());
    let (whole, fraction) = digits.split_at(whole_end);
    let fraction = match fraction {
        [] => fraction,
        [_, fraction @ ..] if !fraction.is_empty() => fraction,
        _ => return Err(DecimalFault::NoNumber),
    };
    if whole.is_empty() {
        return Err(DecimalFault::NoNumber);
    }
    let (kept, beyond) = fraction.split_at(fraction.len().min(usize::from(decimals)));
    if !beyond.iter().all(u8::is_ascii_digit) {
        return Err(DecimalFault::NoNumber);
    }
    let padding = &[b'0'; 9][..usize::from(decimals) - kept.len()];
    let value = accumulate(0, whole, negative)
        .and_then(|value| accumulate(value, kept, negative))
        .and_then(|value| accumulate(value, padding, negative))
        .ok_or(DecimalFault::NoNumber)?;
    if beyond.iter().any(|&byte| byte != b'0') {
        Err(DecimalFault::TooPrecise)
    } else {
        Ok(value)
    }
}

/// A number written as `-12.50` or `1.25e3`: its digits as a whole number, and how many of them
/// stand after the mark. `None` if it is none, or takes more than 38 digits.
pub(crate) fn literal(text: &[u8]) -> Option<(i128, u32)> {
    let (negative, digits) = sign(text);
    let (mantissa, exponent) = match digits.iter().position(|byte| matches!(byte, b'e' | b'E')) {
        Some(at) => (&digits[..at], integer(&digits[at + 1..])?),
        None => (digits, 0),
    };
    let mut mantissa = mantissa.splitn(2, |&byte| byte == b'.');
    let (whole, fraction) = (mantissa.next()?, mantissa.next());
    if whole.is_empty() || fraction.is_some_and(<[u8]>::is_empty) {
        return None;
    }
    let fraction = fraction.unwrap_or_default();
    let fraction = &fraction[..fraction
        .iter()
        .rposition(|&byte| byte != b'0')
        .map_or(0, |last| last + 1)];
    let mut value: i128 = 0;
    for byte in whole.iter().chain(fraction) {
        let digit = byte.is_ascii_digit().then(|| i128::from(byte - b'0'))?;
        value = value.checked_mul(10)?.checked_add(digit)?;
    }
    let value = if negative { -value } else { value };
    let scale = i64::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
    if value == 0 {
        return Some((0, 0));
    }
    match u32::try_from(scale) {
        Ok(scale) => Some((value, scale)),
        Err(_) => {
            let power = u32::try_from(scale.checked_neg()?).ok()?;
            Some((value.checked_mul(10_i128.checked_pow(power)?)?, 0))
        }
    }
}

/// The number digits / 10^scale as a whole number of its last of some decimals.
#[inline]
pub(crate) fn scaled(digits: i128, scale: u32, decimals: u8) -> Result<i64, DecimalFault> {
    let decimals = u32::from(decimals);
    let value = if scale <= decimals {
        10_i128
            .checked_pow(decimals - scale)
            .and_then(|unit| digits.checked_mul(unit))
            .ok_or(DecimalFault::NoNumber)?
    } else {
        let unit = 10_i128.checked_pow(scale - decimals);
        match unit {
            Some(unit) if digits % unit == 0 => digits / unit,
            _ if digits == 0 => 0,
            _ => return Err(DecimalFault::TooPrecise),
        }
    };
    i64::try_from(value).map_err(|_| DecimalFault::NoNumber)
}

/// The number digits / 10^scale as text.
pub(crate) fn decimal_text(digits: i128, scale: u32) -> String {
    let text = digits.unsigned_abs().to_string();
    let scale = scale as usize;
    let text = format!(
        "{}{text}",
        "0".repeat((scale + 1).saturating_sub(text.len()))
    );
    let (whole, fraction) = text.split_at(text.len() - scale);
    let (sign, mark) = (
        if digits < 0 { "-" } else { "" },
        if scale > 0 { "." } else { "" },
    );
    format!("{sign}{whole}{mark}{fraction}")
}

/// Most bytes of a number whose thousands are separated.
const GROUPED_BYTES: usize = 48;

/// A number without what separates its thousands, at the start of a buffer, and its length.
///
/// `separator` gives the length of a separator at the start of some bytes, 0 if there is none.
/// `None` if nothing is separated, or other than groups of three digits.
pub(crate) fn ungrouped(
    cell: &[u8],
    separator: impl Fn(&[u8]) -> usize,
) -> Option<([u8; GROUPED_BYTES], usize)> {
    let mut number = [0; GROUPED_BYTES];
    let (mut n_bytes, mut n_digits, mut n_groups) = (0, 0, 0);
    let mut rest = cell;
    while let [byte, after @ ..] = rest {
        let n_separator = separator(rest);
        if n_separator > 0 {
            let complete = if n_groups == 0 {
                (1..=3).contains(&n_digits)
            } else {
                n_digits == 3
            };
            if !complete {
                return None;
            }
            (n_groups, n_digits) = (n_groups + 1, 0);
            rest = &rest[n_separator..];
            continue;
        }
        if !byte.is_ascii_digit() && (n_bytes > 0 || n_groups > 0) && n_digits > 0 {
            break;
        }
        n_digits += usize::from(byte.is_ascii_digit());
        *number.get_mut(n_bytes)? = *byte;
        n_bytes += 1;
        rest = after;
    }
    if n_groups == 0 || n_digits != 3 {
        return None;
    }
    number
        .get_mut(n_bytes..n_bytes + rest.len())?
        .copy_from_slice(rest);
    Some((number, n_bytes + rest.len()))
}

#[inline]
fn sign(cell: &[u8]) -> (bool, &[u8]) {
    match cell {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    }
}

/// `value` followed by more digits, of the given sign.
#[inline]
fn accumulate(mut value: i64, digits: &[u8], negative: bool) -> Option<i64> {
    if value == 0 && digits.len() <= SAFE_DIGITS {
        for byte in digits {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                return None;
            }
            value = value * 10 + i64::from(digit);
        }
        return Some(if negative { -value } else { value });
    }
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        let digit = if negative {
            -i64::from(digit)
        } else {
            i64::from(digit)
        };
        value = value.checked_mul(10)?.checked_add(digit)?;
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn whole_numbers_are_read_to_the_ends_of_64_bits_and_no_further() {
        assert_eq!(integer(b"9223372036854775807"), Some(i64::MAX));
        assert_eq!(integer(b"-9223372036854775808"), Some(i64::MIN));
        assert_eq!(integer(b"+17"), Some(17));
        for cell in [
            "9223372036854775808",
            "-9223372036854775809",
            "",
            "-",
            "1 000",
            "1.0",
            "0x1f",
            "1e3",
            "--1",
        ] {
            assert_eq!(integer(cell.as_bytes()), None, "{cell}");
        }
        assert_eq!(integer(b"00000000000000000000000000007"), Some(7));
    }

    #[test]
    fn decimals_are_read_exactly_or_not_at_all() {
        assert_eq!(decimal(b"12,5", b',', 1), Ok(125));
        assert_eq!(decimal(b"-0,5", b',', 1), Ok(-5));
        assert_eq!(decimal(b"12", b',', 2), Ok(1200));
        assert_eq!(decimal(b"12,50000", b',', 1), Ok(125));
        assert_eq!(decimal(b"12,55", b',', 1), Err(DecimalFault::TooPrecise));
        for cell in [
            "12.5",
            "12,",
            ",5",
            "",
            "-",
            "1.234,5",
            "12,5x",
            "12,5,5",
            "999999999999999999,9",
        ] {
            assert_eq!(
                decimal(cell.as_bytes(), b',', 2),
                Err(DecimalFault::NoNumber),
                "{cell}"
            );
        }
        assert_eq!(decimal(b"92233720368547758,07", b',', 2), Ok(i64::MAX));
        assert_eq!(decimal(b"-92233720368547758,08", b',', 2), Ok(i64::MIN));
    }

    #[test]
    fn numbers_of_typed_files_are_read_exactly_or_not_at_all() {
        for (text, digits, scale) in [
            ("0", 0, 0),
            ("-0.0e5", 0, 0),
            ("12.50", 125, 1),
            ("-1.25e3", -1250, 0),
            ("1.25E-3", 125, 5),
            ("1e2", 100, 0),
            ("9007199254740993", 9_007_199_254_740_993, 0),
            ("1e-400", 1, 400),
        ] {
            assert_eq!(literal(text.as_bytes()), Some((digits, scale)), "{text}");
        }
        for text in [
            "", "-", ".5", "5.", "1e", "1e400", "NaN", "inf", "0x1", "1_0", "1 0",
        ] {
            assert_eq!(literal(text.as_bytes()), None, "{text}");
        }
        assert_eq!(literal("9".repeat(40).as_bytes()), None);
        assert_eq!(scaled(125, 1, 2), Ok(1250));
        assert_eq!(scaled(125, 2, 1), Err(DecimalFault::TooPrecise));
        assert_eq!(scaled(1, 400, 2), Err(DecimalFault::TooPrecise));
        assert_eq!(
            scaled(i128::from(i64::MAX), 0, 1),
            Err(DecimalFault::NoNumber)
        );
        assert_eq!(decimal_text(-5, 2), "-0.05");
        assert_eq!(decimal_text(1250, 2), "12.50");
        assert_eq!(decimal_text(7, 0), "7");
    }

    #[test]
    fn thousands_are_separated_by_threes_or_not_at_all() {
        let blank = |bytes: &[u8]| usize::from(bytes.starts_with(b" "));
        let read = |cell: &[u8]| {
            let (number, n_bytes) = ungrouped(cell, blank)?;
            decimal(&number[..n_bytes], b',', 2).ok()
        };
        assert_eq!(read(b"1 234 567"), Some(123_456_700));
        assert_eq!(read(b"-12 345,5"), Some(-1_234_550));
        for cell in [
            "1234",
            "12 34",
            "1 2345",
            "1  234",
            " 123",
            "123 ",
            "1234 567",
            "1,234 567",
            "1 234, 5",
            "- 123",
            "1 234 ",
            "1 23 456",
            "1 -234",
        ] {
            assert_eq!(read(cell.as_bytes()), None, "{cell}");
        }
        assert_eq!(read(&[b'1'; 60]), None);
    }

    #[test]
    fn blanks_around_a_cell_are_no_part_of_it() {
        assert_eq!(trimmed(b" \ta b\t "), b"a b");
        assert_eq!(trimmed(b"  "), b"");
    }

    proptest! {
        #[test]
        fn plain_text_is_printable_ascii(bytes in prop::collection::vec(prop_oneof![Just(0x1f), Just(0x7e), Just(0x7f), Just(0x80), Just(0xff), 0x20_u8..0x7f], 0..20)) {
            prop_assert_eq!(is_plain(&bytes), bytes.iter().all(|byte| matches!(byte, b' '..=b'~')));
        }

        #[test]
        fn what_is_written_is_what_is_read(value: i64, decimals in 0_u8..=9) {
            prop_assert_eq!(integer(value.to_string().as_bytes()), Some(value));
            let scale = 10_i128.pow(decimals.into());
            let (whole, fraction) = (i128::from(value).abs() / scale, i128::from(value).abs() % scale);
            let sign = if value < 0 { "-" } else { "" };
            let text = if decimals == 0 {
                format!("{sign}{whole}")
            } else {
                format!("{sign}{whole},{fraction:0width$}", width = usize::from(decimals))
            };
            prop_assert_eq!(decimal(text.as_bytes(), b',', decimals), Ok(value));
        }
    }
}
