//! What was planted in synthetic data, read from the file that was written with them.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use utfall_evidence::json::Json;
use utfall_files::Digest;
use utfall_verify::record::TruthRecord;

use crate::{Plan, RunError, Site};

/// Where the truth of synthetic data stands. It is shown beside estimates and enters none.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SiteTruth {
    /// The file `utfall simulate` wrote beside the data, relative to the data folder.
    pub file: PathBuf,
    /// Code of the programme.
    pub programme: String,
}

/// The part of a truth file that is read here.
#[derive(Deserialize)]
struct TruthFile {
    programmes: Vec<Programme>,
}

#[derive(Deserialize)]
struct Programme {
    programme: String,
    effects: Vec<Effect>,
}

#[derive(Deserialize)]
struct Effect {
    name: String,
    unit: String,
    definition: String,
    effect: Option<f64>,
}

/// The true effects of the plan's effects, by their names; none where the site names no truth.
pub(crate) fn read(plan: &Plan, site: &Site) -> Result<Vec<TruthRecord>, RunError> {
    let Some(truth) = &site.truth else {
        return Ok(Vec::new());
    };
    let path = site.data.join(&truth.file);
    let bytes = utfall_files::read_whole(&path)?;
    let refused = |what: String| RunError::Truth {
        path: path.clone(),
        what,
    };
    let file: TruthFile = Json::parse(&bytes)
        .and_then(|json| json.to_typed())
        .map_err(|error| refused(error.to_string()))?;
    let programme = file
        .programmes
        .into_iter()
        .find(|one| one.programme == truth.programme)
        .ok_or_else(|| refused(format!("no programme `{}`", truth.programme)))?;
    let record = |effect: Effect| {
        Some(TruthRecord {
            value: effect.effect?,
            effect: effect.name,
            unit: effect.unit,
            definition: effect.definition,
            file: name(&truth.file),
            digest: Digest::blake3(&bytes),
        })
    };
    let named = |truth: &TruthRecord| plan.effect.iter().any(|one| one.name == truth.effect);
    let truths = programme.effects.into_iter().filter_map(record);
    Ok(truths.filter(named).collect())
}

fn name(file: &Path) -> String {
    file.file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}
