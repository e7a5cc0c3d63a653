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
        "none of {n_treated} treated units has a comparator within the caliper of {width} on the scale of the distance"
    )]
    NobodyWithinCaliper {
        /// Treated units.
        n_treated: usize,
        /// The caliper, in units of the distance.
        width: f64,
    },
    /// More units than can be indexed.
    #[error("{n_units} units, at most {} can be matched at once", u32::MAX - 2)]
    TooManyUnits {
        /// Units given.
        n_units: usize,
    },
    /// The propensity score could not be estimated.
    #[error("no propensity score: {0}")]
    Propensity(#[from] LogisticError),
}
