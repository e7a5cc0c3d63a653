//! Level V4: a run made again by someone with the data, compared file by file.

use std::borrow::Cow;
use std::collections::BTreeSet;

use utfall_evidence::json::Json;
use utfall_evidence::{Files, Finding, MANIFEST, SEAL};

use crate::record::LOCK;

/// Every file in which the run made again differs from the one in the bundle, with the first
/// place.
///
/// Signatures and proofs are added to a bundle after the run and are not compared, nor whether the
/// units were entered in a ledger, which is for level V2; manifest and seal follow from the rest.
#[must_use]
pub fn reproduction(bundle: &Files, again: &Files) -> Vec<Finding> {
    let names: BTreeSet<&str> = bundle
        .iter()
        .chain(again.iter())
        .map(|(name, _)| name)
        .filter(|name| !is_added(name))
        .collect();
    let differs = |name: &str| match (compared(bundle, name), compared(again, name)) {
        (Some(theirs), Some(ours)) if theirs == ours => None,
        (Some(theirs), Some(ours)) => Some(place(name, &theirs, &ours)),
        (theirs, _) => {
            let there = |is_there| if is_there { "a file" } else { "nothing" };
            Some(Finding::new(
                name,
                there(theirs.is_none()),
                there(theirs.is_some()),
                "the run made again has other files",
            ))
        }
    };
    names.into_iter().filter_map(differs).collect()
}

/// The bytes of a file, but for what a run made again need not repeat.
fn compared<'a>(files: &'a Files, name: &str) -> Option<Cow<'a, [u8]>> {
    let bytes = files.get(name)?;
    if name == LOCK
        && let Ok(Json::Object(mut members)) = Json::parse(bytes)
    {
        members.remove("units-in-ledger");
        return Some(Json::Object(members).to_bytes().into());
    }
    Some(bytes.into())
}

fn is_added(name: &str) -> bool {
    [MANIFEST, SEAL, utfall_evidence::ENVELOPE].contains(&name)
        || utfall_evidence::PROOFS.contains(&name)
}

/// Where two files part: a pointer into documents, an offset in others.
fn place(name: &str, theirs: &[u8], ours: &[u8]) -> Finding {
    let message = "the run made again comes to something else";
    if let (Ok(theirs), Ok(ours)) = (Json::parse(theirs), Json::parse(ours))
        && let Some(difference) = ours.first_difference(&theirs)
    {
        let shown = |value: Option<Json>| value.map_or("nothing".to_owned(), |v| v.to_text());
        return Finding::new(
            format!("{name}#{}", difference.pointer),
            shown(difference.expected),
            shown(difference.found),
            message,
        );
    }
    let same = theirs.iter().zip(ours).take_while(|(a, b)| a == b).count();
    let shown = |bytes: &[u8]| {
        let rest = &bytes[same..bytes.len().min(same + 40)];
        format!("{:?}", String::from_utf8_lossy(rest))
    };
    Finding::new(
        format!("{name}, offset {same}"),
        shown(ours),
        shown(theirs),
        message,
    )
}
