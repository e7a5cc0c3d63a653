//! Estimates as points with their intervals, against zero and against what the contract pays for.

use super::{Picture, Size, at_both_sizes, axis, flags};
use crate::svg::{Anchor, LABEL, NOTE, Scale, Svg, width, wrap};

/// From one line of a label to the next, in pixels.
const LINE: f64 = 17.0;

/// Room for labels beside a plot, in pixels.
const LABEL_WIDTH: f64 = 138.0;

/// One effect: its estimates on one axis.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct EffectPanel {
    /// What the outcome is called.
    pub(crate) title: String,
    /// Unit of the axis, in words.
    pub(crate) unit: String,
    /// The estimate paid on, then those it is shown beside.
    pub(crate) rows: Vec<EffectRow>,
    /// Numbers the contract compares with.
    pub(crate) marks: Vec<Mark>,
}

/// One estimate, in the unit of its axis.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct EffectRow {
    pub(crate) label: String,
    pub(crate) point: f64,
    pub(crate) lower: f64,
    pub(crate) upper: f64,
    /// The point as text.
    pub(crate) point_text: String,
    /// The interval as text.
    pub(crate) interval_text: String,
    /// Whether this is the estimate the contract reads.
    pub(crate) is_main: bool,
}

impl EffectRow {
    fn text(&self) -> String {
        format!("{} {}", self.point_text, self.interval_text)
    }

    /// The numbers on one line where `most` pixels allow it, else on two.
    fn text_lines(&self, most: f64) -> Vec<String> {
        let text = self.text();
        if width(&text, LABEL) <= most {
            vec![text]
        } else {
            vec![self.point_text.clone(), self.interval_text.clone()]
        }
    }
}

/// A number on the axis that something hangs on.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Mark {
    pub(crate) value: f64,
    pub(crate) label: String,
    pub(crate) kind: MarkKind,
}

/// What hangs on a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MarkKind {
    /// A payment: the contract compares with it.
    Threshold,
    /// Nothing: it is what was planted in synthetic data.
    Truth,
}

impl MarkKind {
    fn class(self) -> &'static str {
        match self {
            Self::Threshold => "gate",
            Self::Truth => "truth",
        }
    }
}

/// Draws one panel for each effect, under each other, each with its own axis.
pub(crate) fn effects(panels: &[EffectPanel]) -> Picture {
    drawn("effects", "Estimated effects with their intervals", panels)
}

/// Draws the same for the designs of each effect.
pub(crate) fn designs(panels: &[EffectPanel]) -> Picture {
    let title = "Each effect by every design, with its interval";
    drawn("designs", title, panels)
}

fn drawn(name: &str, title: &str, panels: &[EffectPanel]) -> Picture {
    let description = describe(panels);
    at_both_sizes(|size| {
        let mut svg = Svg::new(size.width());
        let mut y = 0.0;
        for panel in panels {
            y = draw(&mut svg, size, panel, y);
        }
        svg.finish(y, &size.id(name), title, &description)
    })
}

fn describe(panels: &[EffectPanel]) -> String {
    let mut sentences = Vec::new();
    for panel in panels {
        for row in &panel.rows {
            sentences.push(format!(
                "{}, {}: {} {}.",
                panel.title,
                row.label,
                row.text(),
                panel.unit
            ));
        }
        for mark in &panel.marks {
            sentences.push(format!("Marked: {}.", mark.label));
        }
    }
    sentences.join(" ")
}

fn draw(svg: &mut Svg, size: Size, panel: &EffectPanel, top: f64) -> f64 {
    let page = size.width();
    let mut y = top + 2.0;
    for line in wrap(&panel.title, LABEL, page, 3) {
        y += LINE;
        svg.text((0.0, y), LABEL, Anchor::Start, "label strong", &line);
    }
    let scale = scale(size, panel);
    let plot_top = marks(svg, size, panel, &scale, y + 8.0);
    let heights: Vec<f64> = panel.rows.iter().map(|row| row_height(size, row)).collect();
    let bottom = plot_top + heights.iter().sum::<f64>() + 4.0;
    if size == Size::Wide {
        behind(svg, panel, &scale, (plot_top, bottom));
    }
    let mut row_top = plot_top;
    for (row, height) in panel.rows.iter().zip(heights) {
        if size == Size::Narrow {
            behind(
                svg,
                panel,
                &scale,
                (row_top + height - 24.0, row_top + height - 4.0),
            );
        }
        draw_row(svg, size, row, &scale, row_top, height);
        row_top += height;
    }
    axis::draw(svg, size, &scale, bottom);
    let (from, _) = span(size);
    svg.text(
        (from, bottom + 36.0),
        NOTE,
        Anchor::Start,
        "note",
        &fitted(&panel.unit, page - from),
    );
    bottom + 56.0
}

