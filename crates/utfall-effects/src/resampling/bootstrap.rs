//! The bootstrap: how a number varies when rows, or clusters of rows, are drawn again.
//!
//! Efron & Tibshirani (1993), *An Introduction to the Bootstrap*; Davison & Hinkley (1997),
//! *Bootstrap Methods and their Application*, chapter 5.

use rayon::prelude::*;
use utfall_stats::draws::Stream;
use utfall_stats::moments::{count, mean, mean_and_variance};

use super::Draws;
use crate::{EffectError, Grouping, WeightedRegression};

/// What is drawn again.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Resampled<'a> {
    /// Rows, as many as there are; within strata as many as each holds.
    Rows {
        /// Rows of one stratum; `None` for one.
        strata: Option<&'a Grouping>,
        /// How many replicates, and from which seed.
        draws: Draws,
    },
    /// Whole clusters, as many as there are; within strata as many as each holds.
    Clusters {
        /// Rows of one cluster.
        clusters: &'a Grouping,
        /// Rows of one stratum; a cluster lies in one.
        strata: Option<&'a Grouping>,
        /// How many replicates, and from which seed.
        draws: Draws,
    },
    /// Rows that were drawn elsewhere, one list a replicate.
    Given {
        /// The rows of each replicate.
        rows: &'a [Vec<usize>],
        /// Rows of one stratum, for the acceleration of the BCa interval.
        strata: Option<&'a Grouping>,
    },
}

/// Replicates of some numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Bootstrapped {
    /// The numbers as observed.
    pub points: Vec<f64>,
    /// For each number, its value in each replicate.
    pub replicates: Vec<Vec<f64>>,
    /// How often each row was drawn in each replicate.
    frequencies: Vec<Vec<u32>>,
    /// The stratum of each row.
    strata: Grouping,
}

/// Draws rows again and computes some numbers each time.
///
/// The error it gives is that of everything that `statistic` does again. It is known to fail for
/// numbers that jump when one row comes or goes, such as an estimate by nearest-neighbour matching
/// with replacement (Abadie & Imbens 2008) or an extreme; draw clusters where rows belong together.
///
/// # Shapes
///
/// - `statistic`: the numbers of a sample of rows; a row may come several times. It is called for
///   all rows in order first.
///
/// # Errors
///
/// - What `statistic` returns for the rows as they are.
/// - [`EffectError::ReplicateUndefined`] if it fails or is not finite in any replicate: leaving such
///   replicates out would make the error too small.
/// - [`EffectError::TooFewClusters`] for one cluster, [`EffectError::ClusterDivided`] if one lies in
///   two strata, [`EffectError::LengthMismatch`] for malformed slices.
///
/// # Reference
///
/// Efron (1979), <https://doi.org/10.1214/aos/1176344552>; Abadie & Imbens (2008),
/// <https://doi.org/10.3982/ECTA6474>.
pub fn bootstrap<S>(
    n_rows: usize,
    resampled: &Resampled<'_>,
    statistic: S,
) -> Result<Bootstrapped, EffectError>
where
    S: Fn(&[usize]) -> Result<Vec<f64>, EffectError> + Sync,
{
    let everyone: Vec<usize> = (0..n_rows).collect();
    let points = statistic(&everyone)?;
    let plan = Plan::of(n_rows, resampled)?;
    let n_replicates = plan.n_replicates();
    let replicate = |number: usize| {
        let rows = plan.rows(number);
        let mut frequency = vec![0_u32; n_rows];
        rows.iter().for_each(|&row| frequency[row] += 1);
        let values = statistic(&rows).ok();
        let defined = values.filter(|values| values.iter().all(|value| value.is_finite()));
        (defined, frequency)
    };
    let all: Vec<(Option<Vec<f64>>, Vec<u32>)> =
        (0..n_replicates).into_par_iter().map(replicate).collect();
    let without: Vec<usize> = (0..n_replicates).filter(|&r| all[r].0.is_none()).collect();
    if let Some(&replicate) = without.first() {
        return Err(EffectError::ReplicateUndefined {
            replicate,
            n_without: without.len(),
            n_replicates,
        });
    }
    let (values, frequencies): (Vec<_>, Vec<_>) = all.into_iter().unzip();
    let values: Vec<Vec<f64>> = values.into_iter().flatten().collect();
    let of_number = |k: usize| values.iter().map(|values| values[k]).collect();
    Ok(Bootstrapped {
        replicates: (0..points.len()).map(of_number).collect(),
        points,
        frequencies,
        strata: plan.strata,
    })
}

impl Bootstrapped {
    /// The standard error of a number: the standard deviation of its replicates.
    #[must_use]
    pub fn standard_error(&self, number: usize) -> f64 {
        mean_and_variance(&self.replicates[number]).1.sqrt()
    }

