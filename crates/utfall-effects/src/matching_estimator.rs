//! The matching estimator of Abadie and Imbens, with errors of its own.
//!
//! Each unit of the target is compared with the mean outcome of its nearest units of the other arm,
//! with replacement and with all ties. A unit serves as often as it is near, which the standard
//! error counts; the bootstrap does not and is invalid here.
//!
//! Abadie & Imbens (2006), <https://doi.org/10.1111/j.1468-0262.2006.00655.x>; Abadie & Imbens
//! (2011) on bias, <https://doi.org/10.1198/jbes.2009.07333>.

mod distance;
mod variance;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use utfall_core::{ConfidenceLevel, Estimand, Estimate, Interval};
use utfall_stats::moments::count;
use utfall_stats::normal;
use utfall_stats::sums::{sum, sum_of};

use crate::arms::check_arms;
use crate::regression::check_finite;
use crate::{EffectError, Grouping, WeightedRegression};
use distance::{Neighbours, scaled};

/// How far apart two units are: a Euclidean distance of covariates made comparable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum MatchMetric {
    /// Each covariate divided by its standard deviation over all units, divisor `n - 1`
    /// (`Weight = 1` of R's Matching).
    InverseVariance,
    /// Mahalanobis, with the covariance of all units, divisor `n` (`Weight = 2`).
    Mahalanobis,
}

/// How the variance of the outcome given covariates is estimated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConditionalVariance {
    /// The same for all: half the variance of the differences within pairs (`Var.calc = 0`).
    Homoskedastic,
    /// The variance of a unit and so many nearest units of its own arm (`Var.calc`).
    Nearest(usize),
    /// The same from the unit's distance to the mean of the others, as in Abadie & Imbens (2006),
    /// equation 14; equal to `nearest` for one unit.
    NearestMean(usize),
}

/// What is matched with what.
#[derive(Debug, Clone, Copy)]
pub struct MatchingDesign<'a> {
    /// Over whom the effect is averaged.
    pub estimand: Estimand,
    /// Nearest units sought for each unit.
    pub matches: usize,
    /// How far apart units are.
    pub metric: MatchMetric,
    /// Squared distances that differ by no more than this are ties; all ties are matched, with
    /// equal weight. R's Matching has `1e-5`.
    pub tolerance: f64,
    /// Units matched must share a group.
    pub exact: Option<&'a Grouping>,
    /// Widest difference in each covariate, in its standard deviations with divisor `n`. Units
    /// without a match within are left out.
    pub caliper: Option<f64>,
    /// Whether differences in covariates within matches are taken out by a linear regression among
    /// the matched.
    pub bias_adjustment: bool,
    /// How the conditional variance is estimated.
    pub variance: ConditionalVariance,
}

/// An estimate by matching.
#[derive(Debug, Clone, PartialEq)]
pub struct MatchingEstimate {
    /// The estimate, with the error of Abadie and Imbens.
    pub estimate: Estimate,
    /// The point without bias adjustment.
    pub unadjusted: f64,
    /// The error that takes matched pairs as independent; too small or too large.
    pub naive_error: f64,
    /// Pairs of a unit and one of its matches, ties included.
    pub n_pairs: usize,
    /// Units of the target that were matched.
    pub n_matched: usize,
    /// Units of the target without a match.
    pub n_dropped: usize,
}

