//! The documents of a run.
//!
//! Each is canonical JSON with kebab-case keys, and refuses keys it does not know. What a float
//! holds is read back to the last bit.

mod balance;
mod designs;
mod effects;
mod environment;
mod extracts;
mod figures;
mod funnel;
mod lock;
mod money;
mod names;
mod overlap;
mod sensitivity;
mod trial;

pub use balance::{BalanceDocument, BalanceGate, BalanceRow};
pub use designs::{AlternativeRecord, DesignResult, DesignsDocument, MadeDesign, TruthRecord};
pub use effects::{
    EffectRecord, EffectResult, EffectRole, EffectsDocument, Estimated, GradeRecord, ModelRecord,
    WithoutOne, is_of_logs,
};
pub use environment::{CalibrationMark, EnvironmentDocument};
pub use extracts::{DeliveryStatus, ExtractRecord, ExtractsDocument};
pub use figures::FiguresDocument;
pub use funnel::FunnelDocument;
pub use lock::{ClauseDifference, LockDocument, LockedPlan};
pub use money::{AmountRecord, CostRecord, MoneyRecord, PayerRecord, RatioRecord};
pub use names::{
    BALANCE, CONTRACT, DECISION, DESIGNS, EFFECTS, ENVIRONMENT, EXTRACTS, FIGURES, FUNNEL, LINEAGE,
    LOCK, LOCKED_MEANING, MEANING, OVERLAP, PLAN, REPORT, REQUIRED, RO_CRATE, TRIAL,
    extract_contract,
};
pub use overlap::{OverlapBin, OverlapDocument, OverlapResult};
pub use sensitivity::{SensitivityRecord, SensitivityResult, SensitivityRow};
pub use trial::{TrialDocument, TrialPart};

use utfall_payment::Decision;

/// What a run found, in the documents that stand in its bundle.
#[derive(Debug, Clone, PartialEq)]
pub struct Documents {
    /// The trial the run stands for.
    pub trial: TrialDocument,
    /// How the population became the cohort.
    pub funnel: FunnelDocument,
    /// How alike the arms are, before and after matching.
    pub balance: BalanceDocument,
    /// How far the arms overlap before matching.
    pub overlap: OverlapDocument,
    /// The estimated effects.
    pub effects: EffectsDocument,
    /// Other designs, and the truth of synthetic data.
    pub designs: DesignsDocument,
    /// The extracts read.
    pub extracts: ExtractsDocument,
    /// What the run depended on beside its data.
    pub environment: EnvironmentDocument,
    /// Whether the plan was frozen, and what was changed since.
    pub lock: LockDocument,
    /// What the contract decides.
    pub decision: Decision,
}
