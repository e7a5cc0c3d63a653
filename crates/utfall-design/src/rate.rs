//! How often something happened over many simulated programmes.

use serde::{Deserialize, Serialize};
use utfall_core::Interval;
use utfall_stats::proportion::clopper_pearson;

/// The confidence level of every Monte Carlo interval.
pub const MONTE_CARLO_LEVEL: f64 = 0.95;

/// How often something happened, with its Monte Carlo interval.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Rate {
    /// Programmes in which it happened.
    pub n: u32,
    /// Programmes in which it could have happened.
    pub of: u32,
    /// The share; `None` if there was no such programme.
    pub share: Option<f64>,
    /// The interval of the probability behind the share.
    pub interval: Option<Interval>,
    /// How the interval was found.
    pub interval_kind: RateInterval,
}

/// How the interval of a rate was found, at [`MONTE_CARLO_LEVEL`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
pub enum RateInterval {
    /// Clopper and Pearson's exact interval.
    #[serde(rename = "clopper-pearson-95")]
    ClopperPearson,
}

impl Rate {
    /// A rate with its interval.
    #[must_use]
    pub fn of(n: u32, of: u32) -> Self {
        let interval = clopper_pearson(n, of, MONTE_CARLO_LEVEL);
        Self {
            n,
            of,
            share: (of > 0).then(|| f64::from(n) / f64::from(of)),
            interval: interval.map(|(lower, upper)| Interval { lower, upper }),
            interval_kind: RateInterval::ClopperPearson,
        }
    }

    /// How often a condition held.
    pub(crate) fn count(held: impl Iterator<Item = bool>) -> Self {
        let (mut n, mut of) = (0, 0);
        for held in held {
            n += u32::from(held);
            of += 1;
        }
        Self::of(n, of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_of_nothing_has_no_share() {
        let none = Rate::of(0, 0);
        assert_eq!((none.share, none.interval), (None, None));
        let some = Rate::count([true, false, true, false].into_iter());
        assert_eq!((some.n, some.of, some.share), (2, 4, Some(0.5)));
        assert!(some.interval.is_some_and(|interval| interval.contains(0.5)));
    }
}
