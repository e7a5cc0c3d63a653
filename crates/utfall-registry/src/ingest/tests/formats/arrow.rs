//! Arrow files and streams.

use polars::prelude::{
    CompatLevel, DataFrame, DataType, IntoColumn, IpcWriter, NamedFrom, SerWriter, Series,
};
use polars_arrow::io::ipc::write::{Compression as ArrowCompression, StreamWriter, WriteOptions};

use super::parquet::{column, frame, texts};
use super::*;

pub(super) fn file(mut frame: DataFrame) -> Vec<u8> {
    let mut bytes = Vec::new();
    IpcWriter::new(&mut bytes).finish(&mut frame).unwrap();
    bytes
}

fn stream(frame: DataFrame) -> Vec<u8> {
    let options = WriteOptions {
        compression: Some(ArrowCompression::LZ4),
    };
    let mut writer = StreamWriter::new(Vec::new(), options);
    let mut batches = frame.iter_chunks(CompatLevel::newest(), false);
    let batch = batches.next().unwrap();
    writer.start(batch.schema(), None).unwrap();
    writer.write(&batch, None).unwrap();
    writer.finish().unwrap();
    writer.into_inner()
}

/// Rows enough for several blocks.
fn table(n_rows: usize) -> DataFrame {
    let ids: Vec<String> = (0..n_rows).map(|i| format!("p{i:06}")).collect();
    let values: Vec<i64> = (0..n_rows as i64).collect();
    let values = Series::new("x".into(), values);
    let days = vec![Some("2024-09-01"); n_rows];
    frame(vec![
        Series::new("id".into(), ids).into_column(),
        column("värde", values.clone(), &DataType::Decimal(30, 0)),
        column("count", values, &DataType::Int64),
        column("day", texts(&days), &DataType::String),
        column("kind", texts(&vec![Some("B"); n_rows]), &DataType::String),
    ])
}

#[test]
fn files_and_streams_of_several_blocks_are_read_whole() {
    let n_rows = 150_000;
    for bytes in [file(table(n_rows)), stream(table(n_rows))] {
        let bench = bench(ARROW, bytes);
        let report = bench.ingest().unwrap();
        assert_eq!(report.n_accepted(), n_rows as u64);
        assert_eq!(
            bench.rows()[149_999],
            r#""p149999" 14999900 149999 2024-09-01 "B""#
        );
    }
}

#[test]
fn a_fault_is_told_by_the_number_of_its_row() {
    let mut ids: Vec<String> = (0..100_000).map(|i| format!("p{i}")).collect();
    ids[90_000] = "p1".to_owned();
    let mut frame = table(100_000);
    frame
        .replace("id", Series::new("id".into(), ids).into_column())
        .unwrap();
    assert_eq!(faults(ARROW, file(frame)), [("key-conflict", None, 2, 2)]);
}

#[test]
fn a_damaged_file_is_refused_or_judged_and_never_a_panic() {
    for bytes in [file(table(300)), stream(table(300))] {
        for end in (0..bytes.len() - 16).step_by(bytes.len() / 30) {
            let message = error(ARROW, &bytes[..end]);
            assert!(message.contains("damaged or cut short"), "{end}: {message}");
        }
        for position in (0..bytes.len()).step_by(101) {
            let mut damaged = bytes.clone();
            damaged[position] ^= 0x5a;
            let _ = bench(ARROW, damaged).ingest(); // whatever it says, it returns
        }
    }
    assert!(error(ARROW, b"id;count\n").contains("no Arrow file or stream"));
}
