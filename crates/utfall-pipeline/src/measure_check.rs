//! Measures and calendars of a plan against its data contracts, checked before any data is read.

use std::collections::BTreeSet;

use utfall_core::{Period, Window};
use utfall_registry::{DataContract, MeasureSpec};

use crate::{LoadedPlan, PlanError, plan_check, toml_text};

/// Checks what measures and calendars name, each at its line in the plan.
pub(crate) fn check(loaded: &LoadedPlan) -> Result<(), PlanError> {
    let plan = &loaded.plan;
    let names = plan.calendar.iter().map(|calendar| &*calendar.name);
    let calendars = plan_check::unique("calendar", names)?;
    for calendar in &plan.calendar {
        let place = Place::of(loaded, &calendar.name);
        for column in calendar.columns() {
            place.check_column(&calendar.extract, column)?;
        }
        for lag in &calendar.lag {
            place.contract(&lag.extract)?;
        }
    }
    for measure in &plan.measure {
        let place = Place::of(loaded, &measure.name);
        for (extract, column) in measure.columns() {
            place.check_column(extract, column)?;
        }
        for calendar in measure.calendars() {
            if !calendars.contains(calendar) {
                let defined = list(&calendars);
                let message = format!("no calendar is called `{calendar}`, defined are {defined}");
                return Err(place.fault(calendar, &message));
            }
        }
        check_unit(&place, measure)?;
    }
    check_keys(loaded)
}

/// Ids that are linked are pseudonyms under one key, or none is a pseudonym.
fn check_keys(loaded: &LoadedPlan) -> Result<(), PlanError> {
    let plan = &loaded.plan;
    let unit = &plan.unit;
    let key = |extract: &str, column: &str| {
        let contract = loaded.data_contracts.get(extract)?;
        contract
            .column(column)?
            .pseudonym()
            .map(ToString::to_string)
    };
    let linked = match &unit.members {
        Some(members) => (&members.extract, &members.member),
        None => (&unit.extract, &unit.id),
    };
    let expected = key(linked.0, linked.1);
    let words = |key: Option<String>| {
        key.map_or_else(
            || "no pseudonym".to_owned(),
            |key| format!("a pseudonym under key {key}"),
        )
    };
    for measure in &plan.measure {
        let exposure = measure.exposure.as_ref();
        let exposure = exposure.map(|exposure| (&exposure.extract, &exposure.member));
        let own = (&measure.extract, &measure.member);
        for (extract, column) in [Some(own), exposure].into_iter().flatten() {
            let found = key(extract, column);
            let of_units = (extract, column) == (&unit.extract, &unit.id);
            if found != expected && !of_units {
                let message = format!(
                    "column `{column}` of extract `{extract}` is {}, but `{}` of `{}`, to which it is linked, is {}; make both with one key (`utfall pseudonymise`)",
                    words(found),
                    linked.1,
                    linked.0,
                    words(expected)
                );
                return Err(Place::of(loaded, &measure.name).fault(column, &message));
            }
        }
    }
    Ok(())
}

/// Checks that a measure has one definition for a window.
pub(crate) fn check_window(
    loaded: &LoadedPlan,
    measure: &str,
    window: &Window,
) -> Result<(), PlanError> {
    let period = window.around(loaded.plan.index_date);
    check_period(loaded, measure, period.map_err(PlanError::Window)?)
}

/// Checks that a measure has one definition over a period.
pub(crate) fn check_period(
    loaded: &LoadedPlan,
    measure: &str,
    period: Period,
) -> Result<(), PlanError> {
    let mut measures = loaded.plan.measure.iter();
    let Some(found) = measures.find(|other| other.name == measure) else {
        return Ok(());
    };
    found.check_period(period).map_err(|fault| {
        let message = format!("measure `{measure}` is needed over {period}, but {fault}");
        Place::of(loaded, measure).fault(measure, &message)
    })
}

/// The contract's columns are in the unit that the measure says it is in.
fn check_unit(place: &Place<'_>, measure: &MeasureSpec) -> Result<(), PlanError> {
    let Some(unit) = &measure.unit else {
        return Ok(());
    };
    let contract = place.contract(&measure.extract)?;
    for name in measure.amounts() {
        let declared = contract.column(name).and_then(|column| column.unit());
        if let Some(found) = declared.filter(|found| found != unit) {
            let message = format!(
                "measure `{}` is in {unit}, but column `{name}` of extract `{}` is in {found}",
                measure.name, measure.extract
            );
            return Err(place.fault(unit, &message));
        }
    }
    Ok(())
}

/// A measure or calendar in the plan's text.
struct Place<'a> {
    loaded: &'a LoadedPlan,
    owner: &'a str,
}

impl<'a> Place<'a> {
    fn of(loaded: &'a LoadedPlan, owner: &'a str) -> Self {
        Self { loaded, owner }
    }

    /// A fault where the owner uses a word.
    fn fault(&self, word: &str, message: &str) -> PlanError {
        toml_text::at_word(
            "plan.toml",
            self.loaded.plan_text(),
            self.owner,
            word,
            message,
        )
    }

    fn contract(&self, extract: &str) -> Result<&'a DataContract, PlanError> {
        let contracts = &self.loaded.data_contracts;
        contracts.get(extract).ok_or_else(|| {
            let defined = contracts.keys().map(String::as_str).collect();
            let defined = list(&defined);
            self.fault(
                extract,
                &format!("no extract is called `{extract}`, defined are {defined}"),
            )
        })
    }

    fn check_column(&self, extract: &str, column: &str) -> Result<(), PlanError> {
        let contract = self.contract(extract)?;
        if contract.column(column).is_some() {
            return Ok(());
        }
        let defined = contract.columns().iter().map(|column| column.name());
        let message = format!(
            "extract `{extract}` has no column `{column}`, it has {}",
            list(&defined.collect())
        );
        Err(self.fault(column, &message))
    }
}

fn list(names: &BTreeSet<&str>) -> String {
    names.iter().copied().collect::<Vec<_>>().join(", ")
}
