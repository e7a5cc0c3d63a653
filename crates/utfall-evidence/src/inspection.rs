//! Level V0: structure and digests.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::Path;

use utfall_files::{Digest, FileError};

use crate::bundle::is_attachment;
use crate::ledger::InclusionProof;
use crate::locate::changed_byte;
use crate::{
    ENVELOPE, Envelope, Files, Finding, MANIFEST, PROOFS, SEAL, Statement, container, folder,
    seal_line,
};

/// What a bundle holds, and every place where its structure or a digest is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// All files; `None` if the structure is too broken to know them.
    pub files: Option<Files>,
    /// The statement over them, if it can be read.
    pub statement: Option<Statement>,
    /// The SHA-256 of the manifest that is there, if there is one.
    pub seal: Option<Digest>,
    /// The signatures, if there are any and they can be read.
    pub envelope: Option<Envelope>,
    /// Proofs of standing in a ledger that can be read, by name.
    pub proofs: BTreeMap<String, InclusionProof>,
    /// Every deviation; none means that each byte is the one sealed.
    pub findings: Vec<Finding>,
}

/// Inspects a bundle: a zip, or the folder it was unpacked to.
///
/// # Errors
///
/// [`FileError`] if there is nothing at `path` or it cannot be read. Whatever is read leads to
/// findings, never to an error.
pub fn inspect(path: &Path) -> Result<Inspection, FileError> {
    let at = |source| FileError::at(path, source);
    if std::fs::metadata(path).map_err(at)?.is_dir() {
        let (files, findings) = folder::read(path)?;
        return Ok(inspect_files(files, &BTreeMap::new(), findings));
    }
    inspect_zip(&mut File::open(path).map_err(at)?).map_err(at)
}

/// Inspects a bundle that is a zip.
///
/// # Errors
///
/// Whatever the reader says.
pub fn inspect_zip(zip: &mut (impl Read + Seek)) -> io::Result<Inspection> {
    let container = container::read(zip)?;
    Ok(match container.files {
        Some(files) => inspect_files(files, &container.checksums_missed, container.findings),
        None => Inspection {
            files: None,
            statement: None,
            seal: None,
            envelope: None,
            proofs: BTreeMap::new(),
            findings: container.findings,
        },
    })
}

fn inspect_files(
    files: Files,
    checksums_missed: &BTreeMap<String, u32>,
    findings: Vec<Finding>,
) -> Inspection {
    let mut inspector = Inspector {
        files: &files,
        checksums_missed,
        findings,
        explained: BTreeSet::new(),
    };
    let statement = inspector.manifest();
    inspector.seal();
    if let Some(statement) = &statement {
        inspector.subjects(statement);
        inspector.strangers(statement);
    }
    let envelope = inspector.envelope();
    let proofs = inspector.proofs();
    inspector.checksums();
    let findings = inspector.findings;
    let seal = files.get(MANIFEST).map(Digest::sha256);
    Inspection {
        files: Some(files),
        statement,
        seal,
        envelope,
        proofs,
        findings,
    }
}

struct Inspector<'a> {
    files: &'a Files,
    checksums_missed: &'a BTreeMap<String, u32>,
    findings: Vec<Finding>,
    /// Files whose change is in a finding already.
    explained: BTreeSet<String>,
}

