//! The command, from extracts to a verified bundle, as a user runs it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

mod bad_input;
mod browsing;
mod calibrating;
mod canaries;
mod checking_models;
mod claiming;
mod cohorts;
mod cutoffs;
mod decisions;
mod designing;
mod designs;
mod faults;
mod harness;
#[cfg(unix)]
mod interrupting;
mod models;
mod over_time;
mod releasing;
mod repeatable;
mod reproducing;
mod resuming;
mod revisions;
mod risk_sets;
mod signing;
mod starting;
mod tampering;
mod validating;
