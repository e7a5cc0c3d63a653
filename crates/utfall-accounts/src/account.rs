//! Accounts, and what is posted to them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An account of one contract.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Account {
    /// Money held for the contract.
    Held,
    /// What a payer has paid for outcomes.
    Payer(String),
    /// What a provider has received for its work.
    Provider(String),
    /// Capital of an investor that is not paid back.
    Capital(String),
    /// What an investor, or a party with a claim to what is left, has earned.
    Return(String),
    /// What a guarantor has made good.
    Guarantor(String),
}

/// An amount posted to an account, in minor units: above zero received, below zero given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Posting {
    /// The account.
    pub account: Account,
    /// The amount in minor units, as text so that no reader squeezes it through a float.
    #[serde(with = "whole_text")]
    pub minor_units: i128,
}

impl Account {
    /// The party whose account it is; none for money held.
    #[must_use]
    pub fn party(&self) -> Option<&str> {
        match self {
            Self::Held => None,
            Self::Payer(name)
            | Self::Provider(name)
            | Self::Capital(name)
            | Self::Return(name)
            | Self::Guarantor(name) => Some(name),
        }
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Held => f.write_str("held"),
            Self::Payer(name) => write!(f, "payer {name}"),
            Self::Provider(name) => write!(f, "provider {name}"),
            Self::Capital(name) => write!(f, "capital of {name}"),
            Self::Return(name) => write!(f, "return of {name}"),
            Self::Guarantor(name) => write!(f, "guarantor {name}"),
        }
    }
}

/// From one account to another; nothing if the amount is 0.
pub(crate) fn transfer(from: Account, to: Account, minor_units: i128) -> Vec<Posting> {
    if minor_units == 0 {
        return Vec::new();
    }
    let post = |account, minor_units| Posting {
        account,
        minor_units,
    };
    vec![post(from, -minor_units), post(to, minor_units)]
}

mod whole_text {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(value: &i128, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<i128, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse()
            .map_err(|_| D::Error::custom("expected a whole number of minor units as text"))
    }
}
