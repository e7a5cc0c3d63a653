//! `utfall key`

use std::io::Write;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use clap::{Args, Subcommand};
use utfall_evidence::{PublicKey, Revocation, SecretKey, TrustPolicy, TrustedKey};
use utfall_files::FileError;

use crate::error::CliError;
use crate::exit::Code;

/// Make keys to sign with, and say whose keys are trusted
///
/// A key is a file that only its owner may read, and a line that everyone may have. Whom a verifier
/// trusts stands in a policy file: keys with holder, role and time, and how many holders of each
/// role must sign.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
    utfall key new evaluator.key --name evaluator.example
    utfall key show evaluator.key
    utfall key trust trust.toml --key evaluator.key.pub --holder 'Evaluator AB' --role evaluator \\
        --from 2026-01-01 --until 2028-01-01
    utfall key revoke trust.toml --key evaluator.key.pub --on 2026-06-01 --reason 'laptop stolen'
    utfall key rotate trust.toml --key evaluator.key.pub --to evaluator-2.key.pub \\
        --on 2026-09-01 --until 2028-09-01")]
pub(crate) struct KeyArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a key in a new file, and FILE.pub with the half that everyone may have
    New {
        /// The file of the secret half
        file: PathBuf,
        /// Name of the key, such as a domain: letters, digits, `.`, `_`, `-`, `@` and `/`
        #[arg(long)]
        name: String,
    },
    /// Print the half of a key that everyone may have
    Show {
        /// A key file, secret or public
        file: PathBuf,
    },
    /// Add a key to a trust policy, made if there is none
    Trust {
        /// The policy
        policy: PathBuf,
        /// Public key: a file, or the line itself
        #[arg(long)]
        key: String,
        /// Who holds it, the same for all keys of one holder
        #[arg(long)]
        holder: String,
        /// What the holder signs as, such as evaluator, approver or cosigner
        #[arg(long)]
        role: String,
        /// First day on which it counts
        #[arg(long, value_name = "DATE")]
        from: NaiveDate,
        /// First day on which it counts no longer
        #[arg(long, value_name = "DATE")]
        until: NaiveDate,
    },
    /// Say that a key counts no longer
    Revoke {
        /// The policy
        policy: PathBuf,
        /// Public key: a file, or the line itself
        #[arg(long)]
        key: String,
        /// First day on which it counts no longer
        #[arg(long, value_name = "DATE")]
        on: NaiveDate,
        /// Why, for people
        #[arg(long)]
        reason: String,
    },
    /// Put a key in the place of another of the same holder and role
    Rotate {
        /// The policy
        policy: PathBuf,
        /// The key that counts no longer: a file, or the line itself
        #[arg(long)]
        key: String,
        /// The key in its place: a file, or the line itself
        #[arg(long)]
        to: String,
        /// The day of the change
        #[arg(long, value_name = "DATE")]
        on: NaiveDate,
        /// First day on which the new key counts no longer
        #[arg(long, value_name = "DATE")]
        until: NaiveDate,
    },
}

pub(crate) fn key(args: &KeyArgs, out: &mut dyn Write) -> Result<Code, CliError> {
    match &args.action {
        Action::New { file, name } => new(file, name, out)?,
        Action::Show { file } => writeln!(out, "{}", read_key(&file.display().to_string())?)?,
        Action::Trust {
            policy,
            key,
            holder,
            role,
            from,
            until,
        } => {
            let trusted = TrustedKey {
                key: read_key(key)?,
                holder: holder.clone(),
                role: role.clone(),
                from: *from,
                until: *until,
            };
            extend(policy, &[Line::Key(trusted)], out)?;
        }
        Action::Revoke {
            policy,
            key,
            on,
            reason,
        } => {
            let revoked = Revocation {
                key: read_key(key)?,
                on: *on,
                reason: reason.clone(),
            };
            extend(policy, &[Line::Revoked(revoked)], out)?;
        }
        Action::Rotate {
            policy,
            key,
            to,
            on,
            until,
        } => rotate(policy, &read_key(key)?, &read_key(to)?, *on, *until, out)?,
    }
    Ok(Code::Done)
}

