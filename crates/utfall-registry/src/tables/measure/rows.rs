//! Rows with a date, counted and summed by the engine for each member.

use std::collections::HashSet;

use utfall_core::Tally;

use super::kind::{Late, MeasureKind, NoEvent};
use super::{Exposure, Filter, Question};
use crate::dates::to_days;
use crate::relation::{Aggregate, Comparison, Condition, Expression, JoinKind, Relation, Value};
use crate::tables::{Extract, TableError};

/// The aggregates of a member.
const SUMS: [&str; 3] = ["@s0", "@s1", "@s2"];

/// What the engine computes for each member.
struct Summary {
    /// What a row must meet to count.
    conditions: Vec<Condition>,
    aggregates: Vec<Aggregate>,
    /// A column whose values are told apart.
    distinct: Option<String>,
}

/// Columns of the relations; no column of an extract is meant to begin so.
const MEMBER: &str = "@member";
const TIME: &str = "@time";
const UNIT: &str = "@unit";

impl Question<'_> {
    /// Measures rows with a date.
    pub(super) fn rows(&self) -> Result<Vec<Tally>, TableError> {
        let nothing = Tally {
            numerator: 0,
            denominator: i64::from(!self.kind.is_quotient()),
        };
        let mut answer = Answer {
            question: self,
            tallies: vec![nothing; self.units.len()],
            seen: HashSet::new(),
            first: vec![None; self.units.len()],
            n_unlisted: 0,
            overflow: false,
        };
        let (own, of_members) = self.relations()?;
        self.tables.run(&own, &mut |row| {
            if let Some(position) = row[0].text().and_then(|id| self.units.position(id)) {
                answer.see(position, &row[1..]);
            }
        })?;
        if let Some(of_members) = of_members {
            self.tables.run(&of_members, &mut |row| {
                let unit = row[1].text();
                if let Some(position) = unit.and_then(|unit| self.units.position(unit)) {
                    answer.see(position, &row[2..]);
                }
            })?;
        }
        answer.finish()
    }

    /// The rows by member; where members change units, also by member and unit. Columns: member,
    /// unit if any, distinct value if any, aggregates.
    pub(super) fn relations(&self) -> Result<(Relation, Option<Relation>), TableError> {
        let extract = self.tables.extract(&self.spec.extract)?;
        let summary = self.summary(extract, self.kind)?;
        let time = self.time(extract)?;
        let mut conditions = vec![
            Condition::present(MEMBER),
            Condition::from(TIME, to_days(self.period.start())),
            Condition::before(TIME, to_days(self.period.end())),
        ];
        conditions.extend(extract.conditions(&self.spec.r#where)?);
        conditions.extend(extract.conditions(self.filters)?);
        conditions.extend(summary.conditions.clone());
        extract.text(&self.spec.member)?;
        let mut columns = vec![(self.spec.member.as_str(), MEMBER), (time, TIME)];
        let named: Vec<&str> = self.row_columns();
        columns.extend(named.iter().map(|&name| (name, name)));
        let rows = extract.scan(&columns)?.filter(conditions);
        let membership = self.units.membership(self.tables)?;
        let mut by = vec![MEMBER];
        by.extend(summary.distinct.as_deref());
        if self.spec.exposure.is_none() && membership.is_none() {
            return Ok((rows.group(&by, summary.aggregates), None));
        }
        let mut by_day = by.clone();
        by_day.push(TIME);
        let mut days = rows.group(&by_day, summary.aggregates.clone());
        if let Some(exposure) = &self.spec.exposure {
            days = self.under_observation(days, exposure, &by_day, &summary.aggregates)?;
        }
        let own = days.clone().group(&by, totals(&summary.aggregates));
        let of_members = membership.map(|membership| {
            let mut by_unit = vec![MEMBER, UNIT];
            by_unit.extend(summary.distinct.as_deref());
            let mut by_unit_and_day = by_unit.clone();
            by_unit_and_day.push(TIME);
            days.join(JoinKind::Inner, membership, &[(MEMBER, "@of-member")])
                .filter(vec![Condition::within(TIME, "@of-from", "@of-until")])
                .project(renamed(&by_unit_and_day, &summary.aggregates))
                .group(&by_unit_and_day, once(&summary.aggregates))
                .group(&by_unit, totals(&summary.aggregates))
        });
        Ok((own, of_members))
    }

    /// Keeps the days on which the member is under observation, each once however many episodes
    /// hold it.
    fn under_observation(
        &self,
        days: Relation,
        exposure: &Exposure,
        by_day: &[&str],
        aggregates: &[Aggregate],
    ) -> Result<Relation, TableError> {
        let episodes = self.exposure_episodes(exposure)?;
        Ok(days
            .join(JoinKind::Inner, episodes, &[(MEMBER, "@at-member")])
            .filter(vec![Condition::within(TIME, "@at-start", "@at-stop")])
            .group(by_day, once(aggregates)))
    }

    /// The episodes under observation: member, start, stop.
    pub(super) fn exposure_episodes(&self, exposure: &Exposure) -> Result<Relation, TableError> {
        let extract = self.tables.extract(&exposure.extract)?;
        extract.text(&exposure.member)?;
        extract.date(&exposure.start)?;
        extract.date(&exposure.stop)?;
        let mut columns = vec![
            (exposure.member.as_str(), "@at-member"),
            (exposure.start.as_str(), "@at-start"),
            (exposure.stop.as_str(), "@at-stop"),
        ];
        let filtered = filter_columns(&exposure.filters);
        columns.extend(filtered.iter().map(|&name| (name, name)));
        let mut conditions = extract.conditions(&exposure.filters)?;
        conditions.extend([
            Condition::present("@at-member"),
            Condition::before("@at-start", to_days(self.period.end())),
            Condition::after_or_open("@at-stop", to_days(self.period.start())),
        ]);
        Ok(extract.scan(&columns)?.filter(conditions).select(&[
            "@at-member",
            "@at-start",
            "@at-stop",
        ]))
    }

    fn time<'e>(&'e self, extract: &Extract) -> Result<&'e str, TableError> {
        let time = self
            .spec
            .time
            .as_deref()
            .ok_or_else(|| TableError::NoTime {
                measure: self.spec.name.clone(),
            })?;
        extract.date(time)?;
        Ok(time)
    }

    /// Columns of the extract that conditions and aggregates name, each once.
    fn row_columns(&self) -> Vec<&str> {
        let mut columns = self.kind.columns();
        columns.extend(filter_columns(&self.spec.r#where));
        columns.extend(filter_columns(self.filters));
        columns.sort_unstable();
        columns.dedup();
        columns
    }

    fn summary(&self, extract: &Extract, kind: &MeasureKind) -> Result<Summary, TableError> {
        let mut conditions = Vec::new();
        let mut distinct = None;
        let mut number = |column: &str| -> Result<(), TableError> {
            extract.number(column)?;
            conditions.push(Condition::present(column));
            Ok(())
        };
        let aggregates = match kind {
            MeasureKind::Ratio {
                numerator,
                denominator,
                numerator_where,
            } => {
                number(numerator)?;
                number(denominator)?;
                let counted = Condition::All(extract.conditions(numerator_where)?);
                vec![
                    Aggregate::sum(SUMS[0], numerator).when(counted),
                    Aggregate::sum(SUMS[1], denominator),
                ]
            }
            MeasureKind::Sum { column } => {
                number(column)?;
                vec![Aggregate::sum(SUMS[0], column)]
            }
            MeasureKind::Mean { column } => {
                number(column)?;
                vec![Aggregate::sum(SUMS[0], column), Aggregate::count(SUMS[1])]
            }
            MeasureKind::Sessions {
                code,
                present,
                absent,
                not_counted,
                late,
                amount,
            } => {
                extract.text(code)?;
                if let Some(amount) = amount {
                    number(amount)?;
                }
                if let Some(late) = late {
                    extract.number(&late.minutes)?;
                }
                let marks = Marks {
                    code,
                    present: &listed(extract, code, present)?,
                    absent: &listed(extract, code, absent)?,
                    not_counted: &listed(extract, code, not_counted)?,
                };
                let absences = marks.absences(extract, late.as_ref())?;
                let amounts = |name, condition| match amount {
                    Some(amount) => Aggregate::sum(name, amount).when(condition),
                    None => Aggregate::count(name).when(condition),
                };
                vec![
                    amounts(SUMS[0], absences),
                    amounts(SUMS[1], marks.possible()),
                    Aggregate::count(SUMS[2]).when(marks.unlisted()),
                ]
            }
            MeasureKind::Distinct { column } => {
                extract.column(column)?;
                conditions.push(Condition::present(column));
                distinct = Some(column.clone());
                vec![Aggregate::count(SUMS[0])]
            }
            MeasureKind::FirstEvent { .. } => vec![Aggregate::minimum(SUMS[0], TIME)],
            MeasureKind::Threshold { of, .. } => return self.summary(extract, of),
            _ => vec![Aggregate::count(SUMS[0])],
        };
        Ok(Summary {
            conditions,
            aggregates,
            distinct,
        })
    }

    /// Decimals of the denominator less those of the numerator: the power of ten that brings the
    /// quotient of two stored whole numbers to the measure's unit.
    fn shift(&self, kind: &MeasureKind) -> Result<i32, TableError> {
        let extract = self.tables.extract(&self.spec.extract)?;
        let decimals =
            |column: &str| Ok::<i32, TableError>(extract.number(column)?.decimals().into());
        Ok(match kind {
            MeasureKind::Ratio {
                numerator,
                denominator,
                ..
            } => decimals(denominator)? - decimals(numerator)?,
            MeasureKind::Mean { column } => -decimals(column)?,
            _ => 0,
        })
    }
}

/// The marks of sessions.
struct Marks<'a> {
    code: &'a str,
    present: &'a [String],
    absent: &'a [String],
    not_counted: &'a [String],
}

