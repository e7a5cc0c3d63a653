//! Telling a file's format and dialect by its first bytes.

use std::path::Path;

use crate::ingest::{IngestError, first_rows};

/// Bytes that are looked at.
const LOOK_BYTES: u64 = 1 << 16;

/// Lines by which a delimiter is told.
const N_LINES: usize = 100;

/// Fewest places of a line of fixed-width fields.
const FIXED_WIDTH: usize = 8;

/// What a file was recognised as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Recognised {
    Csv {
        encoding: &'static str,
        delimiter: char,
        has_header: bool,
    },
    /// Places of the fields, from 0.
    FixedWidth {
        encoding: &'static str,
        fields: Vec<(usize, usize)>,
    },
    JsonLines,
    Xml {
        row: String,
    },
    Excel {
        sheet: String,
        header_row: u32,
    },
    Parquet,
    Arrow,
}

/// Recognises a file.
pub(super) fn recognise(path: &Path) -> Result<Option<Recognised>, IngestError> {
    let (raw, head) = first_rows::first_bytes(path, LOOK_BYTES)?;
    if raw.starts_with(b"PAR1") {
        return Ok(Some(Recognised::Parquet));
    }
    if raw.starts_with(b"ARROW1") || raw.starts_with(&[0xff; 4]) {
        return Ok(Some(Recognised::Arrow));
    }
    if let Some((sheet, header_row)) = first_rows::sheet(&raw, path)? {
        return Ok(Some(Recognised::Excel { sheet, header_row }));
    }
    let encoding = encoding(&head);
    let text = decoded(&head, encoding);
    Ok(match text.trim_start().chars().next() {
        Some('<') => first_rows::element(path)?.map(|row| Recognised::Xml { row }),
        Some('{') => Some(Recognised::JsonLines),
        Some(_) => of_text(&text, encoding),
        None => None,
    })
}

fn encoding(head: &[u8]) -> &'static str {
    let pairs = head.as_chunks::<2>().0;
    let zeros = |at: usize| pairs.iter().filter(|pair| pair[at] == 0).count() * 2 > pairs.len();
    match head {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => "utf-16",
        _ if !pairs.is_empty() && zeros(1) => "utf-16le",
        _ if !pairs.is_empty() && zeros(0) => "utf-16be",
        _ => match std::str::from_utf8(head) {
            Ok(_) => "utf-8",
            // The look may end within a character.
            Err(error) if error.error_len().is_none() => "utf-8",
            Err(_) => "windows-1252",
        },
    }
}

fn decoded(head: &[u8], encoding: &str) -> String {
    let encoding = match encoding {
        "utf-8" => encoding_rs::UTF_8,
        "utf-16be" => encoding_rs::UTF_16BE,
        "utf-16" | "utf-16le" => encoding_rs::UTF_16LE,
        _ => encoding_rs::WINDOWS_1252,
    };
    encoding.decode(head).0.into_owned()
}

/// The dialect of a text.
fn of_text(text: &str, encoding: &'static str) -> Option<Recognised> {
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .take(N_LINES)
        .collect();
    let first = lines.first()?;
    let unquoted = |line: &str| -> String { line.split('"').step_by(2).collect() };
    let most = [';', '\t', '|', ','].into_iter().max_by_key(|&mark| {
        let n_marks = |line: &&str| unquoted(line).matches(mark).count();
        let expected = n_marks(first);
        let n_alike = lines
            .iter()
            .filter(|line| n_marks(line) == expected)
            .count();
        if expected == 0 {
            0
        } else {
            n_alike * 1000 + expected
        }
    });
    let delimiter = most.filter(|&mark| unquoted(first).contains(mark));
    if delimiter.is_none()
        && let Some(fields) = fields(&lines)
    {
        return Some(Recognised::FixedWidth { encoding, fields });
    }
    let delimiter = delimiter.unwrap_or(';');
    let cells: Vec<&str> = first
        .split(delimiter)
        .map(|cell| cell.trim().trim_matches('"'))
        .collect();
    let names: std::collections::BTreeSet<&&str> = cells.iter().collect();
    let is_name = |cell: &&str| {
        !cell.is_empty() && !cell.starts_with(|c: char| c.is_ascii_digit() || c == '-')
    };
    Some(Recognised::Csv {
        encoding,
        delimiter,
        has_header: names.len() == cells.len() && cells.iter().all(is_name),
    })
}

