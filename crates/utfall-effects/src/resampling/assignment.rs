//! Assignments that might have been: how treatment was drawn, and every or many other draws.
//!
//! Treatment is drawn among parts (rows, or clusters of rows) within blocks, with as many treated
//! parts in each block as there were. Complete randomisation has one block; matched pairs are
//! blocks of two.

use rayon::prelude::*;
use utfall_stats::draws::Stream;
use utfall_stats::moments::count;

use super::Draws;
use crate::{EffectError, Grouping};

/// Largest number of assignments that are enumerated.
pub(crate) const MOST_ENUMERATED: usize = 2_000_000;

/// Which assignments are compared with the one that was drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Assignments<'a> {
    /// Every one, the observed one included; at most two million.
    Enumerated,
    /// Some, drawn uniformly.
    Drawn(Draws),
    /// Some that were drawn elsewhere: for each, whether each row is treated.
    Given(&'a [Vec<bool>]),
}

/// How treatment was drawn.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Randomised<'a> {
    /// Rows of one block share the number of treated; `None` for one block.
    pub blocks: Option<&'a Grouping>,
    /// Rows of one cluster share their arm; `None` where each row was drawn by itself.
    pub clusters: Option<&'a Grouping>,
}

/// Parts that are drawn, by block.
pub(crate) struct Parts {
    /// Parts; a row is one unless clusters are drawn.
    pub(crate) of_row: Grouping,
    /// Parts of each block.
    blocks: Vec<Vec<usize>>,
    /// Treated parts of each block.
    n_treated: Vec<usize>,
    /// Whether each part is treated.
    pub(crate) treated: Vec<bool>,
}

impl Parts {
    pub(crate) fn of(treated: &[bool], design: &Randomised<'_>) -> Result<Self, EffectError> {
        let expected = treated.len();
        for (what, way) in [("block", design.blocks), ("cluster", design.clusters)] {
            if let Some(found) = way.map(Grouping::len).filter(|&found| found != expected) {
                return Err(EffectError::LengthMismatch {
                    what,
                    found,
                    expected,
                });
            }
        }
        let of_row = match design.clusters {
            Some(way) => way.clone(),
            None => Grouping::of(&(0..expected).collect::<Vec<_>>()),
        };
        let mut arm: Vec<Option<bool>> = vec![None; of_row.n_groups()];
        let mut block = vec![0; of_row.n_groups()];
        for (row, &part) in of_row.codes().iter().enumerate() {
            let own = design.blocks.map_or(0, |way| way.codes()[row]);
            match arm[part] {
                Some(known) if known != treated[row] || block[part] != own => {
                    return Err(EffectError::ClusterDivided { row });
                }
                _ => (arm[part], block[part]) = (Some(treated[row]), own),
            }
        }
        let treated: Vec<bool> = arm.into_iter().map(|arm| arm == Some(true)).collect();
        let n_blocks = design.blocks.map_or(1, Grouping::n_groups);
        let mut blocks = vec![Vec::new(); n_blocks];
        for (part, &block) in block.iter().enumerate() {
            blocks[block].push(part);
        }
        let n_treated = blocks
            .iter()
            .map(|parts| parts.iter().filter(|&&part| treated[part]).count())
            .collect();
        Ok(Self {
            of_row,
            blocks,
            n_treated,
            treated,
        })
    }

    /// The number of assignments, if it is not too large to be enumerated.
    pub(crate) fn n_assignments(&self) -> Result<usize, EffectError> {
        let mut total = 1_usize;
        for (parts, &n_treated) in self.blocks.iter().zip(&self.n_treated) {
            let mut ways = 1_u128;
            for k in 0..n_treated.min(parts.len() - n_treated) {
                ways = ways * (parts.len() - k) as u128 / (k as u128 + 1);
                if ways > MOST_ENUMERATED as u128 {
                    break;
                }
            }
            total = total.saturating_mul(usize::try_from(ways).unwrap_or(usize::MAX));
            if total > MOST_ENUMERATED {
                return Err(EffectError::TooManyDraws {
                    what: "assignments",
                    found: total,
                    most: MOST_ENUMERATED,
                });
            }
        }
        Ok(total)
    }

