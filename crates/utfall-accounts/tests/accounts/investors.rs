//! What investors get.

use std::collections::BTreeMap;

use proptest::prelude::*;
use utfall_accounts::{Account, Action, Terms, waterfall};

use super::{TERMS, book, due, pay, try_do};

/// A senior and two junior investors, one of them guaranteed by half; at most 10 % return; the charity gets the rest.
fn terms() -> String {
    let bank = "[[party]]\nname = \"bank\"\nrole = \"investor\"";
    let investors = "[[party]]\nname = \"bank\"\nrole = \"investor\"\nrank = 1\n\
        [[party]]\nname = \"fund\"\nrole = \"investor\"\nrank = 2\nguarantor = \"foundation\"\nguaranteed-basis-points = 5000\n\
        [[party]]\nname = \"friends\"\nrole = \"investor\"\nrank = 2\n\
        [[party]]\nname = \"foundation\"\nrole = \"guarantor\"";
    TERMS
        .replace(bank, investors)
        .replace(
            "clawback = false",
            "clawback = false\nreturn-cap-basis-points = 1000\nresidual = \"charity\"",
        )
        .replace("cap = \"1000\"", "cap = \"100000\"")
}

fn shares(total: i128) -> Vec<(i128, i128)> {
    let terms = Terms::from_toml(&terms()).unwrap();
    let capital = BTreeMap::from(
        [("bank", 1_000), ("fund", 600), ("friends", 300)].map(|(n, c)| (n.to_owned(), c)),
    );
    waterfall(&terms, &capital, total)
        .iter()
        .map(|payout| (payout.principal, payout.earned))
        .collect()
}

#[test]
fn capital_goes_by_rank_then_the_return_then_the_rest() {
    assert_eq!(shares(500), [(500, 0), (0, 0), (0, 0), (0, 0)]);
    assert_eq!(shares(1_450), [(1_000, 0), (300, 0), (150, 0), (0, 0)]);
    assert_eq!(shares(1_900), [(1_000, 0), (600, 0), (300, 0), (0, 0)]);
    assert_eq!(shares(1_950), [(1_000, 50), (600, 0), (300, 0), (0, 0)]);
    assert_eq!(shares(2_045), [(1_000, 100), (600, 30), (300, 15), (0, 0)]);
    assert_eq!(
        shares(2_500),
        [(1_000, 100), (600, 60), (300, 30), (0, 410)]
    );
}

#[test]
fn a_guarantor_makes_good_its_part_of_what_is_lost_at_the_end() {
    let mut book = book(&terms());
    for (investor, amount) in [("bank", "1000"), ("fund", "600"), ("friends", "300")] {
        try_do(
            &mut book,
            investor,
            Action::Invest {
                amount: amount.to_owned(),
            },
        )
        .unwrap();
    }
    try_do(
        &mut book,
        "office",
        Action::Spend {
            provider: "charity".to_owned(),
            amount: "1900".to_owned(),
        },
    )
    .unwrap();
    pay(&mut book, "a", due("outcomes", "1090"));
    try_do(&mut book, "office", Action::Distribute { last: true }).unwrap();
    let position = book.position();
    let of = |place: usize| {
        let investor = &position.investors[place];
        (
            investor.repaid.plain(),
            investor.return_basis_points.unwrap(),
        )
    };
    assert_eq!(of(0), ("1000.00".to_owned(), 0));
    // 60 of 600 came back, and half of the capital is guaranteed.
    assert_eq!(of(1), ("360.00".to_owned(), -4_000));
    assert_eq!(of(2), ("30.00".to_owned(), -9_000));
    assert_eq!(
        book.balance(&Account::Guarantor("foundation".to_owned())),
        -30_000
    );
    assert_eq!(book.balances().values().sum::<i128>(), 0);
    // Every contract ends: nothing follows the last distribution.
    let before = book.clone();
    let more = try_do(
        &mut book,
        "bank",
        Action::Invest {
            amount: "1".to_owned(),
        },
    );
    assert_eq!(
        more.unwrap_err(),
        "the last distribution was made, and nothing follows it"
    );
    assert_eq!(book, before);
}

proptest! {
    #[test]
    fn a_waterfall_gives_out_all_there_is_and_nobody_more_than_due(
        capital in prop::collection::vec(0..10_000i128, 3),
        total in 0..60_000i128,
    ) {
        let terms = Terms::from_toml(&terms()).unwrap();
        let names = ["bank", "fund", "friends"];
        let capital: BTreeMap<String, i128> = names.iter().zip(capital).map(|(n, c)| ((*n).to_owned(), c)).collect();
        let payouts = waterfall(&terms, &capital, total);
        prop_assert_eq!(payouts.iter().map(|payout| payout.principal + payout.earned).sum::<i128>(), total);
        for payout in payouts.iter().filter(|payout| payout.party != "charity") {
            prop_assert!((0..=capital[&payout.party]).contains(&payout.principal));
            prop_assert!((0..=capital[&payout.party] / 10).contains(&payout.earned));
        }
        if total < capital["bank"] {
            prop_assert!(payouts[1..].iter().all(|payout| payout.principal + payout.earned == 0));
        }
    }
}
