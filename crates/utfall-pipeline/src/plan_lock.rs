//! A frozen plan: `lock.json` beside the plan.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use utfall_evidence::json::{Json, JsonError};
use utfall_files::{Digest, FileError};

use crate::{LoadedPlan, PlanError};

/// Name of the lock in a pipeline's folder.
const LOCK: &str = "lock.json";

/// What a plan meant when it was frozen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanLock {
    /// Name of the pipeline.
    pub pipeline: String,
    /// What the plan's files meant, by file.
    pub meaning: Json,
    /// The ledger it was entered in, if it was.
    pub ledger: Option<LockEntry>,
}

/// Where a frozen plan stands in a ledger.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LockEntry {
    /// The ledger's name.
    pub origin: String,
    /// The place of the entry, from 0.
    pub index: u64,
    /// The proof, as C2SP tlog-proof.
    pub proof: String,
}

/// The lock as it is written, but for what the plan meant.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Written {
    schema: LockSchema,
    pipeline: String,
    plan_digest: Digest,
    ledger: Option<LockEntry>,
}

#[derive(Deserialize, Serialize)]
enum LockSchema {
    #[serde(rename = "utfall-lock/1")]
    V1,
}

impl PlanLock {
    /// The lock of a plan as it stands.
    #[must_use]
    pub fn of(plan: &LoadedPlan, ledger: Option<LockEntry>) -> Self {
        Self {
            pipeline: plan.plan.name.as_str().to_owned(),
            meaning: plan.meaning.clone(),
            ledger,
        }
    }

    /// Digest over what the plan meant.
    #[must_use]
    pub fn digest(&self) -> Digest {
        crate::plan_digest::of(&self.meaning)
    }

    /// Where the lock of a pipeline lies.
    #[must_use]
    pub fn path(pipeline: &Path) -> PathBuf {
        pipeline.join(LOCK)
    }

    /// Writes the lock beside the plan, whole or not at all.
    ///
    /// # Errors
    ///
    /// [`PlanError::File`] if it cannot be written.
    pub fn write(&self, pipeline: &Path) -> Result<(), PlanError> {
        let written = Written {
            schema: LockSchema::V1,
            pipeline: self.pipeline.clone(),
            plan_digest: self.digest(),
            ledger: self.ledger.clone(),
        };
        let mut json = Json::of(&written).map_err(PlanError::digest)?;
        if let Json::Object(members) = &mut json {
            members.insert("plan".to_owned(), self.meaning.clone());
        }
        let path = Self::path(pipeline);
        Ok(utfall_files::write_whole(&path, &json.to_bytes())?)
    }

    /// Reads the lock of a pipeline, if it has one.
    ///
    /// # Errors
    ///
    /// [`PlanError::Lock`] if it is not as `utfall lock` wrote it.
    pub fn read_if_present(pipeline: &Path) -> Result<Option<Self>, PlanError> {
        let path = Self::path(pipeline);
        let bytes = match utfall_files::read_whole(&path) {
            Ok(bytes) => bytes,
            Err(FileError::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let altered = |message: String| PlanError::Lock {
            path: path.clone(),
            message,
        };
        let lock = Self::parse(&bytes).map_err(|error| altered(error.to_string()))?;
        let (lock, stated) = lock;
        if lock.digest() == stated {
            Ok(Some(lock))
        } else {
            Err(altered(
                "the plan in it does not have its digest".to_owned(),
            ))
        }
    }

    /// A lock and the digest that it states.
    fn parse(bytes: &[u8]) -> Result<(Self, Digest), JsonError> {
        let json = Json::parse_canonical(bytes)?;
        let Json::Object(mut members) = json else {
            return Err(JsonError::Shape {
                reason: "no object".to_owned(),
            });
        };
        let meaning = members.remove("plan");
        let meaning = meaning.unwrap_or(Json::Object(BTreeMap::new()));
        let written: Written = Json::Object(members).to_typed()?;
        let lock = Self {
            pipeline: written.pipeline,
            meaning,
            ledger: written.ledger,
        };
        Ok((lock, written.plan_digest))
    }
}
