//! `[synthetic]`: synthetic control, augmented or not, and synthetic difference-in-differences.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utfall_core::Estimand;
use utfall_effects::EffectError;
use utfall_effects::synthetic::{
    Block, Method, Predictors, Synthetic, augmented, jackknife, placebos, synthetic,
};
use utfall_stats::moments::{count, mean};

use crate::files::Files;
use crate::model::Part;
use crate::regression::term;
use crate::table::Table;
use crate::{Numbers, RequestError};

/// A comparison built from several units.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SyntheticControl {
    /// Column of units.
    pub unit: String,
    /// Column of times.
    pub time: String,
    /// The outcome.
    pub outcome: String,
    /// Cells of `unit` that are treated.
    pub treated: Vec<String>,
    /// The first time of treatment.
    pub from: f64,
    /// How units and times are weighted.
    pub method: SyntheticMethod,
    /// What donors are made alike on instead of outcomes before treatment, for `control`.
    #[serde(default)]
    pub predictors: Vec<Predictor>,
    /// Whether each donor is taken as if treated.
    #[serde(default)]
    pub placebos: bool,
    /// Whether to leave out each unit in turn, weights held fixed.
    #[serde(default)]
    pub jackknife: bool,
}

/// How units and times are weighted.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SyntheticMethod {
    /// Synthetic control; `ridge` in noise levels, zero for the classic one.
    Control {
        /// Noise levels.
        ridge: f64,
    },
    /// Synthetic difference-in-differences.
    DifferenceInDifferences,
    /// Plain difference-in-differences.
    Uniform,
    /// Synthetic control augmented by a ridge regression with this penalty.
    Augmented {
        /// The penalty.
        lambda: f64,
    },
}

/// A mean over times that donors are made alike on.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Predictor {
    /// The column.
    pub column: String,
    /// First and last time of the mean.
    pub times: [f64; 2],
    /// Its weight.
    pub weight: f64,
}

/// The panel as a block, with names.
struct Arranged {
    block: Block,
    donors: Vec<String>,
    times: Vec<f64>,
    /// The row of each donor at each time, then of each treated unit.
    rows: Vec<Vec<usize>>,
}

impl Part for SyntheticControl {
    fn check(&self) -> Result<(), RequestError> {
        let control = matches!(self.method, SyntheticMethod::Control { .. });
        let augmented = matches!(self.method, SyntheticMethod::Augmented { .. });
        let wrong = [
            (
                !control && !self.predictors.is_empty(),
                "`predictors`",
                "they are of `control`",
            ),
            (
                augmented && (self.placebos || self.jackknife),
                "`placebos` or `jackknife`",
                "`augmented` has none",
            ),
            (
                self.placebos && !self.predictors.is_empty(),
                "`placebos` with `predictors`",
                "leave one out",
            ),
            (
                self.treated.is_empty(),
                "no `treated`",
                "name the treated units",
            ),
        ];
        RequestError::first_contradiction(wrong)
    }

    fn put(
        &self,
        table: &Table,
        _: &Files<'_>,
        numbers: &mut Numbers,
    ) -> Result<Option<Estimand>, RequestError> {
        let arranged = self.arranged(table)?;
        let block = &arranged.block;
        let refused = |error| RequestError::effect(&[], None, error);
        numbers.count("n_donors", block.donors.len());
        numbers.count("n_treated", block.treated.len());
        numbers.count("n_times_before", block.n_before);
        let method = match self.method {
            SyntheticMethod::Augmented { lambda } => {
                let found = augmented(block, lambda).map_err(refused)?;
                for (name, weight) in arranged.donors.iter().zip(&found.plain.donors.weight) {
                    numbers.covariate("plain_weight", name, *weight);
                }
                numbers.real("plain_effect", found.plain.effect);
                put_found(&found.augmented, &arranged, numbers);
                put_paths(&found.augmented, &arranged, numbers);
                return Ok(Some(Estimand::Att));
            }
            SyntheticMethod::Control { ridge } => Method::Control { ridge },
            SyntheticMethod::DifferenceInDifferences => Method::DifferenceInDifferences,
            SyntheticMethod::Uniform => Method::Uniform,
        };
        let predictors = self.predictors(table, &arranged, numbers)?;
        let found = synthetic(block, method, predictors.as_ref()).map_err(refused)?;
        put_found(&found, &arranged, numbers);
        put_paths(&found, &arranged, numbers);
        if self.jackknife {
            numbers.real("se_jackknife", jackknife(block, &found).map_err(refused)?);
        }
        if self.placebos {
            let placebos = placebos(block, method).map_err(refused)?;
            put_placebos(&found, &placebos, &arranged, numbers);
        }
        Ok(Some(Estimand::Att))
    }
}

