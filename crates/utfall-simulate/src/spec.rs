//! The specification of a world.

use std::collections::BTreeSet;
use std::num::NonZeroU64;

use serde::{Deserialize, Serialize};

use crate::calendar::Calendar;
use crate::error::SpecError;
use crate::extract::Extract;

/// What a world holds and what its programmes do.
///
/// Written in TOML; unknown keys are refused. The sections `school`, `violence` and `placements`
/// are switched off by leaving them out, and one that is off changes no draw of another.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Spec {
    pub(crate) schema: Schema,
    pub(crate) seed: u64,
    /// The index date is 1 September of this year.
    pub(crate) index_year: IndexYear,
    /// Extracts written as Parquet; the others are CSV.
    pub(crate) parquet: BTreeSet<Extract>,
    pub(crate) population: PopulationSpec,
    pub(crate) school: Option<SchoolSpec>,
    pub(crate) violence: Option<ViolenceSpec>,
    pub(crate) placements: Option<PlacementSpec>,
    pub(crate) dirt: DirtSpec,
}

impl Spec {
    /// Reads a specification.
    ///
    /// # Errors
    ///
    /// [`SpecError::Toml`] with line and column if the text is no TOML, holds an unknown key,
    /// lacks one, or gives a value out of bounds.
    pub fn from_toml(source_name: &str, text: &str) -> Result<Self, SpecError> {
        toml::from_str(text).map_err(|error| SpecError::toml(source_name, text, &error))
    }

    /// The seed of every draw.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The same world, drawn anew: for studies over many draws.
    #[must_use]
    pub fn with_seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Number of families.
    #[must_use]
    pub fn n_families(&self) -> u64 {
        self.population.n_families.get()
    }
}

/// The version of the specification's form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) enum Schema {
    #[serde(rename = "utfall-world/1")]
    World1,
}

/// Families and the persons in them.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct PopulationSpec {
    pub(crate) n_families: NonZeroU64,
    pub(crate) n_schools: NonZeroU64,
    /// Share of families with two adults; the others have one.
    pub(crate) two_adults: Share,
    /// Shares of families with no, one and two children; what they leave has two.
    pub(crate) children: [Share; 3],
    /// Children are born in the years from this many to that many before the index year.
    pub(crate) oldest_child: u8,
    pub(crate) youngest_child: u8,
    /// Share of families that move away in the 36 months from a year before the index date.
    pub(crate) moving: Share,
    /// Share of adults, and of children, who die in those months.
    pub(crate) adults_dying: Share,
    pub(crate) children_dying: Share,
    /// Share of children who change school in a school year.
    pub(crate) changing_school: Share,
    /// Share of persons with a referral to a programme that is not evaluated.
    pub(crate) other_referral: Share,
}

/// Pupils' monthly absence, and the programme `NARVARO`.
///
/// The rate of invalid absence in the year after the index date is
/// `(per-intercept + per-rate·b + per-woman·woman + per-grade·(grade − 7)) · (1 + noise·e)`, where
/// `b` is the *observed* rate of the year before and `e` is bounded noise of standard deviation 1.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct SchoolSpec {
    /// The underlying rate before: `lowest-rate + spread · min(u, v)`, `u` and `v` uniform.
    pub(crate) lowest_rate: Share,
    pub(crate) spread: Share,
    /// Months differ by up to this fraction of the rate.
    pub(crate) month_noise: Share,
    /// Mean share of hours absent with leave.
    pub(crate) valid_rate: Share,
    pub(crate) intercept: Finite,
    pub(crate) per_rate: Finite,
    pub(crate) per_woman: Finite,
    pub(crate) per_grade: Finite,
    pub(crate) noise: Share,
    /// No pupil's rate leaves these bounds, treated or not.
    pub(crate) least_rate: Share,
    pub(crate) most_rate: Share,
    pub(crate) programme: SchoolProgrammeSpec,
}

