//! Full matching: everyone in sets of one treated unit with several comparators, or one comparator
//! with several treated units, that lie as near as can be.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};
use utfall_core::Estimand;

use crate::cover::candidates;
use crate::nearness::{Nearness, Pairs, Stratum};
use crate::transport::{Demand, Edge, choose};
use crate::{Caliper, MatchingError, Stratified, Within, stratified};

/// Most pairs that are looked at at once where sets have limits.
const MOST_PAIRS: usize = 100_000_000;

/// Full matching of treated units and comparators; where comparators are the focal arm, they take
/// the place of the treated.
#[derive(Debug, Clone, Copy, PartialEq, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FullSpec {
    /// Widest distance at which two units may be in one set; none without it. Units that have
    /// nobody within it are left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caliper: Option<Caliper>,
    /// Fewest comparators in a set with one treated unit; one without it. Above one, no two treated
    /// units share a comparator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_comparators: Option<NonZeroU32>,
    /// Most comparators in a set with one treated unit; no limit without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_comparators: Option<NonZeroU32>,
    /// Most treated units that share one comparator; no limit without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_treated: Option<NonZeroU32>,
    /// Which comparators may be left out; none without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub omit: Option<Omit>,
}

/// How many comparators a full matching may leave out, in each stratum: those whose sets would be
/// the widest.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize)]
#[serde(try_from = "OmitText", into = "OmitText")]
pub enum Omit {
    /// This share of them, above zero and below one.
    Share(f64),
    /// All beyond this mean number for each treated unit.
    BeyondMean(f64),
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename = "Omit", rename_all = "kebab-case")]
enum OmitText {
    Share(f64),
    BeyondMean(f64),
}

/// Compares everyone within sets such that the sum of distances in them is least.
///
/// Each set holds one treated unit with its comparators, or one comparator with its treated units;
/// the distances of a set are those to the one. Without limits every unit that has anybody within
/// the caliper and its stratum is in a set. Several divisions can be least; which one is found
/// depends on the order of units through equal distances only.
///
/// Without limits only pairs that could be worth it are looked at: on a score time grows as
/// `n log n`, on covariates with the number of pairs. With limits all pairs of a stratum are held.
///
/// # Shapes
///
/// `nearness`, `treated` and `within`: one value for each unit.
///
/// # Errors
///
/// - Those of the input: [`MatchingError::LengthMismatch`], [`MatchingError::DistanceNotFinite`],
///   [`MatchingError::CovariateNotFinite`], [`MatchingError::EmptyArm`],
///   [`MatchingError::NeedsScore`], [`MatchingError::NoSuchQuestion`].
/// - [`MatchingError::NoSharedStratum`], [`MatchingError::NobodyWithinCaliper`],
///   [`MatchingError::NobodyAllowed`] if no two units can be matched.
/// - [`MatchingError::LimitsContradict`] for limits that no sets can keep, and
///   [`MatchingError::LimitsUnmet`] for those that these units cannot.
/// - [`MatchingError::TooManyPairs`] for more pairs than can be held.
///
/// # References
///
/// Rosenbaum (1991), *Journal of the Royal Statistical Society B* 53(3), 597–610; Hansen & Klopfer
/// (2006), <https://doi.org/10.1198/106186006X137047>.
pub fn full<'a>(
    spec: &FullSpec,
    nearness: impl Into<Nearness<'a>>,
    treated: &[bool],
    within: impl Into<Within<'a>>,
    question: Estimand,
) -> Result<Stratified, MatchingError> {
    let pairs = Pairs::new(nearness.into(), spec.caliper, treated, within.into())?;
    if !matches!(question, Estimand::Ate | Estimand::Att | Estimand::Atc) {
        return Err(MatchingError::NoSuchQuestion { question });
    }
    spec.check()?;
    let of_comparators: Vec<bool>;
    let focal = if question == Estimand::Atc {
        of_comparators = treated.iter().map(|is| !is).collect();
        &of_comparators
    } else {
        treated
    };
    let mut sets = Sets::new(treated.len());
    for stratum in pairs.strata(focal) {
        spec.divide(&pairs, &stratum, &mut sets)?;
    }
    if !sets.has_any {
        return Err(pairs.nobody(focal));
    }
    stratified(&sets.of_unit, treated, question)
}

