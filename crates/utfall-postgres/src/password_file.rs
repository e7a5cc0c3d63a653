//! Passwords in `PGPASSFILE`, or `.pgpass` in the home folder.

use std::path::PathBuf;

use postgres::Config;
use postgres::config::Host;

/// The password for a server: of lines of `host:port:database:user:password`, in which `*` stands for anything, the
/// first that fits.
pub(crate) fn password(config: &Config) -> Option<String> {
    let file = std::env::var_os("PGPASSFILE").map(PathBuf::from);
    let home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".pgpass"));
    let text = std::fs::read_to_string(file.or_else(home)?).ok()?;
    let host = match config.get_hosts().first() {
        Some(Host::Tcp(name)) => name.clone(),
        _ => "localhost".to_owned(),
    };
    let port = config.get_ports().first().copied().unwrap_or(5432);
    let user = config.get_user().unwrap_or_default();
    let sought = [
        host,
        port.to_string(),
        config.get_dbname().unwrap_or(user).to_owned(),
        user.to_owned(),
    ];
    text.lines().find_map(|line| password_of(line, &sought))
}

/// The password of a line if it is for what is sought.
fn password_of(line: &str, sought: &[String; 4]) -> Option<String> {
    let mut fields = vec![String::new()];
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        let last = fields.len() - 1;
        match character {
            '#' if line.starts_with('#') => return None,
            '\\' => fields[last].extend(characters.next()),
            ':' if fields.len() < 5 => fields.push(String::new()),
            _ => fields[last].push(character),
        }
    }
    let password = fields.pop().filter(|_| fields.len() == 4)?;
    let mut pairs = fields.iter().zip(sought);
    pairs
        .all(|(field, sought)| field == "*" || field == sought)
        .then_some(password)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_file_gives_the_first_line_that_fits() {
        let sought = ["localhost", "5432", "register", "reader"].map(str::to_owned);
        let password = |line: &str| password_of(line, &sought);
        assert_eq!(
            password("localhost:5432:register:reader:a\\:b:c"),
            Some("a:b:c".to_owned())
        );
        assert_eq!(password("*:*:*:reader:x"), Some("x".to_owned()));
        assert_eq!(password("*:*:*:writer:x"), None);
        assert_eq!(password("#*:*:*:*:x"), None);
        assert_eq!(password("*:*:reader:x"), None);
    }
}
