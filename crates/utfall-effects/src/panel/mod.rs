//! Panels: fixed effects of any number, and errors for rows that are not independent.

mod absorb;
mod arranged;
mod bacon;
mod basis;
mod classic;
mod covariance;
mod elimination;
mod fixed_effects;
mod poisson;
mod spatial;
mod stacked;
mod switchers;
mod two_way_weights;
mod untreated;

pub use absorb::{FixedEffect, FixedEffects};
pub use bacon::{Comparison, bacon};
pub use classic::{ClassicFit, ClassicPanel, RandomEffects};
pub use covariance::{
    AbsorbedCount, ClusterCount, Covariance, Dependence, Distribution, SmallSample, Wald,
};
pub use fixed_effects::{AbsorbedFit, Design, JackknifeCentre, fit_absorbed};
pub use poisson::{PoissonFit, fit_absorbed_poisson, rows_without_events};
pub use spatial::{Distance, Places};
pub use stacked::{CleanControls, Stack, stack};
pub use switchers::{SwitcherCohorts, SwitcherEffect, Switchers, per_dose};
pub use two_way_weights::{TwoWayWeights, two_way_weights};
pub use untreated::{Imputed, Untreated, UntreatedModel};

pub(crate) use covariance::{quadratic, symmetric};