/// The set of each unit so far; one that is in none has a set of its own.
struct Sets {
    of_unit: Vec<u32>,
    has_any: bool,
}

impl Sets {
    fn new(n_units: usize) -> Self {
        Self {
            of_unit: (0_u32..).take(n_units).collect(),
            has_any: false,
        }
    }

    /// Puts two units in the set named by the one that both are near.
    fn join(&mut self, centre: usize, other: usize) {
        self.of_unit[other] = self.of_unit[centre];
        self.has_any = true;
    }
}

impl FullSpec {
    fn has_limits(&self) -> bool {
        self.min_comparators.is_some_and(|n| n.get() > 1)
            || self.max_comparators.is_some()
            || self.max_treated.is_some()
            || self.omit.is_some()
    }

    fn check(&self) -> Result<(), MatchingError> {
        let least = self.min_comparators.map_or(1, NonZeroU32::get);
        let is_crossed = self.max_comparators.is_some_and(|most| most.get() < least);
        let is_shared = least > 1 && self.max_treated.is_some_and(|most| most.get() > 1);
        if is_crossed || is_shared {
            return Err(MatchingError::LimitsContradict);
        }
        Ok(())
    }

    /// Divides one stratum into sets.
    fn divide(
        &self,
        pairs: &Pairs<'_>,
        stratum: &Stratum,
        sets: &mut Sets,
    ) -> Result<(), MatchingError> {
        let mut edges = if self.has_limits() {
            all_pairs(pairs, stratum)?
        } else {
            candidates(pairs, stratum)
        };
        let (mut rows, columns) = self.demands(stratum, &edges);
        let n_omitted = self.n_omitted(&columns, stratum.focal.len());
        if n_omitted > 0 {
            let nobody = u32::try_from(rows.len()).unwrap_or(u32::MAX);
            let demanding = (0_u32..)
                .zip(&columns)
                .filter(|(_, demand)| demand.least > 0);
            edges.extend(demanding.map(|(column, _)| Edge {
                row: nobody,
                column,
                distance: 0.0,
            }));
            rows.push(Demand {
                least: 0,
                most: n_omitted,
                without: 1,
            });
        }
        let solution = choose(&rows, &columns, &edges);
        let demands = rows.iter().chain(&columns);
        let short = demands
            .zip(&solution.degree)
            .map(|(demand, &degree)| demand.least.saturating_sub(degree) as usize);
        let n_short: usize = short.sum();
        if n_short > 0 {
            return Err(MatchingError::LimitsUnmet { n_short });
        }
        let chosen = edges.iter().zip(&solution.is_chosen);
        let chosen = chosen.filter(|(edge, is)| **is && (edge.row as usize) < stratum.focal.len());
        let chosen: Vec<Edge> = chosen.map(|(edge, _)| *edge).collect();
        let least = self.min_comparators.map_or(1, NonZeroU32::get);
        join(&stars(chosen, stratum, least), stratum, sets);
        Ok(())
    }

    /// What each unit is to have. Nobody is demanded for a unit that may be matched to none.
    fn demands(&self, stratum: &Stratum, edges: &[Edge]) -> (Vec<Demand>, Vec<Demand>) {
        let least = self.min_comparators.map_or(1, NonZeroU32::get);
        let limit = |most: Option<NonZeroU32>| most.map_or(u32::MAX, NonZeroU32::get);
        let most_of_column = if least > 1 {
            1
        } else {
            limit(self.max_treated)
        };
        let demand = |least, most| Demand {
            least,
            most,
            without: 1,
        };
        let mut rows = vec![demand(0, limit(self.max_comparators)); stratum.focal.len()];
        let mut columns = vec![demand(0, most_of_column); stratum.others.len()];
        for edge in edges {
            rows[edge.row as usize].least = least;
            columns[edge.column as usize].least = 1;
        }
        (rows, columns)
    }

