//! Units made comparable by a design, from the cohort alone: no outcome is in reach here.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate};
use utfall_cohort::INDEX_DATE;
use utfall_core::{Arm, Estimand};
use utfall_matching::design::{self, Columns, Found};
use utfall_matching::{CovariateBalance, Entries, balance};
use utfall_stats::{Matrix, moments};
use utfall_verify::record::{BalanceDocument, BalanceGate, BalanceRow};

use crate::cohort_file::StoredCohort;
use crate::compared_file::ComparedUnit;
use crate::design::{Comparing, Design};
use crate::{BalanceSpec, RunError, documents};

/// The units of a comparison, and how alike the arms became.
pub(crate) struct Compared {
    pub(crate) units: Vec<ComparedUnit>,
    pub(crate) balance: BalanceDocument,
}

/// Makes the units of a cohort comparable.
pub(crate) fn compare(
    design: &Design,
    spec: &BalanceSpec,
    cohort: &StoredCohort,
) -> Result<Compared, RunError> {
    let treated = &cohort.treated;
    let made = match &design.how {
        Comparing::Matching(matching) => {
            Made::found(&design::find(cohort, matching, design.estimand, treated)?)
        }
        Comparing::Weighting(weighting) => {
            let made = design::weigh(cohort, weighting, design.estimand, treated)?;
            Made::weighted(made.weights, made.estimand, treated)
        }
        Comparing::Everyone => Made::weighted(vec![1.0; treated.len()], design.estimand, treated),
    };
    let rows = balance(
        &matrix(cohort)?,
        treated,
        &made.weights,
        spec.smd_denominator,
    )
    .map_err(|source| RunError::balance(cohort, source))?;
    Ok(Compared {
        balance: document(design, spec, cohort, &made, &rows),
        units: made.units(cohort),
    })
}

/// The covariates of the cohort, a column each; the one division of each tally happens here.
pub(crate) fn matrix(cohort: &StoredCohort) -> Result<Matrix, RunError> {
    let columns = cohort.covariates.iter().map(rates).collect();
    Matrix::from_columns(columns)
        .map_err(|error| RunError::internal("the matrix of covariates", error))
}

/// The values of a covariate.
pub(crate) fn rates(covariate: &utfall_cohort::Covariate) -> Vec<f64> {
    let tallies = covariate.tallies.iter();
    tallies
        .map(|tally| tally.rate().unwrap_or(f64::NAN))
        .collect()
}

/// What a design made, by the index of the unit in the cohort.
struct Made {
    estimand: Estimand,
    weights: Vec<f64>,
    members: Vec<Member>,
    n_tied: usize,
}

struct Member {
    unit: usize,
    set: Option<usize>,
    arm: Arm,
    weight: f64,
}

impl Made {
    fn found(found: &Found) -> Self {
        let comparison = found.comparison();
        let weights = comparison.weights();
        let mut members: Vec<Member> = comparison
            .memberships()
            .into_iter()
            .map(|row| Member {
                unit: row.unit,
                set: Some(row.set),
                arm: row.arm,
                weight: row.weight,
            })
            .collect();
        if found.pairs().is_none() {
            // Sets are of different size and weight: what a unit weighs is not its share of its set.
            members
                .iter_mut()
                .for_each(|member| member.weight = weights[member.unit]);
        }
        Self {
            estimand: comparison.estimand(),
            n_tied: found.pairs().map_or(0, utfall_matching::Matched::n_tied),
            weights,
            members,
        }
    }

    fn weighted(weights: Vec<f64>, estimand: Estimand, treated: &[bool]) -> Self {
        let members =
            weights
                .iter()
                .zip(treated)
                .enumerate()
                .map(|(unit, (&weight, &is_treated))| Member {
                    unit,
                    set: None,
                    arm: arm(is_treated),
                    weight,
                });
        Self {
            estimand,
            members: members.collect(),
            weights,
            n_tied: 0,
        }
    }

    fn units(&self, cohort: &StoredCohort) -> Vec<ComparedUnit> {
        let number = |set: usize| u32::try_from(set + 1).unwrap_or(u32::MAX);
        let unit = |member: &Member| ComparedUnit {
            set: member.set.map(number),
            unit: cohort.units[member.unit].clone(),
            index_date: cohort.index_dates[member.unit],
            arm: member.arm,
            weight: member.weight,
        };
        self.members.iter().map(unit).collect()
    }

