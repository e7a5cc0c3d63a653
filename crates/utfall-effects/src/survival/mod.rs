//! Time to an event: survival curves, tests of their equality, proportional hazards, competing risks,
//! several events of a person, and accelerated failure times.

mod accelerated;
mod ascent;
mod competing;
mod concordance;
mod cox;
mod curve;
mod likelihood;
mod log_rank;
mod recurrent;
mod risk;
mod subdistribution;

pub use accelerated::{AcceleratedFit, Lifetime, fit_accelerated};
pub use competing::{Endings, GrayTest, Incidence, aalen_johansen, gray_test};
pub use cox::{CoxFit, ProportionalTest, Ties, TimeScale, fit_cox};
pub use curve::{Curve, CurveInterval, kaplan_meier};
pub use log_rank::{LogRank, log_rank};
pub use recurrent::mean_cumulative_error;
pub use risk::{Durations, check_durations};
pub use subdistribution::{CensoringTies, SubdistributionFit, fit_subdistribution};
