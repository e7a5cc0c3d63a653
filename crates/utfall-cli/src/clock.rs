//! The clock, which is asked here and nowhere else, and never for a result.

use std::time::SystemTime;

use chrono::{DateTime, NaiveDate, Utc};

/// Seconds since 1970, for co-signatures.
pub(crate) fn seconds() -> u64 {
    u64::try_from(now().timestamp()).unwrap_or_default()
}

/// The day, on which keys count or not.
pub(crate) fn today() -> NaiveDate {
    now().date_naive()
}

fn now() -> DateTime<Utc> {
    SystemTime::now().into()
}

/// The moment to the second, as in `2026-07-01T12:00:00Z`, for what a verifier signs.
pub(crate) fn moment() -> String {
    now().format("%FT%TZ").to_string()
}
