//! Bandwidths that make the mean squared error of a jump, or the error in an interval's coverage,
//! as small as can be.
//!
//! Three steps, each of which feeds the next: a rule of thumb for the variance, a pilot for the bias
//! of the bias, the bandwidth of the bias, and the main bandwidth.
//!
//! Calonico, Cattaneo & Titiunik (2014), <https://doi.org/10.3982/ECTA11757>; Calonico, Cattaneo &
//! Farrell (2020), <https://doi.org/10.1093/ectj/utz022>.

#![allow(
    clippy::needless_range_loop,
    reason = "indices name rows and columns of small matrices, as the formulas do"
)]

use serde::{Deserialize, Serialize};
use utfall_stats::elementary::pow;
use utfall_stats::moments::{count, mean_and_variance};

use super::residuals::{combined, meat, residuals};
use super::side::{
    JumpData, JumpOptions, MassPoints, Side, covariate_part, cross, inverse, multiply, powers,
    solve, split,
};
use crate::EffectError;

/// A way to choose bandwidths, by the names of `rdrobust`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
#[expect(
    missing_docs,
    reason = "the type's doc has the system behind the names"
)]
pub enum Selector {
    Mserd,
    Msetwo,
    Msesum,
    Msecomb1,
    Msecomb2,
    Cerrd,
    Certwo,
    Cersum,
    Cercomb1,
    Cercomb2,
}

impl Selector {
    fn is_coverage(self) -> bool {
        matches!(
            self,
            Self::Cerrd | Self::Certwo | Self::Cersum | Self::Cercomb1 | Self::Cercomb2
        )
    }
}

/// Bandwidths left and right of the cutoff: main, and of the bias.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bandwidths {
    /// Main, left and right.
    pub h: [f64; 2],
    /// Of the bias, left and right.
    pub b: [f64; 2],
}

/// What one side says about its variance, bias and the variance of its bias.
struct Constants {
    v: f64,
    b: f64,
    r: f64,
    rate: f64,
}

/// The sides, limits and first bandwidth that every step shares.
struct Steps<'a> {
    sides: &'a [Side; 2],
    cutoff: f64,
    options: &'a JumpOptions,
    first: f64,
    most: [f64; 2],
    /// Of the pilot bandwidths; those of bias and effect may be narrower, as in rdrobust.
    least: Option<[f64; 2]>,
}

/// Chooses bandwidths from the data.
///
/// # Errors
///
/// [`EffectError::TooFewRows`] with fewer than 20 rows on a side, [`EffectError::NotFinite`] and
/// [`EffectError::LengthMismatch`] for malformed slices, and [`EffectError::RankDeficient`] where a
/// polynomial cannot be fitted.
///
/// # Reference
///
/// Calonico, Cattaneo, Farrell & Titiunik (2019), <https://doi.org/10.1162/rest_a_00760>.
pub fn select_bandwidths(
    data: &JumpData<'_>,
    selector: Selector,
    options: &JumpOptions,
) -> Result<Bandwidths, EffectError> {
    let mut sides = split(data)?;
    let mut cutoff = data.cutoff;
    let n = data.score.len();
    let (_, variance) = mean_and_variance(data.score);
    let range = quantile_range(data.score);
    let mut spread = variance.sqrt().min(range / 1.349);
    let scale = if options.standardise {
        variance.sqrt()
    } else {
        1.0
    };
    if options.standardise {
        spread = 1.0_f64.min(range / scale / 1.349);
        cutoff /= scale;
        let (_, of_outcome) = mean_and_variance(data.outcome);
        for side in &mut sides {
            side.x.iter_mut().for_each(|x| *x /= scale);
            side.d[0].iter_mut().for_each(|y| *y /= of_outcome.sqrt());
        }
    }
    drop_take_up_if_sharp(&mut sides, options);
    let distinct = [sides[0].n_distinct(), sides[1].n_distinct()];
    let mut least_values = options.least_values;
    let mut size = n;
    if options.mass_points == MassPoints::Adjust {
        size = distinct[0] + distinct[1];
        let tied = |i: usize| 1.0 - count(distinct[i]) / count(sides[i].n()) >= 0.2;
        if (tied(0) || tied(1)) && least_values.is_none() {
            least_values = Some(10);
        }
    }
    let ends = [sides[0].x[0], sides[1].x[sides[1].n() - 1]];
    let most = ends.map(|end| (cutoff - end).abs());
    let least = least_values.map(|k| {
        [
            sides[0].reach(cutoff, k.min(distinct[0])),
            sides[1].reach(cutoff, k.min(distinct[1])),
        ]
    });
    let mut first = options.kernel.constant() * spread * pow(count(size), -0.2);
    if options.restrict {
        first = first.min(most[0].max(most[1]));
    }
    if let Some(least) = least {
        first = first.max(least[0]).max(least[1]);
    }
    let steps = Steps {
        sides: &sides,
        cutoff,
        options,
        first,
        most,
        least,
    };
    let found = steps.select(selector)?;
    let p = count(options.order);
    let sample = data.clusters.map_or(n, crate::Grouping::n_groups);
    let shrink = if selector.is_coverage() {
        pow(count(sample), -(p / ((3.0 + p) * (3.0 + 2.0 * p))))
    } else {
        1.0
    };
    Ok(Bandwidths {
        h: found.h.map(|h| h * shrink * scale),
        b: found.b.map(|b| b * scale),
    })
}

