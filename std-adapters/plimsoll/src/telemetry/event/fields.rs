//! Events for machines: `serde` and `tracing`.

use std::borrow::Cow;

use super::{Event, Silence};
use crate::clock::whole_ms;

/// The fields of an event besides its limit, kind and level; `None` for those that it does not
/// have.
macro_rules! fields {
    (numbers: $($number:ident),*; texts: $($text:ident),*; others: $($name:ident: $type:ty),*;) => {
        #[derive(Default)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        pub(crate) struct Fields<'a> {
            $(
                #[cfg_attr(feature = "serde", serde(
                    default,
                    skip_serializing_if = "Option::is_none",
                    with = "crate::telemetry::ser::maybe_integer"
                ))]
                pub(crate) $number: Option<u64>,
            )*
            $(
                #[cfg_attr(feature = "serde", serde(
                    default,
                    skip_serializing_if = "Option::is_none"
                ))]
                pub(crate) $text: Option<Cow<'a, str>>,
            )*
            $(
                #[cfg_attr(feature = "serde", serde(
                    default,
                    skip_serializing_if = "Option::is_none"
                ))]
                pub(crate) $name: Option<$type>,
            )*
        }
    };
}

fields! {
    numbers: depth, observed, capacity, sequence, waiting, peak, duration_ms, suppressed, window_ms,
        elapsed_ms, elapsed_raw_ms, expired, watched, lag_ms, slack_ms;
    texts: detail, run;
    others: repeat: u32, is_gone: bool;
}

impl Event {
    pub(crate) fn fields(&self) -> Fields<'_> {
        match self {
            Self::Pressure(event) => Fields {
                depth: Some(event.depth),
                capacity: event.capacity,
                sequence: Some(event.sequence),
                waiting: Some(event.waiting),
                peak: Some(event.peak),
                duration_ms: event.duration.map(whole_ms),
                repeat: Some(event.repeat),
                suppressed: Some(event.suppressed).filter(|suppressed| *suppressed > 0),
                is_gone: event.is_gone.then_some(true),
                ..Fields::default()
            },
            Self::Exhausted(event) => Fields {
                depth: Some(event.depth()),
                observed: event.observed,
                capacity: event.capacity,
                detail: event.detail.as_deref().map(Cow::Borrowed),
                ..Fields::default()
            },
            Self::Guest(event) => {
                let Silence { run, window, elapsed, elapsed_raw, sequence, .. } = &event.silence;
                Fields {
                    run: Some(Cow::Borrowed(run)),
                    window_ms: Some(whole_ms(*window)),
                    elapsed_ms: Some(whole_ms(*elapsed)),
                    elapsed_raw_ms: Some(whole_ms(*elapsed_raw)),
                    sequence: Some(*sequence),
                    ..Fields::default()
                }
            }
            Self::Suspect(event) => Fields {
                expired: Some(event.expired),
                watched: Some(event.watched),
                ..Fields::default()
            },
            Self::Lagging(event) => Fields {
                lag_ms: Some(whole_ms(event.lag)),
                slack_ms: Some(whole_ms(event.slack)),
                ..Fields::default()
            },
        }
    }
}
