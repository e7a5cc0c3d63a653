//! Registry extracts: read under a data contract, checked, typed and measured.
//!
//! [`TableWriter`] writes tables as Parquet, for ingestion and for whoever makes extracts.

mod column_data;
mod engine;
mod table_writer;

pub use column_data::{ColumnData, TextColumn};
pub use engine::EngineError;
pub use table_writer::{StoredType, TableWriteError, TableWriter};
