//! utfall-verify
