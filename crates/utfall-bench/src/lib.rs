//! What is measured rather than tested: agreement with reference software, coverage, speed.
//!
//! - `cases`: golden cases through the public request interface.
//! - `coverage`: how often each shipped design's interval holds the planted truth.
//! - `matching`: time and growth of propensity score and matching.

pub mod coverage;
