//! `[survival]`: curves, restricted means and tests of equality; and `[proportional-hazards]`.

use serde::{Deserialize, Serialize};
use utfall_core::{ConfidenceLevel, Estimand};
use utfall_effects::survival::{
    CoxFit, Curve, CurveInterval, Durations, Ties, TimeScale, fit_cox, kaplan_meier, log_rank,
    mean_cumulative_error,
};
use utfall_effects::{EffectError, Grouping};
use utfall_stats::elementary::{exp, log};
use utfall_stats::moments::count;
use utfall_stats::normal;

use crate::files::Files;
use crate::model::Part;
use crate::regression::term;
use crate::table::Table;
use crate::{Numbers, RequestError};

/// Survival curves by group, and tests of their equality.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Survival {
    /// Column of when observation starts; a row is at risk after it.
    pub start: Option<String>,
    /// Column of when it ends.
    pub time: String,
    /// Term of zeros and ones: whether it ends with the event.
    pub event: String,
    /// Column of groups.
    pub group: String,
    /// Times to read curves at.
    #[serde(default)]
    pub times: Vec<f64>,
    /// Scale of the intervals.
    pub interval: CurveInterval,
    /// Shares of events whose times are wanted, such as 0.5 for the median.
    #[serde(default)]
    pub quantiles: Vec<f64>,
    /// Times up to which mean times without the event are wanted.
    #[serde(default)]
    pub restricted_means: Vec<f64>,
    /// Two groups to compare: `{ treated, comparator }`, for differences and ratios.
    pub compare: Option<Compared>,
    /// Weights `S(t-)^rho` of the test: 0 for log-rank, 1 for Peto and Peto.
    pub rho: Option<f64>,
    /// Column of strata, for the test.
    pub strata: Option<String>,
    /// Column of persons, who may have several events: the hazard is then the mean number of events of
    /// a person, and gets an error that takes persons as independent.
    pub cluster_by: Option<String>,
    /// Level of intervals.
    pub confidence_level: ConfidenceLevel,
}

/// Two groups to compare.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Compared {
    /// The cell of the treated group.
    pub treated: String,
    /// The cell of the comparators.
    pub comparator: String,
}

/// Rows with their times.
struct Observed {
    start: Option<Vec<f64>>,
    stop: Vec<f64>,
    event: Vec<bool>,
}

impl Observed {
    fn read(
        table: &Table,
        start: Option<&String>,
        time: &str,
        event: &str,
    ) -> Result<Self, RequestError> {
        Ok(Self {
            start: start.map(|column| term(table, column, None)).transpose()?,
            stop: term(table, time, None)?,
            event: term(table, event, None)?
                .into_iter()
                .map(|value| value > 0.5)
                .collect(),
        })
    }

    fn durations(&self) -> Durations<'_> {
        Durations {
            start: self.start.as_deref(),
            stop: &self.stop,
            event: &self.event,
        }
    }
}

impl Part for Survival {
    fn check(&self) -> Result<(), RequestError> {
        RequestError::first_contradiction([
            (
                self.strata.is_some() && self.rho.is_none(),
                "`strata` without `rho`",
                "strata are of the test; curves are by `group`",
            ),
            (
                self.compare.is_some() && self.times.is_empty() && self.restricted_means.is_empty(),
                "`compare` without `times` or `restricted-means`",
                "say when groups are compared; `rho` tests all of them",
            ),
            (
                self.cluster_by.is_some() && self.times.is_empty(),
                "`cluster-by` without `times`",
                "say when the mean number of events is read",
            ),
        ])
    }

