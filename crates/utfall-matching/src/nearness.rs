//! How far apart two units are, and whether they may be matched at all.

use std::collections::BTreeMap;

use utfall_stats::{Matrix, first_row};

use crate::error::{check_arms, check_length};
use crate::{Caliper, CaliperScale, MatchingError, Within};

/// What the distance between two units is taken on.
#[derive(Debug, Clone, Copy)]
pub enum Nearness<'a> {
    /// The difference of their scores; one for each unit.
    Score(&'a [f64]),
    /// The plain distance between their rows of coordinates, as
    /// [`coordinates`](crate::coordinates) gives them. Where there is a score, a caliper goes by it.
    Covariates {
        /// One row for each unit.
        coordinates: &'a Matrix,
        /// One for each unit.
        score: Option<&'a [f64]>,
    },
}

/// Who may be matched with whom, and at which distance.
pub(crate) struct Pairs<'a> {
    nearness: Nearness<'a>,
    pub(crate) within: Within<'a>,
    pub(crate) width: Option<f64>,
}

/// The units of both arms in one stratum, each in rising order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stratum {
    pub(crate) focal: Vec<usize>,
    pub(crate) others: Vec<usize>,
}

impl<'a> From<&'a [f64]> for Nearness<'a> {
    fn from(score: &'a [f64]) -> Self {
        Self::Score(score)
    }
}

impl<'a> From<&'a Vec<f64>> for Nearness<'a> {
    fn from(score: &'a Vec<f64>) -> Self {
        Self::Score(score)
    }
}

impl<'a> Nearness<'a> {
    /// The score, where there is one.
    #[must_use]
    pub fn score(&self) -> Option<&'a [f64]> {
        match *self {
            Self::Score(score) => Some(score),
            Self::Covariates { score, .. } => score,
        }
    }

    /// Refuses input that is none.
    pub(crate) fn check(&self, treated: &[bool]) -> Result<(), MatchingError> {
        let n_units = treated.len();
        if let Self::Covariates { coordinates, .. } = self {
            if coordinates.n_columns() == 0 {
                return Err(MatchingError::NoCovariates);
            }
            check_length("rows of covariates", coordinates.n_rows(), n_units)?;
            if let Some((unit, column)) = coordinates.first_not_finite() {
                return Err(MatchingError::CovariateNotFinite { unit, column });
            }
        }
        let score = self.score().unwrap_or(&[]);
        if self.score().is_some() {
            check_length("distances", score.len(), n_units)?;
        }
        if n_units >= u32::MAX as usize - 1 {
            return Err(MatchingError::TooManyUnits { n_units });
        }
        check_arms(treated)?;
        match first_row(score, |value| !value.is_finite()) {
            Some(unit) => Err(MatchingError::DistanceNotFinite { unit }),
            None => Ok(()),
        }
    }

    /// The caliper in units of what it goes by.
    pub(crate) fn width(&self, caliper: Option<Caliper>) -> Result<Option<f64>, MatchingError> {
        match (caliper, self.score()) {
            (None, _) => Ok(None),
            (Some(caliper), Some(score)) => Ok(Some(caliper.width_of(score))),
            (Some(caliper), None) if caliper.scale() == CaliperScale::Raw => {
                Ok(Some(caliper.width()))
            }
            (Some(_), None) => Err(MatchingError::NeedsScore {
                what: "a caliper in standard deviations",
            }),
        }
    }
}

impl<'a> Pairs<'a> {
    pub(crate) fn new(
        nearness: Nearness<'a>,
        caliper: Option<Caliper>,
        treated: &[bool],
        within: Within<'a>,
    ) -> Result<Self, MatchingError> {
        nearness.check(treated)?;
        within.check(treated.len())?;
        Ok(Self {
            nearness,
            within,
            width: nearness.width(caliper)?,
        })
    }

    /// The scores, where the distance is theirs and no rule stands beside the caliper.
    pub(crate) fn line(&self) -> Option<&'a [f64]> {
        match self.nearness {
            Nearness::Score(score) if self.within.rules.is_empty() => Some(score),
            _ => None,
        }
    }

    /// How far apart two units of one stratum are; `None` if they may not be matched.
    pub(crate) fn apart(&self, a: usize, b: usize) -> Option<f64> {
        let width = self.width.unwrap_or(f64::INFINITY);
        let on_score = self.nearness.score().map(|s| (s[a] - s[b]).abs());
        if on_score.is_some_and(|apart| apart > width) {
            return None;
        }
        let apart = match (self.nearness, on_score) {
            (Nearness::Score(_), on_score) => on_score.unwrap_or(0.0),
            (Nearness::Covariates { coordinates, .. }, on_score) => {
                let squares = coordinates.columns().map(|x| (x[a] - x[b]) * (x[a] - x[b]));
                let apart = squares.fold(0.0, |sum, square| sum + square).sqrt();
                if on_score.is_none() && apart > width {
                    return None;
                }
                apart
            }
        };
        self.within.allows(a, b).then_some(apart)
    }

    /// Units by stratum; strata that lack an arm are left out.
    pub(crate) fn strata(&self, treated: &[bool]) -> Vec<Stratum> {
        let mut strata: BTreeMap<u32, Stratum> = BTreeMap::new();
        for (unit, &is_treated) in treated.iter().enumerate() {
            let stratum = strata.entry(self.within.stratum(unit)).or_default();
            if is_treated {
                stratum.focal.push(unit);
            } else {
                stratum.others.push(unit);
            }
        }
        let both = |stratum: &Stratum| !stratum.focal.is_empty() && !stratum.others.is_empty();
        strata.into_values().filter(both).collect()
    }

    /// Why nobody could be matched.
    pub(crate) fn nobody(&self, treated: &[bool]) -> MatchingError {
        let n_treated = treated.iter().filter(|&&is| is).count();
        match self.width {
            _ if self.strata(treated).is_empty() => MatchingError::NoSharedStratum,
            Some(width) if self.within.rules.is_empty() => {
                MatchingError::NobodyWithinCaliper { n_treated, width }
            }
            _ => MatchingError::NobodyAllowed { n_treated },
        }
    }
}