/// Where nobody, or everybody, on a side takes treatment up, or where asked for: the sharp design's.
fn drop_take_up_if_sharp(sides: &mut [Side; 2], options: &JumpOptions) {
    let constant = |side: &Side| {
        side.d
            .get(1)
            .is_some_and(|t| t.iter().all(|v| (v - t[0]).abs() <= 0.0))
    };
    let perfect = sides[0].has_take_up && (constant(&sides[0]) || constant(&sides[1]));
    if sides[0].has_take_up && (perfect || options.sharp_bandwidth) {
        for side in sides {
            side.d.remove(1);
            side.has_take_up = false;
        }
    }
}

/// Quartile range, quantiles of type 2.
fn quantile_range(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len();
    let at = |numerator: usize| {
        let (whole, rest) = (n * numerator / 4, n * numerator % 4);
        if rest == 0 {
            0.5 * (sorted[whole - 1] + sorted[whole])
        } else {
            sorted[whole]
        }
    };
    at(3) - at(1)
}

impl Steps<'_> {
    fn select(&self, selector: Selector) -> Result<Bandwidths, EffectError> {
        use Selector as S;
        let middle = |a: [f64; 2], b: [f64; 2], c: [f64; 2]| {
            [0, 1].map(|i| a[i].max(b[i]).min(a[i].min(b[i]).max(c[i])))
        };
        match selector {
            S::Mserd | S::Cerrd => self.joint(-1.0),
            S::Msesum | S::Cersum => self.joint(1.0),
            S::Msetwo | S::Certwo => self.separate(),
            S::Msecomb1 | S::Cercomb1 => {
                let (d, s) = (self.joint(-1.0)?, self.joint(1.0)?);
                Ok(Bandwidths {
                    h: [0, 1].map(|i| d.h[i].min(s.h[i])),
                    b: [0, 1].map(|i| d.b[i].min(s.b[i])),
                })
            }
            S::Msecomb2 | S::Cercomb2 => {
                let (d, s, t) = (self.joint(-1.0)?, self.joint(1.0)?, self.separate()?);
                Ok(Bandwidths {
                    h: middle(d.h, s.h, t.h),
                    b: middle(d.b, s.b, t.b),
                })
            }
        }
    }

    /// The pilot's constants of a side.
    fn pilot(&self, i: usize) -> Result<Constants, EffectError> {
        let q = self.options.bias_order;
        constants(self, i, [q + 1, q + 1, q + 2], self.most[i], 0.0)
    }

    fn bias_step(&self, i: usize, d: f64) -> Result<Constants, EffectError> {
        let (p, q) = (self.options.order, self.options.bias_order);
        constants(self, i, [q, p + 1, q + 1], d, self.options.regularisation)
    }

    fn main_step(&self, i: usize, b: f64) -> Result<Constants, EffectError> {
        let (p, q) = (self.options.order, self.options.bias_order);
        constants(
            self,
            i,
            [p, self.options.derivative, q],
            b,
            self.options.regularisation,
        )
    }

    /// One bandwidth for both sides; `sign` is −1 for the bias of a difference.
    fn joint(&self, sign: f64) -> Result<Bandwidths, EffectError> {
        let optimum = |l: &Constants, r: &Constants| {
            let bias = r.b + sign * l.b;
            let scale = self.options.regularisation;
            let value = pow((l.v + r.v) / (bias * bias + scale * (l.r + r.r)), l.rate);
            if self.options.restrict {
                value.min(self.most[0].max(self.most[1]))
            } else {
                value
            }
        };
        let mut d = optimum(&self.pilot(0)?, &self.pilot(1)?);
        if let Some(least) = self.least {
            d = d.max(least[0]).max(least[1]);
        }
        let b = optimum(&self.bias_step(0, d)?, &self.bias_step(1, d)?);
        let h = optimum(&self.main_step(0, b)?, &self.main_step(1, b)?);
        Ok(Bandwidths {
            h: [h; 2],
            b: [b; 2],
        })
    }

    /// A bandwidth for each side.
    fn separate(&self) -> Result<Bandwidths, EffectError> {
        let mut found = Bandwidths {
            h: [0.0; 2],
            b: [0.0; 2],
        };
        for i in 0..2 {
            let optimum = |c: &Constants| {
                let value = pow(
                    c.v / (c.b * c.b + self.options.regularisation * c.r),
                    c.rate,
                );
                if self.options.restrict {
                    value.min(self.most[i])
                } else {
                    value
                }
            };
            let mut d = optimum(&self.pilot(i)?);
            if let Some(least) = self.least {
                d = d.max(least[i]);
            }
            found.b[i] = optimum(&self.bias_step(i, d)?);
            found.h[i] = optimum(&self.main_step(i, found.b[i])?);
        }
        Ok(found)
    }
}

