//! A key that vouches for another of its holder's, so that a key can be changed before it expires.

use std::fmt;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utfall_files::Digest;

use crate::json::{Json, JsonError};
use crate::{
    Envelope, EnvelopeError, PublicKey, SecretKey, Standing, Statement, Subject, SubjectDigest,
    TrustPolicy, TrustedKey,
};

/// The type of what an endorsement says.
const PREDICATE_TYPE: &str = "urn:utfall:key-endorsement:1";

/// What the subject of an endorsement is called: the file of the public key.
const SUBJECT: &str = "key.pub";

/// A new key, what it will sign as and when, and the key that vouches for it.
///
/// It is an in-toto Statement over the new key's public line, in a DSSE envelope with two
/// signatures: of the key that vouches, and of the new one, so that nobody vouches for a key that
/// is not theirs. A value that exists has both. Whether it counts is for a policy to say,
/// [`TrustPolicy::endorsed`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endorsement {
    said: Said,
    endorser: PublicKey,
}

/// What is said of the new key.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Said {
    key: PublicKey,
    role: String,
    from: NaiveDate,
    until: NaiveDate,
}

/// Why a key is not endorsed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EndorsementError {
    /// The envelope cannot be read.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// What is signed is no statement of this shape.
    #[error(transparent)]
    Statement(#[from] JsonError),
    /// A statement about something else.
    #[error("the statement is no endorsement of the key that it names")]
    AboutAnother,
    /// Signed by too few, too many or others.
    #[error("not signed by the new key {key} and one other, as `utfall key rotate` does")]
    Signers {
        /// The new key.
        key: PublicKey,
    },
    /// A signature that its key did not make.
    #[error("the signature of {key} was not made with that key")]
    Signature {
        /// The key.
        key: PublicKey,
    },
    /// The new key would never count.
    #[error("the key would count from {from} until {until}, expected a later end")]
    NeverValid {
        /// First day.
        from: NaiveDate,
        /// First day no longer.
        until: NaiveDate,
    },
    /// Nobody trusts the key that vouches.
    #[error("the policy does not know {endorser}, which vouches for {key}")]
    UnknownEndorser {
        /// The key that vouches.
        endorser: PublicKey,
        /// The new key.
        key: PublicKey,
    },
    /// The key that vouches counts no longer, or not yet.
    #[error("{endorser} does not count on {on}: {reason}; what it vouches for is not taken then")]
    EndorserDoesNotCount {
        /// The key that vouches.
        endorser: PublicKey,
        /// The day asked about.
        on: NaiveDate,
        /// Why it does not.
        reason: String,
    },
    /// The new key would sign as something else than the one that vouches.
    #[error("{endorser} signs as `{role}` and vouches for one that would sign as `{found}`")]
    OtherRole {
        /// The key that vouches.
        endorser: PublicKey,
        /// Its role.
        role: String,
        /// The role of the new key.
        found: String,
    },
}

impl Endorsement {
    /// Has a key vouch for a new one, in a role and from one day until another.
    ///
    /// # Errors
    ///
    /// [`EndorsementError::NeverValid`] if the second day is not later, [`EndorsementError::Envelope`]
    /// if both keys are one.
    pub fn sign(
        endorser: &SecretKey,
        new: &SecretKey,
        role: &str,
        [from, until]: [NaiveDate; 2],
    ) -> Result<Vec<u8>, EndorsementError> {
        let said = Said {
            key: new.public().clone(),
            role: role.to_owned(),
            from,
            until,
        };
        said.check()?;
        let statement = Statement {
            subjects: vec![said.subject()],
            predicate_type: PREDICATE_TYPE.to_owned(),
            predicate: Json::of(&said)?,
        };
        let mut envelope = Envelope::sign(statement.to_bytes()?, endorser);
        envelope.add(new)?;
        Ok(envelope.to_bytes()?)
    }

    /// Reads an endorsement and checks both of its signatures.
    ///
    /// # Errors
    ///
    /// [`EndorsementError`] if it is none, or a signature is missing, not valid or one too many.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, EndorsementError> {
        let envelope = Envelope::from_bytes(bytes)?;
        let statement = Statement::from_bytes(envelope.payload())?;
        let said: Said = statement.predicate.to_typed()?;
        if statement.predicate_type != PREDICATE_TYPE || statement.subjects != [said.subject()] {
            return Err(EndorsementError::AboutAnother);
        }
        said.check()?;
        let is_new = |key: &PublicKey| key.as_bytes() == said.key.as_bytes();
        let signatures = envelope.signatures();
        let endorser = match signatures {
            [one, other] if one.key == said.key && !is_new(&other.key) => &other.key,
            [other, one] if one.key == said.key && !is_new(&other.key) => &other.key,
            _ => return Err(EndorsementError::Signers { key: said.key }),
        };
        if let Some(false_one) = signatures.iter().find(|one| !envelope.is_valid(one)) {
            return Err(EndorsementError::Signature {
                key: false_one.key.clone(),
            });
        }
        let endorser = endorser.clone();
        Ok(Self { said, endorser })
    }

    /// The key that vouches.
    #[must_use]
    pub fn endorser(&self) -> &PublicKey {
        &self.endorser
    }
}

