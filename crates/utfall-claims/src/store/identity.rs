//! Persons are pseudonyms: what are national identity numbers is refused before anything is written.

use utfall_identity::ColumnGuard;

use super::StoreError;

/// Refuses pseudonyms that are national identity numbers, each given with its line.
pub(super) fn guard(persons: &[(u64, String)]) -> Result<(), StoreError> {
    let mut guard = ColumnGuard::default();
    for (line, person) in persons {
        guard.observe(person.trim().as_bytes(), *line);
    }
    match guard.verdict() {
        None => Ok(()),
        Some(found) => Err(StoreError::Identity {
            kind: found.kind,
            n_rows: found.n_rows,
            first_line: found.first_line,
        }),
    }
}
