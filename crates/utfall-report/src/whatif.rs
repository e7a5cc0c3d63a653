//! A sweep as one drawing that stands alone: payment against what moves, the estimate over it.

use utfall_design::Whatif;
use utfall_stats::normal;

use crate::picture::{Curve, CurveMark, curve};
use crate::svg::STYLE_ALONE;

/// Draws a sweep as one SVG file.
///
/// The strong curve is what is paid. Where an effect is swept, the thin one is the estimate's
/// distribution about it, as high as the picture; the whole line is the estimate, and the dashed
/// ones are its 95 % interval.
#[must_use]
pub fn render_whatif(whatif: &Whatif) -> String {
    let points: Vec<(f64, f64)> = whatif
        .points
        .iter()
        .map(|point| (point.place(), point.major_units()))
        .collect();
    let currency = whatif
        .points
        .first()
        .map_or("", |point| point.total.currency().code());
    let most = points.iter().map(|point| point.1).fold(0.0, f64::max);
    let ends = (
        points.first().map_or(0.0, |point| point.0),
        points.last().map_or(0.0, |point| point.0),
    );
    let mut lines = vec![points.clone()];
    let mut marks = Vec::new();
    if let Some(over) = &whatif.uncertainty {
        let height = |place: f64| {
            let z = (place - over.point) / over.standard_error;
            most * normal::density(z) / normal::density(0.0)
        };
        lines.push(points.iter().map(|(x, _)| (*x, height(*x))).collect());
        let half = normal::quantile(0.975) * over.standard_error;
        let mark = |at, word| CurveMark { at, word };
        let all = [
            mark(over.point, Some("estimate")),
            mark(over.point - half, None),
            mark(over.point + half, None),
        ];
        let inside = |mark: &CurveMark| ends.0 <= mark.at && mark.at <= ends.1;
        marks.extend(all.into_iter().filter(inside));
    }
    let drawn = curve(
        "whatif",
        &Curve {
            title: format!("What {} pays, by {}", whatif.contract, whatif.swept),
            across: whatif.swept.clone(),
            upwards: format!("payment, {currency}"),
            lines,
            marks,
            shown: vec![0.0],
        },
    );
    drawn
        .wide
        .replacen("</desc>", &format!("</desc>{STYLE_ALONE}"), 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use utfall_payment::{Contract, Input, Inputs};

    #[test]
    fn the_drawing_is_well_formed_and_marks_the_estimate() {
        let text = include_str!("../../../pipelines/hemmasittare/contract.toml");
        let contract = Contract::from_toml("contract.toml", text).unwrap();
        let number = |text: &str| Input::Number(text.to_owned());
        let inputs = Inputs::from([
            ("absence.estimand".to_owned(), Input::Text("att".to_owned())),
            ("absence.point".to_owned(), number("-0.045")),
            ("absence.upper".to_owned(), number("-0.025")),
            ("absence.standard-error".to_owned(), number("0.01")),
            ("absence.n-treated".to_owned(), number("221")),
            ("balance.passed".to_owned(), Input::Flag(true)),
        ]);
        let range = ("-0.08", "0.02");
        let found = utfall_design::whatif(&contract, &inputs, "absence", range, 101).unwrap();
        let svg = render_whatif(&found);
        roxmltree::Document::parse(&svg).unwrap();
        assert!(svg.contains(">estimate<"));
        assert_eq!(svg.matches("class=\"gate\"").count(), 2);
        assert_eq!(svg, render_whatif(&found));
    }
}
