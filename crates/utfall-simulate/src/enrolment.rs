//! Pupils' enrolment, one episode a school year, two where the pupil changed school.

use chrono::{Days, NaiveDate};
use utfall_stats::draws::Stream;

use crate::block::{Block, World};
use crate::calendar::{self, Span};
use crate::extract::{Delivery, Extract};
use crate::family::{Person, grade};
use crate::rows::{Cell, write_padded};

/// Days by which a school that closes an episode late overlaps the next school.
const OVERLAP_DAYS: u64 = 14;

/// Writes the enrolment of a child in the three school years around the index date.
pub(crate) fn write(world: &World, child: &Person, block: &mut Block) {
    let draws = &mut world.chance.stream("enrolment", child.number);
    let mut school = draw_school(world, draws);
    for year in world.calendar.index_year() - 1..=world.calendar.index_year() + 1 {
        let Some(grade) = grade(child.birth, year) else {
            continue;
        };
        let span = Span {
            start: calendar::day(year, 8, 16),
            end: calendar::day(year + 1, 6, 16),
        };
        let span = span.until(child.exit);
        if span.days() == 0 {
            continue;
        }
        let mut start = span.start;
        if draws.bernoulli(world.spec.population.changing_school.get()) {
            let change = Span {
                start: span.start + Days::new(1),
                end: span.end,
            }
            .any_day(draws);
            let next = draw_school(world, draws);
            // A change after the delivery is not known yet.
            if change < span.end && change <= world.calendar.second_vintage() && next != school {
                let overlaps = draws.bernoulli(world.spec.dirt.overlapping.get());
                let stop = if overlaps {
                    (change + Days::new(OVERLAP_DAYS)).min(span.end)
                } else {
                    change
                };
                push(
                    world,
                    child,
                    &Episode {
                        school: &school,
                        grade,
                        start,
                        stop,
                    },
                    block,
                    draws,
                );
                if let Some(rows) = block
                    .rows(Extract::Enrolment, Delivery::First)
                    .filter(|_| overlaps)
                {
                    rows.counts.n_overlapping += 1;
                }
                (school, start) = (next, change);
            }
        }
        push(
            world,
            child,
            &Episode {
                school: &school,
                grade,
                start,
                stop: span.end,
            },
            block,
            draws,
        );
    }
}

/// An episode of enrolment, `[start, stop)`.
#[derive(Debug)]
struct Episode<'a> {
    school: &'a str,
    grade: i64,
    start: NaiveDate,
    stop: NaiveDate,
}

fn push(
    world: &World,
    child: &Person,
    episode: &Episode<'_>,
    block: &mut Block,
    draws: &mut Stream,
) {
    // An episode that goes on after the delivery has no end yet.
    let stop = Some(episode.stop).filter(|&stop| stop <= world.calendar.second_vintage());
    let cells = [
        Cell::Text(&child.id),
        Cell::Text(episode.school),
        Cell::Whole(episode.grade),
        Cell::Date(episode.start),
        stop.into(),
    ];
    block.push(Extract::Enrolment, Delivery::First, &cells, draws);
}

fn draw_school(world: &World, draws: &mut Stream) -> String {
    let mut school = "S".to_owned();
    write_padded(
        &mut school,
        draws.below(world.spec.population.n_schools.get()) + 1,
        3,
    );
    school
}
