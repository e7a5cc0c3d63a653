//! Optimal pair and `k : 1` matching on one distance.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::assignment::{Row, assign};
use crate::nearest::check;
use crate::{Caliper, Matched, MatchingError};

/// Optimal matching of treated units to comparators on one distance; each comparator serves once.
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
/// Time grows with the number of treated units times the stretch of the line each has to look at,
/// which is short where comparators are many.
///
/// # Shapes and units
///
/// As for [`nearest`](crate::nearest).
///
/// # Errors
///
/// As for [`nearest`](crate::nearest).
///
/// # References
///
/// Rosenbaum (1989), *Journal of the American Statistical Association* 84(408),
/// <https://doi.org/10.1080/01621459.1989.10478868>; Jonker & Volgenant (1987), *Computing* 38,
/// <https://doi.org/10.1007/BF02278710>.
pub fn optimal(
    spec: &OptimalSpec,
    distance: &[f64],
    treated: &[bool],
    strata: Option<&[u32]>,
) -> Result<Matched, MatchingError> {
    check(distance, treated, strata)?;
    let width = spec.caliper.map(|caliper| caliper.width_of(distance));
    let stratum = |unit: usize| strata.map_or(0, |strata| strata[unit]);
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
    let found = assign(&rows, &columns, width.unwrap_or(f64::INFINITY));
    let mut set_of = vec![Vec::new(); treated.len()];
    for (slot, column) in found.into_iter().enumerate() {
        set_of[focal[slot / ratio]].extend(column.map(|column| comparators[column]));
    }
    let sets = (0..treated.len())
        .filter(|&unit| treated[unit])
        .map(|unit| {
            let mut set = std::mem::take(&mut set_of[unit]);
            let apart = |other: usize| (distance[unit] - distance[other]).abs();
            set.sort_by(|&a, &b| apart(a).total_cmp(&apart(b)).then(a.cmp(&b)));
            set
        });
    let sets: Vec<Vec<usize>> = sets.collect();
    if sets.iter().all(Vec::is_empty) {
        let n_treated = focal.len();
        let is_shared = focal.iter().any(|&unit| !range(unit).is_empty());
        return Err(match width {
            Some(width) if is_shared => MatchingError::NobodyWithinCaliper { n_treated, width },
            _ => MatchingError::NoSharedStratum,
        });
    }
    Ok(Matched::new(treated, sets, width, 0))
}

/// `ratio` rows for each unit. The first goes before all others together: a unit that finds nobody
/// costs more than any number of further comparators.
fn rows(focal: &[usize], ratio: usize, of: impl Fn(usize) -> (f64, Range<usize>)) -> Vec<Row> {
    let beyond_all = focal.len().saturating_mul(ratio).saturating_add(1);
    let first = i64::try_from(beyond_all).unwrap_or(i64::from(u32::MAX));
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
