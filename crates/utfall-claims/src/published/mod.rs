//! What is published about contracts: the metric fields of GO Lab's INDIGO data set, and what they give away.
//!
//! A published row states the price of a metric, how many results were counted, and often what was planned and
//! paid. The count may be of persons while claims were paid, and totals may have been copied between rows; both
//! show when prices times counts are held against payments.
//!
//! Fields follow the INDIGO data standard (`outcome_pricings`, `results`), one metric a row:
//! `project_id`, `project`, `metric`, `definition`, `currency`, `unit_price`, `planned_count`, `planned_payment`,
//! `results_count`, `actual_payment`.

mod replay;

use std::collections::BTreeMap;
use std::io::{Read, Write};

use serde::Serialize;
use utfall_payment::{Currency, Money};

use crate::rows::{self, Row, RowsError};

pub use replay::{Replay, metrics_of, rate_card, replay};

/// One metric of one project, as published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Metric {
    /// INDIGO's id of the project.
    pub project_id: String,
    /// Name of the project.
    pub project: String,
    /// Name of the metric within the project.
    pub metric: String,
    /// Its definition as published.
    pub definition: Option<String>,
    /// Price of one unit.
    pub unit_price: Money,
    /// Units planned.
    pub planned_count: Option<u64>,
    /// Payment planned.
    pub planned_payment: Option<Money>,
    /// Units counted.
    pub results_count: Option<u64>,
    /// What was paid.
    pub actual_payment: Option<Money>,
}

/// What was published as paid to a project in all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ProjectTotal {
    /// INDIGO's id of the project.
    pub project_id: String,
    /// Name of the project.
    pub project: String,
    /// What was paid.
    pub paid: Money,
    /// Most that could be paid, if published.
    pub available: Option<Money>,
}

/// How a metric's payment stands to its price and count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum MetricFinding {
    /// Price times count is what was paid.
    Exact,
    /// More was paid: so many units at the price, of which the published count is a part, as persons are of claims.
    MoreThanCounted {
        /// Units that the payment stands for.
        units: u64,
    },
    /// Less was paid: so many units at the price.
    LessThanCounted {
        /// Units that the payment stands for.
        units: u64,
    },
    /// The payment is no whole number of units.
    NotWhole,
    /// Price, count or payment is not published.
    Unknown,
}

/// How a project's payment stands to its metrics.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ProjectFinding {
    /// INDIGO's id of the project.
    pub project_id: String,
    /// Name of the project.
    pub project: String,
    /// Prices times counts, added up.
    pub counted: Money,
    /// What was paid.
    pub paid: Money,
    /// Projects that are published with the very same payment on other counts: a row may have been copied.
    pub same_total_as: Vec<String>,
}

/// Names under which a field is found.
const ALIASES: [(&str, &[&str]); 4] = [
    ("definition", &["definition_as_published"]),
    ("results_count", &["outcomes_achieved"]),
    ("actual_payment", &["actual_paid"]),
    (
        "planned_payment",
        &["maximum_price_if_all_targets_achieved"],
    ),
];

/// Reads metrics. Further columns that state what follows from these are passed over.
///
/// # Errors
///
/// [`RowsError`] with the line of each: an unknown currency, a price or payment that is no amount of it, a
/// negative or broken count, the same metric of a project twice.
pub fn metrics(text: impl Read) -> Result<Vec<Metric>, RowsError> {
    let needed = ["project_id", "project", "metric", "currency", "unit_price"];
    let mut optional = vec![
        "planned_count",
        "unit_price_x_count",
        "implied_claims",
        "status",
    ];
    for (name, aliases) in ALIASES {
        optional.push(name);
        optional.extend(aliases);
    }
    let mut seen = std::collections::BTreeSet::new();
    let rows = rows::read(text, &needed, &optional, |row| {
        let currency = currency(row)?;
        let metric = Metric {
            project_id: row.text("project_id")?,
            project: row.text("project")?,
            metric: row.text("metric")?,
            definition: field(row, "definition").map(str::to_owned),
            unit_price: amount(row, "unit_price", currency)?.ok_or("`unit_price` is empty")?,
            planned_count: count(row, "planned_count")?,
            planned_payment: amount(row, "planned_payment", currency)?,
            results_count: count(row, "results_count")?,
            actual_payment: amount(row, "actual_payment", currency)?,
        };
        if !seen.insert((metric.project_id.clone(), metric.metric.clone())) {
            return Err("the metric of this project stands above already".to_owned());
        }
        Ok(metric)
    })?;
    Ok(rows.into_iter().map(|(_, metric)| metric).collect())
}

/// Reads what projects were paid: columns `project_id`, `project`, `currency`, `paid`, and `available` if it is there.
///
/// # Errors
///
/// As [`metrics`].
pub fn project_totals(text: impl Read) -> Result<Vec<ProjectTotal>, RowsError> {
    let needed = ["project_id", "project", "currency", "paid"];
    let rows = rows::read(text, &needed, &["available"], |row| {
        let currency = currency(row)?;
        Ok(ProjectTotal {
            project_id: row.text("project_id")?,
            project: row.text("project")?,
            paid: amount(row, "paid", currency)?.ok_or("`paid` is empty")?,
            available: amount(row, "available", currency)?,
        })
    })?;
    Ok(rows.into_iter().map(|(_, total)| total).collect())
}

