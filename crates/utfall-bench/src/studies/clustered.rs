//! Whole clusters assigned, few of them and of unequal size.

use utfall_core::Estimand;
use utfall_effects::{
    Assignments, DegreesOfFreedom, EffectError, Grouping, MatchedSample, Randomised,
    RandomisedStatistic, StandardError, WildDraws, WildResiduals, matched_difference,
    randomisation_test, wild_cluster_test,
};
use utfall_stats::draws::Stream;

use super::sample::{assigned, beside, inference, one_if};
use super::{Drawn, Expected, Study};

pub(super) const STUDIES: &[Study] = &[
    Study {
        estimator: "clusters, CR2, Satterthwaite",
        setting: "12 clusters, 4 treated, 5 to 40 units",
        expected: Expected::CoversAtLeast,
        draw: cr2,
    },
    Study {
        estimator: "clusters, CR0, normal",
        setting: "12 clusters, 4 treated, 5 to 40 units",
        expected: Expected::Fails,
        draw: cr0,
    },
    Study {
        estimator: "clusters, CR1, clusters less one",
        setting: "60 clusters, 30 treated, 5 to 40 units",
        expected: Expected::Covers,
        draw: cr1,
    },
    Study {
        estimator: "wild cluster bootstrap, restricted",
        setting: "10 clusters, 5 treated, 5 to 40 units",
        expected: Expected::Covers,
        draw: wild,
    },
    Study {
        estimator: "wild cluster bootstrap, unrestricted",
        setting: "10 clusters, 2 treated, 5 to 40 units",
        expected: Expected::Fails,
        draw: wild_unrestricted,
    },
    Study {
        estimator: "randomisation test, difference",
        setting: "10 clusters, 5 treated, of 20 units",
        expected: Expected::Covers,
        draw: randomised,
    },
];

/// Units of clusters that share a level.
struct Clusters {
    treated: Vec<bool>,
    cluster: Vec<usize>,
    outcome: Vec<f64>,
}

/// Clusters of `fewest` units and up to `more` besides.
fn clusters(
    stream: &mut Stream,
    (n_clusters, n_treated): (usize, usize),
    (fewest, more): (u64, u64),
    effect: f64,
) -> Clusters {
    let (mut treated, mut cluster, mut outcome) = (Vec::new(), Vec::new(), Vec::new());
    let assigned = assigned(stream, n_clusters, n_treated);
    for (number, is_treated) in assigned.into_iter().enumerate() {
        let level = 0.5 * stream.normal();
        for _ in 0..fewest + stream.below(more + 1) {
            treated.push(is_treated);
            cluster.push(number);
            outcome.push(level + effect * one_if(is_treated) + stream.normal());
        }
    }
    Clusters {
        treated,
        cluster,
        outcome,
    }
}

fn of_clusters(
    stream: &mut Stream,
    numbers: (usize, usize),
    (standard_error, degrees): (StandardError, DegreesOfFreedom),
    effect: f64,
) -> Result<Drawn, EffectError> {
    let Clusters {
        treated,
        cluster,
        outcome,
    } = clusters(stream, numbers, (5, 35), effect);
    let weight = vec![1.0; treated.len()];
    let clusters = Grouping::of(&cluster);
    let sample = MatchedSample {
        estimand: Estimand::Ate,
        treated: &treated,
        weight: &weight,
        outcome: &outcome,
        unit: None,
        clusters: &[&clusters],
    };
    let found = matched_difference(&sample, &inference(standard_error, degrees)?)?;
    Ok(beside(effect, &found))
}

fn cr2(stream: &mut Stream, effect: f64) -> Result<Drawn, EffectError> {
    let asked = (StandardError::Cr2, DegreesOfFreedom::Satterthwaite);
    of_clusters(stream, (12, 4), asked, effect)
}

fn cr0(stream: &mut Stream, effect: f64) -> Result<Drawn, EffectError> {
    let asked = (StandardError::Cr0, DegreesOfFreedom::Normal);
    of_clusters(stream, (12, 4), asked, effect)
}

fn cr1(stream: &mut Stream, effect: f64) -> Result<Drawn, EffectError> {
    let asked = (StandardError::Cr1, DegreesOfFreedom::Clusters);
    of_clusters(stream, (60, 30), asked, effect)
}

/// What a test of the planted effect, and of none, comes to: the values that it does not reject are
/// its confidence set.
fn tested(
    (point, standard_error): (f64, f64),
    effect: f64,
    p_value: impl Fn(f64) -> Result<f64, EffectError>,
) -> Result<Drawn, EffectError> {
    Ok(Drawn {
        error: point - effect,
        standard_error,
        covers: p_value(effect)? >= 0.05,
        rejects: p_value(0.0)? < 0.05,
    })
}

fn by_wild_bootstrap(
    stream: &mut Stream,
    numbers: (usize, usize),
    residuals: WildResiduals,
    effect: f64,
) -> Result<Drawn, EffectError> {
    let drawn = clusters(stream, numbers, (5, 35), effect);
    let one = vec![1.0; drawn.treated.len()];
    let indicator: Vec<f64> = drawn.treated.iter().map(|&is| one_if(is)).collect();
    let grouping = Grouping::of(&drawn.cluster);
    let test = |null: f64| {
        wild_cluster_test(
            &[&one, &indicator],
            &one,
            &drawn.outcome,
            &grouping,
            (1, null),
            StandardError::Cr1,
            residuals,
            WildDraws::Enumerated,
            None,
        )
    };
    let found = test(0.0)?;
    tested((found.point, found.standard_error), effect, |null| {
        Ok(test(null)?.p_symmetric())
    })
}

fn wild(stream: &mut Stream, effect: f64) -> Result<Drawn, EffectError> {
    by_wild_bootstrap(stream, (10, 5), WildResiduals::Restricted, effect)
}

fn wild_unrestricted(stream: &mut Stream, effect: f64) -> Result<Drawn, EffectError> {
    by_wild_bootstrap(stream, (10, 2), WildResiduals::Unrestricted, effect)
}

fn randomised(stream: &mut Stream, effect: f64) -> Result<Drawn, EffectError> {
    let drawn = clusters(stream, (10, 5), (20, 0), effect);
    let grouping = Grouping::of(&drawn.cluster);
    let design = Randomised {
        blocks: None,
        clusters: Some(&grouping),
    };
    let test = |shift: f64| {
        randomisation_test(
            RandomisedStatistic::Difference,
            &drawn.treated,
            &drawn.outcome,
            &[],
            shift,
            &design,
            Assignments::Enumerated,
        )
    };
    tested((test(0.0)?.statistic, f64::NAN), effect, |shift| {
        let found = test(shift)?;
        Ok(found.p(found.n_two_sided))
    })
}
