//! A specification curve: every estimate with its interval, in order of size, the plan's own among them.

use super::{Picture, at_both_sizes, axis};
use crate::svg::{Anchor, NOTE, Svg};

/// From one estimate to the next, in pixels.
const STEP: f64 = 7.0;

/// One estimate, in the unit of the axis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Specification {
    pub(crate) point: f64,
    pub(crate) lower: f64,
    pub(crate) upper: f64,
    /// Whether it is the plan's own.
    pub(crate) is_own: bool,
}

/// Draws the estimates; `name` is unique in the page.
pub(crate) fn specifications(name: &str, unit: &str, found: &[Specification]) -> Picture {
    let mut sorted = found.to_vec();
    sorted.sort_by(|a, b| a.point.total_cmp(&b.point));
    let ends = sorted.iter().flat_map(|one| [one.lower, one.upper]);
    let ends: Vec<f64> = ends.chain([0.0]).collect();
    let n_same = sorted.iter().filter(|one| one.point > 0.0).count();
    at_both_sizes(|size| {
        let scale = axis::scale(ends.iter().copied(), (12.0, size.width() - 12.0));
        let mut svg = Svg::new(size.width());
        let top = 22.0;
        let rows = f64::from(u32::try_from(sorted.len()).unwrap_or(u32::MAX));
        let bottom = top + STEP * (rows + 1.0);
        axis::grid(&mut svg, &scale, (top, bottom));
        let zero = scale.pixel(0.0);
        svg.line((zero, top), (zero, bottom), "zero");
        let half = crate::svg::width("no effect", NOTE) / 2.0;
        let x = zero.clamp(half, size.width() - half);
        svg.text((x, 13.0), NOTE, Anchor::Middle, "note strong", "no effect");
        let mut y = top;
        for one in &sorted {
            y += STEP;
            let (line, dot, radius) = if one.is_own {
                ("interval", "dot", 5.0)
            } else {
                ("interval-thin", "dot-open", 2.75)
            };
            let (from, to) = (scale.pixel(one.lower), scale.pixel(one.upper));
            svg.line((from, y), (to, y), line);
            svg.circle((scale.pixel(one.point), y), radius, dot);
        }
        axis::draw(&mut svg, size, &scale, bottom);
        let y = bottom + 38.0;
        svg.text((0.0, y), NOTE, Anchor::Start, "note", unit);
        svg.finish(
            y + 6.0,
            &size.id(name),
            "Every specification, in order of its estimate",
            &format!(
                "{} estimates with their intervals, {n_same} of them above zero; the table below has each.",
                sorted.len(),
            ),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::legibility;

    #[test]
    fn every_estimate_has_its_point_and_the_plans_own_stands_out() {
        let found: Vec<Specification> = (0..40)
            .map(|i| Specification {
                point: -6.0 + 0.1 * f64::from(i),
                lower: -8.0,
                upper: 1.0,
                is_own: i == 20,
            })
            .collect();
        let picture = specifications("curve-1", "percentage points", &found);
        legibility::check(&picture);
        assert_eq!(picture.wide.matches("<circle").count(), 40);
        assert_eq!(picture.wide.matches("class=\"dot\"").count(), 1);
    }
}