fn put_found(found: &Synthetic, arranged: &Arranged, numbers: &mut Numbers) {
    numbers.real("estimate", found.effect);
    numbers.real("noise", found.noise);
    numbers.real("zeta", found.zeta);
    numbers.real("rmse_before", found.error_before);
    numbers.real("rmse_after", found.error_after);
    numbers.real("mse_before", found.error_before * found.error_before);
    numbers.count("is_unique", usize::from(found.donors.is_unique));
    if found.donors.loss.is_finite() {
        numbers.real("loss", found.donors.loss);
    }
    if found.error_before > 0.0 {
        numbers.real("rmse_ratio", found.error_after / found.error_before);
    }
    for (name, weight) in arranged.donors.iter().zip(&found.donors.weight) {
        numbers.covariate("weight", name, *weight);
    }
    for (time, weight) in arranged.times.iter().zip(&found.times) {
        numbers.covariate("time_weight", &time.to_string(), *weight);
    }
    for (time, gap) in arranged.times.iter().zip(&found.gap) {
        numbers.covariate("gap", &time.to_string(), *gap);
    }
}

/// The treated mean at each time, and what it would have been: the treated mean less the gap.
fn put_paths(found: &Synthetic, arranged: &Arranged, numbers: &mut Numbers) {
    let treated = &arranged.block.treated;
    for (at, (time, gap)) in arranged.times.iter().zip(&found.gap).enumerate() {
        let path = mean(&treated.iter().map(|line| line[at]).collect::<Vec<f64>>());
        let key = time.to_string();
        numbers.covariate("treated_path", &key, path);
        numbers.covariate("counterfactual_path", &key, path - gap);
    }
}

fn put_placebos(
    found: &Synthetic,
    placebos: &[Synthetic],
    arranged: &Arranged,
    numbers: &mut Numbers,
) {
    let effects: Vec<f64> = placebos.iter().map(|placebo| placebo.effect).collect();
    let centre = mean(&effects);
    let square: f64 = effects
        .iter()
        .map(|effect| (effect - centre) * (effect - centre))
        .sum();
    numbers.real("se_placebo", (square / count(effects.len())).sqrt());
    let beyond = |value: f64, own: f64| value >= own * (1.0 - 1e-12);
    let share = |n: usize| (1.0 + count(n)) / (1.0 + count(placebos.len()));
    let n = effects
        .iter()
        .filter(|effect| beyond(effect.abs(), found.effect.abs()))
        .count();
    numbers.real("p_placebo", share(n));
    let ratio = |one: &Synthetic| one.error_after / one.error_before;
    let n = placebos
        .iter()
        .filter(|placebo| beyond(ratio(placebo), ratio(found)))
        .count();
    numbers.real("p_ratio", share(n));
    for (name, placebo) in arranged.donors.iter().zip(placebos) {
        numbers.covariate("placebo", name, placebo.effect);
        for (time, gap) in arranged.times.iter().zip(&placebo.gap) {
            numbers.covariate("placebo_gap", &format!("{name}, {time}"), *gap);
        }
        numbers.covariate("placebo_rmse_before", name, placebo.error_before);
        numbers.covariate("placebo_rmse_after", name, placebo.error_after);
        numbers.covariate(
            "placebo_is_unique",
            name,
            f64::from(u8::from(placebo.donors.is_unique)),
        );
    }
}

