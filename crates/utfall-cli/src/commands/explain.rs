//! `utfall explain`

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use utfall_payment::{Contract, Decision, Language};
use utfall_verify::record::{CONTRACT, DECISION, EFFECTS, EffectsDocument, GradeRecord};

use crate::error::CliError;
use crate::exit::Code;
use crate::outcome;

/// Tell the decision in a bundle step by step, in sentences
///
/// First the rule of the contract in one sentence, then each step with its numbers, the distance to
/// every threshold, what nearby evidence would pay, and what each line came to.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
    utfall explain runs/norrkoping/bundle.zip
    utfall explain runs/norrkoping/bundle.zip --language sv
    utfall explain contract.toml --inputs inputs.toml")]
pub(crate) struct ExplainArgs {
    /// Bundle written by `utfall run`, the folder it was unpacked into, or an outcome contract (TOML)
    bundle: PathBuf,
    /// Inputs of a contract: names with { number = "…" }, { flag = … } or { text = "…" }
    #[arg(long, value_name = "TOML")]
    inputs: Option<PathBuf>,
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
    if outcome::is_contract(&args.bundle) {
        let given = outcome::from_files(&args.bundle, &args.inputs)?;
        given.check_supplied(&args.bundle)?;
        let decision = given.contract.evaluate(&given.inputs);
        return tell(&given.contract, &decision, args.language.into(), out);
    }
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
    tell(&contract, &decision, args.language.into(), out)?;
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

/// The rule in one sentence, then the decision step by step.
fn tell(
    contract: &Contract,
    decision: &Decision,
    language: Language,
    out: &mut dyn Write,
) -> Result<Code, CliError> {
    writeln!(out, "{}", contract.rule(language))?;
    for sentence in utfall_payment::explain(decision, language) {
        writeln!(out, "{sentence}")?;
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
