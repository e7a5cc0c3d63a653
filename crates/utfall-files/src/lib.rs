//! utfall-files
