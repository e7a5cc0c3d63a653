//! A measure as a plan defines it, and which definition is valid when.

use std::num::NonZeroU32;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utfall_core::Period;

use super::kind::MeasureKind;

/// A measurement on the rows of an extract.
///
/// A measure that exists is sound: it has one definition or versions in the order of their
/// dates, and options that its kind knows.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "MeasureText", into = "MeasureText")]
pub struct MeasureSpec {
    /// Its name in the plan.
    pub name: String,
    /// The extract.
    pub extract: String,
    /// Its column with the id of the unit or of a member.
    pub member: String,
    /// The date by which a row counts; episodes count by their start and stop instead.
    pub time: Option<String>,
    /// Unit of what is counted, such as `hours`: the contract's columns must be in it.
    pub unit: Option<String>,
    /// What is measured, always or by date.
    pub definition: Definition,
    /// Which rows count; a row must meet all.
    pub r#where: Vec<Filter>,
    /// When a member is under observation: rows at other times do not count.
    pub exposure: Option<Exposure>,
}

/// What is measured, always or by date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Definition {
    /// The same at any time.
    Always(Box<MeasureKind>),
    /// By date, in order.
    Versions {
        /// What a period in the time of several versions is measured by.
        spanning: Spanning,
        /// The versions.
        versions: Vec<Version>,
    },
}

/// A definition valid for a time.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Version {
    /// First day on which it is valid; only the first version may leave it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<NaiveDate>,
    /// First day on which it is no longer valid; only the last version may leave it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<NaiveDate>,
    /// What is measured.
    pub kind: MeasureKind,
    /// Which rows count, beside the measure's own filters.
    #[serde(default, rename = "where", skip_serializing_if = "Vec::is_empty")]
    pub filters: Vec<Filter>,
}

/// What a period in the time of several versions is measured by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Spanning {
    /// Nothing: the plan is refused.
    Refuse,
    /// The definition valid on its first day.
    FirstDay,
    /// The definition valid on its last day.
    LastDay,
    /// Each part by the definition valid then; the parts add up.
    Split,
}

/// When a member is under observation.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Exposure {
    /// The extract with the episodes: enrolment, residence.
    pub extract: String,
    /// Its column with the member's id.
    pub member: String,
    /// First day of an episode.
    pub start: String,
    /// First day after it; an episode without one is still open.
    pub stop: String,
    /// Which episodes count.
    #[serde(default, rename = "where", skip_serializing_if = "Vec::is_empty")]
    pub filters: Vec<Filter>,
    /// Only days of this calendar are days under observation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calendar: Option<String>,
    /// Amounts are given for so many days under observation; other kinds have no such number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_days: Option<NonZeroU32>,
}

/// Rows whose column holds one of some values.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Filter {
    /// The column.
    pub column: String,
    /// Its values in canonical form, such as `NARVARO`, `12.5` or `2024-01-31`.
    pub equals: Vec<String>,
}

/// A part of a period, what is measured there, and which rows count beside the measure's filters.
pub(super) type Part<'a> = (Period, &'a MeasureKind, &'a [Filter]);

/// Why a measure has no definition for a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DefinitionFault {
    /// No version is valid on a day of the period.
    #[error("no version of its definition is valid on {day}")]
    None {
        /// The first such day.
        day: NaiveDate,
    },
    /// The period lies in the time of several versions.
    #[error(
        "its definition changes on {day}; choose a window on one side of it, or say `spanning = \"first-day\"`, `\"last-day\"` or `\"split\"`"
    )]
    Several {
        /// The first day of another version.
        day: NaiveDate,
    },
}

