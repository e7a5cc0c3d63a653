//! Killed, refused and crowded: runs and appends under faults of the machine.
//!
//! Faults are injected from outside by `strace` at the n-th system call of a kind, so that the
//! program under test is the one people use. Without `strace` (or where it may not trace) these
//! tests say so and do nothing; `.ci/run` installs it. A disk is filled in earnest: a small file
//! system in memory is mounted, which takes an administrator.
//!
//! A part of the places is tried, evenly spread; `UTFALL_FAULTS=1000` tries as many as there are.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use utfall_evidence::SecretKey;
use utfall_evidence::ledger::{Ledger, LedgerWriter};

use crate::harness::{Scratch, root, texts, utfall};

/// System calls through which files reach the disk and get their names.
const CALLS: [&str; 9] = [
    "openat",
    "write",
    "fsync",
    "rename",
    "renameat",
    "linkat",
    "mkdir",
    "unlink",
    "ftruncate",
];

/// System calls besides, at which a process may be killed: reading, closing, asking, mapping.
const QUIET_CALLS: [&str; 6] = ["read", "close", "statx", "lseek", "mmap", "munmap"];

/// System calls through which a claim store, which is an SQLite file, reaches the disk.
const STORE_CALLS: [&str; 6] = [
    "openat",
    "pwrite64",
    "fdatasync",
    "fsync",
    "ftruncate",
    "unlink",
];

/// A place for a fault: the n-th call of a kind.
type Place = (&'static str, usize);

/// What became of a command with a fault.
struct Faulted {
    output: Output,
    /// Whether the call that was struck concerned a file: others wake threads and fill pipes.
    concerned_a_file: bool,
}

/// Runs the command with a fault at a place.
fn with_fault(fault: &str, (call, n): Place, args: &[&str]) -> Faulted {
    let log = tempfile::NamedTempFile::new().unwrap();
    // Only the first thread is followed: calls are counted by thread, and others write to wake each
    // other, which is nothing that a full disk refuses. What waits for such a write waits for ever.
    let output = Command::new("timeout")
        .args(["--signal=KILL", "60", "strace"])
        .args(["-y", "--quiet=all", "-o"])
        .arg(log.path())
        .args(["-e", &format!("trace={call}")])
        .args(["-e", &format!("inject={call}:{fault}:when={n}")])
        .arg(env!("CARGO_BIN_EXE_utfall"))
        .args(args)
        .output()
        .unwrap();
    let text = std::fs::read_to_string(log.path()).unwrap();
    let mut struck = text.lines().filter(|line| line.contains("(INJECTED)"));
    Faulted {
        output,
        concerned_a_file: struck.all(|line| line.contains("</") && !line.contains("</dev/")),
    }
}

#[expect(clippy::print_stderr, reason = "a test that does nothing says so")]
fn say_skipped() {
    eprintln!("SKIPPED: strace is missing or may not trace here");
}

/// Every place for a fault in a command; none, said aloud, where nothing can be traced.
fn places(calls: &[&'static str], args: &[&str]) -> Vec<Place> {
    let log = tempfile::NamedTempFile::new().unwrap();
    let traced = Command::new("strace")
        .args(["-f", "--quiet=all", "-o"])
        .arg(log.path())
        .args(["-e", &format!("trace={}", calls.join(","))])
        .arg(env!("CARGO_BIN_EXE_utfall"))
        .args(args)
        .output();
    if !traced.is_ok_and(|output| output.status.success()) {
        say_skipped();
        return Vec::new();
    }
    // Calls are counted by thread, and the first makes nearly all.
    let text = std::fs::read_to_string(log.path()).unwrap();
    let first = text
        .split_whitespace()
        .next()
        .unwrap_or_default()
        .to_owned();
    let mut places = Vec::new();
    for call in calls {
        let is_call = |line: &&str| {
            let mut words = line.split_whitespace();
            words.next() == Some(&first)
                && words
                    .next()
                    .is_some_and(|word| word.starts_with(&format!("{call}(")))
        };
        let n = text.lines().filter(is_call).count();
        places.extend((1..=n).map(|n| (*call, n)));
    }
    places
}

/// As many of some places as asked for (`UTFALL_FAULTS`, a few otherwise), evenly spread.
fn sampled(places: &[Place]) -> impl Iterator<Item = Place> + '_ {
    let asked = std::env::var("UTFALL_FAULTS").ok();
    let asked: usize = asked.and_then(|n| n.parse().ok()).unwrap_or(25);
    let n = asked.min(places.len());
    (0..n).map(move |one| places[one * places.len() / n])
}

/// Every file under a folder that has its final name and is no lock.
fn finished(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            found.extend(finished(&path));
        } else if name != ".utfall.lock" && !name.ends_with(".utfall-unfinished") {
            let bytes = std::fs::read(&path).unwrap();
            found.push((path, bytes));
        }
    }
    found.sort();
    found
}