impl SyntheticControl {
    fn arranged(&self, table: &Table) -> Result<Arranged, RequestError> {
        let time = table.numbers(&self.time)?;
        let outcome = term(table, &self.outcome, None)?;
        let mut times = time.clone();
        times.sort_by(f64::total_cmp);
        times.dedup();
        let mut by_unit: BTreeMap<String, Vec<Option<usize>>> = BTreeMap::new();
        let refused = |error: EffectError| {
            let line = error.row().and_then(|row| table.line(row));
            RequestError::effect(&[], line, error)
        };
        for (row, unit) in table.texts(&self.unit)?.into_iter().enumerate() {
            let at = times.partition_point(|&known| known < time[row]);
            let line = by_unit
                .entry(unit)
                .or_insert_with(|| vec![None; times.len()]);
            if line[at].replace(row).is_some() {
                return Err(refused(EffectError::DuplicateInPanel { row }));
            }
        }
        let mut arranged = Arranged {
            block: Block {
                donors: Vec::new(),
                treated: Vec::new(),
                n_before: times.partition_point(|&known| known < self.from),
            },
            donors: Vec::new(),
            times,
            rows: Vec::new(),
        };
        let mut of_treated = Vec::new();
        for (unit, line) in by_unit {
            let rows: Option<Vec<usize>> = line.iter().copied().collect();
            let Some(rows) = rows else {
                let row = line.iter().flatten().copied().next().unwrap_or(0);
                return Err(refused(EffectError::GapInPanel { row }));
            };
            let values = rows.iter().map(|&row| outcome[row]).collect();
            if self.treated.contains(&unit) {
                arranged.block.treated.push(values);
                of_treated.push(rows);
            } else {
                arranged.block.donors.push(values);
                arranged.donors.push(unit);
                arranged.rows.push(rows);
            }
        }
        if of_treated.len() != self.treated.len() {
            return Err(RequestError::Contradiction {
                what: "a unit of `treated` that is not in the file".to_owned(),
                remedy: "name cells of the `unit` column",
            });
        }
        arranged.rows.extend(of_treated);
        Ok(arranged)
    }

    fn predictors(
        &self,
        table: &Table,
        arranged: &Arranged,
        numbers: &mut Numbers,
    ) -> Result<Option<Predictors>, RequestError> {
        if self.predictors.is_empty() {
            return Ok(None);
        }
        let mut by_unit = vec![Vec::new(); arranged.rows.len()];
        for predictor in &self.predictors {
            let cells = table.cells(&predictor.column)?;
            let [first, last] = predictor.times;
            for (unit, rows) in arranged.rows.iter().enumerate() {
                let within = arranged
                    .times
                    .iter()
                    .zip(rows)
                    .filter(|(time, _)| (first..=last).contains(*time));
                let values: Vec<f64> = within
                    .filter_map(|(_, &row)| cells[row].parse().ok())
                    .collect();
                if values.is_empty() {
                    return Err(RequestError::Contradiction {
                        what: format!(
                            "a unit without `{}` between {first} and {last}",
                            predictor.column
                        ),
                        remedy: "leave the unit or the predictor out",
                    });
                }
                by_unit[unit].push(mean(&values));
            }
        }
        let treated = by_unit.split_off(arranged.donors.len());
        let means: Vec<f64> = (0..self.predictors.len())
            .map(|k| mean(&treated.iter().map(|line| line[k]).collect::<Vec<f64>>()))
            .collect();
        for (predictor, value) in self.predictors.iter().zip(&means) {
            let [first, last] = predictor.times;
            let key = format!("{}, {first} to {last}", predictor.column);
            numbers.covariate("predictor_treated", &key, *value);
        }
        Ok(Some(Predictors {
            donors: by_unit,
            treated: means,
            weight: self
                .predictors
                .iter()
                .map(|predictor| predictor.weight)
                .collect(),
        }))
    }
}
