//! `utfall fund`

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde::Serialize;
use utfall_accounts::{Department, Fund, FundDay};
use utfall_payment::Money;

use crate::error::CliError;
use crate::exit::Code;
use crate::table;

/// Show a municipal fund over time: balance, commitments, repayments by budget
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
    utfall fund crates/utfall-accounts/examples/fund/fund.toml
    utfall fund crates/utfall-accounts/examples/fund/fund.toml --format svg > fund.svg")]
pub(crate) struct FundArgs {
    /// The fund: its contracts, departments and movements
    fund: PathBuf,
    /// Form of the result
    #[arg(long, value_enum, default_value_t = FundFormat::Text)]
    format: FundFormat,
}

/// Form of a fund.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FundFormat {
    /// Tables for people
    Text,
    /// One JSON document
    Json,
    /// A picture of the balance over time
    Svg,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Document<'f> {
    name: &'f str,
    title: &'f str,
    days: &'f [FundDay],
    departments: &'f [Department],
    contracts: Vec<Contract<'f>>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Contract<'f> {
    name: &'f str,
    commitment: Money,
    paid: Money,
}

pub(crate) fn fund(args: &FundArgs, out: &mut dyn Write) -> Result<Code, CliError> {
    let text = utfall_files::read_text(&args.fund)?;
    let fund = Fund::from_toml(&text).map_err(|source| CliError::Fund {
        file: args.fund.clone(),
        source,
    })?;
    match args.format {
        FundFormat::Text => tables(&fund, out)?,
        FundFormat::Svg => out.write_all(fund.svg().as_bytes())?,
        FundFormat::Json => {
            let contracts = fund.contracts.iter();
            let document = Document {
                name: &fund.name,
                title: &fund.title,
                days: &fund.days,
                departments: &fund.departments,
                contracts: contracts
                    .map(|(name, commitment, paid)| Contract {
                        name,
                        commitment: *commitment,
                        paid: *paid,
                    })
                    .collect(),
            };
            let text = serde_json::to_string_pretty(&document)
                .map_err(|error| CliError::Internal(error.to_string()))?;
            writeln!(out, "{text}")?;
        }
    }
    Ok(Code::Done)
}

fn tables(fund: &Fund, out: &mut dyn Write) -> Result<(), CliError> {
    writeln!(out, "{}\n", fund.title)?;
    let days: Vec<Vec<String>> = fund
        .days
        .iter()
        .map(|day| {
            let amounts = [day.balance, day.committed, day.free, day.repaid];
            let mut row = vec![day.day.to_string()];
            row.extend(amounts.map(|money| money.to_string()));
            row
        })
        .collect();
    table::write(
        &["day", "balance", "committed", "free", "repaid"],
        &days,
        1,
        out,
    )?;
    let departments: Vec<Vec<String>> = fund
        .departments
        .iter()
        .map(|department| {
            vec![
                department.name.clone(),
                department.repaid.to_string(),
                department.expected.to_string(),
            ]
        })
        .collect();
    writeln!(out)?;
    table::write(
        &["budget", "repaid", "expected in all"],
        &departments,
        1,
        out,
    )?;
    let contracts: Vec<Vec<String>> = fund
        .contracts
        .iter()
        .map(|(name, commitment, paid)| {
            vec![name.clone(), paid.to_string(), commitment.to_string()]
        })
        .collect();
    writeln!(out)?;
    Ok(table::write(
        &["contract", "paid", "promised"],
        &contracts,
        1,
        out,
    )?)
}
