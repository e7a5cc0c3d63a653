//! Rates of events in two arms with known exposure, in closed form.
//!
//! Events are counts of a Poisson process, so that the treated share of all events is binomial with the
//! treated share of exposure under the hypothesis of equal rates. Persons with more than one event break
//! that: use a regression with clusters then.
//!
//! Garwood (1936), <https://doi.org/10.1093/biomet/28.3-4.437>; Breslow & Day (1987), *Statistical
//! Methods in Cancer Research II*, for Byar's interval and the comparison of two rates.

use utfall_core::Interval;
use utfall_stats::elementary::{exp, lgamma, log, log1p};
use utfall_stats::{gamma, normal, proportion};

use crate::EffectError;

/// Events and exposure of one arm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// Events.
    pub events: u32,
    /// Exposure, in any unit of time.
    pub exposure: f64,
}

/// Two arms whose rates are compared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RateTable {
    /// The treated.
    pub treated: Rate,
    /// The comparators.
    pub comparator: Rate,
}

/// The ratio of two rates.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RateRatio {
    /// The ratio.
    pub ratio: f64,
    /// The standard error of its log.
    pub log_error: f64,
    /// Wald's interval on the log scale.
    pub wald: Interval,
    /// The exact interval, from Clopper and Pearson's of the treated share of events.
    pub exact: Interval,
    /// The exact p-value: shares of events that are no likelier than the one found.
    pub p_exact: f64,
    /// The same with half the probability of those as likely as the one found.
    pub p_mid: f64,
    /// The score statistic, standard normal under equal rates.
    pub score: f64,
}

impl Rate {
    /// A rate from its events and exposure.
    ///
    /// # Errors
    ///
    /// [`EffectError::OutsideRange`] unless the exposure is finite and above zero.
    pub fn new(events: u32, exposure: f64) -> Result<Self, EffectError> {
        if exposure > 0.0 && exposure.is_finite() {
            Ok(Self { events, exposure })
        } else {
            Err(EffectError::OutsideRange {
                what: "exposure",
                value: exposure,
            })
        }
    }

    /// Events for a unit of exposure.
    #[must_use]
    pub fn rate(&self) -> f64 {
        f64::from(self.events) / self.exposure
    }

    /// Garwood's exact interval.
    #[must_use]
    pub fn exact(&self, level: f64) -> Interval {
        let (x, tail) = (f64::from(self.events), 0.5 * (1.0 - level));
        let lower = if self.events == 0 {
            0.0
        } else {
            gamma::upper_quantile(x, 1.0 - tail)
        };
        Interval {
            lower: lower / self.exposure,
            upper: gamma::upper_quantile(x + 1.0, tail) / self.exposure,
        }
    }

    /// Byar's approximation of it.
    #[must_use]
    pub fn byar(&self, level: f64) -> Interval {
        let z = normal::quantile(0.5 * (1.0 + level));
        let at = |x: f64, z: f64| {
            let root = 1.0 - 1.0 / (9.0 * x) + z / (3.0 * x.sqrt());
            x * root * root * root / self.exposure
        };
        let x = f64::from(self.events);
        Interval {
            lower: if self.events == 0 { 0.0 } else { at(x, -z) },
            upper: at(x + 1.0, z),
        }
    }
}

impl RateTable {
    /// The difference of the rates and its standard error.
    #[must_use]
    pub fn difference(&self) -> (f64, f64) {
        let part = |rate: &Rate| rate.rate() / rate.exposure;
        let (one, other) = (&self.treated, &self.comparator);
        (one.rate() - other.rate(), (part(one) + part(other)).sqrt())
    }

