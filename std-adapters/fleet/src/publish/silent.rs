//! The guests that are silent now.

use std::collections::BTreeMap;
use std::sync::Arc;

use plimsoll::{Event, GuestChange};

use crate::state::SilentGuest;

/// Guests that are kept by name while they are silent; the others are counted.
const SILENT_MAX: usize = 500;

/// A watcher, a guest and its run.
type Run = (String, Arc<str>, Arc<str>);

#[derive(Debug, Default)]
pub(super) struct Silent(BTreeMap<Run, Since>);

#[derive(Debug)]
struct Since {
    at_unix_ms: u64,
    window_ms: u64,
    elapsed_ms: u64,
}

impl Silent {
    pub(super) fn keep(&mut self, event: &Event, at_unix_ms: u64) {
        let Some(guest) = event.as_guest() else { return };
        let silence = &guest.silence;
        let run = (event.name().to_owned(), silence.guest.clone(), silence.run.clone());
        match guest.change {
            GuestChange::Silent if self.0.len() < SILENT_MAX => {
                let ms =
                    |time: std::time::Duration| time.as_millis().try_into().unwrap_or(u64::MAX);
                let (window_ms, elapsed_ms) = (ms(silence.window), ms(silence.elapsed));
                self.0.insert(run, Since { at_unix_ms, window_ms, elapsed_ms });
            }
            GuestChange::Recovered | GuestChange::Ended => drop(self.0.remove(&run)),
            _ => {}
        }
    }

    pub(super) fn guests(&self, now_unix_ms: u64) -> Vec<SilentGuest> {
        let guests = self.0.iter().map(|((watcher, guest, run), since)| SilentGuest {
            watcher: watcher.clone(),
            guest: guest.as_ref().into(),
            run: run.as_ref().into(),
            silent_for_ms: now_unix_ms.saturating_sub(since.at_unix_ms),
            window_ms: since.window_ms,
            elapsed_ms: since.elapsed_ms,
        });
        guests.collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use plimsoll::{GuestEvent, Limit, Silence};

    use super::*;

    fn guest(change: GuestChange, run: &str) -> Event {
        let window = Duration::from_secs(10);
        let silence = Silence::new("guest", run, window, window * 2);
        GuestEvent::new(Limit::resource("alive"), change, silence).into()
    }

    #[test]
    fn silent_guests_are_those_that_have_not_come_back_and_they_are_bounded() {
        let mut silent = Silent::default();
        for run in ["a", "b", "c"] {
            silent.keep(&guest(GuestChange::Late, run), 1_000);
            silent.keep(&guest(GuestChange::Silent, run), 1_000);
        }
        silent.keep(&guest(GuestChange::Recovered, "a"), 1_500);
        silent.keep(&guest(GuestChange::Ended, "c"), 1_500);
        let guests = silent.guests(4_000);
        assert_eq!((guests.len(), &*guests[0].run), (1, "b"));
        assert_eq!((guests[0].silent_for_ms, guests[0].window_ms), (3_000, 10_000));
        (0..2 * SILENT_MAX)
            .for_each(|n| silent.keep(&guest(GuestChange::Silent, &n.to_string()), 0));
        assert_eq!(silent.guests(0).len(), SILENT_MAX);
    }
}
