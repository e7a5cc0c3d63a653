//! The multiplier bootstrap: the error of many numbers at once, from their influences alone.
//!
//! A replicate multiplies what each row (or each cluster) contributes to the error by a random
//! number of mean zero and variance one, and adds up. Nothing is estimated again, and numbers that
//! share rows move together as they should, which bands need.
//!
//! Van der Vaart & Wellner (1996), section 2.9; Chernozhukov, Chetverikov & Kato (2013),
//! <https://doi.org/10.1214/13-AOS1161>.

use std::num::NonZeroU32;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use utfall_stats::draws::Stream;
use utfall_stats::sums::dot;

use super::two_point::replicate_sums;
use super::{Multiplier, Replicates};
use crate::regression::check_finite;
use crate::{EffectError, Grouping};

/// How many replicates are drawn, and from which seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Draws {
    /// Seed of the plan; each step that draws has a stream of its own.
    pub seed: u64,
    /// Replicates.
    pub replicates: NonZeroU32,
}

/// Draws deviations of several numbers from their influences.
///
/// It leaves out what the influences leave out: terms of higher order, and whatever was taken as
/// given when they were computed. With fewer than about thirty clusters it is too narrow; the wild
/// cluster bootstrap is better there.
///
/// # Shapes and units
///
/// - `influences`: one slice for each number, of one value per row, scaled as
///   [`crate::Contrast::influence`]: their sum of squares is the squared error for independent
///   rows. Where theory gives `ψᵢ` with error `√(mean(ψ²)/n)`, that is `ψᵢ/n`.
/// - `clusters`: rows that share a multiplier; `None` where each row has its own.
/// - Deviations come in the unit of each number.
///
/// # Errors
///
/// [`EffectError::LengthMismatch`], [`EffectError::NotFinite`] for malformed slices;
/// [`EffectError::TooFewClusters`] if all rows share a multiplier.
///
/// # Reference
///
/// Van der Vaart & Wellner (1996), *Weak Convergence and Empirical Processes*, section 2.9.
pub fn multiplier_bootstrap(
    influences: &[&[f64]],
    clusters: Option<&Grouping>,
    multiplier: Multiplier,
    draws: Draws,
) -> Result<Replicates, EffectError> {
    let n_rows = influences.first().map_or(0, |first| first.len());
    for influence in influences {
        check_finite("influence", influence, n_rows)?;
    }
    let totals = clusters.map(|way| totals(influences, way, n_rows));
    let totals = totals.transpose()?;
    let totals: Vec<&[f64]> = match &totals {
        Some(totals) => totals.iter().map(Vec::as_slice).collect(),
        None => influences.to_vec(),
    };
    let n_parts = totals.first().map_or(0, |first| first.len());
    let stream = |number: u32| Stream::new(draws.seed, "multiplier bootstrap", number.into());
    let n_replicates = draws.replicates.get();
    let all = match multiplier.points() {
        Some(points) => replicate_sums(&totals, multiplier, points, n_replicates, stream),
        None => (0..n_replicates)
            .into_par_iter()
            .map(|number| {
                let mut multipliers = vec![0.0; n_parts];
                multiplier.fill(&mut stream(number), &mut multipliers);
                totals
                    .iter()
                    .map(|values| dot(values, &multipliers))
                    .collect()
            })
            .collect::<Vec<Vec<f64>>>(),
    };
    let of_number = |number: usize| all.iter().map(|deviations| deviations[number]).collect();
    Ok(Replicates::of((0..totals.len()).map(of_number).collect()))
}

