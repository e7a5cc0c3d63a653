//! How far an estimate can be trusted to be an effect: a grade by rule, with its reasons in words.
//!
//! Two scales are in use where outcomes are paid for. The What Works Clearinghouse rates a finding by
//! design, attrition and baseline equivalence (*Standards Handbook*, version 4.0, 2017). The
//! Maryland Scientific Methods Scale runs from 1 to 5 (Sherman and others 1998, *Preventing Crime*,
//! NIJ; as adapted for matched comparisons by What Works Growth). A grade is what the rules give on the
//! figures at hand; it takes the place of no reviewer.

use serde::{Deserialize, Serialize};

use crate::EffectError;
use crate::power::refuse;

/// How units came to be treated, and what makes the comparators comparable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EvidenceDesign {
    /// Units, or clusters of them, were assigned at random.
    Randomised,
    /// An instrument or a threshold moves treatment as if at random.
    AsIfRandomised,
    /// Comparators are matched or weighted to be like the treated.
    Equated,
    /// Comparators are taken as they are.
    Compared,
    /// The treated are compared with themselves before.
    BeforeAfter,
}

/// How many of an arm were lost before the outcome was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ArmLoss {
    /// Units the arm began with.
    pub n_start: u64,
    /// Units whose outcome is in the estimate.
    pub n_analysed: u64,
}

/// Which of the Clearinghouse's boundaries holds for attrition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AttritionBoundary {
    /// Loss may well be due to the programme.
    Cautious,
    /// Loss is thought to be unrelated to it.
    Optimistic,
}

/// What a grade is given on.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence<'a> {
    /// The design.
    pub design: EvidenceDesign,
    /// Whether the estimate adjusts for differences at baseline, by regression or by taking the
    /// baseline off the outcome.
    pub adjusted: bool,
    /// The treated arm.
    pub treated: ArmLoss,
    /// The comparators.
    pub comparator: ArmLoss,
    /// The boundary that attrition is held against.
    pub boundary: AttritionBoundary,
    /// Standardised mean difference of each baseline covariate between the arms as analysed; `None`
    /// where it could not be computed.
    pub baseline: &'a [(&'a str, Option<f64>)],
    /// Treated units left without a comparator, none of whom the arm began with.
    pub n_unmatched: u64,
    /// Units of the smaller arm for each covariate of the model that equated the arms, if there
    /// is one.
    pub events_per_variable: Option<f64>,
}

/// A rating in the words of the What Works Clearinghouse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum WwcRating {
    /// Does not meet the standards.
    DoesNotMeet,
    /// Meets the standards with reservations.
    MeetsWithReservations,
    /// Meets the standards without reservations.
    MeetsWithoutReservations,
}

/// A grade, with what led to it.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct EvidenceGrade {
    /// The design.
    pub design: EvidenceDesign,
    /// Rating in the style of the What Works Clearinghouse.
    pub wwc: WwcRating,
    /// Maryland scale, 1 to 5.
    pub maryland: u8,
    /// Share of all units that were lost.
    pub overall_attrition: f64,
    /// Difference of the arms' shares lost.
    pub differential_attrition: f64,
    /// Whether attrition is low by the boundary it was held against.
    pub low_attrition: bool,
    /// Largest absolute standardised difference at baseline; `None` if one could not be computed or
    /// there is no covariate.
    pub largest_difference: Option<f64>,
    /// Why, in sentences.
    pub reasons: Vec<String>,
}

/// Differences up to this count as equivalent.
const EQUIVALENT: f64 = 0.05;
/// Differences up to this count as equivalent if the estimate adjusts for them.
const ADJUSTABLE: f64 = 0.25;

