//! `[regression]`: every coefficient of a linear, logistic or Poisson regression, and the mean
//! outcomes under treatment and without.

use serde::{Deserialize, Serialize};
use utfall_core::Estimand;
use utfall_effects::{
    EffectError, Family, GeneralisedFit, WeightedRegression, fit_generalised_weighted,
    negative_binomial,
};
use utfall_stats::moments::{count, mean, weighted_mean};
use utfall_stats::{elementary, sums};

use crate::files::Files;
use crate::model::Part;
use crate::table::Table;
use crate::uncertainty::{Clusters, Name, Uncertainty};
use crate::{Numbers, RequestError, warning};

/// Every coefficient of a regression.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Regression {
    /// The kind of outcome.
    pub family: RegressionFamily,
    /// The outcome column.
    pub outcome: String,
    /// The terms beside the constant, which is `(Intercept)` in the answer: `column`, `column^2`,
    /// `column=value`, `centred(term)` for a term less its mean, `term:term` for a product.
    pub terms: Vec<String>,
    /// Column of weights; not for `negative-binomial`.
    pub weight: Option<String>,
    /// Column of exposures, whose log is added with coefficient one; for `poisson`, `gamma` and
    /// `negative-binomial`.
    pub exposure: Option<String>,
    /// The dispersion of `negative-binomial` if it is known: the variance is `mean + mean²/theta`.
    pub theta: Option<f64>,
    /// The mean outcomes to compare; not for `linear`.
    pub marginal: Option<MarginalEffect>,
    /// The uncertainty of each number.
    pub inference: Uncertainty,
}

/// The kind of outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RegressionFamily {
    /// Least squares.
    Linear,
    /// [`Family::Logit`].
    Logit,
    /// [`Family::Poisson`].
    Poisson,
    /// [`Family::Probit`].
    Probit,
    /// [`Family::Gamma`].
    Gamma,
    /// [`utfall_effects::negative_binomial`], or with `theta` given [`Family::NegativeBinomial`].
    NegativeBinomial,
}

/// Mean outcomes with a term at one and at zero.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct MarginalEffect {
    /// The term, which holds zeros and ones.
    pub term: String,
    /// Over whom: `ate` all rows, `att` rows where the term is one, `atc` where it is zero.
    pub estimand: Estimand,
}

impl Part for Regression {
    fn check(&self) -> Result<(), RequestError> {
        self.inference.check()?;
        let linear = self.family == RegressionFamily::Linear;
        let of_counts = self.family == RegressionFamily::NegativeBinomial;
        let on_log = matches!(
            self.family,
            RegressionFamily::Poisson
                | RegressionFamily::Gamma
                | RegressionFamily::NegativeBinomial
        );
        let wrong = [
            (
                self.weight.is_some() && of_counts,
                "`weight` with negative-binomial",
            ),
            (
                self.exposure.is_some() && !on_log,
                "`exposure` without poisson, gamma or negative-binomial",
            ),
            (
                self.theta.is_some() && !of_counts,
                "`theta` without negative-binomial",
            ),
            (self.marginal.is_some() && linear, "`marginal` with linear"),
        ];
        match wrong.into_iter().find(|(found, _)| *found) {
            Some((_, what)) => Err(RequestError::Contradiction {
                what: what.to_owned(),
                remedy: "remove it or change the family",
            }),
            None => Ok(()),
        }
    }

    fn put(
        &self,
        table: &Table,
        _files: &Files<'_>,
        numbers: &mut Numbers,
    ) -> Result<Option<Estimand>, RequestError> {
        self.estimate(table, numbers)?;
        Ok(None)
    }
}

