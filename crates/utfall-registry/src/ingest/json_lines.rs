//! JSON Lines as a source of rows: one object on each line, its fields the columns.
//!
//! Numbers are read from their text and never pass through a float. An object that gives a field
//! twice, or a list or another object as its value, cannot be taken apart and goes to quarantine.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use json_event_parser::{JsonEvent, JsonSyntaxError, SliceJsonParser};
use utfall_files::Digest;

use super::block::{Block, BlockReader, Margins};
use super::cells::CellRows;
use super::columns::ColumnMap;
use super::error::IngestError;
use super::file_name::FileName;
use super::record::{Marks, Records};
use super::rules::{Cell, Rule};
use super::source::{Layout, RowVisitor, Source};
use crate::contract::{DataContract, Encoding};

/// A file of one JSON object on each line.
pub(crate) struct JsonLinesSource {
    file: FileName,
    reader: BlockReader,
    first: Option<Block>,
    layout: JsonLinesLayout,
}

/// How an object's fields meet the contract's columns.
#[derive(Clone)]
pub(crate) struct JsonLinesLayout {
    columns: Arc<ColumnMap>,
    /// Columns of the file that some object gave; the last is whether there was any object.
    given: Arc<[AtomicBool]>,
}

impl JsonLinesSource {
    /// Opens a file. Its columns are the contract's and those that its first block gives.
    pub(crate) fn open(path: &Path, contract: &DataContract) -> Result<Self, IngestError> {
        let mut reader = BlockReader::open(path, Encoding::Utf8, Marks::LINES, Margins::default())?;
        let first = reader.next_block()?;
        let names = first.as_ref().map_or_else(BTreeSet::new, names_in);
        let columns = ColumnMap::of_fields(path, names, contract);
        let given = (0..=columns.header().len()).map(|_| AtomicBool::new(false));
        Ok(Self {
            file: FileName::of(path),
            reader,
            first,
            layout: JsonLinesLayout {
                given: given.collect(),
                columns: Arc::new(columns),
            },
        })
    }
}

/// The fields of the objects of a block.
fn names_in(block: &Block) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut records = Records::new(&block.bytes, Marks::LINES, 1);
    while let Some(record) = records.advance() {
        let (mut parser, mut depth) = (SliceJsonParser::new(record.raw()), 0_u32);
        while let Ok(event) = parser.parse_next() {
            match event {
                JsonEvent::Eof => break,
                JsonEvent::StartObject | JsonEvent::StartArray => depth += 1,
                JsonEvent::EndObject | JsonEvent::EndArray => depth = depth.saturating_sub(1),
                JsonEvent::ObjectKey(name) if depth == 1 => {
                    names.insert(name.into_owned());
                }
                _ => {}
            }
        }
    }
    names
}

impl Source for JsonLinesSource {
    type Block = Block;
    type Layout = JsonLinesLayout;

    fn layout(&self) -> JsonLinesLayout {
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
        let given = |position: usize| self.layout.given[position].load(Ordering::Relaxed);
        if given(self.layout.columns.header().len()) {
            self.layout.columns.check_given(&self.file, given)?;
        }
        self.reader.finish()
    }
}

impl Layout<Block> for JsonLinesLayout {
    fn header(&self) -> &[String] {
        self.columns.header()
    }

    fn index(&self, block: &Block) -> usize {
        block.index
    }

    fn visit(&self, block: &Block, visitor: &mut impl RowVisitor) {
        let mut records = Records::new(&block.bytes, Marks::LINES, block.first_line);
        let mut rows = CellRows::new(self.columns.header().len());
        while let Some(record) = records.advance() {
            rows.clear();
            rows.begin(record.line);
            if self.take_apart(record.raw(), &mut rows).is_err() {
                rows.fail(Rule::Malformed, None);
            }
            visitor.row(&rows.row(0, &self.columns, Some(record.raw())));
        }
    }
}

impl JsonLinesLayout {
    fn give(&self, position: usize) {
        self.given[position].store(true, Ordering::Relaxed);
    }

    /// Puts the fields of an object into the row begun last.
    fn take_apart(&self, object: &[u8], rows: &mut CellRows) -> Result<(), JsonSyntaxError> {
        let mut parser = SliceJsonParser::new(object);
        // The field that is given, and how deep below the object the parser is.
        let (mut field, mut depth) = (None, 0_u32);
        loop {
            let event = parser.parse_next()?;
            let cell = match &event {
                JsonEvent::Eof => return Ok(()),
                JsonEvent::StartObject | JsonEvent::StartArray => {
                    let declared = field.filter(|&field| self.columns.in_contract(field).is_some());
                    if depth == 1 && declared.is_some() {
                        rows.fail(Rule::Malformed, declared);
                    } else if depth == 0 && event == JsonEvent::StartArray {
                        rows.fail(Rule::Malformed, None);
                    }
                    if event == JsonEvent::StartObject && depth == 0 {
                        self.give(self.columns.header().len());
                    }
                    depth += 1;
                    continue;
                }
                JsonEvent::EndObject | JsonEvent::EndArray => {
                    depth = depth.saturating_sub(1);
                    continue;
                }
                JsonEvent::ObjectKey(name) => {
                    if depth == 1 {
                        field = self.columns.position(name);
                        if let Some(position) = field {
                            self.give(position);
                        }
                    }
                    continue;
                }
                JsonEvent::String(text) => Cell::Text(text.as_bytes()),
                JsonEvent::Number(text) => Cell::of_literal(text.as_bytes()),
                JsonEvent::Boolean(value) => Cell::logical(*value),
                JsonEvent::Null => Cell::Missing,
            };
            match depth {
                0 => rows.fail(Rule::Malformed, None),
                1 => rows.put(field, cell),
                _ => rows.put(None, cell),
            }
        }
    }
}
