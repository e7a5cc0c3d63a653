//! Rate cards: what one claim of each kind is worth, and what bounds it.

use std::collections::BTreeSet;
use std::fmt;

use chrono::NaiveDate;
use serde::Deserialize;
use utfall_core::Period;
use utfall_payment::{Currency, Money};

use crate::clock::HolidayRule;
use crate::deadweight::Deadweight;
use crate::read_card::read;

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
    pub(crate) prices: Vec<(NaiveDate, i128)>,
    /// How often it pays for one person.
    pub repeats: Repeats,
    /// Most units one claim may state.
    pub most_per_claim: u32,
    /// Place in the card of the line that the person must have been paid for, or would have been but for a
    /// cap, on the same day or before.
    pub after: Option<usize>,
    /// What must have lasted.
    pub sustained: Option<Sustained>,
    /// What is not paid for, as it would have happened anyway.
    pub deadweight: Option<Deadweight>,
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
pub struct Holidays(pub(crate) BTreeSet<NaiveDate>);

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
        read(text)
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
