//! Uncertainty by drawing: what every bootstrap and every randomisation test here shares.
//!
//! Each replicate has a stream of its own, named by seed, step and its number, so the draws do not
//! depend on how many threads work or on which replicate is done first.

mod bands;
mod multiplier;
mod multiplier_bootstrap;
mod quantile;

pub use bands::{Replicates, Spread};
pub use multiplier::Multiplier;
pub use multiplier_bootstrap::{Draws, multiplier_bootstrap};
