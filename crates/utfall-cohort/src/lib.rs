//! Who is compared, and when: the index date, eligibility with its funnel, treatment and covariates.
//!
//! This crate reads tables through [`utfall_registry::Baseline`] alone, a view that ends at the
//! index date. It cannot read an outcome, because the type it is given has none.

mod build;
mod covariate;
mod eligibility;
mod error;
mod spec;
mod treatment;

pub use build::{Cohort, build};
pub use covariate::Covariate;
pub use error::CohortError;
pub use spec::{
    Attribute, CohortSpec, CovariateKind, CovariateSpec, EligibilityKind, EligibilityRule,
    Treatment,
};
