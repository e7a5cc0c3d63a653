//! The pictures of a report, each drawn once for a page and once for a phone.
//!
//! A picture takes labels and numbers that are already fit to be shown; it knows no document of
//! a run. What a picture says, a table beside it says too.

mod axis;
mod effects;
mod flags;
mod funnel;
mod histogram;
mod love;
mod overlap;
mod paying;
mod payment;
mod plot;
mod specifications;

pub(crate) use effects::{EffectPanel, EffectRow, Mark, MarkKind, designs, effects};
pub(crate) use funnel::{FunnelStep, Shown, funnel};
pub(crate) use histogram::{Bars, histogram};
pub(crate) use love::{LoveRow, love};
pub(crate) use overlap::{OverlapBar, overlap};
pub(crate) use paying::{Curve, CurveMark, curve};
pub(crate) use payment::{Card, CardState, Stage, payment};
pub(crate) use plot::{Ink, Layer, Plot, Point, place, plot};
pub(crate) use specifications::{Specification, specifications};

use serde::Serialize;

/// One picture at two widths; the style sheet shows the one that fits.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Picture {
    /// For a page or a wide window.
    pub(crate) wide: String,
    /// For a phone.
    pub(crate) narrow: String,
}

/// How wide a picture is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Size {
    Wide,
    Narrow,
}

impl Size {
    pub(crate) fn width(self) -> f64 {
        match self {
            Self::Wide => 680.0,
            Self::Narrow => 340.0,
        }
    }

    /// An id that is unique in the page.
    fn id(self, name: &str) -> String {
        match self {
            Self::Wide => format!("{name}-wide"),
            Self::Narrow => format!("{name}-narrow"),
        }
    }
}

fn at_both_sizes(draw: impl Fn(Size) -> String) -> Picture {
    Picture {
        wide: draw(Size::Wide),
        narrow: draw(Size::Narrow),
    }
}

#[cfg(test)]
pub(crate) mod legibility {
    //! What a reader must be able to read: every text inside the drawing, none on top of another.

    use super::Picture;
    use crate::svg::width;

    pub(crate) fn check(picture: &Picture) {
        for drawing in [&picture.wide, &picture.narrow] {
            check_drawing(drawing);
        }
    }

    fn check_drawing(drawing: &str) {
        let document = roxmltree::Document::parse(drawing).expect("well-formed XML");
        let number = |node: roxmltree::Node<'_, '_>, name: &str| -> f64 {
            node.attribute(name).unwrap().parse().unwrap()
        };
        let (page_width, page_height) = (
            number(document.root_element(), "width"),
            number(document.root_element(), "height"),
        );
        let mut boxes: Vec<(f64, f64, f64, f64, String)> = Vec::new();
        for node in document
            .descendants()
            .filter(|node| node.has_tag_name("text"))
        {
            let text = node.text().unwrap_or("").to_owned();
            let (x, y, size) = (
                number(node, "x"),
                number(node, "y"),
                number(node, "font-size"),
            );
            let measured = width(&text, size);
            let left = match node.attribute("text-anchor").unwrap() {
                "start" => x,
                "middle" => x - measured / 2.0,
                _ => x - measured,
            };
            let found = (left, y - size * 0.8, left + measured, y + size * 0.2, text);
            assert!(
                found.0 >= -1.0 && found.2 <= page_width + 1.0,
                "outside the drawing: {found:?}"
            );
            assert!(
                found.1 >= -1.0 && found.3 <= page_height + 1.0,
                "outside the drawing: {found:?}"
            );
            for other in &boxes {
                let apart = found.2 <= other.0
                    || other.2 <= found.0
                    || found.3 <= other.1
                    || other.3 <= found.1;
                assert!(apart, "texts on top of each other: {found:?} and {other:?}");
            }
            boxes.push(found);
        }
    }
}
