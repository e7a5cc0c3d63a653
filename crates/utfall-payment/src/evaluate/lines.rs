//! Payment lines: gate, amount, floor and cap, rounding.

use num_rational::BigRational;
use num_traits::{Signed, Zero};

use super::conditions::verdict;
use super::modifiers::Enough;
use super::{Evaluation, Known, decided, not_measurable};
use crate::contract::terms::{Band, Condition, Line, LineKind, Operand, StepTerm};
use crate::contract::{Operator, RoundingPoint};
use crate::decision::{
    Branch, ConditionResult, Gap, LineDecision, Named, Operation, StepResult, Subject,
};
use crate::money::Money;
use crate::number;

impl Evaluation<'_> {
    /// Decides one line and writes it down. Conditions of later lines may refer to it.
    pub(super) fn decide_line(&mut self, line: &Line) {
        let mut conditions = Vec::new();
        let known = match self.no_terms.clone() {
            Some(gap) => Err(gap),
            None => self.due(line, &mut conditions),
        };
        let (branch, exact, gap) = match known {
            Ok(amount) => (decided(&amount), amount, None),
            Err(gap) => (Branch::from(gap.branch), BigRational::zero(), Some(gap)),
        };
        self.lines.push(LineDecision {
            name: line.name.clone(),
            title: line.title.clone(),
            branch,
            exact: if self.is_silent {
                String::new()
            } else {
                number::text(&exact)
            },
            amount: Money::from_exact(&exact, self.terms.currency),
            gap,
            conditions,
        });
        self.amounts.push(exact);
    }

    /// What the line pays: nothing behind a closed gate, its fallback if there are too few units.
    fn due(&mut self, line: &Line, conditions: &mut Vec<ConditionResult>) -> Known {
        if !self.gate(line, conditions)? {
            return Ok(BigRational::zero());
        }
        match self.enough(line)? {
            Enough::Yes => self.payable(line),
            Enough::Nothing => Ok(BigRational::zero()),
            Enough::Amount(amount) => self.finished(line, amount),
        }
    }

    /// Whether the gate is open. An unmet requirement leaves the line not measurable.
    fn gate(&mut self, line: &Line, noted: &mut Vec<ConditionResult>) -> Result<bool, Gap> {
        let mut check = |gate: &Option<Condition>, operation: Operation| {
            let gate = gate.as_ref()?;
            let n_before = noted.len();
            let found = self.condition(&line.name, gate, noted);
            let unmet_requirement = operation == Operation::Requires && found == StepResult::NotMet;
            let result = if unmet_requirement {
                StepResult::Undecided(requirement_unmet(&noted[n_before..]))
            } else {
                found.clone()
            };
            let operands = vec![Named {
                name: "condition".to_owned(),
                value: verdict(&found),
            }];
            let subject = Subject::Line(line.name.clone());
            self.step(subject, operation, operands, result.clone(), None);
            Some(result)
        };
        let requires = check(&line.requires, Operation::Requires);
        let when = check(&line.when, Operation::When);
        match (requires, when) {
            (Some(StepResult::Undecided(gap)), Some(StepResult::Undecided(other))) => {
                Err(gap.prevailing(other))
            }
            (Some(StepResult::Undecided(gap)), _) | (_, Some(StepResult::Undecided(gap))) => {
                Err(gap)
            }
            (_, Some(StepResult::NotMet)) => Ok(false),
            _ => Ok(true),
        }
    }

    /// What the line pays once its gate is open.
    fn payable(&mut self, line: &Line) -> Known {
        let subject = Subject::Line(line.name.clone());
        let amount = match &line.kind {
            LineKind::Fixed { amount } => self.fixed(&subject, amount)?,
            LineKind::Share { of, bands } => self.share(line, of, bands)?,
            LineKind::Steps {
                of,
                operator,
                steps,
                rate_on,
            } => {
                let reached = self.steps(line, of, *operator, steps, rate_on.is_some());
                self.on_base(&subject, reached, rate_on.as_ref())?
            }
            LineKind::PerUnit { units, price } => self.per_unit(line, units, price)?,
            LineKind::Piecewise { of, curve, rate_on } => {
                self.piecewise(line, of, curve, rate_on.as_ref())?
            }
            LineKind::Pool {
                amount,
                metrics,
                performance,
            } => self.pool(&subject, amount, metrics, performance)?,
        };
        self.finished(line, amount)
    }

    /// An amount within the line's bounds, rounded where lines are.
    fn finished(&mut self, line: &Line, amount: BigRational) -> Known {
        let subject = Subject::Line(line.name.clone());
        let mut amount = self.not_negative(&subject, amount, line.clawback);
        if let Some(per) = &line.per {
            amount = self.bounded_per(&subject, amount, per)?;
        }
        let bounds = (line.floor.as_ref(), line.cap.as_ref());
        let amount = self.bounded(&subject, amount, bounds, line.paid_before.as_ref())?;
        let amount = self.not_negative(&subject, amount, line.clawback);
        if self.terms.rounding.at == RoundingPoint::Line {
            return self.rounded(&subject, &amount);
        }
        number::bounded(amount).ok_or_else(|| not_measurable("the amount is too large"))
    }

    fn fixed(&mut self, subject: &Subject, amount: &Operand) -> Known {
        let known = self.value(amount);
        let operands = vec![self.named(amount)];
        self.money_step(subject, Operation::Fixed, operands, &known);
        known
    }

    fn per_unit(&mut self, line: &Line, units: &Operand, price: &Operand) -> Known {
        let (units, named) = self.basis(line, units);
        let operands = vec![named, self.named(price)];
        let known = match (units, self.value(price)) {
            (Ok(units), Ok(price)) => Ok(units * price),
            (Err(gap), Err(other)) => Err(gap.prevailing(other)),
            (Err(gap), _) | (_, Err(gap)) => Err(gap),
        };
        let subject = Subject::Line(line.name.clone());
        self.money_step(&subject, Operation::PerUnit, operands, &known);
        known
    }

    /// Each band pays its share of the part of the quantity that lies between its bounds, counted
    /// from zero: below zero the parts are negative.
    fn share(&mut self, line: &Line, of: &Operand, bands: &[Band]) -> Known {
        let subject = &Subject::Line(line.name.clone());
        let (known, quantity) = self.basis(line, of);
        let mut paid = Vec::new();
        for (index, band) in bands.iter().enumerate() {
            let known = known.as_ref().map_err(Clone::clone);
            let part = known.map(|value| inside(value, band) * &band.share);
            let mut operands = vec![quantity.clone(), self.stated(&band.from)];
            operands.extend(band.to.as_ref().map(|to| self.stated(to)));
            operands.push(self.stated(&band.share));
            self.money_step(subject, Operation::Band, operands, &part);
            let name = format!("band {}", index + 1);
            paid.push((name, part?));
        }
        let sum: BigRational = paid.iter().map(|(_, part)| part).sum();
        let operands = paid
            .iter()
            .map(|(name, part)| self.noted(name, part))
            .collect();
        let known = number::bounded(sum).ok_or_else(|| not_measurable("the amount is too large"));
        self.money_step(subject, Operation::Bands, operands, &known);
        known
    }

    fn steps(
        &mut self,
        line: &Line,
        of: &Operand,
        operator: Operator,
        steps: &[StepTerm],
        are_rates: bool,
    ) -> Known {
        let (known, quantity) = self.basis(line, of);
        let mut reached: Option<&StepTerm> = None;
        for step in steps {
            let threshold = Ok(step.threshold.clone());
            let name = &quantity.name;
            if self.note_threshold(&line.name, name, &known, operator, &threshold) == Some(true) {
                reached = Some(step);
            }
        }
        let mut operands = vec![quantity];
        if let Some(step) = reached {
            operands.push(self.stated(&step.threshold));
            operands.push(self.named(&step.amount));
        }
        let amount = match (known, reached) {
            (Err(gap), _) => Err(gap),
            (Ok(_), None) => Ok(BigRational::zero()),
            (Ok(_), Some(step)) => self.value(&step.amount),
        };
        let subject = Subject::Line(line.name.clone());
        let unit = (!are_rates).then(|| self.terms.currency.code());
        self.step(
            subject,
            Operation::HighestStep(operator),
            operands,
            self.result(&amount),
            unit,
        );
        amount
    }

    /// A negative amount pays 0 unless the line claws back.
    fn not_negative(
        &mut self,
        subject: &Subject,
        amount: BigRational,
        clawback: bool,
    ) -> BigRational {
        if clawback || !amount.is_negative() {
            return amount;
        }
        let operands = vec![self.noted("amount", &amount)];
        let zero = BigRational::zero();
        self.money_step(
            subject,
            Operation::NothingBelowZero,
            operands,
            &Ok(zero.clone()),
        );
        zero
    }

    /// Whole minor units, by the contract's mode.
    pub(super) fn rounded(&mut self, subject: &Subject, amount: &BigRational) -> Known {
        let decimals = self.terms.currency.exponent();
        let rounding = self.terms.rounding.mode;
        let whole = rounding.to_decimals(amount, decimals);
        let known = match Money::from_exact(&whole, self.terms.currency) {
            Some(_) => Ok(whole),
            None => Err(not_measurable("the amount is too large")),
        };
        let unit = Some(self.terms.currency.code());
        self.step(
            subject.clone(),
            Operation::Round { decimals, rounding },
            vec![self.noted("amount", amount)],
            self.result(&known),
            unit,
        );
        known
    }
}

fn requirement_unmet(conditions: &[ConditionResult]) -> Gap {
    let unmet: Vec<&str> = conditions
        .iter()
        .filter(|condition| condition.result == StepResult::NotMet)
        .map(|condition| condition.text.as_str())
        .collect();
    not_measurable(&format!("required, but not so: {}", unmet.join("; ")))
}

/// The part of `[0, value]` inside a band, or of `[value, 0]` as a negative number.
fn inside(value: &BigRational, band: &Band) -> BigRational {
    let zero = BigRational::zero();
    let (low, high, negative) = if value.is_negative() {
        (value, &zero, true)
    } else {
        (&zero, value, false)
    };
    let low = low.max(&band.from);
    let high = band.to.as_ref().map_or(high, |to| high.min(to));
    let length = if high > low { high - low } else { zero.clone() };
    if negative { -length } else { length }
}
