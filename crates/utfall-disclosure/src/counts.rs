//! Counts that add up, released together.

use crate::system::{Cubes, Freedom, Interval, Move, Search, Sum, System, UNBOUNDED};
use crate::{Cell, DisclosureError, Policy};

/// A count of a [`Counts`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Count(pub(crate) usize);

/// What becomes of a count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It is released.
    Shown,
    /// It is released as the total of what is released of its parts where the policy rounds, and
    /// as a count of its own where the policy suppresses.
    Total,
    /// It is never released, and everyone can compute what is known of it: a difference.
    Hidden,
}

/// Counts of units, and the sums that hold among them: tables with margins, links between
/// tables, what earlier releases told.
///
/// Released together under one policy, each protected count keeps as many possible values as the
/// policy asks, whatever an attacker computes from all the others.
///
/// ```
/// use utfall_disclosure::{Cell, Counts, Policy, Role};
///
/// let mut counts = Counts::default();
/// let parts = [4, 60, 120].map(|n| counts.add(n, Role::Shown));
/// let total = counts.add(184, Role::Total);
/// counts.add_sum(total, &parts);
/// let protected = counts.protect(&Policy::acro())?;
/// // Were the 4 alone suppressed, it would be 184 − 60 − 120.
/// let n_suppressed = parts.iter().filter(|part| protected.cell(**part) == Cell::Suppressed);
/// assert!(n_suppressed.count() + usize::from(protected.cell(total) == Cell::Suppressed) >= 2);
/// # Ok::<(), utfall_disclosure::DisclosureError>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Counts {
    values: Vec<u64>,
    roles: Vec<Role>,
    marks: Vec<Mark>,
    sums: Vec<Sum>,
}

/// What is particular to a count.
#[derive(Debug, Clone, Copy, Default)]
struct Mark {
    /// What earlier releases told.
    known: Option<Interval>,
    /// It was released before, is not released now, and is protected still.
    former: bool,
    /// Set where the policy's rule for counts is not what decides.
    least_values: Option<u64>,
    /// What a margin counts beside a cell of the table.
    weight: u64,
}

/// Counts as they may be seen together, and what an attacker is left with.
#[derive(Debug, Clone)]
pub struct ProtectedCounts {
    cells: Vec<Cell>,
    /// Whether a suppressed count is known to be small, since no other is suppressed.
    alone: bool,
    audit: Audit,
}

/// What an attacker who knows all that is released can find out about protected counts.
///
/// For each protected count, values that fit everything released are shown to exist this far
/// apart: what the attacker is left with is never less than what is said here.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Audit {
    /// Counts released.
    pub n_released: u64,
    /// Of these, suppressed.
    pub n_suppressed: u64,
    /// Counts the policy protects, differences among them.
    pub n_protected: u64,
    /// Protected counts that earlier releases had given away; no release can take that back.
    pub n_known_before: u64,
    /// Fewest values that a protected count may have, counted up to what the policy asks; absent if
    /// none is protected.
    pub fewest_values: Option<u64>,
    /// Protected counts whose range was found exactly, as flows of a network.
    pub n_exact: u64,
    /// Whether tables of one population that are broken down differently were attacked through the
    /// sums they share alone, since the table behind them was not given.
    pub through_sums_alone: bool,
}

impl Counts {
    /// Adds a count.
    ///
    /// # Panics
    ///
    /// If it is larger than 10¹⁷, which no count of units is.
    pub fn add(&mut self, value: u64, role: Role) -> Count {
        assert!(value <= 100_000_000_000_000_000, "a count of units");
        self.values.push(value);
        self.roles.push(role);
        self.marks.push(Mark::default());
        Count(self.values.len() - 1)
    }

    /// Says that a count is the sum of others.
    pub fn add_sum(&mut self, total: Count, parts: &[Count]) {
        self.sums.push(Sum {
            total: total.0,
            parts: parts.iter().map(|part| part.0).collect(),
        });
    }

    /// The count itself.
    pub(crate) fn value(&self, count: Count) -> u64 {
        self.values[count.0]
    }

    /// Says what everyone knows of a count already: that it lies between two ends, both within.
    pub fn know(&mut self, count: Count, least: u64, most: Option<u64>) {
        let told = Interval {
            least: signed(least),
            most: most.map_or(UNBOUNDED, signed),
        };
        let known = &mut self.marks[count.0].known;
        *known = Some(known.map_or(told, |known| known.and(told)));
    }

