//! Terms about claims: what a claim store needs in order to count the units of a line.
//!
//! They change no evaluation. A line's units are an input, and whoever counts claims supplies it;
//! these terms say which claims count. A cap per person can be told only person by person, so it
//! belongs to the count as well.

use chrono::NaiveDate;
use num_rational::BigRational;
use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::document::{Document, Problems, RawLineKind};
use super::quantities::Quantities;
use super::raw::{RawLine, RawLineClaims, RawOperand, RawSustained};
use super::read::{check_amount, refuse_negative};
use super::terms::{Operand, Rule};
use crate::currency::Currency;
use crate::money::Money;
use crate::problem::ProblemKind;

/// Which claims a line counts, and what one is worth.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ClaimTerms {
    /// The line.
    pub line: String,
    /// Its title, if the contract gives one.
    pub title: Option<String>,
    /// The input that the number of claims counted is supplied under.
    pub input: String,
    /// What one claim pays.
    pub price: Money,
    /// Which claims of a person count.
    pub count: Count,
    /// The most claims of one person that count, if there is a limit.
    pub most_per_person: Option<u32>,
    /// The most that one person's claims under this line pay, if there is a limit.
    pub cap_per_person: Option<Money>,
    /// How long an achievement must last before it counts, if it must.
    pub sustained: Option<Sustained>,
}

/// How long an achievement must last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Sustained {
    /// Days from its start.
    pub days: u32,
    /// What a break does to the clock.
    pub on_break: Break,
    /// The longest break, in days, that is none; 0 unless stated.
    pub longest_break_days: u32,
    /// Days that do not count as part of a break, in order.
    pub holidays: Vec<NaiveDate>,
}

/// Which claims of a person a line counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Count {
    /// The first achievement alone.
    First,
    /// Every achievement.
    Every,
}

/// What a break does to a clock of sustainment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Break {
    /// The clock starts again at 0.
    Restart,
    /// The clock stands still and goes on afterwards.
    Pause,
    /// The achievement is lost.
    End,
}

/// The most one person's claims pay under the whole contract, in major units.
pub(super) fn cap_per_person(document: &Document, problems: &mut Problems) -> Option<BigRational> {
    let header = document.header.as_ref()?;
    let claims = header.claims.as_ref()?.get_ref();
    amount(&claims.cap_per_person, Some(header.currency), problems)
}

/// Resolves the claim terms of a line that has some.
pub(super) fn resolve(
    line: &RawLine,
    kind: &RawLineKind,
    raw: &Spanned<RawLineClaims>,
    document: &Document,
    quantities: &Quantities,
    problems: &mut Problems,
) -> Option<ClaimTerms> {
    let currency = document.header.as_ref().map(|header| header.currency);
    let claims = raw.get_ref();
    if let Some(most) = &claims.most_per_person
        && *most.get_ref() == 0
    {
        let message = "no claim of a person would count, expected at least 1".to_owned();
        problems.add(ProblemKind::Shape { message }, most.span());
    }
    if let (Count::First, Some(most)) = (claims.count, &claims.most_per_person) {
        let message =
            "`most-per-person` beside count = \"first\", which counts one at most".to_owned();
        problems.add(ProblemKind::Shape { message }, most.span());
    }
    let cap = claims
        .cap_per_person
        .as_ref()
        .map(|cap| amount(cap, currency, problems));
    let sustained = claims
        .sustained
        .as_ref()
        .map(|sustained| self::sustained(sustained.get_ref(), problems));
    let RawLineKind::PerUnit(per_unit) = kind else {
        problems.add(ProblemKind::ClaimsWithoutUnits, raw.span());
        return None;
    };
    let (price, input) = quantities.price_and_input(&per_unit.price, &per_unit.units);
    let (Some(price), Some(input)) = (price, input) else {
        problems.add(ProblemKind::ClaimsWithoutUnits, raw.span());
        return None;
    };
    let currency = currency?;
    let Some(price) = Money::from_exact(&price, currency) else {
        check_amount(
            "price",
            &price,
            Some(currency),
            per_unit.price.span(),
            problems,
        );
        return None;
    };
    let cap = match cap {
        Some(cap) => Some(Money::from_exact(&cap?, currency)?),
        None => None,
    };
    Some(ClaimTerms {
        line: line.name.get_ref().clone(),
        title: line.title.clone(),
        input,
        price,
        count: claims.count,
        most_per_person: claims.most_per_person.as_ref().map(|most| *most.get_ref()),
        cap_per_person: cap,
        sustained: match sustained {
            Some(sustained) => Some(sustained?),
            None => None,
        },
    })
}

impl Quantities {
    /// A price that is known, and the input that feeds the units alone.
    fn price_and_input(
        &self,
        price: &Spanned<RawOperand>,
        units: &Spanned<RawOperand>,
    ) -> (Option<BigRational>, Option<String>) {
        let known = |raw: &Spanned<RawOperand>| match raw.get_ref() {
            RawOperand::Literal(value) => Some(Operand::Literal(value.clone())),
            RawOperand::Quantity(name) => self.index(name).map(Operand::Quantity),
        };
        let price = known(price).and_then(|price| self.constant(&price).cloned());
        let input = match known(units) {
            Some(Operand::Quantity(index)) => {
                match self.resolved.as_ref().map(|all| &all[index].rule) {
                    Some(Rule::Input { from, .. }) => Some(from.clone()),
                    _ => None,
                }
            }
            _ => None,
        };
        (price, input)
    }
}

fn sustained(raw: &RawSustained, problems: &mut Problems) -> Option<Sustained> {
    if *raw.days.get_ref() == 0 {
        let message = "an achievement lasts 0 days, expected at least 1".to_owned();
        problems.add(ProblemKind::Shape { message }, raw.days.span());
    }
    let mut holidays: Vec<NaiveDate> = Vec::new();
    for text in &raw.holidays {
        let date = super::amendments::date(text, problems)?;
        if holidays.last().is_some_and(|last| *last >= date) {
            let kind = ProblemKind::DatesOutOfOrder {
                date: date.to_string(),
            };
            problems.add(kind, text.span());
        }
        holidays.push(date);
    }
    Some(Sustained {
        days: *raw.days.get_ref(),
        on_break: raw.on_break,
        longest_break_days: raw
            .longest_break_days
            .as_ref()
            .map_or(0, |days| *days.get_ref()),
        holidays,
    })
}

/// An amount that is written out: whole minor units and not negative.
fn amount(
    raw: &Spanned<RawOperand>,
    currency: Option<Currency>,
    problems: &mut Problems,
) -> Option<BigRational> {
    let what = "cap per person";
    match raw.get_ref() {
        RawOperand::Literal(value) => {
            check_amount(what, value, currency, raw.span(), problems);
            refuse_negative(what, value, raw.span(), problems);
            Some(value.clone())
        }
        RawOperand::Quantity(name) => {
            let name = name.clone();
            problems.add(ProblemKind::NotConstant { what, name }, raw.span());
            None
        }
    }
}
