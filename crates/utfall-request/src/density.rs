//! `[density-test]`: whether the density of a score jumps at the cutoff.

use serde::{Deserialize, Serialize};
use utfall_core::Estimand;
use utfall_effects::discontinuity::{DensityOptions, DensitySelector, Kernel, density_test};

use crate::files::Files;
use crate::model::Part;
use crate::regression::term;
use crate::table::Table;
use crate::{Numbers, RequestError};

/// A test that the score was not manipulated (`rddensity`).
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct DensityJump {
    /// The score that decides treatment.
    pub score: String,
    /// The cutoff; a score there is right of it.
    pub cutoff: f64,
    /// Order of the polynomial that bandwidths are best for; the test takes one more.
    pub order: usize,
    /// Kernel.
    pub kernel: Kernel,
    /// How bandwidths are chosen; not with `bandwidth`.
    pub select: Option<DensitySelector>,
    /// Bandwidths left and right, given.
    pub bandwidth: Option<[f64; 2]>,
    /// Whether rows that share a score count as one place.
    pub mass_points: bool,
    /// Whether chosen bandwidths hold a least number of rows and end where scores do; with `select`.
    pub regularise: Option<bool>,
}

impl Part for DensityJump {
    fn check(&self) -> Result<(), RequestError> {
        RequestError::first_contradiction([
            (
                self.select.is_some() == self.bandwidth.is_some(),
                "`bandwidth`",
                "give it or `select`",
            ),
            (
                self.select.is_some() != self.regularise.is_some(),
                "`regularise`",
                "give it with `select`, and with it alone",
            ),
        ])
    }

    fn put(
        &self,
        table: &Table,
        _: &Files<'_>,
        numbers: &mut Numbers,
    ) -> Result<Option<Estimand>, RequestError> {
        let options = DensityOptions {
            order: self.order,
            kernel: self.kernel,
            mass_points: self.mass_points,
            regularise: self.regularise.unwrap_or(false),
        };
        let selector = self.select.unwrap_or(DensitySelector::Combined);
        let score = term(table, &self.score, None)?;
        let test = density_test(
            &score,
            self.cutoff,
            self.bandwidth.ok_or(selector),
            &options,
        )
        .map_err(|error| {
            let line = error.row().and_then(|row| table.line(row));
            RequestError::effect(&[], line, error)
        })?;
        for (i, side) in ["left", "right"].into_iter().enumerate() {
            numbers.count(&format!("n_{side}"), test.n[i]);
            numbers.count(&format!("n_within_{side}"), test.n_within[i]);
            numbers.covariate("h", side, test.bandwidth[i]);
            numbers.covariate("density", side, test.density[i]);
            numbers.covariate("density_se", side, test.standard_error[i]);
        }
        numbers.covariate("density", "difference", test.difference);
        numbers.covariate("density_se", "difference", test.difference_error);
        numbers.real("t", test.t);
        numbers.real("p", test.p_value);
        Ok(None)
    }
}