impl MeasureSpec {
    /// Every column the measure reads, each with its extract.
    #[must_use]
    pub fn columns(&self) -> Vec<(&str, &str)> {
        let mut own = vec![self.member.as_str()];
        own.extend(self.time.as_deref());
        own.extend(self.r#where.iter().map(|filter| filter.column.as_str()));
        let mut others = Vec::new();
        for (kind, filters) in self.kinds() {
            own.extend(kind.columns());
            own.extend(filters.iter().map(|filter| filter.column.as_str()));
            if let MeasureKind::Cost {
                price_list: Some(list),
                ..
            } = kind
            {
                let columns = [&list.item, &list.from, &list.until, &list.price];
                others.extend(columns.map(|column| (list.extract.as_str(), column.as_str())));
            }
        }
        if let Some(exposure) = &self.exposure {
            let mut columns = vec![&exposure.member, &exposure.start, &exposure.stop];
            columns.extend(exposure.filters.iter().map(|filter| &filter.column));
            let columns = columns.into_iter().map(String::as_str);
            others.extend(columns.map(|column| (exposure.extract.as_str(), column)));
        }
        let own = own
            .into_iter()
            .map(|column| (self.extract.as_str(), column));
        own.chain(others).collect()
    }

    /// Columns whose values are in the measure's unit.
    #[must_use]
    pub fn amounts(&self) -> Vec<&str> {
        self.kinds().flat_map(|(kind, _)| kind.amounts()).collect()
    }

    /// Names of the calendars it counts days by.
    #[must_use]
    pub fn calendars(&self) -> Vec<&str> {
        let of_kinds = self.kinds().filter_map(|(kind, _)| match kind {
            MeasureKind::Nights { calendar, .. } => calendar.as_deref(),
            _ => None,
        });
        let exposure = self.exposure.as_ref();
        of_kinds
            .chain(exposure.and_then(|exposure| exposure.calendar.as_deref()))
            .collect()
    }

    /// The parts of a period and what is measured in each: one, unless the versions split it.
    ///
    /// # Errors
    ///
    /// [`DefinitionFault`] if no definition is valid, or several are and the measure does not say
    /// what then.
    pub(super) fn parts(&self, period: Period) -> Result<Vec<Part<'_>>, DefinitionFault> {
        let (spanning, versions) = match &self.definition {
            Definition::Always(kind) => return Ok(vec![(period, &**kind, &[])]),
            Definition::Versions { spanning, versions } => (*spanning, versions),
        };
        let last_day = period.end().pred_opt().unwrap_or(period.end());
        let mut parts: Vec<Part<'_>> = Vec::new();
        let mut day = period.start();
        while day < period.end() {
            let version = valid_on(versions, day)?;
            let end = version
                .until
                .map_or(period.end(), |until| until.min(period.end()));
            if let Ok(part) = Period::new(day, end) {
                parts.push((part, &version.kind, &version.filters));
            }
            day = end;
        }
        let whole_by = |day| -> Result<Vec<Part<'_>>, DefinitionFault> {
            let version = valid_on(versions, day)?;
            Ok(vec![(period, &version.kind, version.filters.as_slice())])
        };
        match (spanning, parts.as_slice()) {
            (_, [_]) | (Spanning::Split, _) => Ok(parts),
            (Spanning::FirstDay, _) => whole_by(period.start()),
            (Spanning::LastDay, _) => whole_by(last_day),
            (Spanning::Refuse, parts) => Err(DefinitionFault::Several {
                day: parts.get(1).map_or(period.end(), |(part, ..)| part.start()),
            }),
        }
    }

    /// Whether the measure has a definition for a period.
    ///
    /// # Errors
    ///
    /// [`DefinitionFault`] if not.
    pub fn check_period(&self, period: Period) -> Result<(), DefinitionFault> {
        self.parts(period).map(drop)
    }

    /// What is measured, whenever, and the filters that belong to it.
    pub(in crate::tables) fn kinds(&self) -> impl Iterator<Item = (&MeasureKind, &[Filter])> {
        let (always, versions) = match &self.definition {
            Definition::Always(kind) => (Some(&**kind), [].as_slice()),
            Definition::Versions { versions, .. } => (None, versions.as_slice()),
        };
        let versions = versions
            .iter()
            .map(|version| (&version.kind, version.filters.as_slice()));
        always
            .map(|kind| (kind, [].as_slice()))
            .into_iter()
            .chain(versions)
    }
}

