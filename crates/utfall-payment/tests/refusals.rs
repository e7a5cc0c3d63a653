//! What is wrong with a contract is refused before any evaluation, at its line and column.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeSet;

use miette::Diagnostic;
use utfall_payment::{Contract, ContractErrors};

const SOUND: &str = r#"schema = "utfall-contract/1"
name = "sound"
title = "A sound contract"
currency = "SEK"
rounding = { mode = "half-even", at = "line" }
cap = 900
floor = 10
remainder = "largest-remainder"

[[party]]
name = "Municipality"
role = "payer"
share = "2/3"

[[party]]
name = "Region"
role = "payer"
share = "1/3"

[[party]]
name = "Fund"
role = "investor"

[[effect]]
name = "absence"
estimands = ["att"]
decides-on = ["point"]

[[quantity]]
name = "fall"
kind = "input"
from = "absence.point"
sign = "flip"
decimals = 4
rounding = "toward-zero"

[[quantity]]
name = "pupils"
kind = "input"
from = "pupils"
sign = "keep"
decimals = 0
rounding = "floor"

[[quantity]]
name = "base"
kind = "constant"
value = 100

[[quantity]]
name = "tenth"
kind = "ratio"
of = "base"
to = 1_000

[[line]]
name = "first"
kind = "steps"
of = "fall"
operator = ">="
steps = [{ threshold = 0.02, amount = 50 }, { threshold = "tenth", amount = "base" }]
requires = { flag = "balance.passed", equals = true }

[[line]]
name = "second"
kind = "share"
of = "pupils"
bands = [{ from = 0, to = 10, share = 0.5 }, { from = 10, share = 0.25 }]
when.any = [
    { line = "first", ended = "paid" },
    { text = "absence.estimand", one-of = ["att"] },
]
"#;

fn errors(text: &str) -> ContractErrors {
    match Contract::from_toml("contract.toml", text) {
        Ok(_) => panic!("accepted:\n{text}"),
        Err(errors) => errors,
    }
}

/// Replaces `old` by `new` and expects one of the problems at `place` in the changed text.
fn refused(old: &str, new: &str, place: &str, message: &str) {
    assert!(SOUND.contains(old), "{old}");
    let text = SOUND.replacen(old, new, 1);
    let found = errors(&text);
    let at = text.find(place).unwrap_or_else(|| panic!("{place}"));
    let line = text[..at].matches('\n').count() + 1;
    let column = text[..at].chars().rev().take_while(|&c| c != '\n').count() + 1;
    let hit = found.problems().iter().any(|problem| {
        (problem.line, problem.column) == (line, column)
            && problem.kind.to_string().contains(message)
            && !problem.kind.remedy().is_empty()
    });
    assert!(hit, "expected {line}:{column} {message}\nfound {found}");
}

#[test]
fn the_sound_contract_is_accepted() {
    let contract = Contract::from_toml("contract.toml", SOUND).unwrap();
    let required: Vec<String> = contract.required_inputs().into_keys().collect();
    assert_eq!(
        required,
        [
            "absence.estimand",
            "absence.point",
            "balance.passed",
            "pupils"
        ]
    );
    assert_eq!(contract.parties().count(), 3);
}

