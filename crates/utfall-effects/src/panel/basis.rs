//! What the coefficients of a set of fixed effects are multiplied with.

use super::FixedEffect;
use super::arranged::{Arranged, narrow};

/// What the coefficients of a set are multiplied with, by place.
#[derive(Debug)]
pub(super) struct Basis {
    /// The set's first constant among the coefficients, where it has constants.
    pub(super) constants: Option<usize>,
    /// The set's first slope, and the values; beside constants these are centred by group.
    pub(super) slopes: Option<(usize, Vec<f64>)>,
    /// Weighted squares by coefficient.
    pub(super) squares: Vec<f64>,
}

impl Basis {
    /// `weight` is `None` where all are one.
    pub(super) fn of(set: &FixedEffect, arranged: &Arranged, weight: Option<&[f64]>) -> Self {
        let group = &set.group;
        let weight = |row: usize| weight.map_or(1.0, |weight| weight[row]);
        let constants = set.constant.then(|| group.sums_of(|row| [weight(row)]));
        let slope = set.slope.as_ref().map(|values| {
            let mut values = values.clone();
            if let Some(weights) = &constants {
                let sums = group.sums_of(|row| [values[row] * weight(row)]);
                for (value, &code) in values.iter_mut().zip(group.codes()) {
                    *value -= sums[code][0] / weights[code][0];
                }
            }
            values
        });
        let along = slope
            .as_ref()
            .map(|values| group.sums_of(|row| [values[row] * values[row] * weight(row)]));
        let n_constants = constants.as_ref().map_or(0, Vec::len);
        Self {
            constants: set.constant.then_some(0),
            slopes: slope.map(|values| (n_constants, arranged.placed(|row| values[row]))),
            squares: constants
                .into_iter()
                .chain(along)
                .flatten()
                .flatten()
                .collect(),
        }
    }
}

/// A set that is not eliminated.
#[derive(Debug)]
pub(super) struct Other {
    /// The group of each place.
    codes: Vec<u32>,
    basis: Basis,
}

impl Other {
    /// The set, its first coefficient at a place among those of all such sets.
    pub(super) fn of(set: &FixedEffect, arranged: &Arranged, basis: Basis, first: usize) -> Self {
        let codes = set.group.codes();
        Self {
            codes: arranged.placed(|row| narrow(codes[row])),
            basis: Basis {
                constants: basis.constants.map(|at| at + first),
                slopes: basis.slopes.map(|(at, values)| (at + first, values)),
                ..basis
            },
        }
    }

    /// Adds the set's part of a place's value.
    #[inline]
    pub(super) fn add<const K: usize>(
        &self,
        place: usize,
        coefficients: &[[f64; K]],
        value: &mut [f64; K],
    ) {
        let code = self.codes[place] as usize;
        if let Some(first) = self.basis.constants {
            let own = &coefficients[first + code];
            value.iter_mut().zip(own).for_each(|(v, c)| *v += c);
        }
        if let Some((first, along)) = &self.basis.slopes {
            let own = &coefficients[first + code];
            value
                .iter_mut()
                .zip(own)
                .for_each(|(v, c)| *v += along[place] * c);
        }
    }

    /// Adds a place's weighted value to the sums of its groups.
    #[inline]
    pub(super) fn collect<const K: usize>(
        &self,
        place: usize,
        value: &[f64; K],
        sums: &mut [[f64; K]],
    ) {
        let code = self.codes[place] as usize;
        if let Some(first) = self.basis.constants {
            let own = &mut sums[first + code];
            own.iter_mut().zip(value).for_each(|(s, v)| *s += v);
        }
        if let Some((first, along)) = &self.basis.slopes {
            let own = &mut sums[first + code];
            own.iter_mut()
                .zip(value)
                .for_each(|(s, v)| *s += along[place] * v);
        }
    }
}
