//! `utfall`: from registry extracts to a payment decision that anyone can re-check.
//!
//! Results go to standard output, all else to standard error. Each cause of failure has its own
//! exit code, listed in [`exit`].

mod args;
mod calibration_text;
mod clock;
mod commands;
mod design_text;
mod error;
mod exit;
mod interrupt;
mod outcome;
mod output;
mod progress;
mod restart;
mod results;
mod summary;
mod table;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Args, Command};

fn main() -> ExitCode {
    exit::silence_panics();
    let args = Args::parse();
    let outcome = std::panic::catch_unwind(|| dispatch(&args));
    match outcome {
        Ok(Ok(code)) => code.into(),
        Ok(Err(error)) if error.is_closed_pipe() => exit::Code::Done.into(),
        Ok(Err(error)) => {
            output::complain(&error);
            error.exit_code().into()
        }
        Err(_) => exit::Code::Internal.into(),
    }
}

fn dispatch(args: &Args) -> Result<exit::Code, error::CliError> {
    args.threads.apply()?;
    interrupt::listen()?;
    let out = &mut std::io::stdout().lock();
    match &args.command {
        Command::Init(args) => commands::init::init(args, out),
        Command::Run(args) => commands::run::run(args, out),
        Command::Validate(args) => commands::validate::validate(args, out),
        Command::Verify(args) => commands::verify::verify(args, out),
        Command::Lock(args) => commands::lock::lock(args, out),
        Command::Key(args) => commands::key::key(args, out),
        Command::Sign(args) => commands::sign::sign(args, out),
        Command::Ledger(args) => commands::ledger::ledger(args, out),
        Command::Explain(args) => commands::explain::explain(args, out),
        Command::Calibrate(args) => commands::calibrate::calibrate(args, out),
        Command::Design(args) => commands::design::design(args, out),
        Command::Estimate(args) => commands::estimate::estimate(args, out),
        Command::Claim(args) => commands::claim::claim(args, out),
        Command::Accounts(args) => commands::accounts::accounts(args, out),
        Command::Fund(args) => commands::fund::fund(args, out),
        Command::Diff(args) => commands::diff::diff(args, out),
        Command::Pseudonymise(args) => commands::pseudonymise::pseudonymise(args, out),
        Command::Simulate(args) => commands::simulate::simulate(args, out),
        Command::Contract(args) => commands::contract::contract(args, out),
        Command::Whatif(args) => commands::whatif::whatif(args, out),
        Command::Release(args) => commands::release::release(args, out),
    }
}
