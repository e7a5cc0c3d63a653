//! `utfall claim`

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use clap::{Args, Subcommand, ValueEnum};
use serde::Serialize;
use utfall_claims::published::{self, Metric, MetricFinding};
use utfall_claims::{
    Answer, ClaimStore, Direction, Event, EventKind, GroupBy, Question, RowsError, claim_rows,
    person_rows, reconcile, reference_counts, spell_rows, write_claims,
};
use utfall_core::Period;
use utfall_payment::Money;

use crate::args::Format;
use crate::error::CliError;
use crate::exit::Code;
use crate::table;

/// Keep, verify, count and price claims under a rate card
#[derive(Debug, Args)]
#[command(after_help = "\
STORE is the path of an SQLite file, or postgresql://user@host/database with PGPASSWORD set.

Examples:
    utfall claim init claims.db --card work.toml
    utfall claim add claims.db --contract work --persons persons.csv --spells spells.csv --claims claims.csv
    utfall claim verify claims.db --contract work --by payer --on 2025-01-31 --all
    utfall claim ask claims.db --contract work --as-of 2025-03-31 --from 2025-01-01 --group line --group reason
    utfall claim reconcile claims.db --contract work --as-of 2025-03-31 --counts register.csv
    utfall claim export claims.db --contract work --to indigo --as-of 2025-03-31
    utfall claim published metrics.csv --totals paid.csv")]
