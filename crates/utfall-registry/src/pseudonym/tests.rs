//! Pseudonyms link what one key made and nothing else.

use std::path::{Path, PathBuf};

use tempfile::TempDir;
use utfall_core::Unwatched;
use utfall_files::SecretFileError;

use super::*;
use crate::contract::DataContract;
use crate::contract::Rule;
use crate::delivery::{Delivery, DeliveryScope, DeliveryStatus};
use crate::ingest::ingest;

struct Desk {
    folder: TempDir,
}

impl Desk {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &[u8]) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    fn key(&self, name: &str, form: PseudonymForm) -> PseudonymKey {
        let path = self.path(name);
        PseudonymKey::create(&path).unwrap();
        PseudonymKey::read(&path, form).unwrap()
    }

    fn run_dropping(&self, extract: &Path, key: &PseudonymKey) -> PseudonymReport {
        let to = self.path("dropped.csv");
        let columns = ["pnr".to_owned()];
        pseudonymise(
            &contract(""),
            extract,
            &columns,
            key,
            BadRows::Drop,
            &to,
            &Unwatched,
        )
        .unwrap()
    }

    fn run(
        &self,
        extract: &Path,
        column: &str,
        key: &PseudonymKey,
    ) -> Result<(PseudonymReport, String), PseudonymError> {
        let to = self.path("out.csv");
        let columns = [column.to_owned()];
        let report = pseudonymise(
            &contract(""),
            extract,
            &columns,
            key,
            BadRows::Refuse,
            &to,
            &Unwatched,
        )?;
        Ok((report, std::fs::read_to_string(&to).unwrap()))
    }
}

fn contract(of_person: &str) -> DataContract {
    let text = format!(
        "schema = \"utfall-data-contract/1\"\nname = \"visits\"\ntitle = \"Visits\"\nformat = \"csv\"\nkey = [\"visit\"]\n\
         [dialect]\ndelimiter = \";\"\nquote = '\"'\nencoding = \"windows-1252\"\ndecimal = \",\"\ndate = \"%Y-%m-%d\"\n\
         [[missing]]\ncode = \"-1\"\nmeans = \"missing\"\n\
         [[column]]\nname = \"visit\"\ntype = \"text\"\n[[column]]\nname = \"pnr\"\nas = \"person\"\ntype = \"text\"\n{of_person}\n"
    );
    DataContract::from_toml("visits.toml", &text).unwrap()
}

const EXTRACT: &[u8] = b"visit;pnr;ort\r\n1;19570428-9999;G\xf6teborg\r\n2;195704289999;\"a;\"\"b\"\"\"\r\n3;-1;\r\n4;;x\r\n";

#[test]
fn a_column_becomes_pseudonyms_and_all_else_stays() {
    let desk = Desk::new();
    let key = desk.key("key", PseudonymForm::Compact);
    let extract = desk.write("in.csv", EXTRACT);
    let (report, text) = desk.run(&extract, "pnr", &key).unwrap();
    let person = key.pseudonym("19570428-9999").unwrap();
    assert_eq!(
        text,
        format!("visit;pnr;ort\n1;{person};Göteborg\n2;{person};\"a;\"\"b\"\"\"\n3;-1;\n4;;x\n")
    );
    assert_eq!(
        (report.n_rows, report.n_pseudonyms, report.n_missing),
        (4, 2, 2)
    );
    assert!(!text.contains("5704289999"));
}

#[test]
fn a_pseudonym_is_hmac_sha256_under_an_id_that_commits_to_key_and_form() {
    let desk = Desk::new();
    // RFC 4231, test case 1 has a key of 20 bytes; ours have 32, so the expected value is from
    // `openssl dgst -sha256 -mac HMAC -macopt hexkey:0b…0b` of "Hi There" with 32 bytes of 0x0b.
    let path = desk.write("key", format!("{}\n", "0b".repeat(32)).as_bytes());
    owner_alone(&path);
    let key = PseudonymKey::read(&path, PseudonymForm::AsWritten).unwrap();
    let found = key.pseudonym(" Hi There ").unwrap();
    let (id, digits) = found.split_once('.').unwrap();
    assert_eq!(digits, HI_THERE);
    assert_eq!(id, key.id().to_string());
    assert!(key.id().made(found.as_bytes()));
    let compact = PseudonymKey::read(&path, PseudonymForm::Compact).unwrap();
    assert_ne!(compact.id(), key.id(), "another form links nothing");
    assert!(!compact.id().made(found.as_bytes()));
    assert!(!format!("{key:?}").contains("0b0b"));
}

