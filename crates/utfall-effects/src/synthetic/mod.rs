//! A comparison built from several units: synthetic control, augmented by a ridge, and synthetic
//! difference-in-differences.

mod estimate;
mod simplex;

pub use estimate::{
    Augmented, Block, Method, Predictors, Synthetic, augmented, jackknife, placebos, synthetic,
};
pub use simplex::{Weights, nearest_in_hull};
