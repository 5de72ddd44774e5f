//! Foreign text, escaped to stay on one line.

use std::fmt::{self, Write};

/// Text as it is, with escapes for what would break the line, steer a terminal, or make one text
/// look like another (REG-12): control characters, line separators, characters that turn the
/// direction of text, and those without a shape of their own.
///
/// ```
/// use plimsoll::InLine;
///
/// assert_eq!(InLine("guest-7\n\u{1b}[2J").to_string(), r"guest-7\n\u{1b}[2J");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct InLine<'a>(pub &'a str);

impl fmt::Display for InLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            c if c.is_control() => write!(f, "{}", c.escape_debug()),
            c if is_invisible(c) => write!(f, "{}", c.escape_unicode()),
            c => f.write_char(c),
        })
    }
}

/// Unicode's default ignorable characters (`Default_Ignorable_Code_Point`, which holds the
/// zero-width ones, most of the bidirectional controls and the tags), its line and paragraph
/// separators, and the annotation marks.
const fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

#[cfg(test)]
mod tests {
    use super::InLine;

    #[test]
    fn reg_12_nothing_breaks_the_line_or_hides() {
        for c in (0..=0x10_ffff).filter_map(char::from_u32) {
            let shown = InLine(&format!("a{c}b")).to_string();
            // What Rust finds unprintable besides is unassigned, private or a space.
            let is_kept = shown.chars().nth(1) == Some(c);
            assert!(!(is_kept && c.is_control()), "{c:?}");
            assert_eq!(is_kept, shown.chars().count() == 3, "{c:?}");
        }
        let hostile = "a\u{2028}b\u{202e}c\u{200d}d\u{feff}e\u{1b}[2Jf\ng\u{85}h\u{e0041}i";
        let shown = "a\\u{2028}b\\u{202e}c\\u{200d}d\\u{feff}e\\u{1b}[2Jf\\ng\\u{85}h\\u{e0041}i";
        assert_eq!(InLine(hostile).to_string(), shown);
        assert_eq!(
            InLine("größe 東京 [guest-7] \\ e\u{301}").to_string(),
            "größe 東京 [guest-7] \\ e\u{301}"
        );
    }
}
