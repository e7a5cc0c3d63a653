//! `[series]`: an interrupted time series by segmented regression.

use serde::{Deserialize, Serialize};
use utfall_core::{ConfidenceLevel, Estimand};
use utfall_effects::EffectError;
use utfall_effects::panel::{AbsorbedFit, Design, fit_absorbed};
use utfall_effects::series::{
    Correlation, FirstRow, LagBandwidth, LagKernel, LongRun, breusch_godfrey, durbin_watson,
    fit_serial, ljung_box, long_run_errors, newey_west_bandwidth,
};
use utfall_stats::moments::count;

use crate::files::Files;
use crate::model::Part;
use crate::panel_errors::{Combination, PanelError, Reported};
use crate::regression::term;
use crate::table::Table;
use crate::{Numbers, RequestError};

/// A segmented regression of one series.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Series {
    /// The outcome.
    pub outcome: String,
    /// The terms beside the constant: time, the change of level, the change of slope, seasons.
    pub terms: Vec<String>,
    /// Terms that are the intervention: without them the model tells what would have been.
    #[serde(default)]
    pub intervention: Vec<String>,
    /// Column of times, in whose order rows are taken.
    pub time: String,
    /// How errors follow each other; without it least squares.
    pub correlation: Option<SerialCorrelation>,
    /// Numbers of rows before for Breusch and Godfrey's test; for least squares.
    #[serde(default)]
    pub breusch_godfrey: Vec<usize>,
    /// Numbers of autocorrelations for Ljung and Box's test; for least squares.
    #[serde(default)]
    pub ljung_box: Vec<usize>,
    /// Errors by a kernel over lags, for least squares.
    #[serde(default)]
    pub long_run: Vec<LongRunError>,
    /// Level of intervals.
    pub confidence_level: ConfidenceLevel,
    /// Standard errors; `driscoll-kraay` on the time of a series is Newey–West's.
    pub errors: Vec<PanelError>,
}

/// A standard error by a kernel over lags, with normal intervals.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LongRunError {
    /// What the answer calls it.
    pub name: String,
    /// How much each lag counts.
    pub kernel: LagKernel,
    /// How far lags reach.
    pub bandwidth: LagBandwidth,
    /// Whether an autoregression is taken out of the scores first.
    pub prewhiten: bool,
    /// Whether variances are multiplied by n/(n - k).
    pub adjust: bool,
}

/// How errors follow each other.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SerialCorrelation {
    /// `kept` for Prais–Winsten, `dropped` for Cochrane–Orcutt.
    pub first_row: FirstRow,
    /// How it is found: `two-step`, `iterated`, `likelihood` or `{ fixed = number }`.
    pub rho: Correlation,
}

impl Part for Series {
    fn check(&self) -> Result<(), RequestError> {
        self.errors.iter().try_for_each(PanelError::check)?;
        let is_unknown = |name: &String| !self.terms.contains(name);
        RequestError::first_contradiction([(
            self.intervention.iter().any(is_unknown),
            "an `intervention` that is no term",
            "name it in `terms` too",
        )])?;
        let is_twice = |error: &LongRunError| {
            let same = self
                .long_run
                .iter()
                .filter(|other| other.name == error.name);
            same.count() > 1 || self.errors.iter().any(|other| other.name == error.name)
        };
        RequestError::first_contradiction([
            (
                self.long_run.iter().any(is_twice),
                "two standard errors of one name",
                "give each a name of its own",
            ),
            (
                self.correlation.is_some() && !self.long_run.is_empty(),
                "`long-run` beside `correlation`",
                "keep one of them",
            ),
        ])?;
        let tests = self.breusch_godfrey.iter().chain(&self.ljung_box);
        if self.correlation.is_some() && tests.count() > 0 {
            return Err(RequestError::Contradiction {
                what: "a test of serial correlation beside `correlation`".to_owned(),
                remedy: "test the residuals of least squares",
            });
        }
        match &self.correlation {
            Some(found)
                if found.rho == Correlation::Likelihood && found.first_row == FirstRow::Dropped =>
            {
                Err(RequestError::Contradiction {
                    what: "`likelihood` without the first row".to_owned(),
                    remedy: "set `first-row` to `kept`",
                })
            }
            _ => Ok(()),
        }
    }

