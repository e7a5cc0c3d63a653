//! utfall-evidence
