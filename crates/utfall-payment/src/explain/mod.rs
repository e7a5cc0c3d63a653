//! A decision in sentences, one for each step of its trace and one for how it ended; a contract's
//! rule in one sentence.

mod glossary;
mod rule;

use self::glossary as g;
pub use self::glossary::Language;
pub(crate) use self::rule::rule;
use crate::contract::{Excess, Operator, Otherwise, Sign};
use crate::decision::{
    Away, Branch, Decision, Gap, LineDecision, Named, Nearby, NearbyPayment, Operation, Step,
    StepResult, Subject,
};
use crate::input::Undecided;
use crate::rounding::RoundingMode;

/// Sentences: every step in order, with its numbers, then the distance to each threshold, what each
/// line came to, and the total.
pub fn explain(decision: &Decision, language: Language) -> Vec<String> {
    let teller = Teller(language);
    let mut sentences: Vec<String> = decision
        .trace
        .iter()
        .map(|step| teller.sentence(step))
        .collect();
    for threshold in &decision.thresholds {
        let Some(distance) = &threshold.distance else {
            continue;
        };
        let stood = threshold.threshold.as_deref().unwrap_or("");
        sentences.push(language.say(
            g::DISTANCE,
            &[
                threshold.line.clone(),
                threshold.quantity.clone(),
                language.number(distance),
                language.number(stood),
            ],
        ));
    }
    sentences.extend(decision.nearby.iter().map(|nearby| teller.nearby(nearby)));
    sentences.extend(decision.lines.iter().map(|line| teller.line(line)));
    sentences.push(teller.total(decision));
    sentences
}

/// Tells in a language.
#[derive(Debug, Clone, Copy)]
struct Teller(Language);

impl Teller {
    fn sentence(self, step: &Step) -> String {
        let name = |phrase, name: &String| self.0.say(phrase, &[name]);
        let subject = match &step.subject {
            Subject::Contract => self.0.word(g::CONTRACT).to_owned(),
            Subject::Effect(of) => name(g::EFFECT, of),
            Subject::Quantity(of) => name(g::QUANTITY, of),
            Subject::Line(of) => name(g::LINE, of),
            Subject::Group(of) => name(g::GROUP, of),
            Subject::Payer(of) => name(g::PAYER, of),
            Subject::Total => self.0.word(g::TOTAL).to_owned(),
        };
        let done = self.operation(&step.operation, &step.operands);
        let result = match &step.result {
            StepResult::Value(value) => {
                let mut value = if value == g::AS_FIRST_AGREED.0[0] {
                    self.0.word(g::AS_FIRST_AGREED).to_owned()
                } else if step.operation == Operation::TermsInForce {
                    value.clone()
                } else {
                    self.0.number(value)
                };
                if let Some(unit) = &step.unit {
                    value.push(' ');
                    value.push_str(unit);
                }
                self.0.say(g::GIVES, &[value])
            }
            StepResult::Met => self.0.word(g::HOLDS).to_owned(),
            StepResult::NotMet => self.0.word(g::HOLDS_NOT).to_owned(),
            StepResult::Undecided(gap) => self.gap(gap),
        };
        format!("{subject}: {done}: {result}.")
    }

