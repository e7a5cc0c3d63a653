//! The payment section: the flow from quantities to an amount, and every step of the trace.

use utfall_payment::{
    Away, Branch, Decision, LineDecision, Money, Nearby, Operation, Step, StepResult, Subject,
    Threshold,
};

use super::trace::{
    branch_words, did_something, gap_words, heading, line_title, named_operation, operation,
    operator_sign, result,
};
use super::{NearbyRow, Payer, PaymentSection, ThresholdGroup, ThresholdRow, TraceGroup, TraceRow};
use crate::number;
use crate::picture::{Card, CardState, Stage, payment};

/// Builds the section from a decision.
pub(crate) fn section(decision: &Decision) -> PaymentSection {
    PaymentSection {
        introduction: introduction(decision),
        picture: payment(&stages(decision)),
        thresholds: thresholds(decision),
        nearby: decision.nearby.iter().map(nearby).collect(),
        steps: groups(decision),
        payers: decision.payers.iter().map(payer_row).collect(),
    }
}

/// An amount with its currency, which never part at a line's end.
pub(crate) fn money(money: Money) -> String {
    let amount = number::amount(money.minor_units(), money.currency().exponent());
    format!("{amount}\u{a0}{}", money.currency().code())
}

/// The same without decimals that are all zero, for a sentence.
pub(crate) fn short_money(money: Money) -> String {
    format!("{}\u{a0}{}", short_amount(money), money.currency().code())
}

/// An amount without its currency, and without decimals that are all zero.
pub(crate) fn short_amount(money: Money) -> String {
    let amount = number::amount(money.minor_units(), money.currency().exponent());
    match amount.split_once('.') {
        Some((whole, decimals)) if decimals.bytes().all(|byte| byte == b'0') => whole.to_owned(),
        _ => amount,
    }
}

fn introduction(decision: &Decision) -> String {
    format!(
        "The contract “{}” reads numbers that have names, and nothing else. Each is taken in once, with the decimals and rounding the contract states; from there on the arithmetic is exact. The evaluation took {} steps and ended: {}.",
        decision.contract.title,
        number::count(decision.trace.len() as u64),
        branch_words(decision.branch)
    )
}

fn stages(decision: &Decision) -> Vec<Stage> {
    let stage = |name: &str, cards: Vec<Card>| Stage {
        name: name.to_owned(),
        cards,
    };
    vec![
        stage("Quantities", quantities(decision)),
        stage("Gates", gates(decision)),
        stage(
            "Lines",
            decision
                .lines
                .iter()
                .map(|line| line_card(line, decision))
                .collect(),
        ),
        stage("Together", together(decision)),
        stage("Total", vec![total(decision)]),
    ]
}

/// One card for each quantity, with all that was done to it.
fn quantities(decision: &Decision) -> Vec<Card> {
    let mut cards: Vec<Card> = Vec::new();
    for step in &decision.trace {
        let Subject::Quantity(name) = &step.subject else {
            continue;
        };
        let state = if matches!(step.result, StepResult::Undecided(_)) {
            CardState::Shut
        } else {
            CardState::Plain
        };
        match cards.last_mut().filter(|card| card.title == *name) {
            Some(card) => {
                card.detail.push(operation(step));
                card.result = result(step);
                card.state = state;
            }
            None => {
                let detail = vec![operation(step)];
                cards.push(Card {
                    title: name.clone(),
                    detail,
                    result: result(step),
                    state,
                });
            }
        }
    }
    cards
}

/// One card for each condition, with the lines that hang on it.
fn gates(decision: &Decision) -> Vec<Card> {
    let mut cards: Vec<Card> = Vec::new();
    for step in &decision.trace {
        if let (Subject::Effect(effect), Operation::AcceptEstimand(_)) =
            (&step.subject, &step.operation)
        {
            let detail = vec![operation(step)];
            cards.push(Card {
                title: format!("effect {effect}"),
                detail,
                result: result(step),
                state: state(&step.result),
            });
        }
    }
    for line in &decision.lines {
        for condition in &line.conditions {
            let title = condition_words(decision, &condition.text);
            let hangs = format!("for “{}”", line_title(decision, &line.name));
            match cards.iter_mut().find(|card| card.title == title) {
                Some(card) => card.detail.push(hangs),
                None => cards.push(Card {
                    title,
                    detail: vec![hangs],
                    result: condition_result(&condition.result),
                    state: state(&condition.result),
                }),
            }
        }
    }
    cards
}

/// A condition with the signs of print, and the title of the line it hangs on, if it does on one.
pub(crate) fn condition_words(decision: &Decision, text: &str) -> String {
    let ended = text
        .split_once(" ended ")
        .filter(|(line, _)| decision.lines.iter().any(|known| known.name == *line));
    if let Some((line, branch)) = ended {
        return format!(
            "“{}” ended {}",
            line_title(decision, line),
            branch.replace('-', " ")
        );
    }
    if text == "balance.passed = true" {
        return "the balance gate is passed".to_owned();
    }
    let words = text.split(' ').map(|word| match word {
        ">=" => "≥".to_owned(),
        "<=" => "≤".to_owned(),
        word => number::written(word),
    });
    words.collect::<Vec<_>>().join(" ")
}

fn condition_result(result: &StepResult) -> String {
    match result {
        StepResult::Met => "✓ met".to_owned(),
        StepResult::NotMet => "✗ not met".to_owned(),
        StepResult::Value(value) => number::written(value),
        StepResult::Undecided(gap) => gap_words(gap),
    }
}

fn state(result: &StepResult) -> CardState {
    match result {
        StepResult::Met => CardState::Open,
        StepResult::Value(_) => CardState::Plain,
        StepResult::NotMet | StepResult::Undecided(_) => CardState::Shut,
    }
}

