//! Random relations give the same exact numbers on Polars, row by row, and as SQL on SQLite.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rusqlite::types::ValueRef;
use tempfile::TempDir;

use super::reference::{Owned, Reference};
use super::*;
use crate::column_data::{ColumnData, TextColumn};
use crate::table_writer::TableWriter;

/// A row of either table: a key, a second text, a number and a day.
type Cells = (Option<u8>, u8, Option<i64>, Option<i32>);

/// The same two tables on three engines.
struct Engines {
    _folder: TempDir,
    tables: [PathBuf; 2],
    reference: Reference,
    sqlite: rusqlite::Connection,
}

const NAMES: [&str; 2] = ["first", "the \"second\""];

impl Engines {
    fn new(rows: [&[Cells]; 2]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let tables = [0, 1].map(|i| folder.path().join(format!("{i}.parquet")));
        let sqlite = rusqlite::Connection::open_in_memory().unwrap();
        let mut reference = Reference::default();
        for ((path, rows), name) in tables.iter().zip(rows).zip(NAMES) {
            write(path, rows);
            let owned = rows.iter().map(owned).collect();
            reference.tables.insert(path.clone(), owned);
            let quoted = name.replace('"', "\"\"");
            let create = format!(
                "CREATE TABLE \"{quoted}\" (key TEXT, note TEXT, amount BIGINT, day BIGINT)"
            );
            sqlite.execute(&create, []).unwrap();
            for row in rows {
                let insert = format!("INSERT INTO \"{quoted}\" VALUES (?, ?, ?, ?)");
                let (key, note) = (row.0.map(text), text(row.1));
                sqlite
                    .execute(&insert, rusqlite::params![key, note, row.2, row.3])
                    .unwrap();
            }
        }
        Self {
            _folder: folder,
            tables,
            reference,
            sqlite,
        }
    }

    fn scan(&self, table: usize, prefix: &str) -> Relation {
        let kinds = [
            ("key", StoredType::Text),
            ("note", StoredType::Text),
            ("amount", StoredType::Integer),
            ("day", StoredType::Date),
        ];
        Relation::Scan {
            name: NAMES[table].to_owned(),
            table: self.tables[table].clone(),
            columns: kinds
                .into_iter()
                .map(|(stored, kind)| ScanColumn {
                    stored: stored.to_owned(),
                    name: format!("{prefix}{stored}"),
                    kind,
                })
                .collect(),
        }
    }

    fn on_sqlite(&self, relation: &Relation) -> Vec<Vec<Owned>> {
        let text = sql(relation, DateForm::Days);
        let mut statement = self.sqlite.prepare(&text).expect(&text);
        let n_columns = statement.column_count();
        let rows = statement.query_map([], |row| {
            (0..n_columns)
                .map(|i| {
                    Ok(match row.get_ref(i)? {
                        ValueRef::Null => Owned::Missing,
                        ValueRef::Integer(value) => Owned::Integer(value),
                        ValueRef::Text(text) => {
                            Owned::Text(String::from_utf8(text.to_vec()).unwrap())
                        }
                        other => panic!("{other:?} from {text}"),
                    })
                })
                .collect()
        });
        sorted(rows.unwrap().map(Result::unwrap).collect())
    }
}

fn text(code: u8) -> String {
    ["a", "b", "it's", "\"å\""][usize::from(code % 4)].to_owned()
}

fn owned(row: &Cells) -> BTreeMap<String, Owned> {
    let number = |value: Option<i64>| value.map_or(Owned::Missing, Owned::Integer);
    let texts = [row.0.map(text), Some(text(row.1))];
    let texts = texts.map(|text| text.map_or(Owned::Missing, Owned::Text));
    let [key, note] = texts;
    let values = [key, note, number(row.2), number(row.3.map(i64::from))];
    let names = ["key", "note", "amount", "day"].map(str::to_owned);
    names.into_iter().zip(values).collect()
}

