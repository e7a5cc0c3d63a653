//! The cohort as the plan states it.

use serde::{Deserialize, Serialize};
use utfall_core::Window;
use utfall_registry::Filter;

/// Who enters the comparison, who is treated, and what both are compared on.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CohortSpec {
    /// Who counts as treated.
    pub treatment: Treatment,
    /// Rules a unit must meet, in the order of the funnel.
    #[serde(default)]
    pub eligibility: Vec<EligibilityRule>,
    /// What treated and comparators are compared on, all known at the index date.
    pub covariate: Vec<CovariateSpec>,
    /// Attributes on which a comparator must be the same as the treated unit.
    #[serde(default)]
    pub exact: Vec<ExactSpec>,
}

/// Who counts as treated. Referral is enough (intention to treat): engagement plays no part.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(
    tag = "kind",
    deny_unknown_fields,
    rename_all = "kebab-case",
    rename_all_fields = "kebab-case"
)]
pub enum Treatment {
    /// Units with a record in a window that ends at or before the index date.
    Referral {
        /// Extract holding the referrals.
        extract: String,
        /// Its column with the member's id.
        member: String,
        /// Its column with the date of referral.
        time: String,
        /// When a referral counts.
        window: Window,
        /// Which referrals count.
        #[serde(default)]
        r#where: Vec<Filter>,
    },
    /// A programme that does nothing, given to one unit in `one-in` by a hash of the salt and the
    /// unit's id. It tests a plan on real records: such a programme must be estimated near zero.
    Placebo {
        /// Text hashed before each unit's id.
        salt: String,
        /// One unit in this many is called treated.
        one_in: u32,
    },
}

/// One rule of the funnel.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct EligibilityRule {
    /// The rule in words, as the funnel shows it.
    pub rule: String,
    /// What is checked.
    pub require: EligibilityKind,
}

/// What a rule of the funnel checks.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(
    tag = "kind",
    deny_unknown_fields,
    rename_all = "kebab-case",
    rename_all_fields = "kebab-case"
)]
pub enum EligibilityKind {
    /// A number or date lies in `[from, below)`; a missing value fails.
    Between {
        /// Extract holding the column.
        extract: String,
        /// Its column with the member's id.
        member: String,
        /// The column compared.
        column: String,
        /// Lowest value allowed, such as `2007-01-01` or `12.5`.
        from: Option<String>,
        /// First value no longer allowed.
        below: Option<String>,
    },
    /// A code is one of those listed; a missing code fails.
    Among {
        /// Extract holding the column.
        extract: String,
        /// Its column with the member's id.
        member: String,
        /// The column compared.
        column: String,
        /// Codes allowed.
        codes: Vec<String>,
    },
    /// An episode covers the index date: enrolled, resident, in care.
    Covered {
        /// Extract holding the episodes.
        extract: String,
        /// Its column with the member's id.
        member: String,
        /// First day of the episode.
        start: String,
        /// First day after the episode; empty while it is open.
        stop: String,
    },
    /// Something had not happened by the index date: not dead, not moved away.
    NotYet {
        /// Extract holding the column.
        extract: String,
        /// Its column with the member's id.
        member: String,
        /// The date of the event.
        column: String,
    },
    /// No event in a washout window: the measure's numerator is zero.
    Free {
        /// The measure.
        measure: String,
        /// The washout window.
        window: Window,
    },
    /// A measured rate of at least this much. What could not be measured fails.
    AtLeast {
        /// The measure.
        measure: String,
        /// The window it is measured in.
        window: Window,
        /// Smallest rate allowed, in the measure's unit.
        minimum: f64,
    },
    /// Something was there to measure: the denominator is above zero.
    Observed {
        /// The measure.
        measure: String,
        /// The window it is measured in.
        window: Window,
    },
}

/// One covariate.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CovariateSpec {
    /// Its name in the balance table.
    pub name: String,
    /// Where it comes from.
    pub from: CovariateKind,
}

/// Where a covariate comes from.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(
    tag = "kind",
    deny_unknown_fields,
    rename_all = "kebab-case",
    rename_all_fields = "kebab-case"
)]
pub enum CovariateKind {
    /// A measure over a window that ends at or before the index date.
    Measure {
        /// The measure.
        measure: String,
        /// The baseline window.
        window: Window,
    },
    /// A whole or decimal number.
    Number {
        /// Extract holding the column.
        extract: String,
        /// Its column with the member's id.
        member: String,
        /// The column.
        column: String,
    },
    /// One where a code has a value, zero where it has another.
    Indicator {
        /// Extract holding the column.
        extract: String,
        /// Its column with the member's id.
        member: String,
        /// The column.
        column: String,
        /// The code that counts as one.
        code: String,
    },
    /// The calendar year of a date; school cohorts are born in one.
    BirthYear {
        /// Extract holding the column.
        extract: String,
        /// Its column with the member's id.
        member: String,
        /// The date of birth.
        column: String,
    },
}

/// An attribute matched exactly.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ExactSpec {
    /// Extract holding the column.
    pub extract: String,
    /// Its column with the member's id.
    pub member: String,
    /// The column.
    pub column: String,
}
