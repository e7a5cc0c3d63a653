//! A contract: its terms, read from TOML and checked before anything is evaluated.
//!
//! ```toml
//! schema = "utfall-contract/1"
//! name = "example"
//! title = "An example"
//! currency = "SEK"
//! rounding = { mode = "half-even", at = "line" }
//! cap = 2000000                                  # optional, as is `floor`
//!
//! [[effect]]                                     # what the contract draws on, and accepts
//! name = "absence"
//! estimands = ["att", "matched-treated"]
//! decides-on = ["point"]
//!
//! [[quantity]]                                   # kinds: see `Rule`
//! name = "reduction"
//! kind = "input"
//! from = "absence.point"
//! sign = "flip"
//! decimals = 4
//! rounding = "toward-zero"
//!
//! [[line]]                                       # kinds: fixed, per-unit, share, steps, piecewise, pool
//! name = "fall"
//! kind = "steps"
//! of = "reduction"
//! operator = ">="
//! steps = [{ threshold = 0.02, amount = 500000 }, { threshold = 0.04, amount = 1000000 }]
//! requires = { flag = "balance.passed", equals = true }     # else not-measurable
//! when = { quantity = "reduction", operator = ">", value = 0 }  # else nothing-due
//! ```
//!
//! Wherever a number is expected a quantity may be named, except in the bounds and shares of bands,
//! the thresholds of steps, the points of a piecewise line and the metrics of a pool, which must be
//! known before any outcome. Numbers are read exactly
//! from their text, quoted or not; `"1/6"` is a number too.

mod amendments;
pub(crate) mod arithmetic;
mod choices;
mod claims;
mod conditions;
mod curves;
mod document;
mod lines;
mod modifiers;
mod multiplicity;
mod normal;
mod parties;
mod quantities;
mod raw;
mod read;
mod schema;
mod supplied;
pub(crate) mod terms;

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

pub(crate) use amendments::day;
pub use choices::{
    Above, AtJump, Below, BeyondCap, Excess, Multiplicity, Operator, Otherwise, Remainder, Role,
    RoundingPoint, RoundingRule, Sign,
};
pub use claims::{Break, ClaimTerms, Count, Sustained};
pub use schema::CONTRACT_SCHEMA;

use crate::currency::Currency;
use crate::decision::{Branch, Decision};
use crate::evaluate;
use crate::explain::{self, Language};
use crate::input::{InputKind, Inputs};
use crate::money::Money;
use crate::problem::ContractErrors;
use terms::Terms;

/// The input that says on which day the terms are to be read, `2025-03-31`, where a contract has
/// amendments.
pub const TERMS_DATE: &str = "terms.date";

/// An outcome contract that has passed every check.
#[derive(Debug, Clone, PartialEq)]
pub struct Contract {
    /// As first agreed.
    terms: Terms,
    /// As amended, by the date each state holds from, in order.
    amended: Vec<(NaiveDate, Terms)>,
    /// The text it was read from.
    text: String,
    /// The amendment from which `terms` hold, if they are not those first agreed.
    state: Option<NaiveDate>,
}

impl Contract {
    /// Reads a contract. `source_name` is what messages call the text, such as a file name.
    ///
    /// # Errors
    ///
    /// [`ContractErrors`] with every problem found, each with its line, column and remedy. Syntax
    /// errors are reported alone, since what follows from them means nothing.
    pub fn from_toml(source_name: &str, text: &str) -> Result<Self, ContractErrors> {
        read::read(text)
            .map(|(terms, amended)| Self {
                terms,
                amended,
                text: text.to_owned(),
                state: None,
            })
            .map_err(|found| ContractErrors::new(source_name, text, found))
    }

    /// Decides what is paid. Total and deterministic: any inputs end in an amount or a named
    /// branch, and the same inputs in the same bytes.
    pub fn evaluate(&self, inputs: &Inputs) -> Decision {
        evaluate::evaluate(&self.terms, &self.amended, inputs)
    }

