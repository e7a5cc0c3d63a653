//! Each kind of rule on a few rows: which rows break it, and where that is said.

use std::collections::BTreeMap;
use std::path::Path;

use tempfile::TempDir;
use utfall_core::Unwatched;

use crate::column_data::{ColumnData, TextColumn};
use crate::contract::DataContract;
use crate::delivery::{Delivery, DeliveryScope, DeliveryStatus};
use crate::ingest::{IngestError, read};
use crate::judge::judge;
use crate::quality::QualityReport;
use crate::table_writer::{StoredType, TableWriter};

/// A contract of some columns and rules, for comma-separated files.
fn contract(name: &str, key: &str, rest: &str) -> DataContract {
    let text = format!(
        "schema = \"utfall-data-contract/1\"\nname = \"{name}\"\ntitle = \"T\"\nformat = \"csv\"\nkey = [{key}]\n\
         [dialect]\ndelimiter = \",\"\nquote = '\"'\nencoding = \"utf-8\"\ndecimal = \".\"\ndate = \"%Y-%m-%d\"\n{rest}"
    );
    DataContract::from_toml("c.toml", &text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// A column in one line: `name type` and more fields.
fn column(name: &str, kind: &str, more: &str) -> String {
    format!("[[column]]\nname = \"{name}\"\ntype = \"{kind}\"\n{more}\n")
}

/// An extract read into a folder of its own.
struct Read {
    contract: DataContract,
    folder: TempDir,
}

impl Read {
    /// Files of the same rows' header, each with its day.
    fn of(contract: DataContract, files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let header: Vec<&str> = contract
            .columns()
            .iter()
            .map(|column| column.header())
            .collect();
        let header = header.join(",") + "\n";
        let mut deliveries = Vec::new();
        for (i, (vintage, rows)) in files.iter().enumerate() {
            let path = folder.path().join(format!("{i}.csv"));
            std::fs::write(&path, header.clone() + rows).unwrap();
            deliveries.push(Delivery {
                path,
                vintage: vintage.parse().unwrap(),
                status: DeliveryStatus::Final,
                scope: DeliveryScope::Changes,
            });
        }
        read(
            &contract,
            &deliveries,
            &folder.path().join("read"),
            &Unwatched,
        )
        .unwrap();
        Self { contract, folder }
    }

    fn judge_with(&self, others: &[&Self]) -> Result<QualityReport, IngestError> {
        let others: BTreeMap<_, _> = others
            .iter()
            .map(|other| {
                let folder = other.folder.path().join("read");
                (
                    other.contract.name().to_owned(),
                    (other.contract.clone(), folder),
                )
            })
            .collect();
        judge(
            &self.contract,
            &self.folder.path().join("read"),
            &others,
            self.folder.path(),
        )
    }

    fn judge(&self) -> QualityReport {
        self.judge_with(&[]).unwrap()
    }
}

/// File, line and rules of each row in quarantine.
fn quarantined(folder: &Path) -> Vec<String> {
    let mut reader = csv::Reader::from_path(folder.join("quarantine.csv")).unwrap();
    let records = reader.records().map(Result::unwrap);
    let mut rows: Vec<String> = records
        .map(|row| format!("{}:{} {}", &row[0], &row[1], &row[2]))
        .collect();
    rows.sort();
    rows
}

/// What is quarantined of one file under some columns and rules.
fn verdicts(columns: &str, rows: &str) -> Vec<String> {
    let read = Read::of(
        contract("a", "\"id\"", &(column("id", "text", "") + columns)),
        &[("2024-10-01", rows)],
    );
    let report = read.judge();
    let found = quarantined(read.folder.path());
    assert_eq!(report.n_quarantined() as usize, found.len());
    assert_eq!(
        report.n_rows(),
        report.n_accepted() + report.n_quarantined()
    );
    found
        .iter()
        .map(|row| row.replacen("0.csv:", "", 1))
        .collect()
}

#[test]
fn a_column_is_held_to_its_type() {
    for (kind, more, good, bad) in [
        ("year", "", "2024", "24"),
        ("year", "", "0001", "0000"),
        ("boolean", "", "true", "ja"),
        (
            "boolean",
            "true = [\"ja\", \"1\"]\nfalse = [\"nej\"]",
            "1",
            "0",
        ),
        (
            "datetime",
            "datetime = \"%Y-%m-%d %H:%M\"",
            "2024-01-31 23:59",
            "2024-01-31 24:00",
        ),
        ("integer", "", "-7", "7.0"),
        ("date", "", "2024-02-29", "2023-02-29"),
    ] {
        let columns = column("v", kind, more);
        assert_eq!(
            verdicts(&columns, &format!("a,{good}\nb,{bad}\n")),
            ["3 type:v"],
            "{kind}"
        );
    }
}

#[test]
fn a_range_a_length_and_a_pattern_are_kept() {
    for (kind, more, rows, expected) in [
        (
            "year",
            "minimum = \"2000\"",
            "a,2000\nb,1999\n",
            "3 minimum:v",
        ),
        (
            "datetime",
            "maximum = \"2024-01-01T00:00:00\"",
            "a,2024-01-01T00:00:00\nb,2024-01-01T00:00:01\n",
            "3 maximum:v",
        ),
        (
            "text",
            "min-length = 2\nmax-length = 3",
            "a,åäö\nb,x\nc,\n",
            "3 length:v",
        ),
        (
            "text",
            "pattern = \"[A-Z]{2}[0-9]+\"",
            "a,AB12\nb,xAB12\nc,\n",
            "3 pattern:v",
        ),
        ("text", "pattern = \"a|b\"", "a,b\nb,ab\n", "3 pattern:v"),
    ] {
        assert_eq!(
            verdicts(&column("v", kind, more), rows),
            [expected],
            "{more}"
        );
    }
}

#[test]
fn a_code_is_valid_on_the_rows_day_and_not_before_or_after() {
    let columns = column("day", "date", "")
        + &column(
            "v",
            "code",
            "codes-at = \"day\"\ncode = [{ code = \"A\", until = \"2020-01-01\" }, { code = \"A\", from = \"2022-01-01\" }, { code = \"B\" }]",
        );
    let rows =
        "a,2019-12-31,A\nb,2020-01-01,A\nc,2022-01-01,A\nd,2021-01-01,B\ne,2021-01-01,C\nf,,A\n";
    assert_eq!(verdicts(&columns, rows), ["3 code-date:v", "6 code:v"]);
}

#[test]
fn codes_may_come_from_a_file_and_become_part_of_the_contract() {
    let text = "schema = \"utfall-data-contract/1\"\nname = \"a\"\ntitle = \"T\"\nformat = \"parquet\"\nkey = [\"v\"]\n".to_owned()
        + &column("v", "code", "code-file = \"codes.csv\"");
    let read = |file: &'static str| {
        DataContract::from_toml_with("c.toml", &text, |name| {
            assert_eq!(name, "codes.csv");
            Ok(file.to_owned())
        })
    };
    let contract = read("code,label\nB,Bjuv\nA,Arboga\n").unwrap();
    let json = serde_json::to_string(&contract).unwrap();
    assert!(json.contains("Arboga"));
    assert_eq!(
        serde_json::from_str::<DataContract>(&json).unwrap(),
        contract
    );
    assert_ne!(read("code\nA\n").unwrap(), contract);
    let refused = read("code,label\nA,1,2\n").unwrap_err().to_string();
    assert!(
        refused.contains("c.toml:9:13: cannot use the code file `codes.csv`: line 2"),
        "{refused}"
    );
    assert!(DataContract::from_toml("c.toml", &text).is_err());
}

#[test]
fn values_of_a_row_compare_as_they_must() {
    let columns = column("a", "integer", "") + &column("b", "integer", "");
    let rule = |is: &str| {
        format!(
            "{columns}[[rule]]\nkind = \"compare\"\ncolumn = \"a\"\nis = \"{is}\"\nother = \"b\"\n"
        )
    };
    let rows = "r,1,2\ns,2,2\nt,3,2\nu,,2\n";
    for (is, lines) in [
        ("<", &[3, 4][..]),
        ("<=", &[4]),
        ("=", &[2, 4]),
        ("!=", &[3]),
        (">=", &[2]),
        (">", &[2, 3]),
    ] {
        let expected: Vec<String> = lines
            .iter()
            .map(|line| format!("{line} compare:a"))
            .collect();
        assert_eq!(verdicts(&rule(is), rows), expected, "{is}");
    }
}

#[test]
fn parts_add_up_to_their_total_give_or_take() {
    let decimal = |name| column(name, "decimal", "decimals = 1");
    let columns = decimal("a") + &decimal("b") + &decimal("total");
    let rule = "[[rule]]\nkind = \"sum\"\nparts = [\"a\", \"b\"]\ntotal = \"total\"\n";
    let rows =
        "r,0.1,0.2,0.3\ns,0.1,0.2,0.4\nt,0.1,,9\nu,922337203685477580.7,922337203685477580.7,0\n";
    assert_eq!(
        verdicts(&(columns.clone() + rule), rows),
        ["3 sum:total", "5 sum:total"]
    );
    assert_eq!(
        verdicts(&(columns + rule + "within = \"0.1\"\n"), rows),
        ["5 sum:total"]
    );
}

#[test]
fn a_value_may_require_or_exclude_another() {
    let columns =
        column("kind", "code", "codes = [\"x\", \"y\", \"z\"]") + &column("v", "integer", "");
    let rule = |kind: &str| {
        format!(
            "{columns}[[rule]]\nkind = \"{kind}\"\ncolumn = \"v\"\nwhen = {{ column = \"kind\", among = [\"x\", \"y\"] }}\n"
        )
    };
    let rows = "a,x,1\nb,y,\nc,z,1\nd,z,\ne,,1\n";
    assert_eq!(verdicts(&rule("required-if"), rows), ["3 required-if:v"]);
    assert_eq!(verdicts(&rule("absent-if"), rows), ["2 absent-if:v"]);
    let given = format!(
        "{columns}[[rule]]\nkind = \"absent-if\"\ncolumn = \"v\"\nwhen = {{ column = \"kind\" }}\n"
    );
    assert_eq!(verdicts(&given, rows), ["2 absent-if:v", "4 absent-if:v"]);
}

#[test]
fn values_occur_together_as_listed() {
    let columns = column("kind", "text", "")
        + &column("n", "integer", "")
        + "[[rule]]\nkind = \"combination\"\nid = \"kind and n\"\ncolumns = [\"kind\", \"n\"]\nallowed = [[\"x\", \"1\"], [\"y\", \"\"]]\n";
    assert_eq!(
        verdicts(&columns, "a,x,1\nb,y,\nc,x,2\nd,,1\n"),
        ["4 kind and n", "5 kind and n"]
    );
}

#[test]
fn every_row_of_a_repeated_value_is_told() {
    let columns = column("a", "text", "unique = true")
        + &column("b", "integer", "")
        + "[[rule]]\nkind = \"unique\"\nid = \"pair\"\ncolumns = [\"a\", \"b\"]\n";
    let rows = "r,x,1\ns,x,2\nt,y,1\nu,,1\nv,,1\nw,x,1\n";
    assert_eq!(
        verdicts(&columns, rows),
        ["2 pair | unique:a", "3 unique:a", "7 pair | unique:a"]
    );
}

#[test]
fn episodes_of_one_key_do_not_share_a_day() {
    let columns = column("person", "text", "")
        + &column("start", "date", "")
        + &column("stop", "date", "")
        + "[[rule]]\nkind = \"overlap\"\ncolumns = [\"person\"]\nstart = \"start\"\nstop = \"stop\"\n";
    let rows = "1,p,2024-01-01,2024-02-01\n2,p,2024-02-01,2024-03-01\n3,p,2024-02-28,\n4,p,2024-02-10,2024-02-10\n5,q,2024-01-01,\n";
    assert_eq!(
        verdicts(&columns, rows),
        ["3 overlap:start", "4 overlap:start"]
    );
    let long = "1,p,2024-01-01,2024-12-01\n2,p,2024-02-01,2024-02-02\n3,p,2024-03-01,2024-03-02\n4,p,2024-12-01,2024-12-02\n";
    assert_eq!(
        verdicts(&columns, long),
        ["2 overlap:start", "3 overlap:start", "4 overlap:start"]
    );
}

fn persons() -> Read {
    let columns = column("person", "text", "") + &column("born", "date", "");
    Read::of(
        contract("persons", "\"person\"", &columns),
        &[("2024-10-01", "p,2010-05-01\nq,2012-01-01\n")],
    )
}

fn enrolment(rules: &str, rows: &str) -> Read {
    let columns = column("person", "text", "")
        + &column("start", "date", "")
        + &column("stop", "date", "")
        + rules;
    Read::of(
        contract("enrolment", "\"person\", \"start\"", &columns),
        &[("2024-10-01", rows)],
    )
}

fn against(own: &Read, others: &[&Read]) -> Vec<String> {
    own.judge_with(others).unwrap();
    quarantined(own.folder.path())
}

#[test]
fn a_person_exists_where_persons_are() {
    let rule = "[[rule]]\nkind = \"foreign-key\"\ncolumns = [\"person\"]\nextract = \"persons\"\n";
    let own = enrolment(rule, "p,2020-01-01,\nr,2020-01-01,\n");
    assert_eq!(against(&own, &[&persons()]), ["0.csv:3 foreign-key:person"]);
    let alone = own.judge_with(&[]).unwrap_err().to_string();
    assert!(alone.contains("looks at extract `persons`"), "{alone}");
}

#[test]
fn a_key_may_refer_to_its_own_extract() {
    let columns = column("parent", "text", "")
        + "[[rule]]\nkind = \"foreign-key\"\ncolumns = [\"parent\"]\nextract = \"a\"\nothers = [\"id\"]\n";
    assert_eq!(
        verdicts(&columns, "p,\nq,p\nr,x\n"),
        ["4 foreign-key:parent"]
    );
}

#[test]
fn a_child_is_born_before_it_is_enrolled() {
    let rule = "[[rule]]\nkind = \"compare-across\"\ncolumn = \"start\"\nis = \">\"\ncolumns = [\"person\"]\nextract = \"persons\"\nother = \"born\"\n";
    let own = enrolment(rule, "p,2010-05-01,\nq,2012-01-02,\nunknown,1990-01-01,\n");
    assert_eq!(
        against(&own, &[&persons()]),
        ["0.csv:2 compare-across:start"]
    );
}

#[test]
fn an_event_lies_within_enrolment() {
    let enrolled = enrolment("", "p,2020-01-01,2020-06-01\np,2021-01-01,\n");
    let columns = column("person", "text", "")
        + &column("day", "date", "")
        + "[[rule]]\nkind = \"within-episode\"\ncolumn = \"day\"\ncolumns = [\"person\"]\nextract = \"enrolment\"\nstart = \"start\"\nstop = \"stop\"\n";
    let rows =
        "p,2019-12-31\np,2020-01-01\np,2020-05-31\np,2020-06-01\np,2022-01-01\nq,2020-01-01\n";
    let own = Read::of(
        contract("events", "\"person\", \"day\"", &columns),
        &[("2024-10-01", rows)],
    );
    assert_eq!(
        against(&own, &[&enrolled]),
        [
            "0.csv:2 within-episode:day",
            "0.csv:5 within-episode:day",
            "0.csv:7 within-episode:day"
        ]
    );
}

#[test]
fn a_rule_that_names_no_column_of_the_other_extract_is_refused() {
    let rule = "[[rule]]\nkind = \"foreign-key\"\ncolumns = [\"start\"]\nextract = \"persons\"\nothers = [\"person\"]\n";
    let refused = enrolment(rule, "")
        .judge_with(&[&persons()])
        .unwrap_err()
        .to_string();
    assert!(
        refused.contains("`person` in extract `persons`"),
        "{refused}"
    );
}

/// The first breach of the one rule that is exceeded.
fn refusal(rules: &str, files: &[(&str, &str)]) -> Option<String> {
    let columns = column("id", "text", "") + &column("day", "date", "") + rules;
    let report = Read::of(contract("a", "\"id\"", &columns), files).judge();
    let exceeded: Vec<_> = report.exceeded().collect();
    assert!(exceeded.len() <= 1);
    exceeded.first().map(|rule| {
        let place = &rule.first_locators[0];
        format!(
            "{} {}:{} {}",
            rule.n_rows,
            place.file,
            place.line,
            place.note.as_deref().unwrap_or_default()
        )
    })
}

#[test]
fn a_delivery_has_as_many_rows_as_expected() {
    let rule = |more: &str| format!("[[rule]]\nkind = \"row-count\"\n{more}\n");
    let files = [
        ("2024-09-01", "a,\nb,\nc,\nd,\n"),
        ("2024-10-01", "a,\nb,\nc,\n"),
    ];
    assert_eq!(refusal(&rule("minimum = 3\nmaximum = 4"), &files), None);
    assert_eq!(
        refusal(&rule("minimum = 4"), &files).unwrap(),
        "1 1.csv:0 3 rows, expected at least 4"
    );
    assert_eq!(
        refusal(&rule("maximum = 3"), &files).unwrap(),
        "1 0.csv:0 4 rows, expected at most 3"
    );
    assert_eq!(refusal(&rule("change = \"25 %\""), &files), None);
    assert_eq!(
        refusal(&rule("change = \"24.9 %\""), &files).unwrap(),
        "1 1.csv:0 3 rows after 4, expected a change of at most 24.9 %"
    );
}

#[test]
fn every_month_has_a_row_in_all_or_in_each_group() {
    let rule = "[[rule]]\nkind = \"coverage\"\ncolumn = \"day\"\nevery = \"month\"\nfrom = \"2024-01-01\"\nuntil = \"2024-04-01\"\n";
    let all = "a,2024-01-31\nb,2024-02-01\nc,2024-03-15\n";
    assert_eq!(refusal(rule, &[("2024-10-01", all)]), None);
    let gap = "a,2024-01-31\nc,2024-03-15\nd,2024-04-01\n";
    assert_eq!(
        refusal(rule, &[("2024-10-01", gap)]).unwrap(),
        "1 0.csv:0 no row in the period from 2024-02-01"
    );
    assert_eq!(
        refusal(rule, &[("2024-10-01", "")]).unwrap(),
        "3 0.csv:0 no row in the period from 2024-01-01"
    );
    let by = format!("{rule}by = [\"id\"]\n");
    assert_eq!(
        refusal(&by, &[("2024-10-01", "a,2024-01-31\n")]).unwrap(),
        "2 0.csv:2 no row of this row's group in the period from 2024-02-01"
    );
}

#[test]
fn data_are_fresh_enough() {
    let newest = "[[rule]]\nkind = \"freshness\"\ncolumn = \"day\"\nwithin = \"30 days\"\n";
    assert_eq!(refusal(newest, &[("2024-10-01", "a,2024-09-01\n")]), None);
    assert_eq!(
        refusal(newest, &[("2024-10-01", "a,2024-08-31\n")]).unwrap(),
        "1 0.csv:0 the newest date is 2024-08-31, expected 2024-09-01 or later in a delivery of 2024-10-01"
    );
    let vintage = "[[rule]]\nkind = \"freshness\"\nvintage-from = \"2024-10-02\"\n";
    assert!(
        refusal(vintage, &[("2024-10-01", "")])
            .unwrap()
            .contains("expected 2024-10-02 or later")
    );
    assert_eq!(refusal(vintage, &[("2024-10-02", "")]), None);
}

const JUDGED: &str = "[[column]]\nname = \"id\"\ntype = \"text\"\n[[column]]\nname = \"v\"\ntype = \"integer\"\nmaximum = \"9\"\n[[missing]]\ncode = \"-1\"\nmeans = \"not-submitted\"\n";

fn judged_with(judgement: &str) -> DataContract {
    contract("a", "\"id\"", &format!("{JUDGED}{judgement}"))
}

#[test]
fn severity_and_tolerance_change_without_reading_again() {
    let files = [
        ("2024-09-01", "a,1\nb,2\nc,3\nd,12\n"),
        ("2024-10-01", "a,10\nb,4\nc,11\nd,5\n"),
    ];
    let mut read = Read::of(judged_with(""), &files);
    for i in 0..files.len() {
        std::fs::remove_file(read.folder.path().join(format!("{i}.csv"))).unwrap();
    }
    let report = read.judge();
    // a and c of October are rejected, so those of September hold; d of September is rejected as well.
    assert_eq!((report.n_accepted(), report.n_quarantined()), (4, 3));
    assert_eq!(
        quarantined(read.folder.path()),
        [
            "0.csv:5 maximum:v",
            "1.csv:2 maximum:v",
            "1.csv:4 maximum:v"
        ]
    );
    assert_eq!(report.rules[0].by_delivery, [1, 2]);

    read.contract = judged_with(
        "[[judgement]]\nrule = \"maximum:v\"\nseverity = \"warning\"\ntolerance = \"2 rows\"\n",
    );
    let report = read.judge();
    assert_eq!((report.n_accepted(), report.n_quarantined()), (4, 0));
    let superseded: Vec<u64> = report
        .deliveries
        .iter()
        .map(|file| file.n_superseded)
        .collect();
    assert_eq!(superseded, [4, 0]);
    let table = crate::engine::read_all(&read.folder.path().join("table.parquet")).unwrap();
    let mut values: Vec<i64> = table
        .column("v")
        .unwrap()
        .i64()
        .unwrap()
        .iter()
        .flatten()
        .collect();
    values.sort_unstable();
    assert_eq!(values, [4, 5, 10, 11]);
    let exceeded: Vec<&str> = report.exceeded().map(|rule| rule.id.as_str()).collect();
    assert_eq!(exceeded, ["maximum:v"]);

    read.contract = judged_with("[[judgement]]\nrule = \"maximum:v\"\ntolerance = \"3 rows\"\n");
    assert_eq!(read.judge().exceeded().count(), 0);
    assert_eq!(read.judge().n_quarantined(), 3);
}

#[test]
fn a_number_may_stand_for_a_missing_value_in_text_and_typed() {
    let read = Read::of(judged_with(""), &[("2024-10-01", "a,-1\nb,1\n")]);
    let missing = |report: &QualityReport| -> Vec<(String, u64)> {
        let missing = report.missing.iter();
        missing
            .map(|missing| (missing.code.clone(), missing.n_rows))
            .collect()
    };
    assert_eq!(missing(&read.judge()), [("-1".to_owned(), 1)]);

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.parquet");
    let columns = [("id", StoredType::Text), ("v", StoredType::Integer)];
    let mut writer = TableWriter::create(&path, &columns).unwrap();
    let mut ids = TextColumn::default();
    for id in ["a", "b", "c"] {
        ids.push(Some(id));
    }
    let values = ColumnData::Integer(vec![Some(-1), Some(1), Some(-1)]);
    writer.write(vec![ColumnData::Text(ids), values]).unwrap();
    writer.finish().unwrap();
    let text = toml::to_string(&judged_with(""))
        .unwrap()
        .replace("\"csv\"", "\"parquet\"");
    let text: String = text
        .lines()
        .filter(|line| {
            ["delimiter", "quote", "encoding"]
                .iter()
                .all(|key| !line.starts_with(key))
        })
        .map(|line| line.to_owned() + "\n")
        .collect();
    let contract = DataContract::from_toml("c.toml", &text).unwrap();
    let delivery = Delivery {
        path,
        vintage: "2024-10-01".parse().unwrap(),
        status: DeliveryStatus::Final,
        scope: DeliveryScope::Changes,
    };
    let report = crate::ingest::ingest(&contract, &[delivery], folder.path(), &Unwatched).unwrap();
    assert_eq!(missing(&report), [("-1".to_owned(), 2)]);
}

#[test]
fn a_warning_over_many_rows_is_counted_and_keeps_its_rows() {
    let columns = column("a", "text", "")
        + "[[rule]]\nkind = \"unique\"\ncolumns = [\"a\"]\nseverity = \"warning\"\ntolerance = \"1 row\"\n";
    let read = Read::of(
        contract("t", "\"id\"", &(column("id", "text", "") + &columns)),
        &[("2024-10-01", "a,x\nb,x\n")],
    );
    let report = read.judge();
    assert_eq!((report.n_accepted(), report.rules[0].n_rows), (2, 2));
    assert!(report.rules[0].is_exceeded);
    assert_eq!(report.rules[0].first_locators[1].line, 3);
}

#[test]
fn a_row_rejected_by_a_rule_over_many_rows_leaves_the_table_and_its_canonical_form_the_quarantine()
{
    let columns = column("d", "decimal", "decimals = 2")
        + &column("b", "boolean", "")
        + &column("t", "datetime", "datetime = \"%Y%m%d%H%M\"")
        + "[[rule]]\nkind = \"unique\"\ncolumns = [\"d\"]\n";
    let read = Read::of(
        contract("t", "\"id\"", &(column("id", "text", "") + &columns)),
        &[(
            "2024-10-01",
            "a,-0.5,true,202401312359\nb,-0.50,,\nc,1,false,\n",
        )],
    );
    assert_eq!(read.judge().n_accepted(), 1);
    let text = std::fs::read_to_string(read.folder.path().join("quarantine.csv")).unwrap();
    assert_eq!(
        text,
        "file,line,rules,row\n0.csv,2,unique:d,\"a,-0.50,true,2024-01-31T23:59:00\"\n0.csv,3,unique:d,\"b,-0.50,,\"\n"
    );
    let table = crate::engine::read_all(&read.folder.path().join("table.parquet")).unwrap();
    assert_eq!(table.height(), 1);
}

#[test]
fn a_report_names_the_rules_that_held() {
    let report = Read::of(judged_with(""), &[("2024-10-01", "a,1\n")]).judge();
    assert!(report.rules.is_empty());
    let held: Vec<&str> = report.held.iter().map(|rule| rule.id.as_str()).collect();
    assert!(
        held.contains(&"maximum:v") && held.contains(&"required:id"),
        "{held:?}"
    );
    let name = &report
        .held
        .iter()
        .find(|rule| rule.id == "maximum:v")
        .unwrap()
        .name;
    assert_eq!(name, "`v` is at most 9");
}
