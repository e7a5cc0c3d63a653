//! Typed columns as rows: what Parquet and Arrow files are decoded to.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use polars::prelude::{
    BooleanChunked, Column as FrameColumn, DataFrame, DataType, Float32Chunked, Float64Chunked,
    Int32Chunked, Int64Chunked, Int128Chunked, PolarsResult, StringChunked, TimeUnit,
    UInt64Chunked,
};

use super::cells::joined;
use super::columns::ColumnMap;
use super::error::IngestError;
use super::file_name::FileName;
use super::rules::{Cell, Rule};
use super::source::{Layout, Row, RowVisitor};
use crate::contract::{ColumnType, DataContract};

/// Rows decoded at a time.
pub(crate) const ROWS_PER_BLOCK: usize = 1 << 16;

/// How the columns of a typed file meet the contract's.
#[derive(Clone)]
pub(crate) struct FrameLayout(Arc<ColumnMap>);

/// Some rows of a typed file.
pub(crate) struct FrameBlock {
    index: usize,
    first_row: u64,
    n_rows: usize,
    columns: Vec<Values>,
}

enum Values {
    Text(StringChunked),
    Logical(BooleanChunked),
    Integer(Int64Chunked),
    Unsigned(UInt64Chunked),
    Decimal(Int128Chunked, u32),
    Single(Float32Chunked),
    Double(Float64Chunked),
    Days(Int32Chunked),
    /// Moments, in units of which a day has so many.
    Moments(Int64Chunked, i64),
    /// A type no contract has, in a column the contract does not name.
    Other,
}

impl FrameLayout {
    /// Finds the contract's columns among those of a file, each with its type.
    pub(crate) fn new(
        path: &Path,
        schema: impl Iterator<Item = (String, DataType)>,
        contract: &DataContract,
    ) -> Result<Self, IngestError> {
        let (header, types): (Vec<String>, Vec<DataType>) = schema.unzip();
        let columns = ColumnMap::by_name(path, header, contract, |_| None)?;
        for (i, column) in contract.columns().iter().enumerate() {
            let found = columns.in_file(i).and_then(|position| types.get(position));
            if found.is_some_and(|found| !fits(found, column.kind())) {
                return Err(IngestError::ColumnType {
                    file: FileName::of(path),
                    column: column.header().to_owned(),
                    found: found.map(ToString::to_string).unwrap_or_default(),
                    expected: column.kind().name(),
                });
            }
        }
        Ok(Self(Arc::new(columns)))
    }
}

/// Text in any column; numbers, dates and moments in columns of such a type.
fn fits(found: &DataType, expected: &ColumnType) -> bool {
    use ColumnType::{Boolean, Code, Date, Datetime, Decimal, Integer, Text, Year};
    match found {
        DataType::String | DataType::Categorical(..) | DataType::Enum(..) => true,
        DataType::Boolean => matches!(expected, Text | Code { .. } | Boolean),
        DataType::Date => *expected == Date,
        DataType::Datetime(_, None) => matches!(expected, Date | Datetime),
        DataType::Decimal(..) => matches!(expected, Integer | Decimal { .. }),
        found if found.is_integer() || found.is_float() => {
            matches!(expected, Integer | Decimal { .. } | Year | Boolean)
        }
        _ => false,
    }
}

/// The result of a call into a decoder, unless it fails or panics.
pub(crate) fn guarded<T>(call: impl FnOnce() -> PolarsResult<T>) -> Option<T> {
    catch_unwind(AssertUnwindSafe(call))
        .ok()
        .and_then(Result::ok)
}

impl FrameBlock {
    /// Rows from `first_row` of a file, counted from 0; `None` if the frame is damaged.
    pub(crate) fn new(index: usize, first_row: usize, frame: &DataFrame) -> Option<Self> {
        let columns = frame.columns().iter();
        Some(Self {
            index,
            first_row: first_row as u64 + 1,
            n_rows: frame.height(),
            columns: columns
                .map(|column| guarded(|| values(column)))
                .collect::<Option<_>>()?,
        })
    }
}

