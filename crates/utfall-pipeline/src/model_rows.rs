//! The rows a model gets: sealed units, with what was measured of them.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use utfall_core::{Arm, Period, Window};
use utfall_request::Cells;
use utfall_stats::sums;

use crate::cohort_file::StoredCohort;
use crate::compare::rates;
use crate::compared_file::ComparedUnit;
use crate::model_spec::{ModelSpec, Periods, RowsSpec};
use crate::outcomes::{OutcomeReader, Values};
use crate::study::Study;
use crate::{EffectSpec, PlanError, RunError};

/// The rows, and who among the units has no outcome.
pub(crate) struct ModelRows {
    pub(crate) cells: Cells,
    /// Treated units and comparators without the measure of the effect.
    pub(crate) missing: [u64; 2],
}

/// Makes the rows of an effect's model.
pub(crate) fn rows(
    study: &Study<'_>,
    effect: &EffectSpec,
    model: &ModelSpec,
) -> Result<ModelRows, RunError> {
    let maker = Maker {
        study,
        effect,
        measures: std::iter::once(&effect.measure)
            .chain(&model.measures)
            .collect(),
        known: Known::of(study.cohort),
    };
    match &model.rows {
        RowsSpec::Unit => maker.of_units(),
        RowsSpec::UnitAndPeriod(periods) => maker.of_units_in_periods(*periods),
        RowsSpec::Period(periods) => maker.of_periods(*periods),
    }
}

/// Reads every outcome that rows of those who entered on these days are made of, so that many designs
/// can be given them at once.
pub(crate) fn read_outcomes(
    outcomes: &OutcomeReader<'_>,
    effect: &EffectSpec,
    model: &ModelSpec,
    days: &[NaiveDate],
) -> Result<(), RunError> {
    let mut windows: Vec<(Window, NaiveDate)> = Vec::new();
    match model.periods() {
        None => {
            let days: BTreeSet<NaiveDate> = days.iter().copied().collect();
            windows.extend(days.into_iter().map(|day| (effect.window, day)));
        }
        Some(periods) => {
            let index_date = outcomes.index_date();
            let filled = effect.window.around(index_date);
            let filled = filled.map_err(PlanError::Window)?;
            let numbers = periods.numbers(filled, index_date);
            let numbers = numbers.map_err(PlanError::Window)?.into_iter().flatten();
            windows.extend(numbers.map(|number| (periods.window(number), filled.start())));
        }
    }
    for (window, day) in windows {
        let period = window.around(day).map_err(PlanError::Window)?;
        for measure in effect.measures() {
            outcomes.over(measure, period)?;
        }
    }
    Ok(())
}

struct Maker<'a> {
    study: &'a Study<'a>,
    effect: &'a EffectSpec,
    measures: Vec<&'a String>,
    known: Known<'a>,
}

/// One unit, whatever its appearances: as treated if it ever is.
struct Followed<'a> {
    unit: &'a str,
    arm: Arm,
    index_date: NaiveDate,
    weight: f64,
}

impl<'a> Maker<'a> {
    fn of_units(&self) -> Result<ModelRows, RunError> {
        let days: BTreeSet<NaiveDate> = self
            .study
            .units
            .iter()
            .map(|unit| unit.index_date)
            .collect();
        let mut measured: BTreeMap<NaiveDate, Vec<Values>> = BTreeMap::new();
        for day in days {
            let period = self.effect.window.around(day).map_err(PlanError::Window)?;
            let values = self.measures.iter();
            let values = values.map(|measure| self.study.outcomes.over(measure, period));
            measured.insert(day, values.collect::<Result<_, _>>()?);
        }
        let value = |unit: &ComparedUnit, place: usize| {
            let values = measured.get(&unit.index_date)?;
            values[place].get(&unit.unit).copied()
        };
        let header = ["unit", "arm", "treated", "set", "weight"];
        let rows = self.study.units.iter().map(|unit| {
            let mut row = vec![
                unit.unit.clone(),
                unit.arm.to_string(),
                one(unit.arm),
                unit.set.map_or_else(String::new, |set| set.to_string()),
                unit.weight.to_string(),
            ];
            row.extend((0..self.measures.len()).map(|place| cell(value(unit, place))));
            row.extend(self.known.cells(&unit.unit, unit.index_date));
            row
        });
        let without = |arm: Arm| {
            let units = self.study.units.iter();
            let units = units.filter(|unit| unit.arm == arm && value(unit, 0).is_none());
            units.map(|unit| &unit.unit).collect::<BTreeSet<_>>().len() as u64
        };
        Ok(ModelRows {
            cells: Cells::of(self.header(&header), rows),
            missing: [without(Arm::Treated), without(Arm::Comparator)],
        })
    }

