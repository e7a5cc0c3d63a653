//! An outcome contract and its inputs, from a bundle or from files.

use std::path::{Path, PathBuf};

use utfall_evidence::json::read_document;
use utfall_payment::{Contract, Inputs};
use utfall_pipeline::PlanError;
use utfall_verify::inputs::{figures, inputs};
use utfall_verify::record::{BALANCE, CONTRACT, DESIGNS, DesignsDocument, EFFECTS};

use crate::error::CliError;

/// A contract, and what it is given.
pub(crate) struct Outcome {
    pub(crate) contract: Contract,
    pub(crate) inputs: Inputs,
    /// What else the run estimated; none without a run.
    pub(crate) designs: Option<DesignsDocument>,
}

impl Outcome {
    /// Refuses a contract file that reads what its inputs do not hold, with its line.
    pub(crate) fn check_supplied(&self, file: &Path) -> Result<(), CliError> {
        let name = file.display().to_string();
        self.contract
            .check_supplied(&name, &self.inputs.keys().map(String::as_str).collect())
            .map_err(|errors| PlanError::Contract(Box::new(errors)).into())
    }
}

/// Whether what was named is a contract file, and not a bundle.
pub(crate) fn is_contract(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension == "toml")
}

/// Reads a contract file and a file of inputs.
pub(crate) fn from_files(contract: &Path, file: &Option<PathBuf>) -> Result<Outcome, CliError> {
    let text = utfall_files::read_text(contract)?;
    let contract = Contract::from_toml(&contract.display().to_string(), &text)
        .map_err(|errors| PlanError::Contract(Box::new(errors)))?;
    let Some(file) = file else {
        return Err(CliError::Inputs {
            what: contract.name().to_owned(),
            message: format!(
                "write --inputs FILE with {}",
                contract
                    .required_inputs()
                    .into_iter()
                    .map(|(name, kind)| format!("\"{name}\" = {{ {kind} = … }}"))
                    .collect::<Vec<_>>()
                    .join(", ")
            ),
        });
    };
    let text = utfall_files::read_text(file)?;
    let inputs: Inputs = toml::from_str(&text).map_err(|error| CliError::Inputs {
        what: file.display().to_string(),
        message: error.to_string(),
    })?;
    Ok(Outcome {
        contract,
        inputs,
        designs: None,
    })
}

/// Reads the contract and the figures of a run from its bundle.
pub(crate) fn from_bundle(bundle: &Path) -> Result<Outcome, CliError> {
    let inspection = utfall_evidence::inspect(bundle)?;
    let unusable = |what: &str| {
        CliError::Bundle(format!(
            "{}: {what}; `utfall verify` says where",
            bundle.display()
        ))
    };
    if !inspection.findings.is_empty() {
        return Err(unusable("it is not as it was sealed"));
    }
    let files = inspection
        .files
        .ok_or_else(|| unusable("it holds no files"))?;
    let file = |name: &str| {
        files
            .get(name)
            .ok_or_else(|| unusable(&format!("it holds no {name}")))
    };
    let text =
        std::str::from_utf8(file(CONTRACT)?).map_err(|_| unusable("its contract is no text"))?;
    let contract =
        Contract::from_toml(CONTRACT, text).map_err(|error| unusable(&error.to_string()))?;
    let figures = figures(file(EFFECTS)?, file(BALANCE)?)
        .map_err(|(document, error)| unusable(&format!("{document}: {error}")))?;
    let designs =
        read_document(file(DESIGNS)?).map_err(|error| unusable(&format!("{DESIGNS}: {error}")))?;
    Ok(Outcome {
        contract,
        inputs: inputs(&figures),
        designs: Some(designs),
    })
}
