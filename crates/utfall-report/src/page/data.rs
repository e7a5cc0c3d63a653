//! The data section: which deliveries the run read, and the provenance of the run.

use utfall_verify::record::{DeliveryStatus, EnvironmentDocument, ExtractRecord, ExtractsDocument};

use super::{DataSection, Delivery, Extract, Provenance};
use crate::number::count;

/// Builds the section; deliveries keep the order they were taken in.
pub(crate) fn section(extracts: &ExtractsDocument) -> DataSection {
    let mut shown: Vec<Extract> = Vec::new();
    for record in &extracts.extracts {
        let row = delivery(record);
        match shown.iter_mut().find(|extract| extract.name == record.name) {
            Some(extract) => extract.rows.push(row),
            None => shown.push(Extract {
                name: record.name.clone(),
                rows: vec![row],
            }),
        }
    }
    DataSection {
        introduction: "A later delivery replaces earlier rows of the same key. A row that breaks a rule of its data contract is set aside in quarantine with the rule it broke; it is neither mended nor guessed at.".to_owned(),
        extracts: shown,
    }
}

/// What the run depended on, digests in full.
pub(crate) fn provenance(
    environment: &EnvironmentDocument,
    extracts: &ExtractsDocument,
    pipeline: &str,
) -> Vec<Provenance> {
    let plain = |term: &str, value: String| Provenance {
        term: term.to_owned(),
        value,
        is_digest: false,
    };
    let digest = |term: String, value: String| Provenance {
        term,
        value,
        is_digest: true,
    };
    let mut rows = vec![
        plain("Pipeline", pipeline.to_owned()),
        plain(
            "Written by",
            format!("utfall {}", environment.utfall_version),
        ),
        digest("Plan".to_owned(), environment.plan_digest.to_string()),
        digest(
            "Seal of the cohort, taken before any outcome was read".to_owned(),
            environment.cohort_seal.to_string(),
        ),
        digest(
            "Seal of the matched set, taken before any outcome was read".to_owned(),
            environment.matched_set_seal.to_string(),
        ),
    ];
    rows.extend(extracts.extracts.iter().map(|record| {
        digest(
            format!("Extract {}, delivered {}", record.name, record.vintage),
            record.commitment.to_string(),
        )
    }));
    rows
}

fn delivery(record: &ExtractRecord) -> Delivery {
    Delivery {
        vintage: record.vintage.to_string(),
        status: match record.status {
            DeliveryStatus::Preliminary => "preliminary",
            DeliveryStatus::Final => "final",
        },
        n_rows: count(record.n_rows),
        n_accepted: count(record.n_accepted),
        n_quarantined: count(record.n_quarantined),
    }
}
