//! Optimal pair and `k : 1` matching.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::ops::Range;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::assignment::{Row, assign};
use crate::cost::Cost;
use crate::nearness::{Nearness, Pairs, Stratum};
use crate::transport::{Demand, Edge, choose};
use crate::{Caliper, Matched, MatchingError, Within};

/// Comparators that each treated unit looks at first, beyond those it is to have.
const FIRST_LOOK: usize = 16;

/// Optimal matching of treated units to comparators; each comparator serves once.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct OptimalSpec {
    /// Comparators sought for each treated unit.
    pub ratio: NonZeroU32,
    /// Widest distance at which two units may be matched; none without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caliper: Option<Caliper>,
}

/// Matches treated units to comparators so that the sum of distances over all pairs is least.
///
/// As many treated units as can be find a comparator, then as many pairs as can be are made, up to
/// `ratio` for each, and among all such matchings the sum is least. Who is matched to whom need not
/// be unique: on a line pairs can often be exchanged at no cost. The result depends on the order of
/// units through equal distances only, and on nothing else; [`Matched::n_tied`] is zero, for nobody
/// chooses.
///
/// On a score time grows with the number of treated units times the stretch of the line each has to
/// look at, which is short where comparators are many. On covariates, or with rules, each treated
/// unit looks at its nearest comparators first; dual prices then say whether one further away could
/// have done better, and who has to look further.
///
/// # Shapes and units
///
/// `nearness`, `treated` and `within`: one value for each unit. A plain slice is a score.
///
/// # Errors
///
/// As for [`nearest`](crate::nearest), and [`MatchingError::NobodyAllowed`] if rules leave nobody.
///
/// # References
///
/// Rosenbaum (1989), *Journal of the American Statistical Association* 84(408),
/// <https://doi.org/10.1080/01621459.1989.10478868>; Jonker & Volgenant (1987), *Computing* 38,
/// <https://doi.org/10.1007/BF02278710>.
pub fn optimal<'a>(
    spec: &OptimalSpec,
    nearness: impl Into<Nearness<'a>>,
    treated: &[bool],
    within: impl Into<Within<'a>>,
) -> Result<Matched, MatchingError> {
    let pairs = Pairs::new(nearness.into(), spec.caliper, treated, within.into())?;
    let mut set_of = match pairs.line() {
        Some(score) => on_line(spec, score, &pairs, treated),
        None => by_nearest(spec, &pairs, treated),
    };
    if set_of.iter().all(Vec::is_empty) {
        return Err(pairs.nobody(treated));
    }
    let sets = (0..treated.len())
        .filter(|&unit| treated[unit])
        .map(|unit| {
            let mut set = std::mem::take(&mut set_of[unit]);
            let apart = |other: usize| pairs.apart(unit, other).unwrap_or(f64::INFINITY);
            set.sort_by(|&a, &b| apart(a).total_cmp(&apart(b)).then(a.cmp(&b)));
            set
        });
    Ok(Matched::new(treated, sets, pairs.width, 0))
}

/// The comparators of each unit, where all stand on a line.
fn on_line(
    spec: &OptimalSpec,
    distance: &[f64],
    pairs: &Pairs<'_>,
    treated: &[bool],
) -> Vec<Vec<usize>> {
    let stratum = |unit: usize| pairs.within.stratum(unit);
    let in_line = |arm: bool| {
        let units = (0..treated.len()).filter(|&unit| treated[unit] == arm);
        let mut units: Vec<usize> = units.collect();
        units.sort_by(|&a, &b| {
            let by_distance = distance[a].total_cmp(&distance[b]);
            stratum(a)
                .cmp(&stratum(b))
                .then(by_distance)
                .then(a.cmp(&b))
        });
        units
    };
    let (focal, comparators) = (in_line(true), in_line(false));
    let columns: Vec<f64> = comparators.iter().map(|&unit| distance[unit]).collect();
    let ranges = ranges(comparators.iter().map(|&unit| stratum(unit)));
    let range = |unit: usize| ranges.get(&stratum(unit)).cloned().unwrap_or(0..0);

    let ratio = spec.ratio.get() as usize;
    let rows = rows(&focal, ratio, |unit| (distance[unit], range(unit)));
    let found = assign(&rows, &columns, pairs.width.unwrap_or(f64::INFINITY));
    let mut set_of = vec![Vec::new(); treated.len()];
    for (slot, column) in found.into_iter().enumerate() {
        set_of[focal[slot / ratio]].extend(column.map(|column| comparators[column]));
    }
    set_of
}

