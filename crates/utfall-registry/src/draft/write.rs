//! A drafted contract as text.

use std::fmt::Write;

use chrono::Datelike;

use super::profile::{ColumnProfile, DATE_FORMATS, Profile};
use super::recognise::Recognised;

/// Fewest rows of each code of a column: what fewer share could tell who they are.
const ROWS_PER_CODE: u64 = 10;

/// Most decimals a column may keep.
const MAX_DECIMALS: u32 = 9;

/// What a column was taken for.
enum Kind {
    Text,
    Code(Vec<String>),
    Integer,
    Decimal(u32),
    /// A date, in one of the forms, or by its type.
    Date(Option<&'static str>),
}

pub(super) fn contract(name: &str, recognised: &Recognised, profile: &Profile) -> String {
    let kinds: Vec<Kind> = profile.columns.iter().map(kind).collect();
    let has_comma = profile.columns.iter().any(|column| column.n_with_comma > 0);
    let has_point = profile.columns.iter().any(|column| column.n_with_point > 0);
    let decimal = if has_comma && !has_point { ',' } else { '.' };
    let forms = kinds.iter().filter_map(|kind| match kind {
        Kind::Date(form) => *form,
        _ => None,
    });
    let date = forms.clone().next().unwrap_or("%Y-%m-%d");
    let key = profile.key();
    let mut text = format!(
        "\nschema = \"utfall-data-contract/1\"\nname = {}\ntitle = {}\n",
        quoted(&slug(name)),
        quoted(name)
    );
    write_key(&mut text, profile, key.as_deref());
    text += &recognised.head(decimal, date);
    write_missing(&mut text, profile, &kinds);
    for (column, kind) in profile.columns.iter().zip(&kinds) {
        write_column(&mut text, column, kind, date);
    }
    text
}

fn kind(column: &ColumnProfile) -> Kind {
    let n_values = column.n_values;
    if n_values == 0 {
        return Kind::Text;
    }
    if column.n_days == n_values {
        return Kind::Date(None);
    }
    if let Some(form) = (0..DATE_FORMATS.len()).find(|&form| column.n_dates[form] == n_values) {
        return Kind::Date(Some(DATE_FORMATS[form]));
    }
    let n_decimal = column.n_with_point.max(column.n_with_comma);
    let is_number = !column.has_leading_zero || n_decimal > 0;
    if is_number && column.n_whole == n_values {
        return Kind::Integer;
    }
    if is_number && column.n_whole + n_decimal == n_values && column.most_decimals <= MAX_DECIMALS {
        return Kind::Decimal(column.most_decimals);
    }
    match &column.distinct {
        Some(distinct) if distinct.values().all(|n_rows| *n_rows >= ROWS_PER_CODE) => {
            Kind::Code(distinct.keys().cloned().collect())
        }
        _ => Kind::Text,
    }
}

fn write_key(text: &mut String, profile: &Profile, key: Option<&[usize]>) {
    let names = |positions: &[usize]| {
        let names = positions
            .iter()
            .map(|&position| quoted(&profile.columns[position].name));
        names.collect::<Vec<_>>().join(", ")
    };
    match key {
        Some(key) => {
            *text += "# These columns tell all rows looked at apart; is that what the register promises?\n";
            *text += &format!("key = [{}]\n", names(key));
        }
        None => {
            *text += "# No three columns tell all rows apart: name those that should.\n";
            let all: Vec<usize> = (0..profile.columns.len()).collect();
            *text += &format!("key = [{}]\n", names(&all));
        }
    }
}

fn write_missing(text: &mut String, profile: &Profile, kinds: &[Kind]) {
    let mut codes: Vec<(&str, Vec<String>)> = Vec::new();
    for (column, kind) in profile.columns.iter().zip(kinds) {
        for habit in column.missing.keys() {
            // In a column of texts the habit may be a text like any other.
            if matches!(kind, Kind::Text) && column.n_values > 0 {
                continue;
            }
            match codes.iter_mut().find(|(code, _)| code == habit) {
                Some((_, columns)) => columns.push(quoted(&column.name)),
                None => codes.push((habit, vec![quoted(&column.name)])),
            }
        }
    }
    for (code, columns) in codes {
        let _ = write!(
            text,
            "\n# Stands for a missing value by the look of it. What does it mean: missing, not-applicable, suppressed,\n\
             # not-yet-reported?\n[[missing]]\ncode = {}\nmeans = \"missing\"\ncolumns = [{}]\n",
            quoted(code),
            columns.join(", ")
        );
    }
}

fn write_column(text: &mut String, column: &ColumnProfile, kind: &Kind, date: &str) {
    let n_rows = column.n_values + column.n_empty + column.missing.values().sum::<u64>();
    let n_missing = n_rows - column.n_values;
    *text += "\n";
    if n_missing > 0 {
        *text += &format!("# Missing in {n_missing} of {n_rows} rows.\n");
    }
    *text += &format!("[[column]]\nname = {}\n", quoted(&column.name));
    match kind {
        Kind::Text => *text += "type = \"text\"\n",
        Kind::Integer => *text += "type = \"integer\"\n",
        Kind::Decimal(decimals) => *text += &format!("type = \"decimal\"\ndecimals = {decimals}\n"),
        Kind::Date(form) => {
            *text += "type = \"date\"\n";
            if let Some(form) = form.filter(|form| *form != date) {
                *text += &format!("date = \"{form}\"\n");
            }
            let year = crate::dates::from_days(column.earliest).year();
            *text += &format!(
                "minimum = \"{:04}-01-01\"   # the decade of the earliest\n",
                year.div_euclid(10) * 10
            );
        }
        Kind::Code(codes) => {
            let codes: Vec<String> = codes.iter().map(|code| quoted(code)).collect();
            *text += &format!("type = \"code\"\ncodes = [{}]\n", codes.join(", "));
        }
    }
    if matches!(kind, Kind::Integer | Kind::Decimal(_)) && !column.has_negative {
        *text += "minimum = \"0\"\n";
    }
    if n_missing == 0 {
        *text += "required = true\n";
    }
}

/// A name that can be a folder's.
fn slug(name: &str) -> String {
    let name = name.to_lowercase();
    let kept = name.chars().map(|c| {
        if c.is_ascii_alphanumeric() || c == '-' || c == '_' {
            c
        } else {
            '-'
        }
    });
    let slug: String = kept.collect();
    if slug.is_empty() {
        "extract".to_owned()
    } else {
        slug
    }
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}
