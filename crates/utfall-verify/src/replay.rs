//! Level V3: the payment, computed again from the recorded effects.

use serde::de::DeserializeOwned;
use utfall_evidence::json::{Difference, Json, JsonError, read_document};
use utfall_evidence::{Files, Finding};
use utfall_files::Digest;
use utfall_payment::{Contract, Inputs};

use crate::frozen;
use crate::inputs::{self, Figure};
use crate::metadata::metadata;
use crate::record::{
    BALANCE, BalanceDocument, CONTRACT, DECISION, DESIGNS, DesignResult, DesignsDocument, EFFECTS,
    ENVIRONMENT, EXTRACTS, EffectRecord, EffectResult, EffectsDocument, EnvironmentDocument,
    ExtractsDocument, FIGURES, FUNNEL, FiguresDocument, FunnelDocument, OVERLAP, OverlapDocument,
    REQUIRED, TRIAL, TrialDocument,
};

/// Every place where the documents of a run do not lead from its effects to its decision.
///
/// Checked are: every document is there, canonical and of its shape; derived figures follow from
/// the others; the figures the contract was given are those of the effects; the plan is the one
/// its digest stands for and differs from the locked one as recorded; and the contract, evaluated
/// on the figures again, gives the recorded decision.
///
/// A change of the effects, the figures and the decision together, consistently, is another run
/// and not found here; the seal is what tells the two apart.
#[must_use]
pub fn replay(files: &Files) -> Vec<Finding> {
    let mut replay = Replay {
        files,
        findings: Vec::new(),
    };
    replay.presence();
    replay.shapes();
    let figures = replay.figures();
    replay.origins();
    replay.findings.extend(frozen::findings(files));
    replay.metadata();
    if let Some(figures) = figures {
        replay.payment(&inputs::inputs(&figures));
    }
    replay.findings
}

struct Replay<'a> {
    files: &'a Files,
    findings: Vec<Finding>,
}

impl<'a> Replay<'a> {
    fn presence(&mut self) {
        for name in REQUIRED {
            if self.files.get(name).is_none() {
                self.findings.push(Finding::new(
                    name,
                    "a file",
                    "nothing",
                    "the run cannot be replayed without it",
                ));
            }
        }
    }

    /// Documents that the payment does not need are read all the same.
    fn shapes(&mut self) {
        self.document::<TrialDocument>(TRIAL);
        self.document::<FunnelDocument>(FUNNEL);
        self.document::<ExtractsDocument>(EXTRACTS);
        self.document::<EnvironmentDocument>(ENVIRONMENT);
        self.document::<OverlapDocument>(OVERLAP);
        if let Some(effects) = self.document::<EffectsDocument>(EFFECTS) {
            self.derived_figures(EFFECTS, "/effects", &effects.effects);
        }
        if let Some(balance) = self.document::<BalanceDocument>(BALANCE) {
            self.gate(BALANCE, "/gate", &balance);
        }
        if let Some(designs) = self.document::<DesignsDocument>(DESIGNS) {
            self.alternatives(&designs);
        }
    }

    /// Nothing is paid on alternatives, but their figures and gates must follow like the others.
    fn alternatives(&mut self, designs: &DesignsDocument) {
        for (index, alternative) in designs.alternatives.iter().enumerate() {
            if let DesignResult::Made(made) = &alternative.result {
                let place = format!("/alternatives/{index}/result");
                self.derived_figures(DESIGNS, &format!("{place}/effects"), &made.effects);
                self.gate(DESIGNS, &format!("{place}/balance/gate"), &made.balance);
            }
        }
    }

    fn derived_figures(&mut self, document: &str, place: &str, effects: &[EffectRecord]) {
        for (index, effect) in effects.iter().enumerate() {
            let money = effect.money.as_ref();
            let inconsistent = money.and_then(|money| money.first_inconsistency(&effect.result));
            if let Some((derived, held)) = inconsistent {
                self.findings.push(Finding::new(
                    format!("{document}#{place}/{index}/money/savings/point"),
                    in_words(derived),
                    in_words(held),
                    format!(
                        "the savings do not follow from the effect of `{}`",
                        effect.name
                    ),
                ));
            }
            let EffectResult::Estimated(estimated) = &effect.result else {
                continue;
            };
            if let Some((figure, derived)) = estimated.first_inconsistency(&effect.unit) {
                let held = if figure == "total" {
                    estimated.total
                } else {
                    estimated.relative
                };
                self.findings.push(Finding::new(
                    format!("{document}#{place}/{index}/result/{figure}"),
                    in_words(derived),
                    in_words(held),
                    format!(
                        "the figure does not follow from the others of `{}`",
                        effect.name
                    ),
                ));
            }
        }
    }

    fn gate(&mut self, document: &str, place: &str, balance: &BalanceDocument) {
        let beyond = balance.beyond_gate();
        if balance.gate.passed == beyond.is_none() {
            return;
        }
        self.findings.push(Finding::new(
            format!("{document}#{place}/passed"),
            beyond.is_none().to_string(),
            balance.gate.passed.to_string(),
            match beyond {
                Some(row) => format!("row {row} does not keep to the gate"),
                None => "every row keeps to the gate".to_owned(),
            },
        ));
    }

