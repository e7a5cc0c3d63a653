//! `[staggered]`: difference-in-differences by group and time, and `[two-period]` between two times.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utfall_core::{ConfidenceLevel, Estimand};
use utfall_effects::staggered::{
    Aggregate, Aggregation, Aggregations, BasePeriod, ComparisonGroup, GroupTime, GroupTimeSpec,
    Method, PanelRows, Sampling, SectionErrors, TwoPeriod, TwoSections, aggregate, group_time,
    two_period_cross_section, two_period_panel,
};
use utfall_effects::{
    Draws, EffectError, Grouping, Multiplier, Replicates, Spread, multiplier_bootstrap,
};
use utfall_stats::moments::count;
use utfall_stats::normal;
use utfall_stats::sums::{dot, sum_of};

use crate::files::Files;
use crate::model::Part;
use crate::regression::term;
use crate::table::Table;
use crate::{Numbers, RequestError};

/// Effects by group and time (Callaway and Sant'Anna).
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Staggered {
    /// Column of units; not for `cross-sections`.
    pub unit: Option<String>,
    /// Column of times.
    pub time: String,
    /// The outcome.
    pub outcome: String,
    /// Column of when the unit starts treatment; an empty cell, or one of `never`, is never.
    pub start: String,
    /// Cells of `start` that mean never.
    #[serde(default)]
    pub never: Vec<String>,
    /// Covariates.
    #[serde(default)]
    pub covariates: Vec<String>,
    /// How they are used.
    pub method: Method,
    /// Who serves as comparator.
    pub comparison: ComparisonGroup,
    /// The base of effects before the start.
    pub base_period: BasePeriod,
    /// How long before its start a unit may react, in units of time.
    pub anticipation: f64,
    /// How units were sampled.
    pub sampling: Sampling,
    /// Comparators with scores at or above this are left out; `DRDID` has 0.995.
    #[serde(default)]
    pub largest_score: Option<f64>,
    /// The uncertainty of a doubly robust effect from cross-sections.
    pub section_errors: Option<SectionErrors>,
    /// Column of sampling weights.
    pub weight: Option<String>,
    /// Column of clusters above the unit.
    pub cluster_by: Option<String>,
    /// What to add the effects up to.
    #[serde(default)]
    pub aggregate: Vec<AggregateSpec>,
    /// Errors and bands by drawing, beside those in closed form.
    pub bootstrap: Option<BootstrapSpec>,
    /// Level of intervals and bands.
    pub confidence_level: ConfidenceLevel,
}

/// What to add effects up to.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AggregateSpec {
    /// `simple`, `dynamic`, `group` or `calendar`.
    pub kind: Aggregation,
    /// The least time since the start, for `dynamic`.
    pub least_exposure: Option<f64>,
    /// The most time since the start.
    pub most_exposure: Option<f64>,
    /// Only groups seen at least this long, for `dynamic`.
    pub balanced_at: Option<f64>,
}

/// A multiplier bootstrap.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct BootstrapSpec {
    /// The distribution of multipliers.
    pub multiplier: Multiplier,
    /// Seed and replicates.
    pub draws: Draws,
    /// How replicates become a standard error.
    pub spread: Spread,
    /// Where multipliers come from.
    #[serde(default)]
    pub stream: MultiplierStream,
    /// Whether the first draw and the sum of all are answered, to compare with other software.
    #[serde(default)]
    pub describe_draws: bool,
}

/// Where multipliers come from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum MultiplierStream {
    /// The project's streams, one for each replicate.
    #[default]
    Named,
    /// The top bit of `SplitMix64` of `seed + replicate · n + unit`; Rademacher only. For comparison
    /// with other software, unit by unit.
    Splitmix64,
}

