//! Power, sample size and the least effect that can be detected, before anything is measured.
//!
//! Cohen (1988), *Statistical Power Analysis for the Behavioral Sciences*; Bloom (1995) on the
//! least detectable effect, <https://doi.org/10.1177/0193841X9501900504>.

use serde::{Deserialize, Serialize};
use utfall_stats::{elementary, fisher_f, noncentral_f, noncentral_t, normal, student_t};

use crate::EffectError;

/// A two-sided test whose power depends on a size and an effect.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum PoweredTest {
    /// Two arms and a t-test; the size is units in the treated arm, the effect is in standard
    /// deviations.
    #[serde(rename_all = "kebab-case")]
    TwoSample {
        /// Comparators for each treated unit.
        ratio: f64,
    },
    /// Pairs and a t-test; the size is pairs, the effect is in standard deviations of differences.
    Paired,
    /// Two proportions on Cohen's arcsine scale; the size is units in each arm, the effect what
    /// treatment adds to the comparators' proportion.
    #[serde(rename_all = "kebab-case")]
    ProportionsArcsine {
        /// The comparators' proportion.
        comparator: f64,
    },
    /// Two proportions with the pooled variance under no effect; the rest as before.
    #[serde(rename_all = "kebab-case")]
    ProportionsNormal {
        /// The comparators' proportion.
        comparator: f64,
    },
    /// Several coefficients of a regression at once (an analysis of variance, where they are of the
    /// indicators of arms), by an F test; the size is rows, the effect Cohen's f²: the variance that
    /// they explain over the variance that is left.
    #[serde(rename_all = "kebab-case")]
    Coefficients {
        /// Coefficients tested.
        n_tested: u32,
        /// Further coefficients, without the constant.
        n_covariates: u32,
    },
}

impl PoweredTest {
    /// The probability of finding an effect at the significance level `alpha`.
    ///
    /// `size` and `effect` mean what the test says; `size` need not be whole. A t-test counts
    /// either direction, as a two-sided test does.
    ///
    /// # Errors
    ///
    /// [`EffectError::OutsideRange`] for a size of two or fewer, a proportion that is none, an
    /// `alpha` that is no probability, or anything that is NaN.
    pub fn power(self, size: f64, effect: f64, alpha: f64) -> Result<f64, EffectError> {
        refuse("alpha", alpha, alpha > 0.0 && alpha < 1.0)?;
        refuse("effect", effect, effect.is_finite())?;
        refuse("size", size, size > 2.0 && size.is_finite())?;
        let z = normal::quantile(1.0 - 0.5 * alpha);
        Ok(match self {
            Self::TwoSample { ratio } => {
                refuse("ratio", ratio, ratio > 0.0 && ratio.is_finite())?;
                let harmonic = size * ratio / (1.0 + ratio);
                t_power(size * (1.0 + ratio) - 2.0, effect * harmonic.sqrt(), alpha)
            }
            Self::Paired => t_power(size - 1.0, effect * size.sqrt(), alpha),
            Self::ProportionsArcsine { comparator } => {
                let treated = proportions(comparator, effect)?;
                let angle = |p: f64| 2.0 * elementary::asin(p.sqrt());
                let shift = (angle(treated) - angle(comparator)) * (0.5 * size).sqrt();
                normal::upper_tail(z - shift) + normal::upper_tail(z + shift)
            }
            Self::ProportionsNormal { comparator } => {
                let treated = proportions(comparator, effect)?;
                let both = treated + comparator;
                let pooled = (both * (1.0 - 0.5 * both)).sqrt();
                let apart = treated * (1.0 - treated) + comparator * (1.0 - comparator);
                normal::cdf((size.sqrt() * effect.abs() - z * pooled) / apart.sqrt())
            }
            Self::Coefficients {
                n_tested,
                n_covariates,
            } => {
                let tested = f64::from(n_tested);
                let left = size - 1.0 - tested - f64::from(n_covariates);
                refuse("tested coefficients", tested, n_tested > 0)?;
                refuse("size", size, left > 0.0)?;
                refuse("effect", effect, effect >= 0.0)?;
                let critical = fisher_f::upper_quantile(alpha, tested, left);
                noncentral_f::upper_tail(critical, tested, left, effect * (tested + left + 1.0))
            }
        })
    }

    /// The size at which the test has a power.
    ///
    /// # Errors
    ///
    /// Those of [`PoweredTest::power`], and [`EffectError::OutsideRange`] for a power that no size
    /// between 2 and a billion has (a hundred thousand for several
    /// coefficients).
    pub fn size(self, effect: f64, power: f64, alpha: f64) -> Result<f64, EffectError> {
        let least = match self {
            Self::Coefficients {
                n_tested,
                n_covariates,
            } => 1.0 + f64::from(n_tested) + f64::from(n_covariates),
            _ => 2.0,
        };
        // Half a degree of freedom more than none, where an F has a tail that can be told.
        let most = match self {
            Self::Coefficients { .. } => 1e5,
            _ => 1e9,
        };
        let least = least.max(2.0) + if most < 1e9 { 0.5 } else { 1e-9 };
        solve("power", power, [least, most], |size| {
            self.power(size, effect, alpha)
        })
    }

