//! Drafts of contracts: accepted on the same files, and without anybody's data.

use utfall_core::Unwatched;

use super::*;

fn drafted(
    files: &[(&str, Vec<u8>)],
) -> Result<(String, tempfile::TempDir, Vec<PathBuf>), DraftError> {
    let folder = tempfile::tempdir().unwrap();
    let paths: Vec<PathBuf> = files
        .iter()
        .map(|(name, bytes)| {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            path
        })
        .collect();
    draft("Frånvaro 2024", &paths, &Unwatched).map(|text| (text, folder, paths))
}

/// The draft of a file, which accepts all its rows.
fn accepted(name: &str, bytes: impl AsRef<[u8]>) -> String {
    let (text, _folder, paths) = drafted(&[(name, bytes.as_ref().to_vec())]).unwrap();
    let contract = DataContract::from_toml("draft", &text).unwrap();
    let deliveries: Vec<Delivery> = paths.iter().map(|path| delivery(path)).collect();
    let report = inspect(&contract, &deliveries, &Unwatched).unwrap();
    assert_eq!(
        report.n_accepted(),
        report.n_rows(),
        "{:?}\n{text}",
        report.rules
    );
    assert!(report.n_rows() > 0, "{text}");
    text
}

/// Sixty rows of a Swedish register.
fn rows() -> Vec<[String; 6]> {
    (0..60)
        .map(|i| {
            [
                format!("P{:03}", i / 2),
                format!("2024{:02}01", 1 + i % 2),
                format!("{},{}", i * 3, i % 10),
                if i % 9 == 0 {
                    "..".to_owned()
                } else {
                    i.to_string()
                },
                ["G", "S"][i % 2].to_owned(),
                format!("Hemlig{}", i / 3),
            ]
        })
        .collect()
}

fn text(delimiter: &str) -> String {
    let lines: String = rows()
        .iter()
        .map(|row| row.join(delimiter) + "\r\n")
        .collect();
    ["LopNr", "Manad", "Timmar", "Dagar", "Skola", "Adress"].join(delimiter) + "\r\n" + &lines
}

#[test]
fn a_swedish_file_is_recognised_and_its_draft_accepts_it() {
    let latin: Vec<u8> = text(";")
        .replace("Hemlig5", "Åmål")
        .chars()
        .map(|c| c as u8)
        .collect();
    let draft = accepted("a.csv", latin);
    for expected in [
        "name = \"fr-nvaro-2024\"",
        "key = [\"LopNr\", \"Manad\"]",
        "delimiter = \";\"",
        "encoding = \"windows-1252\"",
        "decimal = \",\"",
        "date = \"%Y%m%d\"",
        "code = \"..\"",
        "columns = [\"Dagar\"]",
        "type = \"decimal\"\ndecimals = 1\nminimum = \"0\"",
        "codes = [\"G\", \"S\"]",
        "minimum = \"2020-01-01\"",
    ] {
        assert!(draft.contains(expected), "{expected}\n{draft}");
    }
}

#[test]
fn no_cell_that_could_be_about_a_person_is_in_a_draft() {
    let rare = text(";").replace(";G;Hemlig0", ";Ovanlig;Hemlig0");
    let draft = accepted("a.csv", &rare);
    assert!(
        !draft.contains("Hemlig") && !draft.contains("P00"),
        "{draft}"
    );
    assert!(
        !draft.contains("Ovanlig") && !draft.contains("177"),
        "{draft}"
    );
    let identity = text(";").replace("Hemlig7", "19570428-9999");
    let error = drafted(&[("a.csv", identity.into_bytes())]).unwrap_err();
    assert!(
        matches!(
            error,
            DraftError::Ingest(IngestError::IdentityNumbers { .. })
        ),
        "{error}"
    );
    assert!(!error.to_string().contains("9999"));
}

#[test]
fn every_format_is_recognised() {
    let utf16: Vec<u8> = text("\t")
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let wide: String = rows()
        .iter()
        .map(|row| {
            format!(
                "{:<6}{} {:>6} {:>3} {}\n",
                row[0],
                row[1],
                row[2].replace(',', "."),
                row[3],
                row[4]
            )
        })
        .collect();
    let json: String = rows()
        .iter()
        .map(|row| {
            format!(
                "{{\"id\":\"{}\",\"day\":\"{}\",\"hours\":{},\"kind\":null}}\n",
                row[0],
                row[1],
                row[2].replace(',', ".")
            )
        })
        .collect();
    let xml: String = rows()
        .iter()
        .map(|row| format!("<visit id=\"{}\"><day>{}</day></visit>\n", row[0], row[1]))
        .collect();
    let bare = text("|").split_once('\n').unwrap().1.to_owned();
    for (name, bytes, format) in [
        ("a.txt", utf16, "encoding = \"utf-16le\""),
        ("a.dat", wide.into_bytes(), "format = \"fixed-width\""),
        ("a.jsonl", json.into_bytes(), "format = \"json-lines\""),
        (
            "a.xml",
            format!("<visits>\n{xml}</visits>").into_bytes(),
            "row = \"visit\"",
        ),
        ("a.psv", bare.into_bytes(), "header = \"none\""),
        (
            "a.csv",
            zstd::encode_all(
                text(",").replacen("Timmar", "Timmar,Delar", 1).as_bytes(),
                1,
            )
            .unwrap(),
            "delimiter = \",\"",
        ),
    ] {
        let draft = accepted(name, bytes);
        assert!(draft.contains(format), "{format}\n{draft}");
    }
}

#[test]
fn files_of_one_extract_are_drafted_together_and_others_refused() {
    let whole = text(";");
    let (header, body) = whole.split_once("\r\n").unwrap();
    let half = body.len() / 2 + body[body.len() / 2..].find('\n').unwrap() + 1;
    let parts =
        [&body[..half], &body[half..]].map(|part| format!("{header}\r\n{part}").into_bytes());
    let [first, second] = parts;
    let (draft, ..) = drafted(&[("1.csv", first.clone()), ("2.csv", second)]).unwrap();
    assert!(draft.contains("0 of 60 rows"), "{draft}");
    let error = drafted(&[("1.csv", first), ("2.csv", b"a;b\n1;2\n".to_vec())]).unwrap_err();
    assert!(matches!(error, DraftError::OtherColumns { .. }), "{error}");
    let error = drafted(&[("a.bin", Vec::new())]).unwrap_err();
    assert!(matches!(error, DraftError::Unknown { .. }), "{error}");
}