pub(crate) struct ClaimArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a store if there is none, and keep a contract's rate card in it
    Init {
        /// The store
        store: String,
        /// The rate card
        #[arg(long, value_name = "TOML")]
        card: PathBuf,
    },
    /// Add persons, spells and claims; of each file all rows are kept, or none
    Add {
        #[command(flatten)]
        of: Of,
        /// Persons: column person
        #[arg(long, value_name = "CSV")]
        persons: Option<PathBuf>,
        /// Spells: columns person, state, start, end
        #[arg(long, value_name = "CSV")]
        spells: Option<PathBuf>,
        /// Claims: columns id, person, line, achieved, submitted_by, submitted_on; and quantity, evidence, supersedes
        #[arg(long, value_name = "CSV")]
        claims: Option<PathBuf>,
    },
    /// Record that claims were verified by someone other than their author
    Verify {
        #[command(flatten)]
        of: Of,
        #[command(flatten)]
        event: Happening,
        /// Every claim that is neither verified nor withdrawn and that this party did not submit
        #[arg(long, conflicts_with = "claims")]
        all: bool,
    },
    /// Record that claims were withdrawn
    Withdraw {
        #[command(flatten)]
        of: Of,
        #[command(flatten)]
        event: Happening,
    },
    /// Answer one question about all claims: how many, for how many persons, what is due, and why not more
    Ask {
        #[command(flatten)]
        of: Of,
        #[command(flatten)]
        asked: Asked,
        /// Form of the answer
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Compare claims with counts from elsewhere, in both directions
    Reconcile {
        #[command(flatten)]
        of: Of,
        /// Day as known on which claims count
        #[arg(long, value_name = "DAY")]
        as_of: NaiveDate,
        /// Counts: columns line and count, or line, person and day
        #[arg(long, value_name = "CSV")]
        counts: PathBuf,
        /// Form of the result
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Write claims as CSV, or what is due by line in the fields of GO Lab's INDIGO data set
    Export {
        #[command(flatten)]
        of: Of,
        /// What to write
        #[arg(long, value_enum, default_value_t = To::Claims)]
        to: To,
        /// Day as known on which claims count (for indigo)
        #[arg(long, value_name = "DAY", required_if_eq("to", "indigo"))]
        as_of: Option<NaiveDate>,
        /// Metrics as planned, whose plans are carried over (for indigo)
        #[arg(long, value_name = "CSV")]
        planned: Option<PathBuf>,
    },
    /// Hold published payments against prices and counts, and replay them claim by claim
    Published {
        /// Metrics in the fields of INDIGO
        metrics: PathBuf,
        /// What projects were paid in all: columns project_id, project, currency, paid, and available
        #[arg(long, value_name = "CSV")]
        totals: Option<PathBuf>,
        /// Form of the result
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
}

/// A contract in a store.
#[derive(Debug, Args)]
struct Of {
    /// The store
    store: String,
    /// The contract, as its rate card is called
    #[arg(long)]
    contract: String,
}

#[derive(Debug, Args)]
struct Happening {
    /// Who
    #[arg(long)]
    by: String,
    /// When
    #[arg(long, value_name = "DAY")]
    on: NaiveDate,
    /// Why, in words that concern no person
    #[arg(long)]
    note: Option<String>,
    /// Names of claims
    claims: Vec<String>,
}

#[derive(Debug, Args)]
struct Asked {
    /// Day as known on which claims count
    #[arg(long, value_name = "DAY")]
    as_of: NaiveDate,
    /// Claims of this line
    #[arg(long)]
    line: Option<String>,
    /// Claims for this person
    #[arg(long)]
    person: Option<String>,
    /// Claims that this party submitted
    #[arg(long)]
    submitted_by: Option<String>,
    /// Milestones reached on this day or after
    #[arg(long, value_name = "DAY")]
    from: Option<NaiveDate>,
    /// Milestones reached before this day
    #[arg(long, value_name = "DAY")]
    to: Option<NaiveDate>,
    /// Claims that are due something, or nothing
    #[arg(long)]
    due: Option<bool>,
    /// Claims with evidence, or without
    #[arg(long)]
    evidence: Option<bool>,
    /// One row for each of these
    #[arg(long, value_enum)]
    group: Vec<Group>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Group {
    Line,
    Person,
    Month,
    Quarter,
    Year,
    SubmittedBy,
    Reason,
}

/// What is exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum To {
    /// Claims with what was decided about each
    Claims,
    /// Metrics with prices, results and payments
    Indigo,
}

pub(crate) fn claim(args: &ClaimArgs, out: &mut dyn Write) -> Result<Code, CliError> {
    match &args.action {
        Action::Init { store, card } => {
            let card = utfall_files::read_text(card)?;
            let card = ClaimStore::open(store)?.add_contract(&card)?;
            writeln!(
                out,
                "{}: {} lines, {} caps",
                card.name,
                card.lines.len(),
                card.caps.len()
            )?;
        }
        Action::Add {
            of,
            persons,
            spells,
            claims,
        } => {
            let mut store = ClaimStore::open(&of.store)?;
            if let Some(path) = persons {
                let rows = rows(path, person_rows)?;
                writeln!(
                    out,
                    "{} new persons",
                    in_file(path, store.add_persons(&of.contract, &rows))?
                )?;
            }
            if let Some(path) = spells {
                let rows = rows(path, spell_rows)?;
                writeln!(
                    out,
                    "{} spells",
                    in_file(path, store.add_spells(&of.contract, &rows))?
                )?;
            }
            if let Some(path) = claims {
                let rows = rows(path, claim_rows)?;
                writeln!(
                    out,
                    "{} claims",
                    in_file(path, store.add_claims(&of.contract, &rows))?
                )?;
            }
        }
        Action::Verify { of, event, all } => {
            let mut store = ClaimStore::open(&of.store)?;
            let mut names = event.claims.clone();
            if *all {
                let claims = store.claims(&of.contract)?.into_iter();
                let open = claims.filter(|claim| {
                    claim.verified.is_none() && !claim.withdrawn && claim.submitted_by != event.by
                });
                names.extend(
                    open.filter(|claim| claim.submitted_on <= event.on)
                        .map(|claim| claim.id),
                );
            }
            store.record(
                &of.contract,
                &event.events(names.clone(), EventKind::Verified),
            )?;
            writeln!(out, "{} claims verified", names.len())?;
        }
        Action::Withdraw { of, event } => {
            let events = event.events(event.claims.clone(), EventKind::Withdrawn);
            ClaimStore::open(&of.store)?.record(&of.contract, &events)?;
            writeln!(out, "{} claims withdrawn", events.len())?;
        }
        Action::Ask { of, asked, format } => {
            let (card, claims, evaluation) =
                ClaimStore::open(&of.store)?.evaluate(&of.contract, asked.as_of)?;
            let answer = asked.question().answer(&card, &claims, &evaluation);
            match format {
                Format::Text => answer_text(&answer, out)?,
                Format::Json => json(&answer, out)?,
            }
        }
        Action::Reconcile {
            of,
            as_of,
            counts,
            format,
        } => reconciliation(of, *as_of, counts, *format, out)?,
        Action::Export {
            of,
            to,
            as_of,
            planned,
        } => export(of, *to, *as_of, planned.as_deref(), out)?,
        Action::Published {
            metrics,
            totals,
            format,
        } => published_text(metrics, totals.as_deref(), *format, out)?,
    }
    Ok(Code::Done)
}

impl Happening {
    fn events(&self, claims: Vec<String>, kind: EventKind) -> Vec<Event> {
        let events = claims.into_iter().map(|claim| Event {
            claim,
            kind,
            by: self.by.clone(),
            on: self.on,
            note: self.note.clone(),
        });
        events.collect()
    }
}

impl Asked {
    fn question(&self) -> Question {
        let by = self.group.iter().map(|group| match group {
            Group::Line => GroupBy::Line,
            Group::Person => GroupBy::Person,
            Group::Month => GroupBy::Month,
            Group::Quarter => GroupBy::Quarter,
            Group::Year => GroupBy::Year,
            Group::SubmittedBy => GroupBy::SubmittedBy,
            Group::Reason => GroupBy::Reason,
        });
        Question {
            line: self.line.clone(),
            person: self.person.clone(),
            submitted_by: self.submitted_by.clone(),
            from: self.from,
            to: self.to,
            due: self.due,
            evidence: self.evidence,
            by: by.collect(),
        }
    }
}

fn answer_text(answer: &Answer, out: &mut dyn Write) -> Result<(), CliError> {
    let names: Vec<String> = answer
        .by
        .iter()
        .map(|by| format!("{by:?}").to_lowercase())
        .collect();
    let mut header: Vec<&str> = names.iter().map(String::as_str).collect();
    let n_left = header.len().max(1);
    if header.is_empty() {
        header.push("");
    }
    header.extend(["claims", "count", "persons", "due"]);
    let row = |name: Vec<String>, row: &utfall_claims::AnswerRow| {
        let counts = [row.n_claims, row.n_counted, row.n_persons].map(|count| count.to_string());
        let mut cells = name;
        cells.resize(n_left, String::new());
        cells.extend(counts);
        cells.push(row.due.to_string());
        cells
    };
    let mut rows: Vec<Vec<String>> = Vec::new();
    if !answer.by.is_empty() {
        rows.extend(
            answer
                .rows
                .iter()
                .map(|group| row(group.group.clone(), group)),
        );
    }
    rows.push(row(vec!["all".to_owned()], &answer.total));
    Ok(table::write(&header, &rows, n_left, out)?)
}

fn reconciliation(
    of: &Of,
    as_of: NaiveDate,
    counts: &Path,
    format: Format,
    out: &mut dyn Write,
) -> Result<(), CliError> {
    let (card, claims, evaluation) = ClaimStore::open(&of.store)?.evaluate(&of.contract, as_of)?;
    let text = utfall_files::read_whole(counts)?;
    let reference = reference_counts(&card, &text).map_err(|source| wrong_rows(counts, source))?;
    let differences = reconcile(&card, &claims, &evaluation, &reference);
    if format == Format::Json {
        return json(&differences, out);
    }
    let rows: Vec<Vec<String>> = differences
        .iter()
        .map(|difference| {
            vec![
                difference.line.clone(),
                direction(difference.direction).to_owned(),
                difference.n_claims.to_string(),
                difference.n_persons.to_string(),
                difference
                    .n_reference
                    .map_or("-".to_owned(), |count| count.to_string()),
                difference.only_claimed.len().to_string(),
                difference.only_in_reference.len().to_string(),
            ]
        })
        .collect();
    let header = [
        "line",
        "",
        "claims",
        "persons",
        "elsewhere",
        "only claimed",
        "only elsewhere",
    ];
    Ok(table::write(&header, &rows, 2, out)?)
}

fn direction(direction: Direction) -> &'static str {
    match direction {
        Direction::Agrees => "agrees",
        Direction::MoreClaimed => "more claimed",
        Direction::FewerClaimed => "fewer claimed",
        Direction::OtherPersons => "other persons",
        Direction::NotInReference => "not counted elsewhere",
    }
}

fn export(
    of: &Of,
    to: To,
    as_of: Option<NaiveDate>,
    planned: Option<&Path>,
    out: &mut dyn Write,
) -> Result<(), CliError> {
    let mut store = ClaimStore::open(&of.store)?;
    let Some(as_of) = as_of.filter(|_| to == To::Indigo) else {
        return Ok(write_claims(&store.claims(&of.contract)?, out)?);
    };
    let planned = match planned {
        None => Vec::new(),
        Some(path) => rows(path, published::metrics)?,
    };
    let (card, _, evaluation) = store.evaluate(&of.contract, as_of)?;
    let project_id = planned
        .first()
        .map_or(card.name.as_str(), |metric| &metric.project_id);
    let metrics = published::metrics_of(project_id, &card, &evaluation, &planned);
    Ok(published::write_metrics(&metrics, out)?)
}

/// A project as published: its lines, and its claims replayed.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Project {
    project_id: String,
    project: String,
    metrics: Vec<(String, MetricFinding)>,
    n_claims: usize,
    replayed: Money,
    paid: Option<Money>,
    same_total_as: Vec<String>,
}

