//! Families and the persons in them.

use std::sync::Arc;

use chrono::{Datelike, NaiveDate};
use utfall_stats::draws::Stream;

use crate::block::World;
use crate::calendar::{self, Span};
use crate::chance::{between, pick};
use crate::rows::write_padded;

/// Slots a family takes in the numbering of persons: two adults, then two children.
pub(crate) const SLOTS: u64 = 4;

/// Municipality codes, the first being home to most.
pub(crate) const MUNICIPALITIES: [&str; 5] = ["0581", "0580", "0582", "0562", "0583"];

/// A family.
#[derive(Debug)]
pub(crate) struct Family {
    /// Its number, from 0.
    pub(crate) number: u64,
    pub(crate) id: String,
    pub(crate) municipality: &'static str,
    /// One or two; the first is present in every family.
    pub(crate) adults: Vec<Person>,
    pub(crate) children: Vec<Person>,
    /// First day away.
    pub(crate) moves_out: Option<NaiveDate>,
}

/// A person.
#[derive(Debug)]
pub(crate) struct Person {
    /// Its number, which orders ids and keys streams.
    pub(crate) number: u64,
    pub(crate) id: Arc<str>,
    pub(crate) birth: NaiveDate,
    pub(crate) woman: bool,
    pub(crate) death: Option<NaiveDate>,
    /// First day on which the person is dead or gone.
    pub(crate) exit: Option<NaiveDate>,
}

impl Person {
    /// Whether the person is alive and resident on a day.
    pub(crate) fn is_here(&self, date: NaiveDate) -> bool {
        self.exit.is_none_or(|exit| exit > date)
    }
}

impl Family {
    /// Draws the family of a number.
    pub(crate) fn draw(world: &World, number: u64) -> Self {
        let spec = &world.spec.population;
        let draws = &mut world.chance.stream("family", number);
        let n_adults = 1 + u64::from(draws.bernoulli(spec.two_adults.get()));
        let n_children = pick(&spec.children.map(|share| share.get()), draws) as u64;
        let municipality = MUNICIPALITIES[if draws.bernoulli(0.9) {
            0
        } else {
            draws.index(MUNICIPALITIES.len())
        }];
        let around = world.calendar.months(-12, 24);
        let moves_out = draws
            .bernoulli(spec.moving.get())
            .then(|| around.any_day(draws));
        let mut family = Self {
            number,
            id: identifier("F", number, 7),
            municipality,
            adults: Vec::new(),
            children: Vec::new(),
            moves_out,
        };
        for slot in 0..n_adults {
            let woman = draws.bernoulli(if slot == 0 { 0.8 } else { 0.2 });
            let years = between(28, 50, draws);
            let person = family.person(
                world,
                slot,
                woman,
                years,
                spec.adults_dying.get(),
                around,
                draws,
            );
            family.adults.push(person);
        }
        for slot in 2..2 + n_children {
            let woman = draws.bernoulli(0.5);
            let (youngest, oldest) = (
                spec.youngest_child.min(spec.oldest_child),
                spec.oldest_child,
            );
            let years = between(youngest.into(), oldest.into(), draws);
            let person = family.person(
                world,
                slot,
                woman,
                years,
                spec.children_dying.get(),
                around,
                draws,
            );
            family.children.push(person);
        }
        family
    }

    /// The adults, then the children.
    pub(crate) fn persons(&self) -> impl Iterator<Item = &Person> {
        self.adults.iter().chain(&self.children)
    }

    /// The adult that stands for the family in registers of adults.
    pub(crate) fn first_adult(&self) -> Option<&Person> {
        self.adults.first()
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "every one is a draw or a bound of it, used in this file only"
    )]
    fn person(
        &self,
        world: &World,
        slot: u64,
        woman: bool,
        years: i64,
        dying: f64,
        around: Span,
        draws: &mut Stream,
    ) -> Person {
        let number = self.number * SLOTS + slot;
        let year = world.calendar.index_year() - i32::try_from(years).unwrap_or(0);
        let birth = calendar::day(
            year,
            between(1, 12, draws) as u32,
            between(1, 28, draws) as u32,
        );
        let death = draws.bernoulli(dying).then(|| around.any_day(draws));
        // Whoever has moved away dies elsewhere, and this register never hears of it.
        let death = death.filter(|&death| self.moves_out.is_none_or(|moves| death < moves));
        let exit = calendar::earliest(death, self.moves_out);
        Person {
            number,
            id: identifier("P", number, 8).into(),
            birth,
            woman,
            death,
            exit,
        }
    }
}

/// The grade in which somebody born in `birth` is in the school year that begins in `year`; `None`
/// outside compulsory school.
pub(crate) fn grade(birth: NaiveDate, year: i32) -> Option<i64> {
    let grade = i64::from(year - birth.year() - 6);
    (1..=9).contains(&grade).then_some(grade)
}

/// An identifier that is no identity number: a letter, and digits in the order of the persons.
fn identifier(letter: &str, number: u64, width: usize) -> String {
    let mut id = letter.to_owned();
    write_padded(&mut id, number, width);
    id
}
