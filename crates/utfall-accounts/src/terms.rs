//! The terms that a book is kept under.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utfall_payment::{Currency, Money, Remainder};

const SCHEMA: &str = "utfall.accounts/1";

/// Largest amount, in minor units.
const MOST_MINOR_UNITS: i128 = 100_000_000_000_000_000;

/// Largest weight of a share.
const MOST_SHARE: u64 = 1_000_000_000_000;

/// Terms that were read and checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Terms {
    /// `utfall.accounts/1`.
    pub schema: String,
    /// Short name.
    pub name: String,
    /// Name for people.
    pub title: String,
    /// Currency of every amount.
    pub currency: Currency,
    /// Most that is paid for outcomes in all, in major units.
    pub cap: Option<String>,
    /// Whether payers get back what was paid beyond what is due; if not, it is set off against what becomes due later.
    pub clawback: bool,
    /// Who pays the minor units that shares leave over.
    pub remainder: Remainder,
    /// Roles that must approve a payment: two or three of commissioner, evaluator and intermediary.
    pub approvals: Vec<Role>,
    /// Days after which a request that was submitted and not paid may expire.
    pub expires_after_days: Option<u32>,
    /// Most an investor earns, as hundredths of a percent of its capital; no bound if absent.
    pub return_cap_basis_points: Option<u32>,
    /// Party that gets what is left after investors; investors share it by capital if absent.
    pub residual: Option<String>,
    /// Who takes part.
    pub party: Vec<Party>,
    /// What is paid for.
    pub component: Vec<Component>,
    /// What is expected to be due, and when.
    #[serde(default)]
    pub expected: Vec<Expected>,
}

/// Someone who takes part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Party {
    /// Short name.
    pub name: String,
    /// Part in the contract.
    pub role: Role,
    /// Weight of a payer's share.
    #[serde(default)]
    pub share: u64,
    /// Rank of an investor: lower ranks are paid back first.
    #[serde(default)]
    pub rank: u32,
    /// Party that makes good a part of an investor's loss of capital.
    pub guarantor: Option<String>,
    /// That part, as hundredths of a percent of the capital.
    #[serde(default)]
    pub guaranteed_basis_points: u32,
}

/// A part in a contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Commissions the work and pays for outcomes.
    Commissioner,
    /// Measures outcomes.
    Evaluator,
    /// Keeps the contract together.
    Intermediary,
    /// Does the work, and claims.
    Provider,
    /// Puts up capital.
    Investor,
    /// Makes good investors' losses.
    Guarantor,
}

/// Something that is paid for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Component {
    /// Short name.
    pub name: String,
    /// Most that is paid for it, in major units.
    pub cap: Option<String>,
}

/// What is expected to become due on a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Expected {
    /// The day.
    pub day: NaiveDate,
    /// Due on that day, in major units.
    pub amount: String,
}

/// What is wrong with terms.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TermsError {
    /// Not TOML of the right shape.
    #[error("line {line}: {what}")]
    Shape {
        /// Line, from 1.
        line: usize,
        /// What was found and expected.
        what: String,
    },
    /// Terms that do not fit together.
    #[error("{0}")]
    Terms(String),
}

impl Terms {
    /// Reads terms.
    ///
    /// # Errors
    ///
    /// [`TermsError`]: unknown keys or currencies, amounts that are none, names given twice, a payer without a share, fewer
    /// than two approving roles or one that nobody has, a guarantor or residual that is no party, expected days out of order.
    pub fn from_toml(text: &str) -> Result<Self, TermsError> {
        let terms: Self = toml::from_str(text).map_err(|error| TermsError::Shape {
            line: error
                .span()
                .map_or(1, |span| text[..span.start].matches('\n').count() + 1),
            what: error.message().to_owned(),
        })?;
        terms.check().map_err(TermsError::Terms)?;
        Ok(terms)
    }

    /// A party by name.
    #[must_use]
    pub fn party(&self, name: &str) -> Option<&Party> {
        self.party.iter().find(|party| party.name == name)
    }

    /// Parties with a role, in the order of the terms.
    pub fn with_role(&self, role: Role) -> impl Iterator<Item = &Party> {
        self.party.iter().filter(move |party| party.role == role)
    }

    /// An amount in the terms' currency.
    #[must_use]
    pub fn money(&self, minor_units: i128) -> Money {
        Money::new(minor_units, self.currency)
    }

