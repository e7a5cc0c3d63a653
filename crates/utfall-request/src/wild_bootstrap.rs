//! `[wild-bootstrap]`: one coefficient of a regression, tested for few clusters.

use serde::{Deserialize, Serialize};
use utfall_core::{ConfidenceLevel, Estimand};
use utfall_effects::{
    Draws, Grouping, Multiplier, StandardError, WildDraws, WildResiduals, wild_cluster_test,
};
use utfall_stats::moments::count;
use utfall_stats::student_t;

use crate::files::Files;
use crate::model::Part;
use crate::regression::term;
use crate::table::Table;
use crate::{Numbers, RequestError};

/// A coefficient tested by the wild cluster bootstrap.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct WildBootstrap {
    /// The outcome column.
    pub outcome: String,
    /// The terms beside the constant, as in `[regression]`.
    pub terms: Vec<String>,
    /// Column of weights.
    pub weight: Option<String>,
    /// The term whose coefficient is tested.
    pub coefficient: String,
    /// Its value under the hypothesis.
    pub null: f64,
    /// Column whose equal cells are one cluster.
    pub cluster_by: String,
    /// The standard error of the statistic: `cr0`, `cr1`, `cr1-p` or `cr1-stata`.
    pub standard_error: StandardError,
    /// Whose residuals are turned: `restricted` imposes the hypothesis (WCR), `unrestricted` does
    /// not (WCU).
    pub residuals: WildResiduals,
    /// Which replicates are taken.
    pub draws: WildDrawing,
    /// Level whose quantiles of the replicates' statistics are wanted, with their mean square; those of
    /// a `cr0` error, whatever `standard-error` is.
    pub describe_draws: Option<ConfidenceLevel>,
    /// Level at which the test is inverted to an interval; for `restricted`.
    pub confidence_level: Option<ConfidenceLevel>,
}

/// Which replicates are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum WildDrawing {
    /// Every vector of signs.
    Enumerated,
    /// Some, drawn at random.
    Drawn(WildMultipliers),
}

/// Multipliers drawn at random.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct WildMultipliers {
    /// Their distribution.
    pub multiplier: Multiplier,
    /// The seed.
    pub seed: u64,
    /// How many replicates.
    pub replicates: std::num::NonZeroU32,
}

impl Part for WildBootstrap {
    fn check(&self) -> Result<(), RequestError> {
        if !self.terms.contains(&self.coefficient) {
            return Err(RequestError::Contradiction {
                what: format!("`{}` as `coefficient`", self.coefficient),
                remedy: "name one of the terms",
            });
        }
        if self.confidence_level.is_some() && self.residuals == WildResiduals::Unrestricted {
            return Err(RequestError::Contradiction {
                what: "`confidence-level` with unrestricted residuals".to_owned(),
                remedy: "remove it, or use restricted residuals",
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
        let outcome = table.numbers(&self.outcome)?;
        let mut columns = vec![vec![1.0; table.n_rows()]];
        for name in &self.terms {
            columns.push(term(table, name, None)?);
        }
        let columns: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
        let weight = match &self.weight {
            Some(column) => table.numbers(column)?,
            None => vec![1.0; table.n_rows()],
        };
        let clusters = Grouping::of(&table.texts(&self.cluster_by)?);
        let at = self.terms.iter().position(|name| *name == self.coefficient);
        let tested = (at.map_or(0, |at| at + 1), self.null);
        let test = wild_cluster_test(
            &columns,
            &weight,
            &outcome,
            &clusters,
            tested,
            self.standard_error,
            self.residuals,
            self.draws.spec(),
            self.confidence_level,
        );
        let test = test.map_err(|error| {
            let line = error.row().and_then(|row| table.line(row));
            let constant = std::iter::once("(Intercept)".to_owned());
            let names: Vec<String> = constant.chain(self.terms.iter().cloned()).collect();
            RequestError::effect(&names, line, error)
        })?;
        numbers.real("estimate", test.point);
        numbers.real("se", test.standard_error);
        numbers.real("t", test.t);
        numbers.count("n_clusters", clusters.n_groups());
        numbers.count("n_draws", test.n_draws);
        numbers.real("p_symmetric", test.p_symmetric());
        numbers.real("p_symmetric_strict", test.p_symmetric_strict());
        numbers.real("p_equal_tailed", test.p_equal_tailed());
        numbers.real("p_equal_tailed_strict", test.p_equal_tailed_strict());
        let with_observed = (1.0 + count(test.n_at_least)) / (1.0 + count(test.n_draws));
        numbers.real("p_symmetric_plus_one", with_observed);
        let degrees = count(clusters.n_groups() - 1);
        numbers.real("p_t_clusters", student_t::two_sided_p(test.t, degrees));
        if let Some(level) = self.describe_draws {
            let tail = 0.5 * (1.0 - level.fraction());
            numbers.real("draws_low", test.quantile(tail));
            numbers.real("draws_high", test.quantile(1.0 - tail));
            numbers.real("draws_mean_square", test.mean_square());
        }
        if let Some(interval) = test.interval {
            for (name, end) in [("ci_low", interval.lower), ("ci_high", interval.upper)] {
                if end.is_finite() {
                    numbers.real(name, end);
                }
            }
        }
        Ok(None)
    }
}

impl WildDrawing {
    fn spec(self) -> WildDraws {
        match self {
            Self::Enumerated => WildDraws::Enumerated,
            Self::Drawn(WildMultipliers {
                multiplier,
                seed,
                replicates,
            }) => WildDraws::Drawn(multiplier, Draws { seed, replicates }),
        }
    }
}
