//! What may leave a secure environment: counts under a stated policy.
//!
//! - [`Policy`]: turns a count of persons into a [`Cell`] that is exact, rounded or suppressed. A
//!   suppressed cell holds no number at all, never 0. `POLICIES.md` has an example of each policy.
//! - [`Counts`]: counts that add up, released together. Each protected one is covered by others where
//!   it could be computed from them, and attacked before anything is handed out ([`Audit`]).
//! - [`TableSet`]: tables with margins, hierarchies, links, differences of populations and earlier
//!   releases, as such counts.
//! - [`ReleaseRegister`]: what was released, why, and who agreed.
//! - [`PublicView`]: what everyone may see of a claim, its payment among it.
//! - [`Protected`]: what passed through all that, by type; [`ReleaseFolder`] writes nothing else.
//!
//! Figures derived from counts (losses, totals, rates, payments) are derived from the released cells,
//! so that no difference between them gives back a small count.
//!
//! Hundepool et al. (2012), *Statistical Disclosure Control*, Wiley,
//! <https://doi.org/10.1002/9781118348239>.

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
