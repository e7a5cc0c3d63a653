//! Difference-in-differences where treatment starts at different times: effects by group and time,
//! and what they add up to.

mod aggregate;
mod cells;
mod group_time;
mod parts;
mod propensity;
mod two_period;

pub use aggregate::{Aggregate, Aggregation, Aggregations, aggregate};
pub use group_time::{
    BasePeriod, Cell, ComparisonGroup, GroupTime, GroupTimeSpec, PanelRows, Sampling, group_time,
};
pub use two_period::{
    Method, SectionErrors, TwoPeriod, TwoSections, two_period_cross_section, two_period_panel,
};
