//! How values are written in a file.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How a text file is written, and texts in a file of any format.
///
/// What every file has is written out: decimal mark and date format, in text files the encoding,
/// and in delimited ones delimiter and quote. None of them has a default. The rest is what some
/// files have besides.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Dialect {
    /// What separates two cells, such as `;`; in delimited text alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<Mark>,
    /// What surrounds a cell that holds a delimiter, such as `"`; empty if nothing does. In
    /// delimited text alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quote: Option<OptionalMark>,
    /// How characters are stored; in text files alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<Encoding>,
    /// What separates a number's decimals, such as `,`.
    pub decimal: Mark,
    /// How dates are written, such as `%Y%m%d`.
    pub date: DateFormat,
    /// What separates a number's thousands, if anything does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thousands: Option<Thousands>,
    /// Whether the first line names the columns.
    #[serde(default, skip_serializing_if = "Header::is_named")]
    pub header: Header,
    /// What begins a line that is no row, if anything does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<Mark>,
    /// Lines before the header, or the first row, that are none of either.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub skip_lines: u16,
    /// Lines at the end that are no rows, empty ones not counted.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub footer_lines: u16,
}

impl Dialect {
    /// Delimiter and quote of delimited text, whose contract has both.
    pub(crate) fn csv_marks(&self) -> (u8, Option<u8>) {
        let quote = self.quote.and_then(|quote| quote.0);
        let delimiter = self.delimiter.map_or(b',', Mark::byte);
        (delimiter, quote.map(Mark::byte))
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_zero(n_lines: &u16) -> bool {
    *n_lines == 0
}

/// Whether the columns of a text file have names in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Header {
    /// The first line names the columns.
    #[default]
    Named,
    /// There is no such line: the contract's columns are the file's, in order.
    None,
}

impl Header {
    fn is_named(&self) -> bool {
        *self == Self::Named
    }
}

/// What separates a number's thousands, in groups of three digits.
///
/// A blank stands for any blank: a space, a no-break space (U+00A0) or a narrow one (U+202F). An
/// apostrophe stands for a straight or a typographic one (U+2019).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub enum Thousands {
    /// Any blank.
    Blank,
    /// Any apostrophe.
    Apostrophe,
    /// Another mark, such as `.`, `,` or `_`.
    Mark(Mark),
}

impl TryFrom<String> for Thousands {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.as_str() {
            " " | "\u{a0}" | "\u{202f}" => Ok(Self::Blank),
            "'" | "\u{2019}" => Ok(Self::Apostrophe),
            "." | "," | "_" => Mark::try_from(text).map(Self::Mark),
            _ => Err(format!(
                "`{text}` separates no thousands, expected a blank, `'`, `.`, `,` or `_`"
            )),
        }
    }
}

impl From<Thousands> for String {
    fn from(thousands: Thousands) -> Self {
        match thousands {
            Thousands::Blank => " ".to_owned(),
            Thousands::Apostrophe => "'".to_owned(),
            Thousands::Mark(mark) => mark.into(),
        }
    }
}

/// How characters are stored as bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    /// UTF-8, with or without a byte order mark.
    #[serde(rename = "utf-8")]
    Utf8,
    /// Windows code page 1252, the usual one in Western European registers.
    #[serde(rename = "windows-1252")]
    Windows1252,
    /// ISO 8859-1, Latin 1.
    #[serde(rename = "iso-8859-1")]
    Iso88591,
    /// UTF-16 with a byte order mark that says which bytes come first.
    #[serde(rename = "utf-16")]
    Utf16,
    /// UTF-16, low bytes first, with or without a byte order mark.
    #[serde(rename = "utf-16le")]
    Utf16Le,
    /// UTF-16, high bytes first, with or without a byte order mark.
    #[serde(rename = "utf-16be")]
    Utf16Be,
}

impl Encoding {
    /// Whether characters are stored in units of two bytes.
    pub(crate) fn is_utf16(self) -> bool {
        matches!(self, Self::Utf16 | Self::Utf16Le | Self::Utf16Be)
    }

