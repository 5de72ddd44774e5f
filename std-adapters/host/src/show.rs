//! What the run shows while it goes on: the live view, or lines to be read later.

use std::io::{self, Write};
use std::time::Duration;

use plimsoll::{Event, Level, Registry};
use plimsoll_top::terminal::Screen;
use plimsoll_top::view::{Action, App, Notice};

use crate::report::Report;
use crate::stop::Stop;

/// How often lines say how things stand.
const STATUS: Duration = Duration::from_secs(1);

pub(crate) enum Show {
    Nothing,
    Lines { next_status: Duration },
    View { screen: Screen, app: Box<App>, length: Duration },
}

impl Show {
    /// The view where there is a terminal, lines elsewhere.
    ///
    /// # Errors
    /// What the terminal says.
    pub(crate) fn take(length: Duration) -> io::Result<Self> {
        Ok(match Screen::take()? {
            Some(screen) => {
                Self::View { screen, app: Box::new(App::new("PLIMSOLL · sandbox host")), length }
            }
            None => Self::Lines { next_status: Duration::ZERO },
        })
    }

    pub(crate) fn event(&mut self, at: Duration, event: &Event) -> io::Result<()> {
        match self {
            Self::Nothing => {}
            Self::Lines { .. } => writeln!(io::stdout(), "{}", Notice::new(at, event))?,
            Self::View { app, .. } => app.on_event(at, event),
        }
        Ok(())
    }

    /// Shows how things stand, and does what keys ask for.
    pub(crate) fn frame(
        &mut self,
        at: Duration,
        registry: &Registry,
        report: &Report,
        stop: &Stop,
    ) -> io::Result<()> {
        match self {
            Self::Nothing => Ok(()),
            Self::Lines { next_status } if at < *next_status => Ok(()),
            Self::Lines { next_status } => {
                *next_status += STATUS;
                status(&mut io::stdout().lock(), at, registry, report)
            }
            Self::View { screen, app, length } => {
                while let Some(key) = screen.next_key(Duration::ZERO)? {
                    if app.on_key(key) == Action::Quit {
                        stop.request("a key");
                    }
                }
                let snapshot = registry.snapshot();
                let (now, length) = (at.as_secs_f64(), length.as_secs_f64());
                app.set_status(format!("{now:.1} s of {length} s"));
                app.set_facts(report.facts(&snapshot));
                app.on_snapshot(at, snapshot);
                screen.draw(app)
            }
        }
    }
}

/// A line for each limit that is raised, and what the host knows.
fn status(
    out: &mut impl Write,
    at: Duration,
    registry: &Registry,
    report: &Report,
) -> io::Result<()> {
    let (at, snapshot) = (at.as_secs_f64(), registry.snapshot());
    for entry in snapshot.entries().iter().filter(|entry| entry.level > Level::Normal) {
        writeln!(out, "{at:>8.2} - status {entry}")?;
    }
    for (heading, text) in report.facts(&snapshot) {
        writeln!(out, "{at:>8.2} - status {heading} {text}")?;
    }
    out.flush()
}
