//! Comparators for treated units: propensity score, matching by pairs and by strata, [`weighting`],
//! balance; and [`design`], by which a method is chosen by name.
//!
//! Everything here takes slices and small matrices, one value for each unit, and knows no table,
//! file, clock or outcome. Units are named by their index; give them in the order of their ids and
//! the lowest index is the lowest id, whatever order the rows of a file had.
//!
//! | method | makes | answers for |
//! | --- | --- | --- |
//! | [`nearest`], [`nearest_on_covariates`] | greedy sets on a score or on covariates | att, atc |
//! | [`optimal`] | pairs and `k : 1` sets of least total distance | att, atc |
//! | [`full`] | everyone in sets of least total distance | att, atc, ate |
//! | [`stratified`], [`coarsened`], [`subclassified`] | whole strata: exact, coarsened, of a score | att, atc, ate |
//! | [`risk_sets`], [`risk_sets_of_entries`] | sets on each index date, of those not yet treated | att |
//! | [`weighting`] | a weight for each unit | see there |
//!
//! [`design`] reaches each by the names of covariates, as plans and requests write it.
//! [`broken_promise`] checks what any of them results in.
//!
//! ```
//! use utfall_matching::{BalanceGate, SmdDenominator, balance, nearest, propensity, NearestSpec};
//! use utfall_stats::Matrix;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let age = vec![30.0, 41.0, 29.0, 40.0, 55.0, 33.0];
//! let treated = [true, true, false, false, false, false];
//! let covariates = Matrix::from_columns(vec![age])?;
//!
//! let scores = propensity(&covariates, &treated)?;
//! let spec: NearestSpec = toml::from_str(
//!     r#"
//!     ratio = 1
//!     caliper = { width = 0.8, scale = "sd-of-distance" }
//!     reuse = "forbid"
//!     order = "largest"
//!     ties = "lowest-id"
//!     "#,
//! )?;
//! let matched = nearest(&spec, &scores.logit, &treated, None)?;
//! assert_eq!(matched.n_treated_matched(), 2);
//!
//! let balance = balance(&covariates, &treated, &matched.weights(), SmdDenominator::Treated)?;
//! let gate = BalanceGate::try_from(0.1)?;
//! println!("balanced: {}", gate.passes(&balance));
//! # Ok(())
//! # }
//! ```

mod assignment;
mod balance;
mod candidates;
mod choice;
mod coarsened;
mod comparison;
mod cost;
mod covariate_distance;
mod cover;
pub mod design;
mod ecdf;
mod equivalence;
mod error;
mod full;
mod greedy;
mod invariant;
mod line;
mod matched;
mod nearest;
mod nearest_on_covariates;
mod nearness;
mod optimal;
mod order;
mod overlap;
mod prognostic;
mod propensity;
mod quantile;
mod risk_set;
mod risk_set_entries;
mod spec;
mod stratified;
mod subclassification;
mod taken;
mod transport;
mod tree;
pub mod weighting;
mod within;

pub use balance::{
    BalanceGate, CovariateBalance, Imbalance, SmdDenominator, balance, balance_sampled,
};
pub use candidates::{Candidates, Discard, Part, common_support};
pub use coarsened::{Bins, coarsened};
pub use comparison::{Comparison, Sampled};
pub use covariate_distance::{CovariateDistance, coordinates};
pub use equivalence::{Equivalence, effect_size};
pub use error::MatchingError;
pub use full::{FullSpec, Omit, full};
pub use invariant::{broken_promise, broken_risk_set};
pub use matched::{Matched, Membership};
pub use nearest::nearest;
pub use nearest_on_covariates::nearest_on_covariates;
pub use nearness::Nearness;
pub use optimal::{OptimalSpec, optimal};
pub use overlap::{Overlap, overlap};
pub use prognostic::prognostic_score;
pub use propensity::{Propensity, propensity, propensity_with};
pub use risk_set::{
    LaterTreated, RiskSet, RiskSetReuse, RiskSetSpec, RiskSets, Timeline, risk_sets,
};
pub use risk_set_entries::{Entries, risk_sets_of_entries};
pub use spec::{Caliper, CaliperScale, NearestSpec, Order, Reuse, Ties, VariableRatio};
pub use stratified::{Stratified, stratified};
pub use subclassification::subclassified;
pub use utfall_stats::binary::Link;
pub use within::{Rule, Within};