    /// Calls `each` with the treated parts of every assignment.
    pub(crate) fn enumerate(&self, mut each: impl FnMut(&[bool])) {
        let mut treated = vec![false; self.treated.len()];
        let mut chosen: Vec<Vec<usize>> =
            self.n_treated.iter().map(|&n| (0..n).collect()).collect();
        loop {
            treated.fill(false);
            for (parts, chosen) in self.blocks.iter().zip(&chosen) {
                for &at in chosen {
                    treated[parts[at]] = true;
                }
            }
            each(&treated);
            let mut block = 0;
            while block < chosen.len() && !next(&mut chosen[block], self.blocks[block].len()) {
                chosen[block] = (0..chosen[block].len()).collect();
                block += 1;
            }
            if block == chosen.len() {
                return;
            }
        }
    }

    /// For each replicate, sums of some columns over its treated parts.
    ///
    /// Within a block a part is first treated with a probability near the right one, by bits; then
    /// parts drawn at random change arm until the number is right. Given their number the treated
    /// parts are uniform before and after, so the draw is uniform.
    pub(crate) fn sums(&self, columns: &[Vec<f64>], draws: Draws) -> Vec<Vec<f64>> {
        let in_order: Vec<Values> = columns.iter().map(|column| self.by_block(column)).collect();
        (0..draws.replicates.get())
            .into_par_iter()
            .map(|number| {
                let mut stream = Stream::new(draws.seed, "randomisation", number.into());
                let mut sums = vec![0.0; columns.len()];
                let mut start = 0;
                for (parts, &n_treated) in self.blocks.iter().zip(&self.n_treated) {
                    let mut draw = Subset::of(parts.len());
                    draw.draw(n_treated, &mut stream);
                    for (sum, column) in sums.iter_mut().zip(&in_order) {
                        *sum += match column {
                            Values::Even(value) => count(n_treated) * value,
                            Values::Each(values) => draw.sum(&values[start..start + parts.len()]),
                        };
                    }
                    start += parts.len();
                }
                sums
            })
            .collect()
    }

    /// The values of the parts, block after block.
    fn by_block(&self, column: &[f64]) -> Values {
        let mut pairs = column.windows(2);
        match column.first() {
            Some(&value) if pairs.all(|pair| pair[0].to_bits() == pair[1].to_bits()) => {
                Values::Even(value)
            }
            _ => {
                let parts = self.blocks.iter().flatten();
                Values::Each(parts.map(|&part| column[part]).collect())
            }
        }
    }
}

/// A column's values, block after block.
enum Values {
    /// The same for every part, such as the ones that count rows: nothing is added up.
    Even(f64),
    Each(Vec<f64>),
}

/// The next choice of the same number of places in lexicographic order, if there is one.
fn next(chosen: &mut [usize], n: usize) -> bool {
    let k = chosen.len();
    let Some(at) = (0..k).rev().find(|&at| chosen[at] < n - k + at) else {
        return false;
    };
    chosen[at] += 1;
    for later in at + 1..k {
        chosen[later] = chosen[later - 1] + 1;
    }
    true
}

/// A subset of places as bits.
struct Subset {
    n: usize,
    words: Vec<u64>,
}

/// Bits of the first probability.
const BITS: u32 = 8;

impl Subset {
    fn of(n: usize) -> Self {
        Self {
            n,
            words: vec![0; n.div_ceil(64)],
        }
    }

    /// A uniform subset of `wanted` places.
    fn draw(&mut self, wanted: usize, stream: &mut Stream) {
        let threshold = (wanted << BITS) / self.n.max(1);
        for word in &mut self.words {
            *word = bernoulli(threshold, stream);
        }
        let beyond = self.words.len() * 64 - self.n;
        if let (Some(last), true) = (self.words.last_mut(), beyond > 0) {
            *last &= u64::MAX >> beyond;
        }
        let mut found: usize = self
            .words
            .iter()
            .map(|word| word.count_ones() as usize)
            .sum();
        while found != wanted {
            let place = stream.index(self.n);
            let is = self.words[place / 64] >> (place % 64) & 1 == 1;
            if is == (found > wanted) {
                self.words[place / 64] ^= 1 << (place % 64);
                found = if is { found - 1 } else { found + 1 };
            }
        }
    }

