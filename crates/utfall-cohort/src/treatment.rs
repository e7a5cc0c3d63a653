//! Who is treated.

use chrono::NaiveDate;
use utfall_core::{Period, Window, WindowError};
use utfall_registry::{Baseline, Units};

use crate::entry::{self, EntryDay, Who};
use crate::{CohortError, Treatment};

/// Who is treated on a day of entry, and who has been before, in the order of the units.
pub(crate) struct Treated {
    pub(crate) now: Vec<bool>,
    /// Referred, but not on the day before: only where units enter at their referral.
    pub(crate) before: Vec<bool>,
}

/// Who is treated on a day.
pub(crate) fn read(
    baseline: &Baseline<'_>,
    units: &Units,
    day: EntryDay,
    treatment: &Treatment,
) -> Result<Treated, CohortError> {
    if let Treatment::Placebo { salt, one_in } = treatment {
        let ids = units.ids().iter();
        return Ok(Treated {
            now: ids.map(|id| is_placebo(salt, *one_in, id)).collect(),
            before: vec![false; units.len()],
        });
    }
    let first = first_referrals(baseline, units, treatment, |window| window.around(day.date))?;
    let newly = entry::day_before(day.date);
    let is_now = |date: NaiveDate| day.who != Who::NewlyReferred || date == newly;
    let any = |which: &dyn Fn(NaiveDate) -> bool| -> Vec<bool> {
        first.iter().map(|date| date.is_some_and(which)).collect()
    };
    Ok(Treated {
        now: any(&is_now),
        before: any(&|date| !is_now(date)),
    })
}

/// The first referral of each unit in a period; nobody's where treatment is no referral.
pub(crate) fn first_referrals(
    baseline: &Baseline<'_>,
    units: &Units,
    treatment: &Treatment,
    period: impl FnOnce(&Window) -> Result<Period, WindowError>,
) -> Result<Vec<Option<NaiveDate>>, CohortError> {
    let Treatment::Referral {
        extract,
        member,
        time,
        window,
        r#where,
    } = treatment
    else {
        return Ok(vec![None; units.len()]);
    };
    Ok(baseline.first_date(extract, member, time, r#where, period(window)?)?)
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