impl Marks<'_> {
    fn among(&self, codes: &[String]) -> Condition {
        Condition::text_among(self.code, codes)
    }

    fn possible(&self) -> Condition {
        Condition::Any(vec![self.among(self.present), self.among(self.absent)])
    }

    fn unlisted(&self) -> Condition {
        let listed = Condition::Any(vec![self.possible(), self.among(self.not_counted)]);
        Condition::All(vec![
            Condition::present(self.code),
            Condition::Not(Box::new(listed)),
        ])
    }

    /// Marks of absence, and of presence from so many minutes late.
    fn absences(&self, extract: &Extract, late: Option<&Late>) -> Result<Condition, TableError> {
        let absent = self.among(self.absent);
        let Some(late) = late else {
            return Ok(absent);
        };
        let decimals = u32::from(extract.number(&late.minutes)?.decimals());
        let minutes = i64::from(late.absent_from) * 10_i64.pow(decimals);
        let too_late = Condition::compare(
            &late.minutes,
            Comparison::AtLeast,
            Expression::Integer(minutes),
        );
        let late = Condition::All(vec![self.among(self.present), too_late]);
        Ok(Condition::Any(vec![absent, late]))
    }
}

/// Codes that the contract knows, or an error that names the one it does not.
fn listed(extract: &Extract, column: &str, codes: &[String]) -> Result<Vec<String>, TableError> {
    let filter = Filter {
        column: column.to_owned(),
        equals: codes.to_vec(),
    };
    extract.conditions(&[filter])?;
    Ok(codes.to_vec())
}

