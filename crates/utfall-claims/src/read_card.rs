//! From the file of a rate card to the card.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use chrono::NaiveDate;
use serde::Deserialize;
use toml::Spanned;
use utfall_core::Period;
use utfall_payment::{Currency, Fraction, Money, RoundingMode};

use crate::card::{
    Cap, CapPer, CardErrors, CardProblem, Holidays, Line, RateCard, Repeats, Sustained,
};
use crate::clock::HolidayRule;
use crate::deadweight::Deadweight;
use crate::place::line_and_column;

/// The version of the language that this crate reads.
const SCHEMA: &str = "utfall.rate-card/1";

/// Largest price of one unit, in minor units: no claim comes near, and sums stay within 128 bits.
const MOST_MINOR_UNITS: i128 = 1_000_000_000_000_000;

/// Reads a rate card; see [`RateCard::from_toml`].
pub(crate) fn read(text: &str) -> Result<RateCard, CardErrors> {
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
    deadweight: Option<Spanned<RawDeadweight>>,
}

/// Either `units`, or `share` with its `rounding`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawDeadweight {
    units: Option<u64>,
    share: Option<Spanned<String>>,
    rounding: Option<RoundingMode>,
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
        let deadweight = match raw.deadweight {
            None => None,
            Some(raw) => Some(self.deadweight(raw)?),
        };
        Some(Line {
            id: raw.id.into_inner(),
            title: raw.title,
            prices,
            repeats,
            most_per_claim: raw.most_per_claim.unwrap_or(1).max(1),
            after,
            sustained,
            deadweight,
        })
    }

    fn deadweight(&mut self, raw: Spanned<RawDeadweight>) -> Option<Deadweight> {
        let span = raw.span();
        match raw.into_inner() {
            RawDeadweight {
                units: Some(units),
                share: None,
                rounding: None,
            } => Some(Deadweight::Units(units)),
            RawDeadweight {
                units: None,
                share: Some(share),
                rounding: Some(rounding),
            } => match Fraction::from_text(share.get_ref()) {
                Ok(share) => Some(Deadweight::Share { share, rounding }),
                Err(error) => self.problem(share.span(), error.to_string()),
            },
            _ => {
                let what = "expected either `units`, or `share` and `rounding`".to_owned();
                self.problem(span, what)
            }
        }
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