impl Part for Staggered {
    fn check(&self) -> Result<(), RequestError> {
        let sections = self.sampling == Sampling::CrossSections;
        let split = |spec: &BootstrapSpec| {
            spec.stream == MultiplierStream::Splitmix64 && spec.multiplier != Multiplier::Rademacher
        };
        let by_rows = matches!(
            self.sampling,
            Sampling::CrossSections | Sampling::UnbalancedPanel
        );
        let needs = by_rows && self.method == Method::DoublyRobust;
        let wrong = [
            (
                needs != self.section_errors.is_some(),
                "`section-errors`",
                "give it for `doubly-robust` on cross-sections, and for that alone",
            ),
            (
                self.largest_score.is_some() && self.method == Method::OutcomeRegression,
                "`largest-score`",
                "give it to methods with a score",
            ),
            (
                self.largest_score.is_none() && self.method != Method::OutcomeRegression,
                "no `largest-score`",
                "give it to methods with a score; 0.995 is that of DRDID, above 1 leaves nobody out",
            ),
            (
                sections == self.unit.is_some(),
                "`unit`",
                "give it for a panel, and for a panel alone",
            ),
            (
                self.bootstrap.as_ref().is_some_and(split),
                "`splitmix64`",
                "it gives rademacher multipliers alone",
            ),
            (
                self.aggregate.iter().any(|wanted| {
                    wanted.kind != Aggregation::Dynamic
                        && (wanted.least_exposure.is_some() || wanted.balanced_at.is_some())
                }),
                "`least-exposure` or `balanced-at` outside `dynamic`",
                "remove it, or aggregate by `dynamic`",
            ),
            (
                self.aggregate.iter().any(|wanted| {
                    wanted.kind == Aggregation::Calendar && wanted.most_exposure.is_some()
                }),
                "`most-exposure` of `calendar`",
                "remove it: every group that has started counts at a time",
            ),
            (
                self.aggregate.iter().enumerate().any(|(place, wanted)| {
                    self.aggregate[..place]
                        .iter()
                        .any(|before| before.kind == wanted.kind)
                }),
                "two parts of `aggregate` of one kind",
                "keep one: the numbers of both have the same names",
            ),
            (
                self.anticipation < 0.0,
                "a negative `anticipation`",
                "give zero or more",
            ),
            (
                self.method.is_plain(),
                "this `method`",
                "it is of `[two-period]`",
            ),
        ];
        RequestError::first_contradiction(wrong)
    }

    fn put(
        &self,
        table: &Table,
        _: &Files<'_>,
        numbers: &mut Numbers,
    ) -> Result<Option<Estimand>, RequestError> {
        match (&self.unit, &self.bootstrap) {
            // What is drawn for one unit after the other is then drawn for the same units in any file.
            (Some(unit), Some(_)) => {
                self.estimate(&table.by_unit_and_time(unit, &self.time)?, numbers)?;
            }
            _ => self.estimate(table, numbers)?,
        }
        Ok(Some(Estimand::Att))
    }
}

impl Staggered {
    fn estimate(&self, table: &Table, numbers: &mut Numbers) -> Result<(), RequestError> {
        let n = table.n_rows();
        let unit = match &self.unit {
            Some(column) => Grouping::of(&table.texts(column)?),
            None => Grouping::of(&(0..n).collect::<Vec<usize>>()),
        };
        let columns = columns(table, &self.covariates)?;
        let weight = self
            .weight
            .as_ref()
            .map_or(Ok(vec![1.0; n]), |column| table.numbers(column))?;
        let rows = PanelRows {
            unit: &unit,
            time: &table.numbers(&self.time)?,
            outcome: &term(table, &self.outcome, None)?,
            start: &table.numbers_or_never(&self.start, &self.never)?,
            columns: &columns,
            weight: &weight,
        };
        let spec = GroupTimeSpec {
            method: self.method,
            comparison: self.comparison,
            base: self.base_period,
            anticipation: self.anticipation,
            sampling: self.sampling,
            largest_score: self.largest_score.unwrap_or(0.995),
            section_errors: self.section_errors.unwrap_or(SectionErrors::Derivative),
        };
        let refused = |error: EffectError| {
            let line = error.row().and_then(|row| table.line(row));
            RequestError::effect(&self.covariates, line, error)
        };
        let effects = group_time(&rows, &spec).map_err(refused)?;
        numbers.count("n_units", effects.n_units());
        numbers.count("n_units_left_out", effects.n_left_out);
        let clusters = match &self.cluster_by {
            Some(column) => {
                let labels = table.texts(column)?;
                let labels: Vec<&String> =
                    effects.unit_rows.iter().map(|&row| &labels[row]).collect();
                let clusters = Grouping::of(&labels);
                numbers.count("n_clusters", clusters.n_groups());
                Some(clusters)
            }
            None => None,
        };
        if let Some((wald, degrees, p)) = effects.pretest() {
            numbers.real("pretest_w", wald);
            numbers.count("pretest_df", degrees);
            numbers.real("pretest_p", p);
        }
        let put = Put {
            request: self,
            clusters: clusters.as_ref(),
            refused: &refused,
        };
        let cells: Vec<Aggregate> = effects
            .cells
            .iter()
            .map(|cell| Aggregate {
                key: cell.group,
                effect: cell.effect,
                influence: cell.influence.clone(),
            })
            .collect();
        let keys: Vec<String> = effects
            .cells
            .iter()
            .map(|cell| format!("{}, {}", cell.group, cell.time))
            .collect();
        put.block("att", &keys, &cells, numbers)?;
        self.aggregates(&effects, &put, numbers)
    }

