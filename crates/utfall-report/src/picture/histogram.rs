//! How simulated values fell, as bars over an axis, with a line at zero.

use super::{Picture, at_both_sizes, axis};
use crate::number::count;
use crate::svg::{Anchor, NOTE, Svg};

/// Height of the tallest bar.
const TALLEST: f64 = 150.0;

/// Counts in bins of equal width.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Bars {
    /// What is counted, for the axis.
    pub(crate) label: String,
    /// Lower end of the first bin.
    pub(crate) from: f64,
    /// Width of a bin.
    pub(crate) width: f64,
    /// Values in each bin.
    pub(crate) counts: Vec<u32>,
}

/// Draws the bars; `name` is unique in the page.
pub(crate) fn histogram(name: &str, bars: &Bars) -> Picture {
    let n_bins = f64::from(u32::try_from(bars.counts.len()).unwrap_or(u32::MAX));
    let end = bars.from + bars.width * n_bins;
    let most = bars.counts.iter().copied().max().unwrap_or(0).max(1);
    at_both_sizes(|size| {
        let (left, right) = (12.0, size.width() - 12.0);
        let scale = axis::scale([bars.from, end, 0.0], (left, right));
        let mut svg = Svg::new(size.width());
        let (top, bottom) = (22.0, 22.0 + TALLEST);
        let mut from = bars.from;
        for n in &bars.counts {
            let (x, next) = (scale.pixel(from), scale.pixel(from + bars.width));
            let height = TALLEST * f64::from(*n) / f64::from(most);
            let width = (next - x - 1.0).max(0.5);
            svg.rect((x, bottom - height), (width, height), "bar");
            from += bars.width;
        }
        let zero = scale.pixel(0.0);
        svg.line((zero, top), (zero, bottom), "zero");
        let half = crate::svg::width("no effect", NOTE) / 2.0;
        let x = zero.clamp(half, size.width() - half);
        svg.text((x, 13.0), NOTE, Anchor::Middle, "note strong", "no effect");
        axis::draw(&mut svg, size, &scale, bottom);
        let y = bottom + 38.0;
        svg.text((0.0, y), NOTE, Anchor::Start, "note", &bars.label);
        svg.finish(
            y + 6.0,
            &size.id(name),
            "Distribution of the estimates",
            &format!(
                "{} values in {} bars; the table beside it has their quantiles.",
                count(bars.counts.iter().map(|n| u64::from(*n)).sum()),
                bars.counts.len(),
            ),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::legibility;

    #[test]
    fn every_label_is_legible_and_every_bin_has_its_bar() {
        for from in [-2.0, 3.0, -9.0] {
            let bars = Bars {
                label: "estimate, percentage points".to_owned(),
                from,
                width: 0.5,
                counts: vec![1, 4, 9, 3, 0, 2],
            };
            let picture = histogram("estimates", &bars);
            legibility::check(&picture);
            assert_eq!(picture.wide.matches("class=\"bar\"").count(), 6);
        }
    }
}
