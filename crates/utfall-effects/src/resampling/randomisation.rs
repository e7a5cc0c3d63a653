//! Randomisation tests: how unusual the observed statistic is among assignments that might have
//! been, if treatment had changed nobody's outcome.
//!
//! Every statistic here is a function of sums over the treated, so an assignment costs one pass
//! over a column or a few.
//!
//! Fisher (1935), *The Design of Experiments*; Imbens & Rubin (2015), *Causal Inference*, chapter 5.

use serde::{Deserialize, Serialize};
use utfall_stats::moments::{count, mean};
use utfall_stats::sums::{dot, sum};

use super::assignment::Parts;
use super::{Assignments, Randomised};
use crate::arms::check_arms;
use crate::rank_sum::ranks;
use crate::regression::check_finite;
use crate::{EffectError, Grouping, WeightedRegression};

/// Relative slack within which two statistics are equal: ties are the rule with whole numbers.
const SLACK: f64 = 1e-9;

/// What is computed of each assignment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RandomisedStatistic {
    /// The difference of mean outcomes between the arms.
    Difference,
    /// Mean differences within blocks, weighted by the rows of each.
    BlockedDifference,
    /// The difference of means over its standard error (Welch's), which keeps the test's size also
    /// for a hypothesis about the mean effect.
    WelchT,
    /// The coefficient of treatment in a regression with covariates.
    Coefficient,
    /// The sum of the ranks of the treated.
    RankSum,
}

/// A statistic and how those of other assignments compare with it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RandomisationTest {
    /// The observed statistic.
    pub statistic: f64,
    /// Assignments compared.
    pub n_assignments: usize,
    /// Whether they are all that there are, so that shares of them are exact.
    pub exact: bool,
    /// Assignments at least as far from the middle. The middle is zero, and the mean rank sum of a
    /// random assignment for ranks.
    pub n_two_sided: usize,
    /// Assignments with a statistic at least as large.
    pub n_upper: usize,
    /// Assignments with one at most as large.
    pub n_lower: usize,
}

impl RandomisationTest {
    /// The p-value of a number of assignments: their share, or where assignments were drawn,
    /// `(1 + number)/(1 + drawn)`, which keeps the test's size however few are drawn.
    #[must_use]
    pub fn p(&self, number: usize) -> f64 {
        if self.exact {
            self.share(number)
        } else {
            (1.0 + count(number)) / (1.0 + count(self.n_assignments))
        }
    }

    /// The share of assignments, the observed one not counted in beside those drawn.
    #[must_use]
    pub fn share(&self, number: usize) -> f64 {
        count(number) / count(self.n_assignments)
    }
}

