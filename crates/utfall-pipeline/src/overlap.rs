//! How far the arms overlap before matching, as counts of units by their propensity score.

use serde::{Deserialize, Serialize};
use utfall_disclosure::{Arms, Bin, Cell, Count, Counts, Policy, Role};
use utfall_matching::propensity;
use utfall_verify::record::{OverlapBin, OverlapDocument, OverlapResult};

use crate::RunError;
use crate::cohort_file::StoredCohort;
use crate::compare::matrix;

/// Exact counts; restricted until a disclosure policy was applied.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) enum Overlap {
    Scored {
        /// Width of every bin, in steps of [`STEP`].
        steps: u64,
        /// The first bin's lower end, in bins from zero.
        first: u64,
        /// Treated units and comparators of each bin.
        counts: Vec<[u64; 2]>,
    },
    NoScore {
        reason: String,
    },
}

/// Ends of bins are multiples of this.
const STEP: f64 = 0.005;

/// Widths that bins may have, in steps.
const WIDTHS: [u64; 6] = [1, 2, 4, 10, 20, 40];

/// Most bins: fewer make each hold enough units to be shown.
const MOST_BINS: u64 = 12;

/// Counts the units of a cohort by the logistic propensity score on all its covariates; one that enters
/// on several days counts once in each bin it is in.
pub(crate) fn overlap(cohort: &StoredCohort) -> Result<Overlap, RunError> {
    match propensity(&matrix(cohort)?, &cohort.treated) {
        Ok(found) => Ok(counted(&found.score, &cohort.treated, &cohort.units)),
        Err(error) => Ok(Overlap::NoScore {
            reason: error.to_string(),
        }),
    }
}

fn counted(score: &[f64], treated: &[bool], units: &[String]) -> Overlap {
    let steps_of = |steps: u64| STEP * steps_as_number(steps);
    let bin = |score: f64, steps: u64| bin_below(score / steps_of(steps));
    let (low, high) = score
        .iter()
        .fold((1.0, 0.0), |(low, high): (f64, f64), &score| {
            (low.min(score), high.max(score))
        });
    let fits = |steps: &&u64| bin(high, **steps) - bin(low, **steps) < MOST_BINS;
    let steps = *WIDTHS
        .iter()
        .find(fits)
        .unwrap_or(&WIDTHS[WIDTHS.len() - 1]);
    let first = bin(low, steps);
    let n_bins = bin(high, steps) - first + 1;
    let mut counts = vec![[0, 0]; usize::try_from(n_bins).unwrap_or(1)];
    let mut rows: Vec<(usize, bool, &str)> = score
        .iter()
        .zip(treated)
        .zip(units)
        .map(|((&score, &is_treated), unit)| {
            let place = usize::try_from(bin(score, steps) - first).unwrap_or(0);
            (place, is_treated, unit.as_str())
        })
        .collect();
    rows.sort_unstable();
    rows.dedup();
    for (place, is_treated, _) in rows {
        counts[place][usize::from(!is_treated)] += 1;
    }
    Overlap::Scored {
        steps,
        first,
        counts,
    }
}

impl Overlap {
    /// The counts as a policy lets them be seen.
    ///
    /// They are released together, for the number of each arm stands in the balance: a small count
    /// that alone is suppressed could be computed from the others.
    pub(crate) fn release(&self, policy: &Policy) -> OverlapDocument {
        let result = match self {
            Self::NoScore { reason } => OverlapResult::NoScore {
                reason: reason.clone(),
            },
            Self::Scored { .. } => OverlapResult::Scored {
                bins: released(&self.bins(), policy),
            },
        };
        OverlapDocument {
            policy: policy.clone(),
            result,
        }
    }

    /// The exact counts, by the ends of their bins; none if there is no score.
    pub(crate) fn bins(&self) -> Vec<Bin<u64>> {
        let Self::Scored {
            steps,
            first,
            counts,
        } = self
        else {
            return Vec::new();
        };
        let end = |bin: u64| steps_as_number((first + bin) * steps) / 200.0;
        (0..)
            .zip(counts)
            .map(|(bin, [treated, comparator])| Bin {
                from: end(bin),
                below: end(bin + 1),
                units: Arms {
                    treated: *treated,
                    comparator: *comparator,
                },
            })
            .collect()
    }
}

