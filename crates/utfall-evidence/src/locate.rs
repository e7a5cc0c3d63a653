//! Finding the byte that was changed.
//!
//! A zip carries a checksum of each file. A change of one byte leaves a trace in the checksum
//! that fits few places; the digest of the whole file then tells which of them is the one. So
//! the place of a single changed byte is known with the certainty of the digest.

use utfall_files::Digest;

/// The polynomial of the zip's checksum, bits reversed.
const POLYNOMIAL: u32 = 0xedb8_8320;

/// A byte that was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ChangedByte {
    /// Its offset in the file.
    pub(crate) offset: usize,
    /// The byte that was sealed.
    pub(crate) sealed: u8,
    /// The byte that is there.
    pub(crate) found: u8,
}

/// The one byte that must be put back for `bytes` to have the digest that was sealed; `None` if
/// no single byte does.
pub(crate) fn changed_byte(
    bytes: &[u8],
    sealed_checksum: u32,
    sealed: &Digest,
) -> Option<ChangedByte> {
    let undo = undo();
    let mut trace = crc32fast::hash(bytes) ^ sealed_checksum;
    for offset in (0..bytes.len()).rev() {
        trace = trace << 8 ^ undo[(trace >> 24) as usize]; // as it was a byte earlier
        if let Ok(change) = u8::try_from(trace) {
            let found = bytes[offset];
            let candidate = ChangedByte {
                offset,
                sealed: found ^ change,
                found,
            };
            if restored(bytes, candidate) == *sealed {
                return Some(candidate);
            }
        }
    }
    None
}

fn restored(bytes: &[u8], change: ChangedByte) -> Digest {
    let mut bytes = bytes.to_vec();
    bytes[change.offset] = change.sealed;
    Digest::sha256(&bytes)
}

/// What takes one byte of zeros back out of a checksum, by its top byte: the entry of the
/// [`table`] that has this top byte, moved up, and the byte whose entry it is.
fn undo() -> [u32; 256] {
    let mut undo = [0; 256];
    for (entry, byte) in table().into_iter().zip(0_u32..) {
        undo[(entry >> 24) as usize] = entry << 8 | byte;
    }
    undo
}

/// The checksum's effect of each byte.
fn table() -> [u32; 256] {
    let mut table = [0; 256];
    for (entry, byte) in table.iter_mut().zip(0_u32..) {
        *entry = (0..8).fold(byte, |value, _| {
            value >> 1 ^ if value & 1 == 1 { POLYNOMIAL } else { 0 }
        });
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_byte_is_found_wherever_it_is() {
        let sealed: Vec<u8> = (0..997_u32).map(|i| (i * i % 253) as u8).collect();
        let (checksum, digest) = (crc32fast::hash(&sealed), Digest::sha256(&sealed));
        for offset in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[offset] ^= 0x5a;
            let expected = ChangedByte {
                offset,
                sealed: sealed[offset],
                found: changed[offset],
            };
            assert_eq!(changed_byte(&changed, checksum, &digest), Some(expected));
        }
    }

    #[test]
    fn two_changed_bytes_are_no_single_one() {
        let sealed = vec![1; 500];
        let mut changed = sealed.clone();
        (changed[3], changed[400]) = (2, 2);
        assert_eq!(
            changed_byte(&changed, crc32fast::hash(&sealed), &Digest::sha256(&sealed)),
            None
        );
    }
}