    /// Comparators that may be left out, of those that have anybody near.
    fn n_omitted(&self, columns: &[Demand], n_focal: usize) -> u32 {
        let n_columns = columns.iter().filter(|demand| demand.least > 0).count();
        let count = utfall_stats::moments::count;
        let n_kept = match self.omit {
            None => return 0,
            Some(Omit::Share(share)) => ((1.0 - share) * count(n_columns)).round(),
            Some(Omit::BeyondMean(mean)) => (mean * count(n_focal)).round(),
        };
        let n_omitted = (0..n_columns).filter(|&n| count(n) >= n_kept).count();
        u32::try_from(n_omitted).unwrap_or(u32::MAX)
    }
}

/// Every pair that may be matched.
fn all_pairs(pairs: &Pairs<'_>, stratum: &Stratum) -> Result<Vec<Edge>, MatchingError> {
    let n_pairs = stratum.focal.len().saturating_mul(stratum.others.len());
    if n_pairs > MOST_PAIRS {
        return Err(MatchingError::TooManyPairs {
            n_pairs,
            most: MOST_PAIRS,
        });
    }
    let mut edges = Vec::new();
    for (&unit, row) in stratum.focal.iter().zip(0_u32..) {
        for (&other, column) in stratum.others.iter().zip(0_u32..) {
            edges.extend(pairs.apart(unit, other).map(|distance| Edge {
                row,
                column,
                distance,
            }));
        }
    }
    Ok(edges)
}

/// Edges without those that join two units which both have enough others.
fn stars(edges: Vec<Edge>, stratum: &Stratum, least: u32) -> Vec<Edge> {
    let mut of_row = vec![0_u32; stratum.focal.len()];
    let mut of_column = vec![0_u32; stratum.others.len()];
    for edge in &edges {
        of_row[edge.row as usize] += 1;
        of_column[edge.column as usize] += 1;
    }
    let mut is_needed = |edge: &Edge| {
        let (row, column) = (edge.row as usize, edge.column as usize);
        let is_spare = of_row[row] > least && of_column[column] > 1;
        if is_spare {
            of_row[row] -= 1;
            of_column[column] -= 1;
        }
        !is_spare
    };
    edges.into_iter().filter(|edge| is_needed(edge)).collect()
}

fn join(stars: &[Edge], stratum: &Stratum, sets: &mut Sets) {
    let mut of_column = vec![0_u32; stratum.others.len()];
    for edge in stars {
        of_column[edge.column as usize] += 1;
    }
    for edge in stars {
        let unit = stratum.focal[edge.row as usize];
        let other = stratum.others[edge.column as usize];
        if of_column[edge.column as usize] > 1 {
            sets.join(other, unit);
        } else {
            sets.join(unit, other);
        }
    }
}

impl TryFrom<OmitText> for Omit {
    type Error = String;

    fn try_from(text: OmitText) -> Result<Self, Self::Error> {
        match text {
            OmitText::Share(share) if share > 0.0 && share < 1.0 => Ok(Self::Share(share)),
            OmitText::Share(share) => Err(format!(
                "a share of {share}, expected one above 0 and below 1"
            )),
            OmitText::BeyondMean(mean) if mean.is_finite() && mean > 0.0 => {
                Ok(Self::BeyondMean(mean))
            }
            OmitText::BeyondMean(mean) => Err(format!(
                "a mean of {mean} comparators, expected one above 0"
            )),
        }
    }
}

impl From<Omit> for OmitText {
    fn from(omit: Omit) -> Self {
        match omit {
            Omit::Share(share) => Self::Share(share),
            Omit::BeyondMean(mean) => Self::BeyondMean(mean),
        }
    }
}
