//! A curve over the true effect: what a contract pays, or how often, with marks at effects that
//! mean something.

use super::{Picture, Size, at_both_sizes, axis};
use crate::number::fixed;
use crate::svg::{Anchor, NOTE, Scale, Svg, width};

/// Height of the plot.
const HEIGHT: f64 = 190.0;

/// One curve.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Curve {
    /// What is drawn, for readers who cannot see it.
    pub(crate) title: String,
    /// What the horizontal axis is.
    pub(crate) across: String,
    /// What the vertical axis is.
    pub(crate) upwards: String,
    /// The points, from left to right; of several curves the first is the strongest.
    pub(crate) lines: Vec<Vec<(f64, f64)>>,
    /// Effects that mean something, with a word each.
    pub(crate) marks: Vec<CurveMark>,
    /// Values the vertical axis must show.
    pub(crate) shown: Vec<f64>,
}

/// A vertical line at an effect.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CurveMark {
    /// Where.
    pub(crate) at: f64,
    /// A word above the plot; a threshold of the contract has none.
    pub(crate) word: Option<&'static str>,
}

/// Draws a curve; `name` is unique in the page.
pub(crate) fn curve(name: &str, curve: &Curve) -> Picture {
    at_both_sizes(|size| {
        let points = || curve.lines.iter().flatten();
        let upwards = Scale::over(
            points().map(|point| point.1).chain(curve.shown.clone()),
            4,
            34.0 + HEIGHT,
            34.0,
        );
        let labels: Vec<(f64, String)> = upwards
            .ticks()
            .into_iter()
            .map(|tick| (tick, fixed(tick, upwards.decimals())))
            .collect();
        let widest = labels.iter().map(|(_, label)| width(label, NOTE));
        let left = widest.fold(0.0, f64::max) + 8.0;
        let across = axis::scale(
            points().map(|point| point.0),
            (left + 6.0, size.width() - 14.0),
        );
        let mut svg = Svg::new(size.width());
        svg.text((0.0, 12.0), NOTE, Anchor::Start, "note", &curve.upwards);
        for (tick, label) in &labels {
            let y = upwards.pixel(*tick);
            svg.line((left, y), (size.width(), y), "grid");
            svg.text((left - 6.0, y + 4.0), NOTE, Anchor::End, "note", label);
        }
        marks(&mut svg, size, curve, &across);
        for (index, line) in curve.lines.iter().enumerate() {
            let class = if index == 0 {
                "interval"
            } else {
                "interval-thin"
            };
            for pair in line.windows(2) {
                let [from, to] =
                    [pair[0], pair[1]].map(|(x, y)| (across.pixel(x), upwards.pixel(y)));
                svg.line(from, to, class);
            }
        }
        axis::draw(&mut svg, size, &across, 34.0 + HEIGHT);
        let y = 34.0 + HEIGHT + 38.0;
        svg.text((left, y), NOTE, Anchor::Start, "note", &curve.across);
        svg.finish(
            y + 6.0,
            &size.id(name),
            &curve.title,
            "The table below has every number.",
        )
    })
}

/// Thresholds of the contract as dashed lines; named effects as whole ones, their words kept apart.
fn marks(svg: &mut Svg, size: Size, curve: &Curve, across: &Scale) {
    let mut taken: Vec<(f64, f64)> = Vec::new();
    for mark in &curve.marks {
        let x = across.pixel(mark.at);
        let class = if mark.word.is_some() { "zero" } else { "gate" };
        svg.line((x, 34.0), (x, 34.0 + HEIGHT), class);
        let Some(word) = mark.word else { continue };
        let half = width(word, NOTE) / 2.0;
        let x = x.clamp(half, size.width() - half);
        let is_free = |(from, to): &(f64, f64)| x + half + 4.0 < *from || *to + 4.0 < x - half;
        if taken.iter().all(is_free) {
            svg.text((x, 29.0), NOTE, Anchor::Middle, "note strong", word);
            taken.push((x - half, x + half));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::legibility;

    #[test]
    fn every_label_is_legible_and_thresholds_are_dashed() {
        for hoped in [0.1, -4.0] {
            let line: Vec<(f64, f64)> = (-5..=20)
                .map(|tenths| f64::from(tenths) / 10.0)
                .map(|share| (share * hoped, share * 400_000.0))
                .collect();
            let mark = |at, word| CurveMark { at, word };
            let picture = curve(
                "paying",
                &Curve {
                    title: "Expected payment".to_owned(),
                    across: "true effect, percentage points".to_owned(),
                    upwards: "expected payment, SEK".to_owned(),
                    lines: vec![line],
                    marks: vec![
                        mark(0.0, Some("no effect")),
                        mark(hoped, Some("as hoped")),
                        mark(0.5 * hoped, None),
                    ],
                    shown: vec![0.0],
                },
            );
            legibility::check(&picture);
            assert_eq!(picture.wide.matches("class=\"gate\"").count(), 1);
            assert_eq!(picture.wide.matches("class=\"interval\"").count(), 25);
        }
    }
}
