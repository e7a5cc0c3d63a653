//! The statement over a bundle's files.

use serde::{Deserialize, Serialize};
use utfall_files::Digest;

use crate::Files;
use crate::json::{Json, JsonError};

/// The type of every in-toto Statement of version 1.
const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";

/// An in-toto Statement: which files, by digest, and what is said of them.
///
/// See <https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md>.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The files, in the order of their names.
    pub subjects: Vec<Subject>,
    /// URI of the predicate's type.
    pub predicate_type: String,
    /// What is said of the files.
    pub predicate: Json,
}

/// One file of a statement.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// Its name in the bundle.
    pub name: String,
    /// Its digest.
    pub digest: SubjectDigest,
}

/// The digest of a subject.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SubjectDigest {
    /// SHA-256 of its bytes.
    pub sha256: Digest,
}

/// The statement as it is written.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Written<P> {
    #[serde(rename = "_type")]
    statement_type: String,
    subject: Vec<Subject>,
    #[serde(rename = "predicateType")]
    predicate_type: String,
    predicate: P,
}

impl Statement {
    /// Says something of some files.
    #[must_use]
    pub fn over(files: &Files, predicate_type: &str, predicate: Json) -> Self {
        let subjects = files.iter().map(|(name, bytes)| Subject {
            name: name.to_owned(),
            digest: SubjectDigest {
                sha256: Digest::sha256(bytes),
            },
        });
        Self {
            subjects: subjects.collect(),
            predicate_type: predicate_type.to_owned(),
            predicate,
        }
    }

    /// The canonical form.
    ///
    /// # Errors
    ///
    /// [`JsonError::Shape`] never in practice: every part is plain text.
    pub fn to_bytes(&self) -> Result<Vec<u8>, JsonError> {
        let written = Written {
            statement_type: STATEMENT_TYPE.to_owned(),
            subject: self.subjects.clone(),
            predicate_type: self.predicate_type.clone(),
            predicate: (),
        };
        let mut json = Json::of(&written)?;
        if let Json::Object(members) = &mut json {
            members.insert("predicate".to_owned(), self.predicate.clone());
        }
        Ok(json.to_bytes())
    }

    /// Reads a statement from its canonical form.
    ///
    /// # Errors
    ///
    /// As [`Json::parse_canonical`], and [`JsonError::Shape`] if it is no statement of version 1
    /// or its subjects are not in the order of distinct names.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, JsonError> {
        let json = Json::parse_canonical(bytes)?;
        let written: Written<serde::de::IgnoredAny> = json.to_typed()?;
        if written.statement_type != STATEMENT_TYPE {
            return Err(JsonError::Shape {
                reason: format!("the `_type` is not {STATEMENT_TYPE}"),
            });
        }
        if !written.subject.is_sorted_by(|a, b| a.name < b.name) {
            return Err(JsonError::Shape {
                reason: "the subjects are not in the order of distinct names".to_owned(),
            });
        }
        let predicate = json.get("predicate").cloned().unwrap_or(Json::Null);
        Ok(Self {
            subjects: written.subject,
            predicate_type: written.predicate_type,
            predicate,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_reads_back_as_it_was_written() {
        let mut files = Files::new();
        files.insert("a", b"abc".to_vec()).unwrap();
        let statement = Statement::over(
            &files,
            "urn:example",
            Json::parse(br#"{"n":0.10}"#).unwrap(),
        );
        let statement = Statement {
            predicate: Json::parse(br#"{"n":0.1}"#).unwrap(),
            ..statement
        };
        let bytes = statement.to_bytes().unwrap();
        let expected = r#"{"_type":"https://in-toto.io/Statement/v1","predicate":{"n":0.1},"predicateType":"urn:example","subject":[{"digest":{"sha256":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},"name":"a"}]}"#;
        assert_eq!(String::from_utf8(bytes.clone()).unwrap(), expected);
        assert_eq!(Statement::from_bytes(&bytes).unwrap(), statement);
    }

    #[test]
    fn what_is_no_statement_is_refused() {
        let digest = Digest::sha256(b"");
        let subject =
            |name: &str| format!(r#"{{"digest":{{"sha256":"{digest}"}},"name":"{name}"}}"#);
        let with = |kind: &str, subjects: &str| {
            format!(
                r#"{{"_type":"{kind}","predicate":{{}},"predicateType":"p","subject":[{subjects}]}}"#
            )
        };
        let good = with(
            STATEMENT_TYPE,
            &format!("{},{}", subject("a"), subject("b")),
        );
        assert!(Statement::from_bytes(good.as_bytes()).is_ok());
        for bad in [
            with("https://in-toto.io/Statement/v0.1", ""),
            with(
                STATEMENT_TYPE,
                &format!("{},{}", subject("b"), subject("a")),
            ),
            with(
                STATEMENT_TYPE,
                &format!("{},{}", subject("a"), subject("a")),
            ),
            good.replace("sha256", "sha512"),
            good.replace("predicateType", "predicateTypo"),
        ] {
            assert!(Statement::from_bytes(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
