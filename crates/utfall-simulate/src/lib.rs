//! utfall-simulate
