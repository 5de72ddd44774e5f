//! A limit as a bar.

use plimsoll::{Level, SnapshotEntry};
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::text::{BOLD, DIM, of_level};

/// What a bar shows of a limit with a capacity.
#[derive(Clone, Copy)]
struct Meter {
    depth: u64,
    high_water: u64,
    capacity: u64,
    low: Option<u64>,
    high: Option<u64>,
    level: Level,
}

/// The depth as a bar of so many columns, with the watermarks of the first level and the high-water
/// mark. Without a capacity there is none.
pub(super) fn bar(entry: &SnapshotEntry, columns: usize) -> Line<'static> {
    let marks = entry.watermarks();
    match entry.capacity() {
        Some(capacity @ 1..) => Line::from(cells(
            Meter {
                depth: entry.depth,
                high_water: entry.high_water,
                capacity,
                low: marks.low(Level::Elevated),
                high: marks.high(Level::Elevated),
                level: entry.level,
            },
            columns,
        )),
        Some(_) => Line::styled("no room: a rendezvous", DIM),
        None => Line::styled("no bound", DIM),
    }
}

fn cells(meter: Meter, columns: usize) -> Vec<Span<'static>> {
    const EIGHTHS: [&str; 8] = ["·", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    if columns == 0 {
        return Vec::new();
    }
    let eighths = |depth: u64| {
        let part = depth.min(meter.capacity) as f64 / meter.capacity as f64;
        (part * (columns * 8) as f64).round() as usize
    };
    // A little is not nothing.
    let filled = if meter.depth == 0 { 0 } else { eighths(meter.depth).max(1) };
    let style = of_level(meter.level);
    let mut cells: Vec<(&str, Style)> = (0..columns)
        .map(|at| match filled.saturating_sub(at * 8) {
            0 => (EIGHTHS[0], DIM),
            part @ 1..8 => (EIGHTHS[part], style),
            _ => ("█", style),
        })
        .collect();
    // The column in which a bar of this depth ends.
    let column = |depth: u64| eighths(depth).div_ceil(8).clamp(1, columns) - 1;
    if let Some(low) = meter.low {
        cells[column(low)] = ("┊", DIM);
    }
    if let Some(high) = meter.high {
        cells[column(high)] = ("│", Style::new());
    }
    if meter.high_water > meter.depth {
        cells[column(meter.high_water)] = ("◆", BOLD);
    }
    cells.into_iter().map(|(cell, style)| Span::styled(cell, style)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar_text(depth: u64, high_water: u64, capacity: u64, columns: usize) -> String {
        let (low, high) = (Some(capacity / 2), Some((capacity * 8).div_ceil(10)));
        let meter = Meter { depth, high_water, capacity, low, high, level: Level::Normal };
        cells(meter, columns).into_iter().map(|cell| cell.content).collect()
    }

    #[test]
    fn a_bar_shows_depth_watermarks_and_high_water() {
        assert_eq!(bar_text(0, 0, 16, 16), "·······┊····│···");
        assert_eq!(bar_text(4, 4, 16, 16), "████···┊····│···");
        assert_eq!(bar_text(4, 16, 16, 16), "████···┊····│··◆");
        assert_eq!(bar_text(16, 16, 16, 16), "███████┊████│███");
        assert_eq!(bar_text(1, 1, 16, 8), "▌··┊··│·");
        assert_eq!(bar_text(1, 1, 1_000, 8), "▏··┊··│·", "a little is not nothing");
    }

    #[test]
    fn a_bar_survives_readings_that_should_not_be() {
        assert_eq!(bar_text(99, 120, 16, 16).chars().count(), 16);
        assert_eq!(bar_text(u64::MAX, u64::MAX, 1, 3).chars().count(), 3);
        assert_eq!(bar_text(1, 1, 1, 0), "");
        assert_eq!(bar_text(1, 2, u64::MAX / 16, 1).chars().count(), 1);
    }
}