fn write(path: &std::path::Path, rows: &[Cells]) {
    let columns = [
        ("key", StoredType::Text),
        ("note", StoredType::Text),
        ("amount", StoredType::Integer),
        ("day", StoredType::Date),
    ];
    let mut writer = TableWriter::create(path, &columns).unwrap();
    let (mut keys, mut notes) = (TextColumn::default(), TextColumn::default());
    for row in rows {
        keys.push(row.0.map(text).as_deref());
        notes.push(Some(&text(row.1)));
    }
    let batch = vec![
        ColumnData::Text(keys),
        ColumnData::Text(notes),
        ColumnData::Integer(rows.iter().map(|row| row.2).collect()),
        ColumnData::Date(rows.iter().map(|row| row.3).collect()),
    ];
    writer.write(batch).unwrap();
    writer.finish().unwrap();
}

fn run(engine: &dyn Engine, relation: &Relation) -> Result<Vec<Vec<Owned>>, EngineError> {
    let mut rows = Vec::new();
    engine.run(relation, &mut |row| {
        let owned = row.iter().map(|value| match value {
            Value::Missing => Owned::Missing,
            Value::Integer(value) => Owned::Integer(*value),
            Value::Text(text) => Owned::Text((*text).to_owned()),
        });
        rows.push(owned.collect());
    })?;
    Ok(sorted(rows))
}

fn sorted(mut rows: Vec<Vec<Owned>>) -> Vec<Vec<Owned>> {
    rows.sort();
    rows
}

/// What a column holds, for making questions that fit.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Text,
    Integer,
    Day,
}

/// Makes a relation out of a list of choices.
struct Maker<'a> {
    choices: std::slice::Iter<'a, u8>,
    engines: &'a Engines,
    n_joined: usize,
}

