//! Who is compared, and when: the index date, eligibility with its funnel, treatment and covariates.
//!
//! This crate reads tables through [`utfall_registry::Baseline`] alone, a view that ends at the
//! index date. It cannot read an outcome, because the type it is given has none.

mod build;
mod covariate;
mod eligibility;
mod entry;
mod error;
mod example;
mod spec;
mod treatment;

pub use build::{Cohort, CohortAttribute, build, eligible, verdicts};
pub use covariate::Covariate;
pub use entry::{Entry, INDEX_DATE};
pub use error::CohortError;
pub use example::{ExampleSpec, Verdict};
pub use spec::{
    Attribute, AttributeSpec, CohortSpec, CovariateKind, CovariateSpec, EligibilityKind,
    EligibilityRule, Treatment,
};