/// Runs of places that are blank in no line alike, if all lines are of one length.
fn fields(lines: &[&str]) -> Option<Vec<(usize, usize)>> {
    let lines: Vec<Vec<char>> = lines.iter().map(|line| line.chars().collect()).collect();
    let width = lines.first()?.len();
    if lines.len() < 3 || width < FIXED_WIDTH || lines.iter().any(|line| line.len() != width) {
        return None;
    }
    let is_blank = |place: usize| lines.iter().all(|line| line[place] == ' ');
    let mut fields = Vec::new();
    let mut place = 0;
    while place < width {
        let start = place;
        while place < width && !is_blank(place) {
            place += 1;
        }
        if place > start {
            fields.push((start, place - start));
        }
        place += 1;
    }
    Some(fields)
}

impl Recognised {
    /// Whether the encoding was told by ASCII alone.
    pub(super) fn may_be_latin(&self) -> bool {
        matches!(
            self,
            Self::Csv {
                encoding: "utf-8",
                ..
            } | Self::FixedWidth {
                encoding: "utf-8",
                ..
            }
        )
    }

    /// The same in a Western European code page.
    pub(super) fn as_latin(&self) -> Self {
        let mut latin = self.clone();
        if let Self::Csv { encoding, .. } | Self::FixedWidth { encoding, .. } = &mut latin {
            *encoding = "windows-1252";
        }
        latin
    }

    /// The part of a contract that says how the files are written.
    pub(super) fn head(&self, decimal: char, date: &str) -> String {
        let marks = format!("decimal = \"{decimal}\"\ndate = \"{date}\"\n");
        let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
        match self {
            Self::Csv {
                encoding,
                delimiter,
                has_header,
            } => {
                let delimiter = quoted(&delimiter.to_string());
                let header = if *has_header {
                    ""
                } else {
                    "header = \"none\"\n"
                };
                format!(
                    "format = \"csv\"\n\n[dialect]\ndelimiter = {delimiter}\nquote = '\"'\nencoding = \"{encoding}\"\n{marks}{header}"
                )
            }
            Self::FixedWidth { encoding, fields } => {
                let mut head = format!(
                    "format = \"fixed-width\"\n\n[dialect]\nencoding = \"{encoding}\"\n{marks}\n[fixed-width]\n\
                     positions = \"characters\"\nshort-lines = \"refuse\"\n"
                );
                for (i, (start, width)) in fields.iter().enumerate() {
                    let (name, start) = (i + 1, start + 1);
                    head += &format!(
                        "[[fixed-width.field]]\nname = \"field-{name}\"\nstart = {start}\nwidth = {width}\n"
                    );
                }
                head
            }
            Self::JsonLines => format!("format = \"json-lines\"\n\n[dialect]\n{marks}"),
            Self::Xml { row } => format!(
                "format = \"xml\"\n\n[xml]\nrow = {}\n\n[dialect]\n{marks}",
                quoted(row)
            ),
            Self::Excel { sheet, header_row } => format!(
                "format = \"excel\"\n\n[sheet]\nname = {}\nheader-row = {header_row}\n\n[dialect]\n{marks}",
                quoted(sheet)
            ),
            Self::Parquet => format!("format = \"parquet\"\n\n[dialect]\n{marks}"),
            Self::Arrow => format!("format = \"arrow\"\n\n[dialect]\n{marks}"),
        }
    }
}
