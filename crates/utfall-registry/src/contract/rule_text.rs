//! Rules as written in a contract, and what makes them sound.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utfall_core::Offset;

use super::column::{Column, ColumnType};
use super::error::{ContractFault, Misplaced, Step};
use super::rule::{
    Comparison, Elsewhere, Every, Literal, RowRule, Rule, RuleBody, SetRule, Severity, Share,
    Tolerance, When,
};
use super::text::find;
use crate::cell;
use crate::dates::to_days;

/// What a declared rule asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum KindName {
    NotBefore,
    Compare,
    Sum,
    RequiredIf,
    AbsentIf,
    Combination,
    Unique,
    ForeignKey,
    Overlap,
    WithinEpisode,
    CompareAcross,
    RowCount,
    Coverage,
    Freshness,
}

/// A rule. Which fields a kind takes is told in the crate's README.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RuleText {
    pub(super) kind: KindName,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) severity: Option<Severity>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tolerance: Option<Tolerance>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) column: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) is: Option<Comparison>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) other: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) parts: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) total: Option<String>,
    /// Of a sum a number of its unit; of freshness a span of time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) within: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) when: Option<WhenText>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) columns: Option<Vec<String>>,
    /// Values in canonical form; an empty text is a missing value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) allowed: Option<Vec<Vec<String>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) extract: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) others: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) start: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stop: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) minimum: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) maximum: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) change: Option<Share>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) every: Option<Every>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) from: Option<NaiveDate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) until: Option<NaiveDate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) by: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) vintage_from: Option<NaiveDate>,
}

/// A condition on another value of the row.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct WhenText {
    pub(super) column: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) among: Option<Vec<String>>,
}

/// Severity and tolerance of a rule, by its id.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct JudgementText {
    pub(super) rule: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) severity: Option<Severity>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tolerance: Option<Tolerance>,
}

/// A declared rule that is sound.
#[derive(Debug)]
pub(super) struct DeclaredRule {
    pub(super) rule: Rule,
    pub(super) column: Option<u32>,
    pub(super) id: String,
    pub(super) name: String,
    pub(super) severity: Option<Severity>,
    pub(super) tolerance: Option<Tolerance>,
    pub(super) body: RuleBody,
    /// Position among the rules of the contract; `None` if a column implies it.
    pub(super) place: Option<usize>,
}

/// The rules, if they are sound.
pub(super) fn check(
    texts: &[RuleText],
    columns: &[Column],
) -> Result<Vec<DeclaredRule>, Misplaced> {
    let check = |(position, text)| {
        Given {
            position,
            text,
            columns,
        }
        .check()
    };
    texts.iter().enumerate().map(check).collect()
}

/// A rule as written, among the columns it is about.
struct Given<'a> {
    position: usize,
    text: &'a RuleText,
    columns: &'a [Column],
}

