//! Subclassification: units of like score in classes between quantiles.

use std::num::NonZeroU32;

use utfall_core::Estimand;

use crate::error::check_length;
use crate::quantile::quantile;
use crate::{MatchingError, Stratified, stratified};

/// Divides units into `n_classes` between quantiles of their score, and compares within classes.
///
/// Quantiles (type 7) are those of the treated for the ATT, of comparators for the ATC and of all
/// for the ATE. A class holds its lower end; units beyond the lowest or highest quantile are in the
/// lowest or highest class. A class that lacks an arm is left out, and the estimand says so: units
/// are not moved from one class to another. See [`Stratified::n_strata`] for how many are left.
/// Equal quantiles leave fewer classes.
///
/// Weights are those of [`stratified`].
///
/// # Shapes
///
/// `score` and `treated`: one value for each unit.
///
/// # Errors
///
/// [`MatchingError::DistanceNotFinite`] for a score that is none, and those of [`stratified`].
///
/// # References
///
/// Rosenbaum & Rubin (1984), *Journal of the American Statistical Association* 79(387),
/// <https://doi.org/10.1080/01621459.1984.10478078>; for the weights Hong (2010), *Journal of
/// Educational and Behavioral Statistics* 35(5), <https://doi.org/10.3102/1076998609359785>.
pub fn subclassified(
    score: &[f64],
    n_classes: NonZeroU32,
    treated: &[bool],
    question: Estimand,
) -> Result<Stratified, MatchingError> {
    check_length("distances", score.len(), treated.len())?;
    if let Some(unit) = score.iter().position(|value| !value.is_finite()) {
        return Err(MatchingError::DistanceNotFinite { unit });
    }
    let is_counted = |is_treated: bool| match question {
        Estimand::Att => is_treated,
        Estimand::Atc => !is_treated,
        _ => true,
    };
    let counted = score.iter().zip(treated).filter(|(_, is)| is_counted(**is));
    let mut counted: Vec<f64> = counted.map(|(score, _)| *score).collect();
    counted.sort_by(f64::total_cmp);
    let n = f64::from(n_classes.get());
    let cuts: Vec<f64> = (1..n_classes.get())
        .map(|i| quantile(&counted, f64::from(i) / n))
        .collect();
    let class = |score: &f64| {
        let below = cuts
            .iter()
            .zip(1_u32..)
            .take_while(|(cut, _)| **cut <= *score);
        below.last().map_or(0, |(_, number)| number)
    };
    let classes: Vec<u32> = score.iter().map(class).collect();
    stratified(&classes, treated, question)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Comparison;

    #[test]
    fn quantiles_are_those_of_the_arm_the_question_is_about() {
        let score = [0.1, 0.2, 0.3, 0.4, 0.0, 0.15, 0.35, 0.9];
        let treated = [true, true, true, true, false, false, false, false];
        let of = |question| {
            let two = NonZeroU32::new(2).unwrap();
            subclassified(&score, two, &treated, question).unwrap()
        };
        // The median of the treated is 0.25, so both halves hold two of each arm.
        assert_eq!(of(Estimand::Att).weights(), [1.0; 8]);
        assert_eq!(of(Estimand::Att).n_strata(), 2);
        assert_eq!(of(Estimand::Att).estimand(), Estimand::Att);
    }

    #[test]
    fn a_class_that_lacks_an_arm_is_left_out_and_the_estimand_says_so() {
        let score = [0.1, 0.2, 0.8, 0.9, 0.1, 0.15];
        let treated = [true, true, true, true, false, false];
        let two = NonZeroU32::new(2).unwrap();
        let got = subclassified(&score, two, &treated, Estimand::Att).unwrap();
        assert_eq!((got.n_strata(), got.n_treated_matched()), (1, 2));
        assert_eq!(got.estimand(), Estimand::MatchedTreated);
    }
}
