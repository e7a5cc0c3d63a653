//! Questions to small tables.

use chrono::NaiveDate;
use tempfile::TempDir;
use utfall_core::{Period, Tally, Unwatched};

use super::*;
use crate::delivery::{Delivery, DeliveryStatus};
use crate::ingest::ingest;

const DIALECT: &str = r#"
format = "csv"
[dialect]
delimiter = ";"
quote = '"'
encoding = "utf-8"
decimal = ","
date = "%Y-%m-%d"
"#;

/// Tables of some extracts, ingested from text as of 2024-10-01.
pub(super) struct Register {
    folder: TempDir,
    folders: BTreeMap<String, (DataContract, PathBuf)>,
}

impl Register {
    pub(super) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            folders: BTreeMap::new(),
        }
    }

    /// Adds an extract: its key, the rest of its contract, and its rows.
    pub(super) fn with(mut self, name: &str, key: &str, columns: &str, text: &str) -> Self {
        let header = format!(
            "schema = \"utfall-data-contract/1\"\nname = \"{name}\"\ntitle = \"{name}\"\nkey = {key}"
        );
        let contract = DataContract::from_toml(name, &(header + DIALECT + columns)).unwrap();
        let folder = self.folder.path().join(name);
        std::fs::create_dir(&folder).unwrap();
        let path = folder.join("delivery.csv");
        std::fs::write(&path, text).unwrap();
        let delivery = Delivery {
            path,
            vintage: date("2024-10-01"),
            status: DeliveryStatus::Final,
            scope: crate::delivery::DeliveryScope::Changes,
        };
        let report = ingest(&contract, &[delivery], &folder, &Unwatched).unwrap();
        assert_eq!(report.n_quarantined(), 0, "{:?}", report.rules);
        self.folders.insert(name.to_owned(), (contract, folder));
        self
    }

    pub(super) fn open(&self) -> Tables {
        Tables::open(self.folders.clone()).unwrap()
    }
}

pub(super) fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn period(start: &str, end: &str) -> Period {
    Period::new(date(start), date(end)).unwrap()
}

pub(super) fn column(name: &str, kind: &str, more: &str) -> String {
    format!("[[column]]\nname = \"{name}\"\ntype = \"{kind}\"\n{more}\n")
}

/// Persons in families, their absence by month, and their stays.
fn register() -> Register {
    let text = |name| column(name, "text", "");
    let day = |name| column(name, "date", "");
    let hours = |name| column(name, "decimal", "decimals = 1");
    Register::new()
        .with(
            "persons",
            r#"["person"]"#,
            &(text("person")
                + &text("family")
                + &day("born")
                + &day("died")
                + &column("income", "decimal", "decimals = 2")
                + &column("sex", "code", "codes = [\"1\", \"2\"]")
                + &column("merit", "integer", "outcome = true")),
            "person;family;born;died;income;sex;merit\n\
             P1;F1;2008-05-01;;100,50;1;10\n\
             P2;F1;2010-05-01;2024-09-15;;2;20\n\
             P3;F2;2009-05-01;2023-01-01;7;1;30\n\
             P4;;2009-05-01;;7;1;30\n",
        )
        .with(
            "families",
            r#"["family"]"#,
            &(text("family") + &text("town")),
            "family;town\nF2;Y\nF1;X\nF3;Z\n",
        )
        .with(
            "absence",
            r#"["person", "month"]"#,
            &(text("person")
                + &day("month")
                + &hours("absent")
                + &hours("offered")
                + "[reporting]\nlag = \"30 days\"\n"),
            "person;month;absent;offered\n\
             P1;2024-01-01;10,5;100\n\
             P1;2024-02-01;1;50,0\n\
             P1;2024-03-01;;80\n\
             P2;2024-01-01;0;20\n\
             P3;2024-06-01;5;10\n\
             P9;2024-01-01;9;9\n",
        )
        .with(
            "stays",
            r#"["stay"]"#,
            &(text("stay")
                + &text("person")
                + &day("start")
                + &day("stop")
                + &column("tariff", "decimal", "decimals = 2")
                + &column("kind", "code", "codes = [\"home\", \"ward\"]")
                + &column("level", "integer", "")),
            "stay;person;start;stop;tariff;kind;level\n\
             1;P1;2024-01-01;2024-01-11;100;home;1\n\
             2;P1;2024-01-06;2024-01-16;250,25;ward;2\n\
             3;P2;2024-01-14;;10;home;1\n\
             4;F3;2024-01-31;2024-02-02;1;home;3\n",
        )
}

