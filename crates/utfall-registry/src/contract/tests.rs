//! Contracts that cannot be used, and where that is said.

use super::*;

const SOUND: &str = r#"schema = "utfall-data-contract/1"
name = "absence"
title = "Absence"
format = "csv"
key = ["person"]
[dialect]
delimiter = ";"
quote = '"'
encoding = "windows-1252"
decimal = ","
date = "%Y%m%d"
[[missing]]
code = ".."
means = "missing"
[reporting]
lag = "60 days"
[[column]]
name = "LopNr"
as = "person"
type = "text"
[[column]]
name = "Timmar"
as = "hours"
type = "decimal"
decimals = 1
minimum = "0"
maximum = "744.5"
unit = "hours"
[[column]]
name = "Start"
type = "date"
minimum = "2000-01-01"
[[column]]
name = "Stopp"
type = "date"
required = true
[[column]]
name = "Typ"
type = "code"
codes = ["B", "A"]
[[rule]]
kind = "not-before"
column = "Stopp"
other = "Start"
"#;

fn error(text: &str) -> DataContractError {
    DataContract::from_toml("absence.toml", text).unwrap_err()
}

#[test]
fn a_sound_contract_says_what_it_says() {
    let contract = DataContract::from_toml("absence.toml", SOUND).unwrap();
    assert_eq!(contract.name(), "absence");
    assert_eq!(contract.key().collect::<Vec<_>>(), ["person"]);
    assert_eq!(contract.reporting_lag(), Some("60 days".parse().unwrap()));
    let hours = contract.column("hours").unwrap();
    assert_eq!(
        (hours.header(), hours.decimals(), hours.unit()),
        ("Timmar", 1, Some("hours"))
    );
    assert!(contract.column("Timmar").is_none());
    assert!(contract.column("Stopp").unwrap().is_required());
}

#[test]
fn a_contract_is_the_same_after_being_written_and_read() {
    let contract = DataContract::from_toml("absence.toml", SOUND).unwrap();
    let text = toml::to_string(&contract).unwrap();
    assert_eq!(
        DataContract::from_toml("absence.toml", &text).unwrap(),
        contract
    );
    let json = serde_json::to_string(&contract).unwrap();
    assert_eq!(
        serde_json::from_str::<DataContract>(&json).unwrap(),
        contract
    );
    assert!(
        serde_json::from_str::<DataContract>(&json.replace("\"key\":[\"person\"]", "\"key\":[]"))
            .is_err()
    );
}

