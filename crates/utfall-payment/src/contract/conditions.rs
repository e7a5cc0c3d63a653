//! The gates of a line: conditions of six forms, which look back only.

use toml::Spanned;

use super::lines::LineReader;
use super::quantities::check_input_name;
use super::raw::RawCondition;
use super::terms::Condition;
use crate::problem::ProblemKind;

impl LineReader<'_> {
    /// A gate, if the line has one. The outer `Option` is absent if it could not be resolved.
    pub(super) fn gate(
        &mut self,
        line: usize,
        raw: &Option<Spanned<RawCondition>>,
    ) -> Option<Option<Condition>> {
        match raw {
            None => Some(None),
            Some(raw) => self.condition(line, raw).map(Some),
        }
    }

    fn condition(&mut self, line: usize, raw: &Spanned<RawCondition>) -> Option<Condition> {
        let keys = keys_present(raw.get_ref());
        match (raw.get_ref(), keys.as_slice()) {
            (RawCondition { all: Some(all), .. }, ["all"]) => {
                Some(Condition::All(self.conditions(line, all, raw)?))
            }
            (RawCondition { any: Some(any), .. }, ["any"]) => {
                Some(Condition::Any(self.conditions(line, any, raw)?))
            }
            (
                RawCondition {
                    quantity: Some(quantity),
                    operator: Some(operator),
                    value: Some(value),
                    ..
                },
                ["quantity", "operator", "value"],
            ) => {
                let name = quantity.get_ref();
                let index = self.quantities.named(name, quantity.span(), self.problems);
                let value = self.quantities.operand(value, self.problems);
                Some(Condition::Compare {
                    quantity: index?,
                    operator: *operator,
                    value: value?,
                })
            }
            (
                RawCondition {
                    flag: Some(flag),
                    equals: Some(equals),
                    ..
                },
                ["flag", "equals"],
            ) => {
                check_input_name(flag, self.problems);
                Some(Condition::Flag {
                    name: flag.get_ref().clone(),
                    equals: *equals,
                })
            }
            (
                RawCondition {
                    text: Some(text),
                    one_of: Some(one_of),
                    ..
                },
                ["text", "one-of"],
            ) => Some(self.text(text, one_of)),
            (
                RawCondition {
                    line: Some(other),
                    ended: Some(branch),
                    ..
                },
                ["line", "ended"],
            ) => {
                let other = self.earlier_line(line, other)?;
                Some(Condition::Ended {
                    line: other,
                    branch: *branch,
                })
            }
            _ => {
                let found = if keys.is_empty() {
                    "that is empty".to_owned()
                } else {
                    format!(
                        "with the keys {}, which together are no form",
                        keys.join(", ")
                    )
                };
                self.problems
                    .add(ProblemKind::ConditionForm { found }, raw.span());
                None
            }
        }
    }

    fn conditions(
        &mut self,
        line: usize,
        list: &[Spanned<RawCondition>],
        whole: &Spanned<RawCondition>,
    ) -> Option<Vec<Condition>> {
        if list.is_empty() {
            let what = "conditions";
            self.problems.add(ProblemKind::Empty { what }, whole.span());
            return None;
        }
        let conditions: Vec<Option<Condition>> =
            list.iter().map(|raw| self.condition(line, raw)).collect();
        conditions.into_iter().collect()
    }

    fn text(
        &mut self,
        text: &Spanned<String>,
        one_of: &Spanned<Vec<Spanned<String>>>,
    ) -> Condition {
        check_input_name(text, self.problems);
        if one_of.get_ref().is_empty() {
            let what = "words in `one-of`";
            self.problems
                .add(ProblemKind::Empty { what }, one_of.span());
        }
        if text.get_ref().ends_with(".estimand") {
            for word in one_of.get_ref() {
                let known = ["ate", "att", "atc", "matched-treated"];
                if !known.contains(&word.get_ref().as_str()) {
                    let found = word.get_ref().clone();
                    self.problems
                        .add(ProblemKind::UnknownEstimand { found }, word.span());
                }
            }
        }
        Condition::Text {
            name: text.get_ref().clone(),
            one_of: one_of
                .get_ref()
                .iter()
                .map(|w| w.get_ref().clone())
                .collect(),
        }
    }

    /// The index of a line that is decided before `line`.
    fn earlier_line(&mut self, line: usize, name: &Spanned<String>) -> Option<usize> {
        let text = name.get_ref();
        match self.indices.get(text) {
            Some(&other) if other < line => Some(other),
            Some(_) => {
                let name_text = text.clone();
                self.problems
                    .add(ProblemKind::LaterLine { name: name_text }, name.span());
                None
            }
            None if self.document.unreadable.contains(text) => None,
            None => {
                let expected: Vec<&str> = self.indices.keys().map(String::as_str).collect();
                let kind = ProblemKind::UnknownLine {
                    name: text.clone(),
                    expected: expected.join(", "),
                };
                self.problems.add(kind, name.span());
                None
            }
        }
    }
}

/// The keys of a condition, in the order of the forms.
fn keys_present(raw: &RawCondition) -> Vec<&'static str> {
    [
        ("all", raw.all.is_some()),
        ("any", raw.any.is_some()),
        ("quantity", raw.quantity.is_some()),
        ("operator", raw.operator.is_some()),
        ("value", raw.value.is_some()),
        ("flag", raw.flag.is_some()),
        ("equals", raw.equals.is_some()),
        ("text", raw.text.is_some()),
        ("one-of", raw.one_of.is_some()),
        ("line", raw.line.is_some()),
        ("ended", raw.ended.is_some()),
    ]
    .into_iter()
    .filter_map(|(key, present)| present.then_some(key))
    .collect()
}
