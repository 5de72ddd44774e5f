//! Where scrapes come from.

use plimsoll::{Registry, WeakRegistry};

use crate::model::Model;
use crate::scrape::Scrape;

/// Reads a registry for those who look at it from outside the process.
///
/// It holds the registry weakly: once its last handle and all that was registered is dropped, nothing
/// is exported. Nothing is read between two scrapes, and a recorder does not wait for one.
///
/// # Invariants
/// - SEE-2: the number of series is bounded by what is registered, and no label has a value that
///   traffic makes: of a ledger the ten largest users are series, by their rank.
/// - SEE-4: principals are shown only if [asked for](Self::top_principals).
/// - SEE-5: all that this crate exports of one moment comes from one table.
///
/// # Example
/// ```
/// use plimsoll::{Registry, Watermarks};
/// use plimsoll_export::Exporter;
///
/// let registry = Registry::new();
/// let frames = registry.gauge("stdout_frames", Watermarks::new(10))?;
/// let exporter = Exporter::new(&registry);
/// assert!(exporter.scrape().series() > 5);
/// # Ok::<(), plimsoll::RegisterError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Exporter {
    registry: WeakRegistry,
    shows_principals: bool,
}

impl Exporter {
    /// Exports what is registered in `registry`.
    pub fn new(registry: &Registry) -> Self {
        Self { registry: registry.downgrade(), shows_principals: false }
    }

    /// Whether the largest users of ledgers are named, in the label `principal` of
    /// `plimsoll_ledger_top_info`. Off by default. Each principal that comes up to the ten largest makes
    /// a series, and a server keeps it for as long as it keeps anything.
    #[must_use]
    pub fn top_principals(mut self, are_shown: bool) -> Self {
        self.shows_principals = are_shown;
        self
    }

    /// Reads the registry now.
    pub fn scrape(&self) -> Scrape {
        let registry = self.registry.upgrade();
        let model = registry.map(|registry| Model::new(registry.snapshot(), self.shows_principals));
        Scrape { model }
    }

    #[cfg(feature = "opentelemetry")]
    pub(crate) fn registry(&self) -> &WeakRegistry {
        &self.registry
    }
}