#[test]
fn every_fault_is_told_at_its_line() {
    for (from, to, line, says) in [
        (
            "utfall-data-contract/1",
            "utfall-data-contract/9",
            1,
            "schema `utfall-data-contract/9`",
        ),
        ("\"absence\"", "\"../absence\"", 2, "other characters"),
        ("key = [\"person\"]", "key = []", 5, "the key is empty"),
        (
            "key = [\"person\"]",
            "key = [\"LopNr\"]",
            5,
            "there is no column `LopNr`, expected one of `person`",
        ),
        (
            "key = [\"person\"]",
            "key = [\"person\", \"person\"]",
            5,
            "named twice",
        ),
        ("quote = '\"'", "quote = \";\"", 8, "the same mark"),
        (
            "delimiter = \";\"",
            "delimiter = \";;\"",
            7,
            "`;;` is no mark",
        ),
        ("%Y%m%d", "%y%m%d", 11, "no date format"),
        ("code = \"..\"", "code = \"\"", 13, "missing code"),
        ("lag = \"60 days\"", "lag = \"60\"", 16, "no offset"),
        (
            "as = \"hours\"",
            "as = \"person\"",
            23,
            "`person` is named twice",
        ),
        (
            "decimals = 1",
            "decimals = 12",
            25,
            "12 decimals, expected `decimals` between 0 and 9",
        ),
        ("decimals = 1\n", "", 21, "no decimals, expected"),
        (
            "minimum = \"0\"",
            "minimum = \"0,5\"",
            26,
            "`0,5` is no decimal",
        ),
        (
            "maximum = \"744.5\"",
            "maximum = \"-1\"",
            27,
            "below the minimum",
        ),
        (
            "minimum = \"2000-01-01\"",
            "minimum = \"20000101\"",
            32,
            "no date in canonical form",
        ),
        (
            "type = \"text\"",
            "type = \"text\"\ncodes = [\"A\"]",
            21,
            "only for columns of type code",
        ),
        ("[\"B\", \"A\"]", "[\"A\", \"A\"]", 40, "repeated"),
        ("other = \"Start\"", "other = \"person\"", 44, "no order"),
        ("title = ", "titel = ", 3, "titel"),
        (
            "type = \"text\"",
            "type = \"text\"\npattern = \"(\"",
            21,
            "no regular expression",
        ),
        (
            "type = \"text\"",
            "type = \"text\"\npattern = \"a)|(b\"",
            21,
            "no regular expression",
        ),
        (
            "type = \"text\"",
            "type = \"text\"\nmin-length = 3\nmax-length = 2",
            22,
            "below the minimum",
        ),
        (
            "type = \"date\"\nminimum",
            "type = \"date\"\nmin-length = 3\nminimum",
            32,
            "only for columns of type text",
        ),
        (
            "[\"B\", \"A\"]",
            "[\"A\"]\ncode = [{ code = \"B\" }]",
            40,
            "one list of codes",
        ),
        (
            "codes = [\"B\", \"A\"]",
            "code = [{ code = \"B\", from = \"2024-01-01\" }]",
            40,
            "`codes-at` names no date column",
        ),
        (
            "codes = [\"B\", \"A\"]",
            "code = [{ code = \"B\" }, { code = \"B\" }]",
            40,
            "repeated",
        ),
        (
            "codes = [\"B\", \"A\"]",
            "codes = [\"B\"]\ncodes-at = \"person\"",
            41,
            "the column is no date",
        ),
        ("kind = \"not-before\"", "kind = \"before\"", 42, "before"),
        (
            "kind = \"not-before\"",
            "kind = \"not-before\"\nby = [\"person\"]",
            43,
            "`by` means nothing for this kind of rule",
        ),
        ("other = \"Start\"\n", "", 41, "lacks `other`"),
        (
            "other = \"Start\"\n",
            "other = \"Start\"\n[[rule]]\nkind = \"not-before\"\ncolumn = \"Stopp\"\nother = \"Start\"\n",
            45,
            "two rules have the id `not-before:Stopp`",
        ),
        (
            "other = \"Start\"\n",
            "other = \"Start\"\n[[judgement]]\nrule = \"maximum:Stopp\"\n",
            46,
            "there is no rule `maximum:Stopp`, expected the id of a rule the contract declares, or one of a column's such as `maximum:LopNr`",
        ),
        (
            "other = \"Start\"\n",
            "other = \"Start\"\n[[judgement]]\nrule = \"type:Stopp\"\nseverity = \"warning\"\n",
            47,
            "cannot be a warning",
        ),
        (
            "other = \"Start\"\n",
            "other = \"Start\"\n[[judgement]]\nrule = \"required:LopNr\"\nseverity = \"warning\"\n",
            47,
            "cannot be a warning",
        ),
        (
            "other = \"Start\"\n",
            "other = \"Start\"\n[[judgement]]\nrule = \"required:Stopp\"\ntolerance = \"5\"\n",
            47,
            "`5` is no tolerance",
        ),
        (
            "other = \"Start\"\n",
            "other = \"Start\"\n[[rule]]\nkind = \"required-if\"\ncolumn = \"Start\"\nwhen = { column = \"Typ\", among = [\"C\"] }\n",
            48,
            "`C` is none of the codes of `Typ`",
        ),
        (
            "other = \"Start\"\n",
            "other = \"Start\"\n[[rule]]\nkind = \"combination\"\ncolumns = [\"Typ\", \"Start\"]\nallowed = [[\"A\"]]\n",
            48,
            "1 entries, expected 2",
        ),
        (
            "other = \"Start\"\n",
            "other = \"Start\"\n[[rule]]\nkind = \"freshness\"\n",
            45,
            "lacks `column`",
        ),
        (
            "other = \"Start\"\n",
            "other = \"Start\"\n[[rule]]\nkind = \"freshness\"\ncolumn = \"Start\"\nwithin = \"60\"\n",
            48,
            "no span of time",
        ),
        ("format = \"csv\"", "format = \"xlsx\"", 4, "xlsx"),
    ] {
        let text = SOUND.replacen(from, to, 1);
        assert_ne!(text, SOUND, "{from}");
        let error = error(&text);
        let message = error.to_string();
        assert!(message.contains(says), "{from} -> {to}: {message}");
        assert_eq!(error.line(), line, "{from} -> {to}: {message}");
        assert!(
            message.starts_with(&format!("absence.toml:{line}:{}: ", error.column())),
            "{message}"
        );
    }
}

#[test]
fn a_csv_contract_without_a_dialect_is_refused_and_a_parquet_one_is_not() {
    let start = SOUND.find("[dialect]").unwrap();
    let end = SOUND.find("[[missing]]").unwrap();
    let without = SOUND[..start].to_owned() + &SOUND[end..];
    assert!(matches!(
        error(&without).fault(),
        Some(ContractFault::NoDialect)
    ));
    assert!(DataContract::from_toml("a", &without.replace("\"csv\"", "\"parquet\"")).is_ok());
}

#[test]
fn the_diagnostic_marks_the_value() {
    use miette::Diagnostic;
    let error = error(&SOUND.replace("744.5", "x"));
    let label = error.labels().unwrap().next().unwrap();
    let text = SOUND.replace("744.5", "x");
    assert_eq!(&text[label.offset()..label.offset() + label.len()], "\"x\"");
}
