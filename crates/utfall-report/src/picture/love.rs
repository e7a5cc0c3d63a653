//! Balance before and after matching, and the gate it must pass: a Love plot.

use super::{Picture, Size, at_both_sizes, axis};
use crate::number::fixed;
use crate::svg::{Anchor, LABEL, NOTE, Scale, Svg, width, wrap};

/// One covariate's standardised mean differences; `None` where they could not be computed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LoveRow {
    /// Name of the covariate.
    pub(crate) covariate: String,
    /// Before matching, signed.
    pub(crate) before: Option<f64>,
    /// After matching, signed.
    pub(crate) after: Option<f64>,
}

/// Draws absolute differences, widest before matching first; `gate` is the most allowed after.
pub(crate) fn love(rows: &[LoveRow], gate: f64) -> Picture {
    let mut rows = rows.to_vec();
    rows.sort_by(|a, b| magnitude(b.before).total_cmp(&magnitude(a.before)));
    let description = describe(&rows, gate);
    at_both_sizes(|size| {
        let layout = Layout::of(size, &rows, gate);
        let mut svg = Svg::new(size.width());
        let height = layout.draw(&mut svg, &rows, gate);
        svg.finish(
            height,
            &size.id("love"),
            "Balance before and after matching",
            &description,
        )
    })
}

fn magnitude(difference: Option<f64>) -> f64 {
    difference.map_or(-1.0, f64::abs)
}

fn describe(rows: &[LoveRow], gate: f64) -> String {
    let n_outside = rows
        .iter()
        .filter(|row| row.after.is_some_and(|after| after.abs() > gate))
        .count();
    format!(
        "Absolute standardised mean differences of {} covariates. After matching, {} within the gate of {} and {n_outside} outside it. The table below has every number.",
        rows.len(),
        rows.len() - n_outside,
        fixed(gate, 2),
    )
}

struct Layout {
    size: Size,
    scale: Scale,
    label_width: f64,
}

impl Layout {
    fn of(size: Size, rows: &[LoveRow], gate: f64) -> Self {
        let (label_width, from, to) = match size {
            Size::Wide => (268.0, 290.0, 664.0),
            Size::Narrow => (340.0, 10.0, 324.0),
        };
        let values = rows
            .iter()
            .flat_map(|row| [row.before, row.after])
            .flatten()
            .map(f64::abs);
        let scale = axis::scale(values.chain([0.0, gate * 1.2]), (from, to));
        Self {
            size,
            scale,
            label_width,
        }
    }

    fn draw(&self, svg: &mut Svg, rows: &[LoveRow], gate: f64) -> f64 {
        let gate_x = self.scale.pixel(gate);
        let top = self.legend(svg, gate, gate_x);
        let rows_top = top + 2.0;
        let heights: Vec<f64> = rows.iter().map(|row| self.row_height(row)).collect();
        let bottom = rows_top + heights.iter().sum::<f64>() + 2.0;
        if self.size == Size::Wide {
            self.behind(svg, gate, (top, bottom));
        }
        let mut y = rows_top;
        for (row, height) in rows.iter().zip(heights) {
            if self.size == Size::Narrow {
                let strip_top = y + self.text_height(row) + 2.0;
                self.behind(svg, gate, (strip_top, strip_top + 16.0));
            }
            self.row(svg, row, gate, y, height);
            y += height;
        }
        self.axis(svg, bottom)
    }

    /// What the marks mean, and the gate; returns where the plot starts.
    fn legend(&self, svg: &mut Svg, gate: f64, gate_x: f64) -> f64 {
        svg.circle((6.0, 9.0), 4.5, "dot-open");
        svg.text((16.0, 13.0), NOTE, Anchor::Start, "note", "before matching");
        svg.circle((142.0, 9.0), 4.5, "dot");
        svg.text((152.0, 13.0), NOTE, Anchor::Start, "note", "after matching");
        let text = format!("gate {}", fixed(gate, 2));
        let half = width(&text, NOTE) / 2.0;
        let x = gate_x.clamp(half, self.size.width() - half);
        let y = match self.size {
            Size::Wide => 13.0,
            Size::Narrow => 36.0,
        };
        svg.text((x, y), NOTE, Anchor::Middle, "note strong", &text);
        y + 8.0
    }

