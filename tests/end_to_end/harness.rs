//! Runs the command in a scratch folder with a copy of a pipeline that a test may change.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

/// The project's top folder.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

/// Runs `utfall` with some arguments.
pub(crate) fn utfall<S: AsRef<std::ffi::OsStr>>(args: &[S]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_utfall"))
        .args(args)
        .output()
        .unwrap()
}

/// What a command wrote to standard error, and to standard output.
pub(crate) fn texts(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (text(&output.stderr), text(&output.stdout))
}

/// A copy of a shipped pipeline and its data, to run and to spoil.
pub(crate) struct Scratch {
    folder: TempDir,
}

impl Scratch {
    /// Copies a pipeline and the extracts its site file names.
    pub(crate) fn copy_of(pipeline: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let scratch = Self { folder };
        copy(
            &root().join("pipelines").join(pipeline),
            &scratch.pipeline(),
        );
        let site: toml::Table = std::fs::read_to_string(scratch.site())
            .unwrap()
            .parse()
            .unwrap();
        let data = root()
            .join("pipelines")
            .join(pipeline)
            .join(site["data"].as_str().unwrap());
        std::fs::create_dir_all(scratch.data()).unwrap();
        for delivery in site["delivery"].as_array().unwrap() {
            let name = delivery["path"].as_str().unwrap();
            std::fs::copy(data.join(name), scratch.data().join(name)).unwrap();
        }
        if let Some(truth) = site.get("truth") {
            let name = truth["file"].as_str().unwrap();
            std::fs::copy(data.join(name), scratch.data().join(name)).unwrap();
        }
        scratch.edit("site.toml", site["data"].as_str().unwrap(), "../data");
        // One key for all workspaces of a test, so that their bundles have the same bytes.
        let key = "commitment-key = \"../commitment.key\"\ndata =";
        scratch.edit("site.toml", "data =", key);
        scratch
    }

    pub(crate) fn pipeline(&self) -> PathBuf {
        self.folder.path().join("pipeline")
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub(crate) fn site(&self) -> PathBuf {
        self.pipeline().join("site.toml")
    }

    pub(crate) fn workspace(&self) -> PathBuf {
        self.folder.path().join("workspace")
    }

    pub(crate) fn bundle(&self) -> PathBuf {
        self.workspace().join("bundle.zip")
    }

    /// Replaces a text that must be there in a file of the pipeline.
    pub(crate) fn edit(&self, file: &str, from: &str, to: &str) {
        let path = self.pipeline().join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{file} does not contain {from:?}");
        std::fs::write(&path, text.replacen(from, to, 1)).unwrap();
    }

    /// Takes the hand-made examples out of the plan of `hemmasittare`, for a test that changes a rule.
    pub(crate) fn without_examples(&self) {
        let path = self.pipeline().join("plan.toml");
        let plan = std::fs::read_to_string(&path).unwrap();
        let (before, examples) = plan.split_once("# Pupils who do not exist").unwrap();
        let (_, after) = examples.split_once("[[cohort.covariate]]").unwrap();
        std::fs::write(path, format!("{before}[[cohort.covariate]]{after}")).unwrap();
    }

    /// Rewrites the lines of a CSV extract, as bytes, header included.
    pub(crate) fn rewrite(&self, file: &str, change: impl FnOnce(Vec<Vec<u8>>) -> Vec<Vec<u8>>) {
        let path = self.data().join(file);
        let bytes = std::fs::read(&path).unwrap();
        let mut lines: Vec<Vec<u8>> = bytes
            .split(|&byte| byte == b'\n')
            .map(<[u8]>::to_vec)
            .collect();
        if lines.last().is_some_and(Vec::is_empty) {
            lines.pop();
        }
        let mut bytes = change(lines).join(&b'\n');
        bytes.push(b'\n');
        std::fs::write(&path, bytes).unwrap();
    }

    /// Runs the pipeline with further arguments.
    pub(crate) fn run(&self, further: &[&str]) -> Output {
        let mut args = vec![
            "run".to_owned(),
            self.pipeline().display().to_string(),
            "--workspace".to_owned(),
            self.workspace().display().to_string(),
        ];
        args.extend(further.iter().map(|&arg| arg.to_owned()));
        utfall(&args)
    }

    /// Runs the pipeline, expects it to succeed and returns what `run.json` says.
    pub(crate) fn run_well(&self, further: &[&str]) -> Value {
        self.run_with_code(0, further)
    }

    /// Runs a pipeline whose balance gate does not let its groups through: the run is whole, and says so
    /// with its exit code.
    pub(crate) fn run_beyond_its_gate(&self, further: &[&str]) -> Value {
        self.run_with_code(1, further)
    }

    fn run_with_code(&self, code: i32, further: &[&str]) -> Value {
        let output = self.run(further);
        let (errors, _) = texts(&output);
        assert_eq!(output.status.code(), Some(code), "{errors}");
        json(&self.workspace().join("run.json"))
    }
}

/// A JSON file.
pub(crate) fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
