//! utfall-stats
