//! Random multipliers of mean zero and variance one, for multiplier and wild bootstraps.

use serde::{Deserialize, Serialize};
use utfall_stats::draws::Stream;

/// The distribution of the multipliers; each has mean zero and variance one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Multiplier {
    /// −1 or 1 with even odds. It keeps the fourth moment of the residuals, and is the first choice
    /// unless clusters are fewer than about ten. Davidson & Flachaire (2008),
    /// <https://doi.org/10.1016/j.jeconom.2008.08.003>.
    Rademacher,
    /// `(1 ∓ √5)/2` with probabilities `(5 ± √5)/10`: keeps the third moment, so skewness. Mammen
    /// (1993), <https://doi.org/10.1214/aos/1176349025>.
    Mammen,
    /// Six points, `±√½`, `±1` and `±√1½`, with even odds: for clusters so few that the two points
    /// of Rademacher give too few different draws. Webb (2023), <https://doi.org/10.1111/caje.12661>.
    Webb,
    /// The standard normal.
    Normal,
}

impl Multiplier {
    /// Fills a slice with independent multipliers.
    pub fn fill(self, stream: &mut Stream, multipliers: &mut [f64]) {
        match self {
            Self::Rademacher => rademacher(stream, multipliers),
            Self::Mammen => each(multipliers, || mammen(stream)),
            Self::Webb => each(multipliers, || webb(stream)),
            Self::Normal => each(multipliers, || stream.normal()),
        }
    }
}

impl Multiplier {
    /// The two values of a multiplier that takes no others: that of a bit 0, and that of 1.
    pub(super) fn points(self) -> Option<[f64; 2]> {
        match self {
            Self::Rademacher => Some([-1.0, 1.0]),
            Self::Mammen => Some(MAMMEN),
            Self::Webb | Self::Normal => None,
        }
    }

    /// Bits of as many multipliers, the first the lowest, as [`Multiplier::fill`] draws them; for
    /// those that take two values.
    pub(super) fn bits(self, stream: &mut Stream, n: usize) -> u64 {
        match self {
            Self::Mammen => (0..n).fold(0, |bits, at| bits | u64::from(is_high(stream)) << at),
            _ => stream.bits(),
        }
    }
}

/// `(1 ∓ √5)/2`.
const MAMMEN: [f64; 2] = [-0.618_033_988_749_894_9, 1.618_033_988_749_895];

fn each(multipliers: &mut [f64], mut draw: impl FnMut() -> f64) {
    multipliers
        .iter_mut()
        .for_each(|multiplier| *multiplier = draw());
}

/// One bit a sign, the lowest first.
fn rademacher(stream: &mut Stream, multipliers: &mut [f64]) {
    for chunk in multipliers.chunks_mut(64) {
        let mut bits = stream.bits();
        for multiplier in chunk {
            *multiplier = if bits & 1 == 0 { -1.0 } else { 1.0 };
            bits >>= 1;
        }
    }
}

fn mammen(stream: &mut Stream) -> f64 {
    MAMMEN[usize::from(is_high(stream))]
}

fn is_high(stream: &mut Stream) -> bool {
    let root = 5.0_f64.sqrt();
    !stream.bernoulli((root + 1.0) / (2.0 * root))
}

fn webb(stream: &mut Stream) -> f64 {
    let size = [0.5_f64, 1.0, 1.5];
    let which = stream.index(6);
    let value = size[which / 2].sqrt();
    if which.is_multiple_of(2) {
        -value
    } else {
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use utfall_stats::moments::mean_and_variance;

    #[test]
    fn multipliers_have_mean_zero_and_variance_one() {
        for kind in [
            Multiplier::Rademacher,
            Multiplier::Mammen,
            Multiplier::Webb,
            Multiplier::Normal,
        ] {
            let mut draws = vec![0.0; 40_000];
            kind.fill(&mut Stream::new(3, "moments", 0), &mut draws);
            let (mean, variance) = mean_and_variance(&draws);
            assert!(mean.abs() < 0.025, "{kind:?}: mean {mean}");
            assert!(
                (variance - 1.0).abs() < 0.05,
                "{kind:?}: variance {variance}"
            );
        }
    }

    #[test]
    fn mammens_multipliers_keep_the_third_moment() {
        let mut draws = vec![0.0; 100_000];
        Multiplier::Mammen.fill(&mut Stream::new(3, "third moment", 0), &mut draws);
        let cubes: Vec<f64> = draws.iter().map(|draw| draw * draw * draw).collect();
        let third = utfall_stats::moments::mean(&cubes);
        assert!((third - 1.0).abs() < 0.05, "third moment {third}");
    }

    #[test]
    fn webbs_multipliers_take_six_values() {
        let mut draws = vec![0.0; 1000];
        Multiplier::Webb.fill(&mut Stream::new(3, "six", 0), &mut draws);
        let distinct: std::collections::BTreeSet<u64> =
            draws.iter().map(|draw| draw.to_bits()).collect();
        assert_eq!(distinct.len(), 6);
    }
}
