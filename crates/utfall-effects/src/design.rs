//! How precisely a design will estimate an effect, before anything is measured.
//!
//! A [`Design`] states sizes, the outcome's standard deviation and what resembles what; from it
//! follow the standard error that its estimate will have, the power to find an effect and the
//! least effect it finds. Everything is in the outcome's unit.

use serde::{Deserialize, Serialize};
use utfall_stats::{normal, student_t};

use crate::EffectError;
use crate::power::{refuse, solve, t_power};

/// Who is compared, and what is known of the outcome.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize)]
#[serde(
    tag = "kind",
    deny_unknown_fields,
    rename_all = "kebab-case",
    rename_all_fields = "kebab-case"
)]
pub enum Design {
    /// Units assigned one by one; the arms may be of unequal size.
    Individual {
        /// Treated units.
        n_treated: u32,
        /// Comparators.
        n_comparator: u32,
        /// Standard deviation of the outcome.
        sd: f64,
        /// What is taken off the outcome's variance.
        adjustment: VarianceAdjustment,
    },
    /// Whole clusters assigned: schools, families, municipalities.
    Clustered {
        /// Treated clusters.
        n_clusters_treated: u32,
        /// Clusters of comparators.
        n_clusters_comparator: u32,
        /// Units in a cluster, on average.
        units: f64,
        /// Standard deviation of the clusters' sizes over their mean; 0 for equal sizes.
        size_variation: f64,
        /// Standard deviation of the outcome over all units.
        sd: f64,
        /// Share of the outcome's variance that lies between clusters.
        intraclass_correlation: f64,
        /// Share of the variance between clusters that covariates explain.
        explained_between: f64,
        /// Share of the variance within clusters that covariates explain.
        explained_within: f64,
        /// Covariates of clusters, each of which costs a degree of freedom.
        n_covariates: u32,
    },
    /// Each treated unit with `ratio` comparators of its own; a ratio of 1 makes pairs.
    MatchedSets {
        /// Treated units.
        n_treated: u32,
        /// Comparators of each.
        ratio: f64,
        /// Standard deviation of the outcome over all units.
        sd: f64,
        /// Correlation of the outcomes of two units of one set.
        set_correlation: f64,
    },
    /// A standard error known from elsewhere, such as an earlier study.
    Stated {
        /// The standard error.
        standard_error: f64,
        /// Its degrees of freedom; none for the normal distribution.
        degrees_of_freedom: Option<f64>,
    },
}

/// What covariates or a baseline take off the variance of an outcome.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize)]
#[serde(
    tag = "kind",
    deny_unknown_fields,
    rename_all = "kebab-case",
    rename_all_fields = "kebab-case"
)]
pub enum VarianceAdjustment {
    /// Nothing.
    None,
    /// Covariates that explain a share of the variance within arms.
    Covariates {
        /// The share.
        explained: f64,
        /// Their number.
        n_covariates: u32,
    },
    /// Regression on the outcome's baseline (analysis of covariance).
    Ancova {
        /// Correlation of outcome and baseline.
        correlation: f64,
    },
    /// The change since a baseline of the same standard deviation.
    Change {
        /// Correlation of outcome and baseline.
        correlation: f64,
    },
}

/// How precise an estimate is.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Precision {
    /// Its standard error, in the outcome's unit.
    pub standard_error: f64,
    /// Degrees of freedom of its test; none for the normal distribution.
    pub degrees_of_freedom: Option<f64>,
}

impl Design {
    /// The precision of the estimate that this design leads to.
    ///
    /// Clusters of unequal size count by Eldridge, Ashby & Kerry (2006),
    /// <https://doi.org/10.1093/ije/dyl129>: the variance between clusters is multiplied by one plus
    /// the squared variation of sizes. Matched sets have the variance of a treated outcome less the mean of
    /// its comparators', all equally correlated.
    ///
    /// # Errors
    ///
    /// [`EffectError::OutsideRange`] for a number outside its range, or if no degree of freedom is
    /// left.
    pub fn precision(&self) -> Result<Precision, EffectError> {
        let (variance, degrees) = match *self {
            Self::Individual {
                n_treated,
                n_comparator,
                sd,
                adjustment,
            } => {
                let (treated, comparator) = (f64::from(n_treated), f64::from(n_comparator));
                refuse("n-treated", treated, n_treated > 0)?;
                refuse("n-comparator", comparator, n_comparator > 0)?;
                let (left, spent) = adjustment.left()?;
                let variance = positive("sd", sd)? * sd * left * (1.0 / treated + 1.0 / comparator);
                (variance, treated + comparator - 2.0 - spent)
            }
            Self::Clustered { .. } => self.of_clusters()?,
            Self::MatchedSets {
                n_treated,
                ratio,
                sd,
                set_correlation,
            } => {
                positive("ratio", ratio)?;
                let n_sets = f64::from(n_treated);
                let range = (-1.0..1.0).contains(&set_correlation);
                refuse("set-correlation", set_correlation, range)?;
                let one = positive("sd", sd)? * sd * (1.0 - set_correlation);
                (one * (1.0 + 1.0 / ratio) / n_sets, n_sets - 1.0)
            }
            Self::Stated {
                standard_error,
                degrees_of_freedom,
            } => {
                let precision = Precision {
                    standard_error: positive("standard-error", standard_error)?,
                    degrees_of_freedom,
                };
                if let Some(degrees) = degrees_of_freedom {
                    positive("degrees-of-freedom", degrees)?;
                }
                return Ok(precision);
            }
        };
        positive("variance left", variance)?;
        refuse("degrees of freedom left", degrees, degrees >= 1.0)?;
        Ok(Precision {
            standard_error: variance.sqrt(),
            degrees_of_freedom: Some(degrees),
        })
    }

