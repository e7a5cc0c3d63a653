//! Published vectors, and how often ordinary columns are taken for identity numbers.

use proptest::prelude::*;

use super::number::{Sighting, sight};
use super::*;

fn is_valid(kind: IdentityKind, text: &str) -> bool {
    number::may_be_number(text.as_bytes())
        && sight(kind, text.as_bytes()).is_some_and(Sighting::is_valid)
}

fn verdict<S: AsRef<str>>(cells: impl IntoIterator<Item = S>) -> Option<Verdict> {
    let mut guard = ColumnGuard::default();
    for (line, cell) in (2..).zip(cells) {
        guard.observe(cell.as_ref().as_bytes(), line);
    }
    guard.verdict()
}

/// A small generator for tests: splitmix64, <https://prng.di.unimi.it/splitmix64.c>.
struct Draws(u64);

impl Draws {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }
}

#[test]
fn swedish_vectors_come_out() {
    use IdentityKind::SwedishPersonalNumber as Kind;
    // Skatteverket's published test numbers and its own examples.
    for valid in [
        "090527+1474",
        "20000229-2399",
        "19570428-9999",
        "195704289999",
        "5704289999",
        "811218-9876",
        "19701063-2391",
        "701063-2391",
    ] {
        assert!(is_valid(Kind, valid), "{valid}");
    }
    // Serial 000, a wrong check, 29 February 1900, a month 13, a misplaced hyphen.
    for invalid in [
        "20150916-0006",
        "19700428-9895",
        "19000229-2399",
        "571328-9999",
        "5704-289999",
        "811218-9875",
    ] {
        assert!(!is_valid(Kind, invalid), "{invalid}");
    }
}

#[test]
fn danish_vectors_come_out() {
    use IdentityKind::DanishCpr as Kind;
    // 070761-4285 is the CPR office's example; the last, of a 1 January, fails modulus 11.
    for valid in ["070761-4285", "0707614285", "010165-4001"] {
        assert!(is_valid(Kind, valid), "{valid}");
    }
    for invalid in ["070761-4286", "310261-4285", "020165-4001"] {
        assert!(!is_valid(Kind, invalid), "{invalid}");
    }
}

#[test]
fn norwegian_finnish_and_british_vectors_come_out() {
    use IdentityKind::{
        FinnishPersonalIdentityCode, NationalInsuranceNumber, NhsNumber, NorwegianBirthNumber,
    };
    for (kind, valid, invalid) in [
        (NorwegianBirthNumber, "01019000164", "01019000165"),
        (NorwegianBirthNumber, "010190 00164", "310290 00164"),
        (FinnishPersonalIdentityCode, "131052-308T", "131052-308U"),
        (FinnishPersonalIdentityCode, "131052A308T", "131352A308T"),
        (NhsNumber, "943 476 5919", "943 476 5918"),
        (NhsNumber, "9434765919", "9434765910"),
        (NationalInsuranceNumber, "AB 12 34 56 C", "BG 12 34 56 C"),
        (NationalInsuranceNumber, "AB123456C", "AB123456E"),
    ] {
        assert!(is_valid(kind, valid), "{valid}");
        assert!(!is_valid(kind, invalid), "{invalid}");
    }
}

#[test]
fn one_number_with_its_separator_is_enough() {
    let mut cells = vec!["P0000001"; 1000];
    cells[700] = "19570428-9999";
    let expected = Verdict {
        kind: IdentityKind::SwedishPersonalNumber,
        n_rows: 1,
        first_line: 702,
    };
    assert_eq!(verdict(cells), Some(expected));
}

#[test]
fn a_column_of_bare_numbers_is_refused_even_among_others() {
    let real = ["5704289999", "0002292399", "8112189876"];
    assert!(verdict(real).is_some());
    let mut draws = Draws(1);
    let mixed = (0..4000).map(|i| {
        let stem = format!(
            "{:02}{:02}{:02}{:03}",
            i % 97,
            1 + i % 12,
            1 + i % 28,
            1 + i % 999
        );
        let fits = |digit: &u64| {
            is_valid(
                IdentityKind::SwedishPersonalNumber,
                &format!("{stem}{digit}"),
            )
        };
        match (0..10).find(fits).filter(|_| i % 10 == 0) {
            Some(digit) => format!("{stem}{digit}"),
            None => format!("{:010}", draws.below(10_000_000_000)),
        }
    });
    assert!(verdict(mixed).is_some());
}

