//! Children's placements, and who is referred to `NORRKOPING`.
//!
//! Referral, and the nights placed in the 24 months after the index date, depend on the nights
//! placed in the 24 months before and on the merit at the last term before, and on nothing else,
//! so referral is ignorable given these two. A child is placed at one tariff throughout; what
//! overlaps an episode is cheaper relief care inside it, or a part of it registered twice, so
//! that each night counted once at the dearest tariff gives the cost exactly.

use chrono::{Datelike, Days, NaiveDate};
use utfall_stats::draws::Stream;

use crate::block::{Block, Sums, World};
use crate::calendar::Span;
use crate::chance::{bounded_noise, float, logistic, pick, round_fairly};
use crate::episodes::lay;
use crate::extract::{Delivery, Extract};
use crate::family::Person;
use crate::grade::{self, Merits};
use crate::referral::{self, Decision, NORRKOPING, Referral};
use crate::rows::Cell;
use crate::spec::PlacementSpec;
use crate::truth::ProgrammeTruth;

/// Ages, in whole years of the index year, of the children who may be placed.
const AGES: std::ops::RangeInclusive<i32> = 11..=14;
/// Forms of placement, their shares, and their tariff in öre a night.
const FORMS: [(&str, f64, i64); 3] = [
    ("FAMILJEHEM", 0.50, 195_000),
    ("KONSULENT", 0.35, 274_050),
    ("HVB", 0.15, 361_000),
];
/// Relief care inside another placement.
const RELIEF: (&str, i64) = ("AVLASTNING", 90_000);
/// Centres of nights and merit in the models.
const CENTRE_NIGHTS: f64 = 365.0;
const CENTRE_MERIT: f64 = 167.0;
/// Fewest nights of an episode that anything overlaps.
const FEWEST_OVERLAPPED: i64 = 12;

/// A form of placement and its tariff in öre.
#[derive(Debug, Clone, Copy)]
struct Form {
    code: &'static str,
    tariff: i64,
}

/// Writes a child's placements and merits, and refers the child or not.
pub(crate) fn write(world: &World, spec: &PlacementSpec, child: &Person, block: &mut Block) {
    let draws = &mut world.chance.stream("placements", child.number);
    let placed = AGES.contains(&(world.calendar.index_year() - child.birth.year()))
        && draws.bernoulli(spec.placed.get());
    let before = world.calendar.months(-24, 0);
    let nights = if placed {
        nights_before(spec, before, draws)
    } else {
        0
    };
    let merits = Merits::draw(world, spec, child, nights);
    let referred = placed && refer(world, spec, child, nights, merits.before(), block);
    grade::write(world, child, &merits, referred, block);
    if let Some(difference) = merits.expected_difference().filter(|_| referred) {
        block.sums.merit.push(difference);
    }
    if !placed {
        return;
    }
    let form = draw_form(draws);
    let (without, with) = nights_after(world, spec, child, nights, merits.before(), draws);
    if referred {
        block.sums.nights.push(with - without);
        block
            .sums
            .cost
            .push((with - without) * float(form.tariff) / 100.0);
    }
    let after = round_fairly(if referred { with } else { without }, draws);
    let mut episodes = lay(nights, before, draws);
    episodes.extend(lay(
        after,
        world.calendar.months(0, 24).until(child.exit),
        draws,
    ));
    register(world, spec, child, form, &joined(episodes), block);
}

/// The programme and its effects.
pub(crate) fn truth(world: &World, sums: &Sums) -> ProgrammeTruth {
    let span = world.calendar.months(0, 24);
    let within = format!("in [{}, {}), mean over the referred", span.start, span.end);
    let cost = format!(
        "cost of the nights placed {within}; each night once, at the dearest tariff of that night"
    );
    let nights = format!("nights placed {within}; each night once");
    let merit = format!(
        "merit of the term that ends {}, mean over the referred who get one",
        grade::after_term(world)
    );
    let effects = vec![
        sums.cost
            .truth("placement-cost", "SEK per child in 24 months", cost),
        sums.nights
            .truth("placement-nights", "nights per child in 24 months", nights),
        sums.merit.truth("merit", "points", merit),
    ];
    sums.placements.truth(&NORRKOPING, "person", effects)
}

/// Nights placed before the index date: at least one, and no more than there are.
fn nights_before(spec: &PlacementSpec, before: Span, draws: &mut Stream) -> i64 {
    let spread = f64::from(spec.nights_spread) * 0.5 * (draws.uniform() + draws.uniform());
    (i64::from(spec.fewest_nights) + round_fairly(spread, draws))
        .min(before.days())
        .max(1)
}

