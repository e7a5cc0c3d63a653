//! What may leave a secure environment: counts under a stated policy.
//!
//! A [`Policy`] turns counts of persons into [`Cell`]s that are exact, rounded or suppressed. A
//! suppressed cell holds no number at all, never 0. Figures derived from counts (losses, totals)
//! are derived from the released cells, so that no difference between them gives back a small
//! count. Counts that add up ([`Counts`]) are released together, each covered by others where it
//! could be computed from them, and attacked before they are handed out ([`Audit`]).

mod cell;
mod counts;
mod error;
mod folder;
mod funnel;
mod policy;
mod protected;
mod public;
mod register;
mod share;
mod system;
mod table;
mod tables_file;

pub use cell::Cell;
pub use counts::{Audit, Count, Counts, ProtectedCounts, Role};
pub use error::DisclosureError;
pub use folder::ReleaseFolder;
pub use funnel::{PlacedFunnel, ReleasedFunnel, ReleasedLine};
pub use policy::{Crossing, Dominance, Policy, Population, Reason, Suppression, Zeros};
pub use protected::Protected;
pub use public::{
    Arms, Bin, ClaimFigures, EffectFigures, PublicEffect, PublicEstimate, PublicLine,
    PublicPayment, PublicResult, PublicView,
};
pub use register::{Approval, HeldRegister, RegisterEntry, RegisterError, ReleaseRegister};
pub use share::Share;
pub use table::{
    Code, Difference, Dimension, FormerRelease, Protection, ReleasedCell, ReleasedSet,
    ReleasedTable, Row, SumOfUnits, Table, TableSet,
};
pub use tables_file::{ReadCsv, TablesFile, TablesFileError};