    /// The mean of a number's replicates less the number.
    #[must_use]
    pub fn bias(&self, number: usize) -> f64 {
        mean(&self.replicates[number]) - self.points[number]
    }

    /// What each row adds to a number, by regressing its replicates on how often each row was drawn,
    /// within strata (Davison & Hinkley, section 2.7.4).
    ///
    /// # Errors
    ///
    /// [`EffectError::TooFewRows`] unless there are more replicates than rows.
    pub fn influence_by_regression(&self, number: usize) -> Result<Vec<f64>, EffectError> {
        let members = self.strata.members();
        let n_replicates = self.frequencies.len();
        let mut columns = vec![vec![1.0; n_replicates]];
        let mut rows = Vec::new();
        for stratum in &members {
            for &row in &stratum[1..] {
                let share = |drawn: &Vec<u32>| f64::from(drawn[row]) / count(stratum.len());
                columns.push(self.frequencies.iter().map(share).collect());
                rows.push(row);
            }
        }
        let columns: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
        let one = vec![1.0; n_replicates];
        let fit = WeightedRegression::fit(&columns, &one, &self.replicates[number])?;
        let mut influence = vec![0.0; self.strata.len()];
        for (&row, slope) in rows.iter().zip(&fit.coefficients()[1..]) {
            influence[row] = *slope;
        }
        for stratum in &members {
            let values: Vec<f64> = stratum.iter().map(|&row| influence[row]).collect();
            let middle = mean(&values);
            stratum.iter().for_each(|&row| influence[row] -= middle);
        }
        Ok(influence)
    }
}

/// What is drawn, and from what.
struct Plan<'a> {
    /// Strata of rows.
    strata: Grouping,
    /// Rows of each part; parts of each stratum.
    parts: Vec<Vec<usize>>,
    of_stratum: Vec<Vec<usize>>,
    source: Source<'a>,
}

enum Source<'a> {
    Drawn(Draws),
    Given(&'a [Vec<usize>]),
}

impl<'a> Plan<'a> {
    fn of(n_rows: usize, resampled: &Resampled<'a>) -> Result<Self, EffectError> {
        let (strata, clusters, source) = match *resampled {
            Resampled::Rows { strata, draws } => (strata, None, Source::Drawn(draws)),
            Resampled::Clusters {
                clusters,
                strata,
                draws,
            } => (strata, Some(clusters), Source::Drawn(draws)),
            Resampled::Given { rows, strata } => (strata, None, Source::Given(rows)),
        };
        for (what, way) in [("stratum", strata), ("cluster", clusters)] {
            if let Some(found) = way.map(Grouping::len).filter(|&found| found != n_rows) {
                return Err(EffectError::LengthMismatch {
                    what,
                    found,
                    expected: n_rows,
                });
            }
        }
        if let Source::Given(lists) = &source {
            for list in *lists {
                if let Some(&row) = list.iter().find(|&&row| row >= n_rows) {
                    return Err(EffectError::LengthMismatch {
                        what: "drawn row",
                        found: row + 1,
                        expected: n_rows,
                    });
                }
            }
        }
        let strata = strata.cloned().unwrap_or(Grouping::of(&vec![0; n_rows]));
        let parts = match clusters {
            Some(way) if way.n_groups() < 2 => {
                return Err(EffectError::TooFewClusters {
                    n_clusters: way.n_groups(),
                });
            }
            Some(way) => way.members(),
            None => (0..n_rows).map(|row| vec![row]).collect(),
        };
        let mut of_stratum = vec![Vec::new(); strata.n_groups()];
        for (part, rows) in parts.iter().enumerate() {
            let stratum = strata.codes()[rows[0]];
            if let Some(&row) = rows.iter().find(|&&row| strata.codes()[row] != stratum) {
                return Err(EffectError::ClusterDivided { row });
            }
            of_stratum[stratum].push(part);
        }
        Ok(Self {
            strata,
            parts,
            of_stratum,
            source,
        })
    }

    fn n_replicates(&self) -> usize {
        match &self.source {
            Source::Drawn(draws) => draws.replicates.get() as usize,
            Source::Given(lists) => lists.len(),
        }
    }

    fn rows(&self, replicate: usize) -> Vec<usize> {
        match &self.source {
            Source::Given(lists) => lists[replicate].clone(),
            Source::Drawn(draws) => {
                let mut stream = Stream::new(draws.seed, "bootstrap", replicate as u64);
                let mut rows = Vec::with_capacity(self.strata.len());
                for parts in &self.of_stratum {
                    for _ in parts {
                        let part = parts[stream.index(parts.len())];
                        rows.extend_from_slice(&self.parts[part]);
                    }
                }
                rows
            }
        }
    }
}
