//! A horizontal axis under a plot, with as many marks as its labels leave room for.

use super::Size;
use crate::number::fixed;
use crate::svg::{Anchor, NOTE, Scale, Svg, width};

/// A scale over `values` between two pixels, whose labels do not crowd each other.
pub(crate) fn scale(values: impl IntoIterator<Item = f64>, (from, to): (f64, f64)) -> Scale {
    let values: Vec<f64> = values.into_iter().collect();
    let mut scale = Scale::over(values.iter().copied(), 1, from, to);
    for n_ticks in (2..=6).rev() {
        let tried = Scale::over(values.iter().copied(), n_ticks, from, to);
        if labels_have_room(&tried) {
            scale = tried;
            break;
        }
    }
    scale
}

/// Draws the axis at height `y`; labels at its ends stay on the page.
pub(crate) fn draw(svg: &mut Svg, size: Size, scale: &Scale, y: f64) {
    draw_as(svg, size, scale, y, label);
}

/// The same with labels of one's own, no wider than the usual ones.
pub(crate) fn draw_as(
    svg: &mut Svg,
    size: Size,
    scale: &Scale,
    y: f64,
    label: impl Fn(&Scale, f64) -> String,
) {
    svg.line(
        (scale.pixel(f64::NEG_INFINITY), y),
        (scale.pixel(f64::INFINITY), y),
        "axis",
    );
    for tick in scale.ticks() {
        let x = scale.pixel(tick);
        let label = label(scale, tick);
        let half = width(&label, NOTE) / 2.0;
        svg.line((x, y), (x, y + 4.0), "axis");
        svg.text(
            (x.clamp(half, size.width() - half), y + 18.0),
            NOTE,
            Anchor::Middle,
            "note",
            &label,
        );
    }
}

/// Draws a faint line at each mark, behind one row of a plot.
pub(crate) fn grid(svg: &mut Svg, scale: &Scale, (top, bottom): (f64, f64)) {
    for tick in scale.ticks() {
        svg.line(
            (scale.pixel(tick), top),
            (scale.pixel(tick), bottom),
            "grid",
        );
    }
}

fn label(scale: &Scale, tick: f64) -> String {
    fixed(tick, scale.decimals())
}

/// Whether two labels beside each other keep apart, even with one shifted to stay on the page.
fn labels_have_room(scale: &Scale) -> bool {
    let ticks = scale.ticks();
    let widest = ticks
        .iter()
        .map(|tick| width(&label(scale, *tick), NOTE))
        .fold(0.0, f64::max);
    ticks
        .windows(2)
        .all(|pair| scale.pixel(pair[1]) - scale.pixel(pair[0]) >= 1.5 * widest + 4.0)
}
