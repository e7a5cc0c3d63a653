//! What is left of an event study when trends need not be parallel: bounds on how far they may differ,
//! and what a test of the times before could have seen.

mod event_study;
mod pretest;
mod relative;
mod smoothness;

pub use event_study::EventStudy;
pub use pretest::Pretest;
pub use relative::{LeastFavourable, relative_interval, relative_set};
pub use smoothness::{smoothness_interval, smoothness_set};
