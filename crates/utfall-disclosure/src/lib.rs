//! What may leave a secure environment: counts under a stated policy.
//!
//! A [`Policy`] turns counts of persons into [`Cell`]s that are exact, rounded or suppressed. A
//! suppressed cell holds no number at all, never 0. Figures derived from counts (losses, totals)
//! are derived from the released cells, so that no difference between them gives back a small
//! count.

mod cell;
mod funnel;
mod policy;

pub use cell::Cell;
pub use funnel::{ReleasedFunnel, ReleasedLine};
pub use policy::{Policy, Reason};
