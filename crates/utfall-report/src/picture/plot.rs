//! A plot of what changes over time or over a score: bands, lines and dots over two axes, with a
//! legend above and rows of numbers below.

use super::{Picture, Size, at_both_sizes, axis};
use crate::number::fixed;
use crate::svg::{Anchor, NOTE, Scale, Svg, width};

/// Height of the plot itself.
const HEIGHT: f64 = 250.0;

/// Height of a line of notes.
const LINE: f64 = 17.0;

/// One plot.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Plot {
    /// What is drawn, for readers who cannot see it.
    pub(crate) title: String,
    /// What it says, for them.
    pub(crate) description: String,
    /// What the horizontal axis is.
    pub(crate) across: String,
    /// What the vertical axis is.
    pub(crate) upwards: String,
    /// Layers, the lowest first.
    pub(crate) layers: Vec<Layer>,
    /// Where something changes, with a word.
    pub(crate) change: Option<(f64, &'static str)>,
    /// Values the vertical axis must show; a whole line is drawn at zero if it is among them.
    pub(crate) shown: Vec<f64>,
    /// Rows of numbers under the axis: a label, and texts at places of the axis.
    pub(crate) rows: Vec<(String, Vec<(f64, String)>)>,
}

/// Points of one kind.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Layer {
    /// What the legend calls it; `None` to leave it out.
    pub(crate) word: Option<String>,
    /// How it is drawn.
    pub(crate) ink: Ink,
    /// Its points, from left to right.
    pub(crate) points: Vec<Point>,
}

/// A point with its limits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Point {
    pub(crate) at: f64,
    pub(crate) value: f64,
    /// Lower and upper end of an interval.
    pub(crate) limits: Option<(f64, f64)>,
}

/// How points are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ink {
    /// The area between the limits.
    Band,
    /// A line through the points.
    Line,
    /// A second line, dashed.
    Dashed,
    /// The line of a second group, in long dashes.
    Second,
    /// A faint line in the background.
    Faint,
    /// Dots with whiskers.
    Dots,
    /// Open dots with thin whiskers.
    OpenDots,
}

impl Ink {
    /// Classes of lines, or whiskers and dots.
    fn classes(self) -> (&'static str, &'static str) {
        match self {
            Self::Band => ("band", "band"),
            Self::Line => ("interval", "dot"),
            Self::Dashed => ("gate", "dot-alert"),
            Self::Second => ("dashes", "dot-open"),
            Self::Faint => ("hair", "dot-open"),
            Self::Dots => ("interval", "dot"),
            Self::OpenDots => ("interval-thin", "dot-open"),
        }
    }
}

/// Draws a plot; `name` is unique in the page.
pub(crate) fn plot(name: &str, plot: &Plot) -> Picture {
    at_both_sizes(|size| {
        let mut svg = Svg::new(size.width());
        let top = legend(&mut svg, size, plot);
        svg.text((0.0, top), NOTE, Anchor::Start, "note", &plot.upwards);
        let top = top + if plot.change.is_some() { 30.0 } else { 14.0 };
        let bottom = top + HEIGHT;
        let upwards = Scale::over(heights(plot), 5, bottom, top);
        let labels: Vec<(f64, String)> = upwards
            .ticks()
            .into_iter()
            .map(|tick| (tick, fixed(tick, upwards.decimals())))
            .collect();
        let widest = labels.iter().map(|(_, label)| width(label, NOTE));
        let left = widest.fold(0.0, f64::max) + 8.0;
        let places = plot.layers.iter().flat_map(|layer| &layer.points);
        let places = places
            .map(|point| point.at)
            .chain(plot.change.map(|one| one.0));
        let across = axis::scale(places, (left + 10.0, size.width() - 16.0));
        for (tick, label) in &labels {
            let y = upwards.pixel(*tick);
            svg.line((left, y), (size.width(), y), "grid");
            svg.text((left - 6.0, y + 4.0), NOTE, Anchor::End, "note", label);
        }
        let is_behind = |layer: &&Layer| matches!(layer.ink, Ink::Band | Ink::Faint);
        for layer in plot.layers.iter().filter(is_behind) {
            draw(&mut svg, layer, &across, &upwards);
        }
        if plot.shown.contains(&0.0) {
            let y = upwards.pixel(0.0);
            svg.line((left, y), (size.width(), y), "zero");
        }
        if let Some((at, word)) = plot.change {
            let x = across.pixel(at);
            svg.line((x, top - 6.0), (x, bottom), "axis");
            let half = width(word, NOTE) / 2.0;
            let x = x.clamp(half, size.width() - half);
            svg.text((x, top - 11.0), NOTE, Anchor::Middle, "note strong", word);
        }
        for layer in plot.layers.iter().filter(|layer| !is_behind(layer)) {
            draw(&mut svg, layer, &across, &upwards);
        }
        axis::draw_as(&mut svg, size, &across, bottom, |scale, tick| {
            place(tick, scale.decimals())
        });
        let mut y = bottom + 38.0;
        svg.text((left, y), NOTE, Anchor::Start, "note", &plot.across);
        for (label, texts) in &plot.rows {
            y += LINE + 6.0;
            svg.text((0.0, y), NOTE, Anchor::Start, "note strong", label);
            y += LINE;
            numbers(&mut svg, size, texts, &across, y);
        }
        svg.finish(y + 6.0, &size.id(name), &plot.title, &plot.description)
    })
}

