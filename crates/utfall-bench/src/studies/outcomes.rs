//! Outcomes that are counts, often zero, skewed or missing.

use std::num::NonZeroU32;

use utfall_effects::{
    DegreesOfFreedom, Draws, EffectError, Family, Grouping, Resampled, StandardError, Trim,
    bootstrap, fit_generalised, infer, lee_bounds, negative_binomial, quantile_regression,
    two_part,
};
use utfall_stats::draws::Stream;
use utfall_stats::{elementary, logistic, normal};

use super::sample::{assigned, inference, of_inferred, one_if};
use super::{Drawn, Expected, Study};

pub(super) const STUDIES: &[Study] = &[
    Study {
        estimator: "two-part, logit and gamma, HC1",
        setting: "400 units, half of costs zero",
        expected: Expected::Covers,
        draw: costs,
    },
    Study {
        estimator: "negative binomial, HC1",
        setting: "300 units, counts with dispersion 1",
        expected: Expected::Covers,
        draw: counts,
    },
    Study {
        estimator: "negative binomial, HC1",
        setting: "20 clusters of 15 assigned whole",
        expected: Expected::Fails,
        draw: counts_of_clusters,
    },
    Study {
        estimator: "Poisson, likelihood error",
        setting: "300 units, counts with dispersion 1",
        expected: Expected::Fails,
        draw: counts_as_poisson,
    },
    Study {
        estimator: "median regression, bootstrap",
        setting: "80 units, exponential noise",
        expected: Expected::Covers,
        draw: median,
    },
    Study {
        estimator: "Lee bounds",
        setting: "400 units, treatment keeps some observed",
        expected: Expected::CoversAtLeast,
        draw: bounds,
    },
    Study {
        estimator: "Lee bounds",
        setting: "400 units, treatment keeps some, drives others away",
        expected: Expected::Fails,
        draw: bounds_without_monotone_loss,
    },
];

/// An exponential draw with mean one.
fn exponential(stream: &mut Stream) -> f64 {
    -elementary::log(1.0 - stream.uniform())
}

/// Costs of which an indicator decides both parts, and treatment whether there are any.
fn costs(stream: &mut Stream, effect: f64) -> Result<Drawn, EffectError> {
    const N: usize = 400;
    let arm: Vec<f64> = assigned(stream, N, N / 2).into_iter().map(one_if).collect();
    let any = |x: f64, arm: f64| logistic::probability(-0.3 + 0.6 * x + effect * arm);
    let mean = |x: f64| elementary::exp(0.4 * x);
    let (mut known, mut outcome) = (Vec::new(), Vec::new());
    for &arm in &arm {
        let x = one_if(stream.bernoulli(0.5));
        let has_any = stream.bernoulli(any(x, arm));
        known.push(x);
        outcome.push(one_if(has_any) * mean(x) * exponential(stream));
    }
    let (one, zero) = (vec![1.0; N], vec![0.0; N]);
    let columns: [&[f64]; 3] = [&one, &arm, &known];
    let fit = two_part(Family::Logit, Family::Gamma, &columns, &outcome)?;
    let found = fit.marginal(&[&one, &one, &known], &[&one, &zero, &known], &one)?;
    let asked = inference(StandardError::Hc1, DegreesOfFreedom::Normal)?;
    let truth: f64 = [0.0, 1.0]
        .map(|x| 0.5 * (any(x, 1.0) - any(x, 0.0)) * mean(x))
        .iter()
        .sum();
    Ok(of_inferred(truth, &found.difference.infer(&[], &asked)?))
}

/// Counts with a rate that varies by units, or is shared by clusters of fifteen.
fn drawn_counts(stream: &mut Stream, clustered: bool, effect: f64) -> (Vec<f64>, Vec<f64>) {
    let (n_parts, of_part) = if clustered { (20, 15) } else { (300, 1) };
    let (mut arm, mut outcome) = (Vec::new(), Vec::new());
    for is_treated in assigned(stream, n_parts, n_parts / 2) {
        let rate = 2.0 * elementary::exp(effect * one_if(is_treated)) * exponential(stream);
        for _ in 0..of_part {
            arm.push(one_if(is_treated));
            let count = u32::try_from(stream.poisson(rate)).unwrap_or(u32::MAX);
            outcome.push(f64::from(count));
        }
    }
    (arm, outcome)
}

