//! The outcomes of a run, each read once, after every design is sealed.

use std::collections::{BTreeMap, btree_map};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::NaiveDate;
use utfall_core::{Estimand, Period, Tally, Window};
use utfall_disclosure::Policy;
use utfall_registry::{Baseline, MatchSeal, MeasureSpec, Outcomes, Tables, Units};

use crate::{Assignment, EffectSpec, EstimatorSpec, Plan, PlanError, RunError};

/// Values of a measure by unit, in the measure's unit; a unit without anything to measure has none.
pub(crate) type Values = Arc<BTreeMap<String, f64>>;

/// Reads outcomes. It needs the seal of every design that will be given them.
pub(crate) struct OutcomeReader<'a> {
    tables: &'a Tables,
    units: &'a Units,
    plan: &'a Plan,
    outcomes: Outcomes<'a>,
    /// What was read before, by measure and period, on either side of the index date.
    known: Mutex<BTreeMap<(String, String), Values>>,
}

/// Outcomes after the index date and, for a change, before it, by the day a unit entered.
#[derive(Default)]
pub(crate) struct Observed {
    pub(crate) by_day: BTreeMap<NaiveDate, OnDay>,
}

/// What was observed of those who entered on one day.
pub(crate) struct OnDay {
    pub(crate) after: Values,
    pub(crate) before: Option<Values>,
}

impl<'a> OutcomeReader<'a> {
    /// Opens the outcomes.
    pub(crate) fn open(
        tables: &'a Tables,
        units: &'a Units,
        plan: &'a Plan,
        seal: &MatchSeal,
    ) -> Self {
        Self {
            tables,
            units,
            plan,
            outcomes: Outcomes::open(tables, units, seal),
            known: Mutex::default(),
        }
    }

    /// Whom the plan asks about.
    pub(crate) fn question(&self) -> Estimand {
        self.plan.estimand
    }

    /// How the plan says that lots were drawn, if they were.
    pub(crate) fn assignment(&self) -> Option<&Assignment> {
        self.plan.assignment.as_ref()
    }

    /// The day periods of the plan are counted from.
    pub(crate) fn index_date(&self) -> NaiveDate {
        self.plan.index_date
    }

    /// What happens to counts before they leave.
    pub(crate) fn disclosure(&self) -> &Policy {
        &self.plan.disclosure
    }

    /// Why the follow-up of an effect is not fully reported yet, if it is not.
    pub(crate) fn unreported(&self, effect: &EffectSpec) -> Result<Option<String>, RunError> {
        for name in effect.measures() {
            let unreported = self.measure_unreported(self.measure(name)?, effect)?;
            if unreported.is_some() {
                return Ok(unreported);
            }
        }
        Ok(None)
    }

    fn measure_unreported(
        &self,
        measure: &MeasureSpec,
        effect: &EffectSpec,
    ) -> Result<Option<String>, RunError> {
        // Nobody enters after the index date, so that no follow-up ends later.
        let follow_up = effect.window.around(self.plan.index_date);
        let follow_up = follow_up.map_err(PlanError::Window)?;
        let Some((extract, reported_before)) = self.tables.reported_before(measure) else {
            return Ok(None);
        };
        let ends = follow_up.end();
        Ok((reported_before < ends).then(|| {
            if reported_before == NaiveDate::MIN {
                return format!(
                    "the follow-up ends on {ends}, but no delivery of extract {extract} reports it; ask for a later or final delivery"
                );
            }
            format!(
                "the follow-up ends on {ends}, but extract {extract} is fully reported only before {reported_before}; ask for a later delivery"
            )
        }))
    }

    /// What an estimator of an effect needs, for units that entered on these days.
    pub(crate) fn observed(
        &self,
        effect: &EffectSpec,
        estimator: &EstimatorSpec,
        days: &[NaiveDate],
    ) -> Result<Observed, RunError> {
        let mut observed = Observed::default();
        for &day in days {
            if let btree_map::Entry::Vacant(place) = observed.by_day.entry(day) {
                place.insert(self.on_day(effect, estimator, day)?);
            }
        }
        Ok(observed)
    }

