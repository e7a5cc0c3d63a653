//! Nothing is half-written.

use utfall_core::Watch;
use utfall_simulate::{SimulateError, simulate};

struct Stops;

impl Watch for Stops {
    fn advance(&self, _done: u64, _total: u64) {}

    fn is_cancelled(&self) -> bool {
        true
    }
}

#[test]
fn a_cancelled_simulation_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let error = simulate(&crate::made::spec(&[]), folder.path(), &Stops).unwrap_err();
    assert!(matches!(error, SimulateError::Cancelled));
    assert!(crate::made::bytes(folder.path()).is_empty());
}

#[test]
fn a_cancelled_simulation_leaves_earlier_results_intact() {
    let made = crate::made::make(&crate::made::spec(&[(
        "n-families = 3540",
        "n-families = 100",
    )]));
    let before = crate::made::bytes(made.folder.path());
    let _ = simulate(&crate::made::spec(&[]), made.folder.path(), &Stops).unwrap_err();
    assert_eq!(crate::made::bytes(made.folder.path()), before);
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = simulate(
        &crate::made::spec(&[]),
        &file.join("folder"),
        &utfall_core::Unwatched,
    )
    .unwrap_err();
    assert!(error.to_string().contains("file"), "{error}");
}

#[test]
fn an_empty_world_section_still_writes_its_headers() {
    let made = crate::made::make(&crate::made::spec(&[(
        "n-families = 3540",
        "n-families = 1",
    )]));
    let personer = std::fs::read(made.folder.path().join("personer_20251201.csv")).unwrap();
    assert!(personer.starts_with(b"LopNr;Familj;F\xf6delsedatum;K\xf6n"));
}