fn valid_on(versions: &[Version], day: NaiveDate) -> Result<&Version, DefinitionFault> {
    let valid = |version: &&Version| {
        version.from.is_none_or(|from| from <= day) && version.until.is_none_or(|until| day < until)
    };
    versions
        .iter()
        .find(valid)
        .ok_or(DefinitionFault::None { day })
}

/// A measure as written.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct MeasureText {
    name: String,
    extract: String,
    member: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    time: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unit: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kind: Option<MeasureKind>,
    #[serde(default, rename = "where", skip_serializing_if = "Vec::is_empty")]
    filters: Vec<Filter>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    exposure: Option<Exposure>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    spanning: Option<Spanning>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    version: Vec<Version>,
}

/// Why a measure is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum MeasureFault {
    #[error("measure `{0}` has neither a `kind` nor a `version`")]
    NoKind(String),
    #[error("measure `{0}` has both a `kind` and versions; put the kind into each version")]
    KindAndVersions(String),
    #[error(
        "measure `{0}` has versions: say what a window in the time of several is measured by, `spanning = \"refuse\"`, `\"first-day\"`, `\"last-day\"` or `\"split\"`"
    )]
    NoSpanning(String),
    #[error("measure `{0}` has no versions, so `spanning` says nothing")]
    NeedlessSpanning(String),
    #[error(
        "version {version} of measure `{measure}` must start when or after the one before it ends, and end after it starts; only the first may leave out `from` and only the last `until`"
    )]
    Order { measure: String, version: usize },
    #[error("measure `{measure}` cannot be split between versions: parts of {what} do not add up")]
    Split { measure: String, what: &'static str },
    #[error("measure `{0}`: a threshold is `of` a ratio, sessions or a mean")]
    ThresholdOf(String),
    #[error("measure `{0}`: a cost has a `tariff` or a `price-list`, and not both")]
    Tariff(String),
    #[error("measure `{0}`: a cost has an `overlap` or a `priority`, and not both")]
    Overlap(String),
    #[error("measure `{measure}` lists `{code}` twice")]
    RepeatedCode { measure: String, code: String },
    #[error(
        "measure `{0}` sets an amount against time under observation: say `per-days`, such as 365"
    )]
    NoPerDays(String),
    #[error("measure `{0}` is no amount, so `per-days` says nothing")]
    NeedlessPerDays(String),
    #[error(
        "measure `{0}`: the time to a first event knows no `exposure`; filter its rows instead"
    )]
    ExposedEvent(String),
    #[error(
        "measure `{0}` counts days under observation by a calendar, which only amounts can be set against"
    )]
    NeedlessCalendar(String),
}

impl TryFrom<MeasureText> for MeasureSpec {
    type Error = MeasureFault;

    fn try_from(text: MeasureText) -> Result<Self, MeasureFault> {
        let name = || text.name.clone();
        let definition = match (text.kind, text.version.is_empty(), text.spanning) {
            (None, true, _) => return Err(MeasureFault::NoKind(name())),
            (Some(_), false, _) => return Err(MeasureFault::KindAndVersions(name())),
            (Some(_), true, Some(_)) => return Err(MeasureFault::NeedlessSpanning(name())),
            (None, false, None) => return Err(MeasureFault::NoSpanning(name())),
            (Some(kind), true, None) => Definition::Always(Box::new(kind)),
            (None, false, Some(spanning)) => Definition::Versions {
                spanning,
                versions: text.version,
            },
        };
        let spec = Self {
            name: text.name,
            extract: text.extract,
            member: text.member,
            time: text.time,
            unit: text.unit,
            definition,
            r#where: text.filters,
            exposure: text.exposure,
        };
        spec.check_versions()?;
        for (kind, _) in spec.kinds() {
            check_kind(&spec.name, kind)?;
            spec.check_exposure(kind)?;
        }
        Ok(spec)
    }
}

