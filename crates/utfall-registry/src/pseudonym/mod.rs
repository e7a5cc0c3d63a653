//! Keyed pseudonyms: extracts linked without anyone's identity number.
//!
//! A pseudonym is HMAC-SHA256 of the value under a key that is in no plan, extract or message. It
//! carries the key's id, so that extracts made under two keys are told apart and never linked by
//! mistake. Whoever has the key can make the pseudonym of a known number; whoever has not can
//! neither make nor undo one.

mod error;
mod hmac;
mod key;
mod rewrite;
#[cfg(test)]
mod tests;

pub use error::PseudonymError;
pub use key::{PseudonymForm, PseudonymKey, PseudonymKeyId};
pub use rewrite::{BadRows, PseudonymReport, pseudonymise};
