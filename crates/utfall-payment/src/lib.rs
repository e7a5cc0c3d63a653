//! Outcome contracts: what is paid, to the last minor unit, and every step that leads there.
//!
//! A [`Contract`] is a TOML file in a small, total language: named quantities, an ordered list of
//! payment lines, gates, caps and floors. There is no general expression language, so every
//! contract ends. [`Contract::from_toml`] reads one and reports everything wrong with it at once,
//! by line and column; [`Contract::evaluate`] turns named [`Inputs`] into a [`Decision`] that
//! carries its whole derivation; [`explain`] puts that derivation into sentences in three languages.
//!
//! The language has a manual, `manual/README.md`, whose examples are tested, and a JSON Schema,
//! [`CONTRACT_SCHEMA`]. [`Contract::sweep`] says what is paid as one thing moves.
//!
//! This crate knows neither effects nor cohorts: it takes numbers with names, as decimal text. A
//! number crosses over once, at the decimals and rounding its contract states; from there on the
//! arithmetic is exact rationals and whole minor units. No float arithmetic compiles here.
#![deny(clippy::float_arithmetic)]

mod compare;
mod contract;
mod currency;
mod decision;
mod evaluate;
mod explain;
mod figures;
mod fraction;
mod input;
mod money;
mod number;
mod problem;
mod rounding;
mod share;
mod sweep;

pub use compare::{DecisionDifference, Moved, compare};
pub use contract::{
    Above, AtJump, Below, BeyondCap, Break, CONTRACT_SCHEMA, ClaimTerms, Contract, Count, Excess,
    Multiplicity, Operator, Otherwise, Remainder, Role, RoundingPoint, RoundingRule, Sign,
    Sustained, TERMS_DATE,
};
pub use currency::{Currency, UnknownCurrency};
pub use decision::{
    Away, Branch, ConditionResult, ContractName, Decision, Gap, GroupDecision, LineDecision, Named,
    Nearby, NearbyPayment, Operation, PayerDecision, Step, StepResult, Subject, Threshold,
};
pub use explain::{Language, explain};
pub use fraction::{Fraction, FractionError};
pub use input::{Input, InputKind, Inputs, Undecided};
pub use money::{Money, MoneyError};
pub use problem::{ContractErrors, Problem, ProblemKind};
pub use rounding::RoundingMode;
pub use share::share_out;
pub use sweep::{SweepError, SweepPoint};