    fn operation(self, operation: &Operation, operands: &[Named]) -> String {
        let all = |separator: &str| {
            let shown: Vec<String> = operands.iter().map(|one| self.shown(one)).collect();
            shown.join(separator)
        };
        let shown: Vec<String> = operands.iter().map(|one| self.shown(one)).collect();
        let say = |phrase| self.0.say(phrase, &shown);
        let listed = |phrase, separator: &str| self.0.say(phrase, &[all(separator)]);
        let first = || shown.first().cloned().unwrap_or_default();
        let with = |phrase, more: &[String]| {
            let fill: Vec<String> = shown.iter().chain(more).cloned().collect();
            self.0.say(phrase, &fill)
        };
        let (times, plus) = (self.0.word(g::TIMES), self.0.word(g::PLUS));
        match operation {
            Operation::TermsInForce => {
                let day = operands.first().map(|one| one.value.clone());
                self.0.say(g::TERMS_AS_OF, &[day.unwrap_or_default()])
            }
            Operation::AcceptEstimand(accepted) | Operation::OneOf(accepted) => {
                self.0.say(g::ONE_OF, &[first(), accepted.join(", ")])
            }
            Operation::CrossOver {
                sign,
                decimals,
                rounding,
            } => {
                let sign = self.0.word(match sign {
                    Sign::Keep => g::SIGN_KEPT,
                    Sign::Flip => g::SIGN_FLIPPED,
                });
                let (rounding, decimals) = (self.mode(*rounding), decimals.to_string());
                self.0
                    .say(g::TAKEN_IN, &[first(), sign.to_owned(), rounding, decimals])
            }
            Operation::Constant => self.0.word(g::STATED).to_owned(),
            Operation::Difference => say(g::LESS),
            Operation::Sum => listed(g::SUM_OF, ", "),
            Operation::Product => all(times),
            Operation::Ratio => say(g::DIVIDED),
            Operation::RelativeReduction => say(g::RELATIVE_FALL),
            Operation::ShareOf | Operation::PerUnit | Operation::RateOn | Operation::PartOfPool => {
                say(g::PRODUCT)
            }
            Operation::Minimum => listed(g::LEAST, ", "),
            Operation::Maximum => listed(g::GREATEST, ", "),
            Operation::FirstAvailable => listed(g::FIRST_AVAILABLE, ", "),
            Operation::AdjustedP(rule) => {
                let family = shown.get(1..).unwrap_or_default().join(", ");
                self.0
                    .say(g::ADJUSTED, &[first(), rule.to_string(), family])
            }
            Operation::ProbabilityAbove { decimals, rounding } => with(
                g::PROBABILITY,
                &[self.mode(*rounding), decimals.to_string()],
            ),
            Operation::Compound => say(g::COMPOUND),
            Operation::Round { decimals, rounding } => {
                with(g::ROUNDED, &[self.mode(*rounding), decimals.to_string()])
            }
            Operation::Compare(operator) => {
                let second = shown.get(1).cloned().unwrap_or_default();
                let comparison = self.comparison(*operator).to_owned();
                self.0.say(g::COMPARED, &[first(), comparison, second])
            }
            Operation::Flag(equals) => {
                let word = self.0.word(if *equals { g::YES } else { g::NO });
                self.0.say(g::FLAG, &[first(), word.to_owned()])
            }
            Operation::LineEnded(branch) => {
                let branch = self.ended(*branch).to_owned();
                self.0.say(g::LINE_ENDED, &[first(), branch])
            }
            Operation::All => listed(g::EVERY, ", "),
            Operation::Any => listed(g::ANY, ", "),
            Operation::Requires => self.0.word(g::REQUIRES).to_owned(),
            Operation::When => self.0.word(g::WHEN).to_owned(),
            Operation::Enough(otherwise) => {
                with(g::ENOUGH, &[self.otherwise(*otherwise).to_owned()])
            }
            Operation::DeadweightFraction => say(g::DEADWEIGHT_FRACTION),
            Operation::DeadweightFixed => say(g::DEADWEIGHT_FIXED),
            Operation::Fixed => say(g::FIXED),
            Operation::Band if operands.len() == 4 => say(g::BAND),
            Operation::Band => say(g::BAND_OPEN),
            Operation::Bands => listed(g::BANDS, plus),
            Operation::HighestStep(operator) => match (operands.get(1), shown.get(2)) {
                (Some(threshold), Some(amount)) => {
                    let threshold = self.0.number(&threshold.value);
                    let fill = [first(), operator.to_string(), threshold, amount.clone()];
                    self.0.say(g::STEP, &fill)
                }
                _ => say(g::NO_STEP),
            },
            Operation::Piecewise => match operands.len() {
                5 => say(g::BETWEEN_POINTS),
                3 => say(g::AT_POINT),
                _ => say(g::BEYOND_POINTS),
            },
            Operation::Attained => say(g::ATTAINED),
            Operation::Score => {
                let weighted: Vec<String> = shown.chunks(2).map(|pair| pair.join(times)).collect();
                self.0.say(g::SCORE, &[weighted.join(plus)])
            }
            Operation::NothingBelowZero => say(g::BELOW_ZERO),
            Operation::Floor => say(g::AT_LEAST_BOUND),
            Operation::Cap | Operation::PayerCap => say(g::AT_MOST_BOUND),
            Operation::FloorPer => say(g::AT_LEAST_PER),
            Operation::CapPer => say(g::AT_MOST_PER),
            Operation::LeftUnderCap => say(g::LEFT_UNDER_CAP),
            Operation::AddLines => listed(g::LINES_TOGETHER, plus),
            Operation::SetOff(Excess::Kept) => say(g::SET_OFF_KEPT),
            Operation::SetOff(Excess::DueBack) => say(g::SET_OFF_BACK),
            Operation::PayerShare => say(g::PAYER_SHARE),
            Operation::PayerRemainder | Operation::PayerTakesOver => say(g::ADDED),
            Operation::Unpaid => say(g::UNPAID),
        }
    }

