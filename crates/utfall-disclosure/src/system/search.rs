//! How far one number can move while all others stay where they may.

use super::mending::mend;
use super::network::{Network, Scratch};
use super::{Interval, Move, System};

/// What a number may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Freedom {
    /// As things stand.
    pub(crate) now: Interval,
    /// If it were suppressed.
    pub(crate) suppressed: Interval,
    /// What is lost by suppressing it; `None` if it cannot be, or already is.
    pub(crate) loss: Option<u64>,
}

/// What it costs to let a number change by so much, or that it cannot.
pub(crate) type Price<'a> = dyn FnMut(usize, i64) -> Option<u64> + 'a;

/// For a number, the cheapest of the changes known to add up in which it is one more, and its price.
pub(crate) type Cubes<'a> = dyn Fn(usize, &mut Price<'_>) -> Option<(u64, Move)> + 'a;

/// Numbers that are true, and how free each of them is.
pub(crate) struct Search<'a> {
    system: &'a System,
    cubes: &'a Cubes<'a>,
    network: Network,
    values: Vec<i64>,
    freedom: Vec<Freedom>,
    scratch: Scratch,
}

/// How far a number moves in all, up and down, and by which changes of the true numbers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Widened {
    /// How far up.
    pub(crate) up: i64,
    /// How far down.
    pub(crate) down: i64,
    /// The changes that take it to its greatest and to its least value.
    pub(crate) witnesses: [Move; 2],
    /// Numbers to suppress for it.
    pub(crate) suppress: Vec<usize>,
}

impl<'a> Search<'a> {
    pub(crate) fn new(
        system: &'a System,
        cubes: &'a Cubes<'a>,
        values: Vec<i64>,
        freedom: Vec<Freedom>,
    ) -> Self {
        let is_free: Vec<bool> = freedom
            .iter()
            .map(|one| one.now.least < one.now.most)
            .collect();
        let moves: Vec<bool> = freedom
            .iter()
            .map(|one| {
                let if_suppressed = one.suppressed.least < one.suppressed.most;
                one.now.least < one.now.most || (one.loss.is_some() && if_suppressed)
            })
            .collect();
        Self {
            system,
            cubes,
            network: Network::of(system, &moves, &is_free),
            values,
            freedom,
            scratch: Scratch::default(),
        }
    }

    pub(crate) fn freedom(&self, number: usize) -> Freedom {
        self.freedom[number]
    }

    /// Suppresses a number.
    pub(crate) fn suppress(&mut self, number: usize) {
        let freedom = &mut self.freedom[number];
        freedom.now = freedom.suppressed;
        freedom.loss = None;
        self.network.release(number);
    }

    /// Whether the range of this number is found exactly, not merely from within.
    pub(crate) fn is_exact(&self, number: usize) -> bool {
        let now = self.freedom[number].now;
        now.least == now.most || self.network.holds(number) || self.system.places[number].is_empty()
    }

    /// Moves a number up and then down until it has moved `enough` in all, or no more can be
    /// found. With `suppressing`, others may be suppressed for it.
    pub(crate) fn widen(&mut self, number: usize, enough: i64, suppressing: bool) -> Widened {
        let mut widened = Widened::default();
        widened.up = self.push(number, 1, enough, suppressing, &mut widened, 0);
        if widened.up < enough {
            let rest = enough - widened.up;
            widened.down = self.push(number, -1, rest, suppressing, &mut widened, 1);
        }
        widened.suppress.sort_unstable();
        widened.suppress.dedup();
        widened
    }

