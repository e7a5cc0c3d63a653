//! Registry extracts: read under a data contract, checked, typed and measured.
//!
//! - [`DataContract`] says how an extract is written and what may stand in it.
//! - [`ingest`] reads its [`Delivery`]s into a table, a quarantine and a [`QualityReport`].
//! - [`Tables`] are asked what a plan needs: by [`Baseline`] as of the index date, by
//!   [`Outcomes`] once a matched set is sealed.
//! - [`relation`] is what of this grows with the country, as data that other engines can run.
//! - [`TableWriter`] writes tables as Parquet, for ingestion and for whoever makes extracts.

mod cell;
mod column_data;
mod contract;
mod dates;
mod delivered_files;
mod delivery;
mod draft;
mod engine;
mod identity;
mod ingest;
mod pseudonym;
mod quality;
pub mod relation;
mod table_writer;
mod tables;

pub use column_data::{ColumnData, TextColumn};
pub use contract::{
    Column, ColumnType, ContractFault, DataContract, DataContractError, DateFormat, Dialect,
    Elements, Encoding, Field, FixedWidth, Format, Header, Mark, Meaning, OptionalMark, Positions,
    Relation, Sheet, ShortLines, Thousands,
};
pub use delivered_files::{DeliveredFilesError, delivered_files};
pub use delivery::{Delivery, DeliveryScope, DeliveryStatus};
pub use draft::{DraftError, draft};
pub use engine::{ENGINE_THREADS, EngineError};
pub use identity::{IdentityKind, identity_numbers};
pub use ingest::{
    Compression, FileName, IdentityFinding, IngestError, Rule, digest, ingest, inspect,
};
pub use pseudonym::{
    BadRows, PseudonymError, PseudonymForm, PseudonymKey, PseudonymKeyId, PseudonymReport,
    pseudonymise,
};
pub use quality::{
    DeliveryQuality, Locator, MissingQuality, QualityReport, QualityReportError, RuleQuality,
};
pub use table_writer::{StoredType, TableWriteError, TableWriter};
pub use tables::{
    Baseline, CalendarLag, CalendarSpec, Decimal, Definition, DefinitionFault, Exposure, Filter,
    Late, MatchSeal, MeasureKind, MeasureSpec, MembersSpec, NoEvent, Outcomes, Overlap, PriceList,
    Priority, Spanning, TableError, Tables, UnitSpec, Units, Value, Version, VintageDifference,
    compare_vintages,
};