fn new(file: &Path, name: &str, out: &mut dyn Write) -> Result<(), CliError> {
    let key = SecretKey::create(file, name)?;
    let mut public = file.to_owned().into_os_string();
    public.push(".pub");
    let line = format!("{}\n", key.public());
    utfall_files::write_whole(Path::new(&public), line.as_bytes())?;
    Ok(out.write_all(line.as_bytes())?)
}

/// A public key: a line, the file that holds one, or the file of its secret half.
pub(crate) fn read_key(text: &str) -> Result<PublicKey, CliError> {
    if let Ok(key) = text.trim().parse() {
        return Ok(key);
    }
    let path = Path::new(text);
    let held = utfall_files::read_text(path)?;
    match held.trim().parse() {
        Ok(key) => Ok(key),
        Err(error) if held.starts_with("PRIVATE+KEY+") => {
            let _: utfall_evidence::PublicKeyError = error; // the other half tells more
            Ok(SecretKey::read(path)?.public().clone())
        }
        Err(error) => Err(CliError::Key(format!("`{text}`: {error}"))),
    }
}

/// An entry of a policy.
enum Line {
    Key(TrustedKey),
    Revoked(Revocation),
}

fn rotate(
    path: &Path,
    old: &PublicKey,
    new: &PublicKey,
    on: NaiveDate,
    until: NaiveDate,
    out: &mut dyn Write,
) -> Result<(), CliError> {
    let policy = read_policy(path)?;
    let known = policy.keys().iter().find(|known| known.key == *old);
    let known = known.ok_or_else(|| {
        CliError::Key(format!(
            "the policy does not know {old}; `utfall key trust` adds a key"
        ))
    })?;
    let replacement = TrustedKey {
        key: new.clone(),
        from: on,
        until,
        ..known.clone()
    };
    let revoked = Revocation {
        key: old.clone(),
        on,
        reason: format!("replaced by {}", new.name()),
    };
    extend(path, &[Line::Key(replacement), Line::Revoked(revoked)], out)
}

/// Reads a trust policy.
pub(crate) fn read_policy(path: &Path) -> Result<TrustPolicy, CliError> {
    parse_policy(path, &utfall_files::read_text(path)?)
}

fn parse_policy(path: &Path, text: &str) -> Result<TrustPolicy, CliError> {
    toml::from_str(text).map_err(|error: toml::de::Error| {
        CliError::Key(format!(
            "`{}`: {}",
            path.display(),
            error.to_string().trim_end()
        ))
    })
}

/// Adds entries at the end of a policy, whose comments stay; nothing is written unless the policy
/// still means one thing.
fn extend(path: &Path, lines: &[Line], out: &mut dyn Write) -> Result<(), CliError> {
    let mut text = match utfall_files::read_text(path) {
        Ok(text) => text,
        Err(FileError::NotFound { .. }) => NEW_POLICY.to_owned(),
        Err(error) => return Err(error.into()),
    };
    for line in lines {
        let (table, entry) = match line {
            Line::Key(key) => ("key", toml::to_string(key)),
            Line::Revoked(revocation) => ("revoked", toml::to_string(revocation)),
        };
        let entry = entry.map_err(|error| CliError::Internal(error.to_string()))?;
        text.push_str(&format!("\n[[{table}]]\n{entry}"));
    }
    let policy = parse_policy(path, &text)?;
    utfall_files::write_whole(path, text.as_bytes())?;
    writeln!(out, "{}: {} keys", path.display(), policy.keys().len())?;
    Ok(())
}

const NEW_POLICY: &str = r#"# Whom we trust to sign, and who must have signed. Give it to `utfall verify --trust`.
schema = "utfall-trust/1"

# How many holders of each role must have signed a bundle:
#
#     [[require]]
#     role = "evaluator"
#     holders = 1
#
# A ledger whose checkpoints count, and how many holders of the role `cosigner` must have
# co-signed its state:
#
#     [[ledger]]
#     key = "NAME+HASH+KEY"
#     cosigners = 1
"#;
