//! utfall-effects
