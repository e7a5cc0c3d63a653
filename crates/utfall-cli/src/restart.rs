//! The program, started again in its own place with another environment.

use std::process::Command;

use crate::error::CliError;

/// Starts the program again with the same arguments and one environment variable set. Returns only
/// if that fails, or, where a process cannot be replaced, not at all: it ends with the new one's code.
pub(crate) fn with(name: &str, value: &str) -> CliError {
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(error) => return error.into(),
    };
    let mut command = Command::new(program);
    command.args(std::env::args_os().skip(1)).env(name, value);
    replace(&mut command)
}

#[cfg(unix)]
fn replace(command: &mut Command) -> CliError {
    use std::os::unix::process::CommandExt;
    command.exec().into()
}

#[cfg(not(unix))]
fn replace(command: &mut Command) -> CliError {
    match command.status() {
        Ok(status) => std::process::exit(status.code().unwrap_or(70)),
        Err(error) => error.into(),
    }
}
