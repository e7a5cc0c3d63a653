//! Synthetic comparisons where treatment begins at different times: one for each time it begins, with
//! never-treated donors, averaged by treated units and times.
//!
//! Arkhangelsky, Athey, Hirshberg, Imbens & Wager (2021), appendix A,
//! <https://doi.org/10.1257/aer.20190159>; Clarke, Pailañir, Athey & Imbens (2024),
//! <https://doi.org/10.1177/1536867X241297914>.

use utfall_core::Arm;
use utfall_stats::moments::{count, mean};
use utfall_stats::sums::dot;

use super::estimate::with_noise;
use super::{Block, Method, Synthetic, synthetic};
use crate::EffectError;

/// Outcomes by unit and time, where treatment begins at different times and never ends.
#[derive(Debug, Clone, PartialEq)]
pub struct Adoption {
    /// Outcomes of units that are never treated, one row of times each.
    pub donors: Vec<Vec<f64>>,
    /// Units whose treatment begins at one time, by that time.
    pub cohorts: Vec<AdoptionCohort>,
}

/// Units whose treatment begins at one time.
#[derive(Debug, Clone, PartialEq)]
pub struct AdoptionCohort {
    /// Their outcomes, at least one unit.
    pub treated: Vec<Vec<f64>>,
    /// Times before.
    pub n_before: usize,
}

/// Comparisons of every cohort, and what they add up to.
#[derive(Debug, Clone, PartialEq)]
pub struct StaggeredSynthetic {
    /// The effect over treated units and times.
    pub effect: f64,
    /// Each cohort's comparison.
    pub cohorts: Vec<Synthetic>,
    /// Each cohort's share of treated units and times.
    pub share: Vec<f64>,
}

impl Adoption {
    /// A block as the only cohort.
    #[must_use]
    pub fn of(block: &Block) -> Self {
        Self {
            donors: block.donors.clone(),
            cohorts: vec![AdoptionCohort {
                treated: block.treated.clone(),
                n_before: block.n_before,
            }],
        }
    }

    /// A cohort with the donors of all.
    #[must_use]
    pub fn block(&self, cohort: &AdoptionCohort) -> Block {
        Block {
            donors: self.donors.clone(),
            treated: cohort.treated.clone(),
            n_before: cohort.n_before,
        }
    }

    /// Each cohort's share of treated units and times.
    fn shares(&self) -> Vec<f64> {
        let n_times = self.donors.first().map_or(0, Vec::len);
        let cells: Vec<usize> = self
            .cohorts
            .iter()
            .map(|cohort| cohort.treated.len() * n_times.saturating_sub(cohort.n_before))
            .collect();
        let total = count(cells.iter().sum());
        cells.into_iter().map(|n| count(n) / total).collect()
    }

    /// The effect with each cohort's noise level and penalty as given.
    pub(super) fn effect_with(
        &self,
        method: Method,
        held: &[(f64, f64)],
    ) -> Result<f64, EffectError> {
        let mut effect = 0.0;
        for ((cohort, share), &(noise, zeta)) in self.cohorts.iter().zip(self.shares()).zip(held) {
            effect += share * with_noise(&self.block(cohort), method, None, noise, zeta)?.effect;
        }
        Ok(effect)
    }
}

/// Builds each cohort's comparison.
///
/// # Errors
///
/// [`EffectError::NoGroups`] without cohorts, and what [`synthetic`] says of any of them.
///
/// # Reference
///
/// Arkhangelsky et al. (2021), appendix A, <https://doi.org/10.1257/aer.20190159>.
pub fn staggered(adoption: &Adoption, method: Method) -> Result<StaggeredSynthetic, EffectError> {
    if adoption.cohorts.is_empty() {
        return Err(EffectError::NoGroups);
    }
    let cohorts: Vec<Synthetic> = adoption
        .cohorts
        .iter()
        .map(|cohort| synthetic(&adoption.block(cohort), method, None))
        .collect::<Result<_, _>>()?;
    let share = adoption.shares();
    Ok(StaggeredSynthetic {
        effect: cohorts.iter().zip(&share).map(|(c, s)| s * c.effect).sum(),
        cohorts,
        share,
    })
}

/// The jackknife error over units, each cohort's weights held fixed and scaled to one without a donor;
/// shares follow the treated units that are left. With one cohort it is [`super::jackknife`].
///
/// # Errors
///
/// [`EffectError::TooFewInArm`] where a cohort has a single treated unit, and
/// [`EffectError::NoVariation`] where one donor has all the weight.
///
/// # Reference
///
/// Clarke et al. (2024), algorithm 3, <https://doi.org/10.1177/1536867X241297914>.
pub fn staggered_jackknife(
    adoption: &Adoption,
    own: &StaggeredSynthetic,
) -> Result<f64, EffectError> {
    if adoption
        .cohorts
        .iter()
        .any(|cohort| cohort.treated.len() < 2)
    {
        return Err(EffectError::TooFewInArm {
            arm: Arm::Treated,
            n_rows: 1,
        });
    }
    let contrasts: Vec<Contrasts> = adoption
        .cohorts
        .iter()
        .zip(&own.cohorts)
        .map(|(cohort, found)| Contrasts::new(adoption, cohort, found))
        .collect();
    let mut effects = Vec::new();
    for donor in 0..adoption.donors.len() {
        let mut effect = 0.0;
        for (one, share) in contrasts.iter().zip(&own.share) {
            effect += share * (mean(&one.treated) - one.without(donor)?);
        }
        effects.push(effect);
    }
    for left in 0..contrasts.len() {
        for unit in 0..contrasts[left].treated.len() {
            let (mut effect, mut cells) = (0.0, 0.0);
            for (at, one) in contrasts.iter().enumerate() {
                let n = count(one.treated.len());
                let (total, n) = if at == left {
                    let gone = one.treated[unit];
                    (mean(&one.treated) * n - gone, n - 1.0)
                } else {
                    (mean(&one.treated) * n, n)
                };
                effect += one.n_after * (total - n * one.mixture);
                cells += one.n_after * n;
            }
            effects.push(effect / cells);
        }
    }
    let n = count(effects.len());
    let centre = mean(&effects);
    let square: f64 = effects.iter().map(|e| (e - centre) * (e - centre)).sum();
    Ok(((n - 1.0) / n * square).sqrt())
}