/// Where the plot lies, in pixels.
fn span(size: Size) -> (f64, f64) {
    match size {
        Size::Wide => (150.0, 470.0),
        Size::Narrow => (14.0, 322.0),
    }
}

fn scale(size: Size, panel: &EffectPanel) -> Scale {
    let estimates = panel
        .rows
        .iter()
        .flat_map(|row| [row.lower, row.point, row.upper]);
    let marks = panel.marks.iter().map(|mark| mark.value);
    axis::scale(estimates.chain(marks).chain([0.0]), span(size))
}

/// Names the zero line and the marks above the plot; returns where the plot starts.
fn marks(svg: &mut Svg, size: Size, panel: &EffectPanel, scale: &Scale, top: f64) -> f64 {
    let zero = Mark {
        value: 0.0,
        label: "no effect".to_owned(),
        kind: MarkKind::Threshold,
    };
    let all: Vec<&Mark> = std::iter::once(&zero).chain(&panel.marks).collect();
    let labels: Vec<String> = all
        .iter()
        .map(|mark| fitted(&mark.label, size.width() * 0.6))
        .collect();
    let stems: Vec<(f64, f64)> = all
        .iter()
        .zip(&labels)
        .map(|(mark, label)| (scale.pixel(mark.value), width(label, NOTE)))
        .collect();
    let placed = flags::place(&stems, size.width());
    let n_rows = placed.iter().map(|flag| flag.row + 1).max().unwrap_or(0);
    let bottom = top + 16.0 * count(n_rows) + 4.0;
    for ((flag, label), (x, _)) in placed.iter().zip(&labels).zip(&stems) {
        let baseline = bottom - 8.0 - 16.0 * count(flag.row);
        svg.text((flag.left, baseline), NOTE, Anchor::Start, "note", label);
        svg.line((*x, baseline - 9.0), (*x, bottom), "tick");
    }
    bottom
}

/// Grid, zero and marks: behind all rows of a page, and on a phone beneath each label.
fn behind(svg: &mut Svg, panel: &EffectPanel, scale: &Scale, (top, bottom): (f64, f64)) {
    axis::grid(svg, scale, (top, bottom));
    svg.line((scale.pixel(0.0), top), (scale.pixel(0.0), bottom), "zero");
    for mark in &panel.marks {
        svg.line(
            (scale.pixel(mark.value), top),
            (scale.pixel(mark.value), bottom),
            mark.kind.class(),
        );
    }
}

/// Room for the numbers: beside the plot of a page, or beside the label on a phone.
fn text_room(size: Size, row: &EffectRow) -> f64 {
    match size {
        Size::Wide => 196.0,
        Size::Narrow => 330.0 - width(&row.label, LABEL),
    }
}

fn n_lines(size: Size, row: &EffectRow) -> usize {
    let n_text = row.text_lines(text_room(size, row)).len();
    match size {
        Size::Wide => wrap(&row.label, LABEL, LABEL_WIDTH, 3).len().max(n_text),
        Size::Narrow => n_text,
    }
}

fn row_height(size: Size, row: &EffectRow) -> f64 {
    let text = LINE * count(n_lines(size, row));
    match size {
        Size::Wide => text + 15.0,
        Size::Narrow => text + 29.0,
    }
}

