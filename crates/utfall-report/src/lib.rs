//! utfall-report
