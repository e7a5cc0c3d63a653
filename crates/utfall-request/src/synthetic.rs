//! `[synthetic]`: synthetic control, augmented or not, and synthetic difference-in-differences.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};
use utfall_core::{ConfidenceLevel, Estimand};
use utfall_effects::synthetic::{
    Adoption, Block, ConformalGrid, Method, Predictors, StaggeredSynthetic, Synthetic,
    SyntheticDraws, augmented, conformal, jackknife, joint_p_value, leave_donors_out, placebos,
    resampled, staggered, synthetic,
};
use utfall_effects::{Draws, EffectError};
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
    /// Whether to leave out each donor that has a weight, and find weights anew.
    #[serde(default)]
    pub leave_out: bool,
    /// Errors by drawing units.
    #[serde(default)]
    pub draws: Vec<DrawnError>,
    /// Effects that are tried by moving gaps along time, for `control`.
    pub conformal: Option<ConformalGrid>,
    /// Level of intervals by `draws`.
    pub confidence_level: Option<ConfidenceLevel>,
}

/// An error by drawing units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct DrawnError {
    /// What is drawn.
    pub kind: SyntheticDraws,
    /// Seed.
    pub seed: u64,
    /// How often.
    pub replicates: NonZeroU32,
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
        let has_draws = !self.draws.is_empty();
        let wrong = [
            (
                !control && !self.predictors.is_empty(),
                "`predictors`",
                "they are of `control`",
            ),
            (
                augmented && (self.placebos || self.jackknife || self.leave_out || has_draws),
                "`placebos`, `jackknife`, `leave-out` or `draws`",
                "`augmented` has none",
            ),
            (
                (self.placebos || self.leave_out || has_draws || self.conformal.is_some())
                    && !self.predictors.is_empty(),
                "`placebos`, `leave-out`, `draws` or `conformal` with `predictors`",
                "keep one of them",
            ),
            (
                self.conformal.is_some() && !control,
                "`conformal`",
                "it is of `control`",
            ),
            (
                has_draws != self.confidence_level.is_some(),
                "`confidence-level`",
                "give it with `draws`, and with those alone",
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
        if self.leave_out {
            let left = leave_donors_out(block, method, &found).map_err(refused)?;
            put_left_out(&left, &arranged, numbers);
        }
        if let Some(level) = self.confidence_level {
            let adoption = Adoption::of(block);
            let own = staggered(&adoption, method).map_err(refused)?;
            let drawn = Drawn {
                adoption: &adoption,
                method,
                own: &own,
                level,
            };
            drawn.put(&self.draws, numbers).map_err(refused)?;
        }
        if let Some(grid) = &self.conformal {
            put_conformal(block, grid, &arranged, numbers).map_err(refused)?;
        }
        Ok(Some(Estimand::Att))
    }
}

/// A comparison whose units are drawn.
pub(crate) struct Drawn<'a> {
    pub(crate) adoption: &'a Adoption,
    pub(crate) method: Method,
    pub(crate) own: &'a StaggeredSynthetic,
    pub(crate) level: ConfidenceLevel,
}

impl Drawn<'_> {
    pub(crate) fn put(
        &self,
        errors: &[DrawnError],
        numbers: &mut Numbers,
    ) -> Result<(), EffectError> {
        for error in errors {
            let draws = Draws {
                seed: error.seed,
                replicates: error.replicates,
            };
            let effects = resampled(self.adoption, self.method, self.own, error.kind, draws)?;
            let centre = mean(&effects);
            let squares: Vec<f64> = effects
                .iter()
                .map(|effect| (effect - centre) * (effect - centre))
                .collect();
            let name = match error.kind {
                SyntheticDraws::Placebo => "placebo",
                SyntheticDraws::Bootstrap => "bootstrap",
            };
            let pair = (self.own.effect, mean(&squares).sqrt());
            numbers.normal(("drawn", name), "", pair, self.level);
        }
        Ok(())
    }
}

/// The effect without each donor that has a weight, and how far it goes.
fn put_left_out(left: &[(usize, Synthetic)], arranged: &Arranged, numbers: &mut Numbers) {
    let effects: Vec<f64> = left.iter().map(|(_, found)| found.effect).collect();
    for (&(donor, _), effect) in left.iter().zip(&effects) {
        numbers.covariate("left_out", &arranged.donors[donor], *effect);
    }
    let least = effects.iter().copied().fold(f64::INFINITY, f64::min);
    let most = effects.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    numbers.real("left_out_low", least);
    numbers.real("left_out_high", most);
}

fn put_conformal(
    block: &Block,
    grid: &ConformalGrid,
    arranged: &Arranged,
    numbers: &mut Numbers,
) -> Result<(), EffectError> {
    let joint = joint_p_value(block, 0.0, grid.constant)?;
    numbers.real("conformal_p_joint", joint);
    for one in conformal(block, grid)? {
        let key = arranged.times[one.time].to_string();
        numbers.covariate("conformal_p", &key, one.p_value);
        if let Some((low, high)) = one.interval {
            if low > grid.from {
                numbers.covariate("conformal_ci_low", &key, low);
            }
            if high < grid.to {
                numbers.covariate("conformal_ci_high", &key, high);
            }
        }
    }
    Ok(())
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

type Balanced = (Vec<f64>, BTreeMap<String, Vec<usize>>);

/// The times of a panel without gaps, and each unit's row at each of them.
pub(crate) fn balanced(table: &Table, unit: &str, time: &str) -> Result<Balanced, RequestError> {
    let time = table.numbers(time)?;
    let mut times = time.clone();
    times.sort_by(f64::total_cmp);
    times.dedup();
    let mut by_unit: BTreeMap<String, Vec<Option<usize>>> = BTreeMap::new();
    let refused = |error: EffectError| {
        let line = error.row().and_then(|row| table.line(row));
        RequestError::effect(&[], line, error)
    };
    for (row, unit) in table.texts(unit)?.into_iter().enumerate() {
        let at = times.partition_point(|&known| known < time[row]);
        let line = by_unit
            .entry(unit)
            .or_insert_with(|| vec![None; times.len()]);
        if line[at].replace(row).is_some() {
            return Err(refused(EffectError::DuplicateInPanel { row }));
        }
    }
    let whole = by_unit.into_iter().map(|(unit, line)| {
        let rows: Option<Vec<usize>> = line.iter().copied().collect();
        let row = line.iter().flatten().copied().next().unwrap_or(0);
        let rows = rows.ok_or_else(|| refused(EffectError::GapInPanel { row }))?;
        Ok::<_, RequestError>((unit, rows))
    });
    Ok((times, whole.collect::<Result<_, _>>()?))
}

impl SyntheticControl {
    fn arranged(&self, table: &Table) -> Result<Arranged, RequestError> {
        let outcome = term(table, &self.outcome, None)?;
        let (times, by_unit) = balanced(table, &self.unit, &self.time)?;
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
        for (unit, rows) in by_unit {
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