/// A prepared pipeline, the arguments of its run in a workspace of a name, and that workspace.
struct Job {
    scratch: Scratch,
    workspace: PathBuf,
}

impl Job {
    fn new() -> Self {
        let scratch = Scratch::copy_of("norrkoping");
        scratch.run_well(&[]); // makes the key of commitments
        let workspace = scratch.workspace();
        Self { scratch, workspace }
    }

    fn args(&self) -> Vec<String> {
        let path = |path: &Path| path.display().to_string();
        let (pipeline, workspace) = (path(&self.scratch.pipeline()), path(&self.workspace));
        [
            "run",
            &pipeline,
            "--workspace",
            &workspace,
            "--quiet",
            "--threads",
            "1",
        ]
        .map(str::to_owned)
        .into()
    }

    fn clear(&self) {
        std::fs::remove_dir_all(&self.workspace).unwrap();
    }
}

fn borrowed(args: &[String]) -> Vec<&str> {
    args.iter().map(String::as_str).collect()
}

/// The bytes of what a run ends with.
fn results(workspace: &Path) -> [Vec<u8>; 2] {
    ["bundle.zip", "report.html"].map(|name| std::fs::read(workspace.join(name)).unwrap())
}

/// Tries a fault at places of a run: nothing is half-written, and the run is resumed to the same
/// bytes. Returns how often the run ended early.
fn harms_nothing(job: &Job, fault: &str, calls: &[&'static str]) -> usize {
    let args = job.args();
    job.clear();
    let places = places(calls, &borrowed(&args));
    if places.is_empty() {
        return 0;
    }
    let expected = results(&job.workspace);
    let whole = finished(&job.workspace);
    let mut n_ended = 0;
    for place in sampled(&places) {
        job.clear();
        let faulted = with_fault(fault, place, &borrowed(&args));
        let (errors, _) = texts(&faulted.output);
        let code = faulted.output.status.code();
        n_ended += usize::from(code != Some(0));
        if faulted.concerned_a_file {
            let is_clear = !errors.contains("panicked") && !errors.contains("internal fault");
            assert!(is_clear, "{fault} at {place:?}: {errors}");
            let is_told = code == Some(0) || code.is_none() || errors.contains("utfall: ");
            assert!(is_told, "{fault} at {place:?}");
        }
        for (path, bytes) in finished(&job.workspace) {
            let same = whole
                .iter()
                .any(|(other, whole)| *other == path && *whole == bytes);
            assert!(
                same,
                "{fault} at {place:?}: {} is half-written",
                path.display()
            );
        }
        let resumed = utfall(&args);
        assert_eq!(resumed.status.code(), Some(0), "{}", texts(&resumed).0);
        assert_eq!(results(&job.workspace), expected, "{fault} at {place:?}");
    }
    assert!(n_ended > 0);
    n_ended
}

#[test]
fn a_run_killed_anywhere_is_resumed_to_the_same_bytes() {
    let calls = [CALLS.as_slice(), &QUIET_CALLS].concat();
    let n = harms_nothing(&Job::new(), "signal=SIGKILL", &calls);
    println!("killed {n} times");
}

#[test]
fn a_call_that_fails_is_a_clear_error_and_harms_nothing() {
    let job = Job::new();
    let n_full = harms_nothing(&job, "error=ENOSPC", &["write", "mkdir", "ftruncate"]);
    let n_refused = harms_nothing(
        &job,
        "error=EIO",
        &["fsync", "rename", "renameat", "linkat"],
    );
    println!("{n_full} writes, {n_refused} syncs and renames failed");
}

/// A file system in memory, of a size that can be raised. Taken down when dropped.
struct SmallDisk {
    at: tempfile::TempDir,
}

impl SmallDisk {
    /// A disk; none, said aloud, where nothing may be mounted.
    #[expect(clippy::print_stderr, reason = "a test that does nothing says so")]
    fn new() -> Option<Self> {
        let at = tempfile::tempdir().unwrap();
        let disk = Self { at };
        if !disk.mount("size=64k") {
            eprintln!("SKIPPED: no file system may be mounted here");
            return None;
        }
        Some(disk)
    }

    fn mount(&self, options: &str) -> bool {
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", options, "utfall-small"]);
        let output = mount.arg(self.at.path()).output();
        output.is_ok_and(|output| output.status.success())
    }

    fn resize(&self, kib: usize) {
        assert!(self.mount(&format!("remount,size={kib}k")));
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.at.path()).output();
    }
}

