//! Merit values at the last term before the index date and two years later.

use chrono::{Datelike, NaiveDate};

use crate::block::{Block, World};
use crate::calendar;
use crate::chance::{bounded_noise, float, round_fairly};
use crate::extract::{Delivery, Extract};
use crate::family::{Person, grade};
use crate::rows::Cell;
use crate::spec::PlacementSpec;

/// Grades that get a merit value.
const GRADES: std::ops::RangeInclusive<i64> = 4..=9;
/// Highest merit value.
const HIGHEST: f64 = 340.0;
/// Merit values are multiples of 2.5 points.
const STEP: f64 = 2.5;
/// A step in tenths of a point, as registered.
const STEP_TENTHS: i64 = 25;

/// A pupil's merit values: the registered one before, the expected ones after.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Merits {
    /// In steps.
    before: i64,
    without: f64,
    with: f64,
    graded_before: bool,
    graded_after: bool,
}

impl Merits {
    /// Draws the merits of a child that was placed `nights` nights before the index date.
    pub(crate) fn draw(world: &World, spec: &PlacementSpec, child: &Person, nights: i64) -> Self {
        let draws = &mut world.chance.stream("grades", child.number);
        let merit = &spec.merit;
        let nights = float(nights);
        let before = merit.mean.get()
            + merit.per_night.get() * nights
            + merit.noise.get() * bounded_noise(draws);
        let before = round_fairly(held(before) / STEP, draws);
        let after = merit.after_mean.get()
            + merit.after_per_point.get() * (points(before) - merit.mean.get())
            + merit.after_per_night.get() * nights
            + merit.after_noise.get() * bounded_noise(draws);
        let without = held(after);
        let with = held(without + spec.programme.effect_merit.get());
        let (graded_before, graded_after) = (
            is_graded(child, before_term(world)),
            is_graded(child, after_term(world)),
        );
        Self {
            before,
            without,
            with,
            graded_before,
            graded_after,
        }
    }

    /// The registered merit before the index date.
    pub(crate) fn before(&self) -> f64 {
        points(self.before)
    }

    /// What the programme changes in expectation, for those who get a merit value after it.
    pub(crate) fn expected_difference(&self) -> Option<f64> {
        self.graded_after.then_some(self.with - self.without)
    }
}

/// Writes a child's merit values.
pub(crate) fn write(
    world: &World,
    child: &Person,
    merits: &Merits,
    referred: bool,
    block: &mut Block,
) {
    let draws = &mut world.chance.stream("dirt-grades", child.number);
    let expected = if referred {
        merits.with
    } else {
        merits.without
    };
    let after_steps = round_fairly(expected / STEP, draws);
    for (graded, date, steps) in [
        (merits.graded_before, before_term(world), merits.before),
        (merits.graded_after, after_term(world), after_steps),
    ] {
        if graded {
            let term = format!("VT{}", date.year());
            let merit = Cell::Decimal(steps * STEP_TENTHS);
            let cells = [
                Cell::Text(&child.id),
                Cell::Text(&term),
                Cell::Date(date),
                merit,
            ];
            block.push(Extract::Grades, Delivery::First, &cells, draws);
        }
    }
}

/// The day of the grades before the index date.
fn before_term(world: &World) -> NaiveDate {
    calendar::day(world.calendar.index_year(), 6, 15)
}

/// The day of the grades two years later.
pub(crate) fn after_term(world: &World) -> NaiveDate {
    calendar::day(world.calendar.index_year() + 2, 6, 15)
}

fn is_graded(child: &Person, date: NaiveDate) -> bool {
    let grade = grade(child.birth, calendar::school_year(date));
    grade.is_some_and(|grade| GRADES.contains(&grade)) && child.is_here(date)
}

fn points(steps: i64) -> f64 {
    STEP * float(steps)
}

fn held(merit: f64) -> f64 {
    merit.clamp(0.0, HIGHEST)
}
