//! `[instrument]`: two-stage least squares, and what speaks for and against the instruments.

use serde::{Deserialize, Serialize};
use utfall_core::Estimand;
use utfall_effects::{AndersonRubin, EffectError, two_stage};

use crate::files::Files;
use crate::model::Part;
use crate::regression::term;
use crate::table::Table;
use crate::uncertainty::{Name, Uncertainty};
use crate::{Numbers, RequestError};

/// The effect of a treatment that an instrument moves.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Instrument {
    /// The outcome column.
    pub outcome: String,
    /// The treatment as it was taken up.
    pub endogenous: String,
    /// What moved it: assignment, a lottery.
    pub instruments: Vec<String>,
    /// Terms of both stages beside the constant, as in `[regression]`.
    #[serde(default)]
    pub covariates: Vec<String>,
    /// Its uncertainty.
    pub inference: Uncertainty,
}

impl Part for Instrument {
    fn check(&self) -> Result<(), RequestError> {
        self.inference.check()
    }

    fn put(
        &self,
        table: &Table,
        _files: &Files<'_>,
        numbers: &mut Numbers,
    ) -> Result<Option<Estimand>, RequestError> {
        self.fit(table, numbers)?.map_err(|error| {
            let constant = std::iter::once("(Intercept)".to_owned());
            let names = constant.chain(self.covariates.iter().chain(&self.instruments).cloned());
            let line = error.row().and_then(|row| table.line(row));
            RequestError::effect(&names.collect::<Vec<_>>(), line, error)
        })?;
        Ok(Some(Estimand::Compliers))
    }
}

impl Instrument {
    fn fit(
        &self,
        table: &Table,
        numbers: &mut Numbers,
    ) -> Result<Result<(), EffectError>, RequestError> {
        let columns = |names: &[String]| {
            let terms = names.iter().map(|name| term(table, name, None));
            terms.collect::<Result<Vec<_>, _>>()
        };
        let outcome = table.numbers(&self.outcome)?;
        let endogenous = table.numbers(&self.endogenous)?;
        let mut exogenous = vec![vec![1.0; table.n_rows()]];
        exogenous.extend(columns(&self.covariates)?);
        let instruments = columns(&self.instruments)?;
        let clusters = self.inference.clusters(table)?;
        let exogenous: Vec<&[f64]> = exogenous.iter().map(Vec::as_slice).collect();
        let instruments: Vec<&[f64]> = instruments.iter().map(Vec::as_slice).collect();
        let mut fitted = || {
            let fit = two_stage(&endogenous, &exogenous, &instruments, &outcome)?;
            let (name, regression) = (Name::Effect, fit.regression());
            self.inference
                .put_contrast(&name, &clusters, numbers, regression, fit.effect())?;
            for (name, coefficient) in self.instruments.iter().zip(fit.first_stage()) {
                numbers.covariate("first_stage", name, *coefficient);
            }
            let weak = fit.weak();
            numbers.real("weak_f", weak.f);
            numbers.count("weak_f_df1", weak.numerator);
            numbers.count("weak_f_df2", weak.denominator);
            let (statistic, p_value) = fit.hausman();
            numbers.real("wu_hausman", statistic);
            numbers.real("wu_hausman_p", p_value);
            if let Some((statistic, p_value)) = fit.sargan() {
                numbers.real("sargan", statistic);
                numbers.real("sargan_p", p_value);
            }
            let inference = self.inference.inference();
            if let Some(f) = fit.effective_f(&clusters.main(), &inference)? {
                numbers.real("effective_f", f);
            }
            if let Some((set, p_value)) = fit.anderson_rubin(&clusters.main(), &inference)? {
                anderson_rubin(set, p_value, numbers);
            }
            Ok(())
        };
        Ok(fitted())
    }
}

/// The ends of the set; one that lies outside of them has its own names, and one without ends none.
fn anderson_rubin(set: AndersonRubin, p_value: f64, numbers: &mut Numbers) {
    numbers.real("anderson_rubin_p", p_value);
    let (name, ends) = match set {
        AndersonRubin::Within(ends) => ("anderson_rubin", ends),
        AndersonRubin::Outside(ends) => ("anderson_rubin_outside", ends),
        AndersonRubin::Everything => return,
    };
    numbers.real(&format!("{name}_low"), ends.lower);
    numbers.real(&format!("{name}_high"), ends.upper);
}
