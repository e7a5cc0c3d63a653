//! Files that cannot be used at all: a clear error, nothing written, earlier results intact.

use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;
use utfall_core::Watch;

use super::*;
use utfall_files::FileError;

/// The error of an ingestion into a folder that already holds results.
fn refused(bench: &Bench) -> IngestError {
    let earlier = ["table.parquet", "quarantine.csv", "quality.json"];
    for name in earlier {
        std::fs::write(bench.out().join(name), "earlier").unwrap();
    }
    let error = bench.ingest().unwrap_err();
    assert_eq!(
        bench.out_names(),
        ["quality.json", "quarantine.csv", "table.parquet"]
    );
    for name in earlier {
        assert_eq!(std::fs::read(bench.out().join(name)).unwrap(), b"earlier");
    }
    error
}

fn file(bytes: impl AsRef<[u8]>) -> Bench {
    Bench::new(CONTRACT).with("a.csv", "2024-10-01", DeliveryStatus::Final, bytes)
}

#[test]
fn a_file_that_is_not_there_or_empty_is_named() {
    let mut bench = file("");
    assert_eq!(
        refused(&bench).to_string(),
        "a.csv is empty, expected at least a header"
    );
    bench.deliveries[0].path.set_file_name("b.csv");
    let error = refused(&bench);
    assert!(
        matches!(error, IngestError::Unreadable(FileError::NotFound { .. })),
        "{error}"
    );
    bench.deliveries.clear();
    assert!(matches!(refused(&bench), IngestError::NoDelivery));
    assert!(matches!(refused(&file("\n\n")), IngestError::Empty { .. }));
}

#[test]
fn a_wrong_delimiter_is_guessed() {
    let error = refused(&file(
        "LopNr,Manad,Kommun,Skola,Erbjuden,Dagar,Start,Stopp\n",
    ));
    let message = error.to_string();
    assert!(
        message.contains("are not among the 1 columns of the header"),
        "{message}"
    );
    assert!(
        message.ends_with(
            "the header holds one cell: is the delimiter `;` right? it holds `,` 7 times"
        ),
        "{message}"
    );
}

#[test]
fn absent_columns_are_all_named() {
    let message = refused(&file("LopNr;Manad;kommun;Erbjuden;Dagar;Start;Stopp\n")).to_string();
    assert_eq!(
        message,
        "a.csv:1: `Kommun`, `Skola` are not among the 7 columns of the header; `Kommun` is there in other letter case"
    );
}

#[test]
fn a_file_without_a_header_shows_none_of_its_data() {
    let message = refused(&file(
        "HEMLIG1;20240901;HEMLIG2;G;1;1;;\nP2;20240901;A;G;1;1;;\n",
    ))
    .to_string();
    assert!(
        message.contains("does the file begin with a header line?") && !message.contains("HEMLIG"),
        "{message}"
    );
}

#[test]
fn a_column_named_twice_is_refused() {
    let message = refused(&file(
        "LopNr;Manad;Kommun;Skola;Erbjuden;Dagar;Start;Stopp;LopNr\n",
    ))
    .to_string();
    assert_eq!(
        message,
        "a.csv:1: the header names column `LopNr` twice, expected once"
    );
}

#[test]
fn a_wrong_encoding_is_told_from_a_slip() {
    let row = |i: usize, town: &[u8]| {
        let mut row = format!("P{i};20240901;").into_bytes();
        row.extend_from_slice(town);
        row.extend_from_slice(b";G;1;1;;\n");
        row
    };
    let text = |towns: &[&[u8]]| {
        let mut text = HEADER.as_bytes().to_vec();
        text.extend((0..).zip(towns).flat_map(|(i, town)| row(i, town)));
        text
    };
    let utf8 = CONTRACT.replace("windows-1252", "utf-8");
    let latin = text(&[b"A", b"\xc5m\xe5l", b"Malm\xf6", b"\xc4lvsbyn"]);
    let bench = Bench::new(&utf8).with("a.csv", "2024-10-01", DeliveryStatus::Final, &latin);
    assert_eq!(
        refused(&bench).to_string(),
        "a.csv:3: the text is not utf-8 but looks like windows-1252 or iso-8859-1; set `encoding` in the dialect to what the file is"
    );
    let foreign = text(&[
        "A".as_bytes(),
        "Åmål".as_bytes(),
        "Malmö".as_bytes(),
        "Älvsbyn".as_bytes(),
    ]);
    let message = refused(&file(&foreign)).to_string();
    assert!(
        message.starts_with("a.csv:3: the text is not windows-1252 but looks like utf-8"),
        "{message}"
    );
    let slip = text(&[b"A", b"B", b"Malm\xf6", b"C"]);
    let bench = Bench::new(&utf8).with("a.csv", "2024-10-01", DeliveryStatus::Final, &slip);
    assert_eq!(
        broken(&bench.ingest().unwrap()),
        [("encoding", Some("Kommun"), 1)]
    );
}