    fn nearby(self, nearby: &Nearby) -> String {
        let amount = |payment: &NearbyPayment| self.0.number(&payment.total.to_string());
        let (lower, higher) = (amount(&nearby.lower), amount(&nearby.higher));
        let of = nearby.of.clone();
        let phrase = match &nearby.away {
            Away::StandardError(_) => g::ONE_ERROR,
            Away::OneUnit => g::ONE_UNIT,
            Away::OneLeftOut { .. } => g::ONE_LEFT_OUT,
        };
        let figures = nearby.away.short_figures();
        let figures = figures.iter().map(|figure| self.0.number(figure));
        let fill: Vec<String> = std::iter::once(of)
            .chain(figures)
            .chain([lower, higher])
            .collect();
        let turns = if nearby.turns { g::FLIPS } else { g::FLIPS_NOT };
        self.0.say(phrase, &fill) + self.0.word(turns)
    }

    fn line(self, line: &LineDecision) -> String {
        let name = line.title.as_deref().unwrap_or(&line.name).to_owned();
        match (&line.gap, &line.amount) {
            (Some(gap), _) => self.0.say(g::LINE_UNDECIDED, &[name, self.gap(gap)]),
            (None, Some(amount)) => {
                let (ended, amount) = (self.ended(line.branch), amount.to_string());
                let fill = [name, ended.to_owned(), self.0.number(&amount)];
                self.0.say(g::LINE_CAME_TO, &fill)
            }
            (None, None) => {
                let ended = self.ended(line.branch).to_owned();
                let fill = [name, ended, self.0.number(&line.exact)];
                self.0.say(g::LINE_BEFORE_ROUNDING, &fill)
            }
        }
    }

    fn total(self, decision: &Decision) -> String {
        let title = decision.contract.title.clone();
        let total = self.0.number(&decision.total.to_string());
        let phrase = match decision.branch {
            Branch::Paid => g::TOTAL_PAID,
            Branch::RepaymentDue => g::TOTAL_BACK,
            Branch::NothingDue => g::TOTAL_NOTHING,
            Branch::NotMeasurable => g::TOTAL_NOT_MEASURABLE,
            Branch::Deferred => g::TOTAL_DEFERRED,
        };
        let mut sentence = self.0.say(phrase, &[title, total]);
        if !decision.undecided.is_empty() {
            sentence += &self
                .0
                .say(g::LEFT_UNDECIDED, &[decision.undecided.join(", ")]);
        }
        sentence.push('.');
        sentence
    }

    fn mode(self, rounding: RoundingMode) -> String {
        g::word_of(self.0, &rounding.to_string())
    }

    fn ended(self, branch: Branch) -> &'static str {
        self.0.word(match branch {
            Branch::Paid => g::PAID,
            Branch::RepaymentDue => g::DUE_BACK,
            Branch::NothingDue => g::NOTHING_DUE,
            Branch::NotMeasurable => g::NOT_MEASURABLE,
            Branch::Deferred => g::DEFERRED,
        })
    }

    fn otherwise(self, otherwise: Otherwise) -> &'static str {
        self.0.word(match otherwise {
            Otherwise::NotMeasurable => g::NOT_MEASURABLE,
            Otherwise::Deferred => g::DEFERRED,
            Otherwise::NothingDue => g::NOTHING_DUE,
            Otherwise::Amount => g::OTHERWISE_AMOUNT,
        })
    }

    fn comparison(self, operator: Operator) -> &'static str {
        self.0.word(match operator {
            Operator::AtLeast => g::AT_LEAST,
            Operator::MoreThan => g::MORE_THAN,
            Operator::AtMost => g::AT_MOST,
            Operator::LessThan => g::LESS_THAN,
            Operator::Equal => g::EXACTLY,
        })
    }

    fn gap(self, gap: &Gap) -> String {
        let reason = g::reason(self.0, &gap.reason);
        self.0.say(
            match gap.branch {
                Undecided::NotMeasurable => g::NOT_MEASURABLE_BECAUSE,
                Undecided::Deferred => g::DEFERRED_BECAUSE,
            },
            &[reason],
        )
    }

    /// A number of the contract by its value alone, everything else with its name.
    fn shown(self, operand: &Named) -> String {
        let value = g::word_of(self.0, &self.0.number(&operand.value));
        if operand.name.is_empty() {
            value
        } else {
            format!("{} ({value})", g::word_of(self.0, &operand.name))
        }
    }
}