fn filter_columns(filters: &[Filter]) -> Vec<&str> {
    filters
        .iter()
        .map(|filter| filter.column.as_str())
        .collect()
}

/// What was aggregated for a day, once, where a join may have repeated it.
fn once(aggregates: &[Aggregate]) -> Vec<Aggregate> {
    let once = |aggregate: &Aggregate| Aggregate::minimum(&aggregate.name, &aggregate.name);
    aggregates.iter().map(once).collect()
}

/// Adds up what was aggregated day by day.
fn totals(aggregates: &[Aggregate]) -> Vec<Aggregate> {
    let total = |aggregate: &Aggregate| match aggregate.function {
        crate::relation::Function::Minimum(_) => {
            Aggregate::minimum(&aggregate.name, &aggregate.name)
        }
        _ => Aggregate::sum(&aggregate.name, &aggregate.name),
    };
    aggregates.iter().map(total).collect()
}

/// The columns after members were joined with their units.
fn renamed<'a>(by: &[&'a str], aggregates: &'a [Aggregate]) -> Vec<(&'a str, Expression)> {
    let names = by
        .iter()
        .copied()
        .chain(aggregates.iter().map(|aggregate| aggregate.name.as_str()));
    names
        .map(|name| {
            let source = if name == UNIT { "@of-unit" } else { name };
            (name, Expression::column(source))
        })
        .collect()
}

