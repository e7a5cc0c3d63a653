//! Nights in shelter. A stay is registered on the adult; children are not listed.

use chrono::Days;
use utfall_stats::draws::Stream;

use crate::block::{Block, World};
use crate::calendar::Span;
use crate::chance::between;
use crate::extract::{Delivery, Extract};
use crate::family::Person;
use crate::rows::Cell;
use crate::spec::ViolenceSpec;

/// Fewest and most nights of a stay.
const NIGHTS: (i64, i64) = (5, 90);
/// Nights by which two shelters overlap when a stay moved and the first closed it late.
const OVERLAP_NIGHTS: u64 = 2;

const SHELTERS: [&str; 4] = ["Björkgården", "Åsen", "Linnéa", "Skärgården"];

/// Writes the stays of an adult, and says how many nights there were in the year before the index date.
pub(crate) fn write(
    world: &World,
    spec: &ViolenceSpec,
    adult: &Person,
    known: bool,
    block: &mut Block,
) -> i64 {
    let draws = &mut world.chance.stream("shelter", adult.number);
    let mut nights = 0;
    for (months, share) in [((-12, 0), 1.0), ((0, 12), 0.5)] {
        if !known || !draws.bernoulli(share * spec.sheltered.get()) {
            continue;
        }
        let stay = draw_stay(world.calendar.months(months.0, months.1), draws);
        if months.1 == 0 {
            nights += stay.days();
        }
        register(world, adult, stay.until(adult.exit), block, draws);
    }
    nights
}

fn draw_stay(year: Span, draws: &mut Stream) -> Span {
    let nights = between(NIGHTS.0, NIGHTS.1, draws).unsigned_abs();
    let start = year.start + Days::new(draws.below(year.days().unsigned_abs() - nights + 1));
    Span {
        start,
        end: start + Days::new(nights),
    }
}

/// Writes a stay as one row, or as two that overlap.
fn register(world: &World, adult: &Person, stay: Span, block: &mut Block, draws: &mut Stream) {
    let first = draws.index(SHELTERS.len());
    let second = (first + 1) % SHELTERS.len();
    let overlaps = draws.bernoulli(world.spec.dirt.overlapping.get()) && stay.days() >= NIGHTS.0;
    if !overlaps {
        if stay.days() > 0 {
            push(adult, stay, SHELTERS[first], block, draws);
        }
        return;
    }
    let moved = stay.start + Days::new(stay.days().unsigned_abs() / 2);
    push(
        adult,
        Span {
            start: stay.start,
            end: moved + Days::new(OVERLAP_NIGHTS),
        },
        SHELTERS[first],
        block,
        draws,
    );
    push(
        adult,
        Span {
            start: moved,
            end: stay.end,
        },
        SHELTERS[second],
        block,
        draws,
    );
    if let Some(rows) = block.rows(Extract::Shelter, Delivery::First) {
        rows.counts.n_overlapping += 1;
    }
}

fn push(adult: &Person, stay: Span, shelter: &str, block: &mut Block, draws: &mut Stream) {
    let cells = [
        Cell::Text(&adult.id),
        Cell::Date(stay.start),
        Cell::Date(stay.end),
        Cell::Text(shelter),
    ];
    block.push(Extract::Shelter, Delivery::First, &cells, draws);
}
