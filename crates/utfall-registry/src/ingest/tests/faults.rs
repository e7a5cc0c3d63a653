//! Faults planted by a generator: each is found in one pass at its place, and nothing else.

use std::collections::BTreeSet;

use super::*;

/// splitmix64, <https://prng.di.unimi.it/splitmix64.c>.
struct Draws(u64);

impl Draws {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % n as u64) as usize
    }
}

/// A fault: cell and what to put there, and what should be said of it.
type Fault = (usize, &'static str, &'static str, Option<&'static str>);

const FAULTS: [Fault; 19] = [
    (0, "", "required", Some("LopNr")),
    (0, "P\0", "control-character", Some("LopNr")),
    (1, "20240931", "type", Some("Manad")),
    (1, "2024-09-01", "type", Some("Manad")),
    (1, "19991231", "minimum", Some("Manad")),
    (1, "..", "required", Some("Manad")),
    (2, "a\u{81}b", "encoding", Some("Kommun")),
    (2, "a;b", "ragged", None),
    (2, "\"a\"b", "quote", Some("Kommun")),
    (3, "Q", "code", Some("Skola")),
    (3, "x", "required", Some("Skola")),
    (4, "1.5", "type", Some("Erbjuden")),
    (4, "1 000,5", "type", Some("Erbjuden")),
    (4, "1,55", "decimals", Some("Erbjuden")),
    (4, "-0,1", "minimum", Some("Erbjuden")),
    (4, "744,1", "maximum", Some("Erbjuden")),
    (5, "9223372036854775808", "type", Some("Dagar")),
    (5, "1,0", "type", Some("Dagar")),
    (7, "20240801", "not-before", Some("Stopp")),
];

/// Rules found, by line.
type Found = BTreeSet<(u64, String)>;

fn plant(seed: u64) -> (Vec<u8>, Found) {
    let mut draws = Draws(seed);
    let mut planted = Found::new();
    let mut bytes = HEADER.as_bytes().to_vec();
    let mut line = 2;
    for i in 0..1200 {
        let mut cells: Vec<String> = [
            "",
            "20240901",
            "Malmö \u{e5}",
            "G",
            "120,5",
            "3",
            "20240901",
            "20240910",
        ]
        .map(str::to_owned)
        .to_vec();
        cells[0] = format!("P{i:05}");
        if draws.below(3) == 0 {
            cells[2] = "\"two\nlines; \"\"quoted\"\"\"".to_owned();
        }
        let (mut rules, mut copies) = (Vec::new(), 1);
        if i % 20 == 7 {
            match draws.below(FAULTS.len() + 2) {
                kind if kind < FAULTS.len() => {
                    let (cell, text, rule, column) = FAULTS[kind];
                    cells[cell] = text.to_owned();
                    rules.push(column.map_or(rule.to_owned(), |column| format!("{rule}:{column}")));
                }
                kind => copies = kind - FAULTS.len() + 2,
            }
        }
        for copy in 0..copies {
            if copies == 3 {
                cells[5] = copy.to_string();
            }
            let text = cells.join(";");
            let rule = match copies {
                2 if copy == 1 => Some("duplicate-row".to_owned()),
                3 => Some("key-conflict".to_owned()),
                _ => None,
            };
            planted.extend(rules.iter().cloned().chain(rule).map(|rule| (line, rule)));
            line += 1 + text.matches('\n').count() as u64;
            bytes.extend(text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()));
            bytes.push(b'\n');
        }
    }
    (bytes, planted)
}

/// What the quarantine says, by line.
fn found(bench: &Bench) -> Found {
    let text = std::fs::read(bench.out().join("quarantine.csv")).unwrap();
    let marks = record::Marks {
        delimiter: b',',
        quote: Some(b'"'),
        comment: None,
    };
    let mut records = record::Records::new(&text, marks, 1);
    records.advance();
    let mut found = Found::new();
    while let Some(record) = records.advance() {
        let cell = |i| String::from_utf8(record.cell(i).to_vec()).unwrap();
        let line = cell(1).parse().unwrap();
        found.extend(cell(2).split(" | ").map(|rule| (line, rule.to_owned())));
    }
    found
}

#[test]
fn every_planted_fault_is_found_at_its_place_and_no_other() {
    let mut kinds = BTreeSet::new();
    for seed in 0..10 {
        let (bytes, planted) = plant(seed);
        let bench = Bench::new(CONTRACT).with("a.csv", "2024-10-01", DeliveryStatus::Final, bytes);
        let report = bench.ingest().unwrap();
        assert!(planted.len() >= 50, "{} faults", planted.len());
        assert_eq!(found(&bench), planted, "seed {seed}");
        for rule in &report.rules {
            let name = rule
                .column
                .as_ref()
                .map_or(rule.rule.to_string(), |column| {
                    format!("{}:{column}", rule.rule)
                });
            let lines: Vec<u64> = planted
                .iter()
                .filter(|(_, rule)| *rule == name)
                .map(|(line, _)| *line)
                .collect();
            assert_eq!(rule.n_rows, lines.len() as u64);
            let named: Vec<u64> = rule.first_locators.iter().map(|place| place.line).collect();
            assert_eq!(named, lines[..lines.len().min(5)]);
        }
        let delivery = &report.deliveries[0];
        assert_eq!(
            delivery.n_rows,
            delivery.n_accepted + delivery.n_superseded + delivery.n_quarantined
        );
        kinds.extend(planted.into_iter().map(|(_, rule)| rule));
    }
    println!(
        "{} kinds of fault planted and found: {kinds:?}",
        kinds.len()
    );
    assert!(kinds.len() >= 15);
}
