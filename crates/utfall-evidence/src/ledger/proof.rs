//! Checking proofs, RFC 9162 sections 2.1.3.2 and 2.1.4.2.

use utfall_files::Digest;

use super::tree::node_hash;

/// The hash of an entry as a leaf of the tree.
#[must_use]
pub fn leaf_hash(entry: &[u8]) -> Digest {
    Digest::sha256(&[&[0], entry].concat())
}

/// Whether `path` leads from a leaf at `index` to the root over `size` leaves.
#[must_use]
pub fn verify_inclusion(
    leaf: &Digest,
    index: u64,
    size: u64,
    path: &[Digest],
    root: &Digest,
) -> bool {
    if index >= size {
        return false;
    }
    let (mut place, mut last) = (index, size - 1);
    let mut hash = *leaf;
    for beside in path {
        if last == 0 {
            return false;
        }
        if place & 1 == 1 || place == last {
            hash = node_hash(beside, &hash);
            while place & 1 == 0 && place != 0 {
                (place, last) = (place >> 1, last >> 1);
            }
        } else {
            hash = node_hash(&hash, beside);
        }
        (place, last) = (place >> 1, last >> 1);
    }
    last == 0 && hash == *root
}

/// Whether `path` shows that a tree of `size` leaves begins with one of `earlier` leaves.
#[must_use]
pub fn verify_consistency(
    earlier: u64,
    earlier_root: &Digest,
    size: u64,
    root: &Digest,
    path: &[Digest],
) -> bool {
    if earlier > size {
        return false;
    }
    if earlier == size {
        return path.is_empty() && earlier_root == root;
    }
    if earlier == 0 {
        return path.is_empty() && *earlier_root == Digest::sha256(b"");
    }
    let (first, rest) = if earlier.is_power_of_two() {
        (earlier_root, path)
    } else {
        match path.split_first() {
            Some(parts) => parts,
            None => return false,
        }
    };
    let (mut place, mut last) = (earlier - 1, size - 1);
    while place & 1 == 1 {
        (place, last) = (place >> 1, last >> 1);
    }
    let (mut of_earlier, mut of_later) = (*first, *first);
    for beside in rest {
        if last == 0 {
            return false;
        }
        if place & 1 == 1 || place == last {
            of_earlier = node_hash(beside, &of_earlier);
            of_later = node_hash(beside, &of_later);
            while place & 1 == 0 && place != 0 {
                (place, last) = (place >> 1, last >> 1);
            }
        } else {
            of_later = node_hash(&of_later, beside);
        }
        (place, last) = (place >> 1, last >> 1);
    }
    last == 0 && of_earlier == *earlier_root && of_later == *root
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::tree::{Hashes, consistency, inclusion, over, root};

    /// Hashes of a list of leaves, by the definition.
    struct Leaves(Vec<Digest>);

    impl Hashes for Leaves {
        type Error = std::convert::Infallible;

        fn hash(&mut self, level: u32, index: u64) -> Result<Digest, Self::Error> {
            if level == 0 {
                return Ok(self.0[usize::try_from(index).unwrap()]);
            }
            let left = self.hash(level - 1, 2 * index)?;
            Ok(node_hash(&left, &self.hash(level - 1, 2 * index + 1)?))
        }
    }

    fn leaves(n: u64) -> Leaves {
        Leaves((0..n).map(|i| leaf_hash(&i.to_be_bytes())).collect())
    }

    /// The test vectors of RFC 6962 implementations (certificate-transparency-go, `merkletree`).
    #[test]
    fn the_published_roots_come_out() {
        let entries = [
            "",
            "00",
            "10",
            "2021",
            "3031",
            "40414243",
            "5051525354555657",
            "606162636465666768696a6b6c6d6e6f",
        ];
        let roots = [
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ];
        let mut leaves = Leaves(
            entries
                .map(|hex| leaf_hash(&hex::decode(hex).unwrap()))
                .into(),
        );
        for (size, expected) in (1..).zip(roots) {
            assert_eq!(root(&mut leaves, size).unwrap().to_string(), expected);
        }
    }

    #[test]
    fn every_leaf_is_shown_in_every_tree_and_nowhere_else() {
        for size in 1..40 {
            let mut all = leaves(size);
            let whole = root(&mut all, size).unwrap();
            for index in 0..size {
                let path = inclusion(&mut all, index, size).unwrap();
                let leaf = leaf_hash(&index.to_be_bytes());
                for other in 0..size + 2 {
                    let shown = verify_inclusion(&leaf, other, size, &path, &whole);
                    assert_eq!(shown, other == index, "{index} as {other} of {size}");
                }
                assert!(!verify_inclusion(
                    &leaf_hash(b"x"),
                    index,
                    size,
                    &path,
                    &whole
                ));
                let longer = [path.as_slice(), &[leaf]].concat();
                assert!(!verify_inclusion(&leaf, index, size, &longer, &whole));
            }
        }
    }

    #[test]
    fn every_tree_begins_with_every_smaller_one_and_with_no_other() {
        for size in 1..40 {
            let mut all = leaves(size);
            let whole = root(&mut all, size).unwrap();
            for earlier in 1..=size {
                let path = consistency(&mut all, earlier, size).unwrap();
                let before = over(&mut all, 0, earlier).unwrap();
                assert!(verify_consistency(earlier, &before, size, &whole, &path));
                let fork = leaf_hash(b"fork");
                assert!(!verify_consistency(earlier, &fork, size, &whole, &path));
                assert!(!verify_consistency(earlier, &before, size, &fork, &path));
                assert!(!verify_consistency(size + 1, &before, size, &whole, &path));
                if earlier < size {
                    let other = verify_consistency(earlier + 1, &before, size, &whole, &path);
                    assert!(!other, "{earlier} of {size}");
                }
            }
        }
    }
}
