//! A design in words, for reports and for people who compare designs.

use utfall_core::Estimand;

use super::{Distance, Matching, ScoreScale, Weighting};
use crate::weighting::{Identification, WeightScale, WeightingMethod};
use crate::{
    Caliper, CaliperScale, CovariateDistance, Discard, LaterTreated, NearestSpec, Reuse,
    RiskSetReuse, RiskSetSpec,
};

impl Matching {
    /// What is done, such as "3 nearest neighbours on the logit of a propensity score, within 0.2
    /// standard deviations, no comparator twice, equal in sex".
    #[must_use]
    pub fn words(&self) -> String {
        let mut parts = Vec::new();
        if let Some(nearest) = &self.nearest {
            parts.push(format!("{}{}", neighbours(nearest), self.scale_words()));
            parts.extend(nearest.caliper.as_ref().map(caliper));
            parts.push(reuse(nearest.reuse));
        } else if let Some(optimal) = &self.optimal {
            parts.push(match optimal.ratio.get() {
                1 => format!("optimal pairs{}", self.scale_words()),
                ratio => format!("optimal sets of 1 and {ratio}{}", self.scale_words()),
            });
            parts.extend(optimal.caliper.as_ref().map(caliper));
        } else if let Some(full) = &self.full {
            parts.push(format!("full matching{}", self.scale_words()));
            parts.extend(full.caliper.as_ref().map(caliper));
        } else if let Some(risk_set) = &self.risk_set {
            parts.push(format!("{}{}", at_risk(risk_set), self.scale_words()));
            parts.extend(risk_set.caliper.as_ref().map(caliper));
            parts.extend(of_risk_sets(risk_set));
        } else if let Some(n_classes) = self.subclasses {
            parts.push(format!("{n_classes} subclasses{}", self.scale_words()));
        } else {
            parts.push("whole strata".to_owned());
        }
        if let Some(closest_on) = &self.closest_on {
            let distance = covariate_distance(closest_on.distance);
            parts.push(format!("nearest by the {distance} within it"));
        }
        if !self.exact.is_empty() {
            parts.push(format!("equal in {}", self.exact.join(", ")));
        }
        if !self.coarsened.is_empty() {
            let names = self.coarsened.iter().map(|coarse| coarse.column.as_str());
            let names: Vec<&str> = names.collect();
            parts.push(format!("in the same bin of {}", names.join(", ")));
        }
        if !self.calipers.is_empty() {
            let names = self.calipers.iter().map(|caliper| caliper.column.as_str());
            let names: Vec<&str> = names.collect();
            parts.push(format!("within calipers on {}", names.join(", ")));
        }
        if !self.unlike.is_empty() {
            parts.push(format!("unlike in {}", self.unlike.join(", ")));
        }
        if let Some(discard) = self.discard {
            parts.push(discarded(discard));
        }
        parts.join(", ")
    }

    fn scale_words(&self) -> String {
        let words = match &self.distance {
            None => return String::new(),
            Some(Distance::PropensityScore) => "a propensity score".to_owned(),
            Some(Distance::PropensityLogit) => "the logit of a propensity score".to_owned(),
            Some(Distance::Propensity { scale, .. }) => match scale {
                ScoreScale::Probability => "a propensity score".to_owned(),
                ScoreScale::Linear => "the linear predictor of a propensity score".to_owned(),
            },
            Some(Distance::Column(column)) => format!("the score {column}"),
            Some(Distance::Mahalanobis) => {
                covariate_distance(CovariateDistance::Mahalanobis).to_owned()
            }
            Some(Distance::RobustMahalanobis) => {
                covariate_distance(CovariateDistance::RobustMahalanobis).to_owned()
            }
            Some(Distance::ScaledEuclidean) => {
                covariate_distance(CovariateDistance::ScaledEuclidean).to_owned()
            }
        };
        format!(" on {words}")
    }
}

