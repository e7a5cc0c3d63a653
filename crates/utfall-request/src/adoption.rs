//! `[adoption]`: effects of a treatment that units take up at different times, by other ways than
//! `[staggered]`: imputation, two-stage, interaction-weighted; and what a two-way estimate is made of.

use serde::{Deserialize, Serialize};
use utfall_core::{ConfidenceLevel, Estimand};
use utfall_effects::panel::{
    Design, FixedEffect, Imputed, UntreatedModel, bacon, fit_absorbed, two_way_weights,
};
use utfall_effects::{EffectError, Grouping};

use crate::files::Files;
use crate::model::Part;
use crate::panel_errors::{Combination, PanelError, Reported};
use crate::regression::term;
use crate::table::Table;
use crate::{Numbers, RequestError};

/// Effects of a treatment that units take up at different times.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Adoption {
    /// Column of units.
    pub unit: String,
    /// Column of times.
    pub time: String,
    /// The outcome.
    pub outcome: String,
    /// Column of when the unit starts; an empty cell, or one of `never`, is never.
    pub start: String,
    /// Cells of `start` that mean never.
    #[serde(default)]
    pub never: Vec<String>,
    /// Covariates.
    #[serde(default)]
    pub covariates: Vec<String>,
    /// Column of weights; not for `decomposition`.
    pub weight: Option<String>,
    /// How.
    pub method: AdoptionMethod,
    /// Times since the start that others are compared with, for `interaction-weighted` and `two-stage`.
    #[serde(default)]
    pub reference: Vec<f64>,
    /// Column of clusters, for `imputation` and `two-stage`.
    pub cluster_by: Option<String>,
    /// Standard errors as in `[fixed-effects]`, for `interaction-weighted`.
    #[serde(default)]
    pub errors: Vec<PanelError>,
    /// Level of intervals; normal for `imputation` and `two-stage`.
    pub confidence_level: ConfidenceLevel,
}

/// How effects are estimated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AdoptionMethod {
    /// Borusyak, Jaravel and Spiess.
    Imputation,
    /// Gardner.
    TwoStage,
    /// Sun and Abraham.
    InteractionWeighted,
    /// Goodman-Bacon.
    Decomposition,
    /// de Chaisemartin and D'Haultfœuille: the weights of a two-way estimate.
    TwoWayWeights,
}

impl Part for Adoption {
    fn check(&self) -> Result<(), RequestError> {
        use AdoptionMethod as M;
        let weighted = self.method == M::InteractionWeighted;
        let imputed = matches!(self.method, M::Imputation | M::TwoStage);
        let wrong = [
            (
                weighted == self.errors.is_empty(),
                "`errors`",
                "give them to `interaction-weighted`, and to it alone",
            ),
            (
                imputed != self.cluster_by.is_some(),
                "`cluster-by`",
                "give it to `imputation` and `two-stage`, and to them alone",
            ),
            (
                matches!(self.method, M::Decomposition | M::TwoWayWeights)
                    && (self.weight.is_some() || !self.covariates.is_empty()),
                "`weight` or `covariates`",
                "decompositions have none",
            ),
            (
                !matches!(self.method, M::InteractionWeighted | M::TwoStage)
                    && !self.reference.is_empty(),
                "`reference`",
                "it is of `interaction-weighted` and `two-stage`",
            ),
        ];
        RequestError::first_contradiction(wrong)?;
        self.errors.iter().try_for_each(PanelError::check)
    }

    fn put(
        &self,
        table: &Table,
        _: &Files<'_>,
        numbers: &mut Numbers,
    ) -> Result<Option<Estimand>, RequestError> {
        let rows = Rows::read(self, table)?;
        match self.method {
            AdoptionMethod::Imputation => self.imputation(table, &rows, numbers)?,
            AdoptionMethod::TwoStage => self.two_stage(table, &rows, numbers)?,
            AdoptionMethod::InteractionWeighted => {
                self.interaction_weighted(table, &rows, numbers)?
            }
            AdoptionMethod::Decomposition => self.decomposition(table, &rows, numbers)?,
            AdoptionMethod::TwoWayWeights => self.two_way(table, &rows, numbers)?,
        }
        Ok(Some(Estimand::Att))
    }
}

