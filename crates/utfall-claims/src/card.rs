//! Rate cards: what one claim of each kind is worth, and what bounds it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;

use chrono::NaiveDate;
use serde::Deserialize;
use toml::Spanned;
use utfall_core::Period;
use utfall_payment::{Currency, Money};

use crate::clock::HolidayRule;
use crate::place::line_and_column;

/// The version of the language that this crate reads.
const SCHEMA: &str = "utfall.rate-card/1";

/// Largest price of one unit, in minor units: no claim comes near, and sums stay within 128 bits.
const MOST_MINOR_UNITS: i128 = 1_000_000_000_000_000;

/// A rate card that was read and checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateCard {
    /// Short name, under which a store keeps its claims.
    pub name: String,
    /// Name for people.
    pub title: String,
    /// Currency of every amount.
    pub currency: Currency,
    /// Days on which a milestone may be reached.
    pub period: Period,
    /// Whether a claim counts only once someone other than its author has verified it.
    pub verified: bool,
    /// Days after the milestone within which a claim must be submitted, if there is a limit.
    pub submit_within_days: Option<u32>,
    /// Days that a sustainment clock may pass over.
    pub holidays: Holidays,
    /// What can be claimed, in the order of the card.
    pub lines: Vec<Line>,
    /// What bounds the amounts, in the order of the card.
    pub caps: Vec<Cap>,
}

/// One priced milestone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Short name, which claims state.
    pub id: String,
    /// Name for people.
    pub title: String,
    /// Prices of one unit in minor units, each from a day on, in order of days.
    prices: Vec<(NaiveDate, i128)>,
    /// How often it pays for one person.
    pub repeats: Repeats,
    /// Most units one claim may state.
    pub most_per_claim: u32,
    /// Place in the card of the line that the person must have been paid for, or would have been but for a
    /// cap, on the same day or before.
    pub after: Option<usize>,
    /// What must have lasted.
    pub sustained: Option<Sustained>,
}

/// How often a line pays for one person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeats {
    /// The first achievement alone.
    First,
    /// The first achievements, up to a number.
    AtMost(u32),
    /// Each.
    Every,
}

/// A state that must have lasted before the milestone is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sustained {
    /// The state, such as `tenancy`, as spells name it.
    pub state: String,
    /// Days that must have been counted.
    pub days: u32,
    /// Longest interruption, in days, that stops the clock without setting it back to zero.
    pub gap_days: u32,
    /// What holidays do to the clock.
    pub holidays: HolidayRule,
}

/// The days of a card's holidays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holidays(BTreeSet<NaiveDate>);

/// A bound on what a group of lines pays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cap {
    /// Name, which outcomes state.
    pub id: String,
    /// Whose payments it bounds.
    pub per: CapPer,
    /// Most that is paid, in minor units.
    pub minor_units: i128,
    /// Places of the lines it bounds.
    pub lines: BTreeSet<usize>,
    /// Days of achievement it bounds; all if absent.
    pub period: Option<Period>,
}

/// Whose payments a cap bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CapPer {
    /// Those for each person.
    Person,
    /// Those for all persons together.
    Contract,
}

/// Everything wrong with a rate card, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardErrors(pub Vec<CardProblem>);

/// One thing wrong with a rate card, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {what}")]
pub struct CardProblem {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What was found, and what was expected.
    pub what: String,
}

impl std::error::Error for CardErrors {}

impl fmt::Display for CardErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl RateCard {
    /// Reads a rate card, and reports everything wrong with it at once.
    ///
    /// # Errors
    ///
    /// [`CardErrors`], each with line and column: text that is no TOML, unknown keys, dates out of order,
    /// amounts that are none, negative or absurd, names given twice or not at all.
    pub fn from_toml(text: &str) -> Result<Self, CardErrors> {
        let raw: RawCard = toml::from_str(text).map_err(|error| {
            let (line, column) = line_and_column(text, error.span().map_or(0, |span| span.start));
            CardErrors(vec![CardProblem {
                line,
                column,
                what: error.message().to_owned(),
            }])
        })?;
        let mut reader = Reader {
            text,
            problems: Vec::new(),
        };
        let card = reader.card(raw);
        reader
            .problems
            .sort_by_key(|problem| (problem.line, problem.column));
        match card {
            Some(card) if reader.problems.is_empty() => Ok(card),
            _ => Err(CardErrors(reader.problems)),
        }
    }

    /// The place of a line in the card.
    #[must_use]
    pub fn position(&self, line: &str) -> Option<usize> {
        self.lines.iter().position(|known| known.id == line)
    }

    /// An amount in the card's currency.
    #[must_use]
    pub fn money(&self, minor_units: i128) -> Money {
        Money::new(minor_units, self.currency)
    }
}

