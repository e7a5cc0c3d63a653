//! Lines in which each field has its place, as a source of rows.

use std::path::Path;
use std::sync::Arc;

use utfall_files::Digest;

use super::block::{Block, BlockReader, Margins};
use super::columns::ColumnMap;
use super::error::IngestError;
use super::record::{Marks, Records};
use super::rules::{Cell, Rule};
use super::source::{Layout, Row, RowVisitor, Source};
use crate::contract::{DataContract, Dialect, Encoding, FixedWidth, Positions, ShortLines};

/// A text file of fixed-width fields.
pub(crate) struct FixedWidthSource {
    reader: BlockReader,
    layout: FixedWidthLayout,
}

/// Where the fields lie and which columns they are.
#[derive(Clone)]
pub(crate) struct FixedWidthLayout {
    marks: Marks,
    columns: Arc<ColumnMap>,
    fields: Arc<[Range]>,
    /// Places that no field takes, up to the end of the line.
    gaps: Arc<[Range]>,
    /// Places a line has at least.
    n_places: usize,
    encoding: Encoding,
    in_characters: bool,
}

type Range = std::ops::Range<usize>;

impl FixedWidthSource {
    pub(crate) fn open(
        path: &Path,
        contract: &DataContract,
        dialect: &Dialect,
        fixed: &FixedWidth,
    ) -> Result<Self, IngestError> {
        let encoding = contract.encoding();
        let marks = Marks {
            comment: dialect.comment.map(|mark| mark.byte()),
            ..Marks::LINES
        };
        let margins = Margins {
            skip_lines: dialect.skip_lines,
            footer_lines: dialect.footer_lines,
        };
        let names = fixed.field.iter().map(|field| field.name.clone()).collect();
        let fields: Vec<Range> = fixed.field.iter().map(|field| field.range()).collect();
        let layout = FixedWidthLayout {
            marks,
            columns: Arc::new(ColumnMap::by_name(path, names, contract, |_| None)?),
            gaps: gaps(&fields).into(),
            n_places: match fixed.short_lines {
                ShortLines::Refuse => fields.iter().map(|field| field.end).max().unwrap_or(0),
                ShortLines::Pad => 0,
            },
            fields: fields.into(),
            encoding: encoding.of_cells(),
            in_characters: fixed.positions == Positions::Characters,
        };
        Ok(Self {
            reader: BlockReader::open(path, encoding, marks, margins)?,
            layout,
        })
    }
}

/// What lies between fields and after the last.
fn gaps(fields: &[Range]) -> Vec<Range> {
    let mut fields = fields.to_vec();
    fields.sort_by_key(|field| field.start);
    let (mut gaps, mut end) = (Vec::new(), 0);
    for field in fields {
        if field.start > end {
            gaps.push(end..field.start);
        }
        end = end.max(field.end);
    }
    gaps.push(end..usize::MAX);
    gaps
}

impl Source for FixedWidthSource {
    type Block = Block;
    type Layout = FixedWidthLayout;

    fn layout(&self) -> FixedWidthLayout {
        self.layout.clone()
    }

    fn next_block(&mut self) -> Result<Option<Block>, IngestError> {
        self.reader.next_block()
    }

    fn n_bytes(&self) -> u64 {
        self.reader.n_bytes()
    }

    fn finish(&self) -> Result<Digest, IngestError> {
        self.reader.finish()
    }
}

impl Layout<Block> for FixedWidthLayout {
    fn header(&self) -> &[String] {
        self.columns.header()
    }

    fn index(&self, block: &Block) -> usize {
        block.index
    }

    fn visit(&self, block: &Block, visitor: &mut impl RowVisitor) {
        let mut records = Records::new(&block.bytes, self.marks, block.first_line);
        let mut starts = Vec::new();
        while let Some(record) = records.advance() {
            let line = record.raw();
            let text = self.text_of_wide_characters(line);
            starts.clear();
            if let Some(Ok(text)) = text {
                starts.extend(text.char_indices().map(|(start, _)| start));
                starts.push(line.len());
            }
            visitor.row(&FixedWidthRow {
                line,
                number: record.line,
                starts: matches!(text, Some(Ok(_))).then_some(&starts),
                is_text: !matches!(text, Some(Err(_))),
                layout: self,
            });
        }
    }
}

impl FixedWidthLayout {
    /// The line's text, if its characters have other places than its bytes.
    fn text_of_wide_characters<'l>(
        &self,
        line: &'l [u8],
    ) -> Option<Result<&'l str, std::str::Utf8Error>> {
        let is_wide = self.in_characters && self.encoding == Encoding::Utf8 && !line.is_ascii();
        is_wide.then(|| std::str::from_utf8(line))
    }
}

struct FixedWidthRow<'r> {
    line: &'r [u8],
    number: u64,
    /// Where each character begins, and the line ends, if that is not by bytes.
    starts: Option<&'r Vec<usize>>,
    is_text: bool,
    layout: &'r FixedWidthLayout,
}

impl FixedWidthRow<'_> {
    fn n_places(&self) -> usize {
        self.starts
            .map_or(self.line.len(), |starts| starts.len() - 1)
    }

    /// What stands in some places, as far as the line reaches.
    fn at(&self, places: &Range) -> &[u8] {
        let n_places = self.n_places();
        let (start, end) = (places.start.min(n_places), places.end.min(n_places));
        match self.starts {
            Some(starts) => &self.line[starts[start]..starts[end]],
            None => &self.line[start..end],
        }
    }
}

impl Row for FixedWidthRow<'_> {
    fn line(&self) -> u64 {
        self.number
    }

    fn fault(&self) -> Option<(Rule, Option<usize>)> {
        if !self.is_text {
            Some((Rule::Encoding, None))
        } else if self.n_places() < self.layout.n_places {
            Some((Rule::Ragged, None))
        } else {
            None
        }
    }

    fn in_contract(&self, file_column: usize) -> Option<u32> {
        self.layout.columns.in_contract(file_column)
    }

    fn cell(&self, column: usize) -> Cell<'_> {
        let columns = &self.layout.columns;
        columns.cell(column, |position| {
            Cell::Text(self.at(&self.layout.fields[position]))
        })
    }

    fn each_cell(&self, mut see: impl FnMut(usize, Cell<'_>)) {
        for (position, field) in self.layout.fields.iter().enumerate() {
            see(position, Cell::Text(self.at(field)));
        }
        for gap in self.layout.gaps.iter() {
            see(self.layout.fields.len(), Cell::Text(self.at(gap)));
        }
        self.layout.columns.each_in_path(see);
    }

    fn encoded(&self) -> Option<&[u8]> {
        Some(self.line)
    }

    fn raw(&self) -> Vec<u8> {
        self.line.to_vec()
    }
}
