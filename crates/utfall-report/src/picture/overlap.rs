//! How far two arms overlap: treated above the axis, comparators below, each as shares of its arm.

use super::{Picture, Size, at_both_sizes, axis};
use crate::number::fixed;
use crate::svg::{Anchor, NOTE, Scale, Svg};

/// One interval of the score. A share is `None` where its count is withheld.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct OverlapBar {
    /// Lower end.
    pub(crate) from: f64,
    /// Upper end.
    pub(crate) below: f64,
    /// Share of the treated.
    pub(crate) treated: Option<f64>,
    /// Share of the comparators.
    pub(crate) comparator: Option<f64>,
}

/// Height of the tallest bar, in pixels.
const TALLEST: f64 = 86.0;

/// Height of a mark for a count that is withheld.
const WITHHELD: f64 = 5.0;

/// Draws the two distributions against each other.
pub(crate) fn overlap(bars: &[OverlapBar]) -> Picture {
    let description = describe(bars);
    at_both_sizes(|size| {
        let mut svg = Svg::new(size.width());
        let height = draw(&mut svg, size, bars);
        let title = "Propensity scores of the two groups before matching";
        svg.finish(height, &size.id("overlap"), title, &description)
    })
}

fn describe(bars: &[OverlapBar]) -> String {
    let share = |share: Option<f64>| {
        share.map_or_else(
            || "a count too small to be shown".to_owned(),
            |share| format!("{} %", fixed(share * 100.0, 0)),
        )
    };
    let bar = |bar: &OverlapBar| {
        format!(
            "Score {} to {}: treated {}, comparators {}.",
            fixed(bar.from, 3),
            fixed(bar.below, 3),
            share(bar.treated),
            share(bar.comparator)
        )
    };
    bars.iter().map(bar).collect::<Vec<_>>().join(" ")
}

fn draw(svg: &mut Svg, size: Size, bars: &[OverlapBar]) -> f64 {
    let page = size.width();
    let ends = bars.iter().flat_map(|bar| [bar.from, bar.below]);
    let scale = axis::scale(ends, (12.0, page - 16.0));
    let shares = bars.iter().flat_map(|bar| [bar.treated, bar.comparator]);
    let tallest = shares.flatten().fold(f64::MIN_POSITIVE, f64::max);
    let top = 22.0;
    let middle = top + TALLEST;
    let bottom = middle + TALLEST + 6.0;
    svg.text((0.0, 13.0), NOTE, Anchor::Start, "note strong", "treated");
    svg.text(
        (page, 13.0),
        NOTE,
        Anchor::End,
        "note",
        "share of each group",
    );
    axis::grid(svg, &scale, (top, bottom));
    for bar in bars {
        let above = height(bar.treated, tallest);
        draw_bar(
            svg,
            &scale,
            bar,
            (middle - above, above),
            ("bar", bar.treated),
        );
        let below = height(bar.comparator, tallest);
        draw_bar(
            svg,
            &scale,
            bar,
            (middle, below),
            ("bar-lost", bar.comparator),
        );
    }
    let ends = (scale.pixel(f64::NEG_INFINITY), scale.pixel(f64::INFINITY));
    svg.line((ends.0, middle), (ends.1, middle), "axis");
    axis::draw(svg, size, &scale, bottom);
    let name = "probability of the programme, given the covariates";
    svg.text((12.0, bottom + 36.0), NOTE, Anchor::Start, "note", name);
    let label = "comparators";
    svg.text(
        (page, bottom - 6.0),
        NOTE,
        Anchor::End,
        "note strong",
        label,
    );
    bottom + 44.0
}

fn height(share: Option<f64>, tallest: f64) -> f64 {
    share.map_or(WITHHELD, |share| TALLEST * share / tallest)
}

/// A bar, or the mark of one whose count is withheld.
fn draw_bar(
    svg: &mut Svg,
    scale: &Scale,
    bar: &OverlapBar,
    (y, height): (f64, f64),
    (class, share): (&str, Option<f64>),
) {
    let (left, right) = (scale.pixel(bar.from) + 1.0, scale.pixel(bar.below) - 1.0);
    let class = share.map_or("withheld", |_| class);
    svg.rect((left, y), (right - left, height), class);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::legibility;

    fn bars() -> Vec<OverlapBar> {
        let bar = |(from, treated, comparator)| OverlapBar {
            from,
            below: from + 0.05,
            treated,
            comparator,
        };
        let all = [
            (0.0, None, Some(0.6)),
            (0.05, Some(0.3), Some(0.3)),
            (0.1, Some(0.7), Some(0.1)),
        ];
        all.map(bar).to_vec()
    }

    #[test]
    fn every_label_is_legible_at_both_widths() {
        legibility::check(&overlap(&bars()));
        legibility::check(&overlap(&[]));
    }

    #[test]
    fn a_withheld_count_is_marked_and_never_drawn_to_scale() {
        let picture = overlap(&bars());
        assert_eq!(picture.wide.matches("class=\"withheld\"").count(), 1);
        assert!(
            picture
                .wide
                .contains("treated a count too small to be shown")
        );
    }
}
