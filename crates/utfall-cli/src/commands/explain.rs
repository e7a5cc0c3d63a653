//! `utfall explain`

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use utfall_payment::{Contract, Decision, Language};
use utfall_verify::record::{CONTRACT, DECISION, EFFECTS, EffectsDocument, GradeRecord};

use crate::error::CliError;
use crate::exit::Code;

/// Tell the decision in a bundle step by step, in sentences
///
/// First the rule of the contract in one sentence, then each step with its numbers, the distance to
/// every threshold, what nearby evidence would pay, and what each line came to.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
    utfall explain runs/norrkoping/bundle.zip
    utfall explain runs/norrkoping/bundle.zip --language sv")]
pub(crate) struct ExplainArgs {
    /// Bundle written by `utfall run`, or the folder it was unpacked into
    bundle: PathBuf,
    /// Language of the sentences
    #[arg(long, value_enum, default_value_t = Spoken::En)]
    language: Spoken,
}

/// A language, by its code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Spoken {
    /// English
    En,
    /// Swedish
    Sv,
    /// Danish
    Da,
}

impl From<Spoken> for Language {
    fn from(spoken: Spoken) -> Self {
        match spoken {
            Spoken::En => Self::English,
            Spoken::Sv => Self::Swedish,
            Spoken::Da => Self::Danish,
        }
    }
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
    let contract = files
        .get(CONTRACT)
        .and_then(|bytes| std::str::from_utf8(bytes).ok())
        .ok_or_else(|| unusable("it holds no contract"))?;
    let contract =
        Contract::from_toml(CONTRACT, contract).map_err(|error| unusable(&error.to_string()))?;
    let language = args.language.into();
    writeln!(out, "{}", contract.rule(language))?;
    for sentence in utfall_payment::explain(&decision, language) {
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
