#![doc = include_str!("../README.md")]

mod answer;
pub mod cases;
mod effect;
mod error;
mod estimate;
mod request;
mod table;
mod weigh;

pub use answer::{Answer, Numbers};
pub use error::{Named, RequestError};
pub use estimate::estimate;
pub use request::{
    Balance, ClusterBy, Distance, Effect, Estimator, FurtherError, Keep, Matching, Request, Schema,
    Treatment, Weighting,
};