#[test]
fn half_the_cells_is_too_many() {
    assert!(verdict(["5704289999", "x"]).is_some());
    assert!(verdict(["5704289999", "x", "y"]).is_none());
}

/// One column of ordinary numbers, by kind.
fn ordinary(kind: usize, n_rows: u64, draws: &mut Draws) -> Vec<String> {
    let start = draws.below(9_000_000_000);
    let digits = [9, 10, 11, 12][draws.below(4) as usize];
    (0..n_rows)
        .map(|i| match kind {
            0 => format!("{:0digits$}", draws.below(10_u64.pow(digits as u32))),
            1 => format!("{:010}", start + i),
            2 => format!(
                "{}{:02}{:02}{:02}{:02}",
                2015 + draws.below(10),
                1 + draws.below(12),
                1 + draws.below(28),
                draws.below(24),
                draws.below(60)
            ),
            3 => format!(
                "{:02}{:02}{:02}{:02}{:02}",
                15 + draws.below(10),
                1 + draws.below(12),
                1 + draws.below(28),
                draws.below(24),
                draws.below(60)
            ),
            4 => format!("07{:08}", draws.below(100_000_000)),
            _ => format!("55{:08}", draws.below(100_000_000)),
        })
        .collect()
}

#[test]
fn ordinary_numeric_columns_are_rarely_refused() {
    let mut draws = Draws(7);
    let names = [
        "random",
        "serial",
        "timestamps with century",
        "timestamps",
        "mobile phones",
        "organisations",
    ];
    for (kind, name) in names.into_iter().enumerate() {
        for n_rows in [20, 200, 2000] {
            let n_columns = 400_000 / n_rows;
            let n_refused = (0..n_columns)
                .filter(|_| verdict(ordinary(kind, n_rows, &mut draws)).is_some())
                .count();
            println!("{name}, {n_rows} rows: {n_refused} of {n_columns} columns refused");
            assert!(
                n_refused as u64 * 1000 <= n_columns,
                "{name}, {n_rows} rows: {n_refused} of {n_columns}"
            );
        }
    }
}

#[test]
fn tails_of_the_binomial_are_exact() {
    // R 4.2.2: pbinom(4, 10, 0.2, lower.tail = FALSE), pbinom(39, 1000, 1/11, lower.tail = FALSE),
    // pbinom(149, 1000, 0.1, lower.tail = FALSE).
    for (n_hits, n, share, expected) in [
        (5, 10, 0.2, 0.032_793_497_6),
        (3, 3, 0.1, 1e-3),
        (0, 5, 0.1, 1.0),
        (1, 1024, 0.1, 1.0),
    ] {
        let found = upper_tail(n_hits, n, share);
        assert!((found - expected).abs() < 1e-10, "{found} for {expected}");
    }
}

/// Case numbers YYMMDD-NNNN, numbered from 1 on every day.
fn case_numbers(n: u64, draws: &mut Draws) -> Vec<String> {
    (0..n)
        .map(|_| {
            format!(
                "{:02}{:02}{:02}-{:04}",
                15 + draws.below(10),
                1 + draws.below(12),
                1 + draws.below(28),
                1 + draws.below(80)
            )
        })
        .collect()
}

