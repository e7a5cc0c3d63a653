//! Why comparators could not be found.

use utfall_stats::logistic::LogisticError;

/// Why units could not be matched or compared.
///
/// Every message reads on from "cannot match:". No message shows a unit's data.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MatchingError {
    /// Two inputs that hold one value for each unit differ in length.
    #[error("{found} {what}, expected one for each of {expected} units")]
    LengthMismatch {
        /// What there is too much or too little of.
        what: &'static str,
        /// How many were given.
        found: usize,
        /// How many units there are.
        expected: usize,
    },
    /// A distance is NaN or infinite.
    #[error("the distance of unit {unit} is no finite number")]
    DistanceNotFinite {
        /// Index of the unit.
        unit: usize,
    },
    /// A covariate is NaN or infinite.
    #[error("covariate {column} of unit {unit} is no finite number")]
    CovariateNotFinite {
        /// Index of the unit.
        unit: usize,
        /// Column of the covariates.
        column: usize,
    },
    /// The outcome of a comparator is NaN or infinite.
    #[error("the outcome of unit {unit} is no finite number")]
    OutcomeNotFinite {
        /// Index of the unit.
        unit: usize,
    },
    /// A weight is NaN, infinite or negative.
    #[error("the weight of unit {unit} is not a finite number of zero or more")]
    Weight {
        /// Index of the unit.
        unit: usize,
    },
    /// Every weight of an arm is zero.
    #[error("no {arm} unit has a weight above zero")]
    NoWeight {
        /// The arm without weight.
        arm: utfall_core::Arm,
    },
    /// An arm is empty.
    #[error("{n_units} units, none of them {arm}")]
    EmptyArm {
        /// The arm that is empty.
        arm: utfall_core::Arm,
        /// Units in all.
        n_units: usize,
    },
    /// No stratum holds units of both arms.
    #[error("no exact stratum holds both treated and comparators, so nobody can be matched")]
    NoSharedStratum,
    /// The caliper leaves nobody with a comparator.
    #[error(
        "none of {n_treated} units that seek has one of the other arm within the caliper of {width} on the scale of the distance"
    )]
    NobodyWithinCaliper {
        /// Treated units.
        n_treated: usize,
        /// The caliper, in units of the distance.
        width: f64,
    },
    /// Rules leave nobody with a partner.
    #[error(
        "none of {n_treated} units that seek has one of the other arm that the calipers and rules allow"
    )]
    NobodyAllowed {
        /// Units that seek.
        n_treated: usize,
    },
    /// A mean ratio that its own limits do not hold.
    #[error(
        "a ratio of {ratio}, expected one between {fewest} and {most}, the limits of a variable ratio"
    )]
    RatioOutside {
        /// The mean ratio.
        ratio: u32,
        /// The fewest.
        fewest: u32,
        /// The most.
        most: u32,
    },
    /// Nobody is at risk when treatment starts.
    #[error(
        "none of {n_treated} treated persons finds anybody under observation, not yet treated and near enough on its index date"
    )]
    NobodyAtRisk {
        /// Treated persons.
        n_treated: usize,
    },
    /// A person enters twice on one day, or is treated twice.
    #[error("unit {unit} is of a person who already enters on that day or is treated already")]
    EntersTwice {
        /// Index of the second row.
        unit: usize,
    },
    /// Risk sets of units that each enter once.
    #[error("risk sets are of persons who enter on several days, and these enter on one")]
    NoEntries,
    /// Limits of sets that no sets can keep.
    #[error(
        "the limits contradict each other: a set of several comparators has one treated unit, and its fewest are no more than its most"
    )]
    LimitsContradict,
    /// Limits of sets that these units cannot keep.
    #[error(
        "{n_short} units cannot be placed within the limits of a set: widen the limits or the caliper, or let comparators be left out"
    )]
    LimitsUnmet {
        /// Units, or further partners of units, that find no place.
        n_short: usize,
    },
    /// More pairs than can be held.
    #[error(
        "{n_pairs} pairs in one stratum, at most {most} can be looked at: divide by exact strata"
    )]
    TooManyPairs {
        /// Pairs of the stratum.
        n_pairs: usize,
        /// The most there may be.
        most: usize,
    },
    /// A value of a caliper's covariate is NaN or infinite.
    #[error("unit {unit} has no finite value of a covariate with a caliper")]
    CaliperNotFinite {
        /// Index of the unit.
        unit: usize,
    },
    /// More units than can be indexed.
    #[error("{n_units} units, at most {} can be matched at once", u32::MAX - 2)]
    TooManyUnits {
        /// Units given.
        n_units: usize,
    },
    /// A covariate is constant within the arms, or follows from those before it, so that it has no
    /// scale of its own.
    #[error("covariate {column} is constant within the arms or follows from those before it")]
    NoSpread {
        /// Column of the covariates.
        column: usize,
    },
    /// A question that whole strata cannot answer.
    #[error("strata answer for the att, the atc or the ate, not for `{question}`")]
    NoSuchQuestion {
        /// The question.
        question: utfall_core::Estimand,
    },
    /// A cut point is NaN or infinite, or the range of a covariate is.
    #[error("a cut point of covariate {column} is no finite number")]
    CutPointNotFinite {
        /// Column of the covariates.
        column: usize,
    },
    /// There are no covariates to compare units on.
    #[error("no covariates to compare units on")]
    NoCovariates,
    /// A choice that needs a score beside the covariates.
    #[error("{what} needs a score, and units are compared on covariates alone")]
    NeedsScore {
        /// The choice.
        what: &'static str,
    },
    /// The propensity score could not be estimated.
    #[error("no propensity score: {0}")]
    Propensity(#[from] LogisticError),
}

impl MatchingError {
    /// The same error among more units: unit `i` here is unit `units[i]` there.
    pub(crate) fn among(mut self, units: &[usize]) -> Self {
        if let Self::DistanceNotFinite { unit }
        | Self::CovariateNotFinite { unit, .. }
        | Self::Weight { unit }
        | Self::CaliperNotFinite { unit } = &mut self
        {
            *unit = units.get(*unit).copied().unwrap_or(*unit);
        }
        self
    }
}

/// Refuses an input that does not hold one value for each unit.
pub(crate) fn check_length(
    what: &'static str,
    found: usize,
    expected: usize,
) -> Result<(), MatchingError> {
    if found == expected {
        Ok(())
    } else {
        Err(MatchingError::LengthMismatch {
            what,
            found,
            expected,
        })
    }
}

/// Refuses an empty arm.
pub(crate) fn check_arms(treated: &[bool]) -> Result<(), MatchingError> {
    use utfall_core::Arm;
    let n_units = treated.len();
    for (arm, is_treated) in [(Arm::Treated, true), (Arm::Comparator, false)] {
        if !treated.contains(&is_treated) {
            return Err(MatchingError::EmptyArm { arm, n_units });
        }
    }
    Ok(())
}
