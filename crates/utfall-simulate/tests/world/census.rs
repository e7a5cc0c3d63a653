//! The school census as shipped: made again to the byte, and its dirt found, all of it and no more.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use utfall_core::Unwatched;
use utfall_registry::{
    DataContract, Delivery, DeliveryScope, DeliveryStatus, QualityReport, judge, read,
};
use utfall_simulate::{CensusSpec, CensusTruth, simulate_school_census};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sample-data/england")
}

fn text(path: &str) -> String {
    std::fs::read_to_string(folder().join(path)).unwrap()
}

fn truth() -> CensusTruth {
    serde_json::from_str(&text("truth.json")).unwrap()
}

#[test]
fn the_shipped_census_is_made_again_to_the_byte() {
    let again = tempfile::tempdir().unwrap();
    let spec = CensusSpec::from_toml("census.toml", &text("census.toml")).unwrap();
    simulate_school_census(&spec, again.path()).unwrap();
    for file in ["pupils.csv", "absence.csv", "truth.json"] {
        let made = std::fs::read_to_string(again.path().join(file)).unwrap();
        assert!(made == text(file), "{file} differs");
    }
}

/// The quality report of each extract.
fn reports() -> BTreeMap<String, QualityReport> {
    let scratch = tempfile::tempdir().unwrap();
    let mut extracts = BTreeMap::new();
    for name in ["pupils", "absence"] {
        let contract = text(&format!("extracts/{name}.toml"));
        let code_file = |file: &str| Ok(text(&format!("extracts/{file}")));
        let contract = DataContract::from_toml_with(name, &contract, code_file).unwrap();
        let delivery = Delivery {
            path: folder().join(format!("{name}.csv")),
            vintage: "2024-08-01".parse().unwrap(),
            status: DeliveryStatus::Final,
            scope: DeliveryScope::Changes,
        };
        let folder = scratch.path().join(name).join("read");
        read(&contract, &[delivery], &folder, &Unwatched).unwrap();
        extracts.insert(name.to_owned(), (contract, folder));
    }
    let judge = |(name, (contract, folder)): (&String, &(DataContract, PathBuf))| {
        let report = judge(contract, folder, &extracts, &scratch.path().join(name)).unwrap();
        (name.clone(), report)
    };
    extracts.iter().map(judge).collect()
}

#[test]
fn every_kind_of_dirt_is_found_as_often_as_it_was_planted_and_no_other() {
    let reports = reports();
    assert!(reports["pupils"].rules.is_empty());
    let report = &reports["absence"];
    let found: BTreeMap<String, u64> = report
        .rules
        .iter()
        .map(|rule| (rule.id.clone(), rule.n_rows))
        .collect();
    assert_eq!(found, truth().dirt["absence"]);
    assert_eq!(report.exceeded().count(), 0);
    let mut missing: BTreeMap<String, u64> = BTreeMap::new();
    for met in &report.missing {
        *missing.entry(met.code.clone()).or_default() += met.n_rows;
    }
    assert_eq!(missing, truth().missing["absence"]);
}

#[test]
fn mentors_have_the_planted_effect() {
    let truth = truth();
    assert!((truth.effect_on_mentored + 0.05).abs() < 0.005, "{truth:?}");
    assert!(
        truth.n_mentored > 50
            && truth.n_persistently_absent["202324"] < truth.n_persistently_absent["202223"]
    );
}