    /// Moves a number in one direction by steps, large ones first, and everything back again.
    fn push(
        &mut self,
        number: usize,
        direction: i64,
        enough: i64,
        suppressing: bool,
        widened: &mut Widened,
        witness: usize,
    ) -> i64 {
        let start = self.values[number];
        let limit = enough.min(self.freedom[number].now.room(start, direction));
        let mut moved = 0;
        let mut step = limit;
        let mut changes: Move = Vec::new();
        while step > 0 && moved < limit {
            step = step.min(limit - moved);
            let change = if !suppressing && self.network.holds(number) {
                self.any(number, direction, limit - moved)
            } else {
                self.step(number, direction * step, suppressing)
            };
            if let Some(change) = change {
                moved += change
                    .iter()
                    .find(|(other, _)| *other == number)
                    .map_or(0, |(_, delta)| delta.abs());
                for &(other, delta) in &change {
                    self.values[other] += delta;
                    let freedom = self.freedom[other];
                    if !freedom.now.holds(self.values[other]) {
                        widened.suppress.push(other);
                    }
                }
                changes.extend(change);
            } else if !suppressing && self.network.holds(number) {
                break;
            } else {
                step /= 2;
            }
        }
        for &(other, delta) in &changes {
            self.values[other] -= delta;
        }
        widened.witnesses[witness] = net(changes);
        moved
    }

    fn any(&mut self, number: usize, direction: i64, limit: i64) -> Option<Move> {
        let Self {
            network,
            values,
            freedom,
            scratch,
            ..
        } = self;
        network.any(scratch, number, direction, limit, &mut |other, delta| {
            freedom[other].now.room(values[other], delta)
        })
    }

    fn step(&mut self, number: usize, step: i64, suppressing: bool) -> Option<Move> {
        if self.network.holds(number) {
            return self.change(number, step, suppressing);
        }
        self.cube(number, step, suppressing)
            .or_else(|| self.change(number, step, suppressing))
    }

    /// The cheapest change known to add up.
    fn cube(&self, number: usize, step: i64, suppressing: bool) -> Option<Move> {
        let mut price = |other: usize, sign: i64| {
            let free = &self.freedom[other];
            let delta = sign * step;
            let fits = |known: Interval| known.room(self.values[other], delta) >= step.abs();
            if fits(free.now) {
                return Some(0);
            }
            free.loss.filter(|_| suppressing && fits(free.suppressed))
        };
        let (_, changes) = (self.cubes)(number, &mut price)?;
        let scaled = changes
            .into_iter()
            .map(|(other, sign)| (other, sign * step));
        Some(scaled.collect())
    }

    /// The cheapest change found that lets a number move by `step`.
    fn change(&mut self, number: usize, step: i64, suppressing: bool) -> Option<Move> {
        let Self {
            system,
            network,
            values,
            freedom,
            scratch,
            ..
        } = self;
        if system.places[number].is_empty() {
            return Some(vec![(number, step)]);
        }
        if network.holds(number) {
            network.cheapest(scratch, number, step, &mut |other, delta| {
                let free = &freedom[other];
                let size = delta.abs();
                if free.now.room(values[other], delta) >= size {
                    return Some(0);
                }
                let loss = free.loss.filter(|_| suppressing)?;
                (free.suppressed.room(values[other], delta) >= size).then_some(loss)
            })
        } else {
            mend(system, number, step, &mut |other, delta| {
                let free = &freedom[other];
                let size = delta.abs();
                let room = free.now.room(values[other], delta);
                if room >= size {
                    return Some((delta, 0));
                }
                let suppressed = free.suppressed.room(values[other], delta);
                match free.loss.filter(|_| suppressing && suppressed >= size) {
                    Some(loss) => Some((delta, loss)),
                    None if room > 0 => Some((delta.signum() * room, 0)),
                    None => None,
                }
            })
        }
    }

    /// Whether a change of the true numbers leaves every sum true and every number where it may be.
    pub(crate) fn fits(&self, change: &Move) -> bool {
        let mut values = self.values.clone();
        for &(number, delta) in change {
            values[number] += delta;
        }
        let all_fit = change
            .iter()
            .all(|(number, _)| self.freedom[*number].now.holds(values[*number]));
        all_fit && self.system.first_untrue(&values).is_none()
    }
}

/// Changes of the same number taken together.
fn net(changes: Move) -> Move {
    let mut all = std::collections::BTreeMap::new();
    for (number, delta) in changes {
        *all.entry(number).or_insert(0) += delta;
    }
    all.into_iter().filter(|(_, delta)| *delta != 0).collect()
}
