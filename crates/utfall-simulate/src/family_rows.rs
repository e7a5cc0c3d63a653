//! The registers of persons and of families.

use chrono::NaiveDate;

use crate::block::{Block, World};
use crate::extract::{Delivery, Extract};
use crate::family::{Family, Person};
use crate::rows::Cell;

/// Writes a family and its persons as known at each delivery.
pub(crate) fn write(world: &World, family: &Family, block: &mut Block) {
    let draws = &mut world.chance.stream("dirt-persons", family.number);
    let first = world.calendar.second_vintage();
    let second = world.calendar.late_vintage();
    for person in family.persons() {
        block.sums.n_persons += 1;
        let cells = person_cells(family, person, first);
        block.push(Extract::Persons, Delivery::First, &cells, draws);
        if person
            .exit
            .is_some_and(|exit| first < exit && exit <= second)
        {
            let cells = person_cells(family, person, second);
            block.push(Extract::Persons, Delivery::Second, &cells, draws);
        }
    }
    let cells = [
        Cell::Text(&family.id),
        Cell::Text(family.municipality),
        Cell::Whole(i64::try_from(family.children.len()).unwrap_or(0)),
        known(family.moves_out, first).into(),
    ];
    block.push(Extract::Families, Delivery::First, &cells, draws);
}

fn person_cells<'a>(family: &'a Family, person: &'a Person, vintage: NaiveDate) -> [Cell<'a>; 7] {
    [
        Cell::Text(&person.id),
        Cell::Text(&family.id),
        Cell::Date(person.birth),
        Cell::Text(if person.woman { "2" } else { "1" }),
        Cell::Text(family.municipality),
        known(person.death, vintage).into(),
        // A dead person does not move, whatever the family does later.
        known(family.moves_out.filter(|_| person.death.is_none()), vintage).into(),
    ]
}

/// A date, if it had come by the time of a delivery.
fn known(date: Option<NaiveDate>, vintage: NaiveDate) -> Option<NaiveDate> {
    date.filter(|&date| date <= vintage)
}