fn values(column: &FrameColumn) -> PolarsResult<Values> {
    let series = column.as_materialized_series();
    Ok(match series.dtype() {
        DataType::String => Values::Text(series.str()?.clone()),
        DataType::Categorical(..) | DataType::Enum(..) => {
            Values::Text(series.cast(&DataType::String)?.str()?.clone())
        }
        DataType::Boolean => Values::Logical(series.bool()?.clone()),
        DataType::Date => Values::Days(series.to_physical_repr().i32()?.clone()),
        DataType::Datetime(unit, None) => Values::Moments(
            series.to_physical_repr().i64()?.clone(),
            match unit {
                TimeUnit::Nanoseconds => 86_400_000_000_000,
                TimeUnit::Microseconds => 86_400_000_000,
                TimeUnit::Milliseconds => 86_400_000,
            },
        ),
        DataType::Decimal(_, scale) => Values::Decimal(
            series.to_physical_repr().i128()?.clone(),
            u32::try_from(*scale).unwrap_or(u32::MAX),
        ),
        DataType::UInt64 => Values::Unsigned(series.u64()?.clone()),
        DataType::Float32 => Values::Single(series.f32()?.clone()),
        DataType::Float64 => Values::Double(series.f64()?.clone()),
        found if found.is_integer() => {
            Values::Integer(series.cast(&DataType::Int64)?.i64()?.clone())
        }
        _ => Values::Other,
    })
}

impl Values {
    #[inline]
    fn get(&self, row: usize) -> Cell<'_> {
        let found = match self {
            Self::Text(texts) => texts.get(row).map(|text| Cell::Text(text.as_bytes())),
            Self::Logical(values) => values.get(row).map(Cell::logical),
            Self::Integer(values) => values.get(row).map(Cell::Integer),
            Self::Unsigned(values) => values
                .get(row)
                .map(|value| i64::try_from(value).map_or(Cell::Beyond, Cell::Integer)),
            Self::Decimal(values, scale) => {
                values.get(row).map(|digits| Cell::number(digits, *scale))
            }
            Self::Single(values) => values
                .get(row)
                .map(|value| Cell::of_literal(format!("{value:e}").as_bytes())),
            Self::Double(values) => values
                .get(row)
                .map(|value| Cell::of_literal(format!("{value:e}").as_bytes())),
            Self::Days(days) => days.get(row).map(Cell::Days),
            Self::Moments(moments, per_day) => moments.get(row).map(|units| Cell::Moment {
                units,
                per_day: *per_day,
            }),
            Self::Other => None,
        };
        found.unwrap_or(Cell::Missing)
    }
}

impl Layout<FrameBlock> for FrameLayout {
    fn header(&self) -> &[String] {
        self.0.header()
    }

    fn index(&self, block: &FrameBlock) -> usize {
        block.index
    }

    fn visit(&self, block: &FrameBlock, visitor: &mut impl RowVisitor) {
        for row in 0..block.n_rows {
            visitor.row(&FrameRow {
                block,
                row,
                columns: &self.0,
            });
        }
    }
}

struct FrameRow<'b> {
    block: &'b FrameBlock,
    row: usize,
    columns: &'b ColumnMap,
}

impl Row for FrameRow<'_> {
    fn line(&self) -> u64 {
        self.block.first_row + self.row as u64
    }

    fn fault(&self) -> Option<(Rule, Option<usize>)> {
        None
    }

    fn in_contract(&self, file_column: usize) -> Option<u32> {
        self.columns.in_contract(file_column)
    }

    #[inline]
    fn cell(&self, column: usize) -> Cell<'_> {
        self.columns.cell(column, |position| {
            self.block.columns[position].get(self.row)
        })
    }

    fn each_cell(&self, mut see: impl FnMut(usize, Cell<'_>)) {
        for (position, values) in self.block.columns.iter().enumerate() {
            see(position, values.get(self.row));
        }
        self.columns.each_in_path(see);
    }

    fn encoded(&self) -> Option<&[u8]> {
        None
    }

    fn raw(&self) -> Vec<u8> {
        joined(self)
    }
}
