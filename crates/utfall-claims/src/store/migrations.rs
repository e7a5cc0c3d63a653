//! The tables of a store, version by version. A step that was released is never edited: a change is a new step.

use super::StoreError;
use super::sql::{Link, Value};

/// The steps from an empty database on; step `n` leads to version `n + 1`.
pub(super) const ALL: [&str; 2] = [
    "CREATE TABLE contracts (name TEXT PRIMARY KEY, card TEXT NOT NULL);
     CREATE TABLE persons (
         contract TEXT NOT NULL REFERENCES contracts (name), person TEXT NOT NULL,
         PRIMARY KEY (contract, person));
     CREATE TABLE claims (
         contract TEXT NOT NULL, id TEXT NOT NULL, person TEXT NOT NULL, line TEXT NOT NULL,
         achieved TEXT NOT NULL, quantity BIGINT NOT NULL CHECK (quantity > 0), evidence TEXT,
         submitted_by TEXT NOT NULL, submitted_on TEXT NOT NULL CHECK (submitted_on >= achieved),
         supersedes TEXT,
         PRIMARY KEY (contract, id),
         FOREIGN KEY (contract, person) REFERENCES persons (contract, person));
     CREATE TABLE events (
         contract TEXT NOT NULL, claim TEXT NOT NULL, kind TEXT NOT NULL, author TEXT NOT NULL,
         day TEXT NOT NULL, note TEXT,
         PRIMARY KEY (contract, claim, kind),
         FOREIGN KEY (contract, claim) REFERENCES claims (contract, id));
     CREATE TABLE spells (
         contract TEXT NOT NULL, seq BIGINT NOT NULL, person TEXT NOT NULL, state TEXT NOT NULL,
         start_day TEXT NOT NULL, end_day TEXT,
         PRIMARY KEY (contract, seq),
         FOREIGN KEY (contract, person) REFERENCES persons (contract, person));",
    // Version 2: a claim is corrected once, by one claim; corrections of a correction form a chain.
    "CREATE UNIQUE INDEX superseded_once ON claims (contract, supersedes);",
];

/// Brings a store to a version.
pub(super) fn apply(link: &mut dyn Link, version: usize) -> Result<(), StoreError> {
    link.batch("CREATE TABLE IF NOT EXISTS store_version (version BIGINT NOT NULL PRIMARY KEY)")?;
    link.serialize_writers("store_version")?;
    let rows = link.rows("SELECT version FROM store_version", &[])?;
    let found = rows.iter().map(|row| row[0].whole()).max().unwrap_or(0);
    let done = usize::try_from(found).unwrap_or(0);
    if done > ALL.len() {
        return Err(StoreError::Newer {
            found,
            known: i64::try_from(ALL.len()).unwrap_or(i64::MAX),
        });
    }
    for (step, sql) in ALL.iter().enumerate().take(version).skip(done) {
        link.batch(sql)?;
        let version = i64::try_from(step + 1).unwrap_or(i64::MAX);
        link.insert(
            "store_version",
            &["version"],
            &[vec![Value::Whole(version)]],
            "",
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::ClaimStore;
    use super::super::sqlite::File;
    use super::*;

    #[test]
    fn a_store_of_an_earlier_version_is_brought_up_to_date_with_what_it_holds() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("claims.db").display().to_string();
        let mut old = File::open(&path).unwrap();
        apply(&mut old, 1).unwrap();
        old.batch("INSERT INTO contracts VALUES ('a', 'x'); INSERT INTO persons VALUES ('a', 'p')")
            .unwrap();
        drop(old);
        let mut store = ClaimStore::open(&path).unwrap();
        assert_eq!(store.contracts().unwrap(), ["a"]);
        let mut link = File::open(&path).unwrap();
        let versions = link.rows("SELECT version FROM store_version", &[]).unwrap();
        assert_eq!(versions.len(), 2);
        link.batch("INSERT INTO store_version VALUES (9)").unwrap();
        let newer = ClaimStore::open(&path).map(|_| ()).unwrap_err();
        assert!(newer.to_string().contains("version 9"), "{newer}");
    }
}