/// Grades an estimate.
///
/// A randomised design with low attrition meets the Clearinghouse's standards without reservations.
/// With high attrition, and for equated comparators, it meets them with reservations if every baseline
/// difference is at most 0.05 standard deviations, or at most 0.25 and adjusted for; otherwise not at all, as
/// does any other design. On the Maryland scale a randomised design with low attrition is 5, with high
/// attrition 4 if the arms are equivalent at baseline, as-if-randomised 4, equated or adjusted and equivalent comparators 3, any other
/// comparison 2, and before and after alone 1. Unmatched treated units and few events per variable are named
/// and change no grade.
///
/// # Errors
///
/// [`EffectError::OutsideRange`] for an arm that began with nobody or analyses more than it began with, or
/// for a difference that is no number.
pub fn grade(evidence: &Evidence<'_>) -> Result<EvidenceGrade, EffectError> {
    let lost = [
        evidence.treated.share_lost()?,
        evidence.comparator.share_lost()?,
    ];
    let n_start = count(evidence.treated.n_start) + count(evidence.comparator.n_start);
    let n_analysed = count(evidence.treated.n_analysed) + count(evidence.comparator.n_analysed);
    let overall = 1.0 - n_analysed / n_start;
    let differential = (lost[0] - lost[1]).abs();
    let low_attrition = is_low(overall, differential, evidence.boundary);
    let equivalence = Equivalence::of(evidence)?;
    let mut reasons = vec![design_in_words(evidence.design).to_owned()];
    reasons.push(format!(
        "{:.1} % of all units were lost, {:.1} percentage points more in one arm than in the other: {} attrition by the {} boundary",
        100.0 * overall,
        100.0 * differential,
        if low_attrition { "low" } else { "high" },
        match evidence.boundary {
            AttritionBoundary::Cautious => "cautious",
            AttritionBoundary::Optimistic => "optimistic",
        },
    ));
    reasons.push(equivalence.in_words(evidence.adjusted));
    reasons.extend(cautions(evidence));
    Ok(EvidenceGrade {
        design: evidence.design,
        wwc: wwc(evidence.design, low_attrition, equivalence.holds),
        maryland: maryland(evidence.design, low_attrition, equivalence.holds),
        overall_attrition: overall,
        differential_attrition: differential,
        low_attrition,
        largest_difference: equivalence.largest.map(|(_, difference)| difference),
        reasons,
    })
}

fn wwc(design: EvidenceDesign, low_attrition: bool, equivalent: bool) -> WwcRating {
    match design {
        EvidenceDesign::Randomised if low_attrition => WwcRating::MeetsWithoutReservations,
        EvidenceDesign::Randomised | EvidenceDesign::AsIfRandomised | EvidenceDesign::Equated
            if equivalent =>
        {
            WwcRating::MeetsWithReservations
        }
        _ => WwcRating::DoesNotMeet,
    }
}

fn maryland(design: EvidenceDesign, low_attrition: bool, equivalent: bool) -> u8 {
    match design {
        EvidenceDesign::Randomised if low_attrition => 5,
        EvidenceDesign::Randomised if equivalent => 4,
        EvidenceDesign::AsIfRandomised => 4,
        EvidenceDesign::Equated if equivalent => 3,
        EvidenceDesign::Randomised | EvidenceDesign::Equated | EvidenceDesign::Compared => 2,
        EvidenceDesign::BeforeAfter => 1,
    }
}

fn design_in_words(design: EvidenceDesign) -> &'static str {
    match design {
        EvidenceDesign::Randomised => "units were assigned at random",
        EvidenceDesign::AsIfRandomised => "treatment was moved as if at random",
        EvidenceDesign::Equated => {
            "nobody was assigned at random; comparators were chosen to be like the treated in what was measured"
        }
        EvidenceDesign::Compared => {
            "nobody was assigned at random, and comparators were taken as they are"
        }
        EvidenceDesign::BeforeAfter => "the treated were compared with themselves before",
    }
}

/// What a reader should know and no rating counts.
fn cautions(evidence: &Evidence<'_>) -> Vec<String> {
    let mut cautions = Vec::new();
    if evidence.n_unmatched > 0 {
        let n_all = count(evidence.n_unmatched) + count(evidence.treated.n_start);
        let share = 100.0 * count(evidence.n_unmatched) / n_all;
        cautions.push(format!(
            "{share:.1} % of the treated had no comparator near enough and are not spoken of"
        ));
    }
    if let Some(events) = evidence.events_per_variable.filter(|events| *events < 10.0) {
        cautions.push(format!(
            "the model that equated the arms had {events:.1} units of the smaller arm for each covariate, fewer than ten"
        ));
    }
    cautions
}

/// Whether the arms are alike at baseline.
struct Equivalence<'a> {
    largest: Option<(&'a str, f64)>,
    holds: bool,
}

