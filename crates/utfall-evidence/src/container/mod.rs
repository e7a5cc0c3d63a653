//! The zip a bundle travels in: one set of files, one sequence of bytes.
//!
//! Files are stored uncompressed in the order of their names, dated 1980-01-01, with the
//! permissions of an ordinary file, without extra fields, comments or gaps. A zip is read
//! leniently and then compared with the one that would have been written from what was read, so
//! that no byte is without meaning and none can differ unnoticed.

mod layout;
mod read;
mod write;

pub(crate) use read::read;
pub(crate) use write::write;
