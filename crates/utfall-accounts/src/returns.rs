//! What capital earned.
#![allow(
    clippy::float_arithmetic,
    reason = "a rate is reported and never paid on"
)]

use chrono::NaiveDate;

/// Days of a year, by which a rate is annual.
const YEAR: f64 = 365.0;

/// Widest rates sought: all but everything lost, and a millionfold.
const BOUNDS: (f64, f64) = (-0.999_999_9, 1e6);

/// The yearly rate at which flows of money are worth nothing on their first day: actual days over 365, as XIRR of
/// spreadsheets. Flows are minor units, below zero where the investor gives.
///
/// None where there is no such rate, or more than one is possible: the flows in order of days must change sign exactly
/// once, from given to received.
#[must_use]
pub fn internal_rate_of_return(flows: &[(NaiveDate, i128)]) -> Option<f64> {
    let mut flows: Vec<(NaiveDate, i128)> = flows.to_vec();
    flows.sort_by_key(|(day, _)| *day);
    flows.retain(|(_, amount)| *amount != 0);
    let n_changes = flows
        .windows(2)
        .filter(|pair| (pair[0].1 > 0) != (pair[1].1 > 0))
        .count();
    let first = *flows.first()?;
    if n_changes != 1 || first.1 > 0 {
        return None;
    }
    let worth = |rate: f64| -> f64 {
        flows
            .iter()
            .map(|(day, amount)| present(*amount, (*day - first.0).num_days(), rate))
            .sum()
    };
    let (mut low, mut high) = BOUNDS;
    if worth(low) < 0.0 || worth(high) > 0.0 {
        return None;
    }
    // Halved until the bounds are neighbours: 200 halvings are more than a float has.
    for _ in 0..200 {
        let middle = f64::midpoint(low, high);
        if worth(middle) >= 0.0 {
            low = middle;
        } else {
            high = middle;
        }
    }
    Some(low)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a reported rate does not need the last minor unit"
)]
fn present(amount: i128, n_days: i64, rate: f64) -> f64 {
    amount as f64 / libm::pow(1.0 + rate, n_days as f64 / YEAR)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(flows: &[(&str, i128)]) -> Option<f64> {
        let flows: Vec<_> = flows
            .iter()
            .map(|(day, amount)| (day.parse().unwrap(), *amount))
            .collect();
        internal_rate_of_return(&flows)
    }

    #[test]
    fn the_rate_is_that_of_spreadsheets() {
        // The worked example of Microsoft's page on XIRR: 0.373362535.
        let flows = [
            ("2008-01-01", -10_000),
            ("2008-03-01", 2_750),
            ("2008-10-30", 4_250),
            ("2009-02-15", 3_250),
            ("2009-04-01", 2_750),
        ];
        assert!((rate(&flows).unwrap() - 0.373_362_535).abs() < 1e-8);
        let year = rate(&[("2021-01-01", -100), ("2022-01-01", 110)]).unwrap();
        assert!((year - 0.1).abs() < 1e-12);
        let loss = rate(&[("2021-01-01", -100), ("2022-01-01", 50)]).unwrap();
        assert!((loss + 0.5).abs() < 1e-12);
    }

    #[test]
    fn a_rate_that_is_not_one_is_none() {
        assert_eq!(rate(&[]), None);
        assert_eq!(rate(&[("2021-01-01", -100)]), None);
        assert_eq!(rate(&[("2021-01-01", 100), ("2022-01-01", -50)]), None);
        assert_eq!(
            rate(&[("2021-01-01", -1), ("2022-01-01", 3), ("2023-01-01", -1)]),
            None
        );
    }
}
