//! How often an interval holds the truth.

use utfall_core::Estimate;

/// The tally of one effect over many draws.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Coverage {
    /// Draws with an estimate.
    pub n_draws: u32,
    /// Draws in which the interval held the truth.
    pub n_covered: u32,
    /// Draws in which the interval of the naive comparison held it.
    pub n_covered_unadjusted: u32,
    /// Draws in which the whole interval lay on one side of zero.
    pub n_significant: u32,
    /// Draws in which the contract paid.
    pub n_paid: u32,
    /// Sum of estimate minus truth.
    pub error: f64,
    /// The same for the naive comparison.
    pub error_unadjusted: f64,
    /// Sum of standard errors.
    pub standard_error: f64,
    /// Sum of squared estimate minus truth.
    pub squared_error: f64,
}

impl Coverage {
    /// Adds a draw.
    pub fn add(&mut self, truth: f64, estimate: &Estimate, unadjusted: &Estimate, paid: bool) {
        let error = estimate.point - truth;
        self.n_draws += 1;
        self.n_covered += u32::from(estimate.interval.contains(truth));
        self.n_covered_unadjusted += u32::from(unadjusted.interval.contains(truth));
        self.n_significant += u32::from(!estimate.interval.contains(0.0));
        self.n_paid += u32::from(paid);
        self.error += error;
        self.error_unadjusted += unadjusted.point - truth;
        self.standard_error += estimate.standard_error;
        self.squared_error += error * error;
    }

    /// The tally in one line: coverage, bias, and the mean standard error beside the errors' spread.
    #[must_use]
    pub fn line(&self) -> String {
        let n_draws = f64::from(self.n_draws);
        let share = |count: u32| 100.0 * f64::from(count) / n_draws;
        let bias = self.error / n_draws;
        let spread = (self.squared_error / n_draws - bias * bias).max(0.0).sqrt();
        format!(
            "covered {:5.1} %  naive {:5.1} %  paid {:5.1} %  bias {:+.4} (naive {:+.4})  mean error {:.4}, spread {:.4}",
            share(self.n_covered),
            share(self.n_covered_unadjusted),
            share(self.n_paid),
            bias,
            self.error_unadjusted / n_draws,
            self.standard_error / n_draws,
            spread,
        )
    }
}