fn persons() -> UnitSpec {
    UnitSpec {
        name: "person".into(),
        extract: "persons".into(),
        id: "person".into(),
        members: None,
    }
}

fn families() -> UnitSpec {
    let members = MembersSpec {
        extract: "persons".into(),
        member: "person".into(),
        unit: "family".into(),
        from: None,
        until: None,
    };
    UnitSpec {
        name: "family".into(),
        extract: "families".into(),
        id: "family".into(),
        members: Some(members),
    }
}

fn measure(extract: &str, time: Option<&str>, kind: MeasureKind) -> MeasureSpec {
    MeasureSpec {
        name: "m".into(),
        extract: extract.into(),
        member: "person".into(),
        time: time.map(str::to_owned),
        unit: None,
        definition: Definition::Always(Box::new(kind)),
        r#where: Vec::new(),
        exposure: None,
    }
}

fn ratio() -> MeasureSpec {
    measure(
        "absence",
        Some("month"),
        MeasureKind::Ratio {
            numerator: "absent".into(),
            denominator: "offered".into(),
            numerator_where: Vec::new(),
        },
    )
}

fn nights() -> MeasureSpec {
    measure(
        "stays",
        None,
        MeasureKind::Nights {
            start: "start".into(),
            stop: "stop".into(),
            join_gaps: None,
            calendar: None,
        },
    )
}

fn tallies(pairs: &[(i64, i64)]) -> Vec<Tally> {
    pairs
        .iter()
        .map(|&(numerator, denominator)| Tally {
            numerator,
            denominator,
        })
        .collect()
}

/// Measures as of the first of July 2024.
fn measured(
    register: &Register,
    unit: &UnitSpec,
    spec: &MeasureSpec,
    period: Period,
) -> Vec<Tally> {
    let tables = register.open();
    let units = Units::load(&tables, unit).unwrap();
    Baseline::new(&tables, &units, date("2024-07-01"))
        .measure(spec, period)
        .unwrap()
}

#[test]
fn units_come_in_the_order_of_their_ids() {
    let register = register();
    let tables = register.open();
    let units = Units::load(&tables, &families()).unwrap();
    assert_eq!(units.ids(), ["F1", "F2", "F3"]);
    assert_eq!(
        (units.name(), units.len(), units.is_empty()),
        ("family", 3, false)
    );
}

#[test]
fn a_ratio_counts_rows_where_both_columns_are_there() {
    let register = register();
    let half_year = period("2024-01-01", "2024-07-01");
    assert_eq!(
        measured(&register, &persons(), &ratio(), half_year),
        tallies(&[(115, 1500), (0, 200), (50, 100), (0, 0)])
    );
    assert_eq!(
        measured(&register, &families(), &ratio(), half_year),
        tallies(&[(115, 1700), (50, 100), (0, 0)])
    );
    let january = period("2024-01-01", "2024-02-01");
    assert_eq!(
        measured(&register, &persons(), &ratio(), january),
        tallies(&[(105, 1000), (0, 200), (0, 0), (0, 0)])
    );
}

#[test]
fn counts_and_sums_without_rows_are_zero_and_means_are_missing() {
    let register = register();
    let half_year = period("2024-01-01", "2024-07-01");
    let with = |kind| {
        measured(
            &register,
            &persons(),
            &measure("absence", Some("month"), kind),
            half_year,
        )
    };
    assert_eq!(
        with(MeasureKind::Count),
        tallies(&[(3, 1), (1, 1), (1, 1), (0, 1)])
    );
    assert_eq!(
        with(MeasureKind::Sum {
            column: "absent".into()
        }),
        tallies(&[(115, 1), (0, 1), (50, 1), (0, 1)])
    );
    assert_eq!(
        with(MeasureKind::Mean {
            column: "absent".into()
        }),
        tallies(&[(115, 2), (0, 1), (50, 1), (0, 0)])
    );
}

