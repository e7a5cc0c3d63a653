//! Refuses columns that hold real identity numbers.
//!
//! A number written with its separator and a valid check (`19900101-0017`) is taken for what it
//! is: one is enough. A bare string of ten digits may be anything, and one in some hundred
//! passes for an identity number by chance. A column of those is refused if at least half of its
//! cells pass, or if more pass than chance gives, judged twice:
//!
//! 1. against strings of uniform random digits, at a probability below one in a million;
//! 2. against strings whose date part happens to be valid, such as timestamps, and whose check
//!    passes twice as often as chance would have it, at a probability below one in a hundred.
//!
//! Only both together refuse a column, so that neither serial numbers nor timestamps do. The
//! probabilities are Chernoff bounds, which err on the side of silence: the guard misses a few
//! bare numbers strewn into a column of other ten-digit numbers. It does not look inside longer
//! texts.

mod number;

use serde::{Deserialize, Serialize};

pub(crate) use number::Sighting;
use number::sight;

/// Kinds of identity number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum IdentityKind {
    /// Swedish personnummer or samordningsnummer.
    SwedishPersonalNumber,
    /// Danish CPR number.
    DanishCpr,
    /// Norwegian fødselsnummer or D-number.
    NorwegianBirthNumber,
    /// Finnish henkilötunnus.
    FinnishPersonalIdentityCode,
    /// British National Health Service number.
    NhsNumber,
    /// British National Insurance number.
    NationalInsuranceNumber,
}

const KINDS: [IdentityKind; 6] = [
    IdentityKind::SwedishPersonalNumber,
    IdentityKind::DanishCpr,
    IdentityKind::NorwegianBirthNumber,
    IdentityKind::FinnishPersonalIdentityCode,
    IdentityKind::NhsNumber,
    IdentityKind::NationalInsuranceNumber,
];

impl std::fmt::Display for IdentityKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::SwedishPersonalNumber => "Swedish personal identity numbers",
            Self::DanishCpr => "Danish CPR numbers",
            Self::NorwegianBirthNumber => "Norwegian birth numbers",
            Self::FinnishPersonalIdentityCode => "Finnish personal identity codes",
            Self::NhsNumber => "NHS numbers",
            Self::NationalInsuranceNumber => "National Insurance numbers",
        })
    }
}

/// Whether a text is a valid identity number of some kind, or passes for one.
pub(crate) fn is_number(text: &[u8]) -> bool {
    let mut sightings = KINDS.into_iter().map(|kind| sight(kind, text));
    sightings.any(|sighting| matches!(sighting, Sighting::Bare | Sighting::Separated))
}

/// Counts what the cells of one column look like.
#[derive(Debug, Clone, Default)]
pub(crate) struct ColumnGuard {
    /// Cells that hold anything.
    n_cells: u64,
    kinds: [KindCount; KINDS.len()],
}

#[derive(Debug, Clone, Copy, Default)]
struct KindCount {
    /// Cells of the shape of a bare number of this kind.
    n_shaped: u64,
    /// Of these, cells whose parts without a check digit (the date) are valid.
    n_dated: u64,
    /// Of these, cells whose check is valid as well.
    n_bare: u64,
    /// Cells with separators and valid throughout.
    n_separated: u64,
    /// Line of the first valid cell, with or without separators.
    first_line: Option<u64>,
}

/// A column that holds identity numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) kind: IdentityKind,
    pub(crate) n_rows: u64,
    pub(crate) first_line: u64,
}

impl ColumnGuard {
    /// Looks at a cell, without surrounding blanks, on a line of the file.
    #[inline]
    pub(crate) fn observe(&mut self, cell: &[u8], line: u64) {
        self.n_cells += u64::from(!cell.is_empty());
        if number::may_be_number(cell) {
            self.observe_closely(cell, line);
        }
    }

    /// Looks at a cell stored as a number, which has lost its leading zeros.
    pub(crate) fn observe_number(&mut self, value: i64, line: u64) {
        self.n_cells += 1;
        if (100_000_000..1_000_000_000_000).contains(&value) {
            self.observe_closely(format!("{value:010}").as_bytes(), line);
        }
    }

    #[inline(never)]
    fn observe_closely(&mut self, cell: &[u8], line: u64) {
        for (kind, count) in KINDS.into_iter().zip(&mut self.kinds) {
            let sighting = sight(kind, cell);
            let valid = match sighting {
                Sighting::Nothing => continue,
                Sighting::Shape => false,
                Sighting::Dated => {
                    count.n_dated += 1;
                    false
                }
                Sighting::Bare => {
                    count.n_dated += 1;
                    count.n_bare += 1;
                    true
                }
                Sighting::Separated => {
                    count.n_separated += 1;
                    true
                }
            };
            count.n_shaped += u64::from(sighting != Sighting::Separated);
            if valid {
                count.first_line = Some(count.first_line.map_or(line, |first| first.min(line)));
            }
        }
    }

    /// Adds what another part of the column looks like.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.n_cells += other.n_cells;
        for (count, other) in self.kinds.iter_mut().zip(&other.kinds) {
            count.n_shaped += other.n_shaped;
            count.n_dated += other.n_dated;
            count.n_bare += other.n_bare;
            count.n_separated += other.n_separated;
            count.first_line = [count.first_line, other.first_line]
                .into_iter()
                .flatten()
                .min();
        }
    }

    /// The kind of identity number the column holds most of, if any.
    pub(crate) fn verdict(&self) -> Option<Verdict> {
        let found = KINDS
            .into_iter()
            .zip(&self.kinds)
            .filter_map(|(kind, count)| {
                let n_rows = count.n_bare + count.n_separated;
                let real = count.n_separated > 0
                    || (count.n_bare > 0
                        && (2 * count.n_bare >= self.n_cells || count.is_beyond_chance(kind)));
                count.first_line.filter(|_| real).map(|first_line| Verdict {
                    kind,
                    n_rows,
                    first_line,
                })
            });
        found.max_by_key(|verdict| (verdict.n_rows, std::cmp::Reverse(verdict.kind)))
    }
}

/// Probability at which a column of uniform random digits is refused.
const UNIFORM_LEVEL: f64 = 1e-6;

/// Probability at which a column of valid dates with random checks is refused.
const DATED_LEVEL: f64 = 1e-2;

impl KindCount {
    fn is_beyond_chance(&self, kind: IdentityKind) -> bool {
        let (date_share, check_share) = number::chance(kind);
        let uniform = upper_tail(self.n_bare, self.n_shaped, date_share * check_share);
        let dated = upper_tail(self.n_bare, self.n_dated, (2.0 * check_share).min(1.0));
        uniform < UNIFORM_LEVEL && dated < DATED_LEVEL
    }
}

/// Chernoff's bound on the probability of `n_hits` or more among `n` with chance `share` each:
/// exp(−n · KL(n_hits / n ‖ share)).
#[expect(
    clippy::cast_precision_loss,
    reason = "counts of rows stay far below 2^53"
)]
fn upper_tail(n_hits: u64, n: u64, share: f64) -> f64 {
    if n == 0 || share >= 1.0 {
        return 1.0;
    }
    let (n, found) = (n as f64, n_hits as f64 / n as f64);
    if found <= share {
        return 1.0;
    }
    let miss = if found < 1.0 {
        (1.0 - found) * libm::log((1.0 - found) / (1.0 - share))
    } else {
        0.0
    };
    libm::exp(-n * (found * libm::log(found / share) + miss))
}

#[cfg(test)]
mod tests;