    fn lines(&self, row: &LoveRow) -> Vec<String> {
        wrap(&row.covariate, LABEL, self.label_width, 3)
    }

    fn row_height(&self, row: &LoveRow) -> f64 {
        match self.size {
            Size::Wide => (self.text_height(row) + 9.0).max(26.0),
            Size::Narrow => self.text_height(row) + 28.0,
        }
    }

    /// Grid and gate: behind all rows of a page, and on a phone beneath each label.
    fn behind(&self, svg: &mut Svg, gate: f64, (top, bottom): (f64, f64)) {
        let (left, gate_x) = (self.scale.pixel(0.0), self.scale.pixel(gate));
        svg.rect((left, top), (gate_x - left, bottom - top), "band");
        axis::grid(svg, &self.scale, (top, bottom));
        svg.line((gate_x, top), (gate_x, bottom), "gate");
    }

    fn text_height(&self, row: &LoveRow) -> f64 {
        17.0 * count(self.lines(row).len())
    }

    fn row(&self, svg: &mut Svg, row: &LoveRow, gate: f64, top: f64, height: f64) {
        let lines = self.lines(row);
        let text_height = self.text_height(row);
        let (first, y) = match self.size {
            Size::Wide => (
                top + (height - text_height) / 2.0 + 13.0,
                top + height / 2.0,
            ),
            Size::Narrow => (top + 14.0, top + text_height + 10.0),
        };
        for (index, line) in lines.iter().enumerate() {
            svg.text(
                (0.0, first + 17.0 * count(index)),
                LABEL,
                Anchor::Start,
                "label",
                line,
            );
        }
        svg.line(
            (self.scale.pixel(0.0), y),
            (self.scale.pixel(f64::INFINITY), y),
            "hair",
        );
        if let (Some(before), Some(after)) = (row.before, row.after) {
            svg.line(
                (self.scale.pixel(before.abs()), y),
                (self.scale.pixel(after.abs()), y),
                "link",
            );
        }
        if let Some(before) = row.before {
            svg.circle((self.scale.pixel(before.abs()), y), 4.5, "dot-open");
        }
        if let Some(after) = row.after {
            let class = if after.abs() > gate {
                "dot-alert"
            } else {
                "dot"
            };
            svg.circle((self.scale.pixel(after.abs()), y), 4.5, class);
        }
    }

    /// The axis under the rows; returns where the drawing ends.
    fn axis(&self, svg: &mut Svg, y: f64) -> f64 {
        axis::draw(svg, self.size, &self.scale, y);
        let name = "absolute standardised mean difference";
        svg.text(
            (self.scale.pixel(0.0), y + 38.0),
            NOTE,
            Anchor::Start,
            "note",
            name,
        );
        y + 44.0
    }
}

#[expect(clippy::cast_precision_loss, reason = "a label has a handful of lines")]
fn count(n: usize) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::legibility;

    fn rows() -> Vec<LoveRow> {
        let row = |covariate: &str, before, after| LoveRow {
            covariate: covariate.to_owned(),
            before,
            after,
        };
        vec![
            row("sex", Some(0.02), Some(-0.01)),
            row(
                "absence in the last twelve months before the index date, share of offered hours <&>",
                Some(0.83),
                Some(0.04),
            ),
            row("grade", Some(-0.31), Some(0.14)),
            row("constant", None, None),
        ]
    }

    #[test]
    fn every_label_is_legible_at_both_widths() {
        legibility::check(&love(&rows(), 0.1));
        legibility::check(&love(&rows(), 0.8));
        legibility::check(&love(&[], 0.1));
    }

    #[test]
    fn a_covariate_outside_the_gate_is_marked_and_counted() {
        let picture = love(&rows(), 0.1);
        assert_eq!(picture.wide.matches("dot-alert").count(), 1);
        assert!(
            picture
                .wide
                .contains("3 within the gate of 0.10 and 1 outside it")
        );
    }
}
