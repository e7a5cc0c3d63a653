//! Delimited text as a source of rows.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use utfall_files::Digest;

use super::block::{Block, BlockError, BlockReader};
use super::error::{FileName, IngestError};
use super::record::{Marks, QuoteFault, Record, Records};
use super::rules::{Cell, Rule, decode};
use super::source::{Layout, Row, RowVisitor, Source};
use crate::contract::{DataContract, Dialect, Encoding};

/// A delimited text file whose header fits its contract.
pub(crate) struct CsvSource {
    path: PathBuf,
    reader: BlockReader,
    first: Option<Block>,
    layout: CsvLayout,
}

/// How the file's columns meet the contract's.
#[derive(Clone)]
pub(crate) struct CsvLayout {
    marks: Marks,
    header: Arc<[String]>,
    /// Position in the file of each column of the contract.
    positions: Arc<[usize]>,
    /// Position in the contract of each column of the file.
    in_contract: Arc<[Option<u32>]>,
}

impl CsvSource {
    /// Opens a file and finds the contract's columns in its header.
    pub(crate) fn open(
        path: &Path,
        contract: &DataContract,
        dialect: &Dialect,
    ) -> Result<Self, IngestError> {
        let quote = dialect.quote.0.map(|mark| mark.byte());
        let marks = Marks {
            delimiter: dialect.delimiter.byte(),
            quote,
        };
        let mut reader = BlockReader::open(path, marks).map_err(IngestError::Unreadable)?;
        let first = reader
            .next_block(path)
            .map_err(|error| block_error(path, error))?;
        let Some(first) = first else {
            return Err(IngestError::Empty {
                file: FileName::of(path),
            });
        };
        check_byte_order_mark(path, &first.bytes, reader.has_bom(), dialect.encoding)?;
        let header = read_header(path, &first, marks, dialect.encoding)?;
        let layout = CsvLayout::new(path, marks, header, contract, &first.bytes)?;
        Ok(Self {
            path: path.to_owned(),
            reader,
            first: Some(first),
            layout,
        })
    }
}

impl Source for CsvSource {
    type Block = Block;
    type Layout = CsvLayout;

    fn layout(&self) -> CsvLayout {
        self.layout.clone()
    }

    fn next_block(&mut self) -> Result<Option<Block>, IngestError> {
        if let Some(first) = self.first.take() {
            return Ok(Some(first));
        }
        self.reader
            .next_block(&self.path)
            .map_err(|error| block_error(&self.path, error))
    }

    fn n_bytes(&self) -> u64 {
        self.reader.n_bytes()
    }

    fn finish(&self) -> Result<Digest, IngestError> {
        if self
            .reader
            .is_unchanged(&self.path)
            .map_err(IngestError::Unreadable)?
        {
            Ok(self.reader.digest())
        } else {
            Err(IngestError::ChangedWhileRead {
                file: FileName::of(&self.path),
            })
        }
    }
}

impl Layout<Block> for CsvLayout {
    fn header(&self) -> &[String] {
        &self.header
    }

    fn index(&self, block: &Block) -> usize {
        block.index
    }

    fn visit(&self, block: &Block, visitor: &mut impl RowVisitor) {
        let mut records = Records::new(&block.bytes, self.marks, block.first_line);
        if block.index == 0 {
            records.advance();
        }
        while let Some(record) = records.advance() {
            visitor.row(&CsvRow {
                record,
                layout: self,
            });
        }
    }
}

struct CsvRow<'r, 'b> {
    record: &'r Record<'b>,
    layout: &'r CsvLayout,
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
            None if self.record.n_cells() != self.layout.header.len() => Some((Rule::Ragged, None)),
            None => None,
        }
    }

    fn in_contract(&self, file_column: usize) -> Option<u32> {
        self.layout.in_contract.get(file_column).copied().flatten()
    }

    #[inline]
    fn cell(&self, column: usize) -> Cell<'_> {
        Cell::Text(self.record.cell(self.layout.positions[column]))
    }

    #[inline]
    fn each_cell(&self, mut see: impl FnMut(usize, Cell<'_>)) {
        for position in 0..self.record.n_cells() {
            see(position, Cell::Text(self.record.cell(position)));
        }
    }

    #[inline]
    fn encoded(&self) -> Option<&[u8]> {
        Some(self.record.raw())
    }

    fn raw(&self) -> Vec<u8> {
        self.record.raw().to_vec()
    }
}

