//! Comparators by the method that is named.

use std::collections::BTreeMap;

use utfall_core::{Arm, Estimand};
use utfall_stats::Matrix;

use super::rules::rules;
use super::{Columns, DesignError, Distance, Matching, ScoreScale, matrix};
use crate::{
    Candidates, Comparison, CovariateDistance, Entries, Link, Matched, MatchingError, Nearness,
    Part, RiskSetSpec, Rule, Stratified, Within, broken_promise, broken_risk_set, coarsened,
    common_support, coordinates, full, nearest, nearest_on_covariates, optimal, propensity_with,
    risk_sets_of_entries, stratified, subclassified,
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
    let entries = matching.risk_set.and_then(|_| columns.entries());
    let strata = match (&entries, strata(columns, matching)?) {
        (Some(entries), strata) => Some(entries.strata(strata.as_deref())),
        (None, strata) => strata,
    };
    let support = match (matching.discard, &score) {
        (Some(discard), Some(score)) => {
            Some(common_support(score, treated, discard).map_err(refused)?)
        }
        _ => None,
    };
    let given = Given {
        matching,
        question,
        treated,
        score,
        rows: rows(columns, matching, treated)?,
        strata,
        rules: rules(columns, matching)?,
        entries,
    };
    let made = given.made(support.as_deref()).map_err(refused)?;
    let found = Found {
        made,
        distance: given.score,
    };
    debug_assert_eq!(
        broken_promise(treated, given.strata.as_deref(), found.comparison()),
        None
    );
    Ok(found)
}

/// Everything a method may go by, one value for each unit.
struct Given<'a> {
    matching: &'a Matching,
    question: Estimand,
    treated: &'a [bool],
    score: Option<Vec<f64>>,
    /// Coordinates whose plain distance is the one asked for.
    rows: Option<Matrix>,
    strata: Option<Vec<u32>>,
    rules: Vec<Rule>,
    /// For risk sets: whom each unit is an entry of.
    entries: Option<Entries>,
}

/// The same for candidates alone.
struct OfPart {
    score: Option<Vec<f64>>,
    rows: Option<Matrix>,
    strata: Option<Vec<u32>>,
    rules: Vec<Rule>,
}

impl Given<'_> {
    fn made(&self, support: Option<&[bool]>) -> Result<Made, MatchingError> {
        let matching = self.matching;
        if let Some(spec) = &matching.risk_set {
            return self.risk_sets(spec).map(Made::Pairs);
        }
        if matching.nearest.is_some() || matching.optimal.is_some() {
            let focal_arm = if self.question == Estimand::Atc {
                Arm::Comparator
            } else {
                Arm::Treated
            };
            let candidates = Candidates::new(self.treated, focal_arm, support)?;
            let matched = candidates.matched(|part| self.pairs(part))?;
            return Ok(Made::Pairs(matched));
        }
        let candidates = Candidates::new(self.treated, Arm::Treated, support)?;
        let stratified = candidates.stratified(self.treated, |part| self.strata(part))?;
        Ok(Made::Strata(stratified))
    }

    /// Sets within index dates; the strata hold the date.
    fn risk_sets(&self, spec: &RiskSetSpec) -> Result<Matched, MatchingError> {
        let entries = self.entries.as_ref().ok_or(MatchingError::NoEntries)?;
        let score = self.score.as_deref().unwrap_or_default();
        let within = Within {
            strata: self.strata.as_deref(),
            rules: &self.rules,
        };
        let matched = risk_sets_of_entries(spec, score, self.treated, entries, within)?;
        debug_assert_eq!(broken_risk_set(spec, self.treated, entries, &matched), None);
        Ok(matched)
    }

    fn of_part(&self, part: &Part) -> OfPart {
        OfPart {
            score: self.score.as_ref().map(|score| part.of(score)),
            rows: self.rows.as_ref().map(|rows| part.rows_of(rows)),
            strata: self.strata.as_ref().map(|strata| part.of(strata)),
            rules: part.rules_of(&self.rules),
        }
    }

    fn pairs(&self, part: &Part) -> Result<Matched, MatchingError> {
        let of_part = self.of_part(part);
        let (within, score) = (of_part.within(), of_part.score.as_deref());
        match (&self.matching.nearest, &self.matching.optimal) {
            (Some(spec), _) => match &of_part.rows {
                Some(rows) => nearest_on_covariates(spec, rows, score, part.focal(), within),
                None => nearest(spec, score.unwrap_or_default(), part.focal(), within),
            },
            (None, Some(spec)) => optimal(spec, of_part.nearness(), part.focal(), within),
            (None, None) => Err(MatchingError::NoCovariates),
        }
    }

    fn strata(&self, part: &Part) -> Result<Stratified, MatchingError> {
        let of_part = self.of_part(part);
        let (treated, question) = (part.focal(), self.question);
        match (self.matching.full, self.matching.subclasses) {
            (Some(spec), _) => full(
                &spec,
                of_part.nearness(),
                treated,
                of_part.within(),
                question,
            ),
            (None, Some(n_classes)) => {
                let score = of_part.score.as_deref().unwrap_or_default();
                subclassified(score, n_classes, treated, question)
            }
            (None, None) => stratified(
                of_part.strata.as_deref().unwrap_or_default(),
                treated,
                question,
            ),
        }
    }
}

impl OfPart {
    fn within(&self) -> Within<'_> {
        Within {
            strata: self.strata.as_deref(),
            rules: &self.rules,
        }
    }

    fn nearness(&self) -> Nearness<'_> {
        let score = self.score.as_deref();
        match &self.rows {
            Some(coordinates) => Nearness::Covariates { coordinates, score },
            None => Nearness::Score(score.unwrap_or_default()),
        }
    }
}

/// The score that units are near each other on, or order and caliper go by; `None` where they are near
/// on covariates alone.
///
/// # Errors
///
/// [`DesignError`] with the covariates behind the numbers in its reason.
pub fn score<C: Columns>(
    columns: &C,
    matching: &Matching,
    treated: &[bool],
) -> Result<Option<Vec<f64>>, DesignError<C::Error>> {
    let (link, scale) = match &matching.distance {
        Some(Distance::PropensityScore) => (Link::Logit, ScoreScale::Probability),
        Some(Distance::PropensityLogit) => (Link::Logit, ScoreScale::Linear),
        Some(Distance::Propensity { link, scale }) => (*link, *scale),
        Some(Distance::Column(name)) => {
            return columns.numbers(name).map(Some).map_err(DesignError::Column);
        }
        _ => return Ok(None),
    };
    let covariates = matrix(columns, &matching.covariates)?;
    let weights = matching.sampling_weight.as_ref();
    let weights = weights.map(|name| columns.numbers(name)).transpose();
    let weights = weights.map_err(DesignError::Column)?;
    let scores = propensity_with(&covariates, treated, link, weights.as_deref())
        .map_err(|error| DesignError::matching(&matching.covariates, error))?;
    Ok(Some(match scale {
        ScoreScale::Linear => scores.logit,
        ScoreScale::Probability => scores.score,
    }))
}

/// Coordinates whose plain distance is the one asked for, where units are near on covariates.
fn rows<C: Columns>(
    columns: &C,
    matching: &Matching,
    treated: &[bool],
) -> Result<Option<Matrix>, DesignError<C::Error>> {
    let on_covariates = matching.distance.as_ref().and_then(Distance::on_covariates);
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
/// same bin of every `coarsened` one; `None` without either.
///
/// # Errors
///
/// [`DesignError`] with the covariates behind the numbers in its reason.
pub fn strata<C: Columns>(
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