#[test]
fn syntax_keys_and_types_are_refused_at_their_place() {
    refused("cap = 900", "cap = = 900", "= 900", "not valid TOML");
    refused("cap = 900", "capp = 900", "capp", "unknown key `capp`");
    refused("[[line]]", "[[lines]]", "lines", "unknown key `lines`");
    refused(
        "kind = \"steps\"",
        "kind = \"stairs\"",
        "\"stairs\"",
        "unknown kind `stairs`",
    );
    refused(
        "of = \"fall\"",
        "off = \"fall\"",
        "off",
        "unknown field `off`",
    );
    refused(
        "kind = \"share\"\n",
        "",
        "[[line]]\nname = \"second\"",
        "missing key `kind`",
    );
    refused("decimals = 4", "decimals = -4", "-4", "invalid value");
    refused(
        "value = 100",
        "value = \"1O0\"",
        "\"1O0\"",
        "not a finite decimal number",
    );
    refused("\"2/3\"", "\"2/0\"", "\"2/0\"", "denominator 0");
    refused(
        "contract/1",
        "contract/9",
        "\"utfall-contract/9\"",
        "schema `utfall-contract/9`",
    );
    refused(
        "name = \"sound\"",
        "name = \"Så\"",
        "\"Så\"",
        "`Så` is no name of a contract",
    );
    refused("\"SEK\"", "\"SKE\"", "\"SKE\"", "unknown currency `SKE`");
    refused(
        "equals = true",
        "equal = true",
        "equal =",
        "unknown field `equal`",
    );
    refused(
        "share = \"1/3\"",
        "shares = \"1/3\"",
        "shares",
        "unknown field `shares`",
    );
}

#[test]
fn names_that_mean_nothing_or_two_things_are_refused() {
    refused(
        "of = \"fall\"",
        "of = \"fal\"",
        "\"fal\"",
        "unknown quantity `fal`",
    );
    refused(
        "name = \"base\"",
        "name = \"fall\"",
        "\"fall\"\nkind = \"constant\"",
        "a second quantity",
    );
    refused(
        "name = \"second\"",
        "name = \"first\"",
        "\"first\"\nkind = \"share\"",
        "a second line",
    );
    refused(
        "line = \"first\"",
        "line = \"third\"",
        "\"third\"",
        "unknown line `third`",
    );
    refused(
        "line = \"first\"",
        "line = \"second\"",
        "\"second\", ended",
        "not decided before",
    );
    refused(
        "of = \"pupils\"",
        "of = \"fall\"",
        "\"pupils\"\nkind",
        "used by nothing",
    );
    refused(
        "\"absence.point\"",
        "\"absense.point\"",
        "\"absense.point\"",
        "no [[effect]] is called",
    );
    refused(
        "\"absence.point\"",
        "\"absence.upper\"",
        "\"absence.upper\"",
        "does not list `upper`",
    );
    refused(
        "\"absence.point\"",
        "\"absence.pont\"",
        "\"absence.pont\"",
        "no figure `pont`",
    );
    refused(
        "[\"point\"]",
        "[\"point\", \"p-value\"]",
        "\"p-value\"",
        "no quantity is read",
    );
    refused("= [\"att\"]\n", "= []\n", "[]", "no estimands");
    refused(
        "one-of = [\"att\"]",
        "one-of = [\"itt\"]",
        "\"itt\"",
        "unknown estimand",
    );
    refused(
        "from = \"pupils\"",
        "from = \"Pupils\"",
        "\"Pupils\"",
        "no name of an input",
    );
}

#[test]
fn bands_and_steps_are_in_order_without_overlap_or_gap() {
    refused("from = 10,", "from = 8,", "8,", "overlap");
    refused("from = 10,", "from = 12,", "12,", "a gap between bands");
    refused(
        "from = 0, to = 10,",
        "from = 0,",
        "10, share = 0.25",
        "overlap",
    );
    refused("to = 10", "to = 0", "0, to = 0", "not above its start");
    refused("from = 0,", "from = -1,", "-1,", "declares no clawback");
    refused(
        "from = 10,",
        "from = \"fall\",",
        "\"fall\", share",
        "depends on",
    );
    refused(
        "0.02",
        "0.2",
        "\"tenth\", amount",
        "steps out of order: 0.1 follows 0.2",
    );
    refused(
        "0.02",
        "\"tenth\"",
        "\"tenth\", amount = \"base\"",
        "steps out of order",
    );
    refused("\">=\"", "\"<=\"", "\"<=\"", "cannot be reached");
    refused("\">=\"", "\"=>\"", "\"=>\"", "unknown variant `=>`");
    refused(
        "[{ from = 0, to = 10, share = 0.5 }, { from = 10, share = 0.25 }]",
        "[]",
        "[]",
        "no bands",
    );
}

