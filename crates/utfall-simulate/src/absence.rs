//! Pupils' monthly absence, and who is referred to `NARVARO`.
//!
//! A pupil's invalid absence in the year before the index date follows an underlying rate that no
//! register shows. What follows depends on the rate that *was observed*: referral by a logistic
//! model, and the rate of the next year by a straight line with noise around it. Both depend on
//! sex and grade too, and on nothing else, so referral is ignorable given these three.

use chrono::{Days, NaiveDate};
use utfall_stats::draws::Stream;

use crate::block::{Block, Sums, World};
use crate::calendar::{self, BASELINE_MONTHS, MONTHS};
use crate::chance::{bounded_noise, float, logistic, round_fairly};
use crate::extract::{Delivery, Extract};
use crate::family::{Person, grade};
use crate::referral::{self, Decision, NARVARO, Referral};
use crate::rows::Cell;
use crate::spec::SchoolSpec;
use crate::truth::ProgrammeTruth;

/// Grades considered for referral.
const GRADES: std::ops::RangeInclusive<i64> = 4..=9;
/// Centre of the observed rate in the model of referral.
const CENTRE_RATE: f64 = 0.18;
/// Tenths of an hour in a school day, up to grade 6 and above.
const TENTHS_A_DAY: [i64; 2] = [52, 56];
/// Days after a month's end by which it is registered, and the most if it is late.
const DAYS_TO_REGISTER: u64 = 5;
const MOST_DAYS_LATE: u64 = 55;

/// Hours of a pupil in a month, in tenths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Month {
    date: NaiveDate,
    offered: i64,
    valid: i64,
    invalid: i64,
}

/// Writes a pupil's absence, and refers the pupil or not.
pub(crate) fn write(world: &World, spec: &SchoolSpec, child: &Person, block: &mut Block) {
    let draws = &mut world.chance.stream("absence", child.number);
    let underlying =
        spec.lowest_rate.get() + spec.spread.get() * draws.uniform().min(draws.uniform());
    let before = months(world, spec, child, 0..BASELINE_MONTHS, underlying, draws);
    let observed = rate(&before);
    let (without, with) = rates_after(world, spec, child, observed.unwrap_or(underlying), draws);
    let referred = observed.is_some_and(|observed| refer(world, spec, child, observed, block));
    if referred {
        block.sums.absence.push(with - without);
    }
    let after = if referred { with } else { without };
    let after = months(world, spec, child, BASELINE_MONTHS..MONTHS, after, draws);
    let draws = &mut world.chance.stream("dirt-absence", child.number);
    for month in before.iter().chain(&after) {
        deliver(world, child, *month, block, draws);
    }
}

/// The programme and its effect.
pub(crate) fn truth(world: &World, sums: &Sums) -> ProgrammeTruth {
    let span = world.calendar.months(0, 12);
    let definition = format!(
        "sum of invalid hours over sum of offered hours in [{}, {}), mean over the referred",
        span.start, span.end
    );
    let effect = sums
        .absence
        .truth("absence", "share of offered hours", definition);
    sums.school.truth(&NARVARO, "person", vec![effect])
}

/// The rates of invalid absence after the index date, without and with the programme.
fn rates_after(
    world: &World,
    spec: &SchoolSpec,
    child: &Person,
    observed: f64,
    draws: &mut Stream,
) -> (f64, f64) {
    let grade = centred_grade(world, child);
    let mean = spec.intercept.get()
        + spec.per_rate.get() * observed
        + spec.per_woman.get() * f64::from(u8::from(child.woman))
        + spec.per_grade.get() * grade;
    let held = |rate: f64| rate.min(spec.most_rate.get()).max(spec.least_rate.get());
    let without = held(mean * (1.0 + spec.noise.get() * bounded_noise(draws)));
    (without, held(without + spec.programme.effect.get()))
}

/// Considers a pupil for the programme.
fn refer(
    world: &World,
    spec: &SchoolSpec,
    child: &Person,
    observed: f64,
    block: &mut Block,
) -> bool {
    let programme = &spec.programme;
    let enrolled = grade(child.birth, world.calendar.index_year())
        .is_some_and(|grade| GRADES.contains(&grade));
    if !enrolled
        || !child.is_here(world.calendar.index_date())
        || observed < programme.minimum_rate.get()
    {
        return false;
    }
    let logit = programme.intercept.get()
        + programme.per_rate.get() * (observed - CENTRE_RATE)
        + programme.per_woman.get() * f64::from(u8::from(child.woman))
        + programme.per_grade.get() * centred_grade(world, child);
    let earlier = programme.referred_earlier.get();
    let referral = Referral {
        programme: &NARVARO,
        person: child,
        probability: logistic(logit),
        earlier,
    };
    let decision = referral::decide(world, &referral, block);
    block.sums.school.count(decision);
    decision == Decision::Referred
}