#[test]
fn byte_order_marks_of_other_encodings_are_recognised() {
    let utf16: Vec<u8> = [0xff, 0xfe]
        .into_iter()
        .chain(HEADER.encode_utf16().flat_map(u16::to_le_bytes))
        .collect();
    assert!(matches!(
        refused(&file(utf16)),
        IngestError::WrongEncoding {
            found: Some("utf-16le"),
            ..
        }
    ));
    let utf8 = format!("\u{feff}{HEADER}");
    assert!(matches!(
        refused(&file(utf8)),
        IngestError::WrongEncoding {
            found: Some("utf-8"),
            ..
        }
    ));
}

#[test]
fn identity_numbers_in_any_column_stop_everything_and_are_not_shown() {
    let mut rows = String::from("LopNr;Manad;Kommun;Skola;Erbjuden;Dagar;Start;Stopp;Extra\n");
    for i in 0..50 {
        let extra = if i == 30 { "19570428-9999" } else { "" };
        rows.push_str(&format!(
            "811218{:04};20240901;A;G;1;1;;;{extra}\n",
            9876 - i * 100
        ));
    }
    rows.push_str("5704289999;20240901;A;G;1;1;;;\n");
    let bench = file(rows.clone());
    let IngestError::IdentityNumbers { findings } = refused(&bench) else {
        panic!("accepted")
    };
    assert_eq!(
        findings.len(),
        1,
        "one bare number in ten is chance, one with a hyphen is not"
    );
    assert_eq!(
        (findings[0].column.as_deref(), findings[0].first_line),
        (Some("Extra"), 32)
    );
    let message = refused(&bench).to_string();
    assert!(
        message.starts_with(
            "a.csv:32: column `Extra` holds Swedish personal identity numbers in 1 rows"
        ),
        "{message}"
    );
    assert!(!message.contains("9999"));
}

#[test]
fn an_open_quote_swallows_no_rows_in_silence() {
    let bench =
        Bench::of("P1;20240901;A;G;1;1;;\nP2;20240901;\"A;G;1;1;;\nP3;20240901;A;G;1;1;;\n");
    let report = bench.ingest().unwrap();
    assert_eq!(broken(&report), [("quote", Some("Kommun"), 1)]);
    let quarantine = std::fs::read_to_string(bench.out().join("quarantine.csv")).unwrap();
    assert!(
        quarantine.contains("P3;20240901"),
        "the swallowed row stands in the quarantine"
    );
}

/// Stops at the nth question.
struct StopAt(AtomicUsize);

impl Watch for StopAt {
    fn advance(&self, _done: u64, _total: u64) {}

    fn is_cancelled(&self) -> bool {
        self.0.fetch_sub(1, Ordering::Relaxed) == 1
    }
}

#[test]
fn stopping_leaves_nothing_behind_wherever_it_happens() {
    let bench = Bench::of(&"P1;20240901;A;G;1;1;;\n".repeat(1000));
    let mut n_questions = 1;
    loop {
        let watch = StopAt(AtomicUsize::new(n_questions));
        match ingest(&bench.contract, &bench.deliveries, &bench.out(), &watch) {
            Err(IngestError::Cancelled) => assert!(bench.out_names().is_empty()),
            Ok(_) => break,
            Err(error) => panic!("{error}"),
        }
        n_questions += 1;
    }
    assert!(n_questions > 4, "asked {n_questions} times");
}

/// Changes the file when progress passes half, that is between the passes.
struct ChangeBetween {
    path: PathBuf,
    change: fn(&std::path::Path),
    done: AtomicUsize,
}

impl Watch for ChangeBetween {
    fn advance(&self, done: u64, total: u64) {
        if 2 * done >= total && self.done.fetch_add(1, Ordering::Relaxed) == 0 {
            (self.change)(&self.path);
        }
    }

