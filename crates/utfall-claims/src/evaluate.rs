//! What claims are worth under a rate card.

use std::collections::HashMap;

use chrono::{Days, NaiveDate};
use rayon::slice::ParallelSliceMut;
use serde::Serialize;
use utfall_payment::Money;

use crate::card::{CapPer, RateCard, Repeats};
use crate::claim::{Claim, Spell};
use crate::clock;
use crate::deadweight::Counted;

/// What claims are worth, claim by claim and line by line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Evaluation {
    /// One for each claim, in the order of the claims given.
    pub outcomes: Vec<Outcome>,
    /// One for each line of the card, in its order.
    pub lines: Vec<LineTotal>,
    /// What is due for all claims.
    pub total: Money,
}

/// What one claim is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Outcome {
    /// Price times units, in minor units, before deadweight and caps; 0 for a claim that does not count.
    pub full_minor_units: i128,
    /// What is due, in minor units.
    pub due_minor_units: i128,
    /// Why less than the price is due, or nothing.
    pub reason: Option<Reason>,
}

/// Why a claim is worth less than its price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// A later claim corrects it.
    Superseded,
    /// It was withdrawn.
    Withdrawn,
    /// The card asks for verification, and nobody has verified it.
    NotVerified,
    /// The milestone was reached outside the contract's days.
    OutsidePeriod,
    /// The line had no price on that day.
    NoPrice,
    /// It was submitted later than the card allows.
    Late,
    /// The state had not lasted long enough on that day.
    NotSustained,
    /// The line that must come before was not reached.
    WithoutEarlier,
    /// The person was paid for it as often as the line pays.
    Repeated,
    /// Some of it would have happened anyway.
    Deadweight,
    /// A cap left less than its price. The number is the cap's place in the card.
    Capped(usize),
}

/// What the claims of one line are worth.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct LineTotal {
    /// The line.
    pub line: String,
    /// Claims stated, each correction counted as one more.
    pub n_claims: u64,
    /// Claims that count, whether or not a cap binds.
    pub n_counted: u64,
    /// Units of the claims that count.
    pub units: u64,
    /// Different persons of the claims that count.
    pub n_persons: u64,
    /// What is due.
    pub due: Money,
}

/// Prices claims against a rate card as known on the day `until`.
///
/// Claims count in the order of achievement, then of the card's lines, then of their ids; so caps bind the
/// latest, and the order in which claims are given changes nothing. A claim whose line is not on the card does not
/// count ([`Reason::NoPrice`]); a store refuses it before.
///
/// Of the claims that count for a person, a sustained line pays one for each time its clock ran out.
#[must_use]
pub fn evaluate(
    card: &RateCard,
    claims: &[Claim],
    spells: &[Spell],
    until: NaiveDate,
) -> Evaluation {
    let lines: Vec<Option<usize>> = places(card, claims);
    let (persons, n_persons) = numbered(claims);
    let mut outcomes = vec![Outcome::NOTHING; claims.len()];
    let superseded: HashMap<&str, ()> = claims
        .iter()
        .filter(|claim| !claim.withdrawn)
        .filter_map(|claim| Some((claim.supersedes.as_deref()?, ())))
        .collect();
    let mut order = Vec::with_capacity(claims.len());
    for (index, claim) in claims.iter().enumerate() {
        let is_superseded = superseded.contains_key(claim.id.as_str());
        match refusal(card, claim, lines[index], is_superseded) {
            Some(reason) => outcomes[index].reason = Some(reason),
            None => order.push(index),
        }
    }
    order.par_sort_unstable_by(|&a, &b| {
        let key = |index: usize| (claims[index].achieved, lines[index]);
        key(a)
            .cmp(&key(b))
            .then_with(|| claims[a].id.cmp(&claims[b].id))
    });
    let clocks = Clocks::new(card, spells, until);
    let mut book = Book::new(card, n_persons);
    for index in order {
        let (claim, person) = (&claims[index], persons[index]);
        if let Some(line) = lines[index] {
            outcomes[index] = book.take(claim, person, line, &clocks);
        }
    }
    total(card, claims, &lines, outcomes, &persons, n_persons)
}

impl Outcome {
    const NOTHING: Self = Self {
        full_minor_units: 0,
        due_minor_units: 0,
        reason: None,
    };

    /// Whether the claim counts as an achievement, even where deadweight or a cap leaves nothing for it.
    #[must_use]
    pub fn counts(&self) -> bool {
        matches!(
            self.reason,
            None | Some(Reason::Deadweight | Reason::Capped(_))
        )
    }
}

