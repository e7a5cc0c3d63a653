//! The standard errors of a panel request: which rows' errors go together, by name.

use serde::{Deserialize, Serialize};
use utfall_core::ConfidenceLevel;
use utfall_effects::panel::{
    AbsorbedCount, AbsorbedFit, ClusterCount, Covariance, Dependence, Design, Distance,
    Distribution, JackknifeCentre, Places, SmallSample,
};
use utfall_effects::{EffectError, Grouping, StandardError};

use crate::table::Table;
use crate::{Numbers, RequestError};

/// A standard error by name, with what it needs.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PanelError {
    /// What the answer calls it.
    pub name: String,
    /// Which rows' errors go together.
    pub kind: PanelErrorKind,
    /// Clusters: columns whose equal cells belong together; several ways for `clusters`.
    #[serde(default)]
    pub cluster_by: Vec<String>,
    /// The column of times, for `driscoll-kraay` and `newey-west`.
    pub time: Option<String>,
    /// The column of units, for `newey-west`.
    pub unit: Option<String>,
    /// Times apart that still go together.
    pub lag: Option<usize>,
    /// Where rows are, for `conley`.
    pub places: Option<PlaceColumns>,
    /// What estimates without a cluster are compared with, for `jackknife`.
    pub centre: Option<JackknifeCentre>,
    /// The factor of small samples; not for `cr2`, `cr3`, `hc2`, `hc3` and `jackknife`.
    pub small_sample: Option<SmallSample>,
    /// What intervals and p-values come from.
    pub degrees_of_freedom: Distribution,
}

/// Kinds of standard errors for panels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PanelErrorKind {
    /// Rows independent, one variance.
    Iid,
    /// Rows independent, each its variance.
    Hetero,
    /// As hetero, residuals over `(1 - h)^½`.
    Hc2,
    /// As hetero, residuals over `1 - h`.
    Hc3,
    /// Clusters, in any number of ways.
    Clusters,
    /// Clusters, bias-reduced.
    Cr2,
    /// Clusters, close to the jackknife, without a factor.
    Cr3,
    /// Leaving out each cluster in turn.
    Jackknife,
    /// Rows of a time, and of times near it.
    DriscollKraay,
    /// Rows of a unit at times near each other.
    NeweyWest,
    /// Rows near each other in space.
    Conley,
}

/// Where rows are.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PlaceColumns {
    /// Column of degrees north.
    pub latitude: String,
    /// Column of degrees east.
    pub longitude: String,
    /// Kilometres within which rows go together.
    pub cutoff_km: f64,
    /// How distances are measured.
    pub distance: Distance,
}

/// No factor at all.
const NO_FACTOR: SmallSample = SmallSample {
    rows: false,
    absorbed: AbsorbedCount::None,
    clusters: ClusterCount::None,
};

impl PanelError {
    pub(crate) fn check(&self) -> Result<(), RequestError> {
        use PanelErrorKind as Kind;
        let clustered = matches!(
            self.kind,
            Kind::Clusters | Kind::Cr2 | Kind::Cr3 | Kind::Jackknife
        );
        let timed = matches!(self.kind, Kind::DriscollKraay | Kind::NeweyWest);
        let exact = matches!(
            self.kind,
            Kind::Cr2 | Kind::Cr3 | Kind::Jackknife | Kind::Hc2 | Kind::Hc3
        );
        let wrong = [
            (clustered == self.cluster_by.is_empty(), "cluster-by"),
            (
                clustered && self.kind != Kind::Clusters && self.cluster_by.len() > 1,
                "cluster-by with several ways",
            ),
            (timed != self.time.is_some(), "time"),
            (timed != self.lag.is_some(), "lag"),
            (
                (self.kind == Kind::NeweyWest) != self.unit.is_some(),
                "unit",
            ),
            (
                (self.kind == Kind::Conley) != self.places.is_some(),
                "places",
            ),
            (
                (self.kind == Kind::Jackknife) != self.centre.is_some(),
                "centre",
            ),
            (exact == self.small_sample.is_some(), "small-sample"),
        ];
        match wrong.into_iter().find(|(found, _)| *found) {
            Some((_, key)) => Err(RequestError::Contradiction {
                what: format!("`{key}` of the standard error `{}`", self.name),
                remedy: "give it to the kinds that have it, and to them alone",
            }),
            None => Ok(()),
        }
    }

