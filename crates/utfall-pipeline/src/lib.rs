//! The frozen plan, its steps in order, and when a step may be skipped.
//!
//! This is the one place that knows the whole data path: extract → table → cohort → matched set →
//! effect → decision. Each step is a file of `steps`; [`run`] puts them in order.

mod cohort_file;
mod documents;
mod inspect;
mod matched_file;
mod plan;
mod plan_check;
mod plan_digest;
mod plan_error;
mod run;
mod run_error;
mod site;
mod step;
mod steps;
mod study;
mod toml_text;
mod workspace;

pub use inspect::{ingest, inspect};
pub use plan::{
    BalanceSpec, ClusterBy, EffectSpec, EstimatorSpec, LoadedPlan, MatchingSpec, Plan, PlanName,
    PlanSchema,
};
pub use plan_error::PlanError;
pub use run::{RunOutcome, RunRequest, RunWatch, run};
pub use run_error::RunError;
pub use site::{Site, SiteDelivery};
pub use step::{FinishedStep, Step, StepKey, StepReport};
pub use toml_text::SyntaxError;
pub use workspace::Workspace;
