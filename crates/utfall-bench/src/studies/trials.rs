//! Randomised trials of single units, blocks and pairs.

use utfall_core::Estimand;
use utfall_effects::{
    DegreesOfFreedom, EffectError, Grouping, MatchedSample, StandardError, blocked_difference,
    interacted_difference, paired_difference, unadjusted_difference,
};
use utfall_stats::{draws::Stream, elementary};

use super::sample::{assigned, beside, inference, one_if};
use super::{Drawn, Expected, Study};

pub(super) const STUDIES: &[Study] = &[
    Study {
        estimator: "difference, HC2, Welch",
        setting: "60 units, 1 in 3 treated, unequal variances",
        expected: Expected::Covers,
        draw: neyman,
    },
    Study {
        estimator: "difference, HC2, Welch",
        setting: "20 clusters of 15 assigned whole",
        expected: Expected::Fails,
        draw: neyman_on_clusters,
    },
    Study {
        estimator: "blocked, HC2, residual",
        setting: "10 blocks of 8 with unequal levels",
        expected: Expected::Covers,
        draw: blocked,
    },
    Study {
        estimator: "blocked, HC2, residual",
        setting: "10 blocks, noise shared by the arms of a block",
        expected: Expected::Fails,
        draw: blocked_with_shared_noise,
    },
    Study {
        estimator: "pairs, HC1, residual",
        setting: "30 pairs",
        expected: Expected::Covers,
        draw: pairs,
    },
    Study {
        estimator: "pairs, HC1, residual",
        setting: "8 pairs, lognormal effects",
        expected: Expected::Fails,
        draw: skewed_pairs,
    },
    Study {
        estimator: "Lin, HC3, residual",
        setting: "100 units, effect grows with the covariate",
        expected: Expected::CoversAtLeast,
        draw: lin,
    },
    Study {
        estimator: "Lin, HC0, normal",
        setting: "20 units, 4 covariates",
        expected: Expected::Fails,
        draw: lin_overfitted,
    },
];

fn neyman(stream: &mut Stream, effect: f64) -> Result<Drawn, EffectError> {
    let treated = assigned(stream, 60, 20);
    let outcome: Vec<f64> = treated
        .iter()
        .map(|&treated| {
            let spread = if treated { 2.0 } else { 1.0 };
            effect * one_if(treated) + spread * stream.normal()
        })
        .collect();
    let asked = inference(StandardError::Hc2, DegreesOfFreedom::Welch)?;
    let found = unadjusted_difference(Estimand::Ate, &treated, &outcome, &asked)?;
    Ok(beside(effect, &found))
}

fn neyman_on_clusters(stream: &mut Stream, effect: f64) -> Result<Drawn, EffectError> {
    let clusters = assigned(stream, 20, 10);
    let mut treated = Vec::new();
    let mut outcome = Vec::new();
    for cluster in clusters {
        let level = 0.5 * stream.normal();
        for _ in 0..15 {
            treated.push(cluster);
            outcome.push(effect * one_if(cluster) + level + stream.normal());
        }
    }
    let asked = inference(StandardError::Hc2, DegreesOfFreedom::Welch)?;
    let found = unadjusted_difference(Estimand::Ate, &treated, &outcome, &asked)?;
    Ok(beside(effect, &found))
}

/// Ten blocks of eight of which three are treated; `shared` is noise that the treated, and the
/// comparators, of a block have in common.
fn in_blocks(stream: &mut Stream, effect: f64, shared: f64) -> Result<Drawn, EffectError> {
    let (mut treated, mut block, mut outcome) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..10_u32 {
        let level = 3.0 * stream.normal();
        let of_arm = [shared * stream.normal(), shared * stream.normal()];
        for is_treated in assigned(stream, 8, 3) {
            treated.push(is_treated);
            block.push(number);
            let of_arm = of_arm[usize::from(is_treated)];
            outcome.push(level + of_arm + effect * one_if(is_treated) + stream.normal());
        }
    }
    let asked = inference(StandardError::Hc2, DegreesOfFreedom::Residual)?;
    let blocks = Grouping::of(&block);
    let found = blocked_difference(Estimand::Ate, &treated, &blocks, &outcome, &asked)?;
    Ok(beside(effect, &found))
}

fn blocked(stream: &mut Stream, effect: f64) -> Result<Drawn, EffectError> {
    in_blocks(stream, effect, 0.0)
}

fn blocked_with_shared_noise(stream: &mut Stream, effect: f64) -> Result<Drawn, EffectError> {
    in_blocks(stream, effect, 0.8)
}

fn of_pairs(
    stream: &mut Stream,
    n_pairs: u32,
    truth: f64,
    effect: impl Fn(&mut Stream) -> f64,
) -> Result<Drawn, EffectError> {
    let (mut treated, mut pair, mut outcome) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..n_pairs {
        let level = 2.0 * stream.normal();
        let effect = effect(stream);
        for is_treated in [true, false] {
            treated.push(is_treated);
            pair.push(number);
            outcome.push(level + effect * one_if(is_treated) + 0.3 * stream.normal());
        }
    }
    let asked = inference(StandardError::Hc1, DegreesOfFreedom::Residual)?;
    let pairs = Grouping::of(&pair);
    let found = paired_difference(Estimand::Ate, &treated, &pairs, &outcome, &asked)?;
    Ok(beside(truth, &found))
}

fn pairs(stream: &mut Stream, effect: f64) -> Result<Drawn, EffectError> {
    of_pairs(stream, 30, effect, |_| effect)
}

/// Effects with a long tail: their mean is `effect`, and eight pairs seldom see the tail.
fn skewed_pairs(stream: &mut Stream, effect: f64) -> Result<Drawn, EffectError> {
    let mean = elementary::exp(0.5 * 1.5 * 1.5);
    of_pairs(stream, 8, effect, |stream| {
        effect + elementary::exp(1.5 * stream.normal()) - mean
    })
}

fn with_covariates(
    stream: &mut Stream,
    (n, n_treated, n_covariates): (usize, usize, usize),
    (standard_error, degrees): (StandardError, DegreesOfFreedom),
    effect: f64,
    slope: f64,
) -> Result<Drawn, EffectError> {
    let treated = assigned(stream, n, n_treated);
    let columns: Vec<Vec<f64>> = (0..n_covariates)
        .map(|_| (0..n).map(|_| stream.normal()).collect())
        .collect();
    let outcome: Vec<f64> = (0..n)
        .map(|row| {
            let x = columns[0][row];
            x + (effect + slope * x) * one_if(treated[row]) + stream.normal()
        })
        .collect();
    let weight = vec![1.0; n];
    let sample = MatchedSample {
        estimand: Estimand::Ate,
        treated: &treated,
        weight: &weight,
        outcome: &outcome,
        unit: None,
        clusters: &[],
    };
    let covariates: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
    let asked = inference(standard_error, degrees)?;
    let found = interacted_difference(&sample, &covariates, &asked)?;
    // The truth is the effect in this sample, over which the covariate is centred.
    let truth = effect + slope * utfall_stats::moments::mean(&columns[0]);
    Ok(beside(truth, &found))
}

fn lin(stream: &mut Stream, effect: f64) -> Result<Drawn, EffectError> {
    let asked = (StandardError::Hc3, DegreesOfFreedom::Residual);
    with_covariates(stream, (100, 50, 1), asked, effect, 0.5)
}

fn lin_overfitted(stream: &mut Stream, effect: f64) -> Result<Drawn, EffectError> {
    let asked = (StandardError::Hc0, DegreesOfFreedom::Normal);
    with_covariates(stream, (20, 10, 4), asked, effect, 0.0)
}
