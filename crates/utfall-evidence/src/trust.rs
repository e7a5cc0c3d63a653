//! Who is trusted to sign what: the policy of a verifier.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::{Envelope, PublicKey};

/// A trust policy, `trust.toml`: keys with their holders and roles, and how many holders of each
/// role must have signed.
///
/// A key has one role and a holder signs once for a role however many keys are theirs, so neither
/// a second key nor a change of role makes two approvals of one. Revocations are entries of their
/// own, so that a policy grows by adding lines.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "WrittenPolicy", into = "WrittenPolicy")]
pub struct TrustPolicy {
    written: WrittenPolicy,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct WrittenPolicy {
    schema: PolicySchema,
    #[serde(default)]
    key: Vec<TrustedKey>,
    #[serde(default)]
    revoked: Vec<Revocation>,
    #[serde(default)]
    require: Vec<Requirement>,
    #[serde(default)]
    ledger: Vec<TrustedLedger>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
enum PolicySchema {
    #[serde(rename = "utfall-trust/1")]
    V1,
}

/// A key that may sign in a role for some time.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TrustedKey {
    /// The key.
    pub key: PublicKey,
    /// Who holds it: a person or an office, the same text for all keys of one holder.
    pub holder: String,
    /// What the holder signs as.
    pub role: String,
    /// First day on which it counts.
    pub from: NaiveDate,
    /// First day on which it counts no longer.
    pub until: NaiveDate,
}

/// A key that counts no longer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Revocation {
    /// The key.
    pub key: PublicKey,
    /// First day on which it counts no longer.
    pub on: NaiveDate,
    /// Why, for people.
    pub reason: String,
}

/// How many holders of a role must have signed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Requirement {
    /// The role.
    pub role: String,
    /// Different holders.
    pub holders: u32,
}

/// A ledger whose checkpoints are trusted.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TrustedLedger {
    /// The key it signs checkpoints with; its name is the ledger's origin.
    pub key: PublicKey,
    /// Different holders of the role `cosigner` whose signature a checkpoint needs.
    #[serde(default)]
    pub cosigners: u32,
}

/// The role whose keys co-sign checkpoints.
pub const COSIGNER: &str = "cosigner";

/// Why a policy would not mean one thing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TrustError {
    /// A key stands twice, perhaps under another name.
    #[error("the key {key} stands twice; a key has one holder and one role")]
    KeyTwice {
        /// The second.
        key: PublicKey,
    },
    /// A key would never count.
    #[error("the key {key} counts from {from} until {until}, expected a later end")]
    NeverValid {
        /// The key.
        key: PublicKey,
        /// First day.
        from: NaiveDate,
        /// First day no longer.
        until: NaiveDate,
    },
    /// A requirement of nobody, or the same twice.
    #[error("the requirement of {holders} of the role `{role}` is one of nobody or stands twice")]
    Requirement {
        /// The role.
        role: String,
        /// As required.
        holders: u32,
    },
    /// A revocation of a key that the policy does not know.
    #[error("the key {key} is revoked but stands nowhere in the policy")]
    UnknownRevoked {
        /// The key.
        key: PublicKey,
    },
    /// A ledger twice.
    #[error("the ledger {key} stands twice")]
    LedgerTwice {
        /// Its key.
        key: PublicKey,
    },
}

/// What a policy says of one key on one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing<'a> {
    /// It counts, for its holder in its role.
    Counts(&'a TrustedKey),
    /// It is known and does not count, for this reason.
    DoesNotCount(&'a TrustedKey, String),
    /// The policy does not know it.
    Unknown,
}

/// A requirement and who fulfils it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fulfilment<'a> {
    /// What is required.
    pub requirement: &'a Requirement,
    /// Who has signed in that role, by valid signatures of keys that count.
    pub holders: BTreeSet<&'a str>,
}

impl TrustPolicy {
    /// What the policy says of a key on a day.
    #[must_use]
    pub fn standing(&self, key: &PublicKey, on: NaiveDate) -> Standing<'_> {
        let Some(trusted) = self.written.key.iter().find(|one| one.key == *key) else {
            return Standing::Unknown;
        };
        let revocations = self.written.revoked.iter();
        let mut of_key = revocations.filter(|one| one.key == *key && one.on <= on);
        let reason = if let Some(revoked) = of_key.next() {
            format!("revoked on {}: {}", revoked.on, revoked.reason)
        } else if on < trusted.from {
            format!("counts from {} only", trusted.from)
        } else if on >= trusted.until {
            format!("expired on {}", trusted.until)
        } else {
            return Standing::Counts(trusted);
        };
        Standing::DoesNotCount(trusted, reason)
    }

    /// Who fulfils each requirement by a valid signature in an envelope, on a day.
    #[must_use]
    pub fn fulfilments(&self, envelope: Option<&Envelope>, on: NaiveDate) -> Vec<Fulfilment<'_>> {
        let mut by_role: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        if let Some(envelope) = envelope {
            for signature in envelope.signatures() {
                if let Standing::Counts(trusted) = self.standing(&signature.key, on)
                    && envelope.is_valid(signature)
                {
                    let holders = by_role.entry(&trusted.role).or_default();
                    holders.insert(&trusted.holder);
                }
            }
        }
        let requirements = self.written.require.iter();
        requirements
            .map(|requirement| Fulfilment {
                requirement,
                holders: by_role
                    .get(requirement.role.as_str())
                    .cloned()
                    .unwrap_or_default(),
            })
            .collect()
    }

    /// The ledgers whose checkpoints are trusted.
    #[must_use]
    pub fn ledgers(&self) -> &[TrustedLedger] {
        &self.written.ledger
    }

    /// Every key, in the order of the file.
    #[must_use]
    pub fn keys(&self) -> &[TrustedKey] {
        &self.written.key
    }

    /// How many holders of each role must have signed.
    #[must_use]
    pub fn requirements(&self) -> &[Requirement] {
        &self.written.require
    }
}

