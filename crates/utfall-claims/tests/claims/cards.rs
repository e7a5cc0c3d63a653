//! What claims are worth, and which cards are refused.

use proptest::prelude::*;
use utfall_claims::{Claim, Evaluation, RateCard, Reason, Spell, claim_rows, evaluate, spell_rows};

use super::{claim, day};

/// Rough sleepers, case 15: at most 19,000 for a person; a milestone counts once, wellbeing excepted.
const ROUGH_SLEEPERS: &str = r#"
schema = "utfall.rate-card/1"
name = "rough-sleepers"
title = "Rough sleepers"
currency = "GBP"
verified = true
period = { start = "2017-01-01", end = "2021-01-01" }

[[holiday]]
start = "2018-12-24"
end = "2019-01-02"

[[line]]
id = "wellbeing"
title = "Better wellbeing"
price = "400"
repeats = "every"

[[line]]
id = "entry"
title = "Entry to accommodation"
price = "600"
repeats = "first"

[[line]]
id = "tenancy"
title = "Accommodation sustained"
price = "9000"
repeats = "first"
after = "entry"
sustained = { state = "tenancy", days = 90, gap-days = 0, holidays = "counted" }

[[line]]
id = "work"
title = "Work"
price = "9200"
repeats = "first"

[[cap]]
id = "person"
per = "person"
amount = "19000"
"#;

fn card(text: &str) -> RateCard {
    RateCard::from_toml(text).unwrap_or_else(|errors| panic!("{errors}"))
}

fn due(evaluation: &Evaluation) -> Vec<i128> {
    evaluation
        .outcomes
        .iter()
        .map(|outcome| outcome.due_minor_units / 100)
        .collect()
}

fn tenancy(start: &str, end: Option<&str>) -> Spell {
    Spell {
        person: "p".to_owned(),
        state: "tenancy".to_owned(),
        start: day(start),
        end: end.map(day),
    }
}

#[test]
fn lines_that_add_up_to_19_600_pay_19_000() {
    let card = card(ROUGH_SLEEPERS);
    let claims = [
        claim("a", "p", "entry", "2018-01-01"),
        claim("b", "p", "entry", "2018-01-02"),
        claim("c", "p", "wellbeing", "2018-01-03"),
        claim("d", "p", "wellbeing", "2018-02-03"),
        claim("e", "p", "tenancy", "2018-06-01"),
        claim("f", "p", "work", "2018-07-01"),
    ];
    let spells = [tenancy("2018-01-01", None)];
    let evaluation = evaluate(&card, &claims, &spells, day("2020-01-01"));
    // 600 + 400 + 400 + 9,000 + 9,200 = 19,600: the last is cut by 600.
    assert_eq!(due(&evaluation), [600, 0, 400, 400, 9_000, 8_600]);
    assert_eq!(evaluation.total.to_string(), "19 000.00 GBP");
    assert_eq!(evaluation.outcomes[1].reason, Some(Reason::Repeated));
    assert_eq!(evaluation.outcomes[5].reason, Some(Reason::Capped(0)));
}

#[test]
fn a_tenancy_lost_at_80_days_is_paid_once_the_clock_has_run_anew() {
    let card = card(ROUGH_SLEEPERS);
    let claims = [
        claim("a", "p", "entry", "2018-01-01"),
        claim("b", "p", "tenancy", "2018-04-01"),
        claim("c", "p", "tenancy", "2018-06-28"),
        claim("d", "p", "tenancy", "2018-06-29"),
    ];
    let spells = [
        tenancy("2018-01-01", Some("2018-03-22")),
        tenancy("2018-04-01", None),
    ];
    let evaluation = evaluate(&card, &claims, &spells, day("2020-01-01"));
    assert_eq!(due(&evaluation), [600, 0, 0, 9_000]);
    assert_eq!(evaluation.outcomes[2].reason, Some(Reason::NotSustained));
    let too_early = evaluate(&card, &claims, &spells, day("2018-06-28"));
    assert_eq!(
        due(&too_early),
        [600, 0, 0, 0],
        "the last day is not known yet"
    );
}

fn with_deadweight(deadweight: &str) -> RateCard {
    let from = "price = \"600\"\nrepeats = \"first\"";
    card(&ROUGH_SLEEPERS.replace(from, &format!("{from}\ndeadweight = {deadweight}")))
}