impl Line {
    /// Price of one unit, in minor units, of a milestone reached on a day; none before its first price.
    #[must_use]
    pub fn price(&self, day: NaiveDate) -> Option<i128> {
        let known = self.prices.iter().rev().find(|(from, _)| *from <= day);
        known.map(|(_, price)| *price)
    }
}

impl Holidays {
    /// Whether a day is a holiday.
    #[must_use]
    pub fn contains(&self, day: NaiveDate) -> bool {
        self.0.contains(&day)
    }

    /// Holidays on these days.
    pub fn of(days: impl IntoIterator<Item = NaiveDate>) -> Self {
        Self(days.into_iter().collect())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RawCard {
    schema: Spanned<String>,
    name: Spanned<String>,
    title: String,
    currency: Spanned<String>,
    period: RawPeriod,
    verified: bool,
    submit_within_days: Option<u32>,
    #[serde(default)]
    holiday: Vec<RawPeriod>,
    #[serde(default)]
    line: Vec<RawLine>,
    #[serde(default)]
    cap: Vec<RawCap>,
}

/// First day, and first day after.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPeriod {
    start: Spanned<String>,
    end: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RawLine {
    id: Spanned<String>,
    title: String,
    price: Option<Spanned<String>>,
    #[serde(default)]
    price_from: Vec<RawPrice>,
    repeats: Spanned<RawRepeats>,
    at_most: Option<u32>,
    most_per_claim: Option<u32>,
    after: Option<Spanned<String>>,
    sustained: Option<RawSustained>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPrice {
    day: Spanned<String>,
    price: Spanned<String>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum RawRepeats {
    First,
    AtMost,
    Every,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RawSustained {
    state: String,
    days: Spanned<u32>,
    gap_days: u32,
    holidays: HolidayRule,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCap {
    id: Spanned<String>,
    per: CapPer,
    amount: Spanned<String>,
    lines: Option<Vec<Spanned<String>>>,
    period: Option<RawPeriod>,
}

struct Reader<'t> {
    text: &'t str,
    problems: Vec<CardProblem>,
}

impl Reader<'_> {
    fn card(&mut self, raw: RawCard) -> Option<RateCard> {
        if raw.schema.get_ref() != SCHEMA {
            let found = raw.schema.get_ref();
            self.problem::<()>(
                raw.schema.span(),
                format!("schema `{found}`, expected `{SCHEMA}`"),
            );
        }
        self.name(&raw.name);
        let currency = match Currency::from_code(raw.currency.get_ref()) {
            Ok(currency) => Some(currency),
            Err(error) => self.problem(raw.currency.span(), error.to_string()),
        }?;
        let period = self.period(&raw.period);
        let mut days = BTreeSet::new();
        for holiday in &raw.holiday {
            if let Some(holiday) = self.period(holiday) {
                days.extend(
                    holiday
                        .start()
                        .iter_days()
                        .take_while(|day| holiday.contains(*day)),
                );
            }
        }
        if raw.line.is_empty() {
            self.problem::<()>(
                raw.name.span(),
                "no [[line]], expected at least one".to_owned(),
            );
        }
        let mut places = BTreeMap::new();
        for (place, line) in raw.line.iter().enumerate() {
            self.name(&line.id);
            if places.insert(line.id.get_ref().clone(), place).is_some() {
                let id = line.id.get_ref();
                self.problem::<()>(line.id.span(), format!("a second line called `{id}`"));
            }
        }
        let lines: Vec<Option<Line>> = raw
            .line
            .into_iter()
            .enumerate()
            .map(|(place, line)| self.line(line, place, &places, currency))
            .collect();
        let mut seen = BTreeSet::new();
        let caps: Vec<Option<Cap>> = raw
            .cap
            .into_iter()
            .map(|cap| {
                if !seen.insert(cap.id.get_ref().clone()) {
                    let id = cap.id.get_ref();
                    self.problem::<()>(cap.id.span(), format!("a second cap called `{id}`"));
                }
                self.cap(cap, &places, currency)
            })
            .collect();
        Some(RateCard {
            name: raw.name.into_inner(),
            title: raw.title,
            currency,
            period: period?,
            verified: raw.verified,
            submit_within_days: raw.submit_within_days,
            holidays: Holidays(days),
            lines: lines.into_iter().collect::<Option<_>>()?,
            caps: caps.into_iter().collect::<Option<_>>()?,
        })
    }

    fn line(
        &mut self,
        raw: RawLine,
        place: usize,
        places: &BTreeMap<String, usize>,
        currency: Currency,
    ) -> Option<Line> {
        let mut prices = Vec::new();
        match (&raw.price, raw.price_from.is_empty()) {
            (Some(price), true) => prices.push((NaiveDate::MIN, self.amount(price, currency)?)),
            (None, false) => {
                for step in &raw.price_from {
                    let from = self.day(&step.day)?;
                    if prices.last().is_some_and(|(before, _)| *before >= from) {
                        let what =
                            format!("the price from {from} does not come after the one before");
                        return self.problem(step.day.span(), what);
                    }
                    prices.push((from, self.amount(&step.price, currency)?));
                }
            }
            _ => {
                let what = "expected either `price` or [[line.price-from]]".to_owned();
                return self.problem(raw.id.span(), what);
            }
        }
        let repeats = match (raw.repeats.get_ref(), raw.at_most) {
            (RawRepeats::First, None) => Repeats::First,
            (RawRepeats::Every, None) => Repeats::Every,
            (RawRepeats::AtMost, Some(most)) if most > 0 => Repeats::AtMost(most),
            (RawRepeats::AtMost, _) => {
                let what = "repeats at most how often? expected `at-most` of 1 or more".to_owned();
                return self.problem(raw.repeats.span(), what);
            }
            _ => {
                let what = "`at-most` goes with `repeats = \"at-most\"` alone".to_owned();
                return self.problem(raw.repeats.span(), what);
            }
        };
        let after = match &raw.after {
            None => None,
            Some(name) => match places.get(name.get_ref()) {
                Some(earlier) if *earlier < place => Some(*earlier),
                _ => {
                    let what =
                        format!("no line called `{}` stands before this one", name.get_ref());
                    return self.problem(name.span(), what);
                }
            },
        };
        let sustained = match raw.sustained {
            None => None,
            Some(raw) if *raw.days.get_ref() > 0 => Some(Sustained {
                state: raw.state,
                days: raw.days.into_inner(),
                gap_days: raw.gap_days,
                holidays: raw.holidays,
            }),
            Some(raw) => {
                return self.problem(raw.days.span(), "0 days, expected 1 or more".to_owned());
            }
        };
        Some(Line {
            id: raw.id.into_inner(),
            title: raw.title,
            prices,
            repeats,
            most_per_claim: raw.most_per_claim.unwrap_or(1).max(1),
            after,
            sustained,
        })
    }

    fn cap(
        &mut self,
        raw: RawCap,
        places: &BTreeMap<String, usize>,
        currency: Currency,
    ) -> Option<Cap> {
        let minor_units = self.amount(&raw.amount, currency);
        let period = match &raw.period {
            None => None,
            Some(period) => Some(self.period(period)?),
        };
        let mut lines = BTreeSet::new();
        match &raw.lines {
            None => lines.extend(places.values()),
            Some(names) => {
                for name in names {
                    match places.get(name.get_ref()) {
                        Some(place) => drop(lines.insert(*place)),
                        None => {
                            let what = format!("no line is called `{}`", name.get_ref());
                            self.problem::<()>(name.span(), what);
                        }
                    }
                }
            }
        }
        Some(Cap {
            id: raw.id.into_inner(),
            per: raw.per,
            minor_units: minor_units?,
            lines,
            period,
        })
    }

    fn amount(&mut self, text: &Spanned<String>, currency: Currency) -> Option<i128> {
        match Money::from_decimal(text.get_ref(), currency) {
            Err(error) => self.problem(text.span(), error.to_string()),
            Ok(money) if !(0..=MOST_MINOR_UNITS).contains(&money.minor_units()) => {
                let most = Money::new(MOST_MINOR_UNITS, currency);
                let what = format!("an amount of {money}, expected one between 0 and {most}");
                self.problem(text.span(), what)
            }
            Ok(money) => Some(money.minor_units()),
        }
    }

    fn period(&mut self, raw: &RawPeriod) -> Option<Period> {
        let (start, end) = (self.day(&raw.start), self.day(&raw.end));
        match Period::new(start?, end?) {
            Ok(period) => Some(period),
            Err(error) => self.problem(raw.end.span(), error.to_string()),
        }
    }

    fn day(&mut self, text: &Spanned<String>) -> Option<NaiveDate> {
        match text.get_ref().parse() {
            Ok(day) => Some(day),
            Err(_) => {
                let what = format!("`{}` is no date, expected `2024-09-01`", text.get_ref());
                self.problem(text.span(), what)
            }
        }
    }

    fn name(&mut self, name: &Spanned<String>) {
        let is_name = |text: &str| {
            !text.is_empty()
                && text.len() <= 64
                && text
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        };
        if !is_name(name.get_ref()) {
            let found = name.get_ref();
            let what =
                format!("`{found}` is no name, expected lowercase letters, digits and hyphens");
            self.problem::<()>(name.span(), what);
        }
    }

    fn problem<T>(&mut self, span: Range<usize>, what: String) -> Option<T> {
        let (line, column) = line_and_column(self.text, span.start);
        self.problems.push(CardProblem { line, column, what });
        None
    }
}
