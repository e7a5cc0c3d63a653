//! What goes wrong on the way into a delivery, row by row.

use serde::{Deserialize, Serialize};
use utfall_stats::draws::Stream;

use crate::extract::{ColumnKind, Extract};
use crate::files::Form;
use crate::spec::DirtSpec;

/// How a row is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Breakage {
    /// A field too few or too many.
    Ragged,
    /// A letter among the digits of a number.
    LetterInNumber,
    /// A 31 February.
    ImpossibleDate,
    /// A code that is on no list.
    UnknownCode,
    /// A number outside its range.
    OutOfRange,
}

/// What happens to one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Delivered as it is.
    Clean,
    /// Delivered twice.
    Duplicated,
    /// Broken at a column.
    Broken(Breakage, usize),
    /// The value of a column replaced by the missing code.
    Missing(usize),
}

/// The dirt of one extract: which columns can go wrong, and how often.
#[derive(Debug, Clone)]
pub(crate) struct Dirt {
    duplicated: f64,
    broken: f64,
    missing: f64,
    breakable: Vec<(Breakage, usize)>,
    may_be_missing: Vec<usize>,
}

impl Dirt {
    pub(crate) fn of(spec: &DirtSpec, extract: Extract, form: Form) -> Self {
        let mut breakable = Vec::new();
        let mut may_be_missing = Vec::new();
        if form == Form::Csv {
            breakable.push((Breakage::Ragged, 0));
        }
        for (index, column) in extract.columns().iter().enumerate() {
            breakable.extend(
                breakages(column.kind, form)
                    .iter()
                    .map(|&kind| (kind, index)),
            );
            if column.may_be_missing {
                may_be_missing.push(index);
            }
        }
        Self {
            duplicated: spec.duplicated.get(),
            broken: spec.broken.get(),
            missing: spec.missing.get(),
            breakable,
            may_be_missing,
        }
    }

    /// Draws what happens to the next row.
    pub(crate) fn fate(&self, draws: &mut Stream) -> Fate {
        let mut left = draws.uniform() - self.duplicated;
        if left < 0.0 {
            return Fate::Duplicated;
        }
        left -= self.broken;
        if left < 0.0 {
            return one_of(&self.breakable, draws)
                .map_or(Fate::Clean, |(kind, column)| Fate::Broken(kind, column));
        }
        left -= self.missing;
        if left < 0.0 {
            return one_of(&self.may_be_missing, draws).map_or(Fate::Clean, Fate::Missing);
        }
        Fate::Clean
    }
}

/// The breakages a column can hold: Parquet types its dates and whole numbers, so fewer survive there.
fn breakages(kind: ColumnKind, form: Form) -> &'static [Breakage] {
    match (kind, form) {
        (ColumnKind::Text, _) | (ColumnKind::Date, Form::Parquet) => &[],
        (ColumnKind::Code, _) => &[Breakage::UnknownCode],
        (ColumnKind::Date, Form::Csv) => &[Breakage::ImpossibleDate],
        (ColumnKind::Whole { .. }, Form::Parquet) => &[Breakage::OutOfRange],
        (ColumnKind::Whole { .. }, Form::Csv) | (ColumnKind::Decimal { .. }, _) => {
            &[Breakage::LetterInNumber, Breakage::OutOfRange]
        }
    }
}

fn one_of<T: Copy>(values: &[T], draws: &mut Stream) -> Option<T> {
    if values.is_empty() {
        None
    } else {
        values.get(draws.index(values.len())).copied()
    }
}
