//! Why an effect could not be estimated.

use utfall_core::{Arm, Estimand};

use crate::{DegreesOfFreedom, StandardError};

/// Why an effect could not be estimated.
///
/// Every message reads on from "cannot estimate the effect:". Rows are counted from 0 in the
/// slices that were given.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EffectError {
    /// A model is sure of a row's treatment, so that its weight has no bound.
    #[error(
        "row {row} has a propensity score of 0 or 1: clip scores, grow larger leaves, or leave out whom no one is like"
    )]
    ScoreAtEdge {
        /// The row.
        row: usize,
    },

    /// Two slices that describe the same rows differ in length.
    #[error("{found} values of {what} for {expected} rows")]
    LengthMismatch {
        /// The slice that differs.
        what: &'static str,
        /// Its length.
        found: usize,
        /// The number of rows.
        expected: usize,
    },

    /// A value is NaN or infinite.
    #[error("the {what} in row {row} is {value}, expected a finite number")]
    NotFinite {
        /// The slice that holds it.
        what: &'static str,
        /// The row that holds it.
        row: usize,
        /// The value, which is NaN or infinite.
        value: f64,
    },

    /// A number that describes the question is not one that it can be.
    #[error("the {what} is {value}, outside its range")]
    OutsideRange {
        /// What it is.
        what: &'static str,
        /// The number.
        value: f64,
    },

    /// Squares of the values leave the range of a double.
    #[error("the {what} is too large to be squared: choose a larger unit")]
    OutOfRange {
        /// The slice that holds it.
        what: &'static str,
    },

    /// A weight is below zero, or zero where every row must count.
    #[error(
        "the weight in row {row} is {value}, expected a number above zero (zero leaves out an unmatched row)"
    )]
    WeightNotPositive {
        /// The row that holds it.
        row: usize,
        /// The weight.
        value: f64,
    },

    /// An arm has too few rows with a weight above zero.
    #[error("{n_rows} {arm} rows with a weight above zero, expected at least 2")]
    TooFewInArm {
        /// The arm.
        arm: Arm,
        /// Rows with a weight above zero in it.
        n_rows: usize,
    },

    /// No residual degrees of freedom.
    #[error("{n_rows} rows for {n_columns} coefficients, expected more rows than coefficients")]
    TooFewRows {
        /// Rows with a weight above zero.
        n_rows: usize,
        /// Columns of the design.
        n_columns: usize,
    },

    /// A column of a regression, or a covariate, is a combination of those before it.
    #[error("column {column} is a linear combination of the columns before it: leave it out")]
    RankDeficient {
        /// The column or covariate, counted from 0 in those given.
        column: usize,
    },

    /// The outcome does not vary, so its error cannot be estimated.
    #[error(
        "the outcome does not vary within the arms, or its difference does not vary between the clusters: no error can be estimated from it"
    )]
    NoVariation,

    /// A row's outcome is fitted exactly whatever it is.
    #[error("row {row} alone decides a coefficient (leverage 1), where {kind} is not defined")]
    FullLeverage {
        /// The first such row.
        row: usize,
        /// The standard error asked for.
        kind: StandardError,
    },

    /// A cluster-robust error was asked for and no clusters were given.
    #[error("{kind} needs the cluster of each row, and none was given")]
    ClustersMissing {
        /// The standard error asked for.
        kind: StandardError,
    },

    /// All rows are in one cluster.
    #[error("{n_clusters} cluster, expected at least 2")]
    TooFewClusters {
        /// Clusters with a weight above zero.
        n_clusters: usize,
    },

    /// Cross-fitting needs folds to fit on.
    #[error("{n_folds} fold, expected at least 2")]
    TooFewFolds {
        /// Folds given.
        n_folds: usize,
    },

    /// Not more clusters than coefficients, where the difference divides.
    #[error("{n_clusters} clusters for {n_columns} coefficients, expected more clusters (or cr1)")]
    ClustersForColumns {
        /// Clusters with a weight above zero.
        n_clusters: usize,
        /// Columns of the design.
        n_columns: usize,
    },

    /// All rows of an arm are in one cluster, so how clusters of that arm differ is unknown.
    #[error("every {arm} row is in the same cluster, expected at least 2 clusters in each arm")]
    OneClusterInArm {
        /// The arm.
        arm: Arm,
    },

    /// The standard error is not defined for this many ways of clustering.
    #[error(
        "{kind} with {n_ways}-way clusters, expected one way (two for cr0, cr1, cr1-p and cr1-stata)"
    )]
    TooManyClusterings {
        /// The standard error asked for.
        kind: StandardError,
        /// Ways of clustering given.
        n_ways: usize,
    },

    /// Two-way clusters can give a variance that is not above zero.
    #[error(
        "the two-way clustered variance is not above zero: use the larger of the two one-way errors"
    )]
    VarianceNotPositive,

    /// The standard error is not defined for this estimator.
    #[error("{kind} is not defined for this estimator")]
    KindUndefined {
        /// The standard error asked for.
        kind: StandardError,
    },

    /// A block or pair lacks an arm.
    #[error("the block of row {row} has no {arm} row: leave the block out")]
    BlockWithoutArm {
        /// The first row of the block.
        row: usize,
        /// The arm it lacks.
        arm: Arm,
    },

    /// A pair is not one treated and one comparator row.
    #[error("the pair of row {row} holds {n_rows} rows, expected one treated and one comparator")]
    NotAPair {
        /// The first row of the pair.
        row: usize,
        /// Rows in it.
        n_rows: usize,
    },

    /// Too few pairs.
    #[error("{n_pairs} matched pairs, expected at least 2")]
    TooFewPairs {
        /// Pairs given.
        n_pairs: usize,
    },

    /// A cluster holds rows of both arms, or of two blocks, though clusters were assigned whole.
    #[error("the cluster of row {row} holds rows of both arms or of two blocks")]
    ClusterDivided {
        /// The first row that differs from its cluster.
        row: usize,
    },

    /// A unit has no match.
    #[error("the unit of row {row} has no match: widen the caliper or leave an exact column out")]
    NoMatch {
        /// The row of the unit.
        row: usize,
    },

    /// More draws than can be enumerated.
    #[error("{found} {what} to enumerate, at most {most}: draw some at random instead")]
    TooManyDraws {
        /// What is enumerated.
        what: &'static str,
        /// How many there are, or a part of them.
        found: usize,
        /// How many can be enumerated.
        most: usize,
    },

    /// A statistic is not finite in a replicate.
    #[error(
        "replicate {replicate} has no statistic: {n_without} of {n_replicates} replicates have none"
    )]
    ReplicateUndefined {
        /// The first such replicate, counted from 0.
        replicate: usize,
        /// Replicates without a statistic.
        n_without: usize,
        /// Replicates.
        n_replicates: usize,
    },

    /// A question this estimator has no answer to.
    #[error("this estimator does not answer for the {estimand}")]
    EstimandUndefined {
        /// The estimand asked for.
        estimand: Estimand,
    },

    /// An outcome that the family does not allow.
    #[error("the outcome in row {row} is not one that the family allows ({expected})")]
    OutcomeOutsideFamily {
        /// The row.
        row: usize,
        /// What the family allows.
        expected: &'static str,
    },

    /// An exposure that is zero or below, so that it has no logarithm.
    #[error("the exposure in row {row} is not above zero: leave the row out")]
    ExposureNotPositive {
        /// The row.
        row: usize,
    },

    /// The likelihood has no maximum.
    #[error(
        "the columns separate the outcomes: the coefficient of column {column} grows without bound"
    )]
    Separated {
        /// The column whose part of the predictor grows most.
        column: usize,
    },

    /// Counts do not vary more than Poisson's.
    #[error(
        "the counts vary no more than Poisson's, so there is no dispersion to estimate: use poisson"
    )]
    NotOverdispersed,

    /// The steps did not settle.
    #[error("no convergence after {n_iterations} steps")]
    NotConverged {
        /// Steps taken.
        n_iterations: u32,
    },

    /// Fewer instruments than columns they stand for.
    #[error("{n_instruments} instruments for {n_endogenous} endogenous columns, expected as many")]
    TooFewInstruments {
        /// Instruments given.
        n_instruments: usize,
        /// Columns they stand for.
        n_endogenous: usize,
    },

    /// A distribution that has no meaning for the dependence between rows.
    #[error(
        "these degrees of freedom need clusters or times, and satterthwaite a cr2 or cr3 error"
    )]
    DistributionUndefined,

    /// All outcomes of a group are zero, so its fixed effect has no bound.
    #[error("every outcome in the fixed-effects group of row {row} is zero: leave the group out")]
    GroupWithoutEvents {
        /// The first such row.
        row: usize,
    },

    /// Rows of a unit say different things about when it starts treatment.
    #[error(
        "row {row} says otherwise than its unit's rows before it when treatment starts: treatment may not switch off or start twice"
    )]
    StartVaries {
        /// The first row that differs.
        row: usize,
    },

    /// A unit is not there at every time.
    #[error(
        "the unit of row {row} lacks a time: leave such units out, or take rows as cross-sections"
    )]
    GapInPanel {
        /// The first row of the unit.
        row: usize,
    },

    /// Nobody serves as comparator.
    #[error(
        "every unit is treated in the end, so there is no never-treated comparator: compare with the not yet treated"
    )]
    NoComparators,

    /// No group starts after the first time.
    #[error(
        "no unit starts treatment after the first time, expected at least one group with a time before"
    )]
    NoGroups,

    /// The effect of a group at a time cannot be estimated.
    #[error("the effect on group {group} at time {time} cannot be estimated: {what}")]
    CellNotEstimable {
        /// When the group starts.
        group: f64,
        /// The time.
        time: f64,
        /// Why.
        what: &'static str,
    },

    /// A time that is negative, or not after the row's start.
    #[error(
        "the time in row {row} is negative, or not after the row's start: leave the row out or correct it"
    )]
    TimeNotPositive {
        /// The row.
        row: usize,
    },

    /// No row ends with the event.
    #[error("no row ends with the event, expected at least one")]
    NoEvents,

    /// A unit or time without an untreated row.
    #[error(
        "the unit or time of row {row} is never untreated, so what would have happened cannot be told: leave it out"
    )]
    NeverUntreated {
        /// The first row of it.
        row: usize,
    },

    /// Too few comparators to build a comparison from, or no treated unit.
    #[error("{n_donors} donors, expected at least 2 and a treated unit")]
    TooFewDonors {
        /// Donors given.
        n_donors: usize,
    },

    /// Two rows of one unit at one time.
    #[error("row {row} is the second of its unit and time: keep one row for each")]
    DuplicateInPanel {
        /// The second row.
        row: usize,
    },

    /// The degrees of freedom are not defined for this standard error.
    #[error("{degrees_of_freedom} degrees of freedom are not defined for {kind} here")]
    DegreesUndefined {
        /// The degrees of freedom asked for.
        degrees_of_freedom: DegreesOfFreedom,
        /// The standard error asked for.
        kind: StandardError,
    },
}

impl EffectError {
    /// The row the error is about, counted from 0 in the slices that were given.
    #[must_use]
    pub fn row(&self) -> Option<usize> {
        match self {
            Self::NotFinite { row, .. }
            | Self::WeightNotPositive { row, .. }
            | Self::BlockWithoutArm { row, .. }
            | Self::NotAPair { row, .. }
            | Self::ClusterDivided { row }
            | Self::NoMatch { row }
            | Self::ExposureNotPositive { row }
            | Self::DuplicateInPanel { row }
            | Self::NeverUntreated { row }
            | Self::TimeNotPositive { row }
            | Self::StartVaries { row }
            | Self::GapInPanel { row }
            | Self::GroupWithoutEvents { row }
            | Self::ScoreAtEdge { row }
            | Self::OutcomeOutsideFamily { row, .. }
            | Self::FullLeverage { row, .. } => Some(*row),
            _ => None,
        }
    }
}