    /// Says that a count is released by itself, not as a total.
    pub(crate) fn show(&mut self, count: Count) {
        self.roles[count.0] = Role::Shown;
    }

    /// Says that a count was released before and is not released again.
    pub(crate) fn mark_former(&mut self, count: Count) {
        self.marks[count.0].former = true;
    }

    /// Says how many values a number must keep, whatever the policy's rule for counts says.
    pub(crate) fn protect_as(&mut self, count: Count, least_values: u64) {
        self.marks[count.0].least_values = Some(least_values);
    }

    /// Says that more is lost with this count than with a cell of a table.
    pub(crate) fn weigh(&mut self, count: Count, weight: u64) {
        self.marks[count.0].weight = weight;
    }

    /// Every count as it may be seen beside all others.
    ///
    /// A policy that rounds needs no more, unless counts stand in sums with others that are released:
    /// then, as under a policy that suppresses, counts are suppressed to cover others, until every
    /// protected count keeps its values. Which are small and which cover them is not told.
    ///
    /// What is lost is chosen greedily, by cheapest paths in networks and by mending sums
    /// elsewhere; what is protected is proved, by values that fit everything released.
    ///
    /// # Errors
    ///
    /// - [`DisclosureError::UntrueSum`] if a sum does not hold.
    /// - [`DisclosureError::FormerRelease`] if a count is not what an earlier release told.
    /// - [`DisclosureError::Refused`] if earlier releases leave no way to protect a count.
    pub fn protect(&self, policy: &Policy) -> Result<ProtectedCounts, DisclosureError> {
        self.protect_knowing(policy, &|_, _| None)
    }

    /// The same, told of changes that add up.
    pub(crate) fn protect_knowing(
        &self,
        policy: &Policy,
        cubes: &Cubes<'_>,
    ) -> Result<ProtectedCounts, DisclosureError> {
        let system = System::new(self.values.len(), self.sums.clone());
        let values: Vec<i64> = self.values.iter().map(|value| signed(*value)).collect();
        if let Some(sum) = system.first_untrue(&values) {
            return Err(DisclosureError::UntrueSum { total: sum.total });
        }
        if let Some(count) = (0..values.len()).find(|count| {
            self.marks[*count]
                .known
                .is_some_and(|known| !known.holds(values[*count]))
        }) {
            return Err(DisclosureError::FormerRelease { count });
        }
        let run = Protecting {
            counts: self,
            policy,
            system: &system,
            cubes,
            values: &values,
        };
        run.protect()
    }

    /// How many values a count must keep: 1 if it is not protected.
    fn least_values(&self, policy: &Policy, count: usize) -> u64 {
        if let Some(least) = self.marks[count].least_values {
            return least;
        }
        let is_shown = match self.roles[count] {
            Role::Shown => true,
            Role::Total => !policy.derives_totals(),
            Role::Hidden => false,
        };
        let value = self.values[count];
        if is_shown && policy.protects(value) {
            policy.least_values()
        } else if self.roles[count] == Role::Hidden && policy.protects(value) {
            policy.least_values_of_differences()
        } else {
            1
        }
    }
}

impl ProtectedCounts {
    /// A count as it may be seen.
    #[must_use]
    pub fn cell(&self, count: Count) -> Cell {
        self.cells[count.0]
    }

    /// What an attacker is left with.
    #[must_use]
    pub fn audit(&self) -> &Audit {
        &self.audit
    }

    /// Whether counts that are not small were suppressed to cover others, so that a suppressed one
    /// may be any.
    #[must_use]
    pub fn covers(&self) -> bool {
        !self.alone
    }
}

/// One protection of counts.
struct Protecting<'a> {
    counts: &'a Counts,
    policy: &'a Policy,
    system: &'a System,
    cubes: &'a Cubes<'a>,
    values: &'a [i64],
}

/// What a number of values asks of a range: its ends lie this far apart.
fn width(least_values: u64) -> i64 {
    signed(least_values) - 1
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).map_or(UNBOUNDED, |value| value.min(UNBOUNDED))
}

