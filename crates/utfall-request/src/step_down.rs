//! `[step-down]`: Romano and Wolf's p-values from replicates that are columns of the file.

use serde::{Deserialize, Serialize};
use utfall_core::Estimand;
use utfall_effects::step_down;

use crate::files::Files;
use crate::model::Part;
use crate::table::Table;
use crate::{Numbers, RequestError};

/// Several hypotheses tested together.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct StepDownTest {
    /// For each hypothesis the column of its statistic in replicates drawn under it.
    pub replicates: Vec<String>,
    /// For each hypothesis the statistic observed.
    pub observed: Vec<f64>,
}

impl Part for StepDownTest {
    fn put(
        &self,
        table: &Table,
        _files: &Files<'_>,
        numbers: &mut Numbers,
    ) -> Result<Option<Estimand>, RequestError> {
        let columns = self.replicates.iter().map(|name| table.numbers(name));
        let columns: Vec<Vec<f64>> = columns.collect::<Result<_, _>>()?;
        let columns: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
        let adjusted = step_down(&self.observed, &columns)
            .map_err(|error| RequestError::effect(&self.replicates, None, error))?;
        for (number, values) in [
            ("p_step_down", &adjusted.step_down),
            ("p_single_step", &adjusted.single_step),
            ("p_unadjusted", &adjusted.unadjusted),
            ("p_step_down_share", &adjusted.step_down_of_replicates),
        ] {
            for (name, value) in self.replicates.iter().zip(values) {
                numbers.covariate(number, name, *value);
            }
        }
        Ok(None)
    }
}
