//! Steps that run if and only if something they depend on changed, and say what it was.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use utfall_files::{Digest, FileError};

use crate::{RunError, RunWatch};

/// Everything a step's outputs depend on, each under a name people understand.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(transparent)]
pub struct StepKey(BTreeMap<String, String>);

impl StepKey {
    /// A key that depends on the code alone: any other build of the program is other code.
    #[must_use]
    pub fn of_code(code: &Digest) -> Self {
        Self::default().with("the program", code)
    }

    /// Adds something the step depends on.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl std::fmt::Display) -> Self {
        self.0.insert(name.to_owned(), value.to_string());
        self
    }

    /// Adds a part of the plan, by what it means.
    #[must_use]
    pub fn with_plan_part(self, name: &str, part: &impl Serialize) -> Self {
        // Every plan part came from TOML, whose values all have a JSON form.
        let bytes = serde_json::to_vec(part).unwrap_or_default();
        self.with(name, Digest::sha256(&bytes))
    }

    /// Why outputs made under `earlier` cannot serve now; `None` if they can.
    fn difference(&self, earlier: &Self) -> Option<String> {
        let changed = |name: &&String| earlier.0.get(*name) != self.0.get(*name);
        let names: Vec<&str> = self.0.keys().filter(changed).map(String::as_str).collect();
        let gone: Vec<&str> = earlier
            .0
            .keys()
            .filter(|name| !self.0.contains_key(*name))
            .map(String::as_str)
            .collect();
        match (names.as_slice(), gone.as_slice()) {
            ([], []) => None,
            ([], gone) => Some(format!("no longer depends on {}", gone.join(", "))),
            (names, _) => Some(format!("changed: {}", names.join(", "))),
        }
    }
}

/// What became of a step.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct StepReport {
    /// The step.
    pub step: String,
    /// Whether it ran.
    pub ran: bool,
    /// Why it ran, or why it did not need to.
    pub reason: String,
}

/// A finished step and the digests of its outputs, which later steps depend on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FinishedStep {
    /// What became of it.
    pub report: StepReport,
    /// BLAKE3 of each output, by name.
    pub outputs: BTreeMap<String, Digest>,
}

impl FinishedStep {
    /// A key part naming every output.
    #[must_use]
    pub fn digest(&self) -> String {
        let parts: Vec<String> = self.outputs.values().map(Digest::to_string).collect();
        parts.join(" ")
    }
}

/// What a finished step leaves beside its outputs.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Marker {
    key: StepKey,
    outputs: BTreeMap<String, OutputState>,
}

#[derive(Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct OutputState {
    bytes: u64,
    blake3: Digest,
}

/// One step of a run, in a folder of its own.
#[derive(Debug)]
pub struct Step<'a> {
    /// Name of the step.
    pub name: &'a str,
    /// Folder its outputs lie in.
    pub folder: &'a Path,
    /// What its outputs depend on.
    pub key: StepKey,
    /// Names of its outputs in the folder.
    pub outputs: &'a [&'a str],
}

