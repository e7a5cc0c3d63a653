//! The same answer for any number of threads and, as far as a request promises it, for any order of rows.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use utfall_request::{Answer, Request, estimate};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/cases/requests")
}

/// Requests of golden cases: the first of each published number, and all without a number.
fn requests() -> BTreeMap<String, serde_json::Value> {
    let mut seen = BTreeSet::new();
    let mut names: Vec<String> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let is_first = |name: &String| {
        let mut parts = name
            .split('-')
            .filter(|part| !["panels", "events"].contains(part));
        let number = parts.next().unwrap_or_default();
        let has_number = number.len() == 3 && number[1..].parse::<u8>().is_ok();
        let area = name.split('-').next().unwrap_or_default();
        !has_number || seen.insert(format!("{area} {number}"))
    };
    names.retain(is_first);
    let read = |name: String| {
        let text = std::fs::read_to_string(folder().join(&name)).unwrap();
        let mut case: serde_json::Value = toml::from_str(&text).unwrap();
        draw_less(&mut case);
        (name, case["request"].take())
    };
    names.into_iter().map(read).collect()
}

/// Few replicates, as only their bytes are compared.
fn draw_less(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::Object(parts) => {
            for (key, part) in parts {
                match part.as_u64() {
                    Some(n) if key == "replicates" => *part = n.min(40).into(),
                    _ => draw_less(part),
                }
            }
        }
        serde_json::Value::Array(parts) => parts.iter_mut().for_each(draw_less),
        _ => {}
    }
}

fn answer(request: &serde_json::Value) -> Answer {
    let request = Request::from_json("request", &request.to_string()).unwrap();
    estimate(&request, &folder()).unwrap()
}

fn text(answer: &Answer) -> String {
    serde_json::to_string(answer).unwrap()
}

#[test]
fn threads_change_no_byte_of_any_answer() {
    let with = |request: &serde_json::Value, n: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(n)
            .build()
            .unwrap();
        pool.install(|| text(&answer(request)))
    };
    let requests = requests();
    assert!(requests.len() > 150);
    for (name, request) in requests {
        let one = with(&request, 1);
        for n in [2, 8] {
            assert_eq!(with(&request, n), one, "{name} with {n} threads");
        }
    }
}

/// The numbers of a request without an `id` or a `unit` that hang on the order of rows: what is drawn
/// for one row after the other.
fn is_drawn(key: &str) -> bool {
    ["_boot", "_band", "_draw", "critical_value"]
        .iter()
        .any(|part| key.contains(part))
}

/// Cases whose rows mean something by their place, and what.
const BY_PLACE: [(&str, &str); 2] = [
    (
        "bootstrap-given-rows-alo-jackknife",
        "draws name rows by number",
    ),
    ("panels-A62-honestdid-bc", "rows are those of a matrix"),
];

#[test]
fn rows_in_another_order_give_the_same_bytes_with_an_id_and_the_same_numbers_without() {
    let scratch = tempfile::tempdir().unwrap();
    let (mut n_with_id, mut n_without) = (0, 0);
    for (name, mut request) in requests() {
        let Some(data) = request["data"].as_str().map(str::to_owned) else {
            continue;
        };
        if BY_PLACE.iter().any(|(case, _)| name.starts_with(case)) {
            continue;
        }
        let plain = answer(&request);
        let shuffled = scratch.path().join("shuffled.csv");
        std::fs::write(&shuffled, reordered(&folder().join(data))).unwrap();
        request["data"] = shuffled.display().to_string().into();
        let other = answer(&request);
        if request.get("id").is_some() {
            n_with_id += 1;
            assert_eq!(text(&other), text(&plain), "{name}");
            continue;
        }
        n_without += 1;
        assert_eq!(other.numbers.flat().count(), plain.numbers.flat().count());
        let has_units = request["staggered"].get("unit").is_some();
        let compared = |key: &str| has_units || !is_drawn(key);
        for (key, value) in plain.numbers.flat().filter(|(key, _)| compared(key)) {
            let found = other.numbers.get(&key).unwrap_or(f64::NAN);
            // Variances of the mixed model are where a search ends, and so are the weights of a
            // Poisson regression beside four fixed effects.
            let is_searched = key.starts_with("mixed") || name.contains("-ppml-");
            let most = if is_searched { 1e-6 } else { 1e-9 };
            assert!(
                (found - value).abs() <= most * value.abs().max(1e-3),
                "{name}: {key} is {found}, expected {value}"
            );
        }
    }
    assert!(n_with_id > 30 && n_without > 100, "{n_with_id} {n_without}");
}

/// The lines of a file in an order that mixes them, below its header.
fn reordered(file: &Path) -> String {
    let text = std::fs::read_to_string(file).unwrap();
    let mut lines = text.lines();
    let header = lines.next().unwrap();
    let mixed = |number: u64| number.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29);
    let mut lines: Vec<(u64, &str)> = (1..).map(mixed).zip(lines).collect();
    lines.sort_unstable();
    let lines = lines.into_iter().map(|(_, line)| line);
    let mut all: Vec<&str> = std::iter::once(header).chain(lines).collect();
    all.push("");
    all.join("\n")
}
