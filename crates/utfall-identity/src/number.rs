//! The published forms of identity numbers and their check digits.

use chrono::NaiveDate;

use super::IdentityKind;

/// What a cell of the right shape looks like under one kind of identity number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sighting {
    /// Whether it is written with the kind's separators.
    pub(crate) separated: bool,
    /// Whether its date exists; true for kinds without one.
    pub(crate) dated: bool,
    /// Whether its check holds.
    pub(crate) checked: bool,
}

impl Sighting {
    /// Whether it is a number of the kind, as far as can be told.
    pub(crate) fn is_valid(self) -> bool {
        self.dated && self.checked
    }
}

/// Whether a cell is worth a closer look: most are not, by their length or last character alone.
#[inline]
pub(super) fn may_be_number(cell: &[u8]) -> bool {
    matches!(cell.len(), 9..=13)
        && cell[cell.len() - 1].is_ascii_alphanumeric()
        && (cell[0].is_ascii_digit() || cell.len() == 9 || cell.len() == 13)
}

/// What a cell, without surrounding blanks, looks like under one kind of identity number.
pub(crate) fn sight(kind: IdentityKind, cell: &[u8]) -> Option<Sighting> {
    match kind {
        IdentityKind::SwedishPersonalNumber => swedish(cell),
        IdentityKind::DanishCpr => danish(cell),
        IdentityKind::NorwegianBirthNumber => norwegian(cell),
        IdentityKind::FinnishPersonalIdentityCode => finnish(cell),
        IdentityKind::NhsNumber => nhs(cell),
        IdentityKind::NationalInsuranceNumber => national_insurance(cell),
        IdentityKind::UniquePupilNumber => unique_pupil_number(cell),
        IdentityKind::IcelandicKennitala => icelandic(cell),
    }
}

/// Chance that uniform random characters of a bare number's shape have a valid date, and that
/// their check then passes.
pub(super) fn chance(kind: IdentityKind) -> (f64, f64) {
    /// Valid DDMM of a year without its century, of 10,000; 29 February in every fourth year.
    const DAYS: f64 = 365.25 / 10_000.0;
    match kind {
        // Days count twice, once with 60 added; serial 000 is never used.
        IdentityKind::SwedishPersonalNumber => (2.0 * DAYS, 0.1),
        // One in eleven passes modulus 11, of the rest those of 1 January.
        IdentityKind::DanishCpr => (DAYS, 1.0 / 11.0 + 10.0 / 11.0 / 365.25),
        // Days count twice, once with 40 added; four remainders of the first check pass.
        IdentityKind::NorwegianBirthNumber => (2.0 * DAYS, 4.0 / 121.0),
        IdentityKind::FinnishPersonalIdentityCode => (DAYS, 1.0 / 31.0),
        IdentityKind::NhsNumber => (1.0, 1.0 / 11.0),
        // No check digit: 20 × 19 pairs of letters less 7, and 4 of 26 suffixes.
        IdentityKind::NationalInsuranceNumber => (1.0, 373.0 / 676.0 * 4.0 / 26.0),
        IdentityKind::UniquePupilNumber => (1.0, 1.0 / 23.0),
        // One of eleven, ten of which are digits; three of ten centuries.
        IdentityKind::IcelandicKennitala => (DAYS, 1.0 / 11.0 * 0.3),
    }
}

/// Splits digits from separators: the digits, at most 12, and whether the separator was there.
struct Parts {
    digits: [u8; 12],
    n_digits: usize,
    separated: bool,
}

/// The digits of a cell with at most one separator out of `separators`, `tail` places from the end.
fn parts(cell: &[u8], separators: &[u8], tail: usize) -> Option<Parts> {
    let mut parts = Parts {
        digits: [0; 12],
        n_digits: 0,
        separated: false,
    };
    for (i, &byte) in cell.iter().enumerate() {
        if byte.is_ascii_digit() {
            *parts.digits.get_mut(parts.n_digits)? = byte - b'0';
            parts.n_digits += 1;
        } else if separators.contains(&byte) && i + tail + 1 == cell.len() {
            parts.separated = true;
        } else {
            return None;
        }
    }
    Some(parts)
}

fn judge(separated: bool, dated: bool, checked: bool) -> Option<Sighting> {
    Some(Sighting {
        separated,
        dated,
        checked,
    })
}