impl Given<'_> {
    fn check(&self) -> Result<DeclaredRule, Misplaced> {
        self.check_fields()?;
        let (rule, column, body, name) = match self.text.kind {
            KindName::NotBefore | KindName::Compare => self.compare()?,
            KindName::Sum => self.sum()?,
            KindName::RequiredIf | KindName::AbsentIf => self.conditional()?,
            KindName::Combination => self.combination()?,
            KindName::Unique => self.unique()?,
            KindName::ForeignKey => self.foreign_key()?,
            KindName::Overlap => self.overlap()?,
            KindName::WithinEpisode => self.within_episode()?,
            KindName::CompareAcross => self.compare_across()?,
            KindName::RowCount => self.row_count()?,
            KindName::Coverage => self.coverage()?,
            KindName::Freshness => self.freshness()?,
        };
        let implied = match column {
            Some(column) => format!("{rule}:{}", self.columns[column].header),
            None => rule.to_string(),
        };
        let id = self.text.id.clone().unwrap_or(implied);
        if id.is_empty() || id.trim() != id || id.contains(['|', '\n']) {
            return Err(self.fault("id", ContractFault::RuleId { id }));
        }
        Ok(DeclaredRule {
            rule,
            column: column.map(|column| column as u32),
            id,
            name: self.text.name.clone().unwrap_or(name),
            severity: self.text.severity,
            tolerance: self.text.tolerance,
            body,
            place: Some(self.position),
        })
    }

    /// Refuses fields that mean nothing for the rule's kind.
    fn check_fields(&self) -> Result<(), Misplaced> {
        let text = self.text;
        let given: [(&'static str, bool); 19] = [
            ("column", text.column.is_some()),
            ("is", text.is.is_some()),
            ("other", text.other.is_some()),
            ("parts", text.parts.is_some()),
            ("total", text.total.is_some()),
            ("within", text.within.is_some()),
            ("when", text.when.is_some()),
            ("columns", text.columns.is_some()),
            ("allowed", text.allowed.is_some()),
            ("extract", text.extract.is_some()),
            ("others", text.others.is_some()),
            ("start", text.start.is_some()),
            ("stop", text.stop.is_some()),
            ("minimum", text.minimum.is_some()),
            ("maximum", text.maximum.is_some()),
            ("change", text.change.is_some()),
            ("every", text.every.is_some()),
            ("from", text.from.is_some()),
            ("until", text.until.is_some()),
        ];
        let rest = [
            ("by", text.by.is_some()),
            ("vintage-from", text.vintage_from.is_some()),
        ];
        let allowed = text.kind.fields();
        for (field, is_given) in given.into_iter().chain(rest) {
            if is_given && !allowed.contains(&field) {
                let fault = ContractFault::NotForThisRule {
                    field,
                    fields: allowed,
                };
                return Err(self.fault(field, fault));
            }
        }
        Ok(())
    }

    fn compare(&self) -> Result<Checked, Misplaced> {
        let column = self.column("column", &self.text.column)?;
        let other = self.column("other", &self.text.other)?;
        let (rule, is) = if self.text.kind == KindName::NotBefore {
            (Rule::NotBefore, Comparison::GreaterOrEqual)
        } else {
            (Rule::Compare, self.needed("is", self.text.is)?)
        };
        let (a, b) = (&self.columns[column], &self.columns[other]);
        let fits = a.is_ordered_with(b) || (is.is_of_equality() && a.is_comparable_with(b));
        if !fits {
            return Err(self.fault("other", ContractFault::NotComparable));
        }
        let name = if rule == Rule::NotBefore {
            format!("`{}` is not before `{}`", a.header, b.header)
        } else {
            format!("`{}` is {} `{}`", a.header, is.words(), b.header)
        };
        let body = RuleBody::Row(RowRule::Compare { column, is, other });
        Ok((rule, Some(column), body, name))
    }

    fn sum(&self) -> Result<Checked, Misplaced> {
        let parts = self.list("parts", &self.text.parts)?;
        let total = self.column("total", &self.text.total)?;
        let sum = &self.columns[total];
        let is_number = |column: &Column| {
            matches!(
                column.kind,
                ColumnType::Integer | ColumnType::Decimal { .. }
            )
        };
        if !is_number(sum)
            || parts
                .iter()
                .any(|&part| self.columns[part].kind != sum.kind)
        {
            return Err(self.fault("total", ContractFault::NotComparable));
        }
        let within = match &self.text.within {
            None => 0,
            Some(text) => cell::decimal(text.as_bytes(), b'.', sum.decimals())
                .ok()
                .filter(|within| *within >= 0)
                .ok_or_else(|| {
                    let (found, kind) = (text.clone(), sum.kind.name());
                    self.fault("within", ContractFault::Bound { found, kind })
                })?,
        };
        let name = format!("{} add up to `{}`", self.names(&parts), sum.header);
        let body = RuleBody::Row(RowRule::Sum {
            parts,
            total,
            within,
        });
        Ok((Rule::Sum, Some(total), body, name))
    }

    fn conditional(&self) -> Result<Checked, Misplaced> {
        let column = self.column("column", &self.text.column)?;
        let when = self.when()?;
        let header = &self.columns[column].header;
        let condition = format!(
            "`{}` is {}",
            self.columns[when.column].header,
            if when.among.is_some() {
                let among = self.text.when.as_ref().and_then(|when| when.among.as_ref());
                among.map(|among| among.join(" or ")).unwrap_or_default()
            } else {
                "given".to_owned()
            }
        );
        Ok(if self.text.kind == KindName::RequiredIf {
            let name = format!("`{header}` is given where {condition}");
            let body = RuleBody::Row(RowRule::Present { column, when });
            (Rule::RequiredIf, Some(column), body, name)
        } else {
            let name = format!("`{header}` is empty where {condition}");
            let body = RuleBody::Row(RowRule::Absent { column, when });
            (Rule::AbsentIf, Some(column), body, name)
        })
    }

    fn when(&self) -> Result<When, Misplaced> {
        let text = self.needed("when", self.text.when.as_ref())?;
        let column = find(&text.column, self.columns).map_err(|fault| self.fault("when", fault))?;
        let among = match &text.among {
            None => None,
            Some(among) if among.is_empty() => {
                return Err(self.fault("when", ContractFault::EmptyList { field: "among" }));
            }
            Some(among) => {
                let literal = |text: &String| self.literal("when", column, text);
                Some(among.iter().map(literal).collect::<Result<_, _>>()?)
            }
        };
        Ok(When { column, among })
    }

    fn combination(&self) -> Result<Checked, Misplaced> {
        let columns = self.list("columns", &self.text.columns)?;
        let rows = self.needed("allowed", self.text.allowed.as_ref())?;
        let mut allowed = BTreeSet::new();
        for row in rows {
            if row.len() != columns.len() {
                let fault = ContractFault::CombinationWidth {
                    found: row.len(),
                    expected: columns.len(),
                };
                return Err(self.fault("allowed", fault));
            }
            let value = |(text, &column): (&String, &usize)| match text.as_str() {
                "" => Ok(None),
                _ => self.literal("allowed", column, text).map(Some),
            };
            let values = row.iter().zip(&columns).map(value);
            allowed.insert(values.collect::<Result<Vec<_>, _>>()?);
        }
        if allowed.is_empty() {
            return Err(self.fault("allowed", ContractFault::EmptyList { field: "allowed" }));
        }
        let name = format!("{} occur together as listed", self.names(&columns));
        let first = columns[0];
        let body = RuleBody::Row(RowRule::Combination { columns, allowed });
        Ok((Rule::Combination, Some(first), body, name))
    }

    fn unique(&self) -> Result<Checked, Misplaced> {
        let columns = self.list("columns", &self.text.columns)?;
        let name = format!("no two rows have the same {}", self.names(&columns));
        let column = self.single(&columns);
        Ok((
            Rule::Unique,
            column,
            RuleBody::Set(SetRule::Unique { columns }),
            name,
        ))
    }

    fn foreign_key(&self) -> Result<Checked, Misplaced> {
        let columns = self.list("columns", &self.text.columns)?;
        let elsewhere = self.elsewhere("columns", &columns)?;
        let name = format!("{} is in `{}`", self.names(&columns), elsewhere.extract);
        let column = self.single(&columns);
        let body = RuleBody::Set(SetRule::ForeignKey { columns, elsewhere });
        Ok((Rule::ForeignKey, column, body, name))
    }

    fn overlap(&self) -> Result<Checked, Misplaced> {
        let key = self.list("columns", &self.text.columns)?;
        let start = self.date("start", &self.text.start)?;
        let stop = self.date("stop", &self.text.stop)?;
        let name = format!(
            "no two spans from `{}` to `{}` of one {} overlap",
            self.columns[start].header,
            self.columns[stop].header,
            self.names(&key)
        );
        let body = RuleBody::Set(SetRule::Overlap { key, start, stop });
        Ok((Rule::Overlap, Some(start), body, name))
    }

    fn within_episode(&self) -> Result<Checked, Misplaced> {
        let key = self.list("columns", &self.text.columns)?;
        let date = self.date("column", &self.text.column)?;
        let elsewhere = self.elsewhere("columns", &key)?;
        let start = self.needed("start", self.text.start.clone())?;
        let stop = self.needed("stop", self.text.stop.clone())?;
        let name = format!(
            "`{}` lies within a span of `{}` for its {}",
            self.columns[date].header,
            elsewhere.extract,
            self.names(&key)
        );
        let body = RuleBody::Set(SetRule::WithinEpisode {
            key,
            date,
            elsewhere,
            start,
            stop,
        });
        Ok((Rule::WithinEpisode, Some(date), body, name))
    }

    fn compare_across(&self) -> Result<Checked, Misplaced> {
        let key = self.list("columns", &self.text.columns)?;
        let column = self.column("column", &self.text.column)?;
        let is = self.needed("is", self.text.is)?;
        let elsewhere = self.elsewhere("columns", &key)?;
        let other = self.needed("other", self.text.other.clone())?;
        if !self.columns[column].has_order() {
            return Err(self.fault("column", ContractFault::NotComparable));
        }
        let name = format!(
            "`{}` is {} `{other}` in `{}` for its {}",
            self.columns[column].header,
            is.words(),
            elsewhere.extract,
            self.names(&key)
        );
        let body = RuleBody::Set(SetRule::CompareAcross {
            key,
            column,
            is,
            elsewhere,
            other,
        });
        Ok((Rule::CompareAcross, Some(column), body, name))
    }

    fn row_count(&self) -> Result<Checked, Misplaced> {
        let (minimum, maximum, change) = (self.text.minimum, self.text.maximum, self.text.change);
        if minimum.is_none() && maximum.is_none() && change.is_none() {
            return Err(self.needs("minimum"));
        }
        if minimum
            .zip(maximum)
            .is_some_and(|(minimum, maximum)| minimum > maximum)
        {
            return Err(self.fault("maximum", ContractFault::EmptyRange));
        }
        let mut asks = Vec::new();
        asks.extend(minimum.map(|minimum| format!("at least {minimum} rows")));
        asks.extend(maximum.map(|maximum| format!("at most {maximum} rows")));
        let by = |change| {
            format!(
                "changes by at most {} from the one before",
                String::from(change)
            )
        };
        let mut name = String::from("a delivery ");
        if !asks.is_empty() {
            name += &format!("has {}", asks.join(" and "));
        }
        if let Some(change) = change {
            let and = if asks.is_empty() { "" } else { " and " };
            name += &format!("{and}{}", by(change));
        }
        let body = RuleBody::Set(SetRule::RowCount {
            minimum,
            maximum,
            change,
        });
        Ok((Rule::RowCount, None, body, name))
    }

    fn coverage(&self) -> Result<Checked, Misplaced> {
        let column = self.date("column", &self.text.column)?;
        let every = self.needed("every", self.text.every)?;
        let from = self.needed("from", self.text.from)?;
        let until = self.needed("until", self.text.until)?;
        if from >= until {
            return Err(self.fault("until", ContractFault::EmptyRange));
        }
        let by = match &self.text.by {
            None => Vec::new(),
            by => self.list("by", by)?,
        };
        let word = match every {
            Every::Day => "day",
            Every::Week => "week",
            Every::Month => "month",
            Every::Year => "year",
        };
        let mut name = format!(
            "each {word} of `{}` from {from} to before {until} has a row",
            self.columns[column].header
        );
        if !by.is_empty() {
            name += &format!(" for each {}", self.names(&by));
        }
        let body = RuleBody::Set(SetRule::Coverage {
            column,
            every,
            from: to_days(from),
            until: to_days(until),
            by,
        });
        Ok((Rule::Coverage, Some(column), body, name))
    }

    fn freshness(&self) -> Result<Checked, Misplaced> {
        let newest = match (&self.text.column, &self.text.within) {
            (None, None) => None,
            (None, Some(_)) => return Err(self.needs("column")),
            (Some(_), _) => {
                let column = self.date("column", &self.text.column)?;
                let text = self.needed("within", self.text.within.as_ref())?;
                let within: Offset = text.parse().map_err(|_| {
                    let found = text.clone();
                    self.fault("within", ContractFault::Span { found })
                })?;
                Some((column, within))
            }
        };
        let vintage_from = self.text.vintage_from;
        let mut asks = Vec::new();
        if let (Some((column, _)), Some(within)) = (newest, &self.text.within) {
            let header = &self.columns[column].header;
            asks.push(format!(
                "the newest `{header}` is at most {within} before the latest delivery"
            ));
        }
        asks.extend(vintage_from.map(|date| format!("the latest delivery is of {date} or later")));
        if asks.is_empty() {
            return Err(self.needs("column"));
        }
        let body = RuleBody::Set(SetRule::Freshness {
            newest,
            vintage_from,
        });
        let column = newest.map(|(column, _)| column);
        Ok((Rule::Freshness, column, body, asks.join(" and ")))
    }

    fn elsewhere(&self, field: &'static str, columns: &[usize]) -> Result<Elsewhere, Misplaced> {
        let extract = self.needed("extract", self.text.extract.clone())?;
        let names = || {
            columns
                .iter()
                .map(|&column| self.columns[column].name.clone())
        };
        let columns = match &self.text.others {
            None => names().collect(),
            Some(others) if others.len() == columns.len() => others.clone(),
            Some(others) => {
                let fault = ContractFault::CombinationWidth {
                    found: others.len(),
                    expected: columns.len(),
                };
                return Err(self.fault(field, fault));
            }
        };
        Ok(Elsewhere { extract, columns })
    }

    fn literal(
        &self,
        field: &'static str,
        column: usize,
        text: &str,
    ) -> Result<Literal, Misplaced> {
        let column = &self.columns[column];
        match &column.kind {
            ColumnType::Code { codes } if codes.iter().all(|code| code != text) => {
                let found = text.to_owned();
                let header = column.header.clone();
                Err(self.fault(field, ContractFault::NoSuchCode { found, header }))
            }
            ColumnType::Text | ColumnType::Code { .. } => Ok(Literal::Text(text.to_owned())),
            kind => column.canonical(text).map(Literal::Number).ok_or_else(|| {
                let (found, kind) = (text.to_owned(), kind.name());
                self.fault(field, ContractFault::Bound { found, kind })
            }),
        }
    }

    fn date(&self, field: &'static str, name: &Option<String>) -> Result<usize, Misplaced> {
        let column = self.column(field, name)?;
        if self.columns[column].kind == ColumnType::Date {
            Ok(column)
        } else {
            Err(self.fault(field, ContractFault::NoDateColumn))
        }
    }

    fn column(&self, field: &'static str, name: &Option<String>) -> Result<usize, Misplaced> {
        let name = self.needed(field, name.as_ref())?;
        find(name, self.columns).map_err(|fault| self.fault(field, fault))
    }

    fn list(
        &self,
        field: &'static str,
        names: &Option<Vec<String>>,
    ) -> Result<Vec<usize>, Misplaced> {
        let names = self.needed(field, names.as_ref())?;
        if names.is_empty() {
            return Err(self.fault(field, ContractFault::EmptyList { field }));
        }
        let mut positions = Vec::with_capacity(names.len());
        for name in names {
            let position = find(name, self.columns).map_err(|fault| self.fault(field, fault))?;
            if positions.contains(&position) {
                let name = name.clone();
                return Err(self.fault(field, ContractFault::DuplicateColumn { name }));
            }
            positions.push(position);
        }
        Ok(positions)
    }

    /// The column of a rule that is about one alone.
    fn single(&self, columns: &[usize]) -> Option<usize> {
        match columns {
            [column] => Some(*column),
            _ => None,
        }
    }

    fn names(&self, columns: &[usize]) -> String {
        let names: Vec<String> = columns
            .iter()
            .map(|&column| format!("`{}`", self.columns[column].header))
            .collect();
        match names.split_last() {
            Some((last, before)) if !before.is_empty() => {
                format!("{} and {last}", before.join(", "))
            }
            _ => names.concat(),
        }
    }

    fn needed<T>(&self, field: &'static str, value: Option<T>) -> Result<T, Misplaced> {
        value.ok_or_else(|| self.needs(field))
    }

    fn needs(&self, field: &'static str) -> Misplaced {
        let fields = self.text.kind.fields();
        ContractFault::RuleNeeds { field, fields }
            .at([Step::Field("rule"), Step::Item(self.position)])
    }

    fn fault(&self, field: &'static str, fault: ContractFault) -> Misplaced {
        fault.at([
            Step::Field("rule"),
            Step::Item(self.position),
            Step::Field(field),
        ])
    }
}