fn line_card(line: &LineDecision, decision: &Decision) -> Card {
    let mine = |step: &&Step| step.subject == Subject::Line(line.name.clone());
    let detail = decision
        .trace
        .iter()
        .filter(mine)
        .filter(|step| is_arithmetic(step) && did_something(step));
    let result = match &line.gap {
        Some(gap) => gap_words(gap),
        None => line
            .amount
            .map_or_else(|| number::written(&line.exact), money),
    };
    let state = match line.branch {
        Branch::Paid | Branch::RepaymentDue => CardState::Open,
        Branch::NothingDue | Branch::NotMeasurable | Branch::Deferred => CardState::Shut,
    };
    Card {
        title: line_title(decision, &line.name),
        detail: detail.map(operation).collect(),
        result,
        state,
    }
}

/// The lines added up, and what the contract's own floor and cap made of them.
fn together(decision: &Decision) -> Vec<Card> {
    let steps = decision
        .trace
        .iter()
        .filter(|step| step.subject == Subject::Total);
    steps
        .filter(|step| is_arithmetic(step))
        .filter_map(|step| {
            let title = match step.operation {
                Operation::AddLines => "Lines added",
                Operation::Floor => "Floor of the contract",
                Operation::Cap => "Cap of the contract",
                Operation::LeftUnderCap => "Left under the cap",
                Operation::SetOff(_) => "Interim payments set off",
                Operation::Unpaid => "Beyond the payers’ caps",
                _ if did_something(step) => "Brought to whole minor units",
                _ => return None,
            };
            let is_limit = matches!(step.operation, Operation::Floor | Operation::Cap);
            let detail = match &step.operation {
                Operation::AddLines => Vec::new(),
                _ if is_limit && !did_something(step) => {
                    vec![format!("{}: not reached", operation(step))]
                }
                _ => vec![operation(step)],
            };
            let state = if is_limit && did_something(step) {
                CardState::Open
            } else {
                CardState::Plain
            };
            Some(Card {
                title: title.to_owned(),
                detail,
                result: result(step),
                state,
            })
        })
        .collect()
}

fn total(decision: &Decision) -> Card {
    let payers = decision
        .payers
        .iter()
        .map(|payer| format!("{}: {}", payer.name, money(payer.amount)));
    Card {
        title: capitalised(branch_words(decision.branch)),
        detail: payers.collect(),
        result: money(decision.total),
        state: CardState::Total,
    }
}

/// Whether a step computes an amount, rather than checking a condition.
fn is_arithmetic(step: &Step) -> bool {
    !matches!(
        step.operation,
        Operation::Compare(_)
            | Operation::Flag(_)
            | Operation::OneOf(_)
            | Operation::LineEnded(_)
            | Operation::All
            | Operation::Any
            | Operation::Requires
            | Operation::When
            | Operation::Enough(_)
            | Operation::AcceptEstimand(_)
    )
}

/// The trace, with the steps about one thing under one heading.
fn groups(decision: &Decision) -> Vec<TraceGroup> {
    let mut groups: Vec<TraceGroup> = Vec::new();
    for step in &decision.trace {
        let heading = heading(step, decision);
        let row = TraceRow {
            operation: named_operation(step),
            result: result(step),
        };
        match groups.last_mut().filter(|group| group.heading == heading) {
            Some(group) => group.rows.push(row),
            None => groups.push(TraceGroup {
                heading,
                rows: vec![row],
            }),
        }
    }
    groups
}

/// The thresholds, line by line.
fn thresholds(decision: &Decision) -> Vec<ThresholdGroup> {
    let mut groups: Vec<ThresholdGroup> = Vec::new();
    for threshold in &decision.thresholds {
        let line = line_title(decision, &threshold.line);
        let row = threshold_row(threshold);
        match groups.iter_mut().find(|group| group.line == line) {
            Some(group) => group.rows.push(row),
            None => groups.push(ThresholdGroup {
                line,
                rows: vec![row],
            }),
        }
    }
    groups
}

fn threshold_row(threshold: &Threshold) -> ThresholdRow {
    let shown = |text: &Option<String>| {
        text.as_deref()
            .map_or_else(|| "–".to_owned(), number::written)
    };
    ThresholdRow {
        quantity: threshold.quantity.clone(),
        value: shown(&threshold.value),
        needed: format!(
            "{} {}",
            operator_sign(threshold.operator),
            shown(&threshold.threshold)
        ),
        distance: shown(&threshold.distance),
        outcome: match threshold.met {
            Some(true) => "✓ met",
            Some(false) => "✗ not met",
            None => "no answer",
        },
    }
}

/// What a nearby figure would pay.
fn nearby(nearby: &Nearby) -> NearbyRow {
    let figures = nearby.away.short_figures();
    let figures: Vec<String> = figures.iter().map(|text| number::written(text)).collect();
    let away = match &nearby.away {
        Away::StandardError(_) => format!("one standard error, {}", figures.concat()),
        Away::OneUnit => "one unit".to_owned(),
        Away::OneLeftOut { .. } => format!("any one unit left out: {}", figures.join(" to ")),
    };
    NearbyRow {
        of: nearby.of.clone(),
        away,
        lower: money(nearby.lower.total),
        higher: money(nearby.higher.total),
        turns: if nearby.turns { "turns" } else { "the same" },
    }
}

fn payer_row(payer: &utfall_payment::PayerDecision) -> Payer {
    Payer {
        name: payer.name.clone(),
        share: share(&payer.share),
        amount: money(payer.amount),
    }
}

/// A share as it is written in the decision: a decimal or a fraction.
fn share(text: &str) -> String {
    number::written(text)
}

/// A text that starts with a capital.
pub(crate) fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}
