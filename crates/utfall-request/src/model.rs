//! Requests that fit one model to one file.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use utfall_core::Estimand;

use crate::abadie_imbens::AbadieImbens;
use crate::accelerated::AcceleratedFailure;
use crate::adoption::Adoption;
use crate::bounds::Bounds;
use crate::cluster_trial::ClusterTrial;
use crate::competing_risks::{CompetingRisks, Subdistribution};
use crate::confounding::Confounding;
use crate::density::DensityJump;
use crate::derive::Derived;
use crate::discontinuity::Discontinuity;
use crate::files::Files;
use crate::fixed_effects::FixedEffectsRegression;
use crate::instrument::Instrument;
use crate::panel_model::PanelModel;
use crate::quantile::QuantileRegression;
use crate::randomisation::Randomisation;
use crate::rank_test::RankTest;
use crate::rates::Rates;
use crate::regression::Regression;
use crate::risk_sets::RiskSets;
use crate::series::Series;
use crate::stacked::Stacked;
use crate::staggered::{Staggered, TwoPeriodRequest};
use crate::staggered_synthetic::StaggeredSyntheticControl;
use crate::step_down::StepDownTest;
use crate::structural_series::StructuralSeries;
use crate::survival::{ProportionalHazards, Survival};
use crate::switching::Switching;
use crate::synthetic::SyntheticControl;
use crate::table::Table;
use crate::trends::PublishedTrends;
use crate::trial::Trial;
use crate::two_by_two::TwoByTwo;
use crate::two_part::TwoPart;
use crate::wild_bootstrap::WildBootstrap;
use crate::{Answer, Bootstrap, Keep, LeaveOut, Numbers, RequestError, Schema};

/// A model on a data file: exactly one of its parts.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Model {
    /// `utfall-request/1`.
    pub schema: Schema,
    /// The data file, sought from the folder of the request.
    pub data: PathBuf,
    /// Column whose order rows are put in first.
    pub id: Option<String>,
    /// Columns to compute first, each from those before it.
    #[serde(default)]
    pub derive: Vec<Derived>,
    /// Rows to keep; a row must satisfy each.
    #[serde(default)]
    pub keep: Vec<Keep>,
    /// Columns whose rows without a value are left out.
    #[serde(default)]
    pub drop_rows_without: Vec<String>,
    /// The effect of a treatment in a trial.
    pub trial: Option<Trial>,
    /// Every coefficient of a regression.
    pub regression: Option<Regression>,
    /// The effect of a treatment that an instrument moves.
    pub instrument: Option<Instrument>,
    /// Risks in two arms.
    pub two_by_two: Option<TwoByTwo>,
    /// Outcomes of which many are zero.
    pub two_part: Option<TwoPart>,
    /// A regression beside fixed effects.
    pub fixed_effects: Option<FixedEffectsRegression>,
    /// Effects by group and time.
    pub staggered: Option<Staggered>,
    /// Difference-in-differences between two times.
    pub two_period: Option<TwoPeriodRequest>,
    /// An effect by matching with replacement.
    pub abadie_imbens: Option<AbadieImbens>,
    /// What missing outcomes leave of an effect.
    pub bounds: Option<Bounds>,
    /// Sensitivity to a confounder.
    pub confounding: Option<Confounding>,
    /// A trial in which whole clusters were assigned.
    pub cluster_trial: Option<ClusterTrial>,
    /// Quantile regressions.
    pub quantile_regression: Option<QuantileRegression>,
    /// Effects of staggered adoption in other ways.
    pub adoption: Option<Adoption>,
    /// A comparison built from several units.
    pub synthetic: Option<SyntheticControl>,
    /// Comparisons built from several units, where treatment begins at different times.
    pub staggered_synthetic: Option<StaggeredSyntheticControl>,
    /// The jump of an outcome at a cutoff.
    pub discontinuity: Option<Discontinuity>,
    /// A segmented regression of one series.
    pub series: Option<Series>,
    /// A series continued beyond an intervention.
    pub structural_series: Option<StructuralSeries>,
    /// Survival curves and tests of their equality.
    pub survival: Option<Survival>,
    /// Proportional hazards regression.
    pub proportional_hazards: Option<ProportionalHazards>,
    /// Incidence of several causes.
    pub competing_risks: Option<CompetingRisks>,
    /// Fine and Gray's regression.
    pub subdistribution: Option<Subdistribution>,
    /// Covariates that stretch the time to the event.
    pub accelerated_failure: Option<AcceleratedFailure>,
    /// Rates of events in two arms.
    pub rates: Option<Rates>,
    /// Effects of staggered adoption by a stack.
    pub stacked: Option<Stacked>,
    /// Whether the density of a score jumps at the cutoff.
    pub density_test: Option<DensityJump>,
    /// Bounds on trends of an event study that the file holds.
    pub trends: Option<PublishedTrends>,
    /// Effects of a treatment that is taken up, left or changed.
    pub switching: Option<Switching>,
    /// A panel model that is not of fixed effects.
    pub panel_model: Option<PanelModel>,
    /// A coefficient tested by the wild cluster bootstrap.
    pub wild_bootstrap: Option<WildBootstrap>,
    /// A statistic compared with that of other assignments.
    pub randomisation: Option<Randomisation>,
    /// Tests on ranks.
    pub rank_test: Option<RankTest>,
    /// Persons who start treatment at different times.
    pub risk_sets: Option<RiskSets>,
    /// Several hypotheses tested together.
    pub step_down: Option<StepDownTest>,
    /// Numbers of the answer that are drawn again.
    pub bootstrap: Option<Bootstrap>,
    /// Numbers of the answer without each group of rows in turn.
    pub leave_out: Option<LeaveOut>,
}

