//! Who takes part in a matching, and for which arm comparators are sought.

use serde::{Deserialize, Serialize};
use utfall_core::Arm;

use crate::matched::opposite;
use crate::{Matched, MatchingError, Rule, Stratified};

/// Units that may be matched: the arm that seeks, and those left out beforehand.
///
/// Every method that makes pairs is written for treated units that seek comparators among all
/// units. Through this it serves the ATC, where comparators seek treated units, and a matching
/// among some units only, and the result still names units by their index among all.
///
/// ```
/// use utfall_core::{Arm, Estimand};
/// use utfall_matching::{Candidates, Discard, NearestSpec, common_support, nearest};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let score = [0.9, 0.6, 0.4, 0.5, 0.3, 0.1];
/// let treated = [true, true, true, false, false, false];
/// let spec: NearestSpec = toml::from_str(
///     "ratio = 1\nreuse = \"forbid\"\norder = \"largest\"\nties = \"lowest-id\"",
/// )?;
/// let is_candidate = common_support(&score, &treated, Discard::Both)?;
/// let candidates = Candidates::new(&treated, Arm::Treated, Some(&is_candidate))?;
/// let matched = candidates.matched(|part| {
///     nearest(&spec, &part.of(&score), part.focal(), None)
/// })?;
/// assert_eq!(matched.pairs().collect::<Vec<_>>(), [(2, 3)]);
/// assert_eq!(matched.estimand(), Estimand::MatchedTreated);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Candidates {
    focal_arm: Arm,
    /// Whether each of all units is of the focal arm.
    is_focal: Vec<bool>,
    part: Part,
}

/// The candidates as a matching sees them: focal units in the place of the treated.
#[derive(Debug, Clone)]
pub struct Part {
    units: Vec<usize>,
    focal: Vec<bool>,
}

/// Whom to leave out for lying outside the range of the other arm's scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Discard {
    /// Treated units outside the range of the comparators.
    Treated,
    /// Comparators outside the range of the treated.
    Comparator,
    /// Either.
    Both,
}

impl Candidates {
    /// The units of both arms for which `is_candidate` holds, or all of them without it.
    ///
    /// # Errors
    ///
    /// [`MatchingError::LengthMismatch`] if the slices differ in length, and
    /// [`MatchingError::EmptyArm`] if no candidate is left in an arm.
    pub fn new(
        treated: &[bool],
        focal_arm: Arm,
        is_candidate: Option<&[bool]>,
    ) -> Result<Self, MatchingError> {
        let n_units = treated.len();
        let is_candidate = is_candidate.map_or_else(|| vec![true; n_units], <[bool]>::to_vec);
        crate::error::check_length("marks of candidates", is_candidate.len(), n_units)?;
        let is_focal: Vec<bool> = treated
            .iter()
            .map(|&is| is == (focal_arm == Arm::Treated))
            .collect();
        let units: Vec<usize> = (0..n_units).filter(|&unit| is_candidate[unit]).collect();
        let focal: Vec<bool> = units.iter().map(|&unit| is_focal[unit]).collect();
        for (arm, wanted) in [(focal_arm, true), (opposite(focal_arm), false)] {
            if !focal.contains(&wanted) {
                let n_units = units.len();
                return Err(MatchingError::EmptyArm { arm, n_units });
            }
        }
        Ok(Self {
            focal_arm,
            is_focal,
            part: Part { units, focal },
        })
    }

    /// Runs a method that makes strata among the candidates. Units that are none are in no stratum.
    ///
    /// # Errors
    ///
    /// Those of the method, with units by their index among all.
    pub fn stratified(
        &self,
        treated: &[bool],
        method: impl FnOnce(&Part) -> Result<Stratified, MatchingError>,
    ) -> Result<Stratified, MatchingError> {
        match method(&self.part) {
            Ok(stratified) => Ok(stratified.among(&self.part.units, treated)),
            Err(error) => Err(error.among(&self.part.units)),
        }
    }

    /// Runs a matching among the candidates. Focal units that are none found nobody.
    ///
    /// # Errors
    ///
    /// Those of the matching, with units by their index among all.
    pub fn matched(
        &self,
        matching: impl FnOnce(&Part) -> Result<Matched, MatchingError>,
    ) -> Result<Matched, MatchingError> {
        match matching(&self.part) {
            Ok(matched) => Ok(matched.among(&self.part.units, &self.is_focal, self.focal_arm)),
            Err(error) => Err(error.among(&self.part.units)),
        }
    }
}