/// Writes metrics as [`metrics`] reads them.
///
/// # Errors
///
/// What the system says if they cannot be written.
pub fn write_metrics(metrics: &[Metric], out: impl Write) -> std::io::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record([
        "project_id",
        "project",
        "metric",
        "definition",
        "currency",
        "unit_price",
        "planned_count",
        "planned_payment",
        "results_count",
        "actual_payment",
    ])?;
    for metric in metrics {
        let plain = |money: Option<Money>| money.map(Money::plain).unwrap_or_default();
        let whole = |count: Option<u64>| count.map(|count| count.to_string()).unwrap_or_default();
        writer.write_record([
            &metric.project_id,
            &metric.project,
            &metric.metric,
            metric.definition.as_deref().unwrap_or_default(),
            metric.unit_price.currency().code(),
            &metric.unit_price.plain(),
            &whole(metric.planned_count),
            &plain(metric.planned_payment),
            &whole(metric.results_count),
            &plain(metric.actual_payment),
        ])?;
    }
    writer.flush()
}

impl Metric {
    /// Price times count, in minor units; none if no count is published or it overflows.
    #[must_use]
    pub fn counted(&self) -> Option<i128> {
        self.unit_price
            .minor_units()
            .checked_mul(self.results_count?.into())
    }

    /// How the payment stands to price and count.
    #[must_use]
    pub fn finding(&self) -> MetricFinding {
        let (Some(counted), Some(paid)) = (self.counted(), self.actual_payment) else {
            return MetricFinding::Unknown;
        };
        let (paid, price) = (paid.minor_units(), self.unit_price.minor_units());
        if paid == counted {
            return MetricFinding::Exact;
        }
        let units = (price > 0 && paid % price == 0)
            .then(|| u64::try_from(paid / price).ok())
            .flatten();
        match units {
            None => MetricFinding::NotWhole,
            Some(units) if paid > counted => MetricFinding::MoreThanCounted { units },
            Some(units) => MetricFinding::LessThanCounted { units },
        }
    }
}

/// Holds projects' payments against their metrics, in the order of the totals.
///
/// Two projects with the same payment to the minor unit on different counts are pointed out, each with the other.
#[must_use]
pub fn project_findings(metrics: &[Metric], totals: &[ProjectTotal]) -> Vec<ProjectFinding> {
    let mut counted: BTreeMap<&str, i128> = BTreeMap::new();
    for metric in metrics {
        let sum = counted.entry(metric.project_id.as_str()).or_default();
        *sum = sum.saturating_add(metric.counted().unwrap_or_default());
    }
    let of = |total: &ProjectTotal| {
        counted
            .get(total.project_id.as_str())
            .copied()
            .unwrap_or_default()
    };
    let findings = totals.iter().map(|total| {
        let same = totals.iter().filter(|other| {
            other.project_id != total.project_id
                && other.paid == total.paid
                && total.paid.minor_units() != 0
                && of(other) != of(total)
        });
        ProjectFinding {
            project_id: total.project_id.clone(),
            project: total.project.clone(),
            counted: Money::new(of(total), total.paid.currency()),
            paid: total.paid,
            same_total_as: same.map(|other| other.project.clone()).collect(),
        }
    });
    findings.collect()
}

fn field<'r>(row: &'r Row<'_>, name: &str) -> Option<&'r str> {
    let aliases = ALIASES.iter().find(|(known, _)| *known == name);
    let aliases = aliases.into_iter().flat_map(|(_, aliases)| aliases.iter());
    row.optional(name)
        .or_else(|| aliases.copied().find_map(|alias| row.optional(alias)))
}

fn currency(row: &Row<'_>) -> Result<Currency, String> {
    Currency::from_code(&row.text("currency")?).map_err(|error| error.to_string())
}

fn amount(row: &Row<'_>, name: &str, currency: Currency) -> Result<Option<Money>, String> {
    let Some(text) = field(row, name) else {
        return Ok(None);
    };
    match Money::from_decimal(text, currency) {
        Ok(money) if money.minor_units() < 0 => Err(format!("`{name}` is negative")),
        Ok(money) => Ok(Some(money)),
        Err(error) => Err(format!("`{name}`: {error}")),
    }
}

/// A whole number, which spreadsheets may have written as `406.0`.
fn count(row: &Row<'_>, name: &str) -> Result<Option<u64>, String> {
    let Some(text) = field(row, name) else {
        return Ok(None);
    };
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    match whole.parse() {
        Ok(count) if fraction.bytes().all(|byte| byte == b'0') => Ok(Some(count)),
        _ => Err(format!("`{name}` is no whole number of 0 or more")),
    }
}
