//! `[discontinuity]`: the jump of an outcome where a score crosses a cutoff.

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};
use utfall_core::{ConfidenceLevel, Estimand};
use utfall_effects::discontinuity::{
    Bandwidths, JumpData, JumpError, JumpEstimate, JumpOptions, Kernel, MassPoints, Selector,
    estimate_jump, select_bandwidths,
};
use utfall_effects::{EffectError, Grouping};
use utfall_stats::moments::{count, mean};
use utfall_stats::normal;

use crate::files::Files;
use crate::model::Part;
use crate::regression::term;
use crate::table::Table;
use crate::{Numbers, RequestError};

/// The jump of an outcome at a cutoff (`rdrobust`).
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Discontinuity {
    /// The outcome.
    pub outcome: String,
    /// The score that decides treatment.
    pub score: String,
    /// The cutoff; a score there is right of it.
    pub cutoff: f64,
    /// Treatment taken up, for a fuzzy design.
    pub take_up: Option<String>,
    /// Covariates that lower the variance.
    #[serde(default)]
    pub covariates: Vec<String>,
    /// Column of weights that multiply the kernel's.
    pub weight: Option<String>,
    /// Order of the polynomial.
    pub order: usize,
    /// Order of the polynomial behind the bias; one more than `order` in rdrobust.
    pub bias_order: usize,
    /// Derivative whose jump is wanted.
    pub derivative: usize,
    /// Kernel.
    pub kernel: Kernel,
    /// How bandwidths are chosen.
    pub bandwidth: BandwidthChoice,
    /// How variances are estimated.
    pub standard_error: JumpError,
    /// Neighbours, for `nearest-neighbours`; three in rdrobust.
    pub neighbours: Option<usize>,
    /// Column of clusters, for `cr1` and `nearest-neighbours-clustered`.
    pub cluster_by: Option<String>,
    /// What to do where many rows share a score.
    pub mass_points: MassPoints,
    /// Bins of equal width on each side of the cutoff, whose means of the outcome are wanted.
    pub bins: Option<NonZeroUsize>,
    /// Level of intervals.
    pub confidence_level: ConfidenceLevel,
}

/// How bandwidths are chosen.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct BandwidthChoice {
    /// From the data, by rdrobust's name.
    pub select: Option<Selector>,
    /// Main bandwidths left and right, given.
    pub main: Option<[f64; 2]>,
    /// Bandwidths of the bias left and right, given; as the main ones where left out.
    pub bias: Option<[f64; 2]>,
    /// The weight of the variance of the bias; one in rdrobust.
    pub regularisation: Option<f64>,
    /// Whether score and outcome are divided by their standard deviations first.
    #[serde(default)]
    pub standardise: bool,
    /// Whether bandwidths may reach beyond the scores.
    #[serde(default)]
    pub unrestricted: bool,
    /// Distinct scores that every preliminary bandwidth holds at least.
    pub least_values: Option<usize>,
    /// Whether a fuzzy design takes the sharp one's bandwidths.
    #[serde(default)]
    pub sharp: bool,
}

impl Part for Discontinuity {
    fn check(&self) -> Result<(), RequestError> {
        let choice = &self.bandwidth;
        let neighbours = matches!(
            self.standard_error,
            JumpError::NearestNeighbours | JumpError::NearestNeighboursClustered
        );
        let wrong = [
            (
                choice.select.is_some() == choice.main.is_some(),
                "`bandwidth`",
                "give `select` or `main`",
            ),
            (
                choice.select.is_some() && choice.bias.is_some(),
                "`bias`",
                "give it with `main`",
            ),
            (
                choice.select.is_some() != choice.regularisation.is_some(),
                "`regularisation`",
                "give it with `select`, and with it alone",
            ),
            (
                choice.select.is_none()
                    && (choice.standardise
                        || choice.unrestricted
                        || choice.sharp
                        || choice.least_values.is_some()),
                "`standardise`, `unrestricted`, `sharp` or `least-values` beside bandwidths that are given",
                "remove them, or give `select`",
            ),
            (
                choice.sharp && self.take_up.is_none(),
                "`sharp` without `take-up`",
                "remove it: the design is sharp already",
            ),
            (
                neighbours != self.neighbours.is_some(),
                "`neighbours`",
                "give it to `nearest-neighbours`, and to it alone",
            ),
            (
                self.standard_error.is_clustered() != self.cluster_by.is_some(),
                "`cluster-by`",
                "give it to `cr1` and `nearest-neighbours-clustered`, and to them alone",
            ),
            (
                self.bias_order <= self.order || self.derivative > self.order,
                "the orders",
                "let `derivative` be at most `order`, and `bias-order` more",
            ),
            (self.order > 8, "`order`", "8 at most"),
        ];
        RequestError::first_contradiction(wrong)
    }

