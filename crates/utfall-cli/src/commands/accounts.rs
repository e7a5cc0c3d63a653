//! `utfall accounts`

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use utfall_accounts::{Journal, JournalError, PartyView, Position, read_events, seen_by};

use crate::args::Format;
use crate::error::CliError;
use crate::exit::Code;
use crate::table;

/// Keep the ledger of a contract's payments: requests, approvals, payments, investors
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
    utfall accounts init denver.jsonl --terms crates/utfall-accounts/examples/denver/terms.toml
    utfall accounts record denver.jsonl crates/utfall-accounts/examples/denver/events.toml
    utfall accounts show denver.jsonl
    utfall accounts entries denver.jsonl --as investors
    utfall accounts entries denver.jsonl --as investors --to investors.json")]
pub(crate) struct AccountsArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Begin a ledger
    Init {
        /// The ledger, a file of one entry a line
        ledger: PathBuf,
        /// The terms
        #[arg(long, value_name = "TOML")]
        terms: PathBuf,
    },
    /// Make events the next entries: all of them, or none
    Record {
        /// The ledger
        ledger: PathBuf,
        /// The events
        events: PathBuf,
    },
    /// Show where the contract stands: paid, due, held, investors' return, what is still expected
    Show {
        /// The ledger, each entry of which is checked
        ledger: PathBuf,
        /// Form of the result
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Show the entries that a party may see
    Entries {
        /// The ledger, each entry of which is checked
        ledger: PathBuf,
        /// The party
        #[arg(long = "as", value_name = "PARTY")]
        party: String,
        /// Write what the party sees as a JSON file of its own, which holds nothing else and can be sent
        #[arg(long, value_name = "FILE", conflicts_with = "format")]
        to: Option<PathBuf>,
        /// Form of the result
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
}

pub(crate) fn accounts(args: &AccountsArgs, out: &mut dyn Write) -> Result<Code, CliError> {
    match &args.action {
        Action::Init { ledger, terms } => {
            let journal = Journal::create(ledger, &utfall_files::read_text(terms)?)
                .map_err(|source| wrong(terms, source))?;
            let terms = journal.book().terms();
            writeln!(out, "{}: {} parties", terms.name, terms.party.len())?;
        }
        Action::Record { ledger, events } => {
            let text = utfall_files::read_text(events)?;
            let read = read_events(&text).map_err(|source| CliError::Events {
                file: events.clone(),
                source,
            })?;
            let n_events = read.len();
            let journal = Journal::record(ledger, read).map_err(|source| match source {
                JournalError::Event { .. } => wrong(events, source),
                source => wrong(ledger, source),
            })?;
            let n_entries = journal.book().entries().len();
            writeln!(out, "{n_events} entries more, {n_entries} in all")?;
        }
        Action::Show { ledger, format } => {
            let journal = Journal::open(ledger).map_err(|source| wrong(ledger, source))?;
            let position = journal.book().position();
            match format {
                Format::Text => show(&position, out)?,
                Format::Json => json(&position, out)?,
            }
        }
        Action::Entries {
            ledger,
            party,
            to,
            format,
        } => {
            let journal = Journal::open(ledger).map_err(|source| wrong(ledger, source))?;
            let unknown = |source| CliError::Events {
                file: ledger.clone(),
                source,
            };
            if let Some(file) = to {
                let view = PartyView::of(journal.book(), party).map_err(unknown)?;
                let mut text = Vec::new();
                json(&view, &mut text)?;
                utfall_files::write_whole(file, &text)?;
                return Ok(Code::Done);
            }
            let seen = seen_by(journal.book(), party).map_err(unknown)?;
            if *format == Format::Json {
                json(&seen, out)?;
                return Ok(Code::Done);
            }
            let terms = journal.book().terms();
            let mut rows = Vec::new();
            for entry in seen {
                let (number, day) = (entry.number.to_string(), entry.day.to_string());
                rows.push(vec![
                    number,
                    day,
                    format!("{} {}", entry.by, entry.what),
                    String::new(),
                ]);
                for posting in entry.postings {
                    let amount = terms.money(posting.minor_units).to_string();
                    rows.push(vec![
                        String::new(),
                        String::new(),
                        format!("  {}", posting.account),
                        amount,
                    ]);
                }
            }
            table::write(&["", "day", "entry", "amount"], &rows, 3, out)?;
        }
    }
    Ok(Code::Done)
}

fn wrong(file: &Path, source: JournalError) -> CliError {
    CliError::Accounts {
        file: file.to_owned(),
        source,
    }
}

fn show(position: &Position, out: &mut dyn Write) -> Result<(), CliError> {
    let mut rows = Vec::new();
    let mut row = |what: String, amount: String| rows.push(vec![what, amount]);
    for (component, due) in &position.components {
        row(format!("due for {component}"), due.to_string());
    }
    row("paid for outcomes".to_owned(), position.paid.to_string());
    for (payer, paid) in &position.payers {
        row(format!("  by {payer}"), paid.to_string());
    }
    for (provider, received) in &position.providers {
        row(format!("received by {provider}"), received.to_string());
    }
    row("held".to_owned(), position.held.to_string());
    for investor in &position.investors {
        row(
            format!("put up by {}", investor.name),
            investor.invested.to_string(),
        );
        row("  paid back".to_owned(), investor.repaid.to_string());
        row("  earned".to_owned(), investor.earned.to_string());
        if let Some(basis_points) = investor.return_basis_points {
            let sign = if basis_points < 0 { "-" } else { "" };
            let (whole, rest) = (basis_points.abs() / 100, basis_points.abs() % 100);
            row(
                "  return on capital".to_owned(),
                format!("{sign}{whole}.{rest:02} %"),
            );
        }
        if let Some(rate) = investor.internal_rate_of_return {
            row(
                "  internal rate of return, yearly".to_owned(),
                format!("{:.2} %", rate * 100.0),
            );
        }
    }
    for request in &position.open_requests {
        row(format!("open: {request}"), String::new());
    }
    for liability in &position.liabilities {
        row(
            format!("still expected by {}", liability.day),
            liability.outstanding.to_string(),
        );
    }
    Ok(table::write(
        &[position.contract.as_str(), ""],
        &rows,
        1,
        out,
    )?)
}

fn json(value: &impl serde::Serialize, out: &mut dyn Write) -> Result<(), CliError> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|error| CliError::Internal(error.to_string()))?;
    Ok(writeln!(out, "{text}")?)
}