/// The tallies, as rows of the engine's result come in.
struct Answer<'a> {
    question: &'a Question<'a>,
    tallies: Vec<Tally>,
    /// Values met, by unit.
    seen: HashSet<(usize, String)>,
    first: Vec<Option<i64>>,
    n_unlisted: i64,
    overflow: bool,
}

impl Answer<'_> {
    /// Takes in a member's row: a distinct value if any, and the aggregates.
    fn see(&mut self, position: usize, row: &[Value<'_>]) {
        let number = |i: usize| row.get(i).and_then(|value| value.integer()).unwrap_or(0);
        match self.question.kind {
            MeasureKind::Ratio { .. } | MeasureKind::Mean { .. } => {
                self.add(position, number(0), number(1));
            }
            MeasureKind::Sessions { .. } => {
                self.n_unlisted += number(2);
                self.add(position, number(0), number(1));
            }
            MeasureKind::Threshold { at_least, of } => {
                if matches!(**of, MeasureKind::Sessions { .. }) {
                    self.n_unlisted += number(2);
                }
                let shift = self.question.shift(of).unwrap_or(0);
                if number(1) > 0 {
                    let reached = at_least.is_reached(number(0), number(1), shift);
                    self.add(position, i64::from(reached), 1);
                }
            }
            MeasureKind::Distinct { .. } => {
                let value = match row.first() {
                    Some(Value::Text(text)) => (*text).to_owned(),
                    Some(Value::Integer(value)) => value.to_string(),
                    _ => return,
                };
                if self.seen.insert((position, value)) {
                    self.add(position, 1, 0);
                }
            }
            MeasureKind::Any => self.tallies[position].numerator = 1,
            MeasureKind::FirstEvent { .. } => {
                let first = row.first().and_then(|value| value.integer());
                let earlier = self.first[position];
                self.first[position] = [earlier, first].into_iter().flatten().min();
            }
            _ => self.add(position, number(0), 0),
        }
    }

    fn add(&mut self, position: usize, numerator: i64, denominator: i64) {
        let tally = &mut self.tallies[position];
        let sums = (
            tally.numerator.checked_add(numerator),
            tally.denominator.checked_add(denominator),
        );
        match sums {
            (Some(numerator), Some(denominator)) => {
                *tally = Tally {
                    numerator,
                    denominator,
                };
            }
            _ => self.overflow = true,
        }
    }

    fn finish(mut self) -> Result<Vec<Tally>, TableError> {
        let measure = || self.question.spec.name.clone();
        if self.n_unlisted > 0 {
            return Err(TableError::UnlistedMarks {
                measure: measure(),
                n_rows: self.n_unlisted,
            });
        }
        if self.overflow {
            return Err(self.question.too_large());
        }
        if let MeasureKind::FirstEvent { none } = self.question.kind {
            let start = i64::from(to_days(self.question.period.start()));
            let end = i64::from(to_days(self.question.period.end()));
            for (tally, first) in self.tallies.iter_mut().zip(&self.first) {
                *tally = match (first, none) {
                    (Some(first), _) => value(first - start),
                    (None, NoEvent::PeriodEnd) => value(end - start),
                    (None, NoEvent::Missing) => Tally::default(),
                };
            }
        }
        Ok(self.tallies)
    }
}

fn value(numerator: i64) -> Tally {
    Tally {
        numerator,
        denominator: 1,
    }
}