    fn put(
        &self,
        table: &Table,
        _: &Files<'_>,
        numbers: &mut Numbers,
    ) -> Result<Option<Estimand>, RequestError> {
        let observed = Observed::read(table, self.start.as_ref(), &self.time, &self.event)?;
        let data = observed.durations();
        let refused = |error: EffectError| {
            let line = error.row().and_then(|row| table.line(row));
            RequestError::effect(&[], line, error)
        };
        let labels = table.texts(&self.group)?;
        let mut groups = labels.clone();
        groups.sort();
        groups.dedup();
        let mut curves = Vec::new();
        for group in &groups {
            let rows: Vec<usize> = (0..labels.len())
                .filter(|&row| &labels[row] == group)
                .collect();
            let curve = kaplan_meier(&data, &rows).map_err(refused)?;
            self.put_curve(group, &curve, &observed, &rows, numbers);
            if let Some(column) = &self.cluster_by {
                let persons = Grouping::of(&table.texts(column)?);
                let errors =
                    mean_cumulative_error(&data, &rows, &persons, &self.times).map_err(refused)?;
                for (time, error) in self.times.iter().zip(errors) {
                    numbers.covariate("hazard_se_cluster", &format!("{group}, {time}"), error);
                }
            }
            curves.push(curve);
        }
        if let Some(compared) = &self.compare {
            let find = |wanted: &String| groups.iter().position(|group| group == wanted);
            let (Some(one), Some(other)) = (find(&compared.treated), find(&compared.comparator))
            else {
                return Err(RequestError::Contradiction {
                    what: "a group of `compare`".to_owned(),
                    remedy: "name two cells of the `group` column",
                });
            };
            self.put_comparison(&curves[one], &curves[other], numbers);
        }
        if let Some(rho) = self.rho {
            // Groups in order of their labels, so that their numbers are.
            let codes: Vec<usize> = labels
                .iter()
                .map(|label| groups.iter().position(|group| group == label).unwrap_or(0))
                .collect();
            let strata = match &self.strata {
                Some(column) => Some(Grouping::of(&table.texts(column)?)),
                None => None,
            };
            let way = Grouping::of(&codes);
            let order = first_seen(&codes);
            let test = log_rank(&data, &way, strata.as_ref(), rho).map_err(refused)?;
            numbers.real("chi_squared", test.statistic);
            numbers.count("chi_squared_df", test.degrees_of_freedom);
            numbers.real("chi_squared_p", test.p_value);
            for (place, &group) in order.iter().enumerate() {
                numbers.covariate("observed", &groups[group], test.observed[place]);
                numbers.covariate("expected", &groups[group], test.expected[place]);
            }
        }
        Ok(None)
    }
}

fn first_seen(codes: &[usize]) -> Vec<usize> {
    let mut order = Vec::new();
    for &code in codes {
        if !order.contains(&code) {
            order.push(code);
        }
    }
    order
}

impl Survival {
    fn reach(&self) -> f64 {
        normal::quantile(0.5 * (1.0 + self.confidence_level.fraction()))
    }

    fn put_curve(
        &self,
        group: &str,
        curve: &Curve,
        observed: &Observed,
        rows: &[usize],
        numbers: &mut Numbers,
    ) {
        for &time in &self.times {
            let Some(entry) = curve.place(time) else {
                continue;
            };
            let key = format!("{group}, {time}");
            let at_risk = rows.iter().filter(|&&row| {
                observed.stop[row] >= time
                    && observed
                        .start
                        .as_ref()
                        .is_none_or(|start| start[row] < time)
            });
            let events = rows
                .iter()
                .filter(|&&row| observed.stop[row] <= time && observed.event[row]);
            let (low, high) = curve.interval(entry, self.interval, self.reach());
            let survival = curve.survival[entry];
            for (name, value) in [
                ("n_risk", count(at_risk.count())),
                ("n_events_by", count(events.count())),
                ("survival", survival),
                ("survival_se", survival * curve.relative_error[entry]),
                ("survival_ci_low", low),
                ("survival_ci_high", high),
                ("hazard", curve.hazard[entry]),
                ("hazard_se", curve.hazard_error[entry]),
            ] {
                if value.is_finite() {
                    numbers.covariate(name, &key, value);
                }
            }
        }
        let limits: Vec<(f64, f64)> = (0..curve.time.len())
            .map(|entry| curve.interval(entry, self.interval, self.reach()))
            .collect();
        let (low, high): (Vec<f64>, Vec<f64>) = limits.into_iter().unzip();
        for &share in &self.quantiles {
            let key = format!("{group}, {share}");
            for (name, values) in [
                ("quantile", &curve.survival),
                ("quantile_ci_low", &low),
                ("quantile_ci_high", &high),
            ] {
                if let Some(time) = curve.first_at(values, 1.0 - share) {
                    numbers.covariate(name, &key, time);
                }
            }
        }
        for &tau in &self.restricted_means {
            let key = format!("{group}, {tau}");
            let (mean, error) = curve.restricted_mean(tau);
            numbers.covariate("restricted_mean", &key, mean);
            numbers.covariate("restricted_mean_se", &key, error);
        }
    }

