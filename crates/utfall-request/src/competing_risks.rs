//! `[competing-risks]`: incidence of several causes and Gray's test; and `[subdistribution]`.

use serde::{Deserialize, Serialize};
use utfall_core::{ConfidenceLevel, Estimand};
use utfall_effects::survival::{
    CensoringTies, CurveInterval, Endings, SubdistributionFit, Ties, aalen_johansen,
    fit_subdistribution, gray_test,
};
use utfall_effects::{EffectError, Grouping};
use utfall_stats::elementary::exp;
use utfall_stats::normal;

use crate::files::Files;
use crate::model::Part;
use crate::regression::term;
use crate::table::Table;
use crate::{Numbers, RequestError};

/// Rows that end in one of several ways.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Outcomes {
    /// Column of when observation ends.
    pub time: String,
    /// Column of how it ends.
    pub ending: String,
    /// Cells of `ending` that are no event.
    pub censored: Vec<String>,
    /// Cells of `ending` that are events, one for each cause.
    pub causes: Vec<String>,
}

/// The incidence of each cause by group, and tests that groups do not differ.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CompetingRisks {
    /// How rows end.
    pub outcomes: Outcomes,
    /// Column of groups.
    pub group: String,
    /// Times to read incidences at.
    pub times: Vec<f64>,
    /// Scale of the intervals.
    pub interval: CurveInterval,
    /// Level of intervals.
    pub confidence_level: ConfidenceLevel,
}

/// Fine and Gray's regression.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Subdistribution {
    /// How rows end.
    pub outcomes: Outcomes,
    /// The cause whose incidence is modelled.
    pub cause: String,
    /// Terms.
    pub terms: Vec<String>,
    /// What is done with events at one time: `efron` or `breslow`.
    pub ties: Ties,
    /// Who is at risk of censoring at a time of events.
    pub censoring: CensoringTies,
    /// Which rows the probability of censoring is estimated from.
    pub censoring_from: CensoringRows,
    /// The standard error: `model`, `by-stretch` or, with `breslow`, `sandwich`.
    pub standard_error: SubdistributionError,
    /// Level of intervals.
    pub confidence_level: ConfidenceLevel,
}

/// Which rows the probability of censoring is estimated from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CensoringRows {
    /// Those of the regression.
    Complete,
    /// Also those without a value of a term, which are then left out of the regression only.
    All,
}

/// The standard error of log ratios of subdistribution hazards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SubdistributionError {
    /// From the information, as if the weights were known.
    Model,
    /// With the uncertainty of the weights (`crr`).
    Sandwich,
    /// Every stretch of constant weight a row of its own (`coxph` after `finegray`, without clusters).
    ByStretch,
}

impl Outcomes {
    fn read(&self, table: &Table) -> Result<(Vec<f64>, Vec<usize>), RequestError> {
        let stop = term(table, &self.time, None)?;
        let place = |cell: &String| self.causes.iter().position(|cause| cause == cell);
        let cause = table
            .texts(&self.ending)?
            .iter()
            .map(|cell| {
                if self.censored.contains(cell) {
                    return Ok(0);
                }
                place(cell)
                    .map(|place| place + 1)
                    .ok_or_else(|| RequestError::Contradiction {
                        what: format!(
                            "a cell of `{}` that is neither censored nor a cause",
                            self.ending
                        ),
                        remedy: "list every cell in `censored` or `causes`",
                    })
            })
            .collect::<Result<_, _>>()?;
        Ok((stop, cause))
    }
}

impl Part for CompetingRisks {
    fn put(
        &self,
        table: &Table,
        _: &Files<'_>,
        numbers: &mut Numbers,
    ) -> Result<Option<Estimand>, RequestError> {
        let (stop, cause) = self.outcomes.read(table)?;
        let data = Endings {
            stop: &stop,
            cause: &cause,
            n_causes: self.outcomes.causes.len(),
        };
        let refused = |error: EffectError| {
            let line = error.row().and_then(|row| table.line(row));
            RequestError::effect(&[], line, error)
        };
        let labels = table.texts(&self.group)?;
        let mut groups = labels.clone();
        groups.sort();
        groups.dedup();
        let reach = normal::quantile(0.5 * (1.0 + self.confidence_level.fraction()));
        for group in &groups {
            let rows: Vec<usize> = (0..labels.len())
                .filter(|&row| &labels[row] == group)
                .collect();
            let found = aalen_johansen(&data, &rows).map_err(refused)?;
            for &time in &self.times {
                let Some(entry) = found.place(time) else {
                    continue;
                };
                numbers.covariate(
                    "event_free",
                    &format!("{group}, {time}"),
                    found.survival[entry],
                );
                for (k, cause) in self.outcomes.causes.iter().enumerate() {
                    let key = format!("{group}, {cause}, {time}");
                    let (low, high) = found.interval(entry, k, self.interval, reach);
                    for (name, value) in [
                        ("incidence", found.incidence[k][entry]),
                        ("incidence_se", found.jackknife_error[k][entry]),
                        ("incidence_se_aalen", found.aalen_error[k][entry]),
                        ("incidence_ci_low", low),
                        ("incidence_ci_high", high),
                    ] {
                        if value.is_finite() {
                            numbers.covariate(name, &key, value);
                        }
                    }
                }
            }
        }
        if groups.len() > 1 {
            let way = Grouping::of(&labels);
            for (k, cause) in self.outcomes.causes.iter().enumerate() {
                let test = gray_test(&data, &way, k + 1).map_err(refused)?;
                numbers.covariate("gray", cause, test.statistic);
                numbers.covariate("gray_p", cause, test.p_value);
                numbers.count("gray_df", test.degrees_of_freedom);
            }
        }
        Ok(None)
    }
}

