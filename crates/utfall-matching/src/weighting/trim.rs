//! Trimming: units whose score says that they have hardly anybody like them in the other arm are left
//! out.

use serde::{Deserialize, Serialize};
use utfall_core::Estimand;
use utfall_stats::moments::count;

/// Which scores are left out. The score is then estimated again on those that are left.
///
/// # Reference
///
/// Crump, Hotz, Imbens & Mitnik (2009), <https://doi.org/10.1093/biomet/asn055>.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize)]
#[serde(try_from = "TrimText", into = "TrimText")]
pub enum Trim {
    /// Those below this number and above one less it; 0.1 is their rule of thumb.
    Outside(f64),
    /// Those whose absence makes the variance of the effect smallest, if outcomes vary alike.
    Optimal,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename = "Trim", rename_all = "kebab-case")]
enum TrimText {
    Outside(f64),
    Optimal,
}

impl Trim {
    /// Scores below `least` and above one less it.
    ///
    /// # Errors
    ///
    /// A message unless it lies between 0 and 0.5, both excluded.
    pub fn try_outside(least: f64) -> Result<Self, String> {
        if least > 0.0 && least < 0.5 {
            Ok(Self::Outside(least))
        } else {
            Err(format!(
                "scores below {least} left out, expected a number between 0 and 0.5, both excluded"
            ))
        }
    }

    /// Whether each unit is kept.
    pub(super) fn kept(self, score: &[f64]) -> Vec<bool> {
        match self {
            Self::Outside(least) => {
                let is_kept = |p: &f64| *p >= least && *p <= 1.0 - least;
                score.iter().map(is_kept).collect()
            }
            Self::Optimal => {
                let spread = |p: f64| 1.0 / (p * (1.0 - p));
                let mut sorted: Vec<f64> = score.iter().map(|&p| spread(p)).collect();
                sorted.sort_by(f64::total_cmp);
                let (mut sum, mut best) = (0.0, (f64::INFINITY, f64::INFINITY));
                for (before, &value) in sorted.iter().enumerate() {
                    sum += value;
                    let variance = sum / count(before + 1) / count(before + 1);
                    if variance <= best.0 {
                        best = (variance, value);
                    }
                }
                score.iter().map(|&p| spread(p) <= best.1).collect()
            }
        }
    }

    /// Whom a comparison of those that are left speaks of.
    pub(super) fn estimand(question: Estimand, treated: &[bool], is_kept: &[bool]) -> Estimand {
        let is_whole = |arm: bool| {
            treated
                .iter()
                .zip(is_kept)
                .all(|(is, kept)| *is != arm || *kept)
        };
        match question {
            Estimand::Att if !is_whole(true) => Estimand::MatchedTreated,
            Estimand::Atc if !is_whole(false) => Estimand::MatchedComparators,
            Estimand::Ate if !(is_whole(true) && is_whole(false)) => Estimand::MatchedUnits,
            question => question,
        }
    }
}

impl TryFrom<TrimText> for Trim {
    type Error = String;

    fn try_from(text: TrimText) -> Result<Self, Self::Error> {
        match text {
            TrimText::Optimal => Ok(Self::Optimal),
            TrimText::Outside(least) => Self::try_outside(least),
        }
    }
}

impl From<Trim> for TrimText {
    fn from(trim: Trim) -> Self {
        match trim {
            Trim::Outside(least) => Self::Outside(least),
            Trim::Optimal => Self::Optimal,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_are_left_out_and_the_bounds_kept() {
        let kept = Trim::Outside(0.1).kept(&[0.05, 0.1, 0.5, 0.9, 0.95]);
        assert_eq!(kept, [false, true, true, true, false]);
    }

    #[test]
    fn the_optimal_rule_keeps_all_where_scores_are_moderate() {
        assert_eq!(Trim::Optimal.kept(&[0.3, 0.5, 0.6]), [true; 3]);
        let kept = Trim::Optimal.kept(&[0.5, 0.5, 0.5, 0.001]);
        assert_eq!(kept, [true, true, true, false]);
    }

    #[test]
    fn who_is_left_out_decides_the_estimand() {
        let treated = [true, false, false];
        let of = |question, kept: [bool; 3]| Trim::estimand(question, &treated, &kept);
        assert_eq!(of(Estimand::Att, [true, false, true]), Estimand::Att);
        assert_eq!(
            of(Estimand::Att, [false, true, true]),
            Estimand::MatchedTreated
        );
        assert_eq!(
            of(Estimand::Ate, [true, false, true]),
            Estimand::MatchedUnits
        );
    }
}
