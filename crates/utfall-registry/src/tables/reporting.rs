//! What is fully reported, and in which unit measures are.

use chrono::NaiveDate;
use utfall_core::Offset;

use super::{Extract, Filter, MeasureKind, MeasureSpec, TableError, Tables};
use crate::delivery::DeliveryStatus;

impl Tables {
    /// The first day of an extract that may not be fully reported yet, in any of its groups: its
    /// latest vintage less its reporting lag. `None` if there is no such extract.
    #[must_use]
    pub fn fully_reported_before(&self, extract: &str) -> Option<NaiveDate> {
        self.reported_where(extract, &[])
    }

    /// The first day that may not be fully reported for a measure, with the extract that is
    /// latest: of every extract whose rows it counts, for the groups it counts.
    #[must_use]
    pub fn reported_before(&self, measure: &MeasureSpec) -> Option<(String, NaiveDate)> {
        let own = (measure.extract.as_str(), measure.r#where.as_slice());
        let exposure = measure.exposure.as_ref();
        let exposure =
            exposure.map(|exposure| (exposure.extract.as_str(), exposure.filters.as_slice()));
        let reported = [Some(own), exposure].into_iter().flatten();
        reported
            .filter_map(|(extract, filters)| {
                Some((extract.to_owned(), self.reported_where(extract, filters)?))
            })
            .min_by_key(|(_, before)| *before)
    }

    fn reported_where(&self, name: &str, filters: &[Filter]) -> Option<NaiveDate> {
        let extract = self.extracts.get(name)?;
        let Some(vintage) = extract.reporting_vintage() else {
            return Some(NaiveDate::MIN);
        };
        let by_lag = extract
            .lags(filters)
            .map(|lag| lag.before(vintage).unwrap_or(NaiveDate::MIN));
        let calendars = self.calendars.values();
        let by_calendar = calendars.filter_map(|calendar| calendar.reported_before(name, vintage));
        by_lag.chain(by_calendar).min()
    }

    /// What a measure's rate is multiplied with to be in the measure's unit: tables hold decimals
    /// as whole numbers, so 10 to the decimals of its denominator less those of its numerator,
    /// times the days under observation that an amount is given for.
    ///
    /// # Errors
    ///
    /// [`TableError`] if the measure does not fit its extract, [`TableError::UnequalUnits`] if its
    /// versions differ in this.
    pub fn scale(&self, measure: &MeasureSpec) -> Result<f64, TableError> {
        let per_days = measure
            .exposure
            .as_ref()
            .and_then(|exposure| exposure.per_days);
        let per_days = per_days.map_or(1.0, |days| f64::from(days.get()));
        let scales = measure
            .kinds()
            .map(|(kind, _)| self.scale_of(measure, kind));
        let scales = scales.collect::<Result<Vec<f64>, TableError>>()?;
        match scales.as_slice() {
            [first, rest @ ..] if rest.iter().all(|scale| scale.to_bits() == first.to_bits()) => {
                Ok(first * per_days)
            }
            _ => Err(TableError::UnequalUnits {
                measure: measure.name.clone(),
            }),
        }
    }

    fn scale_of(&self, measure: &MeasureSpec, kind: &MeasureKind) -> Result<f64, TableError> {
        const POWERS: [f64; 10] = [1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];
        let decimals = |extract: &str, column: &str| -> Result<usize, TableError> {
            Ok(usize::from(
                self.extract(extract)?.number(column)?.decimals(),
            ))
        };
        let own = |column: &str| decimals(&measure.extract, column);
        Ok(match kind {
            MeasureKind::Ratio {
                numerator,
                denominator,
                ..
            } => POWERS[own(denominator)?] / POWERS[own(numerator)?],
            MeasureKind::Sum { column } | MeasureKind::Mean { column } => {
                1.0 / POWERS[own(column)?]
            }
            MeasureKind::Cost {
                tariff: Some(tariff),
                ..
            } => 1.0 / POWERS[own(tariff)?],
            MeasureKind::Cost {
                price_list: Some(list),
                ..
            } => 1.0 / POWERS[decimals(&list.extract, &list.price)?],
            _ => 1.0,
        })
    }
}

impl Extract {
    /// The vintage by which the extract is reported: the latest, or the latest final one where
    /// the contract does not take preliminary deliveries for reports.
    fn reporting_vintage(&self) -> Option<NaiveDate> {
        let only_final = self.contract.reports_only_when_final();
        let counts = |status| !only_final || status == DeliveryStatus::Final;
        let counted = self
            .deliveries
            .iter()
            .filter(|delivery| counts(delivery.status));
        counted.map(|delivery| delivery.vintage).max()
    }

    /// The reporting lags of the rows that pass some filters: the extract's own, and those of
    /// the groups that are not filtered out.
    fn lags(&self, filters: &[Filter]) -> impl Iterator<Item = Offset> {
        let own = self.contract.reporting_lag().unwrap_or(Offset::ZERO);
        let counts = |column: &str, values: &[String]| {
            let mut on_column = filters.iter().filter(|filter| filter.column == column);
            on_column.all(|filter| filter.equals.iter().any(|value| values.contains(value)))
        };
        let groups = self
            .contract
            .group_lags()
            .iter()
            .filter(move |group| counts(&group.column, &group.equals));
        let groups: Vec<Offset> = groups.map(|group| group.lag).collect();
        std::iter::once(own).chain(groups)
    }
}
