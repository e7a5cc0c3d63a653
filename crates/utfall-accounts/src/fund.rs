//! A municipal social investment fund: it pays contracts in advance, and is replenished from what departments save.

use std::fmt::Write as _;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utfall_payment::{Currency, Money};

const SCHEMA: &str = "utfall.fund/1";

/// A fund that was read and checked: its movements in order of days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fund {
    /// Short name.
    pub name: String,
    /// Name for people.
    pub title: String,
    /// Currency of every amount.
    pub currency: Currency,
    /// Where it stands after each day with a movement.
    pub days: Vec<FundDay>,
    /// What each department has repaid, and is still expected to, in the order of the file.
    pub departments: Vec<Department>,
    /// What each contract may be paid in all, and has been paid, in the order of the file.
    pub contracts: Vec<(String, Money, Money)>,
}

/// Where a fund stands after a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct FundDay {
    /// The day.
    pub day: NaiveDate,
    /// Money in the fund.
    pub balance: Money,
    /// Promised to contracts begun by that day and not paid yet.
    pub committed: Money,
    /// Balance less what is committed.
    pub free: Money,
    /// Repaid by departments so far.
    pub repaid: Money,
}

/// What a department does for a fund.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Department {
    /// Name of the budget.
    pub name: String,
    /// Repaid so far.
    pub repaid: Money,
    /// Expected in all, by contracts that save for it.
    pub expected: Money,
}

