//! The quality report: counts from reading, with what judging changed.

use std::collections::BTreeMap;

use super::aside::{Aside, Fate};
use super::candidates::Places;
use super::{Finding, Found};
use crate::contract::{DataContract, RuleEntry};
use crate::ingest::{IngestError, ReadCounts, RuleCount};
use crate::quality::{
    DeliveryQuality, HeldRule, Locator, MAX_LOCATORS, MissingQuality, QualityReport, RuleQuality,
};

/// The report of an extract; `rejected` are the candidates that break a rule over many rows.
pub(super) fn of(
    contract: &DataContract,
    counts: &ReadCounts,
    aside: &Aside,
    findings: &[Finding],
    rejected: &BTreeMap<usize, Vec<String>>,
    places: &Places,
) -> Result<QualityReport, IngestError> {
    let deliveries = deliveries(counts, aside, rejected, places)?;
    let n_rows = deliveries.iter().map(|delivery| delivery.n_rows).sum();
    let mut broken: BTreeMap<&str, RuleCount> = BTreeMap::new();
    for rule in &counts.rules {
        broken.insert(&rule.id, rule.clone());
    }
    for finding in findings {
        let count = count(contract, counts, finding, places);
        if count.by_delivery.iter().any(|&n| n > 0) {
            broken.insert(&finding.id, count);
        }
    }
    let (mut rules, mut held) = (Vec::new(), Vec::new());
    for entry in contract.rules() {
        match broken.remove(entry.id()) {
            Some(count) => rules.push(rule(contract, entry, count, n_rows)),
            None => held.push(HeldRule {
                id: entry.id().to_owned(),
                name: entry.name().to_owned(),
            }),
        }
    }
    for (id, count) in broken {
        let entry = RuleEntry::unlisted(id);
        rules.push(rule(contract, &entry, count, n_rows));
    }
    Ok(QualityReport {
        extract: contract.name().to_owned(),
        title: contract.title().to_owned(),
        deliveries,
        rules,
        held,
        missing: missing(contract, counts, aside),
        ignored_columns: counts.ignored_columns.clone(),
    })
}

fn deliveries(
    counts: &ReadCounts,
    aside: &Aside,
    rejected: &BTreeMap<usize, Vec<String>>,
    places: &Places,
) -> Result<Vec<DeliveryQuality>, IngestError> {
    let mut deliveries = counts.deliveries.clone();
    for row in &aside.rows {
        let delivery = deliveries.get_mut(row.file).ok_or(IngestError::Stage)?;
        if row.fate == Fate::Rejected {
            continue;
        }
        // A row that breaks a rule was counted as broken when it was read, any other not at all.
        if !row.rules.is_empty() {
            delivery.n_quarantined -= 1;
        }
        match row.fate {
            Fate::Accepted => delivery.n_accepted += 1,
            Fate::Deleted => delivery.n_deleted += 1,
            _ => delivery.n_superseded += 1,
        }
    }
    for &row in rejected.keys() {
        let (file, _) = places.of(row).ok_or(IngestError::Stage)?;
        let delivery = deliveries.get_mut(file).ok_or(IngestError::Stage)?;
        delivery.n_accepted -= 1;
        delivery.n_quarantined += 1;
    }
    Ok(deliveries)
}

/// What a rule over many rows found, as reading counts it.
fn count(
    contract: &DataContract,
    counts: &ReadCounts,
    finding: &Finding,
    places: &Places,
) -> RuleCount {
    let n_deliveries = counts.deliveries.len();
    let file = |delivery: usize| counts.deliveries[delivery].file.clone();
    let entry = contract
        .rules()
        .iter()
        .find(|entry| entry.id() == finding.id);
    let column = entry
        .and_then(|entry| entry.violation.column)
        .map(|column| contract.columns()[column as usize].header().to_owned());
    let (by_delivery, first_locators) = match &finding.found {
        Found::Rows(rows) => {
            let places_of = places.sorted(rows).into_iter().take(MAX_LOCATORS);
            let locator = |(delivery, line)| Locator {
                file: file(delivery),
                line,
                column: column.clone(),
                note: None,
            };
            let by_delivery = places.by_delivery(rows, n_deliveries);
            (by_delivery, places_of.map(locator).collect())
        }
        Found::Extract(breaches) => {
            let mut by_delivery = vec![0; n_deliveries];
            let mut told = Vec::new();
            for breach in breaches {
                let place = breach.row.and_then(|row| places.of(row));
                let (delivery, line) = place.unwrap_or((breach.delivery, 0));
                by_delivery[delivery] += 1;
                told.push((delivery, line, &breach.note));
            }
            told.sort();
            let locator = |(delivery, line, note): (usize, u64, &String)| Locator {
                file: file(delivery),
                line,
                column: column.clone(),
                note: Some(note.clone()),
            };
            (
                by_delivery,
                told.into_iter().take(MAX_LOCATORS).map(locator).collect(),
            )
        }
    };
    RuleCount {
        id: finding.id.clone(),
        by_delivery,
        first_locators,
    }
}

fn rule(contract: &DataContract, entry: &RuleEntry, count: RuleCount, n_rows: u64) -> RuleQuality {
    let n_broken = count.by_delivery.iter().sum();
    let column = entry.violation.column;
    let limit = entry.limit();
    RuleQuality {
        id: entry.id().to_owned(),
        name: entry.name().to_owned(),
        rule: entry.rule(),
        severity: entry.severity(),
        tolerance: limit,
        is_exceeded: limit.is_some_and(|limit| limit.is_exceeded(n_broken, n_rows)),
        column: column.map(|column| contract.columns()[column as usize].header().to_owned()),
        n_rows: n_broken,
        by_delivery: count.by_delivery,
        first_locators: count.first_locators,
    }
}

fn missing(contract: &DataContract, counts: &ReadCounts, aside: &Aside) -> Vec<MissingQuality> {
    let mut met = counts.missing.clone();
    for &(column, code) in aside.accepted_rows().flat_map(|row| &row.missing) {
        if let Some(n_rows) = met.get_mut(column).and_then(|codes| codes.get_mut(code)) {
            *n_rows += 1;
        }
    }
    let mut missing = Vec::new();
    for (column, codes) in contract.columns().iter().zip(&met) {
        for (code, &n_rows) in contract.missing().iter().zip(codes) {
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
