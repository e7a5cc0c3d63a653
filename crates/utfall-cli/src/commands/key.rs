//! `utfall key`

use std::io::Write;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use clap::{Args, Subcommand};
use utfall_evidence::{
    Endorsement, EndorsementError, PublicKey, Revocation, SecretKey, Standing, TrustPolicy,
    TrustedKey,
};
use utfall_files::FileError;

use crate::clock;
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
    utfall key rotate evaluator.key --to evaluator-2.key --role evaluator \\
        --from 2027-11-01 --until 2029-11-01
    utfall key trust trust.toml --endorsement evaluator-2.key.endorsement.json")]
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
    /// Print the half of a key that everyone may have, or what an endorsement says
    Show {
        /// A key file, secret or public, or an endorsement
        file: PathBuf,
    },
    /// Add a key to a trust policy, made if there is none
    Trust {
        /// The policy
        policy: PathBuf,
        #[command(flatten)]
        said: Option<Said>,
        /// Written by `utfall key rotate`: the key is taken in if the policy trusts the one that
        /// vouches for it, for the same holder and role
        #[arg(long, value_name = "FILE", conflicts_with = "Said")]
        endorsement: Option<PathBuf>,
        /// Day on which the key that vouches must count; today if not given
        #[arg(long, value_name = "DATE", requires = "endorsement")]
        on: Option<NaiveDate>,
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
    /// Make a new key in the place of one of yours, which vouches for it
    ///
    /// Writes the new key, FILE.pub, and FILE.endorsement.json, which both keys have signed. Give the
    /// endorsement to whoever trusts the old key, while it counts.
    Rotate {
        /// The file of the secret half of your key
        key: PathBuf,
        /// The file of the secret half of the new key
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
        /// Name of the new key; the one of the old key if not given
        #[arg(long)]
        name: Option<String>,
        /// What you sign as: the role that others trust the old key in
        #[arg(long)]
        role: String,
        /// First day on which the new key counts
        #[arg(long, value_name = "DATE")]
        from: NaiveDate,
        /// First day on which it counts no longer
        #[arg(long, value_name = "DATE")]
        until: NaiveDate,
    },
}

/// What is said of a key that is trusted.
#[derive(Debug, Args)]
struct Said {
    /// Public key: a file, or the line itself
    #[arg(long, required = false)]
    key: String,
    /// Who holds it, the same for all keys of one holder
    #[arg(long, required = false)]
    holder: String,
    /// What the holder signs as, such as evaluator, approver or cosigner
    #[arg(long, required = false)]
    role: String,
    /// First day on which it counts
    #[arg(long, value_name = "DATE", required = false)]
    from: NaiveDate,
    /// First day on which it counts no longer
    #[arg(long, value_name = "DATE", required = false)]
    until: NaiveDate,
}

pub(crate) fn key(args: &KeyArgs, out: &mut dyn Write) -> Result<Code, CliError> {
    match &args.action {
        Action::New { file, name } => write!(out, "{}", new(file, name)?.1)?,
        Action::Show { file } => show(file, out)?,
        Action::Trust {
            policy,
            said,
            endorsement,
            on,
        } => {
            let line = match (said, endorsement) {
                (Some(said), _) => Line::Key(said.trusted()?, None),
                (None, Some(path)) => endorsed(policy, path, on.unwrap_or_else(clock::today))?,
                (None, None) => {
                    let missing =
                        "neither --key, --holder, --role, --from and --until nor --endorsement";
                    return Err(CliError::Key(missing.to_owned()));
                }
            };
            extend(policy, &line, out)?;
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
            revoke(policy, revoked, out)?;
        }
        Action::Rotate {
            key,
            to,
            name,
            role,
            from,
            until,
        } => rotate(key, to, name.as_deref(), role, [*from, *until], out)?,
    }
    Ok(Code::Done)
}

/// Makes a key, and returns it with the line that everyone may have.
fn new(file: &Path, name: &str) -> Result<(SecretKey, String), CliError> {
    let key = SecretKey::create(file, name)?;
    let line = format!("{}\n", key.public());
    utfall_files::write_whole(&beside(file, ".pub"), line.as_bytes())?;
    Ok((key, line))
}

fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut path = file.to_owned().into_os_string();
    path.push(ending);
    path.into()
}

fn show(file: &Path, out: &mut dyn Write) -> Result<(), CliError> {
    let shown = file.display().to_string();
    if shown.ends_with(ENDORSEMENT) {
        return Ok(writeln!(out, "{}", read_endorsement(file)?)?);
    }
    Ok(writeln!(out, "{}", read_key(&shown)?)?)
}

fn rotate(
    old: &Path,
    to: &Path,
    name: Option<&str>,
    role: &str,
    days: [NaiveDate; 2],
    out: &mut dyn Write,
) -> Result<(), CliError> {
    let old = SecretKey::read(old)?;
    let [from, until] = days; // looked at before a file is made
    if from >= until {
        return Err(not_endorsed(
            to,
            &EndorsementError::NeverValid { from, until },
        ));
    }
    let (new, line) = new(to, name.unwrap_or_else(|| old.public().name()))?;
    let endorsement =
        Endorsement::sign(&old, &new, role, days).map_err(|error| not_endorsed(to, &error))?;
    let path = beside(to, ENDORSEMENT);
    utfall_files::write_whole(&path, &endorsement)?;
    Ok(writeln!(out, "{line}Endorsed in {}", path.display())?)
}

