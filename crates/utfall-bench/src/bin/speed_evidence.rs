//! Time of evidence: appending to a ledger of a million entries with everything synced, a proof of
//! inclusion there, and the verification of a large bundle with its peak memory.
//!
//! An append writes three small files and syncs each and its folder, so its time is the disk's: the
//! last column says what one write with a sync takes there.

#![allow(clippy::print_stdout, reason = "a bench talks to a terminal")]

use std::error::Error;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Parser;
use utfall_evidence::json::Json;
use utfall_evidence::ledger::{Ledger, LedgerWriter};
use utfall_evidence::{Bundle, Files, MANIFEST, SEAL, SecretKey, Statement, TrustPolicy, inspect};
use utfall_verify::record::{LINEAGE, RO_CRATE};
use utfall_verify::{LedgerEntry, Question, metadata, verification};

/// Time of evidence
#[derive(Debug, Parser)]
struct Args {
    /// Entries of the ledger
    #[arg(long, default_value_t = 1_000_000)]
    entries: u64,
    /// Appends that are timed
    #[arg(long, default_value_t = 200)]
    appends: u64,
    /// A bundle of a run, filled up with files to the size below
    #[arg(long, default_value = "runs/hemmasittare/bundle.zip")]
    bundle: PathBuf,
    /// Files in the large bundle
    #[arg(long, default_value_t = 200)]
    files: usize,
    /// Megabytes in the large bundle
    #[arg(long, default_value_t = 100)]
    megabytes: usize,
    /// Where to write; a disk of the kind that will be used
    #[arg(long, default_value = "target")]
    folder: PathBuf,
}

fn main() -> Result<(), Box<dyn Error>> {
    let args = Args::parse();
    let folder = tempfile::tempdir_in(&args.folder)?;
    time_ledger(&args, folder.path())?;
    time_bundle(&args, folder.path())
}

fn key(name: &str) -> Result<SecretKey, Box<dyn Error>> {
    Ok(SecretKey::from_seed(name, &[7; 32])?)
}

fn entry(n: u64) -> Result<Vec<u8>, Box<dyn Error>> {
    let seal = utfall_files::Digest::sha256(&n.to_be_bytes());
    Ok(LedgerEntry::bundle(seal).to_bytes()?)
}

fn time_ledger(args: &Args, folder: &Path) -> Result<(), Box<dyn Error>> {
    let ledger = folder.join("ledger");
    let mut writer = LedgerWriter::create(&ledger, key("ledger.example")?)?;
    let added = (0..args.entries)
        .map(entry)
        .collect::<Result<Vec<_>, _>>()?;
    let start = Instant::now();
    writer.append(&added)?;
    println!(
        "{} entries at once: {:.2} s",
        args.entries,
        start.elapsed().as_secs_f64()
    );
    let mut appends = Vec::new();
    for n in args.entries..args.entries + args.appends {
        let entry = entry(n)?;
        let start = Instant::now();
        writer.append(&[entry])?;
        appends.push(start.elapsed().as_secs_f64() * 1e3);
    }
    drop(writer);
    let start = Instant::now();
    let writer = LedgerWriter::open(&ledger, key("ledger.example")?)?;
    println!(
        "opening for append: {:.2} ms",
        start.elapsed().as_secs_f64() * 1e3
    );
    drop(writer);
    report("append with sync", &mut appends);
    let mut syncs = Vec::new();
    for n in 0..50 {
        let start = Instant::now();
        utfall_files::write_whole(&folder.join(format!("probe-{n}")), b"x")?;
        syncs.push(start.elapsed().as_secs_f64() * 1e3);
    }
    report("one small file written and synced", &mut syncs);
    let opened = Ledger::open(&ledger, key("ledger.example")?.public())?;
    let mut proofs = Vec::new();
    for n in 0..500 {
        let index = n * (args.entries / 500);
        let start = Instant::now();
        let proof = opened.prove(index)?;
        proofs.push(start.elapsed().as_secs_f64() * 1e3);
        if !proof.shows(&entry(index)?) {
            return Err("a proof does not hold".into());
        }
    }
    report("proof of inclusion", &mut proofs);
    Ok(())
}

