//! What to know before an answer is used: it travels with the numbers, by name.

use serde::ser::{Serialize, SerializeMap, Serializer};
use utfall_effects::EXTREME_SCORE;
use utfall_matching::design::{Found, Matching};

use crate::Numbers;

/// What to know before an answer is used.
///
/// Serialised, it is an object of its `kind`, its numbers and a `message`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Warning {
    /// There are fewer units to find than units that seek, and each may be found once.
    FewerThanSought {
        /// Units that seek.
        seeking: usize,
        /// Units that may be found.
        to_find: usize,
    },
    /// Units the question is about were left out, so that the estimand is another.
    LeftOut {
        /// Units left out.
        left_out: usize,
        /// Units the question is about.
        of: usize,
    },
    /// One arm holds few units, so that no standard error can be trusted.
    FewUnits {
        /// Units of the smaller arm.
        units: usize,
    },
    /// The rule for ties decided many choices, so that the effect depends on it.
    ManyTies {
        /// Choices that the rule decided.
        tied: usize,
        /// Choices in all.
        of: usize,
    },
    /// Scores lie close to 0 or 1: there is hardly anybody of the other arm like these units.
    ExtremeScores {
        /// Units with a score below 0.001 or above 0.999.
        units: usize,
    },
    /// Weights leave less than half of an arm's units effective.
    FewEffectiveUnits {
        /// The effective number.
        effective: f64,
        /// Units of the arm.
        of: usize,
    },
    /// A covariate differs between the arms and has no spread to divide the difference by.
    UndefinedDifference {
        /// The covariate.
        covariate: String,
    },
}

/// Fewer units than this make a small arm.
const FEW: usize = 10;

impl Warning {
    fn kind(&self) -> &'static str {
        match self {
            Self::FewerThanSought { .. } => "fewer-than-sought",
            Self::LeftOut { .. } => "left-out",
            Self::FewUnits { .. } => "few-units",
            Self::ManyTies { .. } => "many-ties",
            Self::ExtremeScores { .. } => "extreme-scores",
            Self::FewEffectiveUnits { .. } => "few-effective-units",
            Self::UndefinedDifference { .. } => "undefined-difference",
        }
    }
}

impl std::fmt::Display for Warning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::FewerThanSought { seeking, to_find } => write!(
                f,
                "{seeking} units seek among {to_find} that may be found once each: some stay alone; allow reuse, or match fully"
            ),
            Self::LeftOut { left_out, of } => write!(
                f,
                "{left_out} of {of} units the question is about are left out, so the answer is about the others"
            ),
            Self::FewUnits { units } => write!(
                f,
                "an arm holds {units} units: standard errors and balance say little"
            ),
            Self::ManyTies { tied, of } => write!(
                f,
                "{tied} of {of} choices fell between units equally near: the rule for ties decides the effect"
            ),
            Self::ExtremeScores { units } => write!(
                f,
                "{units} scores are below {EXTREME_SCORE} or above {}: there is hardly any overlap there",
                1.0 - EXTREME_SCORE
            ),
            Self::FewEffectiveUnits { effective, of } => write!(
                f,
                "weights leave {effective:.1} effective units of {of} in an arm: a few of them decide"
            ),
            Self::UndefinedDifference { covariate } => write!(
                f,
                "`{covariate}` differs between the arms and has no spread to compare the difference with"
            ),
        }
    }
}

impl Serialize for Warning {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("kind", self.kind())?;
        match self {
            Self::FewerThanSought { seeking, to_find } => {
                map.serialize_entry("seeking", seeking)?;
                map.serialize_entry("to_find", to_find)?;
            }
            Self::LeftOut { left_out, of } => {
                map.serialize_entry("left_out", left_out)?;
                map.serialize_entry("of", of)?;
            }
            Self::FewUnits { units } | Self::ExtremeScores { units } => {
                map.serialize_entry("units", units)?;
            }
            Self::ManyTies { tied, of } => {
                map.serialize_entry("tied", tied)?;
                map.serialize_entry("of", of)?;
            }
            Self::FewEffectiveUnits { effective, of } => {
                map.serialize_entry("effective", effective)?;
                map.serialize_entry("of", of)?;
            }
            Self::UndefinedDifference { covariate } => {
                map.serialize_entry("covariate", covariate)?;
            }
        }
        map.serialize_entry("message", &self.to_string())?;
        map.end()
    }
}

/// Warns of arms that hold few units.
pub(crate) fn of_arms(treated: &[bool], numbers: &mut Numbers) {
    let n_treated = treated.iter().filter(|is| **is).count();
    let units = n_treated.min(treated.len() - n_treated);
    if units < FEW {
        numbers.warn(Warning::FewUnits { units });
    }
}

/// Warns of what a matching came to.
pub(crate) fn of_matching(
    found: &Found,
    matching: &Matching,
    treated: &[bool],
    numbers: &mut Numbers,
) {
    let Some(matched) = found.pairs() else {
        return;
    };
    let focal = matched.sets().count();
    let to_find = treated.len() - focal;
    let is_once = matching
        .nearest
        .as_ref()
        .is_none_or(|spec| spec.reuse == utfall_matching::Reuse::Forbid);
    if is_once && to_find < focal {
        let seeking = focal;
        numbers.warn(Warning::FewerThanSought { seeking, to_find });
    }
    let left_out = matched.sets().filter(|(_, set)| set.is_empty()).count();
    if left_out > 0 {
        let of = focal;
        numbers.warn(Warning::LeftOut { left_out, of });
    }
    let (tied, of) = (matched.n_tied(), matched.n_pairs());
    if 4 * tied > of {
        numbers.warn(Warning::ManyTies { tied, of });
    }
}

/// Warns of strata that leave out units the question is about.
pub(crate) fn of_strata(weights: &[f64], is_asked_about: &[bool], numbers: &mut Numbers) {
    let asked = weights.iter().zip(is_asked_about).filter(|(_, is)| **is);
    let of = asked.clone().count();
    let left_out = asked.filter(|(weight, _)| **weight <= 0.0).count();
    if left_out > 0 {
        numbers.warn(Warning::LeftOut { left_out, of });
    }
}

/// Warns of scores that leave hardly any overlap.
pub(crate) fn of_scores(score: &[f64], numbers: &mut Numbers) {
    let is_probability = score.iter().all(|p| (0.0..=1.0).contains(p));
    if is_probability {
        of_extreme_scores(utfall_effects::n_extreme_scores(score), numbers);
    }
}

/// Warns of so many scores that leave hardly any overlap.
pub(crate) fn of_extreme_scores(units: usize, numbers: &mut Numbers) {
    if units > 0 {
        numbers.warn(Warning::ExtremeScores { units });
    }
}

/// Warns of weights that a few units carry.
pub(crate) fn of_weights(weights: &[f64], numbers: &mut Numbers) {
    let of = weights.iter().filter(|weight| **weight > 0.0).count();
    let effective = utfall_stats::moments::effective_sample_size(weights);
    if effective < 0.5 * utfall_stats::moments::count(of) {
        numbers.warn(Warning::FewEffectiveUnits { effective, of });
    }
}
