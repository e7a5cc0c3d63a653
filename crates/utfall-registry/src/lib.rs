//! Registry extracts: read under a data contract, checked, typed and measured.
//!
//! - [`DataContract`] says how an extract is written and what may stand in it.
//! - [`read`] takes its [`Delivery`]s apart and [`judge`] judges them by the contract's rules: a
//!   table, a quarantine and a [`QualityReport`]. [`ingest`] does both for an extract alone.
//! - [`Tables`] are asked what a plan needs: by [`Baseline`] as of the index date, by
//!   [`Outcomes`] once a matched set is sealed.
//! - [`relation`] is what of this grows with the country, as data that other engines can run.
//! - [`TextTable`] reads any Parquet file as text, without a contract.
//! - [`TableWriter`] writes tables as Parquet, for ingestion and for whoever makes extracts.

mod cell;
mod column_data;
mod contract;
mod dates;
mod delivered_files;
mod delivery;
mod draft;
mod engine;
mod exchange;
mod ingest;
mod judge;
mod pseudonym;
mod quality;
pub mod relation;
mod table_writer;
mod tables;
mod text_table;

pub use column_data::{ColumnData, TextColumn};
pub use contract::{
    Column, ColumnType, Comparison, ContractFault, DATA_CONTRACT_SCHEMA, DataContract,
    DataContractError, DateFormat, Dialect, Elements, Encoding, Every, Field, FixedWidth, Format,
    Header, Mark, Meaning, MomentFormat, OptionalMark, Positions, Relation, Rule, RuleEntry,
    Severity, Sheet, ShortLines, Thousands, Tolerance,
};
pub use delivered_files::{DeliveredFilesError, delivered_files};
pub use delivery::{Delivery, DeliveryScope, DeliveryStatus};
pub use draft::{DraftError, draft};
pub use engine::{ENGINE_THREADS, EngineError};
pub use exchange::{ExchangeError, ExchangeFormat, Translated, export_contract, import_contract};
pub use ingest::{
    Compression, FileName, IdentityFinding, IngestError, READ_FILES, digest, ingest, inspect, read,
};
pub use judge::{JUDGED_FILES, judge};
pub use pseudonym::{
    BadRows, PseudonymError, PseudonymForm, PseudonymKey, PseudonymKeyId, PseudonymReport,
    pseudonymise,
};
pub use quality::{
    DeliveryQuality, HeldRule, Locator, MissingQuality, QualityReport, QualityReportError,
    RuleQuality,
};
pub use table_writer::{StoredType, TableWriteError, TableWriter};
pub use tables::{
    Baseline, CalendarLag, CalendarSpec, Decimal, Definition, DefinitionFault, Exposure, Filter,
    Late, MatchSeal, MeasureKind, MeasureSpec, MembersSpec, NoEvent, Outcomes, Overlap, PriceList,
    Priority, Spanning, TableError, Tables, UnitSpec, Units, Value, Version, VintageDifference,
    compare_vintages,
};
pub use text_table::TextTable;
pub use utfall_identity::{IdentityKind, identity_numbers};
