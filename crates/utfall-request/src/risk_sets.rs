//! `[risk-sets]`: persons who start treatment at different times, each compared with persons who have
//! not started then.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utfall_core::{Arm, ConfidenceLevel, Estimand};
use utfall_effects::{
    DegreesOfFreedom, Grouping, Inference, MatchedSample, StandardError, matched_difference,
};
use utfall_matching::design::{self, Matching};
use utfall_matching::{
    Membership, RiskSetSpec, RiskSets as Found, SmdDenominator, Timeline, balance, risk_sets,
};
use utfall_stats::Matrix;

use crate::effect::name;
use crate::estimate::{describe_estimate, matrix};
use crate::files::Files;
use crate::model::Part;
use crate::table::Table;
use crate::{ClusterBy, Distance, Numbers, RequestError, Warning};

/// Risk-set matching, balance on the index dates, and an effect.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RiskSets {
    /// Column of the index date as a whole number (days, or weeks of school); without a value for
    /// those who never start.
    pub start: String,
    /// Column from when on a person may be a comparator.
    pub from: Option<String>,
    /// Column until when, that day excluded.
    pub until: Option<String>,
    /// Covariates of the score, from before anybody's index date.
    #[serde(default)]
    pub covariates: Vec<String>,
    /// The score: a propensity score of ever starting, or a column.
    pub distance: Distance,
    /// Columns in which matched persons must be equal, to the letter.
    #[serde(default)]
    pub exact: Vec<String>,
    /// How many are sought, how near, and who may serve.
    pub matching: RiskSetSpec,
    /// Covariates to compare between the arms of the sets.
    #[serde(default)]
    pub balance: Vec<String>,
    /// Which effect to estimate.
    pub effect: Option<RiskSetEffect>,
}

/// An effect over the rows of the sets: a person has a row for each set it is in.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RiskSetEffect {
    /// Outcome columns by the time they were measured at, on the scale of `start`.
    pub outcomes: BTreeMap<String, String>,
    /// How long after the index date the outcome is measured.
    pub horizon: i64,
    /// The standard error of the interval and the p-value.
    pub standard_error: StandardError,
    /// What rows belong together: `unit`, `matched-set` or both.
    pub cluster_by: Vec<ClusterBy>,
    /// The distribution behind the interval and the p-value.
    pub degrees_of_freedom: DegreesOfFreedom,
    /// Level of the interval.
    pub confidence_level: ConfidenceLevel,
}

impl Part for RiskSets {
    fn check(&self) -> Result<(), RequestError> {
        let refused = |what: &str, remedy| {
            Err(RequestError::Contradiction {
                what: what.to_owned(),
                remedy,
            })
        };
        let is_given = matches!(self.distance, Distance::Column(_));
        if self.distance.on_covariates().is_some() {
            return refused(
                "risk sets on a distance of covariates",
                "use a propensity score, or a score that a column holds",
            );
        }
        if is_given != self.covariates.is_empty() {
            return refused(
                "`covariates` and `distance` that do not go together",
                "a propensity score needs covariates, a column has no use for them",
            );
        }
        if let Some(effect) = &self.effect
            && (!effect.standard_error.is_clustered() || effect.cluster_by.is_empty())
        {
            return refused(
                "an effect over risk sets without clusters",
                "persons can be in several sets: use a cr standard error clustered by `unit`",
            );
        }
        Ok(())
    }

    fn put(
        &self,
        table: &Table,
        _files: &Files<'_>,
        numbers: &mut Numbers,
    ) -> Result<Option<Estimand>, RequestError> {
        let start = table.whole_or_none(&self.start)?;
        let found = self.find(table, &start)?;
        let n_treated = start.iter().flatten().count();
        numbers.count("n_treated", n_treated);
        numbers.count("n_comparator", start.len() - n_treated);
        let rows: Vec<Membership> = found.memberships().collect();
        describe(&found, &rows, &start, numbers);
        if !self.balance.is_empty() {
            self.compare(table, &rows, numbers)?;
        }
        if let Some(effect) = &self.effect {
            effect.put(table, &found, &rows, numbers)?;
        }
        Ok(Some(estimand(&found)))
    }
}

fn estimand(found: &Found) -> Estimand {
    if found.n_unmatched() == 0 {
        Estimand::Att
    } else {
        Estimand::MatchedTreated
    }
}

impl RiskSets {
    fn find(&self, table: &Table, start: &[Option<i64>]) -> Result<Found, RequestError> {
        let refused = |error| RequestError::matching(&self.covariates, error);
        let whole = |column: &Option<String>| {
            column
                .as_ref()
                .map(|column| table.whole(column))
                .transpose()
        };
        let (from, until) = (whole(&self.from)?, whole(&self.until)?);
        let ever: Vec<bool> = start.iter().map(Option::is_some).collect();
        let wanted = Matching {
            covariates: self.covariates.clone(),
            distance: Some(self.distance.clone()),
            exact: self.exact.clone(),
            ..Matching::default()
        };
        let score = design::score(table, &wanted, &ever)?.unwrap_or_default();
        let strata = design::strata(table, &wanted)?;
        let timeline = Timeline {
            start,
            from: from.as_deref(),
            until: until.as_deref(),
        };
        risk_sets(&self.matching, &score, &timeline, strata.as_deref()).map_err(refused)
    }

