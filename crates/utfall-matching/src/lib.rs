//! utfall-matching
