//! A delivery: a file of an extract, as of a day.

use std::fmt;
use std::path::PathBuf;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// A file of an extract as it was on a day.
///
/// Files of the same vintage and status are parts of one delivery. A row of a later delivery
/// supersedes earlier rows of its key; on the same day a final delivery is later than a
/// preliminary one. A full delivery deletes earlier rows whose key it does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Delivery {
    /// Where the file is; or the URL of a database, `postgresql://…` or `sqlite:FILE`.
    pub path: PathBuf,
    /// The day the register was as the file says.
    pub vintage: NaiveDate,
    /// Whether it may still be revised.
    pub status: DeliveryStatus,
    /// What it says about rows that it does not hold.
    #[serde(default)]
    pub scope: DeliveryScope,
}

/// What a delivery says about rows that it does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeliveryScope {
    /// Nothing: it adds rows and revises others.
    #[default]
    Changes,
    /// That they are deleted: it is the register as it was, and replaces all before it.
    Full,
}

/// Whether a delivery may still be revised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeliveryStatus {
    /// It may.
    Preliminary,
    /// It may not.
    Final,
}

impl fmt::Display for DeliveryStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Preliminary => "preliminary",
            Self::Final => "final",
        })
    }
}