#[test]
fn nights_are_counted_once_for_each_member_and_added_over_a_unit() {
    let register = register();
    let january = period("2024-01-01", "2024-02-01");
    assert_eq!(
        measured(&register, &persons(), &nights(), january),
        tallies(&[(15, 1), (18, 1), (0, 1), (0, 1)])
    );
    assert_eq!(
        measured(&register, &families(), &nights(), january),
        tallies(&[(33, 1), (0, 1), (1, 1)])
    );
    let mut homes = nights();
    homes.r#where = vec![Filter {
        column: "kind".into(),
        equals: vec!["home".into()],
    }];
    assert_eq!(
        measured(&register, &persons(), &homes, january),
        tallies(&[(10, 1), (18, 1), (0, 1), (0, 1)])
    );
}

#[test]
fn a_night_costs_once_at_the_dearest_tariff() {
    let kind = MeasureKind::Cost {
        start: "start".into(),
        stop: "stop".into(),
        tariff: Some("tariff".into()),
        price_list: None,
        overlap: None,
        priority: None,
        join_gaps: None,
        cap_per_day: None,
    };
    let spec = measure("stays", None, kind);
    let register = register();
    let january = period("2024-01-01", "2024-02-01");
    let cost_of_p1 = 5 * 10_000 + 10 * 25_025;
    assert_eq!(
        measured(&register, &persons(), &spec, january)[0].numerator,
        cost_of_p1
    );
    assert_eq!(
        register.open().scale(&spec).unwrap().to_bits(),
        0.01_f64.to_bits()
    );
}

#[test]
fn filters_compare_texts_numbers_and_dates() {
    let register = register();
    let january = period("2024-01-01", "2024-02-01");
    for (column, value, expected) in [
        ("kind", "ward", 10),
        ("level", "2", 10),
        ("tariff", "250.25", 10),
        ("stop", "2024-01-11", 10),
        ("stay", "2", 10),
    ] {
        let mut spec = nights();
        spec.r#where = vec![Filter {
            column: column.into(),
            equals: vec![value.into()],
        }];
        assert_eq!(
            measured(&register, &persons(), &spec, january)[0].numerator,
            expected,
            "{column}"
        );
    }
}

#[test]
fn a_plan_that_does_not_fit_is_told_where() {
    let register = register();
    let tables = register.open();
    let units = Units::load(&tables, &persons()).unwrap();
    let baseline = Baseline::new(&tables, &units, date("2024-07-01"));
    let message = |spec: &MeasureSpec| {
        baseline
            .measure(spec, period("2024-01-01", "2024-07-01"))
            .unwrap_err()
            .to_string()
    };
    let mut spec = nights();
    spec.r#where = vec![Filter {
        column: "kind".into(),
        equals: vec!["hotel".into()],
    }];
    assert!(message(&spec).contains("names `hotel`"));
    spec.r#where = vec![Filter {
        column: "level".into(),
        equals: vec!["x".into()],
    }];
    assert!(message(&spec).contains("no value of type integer"));
    spec.r#where.clear();
    spec.time = Some("start".into());
    assert!(message(&spec).contains("episodes count by their start and stop"));
    let mut spec = ratio();
    spec.time = None;
    assert!(message(&spec).contains("names no time column"));
    spec.time = Some("absent".into());
    assert_eq!(
        message(&spec),
        "column `absent` of extract `absence` is of type decimal, expected date"
    );
    spec.time = Some("moon".into());
    assert_eq!(
        message(&spec),
        "extract `absence` has no column `moon`, expected one of `person`, `month`, `absent`, `offered`"
    );
    spec.extract = "presence".into();
    assert_eq!(
        message(&spec),
        "there is no extract `presence`, expected one of `absence`, `families`, `persons`, `stays`"
    );
}

