//! `[bootstrap]` and `[leave-out]`: any number of an answer, from rows drawn again or left out.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use utfall_core::ConfidenceLevel;
use utfall_effects::{
    BootstrapInterval, Draws, EffectError, Grouping, Resampled, bootstrap, bootstrap_interval,
};
use utfall_stats::moments::{count, mean};

use crate::files::Files;
use crate::table::Table;
use crate::{Numbers, RequestError};

/// Numbers of an answer that are drawn again.
///
/// Everything that leads to them is done again in each replicate: scores, matching, weights, models.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Bootstrap {
    /// The numbers by their names in the answer, such as `estimate` or `coef.age`.
    pub numbers: Vec<String>,
    /// Column of clusters that are drawn whole.
    pub cluster: Option<String>,
    /// Column of strata, each of which keeps its size.
    pub strata: Option<String>,
    /// Which rows are drawn.
    pub rows: DrawnRows,
    /// Intervals to report.
    #[serde(default)]
    pub intervals: Vec<BootstrapInterval>,
    /// Where the acceleration of `bca` comes from.
    pub acceleration: Option<Acceleration>,
    /// Level of the intervals.
    pub confidence_level: ConfidenceLevel,
}

/// Which rows are drawn.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DrawnRows {
    /// At random.
    Drawn(Draws),
    /// Those of a file.
    Given(GivenRows),
}

/// Rows of a file: each line is a replicate, each cell the number of a row.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct GivenRows {
    /// The file.
    pub file: PathBuf,
    /// Columns that hold no rows.
    #[serde(default)]
    pub except: Vec<String>,
    /// The number of the first row: 0 or 1.
    pub counted_from: usize,
}

/// Where the acceleration of `bca` comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Acceleration {
    /// Regression of the replicates on how often each row was drawn (`empinf(type = "reg")`, the
    /// default of R's `boot.ci`).
    Regression,
    /// The number without each row in turn.
    Jackknife,
}

/// Numbers of an answer without each group of rows in turn.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LeaveOut {
    /// Column whose equal cells are left out together.
    pub column: String,
    /// The numbers by their names in the answer.
    pub numbers: Vec<String>,
}

impl Bootstrap {
    pub(crate) fn put(
        &self,
        table: &Table,
        files: &Files<'_>,
        numbers: &mut Numbers,
        run: impl Fn(&Table) -> Result<Numbers, RequestError> + Sync,
    ) -> Result<(), RequestError> {
        let wants_bca = self.intervals.contains(&BootstrapInterval::Bca);
        if wants_bca != self.acceleration.is_some() {
            return Err(RequestError::Contradiction {
                what: "`acceleration` belongs to the interval `bca` and to it alone".to_owned(),
                remedy: "add it there, remove it elsewhere",
            });
        }
        if wants_bca && self.cluster.is_some() {
            return Err(RequestError::Contradiction {
                what: "`bca` beside `cluster`, whose acceleration is of single rows".to_owned(),
                remedy: "ask for `percentile` or another interval",
            });
        }
        for name in &self.numbers {
            number(numbers, name)?;
        }
        let grouping = |column: &Option<String>| match column {
            Some(column) => Ok(Some(Grouping::of(&table.texts(column)?))),
            None => Ok::<_, RequestError>(None),
        };
        let (clusters, strata) = (grouping(&self.cluster)?, grouping(&self.strata)?);
        let given = self.given(files)?;
        let resampled = match (&self.rows, &clusters) {
            (DrawnRows::Given(_), Some(_)) => {
                return Err(RequestError::Contradiction {
                    what: "`cluster` with rows of a file".to_owned(),
                    remedy: "remove it: the file says which rows are drawn",
                });
            }
            (DrawnRows::Given(_), None) => Resampled::Given {
                rows: &given,
                strata: strata.as_ref(),
            },
            (DrawnRows::Drawn(draws), Some(clusters)) => Resampled::Clusters {
                clusters,
                strata: strata.as_ref(),
                draws: *draws,
            },
            (DrawnRows::Drawn(draws), None) => Resampled::Rows {
                strata: strata.as_ref(),
                draws: *draws,
            },
        };
        let refused = |error| RequestError::effect(&[], None, error);
        let statistic = |rows: &[usize]| self.values(&table.select(rows), &run);
        let drawn = bootstrap(table.n_rows(), &resampled, statistic).map_err(refused)?;
        numbers.count("bootstrap_replicates", drawn.replicates[0].len());
        for (which, name) in self.numbers.iter().enumerate() {
            numbers.covariate("bootstrap_se", name, drawn.standard_error(which));
            numbers.covariate("bootstrap_bias", name, drawn.bias(which));
            let influence = match self.acceleration {
                None => Vec::new(),
                Some(Acceleration::Regression) => {
                    let influence = drawn.influence_by_regression(which);
                    influence.map_err(|error| match error {
                        EffectError::TooFewRows { n_rows, n_columns } => {
                            RequestError::Contradiction {
                                what: format!(
                                    "`acceleration` by `regression` of {n_rows} replicates on {n_columns} frequencies"
                                ),
                                remedy: "draw more replicates than there are rows, or write `jackknife`",
                            }
                        }
                        error => refused(error),
                    })?
                }
                Some(Acceleration::Jackknife) => self
                    .jackknife(table, strata.as_ref(), which, &run)
                    .map_err(refused)?,
            };
            for &kind in &self.intervals {
                let ends = bootstrap_interval(
                    kind,
                    drawn.points[which],
                    &drawn.replicates[which],
                    &influence,
                    self.confidence_level,
                )
                .map_err(refused)?;
                let kind = kind.to_string().replace('-', "_");
                numbers.covariate(&format!("bootstrap_ci_low_{kind}"), name, ends.lower);
                numbers.covariate(&format!("bootstrap_ci_high_{kind}"), name, ends.upper);
            }
        }
        Ok(())
    }