impl Maker<'_> {
    fn pick(&mut self, n: usize) -> usize {
        usize::from(*self.choices.next().unwrap_or(&0)) % n.max(1)
    }

    fn relation(&mut self) -> Relation {
        let mut relation = self.engines.scan(0, "");
        let mut columns = columns("");
        while self.choices.len() > 0 {
            (relation, columns) = self.step(relation, columns);
        }
        relation
    }

    fn step(&mut self, input: Relation, columns: Columns) -> (Relation, Columns) {
        match self.pick(6) {
            0 => {
                let condition = self.condition(&columns, 2);
                (input.filter(vec![condition]), columns)
            }
            1 => self.joined(input, columns),
            2 => self.grouped(input, &columns),
            3 => {
                let value = self.case(&columns);
                let mut projected: Vec<(&str, Expression)> = columns
                    .iter()
                    .map(|(name, _)| (name.as_str(), Expression::column(name)))
                    .collect();
                let name = format!("c{}", columns.len());
                projected.push((&name, value));
                let relation = input.project(projected);
                let mut columns = columns;
                columns.push((name, Kind::Integer));
                (relation, columns)
            }
            4 if self.n_joined < 2 => {
                let condition = self.condition(&columns, 1);
                let other = input.clone().filter(vec![condition]);
                (Relation::Union(vec![input, other]), columns)
            }
            _ => {
                // Grouped rows are told apart by what they are grouped by.
                let (input, mut columns) = self.grouped(input, &columns);
                let Relation::Group { by, .. } = &input else {
                    return (input, columns);
                };
                let by: Vec<String> = by.clone();
                let order: Vec<&str> = by.iter().map(String::as_str).collect();
                let name = format!("p{}", columns.len());
                columns.push((name.clone(), Kind::Integer));
                let within = self.pick(order.len() + 1);
                let numbered = input.number(&order[..within], &order[within..], &name);
                (numbered, columns)
            }
        }
    }

    fn joined(&mut self, input: Relation, mut columns: Columns) -> (Relation, Columns) {
        let texts = named(&columns, Kind::Text);
        if texts.is_empty() || self.n_joined == 2 {
            return (input, columns);
        }
        self.n_joined += 1;
        let prefix = format!("j{}", self.n_joined);
        let left = texts[self.pick(texts.len())].clone();
        let right = format!("{prefix}key");
        let kinds = [
            JoinKind::Inner,
            JoinKind::Left,
            JoinKind::Semi,
            JoinKind::Anti,
        ];
        let kind = kinds[self.pick(4)];
        let relation = input.join(kind, self.engines.scan(1, &prefix), &[(&left, &right)]);
        if matches!(kind, JoinKind::Inner | JoinKind::Left) {
            let added = self::columns(&prefix);
            columns.extend(added.into_iter().filter(|(name, _)| *name != right));
        }
        (relation, columns)
    }

    fn grouped(&mut self, input: Relation, columns: &Columns) -> (Relation, Columns) {
        let n_by = self.pick(3).min(columns.len());
        let by: Columns = columns[..n_by].to_vec();
        let condition = self.condition(columns, 1);
        let numbers = named(columns, Kind::Integer);
        let mut aggregates = vec![
            Aggregate::count("n"),
            Aggregate::count("nw").when(condition.clone()),
        ];
        for (i, number) in numbers.iter().take(2).enumerate() {
            aggregates.push(Aggregate::sum(&format!("s{i}"), number));
            aggregates.push(Aggregate::sum(&format!("t{i}"), number).when(condition.clone()));
            aggregates.push(Aggregate::minimum(&format!("m{i}"), number));
            aggregates.push(Aggregate::maximum(&format!("x{i}"), number).when(condition.clone()));
        }
        for day in named(columns, Kind::Day).iter().take(1) {
            aggregates.push(Aggregate::minimum("first", day));
        }
        // A name may not come twice.
        aggregates.retain(|aggregate| by.iter().all(|(name, _)| *name != aggregate.name));
        let mut result = by.clone();
        result.extend(aggregates.iter().map(|aggregate| {
            let kind = if aggregate.name == "first" {
                Kind::Day
            } else {
                Kind::Integer
            };
            (aggregate.name.clone(), kind)
        }));
        let names: Vec<&str> = by.iter().map(|(name, _)| name.as_str()).collect();
        (input.group(&names, aggregates), result)
    }

    fn case(&mut self, columns: &Columns) -> Expression {
        let condition = self.condition(columns, 2);
        let numbers = named(columns, Kind::Integer);
        let value = match numbers.first() {
            Some(number) => {
                Expression::Coalesce(vec![Expression::column(number), Expression::Integer(-7)])
            }
            None => Expression::Integer(1),
        };
        Expression::Case(vec![(condition, value)], Box::new(Expression::Integer(0)))
    }

    fn condition(&mut self, columns: &Columns, depth: usize) -> Condition {
        let (name, kind) = columns[self.pick(columns.len())].clone();
        let choice = self.pick(if depth > 0 { 6 } else { 3 });
        let value = self.pick(4);
        match choice {
            0 => Condition::present(&name),
            1 | 2 => match kind {
                Kind::Text => Condition::text_among(&name, &[text(value as u8), text(0)]),
                Kind::Integer => {
                    let comparison = [
                        Comparison::Less,
                        Comparison::Equal,
                        Comparison::AtLeast,
                        Comparison::Greater,
                    ][value];
                    Condition::compare(&name, comparison, Expression::Integer(value as i64 - 1))
                }
                Kind::Day if value.is_multiple_of(2) => {
                    Condition::after_or_open(&name, value as i32)
                }
                Kind::Day => Condition::before(&name, value as i32),
            },
            3 => Condition::Not(Box::new(self.condition(columns, depth - 1))),
            4 => Condition::Any(vec![
                self.condition(columns, depth - 1),
                self.condition(columns, depth - 1),
            ]),
            _ => Condition::All(vec![
                self.condition(columns, depth - 1),
                self.condition(columns, depth - 1),
            ]),
        }
    }
}

type Columns = Vec<(String, Kind)>;

fn columns(prefix: &str) -> Columns {
    [
        ("key", Kind::Text),
        ("note", Kind::Text),
        ("amount", Kind::Integer),
        ("day", Kind::Day),
    ]
    .into_iter()
    .map(|(name, kind)| (format!("{prefix}{name}"), kind))
    .collect()
}

fn named(columns: &Columns, kind: Kind) -> Vec<String> {
    let found = columns.iter().filter(|(_, found)| *found == kind);
    found.map(|(name, _)| name.clone()).collect()
}

