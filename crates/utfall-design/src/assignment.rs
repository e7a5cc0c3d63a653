//! Placebo programmes: which units that took part in no programme are called treated.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utfall_stats::{draws::Stream, elementary};

/// How the units of a placebo programme are drawn; always as many as were treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Assignment {
    /// Every unit alike.
    Uniform,
    /// In each of the plan's exact strata as many as were treated there, every unit of it alike.
    WithinStrata,
    /// One after the other in proportion to the odds of the plan's fitted propensity score, so that
    /// they differ from the rest as the treated did.
    ByScore,
}

/// The units a placebo programme is drawn from.
#[derive(Debug, Clone, PartialEq)]
pub struct Pool {
    n_units: usize,
    drawn: Drawn,
}

#[derive(Debug, Clone, PartialEq)]
enum Drawn {
    /// For each stratum its units, and how many of them are drawn.
    Alike(Vec<(Vec<usize>, usize)>),
    /// How many are drawn, and the weight of each unit.
    Weighted(usize, Vec<f64>),
}

/// Why no placebo programme can be drawn.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PoolError {
    /// A programme would take everybody.
    #[error(
        "there are too few untreated units{} to call as many treated and still compare them; try another assignment or a plan with wider eligibility",
        if *.in_stratum { " in one of the exact strata" } else { "" }
    )]
    TooFew {
        /// Whether it is a stratum that is too small.
        in_stratum: bool,
    },
    /// A programme that starts on several days.
    #[error(
        "units enter this plan on several days; a placebo programme starts on one, so take `entry` out of a copy of the plan"
    )]
    SeveralDays,
    /// A weight is no number above zero.
    #[error("the score of unit {unit} in the pool is {value}, expected a probability above zero")]
    Weight {
        /// The unit's place.
        unit: usize,
        /// Its weight.
        value: f64,
    },
}

impl Pool {
    /// A pool of which `n` are drawn, every unit alike.
    ///
    /// # Errors
    ///
    /// [`PoolError::TooFew`] unless two units would be left.
    pub fn uniform(n_units: usize, n: usize) -> Result<Self, PoolError> {
        leaves_comparators(n_units, n)?;
        Ok(Self {
            n_units,
            drawn: Drawn::Alike(vec![((0..n_units).collect(), n)]),
        })
    }

    /// A pool of which as many are drawn in each stratum as `wanted` says; `strata` has the stratum
    /// of each unit.
    ///
    /// # Errors
    ///
    /// [`PoolError::TooFew`] if a stratum has too few units, or all have no more than are drawn.
    pub fn within_strata(
        strata: &[String],
        wanted: &BTreeMap<&str, usize>,
    ) -> Result<Self, PoolError> {
        let mut units: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (unit, stratum) in strata.iter().enumerate() {
            units.entry(stratum).or_default().push(unit);
        }
        let mut drawn = Vec::new();
        for (stratum, &n) in wanted {
            let units = units.remove(stratum).unwrap_or_default();
            if units.len() < n {
                return Err(PoolError::TooFew { in_stratum: true });
            }
            drawn.push((units, n));
        }
        leaves_comparators(strata.len(), wanted.values().sum())?;
        Ok(Self {
            n_units: strata.len(),
            drawn: Drawn::Alike(drawn),
        })
    }

    /// A pool of which `n` are drawn one after the other, in proportion to `odds`.
    ///
    /// # Errors
    ///
    /// [`PoolError::TooFew`] unless two units would be left, [`PoolError::Weight`] for odds that are
    /// no number above zero.
    pub fn by_odds(odds: Vec<f64>, n: usize) -> Result<Self, PoolError> {
        leaves_comparators(odds.len(), n)?;
        let is_bad = |value: &f64| !(*value > 0.0 && value.is_finite());
        if let Some(unit) = odds.iter().position(is_bad) {
            let value = odds[unit];
            return Err(PoolError::Weight { unit, value });
        }
        Ok(Self {
            n_units: odds.len(),
            drawn: Drawn::Weighted(n, odds),
        })
    }

    /// Whether each unit is called treated in a programme.
    ///
    /// Weighted draws are by exponential clocks: the units whose clock rings first are those drawn one
    /// after the other in proportion to their weights (Efraimidis & Spirakis 2006,
    /// <https://doi.org/10.1016/j.ipl.2005.11.003>).
    #[must_use]
    pub fn draw(&self, stream: &mut Stream) -> Vec<bool> {
        let mut treated = vec![false; self.n_units];
        match &self.drawn {
            Drawn::Alike(strata) => {
                for (units, n) in strata {
                    let mut units = units.clone();
                    for place in 0..*n {
                        let other = place + stream.index(units.len() - place);
                        units.swap(place, other);
                        treated[units[place]] = true;
                    }
                }
            }
            Drawn::Weighted(n, weights) => {
                let mut rings: Vec<(f64, usize)> = weights
                    .iter()
                    .enumerate()
                    .map(|(unit, weight)| (-elementary::log(1.0 - stream.uniform()) / weight, unit))
                    .collect();
                rings.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
                for (_, unit) in rings.into_iter().take(*n) {
                    treated[unit] = true;
                }
            }
        }
        treated
    }
}

fn leaves_comparators(n_units: usize, n: usize) -> Result<(), PoolError> {
    if n == 0 || n_units < n + 2 {
        return Err(PoolError::TooFew { in_stratum: false });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn often(pool: &Pool, n_draws: u64) -> Vec<f64> {
        let mut times = vec![0.0; pool.n_units];
        for draw in 0..n_draws {
            let treated = pool.draw(&mut Stream::new(1, "pool", draw));
            for (times, treated) in times.iter_mut().zip(treated) {
                *times += f64::from(u8::from(treated)) / 4000.0;
            }
        }
        times
    }

    #[test]
    fn as_many_are_drawn_and_every_unit_alike() {
        let pool = Pool::uniform(10, 3).unwrap();
        let times = often(&pool, 4000);
        assert!((times.iter().sum::<f64>() - 3.0).abs() < 1e-9);
        assert!(
            times.iter().all(|share| (share - 0.3).abs() < 0.03),
            "{times:?}"
        );
    }

    #[test]
    fn each_stratum_gives_its_number() {
        let strata = ["a", "b", "a", "b", "b", "a"].map(str::to_owned);
        let pool = Pool::within_strata(&strata, &BTreeMap::from([("a", 1), ("b", 2)])).unwrap();
        for draw in 0..50 {
            let treated = pool.draw(&mut Stream::new(2, "pool", draw));
            let in_stratum = |name: &str| {
                let both = strata.iter().zip(&treated);
                both.filter(|(stratum, treated)| *stratum == name && **treated)
                    .count()
            };
            assert_eq!((in_stratum("a"), in_stratum("b")), (1, 2));
        }
        let wanted = BTreeMap::from([("a", 4)]);
        let refused = Pool::within_strata(&strata, &wanted).unwrap_err();
        assert_eq!(refused, PoolError::TooFew { in_stratum: true });
    }

    #[test]
    fn odds_decide_who_is_drawn_first() {
        let pool = Pool::by_odds(vec![3.0, 1.0, 1.0, 1.0], 1).unwrap();
        let times = often(&pool, 4000);
        assert!((times[0] - 0.5).abs() < 0.03, "{times:?}");
        assert!(Pool::by_odds(vec![1.0, f64::NAN, 1.0], 1).is_err());
        assert!(Pool::by_odds(vec![1.0, 1.0], 1).is_err());
    }
}
