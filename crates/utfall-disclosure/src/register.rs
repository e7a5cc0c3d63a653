//! What was released, why, and who agreed.
//!
//! A register is a folder: `register.json` lists every release, each with the digest of the one
//! before it, so that none can be taken out or changed unnoticed; `released` holds what left, and
//! `restricted` the true tables behind it, which later releases are attacked with.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utfall_files::{Digest, FileError, LockError, WorkspaceLock};

use crate::{
    Audit, DisclosureError, FormerRelease, Policy, Protection, ReleaseFolder, ReleasedSet, TableSet,
};

/// A folder of releases.
#[derive(Debug)]
pub struct ReleaseRegister {
    folder: PathBuf,
    entries: Vec<RegisterEntry>,
    former: Vec<FormerRelease>,
}

/// One release.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RegisterEntry {
    /// Its name, which is that of its file as well.
    pub name: String,
    /// Why it is released.
    pub justification: String,
    /// Who made it.
    pub author: String,
    /// Two others who agreed.
    pub reviewers: [String; 2],
    /// Day of the release, as it was given.
    pub date: chrono::NaiveDate,
    /// The policy.
    pub policy: Policy,
    /// What an attacker was left with.
    pub audit: Audit,
    /// SHA-256 of what was released.
    pub released: Digest,
    /// SHA-256 of the true tables.
    pub restricted: Digest,
    /// SHA-256 of the entry before; absent in the first.
    pub previous: Option<Digest>,
}

/// A register that this process alone adds to, until the value is dropped or the process ends.
#[derive(Debug)]
pub struct HeldRegister {
    register: ReleaseRegister,
    _lock: WorkspaceLock,
}

/// What a release needs beside its tables: a name, a reason, and two who agreed and are not its author.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    name: String,
    justification: String,
    author: String,
    reviewers: [String; 2],
    date: chrono::NaiveDate,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Written {
    schema: String,
    releases: Vec<RegisterEntry>,
}

const SCHEMA: &str = "utfall-release-register/1";
const REGISTER: &str = "register.json";
const RELEASED: &str = "released";
const RESTRICTED: &str = "restricted";