/// Tests that treatment changed nobody's outcome by other than a stated amount.
///
/// The p-value needs no model and no large sample: it rests on how treatment was assigned alone.
/// The hypothesis is a sharp one. A test of it may reject although the mean effect is nil, if
/// effects differ between people; `welch-t` does so least.
///
/// # Shapes and units
///
/// - `treated`, `outcome`: one value per row; `covariates`: columns for
///   [`RandomisedStatistic::Coefficient`], without a constant.
/// - `shift`: the effect of treatment on everyone under the hypothesis, in the outcome's unit; it
///   is taken off the outcomes of the treated first.
///
/// # Errors
///
/// - [`EffectError::LengthMismatch`], [`EffectError::NotFinite`] for malformed slices.
/// - [`EffectError::TooFewInArm`] if an arm has no row (two for `welch-t`).
/// - [`EffectError::BlockWithoutArm`] for [`RandomisedStatistic::BlockedDifference`].
/// - [`EffectError::ClusterDivided`] if a cluster holds both arms or lies in two blocks.
/// - [`EffectError::TooManyDraws`] if more than two million assignments are to be enumerated.
/// - [`EffectError::RankDeficient`] at the first covariate that adds nothing.
///
/// # Reference
///
/// Imbens & Rubin (2015), chapter 5; Phipson & Smyth (2010) on counting the observed assignment,
/// <https://doi.org/10.2202/1544-6115.1585>; Wu & Ding (2021) on studentised statistics,
/// <https://doi.org/10.1080/01621459.2020.1750415>.
pub fn randomisation_test(
    statistic: RandomisedStatistic,
    treated: &[bool],
    outcome: &[f64],
    covariates: &[&[f64]],
    shift: f64,
    design: &Randomised<'_>,
    assignments: Assignments<'_>,
) -> Result<RandomisationTest, EffectError> {
    check_finite("outcome", outcome, treated.len())?;
    let moved = |(&y, &is): (&f64, &bool)| if is { y - shift } else { y };
    let outcome: Vec<f64> = outcome.iter().zip(treated).map(moved).collect();
    let parts = Parts::of(treated, design)?;
    let prepared = Prepared::of(statistic, treated, &outcome, covariates, design.blocks)?;
    let by_part: Vec<Vec<f64>> = prepared
        .columns
        .iter()
        .map(|column| parts.of_row.sums(column))
        .collect();
    let over = |treated: &[bool]| {
        let sum = |column: &Vec<f64>| -> f64 {
            let chosen = column.iter().zip(treated).filter(|(_, is)| **is);
            chosen.map(|(value, _)| value).sum()
        };
        prepared.statistic(&by_part.iter().map(sum).collect::<Vec<f64>>())
    };
    let observed = over(&parts.treated);
    let mut test = RandomisationTest {
        statistic: observed,
        n_assignments: 0,
        exact: matches!(assignments, Assignments::Enumerated),
        n_two_sided: 0,
        n_upper: 0,
        n_lower: 0,
    };
    let mut tally = Tally {
        observed,
        centre: prepared.centre,
        slack: SLACK * (observed.abs() + prepared.typical),
        test: &mut test,
    };
    match assignments {
        Assignments::Enumerated => {
            parts.n_assignments()?;
            parts.enumerate(|treated| tally.add(over(treated)));
        }
        Assignments::Drawn(draws) => {
            for sums in parts.sums(&by_part, draws) {
                tally.add(prepared.statistic(&sums));
            }
        }
        Assignments::Given(all) => {
            for given in all {
                let drawn = Parts::of(given, design)?;
                tally.add(over(&drawn.treated));
            }
        }
    }
    Ok(test)
}

struct Tally<'a> {
    observed: f64,
    centre: f64,
    slack: f64,
    test: &'a mut RandomisationTest,
}

impl Tally<'_> {
    fn add(&mut self, statistic: f64) {
        let slack = self.slack;
        let far = (self.observed - self.centre).abs();
        self.test.n_assignments += 1;
        self.test.n_two_sided += usize::from((statistic - self.centre).abs() >= far - slack);
        self.test.n_upper += usize::from(statistic >= self.observed - slack);
        self.test.n_lower += usize::from(statistic <= self.observed + slack);
    }
}

/// The columns whose sums over the treated make a statistic.
struct Prepared {
    kind: RandomisedStatistic,
    columns: Vec<Vec<f64>>,
    /// Sums of the columns over everyone.
    totals: Vec<f64>,
    centre: f64,
    /// The size of one standard deviation of the outcome, on the scale of the statistic.
    typical: f64,
}

impl Prepared {
    fn of(
        kind: RandomisedStatistic,
        treated: &[bool],
        outcome: &[f64],
        covariates: &[&[f64]],
        blocks: Option<&Grouping>,
    ) -> Result<Self, EffectError> {
        let least = if kind == RandomisedStatistic::WelchT {
            2
        } else {
            1
        };
        check_arms(treated, least)?;
        let one = vec![1.0; outcome.len()];
        let middle = mean(outcome);
        let centred: Vec<f64> = outcome.iter().map(|y| y - middle).collect();
        let (columns, centre) = match kind {
            RandomisedStatistic::Difference => (vec![one, centred.clone()], 0.0),
            RandomisedStatistic::WelchT => {
                let squares = centred.iter().map(|y| y * y).collect();
                (vec![one, centred.clone(), squares], 0.0)
            }
            RandomisedStatistic::BlockedDifference => {
                (vec![blocked(treated, &centred, blocks)?], 0.0)
            }
            RandomisedStatistic::RankSum => {
                let n_treated = count(treated.iter().filter(|&&is| is).count());
                let centre = n_treated * (count(outcome.len()) + 1.0) / 2.0;
                (vec![ranks(outcome).0], centre)
            }
            RandomisedStatistic::Coefficient => (adjusted(&one, &centred, covariates)?, 0.0),
        };
        Ok(Self {
            kind,
            totals: columns.iter().map(|column| sum(column)).collect(),
            columns,
            centre,
            typical: match kind {
                RandomisedStatistic::WelchT | RandomisedStatistic::RankSum => 1.0,
                _ => (dot(&centred, &centred) / count(centred.len())).sqrt(),
            },
        })
    }

