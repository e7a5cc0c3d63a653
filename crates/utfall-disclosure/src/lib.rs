//! utfall-disclosure