/// Why a register cannot be used, or a release not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegisterError {
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// Another process adds to the register.
    #[error(transparent)]
    Locked(#[from] LockError),
    /// The tables cannot be released.
    #[error(transparent)]
    Disclosure(#[from] DisclosureError),
    /// A release is not approved.
    #[error("the release is not approved: {what}")]
    NotApproved {
        /// What was found and what was expected.
        what: String,
    },
    /// There is a release of this name.
    #[error("there is a release named `{name}` already; choose another name")]
    NameTaken {
        /// The name.
        name: String,
    },
    /// The register is not as it was written.
    #[error("`{}` is not as it was written: {what}; restore it from where it is kept", path.display())]
    Altered {
        /// The file.
        path: PathBuf,
        /// What was found and what was expected.
        what: String,
    },
    /// A document cannot be written as JSON.
    #[error("a document cannot be written: {0}; this is a fault of utfall, please report it")]
    Unwritable(String),
}

impl ReleaseRegister {
    /// Reads a register and checks every digest in it; an absent folder is an empty register.
    ///
    /// # Errors
    ///
    /// [`RegisterError::Altered`] if a file is not the one an entry names, an entry does not follow
    /// from the one before, or a folder holds a file that no entry names.
    pub fn open(folder: &Path) -> Result<Self, RegisterError> {
        let mut register = Self {
            folder: folder.to_owned(),
            entries: Vec::new(),
            former: Vec::new(),
        };
        let path = folder.join(REGISTER);
        let written: Written = match utfall_files::read_whole(&path) {
            Err(FileError::NotFound { .. }) => Written {
                schema: SCHEMA.to_owned(),
                releases: Vec::new(),
            },
            Err(error) => return Err(error.into()),
            Ok(bytes) => parsed(&path, &bytes)?,
        };
        if written.schema != SCHEMA {
            return Err(altered(&path, format!("its schema is not `{SCHEMA}`")));
        }
        for entry in written.releases {
            register.check(&entry)?;
            register.entries.push(entry);
        }
        register.check_no_others()?;
        Ok(register)
    }

    /// A register of nothing, kept nowhere.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            folder: PathBuf::new(),
            entries: Vec::new(),
            former: Vec::new(),
        }
    }

    /// Every release, the first one first.
    #[must_use]
    pub fn entries(&self) -> &[RegisterEntry] {
        &self.entries
    }

    /// Protects tables beside everything released before.
    ///
    /// # Errors
    ///
    /// As [`TableSet::protect`].
    pub fn protect(
        &self,
        tables: &TableSet,
        policy: &Policy,
    ) -> Result<Protection, DisclosureError> {
        tables.protect(policy, &self.former)
    }

    fn check(&mut self, entry: &RegisterEntry) -> Result<(), RegisterError> {
        let path = self.folder.join(REGISTER);
        if self.entries.iter().any(|other| other.name == entry.name) {
            return Err(altered(&path, format!("`{}` is entered twice", entry.name)));
        }
        let previous = self.entries.last().map(digest_of).transpose()?;
        if entry.previous != previous {
            let what = format!("`{}` does not follow from the entry before it", entry.name);
            return Err(altered(&path, what));
        }
        let released: ReleasedSet = self.read(RELEASED, entry, entry.released)?;
        let tables: TableSet = self.read(RESTRICTED, entry, entry.restricted)?;
        self.former.push(FormerRelease { tables, released });
        Ok(())
    }

    fn read<T: DeserializeOwned>(
        &self,
        folder: &str,
        entry: &RegisterEntry,
        digest: Digest,
    ) -> Result<T, RegisterError> {
        if !is_name(&entry.name) {
            let what = format!("`{}` is no name of a release", entry.name);
            return Err(altered(&self.folder.join(REGISTER), what));
        }
        let path = self.folder.join(folder).join(file(&entry.name));
        let bytes = utfall_files::read_whole(&path)?;
        if Digest::sha256(&bytes) != digest {
            return Err(altered(
                &path,
                "its digest is not the one entered".to_owned(),
            ));
        }
        parsed(&path, &bytes)
    }

    /// A file in the release folder that no entry names would leave without two reviewers. One may be
    /// left by a release that was interrupted before it was entered; it is for people to remove.
    fn check_no_others(&self) -> Result<(), RegisterError> {
        let folder = self.folder.join(RELEASED);
        let Ok(files) = std::fs::read_dir(&folder) else {
            return Ok(());
        };
        let entered: BTreeMap<String, ()> = self
            .entries
            .iter()
            .map(|entry| (file(&entry.name), ()))
            .collect();
        let mut others: Vec<PathBuf> = files
            .filter_map(Result::ok)
            .filter(|found| {
                let name = found.file_name();
                name.to_str().is_none_or(|name| !entered.contains_key(name))
            })
            .map(|found| found.path())
            .collect();
        others.sort();
        match others.into_iter().next() {
            Some(path) => Err(altered(
                &path,
                "no entry of the register names it, remove it".to_owned(),
            )),
            None => Ok(()),
        }
    }
}

impl HeldRegister {
    /// Holds a register, its folder made if it does not exist, and reads it.
    ///
    /// # Errors
    ///
    /// As [`ReleaseRegister::open`], and [`RegisterError::Locked`] if another process holds it.
    pub fn open(folder: &Path) -> Result<Self, RegisterError> {
        utfall_files::create_folder(folder)?;
        let lock = WorkspaceLock::acquire(folder)?;
        Ok(Self {
            register: ReleaseRegister::open(folder)?,
            _lock: lock,
        })
    }

    /// The register.
    #[must_use]
    pub fn register(&self) -> &ReleaseRegister {
        &self.register
    }

