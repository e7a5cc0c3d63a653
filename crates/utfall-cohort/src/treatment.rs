//! Who is treated.

use chrono::NaiveDate;
use utfall_registry::{Baseline, Units};

use crate::{CohortError, Treatment};

/// Whether each unit is treated, in the order of the units.
pub(crate) fn read(
    baseline: &Baseline<'_>,
    units: &Units,
    index_date: NaiveDate,
    treatment: &Treatment,
) -> Result<Vec<bool>, CohortError> {
    match treatment {
        Treatment::Referral {
            extract,
            member,
            time,
            window,
            r#where,
        } => {
            let dates =
                baseline.first_date(extract, member, time, r#where, window.around(index_date)?)?;
            Ok(dates.into_iter().map(|date| date.is_some()).collect())
        }
        Treatment::Placebo { salt, one_in } => Ok(units
            .ids()
            .iter()
            .map(|id| is_placebo(salt, *one_in, id))
            .collect()),
    }
}

/// Whether the first eight bytes of SHA-256(salt, id), read as a number, divide by `one_in`.
fn is_placebo(salt: &str, one_in: u32, id: &str) -> bool {
    let digest = utfall_files::Digest::sha256(format!("{salt}\n{id}").as_bytes());
    let mut first = [0_u8; 8];
    first.copy_from_slice(&digest.as_bytes()[..8]);
    u64::from_be_bytes(first).is_multiple_of(u64::from(one_in.max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_placebo_takes_about_its_share_and_depends_on_the_salt() {
        let ids: Vec<String> = (0..4000).map(|i| format!("S{i:04}")).collect();
        let taken =
            |salt: &str| -> Vec<bool> { ids.iter().map(|id| is_placebo(salt, 4, id)).collect() };
        let n_taken = taken("a").iter().filter(|taken| **taken).count();
        assert!((900..1100).contains(&n_taken), "{n_taken} of 4000");
        assert_ne!(taken("a"), taken("b"));
    }
}
