//! What a calibration found, on one screen.

use std::io::{self, Write};
use std::path::Path;

use utfall_design::{Assignment, CalibrationDocument, EffectCalibration, Rate};

use crate::summary::line;

/// Writes the findings.
pub(crate) fn write(
    document: &CalibrationDocument,
    report: &Path,
    out: &mut dyn Write,
) -> io::Result<()> {
    let source = &document.source;
    writeln!(out, "\n{}\n", source.title)?;
    line(out, "Drawn", &drawn(document))?;
    line(out, "Read", read(document))?;
    line(
        out,
        "Paid",
        &format!("for nothing in {}", rate(&document.payments.paid)),
    )?;
    line(out, "", &amounts(document))?;
    line(
        out,
        "Balance",
        &format!("gate passed in {}", rate(&document.balanced)),
    )?;
    if document.undecided.n > 0 {
        line(out, "Undecided", &rate(&document.undecided))?;
    }
    for effect in &document.effects {
        line(out, "Effect", &effect.title)?;
        for detail in details(effect) {
            line(out, "", &detail)?;
        }
    }
    for failure in &document.failures {
        line(
            out,
            "Failed",
            &format!("{} programmes: {}", failure.n, failure.reason),
        )?;
    }
    writeln!(out)?;
    line(out, "Report", &report.display().to_string())
}

fn drawn(document: &CalibrationDocument) -> String {
    let source = &document.source;
    let how = match source.assignment {
        Assignment::Uniform => "every one alike",
        Assignment::WithinStrata => "within the plan's exact strata",
        Assignment::ByScore => "in proportion to the odds of the plan's score",
    };
    format!(
        "{} placebo programmes from {}, of {} among {} untreated ({}), {how}, seed {}",
        document.payments.paid.of,
        source.index_date,
        source.n_treated,
        source.n_pool,
        source.unit,
        source.seed,
    )
}

fn read(document: &CalibrationDocument) -> &'static str {
    if document.source.before_index_date {
        "nothing after the plan's own index date"
    } else {
        "outcomes of untreated units: the plan is now marked as calibrated on outcomes"
    }
}

fn amounts(document: &CalibrationDocument) -> String {
    let payments = &document.payments;
    let mut text = format!("mean {}, largest {}", payments.mean, payments.largest);
    if let Some(mean) = payments.mean_when_paid {
        text += &format!("; {mean} where anything is paid");
    }
    text
}

fn details(effect: &EffectCalibration) -> Vec<String> {
    let level = 100.0 * effect.confidence_level;
    let mut lines = vec![format!(
        "the {level} % interval covered zero in {}; above {}, below {}",
        rate(&effect.covered_zero),
        effect.above_zero.n,
        effect.below_zero.n,
    )];
    if let (Some(mean), Some(error), Some(spread), Some(reported)) = (
        effect.mean,
        effect.mean_error,
        effect.spread,
        effect.reported_error,
    ) {
        lines.push(format!(
            "estimates {mean:+.4} on average (Monte Carlo error {error:.4}), spread {spread:.4}; reported standard error {reported:.4} ({})",
            effect.unit
        ));
    }
    lines
}

/// A rate in words, with its Monte Carlo interval.
pub(crate) fn rate(rate: &Rate) -> String {
    let (Some(share), Some(interval)) = (rate.share, rate.interval) else {
        return "no programme".to_owned();
    };
    format!(
        "{} of {}: {:.1} % (Clopper–Pearson 95 % {:.1} to {:.1})",
        rate.n,
        rate.of,
        100.0 * share,
        100.0 * interval.lower,
        100.0 * interval.upper
    )
}