const HI_THERE: &str = "198a607eb44bfbc69903a0f1cf2bbdc5";

#[test]
fn a_key_is_for_its_owner_alone_and_is_never_overwritten() {
    let desk = Desk::new();
    desk.key("key", PseudonymForm::Compact);
    assert!(matches!(
        PseudonymKey::create(&desk.path("key")),
        Err(PseudonymError::KeyFile(SecretFileError::Exists { .. }))
    ));
    let other = desk.key("other", PseudonymForm::Compact);
    assert_ne!(
        other.pseudonym("x"),
        PseudonymKey::read(&desk.path("key"), PseudonymForm::Compact)
            .unwrap()
            .pseudonym("x")
    );
    let short = desk.write("short", b"abcd\n");
    owner_alone(&short);
    assert!(matches!(
        PseudonymKey::read(&short, PseudonymForm::Compact),
        Err(PseudonymError::NotAKey { .. })
    ));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(desk.path("key"), std::fs::Permissions::from_mode(0o640)).unwrap();
        let error = PseudonymKey::read(&desk.path("key"), PseudonymForm::Compact).unwrap_err();
        assert!(error.to_string().contains("chmod 600"), "{error}");
    }
}

#[test]
fn what_cannot_be_done_whole_leaves_nothing() {
    let desk = Desk::new();
    let key = desk.key("key", PseudonymForm::Compact);
    let message = |name: &str, text: &[u8], column: &str| {
        let extract = desk.write(name, text);
        let error = desk.run(&extract, column, &key).unwrap_err().to_string();
        assert!(!desk.path("out.csv").exists());
        error
    };
    assert!(message("a.csv", b"visit;pnr\n1;2;3\n", "pnr").contains("the row on line 2"));
    assert!(
        message("b.csv", b"visit;pnr\n1;--\n", "pnr")
            .contains("without a letter or digit in column `pnr`")
    );
    assert!(
        message("c.csv", b"visit;pnr\n1;2\n", "person")
            .contains("no column `person`, it has visit, pnr")
    );
    assert!(message("out2.csv", b"visit;pnr\n1;\"2\n", "pnr").contains("the row on line 2"));
    let extract = desk.write("out.csv", b"visit;pnr\n1;2\n");
    assert!(matches!(
        desk.run(&extract, "pnr", &key),
        Err(PseudonymError::SameFile)
    ));
}

#[test]
fn bad_rows_are_left_out_only_if_asked_and_are_counted() {
    let desk = Desk::new();
    let key = desk.key("key", PseudonymForm::Compact);
    let extract = desk.write("in.csv", b"visit;pnr\n1;2;3\n1;2\n");
    let report = desk.run_dropping(&extract, &key);
    assert_eq!((report.n_rows, report.n_dropped), (1, 1));
}

#[test]
fn a_contract_that_states_a_key_takes_no_other_pseudonyms() {
    let desk = Desk::new();
    let (one, two) = (
        desk.key("one", PseudonymForm::Compact),
        desk.key("two", PseudonymForm::Compact),
    );
    let row = |visit: u8, key: &PseudonymKey| format!("{visit};{}\n", key.pseudonym("x").unwrap());
    let text = format!("visit;pnr\n{}{}3;P1\n", row(1, &one), row(2, &two));
    let delivery = Delivery {
        path: desk.write("in.csv", text.as_bytes()),
        vintage: "2024-10-01".parse().unwrap(),
        status: DeliveryStatus::Final,
        scope: DeliveryScope::Changes,
    };
    let contract = contract(&format!("pseudonym = \"{}\"", one.id()));
    let report = ingest(&contract, &[delivery], desk.folder.path(), &Unwatched).unwrap();
    let broken: Vec<(Rule, u64)> = report
        .rules
        .iter()
        .map(|rule| (rule.rule, rule.n_rows))
        .collect();
    assert_eq!(broken, [(Rule::PseudonymKey, 2)]);
}

#[cfg(unix)]
fn owner_alone(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

#[cfg(not(unix))]
fn owner_alone(_path: &Path) {}