impl Step<'_> {
    /// Runs `action` unless the outputs on disk were made from the same key and are still intact.
    ///
    /// The completion marker is removed first and written last, so an interrupted step is one that
    /// never finished.
    ///
    /// # Errors
    ///
    /// Whatever `action` returns, or [`RunError::File`].
    pub fn run(
        self,
        watch: &dyn RunWatch,
        action: impl FnOnce() -> Result<(), RunError>,
    ) -> Result<FinishedStep, RunError> {
        if watch.is_cancelled() {
            return Err(RunError::Cancelled);
        }
        watch.step_started(self.name);
        let finished = self.run_if_needed(action)?;
        watch.step_finished(&finished.report);
        Ok(finished)
    }

    fn run_if_needed(
        self,
        action: impl FnOnce() -> Result<(), RunError>,
    ) -> Result<FinishedStep, RunError> {
        let reason = match self.up_to_date() {
            Ok(outputs) => {
                return Ok(self.finished(
                    false,
                    "nothing it depends on changed".to_owned(),
                    &outputs,
                ));
            }
            Err(reason) => reason,
        };
        utfall_files::create_folder(self.folder)?;
        let marker = self.marker();
        remove_if_present(&marker)?;
        action()?;
        let state = Marker {
            key: self.key.clone(),
            outputs: self.states()?,
        };
        let bytes = serde_json::to_vec_pretty(&state)
            .map_err(|error| RunError::internal("a marker", error))?;
        utfall_files::write_whole(&marker, &bytes)?;
        Ok(self.finished(true, reason, &state.outputs))
    }

    fn marker(&self) -> PathBuf {
        self.folder
            .join(format!("{}.step.json", self.name.replace(' ', "-")))
    }

    fn finished(
        &self,
        ran: bool,
        reason: String,
        outputs: &BTreeMap<String, OutputState>,
    ) -> FinishedStep {
        let outputs = outputs
            .iter()
            .map(|(name, state)| (name.clone(), state.blake3))
            .collect();
        FinishedStep {
            report: StepReport {
                step: self.name.to_owned(),
                ran,
                reason,
            },
            outputs,
        }
    }

    /// The outputs if they can serve, otherwise why not.
    fn up_to_date(&self) -> Result<BTreeMap<String, OutputState>, String> {
        let Ok(bytes) = std::fs::read(self.marker()) else {
            return Err("first run".to_owned());
        };
        let Ok(marker) = serde_json::from_slice::<Marker>(&bytes) else {
            return Err("its marker is not readable".to_owned());
        };
        if let Some(difference) = self.key.difference(&marker.key) {
            return Err(difference);
        }
        for name in self.outputs {
            let intact = marker
                .outputs
                .get(*name)
                .is_some_and(|state| self.is_intact(name, state));
            if !intact {
                return Err(format!("its output {name} is missing or was altered"));
            }
        }
        Ok(marker.outputs)
    }

    fn is_intact(&self, name: &str, state: &OutputState) -> bool {
        let path = self.folder.join(name);
        std::fs::metadata(&path).is_ok_and(|metadata| metadata.len() == state.bytes)
            && Digest::blake3_of_file(&path).is_ok_and(|digest| digest == state.blake3)
    }

    fn states(&self) -> Result<BTreeMap<String, OutputState>, RunError> {
        let mut states = BTreeMap::new();
        for name in self.outputs {
            let path = self.folder.join(name);
            let bytes = std::fs::metadata(&path)
                .map_err(|source| FileError::at(&path, source))?
                .len();
            states.insert(
                (*name).to_owned(),
                OutputState {
                    bytes,
                    blake3: Digest::blake3_of_file(&path)?,
                },
            );
        }
        Ok(states)
    }
}

fn remove_if_present(path: &Path) -> Result<(), FileError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(FileError::at(path, error))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use utfall_core::Watch;

    use super::*;

    struct Nobody;

    impl Watch for Nobody {
        fn advance(&self, _done: u64, _total: u64) {}
        fn is_cancelled(&self) -> bool {
            false
        }
    }

    impl RunWatch for Nobody {
        fn step_started(&self, _step: &str) {}
        fn step_finished(&self, _report: &StepReport) {}
    }

    fn run(folder: &Path, key: &str) -> StepReport {
        let step = Step {
            name: "s",
            folder,
            key: StepKey::default().with("plan", key),
            outputs: &["out"],
        };
        step.run(&Nobody, || {
            Ok(utfall_files::write_whole(
                &folder.join("out"),
                key.as_bytes(),
            )?)
        })
        .unwrap()
        .report
    }

    #[test]
    fn a_step_runs_only_when_its_key_or_outputs_changed_and_says_why() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(run(folder.path(), "a").reason, "first run");
        assert!(!run(folder.path(), "a").ran);
        assert_eq!(run(folder.path(), "b").reason, "changed: plan");
        std::fs::write(folder.path().join("out"), "c").unwrap();
        assert_eq!(
            run(folder.path(), "b").reason,
            "its output out is missing or was altered"
        );
    }

    #[test]
    fn a_step_that_failed_is_one_that_never_finished() {
        let folder = tempfile::tempdir().unwrap();
        run(folder.path(), "a");
        let step = Step {
            name: "s",
            folder: folder.path(),
            key: StepKey::default().with("plan", "b"),
            outputs: &["out"],
        };
        assert!(step.run(&Nobody, || Err(RunError::Cancelled)).is_err());
        assert_eq!(run(folder.path(), "a").reason, "first run");
    }
}