#[test]
fn the_baseline_sees_nothing_after_the_index_date() {
    let register = register();
    let tables = register.open();
    let units = Units::load(&tables, &persons()).unwrap();
    let baseline = Baseline::new(&tables, &units, date("2024-07-01"));
    let late = period("2024-01-01", "2024-07-02");
    assert!(matches!(
        baseline.measure(&ratio(), late),
        Err(TableError::AfterIndexDate { .. })
    ));
    assert!(matches!(
        baseline.first_date("stays", "person", "start", &[], late),
        Err(TableError::AfterIndexDate { .. })
    ));
    let died = baseline.attribute("persons", "person", "died").unwrap();
    assert_eq!(
        died,
        [None, None, Some(Value::Date(date("2023-01-01"))), None],
        "a later death is not known yet"
    );
    assert!(matches!(
        baseline.attribute("persons", "person", "merit"),
        Err(TableError::OutcomeColumn { .. })
    ));
}

#[test]
fn attributes_come_as_their_contract_types_them() {
    let register = register();
    let tables = register.open();
    let units = Units::load(&tables, &persons()).unwrap();
    let baseline = Baseline::new(&tables, &units, date("2024-07-01"));
    let income = baseline.attribute("persons", "person", "income").unwrap();
    assert_eq!(
        income[0],
        Some(Value::Decimal {
            units: 10_050,
            decimals: 2
        })
    );
    assert_eq!(income[1], None);
    let sex = baseline.attribute("persons", "person", "sex").unwrap();
    assert_eq!(sex[1], Some(Value::Text("2".into())));
}

#[test]
fn an_attribute_on_which_members_differ_has_no_value() {
    let register = register();
    let tables = register.open();
    let units = Units::load(&tables, &families()).unwrap();
    let baseline = Baseline::new(&tables, &units, date("2024-07-01"));
    let towns = baseline.attribute("families", "family", "town").unwrap();
    assert_eq!(
        towns
            .into_iter()
            .flatten()
            .map(|town| town.to_string())
            .collect::<Vec<_>>(),
        ["X", "Y", "Z"]
    );
    let error = baseline.attribute("persons", "person", "sex").unwrap_err();
    assert!(
        matches!(error, TableError::SeveralValues { n_units: 1, .. }),
        "{error}"
    );
}

#[test]
fn episodes_cover_the_index_date_from_their_start_up_to_their_stop() {
    let register = register();
    let tables = register.open();
    let units = Units::load(&tables, &persons()).unwrap();
    for (index_date, covered) in [
        ("2023-12-31", [false, false]),
        ("2024-01-01", [true, false]),
        ("2024-01-15", [true, true]),
        ("2024-01-16", [false, true]),
    ] {
        let baseline = Baseline::new(&tables, &units, date(index_date));
        let found = baseline.covers("stays", "person", "start", "stop").unwrap();
        assert_eq!(found[..2], covered, "{index_date}");
    }
}

#[test]
fn the_first_date_is_the_earliest_that_passes() {
    let register = register();
    let tables = register.open();
    let units = Units::load(&tables, &persons()).unwrap();
    let baseline = Baseline::new(&tables, &units, date("2024-07-01"));
    let first = |kinds: &[&str]| {
        let equals = kinds.iter().map(|&kind| kind.to_owned()).collect();
        let filters = [Filter {
            column: "kind".into(),
            equals,
        }];
        baseline
            .first_date(
                "stays",
                "person",
                "start",
                &filters,
                period("2024-01-01", "2024-07-01"),
            )
            .unwrap()
    };
    assert_eq!(
        first(&["home", "ward"])[..2],
        [Some(date("2024-01-01")), Some(date("2024-01-14"))]
    );
    assert_eq!(first(&["ward"])[..2], [Some(date("2024-01-06")), None]);
    assert_eq!(first(&[])[..2], [None, None]);
}

#[test]
fn outcomes_wait_for_a_seal_and_for_late_registrations() {
    let register = register();
    let tables = register.open();
    let units = Units::load(&tables, &persons()).unwrap();
    let matched = register.folder.path().join("matched.csv");
    assert!(MatchSeal::of_file(&matched).is_err());
    std::fs::write(&matched, "P1;P2\n").unwrap();
    let seal = MatchSeal::of_file(&matched).unwrap();
    assert_eq!(seal.digest(), utfall_files::Digest::blake3(b"P1;P2\n"));
    let outcomes = Outcomes::open(&tables, &units, &seal);
    assert_eq!(
        tables.fully_reported_before("absence"),
        Some(date("2024-09-01"))
    );
    assert_eq!(
        tables.fully_reported_before("stays"),
        Some(date("2024-10-01"))
    );
    assert_eq!(tables.fully_reported_before("nothing"), None);
    assert!(
        outcomes
            .measure(&ratio(), period("2024-06-01", "2024-09-01"))
            .is_ok()
    );
    let error = outcomes
        .measure(&ratio(), period("2024-06-01", "2024-09-02"))
        .unwrap_err();
    assert!(
        matches!(error, TableError::NotYetReported { .. }),
        "{error}"
    );
    assert_eq!(
        outcomes.scale(&ratio()).unwrap().to_bits(),
        1.0_f64.to_bits()
    );
}

