//! Synthetic registry extracts with a known true effect.
//!
//! A small specification ([`Spec`]) describes a world: families and the persons in them, pupils'
//! absence from school, reported partner violence, children's placements and grades, and three
//! programmes that people are referred to *because* of what the registers already show of them.
//! [`simulate`] writes the registers as a Swedish authority might deliver them, dirt included,
//! and beside them the [`Truth`]: the effect that was planted, person by person, and every kind
//! of dirt, counted.
//!
//! A naive comparison of the referred with the rest is plainly biased, since the referred were
//! worse off to begin with. Given the baseline quantities named in a programme's definition,
//! referral is a coin toss, so a comparison that matches on them is not.
//!
//! Every draw comes from a stream of its own, keyed by the seed, the step and the family or
//! person. Any block of families can therefore be made on its own: ten million persons stream
//! through bounded memory, on any number of threads, into the same bytes.

mod absence;
mod block;
mod calendar;
mod chance;
mod dirt;
mod enrolment;
mod episodes;
mod error;
mod extract;
mod family;
mod family_rows;
mod files;
mod grade;
mod placement;
mod referral;
mod rows;
mod school_census;
mod shelter;
mod simulate;
mod spec;
mod truth;
mod violence;

pub use error::{SimulateError, SpecError};
pub use school_census::{CensusSpec, CensusTruth, simulate_school_census};
pub use simulate::simulate;
pub use spec::Spec;
pub use truth::{EffectTruth, FileTruth, ProgrammeTruth, Truth};