impl Weighting {
    /// What is done, such as "weights by entropy balancing of 2 moments"; the estimand decides the
    /// name of the weights of a propensity score.
    #[must_use]
    pub fn words(&self, estimand: Estimand) -> String {
        let method = match self.method {
            WeightingMethod::PropensityScore { scale, trim, .. } => {
                let kind = match estimand {
                    Estimand::Overlap => "overlap weights",
                    Estimand::EvenlyMatchable => "matching weights",
                    Estimand::EntropyOverlap => "entropy weights",
                    _ => "inverse-probability weights",
                };
                let scale = match scale {
                    WeightScale::Plain => "",
                    WeightScale::Stabilised => ", stabilised",
                };
                let trim = trim.map_or("", |_| ", extreme scores left out");
                format!("{kind} of a propensity score{scale}{trim}")
            }
            WeightingMethod::EntropyBalancing { moments } => match moments.highest() {
                1 => "entropy balancing of means".to_owned(),
                2 => "entropy balancing of means and squares".to_owned(),
                _ => "entropy balancing of means, squares and cubes".to_owned(),
            },
            WeightingMethod::BalancingScore { identification } => match identification {
                Identification::Just => "covariate-balancing propensity score".to_owned(),
                Identification::Over => {
                    "covariate-balancing propensity score, over-identified".to_owned()
                }
            },
        };
        match &self.cap {
            Some(_) => format!("{method}, large weights capped"),
            None => method,
        }
    }
}

fn neighbours(spec: &NearestSpec) -> String {
    match spec.ratio.get() {
        1 => "nearest neighbour".to_owned(),
        ratio => format!("{ratio} nearest neighbours"),
    }
}

fn at_risk(spec: &RiskSetSpec) -> String {
    match spec.ratio.get() {
        1 => "on each index date the nearest who is not treated by then".to_owned(),
        ratio => format!("on each index date the {ratio} nearest who are not treated by then"),
    }
}

fn of_risk_sets(spec: &RiskSetSpec) -> [String; 2] {
    let reuse = match spec.reuse {
        RiskSetReuse::Once => "nobody comparator twice",
        RiskSetReuse::OncePerIndexDate => "nobody comparator twice on one date",
        RiskSetReuse::Allow => "comparators may serve again",
    };
    let later = match spec.later_treated {
        LaterTreated::Eligible => "the later treated among them",
        LaterTreated::Excluded => "without those treated later",
    };
    [reuse.to_owned(), later.to_owned()]
}

fn caliper(caliper: &Caliper) -> String {
    match caliper.scale() {
        CaliperScale::SdOfDistance => format!("within {} standard deviations", caliper.width()),
        CaliperScale::Raw => format!("within {}", caliper.width()),
    }
}

fn reuse(reuse: Reuse) -> String {
    match reuse {
        Reuse::Forbid => "no comparator twice".to_owned(),
        Reuse::Allow => "comparators may serve again".to_owned(),
        Reuse::AtMost(times) => format!("comparators serve at most {times} times"),
    }
}

fn covariate_distance(distance: CovariateDistance) -> &'static str {
    match distance {
        CovariateDistance::Mahalanobis => "Mahalanobis distance",
        CovariateDistance::RobustMahalanobis => "rank-based Mahalanobis distance",
        CovariateDistance::ScaledEuclidean => "scaled Euclidean distance",
    }
}

fn discarded(discard: Discard) -> String {
    let who = match discard {
        Discard::Treated => "treated",
        Discard::Comparator => "comparators",
        Discard::Both => "units",
    };
    format!("without {who} outside the other arm's range")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_matching_says_what_it_does() {
        let matching: Matching = toml::from_str(
            r#"
            covariates = ["age"]
            distance = "propensity-logit"
            exact = ["sex"]
            nearest = { ratio = 3, caliper = { width = 0.2, scale = "sd-of-distance" }, reuse = "forbid", order = "largest", ties = "lowest-id" }
            "#,
        )
        .unwrap();
        assert_eq!(
            matching.words(),
            "3 nearest neighbours on the logit of a propensity score, within 0.2 standard deviations, no comparator twice, equal in sex"
        );
        let strata: Matching =
            toml::from_str(r#"coarsened = [{ column = "age", bins = "sturges" }]"#).unwrap();
        assert_eq!(strata.words(), "whole strata, in the same bin of age");
    }

    #[test]
    fn the_estimand_names_weights_of_a_score() {
        let weighting: Weighting =
            toml::from_str(r#"method = { kind = "propensity-score", scale = "plain" }"#).unwrap();
        assert_eq!(
            weighting.words(Estimand::Overlap),
            "overlap weights of a propensity score"
        );
        assert_eq!(
            weighting.words(Estimand::Att),
            "inverse-probability weights of a propensity score"
        );
    }
}
