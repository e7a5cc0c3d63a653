//! Why units could not be weighted.

use utfall_core::{Arm, Estimand};
use utfall_stats::logistic::LogisticError;

/// Why units could not be weighted.
///
/// Every message reads on from "cannot weigh:". No message shows a unit's data.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum WeightingError {
    /// Two inputs that should agree in number do not.
    #[error("{found} {what}, expected {expected}")]
    LengthMismatch {
        /// What there is too much or too little of.
        what: &'static str,
        /// How many were given.
        found: usize,
        /// How many were expected.
        expected: usize,
    },
    /// The method does not answer this question.
    #[error("{method} does not estimate the {estimand}")]
    Estimand {
        /// The method, with the option that rules the estimand out.
        method: &'static str,
        /// The question.
        estimand: Estimand,
    },
    /// An arm is empty.
    #[error("{n_units} units, none of them {arm}")]
    EmptyArm {
        /// The arm that is empty.
        arm: Arm,
        /// Units in all.
        n_units: usize,
    },
    /// A score is not strictly between 0 and 1.
    #[error("the score of unit {unit} is not between 0 and 1, both excluded")]
    Score {
        /// Index of the unit.
        unit: usize,
    },
    /// A weight that is given is not above zero.
    #[error("the design weight of unit {unit} is not a finite number above zero")]
    DesignWeight {
        /// Index of the unit.
        unit: usize,
    },
    /// Weights that the method has no use for.
    #[error("the method has no use for {what}")]
    GivenWeights {
        /// `base weights` or `sampling weights`.
        what: &'static str,
    },
    /// A covariate is NaN or infinite.
    #[error("covariate {column} of unit {unit} is no finite number")]
    CovariateNotFinite {
        /// Index of the unit.
        unit: usize,
        /// Column of the covariates.
        column: usize,
    },
    /// A total is NaN or infinite.
    #[error("the total of covariate {column} is no finite number")]
    TotalNotFinite {
        /// Column of the covariates.
        column: usize,
    },
    /// A covariate has one value only.
    #[error("covariate {column} is constant")]
    Constant {
        /// Column of the covariates.
        column: usize,
    },
    /// A covariate is a linear combination of others.
    #[error("{power} of covariate {column} is a linear combination of what is balanced before it{}", within(*.arm))]
    Collinear {
        /// Column of the covariates.
        column: usize,
        /// `the value`, `the square` or `the cube`.
        power: &'static str,
        /// The arm whose units make it one; `None` if all units do.
        arm: Option<Arm>,
    },
    /// No weights above zero reach the balance.
    #[error(
        "no weights above zero bring the {arm} units to the target: it lies outside what they span, or at its edge, most on covariate {column}"
    )]
    Infeasible {
        /// The arm that is weighted.
        arm: Arm,
        /// Column of the covariates whose coefficient, in standard deviations, grows most.
        column: usize,
    },
    /// No weights reach the totals.
    #[error(
        "no weights above zero meet the totals: they lie outside what the units span, or at its edge, most on covariate {column}"
    )]
    TotalsInfeasible {
        /// Column of the covariates whose coefficient, in standard deviations, grows most.
        column: usize,
    },
    /// Equations of likelihood and balance say the same.
    #[error(
        "the equations of balance follow from those of likelihood: ask for the just-identified score"
    )]
    RedundantEquations,
    /// The steps did not settle.
    #[error("no convergence after {n_iterations} steps")]
    NotConverged {
        /// Steps taken.
        n_iterations: u32,
    },
    /// The propensity score could not be estimated.
    #[error("no propensity score: {0}")]
    Propensity(#[from] LogisticError),
}

fn within(arm: Option<Arm>) -> String {
    arm.map_or(String::new(), |arm| format!(" among {arm} units"))
}
