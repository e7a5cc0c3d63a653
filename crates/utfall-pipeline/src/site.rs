//! Where the data lie: the file that is neither signed nor shared, and changes no result.

use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utfall_registry::{Delivery, DeliveryScope, DeliveryStatus};

use crate::{Plan, PlanError, SiteTruth};

/// Where the deliveries of each extract lie.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Site {
    /// Folder the deliveries lie in, relative to this file.
    pub data: PathBuf,
    /// The deliveries.
    pub delivery: Vec<SiteDelivery>,
    /// What was planted, where the data are synthetic.
    pub truth: Option<SiteTruth>,
    /// The secret key of commitments to restricted data, relative to this file; made if there is
    /// none. Without this, `commitment.key` in the workspace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commitment_key: Option<PathBuf>,
    /// The ledger that cohort and matched set are entered in before outcomes are opened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ledger: Option<SiteLedger>,
}

/// A ledger that runs append to.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SiteLedger {
    /// Its folder, relative to this file.
    pub folder: PathBuf,
    /// The secret key it is signed with, relative to this file.
    pub key: PathBuf,
}

/// Delivered files: one, those of a folder, or those that a pattern names.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SiteDelivery {
    /// The extract it belongs to.
    pub extract: String,
    /// The file, relative to the data folder; a folder, whose files are all parts of the delivery,
    /// with columns in folders named `column=value`; or a pattern such as `2024/*.csv`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<PathBuf>,
    /// In place of a path, the database: `postgresql://user@host:port/database`, without a
    /// password, or `sqlite:FILE`, relative to the data folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
    /// The day it was extracted from the registry.
    pub vintage: NaiveDate,
    /// Preliminary or final.
    pub status: DeliveryStatus,
    /// What it says about rows it does not hold: nothing (`changes`, also if absent), or that
    /// they are deleted (`full`).
    #[serde(default)]
    pub scope: DeliveryScope,
}

impl Site {
    /// The site of a pipeline as of the day that its plan or whoever runs it asks for, if either
    /// does.
    ///
    /// # Errors
    ///
    /// As [`Site::read`] and [`Site::as_of`], and [`PlanError::TwoDays`] if they ask for different
    /// days.
    pub fn for_plan(
        pipeline: &Path,
        given: Option<&Path>,
        plan: &Plan,
        asked: Option<NaiveDate>,
    ) -> Result<Self, PlanError> {
        let site = Self::of_pipeline(pipeline, given)?;
        match (plan.as_of, asked) {
            (Some(plan), Some(asked)) if plan != asked => Err(PlanError::TwoDays { plan, asked }),
            (None, None) => Ok(site),
            (Some(day), _) | (None, Some(day)) => site.as_of(day),
        }
    }

    /// Reads the site file of a pipeline: the one given, or `site.toml` in the pipeline's folder.
    ///
    /// # Errors
    ///
    /// As [`Site::read`].
    pub fn of_pipeline(pipeline: &Path, given: Option<&Path>) -> Result<Self, PlanError> {
        match given {
            Some(path) => Self::read(path),
            None => Self::read(&pipeline.join("site.toml")),
        }
    }

    /// Reads a site file; its data folder becomes relative to the working folder.
    ///
    /// # Errors
    ///
    /// [`PlanError::Unreadable`] or [`PlanError::Syntax`].
    pub fn read(path: &Path) -> Result<Self, PlanError> {
        let text = std::fs::read_to_string(path).map_err(|source| PlanError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        let mut site: Self = crate::toml_text::parse(&path.display().to_string(), &text)?;
        let beside = path.parent().unwrap_or(Path::new(""));
        site.data = beside.join(&site.data);
        site.commitment_key = site.commitment_key.map(|key| beside.join(key));
        site.ledger = site.ledger.map(|ledger| SiteLedger {
            folder: beside.join(ledger.folder),
            key: beside.join(ledger.key),
        });
        Ok(site)
    }

    /// The files of a delivery, or its database.
    fn places(&self, delivery: &SiteDelivery) -> Result<Vec<PathBuf>, PlanError> {
        match (&delivery.path, &delivery.database) {
            (Some(path), None) => Ok(utfall_registry::delivered_files(&self.data.join(path))?),
            (None, Some(url)) => Ok(vec![match url.strip_prefix("sqlite:") {
                Some(file) => format!("sqlite:{}", self.data.join(file).display()).into(),
                None => url.into(),
            }]),
            _ => Err(PlanError::Place {
                extract: delivery.extract.clone(),
            }),
        }
    }

    /// The site as it was known on a day: deliveries of later vintages are left aside.
    ///
    /// # Errors
    ///
    /// [`PlanError::NoDelivery`] if that leaves an extract without any.
    pub fn as_of(mut self, day: NaiveDate) -> Result<Self, PlanError> {
        let known = |delivery: &SiteDelivery| delivery.vintage <= day;
        let extracts = self.delivery.iter().map(|delivery| &delivery.extract);
        for extract in extracts {
            let mut of_extract = self
                .delivery
                .iter()
                .filter(|other| other.extract == *extract);
            if !of_extract.any(known) {
                return Err(PlanError::NotYetDelivered {
                    extract: extract.clone(),
                    day,
                });
            }
        }
        self.delivery.retain(known);
        Ok(self)
    }

    /// The deliveries of an extract.
    ///
    /// # Errors
    ///
    /// [`PlanError::NoDelivery`] if there is none, [`PlanError::DeliveredFiles`] if one names no
    /// file.
    pub fn deliveries(&self, extract: &str) -> Result<Vec<Delivery>, PlanError> {
        let mut deliveries = Vec::new();
        for delivery in self
            .delivery
            .iter()
            .filter(|delivery| delivery.extract == extract)
        {
            let files = self.places(delivery)?;
            deliveries.extend(files.into_iter().map(|path| Delivery {
                path,
                vintage: delivery.vintage,
                status: delivery.status,
                scope: delivery.scope,
            }));
        }
        if deliveries.is_empty() {
            return Err(PlanError::NoDelivery {
                extract: extract.to_owned(),
            });
        }
        Ok(deliveries)
    }
}
