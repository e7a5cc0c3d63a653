//! `utfall whatif`

use std::io::Write;
use std::path::PathBuf;

use chrono::NaiveDate;
use clap::Args;
use utfall_design::Whatif;
use utfall_payment::Input;
use utfall_verify::payments_by_specification;

use crate::args::Format;
use crate::error::CliError;
use crate::exit::Code;
use crate::outcome::{self, Outcome};

/// Tell what would be paid if an effect, a count, a number of the contract or a cap were another
///
/// Evaluates the contract exactly at evenly spaced values of one thing, all else unchanged. Where an
/// effect with a standard error is swept, its uncertainty is laid over the payments: the mean payment
/// and the probability of being paid over the distribution of the estimate. --windows pays on each
/// window and specification that the plan's specification curve estimated; figures of another
/// denominator are set with --set.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
    utfall whatif runs/hemmasittare/bundle.zip --sweep absence --from=-0.08 --to 0.02 --svg absence.svg
    utfall whatif runs/hemmasittare/bundle.zip --windows absence
    utfall whatif runs/norrkoping/bundle.zip --sweep capital --from 5000000 --to 20000000 --points 4
    utfall whatif contract.toml --inputs inputs.toml --sweep cap --from 0 --to 2000000 --format json
    utfall whatif contract.toml --inputs inputs.toml --set measured.persons=498 --sweep success --from 0 --to 1")]
pub(crate) struct WhatifArgs {
    /// Bundle written by `utfall run`, or an outcome contract (TOML)
    source: PathBuf,
    /// Inputs of the contract: names with { number = "…" }, { flag = … } or { text = "…" }
    #[arg(long, value_name = "TOML")]
    inputs: Option<PathBuf>,
    /// What moves: an effect, a number among the inputs, a constant, `cap` or LINE.cap
    #[arg(
        long,
        value_name = "NAME",
        requires_all = ["from", "to"],
        required_unless_present = "windows"
    )]
    sweep: Option<String>,
    /// Its first value
    #[arg(long, value_name = "NUMBER", allow_hyphen_values = true)]
    from: Option<String>,
    /// Its last value
    #[arg(long, value_name = "NUMBER", allow_hyphen_values = true)]
    to: Option<String>,
    /// Pay on each window and specification of an effect that the run estimated beside its own
    #[arg(long, value_name = "EFFECT", conflicts_with_all = ["sweep", "from", "to", "svg"])]
    windows: Option<String>,
    /// How many values, ends included
    #[arg(long, value_name = "N", default_value_t = 21)]
    points: usize,
    /// Another number for an input, before the sweep
    #[arg(long = "set", value_name = "NAME=NUMBER")]
    set: Vec<String>,
    /// Day on which the terms are read, for a contract with amendments
    #[arg(long, value_name = "DATE")]
    on: Option<NaiveDate>,
    /// Draw payment against what moves in this file
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Form of the result
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub(crate) fn whatif(args: &WhatifArgs, out: &mut dyn Write) -> Result<Code, CliError> {
    let mut given = if outcome::is_contract(&args.source) {
        outcome::from_files(&args.source, &args.inputs)?
    } else {
        outcome::from_bundle(&args.source)?
    };
    for set in &args.set {
        let (name, number) = set.split_once('=').ok_or_else(|| CliError::Inputs {
            what: set.clone(),
            message: "expected NAME=NUMBER".to_owned(),
        })?;
        let number = Input::Number(number.to_owned());
        given.inputs.insert(name.to_owned(), number);
    }
    if let Some(day) = args.on {
        given.contract = given.contract.on(day);
    }
    if outcome::is_contract(&args.source) {
        given.check_supplied(&args.source)?;
    }
    if let Some(effect) = &args.windows {
        return by_window(&given, effect, args.format, out);
    }
    let given_for = |text: &Option<String>| text.clone().unwrap_or_default(); // clap has asked for them
    let (sweep, from, to) = (
        given_for(&args.sweep),
        given_for(&args.from),
        given_for(&args.to),
    );
    let found = utfall_design::whatif(
        &given.contract,
        &given.inputs,
        &sweep,
        (&from, &to),
        args.points,
    )?;
    if let Some(file) = &args.svg {
        let drawing = utfall_report::render_whatif(&found);
        utfall_files::write_whole(file, drawing.as_bytes())?;
    }
    match args.format {
        Format::Text => table(&found, out)?,
        Format::Json => {
            let text = serde_json::to_string_pretty(&found)
                .map_err(|error| CliError::Internal(error.to_string()))?;
            writeln!(out, "{text}")?;
        }
    }
    Ok(Code::Done)
}

fn by_window(
    given: &Outcome,
    effect: &str,
    format: Format,
    out: &mut dyn Write,
) -> Result<Code, CliError> {
    let designs = given.designs.as_ref();
    let rows = designs.and_then(|designs| {
        payments_by_specification(&given.contract, &given.inputs, designs, effect)
    });
    let rows = rows.ok_or_else(|| CliError::Inputs {
        what: effect.to_owned(),
        message: "no specification curve was estimated of this effect; add [[sensitivity]] with `check = { kind = \"specification-curve\", windows = [...] }` to the plan, and give the bundle of its run".to_owned(),
    })?;
    if format == Format::Json {
        let text = serde_json::to_string_pretty(&rows)
            .map_err(|error| CliError::Internal(error.to_string()))?;
        writeln!(out, "{text}")?;
        return Ok(Code::Done);
    }
    writeln!(
        out,
        "{}, by {effect} as specified\n",
        given.contract.title()
    )?;
    for row in &rows {
        let (total, branch) = (row.total.to_string(), row.branch.to_string());
        writeln!(out, "  {total:>24}  {branch:<14}  {}", row.specification)?;
    }
    Ok(Code::Done)
}

fn table(found: &Whatif, out: &mut dyn Write) -> Result<(), CliError> {
    writeln!(out, "{}, by {}\n", found.contract, found.swept)?;
    let widest = found.points.iter().map(|point| point.at.len()).max();
    let width = widest.unwrap_or(0);
    for point in &found.points {
        let total = point.total.to_string();
        writeln!(out, "  {:>width$}  {total:>24}  {}", point.at, point.branch)?;
    }
    if let Some(over) = &found.uncertainty {
        writeln!(
            out,
            "\nOver the estimate {} with standard error {}: {} on average, and paid with probability {:.3}",
            over.point, over.standard_error, over.mean_payment, over.probability_paid
        )?;
    }
    Ok(())
}
