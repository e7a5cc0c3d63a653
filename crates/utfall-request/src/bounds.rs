//! `[bounds]`: what missing outcomes leave of an effect.

use serde::{Deserialize, Serialize};
use utfall_core::{Arm, Estimand, Interval};
use utfall_effects::{Grouping, Trim, lee_bounds, manski_bounds, tipping_point};
use utfall_stats::moments::count;

use crate::files::Files;
use crate::model::Part;
use crate::table::Table;
use crate::{Numbers, RequestError, Treatment};

/// Bounds on an effect when some outcomes are missing.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Bounds {
    /// Which rows are treated.
    pub treatment: Treatment,
    /// The outcome column; an empty cell or `NA` is a missing outcome.
    pub outcome: String,
    /// How Lee's bounds trim.
    pub trim: Option<Trim>,
    /// Columns whose cells are bounded one by one, for Lee's bounds.
    #[serde(default)]
    pub cells: Vec<String>,
    /// The least and the largest outcome there can be, for the worst cases.
    pub range: Option<[f64; 2]>,
    /// The effect at which missing outcomes are to tip the result.
    pub tipping_at: Option<f64>,
}

impl Part for Bounds {
    fn check(&self) -> Result<(), RequestError> {
        let asks = self.trim.is_some() || self.range.is_some() || self.tipping_at.is_some();
        if !asks || self.trim.is_none() && !self.cells.is_empty() {
            return Err(RequestError::Contradiction {
                what: "`[bounds]` that asks for nothing, or `cells` without `trim`".to_owned(),
                remedy: "give `trim`, `range` or `tipping-at`",
            });
        }
        Ok(())
    }

    fn put(
        &self,
        table: &Table,
        _files: &Files<'_>,
        numbers: &mut Numbers,
    ) -> Result<Option<Estimand>, RequestError> {
        let treated = self.treatment.of(table)?;
        let outcome = table.numbers_or_never(&self.outcome, &[])?;
        let refused = |error: utfall_effects::EffectError| {
            let line = error.row().and_then(|row| table.line(row));
            RequestError::effect(&[], line, error)
        };
        for (arm, name) in [(true, "treated"), (false, "comparator")] {
            let rows = (0..treated.len()).filter(|&row| treated[row] == arm);
            let (all, observed) = rows.fold((0, 0), |(all, observed), row| {
                (all + 1, observed + usize::from(outcome[row].is_some()))
            });
            numbers.count(&format!("n_{name}"), all);
            numbers.count(&format!("n_{name}_observed"), observed);
            numbers.real(
                &format!("attrition_{name}"),
                1.0 - count(observed) / count(all),
            );
        }
        if let Some(trim) = self.trim {
            let cells = self.cells.iter().map(|column| table.texts(column));
            let cells: Vec<Vec<String>> = cells.collect::<Result<_, _>>()?;
            let cell = |row: usize| cells.iter().map(|column| &column[row]).collect::<Vec<_>>();
            let cells = Grouping::of(&(0..treated.len()).map(cell).collect::<Vec<_>>());
            let cells = (!self.cells.is_empty()).then_some(&cells);
            let lee = lee_bounds(&treated, &outcome, cells, trim).map_err(refused)?;
            numbers.real("lee_low", lee.bounds.lower);
            numbers.real("lee_high", lee.bounds.upper);
            numbers.real("lee_trimmed_share", lee.share);
        }
        if let Some([lower, upper]) = self.range {
            let range = Interval { lower, upper };
            let bounds = manski_bounds(&treated, &outcome, range).map_err(refused)?;
            numbers.real("worst_case_low", bounds.lower);
            numbers.real("worst_case_high", bounds.upper);
        }
        if let Some(effect) = self.tipping_at {
            for (arm, name) in [(Arm::Treated, "treated"), (Arm::Comparator, "comparator")] {
                let tip = tipping_point(&treated, &outcome, arm, effect).map_err(refused)?;
                if let Some(value) = tip {
                    numbers.real(&format!("tipping_mean_{name}"), value);
                }
            }
        }
        Ok(None)
    }
}