    fn is_cancelled(&self) -> bool {
        false
    }
}

#[test]
fn a_file_that_changes_while_it_is_read_is_refused() {
    let append = |path: &std::path::Path| {
        let mut file = std::fs::OpenOptions::new().append(true).open(path).unwrap();
        file.write_all(b"P9;20240901;A;G;1;1;;\n").unwrap();
    };
    let replace = |path: &std::path::Path| {
        let text = std::fs::read_to_string(path).unwrap();
        std::fs::write(path, text.replace("P1;", "P7;")).unwrap();
    };
    let cut = |path: &std::path::Path| {
        std::fs::OpenOptions::new()
            .write(true)
            .open(path)
            .unwrap()
            .set_len(60)
            .unwrap();
    };
    let changes: [fn(&std::path::Path); 3] = [append, replace, cut];
    for change in changes {
        let bench = Bench::of("P1;20240901;A;G;1;1;;\nP2;20240901;A;G;1;1;;\n");
        let watch = ChangeBetween {
            path: bench.deliveries[0].path.clone(),
            change,
            done: AtomicUsize::new(0),
        };
        let error = ingest(&bench.contract, &bench.deliveries, &bench.out(), &watch).unwrap_err();
        assert_eq!(
            error.to_string(),
            "a.csv changed while it was read; wait until its delivery is complete"
        );
        assert!(bench.out_names().is_empty());
    }
}

#[test]
fn no_message_and_no_report_repeats_a_cell() {
    let canary = "KANARIE";
    let rows = [
        format!("{canary}1;{canary};{canary};{canary};{canary};{canary};{canary};{canary}\n"),
        format!("{canary}2;20240901;{canary}\0;G;1;1;;\n"),
        format!("{canary}3;{canary}\n"),
        format!("{canary}4;20240901;\"{canary}\"{canary};G;1;1;;\n"),
        format!("{canary}5;20240901;A;G;1;1;;\n{canary}5;20240901;{canary};G;1;1;;\n"),
        format!("{canary}6;20240901;A;G;1;1;;\n{canary}6;20240901;A;G;1;1;;\n"),
        format!("{canary}7;20240901;A;G;1;1;20240902;20240901\n"),
    ];
    let bench = Bench::of(&rows.concat());
    let report = bench.ingest().unwrap();
    assert_eq!(report.n_quarantined(), 8);
    let quality = std::fs::read_to_string(bench.out().join("quality.json")).unwrap();
    assert!(!quality.contains(canary));
    assert!(
        std::fs::read_to_string(bench.out().join("quarantine.csv"))
            .unwrap()
            .contains(canary)
    );
    let files = [
        format!("{canary};{canary}\n"),
        format!("{HEADER}\"{canary}{}", canary.repeat(3 << 20)),
        format!("{HEADER}{canary};20240901;19570428-9999;G;1;1;;\n"),
        format!(
            "{HEADER}{}",
            format!("{canary}Å;20240901;{canary};G;1;1;;\n").repeat(5)
        ),
    ];
    for text in files {
        let error = refused(&file(text));
        assert!(
            !error.to_string().contains(canary) && !format!("{error:?}").contains(canary),
            "{error:?}"
        );
    }
}

#[test]
fn a_record_of_more_than_16_mib_is_refused_with_its_line() {
    let text = format!(
        "{HEADER}P1;20240901;A;G;1;1;;\nP2;20240901;\"{}",
        "x".repeat(21 << 20)
    );
    assert_eq!(
        refused(&file(text)).to_string(),
        "a.csv:3: the record that begins here is longer than 16 MiB, is a quote left open?"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_bytes_make_ingestion_panic_and_every_row_is_accounted_for(
        rows in prop::collection::vec(prop_oneof![
            Just("P1;20240901;A;G;1;1;;\n".as_bytes().to_vec()),
            prop::collection::vec(prop_oneof![Just(b';'), Just(b'"'), Just(b'\n'), Just(b'\r'), Just(0), Just(0xc5), any::<u8>()], 0..30),
        ], 0..20),
        with_header: bool,
    ) {
        let header = if with_header { HEADER.as_bytes() } else { b"" };
        let bench = file([header, &rows.concat()].concat());
        if let Ok(report) = bench.ingest() {
            let delivery = &report.deliveries[0];
            prop_assert_eq!(delivery.n_rows, delivery.n_accepted + delivery.n_superseded + delivery.n_quarantined);
        }
    }
}
