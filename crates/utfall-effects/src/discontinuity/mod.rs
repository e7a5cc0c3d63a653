//! Regression discontinuity: local polynomials on both sides of a cutoff.

mod bandwidth;
mod density;
mod local;
mod residuals;
mod side;

pub use bandwidth::{Bandwidths, Selector, select_bandwidths};
pub use density::{DensityOptions, DensitySelector, DensityTest, density_test};
pub use local::{Jump, JumpEstimate, estimate_jump};
pub use residuals::JumpError;
pub use side::{JumpData, JumpOptions, Kernel, MassPoints};
