//! Starting: a pipeline that can be validated at once, and a contract drafted from a delivery.

use crate::harness::{root, texts, utfall};

#[test]
fn a_starter_is_accepted_once_its_deliveries_lie_where_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let pipeline = folder.path().join("mine");
    let pipeline = pipeline.to_str().unwrap();
    let output = utfall(&["init", pipeline]);
    let (errors, said) = texts(&output);
    assert_eq!(output.status.code(), Some(0), "{errors}");
    assert!(said.contains("utfall validate"), "{said}");
    let data = folder.path().join("mine/data");
    std::fs::create_dir(&data).unwrap();
    for entry in std::fs::read_dir(root().join("sample-data")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            std::fs::copy(&path, data.join(path.file_name().unwrap())).unwrap();
        }
    }
    let workspace = folder.path().join("runs");
    let workspace = workspace.to_str().unwrap();
    let output = utfall(&["validate", pipeline, "--quiet", "--workspace", workspace]);
    let (errors, said) = texts(&output);
    assert!(said.starts_with("plan        ok"), "{errors}{said}");
    assert!(said.contains("persons "), "{errors}{said}");
    let output = utfall(&["init", pipeline]);
    let (errors, _) = texts(&output);
    assert_eq!(output.status.code(), Some(2), "{errors}");
    assert!(errors.contains("is there already"), "{errors}");
}

#[test]
fn a_contract_is_drafted_from_a_delivery_and_nobody_s_data_shown() {
    let file = root().join("sample-data/franvaro_20241201.csv");
    let folder = tempfile::tempdir().unwrap();
    let draft = folder.path().join("absence.toml");
    let arguments = [
        "init",
        "--quiet",
        "--from",
        file.to_str().unwrap(),
        "--to",
        draft.to_str().unwrap(),
    ];
    let output = utfall(&arguments);
    let (errors, _) = texts(&output);
    assert_eq!(output.status.code(), Some(0), "{errors}");
    let text = std::fs::read_to_string(&draft).unwrap();
    assert!(
        text.contains("name = \"franvaro\"") && text.contains("[dialect]"),
        "{text}"
    );
    let first_person = std::fs::read(&file).unwrap();
    let first_row = first_person.split(|&byte| byte == b'\n').nth(1).unwrap();
    let person = first_row.split(|&byte| byte == b';').next().unwrap();
    let person = std::str::from_utf8(person).unwrap();
    assert!(!text.contains(person), "{text}");
    assert_eq!(
        utfall(&arguments).status.code(),
        Some(2),
        "a draft replaces no file"
    );
}
