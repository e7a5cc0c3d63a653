//! What a run was, for tools of others: an RO-Crate and OpenLineage events.
//!
//! Both are made of the other files of the bundle and hold nothing of their own, so they are made
//! again when a bundle is verified. A result has no clock: where a form asks for a time, it is that
//! of the newest delivery.

use serde_json::{Value, json};
use utfall_evidence::Files;
use utfall_evidence::json::{Json, JsonError, read_document};
use utfall_files::Digest;

use crate::record::{
    CONTRACT, DECISION, ENVIRONMENT, EXTRACTS, EnvironmentDocument, ExtractRecord,
    ExtractsDocument, LINEAGE, MEANING, PLAN, REPORT, RO_CRATE,
};

/// Who makes the events.
const PRODUCER: &str = "https://crates.io/crates/utfall";

/// What the metadata are made of.
struct Source<'a> {
    files: &'a Files,
    environment: EnvironmentDocument,
    extracts: Vec<ExtractRecord>,
    name: String,
    title: String,
    day: String,
}

/// A file by name, and its bytes.
pub type Named = (&'static str, Vec<u8>);

/// The RO-Crate and the events of a run's files, by name; none if the documents they are made of cannot be read, which is a
/// finding elsewhere.
///
/// # Errors
///
/// [`JsonError`] never in practice: every part is plain JSON.
pub fn metadata(files: &Files) -> Result<Option<[Named; 2]>, JsonError> {
    let Some(source) = Source::of(files) else {
        return Ok(None);
    };
    Ok(Some([
        (LINEAGE, Json::of(&source.events())?.to_bytes()),
        (RO_CRATE, Json::of(&source.ro_crate())?.to_bytes()),
    ]))
}

impl<'a> Source<'a> {
    fn of(files: &'a Files) -> Option<Self> {
        let environment = read_document(files.get(ENVIRONMENT)?).ok()?;
        let extracts: ExtractsDocument = read_document(files.get(EXTRACTS)?).ok()?;
        let meaning = Json::parse_canonical(files.get(MEANING)?).ok()?;
        let text = |key: &str| match meaning.get("plan.toml")?.get(key)? {
            Json::Text(text) => Some(text.clone()),
            _ => None,
        };
        let newest = extracts.extracts.iter().map(|record| record.vintage).max();
        let name = text("name").unwrap_or_default();
        Some(Self {
            files,
            environment,
            title: text("title").unwrap_or_else(|| name.clone()),
            name,
            day: newest.unwrap_or_default().to_string(),
            extracts: extracts.extracts,
        })
    }

    /// Names of the files that were sealed, but for the metadata themselves.
    fn names(&self) -> Vec<&str> {
        let names = self.files.iter().map(|(name, _)| name);
        names
            .filter(|name| {
                ![
                    RO_CRATE,
                    LINEAGE,
                    utfall_evidence::MANIFEST,
                    utfall_evidence::SEAL,
                ]
                .contains(name)
                    && *name != utfall_evidence::ENVELOPE
                    && !utfall_evidence::PROOFS.contains(name)
            })
            .collect()
    }

    /// A Process Run Crate 0.5, <https://w3id.org/ro/wfrun/process/0.5>.
    fn ro_crate(&self) -> Value {
        let id = |name: &str| json!({ "@id": name });
        let mut parts: Vec<Value> = self.names().into_iter().map(id).collect();
        parts.push(id(LINEAGE));
        let extracts: Vec<String> = self.extracts.iter().map(extract_id).collect();
        let inputs = [PLAN, CONTRACT]
            .into_iter()
            .map(str::to_owned)
            .chain(extracts);
        let is_result = |name: &&str| name.starts_with("record/") || *name == REPORT;
        let results: Vec<Value> = self.names().into_iter().filter(is_result).map(id).collect();
        let mut graph = vec![
            json!({
                "@id": RO_CRATE,
                "@type": "CreativeWork",
                "about": id("./"),
                "conformsTo": id("https://w3id.org/ro/crate/1.1"),
            }),
            json!({
                "@id": "./",
                "@type": "Dataset",
                "conformsTo": id("https://w3id.org/ro/wfrun/process/0.5"),
                "name": format!("Evidence of {}", self.title),
                "description": "A decision on an outcome contract, and everything it follows from. The date is that of the newest delivery of data; nothing here depends on a clock.",
                "datePublished": self.day,
                "license": id("#terms"),
                "hasPart": parts,
                "mentions": id("#run"),
            }),
            json!({
                "@id": "https://w3id.org/ro/wfrun/process/0.5",
                "@type": "CreativeWork",
                "name": "Process Run Crate",
                "version": "0.5",
            }),
            json!({
                "@id": "#terms",
                "@type": "CreativeWork",
                "name": "Between the parties of the contract",
                "description": "The contract says who may use and pass on this evidence.",
            }),
            json!({
                "@id": "#utfall",
                "@type": "SoftwareApplication",
                "name": "utfall",
                "url": PRODUCER,
                "softwareVersion": self.environment.utfall_version,
            }),
            json!({
                "@id": "#run",
                "@type": "CreateAction",
                "name": format!("Run of {}", self.name),
                "instrument": id("#utfall"),
                "object": inputs.map(|name| id(&name)).collect::<Vec<_>>(),
                "result": results,
                "endTime": self.time(),
                "actionStatus": id("http://schema.org/CompletedActionStatus"),
            }),
        ];
        graph.extend(self.extracts.iter().map(|record| {
            json!({
                "@id": extract_id(record),
                "@type": "CreativeWork",
                "name": format!("Extract {}, delivered {}", record.name, record.vintage),
                "description": "Restricted data that are not in this crate.",
                "identifier": format!("utfall-commitment:{}", record.commitment),
            })
        }));
        let files = self.names().into_iter().chain([LINEAGE]);
        graph.extend(files.map(|name| {
            json!({
                "@id": name,
                "@type": "File",
                "name": name,
                "encodingFormat": media_type(name),
            })
        }));
        json!({ "@context": "https://w3id.org/ro/crate/1.1/context", "@graph": graph })
    }

    /// The start and the end of the run as OpenLineage run events, specification 2-0-2.
    fn events(&self) -> Value {
        let inputs: Vec<Value> = self
            .extracts
            .iter()
            .map(|record| {
                json!({
                    "namespace": "utfall",
                    "name": format!("{}/extracts/{}", self.name, record.name),
                    "facets": { "version": {
                        "_producer": PRODUCER,
                        "_schemaURL": "https://openlineage.io/spec/facets/1-0-1/DatasetVersionDatasetFacet.json",
                        "datasetVersion": format!("{} {}", record.vintage, record.commitment),
                    } },
                })
            })
            .collect();
        let outputs: Vec<Value> = [DECISION, REPORT]
            .map(|name| json!({ "namespace": "utfall", "name": format!("{}/{name}", self.name) }))
            .into();
        let event = |kind: &str, outputs: &[Value]| {
            json!({
                "eventType": kind,
                "eventTime": self.time(),
                "producer": PRODUCER,
                "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
                "run": { "runId": self.run_id() },
                "job": { "namespace": "utfall", "name": self.name },
                "inputs": inputs,
                "outputs": outputs,
            })
        };
        json!([event("START", &[]), event("COMPLETE", &outputs)])
    }

    fn time(&self) -> String {
        format!("{}T00:00:00Z", self.day)
    }

    /// A UUID of version 8 (RFC 9562): the same run has the same one.
    fn run_id(&self) -> String {
        let part = |name| self.files.get(name).unwrap_or_default();
        let digest = Digest::sha256(&[part(ENVIRONMENT), part(EXTRACTS), part(DECISION)].concat());
        let text = digest.to_string();
        let variant = ['8', '9', 'a', 'b'][usize::from(digest.as_bytes()[8] & 3)];
        format!(
            "{}-{}-8{}-{variant}{}-{}",
            &text[..8],
            &text[8..12],
            &text[13..16],
            &text[17..20],
            &text[20..32]
        )
    }
}

fn extract_id(record: &ExtractRecord) -> String {
    format!("#extract-{}-{}", record.name, record.commitment)
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("json") => "application/json",
        Some("toml") => "application/toml",
        Some("html") => "text/html",
        Some("csv") => "text/csv",
        _ => "application/octet-stream",
    }
}
