//! The extracts: their names, files and columns.

use serde::{Deserialize, Serialize};

/// A register as it is delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Extract {
    Persons,
    Families,
    Enrolment,
    Absence,
    Referrals,
    PoliceReports,
    Shelter,
    Placements,
    Grades,
}

/// Which delivery of an extract a row belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Delivery {
    /// The only one, or the first of two.
    First,
    /// What changed since the first, or came late.
    Second,
}

/// A column of an extract.
#[derive(Debug)]
pub(crate) struct Column {
    /// Its header in the file.
    pub(crate) header: &'static str,
    pub(crate) kind: ColumnKind,
    /// Whether a value may be replaced by the missing code.
    pub(crate) may_be_missing: bool,
}

/// What a column holds, and what a broken row writes there instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ColumnKind {
    Text,
    Code,
    Date,
    /// A whole number; `beyond` lies outside its range.
    Whole {
        beyond: i64,
    },
    /// A decimal; `beyond` lies outside its range, both in units of the last decimal.
    Decimal {
        decimals: u32,
        beyond: i64,
    },
}

const fn column(header: &'static str, kind: ColumnKind) -> Column {
    Column {
        header,
        kind,
        may_be_missing: false,
    }
}

const fn optional(header: &'static str, kind: ColumnKind) -> Column {
    Column {
        header,
        kind,
        may_be_missing: true,
    }
}

const HOURS: ColumnKind = ColumnKind::Decimal {
    decimals: 1,
    beyond: 9_999,
};

const PERSONS: &[Column] = &[
    column("LopNr", ColumnKind::Text),
    column("Familj", ColumnKind::Text),
    column("Födelsedatum", ColumnKind::Date),
    optional("Kön", ColumnKind::Code),
    optional("Kommun", ColumnKind::Code),
    column("Dödsdatum", ColumnKind::Date),
    column("Utflyttningsdatum", ColumnKind::Date),
];
const FAMILIES: &[Column] = &[
    column("Familj", ColumnKind::Text),
    optional("Kommun", ColumnKind::Code),
    column("AntalBarn", ColumnKind::Whole { beyond: 99 }),
    column("Utflyttningsdatum", ColumnKind::Date),
];
const ENROLMENT: &[Column] = &[
    column("LopNr", ColumnKind::Text),
    column("Skolenhet", ColumnKind::Text),
    column("Årskurs", ColumnKind::Whole { beyond: 19 }),
    column("Startdatum", ColumnKind::Date),
    column("Slutdatum", ColumnKind::Date),
];
const ABSENCE: &[Column] = &[
    column("LopNr", ColumnKind::Text),
    column("Månad", ColumnKind::Date),
    column("ErbjudnaTimmar", HOURS),
    optional("GiltigFrånvaro", HOURS),
    optional("OgiltigFrånvaro", HOURS),
];
const REFERRALS: &[Column] = &[
    column("LopNr", ColumnKind::Text),
    column("Program", ColumnKind::Code),
    column("Remissdatum", ColumnKind::Date),
    optional("RemitteradAv", ColumnKind::Code),
];
const POLICE_REPORTS: &[Column] = &[
    column("Anmälningsnummer", ColumnKind::Text),
    column("LopNr", ColumnKind::Text),
    column("Brottsdatum", ColumnKind::Date),
    optional("Anmälningsdatum", ColumnKind::Date),
    column("Brott", ColumnKind::Code),
];
const SHELTER: &[Column] = &[
    column("LopNr", ColumnKind::Text),
    column("Inskriven", ColumnKind::Date),
    column("Utskriven", ColumnKind::Date),
    optional("Boende", ColumnKind::Text),
];
const PLACEMENTS: &[Column] = &[
    column("LopNr", ColumnKind::Text),
    column("Startdatum", ColumnKind::Date),
    column("Slutdatum", ColumnKind::Date),
    column("Placeringsform", ColumnKind::Code),
    column(
        "Dygnskostnad",
        ColumnKind::Decimal {
            decimals: 2,
            beyond: 9_999_900,
        },
    ),
];
const GRADES: &[Column] = &[
    column("LopNr", ColumnKind::Text),
    column("Termin", ColumnKind::Code),
    column("Betygsdatum", ColumnKind::Date),
    optional(
        "Meritvärde",
        ColumnKind::Decimal {
            decimals: 1,
            beyond: 9_995,
        },
    ),
];

impl Extract {
    /// Its name in data contracts.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Persons => "persons",
            Self::Families => "families",
            Self::Enrolment => "enrolment",
            Self::Absence => "absence",
            Self::Referrals => "referrals",
            Self::PoliceReports => "police-reports",
            Self::Shelter => "shelter",
            Self::Placements => "placements",
            Self::Grades => "grades",
        }
    }

    /// What its files' names begin with.
    pub(crate) fn stem(self) -> &'static str {
        match self {
            Self::Persons => "personer",
            Self::Families => "familjer",
            Self::Enrolment => "skolgang",
            Self::Absence => "franvaro",
            Self::Referrals => "remisser",
            Self::PoliceReports => "polisanmalningar",
            Self::Shelter => "skyddat_boende",
            Self::Placements => "placeringar",
            Self::Grades => "betyg",
        }
    }

    pub(crate) fn columns(self) -> &'static [Column] {
        match self {
            Self::Persons => PERSONS,
            Self::Families => FAMILIES,
            Self::Enrolment => ENROLMENT,
            Self::Absence => ABSENCE,
            Self::Referrals => REFERRALS,
            Self::PoliceReports => POLICE_REPORTS,
            Self::Shelter => SHELTER,
            Self::Placements => PLACEMENTS,
            Self::Grades => GRADES,
        }
    }
}
