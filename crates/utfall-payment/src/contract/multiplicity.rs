//! P-values adjusted for there being several: exact, and a function of the values alone.

use num_rational::BigRational;
use num_traits::One;

use super::Multiplicity;

/// The adjusted p-value of `p`, one of the family `all`.
///
/// Compared with a significance level it rejects exactly what the procedure at that level rejects.
/// P-values that are equal are adjusted equally, whatever their order.
pub(crate) fn adjusted(p: &BigRational, all: &[BigRational], rule: Multiplicity) -> BigRational {
    let mut sorted = all.to_vec();
    sorted.sort();
    let whole = |n: usize| BigRational::from_integer(n.into());
    let n_all = sorted.len();
    let at_or_below = sorted.iter().filter(|other| *other <= p).count();
    let below = sorted.iter().filter(|other| *other < p).count();
    // The factor of the value at a place, counted from 0 for the least.
    let times = |place: usize| &sorted[place] * whole(n_all - place);
    let found = match rule {
        Multiplicity::None => Some(p.clone()),
        Multiplicity::Bonferroni => Some(p * whole(n_all)),
        Multiplicity::Holm => (0..=below.min(n_all.saturating_sub(1))).map(times).max(),
        Multiplicity::Hochberg => (at_or_below.saturating_sub(1)..n_all).map(times).min(),
        Multiplicity::BenjaminiHochberg => (at_or_below.saturating_sub(1)..n_all)
            .map(|place| &sorted[place] * whole(n_all) / whole(place + 1))
            .min(),
    };
    found.unwrap_or_else(|| p.clone()).min(BigRational::one())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::number;

    #[test]
    fn adjusted_p_values_agree_with_the_published_procedures() {
        // Worked by hand from the papers named at `Multiplicity`.
        let given = ["0.01", "0.02", "0.03", "0.04", "0.04", "0.9"];
        let all: Vec<BigRational> = given.iter().map(|p| number::parse(p).unwrap()).collect();
        for (rule, expected) in [
            (Multiplicity::None, given),
            (
                Multiplicity::Bonferroni,
                ["0.06", "0.12", "0.18", "0.24", "0.24", "1"],
            ),
            (
                Multiplicity::Holm,
                ["0.06", "0.1", "0.12", "0.12", "0.12", "0.9"],
            ),
            (
                Multiplicity::Hochberg,
                ["0.06", "0.08", "0.08", "0.08", "0.08", "0.9"],
            ),
            (
                Multiplicity::BenjaminiHochberg,
                ["0.048", "0.048", "0.048", "0.048", "0.048", "0.9"],
            ),
        ] {
            let found: Vec<String> = all
                .iter()
                .map(|p| number::text(&adjusted(p, &all, rule)))
                .collect();
            assert_eq!(found, expected, "{rule}");
        }
    }
}
