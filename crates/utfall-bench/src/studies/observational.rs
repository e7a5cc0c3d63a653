//! Units that chose, or were chosen for, treatment by what is measured, or by what is not.

use std::num::NonZeroU32;

use utfall_core::Estimand;
use utfall_effects::{
    DegreesOfFreedom, EffectError, Grouping, MatchedSample, NuisanceFit, ScoreFit, StandardError,
    adjusted_difference, doubly_robust, matched_difference, score_weighted_difference,
};
use utfall_matching::{
    Caliper, CaliperScale, MatchingError, NearestSpec, Order, Reuse, Ties, nearest, propensity,
};
use utfall_stats::{Matrix, draws::Stream, elementary};

use super::sample::{beside, inference, one_if};
use super::{Drawn, Expected, Study};

pub(super) const STUDIES: &[Study] = &[
    Study {
        estimator: "matched 1:1, CR1 by set",
        setting: "600 units, selection on a measured score",
        expected: Expected::CoversAtLeast,
        draw: matched,
    },
    Study {
        estimator: "matched 1:1, CR1 by set",
        setting: "600 units, a hidden confounder",
        expected: Expected::Fails,
        draw: matched_with_hidden,
    },
    Study {
        estimator: "regression, HC2",
        setting: "400 units, straight confounding",
        expected: Expected::Covers,
        draw: regression,
    },
    Study {
        estimator: "regression, HC2",
        setting: "400 units, curved confounding",
        expected: Expected::Fails,
        draw: regression_on_curve,
    },
    Study {
        estimator: "weights of a fitted score, HC1",
        setting: "800 units, straight confounding",
        expected: Expected::Covers,
        draw: weighted,
    },
    Study {
        estimator: "weights of a fitted score, HC1",
        setting: "400 units, curved confounding: the score is wrong",
        expected: Expected::Fails,
        draw: weighted_on_curve,
    },
    Study {
        estimator: "doubly robust, HC1",
        setting: "400 units, straight confounding",
        expected: Expected::Covers,
        draw: robust,
    },
    Study {
        estimator: "doubly robust, HC1",
        setting: "400 units, curved confounding: both models wrong",
        expected: Expected::Fails,
        draw: robust_on_curve,
    },
];

/// How units come to be treated.
#[derive(Debug, Clone, Copy)]
pub(super) struct World {
    pub(super) n: usize,
    /// Log odds of treatment at the mean.
    pub(super) odds: f64,
    /// Whether the outcome, and the odds, depend on the covariate's square too.
    pub(super) curved: bool,
    /// How strongly what is not measured moves both.
    pub(super) hidden: f64,
}

/// Units of a world.
pub(super) struct Units {
    pub(super) treated: Vec<bool>,
    pub(super) measured: [Vec<f64>; 2],
    pub(super) outcome: Vec<f64>,
}

impl World {
    pub(super) fn draw(self, stream: &mut Stream, effect: f64) -> Units {
        let mut units = Units {
            treated: Vec::new(),
            measured: [Vec::new(), Vec::new()],
            outcome: Vec::new(),
        };
        for _ in 0..self.n {
            let (x, z, hidden) = (stream.normal(), stream.normal(), stream.normal());
            let curve = if self.curved { x * x - 1.0 } else { 0.0 };
            let odds = self.odds + 0.5 * x - 0.4 * z + 0.7 * curve + self.hidden * hidden;
            let treated = stream.bernoulli(1.0 / (1.0 + elementary::exp(-odds)));
            let level = x + 0.5 * z + curve + self.hidden * hidden;
            units.treated.push(treated);
            units.measured[0].push(x);
            units.measured[1].push(z);
            units
                .outcome
                .push(level + effect * one_if(treated) + stream.normal());
        }
        units
    }
}

pub(super) const STRAIGHT: World = World {
    n: 400,
    odds: 0.0,
    curved: false,
    hidden: 0.0,
};
pub(super) const CURVED: World = World {
    curved: true,
    ..STRAIGHT
};
/// Few are treated, so that each finds a comparator.
pub(super) const RARE: World = World {
    n: 600,
    odds: -1.8,
    ..STRAIGHT
};

