//! The cohort as the plan states it.

use serde::{Deserialize, Serialize};
use utfall_core::Window;
use utfall_registry::{Baseline, Filter, Value};

use crate::{CohortError, Entry, ExampleSpec};

/// Who enters the comparison, who is treated, and what both are compared on.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CohortSpec {
    /// Who counts as treated.
    pub treatment: Treatment,
    /// Further days than the index date on which units enter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<Entry>,
    /// Rules a unit must meet, in the order of the funnel.
    #[serde(default)]
    pub eligibility: Vec<EligibilityRule>,
    /// Rules that comparators alone must meet, after those: that they live where the programme is
    /// not offered, say. A treated unit is never judged by them.
    #[serde(default)]
    pub comparator: Vec<EligibilityRule>,
    /// Hand-made units with the verdict expected of them.
    #[serde(default)]
    pub example: Vec<ExampleSpec>,
    /// What treated and comparators are compared on, all known at the index date.
    pub covariate: Vec<CovariateSpec>,
    /// Attributes in words or codes, for designs that ask for units equal in them, or that cluster
    /// by them.
    #[serde(default)]
    pub attribute: Vec<AttributeSpec>,
}

impl CohortSpec {
    /// Whether a unit may enter on several days, as a comparator before it is treated.
    #[must_use]
    pub fn enters_again(&self) -> bool {
        matches!(
            self.entry,
            Some(Entry::Staggered { .. } | Entry::AtReferral { .. })
        )
    }

    /// Refuses an entry that the treatment cannot give a day.
    ///
    /// # Errors
    ///
    /// [`CohortError::NoReferral`] for entry at referral where treatment is none, or is one whose window
    /// does not end on the day of entry.
    pub fn check_entry(&self) -> Result<(), CohortError> {
        let ends_on_entry = match &self.treatment {
            Treatment::Referral { window, .. } => window.end.is_zero(),
            Treatment::Placebo { .. } => false,
        };
        match self.entry {
            Some(Entry::AtReferral { .. }) if !ends_on_entry => Err(CohortError::NoReferral),
            _ => Ok(()),
        }
    }

    /// Every column the cohort reads beside those of its measures, with its extract.
    #[must_use]
    pub fn columns(&self) -> Vec<(&str, &str)> {
        let attributes = self.attribute.iter();
        let mut columns: Vec<(&str, &str)> = attributes
            .flat_map(|attribute| attribute.from.columns())
            .collect();
        if let Treatment::Referral {
            extract,
            member,
            time,
            r#where,
            ..
        } = &self.treatment
        {
            let filters = r#where.iter().map(|filter| &filter.column);
            let names = [member, time].into_iter().chain(filters);
            columns.extend(names.map(|name| (extract.as_str(), name.as_str())));
        }
        for rule in self.rules() {
            match &rule.require {
                EligibilityKind::Between { attribute, .. }
                | EligibilityKind::Among { attribute, .. }
                | EligibilityKind::NotYet { attribute } => columns.extend(attribute.columns()),
                EligibilityKind::Covered {
                    extract,
                    member,
                    start,
                    stop,
                } => columns
                    .extend([member, start, stop].map(|name| (extract.as_str(), name.as_str()))),
                EligibilityKind::Free { .. }
                | EligibilityKind::AtLeast { .. }
                | EligibilityKind::Observed { .. } => {}
            }
        }
        for covariate in &self.covariate {
            match &covariate.from {
                CovariateKind::Measure { .. } => {}
                CovariateKind::Number { attribute }
                | CovariateKind::Indicator { attribute, .. }
                | CovariateKind::BirthYear { attribute } => columns.extend(attribute.columns()),
            }
        }
        columns
    }

    /// Every rule, of everyone and of comparators alone.
    fn rules(&self) -> impl Iterator<Item = &EligibilityRule> {
        self.eligibility.iter().chain(&self.comparator)
    }

    /// What every line of the funnel is called, in order.
    #[must_use]
    pub fn rule_names(&self) -> Vec<String> {
        let entry = self.entry.as_ref().map(Entry::rule).into_iter();
        let rules = self.rules().map(|rule| rule.rule.clone()).chain(entry);
        let covariates = self.covariate.iter().map(|one| known(&one.name));
        let attributes = self.attribute.iter().map(|one| known(&one.name));
        rules.chain(covariates).chain(attributes).collect()
    }

    /// Every measure the cohort uses, with the window it is measured in.
    #[must_use]
    pub fn measures(&self) -> Vec<(&str, &Window)> {
        let rules = self.rules().filter_map(|rule| match &rule.require {
            EligibilityKind::Free { measure, window }
            | EligibilityKind::AtLeast {
                measure, window, ..
            }
            | EligibilityKind::Observed { measure, window } => Some((measure.as_str(), window)),
            _ => None,
        });
        let covariates = self
            .covariate
            .iter()
            .filter_map(|covariate| match &covariate.from {
                CovariateKind::Measure { measure, window } => Some((measure.as_str(), window)),
                _ => None,
            });
        rules.chain(covariates).collect()
    }
}

/// The rule that a covariate or an attribute has a value.
pub(crate) fn known(name: &str) -> String {
    format!("{name} is known")
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
        /// The column compared.
        attribute: Attribute,
        /// Lowest value allowed, such as `2007-01-01` or `12.5`.
        from: Option<String>,
        /// First value no longer allowed.
        below: Option<String>,
    },
    /// A code is one of those listed; a missing code fails.
    Among {
        /// The column compared.
        attribute: Attribute,
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
        /// The date of the event.
        attribute: Attribute,
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
        /// The column.
        attribute: Attribute,
    },
    /// One where a code has a value, zero where it has another.
    Indicator {
        /// The column.
        attribute: Attribute,
        /// The code that counts as one.
        code: String,
    },
    /// The calendar year of a date; school cohorts are born in one.
    BirthYear {
        /// The date of birth.
        attribute: Attribute,
    },
}

/// An attribute that designs name.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AttributeSpec {
    /// The name designs use.
    pub name: String,
    /// Where it comes from.
    pub from: Attribute,
}

/// A column with one value for each unit.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Attribute {
    /// Extract holding the column.
    pub extract: String,
    /// Its column with the id of the unit or member.
    pub member: String,
    /// The column.
    pub column: String,
}

impl Attribute {
    /// The columns it reads, with their extract.
    fn columns(&self) -> [(&str, &str); 2] {
        [&self.member, &self.column].map(|name| (self.extract.as_str(), name.as_str()))
    }

    /// The value of each unit on the index date, in the order of the units.
    pub(crate) fn read(&self, baseline: &Baseline<'_>) -> Result<Vec<Option<Value>>, CohortError> {
        Ok(baseline.attribute(&self.extract, &self.member, &self.column)?)
    }

    /// The column is of another type than its use needs.
    pub(crate) fn wrong_type(&self, expected: &'static str) -> CohortError {
        CohortError::ColumnType {
            extract: self.extract.clone(),
            column: self.column.clone(),
            expected,
        }
    }
}
