//! What nearest-neighbour matching is asked to do.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};
use utfall_stats::{moments, sums};

use crate::MatchingError;

/// Greedy nearest-neighbour matching of treated units to comparators on one distance.
///
/// No caliper means none: every treated unit is matched as long as comparators last. Everything
/// else that moves a result is written out.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct NearestSpec {
    /// Comparators sought for each treated unit. Everyone is given a first before anyone is given
    /// a second; a unit that finds none is out.
    pub ratio: NonZeroU32,
    /// Makes `ratio` a mean: treated units whose scores are easiest to match get up to `most`, the
    /// others `fewest`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variable: Option<VariableRatio>,
    /// Widest distance at which two units may be matched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caliper: Option<Caliper>,
    /// How many treated units a comparator may serve.
    pub reuse: Reuse,
    /// Who chooses first.
    pub order: Order,
    /// Who is chosen among comparators that are equally near.
    pub ties: Ties,
}

/// Limits of a ratio that varies among treated units.
///
/// Units are given the fewest in the order of their scores from the end where comparators are rare,
/// the most from the other, and one between makes the mean: extremal matching as in Ming & Rosenbaum
/// (2000), <https://doi.org/10.1111/j.0006-341X.2000.00118.x>.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct VariableRatio {
    /// Fewest comparators sought for a treated unit.
    pub fewest: NonZeroU32,
    /// Most comparators sought for a treated unit.
    pub most: NonZeroU32,
}

/// A widest distance, and the scale it is stated on. The width itself is still within.
///
/// Always finite and above zero. Austin (2011) finds 0.2 standard deviations of the logit
/// near-optimal, <https://doi.org/10.1002/pst.433>.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize)]
#[serde(try_from = "CaliperText", into = "CaliperText")]
pub struct Caliper {
    width: f64,
    scale: CaliperScale,
}

/// The scale of a caliper's width.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CaliperScale {
    /// Standard deviations of the distance over all units of both arms, divisor `n - 1`.
    SdOfDistance,
    /// The distance's own unit.
    Raw,
}

/// How many treated units a comparator may serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reuse {
    /// One.
    Forbid,
    /// Any number.
    Allow,
    /// So many at most.
    AtMost(NonZeroU32),
}

/// Which treated unit chooses first. Equal units choose in the order of their index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// Largest distance (score) first: those hardest to match when treatment is rare.
    Largest,
    /// Smallest distance (score) first.
    Smallest,
    /// The closest pair of all first, then the closest of what is left.
    Closest,
    /// In the order of their index.
    Data,
    /// In an order drawn at random.
    Random {
        /// The seed of the draw.
        seed: u64,
    },
}

/// Who is chosen among comparators that are equally near.
///
/// Comparators on one side of a treated unit are equally near if their scores are equal; one on
/// either side, if the two differences are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ties {
    /// The lowest index, and so the lowest id.
    LowestId,
    /// The first met when walking outwards among all units sorted by (distance, index), one step
    /// down and one step up in turn. It is the rule of MatchIt 4.7, kept for comparison with it: it
    /// depends on how many units of either arm lie between.
    OutwardWalk,
}

/// A caliper as it is written.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename = "Caliper")]
struct CaliperText {
    width: f64,
    scale: CaliperScale,
}

impl NearestSpec {
    /// Comparators sought for each treated unit, in the order of their index.
    pub(crate) fn quotas(
        &self,
        treated: &[bool],
        score: Option<&[f64]>,
    ) -> Result<Vec<u32>, MatchingError> {
        let focal: Vec<usize> = (0..treated.len()).filter(|&unit| treated[unit]).collect();
        let Some(VariableRatio { fewest, most }) = self.variable else {
            return Ok(vec![self.ratio.get(); focal.len()]);
        };
        let (fewest, most, ratio) = (fewest.get(), most.get(), self.ratio.get());
        if !(fewest < ratio && ratio < most) {
            return Err(MatchingError::RatioOutside {
                ratio,
                fewest,
                most,
            });
        }
        let score = score.ok_or(MatchingError::NeedsScore {
            what: "a variable ratio",
        })?;
        let mean = |arm: bool| {
            let of_arm = score.iter().zip(treated).filter(|(_, is)| **is == arm);
            moments::mean(&of_arm.map(|(score, _)| *score).collect::<Vec<_>>())
        };
        let is_high = mean(true) > mean(false);
        // From where comparators are plenty.
        let mut ranks: Vec<usize> = (0..focal.len()).collect();
        ranks.sort_by(|&a, &b| {
            let by_score = score[focal[a]].total_cmp(&score[focal[b]]);
            let from_plenty = if is_high {
                by_score
            } else {
                by_score.reverse()
            };
            from_plenty.then(b.cmp(&a))
        });
        let mut quotas = vec![fewest; focal.len()];
        let mut spare = u64::from(ratio - fewest) * u64::try_from(focal.len()).unwrap_or(u64::MAX);
        for rank in ranks {
            let more = spare.min(u64::from(most - fewest));
            quotas[rank] += u32::try_from(more).unwrap_or(0);
            spare -= more;
        }
        Ok(quotas)
    }
}

