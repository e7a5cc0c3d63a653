//! The question an estimate answers.

use serde::{Deserialize, Serialize};

/// Over whom an effect is averaged.
///
/// An estimator never chooses this by itself: the plan asks for one, and the result names the one
/// that was in fact estimated. Dropping treated units turns [`Estimand::Att`] into
/// [`Estimand::MatchedTreated`], and a contract says which it accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Estimand {
    /// Average effect over everyone.
    Ate,
    /// Average effect over the treated.
    Att,
    /// Average effect over the comparators.
    Atc,
    /// Average effect over those treated units that found a comparator.
    MatchedTreated,
    /// Average effect over those comparators that found a treated unit.
    MatchedComparators,
    /// Average effect over everyone in a stratum that holds both arms.
    MatchedUnits,
    /// Average effect over those who may well have been in either arm: each counts as much as the
    /// product of the probabilities of the arms.
    Overlap,
    /// The same with the smaller of the two probabilities, as pair matching would leave.
    EvenlyMatchable,
    /// The same with the entropy of the two probabilities.
    EntropyOverlap,
    /// Average effect over those whose treatment an instrument moves (LATE).
    Compliers,
    /// Effect on those at the cutoff of a score that decides on treatment.
    AtCutoff,
}

impl std::fmt::Display for Estimand {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Ate => "ate",
            Self::Att => "att",
            Self::Atc => "atc",
            Self::MatchedTreated => "matched-treated",
            Self::MatchedComparators => "matched-comparators",
            Self::MatchedUnits => "matched-units",
            Self::Overlap => "overlap",
            Self::EvenlyMatchable => "evenly-matchable",
            Self::EntropyOverlap => "entropy-overlap",
            Self::Compliers => "compliers",
            Self::AtCutoff => "at-cutoff",
        })
    }
}
