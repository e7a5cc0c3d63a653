//! Labels above a plot, each flying from a stem at its place, none over another label or stem.

/// A gap kept between two labels, in pixels.
const GAP: f64 = 8.0;

/// Where one label goes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Flag {
    /// Row above the plot, 0 the nearest.
    pub(crate) row: usize,
    /// Left edge of the label.
    pub(crate) left: f64,
}

/// Places labels of given widths at stems of given places, within `page` pixels.
///
/// All labels fly to the right of their stem, or all to the left where that would leave the page.
/// Those nearest the open side take the lowest rows, so no stem has to cross a label.
pub(crate) fn place(stems: &[(f64, f64)], page: f64) -> Vec<Flag> {
    let fits_right = stems
        .iter()
        .all(|&(x, width)| x + GAP / 2.0 + width <= page);
    let fits_left = stems.iter().all(|&(x, width)| x - GAP / 2.0 - width >= 0.0);
    let flies_left = !fits_right && fits_left;
    let mut order: Vec<usize> = (0..stems.len()).collect();
    order.sort_by(|&a, &b| {
        if flies_left {
            stems[a].0.total_cmp(&stems[b].0)
        } else {
            stems[b].0.total_cmp(&stems[a].0)
        }
    });
    let mut flags = vec![Flag { row: 0, left: 0.0 }; stems.len()];
    let mut placed: Vec<usize> = Vec::new();
    for index in order {
        let (x, width) = stems[index];
        let left = if flies_left {
            x - GAP / 2.0 - width
        } else {
            (x + GAP / 2.0).min(page - width)
        };
        let (from, to) = (left - GAP / 2.0, left + width + GAP / 2.0);
        let is_free = |row: usize| {
            placed.iter().all(|&other| {
                let (other_x, other_width) = stems[other];
                let Flag {
                    row: other_row,
                    left: other_left,
                } = flags[other];
                let stem_is_clear = other_row < row || other_x <= from || to <= other_x;
                let label_is_clear =
                    other_row != row || other_left + other_width <= from || to <= other_left;
                stem_is_clear && label_is_clear
            })
        };
        let row = (0..=placed.len())
            .find(|&row| is_free(row))
            .unwrap_or(placed.len());
        flags[index] = Flag { row, left };
        placed.push(index);
    }
    flags
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_side_by_side_share_a_row() {
        let flags = place(&[(10.0, 50.0), (100.0, 50.0)], 300.0);
        assert_eq!(
            flags.iter().map(|flag| flag.row).collect::<Vec<_>>(),
            [0, 0]
        );
    }

    #[test]
    fn a_label_over_another_stem_rises_above_it() {
        let flags = place(&[(10.0, 90.0), (60.0, 50.0)], 300.0);
        assert_eq!(
            flags.iter().map(|flag| flag.row).collect::<Vec<_>>(),
            [1, 0]
        );
    }

    #[test]
    fn labels_fly_left_where_the_page_ends() {
        let flags = place(&[(200.0, 90.0), (280.0, 60.0)], 300.0);
        assert!(
            flags
                .iter()
                .all(|flag| flag.left >= 0.0 && flag.left < 280.0)
        );
        assert_eq!(
            flags.iter().map(|flag| flag.row).collect::<Vec<_>>(),
            [0, 0]
        );
    }
}