    fn put_comparison(&self, one: &Curve, other: &Curve, numbers: &mut Numbers) {
        for &tau in &self.restricted_means {
            let ((a, of_a), (b, of_b)) = (one.restricted_mean(tau), other.restricted_mean(tau));
            self.put_difference(
                "restricted_mean_difference",
                tau,
                a - b,
                of_a.hypot(of_b),
                numbers,
            );
            self.put_ratio("restricted_mean_ratio", tau, [a, of_a], [b, of_b], numbers);
        }
        for &time in &self.times {
            let (Some(i), Some(j)) = (one.place(time), other.place(time)) else {
                continue;
            };
            let risk = |curve: &Curve, entry: usize| {
                [
                    1.0 - curve.survival[entry],
                    curve.survival[entry] * curve.relative_error[entry],
                ]
            };
            let (a, b) = (risk(one, i), risk(other, j));
            self.put_difference(
                "risk_difference",
                time,
                a[0] - b[0],
                a[1].hypot(b[1]),
                numbers,
            );
            if a[0] > 0.0 && b[0] > 0.0 {
                self.put_ratio("risk_ratio", time, a, b, numbers);
            }
        }
    }

    fn put_difference(&self, name: &str, at: f64, value: f64, error: f64, numbers: &mut Numbers) {
        let key = at.to_string();
        let z = value / error;
        numbers.covariate(name, &key, value);
        for (what, number) in [
            ("se", error),
            ("t", z),
            ("p", normal::two_sided_p(z)),
            ("ci_low", value - self.reach() * error),
            ("ci_high", value + self.reach() * error),
        ] {
            if number.is_finite() {
                numbers.covariate(&format!("{name}_{what}"), &key, number);
            }
        }
    }

    fn put_ratio(&self, name: &str, at: f64, a: [f64; 2], b: [f64; 2], numbers: &mut Numbers) {
        let key = at.to_string();
        let error = (a[1] / a[0]).hypot(b[1] / b[0]);
        let middle = log(a[0] / b[0]);
        numbers.covariate(name, &key, a[0] / b[0]);
        numbers.covariate(&format!("{name}_log_se"), &key, error);
        numbers.covariate(
            &format!("{name}_ci_low"),
            &key,
            exp(middle - self.reach() * error),
        );
        numbers.covariate(
            &format!("{name}_ci_high"),
            &key,
            exp(middle + self.reach() * error),
        );
    }
}

/// Proportional hazards regression.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ProportionalHazards {
    /// Column of when observation starts; a row is at risk after it.
    pub start: Option<String>,
    /// Term of when it ends.
    pub time: String,
    /// Term of zeros and ones: whether it ends with the event.
    pub event: String,
    /// Terms.
    pub terms: Vec<String>,
    /// What is done with events at one time.
    pub ties: Ties,
    /// Column of strata, each with a hazard of its own.
    pub strata: Option<String>,
    /// Column of weights.
    pub weight: Option<String>,
    /// `model`, or `robust`, by `cluster-by` if given.
    pub standard_error: HazardError,
    /// Column of clusters, for `robust`.
    pub cluster_by: Option<String>,
    /// Scales of time on which proportionality is tested.
    #[serde(default)]
    pub proportionality: Vec<TimeScale>,
    /// Times at which the cumulative hazard of a row of zeros is wanted; without strata.
    #[serde(default)]
    pub baseline: Vec<f64>,
    /// Level of intervals.
    pub confidence_level: ConfidenceLevel,
}

/// The standard error of log hazard ratios.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum HazardError {
    /// From the information.
    Model,
    /// From influences (Lin and Wei), no factor of small samples.
    Robust,
}

impl Part for ProportionalHazards {
    fn check(&self) -> Result<(), RequestError> {
        let robust = self.standard_error == HazardError::Robust;
        let exact = self.ties == Ties::Exact;
        let wrong = [
            (
                self.cluster_by.is_some() && !robust,
                "`cluster-by`",
                "it is of `robust`",
            ),
            (
                robust && exact,
                "`robust` with exact ties",
                "use `efron` or `breslow`",
            ),
            (
                self.weight.is_some() && exact,
                "`weight` with exact ties",
                "use `efron` or `breslow`",
            ),
            (
                self.strata.is_some() && !self.baseline.is_empty(),
                "`baseline` with `strata`",
                "fit each stratum",
            ),
            (
                exact && !(self.baseline.is_empty() && self.proportionality.is_empty()),
                "`baseline` or `proportionality` with exact ties",
                "use `efron` or `breslow`",
            ),
            (self.terms.is_empty(), "no `terms`", "name at least one"),
        ];
        RequestError::first_contradiction(wrong)
    }

