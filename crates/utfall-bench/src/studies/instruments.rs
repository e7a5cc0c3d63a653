//! An instrument, strong and weak.

use utfall_effects::{
    AndersonRubin, DegreesOfFreedom, EffectError, StandardError, TwoStage, infer, two_stage,
};
use utfall_stats::draws::Stream;

use super::sample::{inference, of_inferred};
use super::{Drawn, Expected, Study};

pub(super) const STUDIES: &[Study] = &[
    Study {
        estimator: "two-stage least squares, HC1",
        setting: "400 units, strong instrument (F about 100)",
        expected: Expected::Covers,
        draw: strong,
    },
    Study {
        estimator: "two-stage least squares, HC1",
        setting: "400 units, 8 weak instruments (F about 1)",
        expected: Expected::Fails,
        draw: weak,
    },
    Study {
        estimator: "Anderson–Rubin set, HC1",
        setting: "400 units, one weak instrument (F about 2)",
        expected: Expected::Covers,
        draw: anderson_rubin,
    },
];

/// An endogenous treatment with so many instruments of the same strength.
fn fit(
    stream: &mut Stream,
    n_instruments: usize,
    strength: f64,
    effect: f64,
) -> Result<TwoStage, EffectError> {
    const N: usize = 400;
    let instruments: Vec<Vec<f64>> = (0..n_instruments)
        .map(|_| (0..N).map(|_| stream.normal()).collect())
        .collect();
    let (mut endogenous, mut outcome) = (Vec::new(), Vec::new());
    for row in 0..N {
        let confounder = stream.normal();
        let moved: f64 = instruments.iter().map(|column| column[row]).sum();
        let x = strength * moved + confounder + 0.3 * stream.normal();
        endogenous.push(x);
        outcome.push(effect * x + 2.0 * confounder + stream.normal());
    }
    let columns: Vec<&[f64]> = instruments.iter().map(Vec::as_slice).collect();
    two_stage(&endogenous, &[&vec![1.0; N]], &columns, &outcome)
}

fn by_two_stages(
    stream: &mut Stream,
    n_instruments: usize,
    strength: f64,
    effect: f64,
) -> Result<Drawn, EffectError> {
    let fit = fit(stream, n_instruments, strength, effect)?;
    let asked = inference(StandardError::Hc1, DegreesOfFreedom::Normal)?;
    let found = infer(fit.regression(), fit.effect(), &[], &asked)?;
    Ok(of_inferred(effect, &found))
}

fn strong(stream: &mut Stream, effect: f64) -> Result<Drawn, EffectError> {
    by_two_stages(stream, 1, 0.55, effect)
}

fn weak(stream: &mut Stream, effect: f64) -> Result<Drawn, EffectError> {
    by_two_stages(stream, 8, 0.02, effect)
}

fn anderson_rubin(stream: &mut Stream, effect: f64) -> Result<Drawn, EffectError> {
    let fit = fit(stream, 1, 0.06, effect)?;
    let asked = inference(StandardError::Hc1, DegreesOfFreedom::Residual)?;
    let Some((set, p_value)) = fit.anderson_rubin(&[], &asked)? else {
        return Err(EffectError::NoVariation);
    };
    let covers = match set {
        AndersonRubin::Within(interval) => interval.contains(effect),
        AndersonRubin::Outside(interval) => !interval.contains(effect),
        AndersonRubin::Everything => true,
    };
    let found = infer(fit.regression(), fit.effect(), &[], &asked)?;
    Ok(Drawn {
        error: found.point - effect,
        standard_error: f64::NAN,
        covers,
        rejects: p_value < 0.05,
    })
}
