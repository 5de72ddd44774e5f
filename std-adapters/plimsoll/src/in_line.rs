//! Text of others, on one line.

use std::fmt::{self, Write};

/// Text as it is, with escapes for what would break the line or drive a terminal.
pub(crate) struct InLine<'a>(pub(crate) &'a str);

impl fmt::Display for InLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '\u{2028}' | '\u{2029}' => write!(f, "{}", c.escape_unicode()),
            c if c.is_control() => write!(f, "{}", c.escape_debug()),
            c => f.write_char(c),
        })
    }
}
