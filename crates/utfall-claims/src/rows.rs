//! Claims, persons and spells as CSV, read with the line of everything that is wrong.

use std::fmt;
use std::io::{Read, Write};

use chrono::NaiveDate;

use crate::claim::{Claim, Spell};

/// Most problems that are listed of one file.
const MOST_LISTED: usize = 20;

/// Everything wrong with a file, up to a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowsError {
    /// The first problems, in the order of the file.
    pub problems: Vec<RowProblem>,
    /// How many more there are.
    pub n_more: usize,
}

/// One thing wrong with a file, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct RowProblem {
    /// Line, from 1; the header is line 1.
    pub line: u64,
    /// What was expected. Cells are not shown: they may concern a person.
    pub what: String,
}

impl std::error::Error for RowsError {}

impl fmt::Display for RowsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        if self.n_more > 0 {
            write!(f, "\nand {} more", self.n_more)?;
        }
        Ok(())
    }
}

impl RowsError {
    /// One problem alone.
    pub(crate) fn one(line: u64, what: impl Into<String>) -> Self {
        Self {
            problems: vec![RowProblem {
                line,
                what: what.into(),
            }],
            n_more: 0,
        }
    }

    pub(crate) fn of(mut problems: Vec<RowProblem>) -> Option<Self> {
        let n_more = problems.len().saturating_sub(MOST_LISTED);
        problems.truncate(MOST_LISTED);
        (!problems.is_empty()).then_some(Self { problems, n_more })
    }
}

/// Reads claims: columns `id`, `person`, `line`, `achieved`, `submitted_by` and `submitted_on`, and if they are
/// there `quantity` (else 1), `evidence` (64 hexadecimal digits) and `supersedes`.
///
/// With each claim comes its line in the file.
///
/// # Errors
///
/// [`RowsError`]: a column that is missing or unknown; a cell that is no date, no quantity of 1 or more, or no
/// digest; a claim submitted before its milestone; an empty cell where a value is needed.
pub fn claim_rows(text: impl Read) -> Result<Vec<(u64, Claim)>, RowsError> {
    let needed = [
        "id",
        "person",
        "line",
        "achieved",
        "submitted_by",
        "submitted_on",
    ];
    let optional = ["quantity", "evidence", "supersedes"];
    read(text, &needed, &optional, |row| {
        let claim = Claim {
            id: row.text("id")?,
            person: row.text("person")?,
            line: row.text("line")?,
            achieved: row.day("achieved")?,
            quantity: row.quantity()?,
            evidence: match row.optional("evidence") {
                None => None,
                Some(text) => Some(
                    text.parse()
                        .map_err(|error| format!("`evidence`: {error}"))?,
                ),
            },
            submitted_by: row.text("submitted_by")?,
            submitted_on: row.day("submitted_on")?,
            supersedes: row.optional("supersedes").map(str::to_owned),
            verified: None,
            withdrawn: false,
        };
        if claim.submitted_on < claim.achieved {
            return Err("submitted before the milestone was reached".to_owned());
        }
        Ok(claim)
    })
}

/// Reads persons: column `person`.
///
/// # Errors
///
/// [`RowsError`] as for [`claim_rows`].
pub fn person_rows(text: impl Read) -> Result<Vec<(u64, String)>, RowsError> {
    read(text, &["person"], &[], |row| row.text("person"))
}

/// Reads spells: columns `person`, `state`, `start` and `end` (first day after; empty while it lasts).
///
/// # Errors
///
/// [`RowsError`] as for [`claim_rows`], and for a spell that ends before it starts.
pub fn spell_rows(text: impl Read) -> Result<Vec<(u64, Spell)>, RowsError> {
    read(text, &["person", "state", "start", "end"], &[], |row| {
        let spell = Spell {
            person: row.text("person")?,
            state: row.text("state")?,
            start: row.day("start")?,
            end: match row.optional("end") {
                None => None,
                Some(_) => Some(row.day("end")?),
            },
        };
        if spell.is_ordered() {
            Ok(spell)
        } else {
            Err("the spell ends before it starts".to_owned())
        }
    })
}

