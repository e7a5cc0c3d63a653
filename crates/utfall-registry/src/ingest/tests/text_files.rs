//! Text files of every encoding, compressed, with what vendors put around the rows.

use std::io::Write;

use super::*;

const MARKS: &str = r#"
schema = "utfall-data-contract/1"
name = "marks"
title = "Marks"
format = "csv"
key = ["id"]
[dialect]
delimiter = ";"
quote = '"'
encoding = "utf-8"
decimal = ","
date = "%Y%m%d"
[[column]]
name = "id"
type = "text"
[[column]]
name = "värde"
as = "value"
type = "decimal"
decimals = 2
[[column]]
name = "antal"
as = "count"
type = "integer"
"#;

const TEXT: &str = "id;värde;antal\nÅ1;12,5;3\n\"é;2\";-0,05;\n";

const ROWS: [&str; 2] = [r#""Å1" 1250 3"#, r#""é;2" -5 null"#];

fn bench(contract: &str, bytes: impl AsRef<[u8]>) -> Bench {
    Bench::new(contract).with("a.csv", "2024-10-01", DeliveryStatus::Final, bytes)
}

fn with(line: &str) -> String {
    MARKS.replace("decimal = \",\"", &format!("decimal = \",\"\n{line}"))
}

fn rows(contract: &str, bytes: impl AsRef<[u8]>) -> Vec<String> {
    let bench = bench(contract, bytes);
    let report = bench.ingest().unwrap();
    assert_eq!(report.n_quarantined(), 0, "{:?}", report.rules);
    bench.rows()
}

fn little(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn big(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

/// The bytes in every compressed form.
fn compressed(bytes: &[u8]) -> Vec<(Compression, Vec<u8>)> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(bytes).unwrap();
    let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    bzip2.write_all(bytes).unwrap();
    vec![
        (Compression::Gzip, gzip.finish().unwrap()),
        (Compression::Bzip2, bzip2.finish().unwrap()),
        (Compression::Zstd, zstd_with_checksum(&[bytes])),
        (Compression::Xz, xz(bytes)),
        (Compression::Zip, archive(&[("a.csv", bytes)])),
    ]
}

fn zstd_with_checksum(parts: &[&[u8]]) -> Vec<u8> {
    let mut zstd = zstd::Encoder::new(Vec::new(), 1).unwrap();
    zstd.include_checksum(true).unwrap();
    parts.iter().for_each(|part| zstd.write_all(part).unwrap());
    zstd.finish().unwrap()
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    let options = lzma_rust2::XzOptions::with_preset(1);
    let mut xz = lzma_rust2::XzWriter::new(Vec::new(), options).unwrap();
    xz.write_all(bytes).unwrap();
    xz.finish().unwrap()
}

fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in files {
        let options = zip::write::SimpleFileOptions::default()
            .compression_method(zip::CompressionMethod::Deflated);
        archive.start_file(*name, options).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

#[test]
fn utf_16_is_read_in_either_order_of_bytes() {
    let utf16 = MARKS.replace("utf-8", "utf-16");
    assert_eq!(rows(&utf16, little(&format!("\u{feff}{TEXT}"))), ROWS);
    assert_eq!(rows(&utf16, big(&format!("\u{feff}{TEXT}"))), ROWS);
    for mark in ["", "\u{feff}"] {
        let text = format!("{mark}{TEXT}");
        assert_eq!(
            rows(&MARKS.replace("utf-8", "utf-16le"), little(&text)),
            ROWS
        );
        assert_eq!(rows(&MARKS.replace("utf-8", "utf-16be"), big(&text)), ROWS);
    }
}

#[test]
fn an_encoding_that_the_first_bytes_deny_is_refused_by_its_name() {
    let found = |encoding: &str, bytes: Vec<u8>| {
        let bench = bench(&MARKS.replace("utf-8", encoding), bytes);
        match bench.ingest().unwrap_err() {
            IngestError::WrongEncoding { found, .. } => found.unwrap(),
            error => panic!("{error}"),
        }
    };
    assert_eq!(found("utf-8", little(TEXT)), "utf-16le");
    assert_eq!(found("windows-1252", big(TEXT)), "utf-16be");
    assert_eq!(
        found("utf-16le", big(&format!("\u{feff}{TEXT}"))),
        "utf-16be"
    );
    assert!(found("utf-16", TEXT.into()).starts_with("utf-8"));
    assert!(found("utf-16", little(TEXT)).contains("without a byte order mark"));
}

#[test]
fn half_a_character_of_utf_16_is_found_in_its_row() {
    let mut text = little(&format!("{TEXT}q;1;2\n"));
    let row = text.windows(2).position(|pair| pair == b"q\0").unwrap();
    text[row + 1] = 0xd8;
    let report = bench(&MARKS.replace("utf-8", "utf-16le"), text)
        .ingest()
        .unwrap();
    assert_eq!(broken(&report), [("encoding", Some("id"), 1)]);
}

#[test]
fn a_compressed_file_gives_the_rows_of_the_plain_one() {
    for (compression, bytes) in compressed(TEXT.as_bytes()) {
        let bench = bench(MARKS, &bytes);
        let report = bench
            .ingest()
            .unwrap_or_else(|error| panic!("{compression}: {error}"));
        assert_eq!(bench.rows(), ROWS, "{compression}");
        assert_eq!(report.deliveries[0].blake3, Digest::blake3(&bytes));
    }
    let twice = [
        compressed(b"id;v\xc3\xa4rde;"),
        compressed(b"antal\na;1;2\n"),
    ];
    for ((compression, first), (_, second)) in twice[0].iter().zip(&twice[1]).take(4) {
        let parts = [first.as_slice(), second].concat();
        assert_eq!(rows(MARKS, parts), [r#""a" 100 2"#], "{compression}");
    }
    let utf16 = compressed(&little(TEXT)).swap_remove(0).1;
    assert_eq!(rows(&MARKS.replace("utf-8", "utf-16le"), utf16), ROWS);
}

#[test]
fn a_compressed_file_that_is_cut_short_or_damaged_is_refused_wherever_it_is() {
    let text = (0..400).fold(String::from("id;värde;antal\n"), |text, i| {
        text + &format!("P{i};{},5;{}\n", i * 7919 % 1000, i * i % 977)
    });
    for (compression, bytes) in compressed(text.as_bytes()) {
        for end in (12..bytes.len() - 1).step_by(bytes.len() / 40) {
            let bench = bench(MARKS, &bytes[..end]);
            let error = bench
                .ingest()
                .expect_err(&format!("{compression} of {end} bytes"));
            assert!(
                matches!(&error, IngestError::Damaged { compression: found, .. } if *found == compression),
                "{compression}: {error}"
            );
            assert!(bench.out_names().is_empty());
        }
        for position in (20..bytes.len() - 30).step_by(bytes.len() / 15) {
            let mut damaged = bytes.clone();
            damaged[position] ^= 0x55;
            let bench = bench(MARKS, &damaged);
            match bench.ingest() {
                Err(_) => assert!(bench.out_names().is_empty()),
                Ok(report) => assert_eq!(
                    (compression, report.n_accepted()),
                    (Compression::Zip, 400),
                    "only a byte that means nothing may differ"
                ),
            }
        }
    }
    let message = bench(MARKS, &compressed(text.as_bytes())[0].1[..300])
        .ingest()
        .unwrap_err();
    assert_eq!(
        message.to_string(),
        "a.csv is cut short or damaged: it is gzip and cannot be expanded to its end; ask for it again"
    );
}

#[test]
fn an_archive_holds_one_file_or_is_refused() {
    let text = TEXT.as_bytes();
    let error = bench(MARKS, archive(&[("a.csv", text), ("b.csv", text)]))
        .ingest()
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("a zip archive of 2 files, expected one"),
        "{error}"
    );
    let error = bench(MARKS, archive(&[])).ingest().unwrap_err();
    assert!(
        matches!(error, IngestError::ManyMembers { n_members: 0, .. }),
        "{error}"
    );
}

#[test]
fn a_small_file_that_expands_without_end_is_refused_in_bounded_memory() {
    let megabyte = [b'x'; 1 << 20];
    let mut parts = vec![TEXT.as_bytes()];
    parts.resize(257, &megabyte);
    let bytes = zstd_with_checksum(&parts);
    assert!(bytes.len() < 1 << 20);
    let error = bench(MARKS, bytes).ingest().unwrap_err();
    assert!(
        matches!(error, IngestError::RecordTooLong { line: 4, .. }),
        "{error}"
    );
}

#[test]
fn a_line_of_a_gigabyte_is_refused_after_a_few_of_its_bytes() {
    let bench = bench(MARKS, TEXT);
    let file = std::fs::OpenOptions::new()
        .append(true)
        .open(&bench.deliveries[0].path)
        .unwrap();
    file.set_len(1 << 30).unwrap();
    let error = bench.ingest().unwrap_err();
    assert!(
        matches!(error, IngestError::RecordTooLong { line: 4, .. }),
        "{error}"
    );
}

#[test]
fn thousands_are_read_as_the_dialect_separates_them() {
    let read = |mark: &str, encoding: &str, numbers: [&[u8]; 2]| {
        let contract = with(&format!("thousands = \"{mark}\"")).replace("utf-8", encoding);
        let header: &[u8] = if encoding == "utf-8" {
            "id;värde;antal\na;".as_bytes()
        } else {
            b"id;v\xe4rde;antal\na;"
        };
        rows(
            &contract,
            [header, numbers[0], b";", numbers[1], b"\n"].concat(),
        )
    };
    let expected = [r#""a" 123456750 1234567"#];
    assert_eq!(read(" ", "utf-8", [b"1 234 567,5", b"1 234 567"]), expected);
    let blanks = ["1\u{a0}234\u{a0}567,50", "1\u{202f}234\u{202f}567"].map(str::as_bytes);
    assert_eq!(read(" ", "utf-8", blanks), expected);
    assert_eq!(
        read("\u{a0}", "windows-1252", [b"1\xa0234\xa0567,5", b"1234567"]),
        expected
    );
    assert_eq!(read(".", "utf-8", [b"1.234.567,5", b"1.234.567"]), expected);
    assert_eq!(
        read("'", "utf-8", ["1’234’567,5".as_bytes(), b"1'234'567"]),
        expected
    );
    assert_eq!(
        read("'", "windows-1252", [b"1\x92234\x92567,5", b"1234567"]),
        expected
    );
    let wrong = "id;värde;antal\na;1 23,5;1 234 56\nb;1 234 567 890 123 456 789,00;9 223 372 036 854 775 808\n";
    let report = bench(&with("thousands = \" \""), wrong).ingest().unwrap();
    assert_eq!(
        broken(&report),
        [("type", Some("värde"), 2), ("type", Some("antal"), 2)]
    );
}

#[test]
fn a_file_without_a_header_has_the_columns_of_its_contract_in_order() {
    let contract = with("header = \"none\"");
    let body = TEXT.split_once('\n').unwrap().1;
    assert_eq!(rows(&contract, body), ROWS);
    assert!(rows(&contract, "").is_empty());
    let report = bench(&contract, format!("{body}a;1\nb;1;2;3\n"))
        .ingest()
        .unwrap();
    assert_eq!(broken(&report), [("ragged", None, 2)]);
    assert_eq!(report.rules[0].first_locators[0].line, 3);
}

#[test]
fn titles_footers_and_comments_are_no_rows() {
    let contract = with("skip-lines = 2\nfooter-lines = 1\ncomment = \"#\"");
    let text = format!("Uttag \"2024\n\n# kolumner:\n{TEXT}# slut\n\nKälla: SCB; \"2024\n\n");
    assert_eq!(rows(&contract, &text), ROWS);
    let report = bench(&contract, text.replace("-0,05", "x"))
        .ingest()
        .unwrap();
    assert_eq!(report.rules[0].first_locators[0].line, 6);
    let error = bench(&contract, "Titel\n").ingest().unwrap_err();
    assert!(matches!(error, IngestError::Empty { .. }), "{error}");
}

#[test]
fn lines_may_end_in_every_way_within_one_file() {
    let text = TEXT.replace('\n', "\r");
    assert_eq!(rows(MARKS, &text), ROWS);
    let mixed = "id;värde;antal\rÅ1;12,5;3\r\n\"é;2\";-0,05;\n";
    assert_eq!(rows(MARKS, mixed), ROWS);
    let report = bench(MARKS, format!("{text}b;x;1\r")).ingest().unwrap();
    assert_eq!(report.rules[0].first_locators[0].line, 4);
}

#[test]
fn a_zero_byte_is_found_wherever_it_is() {
    let report = bench(MARKS, "id;värde;antal\na\0;1;1\nb;1\0;1\nc;1;\0\n")
        .ingest()
        .unwrap();
    assert_eq!(
        broken(&report),
        [
            ("control-character", Some("id"), 1),
            ("type", Some("värde"), 1),
            ("type", Some("antal"), 1),
        ]
    );
}

#[test]
fn marks_that_mean_two_things_are_refused() {
    let error = |line: &str| {
        DataContract::from_toml("a", &with(line))
            .unwrap_err()
            .to_string()
    };
    assert!(error("comment = \";\"").contains("the comment mark is also"));
    assert!(error("thousands = \"x\"").contains("separates no thousands"));
    let same = MARKS.replace("decimal = \",\"", "decimal = \",\"\nthousands = \",\"");
    let error = DataContract::from_toml("a", &same).unwrap_err().to_string();
    assert!(error.contains("the same mark"), "{error}");
}
