//! `utfall estimate`

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use utfall_disclosure::{Policy, Reason};
use utfall_registry::TextTable;
use utfall_request::{Cells, Files, Request, RequestError};

use crate::error::CliError;
use crate::exit::Code;

/// Estimate an effect on any CSV or Parquet file, from a request file or from options
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
    utfall estimate --request request.toml
    utfall estimate --request castle.toml --picture castle.html --disclosure public
    utfall estimate trial.csv --treatment arm --outcome score \\
        --estimator difference --estimand ate --standard-error hc2
    utfall estimate pupils.parquet --treatment offered --outcome grade --covariates age,sex \\
        --estimator interacted --estimand ate --standard-error cr2 --cluster school

With options, treated rows hold 1 and comparators 0 in the treatment column. Add --print-request to
see the request that the options stand for; a request file reaches every method.")]
pub(crate) struct EstimateArgs {
    /// What to estimate (TOML, or JSON by its ending); data files lie relative to it
    #[arg(long, value_name = "FILE", conflicts_with = "data")]
    request: Option<PathBuf>,
    /// Data file: CSV, or Parquet by its ending
    #[arg(required_unless_present = "request", requires_all = ["treatment", "outcome", "estimator", "estimand", "standard_error"])]
    data: Option<PathBuf>,
    #[command(flatten)]
    quick: QuickArgs,
    /// Draw an effect over time in this file: a page (.html), or the drawing alone (.svg)
    #[arg(long, value_name = "FILE", requires = "disclosure")]
    picture: Option<PathBuf>,
    /// What counts of persons the picture may tell: `acro` withholds what rests on fewer than 10,
    /// `public` is for data that are public already
    #[arg(long, value_enum, requires = "picture")]
    disclosure: Option<Disclosure>,
}

/// Which counts a picture may tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Disclosure {
    /// The thresholds of the ACRO tools
    Acro,
    /// Every count
    Public,
}

impl Disclosure {
    fn policy(self) -> Result<Policy, CliError> {
        match self {
            Self::Acro => Ok(Policy::acro()),
            Self::Public => Reason::try_from("the data are public".to_owned())
                .map(|reason| Policy::None { reason })
                .map_err(|error| CliError::Internal(error.to_string())),
        }
    }
}

/// A request in options.
#[derive(Debug, Args)]
struct QuickArgs {
    /// Column of the arms
    #[arg(long, value_name = "COLUMN", conflicts_with = "request")]
    treatment: Option<String>,
    /// Cell of treated rows in that column
    #[arg(long, value_name = "CELL", default_value = "1")]
    treated: String,
    /// Cell of comparator rows in that column
    #[arg(long, value_name = "CELL", default_value = "0")]
    comparator: String,
    /// Column of the outcome
    #[arg(long, value_name = "COLUMN", conflicts_with = "request")]
    outcome: Option<String>,
    /// Columns to adjust for, separated by commas; `column=value` for an indicator
    #[arg(
        long,
        value_name = "COLUMNS",
        value_delimiter = ',',
        conflicts_with = "request"
    )]
    covariates: Vec<String>,
    /// Procedure
    #[arg(long, value_enum, conflicts_with = "request")]
    estimator: Option<QuickEstimator>,
    /// Over whom the effect is averaged: ate, att or atc
    #[arg(long, conflicts_with = "request")]
    estimand: Option<String>,
    /// Standard error: classical, hc0 to hc4, cr0, cr1, cr1-stata, cr2, cr3
    #[arg(long, value_name = "KIND", conflicts_with = "request")]
    standard_error: Option<String>,
    /// Column of clusters, for a cr standard error
    #[arg(long, value_name = "COLUMN", conflicts_with = "request")]
    cluster: Option<String>,
    /// Confidence level
    #[arg(long, value_name = "FRACTION", default_value_t = 0.95)]
    level: f64,
    /// Print the request instead of its answer
    #[arg(long, conflicts_with = "request")]
    print_request: bool,
}

/// Procedures that options reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum QuickEstimator {
    /// Difference of mean outcomes
    Difference,
    /// Least squares on treatment and covariates
    Adjusted,
    /// Lin's adjustment: covariates' slopes by arm
    Interacted,
    /// Augmented inverse-probability weighting
    DoublyRobust,
}