/// The expected nights in the 24 months after the index date, without and with the programme.
///
/// Who dies or moves away is placed in as large a share of the days left.
fn nights_after(
    world: &World,
    spec: &PlacementSpec,
    child: &Person,
    nights: i64,
    merit: f64,
    draws: &mut Stream,
) -> (f64, f64) {
    let span = world.calendar.months(0, 24);
    let days = float(span.days());
    let mean = spec.intercept.get()
        + spec.per_night.get() * float(nights)
        + spec.per_point.get() * (merit - CENTRE_MERIT);
    let held = |nights: f64| nights.max(0.0).min(days);
    let without = held(mean * (1.0 + spec.noise.get() * bounded_noise(draws)));
    let with = held(without + spec.programme.effect_nights.get());
    let here = float(span.until(child.exit).days()) / days;
    (without * here, with * here)
}

/// Considers a child for the programme.
fn refer(
    world: &World,
    spec: &PlacementSpec,
    child: &Person,
    nights: i64,
    merit: f64,
    block: &mut Block,
) -> bool {
    if !child.is_here(world.calendar.index_date()) {
        return false;
    }
    let programme = &spec.programme;
    let logit = programme.intercept.get()
        + programme.per_hundred_nights.get() * (float(nights) - CENTRE_NIGHTS) / 100.0
        + programme.per_point.get() * (merit - CENTRE_MERIT);
    let earlier = programme.referred_earlier.get();
    let referral = Referral {
        programme: &NORRKOPING,
        person: child,
        probability: logistic(logit),
        earlier,
    };
    let decision = referral::decide(world, &referral, block);
    block.sums.placements.count(decision);
    decision == Decision::Referred
}

fn draw_form(draws: &mut Stream) -> Form {
    let (code, _, tariff) = FORMS[pick(&FORMS.map(|(_, share, _)| share), draws)];
    Form { code, tariff }
}

/// Joins episodes that touch: a placement that goes on over the index date is one.
fn joined(episodes: Vec<Span>) -> Vec<Span> {
    let mut joined: Vec<Span> = Vec::with_capacity(episodes.len());
    for episode in episodes {
        match joined.last_mut() {
            Some(last) if last.end == episode.start => last.end = episode.end,
            _ => joined.push(episode),
        }
    }
    joined
}

/// Writes the episodes, and what overlaps them.
fn register(
    world: &World,
    spec: &PlacementSpec,
    child: &Person,
    form: Form,
    episodes: &[Span],
    block: &mut Block,
) {
    let draws = &mut world.chance.stream("dirt-placements", child.number);
    let end = world.calendar.months(0, 24).end;
    for &episode in episodes {
        let episode = episode.until(child.exit);
        if episode.days() == 0 {
            continue;
        }
        // Whoever is placed to the last day stays placed: no end yet.
        let stop = Some(episode.end).filter(|&stop| stop < end);
        push(child, form, episode.start, stop, block, draws);
        let relief = Form {
            code: RELIEF.0,
            tariff: RELIEF.1,
        };
        for (share, form) in [(spec.registered_twice, form), (spec.relief, relief)] {
            if episode.days() >= FEWEST_OVERLAPPED && draws.bernoulli(share.get()) {
                let inside = inside(episode, draws);
                push(child, form, inside.start, Some(inside.end), block, draws);
                if let Some(rows) = block.rows(Extract::Placements, Delivery::First) {
                    rows.counts.n_overlapping += 1;
                }
            }
        }
    }
}

/// A span of at least one night that starts after the episode does and ends no later.
fn inside(episode: Span, draws: &mut Stream) -> Span {
    let start = Span {
        start: episode.start + Days::new(1),
        end: episode.end,
    }
    .any_day(draws);
    let end = Span {
        start: start + Days::new(1),
        end: episode.end + Days::new(1),
    }
    .any_day(draws);
    Span { start, end }
}

fn push(
    child: &Person,
    form: Form,
    start: NaiveDate,
    stop: Option<NaiveDate>,
    block: &mut Block,
    draws: &mut Stream,
) {
    let cells = [
        Cell::Text(&child.id),
        Cell::Date(start),
        stop.into(),
        Cell::Text(form.code),
        Cell::Decimal(form.tariff),
    ];
    block.push(Extract::Placements, Delivery::First, &cells, draws);
}