fn draw_row(svg: &mut Svg, size: Size, row: &EffectRow, scale: &Scale, top: f64, height: f64) {
    let (text_class, whisker, dot) = if row.is_main {
        ("label strong", "interval", "dot")
    } else {
        ("label soft", "interval-thin", "dot-open")
    };
    let numbers = row.text_lines(text_room(size, row));
    let y = match size {
        Size::Wide => {
            let middle = top + height / 2.0;
            let label = wrap(&row.label, LABEL, LABEL_WIDTH, 3);
            block(svg, &label, (0.0, middle), Anchor::Start, text_class);
            block(svg, &numbers, (679.0, middle), Anchor::End, text_class);
            middle
        }
        Size::Narrow => {
            let text_height = LINE * count(numbers.len());
            let label = wrap(&row.label, LABEL, 340.0, 1);
            block(
                svg,
                &label,
                (0.0, top + LINE / 2.0 + 2.0),
                Anchor::Start,
                text_class,
            );
            block(
                svg,
                &numbers,
                (340.0, top + text_height / 2.0 + 2.0),
                Anchor::End,
                text_class,
            );
            top + text_height + 15.0
        }
    };
    let (lower, upper) = (scale.pixel(row.lower), scale.pixel(row.upper));
    svg.line((lower, y), (upper, y), whisker);
    for end in [lower, upper] {
        svg.line((end, y - 4.0), (end, y + 4.0), whisker);
    }
    svg.circle((scale.pixel(row.point), y), 5.0, dot);
}

/// Lines of text around a middle.
fn block(svg: &mut Svg, lines: &[String], (x, middle): (f64, f64), anchor: Anchor, class: &str) {
    let first = middle - LINE * count(lines.len()) / 2.0 + 13.0;
    for (index, line) in lines.iter().enumerate() {
        svg.text((x, first + LINE * count(index)), LABEL, anchor, class, line);
    }
}

/// One line of a note, cut if it must be.
fn fitted(text: &str, most: f64) -> String {
    wrap(text, NOTE, most, 1).concat()
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a drawing has a handful of rows"
)]
fn count(n: usize) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::number::fixed;
    use crate::picture::legibility;

    fn row(label: &str, point: f64, half_width: f64, is_main: bool) -> EffectRow {
        let (lower, upper) = (point - half_width, point + half_width);
        EffectRow {
            label: label.to_owned(),
            point,
            lower,
            upper,
            point_text: fixed(point, 1),
            interval_text: format!("[{}, {}]", fixed(lower, 1), fixed(upper, 1)),
            is_main,
        }
    }

    fn panel() -> EffectPanel {
        EffectPanel {
            title: "Absence from school, share of offered hours <b>".to_owned(),
            unit: "percentage points".to_owned(),
            rows: vec![
                row("matched", -6.0, 2.0, true),
                row("unadjusted", 9.2, 1.5, false),
            ],
            marks: vec![
                Mark {
                    value: -3.0,
                    label: "threshold −3".to_owned(),
                    kind: MarkKind::Threshold,
                },
                Mark {
                    value: -5.0,
                    label: "threshold −5".to_owned(),
                    kind: MarkKind::Threshold,
                },
            ],
        }
    }

    #[test]
    fn every_label_is_legible_at_both_widths() {
        let large = EffectPanel {
            title: "Cost of placements".to_owned(),
            unit: "SEK per child".to_owned(),
            rows: vec![
                row("matched", -1_240_000.0, 770_000.0, true),
                row("unadjusted", 3_240_000.0, 470_000.0, false),
            ],
            marks: vec![],
        };
        legibility::check(&effects(&[panel(), large]));
    }

    #[test]
    fn the_truth_of_synthetic_data_is_a_line_of_its_own_kind() {
        let mut panel = panel();
        panel.marks = vec![Mark {
            value: -5.9,
            label: "planted: −5.9".to_owned(),
            kind: MarkKind::Truth,
        }];
        panel.rows.push(row(
            "five subclasses of the propensity score",
            -4.0,
            3.0,
            false,
        ));
        let picture = designs(&[panel]);
        legibility::check(&picture);
        assert!(picture.wide.contains("class=\"truth\""));
        assert!(!picture.wide.contains("class=\"gate\""));
    }

    #[test]
    fn numbers_too_long_for_one_line_are_set_on_two_and_never_cut() {
        let picture = effects(&[EffectPanel {
            rows: vec![row("matched", -1_240_000.0, 770_000.0, true)],
            ..panel()
        }]);
        for drawing in [&picture.wide, &picture.narrow] {
            assert!(drawing.contains(&format!(">{}</text>", fixed(-1_240_000.0, 1))));
            assert!(!drawing.contains('…'));
        }
    }

    #[test]
    fn a_picture_describes_every_estimate_in_words() {
        let picture = effects(&[panel()]);
        assert!(
            picture
                .wide
                .contains("matched: −6.0 [−8.0, −4.0] percentage points.")
        );
        assert!(
            picture
                .wide
                .contains("unadjusted: 9.2 [7.7, 10.7] percentage points.")
        );
    }
}
