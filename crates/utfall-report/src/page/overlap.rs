//! How far the arms overlapped before matching: the picture, and its counts in a table.

use utfall_disclosure::Cell;
use utfall_verify::record::{OverlapBin, OverlapDocument, OverlapResult};

use super::released::cell;
use super::{OverlapRow, OverlapSection};
use crate::number::fixed;
use crate::picture::{OverlapBar, overlap as picture};

/// Builds the part from released counts. No other count of the overlap reaches the page.
pub(crate) fn section(overlap: &OverlapDocument) -> OverlapSection {
    match &overlap.result {
        OverlapResult::NoScore { reason } => OverlapSection {
            text: format!("There is no overlap to show: {reason}."),
            picture: None,
            rows: Vec::new(),
        },
        OverlapResult::Scored { bins } => OverlapSection {
            text: "The score is the probability of the programme given the covariates, before matching. Where only one group has units, nobody of the other can tell what would have happened to them.".to_owned(),
            picture: Some(picture(&bars(bins))),
            rows: bins.iter().map(row).collect(),
        },
    }
}

fn bars(bins: &[OverlapBin]) -> Vec<OverlapBar> {
    let totals = [
        total(bins.iter().map(|bin| bin.treated)),
        total(bins.iter().map(|bin| bin.comparator)),
    ];
    let share = |shown: Cell, total: f64| Some(cell(shown).size? / total);
    let bar = |bin: &OverlapBin| OverlapBar {
        from: bin.from,
        below: bin.below,
        treated: share(bin.treated, totals[0]),
        comparator: share(bin.comparator, totals[1]),
    };
    bins.iter().map(bar).collect()
}

/// Units of an arm that are shown; at least one, to divide by.
fn total(cells: impl Iterator<Item = Cell>) -> f64 {
    cells
        .filter_map(|shown| cell(shown).size)
        .sum::<f64>()
        .max(1.0)
}

fn row(bin: &OverlapBin) -> OverlapRow {
    let decimals = if bin.below - bin.from < 0.009 { 3 } else { 2 };
    OverlapRow {
        score: format!(
            "{} to {}",
            fixed(bin.from, decimals),
            fixed(bin.below, decimals)
        ),
        treated: cell(bin.treated).text,
        comparators: cell(bin.comparator).text,
    }
}