pub(crate) fn estimate(args: &EstimateArgs, out: &mut dyn Write) -> Result<Code, CliError> {
    let (request, answer) = match (&args.request, &args.data) {
        (Some(request), _) => {
            let folder = request.parent().unwrap_or(Path::new(""));
            let files = Files::read_by(folder, &read);
            let request = Request::read(request)?;
            let answer = utfall_request::estimate_from(&request, &files)?;
            (request, answer)
        }
        (None, data) => {
            let request = args.quick.request(data.as_deref().unwrap_or(Path::new("")));
            let text = pretty(&request)?;
            if args.quick.print_request {
                writeln!(out, "{text}")?;
                return Ok(Code::Done);
            }
            let request = Request::from_json("the request of the options", &text)?;
            let files = Files::read_by(Path::new(""), &read);
            let answer = utfall_request::estimate_from(&request, &files)?;
            (request, answer)
        }
    };
    if let (Some(file), Some(disclosure)) = (&args.picture, args.disclosure) {
        let drawn = utfall_report::render_estimate(&request, &answer, &disclosure.policy()?)?;
        let is_svg = file.extension().is_some_and(|ending| ending == "svg");
        let text = if is_svg { drawn.svg } else { drawn.page };
        utfall_files::write_whole(file, text.as_bytes())?;
    }
    writeln!(out, "{}", pretty(&answer)?)?;
    Ok(Code::Done)
}

/// Reads Parquet by its ending, and else CSV.
fn read(path: &Path) -> Result<Cells, RequestError> {
    let ending = path.extension().unwrap_or_default().to_ascii_lowercase();
    if ending != "parquet" && ending != "pq" {
        return Cells::read_csv(path);
    }
    let table = TextTable::read_parquet(path).map_err(|error| RequestError::Unreadable {
        file: path.to_owned(),
        source: std::io::Error::other(error.to_string()),
    })?;
    Ok(Cells::of(table.header, table.rows))
}

fn pretty(value: &impl serde::Serialize) -> Result<String, CliError> {
    serde_json::to_string_pretty(value).map_err(|error| CliError::Internal(error.to_string()))
}

impl QuickArgs {
    /// The request that the options stand for.
    fn request(&self, data: &Path) -> Value {
        let treatment = json!({
            "column": self.treatment,
            "treated": self.treated,
            "comparator": self.comparator,
        });
        let mut request = json!({ "schema": "utfall-request/1", "data": data });
        let clusters: Vec<&String> = self.cluster.iter().collect();
        let mut inference = json!({
            "standard-error": self.standard_error,
            "degrees-of-freedom": self.degrees_of_freedom(),
            "confidence-level": self.level,
        });
        match self.estimator {
            Some(QuickEstimator::Interacted | QuickEstimator::DoublyRobust) => {
                let design = match self.estimator {
                    Some(QuickEstimator::Interacted) => "interacted",
                    _ => "doubly-robust",
                };
                if !clusters.is_empty() {
                    inference["cluster-by"] = json!(clusters);
                }
                request["trial"] = json!({
                    "treatment": treatment,
                    "estimand": self.estimand,
                    "outcome": self.outcome,
                    "design": { design: { "covariates": self.covariates } },
                    "inference": inference,
                });
            }
            _ => {
                let by_column = |column: &&String| json!({ "column": column });
                if !clusters.is_empty() {
                    inference["cluster-by"] = clusters.iter().map(by_column).collect();
                }
                let adjusted = self.estimator == Some(QuickEstimator::Adjusted);
                inference["estimator"] = json!(if adjusted {
                    "adjusted-difference"
                } else {
                    "unadjusted-difference"
                });
                inference["outcome"] = json!(self.outcome);
                if !self.covariates.is_empty() {
                    inference["adjust-for"] = json!(self.covariates);
                }
                request["treatment"] = treatment;
                request["estimand"] = json!(self.estimand);
                request["effect"] = inference;
            }
        }
        request
    }

    /// Those that go with the standard error: Welch's for a difference with hc2, Satterthwaite's for
    /// cr2 and cr3, clusters less one for other cr kinds, the normal for a doubly robust estimate,
    /// and else rows less coefficients.
    fn degrees_of_freedom(&self) -> &'static str {
        let kind = self.standard_error.as_deref().unwrap_or_default();
        match (self.estimator, kind) {
            (Some(QuickEstimator::DoublyRobust), _) => "normal",
            (Some(QuickEstimator::Difference), "hc2") => "welch",
            (_, "cr2" | "cr3") => "satterthwaite",
            (_, kind) if kind.starts_with("cr") => "clusters",
            _ => "residual",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        args: EstimateArgs,
    }