#[test]
fn money_that_cannot_be_is_refused() {
    refused(
        "cap = 900",
        "cap = 9",
        "9\nfloor",
        "the cap 9 is below the floor 10",
    );
    refused("cap = 900", "cap = 900.005", "900.005", "finer than SEK");
    refused("cap = 900", "cap = -900", "-900", "declares no clawback");
    refused("amount = 50", "amount = 50.001", "50.001", "finer than SEK");
    refused("amount = 50", "amount = -50", "-50", "declares no clawback");
    refused(
        "amount = 50",
        "amount = \"1/3\"",
        "\"1/3\" }",
        "finer than SEK",
    );
    refused("\"1/3\"", "\"1/4\"", "\"1/4\"", "add up to 11/12");
    refused("share = \"1/3\"\n", "", "\"Region\"", "has no share");
    refused(
        "role = \"investor\"",
        "role = \"investor\"\nshare = 1",
        "1\n\n[[effect]]",
        "is not a payer",
    );
    refused(
        "remainder = \"largest-remainder\"\n",
        "",
        "\"Region\"",
        "no remainder rule",
    );
    refused("decimals = 4", "decimals = 19", "19", "19 decimals");
}

#[test]
fn quantities_in_a_circle_or_without_a_value_are_refused() {
    refused(
        "of = \"base\"",
        "of = \"tenth\"",
        "\"tenth\"\nkind",
        "circle: tenth → tenth",
    );
    refused(
        "to = 1_000",
        "to = 0",
        "\"tenth\"\nkind",
        "division by zero",
    );
    let chain: String = (0..60)
        .map(|n| {
            format!(
                "[[quantity]]\nname = \"q{}\"\nkind = \"product\"\nof = [\"q{n}\", \"q{n}\"]\n",
                n + 1
            )
        })
        .collect();
    let text = SOUND.replace("name = \"base\"", "name = \"q0\"") + &chain;
    assert!(
        errors(&text)
            .to_string()
            .contains("too large to carry exactly")
    );
}

#[test]
fn conditions_have_one_form_each() {
    refused(
        "equals = true }",
        "equals = true, line = \"first\" }",
        "{ flag",
        "no form",
    );
    refused(
        "{ flag = \"balance.passed\", equals = true }",
        "{}",
        "{}",
        "a condition that is empty",
    );
    refused(", ended = \"paid\"", "", "{ line", "no form");
    refused(
        "ended = \"paid\"",
        "ended = \"payed\"",
        "\"payed\"",
        "unknown variant `payed`",
    );
}

#[test]
fn all_problems_are_reported_together_in_the_order_of_the_file() {
    let text = SOUND
        .replace("\"1/3\"", "\"1/4\"")
        .replace("of = \"fall\"", "of = \"fal\"")
        .replace("from = 10,", "from = 12,")
        .replace("decimals = 0", "decimal = 0");
    let found = errors(&text);
    let lines: Vec<usize> = found
        .problems()
        .iter()
        .map(|problem| problem.line)
        .collect();
    assert!(lines.len() >= 4, "{found}");
    assert!(lines.is_sorted());
    let shown = found.to_string();
    assert_eq!(shown.lines().count(), lines.len());
    assert!(shown.starts_with("contract.toml:"), "{shown}");
    let related: Vec<&dyn Diagnostic> = found.related().unwrap().collect();
    assert_eq!(related.len(), lines.len());
    assert!(
        related
            .iter()
            .all(|one| one.help().is_some() && one.labels().is_some())
    );
    assert!(found.source_code().is_some());
}