#[test]
fn a_disk_that_is_full_at_any_size_is_a_clear_error_and_harms_nothing() {
    let mut job = Job::new();
    let expected = results(&job.workspace);
    let whole = finished(&job.workspace);
    let n_bytes: usize = whole.iter().map(|(_, bytes)| bytes.len()).sum();
    let Some(disk) = SmallDisk::new() else {
        return;
    };
    let own = std::mem::replace(&mut job.workspace, disk.at.path().join("workspace"));
    let args = job.args();
    let mut n_full = 0;
    let sizes: Vec<usize> = (64..2 * n_bytes / 1024).step_by(32).collect();
    for &kib in &sizes {
        disk.resize(1 << 20);
        let _ = std::fs::remove_dir_all(&job.workspace);
        disk.resize(kib);
        let output = utfall(&args);
        let (errors, _) = texts(&output);
        if output.status.code() != Some(0) {
            n_full += 1;
            assert_eq!(output.status.code(), Some(70), "{kib} KiB: {errors}");
            assert!(errors.contains("the disk is full"), "{kib} KiB: {errors}");
            assert!(!errors.contains("panicked"), "{kib} KiB: {errors}");
        }
        for (path, bytes) in finished(&job.workspace) {
            let original = own.join(path.strip_prefix(&job.workspace).unwrap());
            let same = whole.contains(&(original, bytes));
            assert!(same, "{kib} KiB: {} is half-written", path.display());
        }
        disk.resize(1 << 20);
        assert_eq!(utfall(&args).status.code(), Some(0), "{kib} KiB");
        assert_eq!(results(&job.workspace), expected, "{kib} KiB");
    }
    assert!(0 < n_full && n_full < sizes.len());
    println!("the disk was full at {n_full} of {} sizes", sizes.len());
}

#[test]
fn an_append_killed_anywhere_leaves_a_ledger_that_verifies() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (key, ledger, bundle) = (path("ledger.key"), path("ledger"), path("bundle.zip"));
    let scratch = Scratch::copy_of("norrkoping");
    scratch.run_well(&[]);
    assert_eq!(
        utfall(&["key", "new", &key, "--name", "ledger"])
            .status
            .code(),
        Some(0)
    );
    // 255 entries, so that the next one fills a tile.
    let secret = SecretKey::read(Path::new(&key)).unwrap();
    let mut writer = LedgerWriter::create(Path::new(&ledger), secret).unwrap();
    let entries: Vec<_> = (0..255_u32).map(|n| n.to_be_bytes().to_vec()).collect();
    writer.append(&entries).unwrap();
    drop(writer);
    let before = finished(Path::new(&ledger));
    let public = SecretKey::read(Path::new(&key)).unwrap().public().clone();
    let earlier = Ledger::open(Path::new(&ledger), &public)
        .unwrap()
        .signed()
        .clone();
    let restore = || {
        let _ = std::fs::remove_dir_all(&ledger);
        for (path, bytes) in &before {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
        std::fs::copy(scratch.bundle(), &bundle).unwrap();
    };
    restore();
    let args = ["ledger", "append", &ledger, &bundle, "--key", &key];
    let places = places(&CALLS, &args);
    if places.is_empty() {
        return;
    }
    let expected = (
        finished(Path::new(&ledger)),
        std::fs::read(&bundle).unwrap(),
    );
    for fault in ["signal=SIGKILL", "error=EIO"] {
        for &place in &places {
            restore();
            with_fault(fault, place, &args);
            let opened = Ledger::open(Path::new(&ledger), &public).unwrap();
            assert_eq!(opened.check(), [], "{fault} at {place:?}");
            opened.compare(earlier.checkpoint()).unwrap();
            let again = utfall(&args);
            assert_eq!(again.status.code(), Some(0), "{}", texts(&again).0);
            let found = (
                finished(Path::new(&ledger)),
                std::fs::read(&bundle).unwrap(),
            );
            let ours = |files: &[(PathBuf, Vec<u8>)]| -> Vec<(PathBuf, Vec<u8>)> {
                // Partial tiles that nobody needs any more may have stayed.
                let files = files.iter();
                files
                    .filter(|(path, _)| !path.to_str().unwrap().contains(".p/"))
                    .cloned()
                    .collect()
            };
            assert_eq!(ours(&found.0), ours(&expected.0), "{fault} at {place:?}");
            assert_eq!(found.1, expected.1, "{fault} at {place:?}");
        }
    }
    println!("killed and failed at each of {} calls", places.len());
}

