//! The analysis plan: everything that decides a result, and nothing about where data lie.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utfall_cohort::CohortSpec;
use utfall_core::Estimand;
use utfall_disclosure::Policy;
use utfall_evidence::json::Json;
use utfall_files::Digest;
use utfall_matching::design::{Matching, Weighting};
use utfall_matching::{BalanceGate, SmdDenominator};
use utfall_payment::Contract;
use utfall_registry::{CalendarSpec, DataContract, MeasureSpec, UnitSpec};

use utfall_verify::record::{ClauseDifference, LockDocument, LockedPlan};

use crate::plan_lock::PlanLock;
use crate::{AlternativeSpec, EffectSpec, PlanError, SensitivitySpec, TargetTrial, UnitsCompared};

/// The plan as written in `plan.toml`.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Plan {
    /// Version of this format.
    pub schema: PlanSchema,
    /// Short name, also that of the run's folder: lowercase letters, digits and hyphens.
    pub name: PlanName,
    /// Title for people.
    pub title: String,
    /// What the programme is and what is compared, in a sentence or two.
    pub description: String,
    /// The day eligibility is judged and follow-up starts.
    pub index_date: NaiveDate,
    /// The day as of which the extracts are read: later deliveries are left aside. All if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<NaiveDate>,
    /// Data contracts of the extracts, relative to the plan.
    pub extracts: Vec<PathBuf>,
    /// The outcome contract, relative to the plan.
    pub contract: PathBuf,
    /// What is counted, matched and paid for.
    pub unit: UnitSpec,
    /// Which days count, where measures or reporting lags count days.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calendar: Vec<CalendarSpec>,
    /// Named measurements on the extracts.
    pub measure: Vec<MeasureSpec>,
    /// What the protocol of a trial would say besides.
    pub target_trial: Option<TargetTrial>,
    /// Who is compared with whom.
    pub cohort: CohortSpec,
    /// Whom the effect is averaged over, as far as comparators are found for them.
    pub estimand: Estimand,
    /// How comparators are found.
    pub matching: Option<Matching>,
    /// How units are weighted, instead of matched.
    pub weighting: Option<Weighting>,
    /// Units compared as they are, instead of matched or weighted: for a programme given by lot.
    pub units: Option<UnitsCompared>,
    /// How lots were drawn, if they decided who was treated.
    pub assignment: Option<Assignment>,
    /// How alike the arms must be.
    pub balance: BalanceSpec,
    /// The effects estimated, in the order of the report.
    pub effect: Vec<EffectSpec>,
    /// Other designs, reported beside the plan's own. A payment never rests on them.
    #[serde(default)]
    pub alternative: Vec<AlternativeSpec>,
    /// Checks of the effects, reported beside them. A payment never rests on them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sensitivity: Vec<SensitivitySpec>,
    /// What happens to counts before they leave the secure environment.
    pub disclosure: Policy,
}

/// Lots that decided who was treated, as the plan states it: no extract can show it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Assignment {
    /// What was drawn.
    pub by_lot: Lots,
    /// Who drew, when, how, and where the list lies: for whoever checks it.
    pub record: String,
}

/// What lots were drawn of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Lots {
    /// Units, one by one.
    Units,
    /// Whole groups of units, such as schools.
    Clusters,
}

/// The version of the plan format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
pub enum PlanSchema {
    /// The first version.
    #[serde(rename = "utfall-plan/1")]
    V1,
}

/// A short name of lowercase letters, digits and hyphens.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct PlanName(String);

impl PlanName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for PlanName {
    type Error = String;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if !name.is_empty() && name.len() <= 64 && name.chars().all(allowed) {
            Ok(Self(name))
        } else {
            Err(format!(
                "`{name}` is no plan name, expected up to 64 lowercase letters, digits and hyphens"
            ))
        }
    }
}

impl From<PlanName> for String {
    fn from(name: PlanName) -> Self {
        name.0
    }
}

/// How alike the matched arms must be.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct BalanceSpec {
    /// The standard deviation that divides mean differences.
    pub smd_denominator: SmdDenominator,
    /// Largest absolute standardised mean difference after matching at which effects count.
    pub gate: BalanceGate,
}

