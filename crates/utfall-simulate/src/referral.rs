//! Referrals to programmes.

use utfall_stats::draws::Stream;

use crate::block::{Block, World};
use crate::calendar::Span;
use crate::extract::{Delivery, Extract};
use crate::family::{Family, Person};
use crate::rows::Cell;
use crate::truth::Intake;

/// A programme that people are referred to.
#[derive(Debug)]
pub(crate) struct Programme {
    /// Code in the register.
    pub(crate) code: &'static str,
    /// Who refers, either being as likely.
    pub(crate) referred_by: [&'static str; 2],
}

/// The absence programme.
pub(crate) const NARVARO: Programme = Programme {
    code: "NARVARO",
    referred_by: ["SKOLA", "SOCIALTJÄNST"],
};
/// The partner violence programme.
pub(crate) const DIALOG: Programme = Programme {
    code: "DIALOG",
    referred_by: ["POLIS", "SOCIALTJÄNST"],
};
/// The placement programme.
pub(crate) const NORRKOPING: Programme = Programme {
    code: "NORRKOPING",
    referred_by: ["SOCIALTJÄNST", "SKOLA"],
};
/// A programme that nobody evaluates.
const KONTAKT: Programme = Programme {
    code: "KONTAKT",
    referred_by: ["SOCIALTJÄNST", "SKOLA"],
};

/// Draws whether a considered unit is referred, and writes the referral of the person who stands for it.
///
/// A share `earlier` was referred a year before instead; those have had the programme and are not
/// referred again.
pub(crate) fn decide(world: &World, referral: &Referral<'_>, block: &mut Block) -> Decision {
    let Referral {
        programme,
        person,
        probability,
        earlier,
    } = *referral;
    let draws = &mut world.chance.stream(programme.code, person.number);
    if draws.bernoulli(earlier) {
        push(
            programme,
            person,
            world.calendar.months(-24, -12),
            block,
            draws,
        );
        return Decision::ReferredEarlier;
    }
    if draws.bernoulli(probability) {
        push(
            programme,
            person,
            world.calendar.referral_window(),
            block,
            draws,
        );
        return Decision::Referred;
    }
    Decision::NotReferred
}

/// A unit considered for referral to a programme.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Referral<'a> {
    pub(crate) programme: &'static Programme,
    /// The person who stands for the unit.
    pub(crate) person: &'a Person,
    pub(crate) probability: f64,
    pub(crate) earlier: f64,
}

/// What became of a unit considered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    Referred,
    ReferredEarlier,
    NotReferred,
}

impl Intake {
    /// Counts one unit considered.
    pub(crate) fn count(&mut self, decision: Decision) {
        self.n_considered += 1;
        match decision {
            Decision::Referred => self.n_referred += 1,
            Decision::ReferredEarlier => self.n_referred_earlier += 1,
            Decision::NotReferred => {}
        }
    }
}

/// Writes the referrals of a family to the programme nobody evaluates.
pub(crate) fn write_others(world: &World, family: &Family, block: &mut Block) {
    for person in family.persons() {
        let draws = &mut world.chance.stream(KONTAKT.code, person.number);
        if draws.bernoulli(world.spec.population.other_referral.get()) {
            let span = world.calendar.months(-24, 12).until(person.exit);
            push(&KONTAKT, person, span, block, draws);
        }
    }
}

fn push(programme: &Programme, person: &Person, span: Span, block: &mut Block, draws: &mut Stream) {
    let date = span.any_day(draws);
    let by = programme.referred_by[draws.index(2)];
    let cells = [
        Cell::Text(&person.id),
        Cell::Text(programme.code),
        Cell::Date(date),
        Cell::Text(by),
    ];
    block.push(Extract::Referrals, Delivery::First, &cells, draws);
}
