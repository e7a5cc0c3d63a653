//! Treatment that starts at different times, with effects that grow: two-way fixed effects compares
//! with units that are treated already, and takes their growing effects for trends.

use utfall_core::ConfidenceLevel;
use utfall_effects::panel::{
    AbsorbedCount, ClusterCount, Covariance, Dependence, Design, Distribution, FixedEffect,
    SmallSample, fit_absorbed,
};
use utfall_effects::staggered::{
    Aggregation, Aggregations, BasePeriod, ComparisonGroup, GroupTimeSpec, Method, PanelRows,
    Sampling, SectionErrors, aggregate, group_time,
};
use utfall_effects::{EffectError, Grouping};
use utfall_stats::draws::Stream;
use utfall_stats::normal;

use super::{Drawn, Expected, Study};

pub(super) const STUDIES: &[Study] = &[
    Study {
        estimator: "two-way fixed effects, clusters by unit",
        setting: "180 units × 10, starts at 3, 6, never; constant effect",
        expected: Expected::Covers,
        draw: |stream, effect| two_way(stream, effect, false),
    },
    Study {
        estimator: "two-way fixed effects, clusters by unit",
        setting: "180 units × 10, starts at 3, 6, never; growing effect",
        expected: Expected::Fails,
        draw: |stream, effect| two_way(stream, effect, true),
    },
    Study {
        estimator: "Callaway–Sant'Anna, doubly robust",
        setting: "180 units × 10, starts at 3, 6, never; growing effect",
        expected: Expected::Covers,
        draw: |stream, effect| by_group_and_time(stream, effect, ComparisonGroup::NeverTreated),
    },
    Study {
        estimator: "Callaway–Sant'Anna, not yet treated",
        setting: "180 units × 10, starts at 3, 6, never; growing effect",
        expected: Expected::Covers,
        draw: |stream, effect| by_group_and_time(stream, effect, ComparisonGroup::NotYetTreated),
    },
];

const N_UNITS: u32 = 180;
const N_TIMES: u32 = 10;

/// A panel: a covariate moves level and trend of all units alike; effects begin at the planted one and,
/// where they grow, gain as much each time.
struct Panel {
    unit: Grouping,
    time: Vec<f64>,
    start: Vec<Option<f64>>,
    covariate: Vec<f64>,
    outcome: Vec<f64>,
    treated: Vec<f64>,
    /// The mean effect over treated units and times.
    truth: f64,
}

impl Panel {
    fn drawn(stream: &mut Stream, effect: f64, grows: bool) -> Self {
        let mut units = Vec::new();
        let mut panel = Self {
            unit: Grouping::of(&[0_u32]),
            time: Vec::new(),
            start: Vec::new(),
            covariate: Vec::new(),
            outcome: Vec::new(),
            treated: Vec::new(),
            truth: 0.0,
        };
        let mut n_treated = 0.0;
        for unit in 0..N_UNITS {
            let start = [Some(3.0), Some(6.0), None][(unit % 3) as usize];
            let (own, x) = (stream.normal(), stream.normal());
            for time in 1..=N_TIMES {
                let time = f64::from(time);
                let since = start.map_or(-1.0, |start| time - start);
                let is_treated = since >= 0.0;
                let gain = match (is_treated, grows) {
                    (false, _) => 0.0,
                    (true, false) => effect,
                    (true, true) => effect * (1.0 + since),
                };
                units.push(unit);
                panel.time.push(time);
                panel.start.push(start);
                panel.covariate.push(x);
                panel.treated.push(f64::from(u8::from(is_treated)));
                panel
                    .outcome
                    .push(own + x + 0.2 * time + gain + stream.normal());
                panel.truth += gain;
                n_treated += f64::from(u8::from(is_treated));
            }
        }
        panel.unit = Grouping::of(&units);
        panel.truth /= n_treated;
        panel
    }
}

fn two_way(stream: &mut Stream, effect: f64, grows: bool) -> Result<Drawn, EffectError> {
    let panel = Panel::drawn(stream, effect, grows);
    let one = vec![1.0; panel.outcome.len()];
    let times: Vec<u64> = panel.time.iter().map(|time| time.to_bits()).collect();
    let absorb = [
        FixedEffect::constants(panel.unit.clone()),
        FixedEffect::constants(Grouping::of(&times)),
    ];
    let design = Design {
        outcome: &panel.outcome,
        columns: &[&panel.treated],
        endogenous: &[],
        instruments: &[],
        weight: &one,
        absorb: &absorb,
    };
    let fit = fit_absorbed(&design)?;
    let small = SmallSample {
        rows: true,
        absorbed: AbsorbedCount::Nested,
        clusters: ClusterCount::Fewest,
    };
    let dependence = Dependence::Clusters(vec![panel.unit.clone()]);
    let level = ConfidenceLevel::try_from(0.95).map_err(|_| EffectError::OutsideRange {
        what: "confidence level",
        value: 0.95,
    })?;
    let found = Covariance::new(&fit, &design, &dependence, &small)?.infer(
        &[1.0],
        Distribution::Clusters,
        level,
    )?;
    Ok(Drawn {
        error: found.point - panel.truth,
        standard_error: found.standard_error,
        covers: found.interval.contains(panel.truth),
        rejects: found.p_value < 0.05,
    })
}

fn by_group_and_time(
    stream: &mut Stream,
    effect: f64,
    comparison: ComparisonGroup,
) -> Result<Drawn, EffectError> {
    let panel = Panel::drawn(stream, effect, true);
    let one = vec![1.0; panel.outcome.len()];
    let columns = [one.clone(), panel.covariate.clone()];
    let rows = PanelRows {
        unit: &panel.unit,
        time: &panel.time,
        outcome: &panel.outcome,
        start: &panel.start,
        columns: &columns,
        weight: &one,
    };
    let spec = GroupTimeSpec {
        method: Method::DoublyRobust,
        comparison,
        base: BasePeriod::Varying,
        anticipation: 0.0,
        sampling: Sampling::Panel,
        largest_score: 0.995,
        section_errors: SectionErrors::Derivative,
    };
    let effects = group_time(&rows, &spec)?;
    let (overall, _) = aggregate(
        &effects,
        &Aggregations {
            kind: Aggregation::Simple,
            least_exposure: f64::NEG_INFINITY,
            most_exposure: f64::INFINITY,
            balanced_at: None,
        },
    );
    let n = f64::from(N_UNITS);
    let squares: f64 = overall.influence.iter().map(|value| value * value).sum();
    let error = overall.effect - panel.truth;
    let standard_error = squares.sqrt() / n;
    let reach = normal::quantile(0.975) * standard_error;
    Ok(Drawn {
        error,
        standard_error,
        covers: error.abs() <= reach,
        rejects: overall.effect.abs() > reach,
    })
}
