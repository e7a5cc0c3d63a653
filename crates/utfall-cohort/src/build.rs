//! From tables to a cohort, with every unit accounted for.

use chrono::NaiveDate;
use utfall_core::{Funnel, Tally};
use utfall_registry::{Baseline, MeasureSpec, Tables, Units, Value};

use crate::entry::{self, EntryDay, Who};
use crate::spec::known;
use crate::{
    CohortError, CohortSpec, Covariate, Entry, Verdict, covariate, eligibility, treatment,
};

/// The eligible units, who of them is treated, and what they are compared on.
///
/// All vectors have one entry for each eligible unit, in the order of the unit ids; with several days
/// of entry, one for each unit and day, in the order of the days and then of the ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cohort {
    /// How the population became this cohort.
    pub funnel: Funnel,
    /// Position of each eligible unit among all units; the same again for each day it enters.
    pub positions: Vec<usize>,
    /// The day each enters.
    pub index_dates: Vec<NaiveDate>,
    /// Whether each is treated.
    pub treated: Vec<bool>,
    /// The covariates, in the plan's order.
    pub covariates: Vec<Covariate>,
    /// The attributes, in the plan's order.
    pub attributes: Vec<CohortAttribute>,
}

/// An attribute of each eligible unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CohortAttribute {
    /// Its name.
    pub name: String,
    /// One value for each unit, as text.
    pub values: Vec<String>,
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
    let cohort = eligible(tables, units, measures, index_date, spec)?;
    let n_treated = cohort.treated.iter().filter(|treated| **treated).count();
    let n_comparator = cohort.treated.len() - n_treated;
    if n_treated == 0 || n_comparator == 0 {
        return Err(CohortError::EmptyArm {
            n_treated,
            n_comparator,
        });
    }
    Ok(cohort)
}

/// The same with either arm allowed to be empty: who could have been in a programme on that day.
///
/// # Errors
///
/// Those of [`build`] but for an empty arm.
pub fn eligible(
    tables: &Tables,
    units: &Units,
    measures: &[MeasureSpec],
    index_date: NaiveDate,
    spec: &CohortSpec,
) -> Result<Cohort, CohortError> {
    let read = Read::of(tables, units, measures, index_date, spec)?;
    let mut selection = Selection::everyone(units, read.dates.len());
    for (rule, meets) in &read.rules {
        selection.keep(rule, meets)?;
    }
    Ok(selection.into_cohort(read))
}

/// What becomes of each unit, in the order of the unit ids: for hand-made units, so that nobody may
/// be left and an arm may be empty.
///
/// # Errors
///
/// As [`build`], except for those.
pub fn verdicts(
    tables: &Tables,
    units: &Units,
    measures: &[MeasureSpec],
    index_date: NaiveDate,
    spec: &CohortSpec,
) -> Result<Vec<Verdict>, CohortError> {
    let read = Read::of(tables, units, measures, index_date, spec)?;
    let verdict = |row: usize| {
        let broken = read.rules.iter().find(|(_, meets)| !meets[row]);
        match broken {
            Some((rule, _)) => Verdict::Out(rule.clone()),
            None if read.treated[row] => Verdict::Treated,
            None => Verdict::Comparator,
        }
    };
    // A unit that enters on several days is judged by the last of them, the index date, unless it
    // entered before.
    let of_unit = |unit: usize| {
        let days = (0..read.dates.len()).map(|day| verdict(day * units.len() + unit));
        let mut days: Vec<Verdict> = days.collect();
        let entered = days.iter().position(|one| !matches!(one, Verdict::Out(_)));
        days.swap_remove(entered.unwrap_or(days.len() - 1))
    };
    Ok((0..units.len()).map(of_unit).collect())
}

/// What a cohort is built from, for all units, day after day.
struct Read {
    /// The days on which units enter.
    dates: Vec<NaiveDate>,
    /// Each rule in order, and who meets it.
    rules: Vec<(String, Vec<bool>)>,
    treated: Vec<bool>,
    covariates: Vec<(String, Vec<Option<Tally>>)>,
    attributes: Vec<(String, Vec<Option<Value>>)>,
}

impl Read {
    fn of(
        tables: &Tables,
        units: &Units,
        measures: &[MeasureSpec],
        index_date: NaiveDate,
        spec: &CohortSpec,
    ) -> Result<Self, CohortError> {
        spec.check_entry()?;
        let days = entry::days(spec.entry.as_ref(), index_date, |period| {
            let seen = Baseline::new(tables, units, index_date);
            let first = treatment::first_referrals(&seen, units, &spec.treatment, |_| Ok(period))?;
            Ok(first.into_iter().flatten().collect())
        })?;
        let mut all: Option<Self> = None;
        let mut treated_before = vec![false; units.len()];
        for day in &days {
            let (mut read, referred_before) = Self::on(tables, units, measures, *day, spec)?;
            if let Some(entry) = &spec.entry {
                let enters = |unit: usize| match day.who {
                    Who::Everyone => !treated_before[unit],
                    Who::NewlyReferred => !treated_before[unit] && !referred_before[unit],
                    Who::Treated => read.treated[unit],
                    Who::Comparators => !read.treated[unit],
                };
                let enters: Vec<bool> = (0..units.len()).map(enters).collect();
                let place = spec.eligibility.len() + spec.comparator.len();
                read.rules.insert(place, (entry.rule(), enters));
                for (before, now) in treated_before.iter_mut().zip(&read.treated) {
                    *before |= now;
                }
            }
            all = Some(match all {
                None => read,
                Some(earlier) => earlier.then(read),
            });
        }
        let mut all = all.ok_or(CohortError::EmptyArm {
            n_treated: 0,
            n_comparator: 0,
        })?;
        if matches!(spec.entry, Some(Entry::Historical { .. })) {
            all.drop_self_comparators(spec, units.len());
        }
        Ok(all)
    }