#[test]
fn what_nobody_supplies_is_refused_at_the_line_that_reads_it() {
    let contract = Contract::from_toml("contract.toml", SOUND).unwrap();
    let required = contract.required_inputs();
    let all: BTreeSet<&str> = required.keys().map(String::as_str).collect();
    assert!(contract.check_supplied("contract.toml", &all).is_ok());
    for (missing, place) in [
        ("pupils", "\"pupils\"\nsign"),
        ("balance.passed", "\"balance.passed\""),
        ("absence.point", "\"absence.point\""),
        ("absence.estimand", "\"absence\"\nestimands"),
    ] {
        let mut supplied = all.clone();
        supplied.remove(missing);
        let found = contract
            .check_supplied("contract.toml", &supplied)
            .unwrap_err();
        let at = SOUND.find(place).unwrap();
        let line = SOUND[..at].matches('\n').count() + 1;
        let [problem] = found.problems() else {
            panic!("{found}");
        };
        assert_eq!(problem.line, line, "{found}");
        assert!(
            found
                .to_string()
                .contains(&format!("nobody supplies `{missing}`")),
            "{found}"
        );
    }
}

#[test]
fn an_effect_without_an_interval_is_refused_where_the_contract_decides_on_one() {
    let text = SOUND
        .replace("[\"point\"]", "[\"lower\"]")
        .replace("\"absence.point\"", "\"absence.lower\"");
    let contract = Contract::from_toml("contract.toml", &text).unwrap();
    // A published estimate that came with no interval.
    let given = [
        "absence.estimand",
        "absence.point",
        "balance.passed",
        "pupils",
        "presence.lower",
    ];
    let found = contract.check_supplied("contract.toml", &given.into());
    let found = found.unwrap_err().to_string();
    assert!(
        found.starts_with("contract.toml:32:8: nobody supplies `absence.lower`, a number"),
        "{found}"
    );
    assert!(found.contains("(supplied: `presence.lower`)"), "{found}");
}

#[test]
fn an_entry_that_cannot_be_read_is_not_called_unknown_as_well() {
    for (old, new) in [
        ("decimals = 0\n", ""),
        ("share = \"1/3\"", "shares = \"1/3\""),
    ] {
        let found = errors(&SOUND.replace(old, new));
        assert_eq!(found.problems().len(), 1, "{found}");
    }
}

/// Another line beside those of the sound contract.
fn with(added: &str, place: &str, message: &str) {
    let text = format!("{SOUND}\n{added}");
    let found = errors(&text);
    let at = text.rfind(place).unwrap_or_else(|| panic!("{place}"));
    let line = text[..at].matches('\n').count() + 1;
    let hit = found.problems().iter().any(|problem| {
        problem.line == line
            && problem.kind.to_string().contains(message)
            && !problem.kind.remedy().is_empty()
    });
    assert!(hit, "expected line {line} {message}\nfound {found}");
}

fn with_line(keys: &str, place: &str, message: &str) {
    with(
        &format!("[[line]]\nname = \"third\"\n{keys}"),
        place,
        message,
    );
}

#[test]
fn piecewise_lines_whose_points_go_back_or_jump_in_silence_are_refused() {
    let line = |points: &str, more: &str| {
        format!(
            "kind = \"piecewise\"\nof = \"pupils\"\npoints = [{points}]\nbelow = \"nothing\"\nabove = \"last-point\"\n{more}"
        )
    };
    let two = "{ at = 0, amount = 1 }, { at = 2, amount = 5 }";
    with_line(
        &line("{ at = 2, amount = 1 }, { at = 1, amount = 5 }", ""),
        "points",
        "out of order: 1 follows 2",
    );
    with_line(
        &line("{ at = 1, amount = 1 }, { at = 1, amount = 5 }", ""),
        "points",
        "no `at-jump`",
    );
    with_line(
        &line(two, "at-jump = \"after\""),
        "at-jump",
        "no two points at one place",
    );
    with_line(&line("", ""), "points", "no points");
    with_line(
        &line("{ at = 0, amount = -1 }", ""),
        "amount = -1",
        "negative",
    );
    with_line(
        &line("{ at = \"fall\", amount = 1 }", ""),
        "points",
        "input-fed quantity",
    );
    with_line(
        &line("{ at = 0, rate = 1 }", ""),
        "points",
        "no `rate-on` says of what",
    );
    with_line(
        &line("{ at = 0, amount = 1, rate = 1 }", ""),
        "points",
        "both `amount` and `rate`",
    );
    with_line(
        &line(two, "rate-on = \"base\""),
        "points",
        "makes them rates",
    );
    with_line(
        &line("{ at = 0, amount = 1 }", "").replace("last-point", "onward"),
        "above",
        "fewer than two places",
    );
}