/// The rows with what every method needs.
struct Rows {
    unit: Grouping,
    time: Vec<f64>,
    start: Vec<Option<f64>>,
    outcome: Vec<f64>,
    covariates: Vec<Vec<f64>>,
    weight: Vec<f64>,
}

impl Rows {
    fn read(request: &Adoption, table: &Table) -> Result<Self, RequestError> {
        let weight = match &request.weight {
            Some(column) => term(table, column, None)?,
            None => vec![1.0; table.n_rows()],
        };
        Ok(Self {
            unit: Grouping::of(&table.texts(&request.unit)?),
            time: table.numbers(&request.time)?,
            start: table.numbers_or_never(&request.start, &request.never)?,
            outcome: term(table, &request.outcome, None)?,
            covariates: request
                .covariates
                .iter()
                .map(|name| term(table, name, None))
                .collect::<Result<_, _>>()?,
            weight,
        })
    }

    /// Time since the start; `None` for those that never do.
    fn exposure(&self) -> Vec<Option<f64>> {
        self.time
            .iter()
            .zip(&self.start)
            .map(|(time, start)| start.map(|start| time - start))
            .collect()
    }

    /// Times since the start that occur, in order.
    fn exposures(&self) -> Vec<f64> {
        let mut found: Vec<f64> = self.exposure().into_iter().flatten().collect();
        found.sort_by(f64::total_cmp);
        found.dedup();
        found
    }

    fn treated(&self) -> Vec<bool> {
        self.exposure()
            .iter()
            .map(|exposure| exposure.is_some_and(|exposure| exposure >= 0.0))
            .collect()
    }
}

fn indicator(values: &[Option<f64>], wanted: f64) -> Vec<f64> {
    let is = |value: &Option<f64>| value.is_some_and(|value| value.total_cmp(&wanted).is_eq());
    values
        .iter()
        .map(|value| f64::from(u8::from(is(value))))
        .collect()
}

impl Adoption {
    fn refused(&self, table: &Table, error: EffectError) -> RequestError {
        let line = error.row().and_then(|row| table.line(row));
        RequestError::effect(&self.covariates, line, error)
    }

    fn put_imputed(
        &self,
        block: &str,
        key: &str,
        found: &Imputed,
        clusters: &Grouping,
        numbers: &mut Numbers,
    ) {
        let sums = clusters.sums(&found.influence);
        let error = sums.iter().map(|value| value * value).sum::<f64>().sqrt();
        let level = self.confidence_level;
        numbers.normal((block, key), "", (found.point, error), level);
    }

    fn imputation(
        &self,
        table: &Table,
        rows: &Rows,
        numbers: &mut Numbers,
    ) -> Result<(), RequestError> {
        self.with_untreated(
            table,
            rows,
            numbers,
            |untreated, treated, clusters, numbers| {
                let exposure = rows.exposure();
                let cells: Vec<(Option<u64>, Option<u64>)> = (0..treated.len())
                    .map(|row| {
                        (
                            rows.start[row].map(f64::to_bits),
                            exposure[row].map(f64::to_bits),
                        )
                    })
                    .collect();
                let like = Grouping::of(&cells);
                let all = untreated.average(treated, &like)?;
                self.put_imputed("overall", "static", &all, clusters, numbers);
                for wanted in rows.exposures().into_iter().filter(|&wanted| wanted >= 0.0) {
                    let over: Vec<bool> = indicator(&exposure, wanted)
                        .iter()
                        .map(|&x| x > 0.5)
                        .collect();
                    let found = untreated.average(&over, &like)?;
                    self.put_imputed("dynamic", &wanted.to_string(), &found, clusters, numbers);
                }
                Ok(())
            },
        )
    }

    fn two_way(
        &self,
        table: &Table,
        rows: &Rows,
        numbers: &mut Numbers,
    ) -> Result<(), RequestError> {
        let time = Grouping::of(&table.texts(&self.time)?);
        let found = two_way_weights(&rows.unit, &time, &rows.treated(), &rows.outcome)
            .map_err(|error| self.refused(table, error))?;
        numbers.real("estimate", found.estimate);
        numbers.count("n_treated_rows", found.weight.len());
        numbers.count("n_weights_above_zero", found.n[0]);
        numbers.count("n_weights_below_zero", found.n[1]);
        numbers.real("sum_weights_above_zero", found.sum[0]);
        numbers.real("sum_weights_below_zero", found.sum[1]);
        numbers.real("least_spread", found.least_spread);
        Ok(())
    }

