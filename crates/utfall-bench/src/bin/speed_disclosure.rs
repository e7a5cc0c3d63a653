//! Time and growth of disclosure control: tables protected and attacked, by their size and shape.
//!
//! For each it prints the counts protected, the cells suppressed beside them, the time, and how it grows
//! with the cells. A table of 100 × 100 with margins is to take less than a second.
//!
//! Machines differ and are shared: read the ratios and the growth, not the seconds.

#![allow(clippy::print_stdout, reason = "a bench talks to a terminal")]

use std::error::Error;
use std::time::{Duration, Instant};

use utfall_disclosure::{Dimension, Policy, Row, Table, TableSet};

/// Codes of each dimension, and one in how many counts is small.
const SHAPES: &[(&[usize], u64)] = &[
    (&[50, 50], 7),
    (&[100, 100], 7),
    (&[200, 200], 7),
    (&[100, 100], 50),
    (&[100, 100], 1_000),
    (&[8, 8, 8], 7),
    (&[16, 16, 16], 7),
    (&[16, 16, 16], 50),
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("policy: ACRO's defaults; margins of every kind; median of three");
    println!(
        "{:>14} {:>8} {:>10} {:>11} {:>9} {:>10} {:>12}",
        "table", "small", "protected", "suppressed", "proved", "seconds", "µs per cell"
    );
    for (shape, one_in) in SHAPES {
        let set = set(shape, *one_in)?;
        let mut times = Vec::new();
        let mut audit = None;
        for _ in 0..3 {
            let start = Instant::now();
            audit = Some(set.protect(&Policy::acro(), &[])?.audit);
            times.push(start.elapsed());
        }
        times.sort();
        let Some(audit) = audit else { continue };
        let exact = if audit.n_exact == audit.n_protected {
            "exactly"
        } else {
            "within"
        };
        let sides: Vec<String> = shape.iter().map(usize::to_string).collect();
        println!(
            "{:>14} {:>8} {:>10} {:>11} {:>9} {:>10.3} {:>12.1}",
            sides.join(" × "),
            format!("1 in {one_in}"),
            audit.n_protected,
            audit.n_suppressed,
            exact,
            times[1].as_secs_f64(),
            per_cell(times[1], audit.n_released),
        );
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "for a table on a terminal")]
fn per_cell(time: Duration, n_cells: u64) -> f64 {
    time.as_secs_f64() * 1e6 / n_cells as f64
}

/// A table whose counts look random: one in so many is below ten, the others are up to 200.
fn set(shape: &[usize], one_in: u64) -> Result<TableSet, String> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut below = |n: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % n
    };
    let names: Vec<String> = (0..shape.len()).map(|place| format!("d{place}")).collect();
    let mut places: Vec<Vec<String>> = vec![Vec::new()];
    for n_codes in shape {
        places = places
            .iter()
            .flat_map(|at| {
                (0..*n_codes).map(move |code| {
                    let mut at = at.clone();
                    at.push(format!("c{code}"));
                    at
                })
            })
            .collect();
    }
    let rows = places.into_iter().map(|at| {
        let n = if below(one_in) == 0 {
            below(10)
        } else {
            10 + below(190)
        };
        Row { at, n, sum: None }
    });
    let dimensions = names.iter().zip(shape);
    let dimensions = dimensions.map(|(name, n_codes)| {
        Dimension::flat(name.clone(), (0..*n_codes).map(|code| format!("c{code}")))
    });
    Ok(TableSet {
        tables: vec![Table {
            name: "table".to_owned(),
            population: "persons".to_owned(),
            measure: None,
            dimensions: names.clone(),
            behind: false,
            rows: rows.collect(),
        }],
        dimensions: dimensions.collect::<Result<_, _>>()?,
        differences: Vec::new(),
    })
}
