//! utfall-pipeline
