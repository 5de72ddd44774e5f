//! Pieces of text with an ink each, and lines of them.

use plimsoll::Level;

/// What a piece of text means; the screen chooses a colour for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ink {
    Plain,
    Dim,
    Title,
    Good,
    Elevated,
    Critical,
    Full,
}

impl From<Level> for Ink {
    fn from(level: Level) -> Self {
        match level {
            Level::Normal => Self::Good,
            Level::Elevated => Self::Elevated,
            Level::Critical => Self::Critical,
            Level::Full => Self::Full,
        }
    }
}

/// A piece of a line.
#[derive(Clone, Debug)]
pub(crate) struct Span {
    pub(crate) ink: Ink,
    pub(crate) text: String,
}

/// A line of the view, exactly as wide as asked for.
pub(crate) type Line = Vec<Span>;

pub(super) fn span(ink: Ink, text: impl Into<String>) -> Span {
    Span { ink, text: text.into() }
}

pub(super) fn heading(text: &str) -> Line {
    vec![span(Ink::Dim, text)]
}

/// Cuts a line off at the edge of the screen, or fills it up to there.
pub(super) fn fit(line: Line, columns: usize) -> Line {
    let mut room = columns;
    let mut fitted: Line = Vec::new();
    for piece in line {
        let text: String = piece.text.chars().take(room).collect();
        room -= text.chars().count();
        fitted.push(span(piece.ink, text));
    }
    fitted.push(span(Ink::Plain, " ".repeat(room)));
    fitted.retain(|piece| !piece.text.is_empty());
    fitted
}