    /// Weights of an arm's units; one that enters on several days has the sum of theirs.
    fn of_arm<'a>(&self, cohort: &'a StoredCohort, is_treated: bool) -> BTreeMap<&'a str, f64> {
        let mut weights = BTreeMap::new();
        for (row, unit) in cohort.units.iter().enumerate() {
            if cohort.treated[row] == is_treated {
                *weights.entry(unit.as_str()).or_insert(0.0) += self.weights[row];
            }
        }
        weights
    }
}

fn arm(is_treated: bool) -> Arm {
    if is_treated {
        Arm::Treated
    } else {
        Arm::Comparator
    }
}

fn document(
    design: &Design,
    spec: &BalanceSpec,
    cohort: &StoredCohort,
    made: &Made,
    rows: &[CovariateBalance],
) -> BalanceDocument {
    let row = |(covariate, row): (&utfall_cohort::Covariate, &CovariateBalance)| BalanceRow {
        covariate: covariate.name.clone(),
        smd_before: row.before.smd,
        smd_after: row.after.smd,
        variance_ratio_before: row.before.variance_ratio,
        variance_ratio_after: row.after.variance_ratio,
    };
    let of_units = (made.of_arm(cohort, true), made.of_arm(cohort, false));
    let later = |(unit, weight): &(&&str, &f64)| **weight > 0.0 && of_units.0.contains_key(**unit);
    let n_later_treated = of_units.1.iter().filter(later).count() as u64;
    let treated: Vec<f64> = of_units.0.into_values().collect();
    let comparator: Vec<f64> = of_units.1.into_values().collect();
    let n_used = |weights: &[f64]| weights.iter().filter(|&&weight| weight > 0.0).count() as u64;
    BalanceDocument {
        method: design.words(),
        estimand: made.estimand,
        smd_denominator: documents::word(&spec.smd_denominator),
        gate: BalanceGate {
            max_abs_smd: spec.gate.max_abs_smd(),
            passed: spec.gate.passes(rows),
        },
        rows: cohort.covariates.iter().zip(rows).map(row).collect(),
        n_treated: treated.len() as u64,
        n_treated_matched: n_used(&treated),
        n_comparator: comparator.len() as u64,
        n_comparator_matched: n_used(&comparator),
        effective_n_treated: moments::effective_sample_size(&treated),
        effective_n_comparator: moments::effective_sample_size(&comparator),
        n_tied: made.n_tied as u64,
        n_later_treated,
    }
}

impl Columns for StoredCohort {
    type Error = RunError;

    fn n_units(&self) -> usize {
        self.units.len()
    }

    /// A covariate, `NAME^2` for its square, or `ATTRIBUTE=VALUE` for an indicator.
    fn numbers(&self, name: &str) -> Result<Vec<f64>, RunError> {
        if let Some(covariate) = self.covariates.iter().find(|one| one.name == name) {
            return Ok(rates(covariate));
        }
        if let Some(base) = name.strip_suffix("^2") {
            let values = self.numbers(base)?;
            return Ok(values.iter().map(|value| value * value).collect());
        }
        if let Some((attribute, value)) = name.split_once('=') {
            let cells = self.texts(attribute)?;
            let indicator = |cell: &String| f64::from(u8::from(cell == value));
            return Ok(cells.iter().map(indicator).collect());
        }
        Err(unknown(name))
    }

    /// An attribute, the day of entry, or a covariate's values as text.
    fn texts(&self, name: &str) -> Result<Vec<String>, RunError> {
        if name == INDEX_DATE {
            return Ok(self.index_dates.iter().map(NaiveDate::to_string).collect());
        }
        if let Some(attribute) = self.attributes.iter().find(|one| one.name == name) {
            return Ok(attribute.values.clone());
        }
        match self.covariates.iter().find(|one| one.name == name) {
            Some(covariate) => Ok(rates(covariate).iter().map(f64::to_string).collect()),
            None => Err(unknown(name)),
        }
    }

    fn entries(&self) -> Option<Entries> {
        let mut known: BTreeMap<&str, u32> = BTreeMap::new();
        let mut person = Vec::with_capacity(self.units.len());
        for unit in &self.units {
            let next = u32::try_from(known.len()).unwrap_or(u32::MAX);
            person.push(*known.entry(unit).or_insert(next));
        }
        Some(Entries {
            person,
            day: self
                .index_dates
                .iter()
                .map(|day| day.num_days_from_ce().into())
                .collect(),
        })
    }
}

/// Names are checked before anything runs, so that this is a fault of the check.
fn unknown(name: &str) -> RunError {
    RunError::internal("a covariate", format!("`{name}` is not in the cohort"))
}