impl Reason {
    /// The reason in words.
    #[must_use]
    pub fn text(self, card: &RateCard) -> String {
        match self {
            Self::Superseded => "corrected by a later claim".to_owned(),
            Self::Withdrawn => "withdrawn".to_owned(),
            Self::NotVerified => "not verified".to_owned(),
            Self::OutsidePeriod => "reached outside the contract's days".to_owned(),
            Self::NoPrice => "the line has no price on that day".to_owned(),
            Self::Late => "submitted too late".to_owned(),
            Self::NotSustained => "had not lasted long enough".to_owned(),
            Self::WithoutEarlier => "the milestone before it was not reached".to_owned(),
            Self::Repeated => "paid as often as the line pays for a person".to_owned(),
            Self::Deadweight => "would have happened anyway".to_owned(),
            Self::Capped(place) => match card.caps.get(place) {
                Some(cap) => format!("the cap `{}` is reached", cap.id),
                None => "a cap is reached".to_owned(),
            },
        }
    }
}

/// The place of each claim's line in the card.
fn places(card: &RateCard, claims: &[Claim]) -> Vec<Option<usize>> {
    let known: HashMap<&str, usize> = card
        .lines
        .iter()
        .enumerate()
        .map(|(place, line)| (line.id.as_str(), place))
        .collect();
    claims
        .iter()
        .map(|claim| known.get(claim.line.as_str()).copied())
        .collect()
}

/// A number for each claim's person, and how many there are.
fn numbered(claims: &[Claim]) -> (Vec<usize>, usize) {
    let mut known: HashMap<&str, usize> = HashMap::new();
    let numbers = claims
        .iter()
        .map(|claim| {
            let next = known.len();
            *known.entry(claim.person.as_str()).or_insert(next)
        })
        .collect();
    (numbers, known.len())
}

/// Why a claim does not count whatever the others are.
fn refusal(
    card: &RateCard,
    claim: &Claim,
    line: Option<usize>,
    superseded: bool,
) -> Option<Reason> {
    let deadline = card
        .submit_within_days
        .and_then(|days| claim.achieved.checked_add_days(Days::new(days.into())));
    let price = line.and_then(|line| card.lines[line].price(claim.achieved));
    if claim.withdrawn {
        Some(Reason::Withdrawn)
    } else if superseded {
        Some(Reason::Superseded)
    } else if card.verified && claim.verified.is_none() {
        Some(Reason::NotVerified)
    } else if !card.period.contains(claim.achieved) {
        Some(Reason::OutsidePeriod)
    } else if deadline.is_some_and(|deadline| claim.submitted_on > deadline) {
        Some(Reason::Late)
    } else if price.is_none() {
        Some(Reason::NoPrice)
    } else {
        None
    }
}

/// The days on which persons' clocks ran out, by line.
struct Clocks<'s> {
    /// By the line's place; only sustained lines.
    lines: HashMap<usize, HashMap<&'s str, Vec<NaiveDate>>>,
}

impl<'s> Clocks<'s> {
    fn new(card: &RateCard, spells: &'s [Spell], until: NaiveDate) -> Self {
        let mut lines = HashMap::new();
        for (place, line) in card.lines.iter().enumerate() {
            let Some(rule) = &line.sustained else {
                continue;
            };
            let mut by_person: HashMap<&str, Vec<&Spell>> = HashMap::new();
            for spell in spells.iter().filter(|spell| spell.state == rule.state) {
                by_person
                    .entry(spell.person.as_str())
                    .or_default()
                    .push(spell);
            }
            let reached = by_person
                .into_iter()
                .map(|(person, spells)| {
                    (
                        person,
                        clock::milestones(&spells, rule, &card.holidays, until),
                    )
                })
                .collect();
            lines.insert(place, reached);
        }
        Self { lines }
    }

    /// How many times the clock of a sustained line had run out for a person by a day.
    fn n_reached(&self, line: usize, claim: &Claim) -> Option<u32> {
        let reached = self.lines.get(&line)?.get(claim.person.as_str());
        let n = reached.map_or(0, |days| {
            days.iter().filter(|day| **day <= claim.achieved).count()
        });
        Some(u32::try_from(n).unwrap_or(u32::MAX))
    }
}

/// What was paid so far.
struct Book<'c> {
    card: &'c RateCard,
    /// Claims counted, by person and line.
    n_counted: Vec<u32>,
    /// What each line has counted, for its deadweight.
    counted: Vec<Counted>,
    /// Paid under each cap: by person, or for all.
    paid: Vec<Vec<i128>>,
    /// Caps that bound each line.
    caps: Vec<Vec<usize>>,
}