/// Variance and bias constants of a derivative `nu` from a polynomial of order `o`, its bias from
/// one of order `o_b` at bandwidth `h_b`.
fn constants(
    steps: &Steps<'_>,
    i: usize,
    [o, nu, o_b]: [usize; 3],
    h_b: f64,
    scale: f64,
) -> Result<Constants, EffectError> {
    let options = steps.options;
    let fit = Fit::at(&steps.sides[i], steps.cutoff, steps.first, o, options)?;
    let s = fit.combination(nu)?;
    let variance = fit.variance(&s, options)[nu][nu];
    let u: Vec<f64> = fit
        .side
        .x
        .iter()
        .map(|x| (x - steps.cutoff) / steps.first)
        .collect();
    let next: Vec<f64> = u.iter().map(|u| pow_int(*u, o + 1)).collect();
    let v = cross(&fit.columns, &fit.weight, &[next]);
    let constant = pow_int(steps.first, nu) * multiply(&fit.inverse, &v)[nu][0];
    let bias = Fit::at(&steps.sides[i], steps.cutoff, h_b, o_b, options)?;
    let along: f64 = s.iter().zip(&bias.beta[o + 1]).map(|(s, b)| s * b).sum();
    let regular = if scale > 0.0 {
        3.0 * constant * constant * bias.variance(&s, options)[o + 1][o + 1]
    } else {
        0.0
    };
    let gap = count(2 * (o + 1 - nu));
    Ok(Constants {
        v: count(2 * nu + 1) * pow_int(steps.first, 2 * nu + 1) * variance,
        b: gap.sqrt() * constant * along,
        r: scale * gap * regular,
        rate: 1.0 / count(2 * o + 3),
    })
}

fn pow_int(base: f64, exponent: usize) -> f64 {
    (0..exponent).fold(1.0, |product, _| product * base)
}

