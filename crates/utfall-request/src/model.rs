//! Requests that fit one model to one file.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::derive::Derived;
use crate::fixed_effects::FixedEffectsRegression;
use crate::instrument::Instrument;
use crate::regression::Regression;
use crate::table::Table;
use crate::trial::Trial;
use crate::two_by_two::TwoByTwo;
use crate::{Answer, Keep, Numbers, RequestError, Schema};

/// A model on a CSV file: exactly one of `trial`, `regression`, `instrument` and `two-by-two`.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Model {
    /// `utfall-request/1`.
    pub schema: Schema,
    /// The CSV file, sought from the folder of the request.
    pub data: PathBuf,
    /// Column whose order rows are put in first.
    pub id: Option<String>,
    /// Columns to compute first, each from those before it.
    #[serde(default)]
    pub derive: Vec<Derived>,
    /// Rows to keep; a row must satisfy each.
    #[serde(default)]
    pub keep: Vec<Keep>,
    /// Columns whose rows without a value are left out.
    #[serde(default)]
    pub drop_rows_without: Vec<String>,
    /// The effect of a treatment in a trial.
    pub trial: Option<Trial>,
    /// Every coefficient of a regression.
    pub regression: Option<Regression>,
    /// The effect of a treatment that an instrument moves.
    pub instrument: Option<Instrument>,
    /// Risks in two arms.
    pub two_by_two: Option<TwoByTwo>,
    /// A regression beside fixed effects.
    pub fixed_effects: Option<FixedEffectsRegression>,
}

impl Model {
    pub(crate) fn consistent(self) -> Result<Self, RequestError> {
        let parts = [
            self.trial.is_some(),
            self.regression.is_some(),
            self.instrument.is_some(),
            self.two_by_two.is_some(),
            self.fixed_effects.is_some(),
        ];
        if parts.into_iter().filter(|&asked| asked).count() != 1 {
            return Err(RequestError::Contradiction {
                what: "a request of several models".to_owned(),
                remedy: "keep one of `[trial]`, `[regression]`, `[instrument]` and `[two-by-two]`",
            });
        }
        let uncertainty = self
            .trial
            .iter()
            .map(|trial| &trial.inference)
            .chain(self.regression.iter().map(|part| &part.inference))
            .chain(self.instrument.iter().map(|part| &part.inference));
        for part in uncertainty {
            part.check()?;
        }
        if let Some(regression) = &self.regression {
            regression.check()?;
        }
        if let Some(part) = &self.fixed_effects {
            part.check()?;
        }
        Ok(self)
    }

    pub(crate) fn answer(&self, base_folder: &Path) -> Result<Answer, RequestError> {
        let mut table = Table::read(&base_folder.join(&self.data))?;
        let n_rows_read = table.n_rows();
        for derived in &self.derive {
            derived.add(&mut table)?;
        }
        for keep in &self.keep {
            table.keep(&keep.column, &keep.equals)?;
        }
        for column in &self.drop_rows_without {
            table.drop_missing(column)?;
        }
        if let Some(id) = &self.id {
            table.sort_by_id(id)?;
        }
        let mut numbers = Numbers::default();
        numbers.count("n_rows_left_out", n_rows_read - table.n_rows());
        numbers.count("n", table.n_rows());
        let mut estimand = None;
        if let Some(trial) = &self.trial {
            estimand = Some(trial.estimate(&table, &mut numbers)?);
        }
        if let Some(regression) = &self.regression {
            regression.estimate(&table, &mut numbers)?;
        }
        if let Some(instrument) = &self.instrument {
            instrument.estimate(&table, &mut numbers)?;
        }
        if let Some(two_by_two) = &self.two_by_two {
            two_by_two.estimate(&table, &mut numbers)?;
        }
        if let Some(part) = &self.fixed_effects {
            part.estimate(&mut table, &mut numbers)?;
        }
        Ok(Answer { estimand, numbers })
    }
}
