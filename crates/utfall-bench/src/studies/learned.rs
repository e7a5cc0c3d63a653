//! Scores and outcomes that models predict: targeted, and learned with cross-fitting; and matching
//! with replacement.

use utfall_core::Estimand;
use utfall_effects::{
    ConditionalVariance, DegreesOfFreedom, EffectError, Grouping, Learner, MatchMetric,
    MatchingDesign, NuisanceFit, StandardError, doubly_robust, matching_estimate, partially_linear,
    targeted,
};
use utfall_stats::draws::Stream;

use super::observational::{CURVED, RARE, STRAIGHT, World};
use super::sample::{beside, inference};
use super::{Drawn, Expected, Study};

pub(super) const STUDIES: &[Study] = &[
    Study {
        estimator: "targeted, att, HC0",
        setting: "400 units, straight confounding",
        expected: Expected::Covers,
        draw: targeted_att,
    },
    Study {
        estimator: "targeted, att, HC0",
        setting: "400 units, curved confounding: both models wrong",
        expected: Expected::Fails,
        draw: targeted_on_curve,
    },
    Study {
        estimator: "double ML, lasso of squares, 5 folds",
        setting: "600 units, curved confounding",
        expected: Expected::Covers,
        draw: learned,
    },
    Study {
        estimator: "double ML, lasso of squares, 5 folds",
        setting: "600 units, a penalty that keeps nothing",
        expected: Expected::Fails,
        draw: learned_too_stiffly,
    },
    Study {
        estimator: "partially linear, ridge, 5 folds",
        setting: "600 units, curved confounding",
        expected: Expected::Covers,
        draw: partialled_out,
    },
    Study {
        estimator: "Abadie–Imbens, att, bias-adjusted",
        setting: "600 units, straight confounding, few treated",
        expected: Expected::Covers,
        draw: matched_and_adjusted,
    },
];

/// Covariates with their squares and product.
fn with_squares(measured: &[Vec<f64>; 2]) -> Vec<Vec<f64>> {
    let [x, z] = measured;
    let product =
        |a: &[f64], b: &[f64]| -> Vec<f64> { a.iter().zip(b).map(|(a, b)| a * b).collect() };
    let products = [product(x, x), product(z, z), product(x, z)];
    measured.iter().cloned().chain(products).collect()
}

fn slices(columns: &[Vec<f64>]) -> Vec<&[f64]> {
    columns.iter().map(Vec::as_slice).collect()
}

fn by_targeting(stream: &mut Stream, world: World, effect: f64) -> Result<Drawn, EffectError> {
    let units = world.draw(stream, effect);
    let asked = inference(StandardError::Hc0, DegreesOfFreedom::Normal)?;
    let found = targeted(
        Estimand::Att,
        &units.treated,
        &slices(&units.measured),
        &units.outcome,
        &NuisanceFit::default(),
        &[],
        &asked,
    )?;
    Ok(beside(effect, &found.estimate))
}

fn targeted_att(stream: &mut Stream, effect: f64) -> Result<Drawn, EffectError> {
    by_targeting(stream, STRAIGHT, effect)
}

fn targeted_on_curve(stream: &mut Stream, effect: f64) -> Result<Drawn, EffectError> {
    by_targeting(stream, CURVED, effect)
}

/// Everything that predicts is one learner, with five folds in turn.
fn nuisance(folds: &Grouping, learner: Learner) -> NuisanceFit<'_> {
    NuisanceFit {
        folds: Some(folds),
        clip: Some(0.01),
        outcome_family: None,
        outcome_learner: Some(learner),
        score_learner: Some(learner),
    }
}

fn in_turn(n: usize) -> Grouping {
    Grouping::of(&(0..n).map(|row| row % 5).collect::<Vec<_>>())
}

const MANY_ON_CURVE: World = World { n: 600, ..CURVED };

fn by_learning(stream: &mut Stream, penalty: f64, effect: f64) -> Result<Drawn, EffectError> {
    let units = MANY_ON_CURVE.draw(stream, effect);
    let folds = in_turn(units.treated.len());
    let asked = inference(StandardError::Hc0, DegreesOfFreedom::Normal)?;
    let found = doubly_robust(
        Estimand::Ate,
        &units.treated,
        &slices(&with_squares(&units.measured)),
        &units.outcome,
        &nuisance(&folds, Learner::Lasso { penalty }),
        &[],
        &asked,
    )?;
    Ok(beside(effect, &found.estimate))
}

fn learned(stream: &mut Stream, effect: f64) -> Result<Drawn, EffectError> {
    by_learning(stream, 0.01, effect)
}

fn learned_too_stiffly(stream: &mut Stream, effect: f64) -> Result<Drawn, EffectError> {
    by_learning(stream, 5.0, effect)
}

fn partialled_out(stream: &mut Stream, effect: f64) -> Result<Drawn, EffectError> {
    let units = MANY_ON_CURVE.draw(stream, effect);
    let folds = in_turn(units.treated.len());
    let asked = inference(StandardError::Hc0, DegreesOfFreedom::Normal)?;
    let found = partially_linear(
        Estimand::Overlap,
        &units.treated,
        &slices(&with_squares(&units.measured)),
        &units.outcome,
        &nuisance(&folds, Learner::Ridge { penalty: 0.01 }),
        &[],
        &asked,
    )?;
    Ok(beside(effect, &found))
}

fn matched_and_adjusted(stream: &mut Stream, effect: f64) -> Result<Drawn, EffectError> {
    let units = RARE.draw(stream, effect);
    let design = MatchingDesign {
        estimand: Estimand::Att,
        matches: 1,
        metric: MatchMetric::InverseVariance,
        tolerance: 1e-5,
        exact: None,
        caliper: None,
        bias_adjustment: true,
        variance: ConditionalVariance::Nearest(1),
    };
    let level = inference(StandardError::Hc0, DegreesOfFreedom::Normal)?.confidence_level;
    let covariates = slices(&units.measured);
    let found = matching_estimate(&design, &units.treated, &covariates, &units.outcome, level)?;
    Ok(beside(effect, &found.estimate))
}