fn released(bins: &[Bin<u64>], policy: &Policy) -> Vec<OverlapBin> {
    let treated = released_arm(policy, bins.iter().map(|bin| bin.units.treated));
    let comparator = released_arm(policy, bins.iter().map(|bin| bin.units.comparator));
    bins.iter()
        .zip(treated.into_iter().zip(comparator))
        .map(|(bin, (treated, comparator))| OverlapBin {
            from: bin.from,
            below: bin.below,
            treated,
            comparator,
        })
        .collect()
}

/// The counts of an arm, whose total everyone who reads them knows.
fn released_arm(policy: &Policy, counts: impl Iterator<Item = u64>) -> Vec<Cell> {
    let mut together = Counts::default();
    let mut n_units = 0;
    let bins: Vec<Count> = counts
        .map(|n| {
            n_units += n;
            together.add(n, Role::Shown)
        })
        .collect();
    let all = together.add(n_units, Role::Total);
    together.know(all, n_units, Some(n_units));
    together.add_sum(all, &bins);
    match together.protect(policy) {
        Ok(protected) => bins.iter().map(|bin| protected.cell(*bin)).collect(),
        // Nothing is the one release that is always safe.
        Err(_) => vec![Cell::Suppressed; bins.len()],
    }
}

/// A small whole number.
#[expect(clippy::cast_precision_loss, reason = "200 steps make one")]
fn steps_as_number(steps: u64) -> f64 {
    steps as f64
}

/// The bin of a score between zero and one, in widths of the bin.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a probability over a width of a two-hundredth or more is between 0 and 200"
)]
fn bin_below(widths: f64) -> u64 {
    widths as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_are_as_fine_as_a_dozen_allow_and_small_counts_are_redacted() {
        let score: Vec<f64> = (0..100)
            .map(|unit| 0.03 + 0.001 * f64::from(unit))
            .collect();
        let treated: Vec<bool> = (0..100).map(|unit| unit % 2 == 0 && unit > 50).collect();
        let units: Vec<String> = (0..100).map(|unit| format!("U{unit}")).collect();
        let overlap = counted(&score, &treated, &units);
        let Overlap::Scored { steps, counts, .. } = &overlap else {
            panic!("{overlap:?}");
        };
        assert_eq!((*steps, counts.len()), (2, 10));
        assert_eq!(counts.iter().flatten().sum::<u64>(), 100);
        let policy: Policy =
            toml::from_str("kind = 'round'\nredact-at-most = 7\nbase = 5").unwrap();
        let OverlapResult::Scored { bins } = overlap.release(&policy).result else {
            panic!("scored");
        };
        assert_eq!(bins[0].treated, Cell::Suppressed);
        assert_eq!(bins[0].comparator, Cell::Rounded(10));
        assert!((bins[0].from - 0.03).abs() < 1e-12);
    }

    #[test]
    fn who_enters_on_several_days_counts_once_in_a_bin() {
        let score = [0.101, 0.102, 0.103, 0.161];
        let treated = [false, false, true, false];
        let units = ["A", "A", "B", "A"].map(str::to_owned);
        let Overlap::Scored { counts, .. } = counted(&score, &treated, &units) else {
            panic!("scored");
        };
        assert_eq!((counts[0], counts[counts.len() - 1]), ([1, 1], [0, 1]));
    }

    #[test]
    fn a_small_count_is_not_what_is_left_of_its_arm() {
        let counts = [3, 40, 50, 70];
        let seen = released_arm(&Policy::acro(), counts.into_iter());
        let n_suppressed = seen.iter().filter(|cell| **cell == Cell::Suppressed);
        assert_eq!((seen[0], n_suppressed.count()), (Cell::Suppressed, 2));
    }
}