    /// Releases tables: protects them, writes them and enters them.
    ///
    /// The register is written last: a release that was interrupted is none.
    ///
    /// # Errors
    ///
    /// [`RegisterError`], with nothing entered.
    pub fn add(
        &mut self,
        tables: &TableSet,
        policy: &Policy,
        approval: &Approval,
    ) -> Result<Protection, RegisterError> {
        let register = &mut self.register;
        if register
            .entries
            .iter()
            .any(|entry| entry.name == approval.name)
        {
            return Err(RegisterError::NameTaken {
                name: approval.name.clone(),
            });
        }
        let protection = register.protect(tables, policy)?;
        let restricted = register.folder.join(RESTRICTED);
        utfall_files::create_folder(&restricted)?;
        let restricted_bytes = json(tables)?;
        utfall_files::write_whole(&restricted.join(file(&approval.name)), &restricted_bytes)?;
        let folder = ReleaseFolder::open(&register.folder.join(RELEASED))?;
        let released = folder.write(&file(&approval.name), &protection.released)?;
        let previous = register.entries.last().map(digest_of).transpose()?;
        register.entries.push(RegisterEntry {
            name: approval.name.clone(),
            justification: approval.justification.clone(),
            author: approval.author.clone(),
            reviewers: approval.reviewers.clone(),
            date: approval.date,
            policy: policy.clone(),
            audit: protection.audit.clone(),
            released,
            restricted: Digest::sha256(&restricted_bytes),
            previous,
        });
        let written = Written {
            schema: SCHEMA.to_owned(),
            releases: register.entries.clone(),
        };
        utfall_files::write_whole(&register.folder.join(REGISTER), &json(&written)?)?;
        register.former.push(FormerRelease {
            tables: tables.clone(),
            released: protection.released.get().clone(),
        });
        Ok(protection)
    }
}

impl Approval {
    /// An approval.
    ///
    /// `name` holds letters, digits and hyphens; `date` is the day of the release.
    ///
    /// # Errors
    ///
    /// [`RegisterError::NotApproved`] if a text is empty, the name holds other letters, or author and
    /// reviewers are not three different people.
    pub fn new(
        name: &str,
        justification: &str,
        author: &str,
        reviewers: [&str; 2],
        date: chrono::NaiveDate,
    ) -> Result<Self, RegisterError> {
        let approval = Self {
            name: name.to_owned(),
            justification: justification.to_owned(),
            author: author.to_owned(),
            reviewers: reviewers.map(str::to_owned),
            date,
        };
        approval.check()?;
        Ok(approval)
    }

    fn check(&self) -> Result<(), RegisterError> {
        let fault = |what: &str| {
            Err(RegisterError::NotApproved {
                what: what.to_owned(),
            })
        };
        let people = [&self.author, &self.reviewers[0], &self.reviewers[1]];
        let same =
            |one: &str, other: &str| one.trim().to_lowercase() == other.trim().to_lowercase();
        if !is_name(&self.name) {
            return fault("its name holds other than letters, digits and hyphens");
        }
        if self.justification.trim().is_empty() {
            return fault("it has no justification");
        }
        if people.iter().any(|person| person.trim().is_empty()) {
            return fault("a name of its author or reviewers is empty");
        }
        if same(people[1], people[2]) {
            return fault("both reviewers are the same, expected two");
        }
        if same(people[0], people[1]) || same(people[0], people[2]) {
            return fault("its author is among the reviewers, expected two others");
        }
        Ok(())
    }
}

fn is_name(name: &str) -> bool {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
    !name.is_empty() && name.len() <= 100 && name.chars().all(is_plain)
}

fn file(name: &str) -> String {
    format!("{name}.json")
}

fn altered(path: &Path, what: String) -> RegisterError {
    RegisterError::Altered {
        path: path.to_owned(),
        what,
    }
}

fn json(document: &impl Serialize) -> Result<Vec<u8>, RegisterError> {
    crate::folder::json(document).map_err(RegisterError::Unwritable)
}

fn digest_of(entry: &RegisterEntry) -> Result<Digest, RegisterError> {
    Ok(Digest::sha256(&json(entry)?))
}

/// A document; an error tells the place and not what stands there.
fn parsed<T: DeserializeOwned>(path: &Path, bytes: &[u8]) -> Result<T, RegisterError> {
    serde_json::from_slice(bytes).map_err(|error| {
        let what = format!(
            "line {}, column {} is not what was written there",
            error.line(),
            error.column()
        );
        altered(path, what)
    })
}
