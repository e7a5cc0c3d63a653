//! Tables to release, as a person writes them down: a policy, dimensions and tables in TOML, their
//! rows in place or in CSV files beside it.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use utfall_files::FileError;

use crate::{Difference, Dimension, Policy, Row, SumOfUnits, Table, TableSet};

/// Tables to release, and the policy.
///
/// ```toml
/// [policy]
/// kind = "midpoint"
/// base = 6
///
/// [[dimension]]
/// name = "school"
/// codes = [{ label = "north" }, { label = "south" }]
///
/// [[table]]
/// name = "absent pupils by school"
/// population = "pupils, autumn 2024"
/// dimensions = ["school"]
/// file = "absent.csv"
/// ```
///
/// `absent.csv` has a column for each dimension and `n`; in a table of a measure also `total`, and
/// `largest`, the largest contributions with spaces between them. Any other column is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TablesFile {
    /// The policy.
    pub policy: Policy,
    /// The tables.
    pub tables: TableSet,
}

/// Why tables cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TablesFileError {
    /// A file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The TOML is not what was expected.
    #[error("{}:{line}:{column}: {message}", path.display())]
    Toml {
        /// The file.
        path: PathBuf,
        /// Line, counted from 1.
        line: usize,
        /// Column, counted from 1.
        column: usize,
        /// What was found and what was expected.
        message: String,
    },
    /// A CSV file is not what was expected.
    #[error("{}:{line}: {message}", path.display())]
    Csv {
        /// The file.
        path: PathBuf,
        /// Line, counted from 1.
        line: u64,
        /// What was found and what was expected.
        message: String,
    },
}

/// Finds a CSV file by the name it has in the TOML: its path, for messages, and its bytes.
pub type ReadCsv<'a> = dyn FnMut(&Path) -> Result<(PathBuf, Vec<u8>), TablesFileError> + 'a;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Written {
    policy: Policy,
    #[serde(rename = "dimension", default)]
    dimensions: Vec<Dimension>,
    #[serde(rename = "table")]
    tables: Vec<WrittenTable>,
    #[serde(rename = "difference", default)]
    differences: Vec<Difference>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct WrittenTable {
    name: String,
    population: String,
    #[serde(default)]
    measure: Option<String>,
    dimensions: Vec<String>,
    #[serde(default)]
    behind: bool,
    #[serde(default)]
    rows: Option<Vec<Row>>,
    #[serde(default)]
    file: Option<PathBuf>,
}

impl TablesFile {
    /// Reads tables; CSV files are found beside the file that names them.
    ///
    /// # Errors
    ///
    /// [`TablesFileError`] with file, line and column; never with a cell.
    pub fn read(path: &Path) -> Result<Self, TablesFileError> {
        let text = utfall_files::read_text(path)?;
        let mut read_csv = |file: &Path| {
            let file = path.parent().unwrap_or(Path::new("")).join(file);
            let bytes = utfall_files::read_whole(&file)?;
            Ok((file, bytes))
        };
        Self::parse(path, &text, &mut read_csv)
    }

    /// The same of a text, with a reader of the CSV files it names.
    ///
    /// # Errors
    ///
    /// As [`TablesFile::read`].
    pub fn parse(
        path: &Path,
        text: &str,
        read_csv: &mut ReadCsv<'_>,
    ) -> Result<Self, TablesFileError> {
        let written: Written = toml::from_str(text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start);
            misread(path, text, start, error.message())
        })?;
        let mut tables = Vec::new();
        for table in written.tables {
            let rows = match (&table.rows, &table.file) {
                (Some(rows), None) => rows.clone(),
                (None, Some(file)) => {
                    let (file, bytes) = read_csv(file)?;
                    rows_of(&table, &file, &bytes)?
                }
                _ => {
                    let place = text.find(&table.name).unwrap_or(0);
                    let message = format!("table `{}` needs either `rows` or `file`", table.name);
                    return Err(misread(path, text, place, &message));
                }
            };
            tables.push(Table {
                name: table.name,
                population: table.population,
                measure: table.measure,
                dimensions: table.dimensions,
                behind: table.behind,
                rows,
            });
        }
        Ok(Self {
            policy: written.policy,
            tables: TableSet {
                dimensions: written.dimensions,
                tables,
                differences: written.differences,
            },
        })
    }
}

fn misread(path: &Path, text: &str, place: usize, message: &str) -> TablesFileError {
    let before = text.get(..place).unwrap_or("");
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    TablesFileError::Toml {
        path: path.to_owned(),
        line: before.matches('\n').count() + 1,
        column: before[line_start..].chars().count() + 1,
        message: message.lines().collect::<Vec<_>>().join("; "),
    }
}

