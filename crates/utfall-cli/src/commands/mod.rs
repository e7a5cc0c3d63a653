//! One module for each subcommand: it parses, calls a library and prints.

pub(crate) mod accounts;
pub(crate) mod calibrate;
pub(crate) mod claim;
pub(crate) mod contract;
pub(crate) mod design;
pub(crate) mod diff;
pub(crate) mod estimate;
pub(crate) mod explain;
pub(crate) mod fund;
pub(crate) mod init;
pub(crate) mod key;
pub(crate) mod ledger;
pub(crate) mod lock;
pub(crate) mod pseudonymise;
pub(crate) mod release;
pub(crate) mod run;
pub(crate) mod sign;
pub(crate) mod simulate;
pub(crate) mod validate;
pub(crate) mod verify;
pub(crate) mod whatif;