    fn answer(line: &[&str]) -> Result<Value, CliError> {
        let mut out = Vec::new();
        let line = Line::parse_from(std::iter::once(&"estimate").chain(line));
        estimate(&line.args, &mut out)?;
        Ok(serde_json::from_slice(&out).unwrap())
    }

    fn data(folder: &tempfile::TempDir) -> String {
        let mut text = "arm,y,x,place\n".to_owned();
        for i in 0..40 {
            let (arm, place) = (i % 2, i % 8);
            let y = f64::from(arm) * 2.0 + f64::from(i * 7 % 11) * 0.5;
            text.push_str(&format!("{arm},{y},{},{place}\n", i * 3 % 5));
        }
        let path = folder.path().join("units.csv");
        std::fs::write(&path, text).unwrap();
        path.to_string_lossy().into_owned()
    }

    #[test]
    fn options_stand_for_a_request_that_gives_the_same_answer() {
        let folder = tempfile::tempdir().unwrap();
        let file = data(&folder);
        for estimator in ["difference", "adjusted", "interacted", "doubly-robust"] {
            let mut line = vec![
                file.as_str(),
                "--treatment",
                "arm",
                "--outcome",
                "y",
                "--estimand",
                "ate",
                "--standard-error",
                "hc1",
                "--estimator",
                estimator,
            ];
            if estimator != "difference" {
                line.extend(["--covariates", "x"]);
            }
            let direct = answer(&line).unwrap();
            line.push("--print-request");
            let request = answer(&line).unwrap();
            let path = folder.path().join("request.json");
            std::fs::write(&path, request.to_string()).unwrap();
            let by_file = answer(&["--request", &path.to_string_lossy()]).unwrap();
            assert_eq!(direct, by_file, "{estimator}");
            assert!(direct["estimate"].as_f64().unwrap() > 1.0);
        }
    }

    #[test]
    fn clusters_need_a_standard_error_for_them() {
        let folder = tempfile::tempdir().unwrap();
        let file = data(&folder);
        let line = |kind| {
            vec![
                file.clone(),
                "--treatment".into(),
                "arm".into(),
                "--outcome".into(),
                "y".into(),
                "--estimand".into(),
                "ate".into(),
                "--estimator".into(),
                "difference".into(),
                "--cluster".into(),
                "place".into(),
                "--standard-error".into(),
                kind,
            ]
        };
        let run = |kind: &str| {
            let line: Vec<String> = line(kind.to_owned());
            answer(&line.iter().map(String::as_str).collect::<Vec<_>>())
        };
        assert_eq!(run("cr2").unwrap()["n_clusters"], 8);
        assert!(matches!(run("hc2"), Err(CliError::Request(_))));
    }

    #[test]
    fn an_answer_is_drawn_as_a_page_or_a_drawing_once_it_is_said_what_may_be_told() {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
        let example = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../utfall-request/examples/castle.toml"
        );
        let plain = answer(&["--request", example]).unwrap();
        for (name, start) in [("a.html", "<!DOCTYPE html>"), ("a.svg", "<svg ")] {
            let file = place(name);
            let line = [
                "--request",
                example,
                "--picture",
                &file,
                "--disclosure",
                "acro",
            ];
            assert_eq!(answer(&line).unwrap(), plain);
            assert!(std::fs::read_to_string(file).unwrap().starts_with(start));
        }
        let file = place("b.svg");
        let line = ["estimate", "--request", example, "--picture", &file];
        assert!(Line::try_parse_from(line).is_err());
        let units = data(&folder);
        let line = "--treatment arm --outcome y --estimand ate --standard-error hc2 --estimator difference";
        let mut line: Vec<&str> = line.split(' ').collect();
        line.extend(
            [&units, "--picture", &file, "--disclosure", "public"].map(|text| text as &str),
        );
        assert!(matches!(answer(&line), Err(CliError::Picture(_))));
        assert!(!Path::new(&file).exists());
    }
}
