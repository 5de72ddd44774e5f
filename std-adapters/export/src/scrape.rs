//! A registry at one moment, as families.

use plimsoll::Snapshot;

use crate::family::Family;
use crate::model::Model;
use crate::sample::Sample;
use crate::table::FAMILIES;

/// A registry at one moment, as families of series. All encoders of this crate read one, so that what
/// they say of that moment agrees; so may an encoder of your own.
///
/// ```
/// use plimsoll::{Registry, Watermarks};
/// use plimsoll_export::{Exporter, Scrape, Value};
///
/// let registry = Registry::new();
/// let frames = registry.gauge("stdout_frames", Watermarks::percent(10, 80, 50))?;
/// frames.add(3);
///
/// let scrape = Exporter::new(&registry).scrape();
/// let size = Scrape::families().find(|family| family.name == "plimsoll_queue_size").unwrap();
/// scrape.for_each_sample(size, |sample| {
///     assert_eq!(sample.limit.unwrap().limit(), "stdout_frames");
///     assert_eq!(sample.value, Value::Integer(3));
/// });
/// # Ok::<(), plimsoll::RegisterError>(())
/// ```
#[derive(Debug)]
pub struct Scrape {
    pub(crate) model: Option<Model>,
}

/// What a snapshot that was taken already says, without the names of principals: to show one
/// moment in several forms.
impl From<Snapshot> for Scrape {
    fn from(snapshot: Snapshot) -> Self {
        Self { model: Some(Model::new(snapshot, false)) }
    }
}

impl Scrape {
    /// Every family, in one order, whether it has series at the moment or not.
    pub fn families() -> impl Iterator<Item = &'static Family> {
        FAMILIES.iter().copied().flatten()
    }

    /// Hands over each series of a family.
    pub fn for_each_sample(&self, family: &Family, mut sample: impl FnMut(Sample<'_>)) {
        if let Some(model) = &self.model {
            (family.read)(model, &mut sample);
        }
    }

    /// How many series there are: a histogram is one.
    pub fn series(&self) -> usize {
        let mut count = 0;
        Self::families().for_each(|family| self.for_each_sample(family, |_| count += 1));
        count
    }
}
