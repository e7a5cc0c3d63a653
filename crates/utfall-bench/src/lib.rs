//! What is measured rather than tested: agreement with reference software, coverage, speed.
//!
//! - `cases`: golden cases through the public request interface.
//! - `coverage`: how often each shipped design's interval holds the planted truth.
//! - `faults`: faults planted in clean extracts, and whether each is found at its place.
//! - `studies`: bias, coverage and size of every estimator, where it is meant to be used and where it fails.
//! - `speed`: time and growth of matching, and of ingestion beside Polars alone.
//! - `speed_disclosure`: time and growth of tables protected and attacked.

pub mod coverage;
pub mod faults;
pub mod matching_speed;
pub mod studies;