/// Referral to `NARVARO`: its logit is
/// `intercept + per-rate·(b − 0.18) + per-woman·woman + per-grade·(grade − 7)`.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct SchoolProgrammeSpec {
    /// Only pupils whose observed rate is at least this are considered.
    pub(crate) minimum_rate: Share,
    pub(crate) intercept: Finite,
    pub(crate) per_rate: Finite,
    pub(crate) per_woman: Finite,
    pub(crate) per_grade: Finite,
    /// Share of those considered who were referred a year earlier, and are not referred again.
    pub(crate) referred_earlier: Share,
    /// Added to the rate of invalid absence of those referred.
    pub(crate) effect: Finite,
}

/// Police reports of partner violence, nights in shelter, and the programme `DIALOG`.
///
/// Reports in the year after are Poisson with mean
/// `intercept + per-report·n + per-night·s`, where `n` reports and `s` nights were *observed* in
/// the year before.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct ViolenceSpec {
    /// Share of families with at least one report in the year before.
    pub(crate) known: Share,
    /// Reports in the year before: 1 + Poisson(`most-further-reports` · u), `u` uniform.
    pub(crate) most_further_reports: Finite,
    /// Share of those families with a stay in shelter in the year before.
    pub(crate) sheltered: Share,
    pub(crate) intercept: Finite,
    pub(crate) per_report: Finite,
    pub(crate) per_night: Finite,
    /// Expected reports never fall below this, treated or not.
    pub(crate) least_mean: Finite,
    /// Expected reports of a family not known before.
    pub(crate) mean_otherwise: Finite,
    /// Expected reports a year of offences that are no partner violence.
    pub(crate) other_offences: Finite,
    pub(crate) programme: ViolenceProgrammeSpec,
}

/// Referral to `DIALOG`: its logit is `intercept + per-report·(n − 2.5) + per-night·s`.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct ViolenceProgrammeSpec {
    pub(crate) intercept: Finite,
    pub(crate) per_report: Finite,
    pub(crate) per_night: Finite,
    /// Share of those considered who were referred a year earlier, and are not referred again.
    pub(crate) referred_earlier: Share,
    /// Added to the expected reports in twelve months of those referred.
    pub(crate) effect: Finite,
}

/// Children's placements and grades, and the programme `NORRKOPING`.
///
/// Nights placed in the 24 months after are
/// `(intercept + per-night·b + per-point·(m − 167)) · (1 + noise·e)`, where `b` nights in the 24
/// months before and merit `m` were *observed*.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct PlacementSpec {
    /// Share of children aged 11 to 14 in the index year who were placed in the 24 months before.
    pub(crate) placed: Share,
    pub(crate) fewest_nights: u16,
    /// Nights before: `fewest-nights + nights-spread · (u + v) / 2`, `u` and `v` uniform.
    pub(crate) nights_spread: u16,
    pub(crate) intercept: Finite,
    pub(crate) per_night: Finite,
    pub(crate) per_point: Finite,
    pub(crate) noise: Share,
    /// Share of episodes registered twice in part, and of episodes with relief care inside.
    pub(crate) registered_twice: Share,
    pub(crate) relief: Share,
    pub(crate) merit: MeritSpec,
    pub(crate) programme: PlacementProgrammeSpec,
}

/// Merit before is `mean + per-night·b + noise·e`; merit after is
/// `after-mean + after-per-point·(m − mean) + after-per-night·b + after-noise·e`.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct MeritSpec {
    pub(crate) mean: Finite,
    pub(crate) per_night: Finite,
    pub(crate) noise: Finite,
    pub(crate) after_mean: Finite,
    pub(crate) after_per_point: Finite,
    pub(crate) after_per_night: Finite,
    pub(crate) after_noise: Finite,
}

/// Referral to `NORRKOPING`: its logit is
/// `intercept + per-hundred-nights·(b − 365)/100 + per-point·(m − 167)`.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct PlacementProgrammeSpec {
    pub(crate) intercept: Finite,
    pub(crate) per_hundred_nights: Finite,
    pub(crate) per_point: Finite,
    /// Share of those considered who were referred a year earlier, and are not referred again.
    pub(crate) referred_earlier: Share,
    /// Added to the nights placed in 24 months of those referred.
    pub(crate) effect_nights: Finite,
    /// Added to the merit of those referred.
    pub(crate) effect_merit: Finite,
}

