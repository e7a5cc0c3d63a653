//! Progress on a terminal: one line for each step, a bar while it works.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use utfall_core::Watch;
use utfall_pipeline::{RunWatch, StepReport};

use crate::{interrupt, output};

/// Shows steps and bars on standard error; nothing but the steps when it is no terminal.
pub(crate) struct Progress {
    bar: ProgressBar,
    quiet: bool,
}

impl Progress {
    pub(crate) fn new(quiet: bool) -> Self {
        let bar = if quiet {
            ProgressBar::hidden()
        } else {
            ProgressBar::no_length()
        };
        // Templates are constants; one that does not parse would fail every test of the command.
        if let Ok(style) =
            ProgressStyle::with_template("  {spinner} {msg:<28} {wide_bar} {percent:>3} %  {eta}")
        {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(120));
        Self { bar, quiet }
    }

    /// Names the work that follows.
    pub(crate) fn begin(&self, work: &str) {
        self.bar.set_length(1);
        self.bar.set_position(0);
        self.bar.reset_eta();
        self.bar.set_message(work.to_owned());
    }

    /// Ends with a line that stays.
    pub(crate) fn line(&self, line: &str) {
        if !self.quiet {
            self.bar.suspend(|| output::note(line));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

impl Watch for Progress {
    fn advance(&self, done: u64, total: u64) {
        self.bar.set_length(total);
        self.bar.set_position(done);
    }

    fn is_cancelled(&self) -> bool {
        interrupt::is_asked()
    }
}

impl RunWatch for Progress {
    fn step_started(&self, step: &str) {
        self.begin(step);
    }

    fn step_finished(&self, report: &StepReport) {
        let mark = if report.ran { "done" } else { "kept" };
        self.line(&format!("  {mark}  {:<24} {}", report.step, report.reason));
    }
}
