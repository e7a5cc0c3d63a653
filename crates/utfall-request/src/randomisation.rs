//! `[randomisation]`: a statistic compared with that of other assignments.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use utfall_core::Estimand;
use utfall_effects::{
    Assignments, Draws, Grouping, Randomised, RandomisedStatistic, randomisation_test,
};

use crate::files::Files;
use crate::model::Part;
use crate::regression::term;
use crate::table::Table;
use crate::{Numbers, RequestError, Treatment};

/// A statistic compared with that of other assignments.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Randomisation {
    /// Which rows are treated.
    pub treatment: Treatment,
    /// The outcome column.
    pub outcome: String,
    /// What is computed of each assignment.
    pub statistics: Vec<RandomisedStatistic>,
    /// Covariates of `coefficient`.
    #[serde(default)]
    pub covariates: Vec<String>,
    /// The effect on everyone under the hypothesis.
    pub null: f64,
    /// Column of blocks within which treatment was drawn: pairs, strata.
    pub block: Option<String>,
    /// Column of clusters that were drawn whole.
    pub cluster: Option<String>,
    /// Which assignments are compared.
    pub assignments: AssignmentSource,
}

/// Which assignments are compared.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AssignmentSource {
    /// Every one.
    Enumerated,
    /// Some, drawn at random.
    Drawn(Draws),
    /// Those of a file.
    Given(GivenAssignments),
}

/// Assignments of a file: each column is one, each line a row of the data.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct GivenAssignments {
    /// The file.
    pub file: PathBuf,
    /// The column that identifies rows, in both files; any other column is an assignment.
    pub id: String,
}

impl Part for Randomisation {
    fn check(&self) -> Result<(), RequestError> {
        let adjusts = self.statistics.contains(&RandomisedStatistic::Coefficient);
        if !adjusts && !self.covariates.is_empty() {
            return Err(RequestError::Contradiction {
                what: "`covariates` without the statistic `coefficient`".to_owned(),
                remedy: "remove them or ask for it",
            });
        }
        if self.statistics.is_empty() {
            return Err(RequestError::Contradiction {
                what: "`statistics` without any".to_owned(),
                remedy: "name one, such as `difference`",
            });
        }
        let is_given = matches!(self.assignments, AssignmentSource::Given(_));
        let has_blocks = self
            .statistics
            .contains(&RandomisedStatistic::BlockedDifference);
        RequestError::first_contradiction([
            (
                is_given && self.cluster.is_some(),
                "`cluster` beside assignments that are given",
                "remove it: the file says who is treated together",
            ),
            (
                is_given && self.block.is_some() && !has_blocks,
                "`block` beside assignments that are given, without `blocked-difference`",
                "remove it, or ask for that statistic",
            ),
        ])
    }

    fn put(
        &self,
        table: &Table,
        files: &Files<'_>,
        numbers: &mut Numbers,
    ) -> Result<Option<Estimand>, RequestError> {
        let treated = self.treatment.of(table)?;
        let outcome = table.numbers(&self.outcome)?;
        let mut covariates = Vec::new();
        for name in &self.covariates {
            covariates.push(term(table, name, None)?);
        }
        let covariates: Vec<&[f64]> = covariates.iter().map(Vec::as_slice).collect();
        let grouping = |column: &Option<String>| match column {
            Some(column) => Ok(Some(Grouping::of(&table.texts(column)?))),
            None => Ok::<_, RequestError>(None),
        };
        let (blocks, clusters) = (grouping(&self.block)?, grouping(&self.cluster)?);
        let design = Randomised {
            blocks: blocks.as_ref(),
            clusters: clusters.as_ref(),
        };
        let given = self.given(table, files)?;
        let assignments = match &self.assignments {
            AssignmentSource::Enumerated => Assignments::Enumerated,
            AssignmentSource::Drawn(draws) => Assignments::Drawn(*draws),
            AssignmentSource::Given(_) => Assignments::Given(&given),
        };
        for &statistic in &self.statistics {
            let columns: &[&[f64]] = match statistic {
                RandomisedStatistic::Coefficient => &covariates,
                _ => &[],
            };
            let test = randomisation_test(
                statistic,
                &treated,
                &outcome,
                columns,
                self.null,
                &design,
                assignments,
            );
            let test = test.map_err(|error| {
                let line = error.row().and_then(|row| table.line(row));
                RequestError::effect(&self.covariates, line, error)
            })?;
            let name = name(statistic);
            numbers.covariate("statistic", name, test.statistic);
            for (number, found) in [
                ("p", test.n_two_sided),
                ("p_upper", test.n_upper),
                ("p_lower", test.n_lower),
            ] {
                numbers.covariate(number, name, test.p(found));
                numbers.covariate(&format!("{number}_share"), name, test.share(found));
            }
            numbers.count("n_assignments", test.n_assignments);
        }
        Ok(None)
    }
}

impl Randomisation {
    fn given(&self, table: &Table, files: &Files<'_>) -> Result<Vec<Vec<bool>>, RequestError> {
        let AssignmentSource::Given(source) = &self.assignments else {
            return Ok(Vec::new());
        };
        let other = files.table(&source.file)?;
        let ids = other.texts(&source.id)?;
        let at: std::collections::BTreeMap<&String, usize> =
            ids.iter().enumerate().map(|(row, id)| (id, row)).collect();
        let mut rows = Vec::with_capacity(table.n_rows());
        for (row, id) in table.texts(&source.id)?.iter().enumerate() {
            match at.get(id) {
                Some(&found) => rows.push(found),
                None => {
                    return Err(RequestError::Contradiction {
                        what: format!(
                            "the row of line {} has no line in the file of assignments",
                            table.line(row).unwrap_or(0)
                        ),
                        remedy: "give every row an assignment",
                    });
                }
            }
        }
        let other = other.select(&rows);
        let columns = other.header().iter().filter(|name| **name != source.id);
        let arms = |column: &String| {
            other.arms(column, &self.treatment.treated, &self.treatment.comparator)
        };
        columns.map(arms).collect()
    }
}

fn name(statistic: RandomisedStatistic) -> &'static str {
    match statistic {
        RandomisedStatistic::Difference => "difference",
        RandomisedStatistic::BlockedDifference => "blocked-difference",
        RandomisedStatistic::WelchT => "welch-t",
        RandomisedStatistic::Coefficient => "coefficient",
        RandomisedStatistic::RankSum => "rank-sum",
    }
}
