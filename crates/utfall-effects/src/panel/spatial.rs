//! Which rows are near each other on the globe, for errors that places share.

use serde::{Deserialize, Serialize};
use utfall_stats::elementary;

/// How far two places are from each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Distance {
    /// On a sphere, 12,752 km across: the great circle.
    Spherical,
    /// On the plane of 111 km for a degree, degrees of longitude narrowed by the cosine of the mean
    /// latitude of the two.
    Triangular,
}

/// The place of each row and the distance within which errors go together.
#[derive(Debug, Clone, PartialEq)]
pub struct Places {
    /// Degrees north.
    pub latitude: Vec<f64>,
    /// Degrees east.
    pub longitude: Vec<f64>,
    /// Kilometres within which two rows count as dependent; this far is within.
    pub cutoff_km: f64,
    /// How distances are measured.
    pub distance: Distance,
}

impl Places {
    /// Kilometres between two rows.
    #[must_use]
    pub fn kilometres(&self, one: usize, other: usize) -> f64 {
        let radians = std::f64::consts::PI / 180.0;
        let (south, north) = (self.latitude[one], self.latitude[other]);
        let along = self.longitude[one] - self.longitude[other];
        match self.distance {
            Distance::Spherical => {
                let half = |degrees: f64| elementary::sin(0.5 * degrees * radians);
                let (up, across) = (half(north - south), half(along));
                let narrow = elementary::cos(south * radians) * elementary::cos(north * radians);
                12752.0 * elementary::asin((up * up + narrow * across * across).sqrt().min(1.0))
            }
            Distance::Triangular => {
                let across = elementary::cos(0.5 * (south + north) * radians) * along;
                let up = south - north;
                111.0 * (up * up + across * across).sqrt()
            }
        }
    }

    /// Sums of a column over the rows near each row, itself included; rows in order of latitude, so
    /// that only those in a band are looked at.
    pub(crate) fn sums_nearby(&self, columns: &[&[f64]]) -> Vec<Vec<f64>> {
        let n_rows = self.latitude.len();
        let mut order: Vec<usize> = (0..n_rows).collect();
        order.sort_by(|&a, &b| {
            self.latitude[a]
                .total_cmp(&self.latitude[b])
                .then(a.cmp(&b))
        });
        let band = 1.01 * self.cutoff_km / 111.0;
        let mut sums: Vec<Vec<f64>> = columns.iter().map(|column| column.to_vec()).collect();
        for (place, &row) in order.iter().enumerate() {
            for &other in &order[place + 1..] {
                if self.latitude[other] - self.latitude[row] > band {
                    break;
                }
                if self.kilometres(row, other) <= self.cutoff_km {
                    for (sum, column) in sums.iter_mut().zip(columns) {
                        sum[row] += column[other];
                        sum[other] += column[row];
                    }
                }
            }
        }
        sums
    }
}