/// How the registers err. Shares are of rows unless said otherwise.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct DirtSpec {
    /// Delivered twice, exactly alike.
    pub(crate) duplicated: Share,
    /// Broken beyond use.
    pub(crate) broken: Share,
    /// One value replaced by the missing code.
    pub(crate) missing: Share,
    /// Delivered with other values first, and corrected in a second delivery.
    pub(crate) revised: Share,
    /// Registered weeks after the others.
    pub(crate) late: Share,
    /// Share of changes of school, and of stays in shelter, registered with an overlap.
    pub(crate) overlapping: Share,
}

/// A fraction from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Deserialize, Serialize)]
#[serde(try_from = "f64", into = "f64")]
pub(crate) struct Share(f64);

impl Share {
    pub(crate) fn get(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Share {
    type Error = String;

    fn try_from(value: f64) -> Result<Self, String> {
        if (0.0..=1.0).contains(&value) {
            Ok(Self(value))
        } else {
            Err(format!("{value}, expected a fraction from 0 to 1"))
        }
    }
}

impl From<Share> for f64 {
    fn from(share: Share) -> Self {
        share.0
    }
}

/// A finite number.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Deserialize, Serialize)]
#[serde(try_from = "f64", into = "f64")]
pub(crate) struct Finite(f64);

impl Finite {
    pub(crate) fn get(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Finite {
    type Error = String;

    fn try_from(value: f64) -> Result<Self, String> {
        if value.is_finite() {
            Ok(Self(value))
        } else {
            Err(format!("{value}, expected a finite number"))
        }
    }
}

impl From<Finite> for f64 {
    fn from(finite: Finite) -> Self {
        finite.0
    }
}

/// A year whose first of September is an index date: 1990 to 2100.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "i32", into = "i32")]
pub(crate) struct IndexYear(Calendar);

impl IndexYear {
    pub(crate) fn calendar(self) -> Calendar {
        self.0
    }
}

impl TryFrom<i32> for IndexYear {
    type Error = String;

    fn try_from(year: i32) -> Result<Self, String> {
        let calendar = (1990..=2100)
            .contains(&year)
            .then(|| Calendar::new(year))
            .flatten();
        calendar
            .map(Self)
            .ok_or_else(|| format!("{year}, expected a year from 1990 to 2100"))
    }
}

impl From<IndexYear> for i32 {
    fn from(year: IndexYear) -> Self {
        year.0.index_year()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEC: &str = include_str!("../../../sample-data/world.toml");

    #[test]
    fn the_shipped_world_is_read() {
        let spec = Spec::from_toml("world.toml", SPEC).unwrap();
        assert!(spec.school.is_some() && spec.violence.is_some() && spec.placements.is_some());
        assert_eq!(spec.clone().with_seed(7).seed(), 7);
    }

    #[test]
    fn a_share_above_one_is_refused_with_its_line() {
        let text = SPEC.replace("two-adults = 0.6", "two-adults = 1.6");
        let error = Spec::from_toml("world.toml", &text).unwrap_err();
        let line = text.lines().position(|line| line.contains("1.6")).unwrap() + 1;
        let SpecError::Toml {
            line: found,
            problem,
            ..
        } = error;
        assert_eq!(found, line);
        assert!(
            problem.contains("1.6, expected a fraction from 0 to 1"),
            "{problem}"
        );
    }

    #[test]
    fn an_unknown_key_is_refused() {
        let text = SPEC.replace("two-adults = 0.6", "two-adults = 0.6\nthree-adults = 0.1");
        let error = Spec::from_toml("world.toml", &text).unwrap_err();
        assert!(error.to_string().contains("three-adults"), "{error}");
    }

    #[test]
    fn a_section_that_is_left_out_is_off() {
        let start = SPEC.find("[school]").unwrap();
        let end = SPEC.find("[violence]").unwrap();
        let text = format!("{}{}", &SPEC[..start], &SPEC[end..]);
        assert!(
            Spec::from_toml("world.toml", &text)
                .unwrap()
                .school
                .is_none()
        );
    }
}
