#![doc = include_str!("../README.md")]

mod abadie_imbens;
mod accelerated;
mod adoption;
mod answer;
mod asked;
mod balance;
mod bounds;
mod calculation;
pub mod cases;
mod cluster_trial;
mod competing_risks;
mod confounding;
mod density;
mod derive;
mod discontinuity;
mod effect;
mod error;
mod estimate;
mod files;
mod find;
mod fixed_effects;
mod g_computation;
mod instrument;
mod model;
mod money;
mod panel_errors;
mod power;
mod published;
mod quantile;
mod randomisation;
mod rank_test;
mod rates;
mod regression;
mod request;
mod resample;
mod risk_sets;
mod sensitivity;
mod series;
mod stacked;
mod staggered;
mod step_down;
mod survival;
mod switching;
mod synthetic;
mod table;
mod trends;
mod trial;
mod two_by_two;
mod two_part;
mod uncertainty;
mod warning;
mod weigh;
mod wild_bootstrap;

pub use abadie_imbens::{AbadieImbens, BiasAdjustment, MatchedOn};
pub use accelerated::AcceleratedFailure;
pub use adoption::{Adoption, AdoptionMethod};
pub use answer::{Answer, Numbers};
pub use asked::{Request, estimate, estimate_from};
pub use balance::{Balance, FurtherBalance, MissingCovariates, Prognostic};
pub use bounds::Bounds;
pub use calculation::{Calculation, EValue, PValues};
pub use cluster_trial::ClusterTrial;
pub use competing_risks::{
    CensoringRows, CompetingRisks, Outcomes, Subdistribution, SubdistributionError,
};
pub use confounding::{BenchmarkCovariate, Confounding};
pub use density::DensityJump;
pub use derive::Derived;
pub use discontinuity::{BandwidthChoice, Discontinuity};
pub use error::RequestError;
pub use files::{Cells, Files, Reader};
pub use fixed_effects::{Category, FixedEffectsFamily, FixedEffectsRegression, JointTest};
pub use g_computation::{ModelFamily, OutcomeModel, Slopes};
pub use instrument::Instrument;
pub use model::Model;
pub use panel_errors::{PanelError, PanelErrorKind, PlaceColumns};
pub use power::{ClusterQuestion, DesignQuestion, PowerQuestion};
pub use published::{FigureKind, PublishedArm, PublishedFigure, PublishedQuestion};
pub use quantile::QuantileRegression;
pub use randomisation::{AssignmentSource, GivenAssignments, Randomisation};
pub use rank_test::RankTest;
pub use rates::Rates;
pub use regression::{MarginalEffect, Regression, RegressionFamily};
pub use request::{
    ClusterBy, Effect, Estimator, FurtherError, Keep, Request as Comparison, Schema, Treatment,
};
pub use resample::{Acceleration, Bootstrap, DrawnRows, GivenRows, LeaveOut};
pub use risk_sets::{RiskSetEffect, RiskSets};
pub use series::{SerialCorrelation, Series};
pub use stacked::{StackWeights, Stacked};
pub use staggered::{AggregateSpec, BootstrapSpec, MultiplierStream, Staggered, TwoPeriodRequest};
pub use step_down::StepDownTest;
pub use survival::{Compared, HazardError, ProportionalHazards, Survival};
pub use switching::Switching;
pub use synthetic::{Predictor, SyntheticControl, SyntheticMethod};
pub use trends::{CriticalDraws, EventStudyTrends, PretestQuestion, PublishedTrends, TrendBounds};
pub use trial::{Design, Folds, OutcomeFamily, RobustModels, Trial};
pub use two_by_two::TwoByTwo;
pub use two_part::{AmountFamily, AnyFamily, TwoPart};
pub use uncertainty::{Further, Uncertainty};
pub use utfall_matching::design::{
    ClosestOn, Coarsened, CovariateCaliper, CovariateScale, Distance, Matching, Named, ScoreScale,
    Weighting,
};
pub use warning::Warning;
pub use wild_bootstrap::{WildBootstrap, WildDrawing, WildMultipliers};
