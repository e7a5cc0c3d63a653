//! Simulation studies: does each estimator do what its documentation says?
//!
//! Each study draws many data sets with a known truth, from named streams of one seed, and tallies
//! bias, coverage of the 95 % interval, and the size of the 5 % test when the effect is nil. Each
//! estimator is studied in a setting it is meant for, where its interval must cover as often as it
//! says, and in one where its assumptions fail, where it must be seen to fail.

mod clustered;
mod instruments;
mod learned;
mod observational;
mod outcomes;
mod sample;
mod staggered;
mod tally;
mod trials;

pub use tally::{Finding, Tally, Verdict, heading};

use rayon::prelude::*;
use utfall_effects::EffectError;
use utfall_stats::draws::Stream;

/// One estimator in one setting.
#[derive(Debug, Clone, Copy)]
pub struct Study {
    /// The estimator and its standard error.
    pub estimator: &'static str,
    /// How data are drawn.
    pub setting: &'static str,
    /// What its documentation leads to expect there.
    pub expected: Expected,
    /// Draws a data set with an effect and estimates it.
    draw: fn(&mut Stream, f64) -> Result<Drawn, EffectError>,
}

/// What an estimator's documentation leads to expect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// The interval covers as often as it says.
    Covers,
    /// It covers at least that often: the standard error leaves out something that helps.
    CoversAtLeast,
    /// An assumption fails, and with it the interval.
    Fails,
}

/// What one data set led to.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Drawn {
    /// Estimate less truth.
    error: f64,
    /// NaN where a test is inverted and none is reported.
    standard_error: f64,
    covers: bool,
    /// Whether no effect is rejected at the 5 % level.
    rejects: bool,
}

/// The effect planted where bias and coverage are studied, in standard deviations of the noise.
const PLANTED: f64 = 0.5;

/// Every study.
#[must_use]
pub fn all() -> Vec<Study> {
    [
        trials::STUDIES,
        clustered::STUDIES,
        observational::STUDIES,
        learned::STUDIES,
        outcomes::STUDIES,
        instruments::STUDIES,
        staggered::STUDIES,
    ]
    .concat()
}

impl Study {
    /// Runs the study: `n_draws` data sets with the planted effect and as many with none.
    ///
    /// Data sets on which there is no estimate are counted.
    #[must_use]
    pub fn run(&self, seed: u64, n_draws: u32) -> Finding {
        let name = format!("{} / {}", self.estimator, self.setting);
        let tally = |effect: f64, step: &str| {
            let step = format!("{step} {name}");
            let drawn: Vec<Option<Drawn>> = (0..u64::from(n_draws))
                .into_par_iter()
                .map(|draw| (self.draw)(&mut Stream::new(seed, &step, draw), effect).ok())
                .collect();
            Tally::of(&drawn)
        };
        Finding {
            study: *self,
            planted: tally(PLANTED, "planted"),
            nil: tally(0.0, "nil"),
        }
    }
}