impl MeasureSpec {
    fn check_versions(&self) -> Result<(), MeasureFault> {
        let Definition::Versions { spanning, versions } = &self.definition else {
            return Ok(());
        };
        let measure = || self.name.clone();
        let mut ended = None;
        for (i, version) in versions.iter().enumerate() {
            let (first, last) = (i == 0, i + 1 == versions.len());
            let follows = match (version.from, ended) {
                (None, _) => first,
                (Some(_), None) => first,
                (Some(from), Some(ended)) => ended <= from,
            };
            let ends = match (version.from, version.until) {
                (_, None) => last,
                (None, Some(_)) => true,
                (Some(from), Some(until)) => from < until,
            };
            if !follows || !ends {
                return Err(MeasureFault::Order {
                    measure: measure(),
                    version: i + 1,
                });
            }
            if *spanning == Spanning::Split && !version.kind.is_additive() {
                return Err(MeasureFault::Split {
                    measure: measure(),
                    what: "such a kind",
                });
            }
            ended = version.until;
        }
        let quotient = |version: &Version| version.kind.is_quotient();
        let mixed = versions.iter().any(quotient) && !versions.iter().all(quotient);
        if *spanning == Spanning::Split && mixed {
            return Err(MeasureFault::Split {
                measure: measure(),
                what: "rates and amounts",
            });
        }
        Ok(())
    }

    fn check_exposure(&self, kind: &MeasureKind) -> Result<(), MeasureFault> {
        let Some(exposure) = &self.exposure else {
            return Ok(());
        };
        let name = || self.name.clone();
        match (kind, exposure.per_days) {
            (MeasureKind::FirstEvent { .. }, _) => Err(MeasureFault::ExposedEvent(name())),
            (kind, None) if kind.is_amount() => Err(MeasureFault::NoPerDays(name())),
            (kind, Some(_)) if !kind.is_amount() => Err(MeasureFault::NeedlessPerDays(name())),
            (kind, _) if !kind.is_amount() && exposure.calendar.is_some() => {
                Err(MeasureFault::NeedlessCalendar(name()))
            }
            _ => Ok(()),
        }
    }
}

fn check_kind(name: &str, kind: &MeasureKind) -> Result<(), MeasureFault> {
    let name = || name.to_owned();
    match kind {
        MeasureKind::Threshold { of, .. } => match &**of {
            MeasureKind::Ratio { .. } | MeasureKind::Sessions { .. } | MeasureKind::Mean { .. } => {
                check_kind(&name(), of)
            }
            _ => Err(MeasureFault::ThresholdOf(name())),
        },
        MeasureKind::Cost {
            tariff,
            price_list,
            overlap,
            priority,
            ..
        } => {
            if tariff.is_some() == price_list.is_some() {
                return Err(MeasureFault::Tariff(name()));
            }
            if overlap.is_some() && priority.is_some() {
                return Err(MeasureFault::Overlap(name()));
            }
            let order = priority.iter().flat_map(|priority| &priority.order);
            check_codes(&name(), order)
        }
        MeasureKind::Sessions {
            present,
            absent,
            not_counted,
            ..
        } => check_codes(&name(), present.iter().chain(absent).chain(not_counted)),
        _ => Ok(()),
    }
}

fn check_codes<'a>(
    measure: &str,
    codes: impl Iterator<Item = &'a String>,
) -> Result<(), MeasureFault> {
    let mut seen = std::collections::BTreeSet::new();
    for code in codes {
        if !seen.insert(code) {
            return Err(MeasureFault::RepeatedCode {
                measure: measure.to_owned(),
                code: code.clone(),
            });
        }
    }
    Ok(())
}

impl From<MeasureSpec> for MeasureText {
    fn from(spec: MeasureSpec) -> Self {
        let (kind, spanning, version) = match spec.definition {
            Definition::Always(kind) => (Some(*kind), None, Vec::new()),
            Definition::Versions { spanning, versions } => (None, Some(spanning), versions),
        };
        Self {
            name: spec.name,
            extract: spec.extract,
            member: spec.member,
            time: spec.time,
            unit: spec.unit,
            kind,
            filters: spec.r#where,
            exposure: spec.exposure,
            spanning,
            version,
        }
    }
}