    fn put(
        &self,
        table: &Table,
        _: &Files<'_>,
        numbers: &mut Numbers,
    ) -> Result<Option<Estimand>, RequestError> {
        let observed = Observed::read(table, self.start.as_ref(), &self.time, &self.event)?;
        let data = observed.durations();
        let refused = |error: EffectError| {
            let line = error.row().and_then(|row| table.line(row));
            RequestError::effect(&self.terms, line, error)
        };
        let columns: Vec<Vec<f64>> = self
            .terms
            .iter()
            .map(|name| term(table, name, None))
            .collect::<Result<_, _>>()?;
        let one = vec![1.0; table.n_rows()];
        let weight = self
            .weight
            .as_ref()
            .map_or(Ok(one), |column| term(table, column, None))?;
        let way = |column: &Option<String>| -> Result<Option<Grouping>, RequestError> {
            column
                .as_ref()
                .map(|column| Ok(Grouping::of(&table.texts(column)?)))
                .transpose()
        };
        let (strata, clusters) = (way(&self.strata)?, way(&self.cluster_by)?);
        let fit = fit_cox(&data, &columns, &weight, strata.as_ref(), self.ties).map_err(refused)?;
        numbers.count(
            "n_events",
            observed.event.iter().filter(|&&event| event).count(),
        );
        let p = self.terms.len();
        let robust = match self.standard_error {
            HazardError::Robust => fit.robust(clusters.as_ref()),
            HazardError::Model => None,
        };
        let covariance = robust.as_ref().unwrap_or(&fit.covariance);
        self.put_coefficients(&fit, covariance, numbers);
        numbers.real("log_likelihood_null", fit.log_likelihood[0]);
        numbers.real("log_likelihood", fit.log_likelihood[1]);
        let mut tests = vec![
            ("likelihood_ratio", Some(fit.likelihood_ratio())),
            ("wald", fit.wald(covariance)),
            ("score", Some(fit.score_test)),
        ];
        if robust.is_some() {
            tests.push(("robust_score", fit.robust_score_test(clusters.as_ref())));
        }
        for (name, statistic) in tests {
            if let Some(statistic) = statistic {
                numbers.real(name, statistic);
                numbers.real(&format!("{name}_p"), CoxFit::p_of(statistic, p));
            }
        }
        let (value, error) =
            fit.concordance(&data, &columns, &weight, strata.as_ref(), clusters.as_ref());
        numbers.real("concordance", value);
        numbers.real("concordance_se", error);
        for &scale in &self.proportionality {
            let name = match scale {
                TimeScale::Identity => "proportionality_identity",
                TimeScale::KaplanMeier => "proportionality_kaplan_meier",
            };
            let test = fit
                .proportional(&data, &columns, &weight, strata.as_ref(), scale)
                .map_err(refused)?;
            for (term, &statistic) in self.terms.iter().zip(&test.each) {
                numbers.covariate(name, term, statistic);
                numbers.covariate(&format!("{name}_p"), term, CoxFit::p_of(statistic, 1));
            }
            numbers.covariate(name, "all", test.all);
            numbers.covariate(&format!("{name}_p"), "all", CoxFit::p_of(test.all, p));
        }
        let hazards = fit.baseline(&data, &columns, &weight, &self.baseline);
        for (time, hazard) in self.baseline.iter().zip(hazards) {
            numbers.covariate("baseline_hazard", &time.to_string(), hazard);
        }
        Ok(None)
    }
}

impl ProportionalHazards {
    fn put_coefficients(&self, fit: &CoxFit, covariance: &[Vec<f64>], numbers: &mut Numbers) {
        let reach = normal::quantile(0.5 * (1.0 + self.confidence_level.fraction()));
        for (k, name) in self.terms.iter().enumerate() {
            let (point, error) = (fit.coefficients[k], covariance[k][k].sqrt());
            let z = point / error;
            let (low, high) = (point - reach * error, point + reach * error);
            for (what, value) in [
                ("coef", point),
                ("coef_se", error),
                ("coef_se_model", fit.covariance[k][k].sqrt()),
                ("coef_t", z),
                ("coef_p", normal::two_sided_p(z)),
                ("coef_ci_low", low),
                ("coef_ci_high", high),
                ("hazard_ratio", exp(point)),
                ("hazard_ratio_ci_low", exp(low)),
                ("hazard_ratio_ci_high", exp(high)),
            ] {
                numbers.covariate(what, name, value);
            }
        }
    }
}
