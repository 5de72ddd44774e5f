//! What the handles of one limit share, if the registry holds it as well.

use std::ops::Deref;
use std::sync::Arc;

use plimsoll_core::Edge;

use super::handles::Handles;
use super::registration::Registration;
use crate::telemetry::Source;

/// A handle's share of a source that the registry holds too, so that a snapshot reads it without
/// counting a reference. The last handle leaves the registry, which then releases the source.
///
/// For sources that are cheap to keep: an entry that has left keeps its source until its last event is
/// delivered, and as long as a pressure or a snapshot under way has the entry. Since the registry holds
/// the source, the source cannot hold its registration: readers hand on the edge that a reading has made.
pub(crate) struct Registered<S>(Arc<Inner<S>>);

struct Inner<S> {
    source: Arc<S>,
    registration: Registration,
}

impl<S: Source + 'static> Registered<S> {
    /// Snapshots show `source` from here on.
    pub(crate) fn new(registration: Registration, source: S) -> Self {
        let inner = Arc::new(Inner { source: Arc::new(source), registration });
        inner.registration.attach_kept(inner.source.clone(), Handles::of(&inner));
        Self(inner)
    }

    #[cfg(any(feature = "crossbeam", feature = "std-channel", feature = "tokio"))]
    pub(crate) fn handles(&self) -> Handles {
        Handles::of(&self.0)
    }
}

impl<S> Registered<S> {
    /// What the registry holds as well.
    #[cfg(any(feature = "crossbeam", feature = "std-channel", feature = "tokio"))]
    pub(crate) fn source(&self) -> &Arc<S> {
        &self.0.source
    }

    pub(crate) fn registration(&self) -> &Registration {
        &self.0.registration
    }

    /// Hands on an edge, if there is one. No lock may be held.
    #[inline(always)]
    pub(crate) fn emit(&self, edge: Option<Edge>) {
        self.0.registration.emit(edge);
    }
}

impl<S> Deref for Registered<S> {
    type Target = S;

    #[inline(always)]
    fn deref(&self) -> &S {
        &self.0.source
    }
}

impl<S> Clone for Registered<S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use plimsoll_core::{SampledGauge, Watermarks};

    use super::*;
    use crate::sync::{AtomicU64, Mutex, Ordering};
    use crate::telemetry::SourceReading;
    use crate::{EventKind, Limit, PressureRule, Registry};

    /// Each reading makes the next edge of a depth that rises and falls.
    struct Restless {
        gauge: SampledGauge,
        readings: AtomicU64,
    }

    impl Restless {
        fn new(watermarks: Watermarks) -> Self {
            Self { gauge: SampledGauge::new(watermarks), readings: AtomicU64::new(0) }
        }
    }

    impl Source for Restless {
        fn look(&self) -> Option<SourceReading> {
            let depth = self.readings.fetch_add(1, Ordering::Relaxed) % 2 * 9;
            let (reading, edge) = self.gauge.reading(|| 9 - depth);
            Some(SourceReading::unblocked(reading).with_edge(edge))
        }
    }

    #[test]
    fn reg_8_an_edge_that_a_reader_finds_too_late_is_no_event() {
        let (registry, watermarks) = (Registry::new(), Watermarks::new(10));
        let heard = Arc::<Mutex<Vec<EventKind>>>::default();
        let notes = heard.clone();
        let _subscription = registry.subscribe(move |event| {
            notes.lock().push(event.kind());
        });
        let limit = Limit::queue("restless").pressure(PressureRule::IMMEDIATE);
        let place = registry.reserve(limit, watermarks).unwrap();
        let limit = Registered::new(place, Restless::new(watermarks));
        registry.snapshot();
        assert_eq!(*heard.lock(), [EventKind::Raised], "the reader hands on its edge");
        // As readers do that have listed it before it leaves.
        let listed = registry.0.entries.listed();
        drop(limit);
        assert_eq!(heard.lock().len(), 2, "it is cleared");
        for line in listed.iter().chain(listed.iter()) {
            let read = line.source().and_then(|source| registry.0.look_at(&line.entry, source));
            assert!(read.is_some_and(|read| read.edge.is_some()), "an edge each");
            registry.deliver();
        }
        assert_eq!(*heard.lock(), [EventKind::Raised, EventKind::Cleared]);
    }

    #[cfg(any(feature = "crossbeam", feature = "std-channel", feature = "tokio"))]
    #[test]
    fn reg_10_who_keeps_an_entry_keeps_no_handle() {
        let (registry, watermarks) = (Registry::new(), Watermarks::new(10));
        let place = registry.reserve("restless", watermarks).unwrap();
        let limit = Registered::new(place, Restless::new(watermarks));
        let (handles, source) = (limit.handles(), Arc::downgrade(limit.source()));
        let listed = registry.0.entries.listed();
        assert!(handles.are_left());
        drop(limit);
        assert!(!handles.are_left() && source.upgrade().is_some(), "listed by a reader");
        drop(listed);
        assert!(source.upgrade().is_none());
    }

    #[test]
    fn reg_2_the_last_handle_takes_the_source_out_of_the_registry() {
        let (registry, watermarks) = (Registry::new(), Watermarks::new(10));
        let place = registry.reserve("restless", watermarks).unwrap();
        let limit = Registered::new(place, Restless::new(watermarks));
        let source = Arc::downgrade(&limit.0.source);
        let (again, snapshot) = (limit.clone(), registry.snapshot());
        drop(limit);
        assert_eq!(registry.snapshot().entries().len(), 1, "a handle is left");
        drop(again);
        assert!(source.upgrade().is_none(), "nobody holds it, the snapshot neither");
        assert_eq!((registry.snapshot().entries().len(), snapshot.entries().len()), (0, 1));
    }
}