fn by_counts(stream: &mut Stream, clustered: bool, effect: f64) -> Result<Drawn, EffectError> {
    let (arm, outcome) = drawn_counts(stream, clustered, effect);
    let one = vec![1.0; arm.len()];
    let found = negative_binomial(&[&one, &arm], None, &outcome)?;
    let asked = inference(StandardError::Hc1, DegreesOfFreedom::Normal)?;
    let regression = found.fit.regression();
    let found = infer(regression, &regression.coefficient(1)?, &[], &asked)?;
    Ok(of_inferred(effect, &found))
}

fn counts(stream: &mut Stream, effect: f64) -> Result<Drawn, EffectError> {
    by_counts(stream, false, effect)
}

fn counts_of_clusters(stream: &mut Stream, effect: f64) -> Result<Drawn, EffectError> {
    by_counts(stream, true, effect)
}

fn counts_as_poisson(stream: &mut Stream, effect: f64) -> Result<Drawn, EffectError> {
    let (arm, outcome) = drawn_counts(stream, false, effect);
    let one = vec![1.0; arm.len()];
    let fit = fit_generalised(Family::Poisson, &[&one, &arm], None, &outcome)?;
    let asked = inference(StandardError::Model, DegreesOfFreedom::Normal)?;
    let found = infer(
        fit.regression(),
        &fit.regression().coefficient(1)?,
        &[],
        &asked,
    )?;
    Ok(of_inferred(effect, &found))
}

/// A shift of everyone, found at the median with the normal interval of a bootstrap.
fn median(stream: &mut Stream, effect: f64) -> Result<Drawn, EffectError> {
    let treated = assigned(stream, 80, 40);
    let outcome: Vec<f64> = treated
        .iter()
        .map(|&is| effect * one_if(is) + exponential(stream))
        .collect();
    let arms = Grouping::of(&treated);
    let draws = Draws {
        seed: stream.below(1 << 40),
        replicates: NonZeroU32::MIN.saturating_add(99),
    };
    let resampled = Resampled::Rows {
        strata: Some(&arms),
        draws,
    };
    let found = bootstrap(treated.len(), &resampled, |rows| {
        let one = vec![1.0; rows.len()];
        let arm: Vec<f64> = rows.iter().map(|&row| one_if(treated[row])).collect();
        let values: Vec<f64> = rows.iter().map(|&row| outcome[row]).collect();
        let fit = quantile_regression(0.5, &[&one, &arm], &values)?;
        Ok(vec![fit.coefficients[1]])
    })?;
    let (point, standard_error) = (found.points[0], found.standard_error(0));
    let reach = normal::quantile(0.975) * standard_error;
    Ok(Drawn {
        error: point - effect,
        standard_error,
        covers: (point - effect).abs() <= reach,
        rejects: point.abs() > reach,
    })
}

/// Outcomes that are seen with a chance that may depend on the outcome without treatment and the arm.
fn by_bounds(
    stream: &mut Stream,
    seen: impl Fn(f64, bool) -> f64,
    effect: f64,
) -> Result<Drawn, EffectError> {
    let treated = assigned(stream, 400, 200);
    let outcome: Vec<Option<f64>> = treated
        .iter()
        .map(|&is_treated| {
            let level = stream.normal();
            // One draw decides for either arm, so that a higher chance only adds.
            let is_seen = stream.uniform() < seen(level, is_treated);
            is_seen.then_some(level + effect * one_if(is_treated))
        })
        .collect();
    let found = lee_bounds(&treated, &outcome, None, Trim::Fraction)?.bounds;
    Ok(Drawn {
        error: 0.5 * (found.lower + found.upper) - effect,
        standard_error: f64::NAN,
        covers: found.contains(effect),
        rejects: !found.contains(0.0),
    })
}

fn bounds(stream: &mut Stream, effect: f64) -> Result<Drawn, EffectError> {
    by_bounds(
        stream,
        |_, is_treated| if is_treated { 0.9 } else { 0.6 },
        effect,
    )
}

fn bounds_without_monotone_loss(stream: &mut Stream, effect: f64) -> Result<Drawn, EffectError> {
    let seen = |level: f64, is_treated: bool| {
        if (level > 0.0) == is_treated {
            0.9
        } else {
            0.6
        }
    };
    by_bounds(stream, seen, effect)
}
