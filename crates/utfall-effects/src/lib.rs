//! Intervention effects with honest uncertainty.
//!
//! Each estimator takes slices and returns an [`utfall_core::Estimate`], or says by name why there
//! is none. Every one of them is a contrast of a weighted regression: the regression gives each
//! row's influence on the point, and one engine turns influences into a standard error of the kind
//! that was asked for, with the degrees of freedom that were asked for. A likelihood, an instrument
//! and a doubly robust estimate are such contrasts too, with residuals of their own. Risk tables,
//! sensitivity to hidden bias, adjusted p-values and power are closed forms beside it. Nothing here
//! has a default, drops a row or a column by itself, or returns NaN.
//!
//! Nothing here knows a table, a file or a contract. Sums run in a fixed order over the rows as
//! given, so the number of threads changes no bit.

mod arms;
mod balanced;
mod bias_reduced;
mod blocked;
mod bounds;
mod cluster_trial;
mod confounding;
mod covariance;
mod design;
mod difference;
pub mod discontinuity;
mod doubly_robust;
mod doubly_robust_bootstrap;
mod e_value;
mod error;
mod evidence;
mod exchangeable;
mod generalised;
mod grouping;
mod inference;
mod instrument;
mod interacted;
mod jackknife;
mod learner;
mod matching_estimator;
mod money;
mod multiplicity;
mod negative_binomial;
mod orthogonal;
mod paired;
pub mod panel;
mod partially_linear;
mod power;
mod published;
mod quantile_regression;
mod random_intercept;
mod rank_sum;
mod rates;
mod regression;
mod resampling;
mod risk_table;
mod rosenbaum;
mod score_weighted;
pub mod series;
pub mod staggered;
mod standard_error;
pub mod survival;
mod symmetric;
pub mod synthetic;
mod targeted;
mod times;
pub mod trends;
mod two_part;

pub use balanced::{Balanced, TargetMeans, balanced_difference};
pub use blocked::blocked_difference;
pub use bounds::{LeeBounds, Trim, lee_bounds, manski_bounds, tipping_point};
pub use cluster_trial::{ClusterMeans, ClusterVariance, cluster_variance, compare_cluster_means};
pub use confounding::{Benchmark, Confounded, Oster};
pub use design::{Design, Precision, VarianceAdjustment};
pub use difference::{
    MatchedSample, adjusted_difference, matched_difference, matched_difference_in_differences,
    unadjusted_difference,
};
pub use doubly_robust::{
    DoublyRobust, EXTREME_SCORE, NuisanceFit, doubly_robust, n_extreme_scores,
};
pub use doubly_robust_bootstrap::{ResampledEstimates, doubly_robust_bootstrap};
pub use e_value::{EffectScale, e_value, e_value_of_interval, standardised_interval};
pub use error::EffectError;
pub use evidence::{
    ArmLoss, AttritionBoundary, Evidence, EvidenceDesign, EvidenceGrade, WwcRating, grade,
};
pub use exchangeable::{EstimatingEquations, exchangeable_equations};
pub use generalised::{
    Family, GeneralisedFit, Marginal, fit_generalised, fit_generalised_weighted,
};
pub use grouping::Grouping;
pub use inference::{DegreesOfFreedom, Inference, Inferred, infer};
pub use instrument::{AndersonRubin, TwoStage, Weak, two_stage};
pub use interacted::interacted_difference;
pub use learner::{Learner, Tuning};
pub use matching_estimator::{
    ConditionalVariance, MatchMetric, MatchingDesign, MatchingEstimate, matching_estimate,
};
pub use money::{
    ConfidenceSet, Cost, CostPerOutcome, MoneyEffect, MoneySpec, PayerShare, Saves, Worth,
    by_payer, cost_per_outcome, net_benefit, worth,
};
pub use multiplicity::{Adjustment, adjust_p_values};
pub use negative_binomial::{NegativeBinomialFit, negative_binomial};
pub use paired::{pair_differences, paired_cluster_difference, paired_difference};
pub use partially_linear::partially_linear;
pub use power::{ClusterDesign, PoweredTest};
pub use published::{Figure, Published, PublishedEffect, published_effect};
pub use quantile_regression::{QuantileFit, quantile_regression};
pub use random_intercept::{RandomIntercept, random_intercept};
pub use rank_sum::RankSum;
pub use rates::{Rate, RateRatio, RateTable, events_of};
pub use regression::{Contrast, WeightedRegression};
pub use resampling::{
    Assignments, BootstrapInterval, Bootstrapped, Draws, Multiplier, RandomisationTest, Randomised,
    RandomisedStatistic, Replicates, Resampled, Spread, StepDown, WildDraws, WildResiduals,
    WildTest, bootstrap, bootstrap_interval, multiplier_bootstrap, randomisation_test, step_down,
    wild_cluster_test,
};
pub use risk_table::{Exact, Ratio, RiskTable, Stratified, mantel_haenszel, p_of_chi_squared};
pub use rosenbaum::{RosenbaumBounds, SignedRank};
pub use score_weighted::{ScoreFit, score_weighted_difference};
pub use standard_error::StandardError;
pub use targeted::{Targeted, targeted};
pub use two_part::{Influenced, TwoPart, TwoPartMarginal, two_part};