fn published_text(
    path: &Path,
    totals: Option<&Path>,
    format: Format,
    out: &mut dyn Write,
) -> Result<(), CliError> {
    let metrics = rows(path, published::metrics)?;
    let totals = match totals {
        None => Vec::new(),
        Some(path) => rows(path, published::project_totals)?,
    };
    let findings = published::project_findings(&metrics, &totals);
    let mut projects: BTreeMap<&str, Vec<Metric>> = BTreeMap::new();
    for metric in &metrics {
        projects
            .entry(&metric.project_id)
            .or_default()
            .push(metric.clone());
    }
    let mut shown = Vec::new();
    for (id, metrics) in projects {
        let finding = findings.iter().find(|finding| finding.project_id == id);
        let replay = published::replay(&metrics, any_year()?, None)
            .map_err(|source| CliError::Claims(source.into()))?;
        shown.push(Project {
            project_id: id.to_owned(),
            project: metrics
                .first()
                .map(|metric| metric.project.clone())
                .unwrap_or_default(),
            n_claims: replay.claims.len(),
            replayed: replay.evaluation.total,
            paid: finding.map(|finding| finding.paid),
            same_total_as: finding
                .map(|finding| finding.same_total_as.clone())
                .unwrap_or_default(),
            metrics: metrics
                .iter()
                .map(|metric| (metric.metric.clone(), metric.finding()))
                .collect(),
        });
    }
    if format == Format::Json {
        return json(&shown, out);
    }
    for project in &shown {
        project_text(project, out)?;
    }
    Ok(())
}

