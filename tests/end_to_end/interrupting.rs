//! Ctrl-C ends long work at its next safe point, with its own exit code and nothing half-written.

use std::process::{Command, Stdio};
use std::time::Duration;

use crate::harness::root;

#[test]
fn an_interrupted_simulation_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("extracts");
    let mut child = Command::new(env!("CARGO_BIN_EXE_utfall"))
        .arg("simulate")
        .arg(root().join("crates/utfall-simulate/specs/million.toml"))
        .arg("--to")
        .arg(&to)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // A million pupils take seconds; wait until their first file has been begun.
    while child.try_wait().unwrap().is_none() && !to.exists() {
        std::thread::sleep(Duration::from_millis(10));
    }
    let kill = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(kill.success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let left: Vec<_> = std::fs::read_dir(&to)
        .map(|entries| entries.flatten().collect())
        .unwrap_or_default();
    assert!(left.is_empty(), "{left:?}");
}