    fn aggregates(
        &self,
        effects: &GroupTime,
        put: &Put<'_>,
        numbers: &mut Numbers,
    ) -> Result<(), RequestError> {
        for wanted in &self.aggregate {
            let which = Aggregations {
                kind: wanted.kind,
                least_exposure: wanted.least_exposure.unwrap_or(f64::NEG_INFINITY),
                most_exposure: wanted.most_exposure.unwrap_or(f64::INFINITY),
                balanced_at: wanted.balanced_at,
            };
            let name = match wanted.kind {
                Aggregation::Simple => "simple",
                Aggregation::Dynamic => "dynamic",
                Aggregation::Group => "group",
                Aggregation::Calendar => "calendar",
            };
            let (overall, each) = aggregate(effects, &which);
            let keys: Vec<String> = each.iter().map(|one| one.key.to_string()).collect();
            put.block(name, &keys, &each, numbers)?;
            put.block("overall", &[name.to_owned()], &[overall], numbers)?;
        }
        Ok(())
    }
}

/// Puts effects with their errors.
struct Put<'a> {
    request: &'a Staggered,
    clusters: Option<&'a Grouping>,
    refused: &'a dyn Fn(EffectError) -> RequestError,
}

impl Put<'_> {
    fn block(
        &self,
        block: &str,
        keys: &[String],
        effects: &[Aggregate],
        numbers: &mut Numbers,
    ) -> Result<(), RequestError> {
        let level = self.request.confidence_level;
        let quantile = normal::quantile(0.5 * (1.0 + level.fraction()));
        for (key, one) in keys.iter().zip(effects) {
            numbers.covariate(block, key, one.effect);
            let error = self.error(&one.influence);
            if error > 0.0 {
                put_uncertain(numbers, block, key, "", one.effect, error, quantile);
                let z = one.effect / error;
                numbers.covariate(&format!("{block}_t"), key, z);
                numbers.covariate(&format!("{block}_p"), key, normal::two_sided_p(z));
            }
        }
        let Some(bootstrap) = &self.request.bootstrap else {
            return Ok(());
        };
        let scaled: Vec<Vec<f64>> = effects
            .iter()
            .map(|one| {
                one.influence
                    .iter()
                    .map(|value| value / count(one.influence.len()))
                    .collect()
            })
            .collect();
        let drawn = self.draw(bootstrap, &scaled)?;
        let errors = drawn.standard_errors(bootstrap.spread);
        let deviations = drawn.standard_errors(Spread::Deviation);
        let critical = drawn.critical_value(&errors, level);
        if let Some(critical) = critical.filter(|_| effects.len() > 1) {
            numbers.real(&format!("{block}_critical_value"), critical);
        }
        for (index, (key, one)) in keys.iter().zip(effects).enumerate() {
            if bootstrap.describe_draws {
                let found = &drawn.deviations()[index];
                let first = found.first().copied().unwrap_or(f64::NAN);
                numbers.covariate(&format!("{block}_first_draw"), key, first);
                let total = sum_of(found.len(), |draw| found[draw]);
                numbers.covariate(&format!("{block}_sum_of_draws"), key, total);
            }
            if errors[index] > 0.0 {
                put_uncertain(
                    numbers,
                    block,
                    key,
                    "_boot",
                    one.effect,
                    errors[index],
                    quantile,
                );
                numbers.covariate(
                    &format!("{block}_se_boot_deviation"),
                    key,
                    deviations[index],
                );
                if let Some(critical) = critical {
                    let reach = critical * errors[index];
                    numbers.covariate(&format!("{block}_band_low"), key, one.effect - reach);
                    numbers.covariate(&format!("{block}_band_high"), key, one.effect + reach);
                }
            }
        }
        Ok(())
    }

    /// `√(Σ ψ²)/n`, or of the sums by cluster.
    fn error(&self, influence: &[f64]) -> f64 {
        let n = count(influence.len());
        let square = |values: &[f64]| sum_of(values.len(), |i| values[i] * values[i]);
        let total = match self.clusters {
            Some(way) => square(&way.sums(influence)),
            None => square(influence),
        };
        total.sqrt() / n
    }

    fn draw(&self, spec: &BootstrapSpec, scaled: &[Vec<f64>]) -> Result<Replicates, RequestError> {
        let slices: Vec<&[f64]> = scaled.iter().map(Vec::as_slice).collect();
        if spec.stream == MultiplierStream::Named {
            return multiplier_bootstrap(&slices, self.clusters, spec.multiplier, spec.draws)
                .map_err(self.refused);
        }
        let totals: Vec<Vec<f64>> = match self.clusters {
            Some(way) => scaled.iter().map(|values| way.sums(values)).collect(),
            None => scaled.to_vec(),
        };
        let n = totals.first().map_or(0, Vec::len) as u64;
        let signs = |replicate: u32| -> Vec<f64> {
            (0..n)
                .map(|unit| {
                    let state = spec
                        .draws
                        .seed
                        .wrapping_add(u64::from(replicate).wrapping_mul(n))
                        .wrapping_add(unit);
                    if splitmix64(state) >> 63 == 1 {
                        1.0
                    } else {
                        -1.0
                    }
                })
                .collect()
        };
        let all: Vec<Vec<f64>> = (0..spec.draws.replicates.get()).map(signs).collect();
        let deviations = totals
            .iter()
            .map(|values| all.iter().map(|signs| dot(values, signs)).collect())
            .collect();
        Ok(Replicates::of(deviations))
    }
}

