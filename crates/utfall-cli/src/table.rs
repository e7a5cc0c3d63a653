//! Tables of text.

use std::io::{self, Write};

/// Writes rows under their header, columns as wide as they must be; those from `n_left` on are aligned to the right.
pub(crate) fn write(
    header: &[&str],
    rows: &[Vec<String>],
    n_left: usize,
    out: &mut dyn Write,
) -> io::Result<()> {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        let widths = cells.map(|cell| cell.chars().count());
        widths
            .chain([header[column].chars().count()])
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let header: Vec<String> = header.iter().map(|cell| (*cell).to_owned()).collect();
    for row in std::iter::once(&header).chain(rows) {
        let mut line = String::new();
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let cell = if column < n_left {
                format!("{cell:<width$}")
            } else {
                format!("{cell:>width$}")
            };
            line += "  ";
            line += &cell;
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}
