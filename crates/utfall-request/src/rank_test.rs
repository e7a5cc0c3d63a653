//! `[rank-test]`: Wilcoxon's rank sum of two arms, or his signed ranks of pairs.

use serde::{Deserialize, Serialize};
use utfall_core::{ConfidenceLevel, Estimand};
use utfall_effects::{Grouping, RankSum, SignedRank, pair_differences};

use crate::files::Files;
use crate::model::Part;
use crate::table::Table;
use crate::{Numbers, RequestError, Treatment};

/// Tests on ranks.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RankTest {
    /// Which rows are treated.
    pub treatment: Treatment,
    /// The outcome column.
    pub outcome: String,
    /// Column of pairs of one treated and one comparator row: signed ranks of their differences.
    pub pair: Option<String>,
    /// Level of the interval of the shift, of two arms without pairs.
    pub confidence_level: ConfidenceLevel,
}

impl Part for RankTest {
    fn put(
        &self,
        table: &Table,
        _files: &Files<'_>,
        numbers: &mut Numbers,
    ) -> Result<Option<Estimand>, RequestError> {
        let treated = self.treatment.of(table)?;
        let outcome = table.numbers(&self.outcome)?;
        let refused = |error: utfall_effects::EffectError| {
            let line = error.row().and_then(|row| table.line(row));
            RequestError::effect(&[], line, error)
        };
        if let Some(column) = &self.pair {
            let pairs = Grouping::of(&table.texts(column)?);
            let differences = pair_differences(&treated, &pairs, &outcome).map_err(refused)?;
            let ranked = SignedRank::of(&differences).map_err(refused)?;
            numbers.count("n_pairs", differences.len());
            numbers.real("signed_rank", ranked.statistic());
            numbers.count("signed_rank_n", ranked.n_pairs());
            numbers.real("p_normal", ranked.p_normal(false));
            numbers.real("p_continuity", ranked.p_normal(true));
            if let Some(p) = ranked.p_exact() {
                numbers.real("p_exact", p);
            }
            return Ok(None);
        }
        let ranked = RankSum::of(&treated, &outcome).map_err(refused)?;
        numbers.real("w_treated", ranked.treated());
        numbers.real("w_comparator", ranked.comparator());
        numbers.real("probability_higher", ranked.probability_higher());
        numbers.real("p_normal", ranked.p_normal(false));
        numbers.real("p_continuity", ranked.p_normal(true));
        numbers.real("shift", ranked.shift());
        let interval = ranked.shift_interval(self.confidence_level);
        numbers.real("shift_ci_low", interval.lower);
        numbers.real("shift_ci_high", interval.upper);
        if let Some(p) = ranked.p_exact() {
            numbers.real("p_exact", p);
        }
        if let Some(interval) = ranked.exact_shift_interval(self.confidence_level) {
            numbers.real("shift_exact_ci_low", interval.lower);
            numbers.real("shift_exact_ci_high", interval.upper);
        }
        Ok(None)
    }
}
