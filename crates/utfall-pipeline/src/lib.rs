//! The frozen plan, its steps in order, and when a step may be skipped.
//!
//! This is the one place that knows the whole data path: extract → table → cohort → matched set →
//! effect → decision. Each step is a file of `steps`; [`run`] puts them in order.

mod calibrate;
mod calibration_log;
mod cohort_file;
mod compare;
mod compared_file;
mod design;
mod design_check;
mod diff;
mod documents;
mod effect_spec;
mod examples;
mod grade;
mod inspect;
mod measure_check;
mod model_effect;
mod model_released;
mod model_rows;
mod model_spec;
mod outcomes;
mod overlap;
mod plan;
mod plan_check;
mod plan_digest;
mod plan_error;
mod plan_lock;
mod run;
mod run_error;
mod sample;
mod seals;
mod sensitivity;
mod sensitivity_check;
mod site;
mod step;
mod steps;
mod study;
mod toml_text;
mod trial;
mod truth;
mod without_one;
mod workspace;

pub use calibrate::{CalibrationRequest, calibrate};
pub use design::{AlternativeSpec, UnitsCompared};
pub use diff::{
    ColumnDifference, ExtractDifference, KnownOn, MeasureDifference, RunDifference, compare_known,
    compare_runs,
};
pub use effect_spec::{ClusterBy, EffectSpec, EstimatorSpec};
pub use examples::check_examples;
pub use inspect::{CheckRequest, check, ingest, quality, read_contracts, read_data_contract};
pub use model_spec::{EffectScale, ModelRequest, ModelSpec, Periods, Reads, RowsSpec};
pub use plan::{Assignment, BalanceSpec, LoadedPlan, Lots, Plan, PlanName, PlanSchema};
pub use plan_error::PlanError;
pub use plan_lock::{LockEntry, PlanLock};
pub use run::{RunOutcome, RunRequest, RunWatch, run};
pub use run_error::{RunError, ToleranceExceeded};
pub use seals::enter_in;
pub use sensitivity::{RatioScale, SensitivityCheck, SensitivitySpec};
pub use site::{Site, SiteDelivery, SiteLedger};
pub use step::{FinishedStep, Step, StepKey, StepReport};
pub use toml_text::SyntaxError;
pub use trial::TargetTrial;
pub use truth::SiteTruth;
pub use workspace::Workspace;
