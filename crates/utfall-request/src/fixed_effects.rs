//! `[fixed-effects]`: least squares, two-stage least squares or Poisson regression beside fixed
//! effects of any number, with errors for panels.

use serde::{Deserialize, Serialize};
use utfall_core::{ConfidenceLevel, Estimand};
use utfall_effects::panel::{
    AbsorbedFit, Design, FixedEffect, fit_absorbed, fit_absorbed_poisson, rows_without_events,
};
use utfall_effects::{EffectError, Grouping};
use utfall_stats::elementary;
use utfall_stats::moments::count;

use crate::files::Files;
use crate::model::Part;
use crate::panel_errors::{Combination, PanelError, Reported};
use crate::regression::term;
use crate::table::Table;
use crate::trends::EventStudyTrends;
use crate::{Numbers, RequestError};

/// A regression beside fixed effects.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FixedEffectsRegression {
    /// `linear` or `poisson`.
    pub family: FixedEffectsFamily,
    /// The outcome column.
    pub outcome: String,
    /// Terms, as in `[regression]`; a constant is there only where nothing is absorbed.
    #[serde(default)]
    pub terms: Vec<String>,
    /// Columns of which each value but those of reference is a term.
    #[serde(default)]
    pub categories: Vec<Category>,
    /// Terms that instruments stand for; for `linear`.
    #[serde(default)]
    pub endogenous: Vec<String>,
    /// Instruments.
    #[serde(default)]
    pub instruments: Vec<String>,
    /// Fixed effects: `unit`, `region^year` for the cells of two columns, `unit[year]` for a
    /// constant and a slope, `unit[[year]]` for a slope alone.
    #[serde(default)]
    pub absorb: Vec<String>,
    /// Column of weights.
    pub weight: Option<String>,
    /// Column of exposures, whose log is added with coefficient one; for `poisson`.
    pub exposure: Option<String>,
    /// Whether to leave out rows of groups whose outcomes are all zero, as `fepois` does; for
    /// `poisson`, where such a group is an error otherwise.
    #[serde(default)]
    pub drop_groups_without_events: bool,
    /// Coefficients to test together.
    #[serde(default)]
    pub joint_tests: Vec<JointTest>,
    /// Whether to put the covariances of the coefficients too.
    #[serde(default)]
    pub covariances: bool,
    /// Bounds on trends that need not be parallel, with the first standard error.
    pub trends: Option<EventStudyTrends>,
    /// Level of intervals.
    pub confidence_level: ConfidenceLevel,
    /// Standard errors; the first is also that of the numbers without a name.
    pub errors: Vec<PanelError>,
}

/// The kind of outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FixedEffectsFamily {
    /// Least squares.
    Linear,
    /// Poisson (pseudo) maximum likelihood.
    Poisson,
}

/// A column of which each value is a term.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Category {
    /// The column.
    pub column: String,
    /// A term that each indicator is multiplied with.
    pub times: Option<String>,
    /// Values without an indicator.
    pub reference: Vec<String>,
}

/// Coefficients to test together.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct JointTest {
    /// What the answer calls it.
    pub name: String,
    /// The terms.
    pub terms: Vec<String>,
}

impl Category {
    /// Names of its terms, values in order: by number if all are, else by text.
    pub(crate) fn terms(&self, table: &Table) -> Result<Vec<String>, RequestError> {
        let mut values = table.texts(&self.column)?;
        let numeric = values.iter().all(|value| value.parse::<f64>().is_ok());
        let key = |value: &String| value.parse::<f64>().unwrap_or(0.0);
        values.sort_by(|a, b| {
            if numeric {
                key(a).total_cmp(&key(b)).then(a.cmp(b))
            } else {
                a.cmp(b)
            }
        });
        values.dedup();
        let kept = values
            .into_iter()
            .filter(|value| !self.reference.contains(value));
        Ok(kept
            .map(|value| match &self.times {
                Some(times) => format!("{}={value}:{times}", self.column),
                None => format!("{}={value}", self.column),
            })
            .collect())
    }
}

/// A set of fixed effects as a request writes it.
pub(crate) fn fixed_effect(table: &Table, written: &str) -> Result<FixedEffect, RequestError> {
    if let Some((unit, along)) = written.split_once('[') {
        let along = along.trim_end_matches(']');
        let alone = along.starts_with('[');
        let values = term(table, along.trim_start_matches('['), None)?;
        return Ok(FixedEffect::slopes(grouping(table, unit)?, values, !alone));
    }
    Ok(FixedEffect::constants(grouping(table, written)?))
}

