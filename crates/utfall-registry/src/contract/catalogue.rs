//! Every rule of a contract under its id: what columns and the table imply, and what is declared.

use std::collections::BTreeMap;

use super::column::{Column, ColumnType};
use super::error::{ContractFault, Misplaced, Step};
use super::rule::{Rule, RuleEntry, Severity, Violation};
use super::rule_text::DeclaredRule;
use super::text::{ContractText, Format};
use crate::table_writer::StoredType;

/// The rules of a contract, in the order of their violations.
pub(super) fn of(
    text: &ContractText,
    columns: &[Column],
    key: &[usize],
    declared: &[DeclaredRule],
) -> Result<Vec<RuleEntry>, Misplaced> {
    let mut entries = of_table();
    for (position, column) in columns.iter().enumerate() {
        entries.extend(of_column(text, position, column, key.contains(&position)));
    }
    for (i, rule) in (0..).zip(declared) {
        entries.push(RuleEntry {
            violation: Violation {
                rule: rule.rule,
                column: rule.column,
                declared: Some(i),
            },
            id: rule.id.clone(),
            name: rule.name.clone(),
            severity: rule.severity.unwrap_or_default(),
            tolerance: rule.tolerance,
        });
    }
    check_ids(&entries, declared)?;
    judge(text, key, &mut entries)?;
    entries.sort_by_key(|entry| entry.violation);
    Ok(entries)
}

fn of_table() -> Vec<RuleEntry> {
    [
        (Rule::Ragged, "a row has as many cells as the header"),
        (Rule::Quote, "a quoted cell ends with its quote"),
        (Rule::Encoding, "text is text of the declared encoding"),
        (Rule::Malformed, "a record can be taken apart"),
        (Rule::DuplicateRow, "no row of a delivery is there twice"),
        (Rule::KeyConflict, "no two rows of a delivery share a key"),
    ]
    .map(|(rule, name)| {
        entry(
            Violation::implied(rule, None),
            rule.to_string(),
            name.to_owned(),
        )
    })
    .into()
}

fn of_column(
    text: &ContractText,
    position: usize,
    column: &Column,
    is_key: bool,
) -> Vec<RuleEntry> {
    let header = &column.header;
    let written = &text.column[position];
    let or = |text: &Option<String>| text.clone().unwrap_or_default();
    let mut rules = match text.format {
        Format::JsonLines | Format::Xml => {
            vec![(Rule::Malformed, format!("`{header}` holds one value"))]
        }
        _ => vec![(Rule::Quote, format!("`{header}` ends with its quote"))],
    };
    if column.stored_type() == StoredType::Text {
        rules.extend([
            (
                Rule::Encoding,
                format!("`{header}` is text of the declared encoding"),
            ),
            (
                Rule::ControlCharacter,
                format!("`{header}` holds no control character"),
            ),
        ]);
    }
    let cells_are_text = matches!(text.format, Format::Csv | Format::FixedWidth | Format::Xml);
    if column.stored_type() != StoredType::Text || !cells_are_text {
        rules.push((
            Rule::Type,
            format!("`{header}` is {}", a_kind(&column.kind)),
        ));
    }
    if let ColumnType::Decimal { decimals } = column.kind {
        rules.push((
            Rule::Decimals,
            format!("`{header}` has at most {decimals} decimals"),
        ));
    }
    if column.required || is_key {
        rules.push((Rule::Required, format!("`{header}` is given")));
    }
    if column.bounds.minimum.is_some() {
        rules.push((
            Rule::Minimum,
            format!("`{header}` is at least {}", or(&written.minimum)),
        ));
    }
    if column.bounds.maximum.is_some() {
        rules.push((
            Rule::Maximum,
            format!("`{header}` is at most {}", or(&written.maximum)),
        ));
    }
    if !column.lengths.is_any() {
        rules.push((Rule::Length, format!("`{header}` is as long as allowed")));
    }
    if column.pattern.is_some() {
        rules.push((
            Rule::Pattern,
            format!("`{header}` has the form {}", or(&written.pattern)),
        ));
    }
    if let ColumnType::Code { codes } = &column.kind {
        rules.push((
            Rule::Code,
            format!("`{header}` is one of {} codes", codes.len()),
        ));
    }
    if column.pseudonym.is_some() {
        rules.push((
            Rule::PseudonymKey,
            format!("`{header}` is a pseudonym under the stated key"),
        ));
    }
    if column.validity.is_some() {
        rules.push((
            Rule::CodeDate,
            format!("`{header}` is a code valid on its day"),
        ));
    }
    rules
        .into_iter()
        .map(|(rule, name)| {
            let violation = Violation::implied(rule, Some(position as u32));
            entry(violation, format!("{rule}:{header}"), name)
        })
        .collect()
}

fn a_kind(kind: &ColumnType) -> &'static str {
    match kind {
        ColumnType::Integer => "a whole number",
        ColumnType::Decimal { .. } => "a decimal number",
        ColumnType::Date => "a date",
        ColumnType::Year => "a year",
        ColumnType::Datetime => "a day and time",
        ColumnType::Boolean => "yes or no",
        ColumnType::Text | ColumnType::Code { .. } => "a text",
    }
}

fn entry(violation: Violation, id: String, name: String) -> RuleEntry {
    RuleEntry {
        violation,
        id,
        name,
        severity: Severity::Error,
        tolerance: None,
    }
}

/// Refuses two rules of one id.
fn check_ids(entries: &[RuleEntry], declared: &[DeclaredRule]) -> Result<(), Misplaced> {
    let mut ids = BTreeMap::new();
    for entry in entries {
        if ids.insert(&entry.id, ()).is_none() {
            continue;
        }
        let place = entry
            .violation
            .declared
            .and_then(|i| declared[i as usize].place);
        let fault = ContractFault::DuplicateRule {
            id: entry.id.clone(),
        };
        return Err(match place {
            Some(i) => fault.at([Step::Field("rule"), Step::Item(i), Step::Field("id")]),
            None => fault.at([Step::Field("rule")]),
        });
    }
    Ok(())
}

/// Gives rules the severity and tolerance that the contract states by their ids.
fn judge(text: &ContractText, key: &[usize], entries: &mut [RuleEntry]) -> Result<(), Misplaced> {
    for (i, judgement) in text.judgement.iter().enumerate() {
        let at = |field| [Step::Field("judgement"), Step::Item(i), Step::Field(field)];
        let id = judgement.rule.clone();
        let Some(entry) = entries.iter_mut().find(|entry| entry.id == id) else {
            let known = alike(&id, text);
            return Err(ContractFault::UnknownRule { id, known }.at(at("rule")));
        };
        if let Some(severity) = judgement.severity {
            let of_key = entry.violation.rule == Rule::Required
                && entry
                    .violation
                    .column
                    .is_some_and(|column| key.contains(&(column as usize)));
            if severity == Severity::Warning && (of_key || !entry.rule().is_storable()) {
                return Err(ContractFault::OnlyError { id }.at(at("severity")));
            }
            entry.severity = severity;
        }
        if judgement.tolerance.is_some() {
            entry.tolerance = judgement.tolerance;
        }
    }
    Ok(())
}

/// Headers of the columns, to complete an id with.
fn alike(id: &str, text: &ContractText) -> Vec<String> {
    let kind = id.split(':').next().unwrap_or_default();
    let with = |column: &super::column_text::ColumnText| format!("{kind}:{}", column.name);
    text.column.iter().take(5).map(with).collect()
}