/// Estimates an effect by matching with replacement.
///
/// The standard error is that of the population effect; it takes a propensity score among the
/// covariates as known. With more than one continuous covariate the estimate has a bias that falls
/// more slowly than its error, which the bias adjustment takes out.
///
/// # Shapes and units
///
/// - `treated`, `outcome`: one value per unit; `covariates`: at least one column, in any unit.
/// - Outcome, point and standard error are in one unit.
///
/// # Errors
///
/// - [`EffectError::LengthMismatch`], [`EffectError::NotFinite`] for malformed slices.
/// - [`EffectError::TooFewInArm`] if an arm has fewer units than two, or than are sought.
/// - [`EffectError::RankDeficient`] at the first covariate that adds nothing.
/// - [`EffectError::NoMatch`] if a unit of the target has no match and no caliper explains it, or
///   if none has one.
/// - [`EffectError::OutsideRange`] for no matches, a caliper or a tolerance that is not one.
/// - [`EffectError::EstimandUndefined`] for an estimand other than att, atc and ate.
/// - [`EffectError::NoVariation`] if the variance is not above zero.
///
/// # Reference
///
/// Abadie & Imbens (2006), theorem 7; Abadie & Imbens (2011), section 3.
pub fn matching_estimate(
    design: &MatchingDesign<'_>,
    treated: &[bool],
    covariates: &[&[f64]],
    outcome: &[f64],
    level: ConfidenceLevel,
) -> Result<MatchingEstimate, EffectError> {
    check(design, treated, covariates, outcome)?;
    let points = scaled(design.metric, covariates)?;
    let calipers = design
        .caliper
        .map(|width| distance::widths(width, covariates));
    let neighbours = Neighbours::of(
        &points,
        covariates,
        treated,
        design.exact,
        calipers.as_deref(),
    );
    let target = target(design.estimand, treated)?;
    let found: Vec<Vec<usize>> = target
        .par_iter()
        .map(|&unit| neighbours.nearest(unit, !treated[unit], design.matches, design.tolerance))
        .collect();
    let unmatched = (0..target.len()).find(|&at| found[at].is_empty());
    if let Some(at) = unmatched.filter(|_| design.caliper.is_none()) {
        return Err(EffectError::NoMatch { row: target[at] });
    }
    let sets = Sets::of(&target, found, treated.len());
    if sets.units.is_empty() {
        return Err(EffectError::NoMatch { row: target[0] });
    }
    let fitted = if design.bias_adjustment {
        Some([
            fitted(false, treated, &sets, covariates, outcome)?,
            fitted(true, treated, &sets, covariates, outcome)?,
        ])
    } else {
        None
    };
    // How far a pair is apart, in the direction of treatment.
    let apart = |unit: usize, other: usize, adjust: bool| {
        let line = fitted.as_ref().filter(|_| adjust);
        let line = line.and_then(|lines| lines[usize::from(!treated[unit])].as_ref());
        let shift = line.map_or(0.0, |line| line[unit] - line[other]);
        let sign = if treated[unit] { 1.0 } else { -1.0 };
        sign * (outcome[unit] - outcome[other] - shift)
    };
    let averaged = |value: &dyn Fn(usize, usize) -> f64| {
        sets.each(|unit, matches| {
            let total: f64 = matches.iter().map(|&other| value(unit, other)).sum();
            total / count(matches.len())
        })
    };
    let plain = averaged(&|unit, other| apart(unit, other, false));
    let adjusted = averaged(&|unit, other| apart(unit, other, true));
    let n_matched = sets.units.len();
    let point = sum(&adjusted) / count(n_matched);
    let unadjusted = sum(&plain) / count(n_matched);
    let squares = averaged(&|unit, other| {
        let difference = apart(unit, other, true) - point;
        difference * difference
    });
    let conditional = variance::conditional(design, &neighbours, treated, outcome, &squares);
    let square = variance::population(
        design.estimand,
        treated,
        &sets,
        &conditional,
        &adjusted,
        point,
    );
    if !(square > 0.0 && square.is_finite()) {
        return Err(EffectError::NoVariation);
    }
    let estimate = conclude(design.estimand, point, square.sqrt(), treated, &sets, level);
    Ok(MatchingEstimate {
        estimate,
        unadjusted,
        naive_error: sets.naive_error(treated, outcome, unadjusted),
        n_pairs: sets.matches.iter().map(Vec::len).sum(),
        n_matched,
        n_dropped: target.len() - n_matched,
    })
}

fn check(
    design: &MatchingDesign<'_>,
    treated: &[bool],
    covariates: &[&[f64]],
    outcome: &[f64],
) -> Result<(), EffectError> {
    check_finite("outcome", outcome, treated.len())?;
    for column in covariates {
        check_finite("covariate", column, treated.len())?;
    }
    for (what, value, fits) in [
        (
            "number of matches",
            count(design.matches),
            design.matches > 0,
        ),
        ("tolerance", design.tolerance, design.tolerance >= 0.0),
        (
            "caliper",
            design.caliper.unwrap_or(1.0),
            design.caliper.is_none_or(|width| width > 0.0),
        ),
    ] {
        if !fits {
            return Err(EffectError::OutsideRange { what, value });
        }
    }
    check_arms(treated, design.matches.max(2))?;
    match design
        .exact
        .map(Grouping::len)
        .filter(|&found| found != treated.len())
    {
        Some(found) => Err(EffectError::LengthMismatch {
            what: "exact group",
            found,
            expected: treated.len(),
        }),
        None => Ok(()),
    }
}

