//! The designs of a plan: parts that do not go together, and names the cohort does not have, each with
//! its line.

use utfall_cohort::INDEX_DATE;
use utfall_core::Estimand;
use utfall_effects::{Cost, MoneySpec, PayerShare, StandardError};
use utfall_matching::design::{Distance, Matching, Weighting};
use utfall_matching::{LaterTreated, Reuse, RiskSetReuse};

use crate::toml_text::{Place, error_at};
use crate::{
    ClusterBy, EffectSpec, EstimatorSpec, LoadedPlan, Plan, PlanError, SensitivityCheck,
    UnitsCompared,
};

/// Checks every design of a plan with its estimators.
pub(crate) fn check(loaded: &LoadedPlan) -> Result<(), PlanError> {
    let plan = &loaded.plan;
    let mut faults = Faults {
        plan,
        found: Vec::new(),
    };
    let primary = Written {
        at: Vec::new(),
        estimand: plan.estimand,
        matching: plan.matching.as_ref(),
        weighting: plan.weighting.as_ref(),
        units: plan.units,
    };
    faults.design(&primary);
    for (number, effect) in plan.effect.iter().enumerate() {
        let at = vec!["effect".into(), number.into()];
        let by = effect.procedure();
        faults.estimator(&primary, &at, by.estimator);
        if !matches!(by.estimator, EstimatorSpec::Model(_)) {
            faults.clusters(&primary, &at, by.clusters, by.inference.standard_error);
        }
    }
    for (number, alternative) in plan.alternative.iter().enumerate() {
        let at: Vec<Place> = vec!["alternative".into(), number.into()];
        let written = Written {
            at: at.clone(),
            estimand: alternative.estimand,
            matching: alternative.matching.as_ref(),
            weighting: alternative.weighting.as_ref(),
            units: alternative.units,
        };
        faults.design(&written);
        let used = match alternative.units {
            Some(UnitsCompared::AsPrimary) => &primary,
            _ => &written,
        };
        faults.estimator(used, &at, &alternative.estimator);
        let kind = alternative.inference.standard_error;
        faults.clusters(used, &at, &alternative.clusters, kind);
    }
    for (number, wanted) in plan.sensitivity.iter().enumerate() {
        let at: Vec<Place> = vec!["sensitivity".into(), number.into(), "check".into()];
        faults.sensitivity(&at, &wanted.check);
    }
    for (number, effect) in plan.effect.iter().enumerate() {
        if let Some(money) = &effect.money {
            let at: Vec<Place> = vec!["effect".into(), number.into(), "money".into()];
            faults.money(&at, money);
        }
    }
    faults.assignment();
    if let Err(error) = plan.cohort.check_entry() {
        faults.add(vec!["cohort".into(), "entry".into()], error.to_string());
    }
    let Some((path, message)) = faults.found.into_iter().next() else {
        return Ok(());
    };
    let error = error_at("plan.toml", loaded.plan_text(), &path, message);
    Err(PlanError::Contradiction(Box::new(error)))
}

/// A design as it is written, and where.
struct Written<'a> {
    at: Vec<Place>,
    estimand: Estimand,
    matching: Option<&'a Matching>,
    weighting: Option<&'a Weighting>,
    units: Option<UnitsCompared>,
}

impl Written<'_> {
    fn path(&self, further: &[Place]) -> Vec<Place> {
        self.at.iter().chain(further).cloned().collect()
    }

    fn is_primary(&self) -> bool {
        self.at.is_empty()
    }
}

struct Faults<'a> {
    plan: &'a Plan,
    found: Vec<(Vec<Place>, String)>,
}