impl Inspector<'_> {
    fn manifest(&mut self) -> Option<Statement> {
        let Some(bytes) = self.files.get(MANIFEST) else {
            self.missing(MANIFEST);
            return None;
        };
        let statement = Statement::from_bytes(bytes);
        let error = match statement {
            Ok(statement) => return Some(statement),
            Err(error) => error,
        };
        self.findings.push(Finding::new(
            MANIFEST,
            "an in-toto Statement v1 in canonical JSON",
            error.to_string(),
            "the manifest cannot be read",
        ));
        None
    }

    /// The seal is over the manifest, and is written in one way only.
    fn seal(&mut self) {
        let Some(found) = self.files.get(SEAL) else {
            return self.missing(SEAL);
        };
        let Some(manifest) = self.files.get(MANIFEST) else {
            return;
        };
        let expected = seal_line(&Digest::sha256(manifest));
        if found == expected.as_bytes() {
            return;
        }
        let sealed = std::str::from_utf8(found)
            .ok()
            .and_then(|line| line.split(' ').next()?.parse().ok());
        match sealed.filter(|sealed| {
            found == seal_line(sealed).as_bytes() && !self.checksums_missed.contains_key(SEAL)
        }) {
            Some(sealed) => self.changed(MANIFEST, manifest, &sealed),
            None => {
                let offset = expected
                    .bytes()
                    .zip(found)
                    .take_while(|(ours, theirs)| ours == *theirs)
                    .count();
                let shown = String::from_utf8_lossy(found)
                    .trim_end()
                    .chars()
                    .take(100)
                    .collect::<String>();
                self.explained.insert(SEAL.to_owned());
                self.findings.push(Finding::new(
                    format!("{SEAL}, offset {offset}"),
                    format!("{:?}", expected.trim_end()),
                    format!("{shown:?}"),
                    "the seal is not the digest of the manifest",
                ));
            }
        }
    }

    fn subjects(&mut self, statement: &Statement) {
        for subject in &statement.subjects {
            match self.files.get(&subject.name) {
                None => self.missing(&subject.name),
                Some(bytes) => {
                    if Digest::sha256(bytes) != subject.digest.sha256 {
                        self.changed(&subject.name, bytes, &subject.digest.sha256);
                    }
                }
            }
        }
    }

    /// Files that the manifest does not speak of.
    fn strangers(&mut self, statement: &Statement) {
        let known: BTreeSet<&str> = statement
            .subjects
            .iter()
            .map(|subject| subject.name.as_str())
            .collect();
        for (name, _) in self.files.iter() {
            if name != MANIFEST && name != SEAL && !is_attachment(name) && !known.contains(name) {
                self.findings.push(Finding::new(
                    name,
                    "no such file",
                    "a file",
                    "the manifest does not speak of this file",
                ));
            }
        }
    }

    /// Signatures, which must be over this manifest, each by the key it names.
    fn envelope(&mut self) -> Option<Envelope> {
        let envelope = match Envelope::from_bytes(self.files.get(ENVELOPE)?) {
            Ok(envelope) => envelope,
            Err(error) => {
                let message = "the signatures cannot be read";
                self.unreadable(ENVELOPE, "a DSSE envelope", &error.to_string(), message);
                return None;
            }
        };
        if self.files.get(MANIFEST) != Some(envelope.payload()) {
            self.unreadable(
                &format!("{ENVELOPE}#/payload"),
                "the manifest of this bundle",
                "something else",
                "the signatures are over another manifest",
            );
        }
        for (number, signature) in envelope.signatures().iter().enumerate() {
            if !envelope.is_valid(signature) {
                self.unreadable(
                    &format!("{ENVELOPE}#/signatures/{number}"),
                    &format!("a signature by {}", signature.key.name()),
                    "another",
                    "the signature was not made with the key it names over this manifest",
                );
            }
        }
        Some(envelope)
    }

    /// Proofs, which must be readable; what they show is for those who know the ledger.
    fn proofs(&mut self) -> BTreeMap<String, InclusionProof> {
        let mut proofs = BTreeMap::new();
        for name in PROOFS {
            match self.files.get(name).map(InclusionProof::parse) {
                None => {}
                Some(Ok(proof)) => {
                    proofs.insert(name.to_owned(), proof);
                }
                Some(Err(error)) => {
                    let message = "the proof cannot be read";
                    self.unreadable(name, "a tlog-proof", &error.to_string(), message);
                }
            }
        }
        proofs
    }

    fn unreadable(&mut self, place: &str, expected: &str, found: &str, message: &str) {
        self.findings
            .push(Finding::new(place, expected, found, message));
    }

    /// Checksums of the zip that no digest explained.
    fn checksums(&mut self) {
        for (name, checksum) in self.checksums_missed {
            if !self.explained.contains(name) {
                let found = crc32fast::hash(self.files.get(name).unwrap_or_default());
                self.findings.push(Finding::new(
                    name,
                    format!("checksum {checksum:08x}"),
                    format!("checksum {found:08x}"),
                    "the file is not the one that was packed",
                ));
            }
        }
    }

    fn missing(&mut self, name: &str) {
        self.findings.push(Finding::new(
            name,
            "a file",
            "nothing",
            "the file is missing",
        ));
    }

    /// A file that is not the one sealed, with the byte if it is only one.
    fn changed(&mut self, name: &str, bytes: &[u8], sealed: &Digest) {
        self.explained.insert(name.to_owned());
        let change = self
            .checksums_missed
            .get(name)
            .and_then(|checksum| changed_byte(bytes, *checksum, sealed));
        self.findings.push(match change {
            Some(change) => Finding::new(
                format!("{name}, offset {}", change.offset),
                in_words(change.sealed),
                in_words(change.found),
                "one byte was changed after sealing",
            ),
            None => Finding::new(
                name,
                format!("sha256 {sealed}"),
                format!("sha256 {}", Digest::sha256(bytes)),
                "the file is not the one sealed",
            ),
        });
    }
}

fn in_words(byte: u8) -> String {
    if byte.is_ascii_graphic() {
        format!("byte {byte:02x} `{}`", char::from(byte))
    } else {
        format!("byte {byte:02x}")
    }
}
