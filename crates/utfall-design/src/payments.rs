//! What a contract paid over many simulated programmes, in whole minor units.

use serde::{Deserialize, Serialize};
use utfall_payment::{Currency, Money};

use crate::Rate;

/// What was paid over many programmes.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Payments {
    /// How often anything was paid.
    pub paid: Rate,
    /// How often money was due back.
    pub repaid: Rate,
    /// Mean over all programmes, halves away from zero.
    pub mean: Money,
    /// Mean over those that were paid anything.
    pub mean_when_paid: Option<Money>,
    /// The amount that half, a twentieth and a hundredth of programmes reach.
    pub quantiles: [Money; 3],
    /// The most that was paid.
    pub largest: Money,
}

impl Payments {
    /// Summarises amounts in minor units.
    #[must_use]
    pub fn of(amounts: &[i128], currency: Currency) -> Self {
        let money = |minor_units| Money::new(minor_units, currency);
        let paid: Vec<i128> = amounts.iter().copied().filter(|paid| *paid > 0).collect();
        let mut sorted = amounts.to_vec();
        sorted.sort_unstable();
        let at = |per_mille: usize| {
            let place = (sorted.len() * per_mille).div_ceil(1000).max(1) - 1;
            money(sorted.get(place).copied().unwrap_or(0))
        };
        Self {
            paid: Rate::count(amounts.iter().map(|amount| *amount > 0)),
            repaid: Rate::count(amounts.iter().map(|amount| *amount < 0)),
            mean: money(mean(amounts)),
            mean_when_paid: (!paid.is_empty()).then(|| money(mean(&paid))),
            quantiles: [at(500), at(950), at(990)],
            largest: money(sorted.last().copied().unwrap_or(0)),
        }
    }
}

/// The mean in whole minor units, halves away from zero; 0 of nothing.
fn mean(amounts: &[i128]) -> i128 {
    let n = amounts.len() as i128;
    if n == 0 {
        return 0;
    }
    let total = amounts.iter().fold(0_i128, |sum, a| sum.saturating_add(*a));
    let (whole, rest) = (total / n, total % n);
    whole
        + if 2 * rest.abs() >= n {
            rest.signum()
        } else {
            0
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_summarised_to_the_minor_unit() {
        let sek = Currency::from_code("SEK").unwrap();
        let payments = Payments::of(&[0, 0, 100, 201, -1], sek);
        assert_eq!((payments.paid.n, payments.repaid.n), (2, 1));
        assert_eq!(payments.mean.minor_units(), 60);
        assert_eq!(payments.mean_when_paid, Some(Money::new(151, sek)));
        assert_eq!(payments.largest.minor_units(), 201);
        assert_eq!(payments.quantiles.map(Money::minor_units), [0, 201, 201]);
        assert_eq!(Payments::of(&[], sek).mean.minor_units(), 0);
    }
}
