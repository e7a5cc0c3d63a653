//! utfall-payment
