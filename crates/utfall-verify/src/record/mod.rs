//! The documents of a run.
//!
//! Each is canonical JSON with kebab-case keys, and refuses keys it does not know. What a float
//! holds is read back to the last bit.

mod balance;
mod effects;
mod environment;
mod extracts;
mod figures;
mod funnel;
mod names;

pub use balance::{BalanceDocument, BalanceGate, BalanceRow};
pub use effects::{EffectRecord, EffectResult, EffectsDocument, Estimated};
pub use environment::EnvironmentDocument;
pub use extracts::{DeliveryStatus, ExtractRecord, ExtractsDocument};
pub use figures::FiguresDocument;
pub use funnel::FunnelDocument;
pub use names::{
    BALANCE, CONTRACT, DECISION, EFFECTS, ENVIRONMENT, EXTRACTS, FIGURES, FUNNEL, PLAN, REPORT,
    REQUIRED, extract_contract,
};

use utfall_payment::Decision;

/// What a run found, in the documents that stand in its bundle.
#[derive(Debug, Clone, PartialEq)]
pub struct Documents {
    /// How the population became the cohort.
    pub funnel: FunnelDocument,
    /// How alike the arms are, before and after matching.
    pub balance: BalanceDocument,
    /// The estimated effects.
    pub effects: EffectsDocument,
    /// The extracts read.
    pub extracts: ExtractsDocument,
    /// What the run depended on beside its data.
    pub environment: EnvironmentDocument,
    /// What the contract decides.
    pub decision: Decision,
}
