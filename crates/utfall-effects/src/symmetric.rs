//! Eigenvalues of a small symmetric matrix by Jacobi's rotations.
//!
//! Used for the square roots in bias-reduced errors, where the matrix has at most twice as many
//! rows as the regression has coefficients. Rotations run in a fixed order, so the bits are too.
//!
//! Golub & Van Loan (2013), *Matrix Computations*, 4th edition, section 8.5.

const MOST_SWEEPS: usize = 60;

/// `f` of a symmetric matrix: its eigenvalues are mapped, its eigenvectors kept.
pub(crate) fn apply(matrix: &[Vec<f64>], f: impl Fn(f64) -> f64) -> Vec<Vec<f64>> {
    let (values, vectors) = eigen(matrix);
    let n = values.len();
    let mapped: Vec<f64> = values.into_iter().map(f).collect();
    (0..n)
        .map(|i| {
            (0..n)
                .map(|j| {
                    (0..n)
                        .map(|k| vectors[i][k] * mapped[k] * vectors[j][k])
                        .sum()
                })
                .collect()
        })
        .collect()
}

/// The eigenvalues, in no order.
pub(crate) fn values(matrix: &[Vec<f64>]) -> Vec<f64> {
    eigen(matrix).0
}

/// Eigenvalues, and eigenvectors as columns.
fn eigen(matrix: &[Vec<f64>]) -> (Vec<f64>, Vec<Vec<f64>>) {
    let n = matrix.len();
    let mut a = matrix.to_vec();
    let mut vectors: Vec<Vec<f64>> = (0..n)
        .map(|i| (0..n).map(|j| f64::from(u8::from(i == j))).collect())
        .collect();
    for _ in 0..MOST_SWEEPS {
        let off: f64 = (0..n)
            .flat_map(|i| (0..i).map(move |j| (i, j)))
            .map(|(i, j)| a[i][j] * a[i][j])
            .sum();
        let all: f64 = a.iter().flatten().map(|value| value * value).sum();
        if off <= f64::EPSILON * f64::EPSILON * all {
            break;
        }
        for p in 0..n {
            for q in p + 1..n {
                rotate(&mut a, &mut vectors, p, q);
            }
        }
    }
    ((0..n).map(|i| a[i][i]).collect(), vectors)
}

/// Zeroes the entry `(p, q)`.
fn rotate(a: &mut [Vec<f64>], vectors: &mut [Vec<f64>], p: usize, q: usize) {
    if a[p][q].abs() <= f64::MIN_POSITIVE {
        return;
    }
    let theta = (a[q][q] - a[p][p]) / (2.0 * a[p][q]);
    let tangent = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
    let cosine = 1.0 / (tangent * tangent + 1.0).sqrt();
    let sine = tangent * cosine;
    for row in a.iter_mut() {
        (row[p], row[q]) = (
            cosine * row[p] - sine * row[q],
            sine * row[p] + cosine * row[q],
        );
    }
    let (upper, lower) = a.split_at_mut(q);
    for (above, below) in upper[p].iter_mut().zip(&mut lower[0]) {
        (*above, *below) = (
            cosine * *above - sine * *below,
            sine * *above + cosine * *below,
        );
    }
    for row in vectors.iter_mut() {
        (row[p], row[q]) = (
            cosine * row[p] - sine * row[q],
            sine * row[p] + cosine * row[q],
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_square_of_the_square_root_is_the_matrix() {
        let matrix = vec![
            vec![4.0, 1.0, -0.5],
            vec![1.0, 3.0, 0.25],
            vec![-0.5, 0.25, 2.0],
        ];
        let root = apply(&matrix, f64::sqrt);
        for i in 0..3 {
            for j in 0..3 {
                let product: f64 = (0..3).map(|k| root[i][k] * root[k][j]).sum();
                assert!((product - matrix[i][j]).abs() < 1e-14);
            }
        }
    }

    #[test]
    fn a_diagonal_matrix_keeps_its_diagonal() {
        assert_eq!(
            apply(&[vec![4.0, 0.0], vec![0.0, 9.0]], f64::sqrt),
            [vec![2.0, 0.0], vec![0.0, 3.0]]
        );
    }
}