#[test]
fn members_of_two_families_and_shared_ids_are_refused() {
    let text = |name| column(name, "text", "");
    let with = |rows: &str| {
        Register::new()
            .with(
                "families",
                r#"["family"]"#,
                &text("family"),
                "family\nF1\nF2\n",
            )
            .with(
                "persons",
                r#"["person", "family"]"#,
                &(text("person") + &text("family")),
                rows,
            )
    };
    let load = |rows: &str| {
        let register = with(rows);
        Units::load(&register.open(), &families()).map(|units| units.len())
    };
    assert_eq!(load("person;family\nP1;F1\nP2;F2\nP3;F9\n").unwrap(), 2);
    assert!(matches!(
        load("person;family\nP1;F1\nP1;F2\n"),
        Err(TableError::SeveralUnits { n_members: 1, .. })
    ));
    assert!(matches!(
        load("person;family\nF1;F2\n"),
        Err(TableError::SharedIds { n_ids: 1, .. })
    ));
}

#[test]
fn a_sum_that_could_wrap_is_refused() {
    let text = column("person", "text", "")
        + &column("day", "date", "")
        + &column("amount", "integer", "");
    let rows = |amount: &str| {
        format!("person;day;amount\nP1;2024-01-01;{amount}\nP2;2024-01-01;{amount}\n")
    };
    let sum = measure(
        "amounts",
        Some("day"),
        MeasureKind::Sum {
            column: "amount".into(),
        },
    );
    let unit = UnitSpec {
        name: "person".into(),
        extract: "amounts".into(),
        id: "person".into(),
        members: None,
    };
    let with = |amount| {
        let register = Register::new().with("amounts", r#"["person"]"#, &text, &rows(amount));
        let tables = register.open();
        let units = Units::load(&tables, &unit).unwrap();
        Baseline::new(&tables, &units, date("2024-07-01"))
            .measure(&sum, period("2024-01-01", "2024-02-01"))
    };
    assert_eq!(
        with("4611686018427387903").unwrap()[1].numerator,
        4_611_686_018_427_387_903
    );
    assert!(matches!(
        with("4611686018427387904"),
        Err(TableError::TooLarge { .. })
    ));
    assert!(matches!(
        with("-9223372036854775808"),
        Err(TableError::TooLarge { .. })
    ));
}

#[test]
fn a_folder_without_a_table_is_named() {
    let register = register();
    let mut folders = register.folders.clone();
    folders.get_mut("stays").unwrap().1 = register.folder.path().join("nowhere");
    let error = Tables::open(folders).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("extract `stays` has not been ingested"),
        "{error}"
    );
}

#[test]
fn a_measure_reads_as_a_plan_writes_it() {
    let text = "name = \"m\"\nextract = \"stays\"\nmember = \"person\"\nwhere = [{ column = \"kind\", equals = [\"home\"] }]\n[kind]\nkind = \"nights\"\nstart = \"start\"\nstop = \"stop\"\n";
    let spec: MeasureSpec = toml::from_str(text).unwrap();
    assert_eq!(spec.definition, nights().definition);
    assert!(toml::from_str::<MeasureSpec>(&text.replace("nights", "weeks")).is_err());
    assert!(toml::from_str::<MeasureSpec>(&(text.to_owned() + "tariff = \"x\"\n")).is_err());
}

/// A measure in the form of a plan.
fn spec(text: &str) -> Result<MeasureSpec, String> {
    let head = "name = \"m\"\nextract = \"absence\"\nmember = \"person\"\ntime = \"month\"\n";
    toml::from_str(&format!("{head}{text}")).map_err(|error| error.message().to_owned())
}

