//! Denver, from capital to return.

use utfall_accounts::{Book, Terms, read_events};

const TERMS: &str = include_str!("../../examples/denver/terms.toml");
const EVENTS: &str = include_str!("../../examples/denver/events.toml");

#[test]
fn denver_pays_9_638_911_36_on_8_600_000() {
    let mut book = Book::new(Terms::from_toml(TERMS).unwrap());
    for (line, event) in read_events(EVENTS).unwrap() {
        book.record(event)
            .unwrap_or_else(|error| panic!("line {line}: {error}"));
    }
    let payments: Vec<i128> = book
        .entries()
        .iter()
        .filter(|entry| entry.event.action.word() == "pays")
        .map(|entry| {
            entry
                .postings
                .iter()
                .map(|posting| posting.minor_units.max(0))
                .sum()
        })
        .collect();
    assert_eq!(payments, [391_393_296, 62_097_840, 510_400_000]);
    let position = book.position();
    assert_eq!(position.paid.plain(), "9638911.36");
    assert_eq!(position.held.plain(), "0.00");
    let investors = &position.investors[0];
    assert_eq!(investors.invested.plain(), "8600000.00");
    assert_eq!(investors.repaid.plain(), "8600000.00");
    assert_eq!(investors.earned.plain(), "1038911.36");
    assert_eq!(investors.return_basis_points, Some(1_208));
    // One payment out on 2016-01-15 and one back 2,008 days later: 1.12080…^(365/2008) − 1.
    let expected = libm::pow(9_638_911.36 / 8_600_000.0, 365.0 / 2_008.0) - 1.0;
    assert!((investors.internal_rate_of_return.unwrap() - expected).abs() < 1e-12);
    assert_eq!(position.liabilities[1].outstanding.plain(), "0.00");
    assert!(position.open_requests.is_empty());
}

#[test]
fn before_its_final_payments_denver_still_owes_what_is_expected() {
    let mut book = Book::new(Terms::from_toml(TERMS).unwrap());
    for (_, event) in read_events(EVENTS).unwrap().into_iter().take(8) {
        book.record(event).unwrap();
    }
    let outstanding: Vec<String> = book
        .position()
        .liabilities
        .iter()
        .map(|liability| liability.outstanding.plain())
        .collect();
    assert_eq!(outstanding, ["0.00", "5724978.40"]);
}
