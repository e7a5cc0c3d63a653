//! What a contract would pay on each window and specification that a run estimated beside its own.

use serde::Serialize;
use utfall_payment::{Branch, Contract, Input, Inputs, Money, Undecided};

use crate::record::{DesignsDocument, SensitivityResult, SensitivityRow};

/// The check whose rows are specifications, in the plan's word.
const CURVE: &str = "specification-curve";

/// Figures that a specification has of its own.
const OWN: [&str; 9] = [
    "point",
    "lower",
    "upper",
    "p-value",
    "standard-error",
    "n-treated",
    "n-comparator",
    "relative",
    "total",
];

/// Figures that are in proportion to the point.
const IN_PROPORTION: [&str; 3] = ["savings", "savings-lower", "savings-upper"];

/// What would be paid if one specification were the plan's own.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct SpecificationPayment {
    /// Design, window and estimator.
    pub specification: String,
    /// What it finds, in the outcome's unit; absent where nothing could be estimated.
    pub point: Option<f64>,
    /// How the contract would end.
    pub branch: Branch,
    /// What it would pay.
    pub total: Money,
}

/// Pays on each specification of an effect's curve, all else as in `inputs`; the first is the plan's own. `None` if the
/// plan asked for no specification curve of the effect, or it could not be made.
///
/// A figure that a specification does not have is not measurable there. Savings move with the point; the grade is the
/// one of the plan's own specification.
#[must_use]
pub fn payments_by_specification(
    contract: &Contract,
    inputs: &Inputs,
    designs: &DesignsDocument,
    effect: &str,
) -> Option<Vec<SpecificationPayment>> {
    let mut checks = designs.sensitivity.iter();
    let curve = checks.find(|check| check.effect == effect && check.check == CURVE)?;
    let SensitivityResult::Found { rows } = &curve.result else {
        return None;
    };
    let payment = |row: &SensitivityRow| {
        let (branch, total) = contract.payment(&of_specification(inputs, effect, row));
        SpecificationPayment {
            specification: row.label.clone(),
            point: row.figures.get("point").copied(),
            branch,
            total,
        }
    };
    Some(rows.iter().map(payment).collect())
}

fn of_specification(inputs: &Inputs, effect: &str, row: &SensitivityRow) -> Inputs {
    let before = |figure: &str| match inputs.get(&format!("{effect}.{figure}")) {
        Some(Input::Number(text)) => text.parse::<f64>().ok(),
        _ => None,
    };
    let point = row.figures.get("point").zip(before("point"));
    let ratio = point.map(|(now, before)| now / before);
    let own = OWN.map(|figure| (figure, row.figures.get(figure).copied()));
    let in_proportion = IN_PROPORTION
        .into_iter()
        .filter_map(|figure| Some((figure, before(figure)?)))
        .map(|(figure, before)| (figure, ratio.map(|ratio| before * ratio)));
    let mut moved = inputs.clone();
    for (figure, value) in own.into_iter().chain(in_proportion) {
        let input = match value.filter(|value| value.is_finite()) {
            Some(value) => Input::Number(value.to_string()),
            None => Input::Unavailable {
                reason: "the specification does not have it".to_owned(),
                branch: Undecided::NotMeasurable,
            },
        };
        moved.insert(format!("{effect}.{figure}"), input);
    }
    moved
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::record::SensitivityRecord;

    const CONTRACT: &str = r#"
schema = "utfall-contract/1"
name = "fall"
title = "Fall"
currency = "SEK"
rounding = { mode = "half-even", at = "line" }

[[effect]]
name = "absence"
estimands = ["att"]
decides-on = ["point", "savings"]

[[quantity]]
name = "fall"
kind = "input"
from = "absence.point"
sign = "flip"
decimals = 4
rounding = "half-even"

[[quantity]]
name = "saved"
kind = "input"
from = "absence.savings"
sign = "keep"
decimals = 2
rounding = "half-even"

[[line]]
name = "by-fall"
kind = "fixed"
amount = 1_000
when = { quantity = "fall", operator = ">=", value = 0.05 }

[[line]]
name = "saved"
kind = "share"
of = "saved"
bands = [{ from = 0, share = 0.5 }]
"#;

    fn row(label: &str, figures: &[(&str, f64)]) -> SensitivityRow {
        let figures = figures
            .iter()
            .map(|(name, value)| ((*name).to_owned(), *value));
        SensitivityRow {
            label: label.to_owned(),
            figures: figures.collect::<BTreeMap<_, _>>(),
        }
    }

    #[test]
    fn each_window_is_paid_by_its_own_estimate() {
        let contract =
            Contract::from_toml("c.toml", CONTRACT).unwrap_or_else(|errors| panic!("{errors}"));
        let number = |text: &str| Input::Number(text.to_owned());
        let inputs = Inputs::from([
            ("absence.estimand".to_owned(), Input::Text("att".to_owned())),
            ("absence.point".to_owned(), number("-0.06")),
            ("absence.savings".to_owned(), number("600")),
        ]);
        let rows = vec![
            row("own", &[("point", -0.06)]),
            row("half a year", &[("point", -0.03)]),
            row("two years", &[]),
        ];
        let record = |check: &str, rows| SensitivityRecord {
            effect: "absence".to_owned(),
            check: check.to_owned(),
            result: SensitivityResult::Found { rows },
        };
        let designs = DesignsDocument {
            sensitivity: vec![record("e-value", Vec::new()), record(CURVE, rows)],
            ..DesignsDocument::default()
        };
        let found = payments_by_specification(&contract, &inputs, &designs, "absence").unwrap();
        let paid: Vec<(Branch, String)> = found
            .iter()
            .map(|row| (row.branch, row.total.to_string()))
            .collect();
        assert_eq!(
            paid,
            [
                (Branch::Paid, "1 300.00 SEK".to_owned()),
                (Branch::Paid, "150.00 SEK".to_owned()),
                (Branch::NotMeasurable, "0.00 SEK".to_owned()),
            ]
        );
        assert_eq!(
            payments_by_specification(&contract, &inputs, &designs, "grades"),
            None
        );
    }
}
