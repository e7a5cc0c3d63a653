//! How a PostgreSQL server is reached, and when it is not.
//!
//! The connection is not encrypted: TLS is not built in. A server on another machine is reached through a tunnel
//! (`ssh -L`), or, on a network that may carry the data in the clear, by saying so with `sslmode=disable` in the URL.
//! A password stands in `PGPASSWORD`, `PGPASSFILE` or `~/.pgpass`, never in a URL, which is written into files.

mod password_file;

use std::str::FromStr;

use postgres::config::{Host, SslMode};
use postgres::{Client, Config, NoTls};

/// Folder in which a server on this machine has its socket.
const SOCKET_FOLDER: &str = "/var/run/postgresql";

/// Why a server is not reached.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The URL cannot be read.
    #[error("a URL that cannot be read, expected `postgresql://user@host:port/database`")]
    Url,
    /// The URL holds a password, which would then stand in a file.
    #[error(
        "a URL that holds a password; take it out and set PGPASSWORD, or keep it in a PGPASSFILE"
    )]
    Password,
    /// The data would cross a network in the clear.
    #[error(
        "a server on another machine, and TLS is not built in; reach it through a tunnel (`ssh -L`), or write \
         `?sslmode=disable` if the network may carry the data in the clear"
    )]
    InTheClear,
    /// The server did not let us in. Its own words may quote a value, so callers tell the cause by its kind alone.
    #[error("the server cannot be used")]
    Server(#[from] postgres::Error),
}

/// Reads the URL of a database.
///
/// # Errors
///
/// [`ConnectError::Url`], [`ConnectError::Password`].
pub fn read_url(url: &str) -> Result<Config, ConnectError> {
    let config = Config::from_str(url).map_err(|_| ConnectError::Url)?;
    if config.get_password().is_some() {
        return Err(ConnectError::Password);
    }
    Ok(config)
}

/// Connects; what the URL leaves out is taken from the environment, as by PostgreSQL's own programs.
///
/// # Errors
///
/// [`ConnectError::InTheClear`], [`ConnectError::Server`].
pub fn connect(config: &Config) -> Result<Client, ConnectError> {
    let mut config = config.clone();
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
        config.host(variable("PGHOST").as_deref().unwrap_or(SOCKET_FOLDER));
        if let Some(port) = variable("PGPORT").and_then(|port| port.parse().ok()) {
            config.port(port);
        }
    }
    if config.get_user().is_none()
        && let Some(user) = variable("PGUSER").or_else(|| variable("USER"))
    {
        config.user(&user);
    }
    if let Some(password) = variable("PGPASSWORD").or_else(|| password_file::password(&config)) {
        config.password(password);
    }
    if !is_local(&config) && config.get_ssl_mode() != SslMode::Disable {
        return Err(ConnectError::InTheClear);
    }
    config.ssl_mode(SslMode::Disable);
    Ok(config.connect(NoTls)?)
}

/// Whether a server is on this machine, so that nothing of what it sends leaves it.
fn is_local(config: &Config) -> bool {
    let is_local = |host: &Host| match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => matches!(name.as_str(), "localhost" | "127.0.0.1" | "::1"),
    };
    config.get_hosts().iter().all(is_local)
        && config
            .get_hostaddrs()
            .iter()
            .all(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use super::*;

    #[test]
    fn a_url_with_a_password_or_to_another_machine_is_refused() {
        let refused = |url: &str| {
            read_url(url)
                .and_then(|config| connect(&config))
                .err()
                .unwrap()
        };
        assert!(matches!(
            refused("postgresql://me@[/claims"),
            ConnectError::Url
        ));
        let secret = refused("postgresql://me:hemligt@localhost/claims");
        assert!(matches!(secret, ConnectError::Password));
        assert!(!format!("{secret} {secret:?}").contains("hemligt"));
        for away in ["db.example", "10.0.0.7", "localhost,db.example"] {
            let url = format!("postgresql://me@{away}/claims");
            assert!(matches!(refused(&url), ConnectError::InTheClear), "{url}");
        }
        let nobody = refused("postgresql://me@localhost:1/claims");
        assert!(matches!(nobody, ConnectError::Server(_)));
    }
}
