#![doc = include_str!("../README.md")]

mod answer;
mod asked;
mod calculation;
pub mod cases;
mod effect;
mod error;
mod estimate;
mod find;
mod instrument;
mod model;
mod power;
mod regression;
mod request;
mod sensitivity;
mod table;
mod trial;
mod two_by_two;
mod uncertainty;
mod weigh;

pub use answer::{Answer, Numbers};
pub use asked::{Request, estimate};
pub use calculation::{Calculation, EValue, PValues};
pub use error::{Named, RequestError};
pub use instrument::Instrument;
pub use model::Model;
pub use power::{ClusterQuestion, PowerQuestion};
pub use regression::{MarginalEffect, Regression, RegressionFamily};
pub use request::{
    Balance, ClusterBy, Effect, Estimator, FurtherError, Keep, Request as Comparison, Schema,
    Treatment,
};
pub use trial::{Design, Trial};
pub use two_by_two::TwoByTwo;
pub use uncertainty::{Further, Uncertainty};
pub use utfall_matching::design::{ClosestOn, Coarsened, Distance, Matching, Weighting};
