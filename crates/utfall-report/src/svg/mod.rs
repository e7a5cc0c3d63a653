//! Drawings as text: a few shapes, escaped labels, coordinates to a tenth of a pixel.
//!
//! Colours are style-sheet classes, so that one drawing serves a light page, a dark one and print.

mod scale;
mod text;

use std::fmt::Write as _;

use crate::plain_text;

pub(crate) use scale::Scale;
pub(crate) use text::{width, wrap};

/// Font size of the labels in a drawing, in pixels.
pub(crate) const LABEL: f64 = 13.0;

/// Font size of axis marks and notes, in pixels.
pub(crate) const NOTE: f64 = 11.5;

/// Colours of a drawing that has no page around it.
pub(crate) const STYLE_ALONE: &str = "<style>svg{background:#fffefb}text{font-family:system-ui,sans-serif;fill:#1d2733}\
.note{fill:#5b6876}.strong{font-weight:600;fill:#1d2733}.grid{stroke:#d9dfe5}.hair{stroke:#c3cad1}\
.axis,.tick{stroke:#5b6876}.zero{stroke:#1d2733;stroke-width:1.25}.band{fill:#dfeaec}\
.gate{stroke:#b3261e;stroke-dasharray:4 3}.interval{stroke:#14606e;stroke-width:2.5}\
.interval-thin{stroke:#8a97a3;stroke-width:1.25}.dashes{stroke:#5b6876;stroke-width:1.75;stroke-dasharray:7 4}.dot{fill:#14606e;stroke:#fffefb}\
.dot-open{fill:#fffefb;stroke:#5b6876;stroke-width:1.5}</style>";

/// Which edge of a text its position fixes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// A drawing in the making, as wide as it is told and as tall as it is told at the end.
#[derive(Debug)]
pub(crate) struct Svg {
    width: f64,
    body: String,
}

impl Svg {
    pub(crate) fn new(width: f64) -> Self {
        Self {
            width,
            body: String::new(),
        }
    }

    pub(crate) fn line(&mut self, (x1, y1): (f64, f64), (x2, y2): (f64, f64), class: &str) {
        let _ = write!(
            self.body,
            r#"<line class="{class}" x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}"/>"#
        );
    }

    pub(crate) fn rect(&mut self, (x, y): (f64, f64), (width, height): (f64, f64), class: &str) {
        let _ = write!(
            self.body,
            r#"<rect class="{class}" x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}"/>"#
        );
    }

    pub(crate) fn circle(&mut self, (x, y): (f64, f64), radius: f64, class: &str) {
        let _ = write!(
            self.body,
            r#"<circle class="{class}" cx="{x:.1}" cy="{y:.1}" r="{radius:.1}"/>"#
        );
    }

    /// A closed shape through these points.
    pub(crate) fn polygon(&mut self, points: &[(f64, f64)], class: &str) {
        let _ = write!(self.body, r#"<polygon class="{class}" points=""#);
        self.coordinates(points);
    }

    /// A line through points, one shape, so that a dash runs on from point to point.
    pub(crate) fn polyline(&mut self, points: &[(f64, f64)], class: &str) {
        let _ = write!(
            self.body,
            r#"<polyline class="{class}" fill="none" points=""#
        );
        self.coordinates(points);
    }

    fn coordinates(&mut self, points: &[(f64, f64)]) {
        for (index, (x, y)) in points.iter().enumerate() {
            let gap = if index == 0 { "" } else { " " };
            let _ = write!(self.body, "{gap}{x:.1},{y:.1}");
        }
        self.body.push_str(r#""/>"#);
    }

    /// A text on one line; `y` is its baseline.
    pub(crate) fn text(
        &mut self,
        (x, y): (f64, f64),
        size: f64,
        anchor: Anchor,
        class: &str,
        text: &str,
    ) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let _ = write!(
            self.body,
            r#"<text class="{class}" x="{x:.1}" y="{y:.1}" font-size="{size}" text-anchor="{anchor}">{}</text>"#,
            escape(text)
        );
    }

    /// The finished drawing: `name` is unique in the page and part of the ids, `title` and
    /// `description` are what a reader who cannot see it is told.
    pub(crate) fn finish(self, height: f64, name: &str, title: &str, description: &str) -> String {
        let Self { width, body } = self;
        let (title, description) = (escape(title), escape(description));
        format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-labelledby="{name}-t {name}-d" viewBox="0 0 {width:.0} {height:.0}" width="{width:.0}" height="{height:.0}"><title id="{name}-t">{title}</title><desc id="{name}-d">{description}</desc>{body}</svg>"#
        )
    }
}

/// Text that is safe between tags and in attributes, without what no reader sees.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\t' | '\n' | '\r' => out.push(' '),
            letter if plain_text::is_hidden(letter) => {}
            _ => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_escaped_and_control_characters_dropped() {
        let mut svg = Svg::new(100.0);
        svg.text(
            (0.0, 10.0),
            LABEL,
            Anchor::Start,
            "label",
            "<b onload='x'>&\u{0}\u{1b}",
        );
        let drawn = svg.finish(20.0, "test", "\"title\"", "]]>");
        assert!(drawn.contains("&lt;b onload=&#39;x&#39;&gt;&amp;</text>"));
        assert!(drawn.contains("&quot;title&quot;"));
        assert!(drawn.contains("]]&gt;"));
    }
}