    fn of_units_in_periods(&self, periods: Periods) -> Result<ModelRows, RunError> {
        let followed = self.followed();
        let enter_once = self.enter_once();
        let numbers = self.numbers(periods)?;
        let mut measured = Vec::new();
        for &number in &numbers {
            measured.push(self.in_period(periods, number)?);
        }
        let first_day = self.filled()?.start();
        let mut starts = Vec::new();
        for unit in &followed {
            let begins = self.effect.window.start.from(unit.index_date);
            let begins = begins.map_err(PlanError::Window)?;
            starts.push(match unit.arm {
                Arm::Treated => Some(holding(periods, &numbers, first_day, begins)?),
                Arm::Comparator => None,
            });
        }
        let mut header = vec!["unit", "arm", "treated", "period", "start"];
        header.extend(enter_once.then_some("weight"));
        let rows = followed.iter().zip(&starts).flat_map(|(unit, start)| {
            let known = self.known.cells(unit.unit, unit.index_date);
            numbers.iter().zip(&measured).map(move |(number, values)| {
                let mut row = vec![
                    unit.unit.to_owned(),
                    unit.arm.to_string(),
                    one(unit.arm),
                    number.to_string(),
                    start.map_or_else(String::new, |start| start.to_string()),
                ];
                row.extend(enter_once.then(|| unit.weight.to_string()));
                row.extend(
                    values
                        .iter()
                        .map(|values| cell(values.get(unit.unit).copied())),
                );
                row.extend(known.iter().cloned());
                row
            })
        });
        let cells = Cells::of(self.header(&header), rows);
        let is_seen = |unit: &str| {
            let is_after = |number: &i32| *number >= 0;
            let all = numbers.iter().zip(&measured);
            all.filter(|(number, _)| is_after(number))
                .any(|(_, values)| values[0].contains_key(unit))
        };
        let without = |arm: Arm| {
            let of_arm = followed.iter().filter(|unit| unit.arm == arm);
            of_arm.filter(|unit| !is_seen(unit.unit)).count() as u64
        };
        Ok(ModelRows {
            cells,
            missing: [without(Arm::Treated), without(Arm::Comparator)],
        })
    }

    fn of_periods(&self, periods: Periods) -> Result<ModelRows, RunError> {
        let followed = self.followed();
        let mut header = vec!["period".to_owned()];
        for measure in &self.measures {
            header.extend(["treated", "comparator"].map(|arm| format!("{measure} {arm}")));
        }
        let mut rows = Vec::new();
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        for number in self.numbers(periods)? {
            let values = self.in_period(periods, number)?;
            let mut row = vec![number.to_string()];
            for values in &values {
                for arm in [Arm::Treated, Arm::Comparator] {
                    row.push(cell(mean(&followed, arm, values)));
                }
            }
            if number >= 0 {
                let units = followed.iter().map(|unit| unit.unit);
                seen.extend(units.filter(|unit| values[0].contains_key(*unit)));
            }
            rows.push(row);
        }
        let without = |arm: Arm| {
            let of_arm = followed.iter().filter(|unit| unit.arm == arm);
            of_arm.filter(|unit| !seen.contains(unit.unit)).count() as u64
        };
        Ok(ModelRows {
            cells: Cells::of(header, rows),
            missing: [without(Arm::Treated), without(Arm::Comparator)],
        })
    }

    /// The first columns, then measures, covariates and attributes.
    fn header(&self, first: &[&str]) -> Vec<String> {
        let first = first.iter().map(|name| (*name).to_owned());
        let measures = self.measures.iter().map(|name| (*name).clone());
        first.chain(measures).chain(self.known.names()).collect()
    }

    /// The days of the effect's window, on the first of which period 0 begins.
    fn filled(&self) -> Result<Period, RunError> {
        let filled = self.effect.window.around(self.study.outcomes.index_date());
        Ok(filled.map_err(PlanError::Window)?)
    }

