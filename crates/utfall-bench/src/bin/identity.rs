//! How often the identity guard refuses a column in vain, and how often it sees real numbers.
//!
//! Columns of ordinary numbers are drawn at random: serials, case numbers, phone numbers, dates,
//! amounts, numbers of other registers. None holds an identity number, so each refusal is a false
//! alarm. Then valid Swedish numbers, made from random dates, are strewn into two of them.

#![allow(clippy::print_stdout, reason = "a bench talks to a terminal")]

use clap::Parser;
use utfall_registry::identity_numbers;
use utfall_stats::draws::Stream;

/// False alarms and sightings of the identity guard
#[derive(Debug, Parser)]
struct Args {
    /// Columns drawn of each kind and size
    #[arg(long, default_value_t = 2000)]
    columns: u32,
}

/// A kind of column: its name, and one value of it.
type Kind = (&'static str, fn(&mut Draws, u64) -> String);

const ORDINARY: [Kind; 11] = [
    ("random, 10 digits", |draws, _| {
        format!("{:010}", draws.below(10_000_000_000))
    }),
    ("random, 11 digits", |draws, _| {
        format!("{:011}", draws.below(100_000_000_000))
    }),
    ("serials, 10 digits", |_, row| {
        format!("{:010}", 1_000_000_000 + row)
    }),
    ("serials by seven", |_, row| {
        format!("{:010}", 1_000_000_000 + 7 * row)
    }),
    ("case numbers YYMMDD-NNNN", |draws, _| {
        format!("{}-{:04}", draws.date(), 1 + draws.below(80))
    }),
    ("case numbers YYMMDDNNNN", |draws, _| {
        format!("{}{:04}", draws.date(), 1 + draws.below(80))
    }),
    ("timestamps YYMMDDHHMM", |draws, _| {
        format!(
            "{}{:02}{:02}",
            draws.date(),
            draws.below(24),
            draws.below(60)
        )
    }),
    ("mobile phones", |draws, _| {
        format!("07{:08}", draws.below(100_000_000))
    }),
    ("organisation numbers", |draws, _| {
        // The third digit is 2 or more, so that no month stands there.
        let third = 2 + draws.below(8);
        with_luhn(&format!("55{third}{:06}", draws.below(1_000_000)), "-")
    }),
    ("invoices with Luhn's check", |draws, _| {
        with_luhn(&format!("{:09}", draws.below(1_000_000_000)), "")
    }),
    ("amounts in minor units", |draws, _| {
        draws.below(9_999_999_999).to_string()
    }),
];

fn main() {
    let args = Args::parse();
    println!(
        "{:<28}{:>10}{:>10}{:>10}",
        "refused in vain, per 1000", "20 rows", "200", "2000"
    );
    for (stream, (name, value)) in (0..).zip(ORDINARY) {
        print!("{name:<28}");
        for (size, n_rows) in [20, 200, 2000].into_iter().enumerate() {
            let mut draws = Draws::new(stream * 8 + size as u64);
            let refused = (0..args.columns).filter(|_| {
                let column = (0..n_rows).map(|row| value(&mut draws, row));
                identity_numbers(column.collect::<Vec<_>>()).is_some()
            });
            print!("{:>10.1}", per_thousand(refused.count(), args.columns));
        }
        println!();
    }
    println!(
        "\n{:<28}{:>10}{:>10}{:>10}{:>10}",
        "seen among 1000, per 1000", "10 real", "50", "200", "1000"
    );
    for (stream, (name, value)) in [(100, ORDINARY[0]), (101, ORDINARY[4])] {
        print!("{name:<28}");
        for n_real in [10, 50, 200, 1000] {
            let mut draws = Draws::new(stream * 2000 + n_real);
            let seen = (0..args.columns.min(500)).filter(|_| {
                let column = (0..1000).map(|row| {
                    if row >= n_real {
                        return value(&mut draws, row);
                    }
                    let separator = if value(&mut draws, row).contains('-') {
                        "-"
                    } else {
                        ""
                    };
                    let stem = format!("{}{:03}", draws.birth(), 1 + draws.below(999));
                    with_luhn(&stem, separator)
                });
                identity_numbers(column.collect::<Vec<_>>()).is_some()
            });
            print!(
                "{:>10.1}",
                per_thousand(seen.count(), args.columns.min(500))
            );
        }
        println!();
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of columns are small")]
fn per_thousand(n: usize, of: u32) -> f64 {
    1000.0 * n as f64 / f64::from(of)
}

/// Nine digits with the tenth that fits, and a separator after six.
fn with_luhn(stem: &str, separator: &str) -> String {
    let sum: u32 = stem
        .bytes()
        .enumerate()
        .map(|(i, byte)| {
            let value = u32::from(byte - b'0') * if i % 2 == 0 { 2 } else { 1 };
            if value > 9 { value - 9 } else { value }
        })
        .sum();
    let (date, serial) = stem.split_at(6);
    format!("{date}{separator}{serial}{}", (10 - sum % 10) % 10)
}

/// Numbers drawn at random, the same in every run.
struct Draws(Stream);

impl Draws {
    fn new(stream: u64) -> Self {
        Self(Stream::new(7, "identity", stream))
    }

    fn below(&mut self, n: u64) -> u64 {
        self.0.below(n)
    }

    fn date(&mut self) -> String {
        let (year, month, day) = (self.below(10), self.below(12), self.below(28));
        format!("{:02}{:02}{:02}", 15 + year, 1 + month, 1 + day)
    }

    fn birth(&mut self) -> String {
        let (year, month, day) = (self.below(100), self.below(12), self.below(28));
        format!("{year:02}{:02}{:02}", 1 + month, 1 + day)
    }
}