#[test]
fn pools_whose_weights_or_scores_are_no_whole_are_refused() {
    let line = |weight: &str, first: &str, pays: &str, to: &str| {
        format!(
            "kind = \"pool\"\namount = 100\nmetrics = [{{ of = \"pupils\", from = 0, to = {to}, weight = {weight} }}]\nperformance = [{{ score = {first}, pays = 0 }}, {{ score = 1, pays = {pays} }}]"
        )
    };
    with_line(
        &line("0.9", "0", "1", "10"),
        "metrics",
        "weights add up to 0.9",
    );
    with_line(
        &line("-1", "0", "1", "10"),
        "weight",
        "expected more than 0",
    );
    with_line(
        &line("1", "0.1", "1", "10"),
        "performance",
        "scores from 0.1 to 1",
    );
    with_line(
        &line("1", "0", "1.5", "10"),
        "performance",
        "is 1.5, expected 0 to 1",
    );
    with_line(&line("1", "0", "1", "0"), "metrics", "ends where it starts");
}

#[test]
fn modifiers_that_cannot_take_effect_are_refused() {
    let unit = "kind = \"per-unit\"\nunits = \"pupils\"\nprice = 3\n";
    let fixed = "kind = \"fixed\"\namount = 3\n";
    with_line(
        &format!("{fixed}deadweight = {{ fraction = 0.1 }}"),
        "deadweight",
        "pays on no quantity",
    );
    with_line(
        &format!("{unit}deadweight = {{ fraction = 1.1 }}"),
        "deadweight",
        "is 1.1, expected 0 to 1",
    );
    with_line(
        &format!("{unit}deadweight = {{ fixed = -1 }}"),
        "deadweight",
        "expected 0 or more",
    );
    with_line(
        &format!("{unit}deadweight = {{ }}"),
        "deadweight",
        "either `fraction` or `fixed`",
    );
    with_line(
        &format!("{unit}paid-before = 3"),
        "paid-before",
        "without a cap",
    );
    with_line(
        &format!("{unit}per = {{ of = \"pupils\" }}"),
        "per",
        "no `floor` or `cap`",
    );
    with_line(
        &format!("{unit}per = {{ of = \"pupils\", floor = 9, cap = 3 }}"),
        "per",
        "cap 3 is below the floor 9",
    );
    with_line(
        &format!("{unit}minimum = {{ of = \"pupils\", at-least = 20, otherwise = \"amount\" }}"),
        "minimum",
        "missing key `amount`",
    );
    with_line(
        &format!(
            "{unit}minimum = {{ of = \"pupils\", at-least = 20, otherwise = \"deferred\", amount = 3 }}"
        ),
        "minimum",
        "another word",
    );
    with_line(
        &format!("{fixed}claims = {{ count = \"first\" }}"),
        "claims",
        "price is not known or whose units",
    );
    with_line(
        &format!("{unit}claims = {{ count = \"first\", most-per-person = 2 }}"),
        "claims",
        "counts one at most",
    );
    with_line(
        &format!(
            "{unit}claims = {{ count = \"every\", sustained = {{ days = 0, on-break = \"end\" }} }}"
        ),
        "claims",
        "lasts 0 days",
    );
    with_line(
        &format!(
            "{unit}claims = {{ count = \"every\", sustained = {{ days = 9, on-break = \"end\", holidays = [\"2025-01-02\", \"2025-01-01\"] }} }}"
        ),
        "claims",
        "2025-01-01 does not come after",
    );
    with_line(
        &format!(
            "{unit}claims = {{ count = \"every\", sustained = {{ days = 9, on-break = \"end\", holidays = [\"1 May\"] }} }}"
        ),
        "claims",
        "`1 May` is not a date",
    );
}

