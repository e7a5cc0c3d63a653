//! Counting what the second pass finds.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use utfall_files::Digest;

use super::file_name::FileName;
use super::read::Judged;
use crate::contract::{DataContract, Violation};
use crate::delivery::Delivery;
use crate::quality::{DeliveryQuality, Locator, MAX_LOCATORS};

/// What reading an extract found, before any severity is known.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct ReadCounts {
    /// One for each file, in the order given. Accepted are the rows that break no rule and whose
    /// key no later row has.
    pub(crate) deliveries: Vec<DeliveryQuality>,
    /// One for each rule broken.
    pub(crate) rules: Vec<RuleCount>,
    /// Missing codes met in accepted rows: times, by column and code.
    pub(crate) missing: Vec<Vec<u64>>,
    /// Columns that the contract does not name.
    pub(crate) ignored_columns: Vec<String>,
}

/// How often a rule was broken.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct RuleCount {
    /// Its id.
    pub(crate) id: String,
    /// Rows, by file.
    pub(crate) by_delivery: Vec<u64>,
    /// Where first, in the order of the files.
    pub(crate) first_locators: Vec<Locator>,
}

/// Counts for [`ReadCounts`].
pub(crate) struct ReadTally {
    deliveries: Vec<DeliveryQuality>,
    rules: BTreeMap<Violation, Broken>,
    /// By column and code.
    missing: Vec<Vec<u64>>,
    ignored_columns: BTreeSet<String>,
}

/// For each file the rows that broke a rule, and the first lines.
struct Broken {
    n_rows: Vec<u64>,
    first_lines: Vec<Vec<u64>>,
}

impl ReadTally {
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
        let n_files = self.deliveries.len();
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
                let broken = self.rules.entry(violation).or_insert_with(|| Broken {
                    n_rows: vec![0; n_files],
                    first_lines: vec![Vec::new(); n_files],
                });
                broken.n_rows[file] += 1;
                let lines = &mut broken.first_lines[file];
                if lines.len() < MAX_LOCATORS {
                    lines.push(reject.line);
                }
            }
        }
    }

    pub(crate) fn counts(&self, contract: &DataContract) -> ReadCounts {
        let rules = self.rules.iter();
        ReadCounts {
            deliveries: self.deliveries.clone(),
            rules: rules
                .map(|(&violation, broken)| self.rule(contract, violation, broken))
                .collect(),
            missing: self.missing.clone(),
            ignored_columns: self.ignored_columns.iter().cloned().collect(),
        }
    }

    fn rule(&self, contract: &DataContract, violation: Violation, broken: &Broken) -> RuleCount {
        let header = |column: u32| contract.columns()[column as usize].header().to_owned();
        let places = broken.first_lines.iter().enumerate();
        let places = places.flat_map(|(file, lines)| lines.iter().map(move |&line| (file, line)));
        let locator = |(file, line): (usize, u64)| Locator {
            file: self.deliveries[file].file.clone(),
            line,
            column: violation.column.map(header),
            note: None,
        };
        RuleCount {
            id: contract.rule_id(violation),
            by_delivery: broken.n_rows.clone(),
            first_locators: places.take(MAX_LOCATORS).map(locator).collect(),
        }
    }
}