/// Writes claims with what was decided about each, as [`claim_rows`] reads them and three columns more.
///
/// # Errors
///
/// What the system says if it cannot be written.
pub fn write_claims(claims: &[Claim], out: impl Write) -> std::io::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record([
        "id",
        "person",
        "line",
        "achieved",
        "quantity",
        "evidence",
        "submitted_by",
        "submitted_on",
        "supersedes",
        "verified_by",
        "verified_on",
        "withdrawn",
    ])?;
    for claim in claims {
        let verified = claim.verified.as_ref();
        writer.write_record([
            claim.id.as_str(),
            &claim.person,
            &claim.line,
            &claim.achieved.to_string(),
            &claim.quantity.to_string(),
            &claim
                .evidence
                .map(|digest| digest.to_string())
                .unwrap_or_default(),
            &claim.submitted_by,
            &claim.submitted_on.to_string(),
            claim.supersedes.as_deref().unwrap_or_default(),
            verified.map_or("", |verified| &verified.by),
            &verified
                .map(|verified| verified.on.to_string())
                .unwrap_or_default(),
            if claim.withdrawn { "yes" } else { "" },
        ])?;
    }
    writer.flush()
}

/// One row by the names of its columns.
pub(crate) struct Row<'r> {
    header: &'r csv::StringRecord,
    cells: &'r csv::StringRecord,
}

impl Row<'_> {
    pub(crate) fn optional(&self, column: &str) -> Option<&str> {
        let place = self.header.iter().position(|name| name == column)?;
        let cell = self.cells.get(place)?.trim();
        (!cell.is_empty()).then_some(cell)
    }

    pub(crate) fn text(&self, column: &str) -> Result<String, String> {
        let cell = self.optional(column);
        let cell = cell.ok_or_else(|| format!("`{column}` is empty, expected a value"))?;
        Ok(cell.to_owned())
    }

    pub(crate) fn day(&self, column: &str) -> Result<NaiveDate, String> {
        let text = self.text(column)?;
        text.parse()
            .map_err(|_| format!("`{column}` is no date, expected one such as `2024-09-01`"))
    }

    fn quantity(&self) -> Result<u32, String> {
        match self.optional("quantity").map(str::parse) {
            None => Ok(1),
            Some(Ok(quantity)) if quantity > 0 => Ok(quantity),
            _ => Err("`quantity` is no whole number of 1 or more".to_owned()),
        }
    }
}

/// Reads rows with the line of each.
pub(crate) fn read<T>(
    text: impl Read,
    needed: &[&str],
    optional: &[&str],
    mut parse: impl FnMut(&Row<'_>) -> Result<T, String>,
) -> Result<Vec<(u64, T)>, RowsError> {
    let mut reader = csv::ReaderBuilder::new().from_reader(text);
    let unreadable = |error: &csv::Error| {
        let line = error.position().map_or(1, csv::Position::line);
        RowsError::one(line, "not as many fields as the header, or no UTF-8")
    };
    let header = reader
        .headers()
        .map_err(|error| unreadable(&error))?
        .clone();
    for name in needed {
        if !header.iter().any(|found| found == *name) {
            return Err(RowsError::one(
                1,
                format!("no column `{name}`, expected one"),
            ));
        }
    }
    let mut seen = std::collections::BTreeSet::new();
    for name in &header {
        if !needed.contains(&name) && !optional.contains(&name) {
            let expected = [needed, optional].concat().join(", ");
            return Err(RowsError::one(
                1,
                format!("unknown column `{name}`, expected {expected}"),
            ));
        }
        if !seen.insert(name) {
            return Err(RowsError::one(1, format!("a second column `{name}`")));
        }
    }
    let (mut rows, mut problems) = (Vec::new(), Vec::new());
    let mut cells = csv::StringRecord::new();
    loop {
        match reader.read_record(&mut cells) {
            Ok(false) => break,
            Err(error) => {
                problems.extend(unreadable(&error).problems);
                if !matches!(error.kind(), csv::ErrorKind::UnequalLengths { .. }) {
                    break;
                }
            }
            Ok(true) => {
                let line = cells.position().map_or(1, csv::Position::line);
                let header = &header;
                match parse(&Row {
                    header,
                    cells: &cells,
                }) {
                    Ok(row) => rows.push((line, row)),
                    Err(what) => problems.push(RowProblem { line, what }),
                }
            }
        }
    }
    match RowsError::of(problems) {
        Some(error) => Err(error),
        None => Ok(rows),
    }
}
