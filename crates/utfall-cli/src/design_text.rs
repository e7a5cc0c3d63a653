//! What a design says, on one screen.

use std::io::{self, Write};

use utfall_design::{DesignDocument, DesignedEffect, PayingPoint, Role};

use crate::calibration_text::rate;
use crate::summary::line;

/// Writes power, least effects and what the contract pays by the true effect.
pub(crate) fn write(document: &DesignDocument, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\n{}\n{}\n", document.title, document.contract)?;
    for effect in &document.effects {
        line(out, "Effect", &precision(effect))?;
        line(
            out,
            "",
            &format!(
                "power {:.1} % if it is {} as hoped; least effect found with power {}: {:.5}",
                100.0 * effect.power_if_as_hoped,
                effect.hoped,
                document.power,
                effect.least_detectable
            ),
        )?;
    }
    for (label, role) in [("If nil", Role::Nil), ("If hoped", Role::AsHoped)] {
        if let Some(point) = document.point(role) {
            line(
                out,
                label,
                &format!("paid in {}", rate(&point.payments.paid)),
            )?;
            line(out, "", &format!("mean {}", point.payments.mean))?;
        }
    }
    writeln!(out)?;
    table(document, out)
}

fn precision(effect: &DesignedEffect) -> String {
    let degrees = match effect.degrees_of_freedom {
        Some(degrees) => format!("{degrees:.0} degrees of freedom"),
        None => "normal".to_owned(),
    };
    format!(
        "{}: standard error {:.5} {} ({degrees})",
        effect.name, effect.standard_error, effect.unit
    )
}

/// One line for each true effect that stands for a fifth of what is hoped.
fn table(document: &DesignDocument, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "  {:>8}  {:>14}  {:>8}  {:>24}",
        "of hoped",
        document.effects.first().map_or("", |effect| &effect.name),
        "paid",
        "mean payment"
    )?;
    for point in &document.points {
        if !is_shown(point) {
            continue;
        }
        writeln!(
            out,
            "  {:>6.0} %  {:>14.5}  {:>6.1} %  {:>24}",
            100.0 * point.share_of_hoped,
            point.effects.first().copied().unwrap_or(0.0),
            100.0 * point.payments.paid.share.unwrap_or(0.0),
            point.payments.mean.to_string()
        )?;
    }
    Ok(())
}

fn is_shown(point: &PayingPoint) -> bool {
    let fifths = point.share_of_hoped * 5.0;
    (fifths - fifths.round()).abs() < 1e-9
}
