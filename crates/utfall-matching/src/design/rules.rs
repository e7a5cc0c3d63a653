//! Rules between two units, from the columns they are about.

use std::collections::BTreeMap;

use utfall_stats::moments;

use super::{Columns, CovariateCaliper, CovariateScale, DesignError, Matching};
use crate::Rule;

/// The rules that a matching names.
pub(super) fn rules<C: Columns>(
    columns: &C,
    matching: &Matching,
) -> Result<Vec<Rule>, DesignError<C::Error>> {
    let calipers = matching
        .calipers
        .iter()
        .map(|wanted| caliper(columns, wanted));
    let unlike = matching.unlike.iter().map(|name| unlike(columns, name));
    calipers.chain(unlike).collect()
}

fn caliper<C: Columns>(
    columns: &C,
    wanted: &CovariateCaliper,
) -> Result<Rule, DesignError<C::Error>> {
    let values = columns
        .numbers(&wanted.column)
        .map_err(DesignError::Column)?;
    let unit = match wanted.scale {
        CovariateScale::Raw => 1.0,
        CovariateScale::Sd => moments::mean_and_variance(&values).1.sqrt(),
    };
    let width = wanted.width.abs() * unit;
    Ok(if wanted.width < 0.0 {
        Rule::Apart { values, width }
    } else {
        Rule::Near { values, width }
    })
}

fn unlike<C: Columns>(columns: &C, name: &str) -> Result<Rule, DesignError<C::Error>> {
    let cells = columns.texts(name).map_err(DesignError::Column)?;
    let mut known: BTreeMap<&str, u32> = BTreeMap::new();
    let groups = cells.iter().map(|cell| {
        let next = u32::try_from(known.len()).unwrap_or(u32::MAX);
        *known.entry(cell).or_insert(next)
    });
    let groups = groups.collect();
    Ok(Rule::Unlike { groups })
}