/// The cells of one column, or of several joined by `^`.
pub(crate) fn grouping(table: &Table, written: &str) -> Result<Grouping, RequestError> {
    let columns: Vec<Vec<String>> = written
        .split('^')
        .map(|column| table.texts(column))
        .collect::<Result<_, _>>()?;
    let rows: Vec<Vec<&String>> = (0..table.n_rows())
        .map(|row| columns.iter().map(|column| &column[row]).collect())
        .collect();
    Ok(Grouping::of(&rows))
}

impl Part for FixedEffectsRegression {
    fn check(&self) -> Result<(), RequestError> {
        let linear = self.family == FixedEffectsFamily::Linear;
        let wrong = [
            (self.exposure.is_some() && linear, "`exposure` with linear"),
            (
                !self.endogenous.is_empty() && !linear,
                "`endogenous` with poisson",
            ),
            (self.weight.is_some() && !linear, "`weight` with poisson"),
            (
                self.drop_groups_without_events && linear,
                "`drop-groups-without-events` with linear",
            ),
            (
                self.endogenous.is_empty() && !self.instruments.is_empty(),
                "`instruments` without `endogenous`",
            ),
            (self.errors.is_empty(), "`errors` without a standard error"),
        ];
        if let Some((_, what)) = wrong.into_iter().find(|(found, _)| *found) {
            return Err(RequestError::Contradiction {
                what: what.to_owned(),
                remedy: "remove it or change the family",
            });
        }
        if let Some(trends) = &self.trends {
            trends.bounds.check()?;
        }
        self.errors.iter().try_for_each(PanelError::check)
    }

    fn put(
        &self,
        table: &Table,
        _files: &Files<'_>,
        numbers: &mut Numbers,
    ) -> Result<Option<Estimand>, RequestError> {
        let mut table = table.clone();
        if self.drop_groups_without_events {
            let outcome = term(&table, &self.outcome, None)?;
            let sets = self.sets(&table)?;
            let gone = rows_without_events(&outcome, &sets);
            numbers.count(
                "n_without_events",
                gone.iter().filter(|&&gone| gone).count(),
            );
            table.leave_out(&gone);
            numbers.count("n", table.n_rows());
        }
        self.fit(&table, numbers)?;
        Ok(None)
    }
}

impl FixedEffectsRegression {
    fn sets(&self, table: &Table) -> Result<Vec<FixedEffect>, RequestError> {
        self.absorb
            .iter()
            .map(|set| fixed_effect(table, set))
            .collect()
    }