    fn numbers(&self, periods: Periods) -> Result<Vec<i32>, RunError> {
        let numbers = periods.numbers(self.filled()?, self.study.outcomes.index_date());
        Ok(numbers
            .map_err(PlanError::Window)?
            .into_iter()
            .flatten()
            .collect())
    }

    /// Every measure in a period.
    fn in_period(&self, periods: Periods, number: i32) -> Result<Vec<Values>, RunError> {
        let period = periods.window(number).around(self.filled()?.start());
        let period = period.map_err(PlanError::Window)?;
        let measures = self.measures.iter();
        measures
            .map(|measure| self.study.outcomes.over(measure, period))
            .collect()
    }

    /// Units in the order of their ids. The weight is the sum over appearances in the unit's arm, and a
    /// comparator is as it was on its last day.
    fn followed(&self) -> Vec<Followed<'a>> {
        let mut units: BTreeMap<&str, Followed<'a>> = BTreeMap::new();
        let arms = [Arm::Treated, Arm::Comparator];
        let appearances = arms.into_iter().flat_map(|arm| {
            let units = self.study.units.iter();
            units.filter(move |unit| unit.arm == arm)
        });
        for one in appearances {
            let followed = units.entry(&one.unit).or_insert(Followed {
                unit: &one.unit,
                arm: one.arm,
                index_date: one.index_date,
                weight: 0.0,
            });
            if followed.arm == one.arm {
                followed.weight += one.weight;
                followed.index_date = followed.index_date.max(one.index_date);
            }
        }
        units.into_values().collect()
    }

    fn enter_once(&self) -> bool {
        let mut days: BTreeMap<&str, NaiveDate> = BTreeMap::new();
        self.study.units.iter().all(|unit| {
            let day = *days.entry(&unit.unit).or_insert(unit.index_date);
            day == unit.index_date
        })
    }
}

/// The period that holds a day, by the periods' beginnings.
fn holding(
    periods: Periods,
    numbers: &[i32],
    first_day: NaiveDate,
    day: NaiveDate,
) -> Result<i32, RunError> {
    let mut holding = periods.first();
    for &number in numbers {
        let begins = periods.window(number).start.from(first_day);
        if begins.map_err(PlanError::Window)? <= day {
            holding = number;
        }
    }
    Ok(holding)
}

/// The weighted mean of an arm's units that have a value.
fn mean(followed: &[Followed<'_>], arm: Arm, values: &Values) -> Option<f64> {
    let held: Vec<(f64, f64)> = followed
        .iter()
        .filter(|unit| unit.arm == arm)
        .filter_map(|unit| Some((unit.weight, *values.get(unit.unit)?)))
        .collect();
    let weight = sums::sum_of(held.len(), |row| held[row].0);
    let total = sums::sum_of(held.len(), |row| held[row].0 * held[row].1);
    Some(total / weight).filter(|mean| mean.is_finite())
}

fn one(arm: Arm) -> String {
    u8::from(arm == Arm::Treated).to_string()
}

fn cell(value: Option<f64>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

/// What the cohort knows of units on their days.
struct Known<'a> {
    cohort: &'a StoredCohort,
    rates: Vec<Vec<f64>>,
    places: BTreeMap<(&'a str, NaiveDate), usize>,
}

impl<'a> Known<'a> {
    fn of(cohort: &'a StoredCohort) -> Self {
        let units = cohort.units.iter().map(String::as_str);
        Self {
            cohort,
            rates: cohort.covariates.iter().map(rates).collect(),
            places: units
                .zip(cohort.index_dates.iter().copied())
                .zip(0..)
                .collect(),
        }
    }

    fn names(&self) -> impl Iterator<Item = String> {
        let covariates = self.cohort.covariates.iter().map(|one| one.name.clone());
        covariates.chain(self.cohort.attributes.iter().map(|one| one.name.clone()))
    }

    fn cells(&self, unit: &str, day: NaiveDate) -> Vec<String> {
        let place = self.places.get(&(unit, day));
        let rate = |rates: &Vec<f64>| {
            cell(
                place
                    .map(|&place| rates[place])
                    .filter(|rate| rate.is_finite()),
            )
        };
        let word =
            |values: &Vec<String>| place.map_or_else(String::new, |&place| values[place].clone());
        let attributes = self.cohort.attributes.iter();
        self.rates
            .iter()
            .map(rate)
            .chain(attributes.map(|one| word(&one.values)))
            .collect()
    }
}