/// After less before of every unit, with a cohort's weights of times.
struct Contrasts<'a> {
    donors: Vec<f64>,
    treated: Vec<f64>,
    weight: &'a [f64],
    mixture: f64,
    n_after: f64,
}

impl<'a> Contrasts<'a> {
    fn new(adoption: &Adoption, cohort: &AdoptionCohort, found: &'a Synthetic) -> Self {
        let contrast = |line: &Vec<f64>| {
            let (before, after) = line.split_at(cohort.n_before);
            mean(after) - dot(before, &found.times)
        };
        let donors: Vec<f64> = adoption.donors.iter().map(contrast).collect();
        Self {
            mixture: dot(&donors, &found.donors.weight),
            donors,
            treated: cohort.treated.iter().map(contrast).collect(),
            weight: &found.donors.weight,
            n_after: count(cohort.treated[0].len() - cohort.n_before),
        }
    }

    fn without(&self, donor: usize) -> Result<f64, EffectError> {
        let taken = self.weight[donor];
        if taken >= 1.0 {
            return Err(EffectError::NoVariation);
        }
        Ok((self.mixture - taken * self.donors[donor]) / (1.0 - taken))
    }
}

#[cfg(test)]
mod tests {
    use utfall_stats::draws::Stream;

    use super::super::jackknife;
    use super::*;

    const METHOD: Method = Method::DifferenceInDifferences;

    /// Units with a level each and a common path, treated from some time with an effect of 2.
    fn adoption(starts: &[usize], noise: f64) -> Adoption {
        let mut stream = Stream::new(9, "adoption", 0);
        let mut line = |start: usize| -> Vec<f64> {
            let level = 3.0 * stream.normal();
            (0..20)
                .map(|time| {
                    let effect = if time >= start { 2.0 } else { 0.0 };
                    level + count(time * 7 % 5) + effect + noise * stream.normal()
                })
                .collect()
        };
        let donors = (0..25).map(|_| line(20)).collect();
        let cohorts = starts
            .iter()
            .map(|&start| AdoptionCohort {
                treated: (0..3).map(|_| line(start)).collect(),
                n_before: start,
            })
            .collect();
        Adoption { donors, cohorts }
    }

    #[test]
    fn the_effect_of_several_cohorts_is_found() {
        let adoption = adoption(&[10, 13, 16], 0.05);
        let found = staggered(&adoption, METHOD).unwrap();
        assert!((found.effect - 2.0).abs() < 0.05, "{}", found.effect);
        // 10, 7 and 4 times after.
        for (share, expected) in found.share.iter().zip([10.0, 7.0, 4.0]) {
            assert!((share - expected / 21.0).abs() < 1e-15);
        }
        let error = staggered_jackknife(&adoption, &found).unwrap();
        assert!(error > 0.0 && error < 0.1, "{error}");
    }

    #[test]
    fn one_cohort_is_a_block() {
        let adoption = adoption(&[12], 0.5);
        let block = adoption.block(&adoption.cohorts[0]);
        let found = staggered(&adoption, METHOD).unwrap();
        let plain = synthetic(&block, METHOD, None).unwrap();
        assert_eq!(found.effect.to_bits(), plain.effect.to_bits());
        let (one, other) = (
            staggered_jackknife(&adoption, &found).unwrap(),
            jackknife(&block, &plain).unwrap(),
        );
        assert!((one / other - 1.0).abs() < 1e-12);
    }

    #[test]
    fn uniform_weights_are_the_mean_of_plain_differences() {
        let adoption = adoption(&[8, 14], 1.0);
        let found = staggered(&adoption, Method::Uniform).unwrap();
        let change = |line: &Vec<f64>, start: usize| mean(&line[start..]) - mean(&line[..start]);
        let expected: f64 = adoption
            .cohorts
            .iter()
            .zip(&found.share)
            .map(|(cohort, share)| {
                let of = |lines: &[Vec<f64>]| {
                    mean(
                        &lines
                            .iter()
                            .map(|line| change(line, cohort.n_before))
                            .collect::<Vec<f64>>(),
                    )
                };
                share * (of(&cohort.treated) - of(&adoption.donors))
            })
            .sum();
        assert!((found.effect - expected).abs() < 1e-12);
    }

    #[test]
    fn a_cohort_of_one_has_no_jackknife() {
        let mut adoption = adoption(&[8, 14], 1.0);
        adoption.cohorts[1].treated.truncate(1);
        let found = staggered(&adoption, METHOD).unwrap();
        assert!(matches!(
            staggered_jackknife(&adoption, &found),
            Err(EffectError::TooFewInArm { .. })
        ));
    }
}
