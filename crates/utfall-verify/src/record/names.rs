//! Where each document stands in the bundle.

/// The plan, as the run read it.
pub const PLAN: &str = "plan/plan.toml";
/// The contract, as the run read it.
pub const CONTRACT: &str = "plan/contract.toml";
/// [`TrialDocument`](super::TrialDocument).
pub const TRIAL: &str = "record/trial.json";
/// [`FunnelDocument`](super::FunnelDocument).
pub const FUNNEL: &str = "record/funnel.json";
/// [`BalanceDocument`](super::BalanceDocument).
pub const BALANCE: &str = "record/balance.json";
/// [`OverlapDocument`](super::OverlapDocument).
pub const OVERLAP: &str = "record/overlap.json";
/// [`EffectsDocument`](super::EffectsDocument).
pub const EFFECTS: &str = "record/effects.json";
/// [`DesignsDocument`](super::DesignsDocument).
pub const DESIGNS: &str = "record/designs.json";
/// [`ExtractsDocument`](super::ExtractsDocument): what went into the run.
pub const EXTRACTS: &str = "record/inputs.json";
/// [`EnvironmentDocument`](super::EnvironmentDocument).
pub const ENVIRONMENT: &str = "record/environment.json";
/// [`FiguresDocument`](super::FiguresDocument): what went into the contract.
pub const FIGURES: &str = "record/payment-inputs.json";
/// [`Decision`](utfall_payment::Decision).
pub const DECISION: &str = "record/decision.json";
/// What the plan's files mean: the canonical JSON whose SHA-256 is the plan's digest.
pub const MEANING: &str = "record/plan.json";
/// [`LockDocument`](super::LockDocument).
pub const LOCK: &str = "record/lock.json";
/// What the locked plan meant, if a plan was locked.
pub const LOCKED_MEANING: &str = "record/locked-plan.json";
/// The run as OpenLineage events.
pub const LINEAGE: &str = "record/openlineage.json";
/// The run as an RO-Crate; the name is that of every such crate.
pub const RO_CRATE: &str = "ro-crate-metadata.json";
/// The report, for people.
pub const REPORT: &str = "report.html";

/// Files without which a bundle is not that of a run.
pub const REQUIRED: [&str; 17] = [
    PLAN,
    CONTRACT,
    TRIAL,
    FUNNEL,
    BALANCE,
    OVERLAP,
    EFFECTS,
    DESIGNS,
    EXTRACTS,
    ENVIRONMENT,
    FIGURES,
    DECISION,
    MEANING,
    LOCK,
    LINEAGE,
    RO_CRATE,
    REPORT,
];

/// Where the data contract of an extract stands.
#[must_use]
pub fn extract_contract(extract: &str) -> String {
    format!("plan/extracts/{extract}.toml")
}