/// Median and 95th percentile in milliseconds.
fn report(what: &str, times: &mut [f64]) {
    times.sort_by(f64::total_cmp);
    let at = |share: usize| times[(times.len() - 1) * share / 100];
    println!(
        "{what}: median {:.3} ms, 95 % below {:.3} ms",
        at(50),
        at(95)
    );
}

fn time_bundle(args: &Args, folder: &Path) -> Result<(), Box<dyn Error>> {
    let path = folder.join("large.zip");
    enlarged(args)?.write(&path)?;
    let size = std::fs::metadata(&path)?.len();
    let mut ledger = LedgerWriter::create(&folder.join("small"), key("ledger.example")?)?;
    let mut bundle = Bundle::of_inspection(inspect(&path)?)?;
    bundle.sign(&key("eva")?)?;
    ledger.append(&[LedgerEntry::bundle(bundle.digest()).to_bytes()?])?;
    drop(ledger);
    let opened = Ledger::open_unchecked(&folder.join("small"))?;
    bundle.attach(
        "ledger/bundle.tlog-proof",
        opened.prove(0)?.to_text().into_bytes(),
    )?;
    bundle.write(&path)?;
    drop(bundle);
    let trust = policy()?;
    let on = "2026-07-01".parse()?;
    let before = peak_mebibytes();
    let start = Instant::now();
    let verified = verification(&inspect(&path)?, &Question::all(Some(&trust), on, None));
    let seconds = start.elapsed().as_secs_f64();
    let outcomes: Vec<String> = verified
        .levels
        .iter()
        .map(|one| format!("{} {}", one.level, one.outcome))
        .collect();
    println!(
        "verification of {} files, {} MB: {seconds:.2} s ({})",
        args.files,
        size / 1_000_000,
        outcomes.join(", ")
    );
    println!(
        "peak memory before {before} MiB (building the bundle), after {} MiB",
        peak_mebibytes()
    );
    println!(
        "the verifier alone: /usr/bin/time -v utfall verify {}",
        args.folder.join("large.zip").display()
    );
    std::fs::copy(&path, args.folder.join("large.zip"))?;
    Ok(())
}

/// A run's bundle with further files, sealed again.
fn enlarged(args: &Args) -> Result<Bundle, Box<dyn Error>> {
    let inspection = inspect(&args.bundle)?;
    let held = inspection.files.ok_or("the bundle cannot be read")?;
    let made_anew = [MANIFEST, SEAL, RO_CRATE, LINEAGE];
    let mut files = Files::new();
    for (name, bytes) in held.iter().filter(|(name, _)| !made_anew.contains(name)) {
        files.insert(name, bytes.to_vec())?;
    }
    let n_more = args.files.saturating_sub(files.len() + 6);
    for n in 0..n_more {
        let mut bytes = Vec::with_capacity(args.megabytes * 1_000_000 / n_more);
        while bytes.len() < args.megabytes * 1_000_000 / n_more {
            writeln!(bytes, "{n} {}", bytes.len())?;
        }
        files.insert(format!("tables/{n}.csv"), bytes)?;
    }
    for (name, bytes) in metadata(&files)?.into_iter().flatten() {
        files.insert(name, bytes)?;
    }
    let statement: Statement = inspection.statement.ok_or("the bundle has no statement")?;
    let predicate: Json = statement.predicate;
    Ok(Bundle::seal(files, &statement.predicate_type, predicate)?)
}

fn policy() -> Result<TrustPolicy, Box<dyn Error>> {
    let text = format!(
        "schema = \"utfall-trust/1\"\n[[key]]\nkey = \"{}\"\nholder = \"Eva\"\nrole = \"evaluator\"\n\
         from = \"2026-01-01\"\nuntil = \"2028-01-01\"\n[[require]]\nrole = \"evaluator\"\nholders = 1\n\
         [[ledger]]\nkey = \"{}\"\n",
        key("eva")?.public(),
        key("ledger.example")?.public()
    );
    Ok(toml::from_str(&text)?)
}

/// The largest memory this process has held, as the system counts it.
fn peak_mebibytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kibibytes = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    kibibytes.unwrap_or_default() / 1024
}