impl Protecting<'_> {
    fn protect(&self) -> Result<ProtectedCounts, DisclosureError> {
        let (protected, n_known_before) = self.protected();
        if self.policy.derives_totals() {
            let search = self.search(true);
            if let Some(witnesses) = self.without_covers(search, &protected) {
                return self.finish(true, &[], &protected, n_known_before, &witnesses);
            }
        }
        let mut search = self.search(false);
        let mut suppressed = vec![false; self.values.len()];
        let mut witnesses = Vec::new();
        for &(count, least_values) in &protected {
            let enough = width(least_values);
            let mut widened = search.widen(count, enough, false);
            if widened.up + widened.down < enough {
                if search.freedom(count).loss.is_some() {
                    search.suppress(count);
                    suppressed[count] = true;
                }
                widened = search.widen(count, enough, true);
            }
            if widened.up + widened.down < enough {
                return Err(DisclosureError::Refused { count });
            }
            for &other in &widened.suppress {
                search.suppress(other);
                suppressed[other] = true;
            }
            witnesses.push(widened.witnesses);
        }
        let covers: Vec<usize> = (0..suppressed.len())
            .filter(|one| suppressed[*one])
            .collect();
        self.finish(false, &covers, &protected, n_known_before, &witnesses)
    }

    /// Every protected count and the values it must keep, but for those that earlier releases gave
    /// away by themselves, which are counted.
    fn protected(&self) -> (Vec<(usize, u64)>, u64) {
        let all = (0..self.values.len())
            .map(|count| (count, self.counts.least_values(self.policy, count)))
            .filter(|(_, least_values)| *least_values > 1);
        let marks = &self.counts.marks;
        if marks.iter().all(|mark| mark.known.is_none()) {
            return (all.collect(), 0);
        }
        let before = |count: usize| {
            let now = marks[count].known.unwrap_or(Interval::ANY);
            Freedom {
                now,
                suppressed: now,
                loss: None,
            }
        };
        let freedom = (0..self.values.len()).map(before).collect();
        let mut search = Search::new(self.system, self.cubes, self.values.to_vec(), freedom);
        let mut n_known_before = 0;
        let protected = all
            .filter(|(count, least_values)| {
                let enough = width(*least_values);
                let widened = search.widen(*count, enough, false);
                let is_open = widened.up + widened.down >= enough || !search.is_exact(*count);
                n_known_before += u64::from(!is_open);
                is_open
            })
            .collect();
        (protected, n_known_before)
    }

    /// What is known of each count once it is released by itself, and what suppressing it would
    /// cost.
    fn search(&self, alone: bool) -> Search<'_> {
        let freedom = (0..self.values.len())
            .map(|count| self.freedom(count, alone))
            .collect();
        Search::new(self.system, self.cubes, self.values.to_vec(), freedom)
    }

    fn freedom(&self, count: usize, alone: bool) -> Freedom {
        let mark = &self.counts.marks[count];
        let known = mark.known.unwrap_or(Interval::ANY);
        let told = match self.shown(count) {
            None => Interval::ANY,
            Some(cell) => {
                let (least, most) = self.policy.counts_released_as(cell, alone);
                Interval {
                    least: signed(least),
                    most: most.map_or(UNBOUNDED, signed),
                }
            }
        };
        let now = told.and(known);
        Freedom {
            now,
            suppressed: known,
            loss: (!alone && now != known).then(|| self.loss(count)),
        }
    }

    /// A count released by itself, by the policy's rule; `None` if it is not released.
    fn shown(&self, count: usize) -> Option<Cell> {
        let is_shown = match self.counts.roles[count] {
            Role::Shown => true,
            Role::Total => !self.policy.derives_totals(),
            Role::Hidden => false,
        };
        let value = self.counts.values[count];
        let cell = || match self.counts.marks[count].least_values {
            Some(least_values) if least_values > 1 => Cell::Suppressed,
            Some(_) => Cell::Exact(value),
            None => self.policy.release(value),
        };
        (is_shown && !self.counts.marks[count].former).then(cell)
    }

    /// Larger counts and margins tell more, and a zero, which a reader may know of, covers nothing
    /// well.
    fn loss(&self, count: usize) -> u64 {
        let value = self.counts.values[count];
        let size = if value == 0 {
            40
        } else {
            u64::from(value.ilog2())
        };
        16 + 4 * size + 48 * self.counts.marks[count].weight
    }

    fn without_covers(
        &self,
        mut search: Search<'_>,
        protected: &[(usize, u64)],
    ) -> Option<Vec<[Move; 2]>> {
        protected
            .iter()
            .map(|&(count, least_values)| {
                let enough = width(least_values);
                let widened = search.widen(count, enough, false);
                (widened.up + widened.down >= enough).then_some(widened.witnesses)
            })
            .collect()
    }

    /// Attacks what would be released, from the start, and hands it out if every protected count
    /// keeps its values.
    fn finish(
        &self,
        alone: bool,
        covers: &[usize],
        protected: &[(usize, u64)],
        n_known_before: u64,
        witnesses: &[[Move; 2]],
    ) -> Result<ProtectedCounts, DisclosureError> {
        let mut search = self.search(alone);
        for &count in covers {
            search.suppress(count);
        }
        let freedom: Vec<Freedom> = (0..self.values.len())
            .map(|count| Freedom {
                loss: None,
                ..search.freedom(count)
            })
            .collect();
        let mut attack = Search::new(self.system, self.cubes, self.values.to_vec(), freedom);
        let mut fewest_values = None;
        let mut n_exact = 0;
        for (&(count, least_values), witnesses) in protected.iter().zip(witnesses) {
            let enough = width(least_values);
            let range = if attack.is_exact(count) {
                n_exact += 1;
                let widened = attack.widen(count, enough, false);
                widened.up + widened.down
            } else {
                range_witnessed(&attack, count, witnesses)
            };
            if range < enough {
                return Err(DisclosureError::Refused { count });
            }
            let n_values = u64::try_from(range.min(enough)).unwrap_or(0) + 1;
            fewest_values =
                Some(fewest_values.map_or(n_values, |fewest: u64| fewest.min(n_values)));
        }
        let cells = self.cells(covers);
        let released = (0..cells.len()).filter(|count| {
            self.counts.roles[*count] != Role::Hidden && !self.counts.marks[*count].former
        });
        let n_suppressed = released
            .clone()
            .filter(|count| cells[*count] == Cell::Suppressed)
            .count();
        Ok(ProtectedCounts {
            alone,
            audit: Audit {
                n_released: released.count() as u64,
                n_suppressed: n_suppressed as u64,
                n_protected: protected.len() as u64 + n_known_before,
                n_known_before,
                fewest_values,
                n_exact,
                through_sums_alone: false,
            },
            cells,
        })
    }

    fn cells(&self, covers: &[usize]) -> Vec<Cell> {
        let mut cells: Vec<Cell> = (0..self.values.len())
            .map(|count| self.shown(count).unwrap_or(Cell::Suppressed))
            .collect();
        for &count in covers {
            cells[count] = Cell::Suppressed;
        }
        if self.policy.derives_totals() {
            self.derive_totals(&mut cells);
        }
        cells
    }

    /// Totals from what is released, parts before the totals they are in.
    fn derive_totals(&self, cells: &mut [Cell]) {
        let mut sum_of = vec![None; cells.len()];
        for sum in &self.counts.sums {
            if self.counts.roles[sum.total] == Role::Total && sum_of[sum.total].is_none() {
                sum_of[sum.total] = Some(sum);
            }
        }
        let mut done = vec![false; cells.len()];
        for count in 0..cells.len() {
            derive(count, &sum_of, &mut done, cells);
        }
    }
}

fn derive(count: usize, sum_of: &[Option<&Sum>], done: &mut [bool], cells: &mut [Cell]) {
    let Some(sum) = sum_of[count] else { return };
    if std::mem::replace(&mut done[count], true) {
        return;
    }
    for part in &sum.parts {
        derive(*part, sum_of, done, cells);
    }
    let parts: Vec<Cell> = sum.parts.iter().map(|part| cells[*part]).collect();
    cells[count] = Cell::total(&parts);
}

/// How far apart two witnesses take a count, if both fit.
fn range_witnessed(attack: &Search<'_>, count: usize, witnesses: &[Move; 2]) -> i64 {
    let reach = |witness: &Move| {
        let moved = witness.iter().find(|(number, _)| *number == count);
        match moved {
            Some((_, delta)) if attack.fits(witness) => *delta,
            _ => 0,
        }
    };
    reach(&witnesses[0]).max(0) - reach(&witnesses[1]).min(0)
}
