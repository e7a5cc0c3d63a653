//! A PostgreSQL server of Debian's packages, on a Unix socket in a folder of its own, for the tests of every crate that
//! reads from one.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Set where a missing server is a failure, as it is in continuous integration.
const REQUIRED: &str = "UTFALL_REQUIRE_POSTGRES";

/// A running server, stopped when dropped.
pub(crate) struct Server {
    folder: tempfile::TempDir,
    programs: PathBuf,
}

impl Server {
    /// Starts a server; `None` where none is installed and none is required.
    pub(crate) fn start() -> Option<Self> {
        let versions = std::fs::read_dir("/usr/lib/postgresql")
            .into_iter()
            .flatten();
        let programs = versions
            .map(|entry| entry.unwrap().path().join("bin"))
            .max();
        let Some(programs) = programs else {
            let required = std::env::var_os(REQUIRED).is_some();
            assert!(
                !required,
                "{REQUIRED} is set and PostgreSQL is not installed"
            );
            return None;
        };
        let folder = tempfile::Builder::new()
            .prefix("utfall-pg")
            .tempdir_in("/tmp")
            .unwrap();
        let all = std::os::unix::fs::PermissionsExt::from_mode(0o777);
        std::fs::set_permissions(folder.path(), all).unwrap();
        let server = Self { folder, programs };
        let (data, log) = (server.path("data"), server.path("log"));
        let socket = format!("-k {} -c listen_addresses='' -c fsync=off", server.path(""));
        let init = [
            "-D",
            &data,
            "-A",
            "trust",
            "-U",
            "owner",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
            "-N",
        ];
        as_postgres(&server.programs.join("initdb"), &init);
        let start = ["-D", &data, "-o", &socket, "-l", &log, "-w", "start"];
        as_postgres(&server.programs.join("pg_ctl"), &start);
        Some(server)
    }

    /// Its URL.
    pub(crate) fn place(&self) -> String {
        let folder = self.folder.path().display().to_string().replace('/', "%2F");
        format!("postgresql://owner@{folder}/postgres")
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let data = self.path("data");
        as_postgres(
            &self.programs.join("pg_ctl"),
            &["-D", &data, "-m", "immediate", "stop"],
        );
    }
}

/// Runs a program as the user that may run a server.
fn as_postgres(program: &Path, arguments: &[&str]) {
    let own = std::fs::metadata("/proc/self");
    let is_root = own.is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
    let mut command = if is_root {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    let output = command.args(arguments).current_dir("/").output().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{}: {complaint}",
        program.display()
    );
}