/// A local polynomial on one side.
struct Fit {
    side: Side,
    weight: Vec<f64>,
    columns: Vec<Vec<f64>>,
    inverse: Vec<Vec<f64>>,
    beta: Vec<Vec<f64>>,
}

impl Fit {
    fn at(
        side: &Side,
        cutoff: f64,
        h: f64,
        order: usize,
        options: &JumpOptions,
    ) -> Result<Self, EffectError> {
        let all = side.weights(cutoff, h, options.kernel);
        let rows: Vec<usize> = (0..side.n()).filter(|&row| all[row] > 0.0).collect();
        if rows.len() <= order + 1 {
            return Err(EffectError::TooFewRows {
                n_rows: rows.len(),
                n_columns: order + 1,
            });
        }
        let side = side.rows(&rows);
        let weight: Vec<f64> = rows.iter().map(|&row| all[row]).collect();
        let columns = powers(&side.x, cutoff, order);
        let inverse = inverse(&columns, &weight, h)?;
        let beta = multiply(&inverse, &cross(&columns, &weight, &side.d));
        Ok(Self {
            side,
            weight,
            columns,
            inverse,
            beta,
        })
    }

    /// How outcome, take-up and covariates combine into what is estimated.
    fn combination(&self, nu: usize) -> Result<Vec<f64>, EffectError> {
        let first = 1 + usize::from(self.side.has_take_up);
        let n_covariates = self.side.d.len() - first;
        let beta = &self.beta[nu];
        let factorial: f64 = (1..=nu).map(count).product();
        let gamma = if n_covariates > 0 {
            let part = covariate_part(&self.side, &self.weight, &self.inverse, &self.columns);
            solve(&part.zwz, &part.zwy)?
        } else {
            Vec::new()
        };
        let jump = |which: usize| {
            let adjusted: f64 = gamma
                .iter()
                .enumerate()
                .map(|(k, g)| g[which] * beta[first + k])
                .sum();
            factorial * (beta[which] - adjusted)
        };
        if !self.side.has_take_up {
            return Ok(std::iter::once(1.0)
                .chain(gamma.iter().map(|g| -g[0]))
                .collect());
        }
        let (of_outcome, of_take_up) = (jump(0), jump(1));
        let ratio = of_outcome / (of_take_up * of_take_up);
        let covariates = gamma.iter().map(|g| -g[0] / of_take_up + ratio * g[1]);
        Ok([1.0 / of_take_up, -ratio]
            .into_iter()
            .chain(covariates)
            .collect())
    }

    fn variance(&self, s: &[f64], options: &JumpOptions) -> Vec<Vec<f64>> {
        let n = self.side.n();
        let fitted: Vec<Vec<f64>> = (0..self.side.d.len())
            .map(|j| {
                (0..n)
                    .map(|row| {
                        self.columns
                            .iter()
                            .zip(&self.beta)
                            .map(|(x, b)| x[row] * b[j])
                            .sum()
                    })
                    .collect()
            })
            .collect();
        let leverage = leverages(&self.columns, &self.weight, &self.inverse);
        let all = residuals(
            &self.side,
            options.error,
            options.n_neighbours,
            &fitted,
            &leverage,
            self.columns.len(),
        );
        let residual = combined(&all, s);
        let pulls: Vec<Vec<f64>> = self
            .columns
            .iter()
            .map(|x| x.iter().zip(&self.weight).map(|(x, w)| x * w).collect())
            .collect();
        let middle = meat(&self.side, options.error, &pulls, &residual, pulls.len());
        multiply(&multiply(&self.inverse, &middle), &self.inverse)
    }
}

pub(super) fn leverages(columns: &[Vec<f64>], weight: &[f64], inverse: &[Vec<f64>]) -> Vec<f64> {
    (0..weight.len())
        .map(|row| {
            let x: Vec<f64> = columns.iter().map(|column| column[row]).collect();
            let form: f64 = x
                .iter()
                .zip(inverse)
                .map(|(a, line)| a * utfall_stats::sums::dot(line, &x))
                .sum();
            weight[row] * form
        })
        .collect()
}
