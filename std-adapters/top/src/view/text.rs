//! Names, numbers and styles.

use std::borrow::Cow;
use std::time::Duration;

use plimsoll::{Category, InLine, Level};
use ratatui::style::{Color, Modifier, Style};

/// Characters of a text of others that are looked at. No line of a terminal is longer.
const CHARS_MAX: usize = 500;

pub(super) const DIM: Style = Style::new().add_modifier(Modifier::DIM);
pub(super) const BOLD: Style = Style::new().add_modifier(Modifier::BOLD);

/// Text of others: on one line, without what steers a terminal (REG-12), and of a bounded length.
pub(super) fn shown(text: &str) -> String {
    let cut = match text.char_indices().nth(CHARS_MAX) {
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
        None => Cow::Borrowed(text),
    };
    InLine(&cut).to_string()
}

/// `stdout_frames[guest-7]`
pub(super) fn label(name: &str, scope: Option<&str>) -> String {
    match scope {
        Some(scope) => format!("{}[{}]", shown(name), shown(scope)),
        None => shown(name),
    }
}

/// The style of a level. Its users also say the level in words or by a sign.
pub(super) fn of_level(level: Level) -> Style {
    match level {
        Level::Normal => Style::new().fg(Color::Green),
        Level::Elevated => Style::new().fg(Color::Yellow),
        Level::Critical => Style::new().fg(Color::Magenta),
        Level::Full => Style::new().fg(Color::Red).add_modifier(Modifier::BOLD),
    }
}

/// An amount with its unit: `15.1 MiB`, `12.3k`.
pub(super) fn amount(category: Category, value: u64) -> String {
    let (number, unit) = scaled(category, value, value);
    format!("{number}{unit}")
}

/// `15.1/16.0 MiB`, `9/10`, or `9` where there is no bound.
pub(super) fn depth(category: Category, depth: u64, capacity: Option<u64>) -> String {
    let Some(capacity) = capacity else { return amount(category, depth) };
    let ((depth, _), (capacity, unit)) =
        (scaled(category, depth, capacity), scaled(category, capacity, capacity));
    format!("{depth}/{capacity}{unit}")
}

/// The value in the unit that suits `of`.
fn scaled(category: Category, value: u64, of: u64) -> (String, &'static str) {
    const BYTES: [&str; 7] = [" B", " KiB", " MiB", " GiB", " TiB", " PiB", " EiB"];
    const COUNTS: [&str; 7] = ["", "k", "M", "G", "T", "P", "E"];
    let (base, units, whole_to) = match category {
        Category::Memory => (1_024.0, BYTES, 1_024),
        _ => (1_000.0, COUNTS, 100_000),
    };
    if of < whole_to {
        return (value.to_string(), units[0]);
    }
    let power = ((of as f64).ln() / f64::ln(base)).floor() as usize;
    let power = power.clamp(1, units.len() - 1);
    let number = value as f64 / f64::powi(base, power as i32);
    (format!("{number:.1}"), units[power])
}

/// A share of the time: `40 %`; above 100 % if several waiters were blocked.
pub(super) fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

/// A time in at most seven columns: `340 µs`, `1.2 ms`, `18.1 s`.
pub(super) fn time(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    match seconds {
        0.0 => "0".to_owned(),
        ..0.000_999_5 => format!("{:.0} µs", seconds * 1e6),
        ..0.099_95 => format!("{:.1} ms", seconds * 1e3),
        ..0.999_5 => format!("{:.0} ms", seconds * 1e3),
        ..999.95 => format!("{seconds:.1} s"),
        ..99_999.5 => format!("{seconds:.0} s"),
        _ => format!("{:.0} d", seconds / 86_400.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_unit_that_suits_them() {
        assert_eq!(amount(Category::Queue, 99_999), "99999");
        assert_eq!(amount(Category::Cpu, 1_234_567), "1.2M");
        assert_eq!(amount(Category::Memory, 65_536), "64.0 KiB");
        assert_eq!(amount(Category::Queue, u64::MAX), "18.4E");
        assert_eq!(amount(Category::Memory, u64::MAX), "16.0 EiB");
        assert_eq!(depth(Category::Memory, 15 << 20, Some(16 << 20)), "15.0/16.0 MiB");
        assert_eq!(depth(Category::Queue, 9, Some(10)), "9/10");
        assert_eq!(depth(Category::Queue, 9, None), "9");
    }

    #[test]
    fn times_are_short() {
        let shown = |ns| time(Duration::from_nanos(ns));
        assert_eq!([0, 340_000, 1_210_000].map(shown), ["0", "340 µs", "1.2 ms"]);
        assert_eq!([404_400_000, 18_100_000_000].map(shown), ["404 ms", "18.1 s"]);
        // Up to the age of a long-lived host, and at each border.
        for ns in
            (0..10_u64.pow(18)).step_by(9_999_999_999_999_997).chain((0..19).flat_map(|power| {
                [10_u64.pow(power) - 1, 10_u64.pow(power), 10_u64.pow(power) / 10_000 * 9_999]
            }))
        {
            assert!(shown(ns).chars().count() <= 7, "{}", shown(ns));
        }
    }

    #[test]
    fn reg_12_text_of_others_is_one_short_line() {
        assert_eq!(label("a\u{1b}[2J", Some("b\nc")), "a\\u{1b}[2J[b\\nc]");
        let long = shown(&"x".repeat(1 << 20));
        assert_eq!((long.chars().count(), long.ends_with('…')), (CHARS_MAX + 1, true));
    }
}