    /// The effect above zero that the test finds with a power.
    ///
    /// # Errors
    ///
    /// As [`PoweredTest::size`].
    pub fn effect(self, size: f64, power: f64, alpha: f64) -> Result<f64, EffectError> {
        let most = match self {
            Self::TwoSample { .. } | Self::Paired | Self::Coefficients { .. } => 100.0,
            Self::ProportionsArcsine { comparator } | Self::ProportionsNormal { comparator } => {
                (1.0 - comparator) * (1.0 - 1e-12)
            }
        };
        solve("power", power, [1e-9, most], |effect| {
            self.power(size, effect, alpha)
        })
    }
}

/// How many clusters, of what size, are assigned.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ClusterDesign {
    /// Clusters in both arms.
    pub clusters: f64,
    /// Units in each.
    pub units: f64,
    /// Share of the outcome's variance that lies between clusters.
    pub intraclass_correlation: f64,
    /// Share of clusters that are treated.
    pub treated_share: f64,
    /// Share of the variance between clusters that covariates explain.
    pub explained_between: f64,
    /// Covariates of clusters, each of which costs a degree of freedom.
    pub n_covariates: u32,
}

impl ClusterDesign {
    /// How many times a simple random sample's variance that of a mean is.
    #[must_use]
    pub fn design_effect(&self) -> f64 {
        1.0 + (self.units - 1.0) * self.intraclass_correlation
    }

    /// The least effect that is found with a power, in standard deviations of the outcome, with
    /// `clusters - 2 - n_covariates` degrees of freedom.
    ///
    /// # Errors
    ///
    /// [`EffectError::OutsideRange`] for a number that is outside its range.
    pub fn least_effect(&self, power: f64, alpha: f64) -> Result<f64, EffectError> {
        let share = |value: f64| (0.0..=1.0).contains(&value);
        let inside = |value: f64| value > 0.0 && value < 1.0;
        let degrees = self.clusters - 2.0 - f64::from(self.n_covariates);
        refuse("clusters", self.clusters, degrees > 0.0)?;
        refuse("units", self.units, self.units >= 1.0)?;
        let (between, explained) = (self.intraclass_correlation, self.explained_between);
        refuse("intraclass correlation", between, share(between))?;
        refuse("explained share", explained, share(explained))?;
        refuse(
            "treated share",
            self.treated_share,
            inside(self.treated_share),
        )?;
        refuse("power", power, inside(power))?;
        refuse("alpha", alpha, inside(alpha))?;
        let multiple =
            student_t::quantile(1.0 - 0.5 * alpha, degrees) + student_t::quantile(power, degrees);
        let arms = self.treated_share * (1.0 - self.treated_share) * self.clusters;
        let variance = between * (1.0 - explained) / arms + (1.0 - between) / (arms * self.units);
        Ok(multiple * variance.sqrt())
    }
}

pub(crate) fn t_power(degrees: f64, shift: f64, alpha: f64) -> f64 {
    let critical = student_t::quantile(1.0 - 0.5 * alpha, degrees);
    noncentral_t::upper_tail(critical, degrees, shift)
        + noncentral_t::upper_tail(critical, degrees, -shift)
}

/// The treated proportion, if both are proportions.
fn proportions(comparator: f64, effect: f64) -> Result<f64, EffectError> {
    let inside = |p: f64| p > 0.0 && p < 1.0;
    refuse("proportion", comparator, inside(comparator))?;
    refuse(
        "proportion",
        comparator + effect,
        inside(comparator + effect),
    )?;
    Ok(comparator + effect)
}

pub(crate) fn refuse(what: &'static str, value: f64, allowed: bool) -> Result<(), EffectError> {
    if allowed {
        Ok(())
    } else {
        Err(EffectError::OutsideRange { what, value })
    }
}

/// Where a function that grows between the ends takes a value, by halving.
pub(crate) fn solve(
    what: &'static str,
    wanted: f64,
    [mut low, mut high]: [f64; 2],
    of: impl Fn(f64) -> Result<f64, EffectError>,
) -> Result<f64, EffectError> {
    let reached = of(low)? < wanted && wanted < of(high)?;
    refuse(what, wanted, reached)?;
    while high - low > 4.0 * f64::EPSILON * high {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            break;
        }
        if of(middle)? < wanted {
            low = middle;
        } else {
            high = middle;
        }
    }
    Ok(0.5 * (low + high))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_effect_is_found_at_the_level_of_the_test() {
        let test = PoweredTest::TwoSample { ratio: 2.0 };
        assert!((test.power(30.0, 0.0, 0.05).unwrap() - 0.05).abs() < 1e-12);
    }

    #[test]
    fn one_coefficient_is_tested_as_by_a_t_test() {
        let test = PoweredTest::Coefficients {
            n_tested: 1,
            n_covariates: 0,
        };
        // Two arms of 60 that differ by d: f² = d²/4.
        let two = PoweredTest::TwoSample { ratio: 1.0 };
        let (got, expected) = (
            test.power(120.0, 0.04, 0.05).unwrap(),
            two.power(60.0, 0.4, 0.05).unwrap(),
        );
        assert!((got - expected).abs() < 1e-10, "{got} {expected}");
        let rows = test.size(0.04, 0.8, 0.05).unwrap();
        assert!((test.power(rows, 0.04, 0.05).unwrap() - 0.8).abs() < 1e-9);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let test = PoweredTest::ProportionsNormal { comparator: 0.9 };
        assert!(test.power(100.0, 0.2, 0.05).is_err());
        assert!(PoweredTest::Paired.size(0.0, 0.8, 0.05).is_err());
        assert!(PoweredTest::Paired.power(10.0, f64::NAN, 0.05).is_err());
    }
}
