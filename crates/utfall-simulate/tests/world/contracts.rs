//! The shipped data contracts read the shipped sample, and quarantine its dirt and nothing else.

use std::path::{Path, PathBuf};

use utfall_core::Unwatched;
use utfall_registry::{
    DataContract, Delivery, DeliveryScope, DeliveryStatus, QualityReport, ingest,
};
use utfall_simulate::{FileTruth, Truth};

/// Pipelines that read the sample.
const PIPELINES: [&str; 3] = ["hemmasittare", "dialog-mod-vold", "norrkoping"];

#[test]
fn what_is_broken_or_duplicated_is_quarantined_and_nothing_else() {
    let mut n_files = 0;
    for (contract, files) in contracts() {
        let report = read(&contract, &files);
        for (file, delivery) in files.iter().zip(&report.deliveries) {
            let n_broken: u64 = file.n_broken.values().sum();
            assert_eq!(delivery.n_rows, file.n_rows, "{}", file.file);
            assert_eq!(
                delivery.n_quarantined,
                n_broken + file.n_duplicated,
                "{}",
                file.file
            );
            n_files += 1;
        }
    }
    assert!(n_files >= 12);
}

#[test]
fn revised_rows_and_only_those_are_superseded() {
    for (contract, files) in contracts() {
        let report = read(&contract, &files);
        for (file, delivery) in files.iter().zip(&report.deliveries) {
            if contract.name() != "persons" {
                assert_eq!(delivery.n_superseded, file.n_revised, "{}", file.file);
            }
        }
    }
}

#[test]
fn values_missing_are_counted_as_missing() {
    for (contract, files) in contracts() {
        let report = read(&contract, &files);
        let n_missing: u64 = report.missing.iter().map(|missing| missing.n_rows).sum();
        let planted: u64 = files.iter().map(|file| file.n_missing).sum();
        // The code may stand in a row that a later delivery supersedes, and is then not in the table.
        assert!(
            n_missing <= planted && n_missing + 2 >= planted,
            "{}",
            contract.name()
        );
    }
}

/// The data contracts of the pipelines, each with the files of its extract.
fn contracts() -> Vec<(DataContract, Vec<FileTruth>)> {
    let truth = std::fs::read(root().join("sample-data/truth.json")).unwrap();
    let truth: Truth = serde_json::from_slice(&truth).unwrap();
    let mut contracts = Vec::new();
    for pipeline in PIPELINES {
        for entry in
            std::fs::read_dir(root().join("pipelines").join(pipeline).join("extracts")).unwrap()
        {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let contract =
                DataContract::from_toml(&name, &std::fs::read_to_string(&path).unwrap()).unwrap();
            let files = truth
                .files
                .iter()
                .filter(|file| file.extract == contract.name())
                .cloned()
                .collect();
            contracts.push((contract, files));
        }
    }
    contracts
}

fn read(contract: &DataContract, files: &[FileTruth]) -> QualityReport {
    let deliveries: Vec<Delivery> = files
        .iter()
        .map(|file| Delivery {
            path: root().join("sample-data").join(&file.file),
            vintage: file.vintage,
            status: DeliveryStatus::Final,
            scope: DeliveryScope::Changes,
        })
        .collect();
    let folder = tempfile::tempdir().unwrap();
    ingest(contract, &deliveries, folder.path(), &Unwatched).unwrap()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
