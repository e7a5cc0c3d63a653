//! Errors of synthetic comparisons by drawing units: placebos among donors, and the bootstrap.
//!
//! Every draw finds its weights anew, with the noise level and penalty of the estimate itself.
//!
//! Arkhangelsky, Athey, Hirshberg, Imbens & Wager (2021), algorithms 2 and 4,
//! <https://doi.org/10.1257/aer.20190159>.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use utfall_stats::InOrder;
use utfall_stats::draws::Stream;

use super::{Adoption, AdoptionCohort, Method, StaggeredSynthetic};
use crate::{Draws, EffectError};

/// Draws without a treated unit or with too few donors that are made anew before it is given up.
const MOST_REDRAWS: u32 = 1_000;

/// What is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SyntheticDraws {
    /// Donors, as many as there are treated units, in the place of those.
    Placebo,
    /// All units, with replacement; a draw without treated units is made anew.
    Bootstrap,
}

/// The effect in every draw. The error is the root of their mean square about their mean.
///
/// # Errors
///
/// [`EffectError::TooFewDonors`] where placebos would leave fewer than two donors, or no draw of the
/// bootstrap has them; what [`super::synthetic`] says of a draw.
///
/// # Reference
///
/// Arkhangelsky et al. (2021), algorithms 2 (bootstrap) and 4 (placebo).
pub fn resampled(
    adoption: &Adoption,
    method: Method,
    own: &StaggeredSynthetic,
    kind: SyntheticDraws,
    draws: Draws,
) -> Result<Vec<f64>, EffectError> {
    let held: Vec<(f64, f64)> = own.cohorts.iter().map(|c| (c.noise, c.zeta)).collect();
    let n_treated: usize = adoption.cohorts.iter().map(|c| c.treated.len()).sum();
    let n_donors = adoption.donors.len();
    if kind == SyntheticDraws::Placebo && n_donors < n_treated + 2 {
        return Err(EffectError::TooFewDonors {
            n_donors: n_donors.saturating_sub(n_treated),
        });
    }
    (0..draws.replicates.get())
        .into_par_iter()
        .map(|replicate| match kind {
            SyntheticDraws::Placebo => {
                let mut stream = Stream::new(draws.seed, "synthetic placebo", u64::from(replicate));
                placebo(adoption, &mut stream).effect_with(method, &held)
            }
            SyntheticDraws::Bootstrap => {
                let mut stream =
                    Stream::new(draws.seed, "synthetic bootstrap", u64::from(replicate));
                let (drawn, held) = bootstrapped(adoption, &held, &mut stream)?;
                drawn.effect_with(method, &held)
            }
        })
        .in_order()
}

fn placebo(adoption: &Adoption, stream: &mut Stream) -> Adoption {
    let mut order: Vec<usize> = (0..adoption.donors.len()).collect();
    stream.shuffle(&mut order);
    let mut rest = order.into_iter();
    let cohorts = adoption
        .cohorts
        .iter()
        .map(|cohort| AdoptionCohort {
            treated: rest
                .by_ref()
                .take(cohort.treated.len())
                .map(|donor| adoption.donors[donor].clone())
                .collect(),
            n_before: cohort.n_before,
        })
        .collect();
    Adoption {
        cohorts,
        donors: rest.map(|donor| adoption.donors[donor].clone()).collect(),
    }
}

type Drawn = (Adoption, Vec<(f64, f64)>);

fn bootstrapped(
    adoption: &Adoption,
    held: &[(f64, f64)],
    stream: &mut Stream,
) -> Result<Drawn, EffectError> {
    let n_donors = adoption.donors.len();
    let places: Vec<(usize, usize)> = adoption
        .cohorts
        .iter()
        .enumerate()
        .flat_map(|(at, cohort)| (0..cohort.treated.len()).map(move |unit| (at, unit)))
        .collect();
    for _ in 0..MOST_REDRAWS {
        let mut drawn = Adoption {
            donors: Vec::new(),
            cohorts: (adoption.cohorts.iter())
                .map(|cohort| AdoptionCohort {
                    treated: Vec::new(),
                    n_before: cohort.n_before,
                })
                .collect(),
        };
        for _ in 0..n_donors + places.len() {
            let unit = stream.index(n_donors + places.len());
            if let Some(donor) = adoption.donors.get(unit) {
                drawn.donors.push(donor.clone());
            } else {
                let (at, unit) = places[unit - n_donors];
                drawn.cohorts[at]
                    .treated
                    .push(adoption.cohorts[at].treated[unit].clone());
            }
        }
        let is_kept: Vec<bool> = drawn
            .cohorts
            .iter()
            .map(|c| !c.treated.is_empty())
            .collect();
        if drawn.donors.len() >= 2 && is_kept.contains(&true) {
            let held = (held.iter().zip(&is_kept))
                .filter_map(|(pair, kept)| kept.then_some(*pair))
                .collect();
            drawn.cohorts.retain(|cohort| !cohort.treated.is_empty());
            return Ok((drawn, held));
        }
    }
    Err(EffectError::TooFewDonors { n_donors })
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use utfall_stats::moments::mean_and_variance;

    use super::super::staggered;
    use super::*;

    fn adoption() -> Adoption {
        let mut stream = Stream::new(2, "resampled", 0);
        let mut line = || {
            let level = stream.normal();
            (0..12)
                .map(|_| level + stream.normal())
                .collect::<Vec<f64>>()
        };
        let donors = (0..30).map(|_| line()).collect();
        let cohorts = [8, 10].map(|n_before| AdoptionCohort {
            treated: (0..3).map(|_| line()).collect(),
            n_before,
        });
        Adoption {
            donors,
            cohorts: cohorts.into(),
        }
    }

    #[test]
    fn threads_change_no_draw_and_errors_are_of_the_size_that_noise_gives() {
        let adoption = adoption();
        let draws = Draws {
            seed: 4,
            replicates: NonZeroU32::new(100).unwrap(),
        };
        for method in [Method::DifferenceInDifferences, Method::Uniform] {
            let own = staggered(&adoption, method).unwrap();
            for kind in [SyntheticDraws::Placebo, SyntheticDraws::Bootstrap] {
                let with = |n| {
                    let pool = rayon::ThreadPoolBuilder::new().num_threads(n).build();
                    pool.unwrap()
                        .install(|| resampled(&adoption, method, &own, kind, draws).unwrap())
                };
                let found = with(1);
                assert_eq!(found, with(2));
                assert_eq!(found, with(8));
                // Six treated units, two to four times after: about 1/√18 and a little from before.
                let error = mean_and_variance(&found).1.sqrt();
                assert!((0.15..0.6).contains(&error), "{kind:?} {error}");
            }
        }
    }

    #[test]
    fn placebos_need_more_donors_than_treated_units() {
        let mut adoption = adoption();
        adoption.donors.truncate(7);
        let own = staggered(&adoption, Method::Uniform).unwrap();
        let draws = Draws {
            seed: 4,
            replicates: NonZeroU32::MIN,
        };
        let found = resampled(
            &adoption,
            Method::Uniform,
            &own,
            SyntheticDraws::Placebo,
            draws,
        );
        assert_eq!(found, Err(EffectError::TooFewDonors { n_donors: 1 }));
    }
}