    /// The encoding in which a reader gives its cells: UTF-16 is read as UTF-8.
    pub(crate) fn of_cells(self) -> Self {
        if self.is_utf16() { Self::Utf8 } else { self }
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Utf8 => "utf-8",
            Self::Windows1252 => "windows-1252",
            Self::Iso88591 => "iso-8859-1",
            Self::Utf16 => "utf-16",
            Self::Utf16Le => "utf-16le",
            Self::Utf16Be => "utf-16be",
        })
    }
}

/// A single ASCII character that marks something, neither letter, digit nor line end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Mark(u8);

impl Mark {
    /// The mark as a byte.
    #[must_use]
    pub fn byte(self) -> u8 {
        self.0
    }
}

impl TryFrom<String> for Mark {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.as_bytes() {
            &[byte]
                if byte == b'\t' || (byte.is_ascii_graphic() && !byte.is_ascii_alphanumeric()) =>
            {
                Ok(Self(byte))
            }
            _ => Err(format!(
                "`{text}` is no mark, expected one character such as `;`, `,` or a tab"
            )),
        }
    }
}

impl From<Mark> for String {
    fn from(mark: Mark) -> Self {
        char::from(mark.0).to_string()
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == b'\t' {
            f.write_str("tab")
        } else {
            write!(f, "{}", char::from(self.0))
        }
    }
}

/// A [`Mark`] or nothing, written as an empty text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct OptionalMark(pub Option<Mark>);

impl TryFrom<String> for OptionalMark {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text.is_empty() {
            Ok(Self(None))
        } else {
            Mark::try_from(text).map(|mark| Self(Some(mark)))
        }
    }
}

impl From<OptionalMark> for String {
    fn from(mark: OptionalMark) -> Self {
        mark.0.map_or_else(Self::new, Self::from)
    }
}

/// How a date is written: `%Y`, `%m` and `%d` once each, with fixed characters between.
///
/// Without `%d` a date is the first of its month: `%Y%m` reads `202409` as 1 September 2024.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct DateFormat {
    /// Where the year, the month and the day begin.
    year: usize,
    month: usize,
    day: Option<usize>,
    /// The characters between, with their places.
    fixed: Vec<(usize, u8)>,
    width: usize,
}

impl DateFormat {
    /// Dates as `2024-01-31`.
    #[must_use]
    pub fn iso() -> Self {
        Self {
            year: 0,
            month: 5,
            day: Some(8),
            fixed: vec![(4, b'-'), (7, b'-')],
            width: 10,
        }
    }

    /// Days from 1970-01-01 to the date written in `cell`; `None` if it is no date of this form.
    #[must_use]
    pub fn parse(&self, cell: &[u8]) -> Option<i32> {
        if cell.len() != self.width || self.fixed.iter().any(|&(place, byte)| cell[place] != byte) {
            return None;
        }
        let year = two_digits(cell, self.year)? * 100 + two_digits(cell, self.year + 2)?;
        let month = two_digits(cell, self.month)?;
        let day = self.day.map_or(Some(1), |place| two_digits(cell, place))?;
        days_since_1970(year, month, day)
    }
}

#[inline]
fn two_digits(cell: &[u8], place: usize) -> Option<u32> {
    let (tens, ones) = (
        cell[place].wrapping_sub(b'0'),
        cell[place + 1].wrapping_sub(b'0'),
    );
    (tens <= 9 && ones <= 9).then(|| u32::from(tens) * 10 + u32::from(ones))
}