    /// Whoever is treated at the last day is no comparator at the first.
    fn drop_self_comparators(&mut self, spec: &CohortSpec, n_units: usize) {
        let place = spec.eligibility.len() + spec.comparator.len();
        let last = self.treated.len() - n_units;
        for unit in 0..n_units {
            self.rules[place].1[unit] &= !self.treated[last + unit];
        }
    }

    /// Days after those read so far.
    fn then(mut self, next: Self) -> Self {
        self.dates.extend(next.dates);
        self.treated.extend(next.treated);
        for ((_, all), (_, more)) in self.rules.iter_mut().zip(next.rules) {
            all.extend(more);
        }
        for ((_, all), (_, more)) in self.covariates.iter_mut().zip(next.covariates) {
            all.extend(more);
        }
        for ((_, all), (_, more)) in self.attributes.iter_mut().zip(next.attributes) {
            all.extend(more);
        }
        self
    }

    /// All units as they are seen from one day, and which were referred before it.
    fn on(
        tables: &Tables,
        units: &Units,
        measures: &[MeasureSpec],
        day: EntryDay,
        spec: &CohortSpec,
    ) -> Result<(Self, Vec<bool>), CohortError> {
        let index_date = day.date;
        let baseline = Baseline::new(tables, units, index_date);
        let meets = |rule| eligibility::check(&baseline, measures, index_date, rule);
        let found = treatment::read(&baseline, units, day, &spec.treatment)?;
        let treated = found.now;
        let mut rules = Vec::new();
        for rule in &spec.eligibility {
            rules.push((rule.rule.clone(), meets(rule)?));
        }
        for rule in &spec.comparator {
            let meets = meets(rule)?.into_iter().zip(&treated);
            let meets = meets.map(|(meets, treated)| meets || *treated).collect();
            rules.push((rule.rule.clone(), meets));
        }
        let mut covariates = Vec::with_capacity(spec.covariate.len());
        for covariate in &spec.covariate {
            let values = covariate::read(&baseline, measures, index_date, covariate)?;
            rules.push((known(&covariate.name), is_some(&values)));
            covariates.push((covariate.name.clone(), values));
        }
        let mut attributes = Vec::with_capacity(spec.attribute.len());
        for attribute in &spec.attribute {
            let values = attribute.from.read(&baseline)?;
            rules.push((known(&attribute.name), is_some(&values)));
            attributes.push((attribute.name.clone(), values));
        }
        let read = Self {
            dates: vec![index_date],
            rules,
            treated,
            covariates,
            attributes,
        };
        Ok((read, found.before))
    }
}

fn is_some<T>(values: &[Option<T>]) -> Vec<bool> {
    values.iter().map(Option::is_some).collect()
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

/// Units still in, and the funnel so far.
struct Selection {
    funnel: Funnel,
    /// Whether each unit is in on each day, day after day.
    included: Vec<bool>,
}

impl Selection {
    fn everyone(units: &Units, n_days: usize) -> Self {
        Self {
            funnel: Funnel::new(units.name(), units.len() as u64),
            included: vec![true; units.len() * n_days],
        }
    }

    /// Units that are in on one of the days, each counted once: a policy protects units, and counts of
    /// their days would hide how few there are.
    fn n_remaining(&self) -> u64 {
        let n_units = usize::try_from(self.funnel.n_start).unwrap_or(usize::MAX);
        let mut is_in = vec![false; n_units.min(self.included.len())];
        for day in self.included.chunks(n_units.max(1)) {
            for (unit, included) in is_in.iter_mut().zip(day) {
                *unit |= included;
            }
        }
        is_in.iter().filter(|is_in| **is_in).count() as u64
    }

    /// Drops the units that fail a rule on a day, and gives the rule its line in the funnel.
    fn keep(&mut self, rule: &str, meets: &[bool]) -> Result<(), CohortError> {
        for (included, meets) in self.included.iter_mut().zip(meets) {
            *included &= *meets;
        }
        let n_remaining = self.n_remaining();
        self.funnel.apply(rule, n_remaining);
        if n_remaining == 0 {
            return Err(CohortError::Empty {
                rule: rule.to_owned(),
                n_start: self.funnel.n_start,
            });
        }
        Ok(())
    }

    fn into_cohort(self, read: Read) -> Cohort {
        let Read {
            dates,
            treated,
            covariates,
            attributes,
            ..
        } = read;
        let n_units = self.included.len() / dates.len().max(1);
        let rows: Vec<usize> = (0..self.included.len())
            .filter(|&row| self.included[row])
            .collect();
        let treated: Vec<bool> = rows.iter().map(|&row| treated[row]).collect();
        let covariates = covariates
            .into_iter()
            .map(|(name, values)| Covariate {
                name,
                tallies: rows.iter().filter_map(|&row| values[row]).collect(),
            })
            .collect();
        let text = |value: Option<&Value>| value.map_or_else(String::new, Value::to_string);
        let attributes = attributes
            .into_iter()
            .map(|(name, values)| CohortAttribute {
                name,
                values: rows.iter().map(|&row| text(values[row].as_ref())).collect(),
            })
            .collect();
        Cohort {
            funnel: self.funnel,
            positions: rows.iter().map(|row| row % n_units).collect(),
            index_dates: rows.iter().map(|row| dates[row / n_units]).collect(),
            treated,
            covariates,
            attributes,
        }
    }
}