#[test]
fn groups_with_unknown_or_doubled_lines_are_refused() {
    with(
        "[[group]]\nname = \"g\"\nlines = [\"none\"]\ncap = 3",
        "lines",
        "unknown line `none`",
    );
    with(
        "[[group]]\nname = \"g\"\nlines = []\ncap = 3",
        "lines",
        "no lines of the group",
    );
    with(
        "[[group]]\nname = \"first\"\nlines = [\"second\"]\ncap = 3",
        "\"first\"",
        "a second line or group",
    );
    with(
        "[[group]]\nname = \"g\"\nlines = [\"first\"]\ncap = 3\n[[group]]\nname = \"h\"\nlines = [\"first\"]\ncap = 4",
        "lines",
        "in the group `g` already",
    );
    with(
        "[[group]]\nname = \"g\"\nlines = [\"first\"]\nfloor = 5\ncap = 3",
        "cap",
        "cap 3 is below the floor 5",
    );
}

#[test]
fn payers_caps_and_words_beyond_them_come_together() {
    refused(
        "share = \"1/3\"\n",
        "share = \"1/3\"\ncap = 5\n",
        "5\n\n[[party]]\nname = \"Fund\"",
        "no `beyond-payer-cap`",
    );
    refused(
        "cap = 900\n",
        "cap = 900\nbeyond-payer-cap = \"unpaid\"\n",
        "\"unpaid\"",
        "no payer has a cap",
    );
}

#[test]
fn amendments_out_of_order_or_about_nothing_are_refused() {
    let first = "[[amendment]]\neffective = \"2024-06-01\"\ntitle = \"One\"\ncap = 800\n";
    with(
        &format!("{first}[[amendment]]\neffective = \"2024-06-01\"\ntitle = \"Two\"\ncap = 700"),
        "effective",
        "2024-06-01 does not come after",
    );
    with(
        "[[amendment]]\neffective = \"2024-13-01\"\ntitle = \"One\"\ncap = 800",
        "effective",
        "`2024-13-01` is not a date",
    );
    with(
        &format!("{first}removes = [\"none\"]"),
        "removes",
        "nothing is called `none`",
    );
    // The amended contract is checked as a contract of its own.
    with(
        "[[amendment]]\neffective = \"2024-06-01\"\ntitle = \"One\"\ncap = 5",
        "cap",
        "cap 5 is below the floor 10",
    );
    with(
        &format!("{first}removes = [\"base\"]"),
        "amount = \"base\"",
        "unknown quantity `base`",
    );
    with(
        &format!(
            "{first}[[amendment.line]]\nname = \"second\"\nkind = \"fixed\"\namount = \"pupil\""
        ),
        "amount = \"pupil\"",
        "unknown quantity `pupil`",
    );
}

#[test]
fn statistical_quantities_that_make_no_sense_are_refused() {
    let family = "[[quantity]]\nname = \"adjusted\"\nkind = \"adjusted-p-value\"\nof = 0.04\namong = [0.01, 0.02]\nrule = \"holm\"";
    with(family, "of = 0.04", "not one of `among`");
    with(
        &family.replace("holm", "tukey"),
        "rule",
        "unknown variant `tukey`",
    );
    with(
        "[[quantity]]\nname = \"p\"\nkind = \"probability-above\"\npoint = 1\nstandard-error = 0\nthreshold = 0\ndecimals = 4\nrounding = \"floor\"",
        "name = \"p\"",
        "standard error that is not above 0",
    );
    with(
        "[[quantity]]\nname = \"c\"\nkind = \"compound\"\nof = 1\nrate = 0.05\nperiods = 1.5",
        "name = \"c\"",
        "whole number from 0 to 600",
    );
}