/// A plan with every file it names, read and checked.
#[derive(Debug)]
pub struct LoadedPlan {
    /// The plan.
    pub plan: Plan,
    /// The data contracts, by extract.
    pub data_contracts: BTreeMap<String, DataContract>,
    /// The outcome contract.
    pub contract: Contract,
    /// Names of the extracts, in the order of the plan's list of files.
    extract_names: Vec<String>,
    /// Text of every file of the plan, by its name relative to the plan's folder.
    pub texts: BTreeMap<String, String>,
    /// What the files mean, by file: TOML as JSON.
    pub meaning: Json,
    /// Digest over what the files mean; comments and layout do not count.
    pub digest: Digest,
    /// The plan that was locked in this folder, if one was.
    pub lock: Option<PlanLock>,
}

impl LoadedPlan {
    /// Reads `plan.toml` in a folder and every file it names.
    ///
    /// # Errors
    ///
    /// [`PlanError`] at the first file that cannot be read or does not follow its format, with the
    /// line, and for any name in one file that another does not define.
    pub fn read(folder: &Path) -> Result<Self, PlanError> {
        let mut texts = BTreeMap::new();
        let plan_text = read_text(folder, Path::new("plan.toml"), &mut texts)?;
        let plan: Plan = crate::toml_text::parse("plan.toml", &plan_text)?;
        let mut data_contracts = BTreeMap::new();
        let mut extract_names = Vec::new();
        for path in &plan.extracts {
            let text = read_text(folder, path, &mut texts)?;
            let beside = path.parent().unwrap_or(Path::new(""));
            let mut code_file = |name: &str| {
                read_text(folder, &beside.join(name), &mut texts).map_err(|error| error.to_string())
            };
            let source_name = path.display().to_string();
            let contract = DataContract::from_toml_with(&source_name, &text, &mut code_file)
                .map_err(PlanError::data_contract)?;
            let name = contract.name().to_owned();
            extract_names.push(name.clone());
            if data_contracts.insert(name.clone(), contract).is_some() {
                return Err(PlanError::Repeated {
                    kind: "extract",
                    name,
                });
            }
        }
        let contract_text = read_text(folder, &plan.contract, &mut texts)?;
        let contract = Contract::from_toml(&plan.contract.display().to_string(), &contract_text)
            .map_err(PlanError::contract)?;
        let meaning = crate::plan_digest::meaning(&texts)?;
        let digest = crate::plan_digest::of(&meaning);
        let lock = PlanLock::read_if_present(folder)?;
        let loaded = Self {
            plan,
            data_contracts,
            contract,
            extract_names,
            texts,
            meaning,
            digest,
            lock,
        };
        crate::plan_check::check(&loaded)?;
        Ok(loaded)
    }

    /// Text of `plan.toml`.
    #[must_use]
    pub fn plan_text(&self) -> &str {
        self.texts.get("plan.toml").map_or("", String::as_str)
    }

    /// Text of each data contract, by its extract.
    #[must_use]
    pub fn data_contract_texts(&self) -> BTreeMap<String, String> {
        let text = |path: &PathBuf| {
            self.texts
                .get(&path.display().to_string())
                .cloned()
                .unwrap_or_default()
        };
        self.extract_names
            .iter()
            .cloned()
            .zip(self.plan.extracts.iter().map(text))
            .collect()
    }

    /// Whether the plan is as it was locked, clause by clause.
    #[must_use]
    pub fn compare_with_lock(&self) -> LockDocument {
        match &self.lock {
            None => LockDocument::default(),
            Some(lock) => LockDocument {
                locked: Some(LockedPlan {
                    plan_digest: lock.digest(),
                    in_ledger: lock.ledger.is_some(),
                }),
                differences: ClauseDifference::between(&lock.meaning, &self.meaning),
                units_in_ledger: false,
            },
        }
    }

    /// Text of the outcome contract.
    #[must_use]
    pub fn contract_text(&self) -> &str {
        self.texts
            .get(&self.plan.contract.display().to_string())
            .map_or("", String::as_str)
    }
}

fn read_text(
    folder: &Path,
    name: &Path,
    texts: &mut BTreeMap<String, String>,
) -> Result<String, PlanError> {
    let path = folder.join(name);
    let text =
        std::fs::read_to_string(&path).map_err(|source| PlanError::Unreadable { path, source })?;
    texts.insert(name.display().to_string(), text.clone());
    Ok(text)
}
