//! Worlds made whole and read as files.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot read its own files has failed"
)]

mod bias;
mod bytes;
mod census;
mod contracts;
mod dirt;
mod made;
mod specs;
mod whole_or_absent;
