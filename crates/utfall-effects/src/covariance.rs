//! The covariance of all coefficients with clusters, from one reading of the columns.
//!
//! [`crate::infer`] takes one contrast at a time and keeps each row's influence. Where only the
//! errors of many coefficients are wanted, the scores of clusters are enough.

use crate::{EffectError, Grouping, StandardError, WeightedRegression};

impl WeightedRegression<'_> {
    /// The covariance of all coefficients with clusters: for `cr0`, `cr1`, `cr1-p` and `cr1-stata`.
    ///
    /// # Errors
    ///
    /// [`EffectError::KindUndefined`] for any other kind, [`EffectError::LengthMismatch`],
    /// [`EffectError::TooFewClusters`] and [`EffectError::ClustersForColumns`] where the clusters do
    /// not suit.
    pub fn cluster_covariance(
        &self,
        kind: StandardError,
        clusters: &Grouping,
    ) -> Result<Vec<Vec<f64>>, EffectError> {
        let plain = kind.is_clustered() && !matches!(kind, StandardError::Cr2 | StandardError::Cr3);
        if !plain {
            return Err(EffectError::KindUndefined { kind });
        }
        let factor = crate::standard_error::cluster_factor(kind, self, clusters)?;
        let n_columns = self.n_columns();
        let scores = self.scores(&self.weighted(self.residual()), clusters);
        let product = |j: usize, k: usize| -> f64 {
            factor
                * scores[j]
                    .iter()
                    .zip(&scores[k])
                    .map(|(a, b)| a * b)
                    .sum::<f64>()
        };
        let middle: Vec<Vec<f64>> = (0..n_columns)
            .map(|j| (0..n_columns).map(|k| product(j, k)).collect())
            .collect();
        let rows: Vec<Vec<f64>> = (0..n_columns)
            .map(|k| self.along(&unit(k, n_columns)))
            .collect();
        let entry = |a: &[f64], b: &[f64]| -> f64 {
            let line = |line: &Vec<f64>| line.iter().zip(b).map(|(m, b)| m * b).sum::<f64>();
            a.iter().zip(&middle).map(|(a, m)| a * line(m)).sum()
        };
        Ok(rows
            .iter()
            .map(|a| rows.iter().map(|b| entry(a, b)).collect())
            .collect())
    }
}

fn unit(k: usize, n: usize) -> Vec<f64> {
    (0..n).map(|j| f64::from(u8::from(j == k))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_diagonal_is_the_square_of_each_coefficients_error() {
        let n = 60_u32;
        let one = vec![1.0; 60];
        let x: Vec<f64> = (0..n).map(|i| f64::from(i * 7 % 13)).collect();
        let y: Vec<f64> = (0..n)
            .map(|i| f64::from(i * i % 17) + f64::from(i % 6))
            .collect();
        let weight: Vec<f64> = (0..n).map(|i| 1.0 + f64::from(i % 3)).collect();
        let way = Grouping::of(&(0..n).map(|i| i % 6).collect::<Vec<_>>());
        let fit = WeightedRegression::fit(&[&one, &x], &weight, &y).unwrap();
        for kind in [
            StandardError::Cr0,
            StandardError::Cr1,
            StandardError::Cr1Stata,
        ] {
            let covariance = fit.cluster_covariance(kind, &way).unwrap();
            for (k, line) in covariance.iter().enumerate() {
                let contrast = fit.coefficient(k).unwrap();
                let variance = crate::standard_error::variance(kind, &fit, &contrast, &[&way]);
                assert!((line[k] / variance.unwrap() - 1.0).abs() < 1e-12, "{kind}");
            }
            assert!((covariance[0][1] - covariance[1][0]).abs() < 1e-12);
        }
        let refused = fit.cluster_covariance(StandardError::Hc1, &way);
        assert!(matches!(refused, Err(EffectError::KindUndefined { .. })));
    }
}