/// A place on the horizontal axis: digits in one piece, as years are written.
pub(crate) fn place(at: f64, decimals: usize) -> String {
    fixed(at, decimals).replace('\u{202f}', "")
}

fn heights(plot: &Plot) -> impl Iterator<Item = f64> {
    let points = plot.layers.iter().flat_map(|layer| &layer.points);
    let ends = |point: &Point| {
        let (lower, upper) = point.limits.unwrap_or((point.value, point.value));
        [lower, point.value, upper]
    };
    points.flat_map(ends).chain(plot.shown.iter().copied())
}

fn draw(svg: &mut Svg, layer: &Layer, across: &Scale, upwards: &Scale) {
    let (line, dot) = layer.ink.classes();
    let place = |at: f64, value: f64| (across.pixel(at), upwards.pixel(value));
    match layer.ink {
        Ink::Band => {
            let limits = layer
                .points
                .iter()
                .filter_map(|point| Some((point.at, point.limits?)));
            let (mut over, mut under) = (Vec::new(), Vec::new());
            for (at, (lower, upper)) in limits {
                over.push(place(at, upper));
                under.push(place(at, lower));
            }
            under.reverse();
            over.extend(under);
            if !over.is_empty() {
                svg.polygon(&over, line);
            }
        }
        Ink::Line | Ink::Dashed | Ink::Second | Ink::Faint => {
            let points = layer.points.iter();
            let points: Vec<_> = points.map(|point| place(point.at, point.value)).collect();
            if points.len() > 1 {
                svg.polyline(&points, line);
            }
        }
        Ink::Dots | Ink::OpenDots => {
            for point in &layer.points {
                let (x, y) = place(point.at, point.value);
                if let Some((lower, upper)) = point.limits {
                    let ends = [lower, upper].map(|value| upwards.pixel(value));
                    svg.line((x, ends[0]), (x, ends[1]), line);
                    for end in ends {
                        svg.line((x - 4.0, end), (x + 4.0, end), line);
                    }
                }
                svg.circle((x, y), 4.5, dot);
            }
        }
    }
}

/// Samples of each ink with its word, in lines as they fit; returns where the next text goes.
fn legend(svg: &mut Svg, size: Size, plot: &Plot) -> f64 {
    let (mut x, mut y, mut any) = (0.0, 12.0, false);
    for layer in &plot.layers {
        let Some(word) = &layer.word else { continue };
        let wide = 26.0 + width(word, NOTE) + 14.0;
        if x > 0.0 && x + wide - 14.0 > size.width() {
            (x, y) = (0.0, y + LINE);
        }
        let middle = y - 4.0;
        let (line, dot) = layer.ink.classes();
        if layer.ink == Ink::Band {
            svg.rect((x, middle - 5.0), (20.0, 10.0), line);
        } else {
            svg.line((x, middle), (x + 20.0, middle), line);
        }
        if matches!(layer.ink, Ink::Dots | Ink::OpenDots) {
            svg.circle((x + 10.0, middle), 4.0, dot);
        }
        svg.text((x + 26.0, y), NOTE, Anchor::Start, "note", word);
        x += wide;
        any = true;
    }
    if any { y + LINE + 8.0 } else { y }
}

/// Texts under their places; those without room beside the one before are left to the table.
fn numbers(svg: &mut Svg, size: Size, texts: &[(f64, String)], across: &Scale, y: f64) {
    let mut free_from = 0.0;
    for (at, text) in texts {
        let half = width(text, NOTE) / 2.0;
        let x = across.pixel(*at).clamp(half, size.width() - half);
        if x - half >= free_from {
            svg.text((x, y), NOTE, Anchor::Middle, "note", text);
            free_from = x + half + 5.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::legibility;

    fn point(at: f64, value: f64, half: f64) -> Point {
        let limits = (half > 0.0).then_some((value - half, value + half));
        Point { at, value, limits }
    }

    #[test]
    fn every_label_is_legible_at_both_widths() {
        let layer = |word: &str, ink, half| Layer {
            word: Some(word.to_owned()),
            ink,
            points: (-4..=8)
                .map(f64::from)
                .map(|at| point(at, 0.01 * at * at - 0.3, half))
                .collect(),
        };
        let drawn = plot(
            "effects",
            &Plot {
                title: "Effects by time since the start".to_owned(),
                description: "The table below has every number.".to_owned(),
                across: "years since the start".to_owned(),
                upwards: "effect on the log of homicides".to_owned(),
                layers: vec![
                    layer("uniform 95 % band", Ink::Band, 0.3),
                    layer("estimate with its 95 % interval", Ink::Dots, 0.2),
                    layer("without the programme", Ink::Dashed, 0.0),
                    layer("placebos", Ink::Faint, 0.0),
                ],
                change: Some((0.0, "start")),
                shown: vec![0.0],
                rows: vec![(
                    "persons at risk: aid".to_owned(),
                    (0..9)
                        .map(|at| (f64::from(at), "1 204".to_owned()))
                        .collect(),
                )],
            },
        );
        legibility::check(&drawn);
        assert_eq!(drawn.wide.matches("<polygon").count(), 1);
        assert_eq!(drawn.wide.matches("class=\"dot\"").count(), 14);
    }
}
