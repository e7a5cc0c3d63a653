//! A calibration: the frozen plan, run on many programmes that do nothing.
//!
//! Tables are read once. The plan's own matched set is on disk and sealed before the first outcome
//! is read, and only units that were not treated are looked at; all the same, outcomes are seen,
//! and the workspace is marked for it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::NaiveDate;
use rayon::prelude::*;
use utfall_cohort::Treatment;
use utfall_core::Watch;
use utfall_design::{Assignment, CalibrationDocument, CalibrationSource, Placebo, Pool, PoolError};
use utfall_matching::propensity;
use utfall_registry::{Tables, Units};
use utfall_stats::InOrder;
use utfall_stats::draws::Stream;
use utfall_verify::record::{CalibrationMark, EffectResult, EffectsDocument};

use crate::cohort_file::StoredCohort;
use crate::compare::{compare, matrix};
use crate::outcomes::OutcomeReader;
use crate::run::Context;
use crate::study::Study;
use crate::{
    EstimatorSpec, Plan, PlanError, RunError, RunRequest, RunWatch, calibration_log, documents,
    model_rows, steps,
};

/// How a plan is calibrated. Nothing here is part of the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CalibrationRequest {
    /// Placebo programmes.
    pub n_programmes: u32,
    /// Seed of the draws of who is called treated.
    pub seed: u64,
    /// How they are drawn.
    pub assignment: Assignment,
    /// Another, earlier day for the programmes to start, so that no outcome after the plan's own
    /// index date is read.
    pub index_date: Option<NaiveDate>,
}

/// Runs a plan on placebo programmes among units that took part in none.
///
/// The result depends on the plan, its extracts and `wanted`, and on no thread.
///
/// # Errors
///
/// [`RunError`], with finished steps intact and nothing of the calibration written; a programme that
/// ends without a decision is no error, it is counted with its reason.
pub fn calibrate(
    request: &RunRequest<'_>,
    wanted: &CalibrationRequest,
    watch: &dyn RunWatch,
) -> Result<CalibrationDocument, RunError> {
    let plan = &request.plan.plan;
    let index_date = wanted.index_date.unwrap_or(plan.index_date);
    let before_index_date = index_date < plan.index_date;
    if wanted.index_date.is_some() {
        check_before(request, index_date)?;
    }
    if plan.cohort.entry.is_some() {
        return Err(PoolError::SeveralDays.into());
    }
    let mut context = Context::new(request, watch);
    let ingested = steps::ingest::run(&mut context)?;
    let cohort = steps::cohort::run(&mut context, &ingested)?;
    steps::matching::run(&mut context, &cohort)?;
    let tables = ingested.open(&plan.calendar)?;
    let units = Units::load(&tables, &plan.unit)?;
    let base = base(request, index_date, &tables, &units)?;
    let seal = steps::matching::seal(request)?;
    let moved = Plan {
        index_date,
        ..plan.clone()
    };
    let outcomes = OutcomeReader::open(&tables, &units, &moved, &seal);
    watch.step_started("reading outcomes");
    for effect in &plan.effect {
        if outcomes.unreported(effect)?.is_none() {
            let days = &base.cohort.index_dates;
            outcomes.observed(effect, &effect.estimator, days)?;
            if let EstimatorSpec::Model(model) = &effect.estimator {
                model_rows::read_outcomes(&outcomes, effect, model, days)?;
            }
        }
    }
    let drawn = Drawn::new(request, wanted, &base)?;
    watch.step_started("placebo programmes");
    let programmes = drawn.run(&outcomes, watch)?;
    let mark = CalibrationMark {
        plan_digest: request.plan.digest,
        index_date,
        before_index_date,
        n_programmes: wanted.n_programmes,
        seed: wanted.seed,
    };
    calibration_log::add(request, mark)?;
    let source = CalibrationSource {
        pipeline: plan.name.as_str().to_owned(),
        title: plan.title.clone(),
        contract: request.plan.contract.title().to_owned(),
        plan_digest: request.plan.digest,
        unit: plan.unit.name.clone(),
        index_date,
        before_index_date,
        assignment: wanted.assignment,
        seed: wanted.seed,
        n_pool: plan.disclosure.release(drawn.cohort.units.len() as u64),
        n_treated: plan.disclosure.release(base.n_treated as u64),
    };
    let names: Vec<(String, String, String)> = plan
        .effect
        .iter()
        .map(|effect| {
            (
                effect.name.clone(),
                effect.title.clone(),
                effect.unit.clone(),
            )
        })
        .collect();
    let currency = request.plan.contract.currency();
    let document = CalibrationDocument::of(source, currency, &names, &programmes);
    documents::write(
        &request.folder("calibration").join("calibration.json"),
        &document,
    )?;
    Ok(document)
}