const RATIO: &str =
    "kind = { kind = \"ratio\", numerator = \"absent\", denominator = \"offered\" }\n";

#[test]
fn a_definition_that_changes_within_a_window_is_refused_chosen_or_split_as_the_plan_says() {
    let versions = |spanning: &str| {
        let count = "kind = { kind = \"sum\", column = \"absent\" }\n";
        let text = format!(
            "spanning = \"{spanning}\"\n[[version]]\nuntil = \"2024-02-01\"\n{count}[[version]]\nfrom = \"2024-02-01\"\nuntil = \"2024-09-01\"\n{count}where = [{{ column = \"person\", equals = [\"P3\"] }}]\n"
        );
        spec(&text).unwrap()
    };
    let half_year = period("2024-01-01", "2024-07-01");
    let register = register();
    let tables = register.open();
    let units = Units::load(&tables, &persons()).unwrap();
    let numerators = |spanning: &str, period: Period| {
        let tallies = tables.measure(&units, &versions(spanning), period)?;
        Ok::<_, TableError>(
            tallies
                .iter()
                .map(|tally| (tally.numerator, tally.denominator))
                .collect::<Vec<_>>(),
        )
    };
    assert_eq!(
        numerators("first-day", half_year).unwrap(),
        [(115, 1), (0, 1), (50, 1), (0, 1)]
    );
    assert_eq!(
        numerators("last-day", half_year).unwrap(),
        [(0, 1), (0, 1), (50, 1), (0, 1)]
    );
    assert_eq!(
        numerators("split", half_year).unwrap(),
        [(105, 1), (0, 1), (50, 1), (0, 1)]
    );
    assert_eq!(
        numerators("refuse", period("2024-01-01", "2024-02-01")).unwrap()[0],
        (105, 1)
    );
    let error = numerators("refuse", half_year).unwrap_err().to_string();
    assert!(error.contains("changes on 2024-02-01"), "{error}");
    let error = numerators("split", period("2024-08-01", "2024-10-01"))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("no version of its definition is valid on 2024-09-01"),
        "{error}"
    );
}

#[test]
fn a_measure_that_does_not_hold_together_is_refused_with_the_remedy() {
    let version = |dates: &str| format!("[[version]]\n{dates}\n{RATIO}");
    let exposure = |more: &str| {
        format!(
            "exposure = {{ extract = \"stays\", member = \"person\", start = \"start\", stop = \"stop\"{more} }}\n"
        )
    };
    let threshold = "kind = { kind = \"threshold\", at-least = \"0.1\", of = { kind = \"ratio\", numerator = \"absent\", denominator = \"offered\" } }\n";
    for (text, message) in [
        (String::new(), "neither a `kind` nor a `version`"),
        (
            RATIO.to_owned() + &version(""),
            "both a `kind` and versions",
        ),
        (version(""), "has versions: say what"),
        (
            "spanning = \"split\"\n".to_owned() + RATIO,
            "`spanning` says nothing",
        ),
        (
            "spanning = \"split\"\n".to_owned()
                + &version("from = \"2024-01-01\"")
                + &version("from = \"2025-01-01\""),
            "version 1 of measure `m` must",
        ),
        (
            "spanning = \"split\"\n".to_owned()
                + &version("until = \"2024-01-01\"")
                + &version("from = \"2023-01-01\""),
            "version 2 of measure `m` must",
        ),
        (
            "spanning = \"split\"\n[[version]]\n".to_owned() + threshold,
            "do not add up",
        ),
        (threshold.replace("ratio", "moon"), "unknown variant `moon`"),
        (threshold.replace("0.1", "ten"), "`ten` is no decimal"),
        (
            threshold.replace(
                "of = { kind = \"ratio\", numerator = \"absent\", denominator = \"offered\" }",
                "of = { kind = \"count\" }",
            ),
            "a threshold is `of` a ratio, sessions or a mean",
        ),
        (
            "kind = { kind = \"cost\", start = \"start\", stop = \"stop\" }".to_owned(),
            "a `tariff` or a `price-list`",
        ),
        (
            "kind = { kind = \"sessions\", code = \"mark\", present = [\"P\"], absent = [\"P\"] }"
                .to_owned(),
            "lists `P` twice",
        ),
        (
            exposure("") + "kind = { kind = \"count\" }",
            "say `per-days`",
        ),
        (
            exposure(", per-days = 365") + RATIO,
            "`per-days` says nothing",
        ),
        (
            exposure(", calendar = \"c\"") + RATIO,
            "only amounts can be set against",
        ),
        (
            exposure("") + "kind = { kind = \"first-event\", none = \"missing\" }",
            "knows no `exposure`",
        ),
    ] {
        let error = spec(&text).unwrap_err();
        assert!(error.contains(message), "{error} for {text}");
    }
}

