//! From tables to a cohort, with every unit accounted for.

use chrono::NaiveDate;
use utfall_core::{Funnel, Tally};
use utfall_registry::{Baseline, MeasureSpec, Tables, Units, Value};

use crate::{CohortError, CohortSpec, Covariate, covariate, eligibility, treatment};

/// The eligible units, who of them is treated, and what they are compared on.
///
/// All vectors have one entry for each eligible unit, in the order of the unit ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cohort {
    /// How the population became this cohort.
    pub funnel: Funnel,
    /// Position of each eligible unit among all units.
    pub positions: Vec<usize>,
    /// Whether each is treated.
    pub treated: Vec<bool>,
    /// The covariates, in the plan's order.
    pub covariates: Vec<Covariate>,
    /// What each must share with its comparators, empty text where nothing is matched exactly.
    pub strata: Vec<String>,
}

/// Builds the cohort of a plan.
///
/// A unit leaves at the first rule it fails; a unit with a missing covariate leaves at a rule of
/// its own, so that every unit is a line of the funnel.
///
/// # Errors
///
/// [`CohortError`] if a table, column, measure or window does not fit the plan, or if nobody, or
/// only one arm, is left.
pub fn build(
    tables: &Tables,
    units: &Units,
    measures: &[MeasureSpec],
    index_date: NaiveDate,
    spec: &CohortSpec,
) -> Result<Cohort, CohortError> {
    let baseline = Baseline::new(tables, units, index_date);
    let mut selection = Selection::everyone(units);
    for rule in &spec.eligibility {
        selection.keep(
            &rule.rule,
            &eligibility::check(&baseline, measures, index_date, rule)?,
        )?;
    }
    let mut covariates = Vec::with_capacity(spec.covariate.len());
    for covariate in &spec.covariate {
        let values = covariate::read(&baseline, measures, index_date, covariate)?;
        let observed: Vec<bool> = values.iter().map(Option::is_some).collect();
        selection.keep(&format!("{} is known", covariate.name), &observed)?;
        covariates.push((covariate.name.clone(), values));
    }
    let mut strata = vec![String::new(); units.len()];
    for exact in &spec.exact {
        let values = exact.read(&baseline)?;
        let known: Vec<bool> = values.iter().map(Option::is_some).collect();
        selection.keep(&format!("{} is known", exact.column), &known)?;
        for (stratum, value) in strata.iter_mut().zip(&values) {
            append(stratum, &exact.column, value.as_ref());
        }
    }
    let treated = treatment::read(&baseline, units, index_date, &spec.treatment)?;
    selection.into_cohort(&treated, covariates, &strata)
}

/// The measure of that name.
pub(crate) fn measure_named<'a>(
    measures: &'a [MeasureSpec],
    name: &str,
) -> Result<&'a MeasureSpec, CohortError> {
    measures
        .iter()
        .find(|measure| measure.name == name)
        .ok_or_else(|| CohortError::UnknownMeasure {
            measure: name.to_owned(),
            defined: measures
                .iter()
                .map(|measure| measure.name.clone())
                .collect(),
        })
}

fn append(stratum: &mut String, column: &str, value: Option<&Value>) {
    if !stratum.is_empty() {
        stratum.push('|');
    }
    stratum.push_str(column);
    stratum.push('=');
    if let Some(value) = value {
        stratum.push_str(&value.to_string());
    }
}

/// Units still in, and the funnel so far.
struct Selection {
    funnel: Funnel,
    included: Vec<bool>,
}

impl Selection {
    fn everyone(units: &Units) -> Self {
        Self {
            funnel: Funnel::new(units.name(), units.len() as u64),
            included: vec![true; units.len()],
        }
    }

    /// Drops the units that fail a rule, and gives the rule its line in the funnel.
    fn keep(&mut self, rule: &str, meets: &[bool]) -> Result<(), CohortError> {
        for (included, meets) in self.included.iter_mut().zip(meets) {
            *included &= *meets;
        }
        let n_remaining = self.included.iter().filter(|included| **included).count() as u64;
        self.funnel.apply(rule, n_remaining);
        if n_remaining == 0 {
            return Err(CohortError::Empty {
                rule: rule.to_owned(),
                n_start: self.funnel.n_start,
            });
        }
        Ok(())
    }

    fn into_cohort(
        self,
        treated: &[bool],
        covariates: Vec<(String, Vec<Option<Tally>>)>,
        strata: &[String],
    ) -> Result<Cohort, CohortError> {
        let positions: Vec<usize> = (0..self.included.len())
            .filter(|&unit| self.included[unit])
            .collect();
        let treated: Vec<bool> = positions.iter().map(|&unit| treated[unit]).collect();
        let n_treated = treated.iter().filter(|treated| **treated).count();
        let n_comparator = treated.len() - n_treated;
        if n_treated == 0 || n_comparator == 0 {
            return Err(CohortError::EmptyArm {
                n_treated,
                n_comparator,
            });
        }
        let covariates = covariates
            .into_iter()
            .map(|(name, values)| Covariate {
                name,
                tallies: positions.iter().filter_map(|&unit| values[unit]).collect(),
            })
            .collect();
        let strata = positions.iter().map(|&unit| strata[unit].clone()).collect();
        Ok(Cohort {
            funnel: self.funnel,
            positions,
            treated,
            covariates,
            strata,
        })
    }
}
