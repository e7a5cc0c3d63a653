//! Police reports of partner violence, nights in shelter, and who is referred to `DIALOG`.
//!
//! The family is the unit; a report names one person of it, the victim. Referral and the expected
//! reports of the next year depend on the reports and the nights in shelter of the year before,
//! and on nothing else, so referral is ignorable given these two counts. Who moves away or dies is
//! at risk for part of the year only, and so is the effect.

use chrono::{Days, NaiveDate};
use utfall_stats::draws::Stream;

use crate::block::{Block, Sums, World};
use crate::calendar::Span;
use crate::chance::{float, logistic, pick};
use crate::extract::{Delivery, Extract};
use crate::family::{Family, Person};
use crate::referral::{self, DIALOG, Decision, Referral};
use crate::rows::{Cell, write_padded};
use crate::shelter;
use crate::spec::ViolenceSpec;
use crate::truth::ProgrammeTruth;

/// Offences that are partner violence, with their shares.
const OFFENCES: [(&str, f64); 3] = [
    ("MISSHANDEL", 0.5),
    ("OLAGA HOT", 0.3),
    ("FRIDSKRÄNKNING", 0.2),
];
/// An offence that is not.
const OTHER_OFFENCE: &str = "ÖVRIGT";
/// Centre of the number of reports in the model of referral.
const CENTRE_REPORTS: f64 = 2.5;
/// Days in which a crime is reported, and the most if the report is late.
const DAYS_TO_REPORT: u64 = 8;
const MOST_DAYS_LATE: u64 = 90;

/// A report to the police.
#[derive(Debug)]
struct Report<'a> {
    victim: &'a Person,
    crime: NaiveDate,
    offence: &'static str,
}

/// Writes a family's reports and stays in shelter, and refers the family or not.
pub(crate) fn write(world: &World, spec: &ViolenceSpec, family: &Family, block: &mut Block) {
    let Some(adult) = family.first_adult() else {
        return;
    };
    let draws = &mut world.chance.stream("violence", family.number);
    let known = draws.bernoulli(spec.known.get());
    let n_before = reports_before(spec, known, draws);
    let nights = shelter::write(world, spec, adult, known, block);
    let (without, with) = means_after(spec, known, n_before, nights);
    let referred = known && refer(world, spec, adult, (n_before, nights), block);
    let at_risk = at_risk(world, adult);
    if referred {
        block.sums.reports.push((with - without) * at_risk);
    }
    let mean_after = if referred { with } else { without };
    let mut reports = partner_violence(world, family, adult, (n_before, mean_after), draws);
    other_offences(world, spec, family, draws, &mut reports);
    // What happens after the adult has gone is reported elsewhere.
    reports.retain(|report| adult.is_here(report.crime));
    reports.sort_by_key(|report| report.crime);
    deliver(world, family, &reports, block);
}

/// The programme and its effect.
pub(crate) fn truth(world: &World, sums: &Sums) -> ProgrammeTruth {
    let span = world.calendar.months(0, 12);
    let definition = format!(
        "expected reports of a family with an offence other than {OTHER_OFFENCE} and a crime date in [{}, {}), mean over the referred families",
        span.start, span.end
    );
    let effect = sums.reports.truth(
        "reported-violence",
        "reports per family in 12 months",
        definition,
    );
    sums.violence.truth(&DIALOG, "family", vec![effect])
}

fn reports_before(spec: &ViolenceSpec, known: bool, draws: &mut Stream) -> u64 {
    if !known {
        return 0;
    }
    let mean = spec.most_further_reports.get() * draws.uniform();
    1 + draws.poisson(mean)
}

/// The expected reports in the year after the index date, without and with the programme.
fn means_after(spec: &ViolenceSpec, known: bool, n_reports: u64, nights: i64) -> (f64, f64) {
    if !known {
        return (spec.mean_otherwise.get(), spec.mean_otherwise.get());
    }
    let mean = spec.intercept.get()
        + spec.per_report.get() * count(n_reports)
        + spec.per_night.get() * float(nights);
    let held = |mean: f64| mean.max(spec.least_mean.get());
    (held(mean), held(held(mean) + spec.programme.effect.get()))
}

/// Considers a family for the programme.
fn refer(
    world: &World,
    spec: &ViolenceSpec,
    adult: &Person,
    (n_reports, nights): (u64, i64),
    block: &mut Block,
) -> bool {
    if !adult.is_here(world.calendar.index_date()) {
        return false;
    }
    let programme = &spec.programme;
    let logit = programme.intercept.get()
        + programme.per_report.get() * (count(n_reports) - CENTRE_REPORTS)
        + programme.per_night.get() * float(nights);
    let earlier = programme.referred_earlier.get();
    let referral = Referral {
        programme: &DIALOG,
        person: adult,
        probability: logistic(logit),
        earlier,
    };
    let decision = referral::decide(world, &referral, block);
    block.sums.violence.count(decision);
    decision == Decision::Referred
}

