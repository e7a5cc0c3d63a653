//! Rows set aside while reading: which of them severities let back in.

use std::collections::BTreeMap;
use std::path::Path;

use polars::prelude::{BooleanChunked, DataFrame, NewChunkedArray};

use crate::contract::{DataContract, Severity};
use crate::engine::{EngineError, read_table, whole};
use crate::ingest::{
    ASIDE_FILE, BETWEEN_RULES, DELETED, IngestError, NOTE_COLUMNS, ReadCounts, SUPERSEDED, ranks,
};

/// What becomes of a row set aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It breaks a rule that is an error.
    Rejected,
    /// A later delivery has an accepted row of its key.
    Superseded,
    /// A later full delivery does not hold its key.
    Deleted,
    /// It goes to the table.
    Accepted,
}

/// The rows set aside.
#[derive(Default)]
pub(crate) struct Aside {
    pub(crate) rows: Vec<AsideRow>,
    /// The accepted ones, with the columns of the contract.
    pub(crate) accepted: DataFrame,
}

/// A row set aside.
pub(crate) struct AsideRow {
    pub(crate) file: usize,
    pub(crate) line: u64,
    /// Ids of the rules it breaks, as in the list of broken rows; empty if it breaks none.
    pub(crate) rules: String,
    /// Missing codes met: column and code.
    pub(crate) missing: Vec<(usize, usize)>,
    pub(crate) fate: Fate,
    key: String,
    after: i64,
}

impl Aside {
    /// Opens the rows set aside in a folder and decides what becomes of each.
    pub(crate) fn open(
        contract: &DataContract,
        folder: &Path,
        counts: &ReadCounts,
    ) -> Result<Self, IngestError> {
        let mut frame = read_table(&folder.join(ASIDE_FILE), None)?;
        frame.rechunk_mut();
        let mut rows = rows(contract, &frame)?;
        decide(&mut rows, counts);
        let accepted: BooleanChunked = BooleanChunked::from_iter_values(
            "accepted".into(),
            rows.iter().map(|row| row.fate == Fate::Accepted),
        );
        let names = contract.columns().iter().map(|column| column.name());
        let accepted = frame
            .filter(&accepted)
            .and_then(|frame| frame.select(names))
            .map_err(|error| EngineError::of(&error))?;
        Ok(Self { rows, accepted })
    }

    /// The rows that go to the table, in order.
    pub(crate) fn accepted_rows(&self) -> impl Iterator<Item = &AsideRow> {
        self.rows.iter().filter(|row| row.fate == Fate::Accepted)
    }
}

fn rows(contract: &DataContract, frame: &DataFrame) -> Result<Vec<AsideRow>, IngestError> {
    let of = |error| EngineError::of(&error);
    let column = |i: usize| frame.column(NOTE_COLUMNS[i].0).map_err(of);
    let (files, lines, after) = (whole(column(0)?)?, whole(column(1)?)?, whole(column(3)?)?);
    let text = |i: usize| column(i).and_then(|column| column.str().map_err(of).cloned());
    let (keys, rules, missing) = (text(2)?, text(4)?, text(5)?);
    let severities: BTreeMap<&str, Severity> = contract
        .rules()
        .iter()
        .map(|entry| (entry.id(), entry.severity()))
        .collect();
    let is_error = |id: &str| severities.get(id) != Some(&Severity::Warning);
    let number = |value: Option<i64>| value.and_then(|value| u64::try_from(value).ok());
    let mut rows = Vec::with_capacity(frame.height());
    for i in 0..frame.height() {
        let rules = rules.get(i).unwrap_or_default();
        let breaks_error = !rules.is_empty() && rules.split(BETWEEN_RULES).any(is_error);
        let (file, line) = (number(files.get(i)), number(lines.get(i)));
        rows.push(AsideRow {
            file: file
                .and_then(|file| usize::try_from(file).ok())
                .ok_or(IngestError::Stage)?,
            line: line.ok_or(IngestError::Stage)?,
            rules: rules.to_owned(),
            missing: codes(missing.get(i).unwrap_or_default()),
            fate: if breaks_error {
                Fate::Rejected
            } else {
                Fate::Accepted
            },
            key: keys.get(i).unwrap_or_default().to_owned(),
            after: after.get(i).unwrap_or_default(),
        });
    }
    Ok(rows)
}

fn codes(text: &str) -> Vec<(usize, usize)> {
    text.split(' ')
        .filter_map(|code| code.split_once(':'))
        .filter_map(|(column, code)| Some((column.parse().ok()?, code.parse().ok()?)))
        .collect()
}

/// Of the rows that break no error, those of the latest vintage of each key are accepted.
fn decide(rows: &mut [AsideRow], counts: &ReadCounts) {
    let deliveries = counts.deliveries.iter();
    let ranks = ranks(deliveries.map(|delivery| (delivery.vintage, delivery.status)));
    let rank = |row: &AsideRow| ranks.get(row.file).copied().unwrap_or_default();
    let mut latest: BTreeMap<String, usize> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.fate == Fate::Accepted) {
        let entry = latest.entry(row.key.clone()).or_default();
        *entry = rank(row).max(*entry);
    }
    for row in rows.iter_mut().filter(|row| row.fate == Fate::Accepted) {
        if row.after == DELETED {
            row.fate = Fate::Deleted;
        } else if row.after == SUPERSEDED
            || latest
                .get(&row.key)
                .is_some_and(|latest| rank(row) < *latest)
        {
            row.fate = Fate::Superseded;
        }
    }
}
