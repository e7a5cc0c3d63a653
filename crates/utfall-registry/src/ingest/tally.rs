//! Counting what the second pass finds.

use std::collections::{BTreeMap, BTreeSet};

use utfall_files::Digest;

use super::file_name::FileName;
use super::read::Judged;
use super::rules::Rule;
use crate::contract::DataContract;
use crate::delivery::Delivery;
use crate::quality::{
    DeliveryQuality, Locator, MAX_LOCATORS, MissingQuality, QualityReport, RuleQuality,
};

/// Counts for a quality report.
pub(crate) struct QualityTally {
    deliveries: Vec<DeliveryQuality>,
    /// By rule and column: rows, and for each file the first lines.
    rules: BTreeMap<(Rule, Option<u32>), Broken>,
    /// By column and code.
    missing: Vec<Vec<u64>>,
    ignored_columns: BTreeSet<String>,
}

#[derive(Default)]
struct Broken {
    n_rows: u64,
    first_lines: BTreeMap<usize, Vec<u64>>,
}

impl QualityTally {
    pub(crate) fn new(
        contract: &DataContract,
        deliveries: &[Delivery],
        names: &[FileName],
    ) -> Self {
        let deliveries = deliveries.iter().zip(names);
        let deliveries = deliveries.map(|(delivery, name)| DeliveryQuality {
            file: name.as_str().to_owned(),
            vintage: delivery.vintage,
            status: delivery.status,
            n_rows: 0,
            n_accepted: 0,
            n_superseded: 0,
            n_deleted: 0,
            n_quarantined: 0,
            blake3: Digest::from([0; 32]),
        });
        Self {
            deliveries: deliveries.collect(),
            rules: BTreeMap::new(),
            missing: vec![vec![0; contract.missing().len()]; contract.columns().len()],
            ignored_columns: BTreeSet::new(),
        }
    }

    pub(crate) fn ignore(&mut self, columns: Vec<String>) {
        self.ignored_columns.extend(columns);
    }

    pub(crate) fn digest(&mut self, file: usize, digest: Digest) {
        self.deliveries[file].blake3 = digest;
    }

    /// Adds the rows of a block, which come in order.
    pub(crate) fn add(&mut self, file: usize, judged: &Judged) {
        let delivery = &mut self.deliveries[file];
        delivery.n_rows += judged.n_rows as u64;
        delivery.n_accepted += judged.batch.n_rows as u64;
        delivery.n_superseded += judged.n_superseded;
        delivery.n_deleted += judged.n_deleted;
        delivery.n_quarantined += judged.rejects.len() as u64;
        for (totals, met) in self.missing.iter_mut().zip(&judged.batch.missing) {
            for (total, n_rows) in totals.iter_mut().zip(met) {
                *total += n_rows;
            }
        }
        for reject in &judged.rejects {
            for &violation in &reject.violations {
                let broken = self.rules.entry(violation).or_default();
                broken.n_rows += 1;
                let lines = broken.first_lines.entry(file).or_default();
                if lines.len() < MAX_LOCATORS {
                    lines.push(reject.line);
                }
            }
        }
    }

    pub(crate) fn report(&self, contract: &DataContract) -> QualityReport {
        QualityReport {
            extract: contract.name().to_owned(),
            deliveries: self.deliveries.clone(),
            rules: self
                .rules
                .iter()
                .map(|(key, broken)| self.rule(contract, *key, broken))
                .collect(),
            missing: self.missing(contract),
            ignored_columns: self.ignored_columns.iter().cloned().collect(),
        }
    }

    fn rule(
        &self,
        contract: &DataContract,
        (rule, column): (Rule, Option<u32>),
        broken: &Broken,
    ) -> RuleQuality {
        let column = column.map(|column| contract.columns()[column as usize].header().to_owned());
        let places = broken
            .first_lines
            .iter()
            .flat_map(|(&file, lines)| lines.iter().map(move |&line| (file, line)));
        let locator = |(file, line): (usize, u64)| Locator {
            file: self.deliveries[file].file.clone(),
            line,
            column: column.clone(),
        };
        let first_locators = places.take(MAX_LOCATORS).map(locator).collect();
        RuleQuality {
            rule,
            column: column.clone(),
            n_rows: broken.n_rows,
            first_locators,
        }
    }

    fn missing(&self, contract: &DataContract) -> Vec<MissingQuality> {
        let mut missing = Vec::new();
        for (column, counts) in contract.columns().iter().zip(&self.missing) {
            for (code, &n_rows) in contract.missing().iter().zip(counts) {
                if n_rows > 0 {
                    missing.push(MissingQuality {
                        column: column.header().to_owned(),
                        code: code.code.clone(),
                        means: code.means,
                        n_rows,
                    });
                }
            }
        }
        missing
    }
}