    /// The sum over the places of the subset.
    fn sum(&self, values: &[f64]) -> f64 {
        let mut lanes = [0.0; 8];
        for (chunk, &word) in values.chunks(64).zip(&self.words) {
            let mut bits = word;
            let (eights, rest) = chunk.as_chunks::<8>();
            for eight in eights {
                for (lane, (total, value)) in lanes.iter_mut().zip(eight).enumerate() {
                    let mask = 0_u64.wrapping_sub(bits >> lane & 1);
                    *total += f64::from_bits(value.to_bits() & mask);
                }
                bits >>= 8;
            }
            for (lane, (total, value)) in lanes.iter_mut().zip(rest).enumerate() {
                let mask = 0_u64.wrapping_sub(bits >> lane & 1);
                *total += f64::from_bits(value.to_bits() & mask);
            }
        }
        (lanes[0] + lanes[1])
            + (lanes[2] + lanes[3])
            + ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]))
    }
}

/// 64 bits that are one with probability `threshold / 2^BITS`, each by itself.
fn bernoulli(threshold: usize, stream: &mut Stream) -> u64 {
    // From the last binary digit of the probability to the first: a one or-s in fresh bits, a zero
    // and-s them.
    let lowest = threshold.trailing_zeros().min(BITS);
    (lowest..BITS).fold(0, |word, digit| {
        if threshold >> digit & 1 == 1 {
            word | stream.bits()
        } else {
            word & stream.bits()
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZeroU32;

    #[test]
    fn every_assignment_is_enumerated_once() {
        let treated = [true, false, false, true, false, true, false];
        let blocks = Grouping::of(&["a", "a", "a", "b", "b", "b", "b"]);
        let design = Randomised {
            blocks: Some(&blocks),
            clusters: None,
        };
        let parts = Parts::of(&treated, &design).unwrap();
        let mut seen = std::collections::BTreeSet::new();
        parts.enumerate(|treated| {
            assert!(seen.insert(treated.to_vec()), "{treated:?} came twice");
        });
        assert_eq!(seen.len(), 3 * 6);
        assert_eq!(parts.n_assignments().unwrap(), 18);
        assert!(seen.contains(treated.as_slice()));
    }

    #[test]
    fn drawn_assignments_are_uniform_and_keep_the_number_treated() {
        let treated: Vec<bool> = (0..70).map(|i| i % 7 == 0).collect();
        let parts = Parts::of(&treated, &Randomised::default()).unwrap();
        let ones = vec![1.0; 70];
        let position: Vec<f64> = (0..70_u32).map(|i| f64::from(i * i)).collect();
        let draws = Draws {
            seed: 5,
            replicates: NonZeroU32::new(20_000).unwrap(),
        };
        let sums = parts.sums(&[ones, position.clone()], draws);
        assert!(sums.iter().all(|sum| (sum[0] - 10.0).abs() == 0.0));
        let second: Vec<f64> = sums.iter().map(|sum| sum[1]).collect();
        let (mean, variance) = utfall_stats::moments::mean_and_variance(&second);
        let (centre, spread) = utfall_stats::moments::mean_and_variance(&position);
        let expected = 10.0 * spread * (1.0 - 10.0 / 70.0);
        let error = (expected / 20_000.0).sqrt();
        assert!((mean - 10.0 * centre).abs() < 5.0 * error, "mean {mean}");
        assert!(
            (variance / expected - 1.0).abs() < 0.05,
            "variance {variance}"
        );
    }

    #[test]
    fn a_cluster_with_both_arms_is_refused() {
        let clusters = Grouping::of(&[1, 1, 2]);
        let design = Randomised {
            blocks: None,
            clusters: Some(&clusters),
        };
        let error = Parts::of(&[true, false, true], &design).err();
        assert_eq!(error, Some(EffectError::ClusterDivided { row: 1 }));
    }

    #[test]
    fn more_assignments_than_can_be_enumerated_are_refused() {
        let treated: Vec<bool> = (0..60).map(|i| i % 2 == 0).collect();
        let parts = Parts::of(&treated, &Randomised::default()).unwrap();
        assert!(matches!(
            parts.n_assignments(),
            Err(EffectError::TooManyDraws { .. })
        ));
    }
}
