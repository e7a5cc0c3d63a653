//! Difference-in-differences between two periods, with covariates: outcome regression, inverse
//! probability weighting, and doubly robust.
//!
//! The effect is on the treated. Trends are parallel given the covariates, and every treated unit
//! has comparators like it. Influences hold the uncertainty of the models too, but for `improved`,
//! whose models are fitted so that it vanishes.
//!
//! Sant'Anna & Zhao (2020), <https://doi.org/10.1016/j.jeconom.2020.06.003>; Abadie (2005),
//! <https://doi.org/10.1111/0034-6527.00321>; Heckman, Ichimura & Todd (1997),
//! <https://doi.org/10.2307/2971733>.

use serde::{Deserialize, Serialize};
use utfall_stats::logistic;

use super::parts::{Model, Part, least_squares, predicted, total};
use super::propensity::{calibrated, likelihood};
use crate::EffectError;
use crate::regression::check_finite;

/// Scores above this are taken as this, as `DRDID` does.
const LARGEST_SCORE: f64 = 1.0 - 1e-6;

/// How covariates are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// The comparators' trend is predicted by a regression.
    OutcomeRegression,
    /// Comparators weighted by the odds of the score, weights not summing to one (Abadie).
    InverseProbability,
    /// Comparators weighted by the odds of the score, weights summing to one (Hájek).
    NormalisedInverseProbability,
    /// Both, each from a fit of its own.
    DoublyRobust,
    /// Both, the score calibrated and the regression weighted by its odds (`drdid_imp`).
    Improved,
    /// As `DoublyRobust` without regressions among the treated; for cross-sections (`drdid_rc1`).
    DoublyRobustPlain,
    /// As `Improved` without regressions among the treated; for cross-sections (`drdid_imp_rc1`).
    ImprovedPlain,
}

impl Method {
    fn uses_score(self) -> bool {
        self != Self::OutcomeRegression
    }

    /// Whether it is for cross-sections between two periods only.
    #[must_use]
    pub fn is_plain(self) -> bool {
        matches!(self, Self::DoublyRobustPlain | Self::ImprovedPlain)
    }

    /// Its name in requests.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::OutcomeRegression => "outcome-regression",
            Self::InverseProbability => "inverse-probability",
            Self::NormalisedInverseProbability => "normalised-inverse-probability",
            Self::DoublyRobust => "doubly-robust",
            Self::Improved => "improved",
            Self::DoublyRobustPlain => "doubly-robust-plain",
            Self::ImprovedPlain => "improved-plain",
        }
    }

    fn is_improved(self) -> bool {
        matches!(self, Self::Improved | Self::ImprovedPlain)
    }
}

/// Units seen in both periods.
#[derive(Debug, Clone, Copy)]
pub struct TwoPeriod<'a> {
    /// The outcome's change from before to after.
    pub change: &'a [f64],
    /// One for the treated, zero for comparators.
    pub treated: &'a [f64],
    /// Covariates, a constant first.
    pub columns: &'a [Vec<f64>],
    /// Weights above zero.
    pub weight: &'a [f64],
    /// Comparators with scores at or above this are left out.
    pub largest_score: f64,
}

/// Units seen in one of the periods each.
#[derive(Debug, Clone, Copy)]
pub struct TwoSections<'a> {
    /// The outcome.
    pub outcome: &'a [f64],
    /// One for the period after, zero for the one before.
    pub after: &'a [f64],
    /// One for the treated, zero for comparators.
    pub treated: &'a [f64],
    /// Covariates, a constant first.
    pub columns: &'a [Vec<f64>],
    /// Weights above zero.
    pub weight: &'a [f64],
    /// Comparators with scores at or above this are left out.
    pub largest_score: f64,
    /// How the uncertainty of the comparators' regressions enters doubly robust influences.
    pub errors: SectionErrors,
}

/// How the uncertainty of the comparators' regressions enters the influence of a doubly robust
/// estimate from cross-sections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SectionErrors {
    /// By the derivative of the estimate.
    Derivative,
    /// As `DRDID` up to 1.2.3 has it (and `did` with it): the part of the regression before has the
    /// opposite sign. It vanishes as samples grow.
    Drdid,
}

/// The score's odds, whether a row is used, and the score's model. It holds for every outcome of the
/// same rows.
pub(super) struct Score {
    odds: Vec<f64>,
    used: Vec<f64>,
    model: Option<Model>,
}

