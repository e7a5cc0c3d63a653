//! The penalty that predicts rows left out best.
//!
//! Penalties fall by equal ratios from one that keeps nothing. Rows are dealt into folds at random, from
//! a seed; each fold is predicted by models of the others, and the penalty with the least loss over all
//! rows (squares, or the logistic loss) is taken: the largest of several. It is chosen among the rows
//! that the learner is fitted to, so that in cross-fitting no row has a part in its own prediction.
//!
//! Stone (1974), <https://doi.org/10.1111/j.2517-6161.1974.tb00994.x>; Friedman, Hastie & Tibshirani
//! (2010) on the path, <https://doi.org/10.18637/jss.v033.i01>.

use serde::{Deserialize, Serialize};
use utfall_stats::draws::Stream;
use utfall_stats::elementary::{log, pow};
use utfall_stats::sums::sum_of;

use super::Target;
use super::penalised::{Penalised, Penalty, largest_pull};
use crate::EffectError;
use crate::power::refuse;

/// What a ridge path starts at, over what a lasso path does: ridge never keeps nothing.
const RIDGE_TOP: f64 = 1000.0;
/// Nearest to 0 or 1 that a probability counts.
const EDGE: f64 = 1e-12;

/// How a penalty is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Tuning {
    /// Penalties tried, two at least.
    pub n_penalties: u32,
    /// The least of them over the largest, above 0 and below 1; 0.001 is usual.
    pub least_share: f64,
    /// Folds that rows are dealt into, two at least.
    pub n_folds: u32,
    /// Seed of the dealing.
    pub seed: u64,
}

/// Which model the penalty is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shrinks {
    Squares,
    Sizes,
}

impl Shrinks {
    pub(super) fn by(self, penalty: f64) -> Penalty {
        match self {
            Self::Squares => Penalty::Squares(penalty),
            Self::Sizes => Penalty::Sizes(penalty),
        }
    }
}

impl Tuning {
    pub(super) fn check(&self) -> Result<(), EffectError> {
        let share = self.least_share;
        refuse(
            "least share of penalties",
            share,
            share > 0.0 && share < 1.0,
        )?;
        let (n_penalties, n_folds) = (f64::from(self.n_penalties), f64::from(self.n_folds));
        refuse("number of penalties", n_penalties, n_penalties > 1.0)?;
        refuse("number of folds", n_folds, n_folds > 1.0)
    }

    /// The penalty with the least loss.
    pub(super) fn choose(
        &self,
        shrinks: Shrinks,
        target: Target,
        columns: &[&[f64]],
        outcome: &[f64],
    ) -> Result<f64, EffectError> {
        let penalties = self.penalties(shrinks, columns, outcome);
        let path: Vec<Penalty> = penalties.iter().map(|&by| shrinks.by(by)).collect();
        let folds = self.folds(outcome.len());
        let mut losses = vec![0.0; penalties.len()];
        for fold in 0..self.n_folds {
            let (rows, others): (Vec<usize>, Vec<usize>) =
                (0..outcome.len()).partition(|&row| folds[row] == fold);
            if rows.is_empty() {
                continue;
            }
            let fitted = Part::of(&others, columns, outcome);
            if target == Target::Probability && fitted.is_of_one_outcome() {
                return Err(EffectError::NoVariation);
            }
            let left = Part::of(&rows, columns, outcome);
            let models = Penalised::path(&path, target, &fitted.slices(), &fitted.outcome)?;
            for (loss, model) in losses.iter_mut().zip(&models) {
                *loss += left.loss(model, target);
            }
        }
        let least = losses.iter().copied().fold(f64::INFINITY, f64::min);
        let best = losses.iter().position(|&loss| loss <= least);
        Ok(penalties[best.unwrap_or(0)])
    }

    /// Penalties from the largest down.
    fn penalties(&self, shrinks: Shrinks, columns: &[&[f64]], outcome: &[f64]) -> Vec<f64> {
        let pull = largest_pull(columns, outcome);
        let top = match shrinks {
            Shrinks::Squares => RIDGE_TOP * pull,
            Shrinks::Sizes => pull,
        };
        let steps = f64::from(self.n_penalties - 1);
        (0..self.n_penalties)
            .map(|k| top * pow(self.least_share, f64::from(k) / steps))
            .collect()
    }

    /// The fold of each row; sizes differ by one at most.
    fn folds(&self, n_rows: usize) -> Vec<u32> {
        let mut folds: Vec<u32> = (0..self.n_folds).cycle().take(n_rows).collect();
        Stream::new(self.seed, "folds of penalties", 0).shuffle(&mut folds);
        folds
    }
}

/// Some rows by themselves.
struct Part {
    columns: Vec<Vec<f64>>,
    outcome: Vec<f64>,
}

