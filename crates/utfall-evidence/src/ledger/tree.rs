//! The tree over a ledger's entries, RFC 6962: roots and paths from stored hashes.
//!
//! A node is named by its level above the leaves and its place in that level. Only whole subtrees
//! have stored hashes; everything else is made of them.

use utfall_files::Digest;

/// The hash of two hashes side by side.
pub(crate) fn node_hash(left: &Digest, right: &Digest) -> Digest {
    let mut bytes = [1; 65];
    bytes[1..33].copy_from_slice(left.as_bytes());
    bytes[33..].copy_from_slice(right.as_bytes());
    Digest::sha256(&bytes)
}

/// The hashes of whole subtrees.
pub(crate) trait Hashes {
    /// Why a hash cannot be had.
    type Error;

    /// The hash of the subtree at `index` of `level`, which is whole.
    fn hash(&mut self, level: u32, index: u64) -> Result<Digest, Self::Error>;
}

/// The root over the first `size` leaves; that of none is the SHA-256 of nothing.
pub(crate) fn root<H: Hashes>(hashes: &mut H, size: u64) -> Result<Digest, H::Error> {
    if size == 0 {
        return Ok(Digest::sha256(b""));
    }
    over(hashes, 0, size)
}

/// The hash over the leaves from `start` until `end`, of which there is one at least.
pub(crate) fn over<H: Hashes>(hashes: &mut H, start: u64, end: u64) -> Result<Digest, H::Error> {
    let n = end - start;
    if n.is_power_of_two() {
        let level = n.trailing_zeros();
        return hashes.hash(level, start >> level);
    }
    let middle = start + split(n);
    let left = over(hashes, start, middle)?;
    let right = over(hashes, middle, end)?;
    Ok(node_hash(&left, &right))
}

/// The largest power of two below `n`, which is two or more.
fn split(n: u64) -> u64 {
    1 << (n - 1).ilog2()
}

/// The hashes beside the way from leaf `index` to the root over `size` leaves, from below.
pub(crate) fn inclusion<H: Hashes>(
    hashes: &mut H,
    index: u64,
    size: u64,
) -> Result<Vec<Digest>, H::Error> {
    let (mut start, mut end) = (0, size);
    let mut path = Vec::new();
    while end - start > 1 {
        let middle = start + split(end - start);
        if index < middle {
            path.push(over(hashes, middle, end)?);
            end = middle;
        } else {
            path.push(over(hashes, start, middle)?);
            start = middle;
        }
    }
    path.reverse();
    Ok(path)
}

/// The hashes that show that the tree over `size` leaves begins with that over `earlier`, which
/// is not zero and not larger.
pub(crate) fn consistency<H: Hashes>(
    hashes: &mut H,
    earlier: u64,
    size: u64,
) -> Result<Vec<Digest>, H::Error> {
    let (mut start, mut end) = (0, size);
    let mut is_known = true; // the subtree at hand is the whole earlier tree
    let mut path = Vec::new();
    while earlier != end {
        let middle = start + split(end - start);
        if earlier <= middle {
            path.push(over(hashes, middle, end)?);
            end = middle;
        } else {
            path.push(over(hashes, start, middle)?);
            start = middle;
            is_known = false;
        }
    }
    if !is_known {
        path.push(over(hashes, start, end)?);
    }
    path.reverse();
    Ok(path)
}
