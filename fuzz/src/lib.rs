//! One function for each parser: it takes arbitrary bytes, and panics if what the parser promises
//! does not hold. The programs in `fuzz_targets` look for bytes that make one panic; the test
//! `corpus` runs every input kept in `corpus` through its function.

use std::path::Path;

use utfall_core::Unwatched;
use utfall_registry::{DataContract, Delivery, DeliveryScope, DeliveryStatus};

/// A target's name and function.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: &[Target] = &[
    ("csv", csv),
    ("parquet", parquet),
    ("arrow", arrow),
    ("json_lines", json_lines),
    ("fixed_width", fixed_width),
    ("excel", excel),
    ("xml", xml),
    ("identity", identity),
    ("data_contract", data_contract),
    ("exchange", exchange),
    ("payment_contract", payment_contract),
    ("payment_evaluation", payment_evaluation),
    ("request", request),
    ("plan", plan),
    ("bundle", bundle),
    ("canonical_json", canonical_json),
    ("tables", tables),
    ("public_view", public_view),
];

/// A CSV file: the first byte picks dialect and encoding, the rest is the file.
pub fn csv(bytes: &[u8]) {
    let Some((&choice, file)) = bytes.split_first() else {
        return;
    };
    let pick = |all: &[&'static str], shift: u8| all[usize::from(choice >> shift) % all.len()];
    let contract = CONTRACT
        .replace("@delimiter", pick(&[";", ",", "\\t", "|"], 0))
        .replace("@quote", pick(&["'\"'", "\"\""], 2))
        .replace(
            "@encoding",
            pick(&["utf-8", "windows-1252", "iso-8859-1"], 3),
        )
        .replace("@decimal", pick(&[",", "."], 5));
    ingest(&contract, "a.csv", file);
}

/// A Parquet file.
pub fn parquet(bytes: &[u8]) {
    ingest(&contract_of("parquet", ""), "a.parquet", bytes);
}

/// An Arrow file or stream.
pub fn arrow(bytes: &[u8]) {
    ingest(&contract_of("arrow", ""), "a.arrow", bytes);
}

/// JSON objects, one on each line.
pub fn json_lines(bytes: &[u8]) {
    ingest(&contract_of("json-lines", ""), "a.jsonl", bytes);
}

/// Lines in which each field has its place.
pub fn fixed_width(bytes: &[u8]) {
    ingest(&contract_of("fixed-width", FIELDS), "a.txt", bytes);
}

/// A workbook.
pub fn excel(bytes: &[u8]) {
    let sheet = "[sheet]\nname = \"S\"\nheader-row = 1\n";
    ingest(&contract_of("excel", sheet), "a.xlsx", bytes);
}

/// An XML document.
pub fn xml(bytes: &[u8]) {
    ingest(&contract_of("xml", "[xml]\nrow = \"r\"\n"), "a.xml", bytes);
}

/// Cells that may be identity numbers: the file is one column.
pub fn identity(bytes: &[u8]) {
    let contract = IDS.to_owned();
    let file = [b"id\n".as_slice(), bytes].concat();
    ingest(&contract, "a.csv", &file);
}

/// A data contract in TOML: one that is sound is the same after being written.
pub fn data_contract(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    match DataContract::from_toml("fuzz.toml", text) {
        Ok(contract) => {
            let json = serde_json::to_string(&contract).expect("a contract has a JSON form");
            let again: DataContract = serde_json::from_str(&json).expect("JSON reads back");
            assert!(
                again == contract,
                "a contract changed on its way through JSON"
            );
        }
        Err(error) => assert!(error.line() >= 1 && !error.to_string().is_empty()),
    }
}

/// A contract of another format: one that can be read can be written, and read again.
pub fn exchange(bytes: &[u8]) {
    use utfall_registry::{ExchangeFormat, export_contract, import_contract};
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    for format in [ExchangeFormat::Frictionless, ExchangeFormat::Odcs] {
        match import_contract(format, text) {
            Ok(read) => {
                let written = export_contract(format, &read.contract).contract;
                import_contract(format, &written).expect("what was written can be read");
            }
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
}

/// An outcome contract in TOML.
pub fn payment_contract(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Err(error) = utfall_payment::Contract::from_toml("fuzz.toml", text)
    {
        assert!(!error.to_string().is_empty());
    }
}

/// A contract, a line of `---`, and its inputs as JSON: any that are read end in a decision, the same
/// each time and unchanged by being written and read.
pub fn payment_evaluation(bytes: &[u8]) {
    use utfall_payment::{Contract, Decision, Inputs, Language};
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let (contract, inputs) = text.split_once("\n---\n").unwrap_or((text, "{}"));
    let (Ok(contract), Ok(inputs)) = (
        Contract::from_toml("fuzz.toml", contract),
        serde_json::from_str::<Inputs>(inputs),
    ) else {
        return;
    };
    let decision = contract.evaluate(&inputs);
    assert!(decision == contract.evaluate(&inputs), "two decisions differ");
    let borne: i128 = decision.payers.iter().map(|p| p.amount.minor_units()).sum();
    assert!(
        decision.payers.is_empty() || borne == decision.total.minor_units(),
        "the payers' parts are not the total"
    );
    let json = serde_json::to_string(&decision).expect("a decision has a JSON form");
    let again: Decision = serde_json::from_str(&json).expect("JSON reads back");
    assert!(again == decision, "a decision changed on its way through JSON");
    for language in Language::ALL {
        assert!(!contract.rule(language).is_empty());
        assert!(utfall_payment::explain(&decision, language).len() > decision.trace.len());
    }
}

/// A request in TOML.
pub fn request(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Err(error) = utfall_request::Request::from_toml("fuzz.toml", text)
    {
        assert!(!error.to_string().is_empty());
    }
}

/// A plan in TOML.
pub fn plan(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(plan) = toml::from_str::<utfall_pipeline::Plan>(text)
    {
        let again = toml::to_string(&plan).expect("a plan has a TOML form");
        toml::from_str::<utfall_pipeline::Plan>(&again).expect("a plan reads back");
    }
}

/// A bundle.
pub fn bundle(bytes: &[u8]) {
    let Ok(inspection) = utfall_evidence::inspect_zip(&mut std::io::Cursor::new(bytes)) else {
        return;
    };
    for finding in &inspection.findings {
        assert!(!finding.to_string().is_empty());
    }
}

/// JSON: what is canonical is written as it was read, and what is written reads back.
pub fn canonical_json(bytes: &[u8]) {
    use utfall_evidence::json::Json;
    if let Ok(json) = Json::parse_canonical(bytes) {
        assert!(json.to_bytes() == bytes, "canonical JSON changed");
    }
    if let Ok(json) = Json::parse(bytes) {
        let written = json.to_bytes();
        let again = Json::parse(&written).expect("what is written reads back");
        assert!(again.to_bytes() == written, "written JSON changed");
    }
}

/// Tables to release, the rows in a CSV file after a line of `---`: an error, or a release that shows no
/// small count and reads back.
pub fn tables(bytes: &[u8]) {
    use utfall_disclosure::{ReleasedSet, TablesFile};
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let (toml, csv) = text.split_once("\n---\n").unwrap_or((text, ""));
    let mut read = |path: &Path| Ok((path.to_owned(), csv.as_bytes().to_vec()));
    let file = match TablesFile::parse(Path::new("fuzz.toml"), toml, &mut read) {
        Ok(file) => file,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    match file.tables.protect(&file.policy, &[]) {
        Ok(protection) => {
            let released = protection.released.get();
            let audit = &protection.audit;
            assert!(audit.n_suppressed <= audit.n_released);
            assert!(audit.n_protected == 0 || audit.fewest_values >= Some(1));
            let text = serde_json::to_string(released).expect("a release has a JSON form");
            let again: ReleasedSet = serde_json::from_str(&text).expect("JSON reads back");
            assert!(again == *released, "a release changed on its way through JSON");
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// A public view: one that is sound is the same after being written.
pub fn public_view(bytes: &[u8]) {
    use utfall_disclosure::PublicView;
    if let Ok(view) = serde_json::from_slice::<PublicView>(bytes) {
        let text = serde_json::to_string(&view).expect("a view has a JSON form");
        let again: PublicView = serde_json::from_str(&text).expect("JSON reads back");
        let written = serde_json::to_string(&again).expect("a view has a JSON form");
        assert!(written == text, "a view changed on its way through JSON");
    }
}

/// Ingests a file: an error, or every row accounted for.
fn ingest(contract: &str, name: &str, bytes: &[u8]) {
    let contract = DataContract::from_toml("fuzz.toml", contract).expect("the contract is sound");
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() {
        tempfile::tempdir_in(memory)
    } else {
        tempfile::tempdir()
    };
    let folder = folder.expect("there is room for a folder");
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).expect("there is room for a file");
    let delivery = Delivery {
        path,
        vintage: "2024-10-01".parse().expect("a date"),
        status: DeliveryStatus::Final,
        scope: DeliveryScope::Changes,
    };
    let out = folder.path().join("out");
    std::fs::create_dir(&out).expect("there is room for a folder");
    match utfall_registry::ingest(&contract, &[delivery], &out, &Unwatched) {
        Ok(report) => {
            let file = &report.deliveries[0];
            assert_eq!(
                file.n_rows,
                file.n_accepted + file.n_superseded + file.n_quarantined
            );
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

const CONTRACT: &str = r#"
schema = "utfall-data-contract/1"
name = "a"
title = "A"
format = "csv"
key = ["id", "day"]
[dialect]
delimiter = "@delimiter"
quote = @quote
encoding = "@encoding"
decimal = "@decimal"
date = "%Y%m%d"
[[missing]]
code = ".."
means = "missing"
[[missing]]
code = "-1"
means = "suppressed"
[[column]]
name = "id"
type = "text"
pattern = "[^x]*"
[[column]]
name = "day"
type = "date"
[[column]]
name = "n"
type = "decimal"
decimals = 2
minimum = "0"
[[column]]
name = "k"
type = "code"
codes-at = "day"
code = [{ code = "a", until = "2020-01-01" }, { code = "b" }]
[[column]]
name = "t"
type = "datetime"
datetime = "%Y%m%d %H:%M"
[[column]]
name = "b"
type = "boolean"
[[rule]]
kind = "unique"
columns = ["n", "k"]
[[rule]]
kind = "overlap"
columns = ["k"]
start = "day"
stop = "day"
[[rule]]
kind = "required-if"
column = "b"
when = { column = "k", among = ["b"] }
[[judgement]]
rule = "minimum:n"
severity = "warning"
"#;

const IDS: &str = r#"
schema = "utfall-data-contract/1"
name = "a"
title = "A"
format = "csv"
key = ["id"]
[dialect]
delimiter = ","
quote = ""
encoding = "utf-8"
decimal = "."
date = "%Y%m%d"
[[column]]
name = "id"
type = "text"
"#;

/// The contract for another format than CSV, with the section that format needs.
fn contract_of(format: &str, section: &str) -> String {
    let is_text = format == "fixed-width";
    let marks = |line: &&str| {
        !line.starts_with("delimiter")
            && !line.starts_with("quote")
            && (is_text || !line.starts_with("encoding"))
    };
    let contract: Vec<&str> = CONTRACT.lines().filter(marks).collect();
    contract
        .join("\n")
        .replace("\"csv\"", &format!("\"{format}\""))
        .replace("@encoding", "utf-8")
        .replace("@decimal", ".")
        .replace(
            "[[missing]]\ncode = \"..\"",
            &format!("{section}[[missing]]\ncode = \"..\""),
        )
}

const FIELDS: &str = r#"[fixed-width]
positions = "characters"
short-lines = "pad"
field = [
    { name = "id", start = 1, width = 4 },
    { name = "day", start = 5, width = 8 },
    { name = "n", start = 13, width = 5 },
    { name = "k", start = 18, width = 1 },
    { name = "t", start = 19, width = 14 },
    { name = "b", start = 33, width = 5 },
]
"#;
