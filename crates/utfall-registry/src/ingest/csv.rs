//! Delimited text as a source of rows.

use std::path::Path;
use std::sync::Arc;

use utfall_files::Digest;

use super::block::{Block, BlockReader, Margins};
use super::columns::ColumnMap;
use super::error::IngestError;
use super::file_name::FileName;
use super::record::{Marks, QuoteFault, Record, Records, line_end};
use super::rules::{Cell, Rule, decode};
use super::source::{Layout, Row, RowVisitor, Source};
use crate::contract::{DataContract, Dialect, Encoding, Header};

/// A delimited text file whose header fits its contract.
pub(crate) struct CsvSource {
    reader: BlockReader,
    first: Option<Block>,
    layout: CsvLayout,
}

/// How the file's columns meet the contract's.
#[derive(Clone)]
pub(crate) struct CsvLayout {
    marks: Marks,
    has_header: bool,
    columns: Arc<ColumnMap>,
}

impl CsvSource {
    /// Opens a file and finds the contract's columns in its header.
    pub(crate) fn open(
        path: &Path,
        contract: &DataContract,
        dialect: &Dialect,
    ) -> Result<Self, IngestError> {
        let (delimiter, quote) = dialect.csv_marks();
        let marks = Marks {
            delimiter,
            quote,
            comment: dialect.comment.map(|mark| mark.byte()),
        };
        let margins = Margins {
            skip_lines: dialect.skip_lines,
            footer_lines: dialect.footer_lines,
        };
        let mut reader = BlockReader::open(path, contract.encoding(), marks, margins)?;
        let first = reader.next_block()?;
        let has_header = dialect.header == Header::Named;
        let columns = match &first {
            Some(first) if has_header => {
                let header = read_header(path, first, marks, contract.encoding())?;
                let hint = |missing: &[String]| header_hint(&header, missing, marks, &first.bytes);
                ColumnMap::by_name(path, header.clone(), contract, hint)?
            }
            None if has_header => {
                return Err(IngestError::Empty {
                    file: FileName::of(path),
                });
            }
            _ => ColumnMap::in_order(path, contract),
        };
        Ok(Self {
            reader,
            first,
            layout: CsvLayout {
                marks,
                has_header,
                columns: Arc::new(columns),
            },
        })
    }
}

impl CsvSource {
    /// Delimited rows whose columns are known.
    pub(crate) fn of_rows(reader: BlockReader, marks: Marks, columns: ColumnMap) -> Self {
        Self {
            reader,
            first: None,
            layout: CsvLayout {
                marks,
                has_header: false,
                columns: Arc::new(columns),
            },
        }
    }
}

impl Source for CsvSource {
    type Block = Block;
    type Layout = CsvLayout;

    fn layout(&self) -> CsvLayout {
        self.layout.clone()
    }

    fn next_block(&mut self) -> Result<Option<Block>, IngestError> {
        match self.first.take() {
            Some(first) => Ok(Some(first)),
            None => self.reader.next_block(),
        }
    }

    fn n_bytes(&self) -> u64 {
        self.reader.n_bytes()
    }

    fn finish(&self) -> Result<Digest, IngestError> {
        self.reader.finish()
    }
}

impl Layout<Block> for CsvLayout {
    fn header(&self) -> &[String] {
        self.columns.header()
    }

    fn index(&self, block: &Block) -> usize {
        block.index
    }

    fn visit(&self, block: &Block, visitor: &mut impl RowVisitor) {
        let mut records = Records::new(&block.bytes, self.marks, block.first_line);
        if block.index == 0 && self.has_header {
            records.advance();
        }
        while let Some(record) = records.advance() {
            visitor.row(&CsvRow {
                record,
                columns: &self.columns,
            });
        }
    }
}

struct CsvRow<'r, 'b> {
    record: &'r Record<'b>,
    columns: &'r ColumnMap,
}

impl Row for CsvRow<'_, '_> {
    #[inline]
    fn line(&self) -> u64 {
        self.record.line
    }

    #[inline]
    fn fault(&self) -> Option<(Rule, Option<usize>)> {
        match self.record.quote_fault {
            Some(QuoteFault::TextAfter(cell) | QuoteFault::Open(cell)) => {
                Some((Rule::Quote, Some(cell)))
            }
            None if self.record.n_cells() != self.columns.header().len() => {
                Some((Rule::Ragged, None))
            }
            None => None,
        }
    }

    fn in_contract(&self, file_column: usize) -> Option<u32> {
        self.columns.in_contract(file_column)
    }

    #[inline]
    fn cell(&self, column: usize) -> Cell<'_> {
        self.columns
            .cell(column, |position| Cell::Text(self.record.cell(position)))
    }

    #[inline]
    fn each_cell(&self, mut see: impl FnMut(usize, Cell<'_>)) {
        for position in 0..self.record.n_cells() {
            see(position, Cell::Text(self.record.cell(position)));
        }
        self.columns.each_in_path(see);
    }

    #[inline]
    fn encoded(&self) -> Option<&[u8]> {
        Some(self.record.raw())
    }

    fn raw(&self) -> Vec<u8> {
        self.record.raw().to_vec()
    }
}

fn read_header(
    path: &Path,
    block: &Block,
    marks: Marks,
    encoding: Encoding,
) -> Result<Vec<String>, IngestError> {
    let file = || FileName::of(path);
    let mut records = Records::new(&block.bytes, marks, block.first_line);
    let Some(record) = records.advance() else {
        return Err(IngestError::Empty { file: file() });
    };
    let mut header = Vec::with_capacity(record.n_cells());
    for i in 0..record.n_cells() {
        let cell = crate::cell::trimmed(record.cell(i));
        let Some(name) = decode(cell, encoding.of_cells()) else {
            let (line, declared) = (record.line, encoding);
            return Err(IngestError::WrongEncoding {
                file: file(),
                line,
                declared,
                found: None,
            });
        };
        header.push(name.into_owned());
    }
    Ok(header)
}

/// A guess at why a header lacks columns. It repeats no text of the file: a file without a
/// header begins with somebody's data.
fn header_hint(
    header: &[String],
    missing: &[String],
    marks: Marks,
    bytes: &[u8],
) -> Option<String> {
    let first_line = &bytes[..line_end(bytes, 0).unwrap_or(bytes.len())];
    let others = [b';', b',', b'\t', b'|']
        .into_iter()
        .filter(|&mark| mark != marks.delimiter);
    let counts = others.map(|mark| {
        (
            first_line.iter().filter(|&&byte| byte == mark).count(),
            mark,
        )
    });
    let (n_times, mark) =
        counts.max_by_key(|&(n_times, mark)| (n_times, std::cmp::Reverse(mark)))?;
    let show = |mark: u8| {
        if mark == b'\t' {
            "tab".to_owned()
        } else {
            char::from(mark).to_string()
        }
    };
    if header.len() == 1 && n_times > 0 {
        let (delimiter, mark) = (show(marks.delimiter), show(mark));
        return Some(format!(
            "the header holds one cell: is the delimiter `{delimiter}` right? it holds `{mark}` {n_times} times"
        ));
    }
    let similar = missing.iter().find(|name| {
        header
            .iter()
            .any(|found| found.to_lowercase() == name.to_lowercase())
    });
    match similar {
        Some(name) => Some(format!("`{name}` is there in other letter case")),
        None if missing.len() > header.len() / 2 => {
            Some("does the file begin with a header line?".to_owned())
        }
        None => None,
    }
}