    fn two_stage(
        &self,
        table: &Table,
        rows: &Rows,
        numbers: &mut Numbers,
    ) -> Result<(), RequestError> {
        self.with_untreated(
            table,
            rows,
            numbers,
            |untreated, treated, clusters, numbers| {
                let any: Vec<f64> = treated
                    .iter()
                    .map(|&treated| f64::from(u8::from(treated)))
                    .collect();
                let all = untreated.regressed(&[&any])?;
                self.put_imputed("overall", "static", &all[0], clusters, numbers);
                let exposure = rows.exposure();
                let wanted: Vec<f64> = rows
                    .exposures()
                    .into_iter()
                    .filter(|wanted| !self.is_reference(*wanted))
                    .collect();
                let columns: Vec<Vec<f64>> = wanted
                    .iter()
                    .map(|&wanted| indicator(&exposure, wanted))
                    .collect();
                let columns: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
                for (wanted, found) in wanted.iter().zip(untreated.regressed(&columns)?) {
                    self.put_imputed("dynamic", &wanted.to_string(), &found, clusters, numbers);
                }
                Ok(())
            },
        )
    }

    fn is_reference(&self, exposure: f64) -> bool {
        self.reference
            .iter()
            .any(|known| known.total_cmp(&exposure).is_eq())
    }

    fn with_untreated(
        &self,
        table: &Table,
        rows: &Rows,
        numbers: &mut Numbers,
        then: impl FnOnce(
            &utfall_effects::panel::Untreated<'_>,
            &[bool],
            &Grouping,
            &mut Numbers,
        ) -> Result<(), EffectError>,
    ) -> Result<(), RequestError> {
        let refused = |error| self.refused(table, error);
        let treated = rows.treated();
        let sets = [rows.unit.clone(), Grouping::of(&table.texts(&self.time)?)];
        let columns: Vec<&[f64]> = rows.covariates.iter().map(Vec::as_slice).collect();
        let model = UntreatedModel {
            outcome: &rows.outcome,
            treated: &treated,
            sets: &sets,
            columns: &columns,
            weight: &rows.weight,
        };
        let clusters =
            Grouping::of(&table.texts(self.cluster_by.as_deref().unwrap_or(&self.unit))?);
        numbers.count("n_clusters", clusters.n_groups());
        numbers.count(
            "n_treated_rows",
            treated.iter().filter(|&&treated| treated).count(),
        );
        let untreated = model.fit().map_err(refused)?;
        then(&untreated, &treated, &clusters, numbers).map_err(refused)
    }

