//! How far two weighted distribution functions lie apart.

/// Sorted values of both arms, as runs of equal values.
pub(crate) struct Runs {
    /// Units in the order of their values.
    order: Vec<usize>,
    /// Whether the next unit in the order has another value, or there is none.
    ends: Vec<bool>,
}

/// Mean and largest distance between two distribution functions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Apart {
    pub(crate) mean: f64,
    pub(crate) max: f64,
}

impl Runs {
    /// Sorts finite values.
    pub(crate) fn new(values: &[f64]) -> Self {
        let mut order: Vec<usize> = (0..values.len()).collect();
        order.sort_unstable_by(|&a, &b| values[a].total_cmp(&values[b]).then(a.cmp(&b)));
        let differs = |pair: &[usize]| values[pair[0]] < values[pair[1]];
        let ends = order
            .windows(2)
            .map(differs)
            .chain(order.last().map(|_| true))
            .collect();
        Self { order, ends }
    }

    /// Compares the arms' distribution functions at every value that occurs in either arm, whether
    /// its units have weight or not.
    pub(crate) fn apart(&self, treated: &[bool], weights: &[f64]) -> Apart {
        let (mut above, mut below) = (0.0, 0.0);
        for (&is_treated, weight) in treated.iter().zip(weights) {
            if is_treated {
                above += weight
            } else {
                below += weight
            }
        }
        let (mut of_treated, mut of_comparator) = (0.0, 0.0);
        let (mut sum, mut max, mut n_values) = (0.0, 0.0_f64, 0_usize);
        for (&unit, &is_end) in self.order.iter().zip(&self.ends) {
            if treated[unit] {
                of_treated += weights[unit]
            } else {
                of_comparator += weights[unit]
            }
            if is_end {
                let apart = (of_treated / above - of_comparator / below).abs();
                sum += apart;
                max = max.max(apart);
                n_values += 1;
            }
        }
        Apart {
            mean: sum / utfall_stats::moments::count(n_values),
            max,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arms_without_overlap_lie_one_apart() {
        let values = [1.0, 2.0, 3.0, 4.0];
        let apart = Runs::new(&values).apart(&[true, true, false, false], &[1.0; 4]);
        assert!((apart.max - 1.0).abs() < 1e-15);
        assert!((apart.mean - 0.5).abs() < 1e-15);
    }

    #[test]
    fn equal_values_are_compared_once() {
        let apart = Runs::new(&[5.0, 5.0, 5.0]).apart(&[true, false, false], &[1.0; 3]);
        assert_eq!(
            apart,
            Apart {
                mean: 0.0,
                max: 0.0
            }
        );
    }
}