#[test]
fn a_share_that_would_have_happened_anyway_is_not_paid_for_and_leaves_no_rounding_behind() {
    // Case 16, Troubled Families: one sixth is deducted; of 7 × 600 = 4,200 there is 3,500 left.
    let card = with_deadweight("{ share = \"1/6\", rounding = \"half-even\" }");
    let claims: Vec<Claim> = (1..=7)
        .map(|n| {
            claim(
                &format!("c{n}"),
                &format!("p{n}"),
                "entry",
                &format!("2018-01-0{n}"),
            )
        })
        .collect();
    let whole = evaluate(&card, &claims, &[], day("2020-01-01"));
    assert_eq!(due(&whole), [500; 7]);
    assert_eq!(whole.total.to_string(), "3 500.00 GBP");
    assert_eq!(whole.outcomes[0].reason, Some(Reason::Deadweight));
    assert_eq!(whole.outcomes[0].full_minor_units, 60_000);
    assert_eq!(whole.lines[1].n_counted, 7);
    // A share that leaves fractions: each asking pays what is left in all, rounded once.
    let card = with_deadweight("{ share = \"0.333331\", rounding = \"floor\" }");
    for n in 1..=7 {
        let part = evaluate(&card, &claims[..n], &[], day("2020-01-01"));
        let n = i128::try_from(n).unwrap();
        assert_eq!(part.total.minor_units(), n * 60_000 * 666_669 / 1_000_000);
    }
}

#[test]
fn the_first_units_that_would_have_happened_anyway_are_not_paid_for_and_count() {
    let card = with_deadweight("{ units = 2 }");
    let claims = [
        claim("late", "p3", "entry", "2018-01-03"),
        claim("a", "p1", "entry", "2018-01-01"),
        claim("again", "p1", "entry", "2018-01-02"),
        claim("b", "p2", "entry", "2018-01-02"),
        claim("c", "p1", "tenancy", "2018-06-01"),
    ];
    let mut spell = tenancy("2018-01-01", None);
    spell.person = "p1".to_owned();
    let evaluation = evaluate(&card, &claims, &[spell], day("2020-01-01"));
    assert_eq!(due(&evaluation), [600, 0, 0, 0, 9_000]);
    let reasons: Vec<Option<Reason>> = evaluation.outcomes.iter().map(|one| one.reason).collect();
    let anyway = Some(Reason::Deadweight);
    assert_eq!(
        reasons,
        [None, anyway, Some(Reason::Repeated), anyway, None]
    );
}

#[test]
fn a_milestone_pays_only_after_the_one_before_it() {
    let card = card(ROUGH_SLEEPERS);
    let claims = [claim("a", "p", "tenancy", "2018-06-01")];
    let evaluation = evaluate(
        &card,
        &claims,
        &[tenancy("2018-01-01", None)],
        day("2020-01-01"),
    );
    assert_eq!(evaluation.outcomes[0].reason, Some(Reason::WithoutEarlier));
}

/// Chicago's child–parent centres, case 7: 2,900 a child, at most 500,000 a year.
#[test]
fn chicago_pays_2_900_a_child_up_to_500_000_a_year() {
    let card = card(
        r#"
schema = "utfall.rate-card/1"
name = "chicago"
title = "Child-parent centres"
currency = "USD"
verified = true
period = { start = "2015-01-01", end = "2017-01-01" }
[[line]]
id = "ready"
title = "Ready for kindergarten"
price = "2900"
repeats = "first"
[[cap]]
id = "2015"
per = "contract"
amount = "500000"
period = { start = "2015-01-01", end = "2016-01-01" }
[[cap]]
id = "2016"
per = "contract"
amount = "500000"
period = { start = "2016-01-01", end = "2017-01-01" }
"#,
    );
    let children = |n: usize, year: &str| -> Vec<Claim> {
        (0..n)
            .map(|i| {
                claim(
                    &format!("{year}-{i:03}"),
                    &format!("{year}-{i}"),
                    "ready",
                    &format!("{year}-06-01"),
                )
            })
            .collect()
    };
    for (n, expected) in [(172, 498_800), (173, 500_000), (188, 500_000)] {
        let evaluation = evaluate(&card, &children(n, "2015"), &[], day("2020-01-01"));
        assert_eq!(evaluation.total.minor_units(), expected * 100, "{n}");
    }
    let both = [children(188, "2015"), children(172, "2016")].concat();
    let evaluation = evaluate(&card, &both, &[], day("2020-01-01"));
    assert_eq!(evaluation.total.minor_units(), 99_880_000);
}

