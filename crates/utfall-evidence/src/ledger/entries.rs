//! Entries in their tiles: each after its length in two bytes.

/// Longest entry in bytes.
pub(crate) const LONGEST: usize = u16::MAX as usize;

/// Adds an entry to the bytes of a tile; `None` if it is too long.
pub(crate) fn push(tile: &mut Vec<u8>, entry: &[u8]) -> Option<()> {
    let length = u16::try_from(entry.len()).ok()?;
    tile.extend_from_slice(&length.to_be_bytes());
    tile.extend_from_slice(entry);
    Some(())
}

/// The entries of a tile; `None` if its bytes end within one.
pub(crate) fn split(mut tile: &[u8]) -> Option<Vec<&[u8]>> {
    let mut entries = Vec::new();
    while let Some((length, rest)) = tile.split_first_chunk::<2>() {
        let (entry, rest) = rest.split_at_checked(u16::from_be_bytes(*length).into())?;
        entries.push(entry);
        tile = rest;
    }
    tile.is_empty().then_some(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_read_back_and_a_cut_tile_is_noticed() {
        let mut tile = Vec::new();
        for entry in [b"".as_slice(), b"a", b"bc"] {
            push(&mut tile, entry).unwrap();
        }
        assert_eq!(split(&tile).unwrap(), [b"".as_slice(), b"a", b"bc"]);
        assert_eq!(split(&tile[..tile.len() - 1]), None);
        assert_eq!(split(&tile[..1]), None);
        assert_eq!(push(&mut tile, &[0; LONGEST + 1]), None);
    }
}
