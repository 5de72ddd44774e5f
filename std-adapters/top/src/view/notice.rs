//! An event, as the pane of events shows it.

use std::time::Duration;

use plimsoll::{Event, EventKind, Level};

use super::text;

/// An event as one line of the view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// When it came, counted from any moment that the caller likes.
    pub at: Duration,
    /// What has happened.
    pub kind: EventKind,
    /// How serious it is.
    pub level: Level,
    /// The event in words. What would break the line or steer the terminal is escaped when it is
    /// drawn.
    pub text: String,
}

impl Notice {
    /// The event that came at this time.
    pub fn new(at: Duration, event: &Event) -> Self {
        Self { at, kind: event.kind(), level: event.level(), text: event.to_string() }
    }

    /// Without the time: `▲ queue frames raised to elevated: 9 of 10`
    pub fn words(&self) -> String {
        format!("{} {}", sign(self.kind), text::shown(&self.text))
    }

    /// `  13.44 ▲ queue frames raised to elevated: 9 of 10`
    pub(super) fn line(&self) -> String {
        format!("{:>8.2} {}", self.at.as_secs_f64(), self.words())
    }
}

/// `  13.44 ▲ queue frames raised to elevated: 9 of 10`
impl std::fmt::Display for Notice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.line())
    }
}

fn sign(kind: EventKind) -> char {
    match kind {
        EventKind::Raised => '▲',
        EventKind::Sustained => '●',
        EventKind::Cleared | EventKind::Recovered => '▼',
        EventKind::Exhausted => '✖',
        EventKind::Late => '○',
        EventKind::Silent => '■',
        _ => '-',
    }
}