    fn fit(&self, table: &Table, numbers: &mut Numbers) -> Result<(), RequestError> {
        let mut names = self.terms.clone();
        for category in &self.categories {
            names.extend(category.terms(table)?);
        }
        let one = vec![1.0; table.n_rows()];
        let mut columns: Vec<Vec<f64>> = names
            .iter()
            .map(|name| term(table, name, None))
            .collect::<Result<_, _>>()?;
        if self.absorb.is_empty() {
            columns.insert(0, one.clone());
            names.insert(0, "(Intercept)".to_owned());
        }
        let all = |names: &[String]| -> Result<Vec<Vec<f64>>, RequestError> {
            names.iter().map(|name| term(table, name, None)).collect()
        };
        let (endogenous, instruments) = (all(&self.endogenous)?, all(&self.instruments)?);
        let weight = self
            .weight
            .as_ref()
            .map_or(Ok(one), |column| table.numbers(column))?;
        let absorb = self.sets(table)?;
        let columns: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
        let endogenous: Vec<&[f64]> = endogenous.iter().map(Vec::as_slice).collect();
        let instruments: Vec<&[f64]> = instruments.iter().map(Vec::as_slice).collect();
        let outcome = term(table, &self.outcome, None)?;
        let design = Design {
            outcome: &outcome,
            columns: &columns,
            endogenous: &endogenous,
            instruments: &instruments,
            weight: &weight,
            absorb: &absorb,
        };
        let names: Vec<String> = self.endogenous.iter().cloned().chain(names).collect();
        let refused = |error: EffectError| {
            let line = error.row().and_then(|row| table.line(row));
            RequestError::effect(&names, line, error)
        };
        let fit = match self.family {
            FixedEffectsFamily::Linear => {
                let fit = fit_absorbed(&design).map_err(refused)?;
                put_linear(&fit, &self.endogenous, numbers);
                fit
            }
            FixedEffectsFamily::Poisson => {
                let offset = match &self.exposure {
                    Some(column) => Some(term(table, column, None)?),
                    None => None,
                };
                if let Some(row) = offset.iter().flatten().position(|&value| value <= 0.0) {
                    return Err(refused(EffectError::ExposureNotPositive { row }));
                }
                let offset: Option<Vec<f64>> =
                    offset.map(|values| values.into_iter().map(elementary::log).collect());
                let fit = fit_absorbed_poisson(&design, offset.as_deref()).map_err(refused)?;
                numbers.real("deviance", fit.deviance);
                numbers.real("log_likelihood", fit.log_likelihood);
                fit.regression
            }
        };
        numbers.count("n_coefficients", fit.n_coefficients());
        let combinations: Vec<Combination> = names
            .iter()
            .enumerate()
            .map(|(index, name)| {
                let mut per_column = vec![0.0; names.len()];
                per_column[index] = 1.0;
                Combination {
                    block: "coef".to_owned(),
                    key: name.clone(),
                    per_column,
                }
            })
            .collect();
        let reported = Reported {
            table,
            fit: &fit,
            design: &design,
            errors: &self.errors,
            level: self.confidence_level,
        };
        reported.put(
            &combinations,
            numbers,
            &refused,
            &mut |suffixes, covariance, numbers| {
                for test in &self.joint_tests {
                    let columns: Vec<usize> = test
                        .terms
                        .iter()
                        .filter_map(|wanted| names.iter().position(|name| name == wanted))
                        .collect();
                    if columns.len() != test.terms.len() {
                        return Err(EffectError::LengthMismatch {
                            what: "terms of a joint test among the coefficients",
                            found: columns.len(),
                            expected: test.terms.len(),
                        });
                    }
                    let wald = covariance.wald(&columns)?;
                    for suffix in suffixes {
                        numbers.real(&format!("{}_f{suffix}", test.name), wald.f);
                        numbers.real(&format!("{}_p{suffix}", test.name), wald.p_value);
                        numbers.real(&format!("{}_df1{suffix}", test.name), count(wald.numerator));
                        numbers.real(
                            &format!("{}_df2{suffix}", test.name),
                            count(wald.denominator),
                        );
                    }
                }
                if let Some(trends) = &self.trends
                    && suffixes.iter().any(String::is_empty)
                {
                    let found = fit.coefficients();
                    let columns: Vec<usize> = trends
                        .before
                        .iter()
                        .chain(&trends.after)
                        .filter_map(|wanted| names.iter().position(|name| name == wanted))
                        .collect();
                    let n_wanted = trends.before.len() + trends.after.len();
                    if columns.len() != n_wanted {
                        return Err(EffectError::LengthMismatch {
                            what: "terms of `trends` among the coefficients",
                            found: columns.len(),
                            expected: n_wanted,
                        });
                    }
                    let estimates: Vec<f64> = columns.iter().map(|&k| found[k]).collect();
                    let matrix = covariance.matrix();
                    let block: Vec<Vec<f64>> = columns
                        .iter()
                        .map(|&i| columns.iter().map(|&j| matrix[i][j]).collect())
                        .collect();
                    let before = trends.before.len();
                    trends.bounds.put(
                        &estimates,
                        &block,
                        before,
                        self.confidence_level,
                        numbers,
                    )?;
                }
                if self.covariances {
                    for (row, one) in covariance.matrix().iter().zip(&names) {
                        for (value, other) in row.iter().zip(&names) {
                            for suffix in suffixes {
                                numbers.covariate(
                                    &format!("covariance{suffix}"),
                                    &format!("{one}, {other}"),
                                    *value,
                                );
                            }
                        }
                    }
                }
                Ok(())
            },
        )
    }
}

fn put_linear(fit: &AbsorbedFit, endogenous: &[String], numbers: &mut Numbers) {
    numbers.real("r_squared", fit.r_squared());
    numbers.real("within_r_squared", fit.within_r_squared());
    numbers.real("rmse", fit.root_mean_square());
    for (name, &(f, numerator, denominator)) in endogenous.iter().zip(fit.first_stages()) {
        numbers.covariate("first_stage_f", name, f);
        let p = utfall_stats::fisher_f::upper_tail(f, count(numerator), count(denominator));
        numbers.covariate("first_stage_p", name, p);
        numbers.covariate("first_stage_df1", name, count(numerator));
        numbers.covariate("first_stage_df2", name, count(denominator));
    }
    if let Some((f, numerator, denominator)) = fit.hausman() {
        numbers.real("wu_hausman", f);
        let p = utfall_stats::fisher_f::upper_tail(f, count(numerator), count(denominator));
        numbers.real("wu_hausman_p", p);
        numbers.real("wu_hausman_df1", count(numerator));
        numbers.real("wu_hausman_df2", count(denominator));
    }
}