/// What each cluster contributes to each number.
fn totals(
    influences: &[&[f64]],
    way: &Grouping,
    n_rows: usize,
) -> Result<Vec<Vec<f64>>, EffectError> {
    if way.len() != n_rows {
        return Err(EffectError::LengthMismatch {
            what: "cluster",
            found: way.len(),
            expected: n_rows,
        });
    }
    if way.n_groups() < 2 {
        return Err(EffectError::TooFewClusters {
            n_clusters: way.n_groups(),
        });
    }
    Ok(influences.iter().map(|values| way.sums(values)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Replicates, Spread};
    use utfall_core::ConfidenceLevel;

    const DRAWS: Draws = Draws {
        seed: 11,
        replicates: NonZeroU32::new(4000).unwrap(),
    };

    fn influence(shift: u32) -> Vec<f64> {
        let value = |i: u32| f64::from((i * 37 + shift * 11) % 101) - 50.0;
        (0..200).map(value).collect()
    }

    #[test]
    fn the_spread_of_replicates_is_the_root_of_the_sum_of_squared_influences() {
        let values = influence(0);
        let root = values.iter().map(|v| v * v).sum::<f64>().sqrt();
        for multiplier in [Multiplier::Rademacher, Multiplier::Mammen, Multiplier::Webb] {
            let drawn = multiplier_bootstrap(&[&values], None, multiplier, DRAWS).unwrap();
            for spread in [Spread::Deviation, Spread::Interquartile] {
                let error = drawn.standard_errors(spread)[0];
                assert!((error / root - 1.0).abs() < 0.06, "{error} for {root}");
            }
        }
    }

    #[test]
    fn tables_add_up_what_multiplication_does() {
        let all: Vec<Vec<f64>> = (0..3).map(influence).collect();
        let long: Vec<Vec<f64>> = all.iter().map(|one| one.repeat(30)).collect();
        let slices: Vec<&[f64]> = long.iter().map(Vec::as_slice).collect();
        let few = Draws {
            replicates: NonZeroU32::new(1100).unwrap(),
            ..DRAWS
        };
        for multiplier in [Multiplier::Rademacher, Multiplier::Mammen] {
            let drawn = multiplier_bootstrap(&slices, None, multiplier, few).unwrap();
            for replicate in [0, 1, 1099] {
                let mut multipliers = vec![0.0; long[0].len()];
                let mut stream = Stream::new(few.seed, "multiplier bootstrap", replicate);
                multiplier.fill(&mut stream, &mut multipliers);
                for (number, values) in slices.iter().enumerate() {
                    let found = drawn.deviations()[number][replicate as usize];
                    let expected = dot(values, &multipliers);
                    assert!((found - expected).abs() < 1e-8, "{found} {expected}");
                }
            }
        }
    }

    #[test]
    fn rows_of_a_cluster_share_their_multiplier() {
        let values = vec![1.0; 8];
        let pairs = Grouping::of(&[0, 0, 1, 1, 2, 2, 3, 3]);
        let kind = Multiplier::Rademacher;
        let drawn = multiplier_bootstrap(&[&values], Some(&pairs), kind, DRAWS).unwrap();
        let error = drawn.standard_errors(Spread::Deviation)[0];
        assert!((error - 4.0).abs() < 0.15, "error {error}, expected near 4");
    }

    #[test]
    fn a_band_over_many_numbers_is_wider_than_an_interval() {
        let all: Vec<Vec<f64>> = (0..12).map(influence).collect();
        let slices: Vec<&[f64]> = all.iter().map(Vec::as_slice).collect();
        let level = ConfidenceLevel::try_from(0.95).unwrap();
        let kind = Multiplier::Rademacher;
        let critical = |influences: &[&[f64]]| {
            let drawn = multiplier_bootstrap(influences, None, kind, DRAWS).unwrap();
            let errors = drawn.standard_errors(Spread::Deviation);
            drawn.critical_value(&errors, level).unwrap()
        };
        let (one, twelve) = (critical(&slices[..1]), critical(&slices));
        assert!((one - 1.96).abs() < 0.08, "one number: {one}");
        assert!(twelve > 2.4 && twelve < 3.2, "twelve numbers: {twelve}");
        let bands = Replicates::bands(&[1.0], &[2.0], twelve);
        assert!((bands[0].upper - bands[0].lower - 4.0 * twelve).abs() < 1e-12);
    }

    #[test]
    fn threads_change_no_bit() {
        let values = influence(3);
        let with = |n| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(n).build();
            pool.unwrap().install(|| {
                multiplier_bootstrap(&[&values], None, Multiplier::Webb, DRAWS).unwrap()
            })
        };
        assert_eq!(with(1), with(3));
    }

    #[test]
    fn one_cluster_and_slices_of_unequal_length_are_refused() {
        let kind = Multiplier::Rademacher;
        let one = Grouping::of(&[0, 0]);
        let error = multiplier_bootstrap(&[&[1.0, 2.0]], Some(&one), kind, DRAWS).unwrap_err();
        assert_eq!(error, EffectError::TooFewClusters { n_clusters: 1 });
        let error = multiplier_bootstrap(&[&[1.0, 2.0], &[1.0]], None, kind, DRAWS).unwrap_err();
        assert!(matches!(error, EffectError::LengthMismatch { .. }));
    }
}