/// The share of the year after the index date that the adult is here.
fn at_risk(world: &World, adult: &Person) -> f64 {
    let year = world.calendar.months(0, 12);
    float(year.until(adult.exit).days()) / float(year.days())
}

/// Draws the reports of partner violence before the index date, in the year after, and beyond.
fn partner_violence<'a>(
    world: &World,
    family: &'a Family,
    adult: &'a Person,
    (n_before, mean_after): (u64, f64),
    draws: &mut Stream,
) -> Vec<Report<'a>> {
    let calendar = world.calendar;
    let year = float(calendar.months(0, 12).days());
    let mut reports = Vec::new();
    let n_earlier = draws.poisson(0.5 * count(n_before));
    for (n, span) in [
        (n_earlier, calendar.months(-24, -12)),
        (n_before, calendar.months(-12, 0)),
    ] {
        reports.extend((0..n).map(|_| report(family, adult, span, draws)));
    }
    for span in [calendar.months(0, 12), calendar.months(12, 15)] {
        let span = span.until(adult.exit);
        let n = draws.poisson(mean_after * float(span.days()) / year);
        reports.extend((0..n).map(|_| report(family, adult, span, draws)));
    }
    reports
}

/// Draws one report of partner violence: most often the adult is the victim, else anyone here.
fn report<'a>(family: &'a Family, adult: &'a Person, span: Span, draws: &mut Stream) -> Report<'a> {
    let crime = span.any_day(draws);
    let offence = OFFENCES[pick(&OFFENCES.map(|(_, share)| share), draws)].0;
    let persons: Vec<&Person> = family
        .persons()
        .filter(|person| person.is_here(crime))
        .collect();
    let victim = if draws.bernoulli(0.8) || persons.is_empty() {
        adult
    } else {
        persons[draws.index(persons.len())]
    };
    Report {
        victim,
        crime,
        offence,
    }
}

/// Adds reports that are no partner violence.
fn other_offences<'a>(
    world: &World,
    spec: &ViolenceSpec,
    family: &'a Family,
    draws: &mut Stream,
    reports: &mut Vec<Report<'a>>,
) {
    let span = world.calendar.months(-24, 12);
    for victim in family.persons() {
        let n = draws.poisson(spec.other_offences.get() * float(span.days()) / 365.25);
        let dates: Vec<NaiveDate> = (0..n).map(|_| span.any_day(draws)).collect();
        let here = dates.into_iter().filter(|&crime| victim.is_here(crime));
        reports.extend(here.map(|crime| Report {
            victim,
            crime,
            offence: OTHER_OFFENCE,
        }));
    }
}

/// Puts each report into the first delivery, the second, or first wrong and then right.
fn deliver(world: &World, family: &Family, reports: &[Report<'_>], block: &mut Block) {
    let draws = &mut world.chance.stream("dirt-police-reports", family.number);
    let dirt = &world.spec.dirt;
    for (report, number) in reports.iter().zip(1..) {
        let id = report_id(family, number);
        let late = draws.bernoulli(dirt.late.get());
        let days = if late {
            DAYS_TO_REPORT + draws.below(MOST_DAYS_LATE - DAYS_TO_REPORT + 1)
        } else {
            draws.below(DAYS_TO_REPORT)
        };
        let registered = report.crime + Days::new(days);
        let cells = cells(&id, report, registered);
        if registered > world.calendar.second_vintage() {
            continue;
        }
        if registered > world.calendar.first_vintage() {
            block.push(Extract::PoliceReports, Delivery::Second, &cells, draws);
            if let Some(rows) = block.rows(Extract::PoliceReports, Delivery::Second) {
                rows.counts.n_late += 1;
            }
        } else if report.offence != OTHER_OFFENCE && draws.bernoulli(dirt.revised.get()) {
            // The offence is classified for good only after the investigation.
            let mut first = cells;
            first[4] = Cell::Text(OTHER_OFFENCE);
            if let Some(rows) = block.rows(Extract::PoliceReports, Delivery::First) {
                rows.push_clean(&first);
                rows.counts.n_revised += 1;
            }
            if let Some(rows) = block.rows(Extract::PoliceReports, Delivery::Second) {
                rows.push_clean(&cells);
            }
        } else {
            block.push(Extract::PoliceReports, Delivery::First, &cells, draws);
        }
    }
}

fn cells<'a>(id: &'a str, report: &'a Report<'_>, registered: NaiveDate) -> [Cell<'a>; 5] {
    [
        Cell::Text(id),
        Cell::Text(&report.victim.id),
        Cell::Date(report.crime),
        Cell::Date(registered),
        Cell::Text(report.offence),
    ]
}

/// `A0000123-04`: the family's number and the report's within it.
fn report_id(family: &Family, number: u64) -> String {
    let mut id = "A".to_owned();
    write_padded(&mut id, family.number, 7);
    id.push('-');
    write_padded(&mut id, number, 2);
    id
}

#[expect(
    clippy::cast_precision_loss,
    reason = "reports of one family stay far below 2^53"
)]
fn count(n: u64) -> f64 {
    n as f64
}
