//! The steps of the data path, one file for each arrow.

pub(crate) mod alternatives;
pub(crate) mod cohort;
pub(crate) mod decision;
pub(crate) mod effects;
pub(crate) mod ingest;
pub(crate) mod matching;
pub(crate) mod sensitivity;
