//! How many different values of a column look like what.

/// Values kept: a uniform sample of the different values once there are more.
const N_KEPT: usize = 1024;

/// What a value of the right shape is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    /// Neither its date nor its check is valid.
    Neither,
    /// Only its check is.
    Checked,
    /// Only its date is.
    Dated,
    /// Both are.
    Valid,
}

/// Different values, each with its class.
///
/// A value that comes a thousand times says no more than one that comes once. Those with the
/// smallest hashes are kept, which is the same whatever their order or the parts they come in.
#[derive(Debug, Clone, Default)]
pub(super) struct Distinct {
    kept: Vec<(u64, Class)>,
    /// Hashes above this are not among the smallest.
    bound: Option<u64>,
}

/// Different values by class.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) n_undated: u64,
    pub(super) n_undated_checked: u64,
    pub(super) n_dated: u64,
    pub(super) n_valid: u64,
}

impl Distinct {
    #[inline]
    pub(super) fn add(&mut self, value: &[u8], class: Class) {
        self.insert((hash(value), class));
    }

    pub(super) fn merge(&mut self, other: &Self) {
        other.kept.iter().for_each(|&value| self.insert(value));
    }

    pub(super) fn counts(&self) -> Counts {
        let mut all = self.clone();
        all.compact();
        let mut counts = Counts::default();
        for (_, class) in all.kept {
            let dated = matches!(class, Class::Dated | Class::Valid);
            counts.n_dated += u64::from(dated);
            counts.n_undated += u64::from(!dated);
            counts.n_undated_checked += u64::from(class == Class::Checked);
            counts.n_valid += u64::from(class == Class::Valid);
        }
        counts
    }

    #[inline]
    fn insert(&mut self, value: (u64, Class)) {
        if self.bound.is_some_and(|bound| value.0 > bound) {
            return;
        }
        self.kept.push(value);
        if self.kept.len() >= 4 * N_KEPT {
            self.compact();
        }
    }

    fn compact(&mut self) {
        self.kept.sort_unstable();
        self.kept.dedup();
        if self.kept.len() > N_KEPT {
            self.kept.truncate(N_KEPT);
            self.bound = self.kept.last().map(|&(hash, _)| hash);
        }
    }
}

/// FNV-1a, stirred by the last step of splitmix64 so that its high bits are as good as its low.
#[inline]
fn hash(value: &[u8]) -> u64 {
    let mut hash = value.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}
