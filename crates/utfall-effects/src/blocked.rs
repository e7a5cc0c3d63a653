//! Difference between the arms within blocks of a blocked trial.
//!
//! Units were assigned within schools, classes or months. Each block has its own difference of
//! means; the effect is their average, weighted by the size of the block.

use utfall_core::{Arm, Estimand, Estimate};
use utfall_stats::moments::count;

use crate::{EffectError, Grouping, Inference, WeightedRegression, infer};

/// Estimates an effect as the weighted mean of the differences between arms within blocks.
///
/// The `estimand` decides the weights: all units of each block ([`Estimand::Ate`]), its treated
/// ([`Estimand::Att`]) or its comparators ([`Estimand::Atc`]).
///
/// This is a contrast of the means of all block-by-arm cells. With `hc2` the standard error is
/// Neyman's within each block, `√Σ w²(s₁²/n₁ + s₀²/n₀)`; `residual` degrees of freedom are the
/// units less two for each block. It leaves out how the blocks were chosen.
///
/// # Shapes and units
///
/// - `treated`, `block`, `outcome`: one value per unit; both arms in each block, and two units of
///   each arm in each block for `hc2` and `hc3`.
/// - Outcome, point and standard error are in one unit.
///
/// # Errors
///
/// - [`EffectError::LengthMismatch`], [`EffectError::NotFinite`] for malformed slices.
/// - [`EffectError::BlockWithoutArm`] at the first block that lacks an arm.
/// - [`EffectError::FullLeverage`] for `hc2` and `hc3` if an arm is one unit in some block.
/// - [`EffectError::EstimandUndefined`] for any other estimand.
/// - Those of [`infer`]; [`EffectError::ClustersMissing`] for a `cr` kind.
///
/// # Reference
///
/// Imbens & Rubin (2015), *Causal Inference*, chapter 9, <https://doi.org/10.1017/CBO9781139025751>.
pub fn blocked_difference(
    estimand: Estimand,
    treated: &[bool],
    block: &Grouping,
    outcome: &[f64],
    inference: &Inference,
) -> Result<Estimate, EffectError> {
    let n_rows = treated.len();
    if block.len() != n_rows {
        return Err(EffectError::LengthMismatch {
            what: "block",
            found: block.len(),
            expected: n_rows,
        });
    }
    if outcome.len() != n_rows {
        return Err(EffectError::LengthMismatch {
            what: "outcome",
            found: outcome.len(),
            expected: n_rows,
        });
    }
    let cell: Vec<(usize, bool)> = block
        .codes()
        .iter()
        .copied()
        .zip(treated.iter().copied())
        .collect();
    let cells = Grouping::of(&cell);
    let sizes = Sizes::of(treated, block)?;
    let weight = vec![1.0; n_rows];
    let fit = WeightedRegression::fit_cells(&cells, &weight, outcome)?;
    let mut per_cell = vec![0.0; cells.n_groups()];
    for (row, &(block, treated)) in cell.iter().enumerate() {
        let share = sizes.share(estimand, block)?;
        per_cell[cells.codes()[row]] = if treated { share } else { -share };
    }
    let inferred = infer(&fit, &fit.contrast(&per_cell)?, &[], inference)?;
    Ok(inferred.estimate(
        estimand,
        inference.confidence_level,
        (sizes.treated.iter().sum(), sizes.comparator.iter().sum()),
    ))
}

/// Units of each arm in each block.
struct Sizes {
    treated: Vec<usize>,
    comparator: Vec<usize>,
}

impl Sizes {
    fn of(treated: &[bool], block: &Grouping) -> Result<Self, EffectError> {
        let mut sizes = Self {
            treated: vec![0; block.n_groups()],
            comparator: vec![0; block.n_groups()],
        };
        for (&treated, &block) in treated.iter().zip(block.codes()) {
            let arm = if treated {
                &mut sizes.treated
            } else {
                &mut sizes.comparator
            };
            arm[block] += 1;
        }
        let arms = [
            (Arm::Treated, &sizes.treated),
            (Arm::Comparator, &sizes.comparator),
        ];
        for (row, &block) in block.codes().iter().enumerate() {
            if let Some(&(arm, _)) = arms.iter().find(|(_, sizes)| sizes[block] == 0) {
                return Err(EffectError::BlockWithoutArm { row, arm });
            }
        }
        Ok(sizes)
    }

    /// The block's share in the average.
    fn share(&self, estimand: Estimand, block: usize) -> Result<f64, EffectError> {
        let of = |sizes: &[usize]| (sizes[block], sizes.iter().sum::<usize>());
        let ((treated, all_treated), (comparator, all_comparator)) =
            (of(&self.treated), of(&self.comparator));
        let (part, whole) = match estimand {
            Estimand::Ate => (treated + comparator, all_treated + all_comparator),
            Estimand::Att => (treated, all_treated),
            Estimand::Atc => (comparator, all_comparator),
            _ => return Err(EffectError::EstimandUndefined { estimand }),
        };
        Ok(count(part) / count(whole))
    }
}