    fn put(
        &self,
        table: &Table,
        _: &Files<'_>,
        numbers: &mut Numbers,
    ) -> Result<Option<Estimand>, RequestError> {
        let (table, time) = table.in_time(&self.time)?;
        let names: Vec<String> = std::iter::once("(Intercept)".to_owned())
            .chain(self.terms.iter().cloned())
            .collect();
        let one = vec![1.0; table.n_rows()];
        let columns: Vec<Vec<f64>> = std::iter::once(Ok(one.clone()))
            .chain(self.terms.iter().map(|name| term(&table, name, None)))
            .collect::<Result<_, _>>()?;
        let outcome = term(&table, &self.outcome, None)?;
        let slices: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
        let refused = |error: EffectError| {
            let line = error.row().and_then(|row| table.line(row));
            RequestError::effect(&names, line, error)
        };
        let Some(serial) = &self.correlation else {
            let design = Design {
                outcome: &outcome,
                columns: &slices,
                endogenous: &[],
                instruments: &[],
                weight: &one,
                absorb: &[],
            };
            let fit = fit_absorbed(&design).map_err(refused)?;
            numbers.real("r_squared", fit.r_squared());
            numbers.real("durbin_watson", durbin_watson(fit.regression().residual()));
            let residual = fit.regression().residual();
            for &order in &self.breusch_godfrey {
                let (statistic, p) = breusch_godfrey(&slices, residual, order).map_err(refused)?;
                numbers.covariate("breusch_godfrey", &order.to_string(), statistic);
                numbers.covariate("breusch_godfrey_p", &order.to_string(), p);
            }
            for &order in &self.ljung_box {
                let (statistic, p) = ljung_box(residual, order);
                numbers.covariate("ljung_box", &order.to_string(), statistic);
                numbers.covariate("ljung_box_p", &order.to_string(), p);
            }
            numbers.real(
                "newey_west_bandwidth",
                newey_west_bandwidth(&slices, residual),
            );
            self.report(&table, &fit, &design, &names, numbers, &refused)?;
            self.put_long_run(&slices, &fit, &names, numbers)
                .map_err(refused)?;
            self.put_paths(&names, &time, &outcome, &columns, numbers);
            return Ok(None);
        };
        let fit = fit_serial(&slices, &outcome, serial.first_row, serial.rho).map_err(refused)?;
        numbers.real("rho", fit.rho);
        numbers.count("n_iterations", fit.n_iterations as usize);
        numbers.real("durbin_watson", fit.durbin_watson);
        numbers.real("log_likelihood", fit.log_likelihood);
        numbers.real("variance", fit.variance);
        numbers.count("n_used", fit.outcome.len());
        let slices: Vec<&[f64]> = fit.columns.iter().map(Vec::as_slice).collect();
        let design = Design {
            outcome: &fit.outcome,
            columns: &slices,
            endogenous: &[],
            instruments: &[],
            weight: &one[..fit.outcome.len()],
            absorb: &[],
        };
        let used: Vec<usize> = (table.n_rows() - fit.outcome.len()..table.n_rows()).collect();
        self.report(
            &table.select(&used),
            &fit.regression,
            &design,
            &names,
            numbers,
            &refused,
        )?;
        self.put_paths(&names, &time, &outcome, &columns, numbers);
        Ok(None)
    }
}

impl Series {
    fn put_long_run(
        &self,
        columns: &[&[f64]],
        fit: &AbsorbedFit,
        names: &[String],
        numbers: &mut Numbers,
    ) -> Result<(), EffectError> {
        for error in &self.long_run {
            let spec = LongRun {
                kernel: error.kernel,
                bandwidth: error.bandwidth,
                prewhiten: error.prewhiten,
                adjust: error.adjust,
            };
            let found = long_run_errors(columns, fit.regression().residual(), spec)?;
            numbers.covariate("long_run_bandwidth", &error.name, found.bandwidth);
            let suffix = format!("_{}", error.name);
            let each = fit.coefficients().into_iter().zip(&found.standard_errors);
            for (name, (point, &standard_error)) in names.iter().zip(each) {
                let pair = (point, standard_error);
                numbers.normal(("coef", name), &suffix, pair, self.confidence_level);
            }
        }
        Ok(())
    }

    /// The outcome, the model's mean, and its mean without the intervention, at each time.
    fn put_paths(
        &self,
        names: &[String],
        time: &[f64],
        outcome: &[f64],
        columns: &[Vec<f64>],
        numbers: &mut Numbers,
    ) {
        if self.intervention.is_empty() {
            return;
        }
        let coefficients: Vec<f64> = names
            .iter()
            .map(|name| numbers.get(&format!("coef.{name}")).unwrap_or(f64::NAN))
            .collect();
        for (row, time) in time.iter().enumerate() {
            let key = time.to_string();
            let (mut fitted, mut without) = (0.0, 0.0);
            for ((name, coefficient), column) in names.iter().zip(&coefficients).zip(columns) {
                let part = coefficient * column[row];
                fitted += part;
                if !self.intervention.contains(name) {
                    without += part;
                }
            }
            numbers.covariate("observed_path", &key, outcome[row]);
            numbers.covariate("fitted_path", &key, fitted);
            numbers.covariate("counterfactual_path", &key, without);
        }
    }

    fn report(
        &self,
        table: &Table,
        fit: &AbsorbedFit,
        design: &Design<'_>,
        names: &[String],
        numbers: &mut Numbers,
        refused: &dyn Fn(EffectError) -> RequestError,
    ) -> Result<(), RequestError> {
        let n = count(fit.n_rows());
        let sigma = fit.root_mean_square() * (n / (n - count(names.len()))).sqrt();
        numbers.real("sigma", sigma);
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
            fit,
            design,
            errors: &self.errors,
            level: self.confidence_level,
        };
        reported.put(&combinations, numbers, refused, &mut |_, _, _| Ok(()))?;
        // Errors with the variance of the likelihood, divisor n.
        let shrink = ((n - count(names.len())) / n).sqrt();
        for name in names {
            let Some(first) = self.errors.first() else {
                break;
            };
            if first.kind == crate::PanelErrorKind::Iid {
                let error = numbers.get(&format!("coef_se.{name}")).unwrap_or(f64::NAN);
                numbers.covariate("coef_se_likelihood", name, error * shrink);
            }
        }
        Ok(())
    }
}