fn read_endorsement(path: &Path) -> Result<Endorsement, CliError> {
    let text = utfall_files::read_text(path)?;
    Endorsement::from_bytes(text.as_bytes()).map_err(|error| not_endorsed(path, &error))
}

/// The entry of a key that another vouches for.
fn endorsed(policy: &Path, path: &Path, on: NaiveDate) -> Result<Line, CliError> {
    let endorsement = read_endorsement(path)?;
    let trusted = read_policy(policy)?
        .endorsed(&endorsement, on)
        .map_err(|error| not_endorsed(path, &error))?;
    Ok(Line::Key(trusted, Some(endorsement.endorser().clone())))
}

fn not_endorsed(path: &Path, error: &EndorsementError) -> CliError {
    CliError::Key(format!("`{}`: {error}", path.display()))
}

impl Said {
    fn trusted(&self) -> Result<TrustedKey, CliError> {
        Ok(TrustedKey {
            key: read_key(&self.key)?,
            holder: self.holder.clone(),
            role: self.role.clone(),
            from: self.from,
            until: self.until,
        })
    }
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
    /// A key, and the one that vouched for it if one did.
    Key(TrustedKey, Option<PublicKey>),
    Revoked(Revocation),
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

/// Adds an entry at the end of a policy, whose comments stay; nothing is written unless the policy
/// still means one thing.
fn extend(path: &Path, line: &Line, out: &mut dyn Write) -> Result<(), CliError> {
    let mut text = match utfall_files::read_text(path) {
        Ok(text) => text,
        Err(FileError::NotFound { .. }) => NEW_POLICY.to_owned(),
        Err(error) => return Err(error.into()),
    };
    let (table, entry, endorser) = match line {
        Line::Key(key, endorser) => ("key", toml::to_string(key), endorser.as_ref()),
        Line::Revoked(revocation) => ("revoked", toml::to_string(revocation), None),
    };
    let entry = entry.map_err(|error| CliError::Internal(error.to_string()))?;
    let endorser = endorser.map(|key| format!("{ENDORSED_BY}{key}\n"));
    text.push_str(&format!(
        "\n{}[[{table}]]\n{entry}",
        endorser.unwrap_or_default()
    ));
    let policy = parse_policy(path, &text)?;
    utfall_files::write_whole(path, text.as_bytes())?;
    writeln!(out, "{}: {} keys", path.display(), policy.keys().len())?;
    Ok(())
}

/// Adds a revocation to a policy, and names the keys that go on counting by the word of the one revoked.
fn revoke(path: &Path, revoked: Revocation, out: &mut dyn Write) -> Result<(), CliError> {
    let (key, on) = (revoked.key.clone(), revoked.on);
    extend(path, &Line::Revoked(revoked), out)?;
    let text = utfall_files::read_text(path)?;
    let policy = parse_policy(path, &text)?;
    let vouched_for = endorsed_by(&text, &key);
    let counts = |known: &&TrustedKey| {
        let standing = policy.standing(&known.key, known.from.max(on));
        vouched_for.contains(&known.key) && matches!(standing, Standing::Counts(_))
    };
    let counting: Vec<&TrustedKey> = policy.keys().iter().filter(counts).collect();
    if !counting.is_empty() {
        writeln!(
            out,
            "Keys that it vouched for count on; revoke those that its holder did not make:"
        )?;
    }
    for known in counting {
        writeln!(out, "    {}", known.key)?;
    }
    Ok(())
}

/// The keys of a policy that a key vouched for, and those that these vouched for in turn, as the
/// policy tells above each of them.
fn endorsed_by(policy: &str, endorser: &PublicKey) -> Vec<PublicKey> {
    #[derive(serde::Deserialize)]
    struct Entry {
        key: PublicKey,
    }
    // An entry reaches from its comment to the next empty line or table.
    let entries = policy.split(ENDORSED_BY).skip(1).filter_map(|rest| {
        let (by, rest) = rest.split_once('\n')?;
        let entry = rest.trim_start().strip_prefix("[[key]]")?;
        let entry = entry.split("\n[[").next().unwrap_or(entry);
        let entry: Entry = toml::from_str(entry).ok()?;
        Some((by.trim().parse::<PublicKey>().ok()?, entry.key))
    });
    let entries: Vec<(PublicKey, PublicKey)> = entries.collect();
    let mut found = vec![endorser.clone()];
    let mut at = 0;
    while let Some(by) = found.get(at).cloned() {
        let new = entries.iter().filter(|(endorser, _)| *endorser == by);
        for (_, key) in new {
            if !found.contains(key) {
                found.push(key.clone());
            }
        }
        at += 1;
    }
    found.split_off(1)
}

/// What stands above a key of a policy, before the key that vouched for it.
const ENDORSED_BY: &str = "# Endorsed by ";

/// What the name of an endorsement ends with, after that of the key.
const ENDORSEMENT: &str = ".endorsement.json";

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