    /// Variance and degrees of freedom of a design of clusters.
    fn of_clusters(&self) -> Result<(f64, f64), EffectError> {
        let Self::Clustered {
            n_clusters_treated,
            n_clusters_comparator,
            units,
            size_variation,
            sd,
            intraclass_correlation,
            explained_between,
            explained_within,
            n_covariates,
        } = *self
        else {
            return Ok((f64::NAN, 0.0));
        };
        let (treated, comparator) = (
            f64::from(n_clusters_treated),
            f64::from(n_clusters_comparator),
        );
        refuse("n-clusters-treated", treated, n_clusters_treated > 0)?;
        refuse(
            "n-clusters-comparator",
            comparator,
            n_clusters_comparator > 0,
        )?;
        refuse("units", units, units >= 1.0 && units.is_finite())?;
        let spread = size_variation >= 0.0 && size_variation.is_finite();
        refuse("size-variation", size_variation, spread)?;
        let between = share("intraclass-correlation", intraclass_correlation)?;
        let left_between = 1.0 - share("explained-between", explained_between)?;
        let left_within = 1.0 - share("explained-within", explained_within)?;
        let one = between * left_between * (1.0 + size_variation * size_variation)
            + (1.0 - between) * left_within / units;
        let variance = positive("sd", sd)? * sd * one * (1.0 / treated + 1.0 / comparator);
        Ok((
            variance,
            treated + comparator - 2.0 - f64::from(n_covariates),
        ))
    }

    /// Treated units, and comparators, if the design says how many.
    #[must_use]
    pub fn sizes(&self) -> Option<(f64, f64)> {
        match *self {
            Self::Individual {
                n_treated,
                n_comparator,
                ..
            } => Some((f64::from(n_treated), f64::from(n_comparator))),
            Self::Clustered {
                n_clusters_treated,
                n_clusters_comparator,
                units,
                ..
            } => Some((
                f64::from(n_clusters_treated) * units,
                f64::from(n_clusters_comparator) * units,
            )),
            Self::MatchedSets {
                n_treated, ratio, ..
            } => Some((f64::from(n_treated), f64::from(n_treated) * ratio)),
            Self::Stated { .. } => None,
        }
    }
}

impl VarianceAdjustment {
    /// Share of the variance that is left, and degrees of freedom spent.
    fn left(self) -> Result<(f64, f64), EffectError> {
        let inside = |value: f64| refuse("correlation", value, value.abs() < 1.0);
        Ok(match self {
            Self::None => (1.0, 0.0),
            Self::Covariates {
                explained,
                n_covariates,
            } => (
                1.0 - share("explained", explained)?,
                f64::from(n_covariates),
            ),
            Self::Ancova { correlation } => {
                inside(correlation)?;
                (1.0 - correlation * correlation, 1.0)
            }
            Self::Change { correlation } => {
                inside(correlation)?;
                (2.0 * (1.0 - correlation), 0.0)
            }
        })
    }
}

impl Precision {
    /// The probability that a two-sided test at the level `alpha` finds a true effect.
    ///
    /// By the noncentral t distribution; a finding in either direction counts.
    ///
    /// # Errors
    ///
    /// [`EffectError::OutsideRange`] for an effect that is no number or an `alpha` that is no
    /// probability.
    pub fn power(&self, effect: f64, alpha: f64) -> Result<f64, EffectError> {
        refuse("alpha", alpha, alpha > 0.0 && alpha < 1.0)?;
        refuse("effect", effect, effect.is_finite())?;
        let shift = effect / self.standard_error;
        Ok(match self.degrees_of_freedom {
            Some(degrees) if degrees.is_finite() => t_power(degrees, shift, alpha),
            _ => {
                let critical = normal::quantile(1.0 - 0.5 * alpha);
                normal::upper_tail(critical - shift) + normal::upper_tail(critical + shift)
            }
        })
    }