pub(super) fn score(
    method: Method,
    columns: &[Vec<f64>],
    weight: &[f64],
    treated: &[f64],
    largest: f64,
) -> Result<Score, EffectError> {
    let n = weight.len();
    if !method.uses_score() {
        return Ok(Score {
            odds: vec![0.0; n],
            used: vec![1.0; n],
            model: None,
        });
    }
    let eta = if method.is_improved() {
        calibrated(columns, weight, treated)?
    } else {
        likelihood(columns, weight, treated)?
    };
    let score: Vec<f64> = eta
        .iter()
        .map(|&eta| logistic::probability(eta).min(LARGEST_SCORE))
        .collect();
    let used = (0..n).map(|row| f64::from(u8::from(treated[row] > 0.5 || score[row] < largest)));
    let model = if method.is_improved() {
        None
    } else {
        let rows = || 0..n;
        let scores = rows()
            .map(|row| weight[row] * (treated[row] - score[row]))
            .collect();
        let curvature: Vec<f64> = rows()
            .map(|row| weight[row] * score[row] * (1.0 - score[row]))
            .collect();
        Some(Model::new(columns, scores, &curvature)?)
    };
    Ok(Score {
        used: used.collect(),
        odds: score.iter().map(|p| p / (1.0 - p)).collect(),
        model,
    })
}

/// A regression of the outcome among the rows with a weight: predictions, and its model.
fn regression(
    columns: &[Vec<f64>],
    weight: &[f64],
    outcome: &[f64],
) -> Result<(Vec<f64>, Model), EffectError> {
    let fitted = predicted(columns, &least_squares(columns, weight, outcome)?);
    let scores = (0..weight.len())
        .map(|row| weight[row] * (outcome[row] - fitted[row]))
        .collect();
    let model = Model::new(columns, scores, weight)?;
    Ok((fitted, model))
}

fn times(factors: &[&[f64]]) -> Vec<f64> {
    (0..factors[0].len())
        .map(|row| factors.iter().map(|factor| factor[row]).product())
        .collect()
}

fn less(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a - b).collect()
}

fn complement(indicator: &[f64]) -> Vec<f64> {
    indicator.iter().map(|value| 1.0 - value).collect()
}

fn negative(values: &[f64]) -> Vec<f64> {
    values.iter().map(|value| -value).collect()
}

/// The effect on the treated of units seen twice, and each unit's influence: the squared error is
/// `mean(influence²)/n`.
///
/// # Errors
///
/// [`EffectError::LengthMismatch`], [`EffectError::NotFinite`] for malformed slices,
/// [`EffectError::RankDeficient`] and [`EffectError::TooFewRows`] for a model that cannot be
/// fitted, [`EffectError::NotConverged`] where no score fits (no overlap), and
/// [`EffectError::NoVariation`] where an arm is empty.
pub fn two_period_panel(
    method: Method,
    data: &TwoPeriod<'_>,
) -> Result<(f64, Vec<f64>), EffectError> {
    check(data.columns, &[data.change, data.treated, data.weight])?;
    let score = score(
        method,
        data.columns,
        data.weight,
        data.treated,
        data.largest_score,
    )?;
    two_period_with(method, data, &score)
}

/// As [`two_period_panel`], for rows whose score is known.
pub(super) fn two_period_with(
    method: Method,
    data: &TwoPeriod<'_>,
    score: &Score,
) -> Result<(f64, Vec<f64>), EffectError> {
    let (columns, treated) = (data.columns, data.treated);
    let others = complement(treated);
    let of_treated = times(&[data.weight, treated, &score.used]);
    let of_others = times(&[data.weight, &others, &score.used, &score.odds]);
    let one = vec![1.0; treated.len()];
    let plain = |sign, weight: &Vec<f64>, value: &[f64], odds| Part {
        sign,
        weight: weight.clone(),
        value: value.to_vec(),
        norms: None,
        odds,
        regressions: Vec::new(),
    };
    let mut models = Vec::new();
    let parts = match method {
        Method::NormalisedInverseProbability => vec![
            plain(1.0, &of_treated, data.change, false),
            plain(-1.0, &of_others, data.change, true),
        ],
        Method::InverseProbability => {
            let norm = times(&[data.weight, treated]);
            let part = |sign, weight: &Vec<f64>, odds| Part {
                norms: Some(vec![norm.clone()]),
                ..plain(sign, weight, data.change, odds)
            };
            vec![part(1.0, &of_treated, false), part(-1.0, &of_others, true)]
        }
        Method::OutcomeRegression => {
            let (fitted, model) =
                regression(columns, &times(&[data.weight, &others]), data.change)?;
            models.push(model);
            vec![
                plain(1.0, &of_treated, data.change, false),
                Part {
                    regressions: vec![(0, one)],
                    ..plain(-1.0, &of_treated, &fitted, false)
                },
            ]
        }
        _ => {
            let weight = if method.is_improved() {
                times(&[data.weight, &others, &score.odds])
            } else {
                times(&[data.weight, &others])
            };
            let (fitted, model) = regression(columns, &weight, data.change)?;
            let rest = less(data.change, &fitted);
            let slopes = if method.is_improved() {
                Vec::new()
            } else {
                vec![(0, negative(&one))]
            };
            models.push(model);
            vec![
                Part {
                    regressions: slopes.clone(),
                    ..plain(1.0, &of_treated, &rest, false)
                },
                Part {
                    regressions: slopes,
                    ..plain(-1.0, &of_others, &rest, !method.is_improved())
                },
            ]
        }
    };
    total(columns, &parts, &models, score.model.as_ref())
}

