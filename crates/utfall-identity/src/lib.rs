//! Refuses columns that hold real identity numbers.
//!
//! A single cell proves little: one ten-digit number in some hundred passes for a Swedish personal
//! number, and one case number in ten of the form `YYMMDD-NNNN` does, since its date is one and
//! one check digit in ten fits. So a column is judged by its *different* values, and by how many
//! pass against how many would by chance:
//!
//! 1. **Numbers with their separators** (`19570428-9999`). Of real ones nearly all pass, of case
//!    numbers one in ten. The column is refused if at least half of the well-dated ones pass, or
//!    if so many pass that chance gives as many less than once in a million columns. One such
//!    number in a column of other things is refused.
//! 2. **Bare digits.** The column is refused if at least half of its cells pass and chance gives
//!    as many less than once in a hundred, or if as many pass, of all digits and of the well-dated
//!    ones, as chance gives less than once in a million and a hundred; the latter at twice its
//!    share, since dates and serials are no random digits.
//!
//! Probabilities are exact binomial tails over a uniform sample of 1,024 different values. The
//! share that passes by chance is that of random digits, or that of the column's own numbers with
//! impossible dates if it is greater: numbers of another register with the same check digit do
//! not pass for persons. What is known to be missed and to be refused in vain: a few bare numbers
//! strewn into a column of other ten-digit numbers are missed; a column of one or two case numbers
//! that happen to fit, and one of ISBN-10, which have the very check of NHS numbers, are refused.
//! Danish CPR numbers without modulus 11 (given since 2007 where a day's numbers are used up,
//! which are those of 1 January) count as passing only for 1 January: to let all of them pass
//! would refuse every column of dates and serials. It does not look inside longer texts.

mod distinct;
mod number;

use distinct::{Class, Counts, Distinct};
use serde::{Deserialize, Serialize};

use number::{Sighting, sight};

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
    /// English unique pupil number.
    UniquePupilNumber,
    /// Icelandic kennitala.
    IcelandicKennitala,
}

const KINDS: [IdentityKind; 8] = [
    IdentityKind::SwedishPersonalNumber,
    IdentityKind::DanishCpr,
    IdentityKind::NorwegianBirthNumber,
    IdentityKind::FinnishPersonalIdentityCode,
    IdentityKind::NhsNumber,
    IdentityKind::NationalInsuranceNumber,
    IdentityKind::UniquePupilNumber,
    IdentityKind::IcelandicKennitala,
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
            Self::UniquePupilNumber => "unique pupil numbers",
            Self::IcelandicKennitala => "Icelandic kennitölur",
        })
    }
}

/// Whether a text is a valid identity number of some kind, or passes for one.
pub fn is_number(text: &[u8]) -> bool {
    let mut sightings = KINDS.into_iter().filter_map(|kind| sight(kind, text));
    sightings.any(Sighting::is_valid)
}

/// Counts what the cells of one column look like.
#[derive(Debug, Clone, Default)]
pub struct ColumnGuard {
    /// Cells that hold anything.
    n_cells: u64,
    kinds: [KindCount; KINDS.len()],
}

#[derive(Debug, Clone, Default)]
struct KindCount {
    /// Cells that are valid throughout, with or without separators.
    n_valid: u64,
    /// Of these, cells without separators.
    n_bare: u64,
    /// Different values without separators.
    bare: Distinct,
    /// Different values with separators.
    separated: Distinct,
    /// Line of the first valid cell.
    first_line: Option<u64>,
}

/// A column that holds identity numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// Kind of identity number.
    pub kind: IdentityKind,
    /// Cells that are valid numbers of the kind.
    pub n_rows: u64,
    /// Line of the first of them.
    pub first_line: u64,
}

impl ColumnGuard {
    /// Looks at a cell, without surrounding blanks, on a line of the file.
    #[inline]
    pub fn observe(&mut self, cell: &[u8], line: u64) {
        self.n_cells += u64::from(!cell.is_empty());
        if number::may_be_number(cell) {
            self.observe_closely(cell, line);
        }
    }

    /// Looks at a cell stored as a number, which has lost its leading zeros.
    pub fn observe_number(&mut self, value: i64, line: u64) {
        self.n_cells += 1;
        if (100_000_000..1_000_000_000_000).contains(&value) {
            self.observe_closely(format!("{value:010}").as_bytes(), line);
        }
    }