    pub(crate) fn dependence(&self, table: &Table) -> Result<Dependence, RequestError> {
        use PanelErrorKind as Kind;
        let way = |column: &String| Ok::<_, RequestError>(Grouping::of(&table.texts(column)?));
        let first = || {
            self.cluster_by
                .first()
                .ok_or_else(|| RequestError::Contradiction {
                    what: format!("the standard error `{}`", self.name),
                    remedy: "name its clusters in `cluster-by`",
                })
        };
        let time = || table.numbers(self.time.as_deref().unwrap_or_default());
        let lag = self.lag.unwrap_or_default();
        Ok(match self.kind {
            Kind::Iid => Dependence::Equal,
            Kind::Hetero => Dependence::Independent,
            Kind::Hc2 => Dependence::Leverage(StandardError::Hc2),
            Kind::Hc3 => Dependence::Leverage(StandardError::Hc3),
            Kind::Clusters => {
                Dependence::Clusters(self.cluster_by.iter().map(way).collect::<Result<_, _>>()?)
            }
            Kind::Cr2 => Dependence::Adjusted(StandardError::Cr2, way(first()?)?),
            Kind::Cr3 => Dependence::Adjusted(StandardError::Cr3, way(first()?)?),
            Kind::Jackknife => Dependence::Jackknife(
                way(first()?)?,
                self.centre.unwrap_or(JackknifeCentre::Estimate),
            ),
            Kind::DriscollKraay => Dependence::Times { time: time()?, lag },
            Kind::NeweyWest => Dependence::WithinUnits {
                unit: Grouping::of(&table.texts(self.unit.as_deref().unwrap_or_default())?),
                time: time()?,
                lag,
            },
            Kind::Conley => {
                let Some(places) = &self.places else {
                    return Err(RequestError::Contradiction {
                        what: format!("the standard error `{}`", self.name),
                        remedy: "name its `places`",
                    });
                };
                Dependence::Places(Places {
                    latitude: table.numbers(&places.latitude)?,
                    longitude: table.numbers(&places.longitude)?,
                    cutoff_km: places.cutoff_km,
                    distance: places.distance,
                })
            }
        })
    }

    pub(crate) fn small(&self) -> SmallSample {
        self.small_sample.unwrap_or(NO_FACTOR)
    }
}

/// A number that is a weighted sum of coefficients.
pub(crate) struct Combination {
    /// Block of numbers, such as `coef`.
    pub(crate) block: String,
    /// Key in the block.
    pub(crate) key: String,
    pub(crate) per_column: Vec<f64>,
}

/// What more is put for a covariance, given the suffixes of its names.
type Then<'a> = dyn FnMut(&[String], &Covariance<'_>, &mut Numbers) -> Result<(), EffectError> + 'a;

/// A fit and the errors that are asked for.
pub(crate) struct Reported<'a> {
    pub(crate) table: &'a Table,
    pub(crate) fit: &'a AbsorbedFit,
    pub(crate) design: &'a Design<'a>,
    pub(crate) errors: &'a [PanelError],
    pub(crate) level: ConfidenceLevel,
}

impl Reported<'_> {
    /// Puts each combination with every error: the first error's also without its name. `then` gets
    /// each covariance with the suffixes of its names.
    pub(crate) fn put(
        &self,
        combinations: &[Combination],
        numbers: &mut Numbers,
        refused: &dyn Fn(EffectError) -> RequestError,
        then: &mut Then<'_>,
    ) -> Result<(), RequestError> {
        for (index, error) in self.errors.iter().enumerate() {
            let dependence = error.dependence(self.table)?;
            let covariance = Covariance::new(self.fit, self.design, &dependence, &error.small())
                .map_err(refused)?;
            let mut names = vec![format!("_{}", error.name)];
            if index == 0 {
                names.push(String::new());
            }
            for one in combinations {
                let inferred = covariance
                    .infer(&one.per_column, error.degrees_of_freedom, self.level)
                    .map_err(refused)?;
                let mut put = |what: &str, value: f64| {
                    numbers.covariate(&format!("{}{what}", one.block), &one.key, value);
                };
                put("", inferred.point);
                for name in &names {
                    put(&format!("_se{name}"), inferred.standard_error);
                    put(
                        &format!("_t{name}"),
                        inferred.point / inferred.standard_error,
                    );
                    put(&format!("_p{name}"), inferred.p_value);
                    put(&format!("_ci_low{name}"), inferred.interval.lower);
                    put(&format!("_ci_high{name}"), inferred.interval.upper);
                    if let Some(degrees) = inferred.degrees_of_freedom {
                        put(&format!("_df{name}"), degrees);
                    }
                }
            }
            then(&names, &covariance, numbers).map_err(refused)?;
        }
        Ok(())
    }
}