/// Whether a programme that starts on another day ends before the plan's own index date.
fn check_before(request: &RunRequest<'_>, index_date: NaiveDate) -> Result<(), RunError> {
    let plan = &request.plan.plan;
    for effect in &plan.effect {
        let follow_up = effect
            .window
            .around(index_date)
            .map_err(PlanError::Window)?;
        if follow_up.end() > plan.index_date {
            return Err(RunError::CalibrationReachesOutcomes {
                effect: effect.name.clone(),
                ends: follow_up.end(),
                index_date: plan.index_date,
            });
        }
    }
    Ok(())
}

/// The eligible units on the day placebo programmes start, and who really was treated.
struct Base {
    cohort: StoredCohort,
    /// Units treated in the plan's own cohort.
    n_treated: usize,
    /// Units treated there, by exact stratum.
    in_stratum: BTreeMap<String, usize>,
    /// Whether nobody really is treated: the plan's programme is a placebo itself.
    nobody: bool,
}

fn base(
    request: &RunRequest<'_>,
    index_date: NaiveDate,
    tables: &Tables,
    units: &Units,
) -> Result<Base, RunError> {
    let plan = &request.plan.plan;
    let own = steps::cohort::read(request)?;
    let strata = own.strata(&exact(request));
    let mut in_stratum: BTreeMap<String, usize> = BTreeMap::new();
    for (stratum, _) in strata.iter().zip(&own.treated).filter(|(_, is)| **is) {
        *in_stratum.entry(stratum.clone()).or_default() += 1;
    }
    let n_treated = own.n_treated();
    let cohort = if index_date == plan.index_date {
        own
    } else {
        let treated = own.units.iter().zip(&own.treated);
        let ids: BTreeSet<&str> = treated
            .filter(|(_, treated)| **treated)
            .map(|(unit, _)| unit.as_str())
            .collect();
        let earlier =
            utfall_cohort::eligible(tables, units, &plan.measure, index_date, &plan.cohort)?;
        let mut earlier = StoredCohort::of(earlier, units.ids());
        for (unit, treated) in earlier.units.iter().zip(&mut earlier.treated) {
            *treated = *treated || ids.contains(unit.as_str());
        }
        earlier
    };
    Ok(Base {
        cohort,
        n_treated,
        in_stratum,
        nobody: matches!(plan.cohort.treatment, Treatment::Placebo { .. }),
    })
}

/// The attributes that the plan's matching is exact on.
fn exact(request: &RunRequest<'_>) -> Vec<String> {
    let matching = request.plan.plan.matching.as_ref();
    matching.map_or_else(Vec::new, |matching| matching.exact.clone())
}

/// The pool of placebo programmes, and how they are drawn from it.
struct Drawn<'a> {
    request: &'a RunRequest<'a>,
    wanted: &'a CalibrationRequest,
    /// Units that were not treated; who is called treated is drawn anew for each programme.
    cohort: StoredCohort,
    pool: Pool,
}