impl Part {
    /// Values of all units, for the candidates.
    #[must_use]
    pub fn of<T: Copy>(&self, values: &[T]) -> Vec<T> {
        self.units.iter().map(|&unit| values[unit]).collect()
    }

    /// Rules of all units, for the candidates.
    #[must_use]
    pub fn rules_of(&self, rules: &[Rule]) -> Vec<Rule> {
        rules.iter().map(|rule| rule.of(&self.units)).collect()
    }

    /// Rows of all units, for the candidates.
    #[must_use]
    pub fn rows_of(&self, rows: &utfall_stats::Matrix) -> utfall_stats::Matrix {
        rows.select_rows(&self.units)
    }

    /// Whether each candidate is of the arm that seeks.
    #[must_use]
    pub fn focal(&self) -> &[bool] {
        &self.focal
    }
}

/// Which units lie within the range of the other arm's scores, or are of an arm that is kept whole.
///
/// The range holds its ends. The scores are taken as they are: nothing is estimated again without
/// the units left out.
///
/// # Shapes
///
/// `score` and `treated`: one value for each unit, and so has the result.
///
/// # Errors
///
/// [`MatchingError::LengthMismatch`], [`MatchingError::DistanceNotFinite`] and
/// [`MatchingError::EmptyArm`] for input that is none.
///
/// # Reference
///
/// Dehejia & Wahba (1999), *Journal of the American Statistical Association* 94(448),
/// <https://doi.org/10.1080/01621459.1999.10473858>.
pub fn common_support(
    score: &[f64],
    treated: &[bool],
    discard: Discard,
) -> Result<Vec<bool>, MatchingError> {
    crate::error::check_length("distances", score.len(), treated.len())?;
    crate::error::check_arms(treated)?;
    if let Some(unit) = score.iter().position(|value| !value.is_finite()) {
        return Err(MatchingError::DistanceNotFinite { unit });
    }
    let range = |arm: bool| {
        let of_arm = score.iter().zip(treated).filter(move |(_, is)| **is == arm);
        of_arm.fold(
            (f64::INFINITY, f64::NEG_INFINITY),
            |(low, high), (&x, _)| (low.min(x), high.max(x)),
        )
    };
    let (of_treated, of_comparators) = (range(true), range(false));
    let is_within = |(&x, &is_treated): (&f64, &bool)| {
        let (is_kept_whole, (low, high)) = if is_treated {
            (discard == Discard::Comparator, of_comparators)
        } else {
            (discard == Discard::Treated, of_treated)
        };
        is_kept_whole || (low <= x && x <= high)
    };
    Ok(score.iter().zip(treated).map(is_within).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_arm_named_is_discarded() {
        let score = [0.1, 0.5, 0.9, 0.2, 0.5, 0.95];
        let treated = [true, true, true, false, false, false];
        let of = |discard| common_support(&score, &treated, discard).unwrap();
        assert_eq!(of(Discard::Treated), [false, true, true, true, true, true]);
        assert_eq!(
            of(Discard::Comparator),
            [true, true, true, true, true, false]
        );
        assert_eq!(of(Discard::Both), [false, true, true, true, true, false]);
    }

    #[test]
    fn arms_without_common_support_leave_no_candidate() {
        let (score, treated) = ([0.1, 0.2, 0.8, 0.9], [false, false, true, true]);
        let is_candidate = common_support(&score, &treated, Discard::Both).unwrap();
        let error = Candidates::new(&treated, Arm::Treated, Some(&is_candidate)).unwrap_err();
        let arm = Arm::Treated;
        assert_eq!(error, MatchingError::EmptyArm { arm, n_units: 0 });
    }

    #[test]
    fn an_error_names_the_unit_by_its_index_among_all() {
        let treated = [true, true, false, false];
        let part = [false, true, true, true];
        let candidates = Candidates::new(&treated, Arm::Treated, Some(&part)).unwrap();
        let error = candidates.matched(|_| Err(MatchingError::DistanceNotFinite { unit: 2 }));
        assert_eq!(error, Err(MatchingError::DistanceNotFinite { unit: 3 }));
    }
}
