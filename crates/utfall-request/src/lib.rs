//! One request file in, every named number out.