#[test]
fn a_claim_that_does_not_count_says_why() {
    let text = ROUGH_SLEEPERS.replace(
        "verified = true",
        "verified = true\nsubmit-within-days = 30",
    );
    let card = card(&text);
    let mut claims = vec![
        claim("a", "p", "wellbeing", "2018-01-01"),
        claim("b", "p", "wellbeing", "2018-01-01"),
        claim("c", "p", "wellbeing", "2018-01-01"),
        claim("d", "p", "wellbeing", "2021-01-01"),
        claim("e", "p", "wellbeing", "2018-01-01"),
        claim("f", "p", "wellbeing", "2018-01-01"),
    ];
    claims[0].verified = None;
    claims[1].withdrawn = true;
    claims[2].submitted_on = day("2018-02-01");
    claims[5].supersedes = Some("e".to_owned());
    let evaluation = evaluate(&card, &claims, &[], day("2022-01-01"));
    let reasons: Vec<_> = evaluation
        .outcomes
        .iter()
        .map(|outcome| outcome.reason)
        .collect();
    let expected = [
        Some(Reason::NotVerified),
        Some(Reason::Withdrawn),
        Some(Reason::Late),
        Some(Reason::OutsidePeriod),
        Some(Reason::Superseded),
        None,
    ];
    assert_eq!(reasons, expected);
}

#[test]
fn a_price_holds_from_its_day_on() {
    let text = ROUGH_SLEEPERS.replacen(
        "price = \"400\"\nrepeats = \"every\"",
        "repeats = \"every\"\nprice-from = [{ day = \"2018-01-01\", price = \"400\" }, { day = \"2019-01-01\", price = \"450.50\" }]",
        1,
    );
    let card = card(&text);
    let claims = [
        claim("a", "p", "wellbeing", "2017-12-31"),
        claim("b", "p", "wellbeing", "2018-12-31"),
        claim("c", "p", "wellbeing", "2019-01-01"),
    ];
    let evaluation = evaluate(&card, &claims, &[], day("2020-01-01"));
    let due: Vec<_> = evaluation
        .outcomes
        .iter()
        .map(|outcome| outcome.due_minor_units)
        .collect();
    assert_eq!(due, [0, 40_000, 45_050]);
    assert_eq!(evaluation.outcomes[0].reason, Some(Reason::NoPrice));
}

#[test]
fn a_card_that_is_wrong_is_refused_with_every_line_that_is() {
    let broken = ROUGH_SLEEPERS
        .replace("\"GBP\"", "\"GBP\" # as published")
        .replace(
            "start = \"2017-01-01\", end = \"2021-01-01\"",
            "start = \"2021-01-01\", end = \"2017-01-01\"",
        )
        .replace("after = \"entry\"", "after = \"work\"")
        .replace("price = \"9200\"", "price = \"-9200\"")
        .replace("amount = \"19000\"", "amount = \"19000.005\"");
    let errors = RateCard::from_toml(&broken).unwrap_err().to_string();
    let lines: Vec<&str> = errors.lines().collect();
    assert_eq!(lines.len(), 4, "{errors}");
    assert!(
        lines[0].starts_with("line 7, column 40: the window from 2021-01-01"),
        "{errors}"
    );
    assert!(
        lines[1].starts_with("line 30, column 9: no line called `work`"),
        "{errors}"
    );
    assert!(lines[2].contains("an amount of -9 200.00 GBP"), "{errors}");
    assert!(
        lines[3].contains("`19000.005` is no amount of GBP"),
        "{errors}"
    );
    for (from, to, expected) in [
        ("\"GBP\"", "\"GBX\"", "unknown currency `GBX`"),
        (
            "rate-card/1",
            "rate-card/2",
            "expected `utfall.rate-card/1`",
        ),
        (
            "id = \"work\"",
            "id = \"entry\"",
            "a second line called `entry`",
        ),
        ("days = 90", "days = 0", "0 days"),
        ("gap-days = 0, ", "", "missing field `gap-days`"),
        (
            "price = \"600\"",
            "price = \"600\"\ndeadweight = { share = \"7/6\", rounding = \"floor\" }",
            "line 23, column 24: `7/6` is no fraction",
        ),
        (
            "price = \"600\"",
            "price = \"600\"\ndeadweight = { share = \"1/6\" }",
            "line 23, column 14: expected either `units`, or `share` and `rounding`",
        ),
        (
            "price = \"600\"",
            "price = \"600\"\ndeadweight = { units = 1, share = \"1/6\", rounding = \"floor\" }",
            "expected either `units`, or `share` and `rounding`",
        ),
        (
            "price = \"600\"",
            "price = \"600\"\ndeadweight = { units = -1 }",
            "line 23",
        ),
        (
            "per = \"person\"",
            "per = \"household\"",
            "unknown variant `household`",
        ),
        (
            "per = \"person\"",
            "per = \"person\"\nlines = [\"tennis\"]",
            "no line is called `tennis`",
        ),
        (
            "title = \"Work\"",
            "title = \"Work\"\ncolour = \"red\"",
            "unknown field `colour`",
        ),
        (
            "price = \"600\"",
            "price = \"99999999999999\"",
            "expected one between",
        ),
        (
            "repeats = \"every\"",
            "repeats = \"at-most\"",
            "repeats at most how often?",
        ),
    ] {
        let errors = RateCard::from_toml(&ROUGH_SLEEPERS.replacen(from, to, 1))
            .unwrap_err()
            .to_string();
        assert!(
            errors.contains(expected) && errors.starts_with("line "),
            "{expected}: {errors}"
        );
    }
}

