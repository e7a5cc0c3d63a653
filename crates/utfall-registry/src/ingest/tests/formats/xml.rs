//! XML and how it goes wrong.

use super::*;

const PATHS: &str = r#"format = "xml"
[xml]
row = "visit"
[[column]]
name = "@nr"
as = "nr"
type = "integer"
[[column]]
name = "place/town/@code"
as = "town"
type = "text""#;

fn document(rows: &str) -> String {
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<visits>\n{rows}</visits>\n")
}

const ROW: &str = "<visit><id>a</id><värde>12.50</värde><count>3</count><day>2024-09-01</day><kind>A</kind></visit>\n";

#[test]
fn attributes_and_elements_are_columns() {
    let text = document(
        "<!-- <visit/> --><x:visit nr='7' xmlns:x='urn:x'>\n <id> å&#229;&amp;<![CDATA[<b>]]> </id><värde>-0.05</värde><count/>\
         <day></day><kind>B</kind><place><town code='0180'/></place></x:visit>\n\
         <visit nr='8'><id>b</id><värde>1</värde><count>-1</count><day>2024-09-01</day><kind>A</kind>\
         <place><town code='é'>x</town></place></visit>\n",
    );
    let bench = bench(PATHS, &text);
    let report = bench.ingest().unwrap();
    assert_eq!(report.n_quarantined(), 0, "{:?}", report.rules);
    assert_eq!(
        bench.rows(),
        [
            r#"7 "0180" "åå&<b>" -5 null null "B""#,
            r#"8 "é" "b" 100 null 2024-09-01 "A""#,
        ]
    );
    assert_eq!(report.ignored_columns, ["place/town"]);
}

#[test]
fn the_encoding_is_the_one_the_document_declares() {
    let text = document(ROW).replace("<id>a", "<id>å");
    let latin = text.replace("UTF-8", "ISO-8859-1");
    let latin: Vec<u8> = latin.chars().map(|c| c as u8).collect();
    let wide = format!("\u{feff}{}", text.replace("UTF-8", "UTF-16"));
    let wide: Vec<u8> = wide.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let expected = [r#""å" 1250 3 2024-09-01 "A""#];
    for bytes in [text.as_bytes(), &latin, &wide] {
        assert_eq!(rows(XML, bytes), expected);
    }
    let message = error(XML, text.replace("UTF-8", "EBCDIC-X"));
    assert!(
        message.contains("an encoding that is not known"),
        "{message}"
    );
}

#[test]
fn a_row_that_cannot_be_taken_apart_goes_to_quarantine_with_its_line() {
    let text = document(&format!(
        "{ROW}<visit><id>b</id><id>c</id></visit>\n<visit><id>&home;</id></visit>\n\
         <visit><id>d</id>loose</visit>\n<visit><id>e<b/>f</id></visit>\n<visit id='1' id='2'/>\n"
    ));
    let found = faults(XML, text);
    assert_eq!(
        found,
        [
            ("malformed", None, 4, 5),
            ("malformed", in_column("id"), 1, 4),
        ]
    );
}

#[test]
fn entities_of_a_document_s_own_are_refused_before_they_grow() {
    let bomb = format!(
        "<!DOCTYPE v [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]>\n<visits>{}</visits>",
        ROW.replace("<id>a", "<id>&b;")
    );
    assert!(error(XML, bomb).contains("declares entities of its own"));
    let plain = format!("<!DOCTYPE visits SYSTEM \"visits.dtd\">\n<visits>{ROW}</visits>");
    assert_eq!(rows(XML, plain).len(), 1);
}

#[test]
fn a_document_that_is_cut_short_or_crossed_is_refused() {
    let text = document(
        &ROW.repeat(3)
            .replacen("<id>a", "<id>b", 1)
            .replacen("<id>a", "<id>c", 1),
    );
    let bytes = text.as_bytes();
    for end in 60..bytes.len() - 1 {
        let bench = bench(XML, &bytes[..end]);
        let error = bench.ingest().expect_err(&format!("{end} bytes"));
        assert!(bench.out_names().is_empty(), "{error}");
    }
    let message = error(XML, document("<visit><id>a</visit></id>"));
    assert!(
        message.starts_with("visits:3: the document is not well formed"),
        "{message}"
    );
    assert!(error(XML, "").contains("no element of the name"));
    assert!(error(XML, document("<besök/>")).contains("no element of the name"));
    assert!(rows(XML, "<visits/>").is_empty());
}

#[test]
fn a_row_without_end_is_refused_in_bounded_memory() {
    let text = format!("<visits>{ROW}<visit><id>{}", "x".repeat(20 << 20));
    let message = error(XML, text);
    assert!(message.contains("longer than 16 MiB"), "{message}");
}
