//! Pairs that a full matching without limits may use: the others are never worth it.
//!
//! Every unit could be matched to its nearest for the distance between them. A pair farther apart
//! than both such distances together is better taken apart, so only nearer pairs, and that of each
//! unit with its nearest, have to be looked at: mostly a few for each unit.
//!
//! Schrijver (2003), *Combinatorial Optimization*, section 19.3, on least edge covers.

use rayon::prelude::*;

use crate::nearness::{Pairs, Stratum};
use crate::transport::Edge;

/// The nearest unit of the other arm, by its number there, and how far it is.
#[derive(Debug, Clone, Copy)]
struct Nearest {
    number: usize,
    apart: f64,
}

/// The pairs of a stratum that may be used; rows are focal units, columns the others.
pub(crate) fn candidates(pairs: &Pairs<'_>, stratum: &Stratum) -> Vec<Edge> {
    let mut edges = match pairs.line() {
        Some(score) => on_line(score, pairs.width.unwrap_or(f64::INFINITY), stratum),
        None => by_scan(pairs, stratum),
    };
    edges.sort_by_key(|edge| (edge.row, edge.column));
    edges.dedup_by_key(|edge| (edge.row, edge.column));
    edges
}

fn edge(row: usize, column: usize, distance: f64) -> Edge {
    Edge {
        row: index(row),
        column: index(column),
        distance,
    }
}

/// Looks at every pair, twice.
fn by_scan(pairs: &Pairs<'_>, stratum: &Stratum) -> Vec<Edge> {
    let Stratum { focal, others } = stratum;
    let nearest = |from: &[usize], to: &[usize]| -> Vec<Option<Nearest>> {
        let of_unit = |&unit: &usize| {
            let apart = to.iter().enumerate();
            let apart = apart.filter_map(|(number, &other)| {
                pairs
                    .apart(unit, other)
                    .map(|apart| Nearest { number, apart })
            });
            apart.min_by(|a, b| a.apart.total_cmp(&b.apart))
        };
        from.par_iter().map(of_unit).collect()
    };
    let (of_focal, of_others) = (nearest(focal, others), nearest(others, focal));
    let near_row = |(row, nearest): (usize, &Option<Nearest>)| {
        let Some(nearest) = *nearest else {
            return Vec::new();
        };
        let columns = others.iter().zip(&of_others).enumerate();
        let near = columns.filter_map(|(column, (&other, of_other))| {
            let together = nearest.apart + (*of_other)?.apart;
            let apart = pairs.apart(focal[row], other)?;
            (apart < together).then(|| edge(row, column, apart))
        });
        let mut near: Vec<Edge> = near.collect();
        near.push(edge(row, nearest.number, nearest.apart));
        near
    };
    let mut edges: Vec<Edge> = of_focal
        .par_iter()
        .enumerate()
        .flat_map_iter(near_row)
        .collect();
    let of_columns = of_others.iter().enumerate();
    edges.extend(of_columns.filter_map(|(column, nearest)| {
        nearest.map(|nearest| edge(nearest.number, column, nearest.apart))
    }));
    edges
}

/// A unit on the line: its place, its number in its arm, and the nearest of the other.
#[derive(Debug, Clone, Copy)]
struct Standing {
    at: f64,
    number: usize,
    is_focal: bool,
    nearest: Option<Nearest>,
}

/// On a line only runs that follow each other, of one arm and then of the other, hold such pairs:
/// with one of either arm between two units each of them has somebody nearer.
fn on_line(score: &[f64], width: f64, stratum: &Stratum) -> Vec<Edge> {
    let mut line = in_line(score, stratum);
    find_nearest(&mut line, width);
    let mut edges: Vec<Edge> = line
        .iter()
        .filter_map(|unit| {
            let nearest = unit.nearest?;
            Some(if unit.is_focal {
                edge(unit.number, nearest.number, nearest.apart)
            } else {
                edge(nearest.number, unit.number, nearest.apart)
            })
        })
        .collect();
    let runs: Vec<&[Standing]> = line.chunk_by(|a, b| a.is_focal == b.is_focal).collect();
    for both in runs.windows(2) {
        between(both[0], both[1], width, &mut edges);
    }
    edges
}

fn in_line(score: &[f64], stratum: &Stratum) -> Vec<Standing> {
    let of_arm = |units: &[usize], is_focal: bool| -> Vec<Standing> {
        let standing = units.iter().enumerate().map(|(number, &unit)| Standing {
            at: score[unit],
            number,
            is_focal,
            nearest: None,
        });
        standing.collect()
    };
    let mut line = of_arm(&stratum.focal, true);
    line.extend(of_arm(&stratum.others, false));
    line.par_sort_by(|a, b| {
        let by_place = a.at.total_cmp(&b.at);
        by_place
            .then(a.is_focal.cmp(&b.is_focal))
            .then(a.number.cmp(&b.number))
    });
    line
}

/// The nearest of the other arm on either side; of two equally near, the one below.
fn find_nearest(line: &mut [Standing], width: f64) {
    let n = line.len();
    look_back(line, 0..n, width);
    look_back(line, (0..n).rev(), width);
}

/// Looks from each unit to the one of the other arm that was met last.
fn look_back(line: &mut [Standing], order: impl Iterator<Item = usize>, width: f64) {
    let mut last: [Option<Standing>; 2] = [None, None];
    for at in order {
        let unit = line[at];
        if let Some(other) = last[usize::from(!unit.is_focal)] {
            let apart = (unit.at - other.at).abs();
            let is_nearer = unit.nearest.is_none_or(|known| apart < known.apart);
            if is_nearer && apart <= width {
                let number = other.number;
                line[at].nearest = Some(Nearest { number, apart });
            }
        }
        last[usize::from(unit.is_focal)] = Some(unit);
    }
}

/// Pairs across two runs, the first below the second.
fn between(first: &[Standing], second: &[Standing], width: f64, edges: &mut Vec<Edge>) {
    // How far up a unit of the first run reaches, and how far down one of the second.
    let reach = |unit: &Standing| unit.nearest.map(|nearest| unit.at + nearest.apart);
    let depth = |unit: &Standing| unit.nearest.map(|nearest| unit.at - nearest.apart);
    let highest = first
        .iter()
        .filter_map(reach)
        .fold(f64::NEG_INFINITY, f64::max);
    let lowest = second
        .iter()
        .filter_map(depth)
        .fold(f64::INFINITY, f64::min);
    let above: Vec<&Standing> = second
        .iter()
        .filter(|unit| depth(unit).is_some_and(|depth| depth < highest))
        .collect();
    let below = first
        .iter()
        .filter(|unit| reach(unit).is_some_and(|reach| reach > lowest));
    for one in below {
        for other in &above {
            let apart = other.at - one.at;
            if depth(other) < reach(one) && apart <= width {
                edges.push(if one.is_focal {
                    edge(one.number, other.number, apart)
                } else {
                    edge(other.number, one.number, apart)
                });
            }
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "there are fewer than 2^32 - 2 units"
)]
fn index(n: usize) -> u32 {
    n as u32
}