impl Part {
    fn of(rows: &[usize], columns: &[&[f64]], outcome: &[f64]) -> Self {
        let taken = |values: &[f64]| rows.iter().map(|&row| values[row]).collect();
        Self {
            columns: columns.iter().map(|column| taken(column)).collect(),
            outcome: taken(outcome),
        }
    }

    fn slices(&self) -> Vec<&[f64]> {
        self.columns.iter().map(Vec::as_slice).collect()
    }

    fn is_of_one_outcome(&self) -> bool {
        self.outcome
            .windows(2)
            .all(|pair| (pair[0] - pair[1]).abs() <= 0.0)
    }

    /// The sum over rows of squares of what the model misses, or of the logistic loss.
    fn loss(&self, model: &Penalised, target: Target) -> f64 {
        let predicted = model.predict(target, &self.slices(), self.outcome.len());
        sum_of(predicted.len(), |row| {
            let (p, y) = (predicted[row], self.outcome[row]);
            match target {
                Target::Number => (y - p) * (y - p),
                Target::Probability => {
                    let p = p.clamp(EDGE, 1.0 - EDGE);
                    -(y * log(p) + (1.0 - y) * log(1.0 - p))
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use utfall_stats::logistic::probability;

    const TUNING: Tuning = Tuning {
        n_penalties: 25,
        least_share: 0.001,
        n_folds: 5,
        seed: 3,
    };

    /// Ten scattered columns, and noise.
    fn drawn(n: usize) -> (Vec<Vec<f64>>, Vec<f64>) {
        let mut stream = Stream::new(9, "rows", 0);
        let mut column = || -> Vec<f64> { (0..n).map(|_| stream.normal()).collect() };
        let columns = (0..10).map(|_| column()).collect();
        let noise = column();
        (columns, noise)
    }

    fn slices(columns: &[Vec<f64>]) -> Vec<&[f64]> {
        columns.iter().map(Vec::as_slice).collect()
    }

    #[test]
    fn what_only_looks_like_a_pattern_is_given_up_and_a_clear_one_kept() {
        let (columns, noise) = drawn(200);
        let slices = slices(&columns);
        let clear: Vec<f64> = (0..200)
            .map(|row| 3.0 * columns[0][row] - 2.0 * columns[1][row] + 0.1 * noise[row])
            .collect();
        for shrinks in [Shrinks::Squares, Shrinks::Sizes] {
            let of = |outcome: &[f64]| {
                let penalties = TUNING.penalties(shrinks, &slices, outcome);
                let chosen = TUNING
                    .choose(shrinks, Target::Number, &slices, outcome)
                    .unwrap();
                (chosen / penalties[0], chosen)
            };
            assert!(of(&noise).0 > 0.2, "{shrinks:?}");
            assert!(of(&clear).0 < 0.02, "{shrinks:?}");
        }
    }

    #[test]
    fn no_other_penalty_predicts_rows_left_out_better() {
        let (columns, noise) = drawn(120);
        let slices = slices(&columns);
        let outcome: Vec<f64> = (0..120)
            .map(|row| 0.4 * columns[2][row] + noise[row])
            .collect();
        let yes: Vec<f64> = (0..120)
            .map(|row| {
                f64::from(u8::from(
                    probability(1.5 * columns[2][row] + noise[row]) > 0.5,
                ))
            })
            .collect();
        for (target, outcome) in [(Target::Number, &outcome), (Target::Probability, &yes)] {
            let chosen = TUNING
                .choose(Shrinks::Sizes, target, &slices, outcome)
                .unwrap();
            let folds = TUNING.folds(120);
            let loss = |penalty: f64| -> f64 {
                let of_fold = |fold: u32| {
                    let (rows, others): (Vec<usize>, Vec<usize>) =
                        (0..120).partition(|&row| folds[row] == fold);
                    let fitted = Part::of(&others, &slices, outcome);
                    let by = Penalty::Sizes(penalty);
                    let model = Penalised::fit(by, target, &fitted.slices(), &fitted.outcome);
                    Part::of(&rows, &slices, outcome).loss(&model.unwrap(), target)
                };
                (0..5).map(of_fold).sum()
            };
            let best = loss(chosen);
            for other in TUNING.penalties(Shrinks::Sizes, &slices, outcome) {
                assert!(best <= loss(other) * (1.0 + 1e-9), "{target:?}: {other}");
            }
        }
    }

    #[test]
    fn the_seed_alone_deals_the_rows_and_shares_that_are_none_are_refused() {
        assert_eq!(TUNING.folds(52), TUNING.folds(52));
        assert_ne!(TUNING.folds(52), Tuning { seed: 4, ..TUNING }.folds(52));
        let sizes = (0..5).map(|fold| TUNING.folds(52).iter().filter(|&&of| of == fold).count());
        assert_eq!(sizes.max().unwrap() - 10, 1);
        let refused = Tuning {
            least_share: 1.0,
            ..TUNING
        };
        assert!(matches!(
            refused.check(),
            Err(EffectError::OutsideRange { .. })
        ));
    }
}
