//! What may leave, by type.

use serde::Serialize;

/// Something that a disclosure policy was applied to, and that withstood the audit.
///
/// Only this crate makes one, from counts it protected itself. The writer of the release folder
/// takes nothing else, so that no unprotected table can be written there.
///
/// ```compile_fail
/// let table = vec![3_u64];
/// // There is no way from a value to a protected one.
/// let protected = utfall_disclosure::Protected(table);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Protected<T>(T);

impl<T> Protected<T> {
    pub(crate) fn vouched(content: T) -> Self {
        Self(content)
    }

    /// What may be seen.
    #[must_use]
    pub fn get(&self) -> &T {
        &self.0
    }
}
