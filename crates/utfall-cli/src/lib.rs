//! utfall-cli