impl<'a> Drawn<'a> {
    fn new(
        request: &'a RunRequest<'a>,
        wanted: &'a CalibrationRequest,
        base: &Base,
    ) -> Result<Self, RunError> {
        let rows: Vec<usize> = (0..base.cohort.units.len())
            .filter(|&row| base.nobody || !base.cohort.treated[row])
            .collect();
        let cohort = base.cohort.rows(&rows);
        let pool = match wanted.assignment {
            Assignment::Uniform => Pool::uniform(rows.len(), base.n_treated),
            Assignment::WithinStrata => {
                let in_stratum = base.in_stratum.iter();
                let wanted = in_stratum.map(|(name, n)| (name.as_str(), *n)).collect();
                Pool::within_strata(&cohort.strata(&exact(request)), &wanted)
            }
            Assignment::ByScore => {
                let covariates = matrix(&base.cohort)?;
                let scores = propensity(&covariates, &base.cohort.treated)
                    .map_err(|source| RunError::balance(&base.cohort, source))?;
                let odds = |&row: &usize| utfall_stats::elementary::exp(scores.logit[row]);
                Pool::by_odds(rows.iter().map(odds).collect(), base.n_treated)
            }
        };
        Ok(Self {
            request,
            wanted,
            cohort,
            pool: pool?,
        })
    }

    /// Runs every programme, each from a stream of its own, in parallel.
    fn run(
        &self,
        outcomes: &OutcomeReader<'_>,
        watch: &dyn RunWatch,
    ) -> Result<Vec<Placebo>, RunError> {
        let total = u64::from(self.wanted.n_programmes);
        let done = AtomicU64::new(0);
        (0..total)
            .into_par_iter()
            .map_init(
                || self.cohort.clone(),
                |cohort, programme| {
                    if watch.is_cancelled() {
                        return Err(RunError::Cancelled);
                    }
                    let mut stream = Stream::new(self.wanted.seed, "calibrate", programme);
                    cohort.treated = self.pool.draw(&mut stream);
                    let placebo = self.placebo(cohort, outcomes)?;
                    Watch::advance(watch, done.fetch_add(1, Ordering::Relaxed) + 1, total);
                    Ok(placebo)
                },
            )
            .in_order()
    }

    /// Runs one programme; what ends a run without a decision is a reason, a fault an error.
    fn placebo(
        &self,
        cohort: &StoredCohort,
        outcomes: &OutcomeReader<'_>,
    ) -> Result<Placebo, RunError> {
        match self.decide(cohort, outcomes) {
            Err(
                error @ (RunError::Matching { .. }
                | RunError::Weighting { .. }
                | RunError::Effect { .. }
                | RunError::Model { .. }),
            ) => Ok(Placebo::Failed {
                reason: error.to_string(),
            }),
            result => result,
        }
    }

    fn decide(
        &self,
        cohort: &StoredCohort,
        outcomes: &OutcomeReader<'_>,
    ) -> Result<Placebo, RunError> {
        let plan = &self.request.plan.plan;
        let compared = compare(&plan.design(), &plan.balance, cohort)?;
        let balance = &compared.balance;
        let study = Study {
            outcomes,
            cohort,
            units: &compared.units,
            balance,
        };
        let effects = plan
            .effect
            .iter()
            .map(|effect| {
                let effect = study.naming_its_treated(effect)?;
                study.record(&effect, effect.procedure())
            })
            .collect::<Result<Vec<_>, _>>()?;
        let document = EffectsDocument { effects };
        let decision = utfall_verify::decide(&self.request.plan.contract, &document, balance)
            .map_err(|error| RunError::internal("the decision", error))?;
        let estimate = |result: &EffectResult| match result {
            EffectResult::Estimated(found) => Some(found.estimate),
            _ => None,
        };
        Ok(Placebo::Decided {
            estimates: document
                .effects
                .iter()
                .map(|effect| estimate(&effect.result))
                .collect(),
            balanced: balance.gate.passed,
            branch: decision.branch,
            paid: decision.total.minor_units(),
        })
    }
}
