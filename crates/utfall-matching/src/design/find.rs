//! Comparators by the method that is named.

use std::collections::BTreeMap;

use utfall_core::{Arm, Estimand};
use utfall_stats::Matrix;

use super::{Columns, DesignError, Distance, Matching, matrix};
use crate::{
    Candidates, Comparison, CovariateDistance, Matched, MatchingError, Stratified, coarsened,
    common_support, coordinates, nearest, nearest_on_covariates, propensity, stratified,
    subclassified,
};

/// Units made comparable, and the score they were found by, if any.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// What the method makes.
    made: Made,
    /// The distance of each unit, where units are near each other on a score.
    pub distance: Option<Vec<f64>>,
}

/// What a method makes.
#[derive(Debug, Clone, PartialEq)]
enum Made {
    Pairs(Matched),
    Strata(Stratified),
}

impl Found {
    /// What every method results in.
    #[must_use]
    pub fn comparison(&self) -> &dyn Comparison {
        match &self.made {
            Made::Pairs(matched) => matched,
            Made::Strata(strata) => strata,
        }
    }

    /// The pairs, where the method makes them.
    #[must_use]
    pub fn pairs(&self) -> Option<&Matched> {
        match &self.made {
            Made::Pairs(matched) => Some(matched),
            Made::Strata(_) => None,
        }
    }

    /// The strata, where the method makes them.
    #[must_use]
    pub fn strata(&self) -> Option<&Stratified> {
        match &self.made {
            Made::Pairs(_) => None,
            Made::Strata(strata) => Some(strata),
        }
    }
}

/// Finds comparators.
///
/// # Errors
///
/// [`DesignError`] with the covariates behind the numbers in its reason.
pub fn find<C: Columns>(
    columns: &C,
    matching: &Matching,
    question: Estimand,
    treated: &[bool],
) -> Result<Found, DesignError<C::Error>> {
    let refused = |error| DesignError::matching(&matching.covariates, error);
    let score = score(columns, matching, treated)?;
    let strata = strata(columns, matching)?;
    let made = if matching.nearest.is_some() {
        let strata = strata.as_deref();
        let matched = pairs(
            columns,
            matching,
            question,
            score.as_deref(),
            strata,
            treated,
        )?;
        Made::Pairs(matched)
    } else if let (Some(n_classes), Some(score)) = (matching.subclasses, &score) {
        Made::Strata(subclassified(score, n_classes, treated, question).map_err(refused)?)
    } else {
        let strata = strata.unwrap_or_default();
        Made::Strata(stratified(&strata, treated, question).map_err(refused)?)
    };
    Ok(Found {
        made,
        distance: score,
    })
}

/// The propensity score or its logit, where units are near each other on it.
fn score<C: Columns>(
    columns: &C,
    matching: &Matching,
    treated: &[bool],
) -> Result<Option<Vec<f64>>, DesignError<C::Error>> {
    let is_logit = match matching.distance {
        Some(Distance::PropensityScore) => false,
        Some(Distance::PropensityLogit) => true,
        _ => return Ok(None),
    };
    let covariates = matrix(columns, &matching.covariates)?;
    let scores = propensity(&covariates, treated)
        .map_err(|error| DesignError::matching(&matching.covariates, error))?;
    Ok(Some(if is_logit { scores.logit } else { scores.score }))
}

fn pairs<C: Columns>(
    columns: &C,
    matching: &Matching,
    question: Estimand,
    score: Option<&[f64]>,
    strata: Option<&[u32]>,
    treated: &[bool],
) -> Result<Matched, DesignError<C::Error>> {
    let refused = |error| DesignError::matching(&matching.covariates, error);
    let focal_arm = if question == Estimand::Atc {
        Arm::Comparator
    } else {
        Arm::Treated
    };
    let support = match (matching.discard, score) {
        (Some(discard), Some(score)) => {
            Some(common_support(score, treated, discard).map_err(refused)?)
        }
        _ => None,
    };
    let candidates = Candidates::new(treated, focal_arm, support.as_deref()).map_err(refused)?;
    let rows = rows(columns, matching, treated)?;
    let matched = candidates.matched(|part| {
        let strata = strata.map(|strata| part.of(strata));
        let score = score.map(|score| part.of(score));
        let (strata, score) = (strata.as_deref(), score.as_deref());
        match (&matching.nearest, &rows, score) {
            (Some(spec), Some(rows), score) => {
                let rows = part.rows_of(rows);
                nearest_on_covariates(spec, &rows, score, part.focal(), strata)
            }
            (Some(spec), None, score) => {
                nearest(spec, score.unwrap_or_default(), part.focal(), strata)
            }
            (None, ..) => Err(MatchingError::NoCovariates),
        }
    });
    matched.map_err(refused)
}

/// Coordinates whose plain distance is the one asked for, where units are near on covariates.
fn rows<C: Columns>(
    columns: &C,
    matching: &Matching,
    treated: &[bool],
) -> Result<Option<Matrix>, DesignError<C::Error>> {
    let on_covariates = matching.distance.and_then(Distance::on_covariates);
    let (names, distance): (&[String], CovariateDistance) =
        match (&matching.closest_on, on_covariates) {
            (Some(closest_on), _) => (&closest_on.covariates, closest_on.distance),
            (None, Some(distance)) => (&matching.covariates, distance),
            (None, None) => return Ok(None),
        };
    let rows = coordinates(distance, &matrix(columns, names)?, treated);
    rows.map(Some)
        .map_err(|error| DesignError::matching(names, error))
}

/// A number for each row that rows share if they are equal in every `exact` column and lie in the
/// same bin of every `coarsened` one.
fn strata<C: Columns>(
    columns: &C,
    matching: &Matching,
) -> Result<Option<Vec<u32>>, DesignError<C::Error>> {
    if matching.exact.is_empty() && matching.coarsened.is_empty() {
        return Ok(None);
    }
    let cells: Vec<Vec<String>> = matching
        .exact
        .iter()
        .map(|column| columns.texts(column))
        .collect::<Result<_, _>>()
        .map_err(DesignError::Column)?;
    let (names, bins): (Vec<String>, Vec<_>) = matching
        .coarsened
        .iter()
        .map(|coarsened| (coarsened.column.clone(), coarsened.bins.clone()))
        .unzip();
    let of_bins = if names.is_empty() {
        vec![0; columns.n_units()]
    } else {
        coarsened(&matrix(columns, &names)?, &bins)
            .map_err(|error| DesignError::matching(&names, error))?
    };
    let mut known: BTreeMap<(u32, Vec<&str>), u32> = BTreeMap::new();
    let mut next = 0;
    let stratum = |row: usize| {
        let key = cells.iter().map(|column| column[row].as_str()).collect();
        *known.entry((of_bins[row], key)).or_insert_with(|| {
            next += 1;
            next - 1
        })
    };
    Ok(Some((0..columns.n_units()).map(stratum).collect()))
}
