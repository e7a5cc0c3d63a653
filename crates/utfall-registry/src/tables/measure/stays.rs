//! Episodes, whose days and costs our own kernels add up for each member.

use std::collections::BTreeMap;

use utfall_core::Tally;

use super::kind::{MeasureKind, Overlap, PriceList, Priority};
use super::{Exposure, Question};
use crate::dates::to_days;
use crate::relation::{Condition, Relation, Value};
use crate::tables::episodes::{Episode, OPEN, Paid, cost, covered, join_gaps};
use crate::tables::spans::Spans;
use crate::tables::{Extract, TableError};

/// The episodes of one member and what is not known yet about each: its item, for the price.
type Stays = Vec<(Episode, Option<String>)>;

/// Where the price and the rank of an episode come from.
#[derive(Default)]
struct PricedBy<'a> {
    tariff: Option<&'a str>,
    list: Option<&'a PriceList>,
    priority: Option<&'a Priority>,
}

/// What is measured on episodes.
enum Paying<'a> {
    /// The days, all or those of a calendar.
    Days { calendar: Option<&'a [i64]> },
    /// The cost.
    Cost { paid: Paid, cap: Option<i64> },
}

impl Question<'_> {
    /// Measures episodes.
    pub(super) fn stays(&self) -> Result<Vec<Tally>, TableError> {
        let extract = self.tables.extract(&self.spec.extract)?;
        if self.spec.time.is_some() {
            return Err(TableError::NeedlessTime {
                measure: self.spec.name.clone(),
            });
        }
        let paying = self.paying(extract)?;
        let stays = self.read_stays()?;
        let prices = match self.kind {
            MeasureKind::Cost {
                price_list: Some(list),
                ..
            } => Some(self.prices(list)?),
            _ => None,
        };
        let observed = match &self.spec.exposure {
            Some(exposure) => Some(self.observed(exposure)?),
            None => None,
        };
        let mut tallies = vec![
            Tally {
                numerator: 0,
                denominator: 1
            };
            self.units.len()
        ];
        let end = i64::from(to_days(self.period.end()));
        for (member, stays) in stays {
            let episodes = self.priced(stays, end, prices.as_ref())?;
            let mut within = self.period_span();
            if let Some(observed) = &observed {
                within = observed
                    .get(&member)
                    .map_or_else(Spans::default, |spans| spans.intersect(&within));
            }
            for (position, here) in self.units.belongings(&member) {
                let within = within.intersect(&here);
                let value = match paying {
                    Paying::Days { calendar } => {
                        let days = covered(&episodes).intersect(&within);
                        calendar.map_or_else(|| days.days(), |listed| days.days_of(listed))
                    }
                    Paying::Cost { paid, cap } => {
                        cost(&episodes, &within, paid, cap).ok_or_else(|| self.too_large())?
                    }
                };
                let numerator = &mut tallies[position].numerator;
                *numerator = self.sum(*numerator, value)?;
            }
        }
        Ok(tallies)
    }

    /// Days under observation of each unit: of all its members, while they belong to it.
    pub(super) fn days_under_observation(
        &self,
        exposure: &Exposure,
    ) -> Result<Vec<i64>, TableError> {
        let calendar = self
            .tables
            .calendar(exposure.calendar.as_deref(), self.period)?;
        let mut days = vec![0_i64; self.units.len()];
        let period = self.period_span();
        for (member, observed) in self.observed(exposure)? {
            for (position, here) in self.units.belongings(&member) {
                let observed = observed.intersect(&period).intersect(&here);
                let n_days =
                    calendar.map_or_else(|| observed.days(), |listed| observed.days_of(listed));
                days[position] = self.sum(days[position], n_days)?;
            }
        }
        Ok(days)
    }

    fn period_span(&self) -> Spans {
        let day = |date| i64::from(to_days(date));
        Spans::union([(day(self.period.start()), day(self.period.end()))])
    }

    /// When each member is under observation.
    fn observed(&self, exposure: &Exposure) -> Result<BTreeMap<String, Spans>, TableError> {
        let episodes = self.exposure_episodes(exposure)?;
        let mut spans: BTreeMap<String, Vec<(i64, i64)>> = BTreeMap::new();
        self.tables.run(&episodes, &mut |row| {
            if let [Value::Text(member), Value::Integer(start), stop] = *row {
                let span = (start, stop.integer().unwrap_or(OPEN));
                match spans.get_mut(member) {
                    Some(spans) => spans.push(span),
                    None => drop(spans.insert(member.to_owned(), vec![span])),
                }
            }
        })?;
        let spans = spans.into_iter();
        Ok(spans
            .map(|(member, spans)| (member, Spans::union(spans)))
            .collect())
    }

    /// What is paid for.
    fn paying(&self, extract: &Extract) -> Result<Paying<'_>, TableError> {
        match self.kind {
            MeasureKind::Cost {
                tariff,
                price_list,
                overlap,
                priority,
                cap_per_day,
                ..
            } => {
                let price = match (tariff, price_list) {
                    (Some(tariff), _) => extract.number(tariff)?,
                    (None, Some(list)) => {
                        self.tables.extract(&list.extract)?.number(&list.price)?
                    }
                    (None, None) => return Err(self.without_tariff(0)),
                };
                let cap = cap_per_day.as_ref().map(|cap| {
                    price.canonical(cap).ok_or_else(|| TableError::FilterValue {
                        extract: self.spec.extract.clone(),
                        column: "cap-per-day".to_owned(),
                        value: cap.clone(),
                        expected: price.kind().name(),
                    })
                });
                let paid = match (priority, overlap) {
                    (Some(_), _) => Paid::LowestRank,
                    (None, Some(Overlap::Each)) => Paid::Each,
                    (None, _) => Paid::Dearest,
                };
                let cap = cap.transpose()?;
                Ok(Paying::Cost { paid, cap })
            }
            MeasureKind::Nights { calendar, .. } => {
                let calendar = self.tables.calendar(calendar.as_deref(), self.period)?;
                Ok(Paying::Days { calendar })
            }
            _ => Ok(Paying::Days { calendar: None }),
        }
    }

    /// The episodes that count: member, start, stop, then tariff or item, then kind, if wanted.
    pub(super) fn episodes(&self) -> Result<Relation, TableError> {
        let extract = self.tables.extract(&self.spec.extract)?;
        let (MeasureKind::Nights { start, stop, .. } | MeasureKind::Cost { start, stop, .. }) =
            self.kind
        else {
            return self.relations().map(|(own, _)| own);
        };
        extract.text(&self.spec.member)?;
        extract.date(start)?;
        extract.date(stop)?;
        let mut columns = vec![
            (self.spec.member.as_str(), "@member"),
            (start.as_str(), "@start"),
            (stop.as_str(), "@stop"),
        ];
        let priced = self.priced_by();
        if let Some(tariff) = priced.tariff {
            extract.number(tariff)?;
            columns.push((tariff, "@tariff"));
        }
        if let Some(list) = priced.list {
            extract.text(&list.of)?;
            columns.push((&list.of, "@item"));
        }
        if let Some(priority) = priced.priority {
            extract.text(&priority.column)?;
            columns.push((&priority.column, "@kind"));
        }
        let wanted: Vec<&str> = columns.iter().map(|&(_, name)| name).collect();
        let filters = self.spec.r#where.iter().chain(self.filters);
        let mut filtered: Vec<&str> = filters.map(|filter| filter.column.as_str()).collect();
        filtered.sort_unstable();
        filtered.dedup();
        columns.extend(filtered.iter().map(|&name| (name, name)));
        let mut conditions = extract.conditions(&self.spec.r#where)?;
        conditions.extend(extract.conditions(self.filters)?);
        let first_day = to_days(self.period.start()).saturating_sub_unsigned(self.gaps());
        conditions.extend([
            Condition::present("@member"),
            Condition::present("@start"),
            Condition::before("@start", to_days(self.period.end())),
            Condition::after_or_open("@stop", first_day),
        ]);
        Ok(extract.scan(&columns)?.filter(conditions).select(&wanted))
    }

    /// Where the price and the rank of an episode come from.
    fn priced_by(&self) -> PricedBy<'_> {
        match self.kind {
            MeasureKind::Cost {
                tariff,
                price_list,
                priority,
                ..
            } => PricedBy {
                tariff: tariff.as_deref(),
                list: price_list.as_ref(),
                priority: priority.as_ref(),
            },
            _ => PricedBy::default(),
        }
    }

    /// The longest gap that is joined.
    fn gaps(&self) -> u32 {
        match self.kind {
            MeasureKind::Nights { join_gaps, .. } | MeasureKind::Cost { join_gaps, .. } => {
                join_gaps.unwrap_or(0)
            }
            _ => 0,
        }
    }

    /// The episodes that count, by member.
    fn read_stays(&self) -> Result<BTreeMap<String, Stays>, TableError> {
        let rows = self.episodes()?;
        let PricedBy {
            tariff,
            list,
            priority,
        } = self.priced_by();
        let mut stays: BTreeMap<String, Stays> = BTreeMap::new();
        let (mut n_without, mut n_unranked) = (0, 0);
        self.tables.run(&rows, &mut |row| {
            let [Value::Text(member), Value::Integer(start), stop, rest @ ..] = row else {
                return;
            };
            let mut rest = rest.iter();
            let price = (tariff.is_some() || list.is_some()).then(|| rest.next().copied());
            let (tariff, item) = match price.flatten() {
                None => (1, None),
                Some(Value::Integer(tariff)) => (tariff, None),
                Some(Value::Text(item)) => (0, Some(item.to_owned())),
                Some(Value::Missing) => {
                    n_without += 1;
                    return;
                }
            };
            let rank = priority.map(|priority| {
                let kind = rest.next().and_then(|value| value.text());
                priority
                    .order
                    .iter()
                    .position(|listed| Some(&**listed) == kind)
            });
            let rank = match rank {
                None => 0,
                Some(Some(rank)) => rank,
                Some(None) => {
                    n_unranked += 1;
                    return;
                }
            };
            let episode = Episode {
                start: *start,
                stop: stop.integer().unwrap_or(OPEN),
                tariff,
                rank,
            };
            match stays.get_mut(*member) {
                Some(stays) => stays.push((episode, item)),
                None => drop(stays.insert((*member).to_owned(), vec![(episode, item)])),
            }
        })?;
        if n_without > 0 {
            return Err(self.without_tariff(n_without));
        }
        if n_unranked > 0 {
            return Err(TableError::Unranked {
                measure: self.spec.name.clone(),
                n_rows: n_unranked,
            });
        }
        Ok(stays)
    }

    fn without_tariff(&self, n_rows: usize) -> TableError {
        TableError::NoTariff {
            measure: self.spec.name.clone(),
            n_rows,
        }
    }

    /// Episodes with their gaps joined and their prices known.
    fn priced(
        &self,
        stays: Stays,
        end: i64,
        prices: Option<&Prices>,
    ) -> Result<Vec<Episode>, TableError> {
        let Some(prices) = prices else {
            let mut episodes: Vec<Episode> =
                stays.into_iter().map(|(episode, _)| episode).collect();
            join_gaps(&mut episodes, self.gaps(), end);
            return Ok(episodes);
        };
        // Until the gaps are joined, the tariff holds the place of the episode's item.
        let items: Vec<String> = stays
            .iter()
            .map(|(_, item)| item.clone().unwrap_or_default())
            .collect();
        let numbered = (0..).zip(stays).map(|(place, (episode, _))| Episode {
            tariff: place,
            ..episode
        });
        let mut episodes: Vec<Episode> = numbered.collect();
        join_gaps(&mut episodes, self.gaps(), end);
        let period = self.period_span();
        let mut pieces = Vec::new();
        for episode in episodes {
            let item = usize::try_from(episode.tariff)
                .ok()
                .and_then(|place| items.get(place));
            let priced = item.map(|item| prices.pieces(item, episode));
            let here = Spans::union([(episode.start, episode.stop)]).intersect(&period);
            let priced = priced.unwrap_or_default();
            let n_priced: i64 = priced
                .iter()
                .map(|piece| {
                    Spans::union([(piece.start, piece.stop)])
                        .intersect(&period)
                        .days()
                })
                .sum();
            if n_priced != here.days() {
                return Err(self.without_tariff(1));
            }
            pieces.extend(priced);
        }
        Ok(pieces)
    }

    /// The price list, by item.
    fn prices(&self, list: &PriceList) -> Result<Prices, TableError> {
        let extract = self.tables.extract(&list.extract)?;
        extract.text(&list.item)?;
        extract.date(&list.from)?;
        extract.date(&list.until)?;
        extract.number(&list.price)?;
        let columns = [
            (list.item.as_str(), "@item"),
            (list.from.as_str(), "@from"),
            (list.until.as_str(), "@until"),
            (list.price.as_str(), "@price"),
        ];
        let mut prices: BTreeMap<String, Vec<(i64, i64, i64)>> = BTreeMap::new();
        let mut see = |row: &[Value<'_>]| {
            if let [
                Value::Text(item),
                Value::Integer(from),
                until,
                Value::Integer(price),
            ] = *row
            {
                let until = until.integer().unwrap_or(OPEN);
                prices
                    .entry(item.to_owned())
                    .or_default()
                    .push((from, until, price));
            }
        };
        self.tables.run(&extract.scan(&columns)?, &mut see)?;
        for prices in prices.values_mut() {
            prices.sort_unstable();
            if prices.windows(2).any(|pair| pair[1].0 < pair[0].1) {
                return Err(TableError::SeveralPrices {
                    extract: list.extract.clone(),
                });
            }
        }
        Ok(Prices(prices))
    }
}

/// Prices by item: first day, first day after, price; they do not overlap.
struct Prices(BTreeMap<String, Vec<(i64, i64, i64)>>);

impl Prices {
    /// The parts of an episode by price.
    fn pieces(&self, item: &str, episode: Episode) -> Vec<Episode> {
        let prices = self.0.get(item).into_iter().flatten();
        prices
            .map(|&(from, until, price)| Episode {
                start: episode.start.max(from),
                stop: episode.stop.min(until),
                tariff: price,
                rank: episode.rank,
            })
            .filter(|piece| piece.start < piece.stop)
            .collect()
    }
}