impl Regression {
    fn estimate(&self, table: &Table, numbers: &mut Numbers) -> Result<(), RequestError> {
        let outcome = table.numbers(&self.outcome)?;
        let columns = self.columns(table, None)?;
        let columns: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
        let clusters = self.inference.clusters(table)?;
        let weight = match &self.weight {
            Some(column) => Some(table.numbers(column)?),
            None => None,
        };
        if let Some(weight) = &weight {
            warning::of_weights(weight, numbers);
        }
        let refused = |error| self.refused(table, error);
        let family = match self.family {
            RegressionFamily::Linear => {
                let weight = weight.unwrap_or_else(|| vec![1.0; outcome.len()]);
                let fit = WeightedRegression::fit(&columns, &weight, &outcome).map_err(refused)?;
                linear(&fit, &weight, &outcome, numbers);
                return self.coefficients(&fit, &clusters, numbers).map_err(refused);
            }
            RegressionFamily::Logit => Some(Family::Logit),
            RegressionFamily::Poisson => Some(Family::Poisson),
            RegressionFamily::Probit => Some(Family::Probit),
            RegressionFamily::Gamma => Some(Family::Gamma),
            RegressionFamily::NegativeBinomial => self.theta.map(Family::NegativeBinomial),
        };
        let offset = match &self.exposure {
            Some(column) => Some(self.offset(table, column)?),
            None => None,
        };
        let fit = match family {
            Some(family) => {
                let (offset, weight) = (offset.as_deref(), weight.as_deref());
                fit_generalised_weighted(family, &columns, offset, weight, &outcome)
                    .map_err(refused)?
            }
            None => {
                let found = negative_binomial(&columns, offset.as_deref(), &outcome);
                let found = found.map_err(refused)?;
                numbers.real("theta", found.theta);
                numbers.real("alpha", 1.0 / found.theta);
                numbers.real("theta_se", found.theta_standard_error);
                for (name, error) in self.names().iter().zip(&found.joint_standard_errors) {
                    numbers.covariate("coef_se_joint", name, *error);
                }
                found.fit
            }
        };
        numbers.real("deviance", fit.deviance());
        numbers.real("log_likelihood", fit.log_likelihood());
        numbers.real("dispersion", fit.dispersion());
        self.coefficients(fit.regression(), &clusters, numbers)
            .map_err(|error| self.refused(table, error))?;
        let n_free = self.names().len() + usize::from(family.is_none());
        let aic = 2.0 * (count(n_free) - fit.log_likelihood());
        if !matches!(family, Some(Family::Gamma)) {
            numbers.real("aic", aic);
        }
        if let Some(family) = family {
            let one = vec![1.0; outcome.len()];
            let (offset, weight) = (offset.as_deref(), weight.as_deref());
            let null = fit_generalised_weighted(family, &[&one], offset, weight, &outcome);
            let null = null.map_err(refused)?;
            numbers.real("null_deviance", null.deviance());
        }
        if !matches!(family, Some(Family::Probit)) {
            self.put_ratios(numbers);
        }
        match &self.marginal {
            Some(marginal) => {
                self.compare(table, marginal, &fit, offset.as_deref(), &clusters, numbers)
            }
            None => Ok(()),
        }
    }

    /// The constant and the terms, with one of them set to a value if asked for.
    fn columns(
        &self,
        table: &Table,
        set: Option<(&str, f64)>,
    ) -> Result<Vec<Vec<f64>>, RequestError> {
        columns_of_terms(table, &self.terms, set)
    }

    fn offset(&self, table: &Table, column: &str) -> Result<Vec<f64>, RequestError> {
        let exposure = table.numbers(column)?;
        if let Some(row) = exposure.iter().position(|&value| value <= 0.0) {
            let error = EffectError::ExposureNotPositive { row };
            return Err(self.refused(table, error));
        }
        Ok(exposure.into_iter().map(elementary::log).collect())
    }

    /// Exponentials of the coefficients and of the ends of their intervals: ratios of rates, odds or
    /// means.
    fn put_ratios(&self, numbers: &mut Numbers) {
        for (from, to) in [
            ("coef", "ratio"),
            ("coef_ci_low", "ratio_ci_low"),
            ("coef_ci_high", "ratio_ci_high"),
        ] {
            for name in self.names() {
                if let Some(value) = numbers.get(&format!("{from}.{name}")) {
                    numbers.covariate(to, &name, elementary::exp(value));
                }
            }
        }
    }

    fn coefficients(
        &self,
        fit: &WeightedRegression<'_>,
        clusters: &Clusters,
        numbers: &mut Numbers,
    ) -> Result<(), EffectError> {
        for (column, name) in self.names().iter().enumerate() {
            let name = Name::Coefficient(name);
            let contrast = fit.coefficient(column)?;
            self.inference
                .put_contrast(&name, clusters, numbers, fit, &contrast)?;
        }
        Ok(())
    }

    fn names(&self) -> Vec<String> {
        let constant = std::iter::once("(Intercept)".to_owned());
        constant.chain(self.terms.iter().cloned()).collect()
    }