    /// The figures of the effects, compared with those the contract was given.
    fn figures(&mut self) -> Option<Vec<Figure>> {
        let figures = match inputs::figures(self.files.get(EFFECTS)?, self.files.get(BALANCE)?) {
            Ok(figures) => figures,
            Err((document, error)) => {
                self.unreadable(document, &error);
                return None;
            }
        };
        if let Some(recorded) = self.document::<FiguresDocument>(FIGURES) {
            for figure in &figures {
                self.compare_figure(figure, recorded.inputs.get(&figure.name));
            }
            for name in recorded
                .inputs
                .keys()
                .filter(|name| !figures.iter().any(|figure| figure.name == **name))
            {
                self.findings.push(Finding::new(
                    format!("{FIGURES}#/inputs/{name}"),
                    "no such figure",
                    "a figure",
                    "the contract was given a figure that no effect supplies",
                ));
            }
        }
        Some(figures)
    }

    fn compare_figure(&mut self, figure: &Figure, recorded: Option<&utfall_payment::Input>) {
        if recorded != Some(&figure.input) {
            self.findings.push(Finding::new(
                format!("{}#{}", figure.document, figure.pointer),
                recorded.map_or_else(|| "no such figure".to_owned(), shown),
                shown(&figure.input),
                format!(
                    "`{}` is not the figure the contract was given, in {FIGURES}",
                    figure.name
                ),
            ));
        }
    }

    /// What the figures were taken from, where no figure says more.
    fn origins(&mut self) {
        let Some(recorded) = self
            .files
            .get(FIGURES)
            .and_then(|bytes| read_document::<FiguresDocument>(bytes).ok())
        else {
            return;
        };
        for name in recorded
            .made_from
            .keys()
            .filter(|name| ![CONTRACT, EFFECTS, BALANCE].contains(&name.as_str()))
        {
            self.findings.push(Finding::new(
                format!("{FIGURES}#/made-from"),
                "the contract, the effects and the balance",
                name,
                "a payment rests on nothing else",
            ));
        }
        for name in [CONTRACT, EFFECTS, BALANCE] {
            let Some(bytes) = self.files.get(name) else {
                continue;
            };
            let found = Digest::sha256(bytes);
            let is_named = self
                .findings
                .iter()
                .any(|finding| finding.place.starts_with(name));
            if recorded.made_from.get(name) != Some(&found) && !is_named {
                let expected = recorded.made_from.get(name);
                self.findings.push(Finding::new(
                    name,
                    expected.map_or_else(
                        || "to be named there".to_owned(),
                        |digest| format!("sha256 {digest}"),
                    ),
                    format!("sha256 {found}"),
                    format!("this is not the document the payment was computed from, in {FIGURES}"),
                ));
            }
        }
    }

    /// What is said of the run to tools of others, made again.
    fn metadata(&mut self) {
        for (name, made) in metadata(self.files).into_iter().flatten().flatten() {
            let Some(recorded) = self.json(name) else {
                continue;
            };
            let made = Json::parse_canonical(&made).ok();
            if let Some(difference) = made.and_then(|made| made.first_difference(&recorded)) {
                self.findings.push(Finding::new(
                    format!("{name}#{}", difference.pointer),
                    difference
                        .expected
                        .map_or("nothing".to_owned(), |value| value.to_text()),
                    difference
                        .found
                        .map_or("nothing".to_owned(), |value| value.to_text()),
                    "what is said of the run does not follow from its documents",
                ));
            }
        }
    }

    /// The contract, evaluated again.
    fn payment(&mut self, inputs: &Inputs) {
        let (Some(contract), Some(recorded)) = (self.contract(), self.json(DECISION)) else {
            return;
        };
        match Json::of(&contract.evaluate(inputs)) {
            Ok(replayed) => {
                if let Some(difference) = replayed.first_difference(&recorded) {
                    self.findings.push(divergence(difference));
                }
            }
            Err(error) => self.unreadable(DECISION, &error),
        }
    }

    fn contract(&mut self) -> Option<Contract> {
        let text = std::str::from_utf8(self.files.get(CONTRACT)?);
        let contract = text
            .map_err(|error| format!("no UTF-8 text at offset {}", error.valid_up_to()))
            .and_then(|text| {
                Contract::from_toml(CONTRACT, text).map_err(|errors| errors.to_string())
            });
        match contract {
            Ok(contract) => Some(contract),
            Err(reason) => {
                self.findings.push(Finding::new(
                    CONTRACT,
                    "a contract",
                    reason,
                    "the contract cannot be read",
                ));
                None
            }
        }
    }

    fn document<T: DeserializeOwned>(&mut self, name: &str) -> Option<T> {
        self.read(name, |bytes| read_document(bytes))
    }

    fn json(&mut self, name: &str) -> Option<Json> {
        self.read(name, Json::parse_canonical)
    }

    fn read<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&'a [u8]) -> Result<T, JsonError>,
    ) -> Option<T> {
        match read(self.files.get(name)?) {
            Ok(value) => Some(value),
            Err(error) => {
                self.unreadable(name, &error);
                None
            }
        }
    }

    /// Says once that a document cannot be read.
    fn unreadable(&mut self, name: &str, error: &JsonError) {
        let finding = Finding::new(
            name,
            "the document in canonical JSON",
            error.to_string(),
            "the document cannot be read",
        );
        if !self.findings.contains(&finding) {
            self.findings.push(finding);
        }
    }
}

fn divergence(difference: Difference) -> Finding {
    let shown =
        |value: Option<Json>| value.map_or_else(|| "nothing".to_owned(), |value| value.to_text());
    Finding::new(
        format!("{DECISION}#{}", difference.pointer),
        shown(difference.expected),
        shown(difference.found),
        "the contract, evaluated again on the recorded effects, decides otherwise here",
    )
}

fn shown(input: &utfall_payment::Input) -> String {
    Json::of(input).map_or_else(|error| error.to_string(), |json| json.to_text())
}

fn in_words(figure: Option<f64>) -> String {
    figure.map_or_else(|| "no figure".to_owned(), |figure| figure.to_string())
}