/// One model.
pub(crate) trait Part {
    /// Refuses options that do not go together.
    fn check(&self) -> Result<(), RequestError> {
        Ok(())
    }

    /// Puts every number, and returns whom they speak of, if anyone.
    fn put(
        &self,
        table: &Table,
        files: &Files<'_>,
        numbers: &mut Numbers,
    ) -> Result<Option<Estimand>, RequestError>;
}

impl Model {
    /// The keys of the parts.
    pub(crate) const PARTS: &[&str] = &[
        "trial",
        "regression",
        "instrument",
        "two-by-two",
        "two-part",
        "fixed-effects",
        "staggered",
        "two-period",
        "abadie-imbens",
        "bounds",
        "confounding",
        "cluster-trial",
        "quantile-regression",
        "adoption",
        "synthetic",
        "staggered-synthetic",
        "discontinuity",
        "series",
        "structural-series",
        "survival",
        "proportional-hazards",
        "competing-risks",
        "subdistribution",
        "accelerated-failure",
        "rates",
        "stacked",
        "density-test",
        "trends",
        "switching",
        "panel-model",
        "wild-bootstrap",
        "randomisation",
        "rank-test",
        "risk-sets",
        "step-down",
    ];

    fn parts(&self) -> Vec<&dyn Part> {
        let all: [Option<&dyn Part>; Self::PARTS.len()] = [
            self.trial.as_ref().map(|part| part as _),
            self.regression.as_ref().map(|part| part as _),
            self.instrument.as_ref().map(|part| part as _),
            self.two_by_two.as_ref().map(|part| part as _),
            self.two_part.as_ref().map(|part| part as _),
            self.fixed_effects.as_ref().map(|part| part as _),
            self.staggered.as_ref().map(|part| part as _),
            self.two_period.as_ref().map(|part| part as _),
            self.abadie_imbens.as_ref().map(|part| part as _),
            self.bounds.as_ref().map(|part| part as _),
            self.confounding.as_ref().map(|part| part as _),
            self.cluster_trial.as_ref().map(|part| part as _),
            self.quantile_regression.as_ref().map(|part| part as _),
            self.adoption.as_ref().map(|part| part as _),
            self.synthetic.as_ref().map(|part| part as _),
            self.staggered_synthetic.as_ref().map(|part| part as _),
            self.discontinuity.as_ref().map(|part| part as _),
            self.series.as_ref().map(|part| part as _),
            self.structural_series.as_ref().map(|part| part as _),
            self.survival.as_ref().map(|part| part as _),
            self.proportional_hazards.as_ref().map(|part| part as _),
            self.competing_risks.as_ref().map(|part| part as _),
            self.subdistribution.as_ref().map(|part| part as _),
            self.accelerated_failure.as_ref().map(|part| part as _),
            self.rates.as_ref().map(|part| part as _),
            self.stacked.as_ref().map(|part| part as _),
            self.density_test.as_ref().map(|part| part as _),
            self.trends.as_ref().map(|part| part as _),
            self.switching.as_ref().map(|part| part as _),
            self.panel_model.as_ref().map(|part| part as _),
            self.wild_bootstrap.as_ref().map(|part| part as _),
            self.randomisation.as_ref().map(|part| part as _),
            self.rank_test.as_ref().map(|part| part as _),
            self.risk_sets.as_ref().map(|part| part as _),
            self.step_down.as_ref().map(|part| part as _),
        ];
        all.into_iter().flatten().collect()
    }

    pub(crate) fn consistent(self) -> Result<Self, RequestError> {
        match self.parts()[..] {
            [part] => part.check()?,
            _ => {
                return Err(RequestError::Contradiction {
                    what: "a request of several models".to_owned(),
                    remedy: "keep one part, such as `[trial]` or `[regression]`",
                });
            }
        }
        Ok(self)
    }

    pub(crate) fn answer(&self, files: &Files<'_>) -> Result<Answer, RequestError> {
        let mut table = files.table(&self.data)?;
        let id = self.id.as_deref();
        let n_left_out = table.prepare(&self.derive, &self.keep, &self.drop_rows_without, id)?;
        let on = |table: &Table| {
            let mut numbers = Numbers::default();
            let mut estimand = None;
            numbers.count("n", table.n_rows());
            for part in self.parts() {
                estimand = part.put(table, files, &mut numbers)?;
            }
            Ok::<_, RequestError>((estimand, numbers))
        };
        let (estimand, mut numbers) = on(&table)?;
        numbers.count("n_rows_left_out", n_left_out);
        if let Some(bootstrap) = &self.bootstrap {
            bootstrap.put(&table, files, &mut numbers, |table| Ok(on(table)?.1))?;
        }
        if let Some(leave_out) = &self.leave_out {
            leave_out.put(&table, &mut numbers, |table| Ok(on(table)?.1))?;
        }
        Ok(Answer { estimand, numbers })
    }
}
