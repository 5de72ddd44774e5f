//! The reading of a limit, as a bar.

use plimsoll::Level;

use super::text::{Ink, Span, span};

/// The reading of one limit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Meter {
    pub(crate) depth: u64,
    pub(crate) high_water: u64,
    pub(crate) capacity: u64,
    pub(crate) low: u64,
    pub(crate) high: u64,
    pub(crate) level: Level,
}

impl Meter {
    pub(super) fn ink(&self) -> Ink {
        if self.depth >= self.capacity.max(1) { Ink::Full } else { self.level.into() }
    }
}

/// The depth as a bar to the eighth of a column, with the two watermarks and the high-water mark.
pub(super) fn bar(meter: &Meter, columns: usize) -> Vec<Span> {
    const EIGHTHS: [char; 8] = ['·', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
    let eighths = |depth: u64| {
        let part = depth.min(meter.capacity) as f64 / meter.capacity.max(1) as f64;
        (part * (columns * 8) as f64).round() as usize
    };
    // The column in which a bar of this depth ends.
    let column = |depth: u64| eighths(depth).div_ceil(8).clamp(1, columns) - 1;
    let filled = if meter.depth == 0 { 0 } else { eighths(meter.depth).max(1) };
    let mut cells: Vec<(Ink, char)> = (0..columns)
        .map(|at| match filled.saturating_sub(at * 8) {
            0 => (Ink::Dim, EIGHTHS[0]),
            part @ 1..8 => (meter.ink(), EIGHTHS[part]),
            _ => (meter.ink(), '█'),
        })
        .collect();
    cells[column(meter.low)] = (Ink::Dim, '┊');
    cells[column(meter.high)] = (Ink::Plain, '│');
    if meter.high_water > meter.depth {
        cells[column(meter.high_water)] = (Ink::Elevated, '◆');
    }
    let mut spans: Vec<Span> = Vec::new();
    for (ink, cell) in cells {
        match spans.last_mut() {
            Some(last) if last.ink == ink => last.text.push(cell),
            _ => spans.push(span(ink, cell)),
        }
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::super::tests::meter;
    use super::*;

    fn bar_text(meter: Meter, columns: usize) -> String {
        bar(&meter, columns).into_iter().map(|piece| piece.text).collect()
    }

    #[test]
    fn a_bar_shows_depth_watermarks_and_high_water() {
        assert_eq!(bar_text(meter(0, 0, 16), 16), "·······┊····│···");
        assert_eq!(bar_text(meter(4, 4, 16), 16), "████···┊····│···");
        assert_eq!(bar_text(meter(4, 16, 16), 16), "████···┊····│··◆");
        assert_eq!(bar_text(meter(16, 16, 16), 16), "███████┊████│███");
        assert_eq!(bar_text(meter(1, 1, 16), 8), "▌··┊··│·");
        assert_eq!(bar_text(meter(1, 1, 1_000), 8), "▏··┊··│·", "a little is not nothing");
    }

    #[test]
    fn a_bar_survives_readings_that_should_not_be() {
        let beyond = Meter { depth: 99, high_water: 120, ..meter(0, 0, 16) };
        assert_eq!(bar_text(beyond, 16).chars().count(), 16);
        let unbounded = Meter { capacity: 0, low: 0, high: 0, ..beyond };
        assert_eq!(bar_text(unbounded, 16).chars().count(), 16);
    }
}
