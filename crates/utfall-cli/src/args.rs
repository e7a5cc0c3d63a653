//! Arguments as typed.

use std::num::NonZeroUsize;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use utfall_registry::ENGINE_THREADS;

use crate::commands::{
    accounts::AccountsArgs, calibrate::CalibrateArgs, claim::ClaimArgs, contract::ContractArgs,
    design::DesignArgs, diff::DiffArgs, estimate::EstimateArgs, explain::ExplainArgs,
    fund::FundArgs, init::InitArgs, key::KeyArgs, ledger::LedgerArgs, lock::LockArgs,
    pseudonymise::PseudonymiseArgs, release::ReleaseArgs, run::RunArgs, sign::SignArgs,
    simulate::SimulateArgs, validate::ValidateArgs, verify::VerifyArgs, whatif::WhatifArgs,
};
use crate::error::CliError;
use crate::restart;

/// From registry extracts to a payment decision that anyone can re-check
#[derive(Debug, Parser)]
#[command(name = "utfall", version, after_help = EXIT_CODES, propagate_version = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) threads: Threads,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Init(InitArgs),
    Run(RunArgs),
    Validate(ValidateArgs),
    Verify(VerifyArgs),
    Lock(LockArgs),
    Key(KeyArgs),
    Sign(SignArgs),
    Ledger(LedgerArgs),
    Explain(ExplainArgs),
    Design(DesignArgs),
    Calibrate(CalibrateArgs),
    Estimate(EstimateArgs),
    Simulate(SimulateArgs),
    Claim(ClaimArgs),
    Accounts(AccountsArgs),
    Fund(FundArgs),
    Diff(DiffArgs),
    Pseudonymise(PseudonymiseArgs),
    Contract(ContractArgs),
    Whatif(WhatifArgs),
    Release(ReleaseArgs),
}

/// Threads to use; their number changes the speed and no result.
#[derive(Debug, ClapArgs)]
pub(crate) struct Threads {
    /// Threads to use [default: one for each core]; changes the speed and no result
    #[arg(long, global = true, value_name = "N")]
    threads: Option<NonZeroUsize>,
}

impl Threads {
    /// Sets the number of threads of our kernels and of the table engine.
    ///
    /// The engine takes its number from the environment when the program starts, so the program
    /// is started again in its own place with that number in it.
    pub(crate) fn apply(&self) -> Result<(), CliError> {
        let Some(n_threads) = self.threads else {
            return Ok(());
        };
        let wanted = n_threads.to_string();
        if std::env::var(ENGINE_THREADS).as_deref() != Ok(&wanted) {
            return Err(restart::with(ENGINE_THREADS, &wanted));
        }
        rayon::ThreadPoolBuilder::new()
            .num_threads(n_threads.get())
            .build_global()
            .map_err(|error| CliError::Internal(error.to_string()))
    }
}

/// Form of a result on standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Sentences and tables for people
    Text,
    /// One JSON document
    Json,
}

const EXIT_CODES: &str = "\
Exit codes:
    0  done (deciding to pay nothing is a result)
    1  checks failed: the balance gate, no overlap, or rules of a data contract (validate)
    2  usage, plan or contract
    3  an extract does not keep its data contract
    4  a release would disclose something, or is not approved
    5  verification failed: a bundle, a signature or a ledger
    6  another run holds the workspace
    7  not reproducible: the run made again from the data came to something else
   70  internal fault, or the machine's (a full disk)
  130  interrupted";