fn by_matching(stream: &mut Stream, world: World, effect: f64) -> Result<Drawn, EffectError> {
    let units = world.draw(stream, effect);
    let covariates = Matrix::from_columns(units.measured.to_vec()).map_err(|_| unusable())?;
    let scores = propensity(&covariates, &units.treated).map_err(|_: MatchingError| unusable())?;
    let spec = NearestSpec {
        ratio: NonZeroU32::MIN,
        variable: None,
        caliper: Caliper::new(0.1, CaliperScale::SdOfDistance).ok(),
        reuse: Reuse::Forbid,
        order: Order::Largest,
        ties: Ties::LowestId,
    };
    let found = nearest(&spec, &scores.logit, &units.treated, None);
    let found = found.map_err(|_: MatchingError| unusable())?;
    let (mut treated, mut set, mut outcome) = (Vec::new(), Vec::new(), Vec::new());
    for row in found.memberships() {
        treated.push(units.treated[row.unit]);
        set.push(row.set);
        outcome.push(units.outcome[row.unit]);
    }
    let sets = Grouping::of(&set);
    let sample = MatchedSample {
        estimand: Estimand::MatchedTreated,
        treated: &treated,
        weight: &vec![1.0; treated.len()],
        outcome: &outcome,
        unit: None,
        clusters: &[&sets],
    };
    let asked = inference(StandardError::Cr1, DegreesOfFreedom::Clusters)?;
    Ok(beside(effect, &matched_difference(&sample, &asked)?))
}

/// A draw on which nothing can be matched.
fn unusable() -> EffectError {
    EffectError::NoVariation
}

fn matched(stream: &mut Stream, effect: f64) -> Result<Drawn, EffectError> {
    by_matching(stream, RARE, effect)
}

fn matched_with_hidden(stream: &mut Stream, effect: f64) -> Result<Drawn, EffectError> {
    let hidden = World {
        hidden: 0.7,
        ..RARE
    };
    by_matching(stream, hidden, effect)
}

fn by_regression(stream: &mut Stream, world: World, effect: f64) -> Result<Drawn, EffectError> {
    let units = world.draw(stream, effect);
    let sample = MatchedSample {
        estimand: Estimand::Ate,
        treated: &units.treated,
        weight: &vec![1.0; units.treated.len()],
        outcome: &units.outcome,
        unit: None,
        clusters: &[],
    };
    let covariates: Vec<&[f64]> = units.measured.iter().map(Vec::as_slice).collect();
    let asked = inference(StandardError::Hc2, DegreesOfFreedom::Residual)?;
    Ok(beside(
        effect,
        &adjusted_difference(&sample, &covariates, &asked)?,
    ))
}

fn regression(stream: &mut Stream, effect: f64) -> Result<Drawn, EffectError> {
    by_regression(stream, STRAIGHT, effect)
}

fn regression_on_curve(stream: &mut Stream, effect: f64) -> Result<Drawn, EffectError> {
    by_regression(stream, CURVED, effect)
}

fn by_both(stream: &mut Stream, world: World, effect: f64) -> Result<Drawn, EffectError> {
    let units = world.draw(stream, effect);
    let covariates: Vec<&[f64]> = units.measured.iter().map(Vec::as_slice).collect();
    let asked = inference(StandardError::Hc1, DegreesOfFreedom::Normal)?;
    let found = doubly_robust(
        Estimand::Ate,
        &units.treated,
        &covariates,
        &units.outcome,
        &NuisanceFit {
            folds: None,
            clip: None,
            outcome_family: None,
            outcome_learner: None,
            score_learner: None,
        },
        &[],
        &asked,
    )?;
    Ok(beside(effect, &found.estimate))
}

fn robust(stream: &mut Stream, effect: f64) -> Result<Drawn, EffectError> {
    by_both(stream, STRAIGHT, effect)
}

fn robust_on_curve(stream: &mut Stream, effect: f64) -> Result<Drawn, EffectError> {
    by_both(stream, CURVED, effect)
}

fn by_weights(stream: &mut Stream, world: World, effect: f64) -> Result<Drawn, EffectError> {
    let units = world.draw(stream, effect);
    let one = vec![1.0; units.treated.len()];
    let columns = [&one[..], &units.measured[0], &units.measured[1]];
    let asked = inference(StandardError::Hc1, DegreesOfFreedom::Normal)?;
    let found = score_weighted_difference(
        Estimand::Ate,
        &units.treated,
        &columns,
        ScoreFit::Likelihood,
        &units.outcome,
        &[],
        &asked,
    )?;
    Ok(beside(effect, &found))
}

fn weighted(stream: &mut Stream, effect: f64) -> Result<Drawn, EffectError> {
    let many = World { n: 800, ..STRAIGHT };
    by_weights(stream, many, effect)
}

fn weighted_on_curve(stream: &mut Stream, effect: f64) -> Result<Drawn, EffectError> {
    by_weights(stream, CURVED, effect)
}