/// YYMMDD-NNNC, YYYYMMDD-NNNC, `+` for those over a hundred; 60 added to the day of a
/// samordningsnummer; Luhn's check over the ten digits; serial 000 is never given.
/// Skatteverket, SKV 704.
fn swedish(cell: &[u8]) -> Option<Sighting> {
    let parts = parts(cell, b"-+", 4)?;
    let (century, ten) = match parts.n_digits {
        10 => (None, &parts.digits[..10]),
        12 => (Some(number(&parts.digits[..2])), &parts.digits[2..]),
        _ => return None,
    };
    let (year, month, day) = (number(&ten[..2]), number(&ten[2..4]), number(&ten[4..6]));
    let day = if day > 60 { day - 60 } else { day };
    let dated = match century {
        Some(century) => (18..=20).contains(&century) && is_date(century * 100 + year, month, day),
        None => is_date_of_some_century(year, month, day),
    };
    judge(parts.separated, dated, number(&ten[6..9]) != 0 && luhn(ten))
}

/// DDMMYY-NNNN. Modulus 11 with weights 4327654321; since October 2007 numbers without it are
/// given where a day's numbers are used up, which are those of 1 January, the day entered for
/// who does not know theirs. CPR-kontoret, *Personnumre uden kontrolciffer (modulus 11)*.
fn danish(cell: &[u8]) -> Option<Sighting> {
    let parts = parts(cell, b"-", 4)?;
    if parts.n_digits != 10 {
        return None;
    }
    let digits = &parts.digits[..10];
    let (day, month, year) = (
        number(&digits[..2]),
        number(&digits[2..4]),
        number(&digits[4..6]),
    );
    let dated = is_date_of_some_century(year, month, day);
    let used_up = (day, month) == (1, 1);
    let checked = weighted(digits, &[4, 3, 2, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11);
    judge(parts.separated, dated, checked || used_up)
}

/// DDMMYYNNNCC, 40 added to the day of a D-number; two checks modulus 11. Of numbers given from
/// 2032 on the first check may leave a remainder of 0, 1, 2 or 3; the second is as before.
/// Skatteetaten, *Fødselsnummer* and *Nye fødselsnummer fra 2032*.
fn norwegian(cell: &[u8]) -> Option<Sighting> {
    let parts = parts(cell, b" -", 5)?;
    if parts.n_digits != 11 {
        return None;
    }
    let digits = &parts.digits[..11];
    let (day, month, year) = (
        number(&digits[..2]),
        number(&digits[2..4]),
        number(&digits[4..6]),
    );
    let day = if day > 40 { day - 40 } else { day };
    let checked = weighted(&digits[..10], &[3, 7, 6, 1, 8, 9, 4, 5, 2, 1]) % 11 <= 3
        && weighted(digits, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11);
    judge(
        parts.separated,
        is_date_of_some_century(year, month, day),
        checked,
    )
}

/// DDMMYYCNNNQ, where C is the century's mark and Q the remainder by 31.
/// Digital and Population Data Services Agency of Finland, *Personal identity code*.
fn finnish(cell: &[u8]) -> Option<Sighting> {
    const CHECK: &[u8; 31] = b"0123456789ABCDEFHJKLMNPRSTUVWXY";
    let &[d1, d2, m1, m2, y1, y2, mark, n1, n2, n3, check] = cell else {
        return None;
    };
    let digits = [d1, d2, m1, m2, y1, y2, n1, n2, n3];
    let century = match mark {
        b'+' => 1800,
        b'-' | b'U'..=b'Y' => 1900,
        b'A'..=b'F' => 2000,
        _ => return None,
    };
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let digits = digits.map(|byte| byte - b'0');
    let value = number(&digits);
    let checked = CHECK[(value % 31) as usize] == check && value % 1000 >= 2;
    let (day, month, year) = (
        number(&digits[..2]),
        number(&digits[2..4]),
        number(&digits[4..6]),
    );
    judge(true, is_date(century + year, month, day), checked)
}

/// Ten digits, modulus 11, written 943 476 5919. NHS Data Dictionary, *NHS number*.
fn nhs(cell: &[u8]) -> Option<Sighting> {
    let mut digits = [0; 10];
    let separated = match (cell.len(), cell) {
        (10, _) => false,
        (12, [_, _, _, b' ' | b'-', _, _, _, b' ' | b'-', ..]) => true,
        _ => return None,
    };
    let mut written = cell
        .iter()
        .enumerate()
        .filter(|(i, _)| !separated || (*i != 3 && *i != 7));
    for digit in &mut digits {
        match written.next() {
            Some((_, byte)) if byte.is_ascii_digit() => *digit = byte - b'0',
            _ => return None,
        }
    }
    let checked = weighted(&digits, &[10, 9, 8, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11);
    judge(separated, true, checked && digits != [0; 10])
}

/// Two letters, six digits, a letter from A to D, written AB 12 34 56 C. No check digit.
/// HM Revenue & Customs, *National Insurance Manual*, NIM39110.
fn national_insurance(cell: &[u8]) -> Option<Sighting> {
    let mut bytes = [0; 9];
    let separated = match (cell.len(), cell) {
        (9, _) => false,
        (13, [_, _, b' ', _, _, b' ', _, _, b' ', _, _, b' ', _]) => true,
        _ => return None,
    };
    let mut written = cell.iter().filter(|&&byte| byte != b' ');
    for byte in &mut bytes {
        match written.next() {
            Some(next) => *byte = next.to_ascii_uppercase(),
            None => return None,
        }
    }
    let [first, second, digits @ .., suffix] = bytes;
    let letters =
        first.is_ascii_uppercase() && second.is_ascii_uppercase() && suffix.is_ascii_uppercase();
    if !letters || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let never = [*b"BG", *b"GB", *b"KN", *b"NK", *b"NT", *b"TN", *b"ZZ"];
    let permitted = !b"DFIQUV".contains(&first)
        && !b"DFIOQUV".contains(&second)
        && !never.contains(&[first, second])
        && suffix <= b'D';
    judge(separated, true, permitted)
}

/// A letter and twelve digits; the letter is the remainder by 23 of the digits weighted 2 to 13.
/// Department for Education, *Unique pupil numbers: guide for schools and local authorities*.
fn unique_pupil_number(cell: &[u8]) -> Option<Sighting> {
    const CHECK: &[u8; 23] = b"ABCDEFGHJKLMNPQRTUVWXYZ";
    let [check, digits @ ..] = cell else {
        return None;
    };
    let shaped = digits.len() == 12 && check.is_ascii_uppercase();
    if !shaped || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let sum: u32 = digits
        .iter()
        .zip(2..)
        .map(|(&digit, weight)| u32::from(digit - b'0') * weight)
        .sum();
    judge(false, true, CHECK[(sum % 23) as usize] == *check)
}

/// DDMMYY-NNCM: a check modulus 11 over the first eight digits, then the century's mark: 8, 9 or 0.
/// Þjóðskrá, *Kennitala*.
fn icelandic(cell: &[u8]) -> Option<Sighting> {
    let parts = parts(cell, b"-", 4)?;
    if parts.n_digits != 10 {
        return None;
    }
    let digits = &parts.digits[..10];
    let (day, month, year) = (
        number(&digits[..2]),
        number(&digits[2..4]),
        number(&digits[4..6]),
    );
    let century = match digits[9] {
        8 => 1800,
        9 => 1900,
        _ => 2000,
    };
    let checked = weighted(&digits[..9], &[3, 2, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11)
        && matches!(digits[9], 0 | 8 | 9);
    judge(
        parts.separated,
        is_date(century + year, month, day),
        checked,
    )
}

fn number(digits: &[u8]) -> u32 {
    digits
        .iter()
        .fold(0, |value, &digit| value * 10 + u32::from(digit))
}

fn weighted(digits: &[u8], weights: &[u32]) -> u32 {
    digits
        .iter()
        .zip(weights)
        .map(|(&digit, weight)| u32::from(digit) * weight)
        .sum()
}

/// Luhn's check: every second digit from the right doubled, digits of the products added.
fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(i, &digit)| {
            let value = u32::from(digit) * if i % 2 == 0 { 1 } else { 2 };
            if value > 9 { value - 9 } else { value }
        })
        .sum();
    sum.is_multiple_of(10)
}

fn is_date(year: u32, month: u32, day: u32) -> bool {
    i32::try_from(year).is_ok_and(|year| NaiveDate::from_ymd_opt(year, month, day).is_some())
}

/// Whether a date exists in a year of these last two digits; 2000 was a leap year.
fn is_date_of_some_century(year: u32, month: u32, day: u32) -> bool {
    is_date(2000 + year, month, day)
}