impl Caliper {
    /// A caliper of this width on this scale.
    ///
    /// # Errors
    ///
    /// A message if the width is not a finite number above zero.
    pub fn new(width: f64, scale: CaliperScale) -> Result<Self, String> {
        if width.is_finite() && width > 0.0 {
            Ok(Self { width, scale })
        } else {
            Err(format!(
                "caliper width {width}, expected a finite number above zero"
            ))
        }
    }

    /// The width on the scale of the caliper.
    #[must_use]
    pub fn width(&self) -> f64 {
        self.width
    }

    /// The scale the width is stated on.
    #[must_use]
    pub fn scale(&self) -> CaliperScale {
        self.scale
    }

    /// The width in units of these distances, one for each unit of both arms.
    #[must_use]
    pub fn width_of(&self, distance: &[f64]) -> f64 {
        match self.scale {
            CaliperScale::Raw => self.width,
            CaliperScale::SdOfDistance => self.width * standard_deviation(distance),
        }
    }
}

fn standard_deviation(values: &[f64]) -> f64 {
    let mean = moments::mean(values);
    let squares = sums::sum_of(values.len(), |i| (values[i] - mean) * (values[i] - mean));
    (squares / moments::count(values.len().max(2) - 1)).sqrt()
}

impl TryFrom<CaliperText> for Caliper {
    type Error = String;

    fn try_from(text: CaliperText) -> Result<Self, Self::Error> {
        Self::new(text.width, text.scale)
    }
}

impl From<Caliper> for CaliperText {
    fn from(caliper: Caliper) -> Self {
        Self {
            width: caliper.width,
            scale: caliper.scale,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WRITTEN: &str = r#"
ratio = 3
caliper = { width = 0.2, scale = "sd-of-distance" }
reuse = { at-most = 2 }
order = "largest"
ties = "lowest-id"
"#;

    #[test]
    fn a_specification_reads_as_it_is_written() {
        let spec: NearestSpec = toml::from_str(WRITTEN).unwrap();
        assert_eq!(spec.reuse, Reuse::AtMost(NonZeroU32::new(2).unwrap()));
        assert_eq!(
            toml::from_str::<NearestSpec>(&toml::to_string(&spec).unwrap()).unwrap(),
            spec
        );
    }

    #[test]
    fn a_variable_ratio_gives_most_where_comparators_are_plenty_and_keeps_the_mean() {
        let varied = WRITTEN.replace(
            "ratio = 3",
            "ratio = 3\nvariable = { fewest = 1, most = 6 }",
        );
        let spec: NearestSpec = toml::from_str(&varied).unwrap();
        let treated = [true, true, true, true, false];
        let score = [0.9, 0.3, 0.5, 0.7, 0.1];
        assert_eq!(spec.quotas(&treated, Some(&score)).unwrap(), [1, 6, 4, 1]);
        // At a limit everyone would seek the same number, and the other limit would say nothing.
        for ratio in [1, 6, 9] {
            let text = varied.replace("ratio = 3", &format!("ratio = {ratio}"));
            let outside: NearestSpec = toml::from_str(&text).unwrap();
            let error = outside.quotas(&treated, Some(&score)).unwrap_err();
            assert!(
                matches!(error, MatchingError::RatioOutside { ratio: found, .. } if found == ratio)
            );
        }
        let error = spec.quotas(&treated, None).unwrap_err();
        assert!(matches!(error, MatchingError::NeedsScore { .. }));
    }

    #[test]
    fn nothing_that_moves_a_result_may_be_left_out() {
        for key in ["ratio", "reuse", "order", "ties"] {
            let without: String = WRITTEN
                .lines()
                .filter(|line| !line.starts_with(key))
                .collect::<Vec<_>>()
                .join("\n");
            let error = toml::from_str::<NearestSpec>(&without).unwrap_err();
            assert!(error.to_string().contains(key), "{error}");
        }
    }

    #[test]
    fn unknown_keys_and_empty_calipers_are_refused() {
        for (from, to) in [
            ("ratio = 3", "ratio = 3\nseed = 1"),
            ("ratio = 3", "ratio = 0"),
            ("0.2", "0.0"),
            ("0.2", "nan"),
        ] {
            assert!(
                toml::from_str::<NearestSpec>(&WRITTEN.replace(from, to)).is_err(),
                "{to}"
            );
        }
    }
}
