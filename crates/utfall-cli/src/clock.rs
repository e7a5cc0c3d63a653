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
