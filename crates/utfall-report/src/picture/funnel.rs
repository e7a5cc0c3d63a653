//! How a population became a cohort: a bar for those who remain, a paler one for those lost.

use super::{Picture, Size, at_both_sizes};
use crate::svg::{Anchor, LABEL, NOTE, Svg, wrap};

/// A count as it is shown, which may be rounded or withheld.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Shown {
    /// The count in words or figures: `1 204`, `suppressed`.
    pub(crate) text: String,
    /// Its size, for a bar; `None` when it is withheld, and then nothing is drawn to scale.
    pub(crate) size: Option<f64>,
}

/// One line of the funnel.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FunnelStep {
    /// The rule applied.
    pub(crate) rule: String,
    /// Those lost at it; `None` for the start.
    pub(crate) lost: Option<Shown>,
    /// Those that remain after it.
    pub(crate) remaining: Shown,
}

/// Draws the funnel. The first step is the start, and sets the scale.
pub(crate) fn funnel(unit: &str, steps: &[FunnelStep]) -> Picture {
    let title = "How the cohort came about";
    let description = describe(unit, steps);
    at_both_sizes(|size| {
        let mut svg = Svg::new(size.width());
        let height = match size {
            Size::Wide => draw_wide(&mut svg, steps),
            Size::Narrow => draw_narrow(&mut svg, steps),
        };
        svg.finish(height, &size.id("funnel"), title, &description)
    })
}

fn describe(unit: &str, steps: &[FunnelStep]) -> String {
    let mut sentences = vec![format!("Counts of {unit}.")];
    for step in steps {
        sentences.push(match &step.lost {
            None => format!("{}: {}.", step.rule, step.remaining.text),
            Some(lost) => format!(
                "{}: lost {}, remain {}.",
                step.rule, lost.text, step.remaining.text
            ),
        });
    }
    sentences.join(" ")
}

fn draw_wide(svg: &mut Svg, steps: &[FunnelStep]) -> f64 {
    const LABEL_WIDTH: f64 = 268.0;
    const BAR_FROM: f64 = 284.0;
    const BAR_WIDTH: f64 = 196.0;
    const LOST: f64 = 578.0;
    const REMAIN: f64 = 679.0;
    svg.text((LOST, 12.0), NOTE, Anchor::End, "note", "lost");
    svg.text((REMAIN, 12.0), NOTE, Anchor::End, "note", "remain");
    let mut y = 22.0;
    for (index, step) in steps.iter().enumerate() {
        let lines = wrap(&step.rule, LABEL, LABEL_WIDTH, 4);
        let height = (17.0 * lines_count(&lines) + 13.0).max(34.0);
        svg.line((0.0, y), (680.0, y), "hair");
        let baseline = y + height / 2.0 - 17.0 * (lines_count(&lines) - 1.0) / 2.0 + 4.5;
        for (line, offset) in lines.iter().zip(offsets()) {
            svg.text(
                (0.0, baseline + 17.0 * offset),
                LABEL,
                Anchor::Start,
                "label",
                line,
            );
        }
        let middle = y + height / 2.0;
        bars(
            svg,
            steps,
            index,
            (BAR_FROM, middle - 7.0),
            (BAR_WIDTH, 14.0),
        );
        if let Some(lost) = &step.lost {
            svg.text(
                (LOST, middle + 4.5),
                LABEL,
                Anchor::End,
                "figure soft",
                &lost.text,
            );
        }
        svg.text(
            (REMAIN, middle + 4.5),
            LABEL,
            Anchor::End,
            "figure strong",
            &step.remaining.text,
        );
        y += height;
    }
    svg.line((0.0, y), (680.0, y), "hair");
    y + 2.0
}

fn draw_narrow(svg: &mut Svg, steps: &[FunnelStep]) -> f64 {
    let mut y = 0.0;
    for (index, step) in steps.iter().enumerate() {
        y += 6.0;
        for line in wrap(&step.rule, LABEL, 340.0, 4) {
            y += 17.0;
            svg.text((0.0, y), LABEL, Anchor::Start, "label", &line);
        }
        y += 10.0;
        bars(svg, steps, index, (0.0, y), (340.0, 9.0));
        y += 25.0;
        let remain = format!("{} remain", step.remaining.text);
        svg.text((0.0, y), NOTE, Anchor::Start, "figure strong", &remain);
        if let Some(lost) = &step.lost {
            svg.text(
                (340.0, y),
                NOTE,
                Anchor::End,
                "figure soft",
                &format!("{} lost", lost.text),
            );
        }
        y += 11.0;
        svg.line((0.0, y), (340.0, y), "hair");
    }
    y + 2.0
}

/// The bar of those who remain and, beside it, of those just lost; an outline where the size is withheld.
fn bars(
    svg: &mut Svg,
    steps: &[FunnelStep],
    index: usize,
    (x, y): (f64, f64),
    (full, height): (f64, f64),
) {
    let whole = steps
        .first()
        .and_then(|step| step.remaining.size)
        .filter(|size| *size > 0.0);
    let pixels = |size: f64| whole.map(|whole| (size / whole).clamp(0.0, 1.0) * full);
    let Some(step) = steps.get(index) else { return };
    let Some(remaining) = step.remaining.size.and_then(pixels) else {
        svg.rect((x, y), (full, height), "withheld");
        return;
    };
    let before = index
        .checked_sub(1)
        .and_then(|before| steps.get(before)?.remaining.size.and_then(pixels));
    let lost_is_shown = step.lost.as_ref().is_some_and(|lost| lost.size.is_some());
    if let Some(before) = before.filter(|before| lost_is_shown && *before > remaining) {
        svg.rect((x, y), (before, height), "bar-lost");
    }
    svg.rect((x, y), (remaining.max(1.0), height), "bar");
}

#[expect(clippy::cast_precision_loss, reason = "a label has a handful of lines")]
fn lines_count(lines: &[String]) -> f64 {
    lines.len() as f64
}

fn offsets() -> impl Iterator<Item = f64> {
    (0_u32..).map(f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::legibility;

    fn shown(n: f64) -> Shown {
        Shown {
            text: crate::number::fixed(n, 0),
            size: Some(n),
        }
    }

    fn withheld() -> Shown {
        Shown {
            text: "suppressed".to_owned(),
            size: None,
        }
    }

    fn steps() -> Vec<FunnelStep> {
        vec![
            FunnelStep { rule: "In the extract".to_owned(), lost: None, remaining: shown(12_408.0) },
            FunnelStep {
                rule: "enrolled in a municipal school at the index date, in grades four to nine, and alive & <well>".to_owned(),
                lost: Some(shown(1_204.0)),
                remaining: shown(11_204.0),
            },
            FunnelStep { rule: "not in care".to_owned(), lost: Some(withheld()), remaining: withheld() },
        ]
    }

    #[test]
    fn every_count_is_legible_at_both_widths() {
        let picture = funnel("person", &steps());
        legibility::check(&picture);
        for drawing in [&picture.wide, &picture.narrow] {
            assert!(drawing.contains("11\u{202f}204") && drawing.contains("1\u{202f}204"));
        }
    }

    #[test]
    fn a_withheld_count_has_no_bar_to_measure() {
        let picture = funnel("person", &steps()[2..]);
        assert!(!picture.wide.contains(r#"class="bar"#));
        assert!(picture.wide.contains(r#"class="withheld""#));
    }
}
