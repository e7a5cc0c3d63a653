//! How a day and time of day are written.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::dialect::days_since_1970;

/// How a day and time of day are written: `%Y`, `%m`, `%d`, `%H` and `%M` once each, `%S` at most
/// once, with fixed characters between.
///
/// Times are those of the clock on the wall; no time zone is read or assumed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct MomentFormat(Vec<Part>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// A number: which, and its digits.
    Number(Field, usize),
    Fixed(u8),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
}

const FIELDS: [(u8, Field, usize); 6] = [
    (b'Y', Field::Year, 4),
    (b'm', Field::Month, 2),
    (b'd', Field::Day, 2),
    (b'H', Field::Hour, 2),
    (b'M', Field::Minute, 2),
    (b'S', Field::Second, 2),
];

impl MomentFormat {
    /// Moments as `2024-01-31T23:59:59`, the canonical form.
    #[must_use]
    pub fn iso() -> Self {
        Self::try_from("%Y-%m-%dT%H:%M:%S".to_owned()).expect("the form has every part once")
    }

    /// Seconds from 1970-01-01T00:00:00 to the moment written in `cell`; `None` if it is none of
    /// this form.
    #[must_use]
    pub fn parse(&self, cell: &[u8]) -> Option<i64> {
        let mut values = [0_u32; FIELDS.len()];
        let mut rest = cell;
        for part in &self.0 {
            match *part {
                Part::Fixed(byte) => {
                    let (first, after) = rest.split_first()?;
                    if *first != byte {
                        return None;
                    }
                    rest = after;
                }
                Part::Number(field, width) => {
                    let (digits, after) = rest.split_at_checked(width)?;
                    values[field as usize] = number(digits)?;
                    rest = after;
                }
            }
        }
        let [year, month, day, hour, minute, second] = values;
        if !rest.is_empty() || hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let days = i64::from(days_since_1970(year, month, day)?);
        Some(days * 86_400 + i64::from(hour * 3600 + minute * 60 + second))
    }
}

fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |number, digit| {
        let digit = digit.wrapping_sub(b'0');
        (digit <= 9).then(|| number * 10 + u32::from(digit))
    })
}

impl TryFrom<String> for MomentFormat {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let wrong = || {
            format!(
                "`{text}` is no form of day and time, expected `%Y`, `%m`, `%d`, `%H` and `%M` once each and perhaps `%S`, such as `%Y-%m-%d %H:%M`"
            )
        };
        let mut parts = Vec::new();
        let mut bytes = text.bytes();
        while let Some(byte) = bytes.next() {
            let part = match byte {
                b'%' => {
                    let letter = bytes.next().ok_or_else(wrong)?;
                    let (_, field, width) = FIELDS
                        .into_iter()
                        .find(|(name, ..)| *name == letter)
                        .ok_or_else(wrong)?;
                    Part::Number(field, width)
                }
                byte if byte.is_ascii_graphic() || byte == b' ' => Part::Fixed(byte),
                _ => return Err(wrong()),
            };
            if matches!(part, Part::Number(..)) && parts.contains(&part) {
                return Err(wrong());
            }
            parts.push(part);
        }
        let is_given = |field: Field| {
            parts
                .iter()
                .any(|part| matches!(part, Part::Number(given, _) if *given == field))
        };
        if FIELDS[..5].iter().all(|(_, field, _)| is_given(*field)) {
            Ok(Self(parts))
        } else {
            Err(wrong())
        }
    }
}

impl fmt::Display for MomentFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|part| match *part {
            Part::Fixed(byte) => write!(f, "{}", char::from(byte)),
            Part::Number(field, _) => {
                let (letter, ..) = FIELDS[field as usize];
                write!(f, "%{}", char::from(letter))
            }
        })
    }
}

impl From<MomentFormat> for String {
    fn from(format: MomentFormat) -> Self {
        format.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_seconds_of_the_clock_on_the_wall() {
        let format = MomentFormat::try_from("%d/%m/%Y %H:%M".to_owned()).unwrap();
        assert_eq!(format.parse(b"01/01/1970 00:01"), Some(60));
        assert_eq!(format.parse(b"31/12/1969 23:59"), Some(-60));
        assert_eq!(format.to_string(), "%d/%m/%Y %H:%M");
        for wrong in [
            "01/01/1970",
            "01/01/1970 24:00",
            "30/02/2024 10:00",
            "01/01/1970 00:01 ",
            "",
        ] {
            assert_eq!(format.parse(wrong.as_bytes()), None, "{wrong}");
        }
        assert_eq!(
            MomentFormat::iso().parse(b"2024-09-01T12:00:01"),
            Some(1_725_192_001)
        );
    }

    #[test]
    fn a_form_without_its_parts_is_refused() {
        for wrong in [
            "%Y-%m-%d",
            "%Y%m%d%H%M%M",
            "%Y%m%d%H%q",
            "%",
            "%Y\n%m%d%H%M",
        ] {
            assert!(MomentFormat::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
    }
}
