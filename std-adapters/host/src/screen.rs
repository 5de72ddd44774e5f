//! The terminal: taken over for the live view, and given back however the run ends.

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write as _};
use std::panic;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crossterm::cursor::{Hide, MoveTo, Show};
use crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use crossterm::style::{Attribute, Color, ResetColor, SetAttribute, SetForegroundColor};
use crossterm::terminal::{
    BeginSynchronizedUpdate, DisableLineWrap, EnableLineWrap, EndSynchronizedUpdate,
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode, size,
};
use crossterm::{Command, execute};

use crate::view::{Ink, Line};

/// Whether the terminal is ours. One flag for the process, because there is one terminal.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// Gives the terminal back, once.
pub(crate) fn give_back() {
    // AcqRel: of a drop and a panic hook on another thread, one and only one gives it back.
    if TAKEN.swap(false, Ordering::AcqRel) {
        // Nothing can be done about a terminal that refuses even this.
        let _ = execute!(io::stdout(), ResetColor, Show, EnableLineWrap, LeaveAlternateScreen);
        let _ = disable_raw_mode();
    }
}

/// The terminal, taken over. Dropping it gives the terminal back, and so does a panic anywhere.
#[must_use = "the terminal is given back when this is dropped"]
pub(crate) struct Screen(());

impl Screen {
    /// Takes the terminal over, where there is one that can show the view.
    pub(crate) fn take() -> Option<Self> {
        let dumb = std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
        if dumb || !io::stdout().is_terminal() || !io::stdin().is_terminal() {
            return None;
        }
        enable_raw_mode().ok()?;
        TAKEN.store(true, Ordering::Release);
        let screen = Self(());
        let report = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            // First, for the report would be lost with the alternate screen.
            give_back();
            report(panic);
        }));
        execute!(io::stdout(), EnterAlternateScreen, DisableLineWrap, Hide).ok()?;
        Some(screen)
    }

    /// Columns and rows, as they are now.
    pub(crate) fn size(&self) -> (usize, usize) {
        let (columns, rows) = size().unwrap_or((80, 24));
        (columns.into(), rows.into())
    }

    /// Shows the lines, in one write so that nothing flickers.
    pub(crate) fn draw(&mut self, lines: &[Line]) -> io::Result<()> {
        if !TAKEN.load(Ordering::Acquire) {
            return Err(io::Error::other("the terminal has been given back"));
        }
        let mut frame = String::new();
        paint(&mut frame, lines).map_err(io::Error::other)?;
        let mut out = io::stdout().lock();
        out.write_all(frame.as_bytes())?;
        out.flush()
    }

    /// Waits up to `time`, or until a key asks for the end. Returns whether one did.
    pub(crate) fn wait_for_quit(&mut self, time: Duration) -> io::Result<bool> {
        if !event::poll(time)? {
            return Ok(false);
        }
        Ok(match event::read()? {
            Event::Key(KeyEvent { code, modifiers, kind: KeyEventKind::Press, .. }) => {
                let control = modifiers.contains(KeyModifiers::CONTROL);
                match code {
                    KeyCode::Char('c') => control,
                    KeyCode::Char('q') | KeyCode::Esc => true,
                    _ => false,
                }
            }
            _ => false,
        })
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

fn paint(frame: &mut String, lines: &[Line]) -> std::fmt::Result {
    BeginSynchronizedUpdate.write_ansi(frame)?;
    for (row, line) in (0..).zip(lines) {
        MoveTo(0, row).write_ansi(frame)?;
        for piece in line {
            let (color, attribute) = look(piece.ink);
            SetAttribute(attribute).write_ansi(frame)?;
            SetForegroundColor(color).write_ansi(frame)?;
            frame.write_str(&piece.text)?;
            SetAttribute(Attribute::Reset).write_ansi(frame)?;
        }
    }
    EndSynchronizedUpdate.write_ansi(frame)
}

fn look(ink: Ink) -> (Color, Attribute) {
    match ink {
        Ink::Plain => (Color::Reset, Attribute::Reset),
        Ink::Dim => (Color::Reset, Attribute::Dim),
        Ink::Title => (Color::DarkCyan, Attribute::Bold),
        Ink::Good => (Color::DarkGreen, Attribute::Reset),
        Ink::Elevated => (Color::DarkYellow, Attribute::Reset),
        Ink::Critical => (Color::DarkMagenta, Attribute::Reset),
        Ink::Full => (Color::Red, Attribute::Bold),
    }
}
