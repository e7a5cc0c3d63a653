//! What a contract pays as one thing moves, with the uncertainty of an effect laid over it.

use serde::Serialize;
use utfall_payment::{Branch, Contract, Input, Inputs, Money, SweepError};
use utfall_stats::normal;

/// A sweep of one thing, and what it pays at each point.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Whatif {
    /// Always [`WHATIF_SCHEMA`].
    pub schema: &'static str,
    /// Title of the contract.
    pub contract: String,
    /// What is swept.
    pub swept: String,
    /// The points, from the lowest up.
    pub points: Vec<WhatifPoint>,
    /// Where the estimate stands, if an effect with a standard error is swept.
    pub uncertainty: Option<Uncertainty>,
}

/// Version of the JSON form of a [`Whatif`].
pub const WHATIF_SCHEMA: &str = "utfall-whatif/1";

/// What is paid at one point.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct WhatifPoint {
    /// The value there, exact.
    pub at: String,
    /// How the contract ends.
    pub branch: Branch,
    /// What it pays.
    pub total: Money,
}

/// An estimate, normally distributed about the effect, laid over a sweep.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Uncertainty {
    /// The estimate, in the effect's unit.
    pub point: f64,
    /// Its standard error.
    pub standard_error: f64,
    /// Mean payment over the estimate's distribution, in whole minor units; what lies beyond the
    /// sweep is taken to pay what its end pays.
    pub mean_payment: Money,
    /// Probability, by the same distribution, that anything is paid.
    pub probability_paid: f64,
}

/// Sweeps one thing of a contract; see [`Contract::sweep`] for what can be swept.
///
/// # Errors
///
/// Those of [`Contract::sweep`].
pub fn whatif(
    contract: &Contract,
    inputs: &Inputs,
    swept: &str,
    range: (&str, &str),
    n_points: usize,
) -> Result<Whatif, SweepError> {
    let points: Vec<WhatifPoint> = contract
        .sweep(inputs, swept, range, n_points)?
        .into_iter()
        .map(|point| WhatifPoint {
            at: point.at,
            branch: point.branch,
            total: point.total,
        })
        .collect();
    let effect = swept.strip_suffix(".point").unwrap_or(swept);
    let uncertainty = uncertainty(effect, inputs, &points);
    Ok(Whatif {
        schema: WHATIF_SCHEMA,
        contract: contract.title().to_owned(),
        swept: swept.to_owned(),
        points,
        uncertainty,
    })
}

impl WhatifPoint {
    /// The value there, to draw it.
    pub fn place(&self) -> f64 {
        self.at.parse().unwrap_or(f64::NAN)
    }

    /// What is paid there in major units, to draw it.
    pub fn major_units(&self) -> f64 {
        let scale = 10_f64.powi(i32::try_from(self.total.currency().exponent()).unwrap_or(0));
        self.total.minor_units() as f64 / scale
    }
}

fn uncertainty(effect: &str, inputs: &Inputs, points: &[WhatifPoint]) -> Option<Uncertainty> {
    let figure = |figure: &str| match inputs.get(&format!("{effect}.{figure}")) {
        Some(Input::Number(text)) => text.parse::<f64>().ok().filter(|value| value.is_finite()),
        _ => None,
    };
    let (point, standard_error) = (figure("point")?, figure("standard-error")?);
    if standard_error <= 0.0 {
        return None;
    }
    let below = |place: f64| normal::cdf((place - point) / standard_error);
    let (mut mean, mut paid, mut before) = (0.0, 0.0, 0.0);
    for (index, here) in points.iter().enumerate() {
        // Each point stands for what is nearer to it than to its neighbours.
        let until = points
            .get(index + 1)
            .map_or(1.0, |next| below(f64::midpoint(here.place(), next.place())));
        let weight = until - before;
        before = until;
        mean += weight * here.total.minor_units() as f64;
        if here.branch == Branch::Paid {
            paid += weight;
        }
    }
    let currency = points.first()?.total.currency();
    Some(Uncertainty {
        point,
        standard_error,
        mean_payment: Money::new(mean.round() as i128, currency),
        probability_paid: paid,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTRACT: &str = r#"
schema = "utfall-contract/1"
name = "linear"
title = "Linear"
currency = "SEK"
rounding = { mode = "half-even", at = "line" }

[[effect]]
name = "rise"
estimands = ["att"]
decides-on = ["point"]

[[quantity]]
name = "points"
kind = "input"
from = "rise.point"
sign = "keep"
decimals = 6
rounding = "half-even"

[[line]]
name = "per-point"
kind = "per-unit"
units = "points"
price = 1_000
"#;

    #[test]
    fn the_mean_over_the_uncertainty_is_that_of_a_rectified_normal() {
        let contract = Contract::from_toml("linear", CONTRACT).unwrap();
        let number = |text: &str| Input::Number(text.to_owned());
        let inputs = Inputs::from([
            ("rise.estimand".to_owned(), Input::Text("att".to_owned())),
            ("rise.point".to_owned(), number("0.5")),
            ("rise.standard-error".to_owned(), number("1")),
        ]);
        let found = whatif(&contract, &inputs, "rise", ("-8", "9"), 3_401).unwrap();
        let over = found.uncertainty.unwrap();
        // E max(X, 0) for X ~ N(0.5, 1) is 0.5·Φ(0.5) + φ(0.5) = 0.697796…, times 1,000 SEK.
        let expected = 1_000.0 * (0.5 * normal::cdf(0.5) + normal::density(0.5));
        let mean = over.mean_payment.minor_units() as f64 / 100.0;
        assert!((mean - expected).abs() < 0.01, "{mean} {expected}");
        assert!((over.probability_paid - normal::cdf(0.5)).abs() < 0.002);
    }
}
