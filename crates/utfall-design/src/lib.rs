//! What a design and a contract will do, before any outcome is known.
//!
//! - [`operating_characteristics`]: how often a contract pays, and how much, by the true effect.
//! - [`whatif()`]: what a contract pays as one thing moves, the estimate's uncertainty over it.
//! - [`Assignment`]: placebo programmes among units that took part in none.
//! - [`CalibrationDocument`]: what a contract did over many of them.
//!
//! Rates of simulated programmes carry their Monte Carlo interval. Draws come from named streams, so
//! neither threads nor the number of draws before them move one. Nothing here knows a table.

mod assignment;
mod calibration;
mod characteristics;
mod document;
mod error;
mod histogram;
mod money;
mod noise;
mod payments;
mod rate;
mod spec;
mod whatif;

pub use assignment::{Assignment, Pool, PoolError};
pub use calibration::{
    CalibrationDocument, CalibrationSchema, CalibrationSource, EffectCalibration, Failure, Placebo,
};
pub use characteristics::operating_characteristics;
pub use document::{DesignDocument, DesignSchema, DesignedEffect, PayingPoint, PowerPoint, Role};
pub use error::DesignError;
pub use histogram::Histogram;
pub use money::money_record;
pub use payments::Payments;
pub use rate::{MONTE_CARLO_LEVEL, Rate, RateInterval};
pub use spec::{DesignSpec, EffectDesign, Precise};
pub use whatif::{Uncertainty, WHATIF_SCHEMA, Whatif, WhatifPoint, whatif};
