//! The comparators that focal units have taken so far.

/// No entry.
const NONE: usize = usize::MAX;

/// What each focal unit took, in one log: an entry leads to the unit's next.
pub(crate) struct Taken {
    log: Vec<Entry>,
    /// The first and the last entry of each focal unit.
    ends: Vec<(usize, usize)>,
}

struct Entry {
    position: u32,
    next: usize,
}

impl Taken {
    /// Nothing yet, for so many focal units.
    pub(crate) fn new(n_focal: usize) -> Self {
        Self {
            log: Vec::with_capacity(n_focal),
            ends: vec![(NONE, NONE); n_focal],
        }
    }

    /// Notes that a focal unit took the comparator at a position.
    pub(crate) fn push(&mut self, rank: usize, position: u32) {
        let entry = self.log.len();
        let next = NONE;
        self.log.push(Entry { position, next });
        let (first, last) = &mut self.ends[rank];
        if *first == NONE {
            *first = entry;
        } else {
            self.log[*last].next = entry;
        }
        *last = entry;
    }

    /// Positions a focal unit took, the first taken first.
    pub(crate) fn of(&self, rank: usize) -> impl Iterator<Item = u32> {
        let entry = |at: usize| self.log.get(at);
        let first = entry(self.ends[rank].0);
        std::iter::successors(first, move |before| entry(before.next)).map(|entry| entry.position)
    }

    /// Whether nobody took anything.
    pub(crate) fn is_empty(&self) -> bool {
        self.log.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_unit_has_what_it_took_in_order() {
        let mut taken = Taken::new(3);
        assert!(taken.is_empty());
        for (rank, position) in [(2, 7), (0, 4), (2, 1), (2, 9)] {
            taken.push(rank, position);
        }
        let of = |rank| taken.of(rank).collect::<Vec<_>>();
        assert_eq!((of(0), of(1), of(2)), (vec![4], vec![], vec![7, 1, 9]));
    }
}