    /// Minor units of an amount in major units; at most 10¹⁷ of them, so that products stay within 128 bits.
    pub(crate) fn minor_units(&self, text: &str) -> Result<i128, String> {
        let money = Money::from_decimal(text, self.currency).map_err(|error| error.to_string())?;
        let minor_units = money.minor_units();
        if (0..=MOST_MINOR_UNITS).contains(&minor_units) {
            Ok(minor_units)
        } else {
            Err(format!(
                "an amount of {money}, expected one of 0 or more within reason"
            ))
        }
    }

    pub(crate) fn cap_minor_units(&self) -> Option<i128> {
        self.cap
            .as_deref()
            .and_then(|cap| self.minor_units(cap).ok())
    }

    pub(crate) fn check(&self) -> Result<(), String> {
        if self.schema != SCHEMA {
            return Err(format!("schema `{}`, expected `{SCHEMA}`", self.schema));
        }
        let caps = self
            .component
            .iter()
            .filter_map(|component| component.cap.as_ref());
        for amount in self
            .cap
            .iter()
            .chain(caps)
            .chain(self.expected.iter().map(|expected| &expected.amount))
        {
            self.minor_units(amount)?;
        }
        if !self.expected.is_sorted_by_key(|expected| expected.day) {
            return Err("[[expected]] days are out of order".to_owned());
        }
        distinct("party", self.party.iter().map(|party| party.name.as_str()))?;
        distinct(
            "component",
            self.component
                .iter()
                .map(|component| component.name.as_str()),
        )?;
        if self.component.is_empty() {
            return Err("no [[component]], expected at least one".to_owned());
        }
        for party in &self.party {
            self.check_party(party)?;
        }
        if self.with_role(Role::Commissioner).next().is_none() {
            return Err("nobody pays, expected a party with the role `commissioner`".to_owned());
        }
        if let Some(residual) = &self.residual
            && self.party(residual).is_none()
        {
            return Err(format!("`residual` names `{residual}`, who is no party"));
        }
        if self.return_cap_basis_points.is_some() && self.residual.is_none() {
            return Err(
                "the return is capped, but no `residual` says who gets what is left".to_owned(),
            );
        }
        self.check_approvals()
    }

    fn check_party(&self, party: &Party) -> Result<(), String> {
        let name = &party.name;
        if (party.role == Role::Commissioner) != (party.share > 0) {
            return Err(format!(
                "`{name}`: commissioners have a `share` above 0, and nobody else"
            ));
        }
        if party.share > MOST_SHARE {
            return Err(format!(
                "`{name}`: a `share` of {}, expected at most {MOST_SHARE}",
                party.share
            ));
        }
        if party.guaranteed_basis_points > 10_000 {
            return Err(format!(
                "`{name}`: more than all of the capital is guaranteed"
            ));
        }
        match &party.guarantor {
            None if party.guaranteed_basis_points == 0 => Ok(()),
            None => Err(format!(
                "`{name}`: a part is guaranteed, but no `guarantor` is named"
            )),
            Some(guarantor) => match self.party(guarantor) {
                Some(found) if found.role == Role::Guarantor => Ok(()),
                _ => Err(format!(
                    "`{guarantor}`, who guarantees `{name}`, is no guarantor"
                )),
            },
        }
    }

    fn check_approvals(&self) -> Result<(), String> {
        distinct(
            "approving role",
            self.approvals.iter().copied().map(Role::word),
        )?;
        for role in &self.approvals {
            if !matches!(
                role,
                Role::Commissioner | Role::Evaluator | Role::Intermediary
            ) {
                return Err(format!("a {} does not approve payments", role.word()));
            }
            if self.with_role(*role).next().is_none() {
                return Err(format!(
                    "`approvals` names {}, which nobody is",
                    role.word()
                ));
            }
        }
        if self.approvals.len() < 2 {
            return Err("fewer than two roles approve, expected two or three".to_owned());
        }
        Ok(())
    }
}

impl Role {
    /// The role as terms write it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Commissioner => "commissioner",
            Self::Evaluator => "evaluator",
            Self::Intermediary => "intermediary",
            Self::Provider => "provider",
            Self::Investor => "investor",
            Self::Guarantor => "guarantor",
        }
    }
}

fn distinct<'n>(what: &str, names: impl Iterator<Item = &'n str>) -> Result<(), String> {
    let mut seen = std::collections::BTreeSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(format!("a second {what} called `{name}`"));
        }
    }
    Ok(())
}