    fn compare(
        &self,
        table: &Table,
        marginal: &MarginalEffect,
        fit: &GeneralisedFit,
        offset: Option<&[f64]>,
        clusters: &Clusters,
        numbers: &mut Numbers,
    ) -> Result<(), RequestError> {
        let with = self.columns(table, Some((&marginal.term, 1.0)))?;
        let without = self.columns(table, Some((&marginal.term, 0.0)))?;
        let with: Vec<&[f64]> = with.iter().map(Vec::as_slice).collect();
        let without: Vec<&[f64]> = without.iter().map(Vec::as_slice).collect();
        let over = rows_averaged_over(table, &self.terms, marginal)?;
        let refused = |error| self.refused(table, error);
        let found = fit
            .marginal(&with, &without, offset, &over)
            .map_err(refused)?;
        let mut all = vec![
            ("mean_treated", &found.mean_treated),
            ("mean_comparator", &found.mean_comparator),
            ("difference", &found.difference),
            ("log_ratio", &found.log_ratio),
        ];
        all.extend(
            found
                .log_odds_ratio
                .as_ref()
                .map(|ratio| ("log_odds_ratio", ratio)),
        );
        for (name, contrast) in all {
            let name = Name::Of(name);
            self.inference
                .put_contrast(&name, clusters, numbers, fit.regression(), contrast)
                .map_err(refused)?;
        }
        Ok(())
    }

    fn refused(&self, table: &Table, error: EffectError) -> RequestError {
        let line = error.row().and_then(|row| table.line(row));
        RequestError::effect(&self.names(), line, error)
    }
}

/// The constant and some terms, with one of them set to a value if asked for.
pub(crate) fn columns_of_terms(
    table: &Table,
    terms: &[String],
    set: Option<(&str, f64)>,
) -> Result<Vec<Vec<f64>>, RequestError> {
    let one = vec![1.0; table.n_rows()];
    let terms = terms.iter().map(|name| term(table, name, set));
    std::iter::once(Ok(one)).chain(terms).collect()
}

/// The weight of each row in averages: one for those that a marginal effect is over.
pub(crate) fn rows_averaged_over(
    table: &Table,
    terms: &[String],
    marginal: &MarginalEffect,
) -> Result<Vec<f64>, RequestError> {
    let values = table.numbers(&marginal.term)?;
    let zero_or_one = values
        .iter()
        .all(|&value| value.to_bits() == 0 || is_one(value));
    match marginal.estimand {
        _ if !zero_or_one || !terms.contains(&marginal.term) => Err(RequestError::Contradiction {
            what: format!("`{}` in `marginal`", marginal.term),
            remedy: "name one of the terms, of zeros and ones",
        }),
        Estimand::Ate => Ok(vec![1.0; values.len()]),
        Estimand::Att => Ok(values),
        Estimand::Atc => Ok(values.into_iter().map(|value| 1.0 - value).collect()),
        estimand => Err(RequestError::effect(
            &[],
            None,
            EffectError::EstimandUndefined { estimand },
        )),
    }
}

fn is_one(value: f64) -> bool {
    value.to_bits() == 1.0_f64.to_bits()
}

/// A term of the design, where a part of its name that is to be set holds that value.
pub(crate) fn term(
    table: &Table,
    name: &str,
    set: Option<(&str, f64)>,
) -> Result<Vec<f64>, RequestError> {
    if let Some((_, value)) = set.filter(|(wanted, _)| *wanted == name) {
        return Ok(vec![value; table.n_rows()]);
    }
    if let Some((one, other)) = name.split_once(':') {
        let (one, other) = (term(table, one, set)?, term(table, other, set)?);
        return Ok(one.iter().zip(&other).map(|(a, b)| a * b).collect());
    }
    if let Some(base) = name.strip_suffix("^2") {
        let values = term(table, base, set)?;
        return Ok(values.into_iter().map(|value| value * value).collect());
    }
    let inner = name
        .strip_prefix("centred(")
        .and_then(|rest| rest.strip_suffix(')'));
    if let Some(inner) = inner {
        let centre = mean(&term(table, inner, None)?);
        let values = term(table, inner, set)?;
        return Ok(values.into_iter().map(|value| value - centre).collect());
    }
    table.numbers(name)
}

/// `r_squared` and `sigma` of least squares.
fn linear(fit: &WeightedRegression<'_>, weight: &[f64], outcome: &[f64], numbers: &mut Numbers) {
    let square = |values: &[f64], centre: f64| {
        sums::sum_of(values.len(), |row| {
            weight[row] * (values[row] - centre) * (values[row] - centre)
        })
    };
    let left = square(fit.residual(), 0.0);
    let all = square(outcome, weighted_mean(outcome, weight));
    numbers.real("r_squared", 1.0 - left / all);
    let degrees = count(fit.n_rows() - fit.n_columns());
    numbers.real("sigma", (left / degrees).sqrt());
}
