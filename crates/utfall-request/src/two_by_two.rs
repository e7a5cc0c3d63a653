//! `[two-by-two]`: risks in two arms, and their comparisons in closed form.

use serde::{Deserialize, Serialize};
use utfall_core::{ConfidenceLevel, Estimand};
use utfall_effects::{EffectError, Grouping, RiskTable, mantel_haenszel, p_of_chi_squared};
use utfall_stats::{elementary, normal};

use crate::files::Files;
use crate::model::Part;
use crate::table::Table;
use crate::{Numbers, RequestError, Treatment};

/// Risks in two arms.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TwoByTwo {
    /// Which rows are treated.
    pub treatment: Treatment,
    /// The outcome column, of zeros and ones.
    pub outcome: String,
    /// Column of strata, to have Mantel and Haenszel's summaries too.
    pub strata: Option<String>,
    /// Level of intervals.
    pub confidence_level: ConfidenceLevel,
}

impl Part for TwoByTwo {
    fn put(
        &self,
        table: &Table,
        _files: &Files<'_>,
        numbers: &mut Numbers,
    ) -> Result<Option<Estimand>, RequestError> {
        let treated = self.treatment.of(table)?;
        let yes = self.outcomes(table)?;
        let refused = |error| RequestError::effect(&[], None, error);
        let quantile = normal::quantile(0.5 * (1.0 + self.confidence_level.fraction()));
        let counts = RiskTable::of(&treated, &yes).map_err(refused)?;
        put(&counts, quantile, numbers);
        if let Some(column) = &self.strata {
            let strata = Grouping::of(&table.texts(column)?);
            let of_stratum = |stratum: usize| {
                let rows = (0..treated.len()).filter(|&row| strata.codes()[row] == stratum);
                let (treated, yes): (Vec<bool>, Vec<bool>) =
                    rows.map(|row| (treated[row], yes[row])).unzip();
                RiskTable::of(&treated, &yes)
            };
            let tables = (0..strata.n_groups()).map(of_stratum);
            let tables: Vec<RiskTable> = tables.collect::<Result<_, _>>().map_err(refused)?;
            let summary = mantel_haenszel(&tables).map_err(refused)?;
            let odds = summary.odds_ratio;
            numbers.real("mh_odds_ratio", odds.ratio);
            numbers.real("mh_log_odds_ratio_se", odds.log_standard_error);
            numbers.real("mh_odds_ratio_ci_low", odds.interval(quantile).lower);
            numbers.real("mh_odds_ratio_ci_high", odds.interval(quantile).upper);
            let risk = summary.risk_ratio;
            numbers.real("mh_risk_ratio", risk.ratio);
            numbers.real("mh_log_risk_ratio_se", risk.log_standard_error);
            numbers.real("mh_chi_squared", summary.chi_squared);
            numbers.real("mh_p", p_of_chi_squared(summary.chi_squared));
        }
        Ok(None)
    }
}

impl TwoByTwo {
    fn outcomes(&self, table: &Table) -> Result<Vec<bool>, RequestError> {
        let values = table.numbers(&self.outcome)?;
        let is = |value: f64, wanted: f64| value.to_bits() == wanted.to_bits();
        match values
            .iter()
            .position(|&value| !is(value, 0.0) && !is(value, 1.0))
        {
            Some(row) => Err(RequestError::effect(
                &[],
                table.line(row),
                EffectError::OutcomeOutsideFamily {
                    row,
                    expected: "0 or 1",
                },
            )),
            None => Ok(values.iter().map(|&value| is(value, 1.0)).collect()),
        }
    }
}

fn put(counts: &RiskTable, quantile: f64, numbers: &mut Numbers) {
    numbers.count("treated_yes", counts.treated_yes);
    numbers.count("treated_no", counts.treated_no);
    numbers.count("comparator_yes", counts.comparator_yes);
    numbers.count("comparator_no", counts.comparator_no);
    if let Some((difference, error)) = counts.risk_difference() {
        numbers.real("risk_difference", difference);
        numbers.real("risk_difference_se", error);
    }
    if let Some(interval) = counts.newcombe(quantile) {
        numbers.real("risk_difference_newcombe_low", interval.lower);
        numbers.real("risk_difference_newcombe_high", interval.upper);
    }
    for (name, ratio) in [
        ("risk_ratio", counts.risk_ratio()),
        ("odds_ratio", counts.odds_ratio()),
    ] {
        if let Some(ratio) = ratio {
            numbers.real(name, ratio.ratio);
            numbers.real(&format!("log_{name}"), elementary::log(ratio.ratio));
            numbers.real(&format!("log_{name}_se"), ratio.log_standard_error);
            numbers.real(&format!("{name}_ci_low"), ratio.interval(quantile).lower);
            numbers.real(&format!("{name}_ci_high"), ratio.interval(quantile).upper);
        }
    }
    if let Some((plain, corrected)) = counts.chi_squared() {
        numbers.real("chi_squared", plain);
        numbers.real("chi_squared_p", p_of_chi_squared(plain));
        numbers.real("chi_squared_yates", corrected);
        numbers.real("chi_squared_yates_p", p_of_chi_squared(corrected));
    }
    if let Some(exact) = counts.exact() {
        numbers.real("fisher_p", exact.p_value);
        if let Some(ratio) = exact.odds_ratio {
            numbers.real("fisher_odds_ratio", ratio);
        }
    }
}
