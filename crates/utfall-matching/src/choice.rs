//! Choosing the nearest free comparator on a line, under either rule for ties.

use std::cmp::Ordering;

use crate::greedy::Choice;
use crate::line::{Line, Place};

impl Line {
    /// The nearest on either side; of the equally near the lowest index.
    pub(crate) fn lowest_id(
        &mut self,
        Place { position, stratum }: Place,
        width: f64,
        may_take: &impl Fn(u32, u32) -> bool,
    ) -> Option<Choice> {
        let below = self.free_left(position - 1, stratum, may_take);
        // The last of a tie is met first from above; its first free member has the lowest index.
        let below = below.and_then(|last| {
            let first = match self.tie_start(stratum.0, last) {
                start if start == last => last,
                start => self.free_right(start, stratum, may_take)?,
            };
            self.within(width, position, first, first != last)
        });
        let above = self.free_right(position + 1, stratum, may_take);
        let above = above.and_then(|first| {
            let is_tied = self.is_same_score(first, first + 1) && {
                let next = self.free_right(first + 1, stratum, may_take);
                next.is_some_and(|next| self.is_same_score(first, next))
            };
            self.within(width, position, first, is_tied)
        });
        nearer(below, above, |below, above| {
            self.unit(below) < self.unit(above)
        })
    }

    /// The nearest met when walking outwards from what is spanned, one step down and one up in turn.
    pub(crate) fn by_walk(
        &mut self,
        Place { position, stratum }: Place,
        (first, last): (u32, u32),
        width: f64,
        may_take: &impl Fn(u32, u32) -> bool,
    ) -> Option<Choice> {
        let below = self.free_left(first - 1, stratum, may_take);
        let below = below.and_then(|met| {
            let next = self.free_left(met - 1, stratum, may_take);
            let is_tied = next.is_some_and(|next| self.is_same_score(next, met));
            self.within(width, position, met, is_tied)
        });
        let above = self.free_right(last + 1, stratum, may_take);
        let above = above.and_then(|met| {
            let next = self.free_right(met + 1, stratum, may_take);
            let is_tied = next.is_some_and(|next| self.is_same_score(met, next));
            self.within(width, position, met, is_tied)
        });
        nearer(below, above, |below, above| first - below <= above - last)
    }

    fn is_same_score(&self, a: u32, b: u32) -> bool {
        self.distance(a).partial_cmp(&self.distance(b)) == Some(Ordering::Equal)
    }

    fn within(&self, width: f64, from: u32, position: u32, is_tied: bool) -> Option<Choice> {
        let distance = (self.distance(from) - self.distance(position)).abs();
        (distance <= width).then_some(Choice {
            position,
            distance,
            is_tied,
        })
    }
}

/// The nearer of a choice on either side; `prefers_below` decides where they are equally near.
fn nearer(
    below: Option<Choice>,
    above: Option<Choice>,
    prefers_below: impl Fn(u32, u32) -> bool,
) -> Option<Choice> {
    let (Some(below), Some(above)) = (below, above) else {
        return below.or(above);
    };
    let chosen = match below.distance.total_cmp(&above.distance) {
        Ordering::Less => below,
        Ordering::Greater => above,
        Ordering::Equal => {
            let is_below = prefers_below(below.position, above.position);
            let chosen = if is_below { below } else { above };
            Choice {
                is_tied: true,
                ..chosen
            }
        }
    };
    Some(chosen)
}
