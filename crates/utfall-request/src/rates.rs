//! `[rates]`: events over exposure in two arms, in closed form.

use serde::{Deserialize, Serialize};
use utfall_core::{ConfidenceLevel, Estimand};
use utfall_effects::{Rate, RateTable, events_of};
use utfall_stats::{normal, sums};

use crate::files::Files;
use crate::model::Part;
use crate::regression::term;
use crate::request::Treatment;
use crate::table::Table;
use crate::{Numbers, RequestError};

/// Rates of events in two arms, and how they differ.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Rates {
    /// The treatment column and its two values.
    pub treatment: Treatment,
    /// Term of events; whole numbers, summed over the rows of an arm.
    pub events: String,
    /// Term of exposure, summed too.
    pub exposure: String,
    /// Level of the intervals.
    pub confidence_level: ConfidenceLevel,
}

impl Part for Rates {
    fn put(
        &self,
        table: &Table,
        _: &Files<'_>,
        numbers: &mut Numbers,
    ) -> Result<Option<Estimand>, RequestError> {
        let treated = self.treatment.of(table)?;
        let (events, exposure) = (
            term(table, &self.events, None)?,
            term(table, &self.exposure, None)?,
        );
        let refused = |error| RequestError::effect(&[], None, error);
        let level = self.confidence_level.fraction();
        let mut arm = |name: &str, wanted: bool| {
            let sum = |values: &[f64]| {
                sums::sum_of(values.len(), |row| {
                    if treated[row] == wanted {
                        values[row]
                    } else {
                        0.0
                    }
                })
            };
            let rate = Rate::new(events_of(sum(&events)).map_err(refused)?, sum(&exposure))
                .map_err(refused)?;
            let (exact, byar) = (rate.exact(level), rate.byar(level));
            for (what, value) in [
                ("events", f64::from(rate.events)),
                ("exposure", rate.exposure),
                ("rate", rate.rate()),
                ("rate_ci_low", exact.lower),
                ("rate_ci_high", exact.upper),
                ("rate_byar_low", byar.lower),
                ("rate_byar_high", byar.upper),
            ] {
                numbers.covariate(what, name, value);
            }
            Ok::<_, RequestError>(rate)
        };
        let rates = RateTable {
            treated: arm("treated", true)?,
            comparator: arm("comparator", false)?,
        };
        let reach = normal::quantile(0.5 * (1.0 + level));
        let (difference, error) = rates.difference();
        let z = difference / error;
        for (what, value) in [
            ("rate_difference", difference),
            ("rate_difference_se", error),
            ("rate_difference_t", z),
            ("rate_difference_p", normal::two_sided_p(z)),
            ("rate_difference_ci_low", difference - reach * error),
            ("rate_difference_ci_high", difference + reach * error),
        ] {
            if value.is_finite() {
                numbers.real(what, value);
            }
        }
        // Without events in an arm the ratio has no error, and is left out.
        if let Ok(ratio) = rates.ratio(level) {
            let z = utfall_stats::elementary::log(ratio.ratio) / ratio.log_error;
            for (what, value) in [
                ("rate_ratio", ratio.ratio),
                ("rate_ratio_log_se", ratio.log_error),
                ("rate_ratio_t", z),
                ("rate_ratio_p", normal::two_sided_p(z)),
                ("rate_ratio_ci_low", ratio.wald.lower),
                ("rate_ratio_ci_high", ratio.wald.upper),
                ("rate_ratio_exact_ci_low", ratio.exact.lower),
                ("rate_ratio_exact_ci_high", ratio.exact.upper),
                ("rate_ratio_exact_p", ratio.p_exact),
                ("rate_ratio_mid_p", ratio.p_mid),
                ("rate_ratio_score", ratio.score),
            ] {
                numbers.real(what, value);
            }
        }
        Ok(None)
    }
}