impl<'a> Equivalence<'a> {
    fn of(evidence: &Evidence<'a>) -> Result<Self, EffectError> {
        let mut largest: Option<(&str, f64)> = None;
        let mut is_known = !evidence.baseline.is_empty();
        for (name, difference) in evidence.baseline {
            let Some(difference) = difference else {
                is_known = false;
                continue;
            };
            refuse(
                "standardised difference",
                *difference,
                difference.is_finite(),
            )?;
            if largest.is_none_or(|(_, most)| difference.abs() > most) {
                largest = Some((name, difference.abs()));
            }
        }
        let most = if evidence.adjusted {
            ADJUSTABLE
        } else {
            EQUIVALENT
        };
        Ok(Self {
            holds: is_known && largest.is_some_and(|(_, largest)| largest <= most),
            largest: largest.filter(|_| is_known),
        })
    }

    fn in_words(&self, adjusted: bool) -> String {
        let Some((name, largest)) = self.largest else {
            return "how alike the arms were at baseline is not known".to_owned();
        };
        let which = if largest <= EQUIVALENT {
            "equivalent without adjustment (at most 0.05)"
        } else if largest <= ADJUSTABLE && adjusted {
            "equivalent with the adjustment that was made (at most 0.25)"
        } else if largest <= ADJUSTABLE {
            "more than 0.05, which only an estimate that adjusts for it may leave"
        } else {
            "more than 0.25, which no adjustment makes good"
        };
        format!(
            "the largest difference at baseline is {largest:.3} standard deviations, of {name}: {which}"
        )
    }
}

impl ArmLoss {
    fn share_lost(self) -> Result<f64, EffectError> {
        let (start, analysed) = (count(self.n_start), count(self.n_analysed));
        refuse(
            "units analysed of an arm",
            analysed,
            self.n_start > 0 && analysed <= start,
        )?;
        Ok(1.0 - analysed / start)
    }
}

/// The most differential attrition, in percentage points, by whole per cent of overall attrition from
/// 0 to 57: *Standards Handbook*, version 4.0, table II.1. Beyond them attrition is high.
const CAUTIOUS: [f64; 58] = [
    5.7, 5.8, 5.9, 5.9, 6.0, 6.1, 6.2, 6.3, 6.3, 6.3, 6.3, 6.2, 6.2, 6.1, 6.0, 5.9, 5.9, 5.8, 5.7,
    5.5, 5.4, 5.3, 5.2, 5.1, 4.9, 4.8, 4.7, 4.5, 4.4, 4.3, 4.1, 4.0, 3.8, 3.6, 3.5, 3.3, 3.2, 3.1,
    2.9, 2.8, 2.6, 2.5, 2.3, 2.1, 2.0, 1.8, 1.6, 1.5, 1.3, 1.2, 1.0, 0.9, 0.7, 0.6, 0.4, 0.3, 0.2,
    0.0,
];
/// The same where loss is thought to be unrelated to the programme.
const OPTIMISTIC: [f64; 58] = [
    10.0, 10.1, 10.2, 10.3, 10.4, 10.5, 10.7, 10.8, 10.9, 10.9, 10.9, 10.9, 10.9, 10.9, 10.8, 10.8,
    10.7, 10.6, 10.5, 10.3, 10.2, 10.0, 9.9, 9.7, 9.5, 9.4, 9.2, 9.0, 8.8, 8.6, 8.4, 8.2, 8.0, 7.8,
    7.6, 7.4, 7.2, 7.0, 6.7, 6.5, 6.3, 6.0, 5.8, 5.6, 5.3, 5.1, 4.9, 4.6, 4.4, 4.2, 3.9, 3.7, 3.5,
    3.2, 3.0, 2.8, 2.6, 2.3,
];

/// Whether attrition is low: overall attrition is rounded up to a whole per cent.
fn is_low(overall: f64, differential: f64, boundary: AttritionBoundary) -> bool {
    let table = match boundary {
        AttritionBoundary::Cautious => &CAUTIOUS,
        AttritionBoundary::Optimistic => &OPTIMISTIC,
    };
    // A hair under a whole per cent, so that 10 % computed as 10.000000000000002 % is row 10.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "from 0 to 100"
    )]
    let row = (100.0 * overall - 1e-9).ceil().max(0.0) as usize;
    table
        .get(row)
        .is_some_and(|most| 100.0 * differential <= most + 1e-9)
}