    fn put(
        &self,
        table: &Table,
        _: &Files<'_>,
        numbers: &mut Numbers,
    ) -> Result<Option<Estimand>, RequestError> {
        let optional = |name: &Option<String>| {
            name.as_ref()
                .map(|name| term(table, name, None))
                .transpose()
        };
        let (take_up, weight) = (optional(&self.take_up)?, optional(&self.weight)?);
        let covariates: Vec<Vec<f64>> = self
            .covariates
            .iter()
            .map(|name| term(table, name, None))
            .collect::<Result<_, _>>()?;
        let covariates: Vec<&[f64]> = covariates.iter().map(Vec::as_slice).collect();
        let clusters = match &self.cluster_by {
            Some(column) => Some(Grouping::of(&table.texts(column)?)),
            None => None,
        };
        let data = JumpData {
            outcome: &term(table, &self.outcome, None)?,
            score: &term(table, &self.score, None)?,
            cutoff: self.cutoff,
            take_up: take_up.as_deref(),
            covariates: &covariates,
            clusters: clusters.as_ref(),
            weight: weight.as_deref(),
        };
        let choice = &self.bandwidth;
        let options = JumpOptions {
            order: self.order,
            bias_order: self.bias_order,
            derivative: self.derivative,
            kernel: self.kernel,
            error: self.standard_error,
            n_neighbours: self.neighbours.unwrap_or(3),
            mass_points: self.mass_points,
            standardise: choice.standardise,
            regularisation: choice.regularisation.unwrap_or(1.0),
            restrict: !choice.unrestricted,
            least_values: choice.least_values,
            sharp_bandwidth: choice.sharp,
        };
        let refused = |error: EffectError| {
            let line = error.row().and_then(|row| table.line(row));
            RequestError::effect(&self.covariates, line, error)
        };
        let bandwidths = match (choice.select, choice.main) {
            (Some(selector), _) => select_bandwidths(&data, selector, &options).map_err(refused)?,
            (None, Some(h)) => Bandwidths {
                h,
                b: choice.bias.unwrap_or(h),
            },
            (None, None) => {
                return Err(RequestError::Contradiction {
                    what: "`bandwidth`".to_owned(),
                    remedy: "give `select` or `main`",
                });
            }
        };
        let jump = estimate_jump(&data, &bandwidths, &options).map_err(refused)?;
        for (i, side) in ["left", "right"].into_iter().enumerate() {
            numbers.covariate("h", side, bandwidths.h[i]);
            numbers.covariate("b", side, bandwidths.b[i]);
            numbers.count(&format!("n_{side}"), jump.n[i]);
            numbers.count(&format!("n_within_{side}"), jump.n_within[i]);
            numbers.count(&format!("n_distinct_{side}"), jump.n_distinct[i]);
            for (power, value) in jump.coefficients[i].iter().enumerate() {
                numbers.covariate(&format!("coef_{side}"), &power.to_string(), *value);
            }
        }
        if let Some(bins) = self.bins {
            put_bins(&data, bins.get(), numbers);
        }
        self.put_estimate("conventional", &jump.conventional, numbers);
        self.put_estimate("bias_corrected", &jump.bias_corrected, numbers);
        self.put_estimate("robust", &jump.robust, numbers);
        Ok(Some(Estimand::AtCutoff))
    }
}

/// Means of the outcome in bins of equal width, from the cutoff to the farthest score of its side.
///
/// Bins hold the nearer of their two ends, and the last one both. One without rows has no numbers.
fn put_bins(data: &JumpData<'_>, n_bins: usize, numbers: &mut Numbers) {
    for side in ["left", "right"] {
        let is_right = side == "right";
        let distance = |row: usize| (data.score[row] - data.cutoff).abs();
        let rows: Vec<usize> = (0..data.score.len())
            .filter(|&row| (data.score[row] >= data.cutoff) == is_right)
            .collect();
        let farthest = rows.iter().map(|&row| distance(row)).fold(0.0, f64::max);
        let width = farthest / count(n_bins);
        for bin in 0..n_bins {
            let from = count(bin) * width;
            let to = count(bin + 1) * width;
            let is_last = bin + 1 == n_bins;
            let outcomes: Vec<f64> = rows
                .iter()
                .filter(|&&row| distance(row) >= from && (is_last || distance(row) < to))
                .map(|&row| data.outcome[row])
                .collect();
            if outcomes.is_empty() {
                continue;
            }
            let middle = 0.5 * (from + to) * if is_right { 1.0 } else { -1.0 };
            let key = format!("{side}, {}", bin + 1);
            numbers.covariate("bin_score", &key, data.cutoff + middle);
            numbers.covariate("bin_mean", &key, mean(&outcomes));
            numbers.covariate("bin_n", &key, count(outcomes.len()));
        }
    }
}

impl Discontinuity {
    fn put_estimate(&self, name: &str, found: &JumpEstimate, numbers: &mut Numbers) {
        let reach =
            normal::quantile(0.5 * (1.0 + self.confidence_level.fraction())) * found.standard_error;
        let z = found.point / found.standard_error;
        for (what, value) in [
            ("estimate", found.point),
            ("se", found.standard_error),
            ("t", z),
            ("p", normal::two_sided_p(z)),
            ("ci_low", found.point - reach),
            ("ci_high", found.point + reach),
        ] {
            numbers.covariate(what, name, value);
        }
    }
}
