//! Tables of counts and sums, with margins, hierarchies, links and earlier releases.

mod dimension;
mod lowered;
mod moves;
mod released;
mod set;

pub use dimension::{Code, Dimension};
pub use released::{ReleasedCell, ReleasedSet, ReleasedTable};
pub use set::{Difference, FormerRelease, Protection, Row, SumOfUnits, Table, TableSet};