    fn statistic(&self, sums: &[f64]) -> f64 {
        match self.kind {
            RandomisedStatistic::RankSum | RandomisedStatistic::BlockedDifference => sums[0],
            RandomisedStatistic::Difference => self.difference(sums),
            RandomisedStatistic::WelchT => {
                let variance = |n: f64, first: f64, second: f64| {
                    (second - first * first / n).max(0.0) / (n - 1.0) / n
                };
                let rest: Vec<f64> = self.totals.iter().zip(sums).map(|(t, s)| t - s).collect();
                let error =
                    variance(sums[0], sums[1], sums[2]) + variance(rest[0], rest[1], rest[2]);
                self.difference(sums) / error.sqrt()
            }
            RandomisedStatistic::Coefficient => {
                let taken: f64 = sums[2..].iter().map(|q| q * q).sum();
                sums[1] / (sums[0] - taken)
            }
        }
    }

    fn difference(&self, sums: &[f64]) -> f64 {
        sums[1] / sums[0] - (self.totals[1] - sums[1]) / (self.totals[0] - sums[0])
    }
}

/// `Σ_b (n_b/N) (mean treated − mean comparator)` as a sum over the treated.
fn blocked(
    treated: &[bool],
    outcome: &[f64],
    blocks: Option<&Grouping>,
) -> Result<Vec<f64>, EffectError> {
    let one_block;
    let way = match blocks {
        Some(way) => way,
        None => {
            one_block = Grouping::of(&vec![0; treated.len()]);
            &one_block
        }
    };
    let mut column = vec![0.0; outcome.len()];
    for rows in way.members() {
        let (n_rows, n_treated) = (
            count(rows.len()),
            count(rows.iter().filter(|&&row| treated[row]).count()),
        );
        for (arm, n_arm) in [
            (utfall_core::Arm::Treated, n_treated),
            (utfall_core::Arm::Comparator, n_rows - n_treated),
        ] {
            if n_arm < 1.0 {
                return Err(EffectError::BlockWithoutArm { row: rows[0], arm });
            }
        }
        let share = n_rows / count(outcome.len());
        let total: f64 = rows.iter().map(|&row| outcome[row]).sum();
        let n_comparator = n_rows - n_treated;
        for &row in &rows {
            // The total's part is spread over the treated, so that the sum needs no constant.
            column[row] = share
                * (outcome[row] * (1.0 / n_treated + 1.0 / n_comparator)
                    - total / n_comparator / n_treated);
        }
    }
    Ok(column)
}

/// Ones, the outcome less what covariates explain, and the covariates made orthonormal: treatment's
/// coefficient is a ratio of sums over the treated of these.
fn adjusted(
    one: &[f64],
    outcome: &[f64],
    covariates: &[&[f64]],
) -> Result<Vec<Vec<f64>>, EffectError> {
    let columns = [&[one], covariates].concat();
    let fit = WeightedRegression::fit(&columns, one, outcome)?;
    let mut prepared = vec![one.to_vec(), fit.residual().to_vec()];
    for column in 0..fit.n_columns() {
        let values = (0..outcome.len()).map(|row| fit.orthonormal(row).nth(column).unwrap_or(0.0));
        prepared.push(values.collect());
    }
    Ok(prepared)
}
