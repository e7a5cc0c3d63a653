//! Kernels on slices: ordered sums and moments, small dense matrices, distributions, random
//! streams, logistic regression.
//!
//! Everything here gives the same bits on any x86-64 machine and with any number of threads:
//! sums run over fixed blocks in a fixed order, `exp` and `log` come from `libm`, and where a
//! processor has wider registers only their width differs. Nothing here knows a table, a file or a
//! contract.

pub mod binary;
pub mod chi_squared;
pub mod draws;
pub mod elementary;
pub mod fisher_f;
pub mod gamma;
pub mod incomplete_beta;
pub mod logistic;
pub mod moments;
pub mod noncentral_f;
pub mod noncentral_t;
pub mod normal;
pub mod proportion;
pub mod scan;
pub mod student_t;
pub mod sums;

mod cholesky;
mod first_row;
mod gram;
mod in_order;
mod matrix;
mod products;
mod tile;
mod widest;

pub use cholesky::{Cholesky, NotPositiveDefinite};
pub use first_row::first_row;
pub use gram::{cross_product, cross_product_of};
pub use in_order::InOrder;
pub use matrix::{Matrix, MatrixError};
pub use products::take_columns;
pub use pulp::{Simd, WithSimd};
pub use widest::widest;
