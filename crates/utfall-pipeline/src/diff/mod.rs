//! What changed: between two days' knowledge of the extracts, and between two runs.

mod runs;
mod vintages;

pub use runs::{RunDifference, compare_runs};
pub use vintages::{
    ColumnDifference, ExtractDifference, KnownOn, MeasureDifference, compare_known,
};
