//! Uncertainty by drawing: what every bootstrap and every randomisation test here shares.
//!
//! Each replicate has a stream of its own, named by seed, step and its number, so the draws do not
//! depend on how many threads work or on which replicate is done first.

mod assignment;
mod bands;
mod bootstrap;
mod interval;
mod multiplier;
mod multiplier_bootstrap;
pub(crate) mod quantile;
mod randomisation;
mod step_down;
mod two_point;
mod wild;

pub use assignment::{Assignments, Randomised};
pub use bands::{Replicates, Spread};
pub use bootstrap::{Bootstrapped, Resampled, bootstrap};
pub use interval::{BootstrapInterval, bootstrap_interval};
pub use multiplier::Multiplier;
pub use multiplier_bootstrap::{Draws, multiplier_bootstrap};
pub use randomisation::{RandomisationTest, RandomisedStatistic, randomisation_test};
pub use step_down::{StepDown, step_down};
pub use wild::{WildDraws, WildResiduals, WildTest, wild_cluster_test};
