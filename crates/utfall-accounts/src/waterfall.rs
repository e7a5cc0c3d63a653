//! What is paid out, shared between those who put up capital.

use std::collections::BTreeMap;

use utfall_payment::{Remainder, share_out};

use crate::terms::{Party, Role, Terms};

/// What one party gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payout {
    /// The party.
    pub party: String,
    /// Capital paid back, in minor units.
    pub principal: i128,
    /// Earned beyond it, in minor units.
    pub earned: i128,
}

/// Shares a total between investors: first capital by rank, then the return by rank up to its cap, then what is left to
/// the residual party, or to investors by capital if there is none.
///
/// Within a rank shares are in proportion to capital, and minor units left over go to those whose parts lost most by
/// cutting. The parts add up to the total if there is an investor with capital or a residual party; nobody gets back more
/// than its capital, nor earns more than the cap.
///
/// `capital` is what each investor put up, in minor units.
#[must_use]
pub fn waterfall(terms: &Terms, capital: &BTreeMap<String, i128>, total: i128) -> Vec<Payout> {
    let capital_of = |party: &Party| capital.get(&party.name).copied().unwrap_or(0);
    let mut investors: Vec<&Party> = terms.with_role(Role::Investor).collect();
    investors.sort_by_key(|party| party.rank);
    let capitals: Vec<i128> = investors.iter().map(|party| capital_of(party)).collect();
    let mut left = total.max(0);
    let principal = by_rank(&investors, &capitals, &mut left);
    let mut earned = match terms.return_cap_basis_points {
        None => vec![0; investors.len()],
        Some(cap) => {
            let most: Vec<i128> = capitals
                .iter()
                .map(|capital| capital * i128::from(cap) / 10_000)
                .collect();
            by_rank(&investors, &most, &mut left)
        }
    };
    if terms.residual.is_none() {
        let parts = share_out(left, &weights(&capitals), Remainder::LargestRemainder);
        left -= parts.iter().sum::<i128>();
        for (earned, part) in earned.iter_mut().zip(parts) {
            *earned += part;
        }
    }
    let mut payouts: Vec<Payout> = investors
        .iter()
        .zip(principal.into_iter().zip(earned))
        .map(|(party, (principal, earned))| Payout {
            party: party.name.clone(),
            principal,
            earned,
        })
        .collect();
    if let Some(residual) = &terms.residual {
        match payouts.iter_mut().find(|payout| payout.party == *residual) {
            Some(payout) => payout.earned += left,
            None => payouts.push(Payout {
                party: residual.clone(),
                principal: 0,
                earned: left,
            }),
        }
    }
    payouts
}

/// Gives each rank in turn up to what it may get, and takes that from what is left.
fn by_rank(investors: &[&Party], most: &[i128], left: &mut i128) -> Vec<i128> {
    let mut parts = vec![0; investors.len()];
    let mut from = 0;
    while from < investors.len() {
        let rank = investors[from].rank;
        let to = from
            + investors[from..]
                .iter()
                .take_while(|party| party.rank == rank)
                .count();
        let paid = (*left).min(most[from..to].iter().sum());
        let shares = share_out(paid, &weights(&most[from..to]), Remainder::LargestRemainder);
        parts[from..to].copy_from_slice(&shares);
        *left -= shares.iter().sum::<i128>();
        from = to;
    }
    parts
}

fn weights(amounts: &[i128]) -> Vec<u64> {
    amounts
        .iter()
        .map(|amount| u64::try_from(*amount).unwrap_or(0))
        .collect()
}
