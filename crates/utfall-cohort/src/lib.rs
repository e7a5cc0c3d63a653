//! utfall-cohort