    fn interaction_weighted(
        &self,
        table: &Table,
        rows: &Rows,
        numbers: &mut Numbers,
    ) -> Result<(), RequestError> {
        let exposure = rows.exposure();
        let mut cells: Vec<(f64, f64)> = rows
            .start
            .iter()
            .zip(&exposure)
            .filter_map(|(start, exposure)| Some(((*exposure)?, (*start)?)))
            .filter(|(exposure, _)| !self.is_reference(*exposure))
            .collect();
        cells.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        cells.dedup();
        let columns: Vec<Vec<f64>> = cells
            .iter()
            .map(|&(at, cohort)| {
                let (one, other) = (indicator(&exposure, at), indicator(&rows.start, cohort));
                one.iter().zip(&other).map(|(a, b)| a * b).collect()
            })
            .collect();
        let slices: Vec<&[f64]> = rows
            .covariates
            .iter()
            .chain(&columns)
            .map(Vec::as_slice)
            .collect();
        let absorb = [
            FixedEffect::constants(rows.unit.clone()),
            FixedEffect::constants(Grouping::of(&table.texts(&self.time)?)),
        ];
        let design = Design {
            outcome: &rows.outcome,
            columns: &slices,
            endogenous: &[],
            instruments: &[],
            weight: &rows.weight,
            absorb: &absorb,
        };
        let refused = |error| self.refused(table, error);
        let fit = fit_absorbed(&design).map_err(refused)?;
        let sizes: Vec<f64> = columns
            .iter()
            .map(|column| utfall_stats::sums::dot(column, &rows.weight))
            .collect();
        let first = rows.covariates.len();
        let combination = |block: &str, key: String, takes_part: &dyn Fn(&(f64, f64)) -> bool| {
            let total: f64 = cells
                .iter()
                .zip(&sizes)
                .filter(|(cell, _)| takes_part(cell))
                .map(|(_, n)| n)
                .sum();
            let mut per_column = vec![0.0; slices.len()];
            for (place, (cell, size)) in cells.iter().zip(&sizes).enumerate() {
                if takes_part(cell) {
                    per_column[first + place] = size / total;
                }
            }
            Combination {
                block: block.to_owned(),
                key,
                per_column,
            }
        };
        let mut wanted: Vec<Combination> = self
            .covariates
            .iter()
            .enumerate()
            .map(|(place, name)| {
                let mut per_column = vec![0.0; slices.len()];
                per_column[place] = 1.0;
                Combination {
                    block: "coef".to_owned(),
                    key: name.clone(),
                    per_column,
                }
            })
            .collect();
        let same = |a: f64, b: f64| a.total_cmp(&b).is_eq();
        for at in rows
            .exposures()
            .into_iter()
            .filter(|at| !self.is_reference(*at))
        {
            wanted.push(combination("dynamic", at.to_string(), &|cell| {
                same(cell.0, at)
            }));
        }
        for &(at, cohort) in &cells {
            let key = format!("{at}, {cohort}");
            wanted.push(combination("cell", key, &|cell| {
                same(cell.0, at) && same(cell.1, cohort)
            }));
        }
        let mut cohorts: Vec<f64> = cells
            .iter()
            .filter(|cell| cell.0 >= 0.0)
            .map(|cell| cell.1)
            .collect();
        cohorts.sort_by(f64::total_cmp);
        cohorts.dedup();
        for cohort in cohorts {
            wanted.push(combination("cohort", cohort.to_string(), &|cell| {
                cell.0 >= 0.0 && same(cell.1, cohort)
            }));
        }
        wanted.push(combination("overall", "static".to_owned(), &|cell| {
            cell.0 >= 0.0
        }));
        let reported = Reported {
            table,
            fit: &fit,
            design: &design,
            errors: &self.errors,
            level: self.confidence_level,
        };
        reported.put(&wanted, numbers, &refused, &mut |_, _, _| Ok(()))
    }

    fn decomposition(
        &self,
        table: &Table,
        rows: &Rows,
        numbers: &mut Numbers,
    ) -> Result<(), RequestError> {
        let start: Vec<f64> = rows
            .start
            .iter()
            .map(|start| start.unwrap_or(f64::INFINITY))
            .collect();
        let found = bacon(&rows.unit, &rows.time, &start, &rows.outcome)
            .map_err(|error| self.refused(table, error))?;
        let first = rows.time.iter().copied().fold(f64::INFINITY, f64::min);
        numbers.count("n_comparisons", found.len());
        let name = |start: f64| {
            if start.is_infinite() {
                "never".to_owned()
            } else {
                start.to_string()
            }
        };
        let mut kinds: std::collections::BTreeMap<&str, (f64, f64)> =
            std::collections::BTreeMap::new();
        for one in &found {
            let key = format!("{}, {}", name(one.treated), name(one.untreated));
            numbers.covariate("estimate", &key, one.estimate);
            numbers.covariate("weight", &key, one.weight);
            let kind = kinds.entry(one.kind(first)).or_default();
            kind.0 += one.weight;
            kind.1 += one.weight * one.estimate;
        }
        for (kind, (weight, sum)) in &kinds {
            numbers.covariate("kind_weight", kind, *weight);
            numbers.covariate("kind_estimate", kind, sum / weight);
        }
        let total: f64 = found.iter().map(|one| one.weight * one.estimate).sum();
        numbers.covariate("overall", "static", total);
        Ok(())
    }
}