    /// The numbers of some rows. What goes wrong in a replicate is told as a replicate without
    /// numbers, since its message would speak of rows that were drawn.
    fn values(
        &self,
        table: &Table,
        run: &impl Fn(&Table) -> Result<Numbers, RequestError>,
    ) -> Result<Vec<f64>, EffectError> {
        let found = run(table).map_err(|error| match error {
            RequestError::Effect { source, .. } => source,
            _ => EffectError::NoVariation,
        })?;
        let value = |name: &String| found.get(name).ok_or(EffectError::NoVariation);
        self.numbers.iter().map(value).collect()
    }

    /// What each row adds to a number: within its stratum, the number with all rows less that
    /// without the row.
    fn jackknife(
        &self,
        table: &Table,
        strata: Option<&Grouping>,
        which: usize,
        run: &(impl Fn(&Table) -> Result<Numbers, RequestError> + Sync),
    ) -> Result<Vec<f64>, EffectError> {
        let n_rows = table.n_rows();
        let one = Grouping::of(&vec![0; n_rows]);
        let strata = strata.unwrap_or(&one);
        let without = |left_out: usize| {
            let rows: Vec<usize> = (0..n_rows).filter(|&row| row != left_out).collect();
            Ok(self.values(&table.select(&rows), run)?[which])
        };
        let values: Vec<f64> = (0..n_rows).map(without).collect::<Result<_, _>>()?;
        let mut influence = vec![0.0; n_rows];
        for stratum in 0..strata.n_groups() {
            let rows = (0..n_rows).filter(|&row| strata.codes()[row] == stratum);
            let rows: Vec<usize> = rows.collect();
            let of_stratum: Vec<f64> = rows.iter().map(|&row| values[row]).collect();
            let middle = mean(&of_stratum);
            for &row in &rows {
                influence[row] = (count(rows.len()) - 1.0) * (middle - values[row]);
            }
        }
        Ok(influence)
    }

    fn given(&self, files: &Files<'_>) -> Result<Vec<Vec<usize>>, RequestError> {
        let DrawnRows::Given(source) = &self.rows else {
            return Ok(Vec::new());
        };
        let table = files.table(&source.file)?;
        let mut rows = vec![Vec::new(); table.n_rows()];
        for column in table.header() {
            if source.except.contains(column) {
                continue;
            }
            let values = table.texts(column)?;
            for (line, (cell, drawn)) in values.iter().zip(&mut rows).enumerate() {
                let number = cell.parse::<usize>().ok();
                match number.and_then(|number| number.checked_sub(source.counted_from)) {
                    Some(row) => drawn.push(row),
                    None => {
                        return Err(RequestError::NotANumber {
                            file: source.file.clone(),
                            column: column.clone(),
                            line: table.line(line).unwrap_or(0),
                        });
                    }
                }
            }
        }
        Ok(rows)
    }
}

impl LeaveOut {
    pub(crate) fn put(
        &self,
        table: &Table,
        numbers: &mut Numbers,
        run: impl Fn(&Table) -> Result<Numbers, RequestError>,
    ) -> Result<(), RequestError> {
        let groups = Grouping::of(&table.texts(&self.column)?);
        let mut found = vec![Vec::new(); self.numbers.len()];
        for name in &self.numbers {
            number(numbers, name)?;
        }
        for group in 0..groups.n_groups() {
            let rows = (0..table.n_rows()).filter(|&row| groups.codes()[row] != group);
            let without = run(&table.select(&rows.collect::<Vec<_>>()))?;
            for (name, values) in self.numbers.iter().zip(&mut found) {
                values.push(number(&without, name)?);
            }
        }
        let n_groups = count(groups.n_groups());
        numbers.count("leave_out_groups", groups.n_groups());
        for (name, values) in self.numbers.iter().zip(&found) {
            let middle = mean(values);
            let square: f64 = values.iter().map(|v| (v - middle) * (v - middle)).sum();
            let error = ((n_groups - 1.0) / n_groups * square).sqrt();
            numbers.covariate("leave_out_se", name, error);
            let (least, most) = values
                .iter()
                .fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), &v| {
                    (a.min(v), b.max(v))
                });
            numbers.covariate("leave_out_min", name, least);
            numbers.covariate("leave_out_max", name, most);
        }
        Ok(())
    }
}

/// A number of an answer by its name.
fn number(numbers: &Numbers, name: &str) -> Result<f64, RequestError> {
    numbers
        .get(name)
        .ok_or_else(|| RequestError::Contradiction {
            what: format!("`{name}` is no number of the answer"),
            remedy: "name a number that the request answers with",
        })
}
