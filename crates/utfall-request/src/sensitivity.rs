//! `rosenbaum` of an effect: bounds on its p-value under hidden bias, from the matched pairs.

use utfall_effects::SignedRank;
use utfall_matching::Matched;

use crate::table::Table;
use crate::{Effect, Numbers, RequestError};

/// Puts the bounds for each `gamma` of the effect.
pub(crate) fn rosenbaum(
    table: &Table,
    effect: &Effect,
    matched: Option<&Matched>,
    numbers: &mut Numbers,
) -> Result<(), RequestError> {
    if effect.rosenbaum.is_empty() {
        return Ok(());
    }
    let pairs = matched.filter(|matched| {
        let n_pairs = matched.n_pairs();
        matched.n_treated_matched() == n_pairs && matched.n_comparator_matched() == n_pairs
    });
    let Some(pairs) = pairs else {
        return Err(RequestError::Contradiction {
            what: "`rosenbaum` without matched pairs".to_owned(),
            remedy: "match one comparator to each treated unit, each comparator once",
        });
    };
    let outcome = table.numbers(&effect.outcome)?;
    let differences: Vec<f64> = pairs
        .pairs()
        .map(|(t, c)| outcome[t] - outcome[c])
        .collect();
    let refused = |error| RequestError::effect(&[], None, error);
    let ranked = SignedRank::of(&differences).map_err(refused)?;
    numbers.count("signed_rank_n", ranked.n_pairs());
    numbers.real("signed_rank", ranked.statistic());
    for &gamma in &effect.rosenbaum {
        let bounds = ranked.bounds(gamma).map_err(refused)?;
        numbers.covariate("rosenbaum_upper", &gamma.to_string(), bounds.upper);
        numbers.covariate("rosenbaum_lower", &gamma.to_string(), bounds.lower);
    }
    Ok(())
}
