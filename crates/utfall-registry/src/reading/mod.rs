//! Reading checked tables: units, measures, and who may see what when.
//!
//! [`Baseline`] shows the tables as they stood on the index date, [`Outcomes`] what came after; the
//! second opens only with the [`MatchSeal`] of a matched set on disk. Whoever forms a cohort is
//! given the first, and so cannot read an outcome.

mod attribute;
mod baseline;
mod engine;
mod episodes;
mod error;
mod measure;
mod outcomes;
mod tables;
mod units;

pub use baseline::Baseline;
pub use engine::ENGINE_THREADS;
pub use error::TableError;
pub use measure::{Filter, MeasureKind, MeasureSpec};
pub use outcomes::{MatchSeal, Outcomes};
pub use tables::{Tables, Value};
pub use units::{MembersSpec, UnitSpec, Units};