    /// Balance over the rows of the sets.
    fn compare(
        &self,
        table: &Table,
        rows: &[Membership],
        numbers: &mut Numbers,
    ) -> Result<(), RequestError> {
        let columns = matrix(table, &self.balance)?;
        let of_rows = |values: Vec<f64>| rows.iter().map(|row| values[row.unit]).collect();
        let columns = Matrix::from_columns(columns.into_iter().map(of_rows).collect())
            .map_err(|error| RequestError::matrix(&self.balance, &error))?;
        let treated: Vec<bool> = rows.iter().map(|row| row.arm == Arm::Treated).collect();
        let weights: Vec<f64> = rows.iter().map(|row| row.weight).collect();
        let balance = balance(&columns, &treated, &weights, SmdDenominator::Treated)
            .map_err(|error| RequestError::matching(&self.balance, error))?;
        for (name, row) in self.balance.iter().zip(balance) {
            numbers.covariate("mean_treated", name, row.after.mean_treated);
            numbers.covariate("mean_comparator", name, row.after.mean_comparator);
            if let Some(smd) = row.after.smd {
                numbers.covariate("smd", name, smd);
            }
        }
        Ok(())
    }
}

fn describe(found: &Found, rows: &[Membership], start: &[Option<i64>], numbers: &mut Numbers) {
    let n_sets = found.sets.len() - found.n_unmatched();
    numbers.count("n_treated_matched", n_sets);
    numbers.count("n_pairs", rows.len() - n_sets);
    numbers.count("n_tied", found.n_tied);
    let mut used: Vec<usize> = rows
        .iter()
        .filter(|row| row.arm == Arm::Comparator)
        .map(|row| row.unit)
        .collect();
    used.sort_unstable();
    used.dedup();
    numbers.count("n_comparator_matched", used.len());
    let later = used.iter().filter(|&&unit| start[unit].is_some()).count();
    numbers.count("n_later_treated_matched", later);
    if let Some(width) = found.caliper_width {
        numbers.real("caliper_width", width);
    }
    if found.n_unmatched() > 0 {
        numbers.warn(Warning::LeftOut {
            left_out: found.n_unmatched(),
            of: found.sets.len(),
        });
    }
}

impl RiskSetEffect {
    fn put(
        &self,
        table: &Table,
        found: &Found,
        rows: &[Membership],
        numbers: &mut Numbers,
    ) -> Result<(), RequestError> {
        let outcome = self.outcome(table, found, rows)?;
        let treated: Vec<bool> = rows.iter().map(|row| row.arm == Arm::Treated).collect();
        let weight: Vec<f64> = rows.iter().map(|row| row.weight).collect();
        let units: Vec<usize> = rows.iter().map(|row| row.unit).collect();
        let sets: Vec<usize> = rows.iter().map(|row| row.set).collect();
        let clusters: Vec<Grouping> = self
            .cluster_by
            .iter()
            .map(|way| match way {
                ClusterBy::MatchedSet => Ok(Grouping::of(&sets)),
                ClusterBy::Unit => Ok(Grouping::of(&units)),
                ClusterBy::Column(column) => {
                    let labels = table.texts(column)?;
                    let labels: Vec<&String> = units.iter().map(|&unit| &labels[unit]).collect();
                    Ok(Grouping::of(&labels))
                }
            })
            .collect::<Result<_, RequestError>>()?;
        let clusters: Vec<&Grouping> = clusters.iter().collect();
        let unit = Grouping::of(&units);
        let sample = MatchedSample {
            estimand: estimand(found),
            treated: &treated,
            weight: &weight,
            outcome: &outcome,
            unit: Some(&unit),
            clusters: &clusters,
        };
        let inference = Inference {
            standard_error: self.standard_error,
            degrees_of_freedom: self.degrees_of_freedom,
            confidence_level: self.confidence_level,
        };
        let estimate = matched_difference(&sample, &inference).map_err(|error| {
            let line = error.row().and_then(|row| table.line(*units.get(row)?));
            RequestError::effect(&[], line, error)
        })?;
        describe_estimate(&estimate, numbers);
        numbers.real(
            &name(self.standard_error, &self.cluster_by),
            estimate.standard_error,
        );
        Ok(())
    }

    /// The outcome of each row: that of the person, so long after the set's index date.
    fn outcome(
        &self,
        table: &Table,
        found: &Found,
        rows: &[Membership],
    ) -> Result<Vec<f64>, RequestError> {
        let index_dates: Vec<i64> = found
            .sets
            .iter()
            .filter(|set| !set.comparators.is_empty())
            .map(|set| set.index_date)
            .collect();
        let mut columns: BTreeMap<i64, Vec<f64>> = BTreeMap::new();
        for &index_date in &index_dates {
            let time = index_date + self.horizon;
            if let std::collections::btree_map::Entry::Vacant(entry) = columns.entry(time) {
                let column = self.outcomes.get(&time.to_string()).ok_or_else(|| {
                    RequestError::Contradiction {
                        what: format!("no outcome at time {time}, {} after an index date", self.horizon),
                        remedy: "name its column in `outcomes`, or leave such persons out with `keep`",
                    }
                })?;
                entry.insert(table.numbers(column)?);
            }
        }
        let value = |row: &Membership| columns[&(index_dates[row.set] + self.horizon)][row.unit];
        Ok(rows.iter().map(value).collect())
    }
}
