//! `[[published]]`: effects from figures that others have published.

use serde::{Deserialize, Serialize};
use utfall_core::ConfidenceLevel;
use utfall_effects::{EffectError, Figure, Published, published_effect};
use utfall_stats::normal;

use crate::{Numbers, RequestError};

/// Published figures of two arms whose effect is wanted.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PublishedQuestion {
    /// What the answer calls it.
    pub name: String,
    /// What the figures are.
    pub figures: FigureKind,
    /// How many persons a figure is for: 100 for percentages and events per 100.
    pub per: f64,
    /// The variance of events over that of a Poisson count, for `rates`: 1 if each person's events come
    /// by chance alone, more where a few have many.
    pub dispersion: Option<f64>,
    /// The treated.
    pub treated: PublishedArm,
    /// The comparators.
    pub comparator: PublishedArm,
    /// Level of intervals.
    pub confidence_level: ConfidenceLevel,
}

/// What published figures are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FigureKind {
    /// Events; a person may have several.
    Rates,
    /// Persons with an event.
    Shares,
}

/// The figures of one arm.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PublishedArm {
    /// Before treatment, for a difference-in-differences.
    pub before: Option<PublishedFigure>,
    /// After.
    pub after: PublishedFigure,
}

/// One figure.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PublishedFigure {
    /// The figure.
    pub value: f64,
    /// Persons behind it, for its error.
    pub persons: Option<u32>,
    /// Its standard error, where that is published. Without either it is taken as known.
    pub standard_error: Option<f64>,
}

impl PublishedQuestion {
    pub(crate) fn put(&self, numbers: &mut Numbers) -> Result<(), RequestError> {
        self.check()?;
        let refused = |error| RequestError::effect(&[], None, error);
        let (treated, comparator) = (
            self.arm(&self.treated).map_err(refused)?,
            self.arm(&self.comparator).map_err(refused)?,
        );
        let level = self.confidence_level.fraction();
        let found = published_effect(&treated, &comparator, level).map_err(refused)?;
        let reach = normal::quantile(0.5 * (1.0 + level)) * found.difference_error;
        let z = found.difference / found.difference_error;
        let interval = found.reduction_interval.filter(|_| reach > 0.0);
        for (what, value) in [
            ("difference", Some(found.difference)),
            ("difference_se", Some(found.difference_error)),
            ("difference_t", Some(z)),
            ("difference_p", Some(normal::two_sided_p(z))),
            ("difference_ci_low", Some(found.difference - reach)),
            ("difference_ci_high", Some(found.difference + reach)),
            ("counterfactual", Some(found.counterfactual)),
            ("relative_reduction", Some(found.relative_reduction)),
            (
                "relative_reduction_ci_low",
                interval.map(|interval| interval.lower),
            ),
            (
                "relative_reduction_ci_high",
                interval.map(|interval| interval.upper),
            ),
        ] {
            // Figures that are all taken as known have an effect and no uncertainty.
            let is_uncertain =
                !matches!(what, "difference" | "counterfactual" | "relative_reduction");
            let is_told = reach > 0.0 || !is_uncertain;
            if let Some(value) = value.filter(|value| is_told && value.is_finite()) {
                numbers.covariate(what, &self.name, value);
            }
        }
        Ok(())
    }

    fn check(&self) -> Result<(), RequestError> {
        let figures = || {
            [&self.treated, &self.comparator]
                .into_iter()
                .flat_map(|arm| arm.before.iter().chain([&arm.after]))
        };
        let is_rate = self.figures == FigureKind::Rates;
        RequestError::first_contradiction([
            (
                self.treated.before.is_some() != self.comparator.before.is_some(),
                "`before` of one arm alone",
                "give it of both, for a difference-in-differences, or of neither",
            ),
            (
                is_rate != self.dispersion.is_some(),
                "`dispersion`",
                "give it for `rates`, and for them alone; 1 is a Poisson count",
            ),
            (
                figures().any(|one| one.persons.is_some() && one.standard_error.is_some()),
                "`persons` and `standard-error` of one figure",
                "keep the one its error is to come from",
            ),
        ])
    }

    fn arm(&self, arm: &PublishedArm) -> Result<Published, EffectError> {
        Ok(Published {
            before: arm
                .before
                .as_ref()
                .map(|one| self.figure(one))
                .transpose()?,
            after: self.figure(&arm.after)?,
        })
    }

    fn figure(&self, one: &PublishedFigure) -> Result<Figure, EffectError> {
        let (value, persons) = (one.value, one.persons);
        let figure = match self.figures {
            FigureKind::Rates => {
                Figure::of_rate(value, self.per, persons, self.dispersion.unwrap_or(1.0))?
            }
            FigureKind::Shares => Figure::of_share(value, self.per, persons)?,
        };
        Ok(Figure {
            standard_error: one.standard_error.unwrap_or(figure.standard_error),
            ..figure
        })
    }
}
