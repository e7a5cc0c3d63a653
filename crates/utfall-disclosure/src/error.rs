//! Why counts are not released.

/// Why counts are not released.
///
/// Counts are named by their place; [`TableSet`](crate::TableSet) names the cells.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DisclosureError {
    /// A total is not the sum of its parts.
    #[error("count {total} is not the sum of its parts; correct the table")]
    UntrueSum {
        /// The total, counted from 0.
        total: usize,
    },
    /// A count is not what an earlier release told.
    #[error("count {count} is not what an earlier release told")]
    FormerRelease {
        /// The count, counted from 0.
        count: usize,
    },
    /// A count cannot be protected.
    #[error("count {count} cannot be protected beside what was released before")]
    Refused {
        /// The count, counted from 0.
        count: usize,
    },
    /// A table contradicts itself, another or its dimensions.
    #[error("{table}: {what}")]
    Table {
        /// The table, dimension or cell.
        table: String,
        /// What was found and what was expected.
        what: String,
    },
    /// A table of sums under a policy that knows counts only.
    #[error(
        "table `{table}` holds sums, and the policy has rules for counts only; use `kind = \"suppress\"`"
    )]
    SumsUnderCounts {
        /// The table.
        table: String,
    },
    /// A cell cannot be protected.
    #[error(
        "{cell} cannot be protected beside what was released before; leave the table out, or break it down by less"
    )]
    RefusedCell {
        /// Its population and codes.
        cell: String,
    },
}

impl DisclosureError {
    /// A table that contradicts something.
    pub(crate) fn table(table: &str, what: impl Into<String>) -> Self {
        Self::Table {
            table: format!("`{table}`"),
            what: what.into(),
        }
    }

    /// Whether the release is refused, not merely wrongly described.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Refused { .. } | Self::RefusedCell { .. })
    }
}