impl Said {
    fn check(&self) -> Result<(), EndorsementError> {
        let Self { from, until, .. } = *self;
        if from < until {
            Ok(())
        } else {
            Err(EndorsementError::NeverValid { from, until })
        }
    }

    /// The new key as a file: the one that `utfall key new` writes.
    fn subject(&self) -> Subject {
        Subject {
            name: SUBJECT.to_owned(),
            digest: SubjectDigest {
                sha256: Digest::sha256(format!("{}\n", self.key).as_bytes()),
            },
        }
    }
}

impl fmt::Display for Endorsement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Said {
            key,
            role,
            from,
            until,
        } = &self.said;
        write!(
            f,
            "{key}\nsigns as {role} from {from} until {until}, says {}",
            self.endorser
        )
    }
}

impl TrustPolicy {
    /// The new key of an endorsement as this policy may take it in on a day: of the holder and in
    /// the role of the key that vouches, which must count on that day.
    ///
    /// The day is the verifier's, for a signature has no clock that could be trusted: whoever finds
    /// an expired or revoked key can vouch for nothing with it.
    ///
    /// # Errors
    ///
    /// [`EndorsementError`] if the key that vouches is unknown, does not count, or has another role.
    pub fn endorsed(
        &self,
        endorsement: &Endorsement,
        on: NaiveDate,
    ) -> Result<TrustedKey, EndorsementError> {
        let Endorsement { said, endorser } = endorsement;
        let endorser = endorser.clone();
        let known = match self.standing(&endorser, on) {
            Standing::Counts(known) => known,
            Standing::DoesNotCount(_, reason) => {
                return Err(EndorsementError::EndorserDoesNotCount {
                    endorser,
                    on,
                    reason,
                });
            }
            Standing::Unknown => {
                let key = said.key.clone();
                return Err(EndorsementError::UnknownEndorser { endorser, key });
            }
        };
        if said.role != known.role {
            return Err(EndorsementError::OtherRole {
                endorser,
                role: known.role.clone(),
                found: said.role.clone(),
            });
        }
        Ok(TrustedKey {
            key: said.key.clone(),
            holder: known.holder.clone(),
            role: said.role.clone(),
            from: said.from,
            until: said.until,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn days() -> [NaiveDate; 2] {
        [day("2027-11-01"), day("2029-11-01")]
    }

    fn signed(role: &str) -> Vec<u8> {
        Endorsement::sign(
            &SecretKey::named("old"),
            &SecretKey::named("new"),
            role,
            days(),
        )
        .unwrap()
    }

    fn policy() -> TrustPolicy {
        serde_json::from_value(serde_json::json!({
            "schema": "utfall-trust/1",
            "key": [
                { "key": SecretKey::named("old").public(), "holder": "Anna", "role": "approver",
                  "from": "2026-01-01", "until": "2028-01-01" },
                { "key": SecretKey::named("lost").public(), "holder": "Bo", "role": "approver",
                  "from": "2026-01-01", "until": "2028-01-01" },
            ],
            "revoked": [{ "key": SecretKey::named("lost").public(), "on": "2027-01-01", "reason": "stolen" }],
        }))
        .unwrap()
    }

    /// What the policy says of an endorsement by a key of that name.
    fn asked(endorser: &str, role: &str, on: &str) -> Result<TrustedKey, EndorsementError> {
        let bytes = Endorsement::sign(
            &SecretKey::named(endorser),
            &SecretKey::named("new"),
            role,
            days(),
        )?;
        policy().endorsed(&Endorsement::from_bytes(&bytes)?, day(on))
    }

    /// An envelope over an endorsement's statement, with one text in it put for another.
    fn resigned(from: &str, to: &str, signers: &[&str]) -> Vec<u8> {
        let envelope = Envelope::from_bytes(&signed("approver")).unwrap();
        let text = String::from_utf8(envelope.payload().to_vec()).unwrap();
        assert!(text.contains(from), "{text}");
        let mut envelope = Envelope::sign(
            text.replace(from, to).into_bytes(),
            &SecretKey::named(signers[0]),
        );
        for signer in &signers[1..] {
            envelope.add(&SecretKey::named(signer)).unwrap();
        }
        envelope.to_bytes().unwrap()
    }

    #[test]
    fn a_key_is_taken_in_with_the_holder_and_role_of_the_one_that_vouches() {
        let taken = asked("old", "approver", "2027-12-31").unwrap();
        assert_eq!(taken.key, *SecretKey::named("new").public());
        assert_eq!(
            (&*taken.holder, &*taken.role, [taken.from, taken.until]),
            ("Anna", "approver", days())
        );
    }

    #[test]
    fn a_key_that_is_unknown_expired_revoked_or_of_another_role_vouches_for_nothing() {
        use EndorsementError::{EndorserDoesNotCount, OtherRole, UnknownEndorser};
        let refused = |endorser, role, on| asked(endorser, role, on).unwrap_err();
        for on in ["2025-12-31", "2028-01-01"] {
            let error = refused("old", "approver", on);
            assert!(matches!(error, EndorserDoesNotCount { .. }), "{error}");
        }
        assert!(asked("lost", "approver", "2026-12-31").is_ok());
        let error = refused("lost", "approver", "2027-01-01");
        assert!(error.to_string().contains("stolen"), "{error}");
        let error = refused("old", "evaluator", "2027-01-01");
        assert!(matches!(error, OtherRole { .. }), "{error}");
        let error = refused("stranger", "approver", "2027-01-01");
        assert!(matches!(error, UnknownEndorser { .. }), "{error}");
    }

    #[test]
    fn a_key_vouches_neither_for_itself_nor_for_no_time() {
        assert!(matches!(
            Endorsement::sign(
                &SecretKey::named("old"),
                &SecretKey::named("old"),
                "approver",
                days()
            ),
            Err(EndorsementError::Envelope(EnvelopeError::Signed { .. }))
        ));
        let [from, until] = days();
        for days in [[until, from], [from, from]] {
            assert!(matches!(
                Endorsement::sign(
                    &SecretKey::named("old"),
                    &SecretKey::named("new"),
                    "approver",
                    days
                ),
                Err(EndorsementError::NeverValid { .. })
            ));
        }
        // The same key under another name.
        let mut seed = [0; 32];
        seed[..3].copy_from_slice(b"new");
        let renamed = SecretKey::from_seed("renamed", &seed).unwrap();
        let bytes =
            Endorsement::sign(&renamed, &SecretKey::named("new"), "approver", days()).unwrap();
        assert!(matches!(
            Endorsement::from_bytes(&bytes),
            Err(EndorsementError::Signers { .. })
        ));
    }

    #[test]
    fn both_keys_must_have_signed_and_nobody_else() {
        for signers in [
            &["old"][..],
            &["new"],
            &["old", "lost"],
            &["old", "new", "lost"],
        ] {
            let read = Endorsement::from_bytes(&resigned("approver", "approver", signers));
            assert!(
                matches!(read, Err(EndorsementError::Signers { .. })),
                "{signers:?}: {read:?}"
            );
        }
        assert!(
            Endorsement::from_bytes(&resigned("approver", "approver", &["old", "new"])).is_ok()
        );
    }

    #[test]
    fn a_statement_about_something_else_is_refused_whoever_signed_it() {
        let both = ["old", "new"];
        let subject = Digest::sha256(format!("{}\n", SecretKey::named("new").public()).as_bytes())
            .to_string();
        let another = Digest::sha256(b"").to_string();
        for (from, to) in [
            (subject.as_str(), another.as_str()),
            (PREDICATE_TYPE, "urn:utfall:run:1"),
            (SUBJECT, "manifest.json"),
        ] {
            let read = Endorsement::from_bytes(&resigned(from, to, &both));
            assert_eq!(read, Err(EndorsementError::AboutAnother), "{to}");
        }
        let backwards = Endorsement::from_bytes(&resigned("2029-11-01", "2027-11-01", &both));
        assert!(matches!(
            backwards,
            Err(EndorsementError::NeverValid { .. })
        ));
        let more = resigned("\"role\"", "\"holder\":\"Bo\",\"role\"", &both);
        assert!(matches!(
            Endorsement::from_bytes(&more),
            Err(EndorsementError::Statement(_))
        ));
    }

    #[test]
    fn every_changed_byte_is_refused() {
        let bytes = signed("approver");
        for offset in 0..bytes.len() {
            for pattern in [0x01, 0x02, 0x20, 0x80] {
                let mut changed = bytes.clone();
                changed[offset] ^= pattern;
                let read = Endorsement::from_bytes(&changed);
                assert!(read.is_err(), "offset {offset} pattern {pattern:02x}");
            }
        }
    }
}