#[test]
fn case_numbers_that_look_like_personal_numbers_are_rarely_refused_unless_real_ones_are_many() {
    let mut draws = Draws(11);
    for (n_rows, most) in [(20, 10), (200, 1), (2000, 1)] {
        let n_columns = 2_000;
        let refused =
            (0..n_columns).filter(|_| verdict(case_numbers(n_rows, &mut draws)).is_some());
        let n_refused = refused.count();
        println!("case numbers, {n_rows} rows: {n_refused} of {n_columns} columns refused");
        assert!(
            n_refused <= most,
            "{n_rows} rows: {n_refused} of {n_columns}"
        );
    }
    let mut cells = case_numbers(1000, &mut draws);
    let mut real = 0;
    for cell in &mut cells {
        if draws.below(4) == 0 {
            // A real number: a case number with the check digit that fits.
            let fits = |digit: &u64| {
                is_valid(
                    IdentityKind::SwedishPersonalNumber,
                    &format!("{}{digit}", &cell[..10]),
                )
            };
            let digit = (0..10).find(fits).unwrap_or(0);
            *cell = format!("{}{digit}", &cell[..10]);
            real += 1;
        }
    }
    assert!(verdict(&cells).is_some(), "{real} real numbers among 1000");
}

#[test]
fn a_value_that_comes_often_counts_once() {
    // One case number that passes by chance, on most rows, among nine others that do not.
    let mut cells = vec!["570428-9999".to_owned(); 500];
    cells.extend(
        (0..9)
            .map(|i| format!("57042{i}-9998"))
            .filter(|cell| !is_valid(IdentityKind::SwedishPersonalNumber, cell)),
    );
    assert!(verdict(&cells).is_none());
}

#[test]
fn numbers_of_another_register_with_the_same_check_do_not_pass_for_persons() {
    let mut draws = Draws(5);
    let with_check = |draws: &mut Draws| {
        let stem = format!("{:09}", draws.below(1_000_000_000));
        let fits = |digit: &u64| {
            sight(
                IdentityKind::SwedishPersonalNumber,
                format!("{stem}{digit}").as_bytes(),
            )
            .is_some_and(|sighting| sighting.checked)
        };
        let digit = (0..10).find(fits).unwrap_or(0);
        format!("{stem}{digit}")
    };
    let invoices: Vec<String> = (0..2000).map(|_| with_check(&mut draws)).collect();
    assert_eq!(verdict(&invoices).map(|verdict| verdict.kind), None);
}

#[test]
fn british_pupils_icelanders_and_norwegians_from_2032_are_seen() {
    use IdentityKind::{IcelandicKennitala, NorwegianBirthNumber, UniquePupilNumber};
    for (kind, valid, invalid) in [
        (UniquePupilNumber, "B801200005001", "A801200005001"),
        (IcelandicKennitala, "120174-3399", "120174-3389"),
        (IcelandicKennitala, "1201743399", "120174-3391"),
    ] {
        assert!(is_valid(kind, valid), "{valid}");
        assert!(!is_valid(kind, invalid), "{invalid}");
    }
    // Skatteetaten's worked examples: by the old check, by both, and by the new one alone.
    for valid in ["31129956715", "02013299997", "30108299920", "30108299939"] {
        assert!(is_valid(NorwegianBirthNumber, valid), "{valid}");
    }
    for invalid in ["30108299938", "30108299930", "31129956716"] {
        assert!(!is_valid(NorwegianBirthNumber, invalid), "{invalid}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_the_guard_fail(cells in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..16), 0..20)) {
        let mut guard = ColumnGuard::default();
        for cell in &cells {
            guard.observe(cell, 2);
        }
        let _ = guard.verdict();
    }

    #[test]
    fn parts_of_a_column_add_up(cells in prop::collection::vec("[0-9]{10}|5704289999|570428-9999", 0..40), cut in 0_usize..40) {
        let cut = cut.min(cells.len());
        let (mut whole, mut left, mut right) = (ColumnGuard::default(), ColumnGuard::default(), ColumnGuard::default());
        for (i, cell) in cells.iter().enumerate() {
            whole.observe(cell.as_bytes(), i as u64);
            if i < cut { left.observe(cell.as_bytes(), i as u64) } else { right.observe(cell.as_bytes(), i as u64) }
        }
        right.merge(&left);
        prop_assert_eq!(right.verdict(), whole.verdict());
    }
}