/// As [`two_period_panel`], for units seen in one period each; the covariates' distribution is the
/// same in both.
///
/// # Errors
///
/// As [`two_period_panel`].
pub fn two_period_cross_section(
    method: Method,
    data: &TwoSections<'_>,
) -> Result<(f64, Vec<f64>), EffectError> {
    check(
        data.columns,
        &[data.outcome, data.after, data.treated, data.weight],
    )?;
    let (columns, treated, after) = (data.columns, data.treated, data.after);
    let (others, before) = (complement(treated), complement(after));
    let score = score(method, columns, data.weight, treated, data.largest_score)?;
    let base = times(&[data.weight, treated, &score.used]);
    let other = times(&[data.weight, &others, &score.used, &score.odds]);
    // Weights by arm and period: treated after, treated before, others after, others before.
    let weights = [
        times(&[&base, after]),
        times(&[&base, &before]),
        times(&[&other, after]),
        times(&[&other, &before]),
    ];
    let part = |sign, weight: &[f64], value: &[f64]| Part {
        sign,
        weight: weight.to_vec(),
        value: value.to_vec(),
        norms: None,
        odds: false,
        regressions: Vec::new(),
    };
    let signs = [1.0, -1.0, -1.0, 1.0];
    let four = |value: &[f64], odds: bool| -> Vec<Part> {
        (0..4)
            .map(|which| Part {
                odds: odds && which >= 2,
                ..part(signs[which], &weights[which], value)
            })
            .collect()
    };
    let fit = |arm: &[f64], period: &[f64], odds: bool| {
        let mut weight = times(&[data.weight, arm, period]);
        if odds {
            weight = times(&[&weight, &score.odds]);
        }
        regression(columns, &weight, data.outcome)
    };
    let mut models = Vec::new();
    let parts = match method {
        Method::NormalisedInverseProbability => four(data.outcome, true),
        Method::InverseProbability => {
            let norm = times(&[data.weight, treated]);
            let periods = [times(&[data.weight, after]), times(&[data.weight, &before])];
            let mut parts = four(data.outcome, true);
            for (which, part) in parts.iter_mut().enumerate() {
                part.norms = Some(vec![norm.clone(), periods[which % 2].clone()]);
            }
            parts
        }
        Method::OutcomeRegression => {
            let (late, late_model) = fit(&others, after, false)?;
            let (early, early_model) = fit(&others, &before, false)?;
            models.extend([late_model, early_model]);
            let one = vec![1.0; treated.len()];
            let all = times(&[data.weight, treated]);
            let mut parts = four(data.outcome, false);
            parts.truncate(2);
            parts.push(Part {
                regressions: vec![(0, one.clone()), (1, negative(&one))],
                ..part(-1.0, &all, &less(&late, &early))
            });
            parts
        }
        _ => {
            let improved = method.is_improved();
            let (late, late_model) = fit(&others, after, improved)?;
            let (early, early_model) = fit(&others, &before, improved)?;
            models.extend([late_model, early_model]);
            let fitted: Vec<f64> = (0..treated.len())
                .map(|row| after[row] * late[row] + before[row] * early[row])
                .collect();
            let mut parts = four(&less(data.outcome, &fitted), !improved);
            if !improved {
                for (which, part) in parts.iter_mut().enumerate() {
                    let flipped = data.errors == SectionErrors::Drdid && which % 2 == 1;
                    let early = if flipped {
                        before.clone()
                    } else {
                        negative(&before)
                    };
                    part.regressions = vec![(0, negative(after)), (1, early)];
                }
            }
            if matches!(method, Method::DoublyRobust | Method::Improved) {
                let (treated_late, model_late) = fit(treated, after, false)?;
                let (treated_early, model_early) = fit(treated, &before, false)?;
                models.extend([model_late, model_early]);
                let one = vec![1.0; treated.len()];
                let (d, d1, d0) = (
                    base.clone(),
                    times(&[data.weight, treated, after]),
                    times(&[data.weight, treated, &before]),
                );
                let gap_late = less(&treated_late, &late);
                let gap_early = less(&treated_early, &early);
                let with = |sign, weight: &[f64], value: &[f64], own: usize, control: usize| Part {
                    regressions: if improved {
                        Vec::new()
                    } else {
                        vec![(own, one.clone()), (control, negative(&one))]
                    },
                    ..part(sign, weight, value)
                };
                parts.extend([
                    with(1.0, &d, &gap_late, 2, 0),
                    with(-1.0, &d1, &gap_late, 2, 0),
                    with(-1.0, &d, &gap_early, 3, 1),
                    with(1.0, &d0, &gap_early, 3, 1),
                ]);
            }
            parts
        }
    };
    total(columns, &parts, &models, score.model.as_ref())
}

fn check(columns: &[Vec<f64>], slices: &[&[f64]]) -> Result<(), EffectError> {
    let n = slices[0].len();
    for slice in slices {
        check_finite("outcome, arm or weight", slice, n)?;
    }
    columns
        .iter()
        .try_for_each(|column| check_finite("covariate", column, n))
}