fn rows_of(table: &WrittenTable, file: &Path, bytes: &[u8]) -> Result<Vec<Row>, TablesFileError> {
    let fault = |line: u64, message: String| TablesFileError::Csv {
        path: file.to_owned(),
        line,
        message,
    };
    let mut reader = csv::Reader::from_reader(bytes);
    let header = match reader.headers() {
        Ok(header) => header.clone(),
        Err(_) => return Err(fault(1, "the header is not UTF-8 text".to_owned())),
    };
    let mut expected: Vec<&str> = table.dimensions.iter().map(String::as_str).collect();
    expected.push("n");
    if table.measure.is_some() {
        expected.extend(["total", "largest"]);
    }
    let mut found: Vec<&str> = header.iter().collect();
    let mut places = Vec::new();
    for column in &expected {
        match found.iter().position(|name| name == column) {
            Some(place) => places.push(place),
            None => return Err(fault(1, format!("there is no column `{column}`"))),
        }
    }
    found.sort_unstable();
    found.dedup();
    if header.len() != expected.len() || found.len() != header.len() {
        let expected = expected.join("`, `");
        return Err(fault(
            1,
            format!("expected the columns `{expected}`, each once and no other"),
        ));
    }
    let n_dimensions = table.dimensions.len();
    let mut rows = Vec::new();
    for (index, record) in reader.records().enumerate() {
        let record = record.map_err(|error| {
            let line = error
                .position()
                .map_or(index as u64 + 2, csv::Position::line);
            fault(
                line,
                "the row is not UTF-8 text of as many cells as the header".to_owned(),
            )
        })?;
        let line = record.position().map_or(0, csv::Position::line);
        let cell = |column: usize| record.get(places[column]).unwrap_or("");
        let number = |column: usize, text: &str| {
            text.trim().parse::<u64>().map_err(|_| {
                fault(
                    line,
                    format!(
                        "column `{}` is no whole number, 0 or above",
                        expected[column]
                    ),
                )
            })
        };
        let sum = match table.measure {
            None => None,
            Some(_) => Some(SumOfUnits {
                total: number(n_dimensions + 1, cell(n_dimensions + 1))?,
                largest: cell(n_dimensions + 2)
                    .split_whitespace()
                    .map(|one| number(n_dimensions + 2, one))
                    .collect::<Result<_, _>>()?,
            }),
        };
        rows.push(Row {
            at: (0..n_dimensions)
                .map(|column| cell(column).to_owned())
                .collect(),
            n: number(n_dimensions, cell(n_dimensions))?,
            sum,
        });
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOML: &str = "[policy]\nkind = 'midpoint'\nbase = 6\n\n[[dimension]]\nname = 'school'\ncodes = [{ label = 'a' }, { label = 'b' }]\n\n[[table]]\nname = 'absent'\npopulation = 'pupils'\ndimensions = ['school']\nfile = 'absent.csv'\n";

    fn read(text: &str, csv: &str) -> Result<TablesFile, String> {
        let mut read = |file: &Path| Ok((file.to_owned(), csv.as_bytes().to_vec()));
        TablesFile::parse(Path::new("tables.toml"), text, &mut read)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn rows_stand_in_a_file_with_its_columns_in_any_order() {
        let file = read(TOML, "n,school\n4,a\n12,b\n").unwrap();
        let rows = &file.tables.tables[0].rows;
        assert_eq!((rows[0].at[0].as_str(), rows[0].n, rows[1].n), ("a", 4, 12));
    }

    #[test]
    fn sums_have_their_largest_contributions() {
        let text = TOML.replace("population", "measure = 'kronor'\npopulation");
        let file = read(&text, "school,n,total,largest\na,4,100,60 30\n").unwrap();
        let sum = file.tables.tables[0].rows[0].sum.clone().unwrap();
        assert_eq!((sum.total, sum.largest), (100, vec![60, 30]));
    }

    #[test]
    fn a_fault_is_told_by_file_line_and_column_and_no_cell() {
        for (text, csv, expected) in [
            (
                TOML.to_owned(),
                "school,n\na,4\nb,secret\n",
                "absent.csv:3: column `n` is no whole number, 0 or above",
            ),
            (
                TOML.to_owned(),
                "school,n\na,-4\n",
                "absent.csv:2: column `n` is no whole number, 0 or above",
            ),
            (
                TOML.to_owned(),
                "school,n\na\n",
                "absent.csv:2: the row is not UTF-8 text of as many cells as the header",
            ),
            (
                TOML.to_owned(),
                "school\na\n",
                "absent.csv:1: there is no column `n`",
            ),
            (
                TOML.to_owned(),
                "school,n,id\na,4,1\n",
                "absent.csv:1: expected the columns `school`, `n`, each once and no other",
            ),
            (
                TOML.to_owned(),
                "school,n,n\na,4,4\n",
                "absent.csv:1: expected the columns `school`, `n`, each once and no other",
            ),
            (
                TOML.replace("base = 6", "bas = 6"),
                "",
                "tables.toml:1:1: unknown field `bas`",
            ),
            (
                TOML.replace("file = 'absent.csv'", ""),
                "",
                "tables.toml:10:9: table `absent` needs either `rows` or `file`",
            ),
        ] {
            let found = read(&text, csv).unwrap_err();
            assert!(found.starts_with(expected), "{found}, expected {expected}");
            assert!(!found.contains("secret"));
        }
    }
}