    /// The same over a window before the index date, when no programme can have moved it.
    pub(crate) fn observed_before(
        &self,
        effect: &EffectSpec,
        estimator: &EstimatorSpec,
        window: &Window,
        days: &[NaiveDate],
    ) -> Result<Observed, RunError> {
        let measure = self.measure(&effect.measure)?;
        let mut observed = Observed::default();
        for &day in days {
            if let btree_map::Entry::Vacant(place) = observed.by_day.entry(day) {
                place.insert(OnDay {
                    after: self.before(measure, window, day)?,
                    before: self.baseline(measure, estimator, day)?,
                });
            }
        }
        Ok(observed)
    }

    /// A measure over a period, whatever side of an index date it lies on.
    pub(crate) fn over(&self, measure: &str, period: Period) -> Result<Values, RunError> {
        let measure = self.measure(measure)?;
        self.values(measure, period, || {
            Ok(self.outcomes.measure(measure, period)?)
        })
    }

    fn on_day(
        &self,
        effect: &EffectSpec,
        estimator: &EstimatorSpec,
        day: NaiveDate,
    ) -> Result<OnDay, RunError> {
        let measure = self.measure(&effect.measure)?;
        let follow_up = effect.window.around(day).map_err(PlanError::Window)?;
        let after = self.values(measure, follow_up, || {
            Ok(self.outcomes.measure(measure, follow_up)?)
        })?;
        let before = self.baseline(measure, estimator, day)?;
        Ok(OnDay { after, before })
    }

    /// The outcome that a change is measured from, where the estimator is of a change.
    fn baseline(
        &self,
        measure: &MeasureSpec,
        estimator: &EstimatorSpec,
        day: NaiveDate,
    ) -> Result<Option<Values>, RunError> {
        match estimator {
            EstimatorSpec::MatchedDifferenceInDifferences { baseline } => {
                self.before(measure, baseline, day).map(Some)
            }
            _ => Ok(None),
        }
    }

    fn before(
        &self,
        measure: &MeasureSpec,
        window: &Window,
        day: NaiveDate,
    ) -> Result<Values, RunError> {
        let period = window.around(day).map_err(PlanError::Window)?;
        let view = Baseline::new(self.tables, self.units, day);
        self.values(measure, period, || Ok(view.measure(measure, period)?))
    }

    fn measure(&self, name: &str) -> Result<&'a MeasureSpec, RunError> {
        let mut measures = self.plan.measure.iter();
        measures
            .find(|measure| measure.name == name)
            .ok_or_else(|| RunError::internal("a measure", format!("`{name}` is not defined")))
    }

    fn values(
        &self,
        measure: &MeasureSpec,
        period: Period,
        read: impl FnOnce() -> Result<Vec<Tally>, RunError>,
    ) -> Result<Values, RunError> {
        let key = (measure.name.clone(), period.to_string());
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known().get(&key) {
            return Ok(Arc::clone(known));
        }
        // Not held while rows are read: that work goes to threads which may ask for other values.
        let scale = self.outcomes.scale(measure)?;
        let ids = self.units.ids().iter();
        let values = ids
            .zip(read()?)
            .filter_map(|(unit, tally)| Some((unit.clone(), tally.rate()? * scale)));
        let values = Arc::new(values.collect::<BTreeMap<String, f64>>());
        known().insert(key, Arc::clone(&values));
        Ok(values)
    }
}

impl Observed {
    /// Outcome and baseline of a unit that entered on a day, if all that is needed was observed.
    pub(crate) fn get(&self, unit: &str, day: NaiveDate) -> Option<(f64, f64)> {
        let on_day = self.by_day.get(&day)?;
        let after = *on_day.after.get(unit)?;
        let before = match &on_day.before {
            Some(before) => *before.get(unit)?,
            None => 0.0,
        };
        Some((after, before))
    }

    /// The outcome, or its change.
    pub(crate) fn change(&self, unit: &str, day: NaiveDate) -> Option<f64> {
        self.get(unit, day).map(|(after, before)| after - before)
    }
}
