//! Who may be matched with whom, whatever the distance.

use crate::MatchingError;
use crate::error::check_length;

/// Strata and rules that two units must satisfy to be matched.
///
/// Anything that takes it also takes plain strata: `None`, or one number for each unit.
///
/// ```
/// use utfall_matching::{NearestSpec, Rule, Within, nearest};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let spec: NearestSpec = toml::from_str(
///     "ratio = 1\nreuse = \"forbid\"\norder = \"largest\"\nties = \"lowest-id\"",
/// )?;
/// let score = [0.50, 0.52, 0.60];
/// let treated = [true, false, false];
/// let rules = [Rule::Near { values: vec![30.0, 60.0, 33.0], width: 5.0 }];
/// let within = Within { strata: None, rules: &rules };
/// let matched = nearest(&spec, &score, &treated, within)?;
/// assert_eq!(matched.pairs().collect::<Vec<_>>(), [(0, 2)]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct Within<'a> {
    /// Only units with equal values are matched.
    pub strata: Option<&'a [u32]>,
    /// Only units that every rule allows are matched.
    pub rules: &'a [Rule],
}

/// What two units must satisfy on one covariate; `values` has one for each unit.
#[derive(Debug, Clone, PartialEq)]
pub enum Rule {
    /// They differ by no more than `width`: a caliper on a covariate.
    Near {
        /// The covariate.
        values: Vec<f64>,
        /// The largest difference, itself within.
        width: f64,
    },
    /// They differ by more than `width`.
    Apart {
        /// The covariate.
        values: Vec<f64>,
        /// The difference that is too small, itself among them.
        width: f64,
    },
    /// They are not of one group: anti-exact matching.
    Unlike {
        /// The group of each unit.
        groups: Vec<u32>,
    },
}

impl<'a> From<Option<&'a [u32]>> for Within<'a> {
    fn from(strata: Option<&'a [u32]>) -> Self {
        Self { strata, rules: &[] }
    }
}

impl Within<'_> {
    /// The stratum of a unit.
    pub(crate) fn stratum(&self, unit: usize) -> u32 {
        self.strata.map_or(0, |strata| strata[unit])
    }

    /// Whether every rule allows two units of one stratum to be matched.
    pub(crate) fn allows(&self, a: usize, b: usize) -> bool {
        self.rules.iter().all(|rule| rule.allows(a, b))
    }

    /// Refuses what does not hold one value for each unit.
    pub(crate) fn check(&self, n_units: usize) -> Result<(), MatchingError> {
        check_length("strata", self.strata.map_or(n_units, <[u32]>::len), n_units)?;
        self.rules.iter().try_for_each(|rule| rule.check(n_units))
    }
}

impl Rule {
    fn allows(&self, a: usize, b: usize) -> bool {
        match self {
            Self::Near { values, width } => (values[a] - values[b]).abs() <= *width,
            Self::Apart { values, width } => (values[a] - values[b]).abs() > *width,
            Self::Unlike { groups } => groups[a] != groups[b],
        }
    }

    /// The rule for some of the units.
    #[must_use]
    pub fn of(&self, units: &[usize]) -> Self {
        match self {
            Self::Near { values, width } => Self::Near {
                values: units.iter().map(|&unit| values[unit]).collect(),
                width: *width,
            },
            Self::Apart { values, width } => Self::Apart {
                values: units.iter().map(|&unit| values[unit]).collect(),
                width: *width,
            },
            Self::Unlike { groups } => Self::Unlike {
                groups: units.iter().map(|&unit| groups[unit]).collect(),
            },
        }
    }

    fn check(&self, n_units: usize) -> Result<(), MatchingError> {
        let (what, found) = match self {
            Self::Near { values, .. } | Self::Apart { values, .. } => {
                ("values of a caliper's covariate", values.len())
            }
            Self::Unlike { groups } => ("groups to be unlike in", groups.len()),
        };
        check_length(what, found, n_units)?;
        if let Self::Near { values, .. } | Self::Apart { values, .. } = self
            && let Some(unit) = values.iter().position(|value| !value.is_finite())
        {
            return Err(MatchingError::CaliperNotFinite { unit });
        }
        Ok(())
    }
}
