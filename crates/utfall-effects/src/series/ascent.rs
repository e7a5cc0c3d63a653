//! The highest point of a function of a few numbers, without derivatives: a grid, then Nelder and
//! Mead's simplex from its best point, begun anew until it stays.
//!
//! Nelder & Mead (1965), <https://doi.org/10.1093/comjnl/7.4.308>.

/// Rises that count as none.
const SETTLED: f64 = 1e-11;
const MOST_STEPS: usize = 2_000;
const MOST_STARTS: usize = 20;

/// Where `value` is highest, from the best of the grid in each of `n` numbers. Ties go to what was
/// tried first.
pub(super) fn highest(value: &dyn Fn(&[f64]) -> f64, grid: &[f64], n: usize) -> Vec<f64> {
    let n_points = (0..n).fold(1, |product, _| product * grid.len());
    let mut best = (f64::NEG_INFINITY, vec![grid[0]; n]);
    for point in 0..n_points {
        let mut rest = point;
        let place: Vec<f64> = (0..n)
            .map(|_| {
                let at = grid[rest % grid.len()];
                rest /= grid.len();
                at
            })
            .collect();
        let here = value(&place);
        if here > best.0 {
            best = (here, place);
        }
    }
    for start in 0..MOST_STARTS {
        let step = if start == 0 { 0.1 } else { 0.01 };
        let next = climbed(value, &best, step);
        let rise = next.0 - best.0;
        best = next;
        if rise <= SETTLED && start > 1 {
            break;
        }
    }
    best.1
}

type Corner = (f64, Vec<f64>);

fn climbed(value: &dyn Fn(&[f64]) -> f64, from: &Corner, step: f64) -> Corner {
    let n = from.1.len();
    let mut corners = vec![from.clone()];
    for which in 0..n {
        let mut place = from.1.clone();
        place[which] += step;
        corners.push((value(&place), place));
    }
    for _ in 0..MOST_STEPS {
        corners.sort_by(|a, b| b.0.total_cmp(&a.0));
        if corners[0].0 - corners[n].0 <= SETTLED {
            break;
        }
        let centre: Vec<f64> = (0..n)
            .map(|i| {
                let sum: f64 = corners[..n].iter().map(|corner| corner.1[i]).sum();
                sum / utfall_stats::moments::count(n)
            })
            .collect();
        let moved = |by: f64| {
            let worst = &corners[n].1;
            let place: Vec<f64> = (0..n)
                .map(|i| centre[i] + by * (centre[i] - worst[i]))
                .collect();
            (value(&place), place)
        };
        let reflected = moved(1.0);
        if reflected.0 > corners[0].0 {
            let further = moved(2.0);
            corners[n] = if further.0 > reflected.0 {
                further
            } else {
                reflected
            };
        } else if n > 1 && reflected.0 > corners[n - 1].0 {
            corners[n] = reflected;
        } else {
            let nearer = if reflected.0 > corners[n].0 {
                moved(0.5)
            } else {
                moved(-0.5)
            };
            if nearer.0 > corners[n].0.max(reflected.0) {
                corners[n] = nearer;
            } else {
                let top = corners[0].1.clone();
                for corner in &mut corners[1..] {
                    let place: Vec<f64> = corner
                        .1
                        .iter()
                        .zip(&top)
                        .map(|(a, b)| 0.5 * (a + b))
                        .collect();
                    *corner = (value(&place), place);
                }
            }
        }
    }
    corners.sort_by(|a, b| b.0.total_cmp(&a.0));
    corners.swap_remove(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bent_ridge_is_climbed_to_its_top() {
        let rosenbrock = |p: &[f64]| {
            let (a, b) = (1.0 - p[0], p[1] - p[0] * p[0]);
            -(a * a + 100.0 * b * b)
        };
        let top = highest(&rosenbrock, &[-1.2, 0.5], 2);
        assert!((top[0] - 1.0).abs() < 1e-4 && (top[1] - 1.0).abs() < 1e-4);
    }
}