fn block_error(path: &Path, error: BlockError) -> IngestError {
    match error {
        BlockError::File(error) => IngestError::Unreadable(error),
        BlockError::RecordTooLong { line } => IngestError::RecordTooLong {
            file: FileName::of(path),
            line,
        },
    }
}

/// A byte order mark says the encoding before the contract does.
fn check_byte_order_mark(
    path: &Path,
    bytes: &[u8],
    has_bom: bool,
    declared: Encoding,
) -> Result<(), IngestError> {
    let found = if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        "utf-16"
    } else if has_bom && declared != Encoding::Utf8 {
        "utf-8"
    } else {
        return Ok(());
    };
    Err(IngestError::WrongEncoding {
        file: FileName::of(path),
        line: 1,
        declared,
        found: Some(found),
    })
}

fn read_header(
    path: &Path,
    block: &Block,
    marks: Marks,
    encoding: Encoding,
) -> Result<Vec<String>, IngestError> {
    let file = || FileName::of(path);
    let mut records = Records::new(&block.bytes, marks, 1);
    let Some(record) = records.advance() else {
        return Err(IngestError::Empty { file: file() });
    };
    let mut header = Vec::with_capacity(record.n_cells());
    for i in 0..record.n_cells() {
        let cell = crate::cell::trimmed(record.cell(i));
        let Some(name) = decode(cell, encoding) else {
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

impl CsvLayout {
    fn new(
        path: &Path,
        marks: Marks,
        header: Vec<String>,
        contract: &DataContract,
        bytes: &[u8],
    ) -> Result<Self, IngestError> {
        let position = |name: &str| header.iter().position(|found| found == name);
        let absent = contract
            .columns()
            .iter()
            .filter(|column| position(column.header()).is_none());
        let missing: Vec<String> = absent.map(|column| column.header().to_owned()).collect();
        if !missing.is_empty() {
            let hint = header_hint(&header, &missing, marks, bytes);
            return Err(IngestError::HeaderMissing {
                file: FileName::of(path),
                columns: missing,
                n_found: header.len(),
                hint,
            });
        }
        let positions: Vec<usize> = contract
            .columns()
            .iter()
            .filter_map(|column| position(column.header()))
            .collect();
        if let Some(twice) = twice(&header, &positions) {
            return Err(IngestError::HeaderTwice {
                file: FileName::of(path),
                column: twice,
            });
        }
        let mut in_contract = vec![None; header.len()];
        for (column, &position) in (0..).zip(&positions) {
            in_contract[position] = Some(column);
        }
        Ok(Self {
            marks,
            header: header.into(),
            positions: positions.into(),
            in_contract: in_contract.into(),
        })
    }
}

/// A column of the contract that the header names twice.
fn twice(header: &[String], positions: &[usize]) -> Option<String> {
    let declared: BTreeSet<&str> = positions
        .iter()
        .map(|&position| header[position].as_str())
        .collect();
    let mut seen = BTreeSet::new();
    let mut named = header
        .iter()
        .filter(|name| declared.contains(name.as_str()));
    named.find(|name| !seen.insert(name.as_str())).cloned()
}

/// A guess at why a header lacks columns. It repeats no text of the file: a file without a
/// header begins with somebody's data.
fn header_hint(
    header: &[String],
    missing: &[String],
    marks: Marks,
    bytes: &[u8],
) -> Option<String> {
    let first_line = bytes
        .split(|&byte| byte == b'\n')
        .next()
        .unwrap_or_default();
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
