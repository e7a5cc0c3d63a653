//! Exponentials, logarithms and powers that are the same to the last bit on every machine.

pub use libm::{asin, atan, cos, exp, expm1, lgamma, log, log1p, pow, sin, tan};