fn project_text(project: &Project, out: &mut dyn Write) -> Result<(), CliError> {
    let exact = project
        .metrics
        .iter()
        .filter(|(_, finding)| *finding == MetricFinding::Exact)
        .count();
    writeln!(out, "{} ({})", project.project, project.project_id)?;
    writeln!(
        out,
        "  {} metrics, {exact} of them paid price times count; {} claims, worth {} without caps",
        project.metrics.len(),
        project.n_claims,
        project.replayed
    )?;
    for (metric, finding) in &project.metrics {
        match finding {
            MetricFinding::MoreThanCounted { units } => {
                writeln!(
                    out,
                    "  {metric}: more was paid than counted, {units} claims"
                )?;
            }
            MetricFinding::LessThanCounted { units } => {
                writeln!(
                    out,
                    "  {metric}: less was paid than counted, {units} claims"
                )?;
            }
            MetricFinding::NotWhole => {
                writeln!(out, "  {metric}: the payment is no whole number of units")?
            }
            MetricFinding::Exact | MetricFinding::Unknown => {}
        }
    }
    if let Some(paid) = project.paid {
        writeln!(out, "  paid: {paid}")?;
    }
    if !project.same_total_as.is_empty() {
        let others = project.same_total_as.join(", ");
        writeln!(
            out,
            "  look at this: the very same total is published for {others}, on other counts"
        )?;
    }
    Ok(())
}

/// Days over which published claims are spread: none are published, and none are shown.
fn any_year() -> Result<Period, CliError> {
    let day = |year| NaiveDate::from_ymd_opt(year, 1, 1);
    let (Some(start), Some(end)) = (day(2000), day(2001)) else {
        return Err(CliError::Internal("no such year".to_owned()));
    };
    Period::new(start, end).map_err(|error| CliError::Internal(error.to_string()))
}

/// Reads rows of a file, whose name an error then carries.
fn rows<T>(path: &Path, read: impl FnOnce(File) -> Result<T, RowsError>) -> Result<T, CliError> {
    let file = File::open(path).map_err(|source| utfall_files::FileError::at(path, source))?;
    read(file).map_err(|source| wrong_rows(path, source))
}

fn wrong_rows(path: &Path, source: RowsError) -> CliError {
    CliError::ClaimRows {
        file: path.to_owned(),
        source: source.into(),
    }
}

/// Names the file that rows came from.
fn in_file<T>(path: &Path, result: Result<T, utfall_claims::StoreError>) -> Result<T, CliError> {
    use utfall_claims::StoreError;
    result.map_err(|source| match source {
        StoreError::Rows(_) | StoreError::Identity { .. } => CliError::ClaimRows {
            file: path.to_owned(),
            source,
        },
        source => CliError::Claims(source),
    })
}

fn json(value: &impl Serialize, out: &mut dyn Write) -> Result<(), CliError> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|error| CliError::Internal(error.to_string()))?;
    Ok(writeln!(out, "{text}")?)
}
