//! `utfall explain`

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use utfall_payment::Decision;
use utfall_verify::record::{DECISION, EFFECTS, EffectsDocument, GradeRecord};

use crate::error::CliError;
use crate::exit::Code;

/// Tell the decision in a bundle step by step, in sentences
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
    utfall explain runs/norrkoping/bundle.zip")]
pub(crate) struct ExplainArgs {
    /// Bundle written by `utfall run`, or the folder it was unpacked into
    bundle: PathBuf,
}

pub(crate) fn explain(args: &ExplainArgs, out: &mut dyn Write) -> Result<Code, CliError> {
    let inspection = utfall_evidence::inspect(&args.bundle)?;
    let unusable = |what: &str| {
        CliError::Bundle(format!(
            "{}: {what}; `utfall verify` says where",
            args.bundle.display()
        ))
    };
    if !inspection.findings.is_empty() {
        return Err(unusable("it is not as it was sealed"));
    }
    let files = inspection
        .files
        .ok_or_else(|| unusable("it holds no files"))?;
    let bytes = files
        .get(DECISION)
        .ok_or_else(|| unusable("it holds no decision"))?;
    let decision: Decision = utfall_evidence::json::read_document(bytes)
        .map_err(|error| unusable(&error.to_string()))?;
    for sentence in utfall_payment::explain(&decision) {
        writeln!(out, "{sentence}")?;
    }
    let effects: Option<EffectsDocument> = files
        .get(EFFECTS)
        .and_then(|bytes| utfall_evidence::json::read_document(bytes).ok());
    for effect in effects.iter().flat_map(|document| &document.effects) {
        if let Some(grade) = &effect.grade {
            writeln!(out, "{}", evidence(&effect.title, grade))?;
        }
    }
    Ok(Code::Done)
}

/// What the estimate is worth as evidence, and why.
fn evidence(title: &str, grade: &GradeRecord) -> String {
    format!(
        "Evidence for “{title}”: Maryland {} of 5; in the style of the What Works Clearinghouse it {} its standards. Because {}.",
        grade.maryland,
        match grade.wwc.as_str() {
            "meets-without-reservations" => "meets, without reservations,",
            "meets-with-reservations" => "meets, with reservations,",
            _ => "does not meet",
        },
        grade.reasons.join("; ")
    )
}
