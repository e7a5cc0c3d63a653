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
        let moves_out = draws
            .bernoulli(spec.moving.get())
            .then(|| observed(world).any_day(draws));
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
            let age = between(28, 50, draws);
            let dying = spec.adults_dying.get();
            family.adults.push(family.person(
                world,
                &Traits {
                    slot,
                    woman,
                    age,
                    dying,
                },
                draws,
            ));
        }
        for slot in 2..2 + n_children {
            let woman = draws.bernoulli(0.5);
            let youngest = spec.youngest_child.min(spec.oldest_child);
            let age = between(youngest.into(), spec.oldest_child.into(), draws);
            let dying = spec.children_dying.get();
            family.children.push(family.person(
                world,
                &Traits {
                    slot,
                    woman,
                    age,
                    dying,
                },
                draws,
            ));
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

    fn person(&self, world: &World, traits: &Traits, draws: &mut Stream) -> Person {
        let number = self.number * SLOTS + traits.slot;
        let year = world.calendar.index_year() - i32::try_from(traits.age).unwrap_or(0);
        let birth = calendar::day(year, 1 + draws.below(12) as u32, 1 + draws.below(28) as u32);
        let death = draws
            .bernoulli(traits.dying)
            .then(|| observed(world).any_day(draws));
        // Whoever has moved away dies elsewhere, and this register never hears of it.
        let death = death.filter(|&death| self.moves_out.is_none_or(|moves| death < moves));
        let exit = calendar::earliest(death, self.moves_out);
        Person {
            number,
            id: identifier("P", number, 8).into(),
            birth,
            woman: traits.woman,
            death,
            exit,
        }
    }
}

/// What distinguishes the persons of a family.
#[derive(Debug)]
struct Traits {
    slot: u64,
    woman: bool,
    /// Whole years in the index year.
    age: i64,
    /// Probability of dying in the months observed.
    dying: f64,
}

/// The months in which people may die or move.
fn observed(world: &World) -> Span {
    world.calendar.months(-12, 24)
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
