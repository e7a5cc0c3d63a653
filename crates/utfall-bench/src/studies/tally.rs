//! What a study found, and whether it is what was expected.

use utfall_stats::{moments, proportion::clopper_pearson};

use super::{Drawn, Expected, Study};

/// A tally of many data sets.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tally {
    /// Data sets with an estimate.
    pub n: u32,
    /// Data sets without.
    pub n_without: u32,
    /// Mean of estimate less truth.
    pub bias: f64,
    /// Monte Carlo error of the bias.
    pub bias_error: f64,
    /// Standard deviation of the estimates.
    pub spread: f64,
    /// Root mean square of the standard errors reported.
    pub reported: f64,
    /// Intervals that hold the truth.
    pub n_covered: u32,
    /// Tests that reject no effect.
    pub n_rejected: u32,
}

/// What a study found.
#[derive(Debug, Clone, Copy)]
pub struct Finding {
    /// The study.
    pub study: Study,
    /// With an effect planted.
    pub planted: Tally,
    /// Without any effect.
    pub nil: Tally,
}

/// Whether a finding is what was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// As expected.
    AsExpected,
    /// Not as expected.
    Surprise,
}

/// A Monte Carlo interval that so many rows of a table may be read at once: 99.9 %.
const LEVEL: f64 = 0.999;

impl Tally {
    pub(super) fn of(drawn: &[Option<Drawn>]) -> Self {
        let found: Vec<Drawn> = drawn.iter().flatten().copied().collect();
        let errors: Vec<f64> = found.iter().map(|drawn| drawn.error).collect();
        let squares: Vec<f64> = found
            .iter()
            .map(|drawn| drawn.standard_error * drawn.standard_error)
            .collect();
        let (bias, variance) = moments::mean_and_variance(&errors);
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Self {
            n: count(found.len()),
            n_without: count(drawn.len() - found.len()),
            bias,
            bias_error: (variance / moments::count(found.len())).sqrt(),
            spread: variance.sqrt(),
            reported: moments::mean(&squares).sqrt(),
            n_covered: count(found.iter().filter(|drawn| drawn.covers).count()),
            n_rejected: count(found.iter().filter(|drawn| drawn.rejects).count()),
        }
    }

    /// The share of intervals that hold the truth.
    #[must_use]
    pub fn coverage(&self) -> f64 {
        f64::from(self.n_covered) / f64::from(self.n.max(1))
    }

    /// The share of tests that reject no effect.
    #[must_use]
    pub fn rejected(&self) -> f64 {
        f64::from(self.n_rejected) / f64::from(self.n.max(1))
    }

    /// What the probability of covering may be, given chance in the draws.
    fn plausible(&self) -> (f64, f64) {
        clopper_pearson(self.n_covered, self.n, LEVEL).unwrap_or((0.0, 1.0))
    }
}

impl Finding {
    /// Whether the interval covers as its documentation leads to expect.
    ///
    /// Covering means that 95 % lies within the 99.9 % Monte Carlo interval widened by half a
    /// percentage point, since intervals of finite samples are nearly and not exactly nominal; failing that the
    /// interval lies wholly below 94.5 %.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let (lower, upper) = self.planted.plausible();
        let as_expected = match self.study.expected {
            Expected::Covers => lower <= 0.955 && 0.945 <= upper,
            Expected::CoversAtLeast => 0.945 <= upper,
            Expected::Fails => upper < 0.945,
        };
        if as_expected {
            Verdict::AsExpected
        } else {
            Verdict::Surprise
        }
    }

    /// The finding as one line of a table.
    #[must_use]
    pub fn line(&self) -> String {
        let study = &self.study;
        let planted = &self.planted;
        let expected = match study.expected {
            Expected::Covers => "covers",
            Expected::CoversAtLeast => "covers or more",
            Expected::Fails => "fails",
        };
        // A test that is inverted reports no standard error.
        let reported = if planted.reported.is_finite() {
            format!("{:.4}", planted.reported)
        } else {
            "–".to_owned()
        };
        let surprise = match self.verdict() {
            Verdict::AsExpected => "",
            Verdict::Surprise => "  SURPRISE",
        };
        format!(
            "{:<37} {:<52} {:>+8.4} {:>7.4} {:>8.4} {:>8} {:>7.1} {:>7.1} {:>6}  {expected}{surprise}",
            study.estimator,
            study.setting,
            planted.bias,
            planted.bias_error,
            planted.spread,
            reported,
            100.0 * planted.coverage(),
            100.0 * self.nil.rejected(),
            planted.n_without + self.nil.n_without,
        )
    }
}

/// The heading of the table.
#[must_use]
pub fn heading() -> String {
    format!(
        "{:<37} {:<52} {:>8} {:>7} {:>8} {:>8} {:>7} {:>7} {:>6}  {}",
        "estimator",
        "setting",
        "bias",
        "± MC",
        "spread",
        "error",
        "cover %",
        "size %",
        "none",
        "expected"
    )
}
