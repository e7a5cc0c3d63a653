//! Fixed-width text and how it goes wrong.

use super::*;

fn line(id: &str, value: &str, count: &str, day: &str, kind: &str) -> String {
    format!("{id:<8}{value:>16}{count:>20} {day:<10}{kind}\n")
}

#[test]
fn fields_are_found_by_characters_or_by_bytes() {
    let text = line("åäö", "12.5", "3", "2024-09-01", "A") + &line("b", "-.", "-1", "", "B");
    let text = text.replace("-.", "-0");
    let expected = [r#""b" 0 null null "B""#, r#""åäö" 1250 3 2024-09-01 "A""#];
    assert_eq!(rows(FIXED, &text), expected);
    let bytes = FIXED.replace("\"characters\"", "\"bytes\"");
    assert_eq!(
        rows(&bytes, text.replacen("åäö     ", "åäö  ", 1)),
        expected
    );
    let latin: Vec<u8> = text.chars().map(|c| c as u8).collect();
    for positions in [FIXED, &bytes] {
        assert_eq!(
            rows(&positions.replace("utf-8", "windows-1252"), &latin),
            expected
        );
    }
}

#[test]
fn a_short_line_is_refused_or_padded_as_the_contract_says() {
    let text = line("a", "1", "2", "2024-09-01", "A") + "b              1\n" + "c\n";
    assert_eq!(faults(FIXED, &text), [("ragged", None, 2, 2)]);
    let padded = FIXED.replace("\"refuse\"", "\"pad\"");
    assert_eq!(
        rows(&padded, &text),
        [
            r#""a" 100 2 2024-09-01 "A""#,
            r#""b" 100 null null null"#,
            r#""c" null null null null"#,
        ]
    );
}

#[test]
fn titles_comments_and_footers_are_no_rows() {
    let head = FIXED.replace(
        "encoding =",
        "skip-lines = 1\nfooter-lines = 1\ncomment = \"*\"\nencoding =",
    );
    let text = format!(
        "Titel\n* x\n{}Slut\n",
        line("a", "1", "2", "2024-09-01", "A")
    );
    assert_eq!(rows(&head, text), [r#""a" 100 2 2024-09-01 "A""#]);
}

#[test]
fn half_a_character_breaks_its_line_alone() {
    let mut text = line("a", "1", "2", "2024-09-01", "A").into_bytes();
    text.extend_from_slice(b"b\xc3      ");
    text.extend_from_slice(&line("", "1", "2", "2024-09-01", "A").into_bytes()[8..]);
    assert_eq!(faults(FIXED, text), [("encoding", None, 1, 2)]);
}

#[test]
fn what_lies_between_and_after_the_fields_is_guarded() {
    let text = line("a", "1", "2", "2024-09-01", "A").replace('\n', " 19570428-9999\n");
    let message = error(FIXED, text);
    assert!(
        message.contains("a column beyond the header holds Swedish"),
        "{message}"
    );
}

#[test]
fn places_count_from_one_and_names_are_given_once() {
    let fault = |from: &str, to: &str| {
        let text = contract(&FIXED.replacen(from, to, 1));
        DataContract::from_toml("a", &text).unwrap_err().to_string()
    };
    assert!(fault("start = 1\n", "start = 0\n").contains("from 1"));
    assert!(fault("width = 8", "width = 0").contains("from 1"));
    assert!(fault("name = \"kind\"", "name = \"id\"").contains("named twice"));
    assert!(fault("encoding = \"utf-8\"\n", "").contains("needs `encoding`"));
    assert!(fault("encoding =", "quote = \"\"\nencoding =").contains("`quote` means nothing"));
    let message = error(&FIXED.replace("name = \"kind\"", "name = \"sort\""), "");
    assert!(
        message.contains("`kind` is not among the 5 columns"),
        "{message}"
    );
}
