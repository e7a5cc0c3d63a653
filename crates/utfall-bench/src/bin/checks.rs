//! Forty checks of twenty columns, beside DuckDB, Polars and Frictionless doing the same; and the
//! memory that a hundred million rows take.
//!
//! - `checks FOLDER` writes a delimited file of a million rows to FOLDER, checks it under a data
//!   contract, and has `scripts/checks.py` check it with each tool that Python has (`pip install
//!   duckdb polars frictionless`). Frictionless reads the first rows alone, and its time is scaled.
//! - `checks FOLDER --rows 100000000 --columns 5 --alone` shows the peak of memory at that size.
//!
//! The checks: each column's type (20), values required (8), smallest and largest values (4 + 4), code lists
//! (2), one date not before another (1) and the key (1).
//!
//! Machines differ and are shared: read the ratios and the growth, not the seconds.

#![allow(clippy::print_stdout, reason = "a bench talks to a terminal")]

use std::error::Error;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use clap::Parser;
use utfall_core::Unwatched;
use utfall_registry::{DataContract, Delivery, DeliveryScope, DeliveryStatus};

/// Forty checks of twenty columns, beside other tools
#[derive(Debug, Parser)]
struct Args {
    /// Folder for the file and what is made of it
    folder: PathBuf,
    /// Rows of the file
    #[arg(long, default_value_t = 1_000_000)]
    rows: u64,
    /// Columns of the file, at least 5
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(5..=20))]
    columns: u64,
    /// No other tool
    #[arg(long)]
    alone: bool,
    /// Times each tool is run, in turn
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// The project's top folder
    #[arg(long, default_value = ".")]
    root: PathBuf,
}

fn main() -> Result<(), Box<dyn Error>> {
    let args = Args::parse();
    std::fs::create_dir_all(&args.folder)?;
    let path = args.folder.join("checks.csv");
    if std::fs::metadata(&path).is_err() {
        write(&path, args.rows, args.columns)?;
    }
    let text = contract(args.columns);
    let contract = DataContract::from_toml("checks.toml", &text)?;
    let delivery = Delivery {
        path: path.clone(),
        vintage: "2024-12-31".parse()?,
        status: DeliveryStatus::Final,
        scope: DeliveryScope::Changes,
    };
    let tools: &[&str] = if args.alone {
        &[]
    } else {
        &["duckdb", "polars", "frictionless"]
    };
    for _ in 0..args.runs {
        let start = Instant::now();
        let report =
            utfall_registry::inspect(&contract, std::slice::from_ref(&delivery), &Unwatched)?;
        let ours = start.elapsed().as_secs_f64();
        let n_faults: u64 = report.rules.iter().map(|rule| rule.n_rows).sum();
        println!(
            "utfall        {ours:8.2} s  {n_faults} faults in {} rows, peak {} MiB",
            report.n_rows(),
            peak_mib()
        );
        for tool in tools {
            compare(&args, tool, &path, ours)?;
        }
    }
    Ok(())
}

/// Runs another tool on the file.
fn compare(args: &Args, tool: &str, path: &Path, ours: f64) -> Result<(), Box<dyn Error>> {
    let script = args.root.join("crates/utfall-bench/scripts/checks.py");
    let output = Command::new("python3")
        .arg(script)
        .arg(tool)
        .arg(path)
        .output()?;
    if !output.status.success() {
        println!(
            "{tool:<14}not run: {}",
            String::from_utf8_lossy(&output.stderr)
                .lines()
                .last()
                .unwrap_or_default()
        );
        return Ok(());
    }
    let text = String::from_utf8(output.stdout)?;
    let (seconds, faults) = text.trim().split_once(' ').ok_or("no seconds")?;
    let seconds: f64 = seconds.parse()?;
    println!(
        "{tool:<14}{seconds:8.2} s  {faults} faults; utfall takes {:.2} of its time",
        ours / seconds
    );
    Ok(())
}

/// The most memory this process has held, file pages of the system not counted.
fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or(0) / 1024
}

/// One row in a thousand breaks a rule.
fn write(path: &Path, n_rows: u64, n_columns: u64) -> Result<(), Box<dyn Error>> {
    let mut file = BufWriter::with_capacity(1 << 20, File::create(path)?);
    let names: Vec<String> = (0..n_columns).map(|column| format!("c{column}")).collect();
    writeln!(file, "{}", names.join(","))?;
    let mut line = String::new();
    for row in 0..n_rows {
        line.clear();
        // A step through all values without a pattern.
        let draw = row.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33;
        let wrong = row % 1000 == 7;
        write!(line, "P{row:09}")?;
        for column in 1..n_columns {
            line.push(',');
            let value = (draw >> (column % 16)) % 1000;
            match column % 5 {
                1 => write!(line, "{value}")?,
                2 => write!(line, "{value}.{:02}", value % 100)?,
                3 if wrong && column == 3 => line.push('Q'),
                3 => line.push(['A', 'B', 'C'][(value % 3) as usize]),
                4 => write!(
                    line,
                    "20{:02}-{:02}-{:02}",
                    10 + value % 10 + 10 * (column / 5),
                    1 + value % 12,
                    1 + value % 28
                )?,
                _ => write!(line, "t{value}")?,
            }
        }
        line.push('\n');
        file.write_all(line.as_bytes())?;
    }
    Ok(file.flush()?)
}

fn contract(n_columns: u64) -> String {
    let mut text = String::from(
        "schema = \"utfall-data-contract/1\"\nname = \"checks\"\ntitle = \"Checks\"\nformat = \"csv\"\nkey = [\"c0\"]\n\
         [dialect]\ndelimiter = \",\"\nquote = '\"'\nencoding = \"utf-8\"\ndecimal = \".\"\ndate = \"%Y-%m-%d\"\n",
    );
    for column in 0..n_columns {
        let required = if column < 8 { "required = true\n" } else { "" };
        let kind = match column % 5 {
            1 => "type = \"integer\"\nminimum = \"0\"\nmaximum = \"999\"\n",
            2 => "type = \"decimal\"\ndecimals = 2\n",
            3 if column < 10 => "type = \"code\"\ncodes = [\"A\", \"B\", \"C\"]\n",
            4 => "type = \"date\"\n",
            _ => "type = \"text\"\n",
        };
        text += &format!("[[column]]\nname = \"c{column}\"\n{kind}{required}");
    }
    if n_columns >= 10 {
        text += "[[rule]]\nkind = \"not-before\"\ncolumn = \"c9\"\nother = \"c4\"\n";
    }
    text
}