#[test]
fn rows_that_are_wrong_are_refused_with_their_lines_and_no_cell() {
    let header = "id,person,line,achieved,quantity,evidence,submitted_by,submitted_on\n";
    let rows = "a,secret,entry,2018-01-01,0,,x,2018-01-02\n\
                b,secret,entry,2018-01-01,-3,,x,2018-01-02\n\
                c,secret,entry,2018-13-01,1,,x,2018-01-02\n\
                d,secret,entry,2018-01-03,1,,x,2018-01-02\n\
                e,secret,entry,2018-01-01,1,abc,x,2018-01-02\n\
                f,,entry,2018-01-01,1,,x,2018-01-02\n\
                g,secret,entry\n\
                h,secret,entry,2018-01-01,,,x,2018-01-02\n";
    let error = claim_rows(format!("{header}{rows}").as_bytes())
        .unwrap_err()
        .to_string();
    let lines: Vec<&str> = error.lines().collect();
    let expected = [
        "line 2: `quantity`",
        "line 3: `quantity`",
        "line 4: `achieved`",
        "line 5: submitted before",
        "line 6: `evidence`",
        "line 7: `person` is empty",
        "line 8: not as many fields",
    ];
    assert_eq!(lines.len(), expected.len(), "{error}");
    for (line, expected) in lines.iter().zip(expected) {
        assert!(line.starts_with(expected), "{line}");
    }
    assert!(!error.contains("secret"));
    let error = claim_rows("id,person\n".as_bytes())
        .unwrap_err()
        .to_string();
    assert_eq!(error, "line 1: no column `line`, expected one");
    let error =
        spell_rows("person,state,start,end\np,t,2018-01-02,2018-01-02\n".as_bytes()).unwrap_err();
    assert_eq!(error.to_string(), "line 2: the spell ends before it starts");
}

prop_compose! {
    fn claims()(
        draws in prop::collection::vec((0..5u8, 0..4usize, 0..1_000u64, any::<bool>()), 0..60)
    ) -> Vec<Claim> {
        let lines = ["wellbeing", "entry", "tenancy", "work"];
        draws.into_iter().enumerate().map(|(i, (person, line, after, verified))| {
            let achieved = day("2018-01-01") + chrono::Days::new(after);
            let mut claim = claim(&format!("c{i}"), &format!("p{person}"), lines[line], "2018-01-01");
            (claim.achieved, claim.submitted_on) = (achieved, achieved);
            claim.verified = claim.verified.filter(|_| verified);
            claim
        }).collect()
    }
}

proptest! {
    /// Caps hold, nothing is due twice, and neither the order of claims nor a second evaluation changes anything.
    #[test]
    fn any_claims_are_paid_within_their_caps_in_any_order(claims in claims(), turn in 0..60usize) {
        let card = card(ROUGH_SLEEPERS);
        let spells = [tenancy("2018-01-01", None)];
        let until = day("2021-06-01");
        let evaluation = evaluate(&card, &claims, &spells, until);
        prop_assert_eq!(&evaluation, &evaluate(&card, &claims, &spells, until));
        let sum: i128 = evaluation.outcomes.iter().map(|outcome| outcome.due_minor_units).sum();
        prop_assert_eq!(sum, evaluation.total.minor_units());
        for person in 0..5 {
            let person = format!("p{person}");
            let of_person = || claims.iter().zip(&evaluation.outcomes).filter(|(claim, _)| claim.person == person);
            let paid: i128 = of_person().map(|(_, outcome)| outcome.due_minor_units).sum();
            prop_assert!((0..=1_900_000).contains(&paid));
            for line in ["entry", "tenancy", "work"] {
                let n = of_person().filter(|(claim, outcome)| claim.line == line && outcome.counts()).count();
                prop_assert!(n <= 1);
            }
        }
        for outcome in &evaluation.outcomes {
            prop_assert!((0..=outcome.full_minor_units).contains(&outcome.due_minor_units));
            prop_assert_eq!(outcome.reason.is_none(), outcome.due_minor_units == outcome.full_minor_units && outcome.full_minor_units > 0);
        }
        let mut turned = claims.clone();
        if !turned.is_empty() {
            let by = turn % turned.len();
            turned.rotate_left(by);
            let again = evaluate(&card, &turned, &spells, until);
            let mut expected = evaluation.outcomes.clone();
            expected.rotate_left(by);
            prop_assert_eq!(again.outcomes, expected);
            prop_assert_eq!(again.lines, evaluation.lines);
        }
    }
}
