//! Level V1: signatures, roles and numbers.

use chrono::NaiveDate;
use utfall_evidence::{ENVELOPE, Envelope, Finding, Inspection, Standing, TrustPolicy};

use crate::verification::Signer;

/// Every requirement of the policy that the signatures on a bundle do not fulfil.
pub(crate) fn findings(
    inspection: &Inspection,
    trust: &TrustPolicy,
    on: NaiveDate,
) -> Vec<Finding> {
    let envelope = over_this_manifest(inspection);
    let fulfilments = trust.fulfilments(envelope, on);
    if fulfilments.is_empty() {
        return vec![Finding::new(
            "trust policy",
            "a [[require]] of some role",
            "none",
            "the policy asks for nobody's signature, so nobody's can be missing",
        )];
    }
    let not_counted = signers(inspection, Some(trust), on)
        .iter()
        .filter(|signer| !signer.counts)
        .map(Signer::to_string)
        .collect::<Vec<_>>();
    let unmet = fulfilments.iter().filter(|one| !one.is_met());
    unmet
        .map(|one| {
            let role = &one.requirement.role;
            let holders: Vec<&str> = one.holders.iter().copied().collect();
            let mut found = if holders.is_empty() {
                "nobody".to_owned()
            } else {
                holders.join(", ")
            };
            if !not_counted.is_empty() {
                found = format!("{found}; beside it {}", not_counted.join(", "));
            }
            Finding::new(
                ENVELOPE,
                format!("{} holders of the role `{role}`", one.requirement.holders),
                found,
                format!("too few have signed as `{role}`"),
            )
        })
        .collect()
}

/// Every signature on a bundle, and what the policy says of its key.
pub(crate) fn signers(
    inspection: &Inspection,
    trust: Option<&TrustPolicy>,
    on: NaiveDate,
) -> Vec<Signer> {
    let Some(envelope) = &inspection.envelope else {
        return Vec::new();
    };
    let is_over_this = over_this_manifest(inspection).is_some();
    let signer = |signature| Signer::of(envelope, signature, is_over_this, trust, on);
    envelope.signatures().iter().map(signer).collect()
}

/// The envelope, unless it is over another manifest than the one that is there.
fn over_this_manifest(inspection: &Inspection) -> Option<&Envelope> {
    let manifest = inspection.files.as_ref()?.get(utfall_evidence::MANIFEST);
    let envelope = inspection.envelope.as_ref();
    envelope.filter(|envelope| Some(envelope.payload()) == manifest)
}

impl Signer {
    fn of(
        envelope: &Envelope,
        signature: &utfall_evidence::EnvelopeSignature,
        is_over_this: bool,
        trust: Option<&TrustPolicy>,
        on: NaiveDate,
    ) -> Self {
        let mut signer = Self {
            key: signature.key.clone(),
            holder: None,
            role: None,
            counts: false,
            reason: None,
        };
        let standing = trust.map(|trust| trust.standing(&signature.key, on));
        if let Some(Standing::Counts(known) | Standing::DoesNotCount(known, _)) = &standing {
            signer.holder = Some(known.holder.clone());
            signer.role = Some(known.role.clone());
        }
        signer.reason = if !is_over_this {
            Some("it is over another manifest".to_owned())
        } else if !envelope.is_valid(signature) {
            Some("the signature is not valid".to_owned())
        } else {
            match standing {
                None => Some("no trust policy was given".to_owned()),
                Some(Standing::Unknown) => {
                    Some("the trust policy does not know the key".to_owned())
                }
                Some(Standing::DoesNotCount(_, reason)) => Some(reason),
                Some(Standing::Counts(_)) => None,
            }
        };
        signer.counts = signer.reason.is_none();
        signer
    }
}
