//! Measures: what is counted for each unit over a period, as exact tallies.

mod kind;
mod rows;
mod spec;
mod stays;

use utfall_core::{Period, Tally};

pub use kind::{Decimal, Late, MeasureKind, NoEvent, Overlap, PriceList, Priority};
pub use spec::{Definition, DefinitionFault, Exposure, Filter, MeasureSpec, Spanning, Version};

use super::{TableError, Tables, Units};
use crate::relation::Relation;

impl Tables {
    /// Measures every unit over a period, in the order of the units.
    ///
    /// Quotients give zero over zero where there was nothing to measure, as does an amount
    /// without a day under observation; other amounts are over one.
    pub(super) fn measure(
        &self,
        units: &Units,
        spec: &MeasureSpec,
        period: Period,
    ) -> Result<Vec<Tally>, TableError> {
        let mut total: Option<Vec<Tally>> = None;
        for question in self.questions(units, spec, period)? {
            let tallies = question.answer()?;
            total = Some(match total {
                None => tallies,
                Some(total) => question.add(total, &tallies)?,
            });
        }
        Ok(total.unwrap_or_default())
    }

    /// What the engine is asked for.
    pub(super) fn relations(
        &self,
        units: &Units,
        spec: &MeasureSpec,
        period: Period,
    ) -> Result<Vec<Relation>, TableError> {
        let mut relations = Vec::new();
        for question in self.questions(units, spec, period)? {
            if question.kind.is_of_episodes() {
                relations.push(question.episodes()?);
            } else {
                let (own, of_members) = question.relations()?;
                relations.push(own);
                relations.extend(of_members);
            }
        }
        Ok(relations)
    }

    fn questions<'a>(
        &'a self,
        units: &'a Units,
        spec: &'a MeasureSpec,
        period: Period,
    ) -> Result<Vec<Question<'a>>, TableError> {
        let parts = spec.parts(period).map_err(|fault| TableError::Definition {
            measure: spec.name.clone(),
            fault,
        })?;
        let question = |(period, kind, filters)| Question {
            tables: self,
            units,
            spec,
            kind,
            filters,
            period,
        };
        Ok(parts.into_iter().map(question).collect())
    }
}

/// One definition of a measure, over a period in which it is valid.
#[derive(Debug, Clone, Copy)]
struct Question<'a> {
    tables: &'a Tables,
    units: &'a Units,
    spec: &'a MeasureSpec,
    kind: &'a MeasureKind,
    /// Filters of this definition, beside the measure's own.
    filters: &'a [Filter],
    period: Period,
}

impl Question<'_> {
    fn answer(&self) -> Result<Vec<Tally>, TableError> {
        let mut tallies = if self.kind.is_of_episodes() {
            self.stays()?
        } else {
            self.rows()?
        };
        let Some(exposure) = &self.spec.exposure else {
            return Ok(tallies);
        };
        if self.kind.is_quotient() {
            return Ok(tallies);
        }
        // Whoever was never under observation has nothing to measure; an amount is set against
        // the days.
        for (tally, days) in tallies
            .iter_mut()
            .zip(self.days_under_observation(exposure)?)
        {
            tally.denominator = if self.kind.is_amount() {
                days
            } else {
                i64::from(days > 0)
            };
            if days == 0 {
                tally.numerator = 0;
            }
        }
        Ok(tallies)
    }

    /// Adds the next part of a period.
    fn add(&self, mut total: Vec<Tally>, part: &[Tally]) -> Result<Vec<Tally>, TableError> {
        let denominators_add = self.kind.is_quotient() || self.spec.exposure.is_some();
        for (total, part) in total.iter_mut().zip(part) {
            total.numerator = self.sum(total.numerator, part.numerator)?;
            if denominators_add {
                total.denominator = self.sum(total.denominator, part.denominator)?;
            }
        }
        Ok(total)
    }

    fn sum(&self, left: i64, right: i64) -> Result<i64, TableError> {
        left.checked_add(right).ok_or_else(|| self.too_large())
    }

    fn too_large(&self) -> TableError {
        TableError::MeasureTooLarge {
            measure: self.spec.name.clone(),
        }
    }
}