    /// The ratio of the rates.
    ///
    /// # Errors
    ///
    /// [`EffectError::NoEvents`] where an arm has no event, so that the ratio has no error.
    pub fn ratio(&self, level: f64) -> Result<RateRatio, EffectError> {
        let (x, y) = (self.treated.events, self.comparator.events);
        if x == 0 || y == 0 {
            return Err(EffectError::NoEvents);
        }
        let (t, u) = (self.treated.exposure, self.comparator.exposure);
        let ratio = self.treated.rate() / self.comparator.rate();
        let log_error = (1.0 / f64::from(x) + 1.0 / f64::from(y)).sqrt();
        let reach = normal::quantile(0.5 * (1.0 + level)) * log_error;
        let (low, high) = proportion::clopper_pearson(x, x + y, level).unwrap_or((0.0, 1.0));
        let odds = |share: f64| share / (1.0 - share) * u / t;
        let (n, share) = (f64::from(x + y), t / (t + u));
        let (p_exact, p_mid) = unlikely(x, x + y, share);
        Ok(RateRatio {
            ratio,
            log_error,
            wald: Interval {
                lower: exp(log(ratio) - reach),
                upper: exp(log(ratio) + reach),
            },
            exact: Interval {
                lower: odds(low),
                upper: odds(high),
            },
            p_exact,
            p_mid,
            score: (f64::from(x) - n * share) / (n * share * (1.0 - share)).sqrt(),
        })
    }
}

/// The probability of counts no likelier than `x` of `n`, and twice the smaller tail with half of `x`.
fn unlikely(x: u32, n: u32, share: f64) -> (f64, f64) {
    let size = f64::from(n);
    let probability = |k: u32| {
        let k = f64::from(k);
        let ways = lgamma(size + 1.0) - lgamma(k + 1.0) - lgamma(size - k + 1.0);
        exp(ways + k * log(share) + (size - k) * log1p(-share))
    };
    let own = probability(x);
    let (mut rare, mut below, mut above) = (0.0, 0.0, 0.0);
    for k in 0..=n {
        let p = probability(k);
        if p <= own * (1.0 + 1e-7) {
            rare += p;
        }
        if k < x {
            below += p;
        } else if k > x {
            above += p;
        }
    }
    let tail: f64 = f64::min(below, above) + 0.5 * own;
    (f64::min(rare, 1.0), f64::min(2.0 * tail, 1.0))
}

/// Counts as a rate's events.
///
/// # Errors
///
/// [`EffectError::OutsideRange`] unless the sum is a whole number below four thousand millions.
pub fn events_of(sum: f64) -> Result<u32, EffectError> {
    let refused = EffectError::OutsideRange {
        what: "number of events",
        value: sum,
    };
    if sum < 0.0 || sum > f64::from(u32::MAX) || sum.fract().abs() > 0.0 {
        return Err(refused);
    }
    // The float is whole and in range.
    let (mut low, mut high) = (0_u32, u32::MAX);
    while low < high {
        let middle = low + (high - low) / 2;
        if f64::from(middle) < sum {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_rates_have_ratio_one_and_p_one() {
        let rate = Rate::new(10, 5.0).unwrap();
        let table = RateTable {
            treated: rate,
            comparator: rate,
        };
        let found = table.ratio(0.95).unwrap();
        assert!((found.ratio - 1.0).abs() < 1e-15);
        assert!((found.p_exact - 1.0).abs() < 1e-12);
        assert!(found.score.abs() < 1e-15);
        assert!(table.difference().0.abs() < 1e-15);
    }

    #[test]
    fn counts_are_whole() {
        assert_eq!(events_of(56.0).unwrap(), 56);
        assert_eq!(events_of(0.0).unwrap(), 0);
        assert!(events_of(0.5).is_err());
        assert!(Rate::new(1, 0.0).is_err());
    }

    #[test]
    fn no_event_has_no_lower_bound_and_the_rule_of_three_above() {
        let rate = Rate::new(0, 1.0).unwrap();
        let exact = rate.exact(0.90);
        assert!(exact.lower.abs() < 1e-15);
        assert!((exact.upper - log(20.0)).abs() < 1e-12);
    }
}