fn splitmix64(state: u64) -> u64 {
    let mut z = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

fn put_uncertain(
    numbers: &mut Numbers,
    block: &str,
    key: &str,
    suffix: &str,
    effect: f64,
    error: f64,
    quantile: f64,
) {
    let mut put =
        |what: &str, value: f64| numbers.covariate(&format!("{block}_{what}{suffix}"), key, value);
    put("se", error);
    put("ci_low", effect - quantile * error);
    put("ci_high", effect + quantile * error);
}

fn columns(table: &Table, covariates: &[String]) -> Result<Vec<Vec<f64>>, RequestError> {
    let one = std::iter::once(Ok(vec![1.0; table.n_rows()]));
    one.chain(covariates.iter().map(|name| term(table, name, None)))
        .collect()
}

/// Difference-in-differences between two times (`DRDID`).
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TwoPeriodRequest {
    /// Column of units, for a panel; without it each row is a unit of its own.
    pub unit: Option<String>,
    /// Column of one after and zero before.
    pub after: String,
    /// Column of one for the treated and zero for comparators.
    pub treated: String,
    /// The outcome.
    pub outcome: String,
    /// Covariates; for a panel those before.
    #[serde(default)]
    pub covariates: Vec<String>,
    /// How they are used, each under its name.
    pub methods: Vec<Method>,
    /// The uncertainty of a doubly robust effect from cross-sections.
    pub section_errors: Option<SectionErrors>,
    /// Column of sampling weights.
    pub weight: Option<String>,
    /// Comparators with scores at or above this are left out; `DRDID` has 0.995.
    pub largest_score: f64,
    /// How many standard errors an interval reaches; `DRDID` has 1.96.
    pub reach: f64,
}

impl Part for TwoPeriodRequest {
    fn check(&self) -> Result<(), RequestError> {
        let robust = |method: &Method| {
            *method == Method::DoublyRobust || *method == Method::DoublyRobustPlain
        };
        let needs = self.unit.is_none() && self.methods.iter().any(robust);
        let plain = self.unit.is_some() && self.methods.iter().any(|method| method.is_plain());
        let wrong = [
            (
                needs != self.section_errors.is_some(),
                "`section-errors`",
                "give it for doubly robust methods on cross-sections, and for them alone",
            ),
            (
                plain,
                "a `-plain` method of a panel",
                "it is of cross-sections; use `doubly-robust` or `improved`",
            ),
        ];
        RequestError::first_contradiction(wrong)
    }

    fn put(
        &self,
        table: &Table,
        _: &Files<'_>,
        numbers: &mut Numbers,
    ) -> Result<Option<Estimand>, RequestError> {
        self.estimate(table, numbers)?;
        Ok(Some(Estimand::Att))
    }
}

impl TwoPeriodRequest {
    fn estimate(&self, table: &Table, numbers: &mut Numbers) -> Result<(), RequestError> {
        let n = table.n_rows();
        let refused = |error: EffectError| RequestError::effect(&self.covariates, None, error);
        let columns = columns(table, &self.covariates)?;
        let weight = self
            .weight
            .as_ref()
            .map_or(Ok(vec![1.0; n]), |column| table.numbers(column))?;
        let (after, treated) = (table.numbers(&self.after)?, table.numbers(&self.treated)?);
        let outcome = term(table, &self.outcome, None)?;
        let pairs = self.pairs(table, &after, &treated)?;
        numbers.count("n_units", pairs.as_ref().map_or(n, Vec::len));
        for &method in &self.methods {
            let (effect, influence) = match &pairs {
                Some(pairs) => {
                    let pick = |values: &[f64]| {
                        pairs
                            .iter()
                            .map(|pair| values[pair[0]])
                            .collect::<Vec<f64>>()
                    };
                    let change: Vec<f64> = pairs
                        .iter()
                        .map(|pair| outcome[pair[1]] - outcome[pair[0]])
                        .collect();
                    let columns: Vec<Vec<f64>> =
                        columns.iter().map(|column| pick(column)).collect();
                    two_period_panel(
                        method,
                        &TwoPeriod {
                            change: &change,
                            treated: &pick(&treated),
                            columns: &columns,
                            weight: &pick(&weight),
                            largest_score: self.largest_score,
                        },
                    )
                }
                None => two_period_cross_section(
                    method,
                    &TwoSections {
                        outcome: &outcome,
                        after: &after,
                        treated: &treated,
                        columns: &columns,
                        weight: &weight,
                        largest_score: self.largest_score,
                        errors: self.section_errors.unwrap_or(SectionErrors::Derivative),
                    },
                ),
            }
            .map_err(refused)?;
            let (_, variance) = utfall_stats::moments::mean_and_variance(&influence);
            let n = count(influence.len());
            let error = (variance * (n - 1.0)).sqrt() / n;
            let name = method.name();
            numbers.covariate("att", name, effect);
            put_uncertain(numbers, "att", name, "", effect, error, self.reach);
        }
        Ok(())
    }

    /// Rows before and after of each unit.
    fn pairs(
        &self,
        table: &Table,
        after: &[f64],
        treated: &[f64],
    ) -> Result<Option<Vec<[usize; 2]>>, RequestError> {
        let Some(column) = &self.unit else {
            return Ok(None);
        };
        let refused = |error: EffectError| {
            let line = error.row().and_then(|row| table.line(row));
            RequestError::effect(&[], line, error)
        };
        let mut found: BTreeMap<String, [Option<usize>; 2]> = BTreeMap::new();
        let mut order = Vec::new();
        for (row, unit) in table.texts(column)?.into_iter().enumerate() {
            let pair = found.entry(unit.clone()).or_insert_with(|| {
                order.push(unit);
                [None, None]
            });
            if pair[usize::from(after[row] > 0.5)].replace(row).is_some() {
                return Err(refused(EffectError::DuplicateInPanel { row }));
            }
        }
        let pairs = order.iter().map(|unit| match found.get(unit) {
            Some([Some(before), Some(late)]) if (treated[*before] - treated[*late]).abs() > 0.0 => {
                Err(refused(EffectError::StartVaries { row: *late }))
            }
            Some([Some(before), Some(late)]) => Ok([*before, *late]),
            Some([one, other]) => {
                let row = one.or(*other).unwrap_or(0);
                Err(refused(EffectError::GapInPanel { row }))
            }
            None => Err(refused(EffectError::NoGroups)),
        });
        pairs
            .collect::<Result<Vec<[usize; 2]>, RequestError>>()
            .map(Some)
    }
}
