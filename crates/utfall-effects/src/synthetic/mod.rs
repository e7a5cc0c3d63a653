//! A comparison built from several units: synthetic control, augmented by a ridge, and synthetic
//! difference-in-differences, where treatment begins at one time or at several; with placebos,
//! resampling, units left out and conformal intervals.

mod conformal;
mod estimate;
mod resampled;
mod simplex;
mod staggered;

pub use conformal::{ConformalGrid, ConformalTime, conformal, joint_p_value};
pub use estimate::{
    Augmented, Block, Method, Predictors, Synthetic, augmented, jackknife, leave_donors_out,
    placebos, synthetic,
};
pub use resampled::{SyntheticDraws, resampled};
pub use simplex::{Weights, nearest_in_hull};
pub use staggered::{Adoption, AdoptionCohort, StaggeredSynthetic, staggered, staggered_jackknife};