impl<'c> Book<'c> {
    fn new(card: &'c RateCard, n_persons: usize) -> Self {
        let paid = card.caps.iter().map(|cap| match cap.per {
            CapPer::Person => vec![0; n_persons],
            CapPer::Contract => vec![0],
        });
        let caps = (0..card.lines.len()).map(|line| {
            let bounding = card.caps.iter().enumerate();
            let bounding = bounding.filter(|(_, cap)| cap.lines.contains(&line));
            bounding.map(|(place, _)| place).collect()
        });
        Self {
            card,
            n_counted: vec![0; n_persons * card.lines.len()],
            counted: vec![Counted::default(); card.lines.len()],
            paid: paid.collect(),
            caps: caps.collect(),
        }
    }

    fn take(&mut self, claim: &Claim, person: usize, place: usize, clocks: &Clocks<'_>) -> Outcome {
        let line = &self.card.lines[place];
        let first = person * self.card.lines.len();
        let n_counted = self.n_counted[first + place];
        let nothing = |reason| Outcome {
            reason: Some(reason),
            ..Outcome::NOTHING
        };
        if line
            .after
            .is_some_and(|earlier| self.n_counted[first + earlier] == 0)
        {
            return nothing(Reason::WithoutEarlier);
        }
        let is_over = match line.repeats {
            Repeats::First => n_counted >= 1,
            Repeats::AtMost(most) => n_counted >= most,
            Repeats::Every => false,
        };
        if is_over {
            return nothing(Reason::Repeated);
        }
        match clocks.n_reached(place, claim) {
            Some(0) => return nothing(Reason::NotSustained),
            Some(n_reached) if n_counted >= n_reached => return nothing(Reason::NotSustained),
            _ => {}
        }
        self.n_counted[first + place] += 1;
        let price = line.price(claim.achieved).unwrap_or_default();
        let full = price * i128::from(claim.quantity);
        let left = line.deadweight.as_ref().map_or(full, |deadweight| {
            self.counted[place].add(deadweight, claim.quantity, price)
        });
        let outcome = Outcome {
            full_minor_units: full,
            due_minor_units: left,
            reason: (left < full).then_some(Reason::Deadweight),
        };
        self.within_caps(claim, person, place, outcome)
    }

    /// Pays up to what the caps leave.
    fn within_caps(
        &mut self,
        claim: &Claim,
        person: usize,
        place: usize,
        mut outcome: Outcome,
    ) -> Outcome {
        let applies = |cap: usize| {
            let period = self.card.caps[cap].period;
            period.is_none_or(|period| period.contains(claim.achieved))
        };
        let caps: Vec<usize> = self.caps[place]
            .iter()
            .copied()
            .filter(|cap| applies(*cap))
            .collect();
        let slot = |cap: usize| match self.card.caps[cap].per {
            CapPer::Person => person,
            CapPer::Contract => 0,
        };
        for &cap in &caps {
            let left = self.card.caps[cap].minor_units - self.paid[cap][slot(cap)];
            if left < outcome.due_minor_units {
                outcome.due_minor_units = left;
                outcome.reason = Some(Reason::Capped(cap));
            }
        }
        for &cap in &caps {
            self.paid[cap][slot(cap)] += outcome.due_minor_units;
        }
        outcome
    }
}

fn total(
    card: &RateCard,
    claims: &[Claim],
    lines: &[Option<usize>],
    outcomes: Vec<Outcome>,
    persons: &[usize],
    n_persons: usize,
) -> Evaluation {
    let mut totals: Vec<LineTotal> = card
        .lines
        .iter()
        .map(|line| LineTotal {
            line: line.id.clone(),
            n_claims: 0,
            n_counted: 0,
            units: 0,
            n_persons: 0,
            due: card.money(0),
        })
        .collect();
    let mut seen = vec![false; n_persons * card.lines.len()];
    for (index, outcome) in outcomes.iter().enumerate() {
        let Some(place) = lines[index] else {
            continue;
        };
        let line = &mut totals[place];
        line.n_claims += 1;
        if outcome.counts() {
            line.n_counted += 1;
            line.units += u64::from(claims[index].quantity);
            let is_new =
                !std::mem::replace(&mut seen[persons[index] * card.lines.len() + place], true);
            line.n_persons += u64::from(is_new);
        }
        line.due = card.money(line.due.minor_units() + outcome.due_minor_units);
    }
    let sum = totals.iter().map(|line| line.due.minor_units()).sum();
    Evaluation {
        outcomes,
        lines: totals,
        total: card.money(sum),
    }
}