/// The grade at the index date, from grade 7.
fn centred_grade(world: &World, child: &Person) -> f64 {
    float(grade(child.birth, world.calendar.index_year()).unwrap_or(7) - 7)
}

/// Draws the hours of a pupil in those of the months in which the pupil is enrolled and here.
fn months(
    world: &World,
    spec: &SchoolSpec,
    child: &Person,
    range: std::ops::Range<usize>,
    rate: f64,
    draws: &mut Stream,
) -> Vec<Month> {
    let mut months = Vec::with_capacity(range.len());
    for date in range.map(|i| world.calendar.month(i)) {
        let grade = grade(child.birth, calendar::school_year(date));
        if let Some(grade) = grade.filter(|_| child.is_here(date)) {
            months.push(month(spec, date, grade, rate, draws));
        }
    }
    months
}

fn month(spec: &SchoolSpec, date: NaiveDate, grade: i64, rate: f64, draws: &mut Stream) -> Month {
    let days = calendar::school_days(date);
    if days == 0 {
        return Month {
            date,
            offered: 0,
            valid: 0,
            invalid: 0,
        };
    }
    let days = days - i64::from(draws.bernoulli(0.5));
    let offered = days * TENTHS_A_DAY[usize::from(grade > 6)];
    // The month's own noise has mean zero and leaves the rate below 1, so that the expected rate
    // stays the pupil's.
    let amplitude = spec.month_noise.get().min(1.0 / rate - 1.0);
    let this_month = 1.0 + amplitude * (2.0 * draws.uniform() - 1.0);
    let invalid = round_fairly(rate * this_month * float(offered), draws).min(offered);
    let share_valid = 2.0 * spec.valid_rate.get() * draws.uniform();
    let valid = round_fairly(share_valid * float(offered - invalid), draws).min(offered - invalid);
    Month {
        date,
        offered,
        valid,
        invalid,
    }
}

/// The observed rate of invalid absence; `None` where no hour was offered.
fn rate(months: &[Month]) -> Option<f64> {
    let offered: i64 = months.iter().map(|month| month.offered).sum();
    let invalid: i64 = months.iter().map(|month| month.invalid).sum();
    (offered > 0).then(|| float(invalid) / float(offered))
}

/// Puts a month into the first delivery, the second, or first wrong and then right.
fn deliver(world: &World, child: &Person, month: Month, block: &mut Block, draws: &mut Stream) {
    let dirt = &world.spec.dirt;
    let late = draws.bernoulli(dirt.late.get());
    let days = if late {
        DAYS_TO_REGISTER + 1 + draws.below(MOST_DAYS_LATE - DAYS_TO_REGISTER)
    } else {
        DAYS_TO_REGISTER
    };
    let registered = month.date + chrono::Months::new(1) + Days::new(days - 1);
    if registered > world.calendar.first_vintage() {
        block.push(
            Extract::Absence,
            Delivery::Second,
            &cells(child, month),
            draws,
        );
        if let Some(rows) = block.rows(Extract::Absence, Delivery::Second) {
            rows.counts.n_late += 1;
        }
    } else if month.valid > 0 && draws.bernoulli(dirt.revised.get()) {
        // Absence counts as invalid until a note of leave has come.
        let first = Month {
            valid: 0,
            invalid: month.valid + month.invalid,
            ..month
        };
        if let Some(rows) = block.rows(Extract::Absence, Delivery::First) {
            rows.push_clean(&cells(child, first));
            rows.counts.n_revised += 1;
        }
        if let Some(rows) = block.rows(Extract::Absence, Delivery::Second) {
            rows.push_clean(&cells(child, month));
        }
    } else {
        block.push(
            Extract::Absence,
            Delivery::First,
            &cells(child, month),
            draws,
        );
    }
}

fn cells(child: &Person, month: Month) -> [Cell<'_>; 5] {
    [
        Cell::Text(&child.id),
        Cell::Date(month.date),
        Cell::Decimal(month.offered),
        Cell::Decimal(month.valid),
        Cell::Decimal(month.invalid),
    ]
}
