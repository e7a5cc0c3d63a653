//! Time to an event: survival curves, tests of their equality, and proportional hazards.

mod concordance;
mod cox;
mod curve;
mod likelihood;
mod log_rank;
mod risk;

pub use cox::{CoxFit, ProportionalTest, Ties, TimeScale, fit_cox};
pub use curve::{Curve, CurveInterval, kaplan_meier};
pub use log_rank::{LogRank, log_rank};
pub use risk::{Durations, check_durations};
