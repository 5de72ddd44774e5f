//! The terminal of the process, taken over for the view.

use std::io::{self, IsTerminal};
use std::time::Duration;

use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::{DefaultTerminal, Frame};

use crate::view::{App, Key};

/// The terminal, taken over. Dropping it gives the terminal back, and so does a panic on any
/// thread.
#[must_use = "the terminal is given back when this is dropped"]
#[derive(Debug)]
pub struct Screen(DefaultTerminal);

impl Screen {
    /// Takes the terminal over: its alternate screen, and keys as they are pressed.
    ///
    /// # Returns
    /// `None` where standard input or output is no terminal, or one that cannot move its cursor.
    ///
    /// # Errors
    /// What the terminal says.
    pub fn take() -> io::Result<Option<Self>> {
        let is_dumb = std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
        if (is_dumb && cfg!(unix)) || !io::stdout().is_terminal() || !io::stdin().is_terminal() {
            return Ok(None);
        }
        // Installs a panic hook that gives the terminal back before the panic is reported.
        let taken = ratatui::try_init();
        taken.map(|terminal| Some(Self(terminal))).inspect_err(|_| give_back())
    }

    /// Draws the view, in the size that the terminal has now.
    ///
    /// # Errors
    /// What the terminal says.
    pub fn draw(&mut self, app: &App) -> io::Result<()> {
        self.draw_with(|frame| app.draw(frame))
    }

    /// Draws what is no [`App`].
    ///
    /// # Errors
    /// What the terminal says.
    pub fn draw_with(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        self.0.draw(draw).map(drop)
    }

    /// Waits for a key, for `time` at most. Keys without a meaning for the view, and changes of the
    /// size, end the wait as well.
    ///
    /// # Errors
    /// What the terminal says.
    pub fn next_key(&mut self, time: Duration) -> io::Result<Option<Key>> {
        if !event::poll(time)? {
            return Ok(None);
        }
        Ok(match event::read()? {
            Event::Key(key) if key.kind != KeyEventKind::Release => key_of(key),
            _ => None,
        })
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

/// Gives the terminal back: for a program that ends without dropping its [`Screen`].
pub fn give_back() {
    // Nothing can be done about a terminal that refuses even this.
    let _ = ratatui::try_restore();
}

fn key_of(key: KeyEvent) -> Option<Key> {
    Some(match key.code {
        KeyCode::Char('c' | 'd') if key.modifiers.contains(KeyModifiers::CONTROL) => Key::Interrupt,
        KeyCode::Char(c) if !key.modifiers.contains(KeyModifiers::CONTROL) => Key::Char(c),
        KeyCode::Enter => Key::Enter,
        KeyCode::Esc => Key::Esc,
        KeyCode::Backspace => Key::Backspace,
        KeyCode::Up => Key::Up,
        KeyCode::Down => Key::Down,
        KeyCode::Home | KeyCode::PageUp => Key::Home,
        KeyCode::End | KeyCode::PageDown => Key::End,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_the_meaning_that_the_view_knows() {
        let of = |code, modifiers| key_of(KeyEvent::new(code, modifiers));
        assert_eq!(of(KeyCode::Char('q'), KeyModifiers::NONE), Some(Key::Char('q')));
        assert_eq!(of(KeyCode::Char('c'), KeyModifiers::CONTROL), Some(Key::Interrupt));
        assert_eq!(of(KeyCode::Char('x'), KeyModifiers::CONTROL), None);
        assert_eq!(of(KeyCode::Up, KeyModifiers::NONE), Some(Key::Up));
        assert_eq!(of(KeyCode::F(5), KeyModifiers::NONE), None);
    }
}
