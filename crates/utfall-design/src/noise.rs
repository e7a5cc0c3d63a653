//! The estimate that a true effect and a precision lead to, with all that chance does to both.

use utfall_core::{ConfidenceLevel, Estimand, Estimate, Interval};
use utfall_effects::Precision;
use utfall_stats::{draws::Stream, elementary, normal, student_t};

/// What chance adds to one estimate, whatever the true effect is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Noise {
    /// Error of the point, in true standard errors.
    error: f64,
    /// The reported standard error over the true one.
    error_of_error: f64,
}

impl Noise {
    /// None: the estimate is the truth.
    pub(crate) const NONE: Self = Self {
        error: 0.0,
        error_of_error: 1.0,
    };
}

/// How estimates of one effect are made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Estimating {
    pub(crate) precision: Precision,
    pub(crate) estimand: Estimand,
    pub(crate) confidence_level: ConfidenceLevel,
    pub(crate) n_treated: usize,
    pub(crate) n_comparator: usize,
    /// The t quantile that makes the interval.
    critical: f64,
}

impl Estimating {
    pub(crate) fn new(
        precision: Precision,
        estimand: Estimand,
        confidence_level: ConfidenceLevel,
        (n_treated, n_comparator): (usize, usize),
    ) -> Self {
        let above = 0.5 * (1.0 - confidence_level.fraction());
        let critical = match precision.degrees_of_freedom {
            Some(degrees) => student_t::quantile(1.0 - above, degrees),
            None => normal::quantile(1.0 - above),
        };
        Self {
            precision,
            estimand,
            confidence_level,
            n_treated,
            n_comparator,
            critical,
        }
    }

    /// Draws the chance of one estimate: a normal error, and a standard error that varies as that
    /// of a t-test with these degrees of freedom.
    pub(crate) fn noise(&self, stream: &mut Stream) -> Noise {
        let error = stream.normal();
        let error_of_error = match self.precision.degrees_of_freedom {
            Some(degrees) => (gamma(stream, 0.5 * degrees) / (0.5 * degrees)).sqrt(),
            None => 1.0,
        };
        Noise {
            error,
            error_of_error,
        }
    }

    /// The estimate of a true effect under some noise.
    pub(crate) fn estimate(&self, truth: f64, noise: Noise) -> Estimate {
        let standard_error = self.precision.standard_error * noise.error_of_error;
        let point = truth + self.precision.standard_error * noise.error;
        let ratio = point / standard_error;
        Estimate {
            estimand: self.estimand,
            point,
            standard_error,
            degrees_of_freedom: self.precision.degrees_of_freedom,
            confidence_level: self.confidence_level,
            interval: Interval {
                lower: point - self.critical * standard_error,
                upper: point + self.critical * standard_error,
            },
            p_value: match self.precision.degrees_of_freedom {
                Some(degrees) => student_t::two_sided_p(ratio, degrees),
                None => normal::two_sided_p(ratio),
            },
            n_treated: self.n_treated,
            n_comparator: self.n_comparator,
            n_clusters: None,
        }
    }
}

/// A gamma value of this shape and scale 1, by Marsaglia & Tsang (2000),
/// <https://doi.org/10.1145/358407.358414>.
fn gamma(stream: &mut Stream, shape: f64) -> f64 {
    if shape < 1.0 {
        let boost = elementary::pow(1.0 - stream.uniform(), 1.0 / shape);
        return gamma(stream, shape + 1.0) * boost;
    }
    let d = shape - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        let x = stream.normal();
        let cubed = 1.0 + c * x;
        let v = cubed * cubed * cubed;
        let u = 1.0 - stream.uniform();
        if v > 0.0 && elementary::log(u) < 0.5 * x * x + d - d * v + d * elementary::log(v) {
            return d * v;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_hold_the_truth_as_often_as_they_say() {
        for degrees_of_freedom in [Some(1.5), Some(8.0), Some(200.0), None] {
            let estimating = Estimating::new(
                Precision {
                    standard_error: 2.0,
                    degrees_of_freedom,
                },
                Estimand::Att,
                ConfidenceLevel::try_from(0.9).unwrap(),
                (10, 10),
            );
            let covered = (0..4000).filter(|&draw| {
                let noise = estimating.noise(&mut Stream::new(3, "noise", draw));
                estimating.estimate(5.0, noise).interval.contains(5.0)
            });
            let n_covered = covered.count();
            assert!(
                n_covered.abs_diff(3600) < 60,
                "{degrees_of_freedom:?}: {n_covered}"
            );
        }
    }

    #[test]
    fn gamma_values_have_their_mean_and_variance() {
        for shape in [0.4, 1.0, 7.5] {
            let mut stream = Stream::new(4, "gamma", 0);
            let values: Vec<f64> = (0..20_000).map(|_| gamma(&mut stream, shape)).collect();
            let (mean, variance) = utfall_stats::moments::mean_and_variance(&values);
            assert!((mean / shape - 1.0).abs() < 0.05, "{mean}");
            assert!((variance / shape - 1.0).abs() < 0.1, "{variance}");
        }
    }
}