    #[inline(never)]
    fn observe_closely(&mut self, cell: &[u8], line: u64) {
        for (kind, count) in KINDS.into_iter().zip(&mut self.kinds) {
            let Some(sighting) = sight(kind, cell) else {
                continue;
            };
            let class = match (sighting.dated, sighting.checked) {
                (true, true) => Class::Valid,
                (true, false) => Class::Dated,
                (false, true) => Class::Checked,
                (false, false) => Class::Neither,
            };
            if sighting.separated {
                count.separated.add(cell, class);
            } else {
                count.bare.add(cell, class);
            }
            if sighting.is_valid() {
                count.n_valid += 1;
                count.n_bare += u64::from(!sighting.separated);
                count.first_line = Some(count.first_line.map_or(line, |first| first.min(line)));
            }
        }
    }

    /// Adds what another part of the column looks like.
    pub fn merge(&mut self, other: &Self) {
        self.n_cells += other.n_cells;
        for (count, other) in self.kinds.iter_mut().zip(&other.kinds) {
            count.n_valid += other.n_valid;
            count.n_bare += other.n_bare;
            count.bare.merge(&other.bare);
            count.separated.merge(&other.separated);
            count.first_line = [count.first_line, other.first_line]
                .into_iter()
                .flatten()
                .min();
        }
    }

    /// The kind of identity number the column holds most of, if any.
    pub fn verdict(&self) -> Option<Verdict> {
        let found = KINDS
            .into_iter()
            .zip(&self.kinds)
            .filter_map(|(kind, count)| {
                let first_line = count.first_line?;
                let n_rows = count.n_valid;
                count.is_real(kind, self.n_cells).then_some(Verdict {
                    kind,
                    n_rows,
                    first_line,
                })
            });
        found.max_by_key(|verdict| (verdict.n_rows, std::cmp::Reverse(verdict.kind)))
    }
}

/// Probability of as many by chance at which numbers among others are refused.
const AMONG_OTHERS: f64 = 1e-6;

/// Probability of as many by chance at which a column that mostly passes is refused.
const MOSTLY: f64 = 1e-2;

impl KindCount {
    fn is_real(&self, kind: IdentityKind, n_cells: u64) -> bool {
        self.separated_are_real(kind) || self.bare_are_real(kind, n_cells)
    }

    fn separated_are_real(&self, kind: IdentityKind) -> bool {
        let counts = self.separated.counts();
        let (_, check) = counts.chance(kind);
        counts.n_valid > 0
            && (2 * counts.n_valid >= counts.n_dated
                || upper_tail(counts.n_valid, counts.n_dated, check) < AMONG_OTHERS)
    }

    fn bare_are_real(&self, kind: IdentityKind, n_cells: u64) -> bool {
        let counts = self.bare.counts();
        let (date, check) = counts.chance(kind);
        let n_all = counts.n_dated + counts.n_undated;
        let of_all = upper_tail(counts.n_valid, n_all, date * check);
        let of_dated = upper_tail(counts.n_valid, counts.n_dated, (2.0 * check).min(1.0));
        let mostly = 2 * self.n_bare >= n_cells && of_all < MOSTLY;
        counts.n_valid > 0 && (mostly || (of_all < AMONG_OTHERS && of_dated < MOSTLY))
    }
}

impl Counts {
    /// Chance that a date is valid and that a check is: those of random digits, or the share of
    /// checks among the column's own impossible dates if it is greater.
    #[expect(
        clippy::cast_precision_loss,
        reason = "counts of a sample stay far below 2^53"
    )]
    fn chance(self, kind: IdentityKind) -> (f64, f64) {
        let (date, check) = number::chance(kind);
        if date >= 1.0 || self.n_undated < 20 {
            return (date, check);
        }
        (
            date,
            check.max(self.n_undated_checked as f64 / self.n_undated as f64),
        )
    }
}

/// Probability of `n_hits` or more among `n` with chance `share` each, summed term by term.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts of a sample stay far below 2^53"
)]
fn upper_tail(n_hits: u64, n: u64, share: f64) -> f64 {
    if n_hits == 0 || share >= 1.0 {
        return 1.0;
    }
    let log_choose = |k: u64| {
        libm::lgamma(n as f64 + 1.0)
            - libm::lgamma(k as f64 + 1.0)
            - libm::lgamma((n - k) as f64 + 1.0)
    };
    let term = |k: u64| {
        let log =
            log_choose(k) + k as f64 * libm::log(share) + (n - k) as f64 * libm::log1p(-share);
        libm::exp(log)
    };
    (n_hits..=n).map(term).sum::<f64>().min(1.0)
}

/// The kind of identity number that a column of texts holds most of, if any, as ingestion would
/// judge it.
pub fn identity_numbers<S: AsRef<str>>(cells: impl IntoIterator<Item = S>) -> Option<IdentityKind> {
    let mut guard = ColumnGuard::default();
    for cell in cells {
        guard.observe(cell.as_ref().trim().as_bytes(), 1);
    }
    guard.verdict().map(|verdict| verdict.kind)
}

#[cfg(test)]
mod tests;
