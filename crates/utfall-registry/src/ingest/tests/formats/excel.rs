//! Excel workbooks and how they go wrong.

use std::io::Write;

use super::*;

/// A cell as it stands in a sheet.
pub(super) enum Shown {
    Text(String),
    Number(String),
    /// A number shown as a date.
    Date(String),
    Error,
    Nothing,
}

/// A workbook of one sheet, named `Data`.
pub(super) fn workbook(rows: &[Vec<Shown>]) -> Vec<u8> {
    let mut sheet = String::from(
        r#"<?xml version="1.0" encoding="UTF-8"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>"#,
    );
    for (number, row) in (1..).zip(rows) {
        sheet += &format!("<row r=\"{number}\">");
        for (column, cell) in ('A'..).zip(row) {
            let place = format!("{column}{number}");
            sheet += &match cell {
                Shown::Text(text) => {
                    let text = text.replace('&', "&amp;").replace('<', "&lt;");
                    format!(
                        "<c r=\"{place}\" t=\"inlineStr\"><is><t xml:space=\"preserve\">{text}</t></is></c>"
                    )
                }
                Shown::Number(number) => format!("<c r=\"{place}\"><v>{number}</v></c>"),
                Shown::Date(number) => format!("<c r=\"{place}\" s=\"1\"><v>{number}</v></c>"),
                Shown::Error => format!("<c r=\"{place}\" t=\"e\"><v>#N/A</v></c>"),
                Shown::Nothing => String::new(),
            };
        }
        sheet += "</row>";
    }
    sheet += "</sheetData></worksheet>";
    let parts = [
        (
            "[Content_Types].xml",
            r#"<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="xml" ContentType="application/xml"/></Types>"#,
        ),
        (
            "_rels/.rels",
            r#"<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#,
        ),
        (
            "xl/workbook.xml",
            r#"<?xml version="1.0"?><workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="Data" sheetId="1" r:id="rId1"/></sheets></workbook>"#,
        ),
        (
            "xl/_rels/workbook.xml.rels",
            r#"<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles" Target="styles.xml"/></Relationships>"#,
        ),
        (
            "xl/styles.xml",
            r#"<?xml version="1.0"?><styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>"#,
        ),
        ("xl/worksheets/sheet1.xml", &sheet),
    ];
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, text) in parts {
        let options = zip::write::SimpleFileOptions::default()
            .compression_method(zip::CompressionMethod::Deflated);
        archive.start_file(name, options).unwrap();
        archive.write_all(text.as_bytes()).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

pub(super) fn text(text: &str) -> Shown {
    Shown::Text(text.to_owned())
}

fn number(number: &str) -> Shown {
    Shown::Number(number.to_owned())
}

fn date(number: &str) -> Shown {
    Shown::Date(number.to_owned())
}

pub(super) fn header() -> Vec<Shown> {
    ["id", "värde", "count", "day", "kind"].map(text).into()
}

#[test]
fn numbers_are_read_as_they_were_typed_and_dates_as_they_are_shown() {
    let rows_of_sheet = [
        header(),
        vec![
            text("å"),
            number("0.30000000000000004"),
            number("3"),
            date("45536"),
            text("A"),
        ],
        vec![],
        vec![
            number("180"),
            number("12.5"),
            text("-1"),
            text("2024-09-01"),
            Shown::Nothing,
        ],
        vec![text("c"), text("1.5"), text("7"), Shown::Nothing, text("B")],
    ];
    assert_eq!(
        rows(EXCEL, workbook(&rows_of_sheet)),
        [
            r#""180" 1250 null 2024-09-01 null"#,
            r#""c" 150 7 null "B""#,
            r#""å" 30 3 2024-09-01 "A""#,
        ]
    );
}

#[test]
fn what_excel_cannot_hold_exactly_is_no_value() {
    let rows = [
        header(),
        vec![
            text("a"),
            number("0.125"),
            number("1234567890123456"),
            date("45536.5"),
            text("A"),
        ],
        vec![
            text("b"),
            Shown::Error,
            number("1.5"),
            number("45536"),
            Shown::Error,
        ],
    ];
    assert_eq!(
        faults(EXCEL, workbook(&rows)),
        [
            ("type", in_column("värde"), 1, 3),
            ("type", in_column("count"), 2, 2),
            ("type", in_column("day"), 2, 2),
            ("type", in_column("kind"), 1, 3),
            ("decimals", in_column("värde"), 1, 2),
        ]
    );
}

#[test]
fn the_header_may_lie_below_a_title_and_the_sheet_is_found_by_name() {
    let sheet = [
        vec![text("Uttag 2024")],
        vec![],
        header(),
        vec![
            text("a"),
            number("1"),
            number("2"),
            date("45536"),
            text("A"),
        ],
    ];
    let below = EXCEL.replace("header-row = 1", "header-row = 3");
    assert_eq!(
        rows(&below, workbook(&sheet)),
        [r#""a" 100 2 2024-09-01 "A""#]
    );
    let message = error(EXCEL, workbook(&sheet));
    assert!(message.contains("not among the 1 columns"), "{message}");
    let message = error(&EXCEL.replace("Data", "Blad1"), workbook(&sheet));
    assert_eq!(
        message,
        "visits has no sheet `Blad1`, expected one of `Data`"
    );
}

#[test]
fn cells_beyond_the_header_are_guarded() {
    let mut row = vec![
        text("a"),
        number("1"),
        number("2"),
        date("45536"),
        text("A"),
    ];
    row.push(text("19570428-9999"));
    let message = error(EXCEL, workbook(&[header(), row]));
    assert!(
        message.contains("visits:2: a column beyond the header holds Swedish"),
        "{message}"
    );
}

#[test]
fn a_damaged_workbook_is_refused_and_never_a_panic() {
    let rows: Vec<Vec<Shown>> = std::iter::once(header())
        .chain((0..50).map(|i| {
            vec![
                text(&format!("p{i}")),
                number("1.5"),
                number("2"),
                date("45536"),
                text("A"),
            ]
        }))
        .collect();
    let bytes = workbook(&rows);
    for end in (0..bytes.len() - 1).step_by(bytes.len() / 25) {
        assert!(
            error(EXCEL, &bytes[..end]).contains("no Excel workbook"),
            "{end}"
        );
    }
    for position in (0..bytes.len()).step_by(37) {
        let mut damaged = bytes.clone();
        damaged[position] ^= 0x41;
        let bench = bench(EXCEL, damaged);
        // Either the damage shows, or it lies where nothing is read.
        if let Ok(report) = bench.ingest() {
            assert_eq!(report.n_rows(), 50);
        }
    }
    assert!(error(EXCEL, b"id;count\n").contains("no Excel workbook"));
}
