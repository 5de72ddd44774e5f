//! Text tables: columns that line up.

use std::fmt;

/// Writes headings and rows in columns; those from `numbers_from` on are aligned to the right.
pub(super) fn write<const COLUMNS: usize>(
    f: &mut fmt::Formatter<'_>,
    headings: &[&str; COLUMNS],
    numbers_from: usize,
    rows: &[[String; COLUMNS]],
) -> fmt::Result {
    let mut widths = headings.map(str::len);
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    line(f, &widths, numbers_from, headings)?;
    rows.iter().try_for_each(|row| {
        writeln!(f)?;
        line(f, &widths, numbers_from, row)
    })
}

fn line<const COLUMNS: usize>(
    f: &mut fmt::Formatter<'_>,
    widths: &[usize; COLUMNS],
    numbers_from: usize,
    cells: &[impl AsRef<str>; COLUMNS],
) -> fmt::Result {
    for (column, (width, cell)) in widths.iter().zip(cells).enumerate() {
        let gap = if column == 0 { "" } else { "  " };
        let cell = cell.as_ref();
        if column < numbers_from {
            write!(f, "{gap}{cell:<width$}")?;
        } else {
            write!(f, "{gap}{cell:>width$}")?;
        }
    }
    Ok(())
}