/// What is wrong with a fund.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct FundError {
    /// Line, from 1.
    pub line: usize,
    /// What was found and expected.
    pub what: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFund {
    schema: toml::Spanned<String>,
    name: String,
    title: String,
    currency: toml::Spanned<String>,
    #[serde(default)]
    department: Vec<RawDepartment>,
    #[serde(default)]
    contract: Vec<RawContract>,
    #[serde(default)]
    movement: Vec<RawMovement>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawDepartment {
    name: String,
    expected: toml::Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawContract {
    name: String,
    begins: NaiveDate,
    commitment: toml::Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMovement {
    day: toml::Spanned<NaiveDate>,
    kind: Kind,
    amount: toml::Spanned<String>,
    contract: Option<String>,
    department: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    /// The council puts money in.
    Deposit,
    /// The fund pays a contract.
    Advance,
    /// A contract gives back what it did not need.
    Return,
    /// A department pays back out of what it saved through a contract.
    Replenish,
}

impl Fund {
    /// Reads a fund and follows it from day to day.
    ///
    /// # Errors
    ///
    /// [`FundError`] with the line of: an unknown key or currency; an amount that is none; days out of order; a contract or department
    /// that is not there; a contract paid before it begins, beyond its commitment or beyond what the fund holds; more
    /// given back than was paid.
    pub fn from_toml(text: &str) -> Result<Self, FundError> {
        let line = |offset: usize| text[..offset].matches('\n').count() + 1;
        let at = |offset: usize, what: String| FundError {
            line: line(offset),
            what,
        };
        let raw: RawFund = toml::from_str(text).map_err(|error| {
            at(
                error.span().map_or(0, |span| span.start),
                error.message().to_owned(),
            )
        })?;
        if raw.schema.get_ref() != SCHEMA {
            let what = format!("schema `{}`, expected `{SCHEMA}`", raw.schema.get_ref());
            return Err(at(raw.schema.span().start, what));
        }
        let currency = Currency::from_code(raw.currency.get_ref())
            .map_err(|error| at(raw.currency.span().start, error.to_string()))?;
        let amount = |text: &toml::Spanned<String>| {
            let money = Money::from_decimal(text.get_ref(), currency)
                .map_err(|error| at(text.span().start, error.to_string()))?;
            if (0..=MOST_MINOR_UNITS).contains(&money.minor_units()) {
                Ok(money.minor_units())
            } else {
                Err(at(
                    text.span().start,
                    format!("an amount of {money}, expected one of 0 or more within reason"),
                ))
            }
        };
        let mut course = Course::default();
        for contract in &raw.contract {
            let commitment = amount(&contract.commitment)?;
            course
                .contracts
                .push((contract.name.clone(), contract.begins, commitment, 0));
        }
        for department in &raw.department {
            course
                .departments
                .push((department.name.clone(), 0, amount(&department.expected)?));
        }
        let mut days: Vec<FundDay> = Vec::new();
        for movement in &raw.movement {
            let day = *movement.day.get_ref();
            if let Some(last) = days.last().filter(|last| last.day > day) {
                let what = format!(
                    "{day} lies before {}, the day of the movement above",
                    last.day
                );
                return Err(at(movement.day.span().start, what));
            }
            let moved = amount(&movement.amount)?;
            course
                .take(movement, moved, currency)
                .map_err(|what| at(movement.day.span().start, what))?;
            days.pop_if(|last| last.day == day);
            days.push(course.state(day, currency));
        }
        let money = |minor_units| Money::new(minor_units, currency);
        Ok(Self {
            name: raw.name,
            title: raw.title,
            currency,
            days,
            departments: course
                .departments
                .into_iter()
                .map(|(name, repaid, expected)| Department {
                    name,
                    repaid: money(repaid),
                    expected: money(expected),
                })
                .collect(),
            contracts: course
                .contracts
                .into_iter()
                .map(|(name, _, commitment, paid)| (name, money(commitment), money(paid)))
                .collect(),
        })
    }

    /// The balance over time, and what is committed of it, as a picture.
    #[must_use]
    pub fn svg(&self) -> String {
        Picture::of(self).draw()
    }
}

/// Largest amount, in minor units.
const MOST_MINOR_UNITS: i128 = 1_000_000_000_000_000;

#[derive(Default)]
struct Course {
    balance: i128,
    /// Name, first day, commitment, paid.
    contracts: Vec<(String, NaiveDate, i128, i128)>,
    /// Name, repaid, expected.
    departments: Vec<(String, i128, i128)>,
}

impl Course {
    fn take(
        &mut self,
        movement: &RawMovement,
        amount: i128,
        currency: Currency,
    ) -> Result<(), String> {
        let money = |minor_units| Money::new(minor_units, currency);
        let day = *movement.day.get_ref();
        let named = (movement.contract.is_some(), movement.department.is_some());
        let expected = match movement.kind {
            Kind::Deposit => ((false, false), "names neither contract nor department"),
            Kind::Advance | Kind::Return => ((true, false), "names a `contract` alone"),
            Kind::Replenish => ((true, true), "names the `contract` and the `department`"),
        };
        if named != expected.0 {
            return Err(format!("this kind of movement {}", expected.1));
        }
        let contract = match &movement.contract {
            None => None,
            Some(name) => {
                let found = self.contracts.iter().position(|(known, ..)| known == name);
                Some(found.ok_or_else(|| format!("the fund has no contract `{name}`"))?)
            }
        };
        if let Some(place) = contract {
            let (name, begins, commitment, paid) = &mut self.contracts[place];
            if day < *begins {
                return Err(format!("`{name}` begins on {begins}"));
            }
            match movement.kind {
                Kind::Advance if *paid + amount > *commitment => {
                    let left = money(*commitment - *paid);
                    return Err(format!(
                        "{} is more than the {left} left of what `{name}` was promised",
                        money(amount)
                    ));
                }
                Kind::Advance if amount > self.balance => {
                    return Err(format!(
                        "{} is more than the fund holds, {}",
                        money(amount),
                        money(self.balance)
                    ));
                }
                Kind::Advance => *paid += amount,
                Kind::Return if amount > *paid => {
                    return Err(format!(
                        "`{name}` gives back {}, but was paid {}",
                        money(amount),
                        money(*paid)
                    ));
                }
                Kind::Return => *paid -= amount,
                Kind::Deposit | Kind::Replenish => {}
            }
        }
        if let Some(name) = &movement.department {
            let found = self
                .departments
                .iter_mut()
                .find(|(known, ..)| known == name);
            let (_, repaid, _) =
                found.ok_or_else(|| format!("the fund has no department `{name}`"))?;
            *repaid += amount;
        }
        self.balance += if movement.kind == Kind::Advance {
            -amount
        } else {
            amount
        };
        Ok(())
    }

    fn state(&self, day: NaiveDate, currency: Currency) -> FundDay {
        let begun = self
            .contracts
            .iter()
            .filter(|(_, begins, ..)| *begins <= day);
        let committed: i128 = begun
            .map(|(_, _, commitment, paid)| commitment - paid)
            .sum();
        let repaid: i128 = self.departments.iter().map(|(_, repaid, _)| repaid).sum();
        let money = |minor_units| Money::new(minor_units, currency);
        FundDay {
            day,
            balance: money(self.balance),
            committed: money(committed),
            free: money(self.balance - committed),
            repaid: money(repaid),
        }
    }
}

/// One of the amounts of a day.
type Amount = fn(&FundDay) -> Money;

/// A chart in whole units of the page, so that it is the same everywhere.
struct Picture<'f> {
    fund: &'f Fund,
    first: NaiveDate,
    n_days: i64,
    most: i128,
    /// At most 0.
    least: i128,
}

const WIDTH: i64 = 720;
const HEIGHT: i64 = 320;
const MARGIN: i64 = 60;

impl<'f> Picture<'f> {
    fn of(fund: &'f Fund) -> Self {
        let first = fund.days.first().map_or(NaiveDate::MIN, |day| day.day);
        let last = fund.days.last().map_or(first, |day| day.day);
        let amounts = || {
            fund.days
                .iter()
                .flat_map(|day| [day.balance, day.committed, day.free, day.repaid])
                .map(Money::minor_units)
        };
        Self {
            fund,
            first,
            n_days: (last - first).num_days().max(1),
            most: amounts().max().unwrap_or(0).max(1),
            least: amounts().min().unwrap_or(0).min(0),
        }
    }

    fn draw(&self) -> String {
        let title = escaped(&self.fund.title);
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" \
             font-size=\"12\" role=\"img\"><title>{title}</title>\n<rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"white\"/>\n\
             <text x=\"{MARGIN}\" y=\"24\" font-size=\"14\">{title}</text>\n"
        );
        let (left, right, zero) = (MARGIN, WIDTH - MARGIN, self.y(0));
        // Writing to a string does not fail.
        let _ = writeln!(svg, "<path d=\"M{left} {zero}H{right}\" stroke=\"#999\"/>");
        let most = Money::new(self.most, self.fund.currency);
        let _ = writeln!(
            svg,
            "<text x=\"{left}\" y=\"{}\" fill=\"#555\">{most}</text>",
            self.y(self.most) - 4
        );
        let lines: [(&str, &str, Amount); 3] = [
            ("balance", "#00557f", |day| day.balance),
            ("committed", "#b35900", |day| day.committed),
            ("repaid by departments", "#3a7d34", |day| day.repaid),
        ];
        for (place, (name, colour, of)) in lines.into_iter().enumerate() {
            let _ = writeln!(
                svg,
                "<path d=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
                self.steps(of)
            );
            let x = MARGIN + 160 * i64::try_from(place).unwrap_or(0);
            let _ = writeln!(
                svg,
                "<text x=\"{x}\" y=\"{}\" fill=\"{colour}\">{name}</text>",
                HEIGHT - 10
            );
        }
        if let (Some(first), Some(last)) = (self.fund.days.first(), self.fund.days.last()) {
            let y = HEIGHT - MARGIN / 2;
            let _ = writeln!(
                svg,
                "<text x=\"{left}\" y=\"{y}\" fill=\"#555\">{}</text>",
                first.day
            );
            let _ = writeln!(
                svg,
                "<text x=\"{right}\" y=\"{y}\" fill=\"#555\" text-anchor=\"end\">{}</text>",
                last.day
            );
        }
        svg + "</svg>\n"
    }

    /// A line that holds each value until the next day.
    fn steps(&self, of: Amount) -> String {
        let mut path = String::new();
        for (place, day) in self.fund.days.iter().enumerate() {
            let (x, y) = (self.x(day.day), self.y(of(day).minor_units()));
            let _ = if place == 0 {
                write!(path, "M{x} {y}")
            } else {
                write!(path, "H{x}V{y}")
            };
        }
        path
    }

    fn x(&self, day: NaiveDate) -> i64 {
        MARGIN + (day - self.first).num_days() * (WIDTH - 2 * MARGIN) / self.n_days
    }

    fn y(&self, minor_units: i128) -> i64 {
        let span = self.most - self.least;
        let above = (minor_units - self.least) * i128::from(HEIGHT - 2 * MARGIN) / span;
        HEIGHT - MARGIN - i64::try_from(above).unwrap_or(0)
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