/// The comparators of each unit, by looking at the nearest first.
fn by_nearest(spec: &OptimalSpec, pairs: &Pairs<'_>, treated: &[bool]) -> Vec<Vec<usize>> {
    let mut set_of = vec![Vec::new(); treated.len()];
    for stratum in pairs.strata(treated) {
        let mut look = vec![spec.ratio.get() as usize + FIRST_LOOK; stratum.focal.len()];
        let (edges, is_chosen) = loop {
            let near = Near::of(pairs, &stratum, &look);
            let (rows, columns) = demands(spec, &stratum);
            let solution = choose(&rows, &columns, &near.edges);
            // No price of a comparator is above zero, so one that lies beyond the price of a treated
            // unit cannot serve it better than those it has looked at.
            let mut is_proved = true;
            for (row, farthest) in near.farthest.iter().enumerate() {
                if farthest.is_some_and(|farthest| Cost(0, farthest) < solution.price[row]) {
                    look[row] *= 4;
                    is_proved = false;
                }
            }
            if is_proved {
                break (near.edges, solution.is_chosen);
            }
        };
        for (edge, _) in edges.iter().zip(&is_chosen).filter(|(_, is)| **is) {
            let unit = stratum.focal[edge.row as usize];
            set_of[unit].push(stratum.others[edge.column as usize]);
        }
    }
    set_of
}

fn demands(spec: &OptimalSpec, stratum: &Stratum) -> (Vec<Demand>, Vec<Demand>) {
    let ratio = spec.ratio.get();
    let row = Demand {
        least: ratio,
        most: ratio,
        without: beyond_all(stratum.focal.len(), ratio as usize),
    };
    let column = Demand {
        least: 0,
        most: 1,
        without: 0,
    };
    (
        vec![row; stratum.focal.len()],
        vec![column; stratum.others.len()],
    )
}

/// The nearest comparators of each treated unit.
struct Near {
    edges: Vec<Edge>,
    /// How far the last of them is; `None` where there is no further one.
    farthest: Vec<Option<f64>>,
}

impl Near {
    fn of(pairs: &Pairs<'_>, stratum: &Stratum, look: &[usize]) -> Self {
        let of_row = |row: usize| {
            let apart = (0_u32..)
                .zip(&stratum.others)
                .filter_map(|(column, &other)| {
                    let apart = pairs.apart(stratum.focal[row], other)?;
                    Some((apart, column))
                });
            let mut all: Vec<(f64, u32)> = apart.collect();
            let by_distance =
                |a: &(f64, u32), b: &(f64, u32)| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1));
            let farthest = (all.len() > look[row]).then(|| {
                let (_, last, _) = all.select_nth_unstable_by(look[row] - 1, by_distance);
                last.0
            });
            all.truncate(look[row]);
            all.sort_by_key(|&(_, column)| column);
            (all, farthest)
        };
        let rows: Vec<_> = (0..stratum.focal.len())
            .into_par_iter()
            .map(of_row)
            .collect();
        let mut near = Self {
            edges: Vec::new(),
            farthest: Vec::with_capacity(rows.len()),
        };
        for ((of_row, farthest), row) in rows.into_iter().zip(0_u32..) {
            near.farthest.push(farthest);
            near.edges
                .extend(of_row.into_iter().map(|(distance, column)| Edge {
                    row,
                    column,
                    distance,
                }));
        }
        near
    }
}

/// More than any number of further comparators: what it costs to leave a unit without any.
fn beyond_all(n_focal: usize, ratio: usize) -> i64 {
    let beyond_all = n_focal.saturating_mul(ratio).saturating_add(1);
    i64::try_from(beyond_all).unwrap_or(i64::from(u32::MAX))
}

/// `ratio` rows for each unit. The first goes before all others together: a unit that finds nobody
/// costs more than any number of further comparators.
fn rows(focal: &[usize], ratio: usize, of: impl Fn(usize) -> (f64, Range<usize>)) -> Vec<Row> {
    let first = beyond_all(focal.len(), ratio);
    let of_unit = |&unit: &usize| {
        let (at, columns) = of(unit);
        (0..ratio).map(move |slot| Row {
            at,
            columns: columns.clone(),
            left_out: if slot == 0 { first } else { 1 },
        })
    };
    focal.iter().flat_map(of_unit).collect()
}

/// Where each stratum of a sorted list lies.
fn ranges(strata: impl Iterator<Item = u32>) -> BTreeMap<u32, Range<usize>> {
    let mut ranges: BTreeMap<u32, Range<usize>> = BTreeMap::new();
    for (place, stratum) in strata.enumerate() {
        ranges.entry(stratum).or_insert(place..place).end = place + 1;
    }
    ranges
}
