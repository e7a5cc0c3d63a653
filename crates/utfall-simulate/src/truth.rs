//! What was planted: effects and dirt, written beside the extracts as `truth.json`.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::dirt::Breakage;
use crate::referral::Programme;

/// What a world holds that its registers do not say.
///
/// # Shapes and units
///
/// An effect is the mean over the referred of the exact expected difference between being
/// referred and not, given everything drawn before chance decides the single reports, nights and
/// hours. Floors and ceilings are taken into account person by person.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Truth {
    /// Version of this document's form.
    pub schema: String,
    /// Seed of every draw.
    pub seed: u64,
    /// Date at which eligibility is judged and follow-up starts.
    pub index_date: NaiveDate,
    /// Families in the world.
    pub n_families: u64,
    /// Persons in the world.
    pub n_persons: u64,
    /// The programmes, by their code.
    pub programmes: Vec<ProgrammeTruth>,
    /// The files, by name.
    pub files: Vec<FileTruth>,
}

/// A programme and its true effects.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ProgrammeTruth {
    /// Code in the register of referrals.
    pub programme: String,
    /// What is referred: `person` or `family`.
    pub unit: String,
    /// Units considered for referral, those referred included.
    pub n_considered: u64,
    /// Units referred in the three months before the index date.
    pub n_referred: u64,
    /// Units considered that were referred a year earlier instead.
    pub n_referred_earlier: u64,
    /// Its effects.
    pub effects: Vec<EffectTruth>,
}

/// The true effect on one outcome.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct EffectTruth {
    /// Name of the outcome.
    pub name: String,
    /// Unit of the effect.
    pub unit: String,
    /// How the outcome is measured.
    pub definition: String,
    /// Referred units the effect is averaged over.
    pub n_units: u64,
    /// Mean over them of the expected difference; absent where nobody was referred.
    pub effect: Option<f64>,
}

/// What is in one file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FileTruth {
    /// Name of the file.
    pub file: String,
    /// Name of the extract.
    pub extract: String,
    /// When the delivery was made.
    pub vintage: NaiveDate,
    /// Rows, the header not counted.
    pub n_rows: u64,
    /// Rows that repeat the one before exactly.
    pub n_duplicated: u64,
    /// Rows broken beyond use, by kind.
    pub n_broken: BTreeMap<String, u64>,
    /// Values replaced by the missing code.
    pub n_missing: u64,
    /// Rows here that a second delivery corrects.
    pub n_revised: u64,
    /// Rows that are in the second delivery because they were registered late.
    pub n_late: u64,
    /// Rows that overlap another of the same person in time.
    pub n_overlapping: u64,
}

/// Counts of what went into a file, added up block by block.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FileCounts {
    pub(crate) n_rows: u64,
    pub(crate) n_duplicated: u64,
    pub(crate) n_broken: BTreeMap<Breakage, u64>,
    pub(crate) n_missing: u64,
    pub(crate) n_revised: u64,
    pub(crate) n_late: u64,
    pub(crate) n_overlapping: u64,
}

impl FileCounts {
    pub(crate) fn add(&mut self, other: &Self) {
        self.n_rows += other.n_rows;
        self.n_duplicated += other.n_duplicated;
        for (&kind, n) in &other.n_broken {
            *self.n_broken.entry(kind).or_default() += n;
        }
        self.n_missing += other.n_missing;
        self.n_revised += other.n_revised;
        self.n_late += other.n_late;
        self.n_overlapping += other.n_overlapping;
    }
}

impl Breakage {
    /// Its name in the truth.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ragged => "ragged",
            Self::LetterInNumber => "letter-in-number",
            Self::ImpossibleDate => "impossible-date",
            Self::UnknownCode => "unknown-code",
            Self::OutOfRange => "out-of-range",
        }
    }
}

/// A sum of expected differences over referred units, in the order of the units.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct EffectSum {
    n_units: u64,
    sum: f64,
}

impl EffectSum {
    pub(crate) fn push(&mut self, difference: f64) {
        self.n_units += 1;
        self.sum += difference;
    }

    /// Adds the sum of the block that follows.
    pub(crate) fn add(&mut self, next: Self) {
        self.n_units += next.n_units;
        self.sum += next.sum;
    }

    pub(crate) fn truth(self, name: &str, unit: &str, definition: String) -> EffectTruth {
        #[expect(clippy::cast_precision_loss, reason = "units stay far below 2^53")]
        let effect = (self.n_units > 0).then(|| self.sum / self.n_units as f64);
        EffectTruth {
            name: name.to_owned(),
            unit: unit.to_owned(),
            definition,
            n_units: self.n_units,
            effect,
        }
    }
}

/// How many units a programme considered and referred.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Intake {
    pub(crate) n_considered: u64,
    pub(crate) n_referred: u64,
    pub(crate) n_referred_earlier: u64,
}

impl Intake {
    pub(crate) fn truth(
        self,
        programme: &Programme,
        unit: &str,
        effects: Vec<EffectTruth>,
    ) -> ProgrammeTruth {
        ProgrammeTruth {
            programme: programme.code.to_owned(),
            unit: unit.to_owned(),
            n_considered: self.n_considered,
            n_referred: self.n_referred,
            n_referred_earlier: self.n_referred_earlier,
            effects,
        }
    }

    pub(crate) fn add(&mut self, next: Self) {
        self.n_considered += next.n_considered;
        self.n_referred += next.n_referred;
        self.n_referred_earlier += next.n_referred_earlier;
    }
}
