//! The words every crate shares: windows in time, arms, estimands, estimates, tallies and the funnel.
//!
//! Types live here when a second row needs them, and not before. Nothing here computes an
//! effect, reads a file or knows a table.

mod arm;
mod estimand;
mod estimate;
mod funnel;
mod tally;
mod watch;
mod window;

pub use arm::Arm;
pub use estimand::Estimand;
pub use estimate::{ConfidenceLevel, Estimate, Interval};
pub use funnel::{Funnel, FunnelLine};
pub use tally::Tally;
pub use watch::{Unwatched, Watch};
pub use window::{Offset, Period, Window, WindowError};