#[expect(clippy::cast_precision_loss, reason = "units stay far below 2^53")]
fn count(n: u64) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loss(n_start: u64, n_analysed: u64) -> ArmLoss {
        ArmLoss {
            n_start,
            n_analysed,
        }
    }

    fn of<'a>(design: EvidenceDesign, baseline: &'a [(&'a str, Option<f64>)]) -> Evidence<'a> {
        Evidence {
            design,
            adjusted: false,
            treated: loss(100, 98),
            comparator: loss(100, 97),
            boundary: AttritionBoundary::Cautious,
            baseline,
            n_unmatched: 0,
            events_per_variable: None,
        }
    }

    #[test]
    fn a_trial_with_little_loss_has_the_highest_grade_whatever_its_baseline() {
        let found = grade(&of(EvidenceDesign::Randomised, &[("age", Some(0.4))])).unwrap();
        assert_eq!(
            (found.wwc, found.maryland),
            (WwcRating::MeetsWithoutReservations, 5)
        );
        assert!((found.overall_attrition - 0.025).abs() < 1e-12);
        assert!((found.differential_attrition - 0.01).abs() < 1e-12);
    }

    #[test]
    fn a_trial_with_much_loss_is_graded_like_equated_groups() {
        let mut evidence = of(EvidenceDesign::Randomised, &[("age", Some(0.04))]);
        evidence.comparator = loss(100, 80);
        let found = grade(&evidence).unwrap();
        assert!(!found.low_attrition);
        assert_eq!(
            (found.wwc, found.maryland),
            (WwcRating::MeetsWithReservations, 4)
        );
        // 11 % overall and 18 points apart: high by either boundary.
        evidence.boundary = AttritionBoundary::Optimistic;
        assert!(!grade(&evidence).unwrap().low_attrition);
        // 7 % overall and 10 points apart: low by the optimistic one alone.
        evidence.comparator = loss(100, 88);
        evidence.treated = loss(100, 98);
        assert!(grade(&evidence).unwrap().low_attrition);
        evidence.boundary = AttritionBoundary::Cautious;
        assert!(!grade(&evidence).unwrap().low_attrition);
    }

    #[test]
    fn differences_at_baseline_decide_between_equated_groups() {
        let graded = |difference, adjusted| {
            let baseline = [("age", Some(0.01)), ("absence", difference)];
            let mut evidence = of(EvidenceDesign::Equated, &baseline);
            evidence.adjusted = adjusted;
            let found = grade(&evidence).unwrap();
            (found.wwc, found.maryland)
        };
        let meets = (WwcRating::MeetsWithReservations, 3);
        let fails = (WwcRating::DoesNotMeet, 2);
        assert_eq!(graded(Some(-0.05), false), meets);
        assert_eq!(graded(Some(0.06), false), fails);
        assert_eq!(graded(Some(0.06), true), meets);
        assert_eq!(graded(Some(-0.26), true), fails);
        assert_eq!(graded(None, true), fails);
    }

    #[test]
    fn the_boundary_is_the_published_one() {
        use AttritionBoundary::{Cautious, Optimistic};
        assert!(is_low(0.10, 0.063, Cautious) && !is_low(0.10, 0.064, Cautious));
        assert!(is_low(0.20, 0.102, Optimistic) && !is_low(0.20, 0.103, Optimistic));
        assert!(is_low(0.57, 0.0, Cautious) && !is_low(0.58, 0.0, Cautious));
    }

    #[test]
    fn reasons_name_the_covariate_the_unmatched_and_the_thin_model() {
        let mut evidence = of(EvidenceDesign::Equated, &[("absence", Some(0.2))]);
        evidence.n_unmatched = 5;
        evidence.events_per_variable = Some(4.0);
        let reasons = grade(&evidence).unwrap().reasons.join("; ");
        for words in ["absence", "4.8 % of the treated", "fewer than ten"] {
            assert!(reasons.contains(words), "{reasons}");
        }
        evidence.treated = loss(10, 11);
        assert!(grade(&evidence).is_err());
    }
}