fn cells() -> impl Strategy<Value = Vec<Cells>> {
    let cell = (
        prop::option::weighted(0.8, 0_u8..4),
        0_u8..4,
        prop::option::weighted(
            0.8,
            prop_oneof![-3_i64..4, any::<i32>().prop_map(i64::from)],
        ),
        prop::option::weighted(0.8, -2_i32..5),
    );
    prop::collection::vec(cell, 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn every_engine_gives_the_same_exact_numbers(
        first in cells(), second in cells(), choices in prop::collection::vec(any::<u8>(), 0..24),
    ) {
        same_numbers([&first, &second], &choices);
    }
}

fn same_numbers(tables: [&[Cells]; 2], choices: &[u8]) {
    let engines = Engines::new(tables);
    let maker = Maker {
        choices: choices.iter(),
        engines: &engines,
        n_joined: 0,
    };
    let relation = { maker }.relation();
    let question = sql(&relation, DateForm::Date);
    let expected = run(&engines.reference, &relation).unwrap();
    let polars = run(&Polars, &relation).unwrap();
    assert_eq!(polars, expected, "{question}");
    assert_eq!(engines.on_sqlite(&relation), expected, "{question}");
}

#[test]
fn a_number_of_a_question_has_its_type_over_a_table_without_rows() {
    let choices = [5, 109, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 158, 34, 0, 12, 0, 1];
    same_numbers([&[], &[(None, 0, None, None)]], &choices);
}

#[test]
fn positions_in_an_order_with_ties_are_refused() {
    let rows = [(Some(0), 0, Some(1), None), (Some(0), 0, Some(1), None)];
    let engines = Engines::new([&rows, &[]]);
    let relation = engines.scan(0, "").number(&["key"], &["amount"], "p");
    assert_eq!(run(&Polars, &relation), Err(EngineError::tied()));
    assert_eq!(run(&engines.reference, &relation), Err(EngineError::tied()));
}

#[test]
fn a_sum_is_checked_where_its_values_are_stored_unless_a_join_repeats_them() {
    let half = i64::MAX / 2;
    let rows = [
        (Some(0), 0, Some(half), None),
        (Some(0), 0, Some(half), None),
    ];
    let keys = [(Some(0), 0, None, None), (Some(0), 0, None, None)];
    let engines = Engines::new([&rows, &keys]);
    let fits = |relation: &Relation| {
        let sources = sum_sources(relation);
        sources
            .iter()
            .all(|source| check_sums(&Polars, source).unwrap())
    };
    let sum = || vec![Aggregate::sum("s", "amount")];
    let plain = engines.scan(0, "").group(&["key"], sum());
    assert!(fits(&plain));
    let other = engines.scan(1, "j");
    let semi = engines
        .scan(0, "")
        .join(JoinKind::Semi, other.clone(), &[("key", "jkey")]);
    assert_eq!(
        sum_sources(&semi.group(&["key"], sum())),
        sum_sources(&plain)
    );
    let repeated = engines
        .scan(0, "")
        .join(JoinKind::Inner, other, &[("key", "jkey")])
        .group(&["key"], sum());
    assert!(!fits(&repeated), "each value comes twice");
}

#[test]
fn the_text_keeps_to_the_portable_subset() {
    let engines = Engines::new([&[], &[]]);
    let relation = engines
        .scan(0, "")
        .filter(vec![Condition::from("day", 19_967)])
        .group(
            &["key"],
            vec![Aggregate::sum("s", "amount").when(Condition::present("day"))],
        );
    assert_eq!(
        sql(&relation, DateForm::Date),
        r#"WITH step0 AS (
  SELECT "key" AS "key", "note" AS "note", "amount" AS "amount", "day" AS "day" FROM "first"
),
step1 AS (
  SELECT * FROM step0 WHERE ("day" >= CAST('2024-09-01' AS DATE))
),
step2 AS (
  SELECT "key", COALESCE(SUM("amount") FILTER (WHERE "day" IS NOT NULL), 0) AS "s" FROM step1 GROUP BY "key"
)
SELECT * FROM step2"#
    );
}