#[test]
fn a_change_of_a_claim_store_is_made_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let example = root().join("crates/utfall-claims/examples/rough-sleepers");
    let file = |name: &str| example.join(name).display().to_string();
    let store = folder.path().join("claims.db").display().to_string();
    let in_store = |action: &str, further: &[&str]| {
        let of = ["claim", action, &store, "--contract", "rough-sleepers"];
        of.iter()
            .chain(further)
            .map(|&word| word.to_owned())
            .collect::<Vec<_>>()
    };
    let well = |args: &[String]| {
        let output = utfall(args);
        assert_eq!(output.status.code(), Some(0), "{}", texts(&output).0);
        output.stdout
    };
    let [card, persons, spells, claims] =
        ["card.toml", "persons.csv", "spells.csv", "claims.csv"].map(file);
    well(&["claim", "init", &store, "--card", &card].map(str::to_owned));
    well(&in_store(
        "add",
        &["--persons", &persons, "--spells", &spells],
    ));
    let without = std::fs::read(&store).unwrap();
    let restore = || {
        for beside in ["-wal", "-shm", "-journal"] {
            let _ = std::fs::remove_file(format!("{store}{beside}"));
        }
        std::fs::write(&store, &without).unwrap();
    };
    let asked = || {
        let question = ["--as-of", "2018-12-31", "--group", "person"];
        well(&in_store("ask", &question))
    };
    let (add, none) = (in_store("add", &["--claims", &claims]), asked());
    let places = places(&STORE_CALLS, &borrowed(&add));
    if places.is_empty() {
        return;
    }
    let all = asked();
    assert_ne!(none, all);
    let mut n_tried = 0;
    for fault in ["signal=SIGKILL", "error=EIO", "error=ENOSPC"] {
        let is_kill = fault.starts_with("signal");
        // A program whose libraries cannot be opened is not yet ours.
        let ours = |&(call, _): &Place| is_kill || call != "openat";
        let ours: Vec<Place> = places.iter().copied().filter(ours).collect();
        for place in sampled(&ours) {
            n_tried += 1;
            restore();
            let faulted = with_fault(fault, place, &borrowed(&add));
            let (errors, _) = texts(&faulted.output);
            let code = faulted.output.status.code();
            let found = asked();
            let is_made = found == all;
            assert!(is_made || found == none, "{fault} at {place:?}");
            assert!(is_made || code != Some(0), "{fault} at {place:?}");
            if faulted.concerned_a_file {
                assert!(
                    !errors.contains("panicked"),
                    "{fault} at {place:?}: {errors}"
                );
                let is_told = is_kill || code == Some(0) || errors.contains("utfall: ");
                assert!(is_told, "{fault} at {place:?}: {errors}");
            }
            let again = utfall(&add).status.code();
            let expected = if is_made { Some(3) } else { Some(0) };
            assert_eq!(again, expected, "{fault} at {place:?}");
            assert_eq!(asked(), all, "{fault} at {place:?}");
        }
    }
    println!("{n_tried} faults at {} calls", places.len());
}

#[test]
fn of_eight_runs_at_once_one_is_at_work_and_those_asked_to_wait() {
    let job = Job::new();
    job.clear();
    let args = job.args();
    let run = |further: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_utfall"));
        command.args(&args).args(further).output().unwrap()
    };
    let codes = |further: &[&str]| {
        std::thread::scope(|scope| {
            let runs: Vec<_> = (0..8).map(|_| scope.spawn(|| run(further))).collect();
            let codes = runs
                .into_iter()
                .map(|run| run.join().unwrap().status.code());
            codes.collect::<Vec<_>>()
        })
    };
    let at_once = codes(&[]);
    assert!(at_once.contains(&Some(0)), "{at_once:?}");
    assert!(at_once.contains(&Some(6)), "{at_once:?}");
    assert!(at_once.iter().all(|code| [Some(0), Some(6)].contains(code)));
    job.clear();
    assert_eq!(codes(&["--wait"]), vec![Some(0); 8]);
}
