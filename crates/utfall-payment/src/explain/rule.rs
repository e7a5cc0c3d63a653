//! The rule of a contract in one sentence, from its terms alone.

use num_rational::BigRational;

use super::glossary as g;
use super::{Language, Teller};
use crate::contract::RoundingPoint;
use crate::contract::terms::{
    Condition, Curve, Deadweight, Line, LineKind, Operand, Per, StepTerm, Terms,
};
use crate::number;

/// What a contract pays, in one sentence.
pub(crate) fn rule(terms: &Terms, language: Language) -> String {
    let telling = Telling {
        terms,
        teller: Teller(language),
    };
    telling.contract()
}

struct Telling<'a> {
    terms: &'a Terms,
    teller: Teller,
}

impl Telling<'_> {
    fn say<S: AsRef<str>>(&self, phrase: g::Phrase, fill: &[S]) -> String {
        self.teller.0.say(phrase, fill)
    }

    fn word(&self, phrase: g::Phrase) -> &'static str {
        self.teller.0.word(phrase)
    }

    fn contract(&self) -> String {
        let terms = self.terms;
        let lines: Vec<String> = terms.lines.iter().map(|line| self.line(line)).collect();
        let mut sentence = self.say(
            g::RULE,
            &[
                terms.title.as_str(),
                terms.currency.code(),
                &lines.join(self.word(g::AND_THEN)),
            ],
        );
        for group in &terms.groups {
            let members = group.lines.iter().map(|line| self.title(*line));
            let members = members.collect::<Vec<_>>().join(", ");
            let bounds = self.bounds(group.floor.as_ref(), group.cap.as_ref());
            sentence += &self.say(g::RULE_GROUP, &[members, bounds]);
        }
        let bounds = self.bounds(terms.floor.as_ref(), terms.cap.as_ref());
        if !bounds.is_empty() {
            sentence += &self.say(g::RULE_IN_ALL, &[bounds]);
        }
        if let Some(set_off) = &terms.set_off {
            sentence += &self.say(g::RULE_SET_OFF, &[self.operand(&set_off.paid)]);
        }
        let rounded = match terms.rounding.at {
            RoundingPoint::Line => g::RULE_ROUNDED_LINE,
            RoundingPoint::Total => g::RULE_ROUNDED_TOTAL,
        };
        sentence += &self.say(rounded, &[self.teller.mode(terms.rounding.mode)]);
        let payers: Vec<String> = terms
            .parties
            .iter()
            .filter_map(|party| {
                let share = self.number(party.share.as_ref()?);
                let cap = self.bounds(None, party.cap.as_ref());
                Some(format!("{} ({share}{cap})", party.name))
            })
            .collect();
        if !payers.is_empty() {
            sentence += &self.say(g::RULE_BORNE, &[payers.join(self.word(g::AND))]);
        }
        sentence.push('.');
        sentence
    }

    fn line(&self, line: &Line) -> String {
        let mut paid = self.kind(&line.kind);
        match &line.deadweight {
            Some(Deadweight::Fraction(of)) => {
                paid += &self.say(g::RULE_DEADWEIGHT_FRACTION, &[self.operand(of)]);
            }
            Some(Deadweight::Fixed(of)) => {
                paid += &self.say(g::RULE_DEADWEIGHT_FIXED, &[self.operand(of)]);
            }
            None => {}
        }
        if let Some(per) = &line.per {
            paid += &self.per(per);
        }
        paid += &self.bounds(line.floor.as_ref(), line.cap.as_ref());
        if line.clawback {
            paid += self.word(g::RULE_CLAWBACK);
        }
        if let Some(when) = &line.when {
            paid += &self.say(g::RULE_IF, &[self.condition(when)]);
        }
        if let Some(requires) = &line.requires {
            paid += &self.say(g::RULE_REQUIRES, &[self.condition(requires)]);
        }
        if let Some(minimum) = &line.minimum {
            let fill = [
                self.operand(&minimum.of),
                self.operand(&minimum.at_least),
                self.teller.otherwise(minimum.otherwise).to_owned(),
            ];
            paid += &self.say(g::RULE_MINIMUM, &fill);
        }
        let title = line.title.as_deref().unwrap_or(&line.name);
        self.say(g::RULE_LINE, &[title, &paid])
    }

    fn kind(&self, kind: &LineKind) -> String {
        match kind {
            LineKind::Fixed { amount } => self.say(g::RULE_FIXED, &[self.operand(amount)]),
            LineKind::PerUnit { units, price } => self.say(
                g::RULE_PER_UNIT,
                &[self.operand(units), self.operand(price)],
            ),
            LineKind::Share { of, bands } => {
                let bands: Vec<String> = bands
                    .iter()
                    .map(|band| {
                        let (of, from) = (self.operand(of), self.number(&band.from));
                        let share = self.number(&band.share);
                        match &band.to {
                            Some(to) => self.say(g::RULE_BAND, &[of, from, self.number(to), share]),
                            None => self.say(g::RULE_BAND_OPEN, &[of, from, share]),
                        }
                    })
                    .collect();
                bands.join(self.word(g::AND))
            }
            LineKind::Steps {
                of,
                operator,
                steps,
                rate_on,
            } => {
                let step = |step: &StepTerm| {
                    let fill = [
                        operator.to_string(),
                        self.number(&step.threshold),
                        self.operand(&step.amount),
                    ];
                    self.say(g::RULE_STEP, &fill)
                };
                let steps: Vec<String> = steps.iter().map(step).collect();
                self.say(g::RULE_STEPS, &[self.operand(of), steps.join(", ")])
                    + &self.rate_on(rate_on.as_ref())
            }
            LineKind::Piecewise { of, curve, rate_on } => {
                self.say(g::RULE_PIECEWISE, &[self.operand(of), self.points(curve)])
                    + &self.rate_on(rate_on.as_ref())
            }
            LineKind::Pool {
                amount, metrics, ..
            } => {
                let metrics: Vec<String> = metrics
                    .iter()
                    .map(|metric| {
                        let weight = self.number(&metric.weight);
                        format!("{} ({weight})", self.operand(&metric.of))
                    })
                    .collect();
                let metrics = metrics.join(self.word(g::AND));
                self.say(g::RULE_POOL, &[self.operand(amount), metrics])
            }
        }
    }

    fn points(&self, curve: &Curve) -> String {
        let points = curve.points.iter().map(|point| {
            let fill = [self.number(&point.at), self.number(&point.amount)];
            self.say(g::RULE_POINT, &fill)
        });
        points.collect::<Vec<_>>().join(", ")
    }

    fn rate_on(&self, base: Option<&Operand>) -> String {
        base.map(|base| self.say(g::RULE_RATE_ON, &[self.operand(base)]))
            .unwrap_or_default()
    }

    fn per(&self, per: &Per) -> String {
        let mut text = String::new();
        for (phrase, bound) in [(g::RULE_FLOOR_PER, &per.floor), (g::RULE_CAP_PER, &per.cap)] {
            if let Some(bound) = bound {
                text += &self.say(phrase, &[self.operand(bound), self.operand(&per.of)]);
            }
        }
        text
    }

    fn bounds(&self, floor: Option<&Operand>, cap: Option<&Operand>) -> String {
        let mut text = String::new();
        for (phrase, bound) in [(g::RULE_FLOOR, floor), (g::RULE_CAP, cap)] {
            if let Some(bound) = bound {
                text += &self.say(phrase, &[self.operand(bound)]);
            }
        }
        text
    }

    fn condition(&self, condition: &Condition) -> String {
        let joined = |all: &[Condition], word| {
            let all: Vec<String> = all.iter().map(|one| self.condition(one)).collect();
            let text = all.join(self.word(word));
            if all.len() > 1 {
                format!("({text})")
            } else {
                text
            }
        };
        match condition {
            Condition::All(all) => joined(all, g::AND),
            Condition::Any(any) => joined(any, g::OR),
            Condition::Compare {
                quantity,
                operator,
                value,
            } => {
                let fill = [
                    self.operand(&Operand::Quantity(*quantity)),
                    self.teller.comparison(*operator).to_owned(),
                    self.operand(value),
                ];
                self.say(g::RULE_IS, &fill)
            }
            Condition::Flag { name, equals } => {
                let phrase = if *equals {
                    g::RULE_IS_TRUE
                } else {
                    g::RULE_IS_FALSE
                };
                self.say(phrase, &[name])
            }
            Condition::Text { name, one_of } => {
                self.say(g::RULE_IS_ONE_OF, &[name.clone(), one_of.join(", ")])
            }
            Condition::Ended { line, branch } => {
                let ended = self.teller.ended(*branch).to_owned();
                self.say(g::RULE_LINE_ENDED, &[self.title(*line), ended])
            }
        }
    }

    fn title(&self, line: usize) -> String {
        let line = &self.terms.lines[line];
        line.title.clone().unwrap_or_else(|| line.name.clone())
    }

    fn operand(&self, operand: &Operand) -> String {
        match operand {
            Operand::Literal(value) => self.number(value),
            Operand::Quantity(index) => self.terms.quantities[*index].name.clone(),
        }
    }

    fn number(&self, value: &BigRational) -> String {
        self.teller.0.number(&number::text(value))
    }
}
