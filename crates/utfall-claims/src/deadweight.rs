//! What would have happened anyway, and is not paid for.

use utfall_payment::{Fraction, RoundingMode};

/// How much of a line is not paid for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deadweight {
    /// The first units that count, in the order in which claims count.
    Units(u64),
    /// A share of what the line would pay. What is left for all claims together is rounded, so that cutting a period
    /// in two changes nothing.
    Share {
        /// The share that is not paid.
        share: Fraction,
        /// How what is left is brought to whole minor units.
        rounding: RoundingMode,
    },
}

/// What a line has paid so far, as far as deadweight needs to know.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counted {
    units: u64,
    /// Price times units.
    full_minor_units: i128,
    /// What is left of it.
    kept_minor_units: i128,
}

impl Counted {
    /// Counts units at a price and returns what is left for them, in minor units.
    pub(crate) fn add(&mut self, deadweight: &Deadweight, units: u32, price: i128) -> i128 {
        let before = *self;
        self.units += u64::from(units);
        self.full_minor_units += price * i128::from(units);
        let added = match deadweight {
            Deadweight::Units(first) => {
                let paid = |units: u64| i128::from(units.saturating_sub(*first));
                price * (paid(self.units) - paid(before.units))
            }
            Deadweight::Share { share, rounding } => {
                share.rest_of(self.full_minor_units, *rounding) - before.kept_minor_units
            }
        };
        self.kept_minor_units += added;
        added
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_units_are_not_paid_whatever_claims_they_are_in() {
        let mut counted = Counted::default();
        let deadweight = Deadweight::Units(4);
        let paid = [3, 2, 5].map(|units| counted.add(&deadweight, units, 100));
        assert_eq!(paid, [0, 100, 500]);
    }

    #[test]
    fn a_share_is_taken_off_all_claims_together() {
        let mut counted = Counted::default();
        let deadweight = Deadweight::Share {
            share: Fraction::from_text("1/3").unwrap(),
            rounding: RoundingMode::Floor,
        };
        let paid = [1, 1, 1].map(|units| counted.add(&deadweight, units, 100));
        assert_eq!(paid, [66, 67, 67]);
    }
}