/// Days from 1970-01-01 to a date of the Gregorian calendar, years 1 to 9999.
///
/// Hinnant's algorithm, <https://howardhinnant.github.io/date_algorithms.html>.
pub(crate) fn days_since_1970(year: u32, month: u32, day: u32) -> Option<i32> {
    const LENGTHS: [u32; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let length = *LENGTHS.get(month.wrapping_sub(1) as usize)? + u32::from(leap && month == 2);
    if year == 0 || year > 9999 || day == 0 || day > length {
        return None;
    }
    let shifted_year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (shifted_year / 400, shifted_year % 400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    i32::try_from(era * 146_097 + day_of_era)
        .ok()
        .map(|days| days - 719_468)
}

impl TryFrom<String> for DateFormat {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let (mut year, mut month, mut day) = (None, None, None);
        let mut format = Self {
            year: 0,
            month: 0,
            day: None,
            fixed: Vec::new(),
            width: 0,
        };
        let mut bytes = text.bytes();
        while let Some(byte) = bytes.next() {
            let (part, width) = match byte {
                b'%' => match bytes.next() {
                    Some(b'Y') => (&mut year, 4),
                    Some(b'm') => (&mut month, 2),
                    Some(b'd') => (&mut day, 2),
                    _ => return Err(no_date_format(&text)),
                },
                byte if byte.is_ascii_graphic() || byte == b' ' => {
                    format.fixed.push((format.width, byte));
                    format.width += 1;
                    continue;
                }
                _ => return Err(no_date_format(&text)),
            };
            if part.replace(format.width).is_some() {
                return Err(no_date_format(&text));
            }
            format.width += width;
        }
        match (year, month) {
            (Some(year), Some(month)) => Ok(Self {
                year,
                month,
                day,
                ..format
            }),
            _ => Err(no_date_format(&text)),
        }
    }
}

fn no_date_format(text: &str) -> String {
    format!(
        "`{text}` is no date format, expected `%Y`, `%m` and, except for months, `%d` once each, such as `%Y%m%d` or `%Y-%m-%d`"
    )
}

impl fmt::Display for DateFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts: Vec<(usize, String)> = self
            .fixed
            .iter()
            .map(|&(place, byte)| (place, char::from(byte).to_string()))
            .collect();
        parts.extend([(self.year, "%Y".to_owned()), (self.month, "%m".to_owned())]);
        parts.extend(self.day.map(|place| (place, "%d".to_owned())));
        parts.sort();
        parts.iter().try_for_each(|(_, part)| f.write_str(part))
    }
}

impl From<DateFormat> for String {
    fn from(format: DateFormat) -> Self {
        format.to_string()
    }
}

#[cfg(test)]
mod tests {
    use chrono::{Datelike, NaiveDate};

    use super::*;

    #[test]
    fn days_agree_with_the_calendar_over_four_centuries() {
        let epoch = NaiveDate::from_ymd_opt(1970, 1, 1).unwrap();
        let mut date = NaiveDate::from_ymd_opt(1799, 12, 25).unwrap();
        while date.year() < 2201 {
            let days = days_since_1970(date.year() as u32, date.month(), date.day());
            assert_eq!(
                days.map(i64::from),
                Some((date - epoch).num_days()),
                "{date}"
            );
            date = date.succ_opt().unwrap();
        }
    }

    #[test]
    fn days_that_do_not_exist_are_refused() {
        for (year, month, day) in [
            (2023, 2, 29),
            (1900, 2, 29),
            (2024, 13, 1),
            (2024, 0, 1),
            (2024, 4, 31),
            (2024, 4, 0),
            (0, 1, 1),
        ] {
            assert_eq!(days_since_1970(year, month, day), None);
        }
        assert!(days_since_1970(2000, 2, 29).is_some());
    }

    #[test]
    fn a_date_is_read_as_its_format_says_and_no_other_way() {
        let format = |text: &str| DateFormat::try_from(text.to_owned()).unwrap();
        let day = days_since_1970(2024, 9, 1);
        assert_eq!(format("%Y%m%d").parse(b"20240901"), day);
        assert_eq!(format("%d/%m/%Y").parse(b"01/09/2024"), day);
        assert_eq!(format("%Y%m").parse(b"202409"), day);
        for cell in [
            "2024-09-01",
            "2024090",
            "202409011",
            "2024090a",
            "20240931",
            "20241301",
        ] {
            assert_eq!(format("%Y%m%d").parse(cell.as_bytes()), None, "{cell}");
        }
        assert_eq!(format("%d/%m/%Y").to_string(), "%d/%m/%Y");
    }

    #[test]
    fn a_format_without_a_year_is_refused() {
        for text in ["%m%d", "%Y%Y%m", "%Y-%j", "%Y%m%", "%y%m%d", ""] {
            assert!(DateFormat::try_from(text.to_owned()).is_err(), "{text}");
        }
    }
}