    /// How the contract ends and what it pays: [`evaluate`](Self::evaluate) without what nearby
    /// evidence would pay, for sweeps over many inputs.
    pub fn payment(&self, inputs: &Inputs) -> (Branch, Money) {
        evaluate::payment(&self.terms, &self.amended, inputs)
    }

    /// What the contract pays, in one sentence; of one with amendments, as first agreed.
    pub fn rule(&self, language: Language) -> String {
        explain::rule(&self.terms, language)
    }

    /// Every input the contract may read, and the kind it expects there.
    pub fn required_inputs(&self) -> BTreeMap<String, InputKind> {
        let mut inputs = self.terms.required_inputs();
        for (_, terms) in &self.amended {
            inputs.extend(terms.required_inputs());
        }
        if !self.amended.is_empty() {
            inputs.insert(TERMS_DATE.to_owned(), InputKind::Text);
        }
        inputs
    }

    /// Refuses what the contract reads and nobody supplies. `source_name` is what messages call its text.
    ///
    /// # Errors
    ///
    /// [`ContractErrors`] with each required input that is not among the supplied, at the place that reads it.
    pub fn check_supplied(
        &self,
        source_name: &str,
        supplied: &BTreeSet<&str>,
    ) -> Result<(), ContractErrors> {
        let found = supplied::unsupplied(&self.text, self.required_inputs(), supplied);
        if found.is_empty() {
            return Ok(());
        }
        Err(ContractErrors::new(source_name, &self.text, found))
    }

    /// The terms, unless there are amendments.
    pub(crate) fn unamended(&self) -> Option<&Terms> {
        self.amended.is_empty().then_some(&self.terms)
    }

    /// The dates from which amendments hold, in order.
    pub fn amended_on(&self) -> impl Iterator<Item = NaiveDate> {
        self.amended.iter().map(|(from, _)| *from)
    }

    /// The contract as it stands on a day, without amendments.
    #[must_use]
    pub fn on(&self, day: NaiveDate) -> Self {
        let in_force = self.amended.iter().rev().find(|(from, _)| *from <= day);
        Self {
            terms: in_force.map_or(&self.terms, |(_, terms)| terms).clone(),
            amended: Vec::new(),
            text: self.text.clone(),
            state: in_force.map_or(self.state, |(from, _)| Some(*from)),
        }
    }

    /// The terms with another value for a constant; absent if no sound contract comes of it.
    pub(crate) fn with_constant(
        &self,
        name: &str,
        value: &num_rational::BigRational,
    ) -> Option<Terms> {
        read::with_constant(&self.text, self.state, name, value)
    }

    /// The lines whose units are claims, as first agreed, in order. For those of an amended
    /// contract ask the contract [`on`](Self::on) a day.
    pub fn claim_terms(&self) -> impl Iterator<Item = &ClaimTerms> {
        self.terms.claims.iter()
    }

    /// The most that one person's claims pay under the whole contract, if there is a limit.
    pub fn cap_per_person(&self) -> Option<Money> {
        let cap = self.terms.cap_per_person.as_ref()?;
        Money::from_exact(cap, self.terms.currency)
    }

    /// Short name.
    pub fn name(&self) -> &str {
        &self.terms.name
    }

    /// Title for people.
    pub fn title(&self) -> &str {
        &self.terms.title
    }

    /// Remarks that belong with the contract and change nothing.
    pub fn notes(&self) -> Option<&str> {
        self.terms.notes.as_deref()
    }

    /// Where the terms are published.
    pub fn sources(&self) -> &[String] {
        &self.terms.sources
    }

    /// The currency of every amount.
    pub fn currency(&self) -> Currency {
        self.terms.currency
    }

    /// Names of the effects the contract draws on.
    pub fn effects(&self) -> impl Iterator<Item = &str> {
        self.terms.effects.iter().map(|effect| effect.name.as_str())
    }

    /// The parties and their roles, in order.
    pub fn parties(&self) -> impl Iterator<Item = (&str, Role)> {
        self.terms
            .parties
            .iter()
            .map(|party| (party.name.as_str(), party.role))
    }
}
