//! utfall-bench