impl Fulfilment<'_> {
    /// Whether enough holders have signed.
    #[must_use]
    pub fn is_met(&self) -> bool {
        self.holders.len() as u64 >= u64::from(self.requirement.holders)
    }
}

impl TryFrom<WrittenPolicy> for TrustPolicy {
    type Error = TrustError;

    fn try_from(written: WrittenPolicy) -> Result<Self, Self::Error> {
        let mut bytes = BTreeSet::new();
        for TrustedKey {
            key, from, until, ..
        } in &written.key
        {
            if !bytes.insert(key.as_bytes()) {
                return Err(TrustError::KeyTwice { key: key.clone() });
            }
            if from >= until {
                return Err(TrustError::NeverValid {
                    key: key.clone(),
                    from: *from,
                    until: *until,
                });
            }
        }
        let mut roles = BTreeSet::new();
        for Requirement { role, holders } in &written.require {
            if *holders == 0 || !roles.insert(role) {
                return Err(TrustError::Requirement {
                    role: role.clone(),
                    holders: *holders,
                });
            }
        }
        let is_known = |key: &PublicKey| written.key.iter().any(|known| known.key == *key);
        if let Some(stray) = written.revoked.iter().find(|one| !is_known(&one.key)) {
            let key = stray.key.clone();
            return Err(TrustError::UnknownRevoked { key });
        }
        let mut ledgers = BTreeSet::new();
        for ledger in &written.ledger {
            if !ledgers.insert(&ledger.key) {
                let key = ledger.key.clone();
                return Err(TrustError::LedgerTwice { key });
            }
        }
        Ok(Self { written })
    }
}

impl From<TrustPolicy> for WrittenPolicy {
    fn from(policy: TrustPolicy) -> Self {
        policy.written
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SecretKey;

    fn entry(name: &str, holder: &str, role: &str) -> serde_json::Value {
        serde_json::json!({
            "key": SecretKey::named(name).public(), "holder": holder, "role": role,
            "from": "2026-01-01", "until": "2028-01-01",
        })
    }

    fn written() -> serde_json::Value {
        serde_json::json!({
            "schema": "utfall-trust/1",
            "key": [
                entry("eva", "Eva", "evaluator"),
                entry("anna", "Anna", "approver"),
                entry("anna-2", "Anna", "approver"),
                entry("bo", "Bo", "approver"),
                entry("lost", "Lars", "approver"),
            ],
            "revoked": [{ "key": SecretKey::named("lost").public(), "on": "2026-06-01", "reason": "stolen" }],
            "require": [{ "role": "evaluator", "holders": 1 }, { "role": "approver", "holders": 2 }],
        })
    }

    fn policy() -> TrustPolicy {
        serde_json::from_value(written()).unwrap()
    }

    fn met(signers: &[&str], on: &str) -> bool {
        let mut envelope = Envelope::sign(b"{}".to_vec(), &SecretKey::named(signers[0]));
        for signer in &signers[1..] {
            envelope.add(&SecretKey::named(signer)).unwrap();
        }
        policy()
            .fulfilments(Some(&envelope), on.parse().unwrap())
            .iter()
            .all(Fulfilment::is_met)
    }

    #[test]
    fn each_role_needs_its_number_of_holders() {
        assert!(met(&["eva", "anna", "bo"], "2026-07-01"));
        assert!(!met(&["eva", "anna"], "2026-07-01"));
        assert!(!met(&["anna", "bo"], "2026-07-01"));
    }

    #[test]
    fn two_keys_of_one_holder_are_one_approval() {
        assert!(!met(&["eva", "anna", "anna-2"], "2026-07-01"));
        assert!(met(&["eva", "anna", "anna-2", "bo"], "2026-07-01"));
    }

    #[test]
    fn a_revoked_expired_or_future_key_does_not_count() {
        assert!(met(&["eva", "anna", "lost"], "2026-05-31"));
        assert!(!met(&["eva", "anna", "lost"], "2026-06-01"));
        assert!(!met(&["eva", "anna", "bo"], "2028-01-01"));
        assert!(!met(&["eva", "anna", "bo"], "2025-12-31"));
    }

    #[test]
    fn a_stranger_fulfils_nothing() {
        assert!(!met(&["eva", "anna", "stranger"], "2026-07-01"));
        assert_eq!(
            policy().standing(
                SecretKey::named("stranger").public(),
                "2026-07-01".parse().unwrap()
            ),
            Standing::Unknown
        );
    }

    #[test]
    fn a_policy_that_would_not_mean_one_thing_is_refused() {
        let with = |pointer: &str, value: serde_json::Value| {
            let mut changed = written();
            *changed.pointer_mut(pointer).unwrap() = value;
            serde_json::from_value::<TrustPolicy>(changed).is_err()
        };
        assert!(with("/key/1", entry("eva", "Eva", "approver")), "role swap");
        assert!(with("/key/0/until", "2026-01-01".into()), "never valid");
        assert!(with("/require/1/role", "evaluator".into()), "twice");
        assert!(with("/require/0/holders", 0.into()), "of nobody");
        assert!(with(
            "/revoked/0/key",
            String::from(SecretKey::named("nobody").public().clone()).into()
        ));
        assert!(with("/schema", "utfall-trust/2".into()));
    }
}