/// The units over whom the effect is averaged.
fn target(estimand: Estimand, treated: &[bool]) -> Result<Vec<usize>, EffectError> {
    let within: fn(bool) -> bool = match estimand {
        Estimand::Ate => |_| true,
        Estimand::Att => |treated| treated,
        Estimand::Atc => |treated| !treated,
        _ => return Err(EffectError::EstimandUndefined { estimand }),
    };
    Ok((0..treated.len())
        .filter(|&unit| within(treated[unit]))
        .collect())
}

/// Units of the target and what each is matched with.
struct Sets {
    units: Vec<usize>,
    matches: Vec<Vec<usize>>,
    /// How often each unit serves, in shares of the sets it serves in.
    served: Vec<f64>,
    /// The sum of squares of these shares.
    squares: Vec<f64>,
}

impl Sets {
    fn of(target: &[usize], found: Vec<Vec<usize>>, n_units: usize) -> Self {
        let mut sets = Self {
            units: Vec::new(),
            matches: Vec::new(),
            served: vec![0.0; n_units],
            squares: vec![0.0; n_units],
        };
        for (&unit, matches) in target.iter().zip(found) {
            if matches.is_empty() {
                continue;
            }
            let share = 1.0 / count(matches.len());
            for &other in &matches {
                sets.served[other] += share;
                sets.squares[other] += share * share;
            }
            sets.units.push(unit);
            sets.matches.push(matches);
        }
        sets
    }

    fn each(&self, value: impl Fn(usize, &[usize]) -> f64) -> Vec<f64> {
        let sets = self.units.iter().zip(&self.matches);
        sets.map(|(&unit, matches)| value(unit, matches)).collect()
    }

    /// `√Σ w (difference - point)² / Σ w` over pairs, each with its share of its set.
    fn naive_error(&self, treated: &[bool], outcome: &[f64], point: f64) -> f64 {
        let squares = self.each(|unit, matches| {
            let sign = if treated[unit] { 1.0 } else { -1.0 };
            let square = |&other: &usize| {
                let apart = sign * (outcome[unit] - outcome[other]) - point;
                apart * apart
            };
            matches.iter().map(square).sum::<f64>() / count(matches.len())
        });
        sum(&squares).sqrt() / count(self.units.len())
    }
}

/// Predictions for everyone from the matched units of an arm, each counted as often as it serves;
/// `None` if none of them serves.
fn fitted(
    arm: bool,
    treated: &[bool],
    sets: &Sets,
    covariates: &[&[f64]],
    outcome: &[f64],
) -> Result<Option<Vec<f64>>, EffectError> {
    let rows: Vec<usize> = (0..treated.len())
        .filter(|&row| treated[row] == arm && sets.served[row] > 0.0)
        .collect();
    if rows.is_empty() {
        return Ok(None);
    }
    let take = |values: &[f64]| -> Vec<f64> { rows.iter().map(|&row| values[row]).collect() };
    let one = vec![1.0; treated.len()];
    let all = [&[one.as_slice()], covariates].concat();
    let columns: Vec<Vec<f64>> = all.iter().map(|column| take(column)).collect();
    let columns: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
    let weight = take(&sets.served);
    let coefficients = WeightedRegression::fit(&columns, &weight, &take(outcome))?.coefficients();
    let predict = |row: usize| {
        let terms = all.iter().zip(&coefficients);
        terms.map(|(column, slope)| column[row] * slope).sum()
    };
    Ok(Some((0..treated.len()).map(predict).collect()))
}

fn conclude(
    estimand: Estimand,
    point: f64,
    standard_error: f64,
    treated: &[bool],
    sets: &Sets,
    level: ConfidenceLevel,
) -> Estimate {
    let reach = normal::quantile(0.5 * (1.0 + level.fraction())) * standard_error;
    let n_target = target(estimand, treated).map_or(0, |target| target.len());
    let counts = |arm: bool| {
        let mut counts = vec![false; treated.len()];
        sets.units.iter().for_each(|&unit| counts[unit] = true);
        let rows = (0..treated.len()).filter(|&row| treated[row] == arm);
        rows.filter(|&row| counts[row] || sets.served[row] > 0.0)
            .count()
    };
    Estimate {
        estimand: match estimand {
            complete if sets.units.len() == n_target => complete,
            Estimand::Att => Estimand::MatchedTreated,
            Estimand::Atc => Estimand::MatchedComparators,
            _ => Estimand::MatchedUnits,
        },
        point,
        standard_error,
        degrees_of_freedom: None,
        confidence_level: level,
        interval: Interval {
            lower: point - reach,
            upper: point + reach,
        },
        p_value: normal::two_sided_p(point / standard_error),
        n_treated: counts(true),
        n_comparator: counts(false),
        n_clusters: None,
    }
}