    /// The least effect above zero that the test finds with a power.
    ///
    /// # Errors
    ///
    /// [`EffectError::OutsideRange`] for a power not above `alpha` and below one.
    pub fn least_effect(&self, power: f64, alpha: f64) -> Result<f64, EffectError> {
        refuse("power", power, alpha < power && power < 1.0)?;
        let degrees = self.degrees_of_freedom.unwrap_or(f64::INFINITY);
        let quantile = |p: f64| student_t::quantile(p, degrees);
        let most = 4.0 * (quantile(1.0 - 0.5 * alpha) + quantile(power).abs() + 1.0);
        let ends = [1e-9, most].map(|multiple| multiple * self.standard_error);
        solve("power", power, ends, |effect| self.power(effect, alpha))
    }
}

fn positive(what: &'static str, value: f64) -> Result<f64, EffectError> {
    refuse(what, value, value > 0.0 && value.is_finite())?;
    Ok(value)
}

/// A number from zero to one.
fn share(what: &'static str, value: f64) -> Result<f64, EffectError> {
    refuse(what, value, (0.0..=1.0).contains(&value))?;
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ClusterDesign, PoweredTest};

    fn close(got: f64, expected: f64, tolerance: f64) {
        assert!(
            (got - expected).abs() < tolerance,
            "{got} is not {expected}"
        );
    }

    fn two_arms(n: u32, adjustment: VarianceAdjustment) -> Precision {
        Design::Individual {
            n_treated: n,
            n_comparator: n,
            sd: 2.0,
            adjustment,
        }
        .precision()
        .unwrap()
    }

    #[test]
    fn two_arms_have_the_power_of_the_two_sample_test() {
        let precision = two_arms(64, VarianceAdjustment::None);
        let test = PoweredTest::TwoSample { ratio: 1.0 };
        let expected = test.power(64.0, 0.5, 0.05).unwrap();
        close(precision.power(1.0, 0.05).unwrap(), expected, 1e-12);
        let least = precision.least_effect(0.8, 0.05).unwrap();
        close(least, 2.0 * test.effect(64.0, 0.8, 0.05).unwrap(), 1e-9);
        close(precision.power(least, 0.05).unwrap(), 0.8, 1e-10);
    }

    #[test]
    fn clusters_of_equal_size_have_blooms_variance() {
        let design = Design::Clustered {
            n_clusters_treated: 10,
            n_clusters_comparator: 10,
            units: 25.0,
            size_variation: 0.0,
            sd: 1.0,
            intraclass_correlation: 0.1,
            explained_between: 0.5,
            explained_within: 0.0,
            n_covariates: 1,
        };
        let bloom = ClusterDesign {
            clusters: 20.0,
            units: 25.0,
            intraclass_correlation: 0.1,
            treated_share: 0.5,
            explained_between: 0.5,
            n_covariates: 1,
        };
        let precision = design.precision().unwrap();
        let multiple = student_t::quantile(0.975, 17.0) + student_t::quantile(0.8, 17.0);
        let expected = bloom.least_effect(0.8, 0.05).unwrap() / multiple;
        close(precision.standard_error, expected, 1e-14);
        assert_eq!(precision.degrees_of_freedom, Some(17.0));
    }

    #[test]
    fn analysis_of_covariance_is_never_worse_than_the_change() {
        for correlation in [-0.5, 0.0, 0.3, 0.5, 0.9] {
            let ancova = two_arms(500, VarianceAdjustment::Ancova { correlation });
            let change = two_arms(500, VarianceAdjustment::Change { correlation });
            assert!(ancova.standard_error <= change.standard_error);
        }
        let none = two_arms(500, VarianceAdjustment::None);
        let half = VarianceAdjustment::Change { correlation: 0.5 };
        close(
            two_arms(500, half).standard_error,
            none.standard_error,
            1e-15,
        );
    }

    #[test]
    fn three_comparators_of_each_take_a_third_off_a_pairs_variance() {
        let of = |ratio| {
            let design = Design::MatchedSets {
                n_treated: 200,
                ratio,
                sd: 1.0,
                set_correlation: 0.2,
            };
            design.precision().unwrap().standard_error
        };
        close(of(3.0) * of(3.0) / (of(1.0) * of(1.0)), 2.0 / 3.0, 1e-12);
    }

    #[test]
    fn a_design_that_cannot_be_is_refused() {
        let one_each = Design::Individual {
            n_treated: 1,
            n_comparator: 1,
            sd: 1.0,
            adjustment: VarianceAdjustment::None,
        };
        assert!(one_each.precision().is_err());
        let precision = two_arms(50, VarianceAdjustment::None);
        assert!(precision.least_effect(0.03, 0.05).is_err());
        assert!(precision.power(f64::NAN, 0.05).is_err());
    }
}