#[test]
fn a_mark_in_no_list_is_refused_and_a_price_for_every_night_is_asked_for() {
    let text = |name| column(name, "text", "");
    let day = |name| column(name, "date", "");
    let register = Register::new()
        .with("persons", r#"["person"]"#, &text("person"), "person\nP1\n")
        .with(
            "lessons",
            r#"["person", "day"]"#,
            &(text("person") + &day("day") + &text("mark")),
            "person;day;mark\nP1;2024-01-01;P\nP1;2024-01-02;?\n",
        )
        .with(
            "stays",
            r#"["person"]"#,
            &(text("person") + &day("start") + &day("stop") + &text("kind")),
            "person;start;stop;kind\nP1;2024-01-01;2024-01-05;home\n",
        )
        .with(
            "prices",
            r#"["kind", "from"]"#,
            &(text("kind") + &day("from") + &day("until") + &column("price", "integer", "")),
            "kind;from;until;price\nhome;2024-01-01;2024-01-04;9\nward;2024-01-01;2024-01-04;9\nward;2024-01-02;;9\n",
        );
    let tables = register.open();
    let units = Units::load(&tables, &persons()).unwrap();
    let january = period("2024-01-01", "2024-02-01");
    let message = |text: &str, period: Period| {
        let spec: MeasureSpec = toml::from_str(text).unwrap();
        tables
            .measure(&units, &spec, period)
            .unwrap_err()
            .to_string()
    };
    let sessions = "name = \"m\"\nextract = \"lessons\"\nmember = \"person\"\ntime = \"day\"\nkind = { kind = \"sessions\", code = \"mark\", present = [\"P\"], absent = [\"A\"] }";
    assert!(message(sessions, january).contains("1 rows whose mark is in none of its lists"));
    let cost = "name = \"m\"\nextract = \"stays\"\nmember = \"person\"\nkind = { kind = \"cost\", start = \"start\", stop = \"stop\", price-list = { extract = \"prices\", item = \"kind\", of = \"kind\", from = \"from\", until = \"until\", price = \"price\" } }";
    assert!(message(cost, january).contains("several prices of one item"));
    let nights = "name = \"m\"\nextract = \"stays\"\nmember = \"person\"\nkind = { kind = \"nights\", start = \"start\", stop = \"stop\", calendar = \"moon\" }";
    assert!(message(nights, january).contains("no calendar `moon`"));
}

#[test]
fn a_row_counts_once_however_many_memberships_and_episodes_hold_its_day() {
    let text = |name| column(name, "text", "");
    let day = |name| column(name, "date", "");
    let with = |memberships: &str| {
        Register::new()
            .with(
                "classes",
                r#"["person", "from", "class"]"#,
                &(text("person") + &text("class") + &day("from") + &day("until")),
                memberships,
            )
            .with(
                "visits",
                r#"["person", "day"]"#,
                &(text("person") + &day("day")),
                "person;day\nP1;2024-01-10\nP1;2024-02-10\n",
            )
            .with(
                "stays",
                r#"["person", "start"]"#,
                &(text("person") + &day("start") + &day("stop")),
                "person;start;stop\nP1;2024-01-01;2024-01-20\nP1;2024-01-05;2024-01-31\n",
            )
    };
    let unit: UnitSpec = toml::from_str("name = \"class\"\nextract = \"classes\"\nid = \"class\"\nmembers = { extract = \"classes\", member = \"person\", unit = \"class\", from = \"from\", until = \"until\" }").unwrap();
    let count = "name = \"m\"\nextract = \"visits\"\nmember = \"person\"\ntime = \"day\"\nkind = { kind = \"count\" }\n";
    let exposure = "exposure = { extract = \"stays\", member = \"person\", start = \"start\", stop = \"stop\", per-days = 1 }\n";
    let rows = "person;class;from;until\nP1;A;2024-01-01;2024-01-15\nP1;A;2024-01-08;2024-02-01\nP1;B;2024-02-01;\n";
    let register = with(rows);
    let tables = register.open();
    let units = Units::load(&tables, &unit).unwrap();
    let quarter = period("2024-01-01", "2024-04-01");
    let measured = |text: &str| {
        tables
            .measure(&units, &toml::from_str(text).unwrap(), quarter)
            .unwrap()
    };
    assert_eq!(measured(count), tallies(&[(1, 1), (1, 1)]));
    assert_eq!(
        measured(&format!("{count}{exposure}")),
        tallies(&[(1, 30), (0, 0)])
    );
    let long = "person;class;from;until\nP1;A;2024-01-01;2024-06-01\nP1;A;2024-01-02;2024-01-03\nP1;B;2024-03-01;2024-04-01\n";
    let register = with(long);
    assert!(matches!(
        Units::load(&register.open(), &unit),
        Err(TableError::SeveralUnits { n_members: 1, .. })
    ));
}

#[test]
fn a_period_is_reported_when_every_group_extract_and_school_day_is_in() {
    let text = |name| column(name, "text", "");
    let day = |name| column(name, "date", "");
    let reporting = |more: &str| {
        let columns = text("person") + &day("day") + &text("town");
        Register::new()
            .with("persons", r#"["person"]"#, &text("person"), "person\nP1\n")
            .with(
                "events",
                r#"["person", "day"]"#,
                &(columns + "[reporting]\nlag = \"10 days\"\n" + more),
                "person;day;town\nP1;2024-01-01;X\n",
            )
            .with(
                "days",
                r#"["day"]"#,
                &day("day"),
                "day\n2024-09-02\n2024-09-20\n2024-09-30\n",
            )
    };
    let group = "[[reporting.group]]\ncolumn = \"town\"\nequals = [\"Y\"]\nlag = \"40 days\"\n";
    let measure = |town: &str| -> MeasureSpec {
        toml::from_str(&format!("name = \"m\"\nextract = \"events\"\nmember = \"person\"\ntime = \"day\"\nwhere = [{{ column = \"town\", equals = [\"{town}\"] }}]\nkind = {{ kind = \"any\" }}")).unwrap()
    };
    let before = |register: &Register, town: &str| {
        register.open().reported_before(&measure(town)).unwrap().1
    };
    assert_eq!(before(&reporting(""), "Y"), date("2024-09-21"));
    assert_eq!(before(&reporting(group), "Y"), date("2024-08-22"));
    assert_eq!(
        before(&reporting(group), "X"),
        date("2024-09-21"),
        "a town that is not counted may be late"
    );
    let calendar = |days: u32, until: &str| -> Vec<CalendarSpec> {
        let text = format!(
            "name = \"school\"\nextract = \"days\"\nday = \"day\"\ncovers = {{ start = \"2024-01-01\", end = \"{until}\" }}\nlag = [{{ extract = \"events\", days = {days} }}]"
        );
        vec![toml::from_str(&text).unwrap()]
    };
    let by_school = |days: u32, until: &str| {
        let register = reporting("");
        let tables = register
            .open()
            .with_calendars(&calendar(days, until))
            .unwrap();
        tables.fully_reported_before("events").unwrap()
    };
    assert_eq!(
        by_school(1, "2024-12-01"),
        date("2024-09-21"),
        "the contract's own lag is longer"
    );
    assert_eq!(by_school(2, "2024-12-01"), date("2024-09-20"));
    assert_eq!(by_school(3, "2024-12-01"), date("2024-09-02"));
    assert_eq!(
        by_school(4, "2024-12-01"),
        NaiveDate::MIN,
        "the calendar does not reach back"
    );
    assert_eq!(
        by_school(1, "2024-09-15"),
        NaiveDate::MIN,
        "the calendar ends before the delivery"
    );
}