impl Faults<'_> {
    fn add(&mut self, path: Vec<Place>, message: impl Into<String>) {
        self.found.push((path, message.into()));
    }

    fn add_if(&mut self, is_fault: bool, path: &[Place], message: &str) {
        if is_fault {
            self.add(path.to_vec(), message);
        }
    }

    fn design(&mut self, design: &Written<'_>) {
        let n_ways = usize::from(design.matching.is_some())
            + usize::from(design.weighting.is_some())
            + usize::from(design.units.is_some());
        let nothing = "expected `matching`, `weighting` or `units = \"everyone\"`, one of them";
        self.add_if(n_ways != 1, &design.path(&["estimand".into()]), nothing);
        let as_primary = design.units == Some(UnitsCompared::AsPrimary);
        self.add_if(
            as_primary && design.is_primary(),
            &design.path(&["units".into()]),
            "`as-primary` is for alternatives; write `everyone`, or a matching or weighting",
        );
        self.add_if(
            as_primary && design.estimand != self.plan.estimand,
            &design.path(&["estimand".into()]),
            "another estimand than the plan's, whose units these are; write the plan's",
        );
        self.estimand(design);
        self.entry(design);
        if let Some(matching) = design.matching {
            self.matching(design, matching);
        }
        if let Some(weighting) = design.weighting {
            let under = |key: &str| design.path(&["weighting".into(), key.into()]);
            self.names(&under("covariates"), &weighting.covariates);
            self.maybe(under("sampling-weight"), weighting.sampling_weight.as_ref());
            self.maybe(under("base-weight"), weighting.base_weight.as_ref());
            for name in weighting
                .calibration
                .iter()
                .flat_map(|known| known.totals.keys())
            {
                self.name(under("calibration"), name);
            }
        }
    }

    /// Where units enter on several days a treated unit is compared with those at risk on the same day:
    /// it must not be matched with itself of an earlier day, nor with others of another season.
    fn entry(&mut self, design: &Written<'_>) {
        let by_risk_set = design
            .matching
            .is_some_and(|matching| matching.risk_set.is_some());
        let is_by_day = design
            .matching
            .is_some_and(|matching| matching.exact.iter().any(|name| name == INDEX_DATE));
        let is_panel = |effect: &EffectSpec| match &effect.estimator {
            EstimatorSpec::Model(model) => model.is_panel(),
            _ => false,
        };
        let are_panels = self.plan.effect.iter().all(is_panel);
        let is_followed = design.units == Some(UnitsCompared::Everyone) && are_panels;
        let as_primary = design.units == Some(UnitsCompared::AsPrimary);
        let enters_again = self.plan.cohort.enters_again();
        if enters_again && !is_by_day && !by_risk_set && !is_followed && !as_primary {
            self.add(
                design.path(&["matching".into()]),
                "where units enter on several days they are compared within index dates; use a matching with `risk-set` or with `exact = [\"index-date\"]`, or `units = \"everyone\"` and models on `unit-and-period` alone",
            );
        }
        self.add_if(
            by_risk_set && !enters_again,
            &design.path(&["matching".into(), "risk-set".into()]),
            "risk sets are of units that enter on several days; give the cohort an `entry` of kind `staggered` or `at-referral`, or use `nearest`",
        );
    }

    fn estimand(&mut self, design: &Written<'_>) {
        let is_question = matches!(
            design.estimand,
            Estimand::Ate | Estimand::Att | Estimand::Atc
        );
        let is_of_overlap = matches!(
            design.estimand,
            Estimand::Overlap | Estimand::EvenlyMatchable | Estimand::EntropyOverlap
        );
        let at = design.path(&["estimand".into()]);
        if is_of_overlap && design.weighting.is_none() {
            self.add(
                at,
                format!(
                    "`{}` is answered by weights of a propensity score alone; add a `weighting`",
                    design.estimand
                ),
            );
        } else if !is_question && !is_of_overlap {
            self.add(
                at,
                format!(
                    "`{}` is what a matching or model turns out to estimate, not a question; write `att`, `atc` or `ate`",
                    design.estimand
                ),
            );
        }
    }

    fn matching(&mut self, design: &Written<'_>, matching: &Matching) {
        let at = design.path(&["matching".into()]);
        let filled = self.plan.filled(matching);
        for (is_fault, what, remedy) in filled.contradictions(design.estimand) {
            self.add_if(is_fault, &at, &format!("{what}: {remedy}"));
        }
        let under = |key: &str| design.path(&["matching".into(), key.into()]);
        self.names(&under("covariates"), &matching.covariates);
        if let Some(closest_on) = &matching.closest_on {
            let at = design.path(&["matching".into(), "closest-on".into(), "covariates".into()]);
            self.names(&at, &closest_on.covariates);
        }
        for (number, name) in matching.exact.iter().enumerate() {
            if !self.is_attribute(name) && !self.is_covariate(name) {
                let mut at = under("exact");
                at.push(number.into());
                self.unknown(at, name);
            }
        }
        self.maybe(under("sampling-weight"), matching.sampling_weight.as_ref());
        if let Some(Distance::Column(name)) = &matching.distance {
            self.name(under("distance"), name);
        }
        for caliper in &matching.calipers {
            self.name(under("calipers"), &caliper.column);
        }
        for name in &matching.unlike {
            if !self.is_attribute(name) && !self.is_covariate(name) {
                self.unknown(under("unlike"), name);
            }
        }
        let coarsened = matching.coarsened.iter().map(|one| one.column.clone());
        for (number, name) in coarsened.enumerate() {
            let mut at = under("coarsened");
            at.push(number.into());
            self.name(at, &name);
        }
    }

    fn maybe(&mut self, at: Vec<Place>, name: Option<&String>) {
        if let Some(name) = name {
            self.name(at, name);
        }
    }

    fn names(&mut self, at: &[Place], names: &[String]) {
        for (number, name) in names.iter().enumerate() {
            let mut at = at.to_vec();
            at.push(number.into());
            self.name(at, name);
        }
    }

    /// A covariate, its square, or an indicator of an attribute.
    fn name(&mut self, at: Vec<Place>, name: &str) {
        let base = name.strip_suffix("^2").unwrap_or(name);
        let is_indicator = name
            .split_once('=')
            .is_some_and(|(attribute, _)| self.is_attribute(attribute));
        if !self.is_covariate(name) && !self.is_covariate(base) && !is_indicator {
            self.unknown(at, name);
        }
    }

    fn unknown(&mut self, at: Vec<Place>, name: &str) {
        let attributes = self
            .plan
            .cohort
            .attribute
            .iter()
            .map(|one| one.name.clone());
        let known: Vec<String> = self
            .plan
            .covariate_names()
            .into_iter()
            .chain(attributes)
            .collect();
        self.add(
            at,
            format!(
                "the cohort has no covariate or attribute `{name}`, it has {}",
                known.join("; ")
            ),
        );
    }

    fn is_covariate(&self, name: &str) -> bool {
        self.plan
            .cohort
            .covariate
            .iter()
            .any(|one| one.name == name)
    }

    fn is_attribute(&self, name: &str) -> bool {
        if name == INDEX_DATE {
            return true;
        }
        self.plan
            .cohort
            .attribute
            .iter()
            .any(|one| one.name == name)
    }

    fn estimator(&mut self, design: &Written<'_>, at: &[Place], estimator: &EstimatorSpec) {
        let (matched, weighted) = (design.matching.is_some(), design.weighting.is_some());
        let at: Vec<Place> = at.iter().cloned().chain(["estimator".into()]).collect();
        let (is_fault, message) = match estimator {
            EstimatorSpec::MatchedDifference => (
                !matched,
                "`matched-difference` needs a matching; with weights write `weighted-difference`, with everyone `unadjusted-difference`",
            ),
            EstimatorSpec::WeightedDifference => {
                (!weighted, "`weighted-difference` needs a `weighting`")
            }
            EstimatorSpec::UnadjustedDifference => (
                matched || weighted,
                "`unadjusted-difference` is of `units = \"everyone\"`, without matching or weights",
            ),
            EstimatorSpec::DoublyRobust { .. } => (
                matched || weighted,
                "`doubly-robust` weighs by itself; give it `units = \"everyone\"`",
            ),
            EstimatorSpec::AdjustedDifference { .. }
            | EstimatorSpec::MatchedDifferenceInDifferences { .. } => (false, ""),
            EstimatorSpec::Model(_) => (
                !design.is_primary(),
                "a model names measures and numbers of one effect; state it as an effect of its own",
            ),
        };
        self.add_if(is_fault, &at, message);
        let (key, names) = match estimator {
            EstimatorSpec::AdjustedDifference { adjust_for } => ("adjust-for", adjust_for),
            EstimatorSpec::DoublyRobust { covariates } => ("covariates", covariates),
            _ => return,
        };
        for (number, name) in names.iter().enumerate() {
            if !self.is_covariate(name) {
                let place = at.iter().cloned().chain([key.into(), number.into()]);
                self.unknown(place.collect(), name);
            }
        }
    }

    fn sensitivity(&mut self, at: &[Place], check: &SensitivityCheck) {
        let under = |key: &str| -> Vec<Place> { [at, &[key.into()]].concat() };
        match check {
            SensitivityCheck::Rosenbaum { factors } => {
                let allowed = |factor: &f64| factor.is_finite() && *factor >= 1.0;
                self.add_if(
                    factors.is_empty() || !factors.iter().all(allowed),
                    &under("factors"),
                    "expected factors of 1 or more, such as [1.25, 1.5, 2.0]",
                );
            }
            SensitivityCheck::RobustnessValue {
                adjust_for,
                benchmarks,
                alpha,
            } => {
                self.covariates(&under("adjust-for"), adjust_for);
                self.covariates(&under("benchmarks"), benchmarks);
                let is_adjusted =
                    |name: &String| adjust_for.is_empty() || adjust_for.contains(name);
                self.add_if(
                    !benchmarks.iter().all(is_adjusted),
                    &under("benchmarks"),
                    "a benchmark is a covariate that is adjusted for; add it to `adjust-for`",
                );
                self.add_if(
                    !(*alpha > 0.0 && *alpha < 1.0),
                    &under("alpha"),
                    "expected a level between 0 and 1, such as 0.05",
                );
            }
            SensitivityCheck::LeaveOneOut { attribute } => {
                if !self.is_attribute(attribute) {
                    self.unknown(under("attribute"), attribute);
                }
            }
            SensitivityCheck::SpecificationCurve { adjust_for, .. } => {
                for (number, names) in adjust_for.iter().enumerate() {
                    let at = [under("adjust-for"), vec![number.into()]].concat();
                    self.covariates(&at, names);
                }
            }
            SensitivityCheck::EValue { .. } | SensitivityCheck::PlaceboDate { .. } => {}
        }
    }

    /// Covariates of the cohort as they are, without squares and indicators.
    fn covariates(&mut self, at: &[Place], names: &[String]) {
        for (number, name) in names.iter().enumerate() {
            if !self.is_covariate(name) {
                self.unknown([at, &[number.into()]].concat(), name);
            }
        }
    }

    fn money(&mut self, at: &[Place], money: &MoneySpec) {
        let under = |key: &str| -> Vec<Place> { [at, &[key.into()]].concat() };
        let allowed = |value: f64| value.is_finite() && value >= 0.0;
        let is_cost = |cost: &Cost| allowed(cost.amount) && allowed(cost.standard_error);
        let expected = "expected an amount and a standard error, neither below zero";
        self.add_if(!is_cost(&money.unit_cost), &under("unit-cost"), expected);
        let programme = money.programme_cost.as_ref();
        self.add_if(
            !programme.is_none_or(is_cost),
            &under("programme-cost"),
            expected,
        );
        let is_share = |payer: &PayerShare| (0.0..=1.0).contains(&payer.share);
        self.add_if(
            !money.payers.iter().all(is_share),
            &under("payers"),
            "expected shares between 0 and 1",
        );
    }

    /// Lots decide who is compared only where everyone is compared as the lots fell.
    fn assignment(&mut self) {
        let plan = self.plan;
        self.add_if(
            plan.assignment.is_some() && plan.units != Some(UnitsCompared::Everyone),
            &["assignment".into()],
            "lots were drawn among everyone; write `units = \"everyone\"` instead of a matching or weighting, which may stand as an alternative",
        );
    }

    /// Whether one unit may be in several sets of a matching, on different days.
    fn serves_again(&self, design: &Written<'_>) -> bool {
        let is_once = |matching: &Matching| {
            matching.risk_set.is_some_and(|spec| {
                spec.reuse == RiskSetReuse::Once && spec.later_treated == LaterTreated::Excluded
            })
        };
        self.plan.cohort.enters_again()
            && design.matching.is_some_and(|matching| !is_once(matching))
    }

    fn clusters(
        &mut self,
        design: &Written<'_>,
        at: &[Place],
        clusters: &[ClusterBy],
        kind: StandardError,
    ) {
        let at: Vec<Place> = at.iter().cloned().chain(["clusters".into()]).collect();
        self.add_if(
            kind.is_clustered() == clusters.is_empty(),
            &at,
            "a cr standard error needs clusters, and no other has a use for them",
        );
        let of_matching = |way: &ClusterBy| matches!(way, ClusterBy::MatchedSet | ClusterBy::Unit);
        self.add_if(
            design.matching.is_none() && clusters.iter().any(of_matching),
            &at,
            "`matched-set` and `unit` are clusters of a matching; cluster by an attribute, or write an hc standard error",
        );
        let is_of_unit = |way: &ClusterBy| !matches!(way, ClusterBy::MatchedSet);
        self.add_if(
            self.serves_again(design) && !clusters.iter().any(is_of_unit),
            &at,
            "a unit may serve on several days, so that its sets are not independent; cluster by `unit`, or by an attribute that holds all of its days",
        );
        let by_set_alone =
            clusters.contains(&ClusterBy::MatchedSet) && !clusters.iter().any(is_of_unit);
        self.add_if(
            serves_several(design) && by_set_alone,
            &at,
            "a unit may serve in several sets, so that they are not independent; cluster by `unit` too, or write an hc standard error",
        );
        for (number, way) in clusters.iter().enumerate() {
            if let ClusterBy::Attribute(name) = way
                && !self.is_attribute(name)
            {
                self.unknown(at.iter().cloned().chain([number.into()]).collect(), name);
            }
        }
    }
}

/// Whether one unit may be in several sets of a matching of units that each enter once.
fn serves_several(design: &Written<'_>) -> bool {
    let nearest = design
        .matching
        .and_then(|matching| matching.nearest.as_ref());
    nearest.is_some_and(|nearest| match nearest.reuse {
        Reuse::Forbid => false,
        Reuse::Allow => true,
        Reuse::AtMost(most) => most.get() > 1,
    })
}