impl Part for Subdistribution {
    fn check(&self) -> Result<(), RequestError> {
        let sandwich = self.standard_error == SubdistributionError::Sandwich;
        RequestError::first_contradiction([
            (
                self.ties == Ties::Exact,
                "exact ties",
                "use `efron` or `breslow`",
            ),
            (
                sandwich && self.ties != Ties::Breslow,
                "`sandwich` with these ties",
                "use `breslow`",
            ),
            (
                !self.outcomes.causes.contains(&self.cause),
                "`cause`",
                "name one of `causes`",
            ),
            (self.terms.is_empty(), "no `terms`", "name at least one"),
        ])
    }

    fn put(
        &self,
        table: &Table,
        _: &Files<'_>,
        numbers: &mut Numbers,
    ) -> Result<Option<Estimand>, RequestError> {
        let n_causes = self.outcomes.causes.len();
        let (all_stop, all_cause) = self.outcomes.read(table)?;
        let mut table = table.clone();
        if self.censoring_from == CensoringRows::All {
            let mut gone = vec![false; table.n_rows()];
            for name in &self.terms {
                let values = table.numbers_or_never(name, &[])?;
                for (gone, value) in gone.iter_mut().zip(values) {
                    *gone |= value.is_none();
                }
            }
            table.leave_out(&gone);
            numbers.count("n", table.n_rows());
            numbers.count("n_censoring_rows", gone.len());
        }
        let (stop, cause) = self.outcomes.read(&table)?;
        let columns: Vec<Vec<f64>> = self
            .terms
            .iter()
            .map(|name| term(&table, name, None))
            .collect::<Result<_, _>>()?;
        let wanted = self
            .outcomes
            .causes
            .iter()
            .position(|cause| *cause == self.cause);
        let all = Endings {
            stop: &all_stop,
            cause: &all_cause,
            n_causes,
        };
        let fit = fit_subdistribution(
            &Endings {
                stop: &stop,
                cause: &cause,
                n_causes,
            },
            &columns,
            wanted.map_or(0, |place| place + 1),
            self.ties,
            (&all, self.censoring),
        )
        .map_err(|error| {
            let line = error.row().and_then(|row| table.line(row));
            RequestError::effect(&self.terms, line, error)
        })?;
        self.put_fit(&fit, numbers);
        Ok(None)
    }
}

impl Subdistribution {
    fn put_fit(&self, fit: &SubdistributionFit, numbers: &mut Numbers) {
        numbers.count("n_events", fit.n_events);
        numbers.count("n_stretches", fit.n_stretches);
        numbers.real("log_likelihood_null", fit.log_likelihood[0]);
        numbers.real("log_likelihood", fit.log_likelihood[1]);
        let covariance = match (self.standard_error, &fit.sandwich) {
            (SubdistributionError::Sandwich, Some(sandwich)) => sandwich,
            (SubdistributionError::ByStretch, _) => &fit.by_stretch,
            _ => &fit.covariance,
        };
        let reach = normal::quantile(0.5 * (1.0 + self.confidence_level.fraction()));
        for (k, name) in self.terms.iter().enumerate() {
            let (point, error) = (fit.coefficients[k], covariance[k][k].sqrt());
            let (low, high) = (point - reach * error, point + reach * error);
            for (what, value) in [
                ("coef", point),
                ("coef_se", error),
                ("coef_t", point / error),
                ("coef_p", normal::two_sided_p(point / error)),
                ("coef_ci_low", low),
                ("coef_ci_high", high),
                ("hazard_ratio", exp(point)),
                ("hazard_ratio_ci_low", exp(low)),
                ("hazard_ratio_ci_high", exp(high)),
            ] {
                numbers.covariate(what, name, value);
            }
        }
    }
}
