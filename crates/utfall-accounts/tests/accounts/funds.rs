//! A municipal fund over time.

use utfall_accounts::Fund;

const FUND: &str = include_str!("../../examples/fund/fund.toml");

#[test]
fn a_fund_shows_balance_commitments_and_repayments_by_budget() {
    let fund = Fund::from_toml(FUND).unwrap();
    let plain: Vec<[String; 4]> = fund
        .days
        .iter()
        .map(|day| {
            [day.balance, day.committed, day.free, day.repaid]
                .map(|money| (money.minor_units() / 10_000_000).to_string())
        })
        .collect();
    // In hundred thousands, by hand: balance, committed, free, repaid.
    let expected = [
        ["100", "0", "100", "0"],
        ["50", "30", "20", "0"],
        ["25", "55", "-30", "0"],
        ["5", "35", "-30", "0"],
        ["48", "35", "13", "43"],
        ["50", "37", "13", "43"],
    ];
    assert_eq!(plain, expected);
    let last = fund.days.last().unwrap();
    assert_eq!(
        (last.balance.plain(), last.committed.plain()),
        ("5050000.00".to_owned(), "3750000.00".to_owned())
    );
    let schools = &fund.departments[0];
    assert_eq!(
        (schools.repaid.plain(), schools.expected.plain()),
        ("3200000.00".to_owned(), "6500000.00".to_owned())
    );
}

#[test]
fn the_picture_is_well_formed_and_of_the_whole_course() {
    let fund = Fund::from_toml(FUND).unwrap();
    let svg = fund.svg();
    assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
    assert_eq!(
        svg.matches("<path d=\"M60 ").count(),
        4,
        "the axis and three lines"
    );
    assert!(svg.contains("2022-12-01") && svg.contains("2025-01-31"));
    let odd = FUND.replace("example municipality", "A & <B>");
    assert!(
        Fund::from_toml(&odd)
            .unwrap()
            .svg()
            .contains("A &amp; &lt;B&gt;")
    );
}

#[test]
fn a_fund_that_cannot_be_is_refused_with_its_line() {
    for (from, to, expected) in [
        (
            "day = \"2023-02-01\"",
            "day = \"2022-02-01\"",
            "line 31: 2022-02-01 lies before 2022-12-01",
        ),
        (
            "amount = \"5000000\"",
            "amount = \"8000001\"",
            "line 31: 8 000 001.00 SEK is more than the 8 000 000.00 SEK left",
        ),
        (
            "amount = \"10000000\"",
            "amount = \"1000000\"",
            "line 31: 5 000 000.00 SEK is more than the fund holds",
        ),
        ("amount = \"250000\"", "amount = \"9000000\"", "gives back"),
        (
            "department = \"schools\"",
            "department = \"parks\"",
            "no department `parks`",
        ),
        (
            "contract = \"early-support\"",
            "contract = \"parks\"",
            "no contract `parks`",
        ),
        (
            "begins = \"2023-01-01\"",
            "begins = \"2024-01-01\"",
            "begins on 2024-01-01",
        ),
        (
            "amount = \"250000\"",
            "amount = \"-1\"",
            "expected one of 0 or more",
        ),
        (
            "kind = \"deposit\"",
            "kind = \"deposit\"\ncontract = \"early-support\"",
            "names neither",
        ),
        ("\"SEK\"", "\"KR\"", "line 5: unknown currency `KR`"),
    ] {
        let error = Fund::from_toml(&FUND.replacen(from, to, 1))
            .unwrap_err()
            .to_string();
        assert!(error.contains(expected), "{expected}: {error}");
    }
}