/// Kind, column, what is asked, and the same in words.
type Checked = (Rule, Option<usize>, RuleBody, String);

impl RuleText {
    /// Whether the rule is judged on the values of one row.
    pub(super) fn is_about_row(&self) -> bool {
        use KindName::{AbsentIf, Combination, Compare, NotBefore, RequiredIf, Sum};
        matches!(
            self.kind,
            NotBefore | Compare | Sum | RequiredIf | AbsentIf | Combination
        )
    }
}

impl KindName {
    /// The fields it takes beside id, name, severity and tolerance.
    fn fields(self) -> &'static [&'static str] {
        match self {
            Self::NotBefore => &["column", "other"],
            Self::Compare => &["column", "is", "other"],
            Self::Sum => &["parts", "total", "within"],
            Self::RequiredIf | Self::AbsentIf => &["column", "when"],
            Self::Combination => &["columns", "allowed"],
            Self::Unique => &["columns"],
            Self::ForeignKey => &["columns", "extract", "others"],
            Self::Overlap => &["columns", "start", "stop"],
            Self::WithinEpisode => &["columns", "column", "extract", "others", "start", "stop"],
            Self::CompareAcross => &["columns", "column", "is", "extract", "others", "other"],
            Self::RowCount => &["minimum", "maximum", "change"],
            Self::Coverage => &["column", "every", "from", "until", "by"],
            Self::Freshness => &["column", "within", "vintage-from"],
        }
    }
}
