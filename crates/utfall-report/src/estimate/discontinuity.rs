//! Means on both sides of a cutoff, and the lines whose ends make the jump.

use utfall_disclosure::Policy;
use utfall_request::{Discontinuity, Numbers};

use super::{Drawn, digits, limits, optional, range, shown, time, whole};
use crate::ReportError;
use crate::number::p_value;
use crate::picture::{Ink, Layer, Plot, Point};
use crate::study::{Fact, Table};

/// Points of each fitted line.
const STEPS: u32 = 40;

/// Draws bins of enough rows, and the polynomials within the bandwidth.
pub(super) fn draw(
    part: &Discontinuity,
    numbers: &Numbers,
    policy: &Policy,
) -> Result<Drawn, ReportError> {
    let mut bins = Vec::new();
    let mut rows = Vec::new();
    let mut of_bins: Vec<(&str, f64)> = numbers.each("bin_score").collect();
    of_bins.sort_by(|a, b| a.1.total_cmp(&b.1));
    for (key, at) in of_bins {
        let of = |name: &str| numbers.get(&format!("{name}.{key}"));
        let (Some(value), Some(n)) = (of("bin_mean"), of("bin_n")) else {
            continue;
        };
        let cell = policy.release(whole(n));
        let is_told = cell.value().is_some();
        if is_told {
            bins.push(Point {
                at,
                value,
                limits: None,
            });
        }
        let mean = if is_told {
            digits(value)
        } else {
            "withheld".to_owned()
        };
        rows.push(vec![digits(at), mean, shown(cell)]);
    }
    if rows.is_empty() {
        return Err(ReportError::NoPicture {
            remedy: "give `bins` to `[discontinuity]`, such as 20",
        });
    }
    let mut layers = vec![Layer {
        word: Some("mean of a bin".to_owned()),
        ink: Ink::OpenDots,
        points: bins,
    }];
    for (side, sign) in [("left", -1.0), ("right", 1.0)] {
        layers.push(Layer {
            word: (side == "left").then(|| "fit within the bandwidth".to_owned()),
            ink: Ink::Line,
            points: fitted(numbers, side, sign, part.cutoff),
        });
    }
    let level = super::percent(part.confidence_level.fraction());
    let fact = |term, name: &str| Fact {
        term,
        value: optional(numbers.get(name)),
        note: None,
    };
    Ok(Drawn {
        title: format!("{} where {} crosses {}", part.outcome, part.score, time(part.cutoff)),
        lede: "Units just above and just below the cutoff are alike but for the treatment.".to_owned(),
        amount: optional(numbers.get("estimate.conventional")),
        reason: format!(
            "The jump at the cutoff; robust {level} interval {}.",
            range(limits(numbers, "ci_low", "ci_high", "robust"))
        ),
        facts: vec![
            Fact {
                term: "Robust p-value",
                value: numbers.get("p.robust").map_or_else(String::new, p_value),
                note: None,
            },
            fact("Bandwidth left", "h.left"),
            fact("Bandwidth right", "h.right"),
        ],
        caption: "Bins have equal width on each side. The lines are local: they use the rows within the bandwidth.".to_owned(),
        plot: Plot {
            title: "Means around the cutoff".to_owned(),
            description: "The table below has every number.".to_owned(),
            across: part.score.clone(),
            upwards: part.outcome.clone(),
            layers,
            change: Some((part.cutoff, "cutoff")),
            shown: Vec::new(),
            rows: Vec::new(),
        },
        table: Table {
            caption: "Bins".to_owned(),
            note: "Bins of few rows are withheld under the disclosure policy.".to_owned(),
            head: ["middle", "mean", "rows"].map(str::to_owned).to_vec(),
            rows,
        },
    })
}

/// The polynomial of one side from the cutoff to the end of its bandwidth, from left to right.
fn fitted(numbers: &Numbers, side: &str, sign: f64, cutoff: f64) -> Vec<Point> {
    let Some(h) = numbers.get(&format!("h.{side}")) else {
        return Vec::new();
    };
    let coefficients = super::by_number(numbers, &format!("coef_{side}"));
    let mut points: Vec<Point> = (0..=STEPS)
        .map(|step| {
            let distance = sign * h * f64::from(step) / f64::from(STEPS);
            let value = coefficients
                .iter()
                .rev()
                .fold(0.0, |sum, (_, coefficient)| sum * distance + coefficient);
            Point {
                at: cutoff + distance,
                value,
                limits: None,
            }
        })
        .collect();
    points.sort_by(|a, b| a.at.total_cmp(&b.at));
    points
}
